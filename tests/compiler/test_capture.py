"""When programs of a GPU are recorded, and when recordings are played."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from penstock.compiler.capture import CapturedProgram, captured, obstacle
from penstock.compiler.compile import compile_partitions
from penstock.compiler.optimize import dataflow_of
from penstock.compiler.options import Options
from penstock.core import array
from penstock.core.graph import Graph
from penstock.core.local_devices import local_devices
from penstock.core.resources import ResourceManager
from penstock.language.control_flow import while_loop
from penstock.language.variables import VariableV1
from penstock.ops.array.shaping import reshape_op
from penstock.ops.constant import constant, placeholder, shape_op
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.random.stateful import random_uniform_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def numbers(*values):
    return array.from_numpy(np.array(values, np.float32))


class Recorder:
    """Records as a driver does: arguments are copied to memory of the recording, results are in memory that the next
    call overwrites, and nothing is run again but what was recorded."""

    def __init__(self, error=None, error_of_values=0.0):
        self.recorded, self.played, self.error, self.offset = [], 0, error, error_of_values

    def __call__(self, function, values):
        if self.error is not None:
            raise self.error
        self.recorded.append([array.dims_of(value) for value in values])
        outputs = [array.clone(value) for value in function(*values)]

        def play(*given):
            self.played += 1
            for output, value in zip(outputs, function(*given), strict=True):
                output.copy_(value + self.offset)
            return outputs

        return play


def program_of(recorder, fetches, feeds, resources=None):
    """Return the program of a step on one device, to be recorded by `recorder`."""
    (cpu,) = local_devices()
    (part,) = compile_partitions(fetches, [], feeds, resources or ResourceManager(), Options(), lambda op: cpu)
    return captured(part.program, part.dataflow, "cuda:0", recorder)


def reason(fetches, feeds=(), targets=()):
    return obstacle(dataflow_of(fetches, targets, list(feeds), Options()))


def test_what_computes_fetches_from_feeds_constants_and_variables_can_be_recorded(graph):
    x = placeholder("float32", [None, 4])
    w = VariableV1(np.ones((4, 6), np.float32), use_resource=True)
    r = VariableV1(np.ones((6,), np.float32), use_resource=False)
    y = reshape_op(tanh_op(mat_mul_op(x, w.read_value()) + r.value()), [-1, 3])
    assert reason([y], [x]) is None
    assert reason([reshape_op(y, shape_op(x))], [x]) is None


def test_what_has_effects_or_needs_the_host_cannot(graph):
    x = placeholder("float32", [4], name="x")
    v = VariableV1(np.ones(4, np.float32), use_resource=True)
    assert "has effects" in reason([x + 1.0], [x], [v.assign_add(x).op])
    assert "has effects" in reason([random_uniform_op(constant([2]), dtype="float32") * x[0]], [x])
    looped = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tanh_op(y)), [0, x])[1]
    assert "runs functions" in reason([looped], [x])
    size = placeholder("int32", [2])
    assert "numbers that the step computes" in reason([reshape_op(x, size)], [x, size])
    text = placeholder("string", [])
    assert "no array" in reason([x + 1.0, text], [x, text])
    assert "gives nothing" in reason([], [x], [v.initializer])


def test_a_program_is_recorded_when_shapes_are_stable_and_played_from_then_on(graph):
    x = placeholder("float32", [None])
    recorder = Recorder()
    program = program_of(recorder, [x * 2.0 + 1.0], [x])
    for step in range(8):
        (result,) = program(None, numbers(step, 2.0))
        assert result.tolist() == [2.0 * step + 1.0, 5.0]
    assert recorder.recorded == [[(2,)]]
    assert recorder.played == 1 + 4  # one to compare, and the steps after the fourth


def test_results_stay_as_they_are_when_the_recording_is_played_again(graph):
    x = placeholder("float32", [None])
    program = program_of(Recorder(), [tanh_op(x)], [x])
    kept = [program(None, numbers(step)) for step in range(8)]
    assert [value.item() for (value,) in kept] == pytest.approx(np.tanh(np.arange(8)), rel=1e-6)


def test_other_shapes_run_plainly_and_changing_shapes_end_the_attempts(graph):
    x = placeholder("float32", [None])
    recorder = Recorder()
    program = program_of(recorder, [x + 1.0], [x])
    for size in range(1, 8):
        for _ in range(5):
            (result,) = program(None, numbers(*range(size)))
            assert result.tolist() == [k + 1.0 for k in range(size)]
    assert recorder.recorded == [[(1,)], [(2,)], [(3,)], [(4,)]]
    assert program.is_refused


@pytest.mark.parametrize("recorder", [Recorder(error=RuntimeError("waits")), Recorder(error_of_values=0.1)])
def test_a_program_that_cannot_be_recorded_or_plays_wrongly_runs_plainly(recorder, graph):
    x = placeholder("float32", [None])
    program = program_of(recorder, [x + 1.0], [x])
    for step in range(8):
        assert program(None, numbers(step))[0].tolist() == [step + 1.0]
    assert program.is_refused and recorder.played <= 1


def test_a_variable_whose_memory_moves_is_not_read_where_it_was(graph):
    x = placeholder("float32", [2])
    v = VariableV1(np.ones(2, np.float32), use_resource=True)
    with Session(graph=graph) as session:
        session.run(v.initializer)
        recorder = Recorder()
        program = program_of(recorder, [x + v.read_value()], [x], session._resources)
        (storage,) = program._variables
        for _ in range(6):
            assert program(None, numbers(0, 0))[0].tolist() == [1, 1]
        played = recorder.played
        storage.take(numbers(5, 6))
        assert program(None, numbers(0, 0))[0].tolist() == [5, 6]
        assert recorder.played == played


def test_threads_do_not_play_one_recording_at_a_time(graph):
    x = placeholder("float32", [None])
    program = program_of(Recorder(), [x * 2.0], [x])
    wrong = []

    def work(number):
        for _ in range(200):
            (result,) = program(None, numbers(number, number))
            if result.tolist() != [2.0 * number] * 2:
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_programs_of_the_cpu_are_left_alone(graph):
    x = placeholder("float32", [None])
    (cpu,) = local_devices()
    (part,) = compile_partitions([x + 1.0], [], [x], ResourceManager(), Options(), lambda op: cpu)
    assert captured(part.program, part.dataflow, "cpu") is part.program
    assert not isinstance(part.program, CapturedProgram)


@pytest.mark.skipif(not array.gpu_count(), reason="needs a CUDA device")
@pytest.mark.needs_gpu
def test_a_gpu_records_and_plays(graph):
    with graph.device("/gpu:0"):
        x = placeholder("float32", [None, 8])
        w = VariableV1(np.ones((8, 8), np.float32), use_resource=True)
        y = tanh_op(mat_mul_op(x, w.read_value()))
        update = w.assign_add(np.full((8, 8), 0.1, np.float32))
    with Session(graph=graph) as session:
        session.run(w.initializer)
        program = session.program(y, [x])
        assert isinstance(program.partitions[0].program, CapturedProgram)
        for step in range(12):
            given = np.full((4, 8), step / 10, np.float32)
            expected = np.tanh(given @ session.run(w.read_value()))
            np.testing.assert_allclose(array.to_numpy(program(array.from_numpy(given))[0]), expected, rtol=1e-4)
            session.run(update.op)
        assert not program.partitions[0].program.is_refused
