"""Steps of LSTM and GRU cells, and sequences of LSTM steps, each as one operation."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.recurrent_blocks import (
    block_lstm_op,
    block_lstm_v2_op,
    gru_block_cell_op,
    lstm_block_cell_op,
)

# Tested below; the derivatives run through the operations for them.
COVERS = [
    *("BlockLSTM", "BlockLSTMV2", "BlockLSTMGrad", "BlockLSTMGradV2"),
    *("LSTMBlockCell", "LSTMBlockCellGrad", "GRUBlockCell", "GRUBlockCellGrad"),
]

STEPS, BATCH, INPUTS, UNITS = 4, 2, 3, 2


def single(*shape, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) / 2).astype(np.float32)


X = single(STEPS, BATCH, INPUTS)
STATES = single(BATCH, UNITS, seed=1), single(BATCH, UNITS, seed=2)
W, B = single(INPUTS + UNITS, 4 * UNITS, seed=3), single(4 * UNITS, seed=4)
PEEPHOLES = single(UNITS, seed=5), single(UNITS, seed=6), single(UNITS, seed=7)
GIVEN = [X[0], *STATES, W, *PEEPHOLES, B]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_step(x, c, h, order="icfo", forget_bias=0.0, clip=0.0, peepholes=(0, 0, 0)):
    columns = np.split(np.concatenate([x, h], 1) @ W + B, 4, 1)
    i, g, f, o = (columns[order.index(gate)] for gate in "icfo")
    i, f, g = sigmoid(i + c * peepholes[0]), sigmoid(f + forget_bias + c * peepholes[1]), np.tanh(g)
    c = g * i + c * f
    c = np.clip(c, -clip, clip) if clip > 0 else c
    o = sigmoid(o + c * peepholes[2])
    return [i, c, f, o, g, np.tanh(c), o * np.tanh(c)]


def close(found, expected):
    for value, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(value.numpy(), plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("use_peephole", [False, True])
@pytest.mark.parametrize("clip", [0.1, 3.0, -1.0])
def test_a_step_of_an_lstm(use_peephole, clip):
    found = lstm_block_cell_op(*GIVEN, forget_bias=0.5, cell_clip=clip, use_peephole=use_peephole)
    peepholes = PEEPHOLES if use_peephole else (0, 0, 0)
    close(found, plain_step(X[0], *STATES, forget_bias=0.5, clip=clip, peepholes=peepholes))


@pytest.mark.parametrize(("operation", "order"), [(block_lstm_op, "icfo"), (block_lstm_v2_op, "ifco")])
@pytest.mark.parametrize("length", [0, 1, STEPS])
def test_a_sequence_is_its_steps_and_zeros_after_them(operation, order, length):
    attrs = {"forget_bias": 0.0} if operation is block_lstm_op else {}
    found = operation(constant(length, "int64"), X, *GIVEN[1:], cell_clip=0.5, use_peephole=True, **attrs)
    expected = [np.zeros([STEPS, BATCH, UNITS]) for _ in found]
    c, h = STATES
    for time in range(length):
        results = plain_step(X[time], c, h, order, clip=0.5, peepholes=PEEPHOLES)
        for whole, part in zip(expected, results, strict=True):
            whole[time] = part
        c, h = results[1], results[-1]
    close(found, expected)


def test_a_step_of_a_gru():
    h = STATES[0]
    w_ru, w_c = single(INPUTS + UNITS, 2 * UNITS, seed=8), single(INPUTS + UNITS, UNITS, seed=9)
    b_ru, b_c = single(2 * UNITS, seed=10), single(UNITS, seed=11)
    r, u = np.split(sigmoid(np.concatenate([X[0], h], 1) @ w_ru + b_ru), 2, 1)
    c = np.tanh(np.concatenate([X[0], r * h], 1) @ w_c + b_c)
    close(gru_block_cell_op(X[0], h, w_ru, w_c, b_ru, b_c), [r, u, c, u * h + (1 - u) * c])


def differences(call, values, size=1e-2):
    """Return the derivatives of a number with respect to arrays, by differences."""
    found = []
    for position, value in enumerate(values):
        slope = np.zeros_like(value)
        for index in np.ndindex(*value.shape):
            numbers = []
            for sign in (1, -1):
                moved = [array.copy() for array in values]
                moved[position][index] += sign * size
                numbers.append(float(call(*map(constant, moved)).numpy()))
            slope[index] = (numbers[0] - numbers[1]) / (2 * size)
        found.append(slope)
    return found


def lstm_sum(*given):
    outputs = lstm_block_cell_op(*given, cell_clip=-1.0, use_peephole=True)
    return total(outputs[1]) + total(outputs[6] * outputs[6])


def sequence_sum(operation):
    def call(x, *rest):
        outputs = operation(constant(3, "int64"), x, *rest, cell_clip=-1.0, use_peephole=True)
        return total(outputs[1]) + total(outputs[6] * outputs[6])

    return call


def gru_sum(*given):
    h = gru_block_cell_op(*given)[3]
    return total(h * h)


def total(value):
    return reduce_sum(value)


GRU = [
    *(X[0], STATES[0], single(INPUTS + UNITS, 2 * UNITS, seed=8), single(INPUTS + UNITS, UNITS, seed=9)),
    *(single(2 * UNITS, seed=10), single(UNITS, seed=11)),
]


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (lstm_sum, GIVEN),
        (sequence_sum(block_lstm_op), [X, *GIVEN[1:]]),
        (sequence_sum(block_lstm_v2_op), [X, *GIVEN[1:]]),
        (gru_sum, GRU),
    ],
    ids=["LSTMBlockCell", "BlockLSTM", "BlockLSTMV2", "GRUBlockCell"],
)
def test_derivatives_are_those_of_differences(call, values):
    tensors = [constant(value) for value in values]
    with GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        result = call(*tensors)
    for found, expected in zip(tape.gradient(result, tensors), differences(call, values), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-2, atol=2e-3)


def test_errors_name_the_size_that_is_wrong():
    with pytest.raises(InvalidArgumentError, match=r"w.dim_size\(1\) != cell_size \* 4: 6 vs. 8"):
        lstm_block_cell_op(*GIVEN[:3], W[:, :6], *GIVEN[4:])
    with pytest.raises(InvalidArgumentError, match="seq_len_max must be between 0 and the number of steps 4, got 9"):
        block_lstm_op(constant(9, "int64"), X, *GIVEN[1:])
    with pytest.raises(InvalidArgumentError, match=r"w_c must have shape \[5, 2\]"):
        gru_block_cell_op(*GRU[:3], GRU[3][1:], *GRU[4:])
