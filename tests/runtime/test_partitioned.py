"""Steps on several devices, deadlines, and runs that are stopped."""

from __future__ import annotations

import _thread
import signal
import threading

import numpy as np
import pytest

from penstock.core import array
from penstock.core.errors import CancelledError, DeadlineExceededError, InvalidArgumentError
from penstock.core.graph import Graph
from penstock.formats import protos
from penstock.language.control_flow import while_loop
from penstock.language.variables import VariableV1
from penstock.ops.array.shaping import reshape_op
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.binary import floor_div_op
from penstock.ops.math.exponential import tanh_op
from penstock.ops.script.py_function import py_func
from penstock.runtime.session import Session


def four(**fields):
    return protos.ConfigProto(device_count={"CPU": 4}, **fields)


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def ring(graph, x, rounds=3):
    """Return a value that visits all devices in turn."""
    for index in range(4 * rounds):
        with graph.device(f"/cpu:{index % 4}"):
            x = tanh_op(x) + 1.0
    return x


def endless(graph, started=None):
    def body(i):
        if started is None:
            return i * 1
        return reshape_op(py_func(lambda v: (started.set(), v)[1], [i], i.dtype), [])

    return while_loop(lambda i: i < 10, body, [constant(0)])[0]


@pytest.mark.parametrize("inter_op", [0, 1, 2])
def test_values_visit_devices_with_any_number_of_threads(graph, inter_op):
    x = placeholder("float64", [])
    y = ring(graph, x)
    with Session(graph=graph, config=four(inter_op_parallelism_threads=inter_op)) as session:
        expected = 0.5
        for _ in range(12):
            expected = np.tanh(expected) + 1.0
        np.testing.assert_allclose(session.run(y, {x: 0.5}), expected, rtol=1e-12)


@pytest.mark.parametrize("inter_op", [1, 2, 0])
def test_many_threads_run_one_session(graph, inter_op):
    x = placeholder("float64", [])
    y = ring(graph, x)
    with graph.device("/cpu:2"):
        total = VariableV1(0.0, use_resource=True)
        count = total.assign_add(1.0, read_value=False)
    wrong = []
    with Session(graph=graph, config=four(inter_op_parallelism_threads=inter_op)) as session:
        session.run(total.initializer)
        expected = {start: session.run(y, {x: float(start)}) for start in range(8)}

        def work(start):
            for _ in range(20):
                found, _ = session.run([y, count], {x: float(start)})
                if found != expected[start]:
                    wrong.append(start)

        threads = [threading.Thread(target=work, args=[start]) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert session.run(total.read_value()) == 160


def test_the_error_of_the_partition_that_failed_is_raised_and_the_others_stop(graph):
    with graph.device("/cpu:1"):
        x = placeholder("int32", [])
        failing = floor_div_op(constant(1), x)
    with graph.device("/cpu:2"):
        waiting = failing + 1
    with graph.device("/cpu:3"):
        loop = endless(graph)
    with Session(graph=graph, config=four()) as session:
        for _ in range(3):
            with pytest.raises(InvalidArgumentError) as caught:
                session.run([waiting, loop], {x: 0})
            assert caught.value.op is failing.op
        assert session.run(waiting, {x: 1}) == 2  # the session is as good as before


def test_operations_that_wait_have_a_deadline(graph):
    with graph.device("/cpu:1"):
        loop = endless(graph)
    with graph.device("/cpu:2"):
        after = loop + 1
    with Session(graph=graph, config=four(operation_timeout_in_ms=50)) as session:
        with pytest.raises(DeadlineExceededError):
            session.run(after)
    with Session(graph=graph, config=four()) as session, pytest.raises(DeadlineExceededError, match="Timed out"):
        session.run(after, options=protos.RunOptions(timeout_in_ms=50))


def test_a_loop_on_one_device_has_a_deadline_and_leaves_variables_as_they_were(graph):
    v = VariableV1(3.0, use_resource=True)
    loop = endless(graph)
    with Session(graph=graph, config=protos.ConfigProto(operation_timeout_in_ms=50)) as session:
        session.run(v.initializer)
        with pytest.raises(DeadlineExceededError) as caught:
            session.run(loop)
        assert "While" in caught.value.op.type
        assert session.run(v.read_value()) == 3.0
        assert session.make_callable(v.read_value())() == 3.0


@pytest.mark.parametrize("config", [None, four()])
def test_closing_a_session_cancels_its_runs(graph, config):
    started, errors = threading.Event(), []
    with graph.device("/cpu:1" if config else None):
        loop = endless(graph, started)
    after = loop + 1
    session = Session(graph=graph, config=config)

    def work():
        try:
            session.run(after)
        except CancelledError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(30)
    session.close()
    thread.join(30)
    assert len(errors) == 1
    with pytest.raises(RuntimeError, match="closed"):
        session.run(after)


@pytest.fixture
def heeds_interrupts():
    """Restore Python's answer to SIGINT, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("config", [None, four()])
def test_an_interrupt_from_the_keyboard_ends_the_step_and_nothing_else(graph, config, heeds_interrupts):
    v = VariableV1(3.0, use_resource=True)

    def interrupt(value):
        _thread.interrupt_main()
        return value

    with graph.device("/cpu:1" if config else None):
        loop = while_loop(lambda i: i < 10, lambda i: reshape_op(py_func(interrupt, [i], i.dtype), []), [constant(0)])[
            0
        ]
    after = loop + 1
    with Session(graph=graph, config=config) as session:
        session.run(v.initializer)
        with pytest.raises(KeyboardInterrupt):
            session.run(after)
        assert session.run(v.read_value()) == 3.0


def test_a_session_of_one_device_is_compiled_as_before(graph):
    y = placeholder("float32", []) + 1.0
    with Session(graph=graph) as session:
        assert "rendezvous" not in session.program(y, y.op.inputs[:1]).source


def test_a_step_on_one_of_several_cpus_is_not_divided(graph):
    with graph.device("/cpu:2"):
        x = placeholder("float32", [])
        y = x + 1.0
    z = y * 2.0
    with Session(graph=graph, config=four()) as session:
        assert "rendezvous" not in session.program(y, [x]).source
        assert "rendezvous" in session.program(z, [x]).source
        assert session.run([y, z], {x: 1.0}) == [2.0, 4.0]


def test_fetches_of_partitions_never_change(graph):
    with graph.device("/cpu:1"):
        v = VariableV1(np.zeros(3), use_resource=False)
        update = v.assign_add(np.ones(3))
    with graph.device("/cpu:2"):
        other = v.value() + 0.0
    with Session(graph=graph, config=four()) as session:
        session.run(v.initializer)
        first = session.run([v.value(), other])
        session.run(update)
        np.testing.assert_array_equal(first, np.zeros((2, 3)))


def test_threads_of_kernels_are_what_the_session_asks_for(graph):
    saved = array.kernel_threads()
    try:
        Session(graph=graph, config=protos.ConfigProto(intra_op_parallelism_threads=3)).close()
        assert array.kernel_threads() == 3
    finally:
        array.set_kernel_threads(saved)
