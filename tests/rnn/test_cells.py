"""Cells: one step against NumPy, sizes, states and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.dtypes import float32, float64
from penstock.core.graph import Graph
from penstock.core.shape import TensorShape
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.ops.constant import constant, placeholder
from penstock.rnn.cells import (
    BasicLSTMCell,
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    zero_state_of,
)
from penstock.runtime.session import Session

X = np.random.RandomState(0).randn(2, 3).astype(np.float32)
H = np.random.RandomState(1).randn(2, 4).astype(np.float32)
C = np.random.RandomState(2).randn(2, 4).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def weights(session):
    session.run(global_variables_initializer())
    return session.run(list(global_variables()))


def test_basic_cell(session):
    output, state = BasicRNNCell(4)(constant(X), constant(H))
    kernel, bias = weights(session)
    expected = np.tanh(np.concatenate([X, H], 1) @ kernel + bias)
    np.testing.assert_allclose(session.run(output), expected, rtol=1e-5, atol=1e-7)
    assert output is state


def test_gru_cell(session):
    output, _ = GRUCell(4)(constant(X), constant(H))
    gates, gate_bias, candidate, bias = weights(session)
    assert gate_bias.tolist() == [1.0] * 8
    r, u = np.split(sigmoid(np.concatenate([X, H], 1) @ gates + gate_bias), 2, 1)
    c = np.tanh(np.concatenate([X, r * H], 1) @ candidate + bias)
    np.testing.assert_allclose(session.run(output), u * H + (1 - u) * c, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("make", [BasicLSTMCell, LSTMCell])
def test_lstm_cells(session, make):
    output, state = make(4, forget_bias=0.5)(constant(X), LSTMStateTuple(constant(C), constant(H)))
    kernel, bias = weights(session)
    i, j, f, o = np.split(np.concatenate([X, H], 1) @ kernel + bias, 4, 1)
    memory = C * sigmoid(f + 0.5) + sigmoid(i) * np.tanh(j)
    np.testing.assert_allclose(session.run(state.c), memory, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(session.run(output), np.tanh(memory) * sigmoid(o), rtol=1e-5, atol=1e-6)


def test_sizes_and_zero_states(session):
    cell = MultiRNNCell([LSTMCell(4, num_proj=2), GRUCell(3)])
    assert cell.state_size == (LSTMStateTuple(4, 2), 3)
    assert cell.output_size == 3
    state = cell.zero_state(placeholder("int32", []), float32)
    assert [t.shape.as_list() for t in (state[0].c, state[0].h, state[1])] == [[None, 4], [None, 2], [None, 3]]
    assert zero_state_of(TensorShape([2, 3]), 5, float32).shape.as_list() == [5, 2, 3]
    assert GRUCell(3).get_initial_state(inputs=constant(X)).shape.as_list() == [2, 3]
    assert LSTMCell(3, state_is_tuple=False).state_size == 6


def test_a_cell_called_again_uses_its_variables(session):
    cell = GRUCell(4)
    _, state = cell(constant(X), constant(H))
    cell(constant(X), state)
    assert len(global_variables()) == len(cell.trainable_weights) == 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: MultiRNNCell([]), ValueError, "at least one cell"),
        (lambda: MultiRNNCell(GRUCell(2)), TypeError, "list or tuple"),
        (lambda: MultiRNNCell([BasicLSTMCell(2)], state_is_tuple=False), ValueError, "state_is_tuple"),
        (lambda: MultiRNNCell([GRUCell(2)] * 2), UserWarning, "several times"),
        (lambda: LSTMStateTuple(constant(X), constant(X, float64)).dtype, TypeError, "Inconsistent"),
        (lambda: GRUCell(2)(placeholder("float32", [2, None]), constant(H)), ValueError, "to be known"),
        (lambda: GRUCell(2).get_initial_state(), ValueError, "cannot be None"),
    ],
)
def test_mistakes_are_refused(session, call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.filterwarnings("ignore:The same cell")
def test_levels_that_are_the_same_cell_share_its_variables(session):
    cell = GRUCell(3)
    stack = MultiRNNCell([cell, cell])
    output, _ = stack(constant(X), stack.zero_state(2, float32))
    session.run(global_variables_initializer())
    assert session.run(output).shape == (2, 3) and len(global_variables()) == len(stack.trainable_weights) == 4
