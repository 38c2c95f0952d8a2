"""The neural Turing machine against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.contrib.memory_cells import NTMCell
from penstock.core.dtypes import float32
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.variables import global_variables
from penstock.ops.constant import constant
from penstock.rnn.cells import BasicRNNCell
from penstock.rnn.loops import dynamic_rnn
from penstock.runtime.session import Session

ROWS, WIDTH, READS, WRITES, SHIFT = 6, 4, 2, 1, 1
SERIES = np.random.RandomState(0).randn(3, 4, 2).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def pointed(p, memory, before):
    """Return where a head points, row by row and with loops."""
    key, strength, gate = np.tanh(p[:WIDTH]), softplus(p[WIDTH]), sigmoid(p[WIDTH + 1])
    shifts, sharpness = softmax(p[WIDTH + 2 : WIDTH + 5]), softplus(p[-1]) + 1
    similarity = [row @ key / (np.linalg.norm(row) * np.linalg.norm(key) + 1e-8) for row in memory]
    mixed = gate * softmax(strength * np.array(similarity)) + (1 - gate) * before
    moved = np.zeros(ROWS)
    for row in range(ROWS):
        for shift, weight in zip((0, 1, -1), shifts, strict=True):
            moved[(row + shift) % ROWS] += weight * mixed[row]
    return moved**sharpness / (moved**sharpness).sum()


def machine(v, series):
    """Return the outputs for one sequence, and the last memory."""
    state, memory = np.zeros(5), np.tanh(v["memory"])
    reads = [np.tanh(v[f"initial_read_vector_{i}"][0]) for i in range(READS)]
    heads = [softmax(v[f"initial_address_weights_{i}"][0]) for i in range(READS + WRITES)]
    outputs = []
    for x in series:
        seen = np.concatenate([x, *reads, state])
        state = np.tanh(seen @ v["controller/basic_rnn_cell/kernel"] + v["controller/basic_rnn_cell/bias"])
        p = np.clip(state @ v["parameters_kernel"] + v["parameters_bias"], -3, 3)
        size = WIDTH + 2 + 3 + 1
        heads = [pointed(p[size * i : size * (i + 1)], memory, head) for i, head in enumerate(heads)]
        reads = [head @ memory for head in heads[:READS]]
        erased, added = sigmoid(p[3 * size : 3 * size + WIDTH]), np.tanh(p[3 * size + WIDTH :])
        memory = memory * (1 - np.outer(heads[2], erased)) + np.outer(heads[2], added)
        outputs.append(np.clip(np.concatenate([state, *reads]) @ v["output_kernel"] + v["output_bias"], -3, 3))
    return np.stack(outputs), memory


def test_a_machine_reads_and_writes_its_memory():
    with Graph().as_default(), Session() as session:
        cell = NTMCell(BasicRNNCell(5), ROWS, WIDTH, READS, WRITES, SHIFT, output_dim=3, clip_value=3)
        outputs, state = dynamic_rnn(cell, constant(SERIES), dtype=float32)
        v = {}
        for seed, variable in enumerate(global_variables()):
            value = np.random.RandomState(seed).randn(*variable.shape.as_list()).astype(np.float32)
            session.run(variable.assign(value))
            v[variable.op.name.partition("ntm_cell/")[2]] = value
        got, memory, time = session.run([outputs, state.M, state.time])
        for index, series in enumerate(SERIES):
            expected, last = machine(v, series)
            np.testing.assert_allclose(got[index], expected, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(memory[index], last, rtol=1e-4, atol=1e-4)
        assert time == 4
        slopes = session.run(gradients(outputs, global_variables()))
        assert all(np.isfinite(slope).all() and np.abs(slope).max() > 0 for slope in slopes)


def test_a_machine_that_only_reads_has_the_output_size_of_its_inputs():
    with Graph().as_default():
        cell = NTMCell(BasicRNNCell(5), ROWS, WIDTH, 1, 0)
        output, state = cell(constant(SERIES[:, 0]), cell.zero_state(3, float32))
        assert output.shape.as_list() == [3, 2] and cell.output_size == 2
        assert state.M.shape.as_list() == [3, ROWS, WIDTH] and len(state.w_list) == 1


def test_the_controller_must_be_a_cell():
    with pytest.raises(TypeError, match="controller 3 is not an RNNCell"):
        NTMCell(3, ROWS, WIDTH, 1, 1)
