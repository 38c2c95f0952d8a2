"""Cells around cells."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.dtypes import float32
from penstock.core.graph import Graph
from penstock.language.variables import global_variables_initializer
from penstock.ops.constant import constant, placeholder_with_default
from penstock.ops.math.matmul import matmul
from penstock.rnn.cells import BasicRNNCell, GRUCell, LSTMCell, RNNCell
from penstock.rnn.loops import dynamic_rnn
from penstock.rnn.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper
from penstock.runtime.session import Session

X = np.ones((2, 6, 50), np.float32)


class Echo(RNNCell):
    """A cell that returns its input, and counts in its state."""

    state_size = 50
    output_size = 50

    def call(self, inputs, state):
        return inputs, state + 1.0


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def run(session, cell):
    outputs, state = dynamic_rnn(cell, constant(X), dtype=float32)
    session.run(global_variables_initializer())
    return session.run([outputs, state])


def test_inputs_are_dropped_anew_in_each_step(session):
    outputs, state = run(session, DropoutWrapper(Echo(), input_keep_prob=0.5, seed=3))
    assert set(np.unique(outputs)) == {0.0, 2.0}
    assert (outputs[:, 0] != outputs[:, 1]).any()
    assert 0.3 < (outputs == 0).mean() < 0.7
    assert (state == 6.0).all()


def test_variational_dropout_drops_the_same_in_each_step(session):
    cell = DropoutWrapper(Echo(), output_keep_prob=0.5, variational_recurrent=True, dtype=float32, seed=3)
    outputs, _ = run(session, cell)
    assert set(np.unique(outputs)) == {0.0, 2.0}
    assert (outputs == outputs[:1, :1]).all()


def test_the_state_is_dropped_but_not_the_memory(session):
    cell = DropoutWrapper(LSTMCell(50), state_keep_prob=0.5, seed=3)
    _, state = run(session, cell)
    assert (state.h == 0).any() and not (state.c == 0).any()


def test_a_probability_may_be_known_late(session):
    keep = placeholder_with_default(1.0, [])
    outputs, _ = dynamic_rnn(DropoutWrapper(Echo(), input_keep_prob=keep, seed=3), constant(X), dtype=float32)
    np.testing.assert_array_equal(session.run(outputs), X)
    assert (session.run(outputs, {keep: 0.5}) == 0).any()


def test_inputs_are_added_to_outputs(session):
    outputs, _ = run(session, ResidualWrapper(Echo()))
    assert (outputs == 2.0).all()
    outputs, _ = run(session, ResidualWrapper(Echo(), residual_fn=lambda i, o: o - i))
    assert (outputs == 0.0).all()
    with pytest.raises(ValueError, match="must be equal"):
        ResidualWrapper(GRUCell(3))(constant(X[:, 0]), constant(np.zeros((2, 3), np.float32)))


def test_the_device_is_that_of_the_wrapper(session):
    output, _ = DeviceWrapper(BasicRNNCell(3), "/cpu:0")(constant(X[:, 0]), constant(np.zeros((2, 3), np.float32)))
    assert output.device == "/device:CPU:0"
    assert matmul(output, output, transpose_b=True).device == ""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: DropoutWrapper(1), TypeError, "not an RNNCell"),
        (lambda: DropoutWrapper(GRUCell(2), input_keep_prob=0.0), ValueError, "between 0 and 1"),
        (lambda: DropoutWrapper(GRUCell(2), variational_recurrent=True), ValueError, "dtype"),
        (
            lambda: DropoutWrapper(GRUCell(2), 0.5, variational_recurrent=True, dtype=float32),
            ValueError,
            "input_size",
        ),
    ],
)
def test_mistakes_are_refused(session, call, error, message):
    with pytest.raises(error, match=message):
        call()


class Doubling(tf.keras.layers.Layer):
    """A cell as Keras has them, which doubles its inputs and counts its steps."""

    state_size, output_size = 2, 2

    def call(self, inputs, states, training=False):
        return inputs * (4.0 if training else 2.0), [states[0] + 1.0]


def test_wrappers_of_tensorflow_2_take_cells_of_keras():
    x, state = tf.constant([[1.0, 2.0]]), [tf.zeros([1, 2])]
    residual = tf.nn.RNNCellResidualWrapper(Doubling())
    output, following = residual(x, state)
    assert output.numpy().tolist() == [[3.0, 6.0]]
    assert following[0].numpy().tolist() == [[1.0, 1.0]]
    assert residual(x, state, training=True)[0].numpy().tolist() == [[5.0, 10.0]]
    chosen = tf.nn.RNNCellResidualWrapper(Doubling(), residual_fn=lambda inputs, outputs: inputs * 10 + outputs)
    assert chosen(x, state)[0].numpy().tolist() == [[12.0, 24.0]]
    assert tf.nn.RNNCellDeviceWrapper(Doubling(), "/cpu:0")(x, state)[0].numpy().tolist() == [[2.0, 4.0]]
    assert tf.nn.RNNCellDropoutWrapper(Doubling())(x, state)[0].numpy().tolist() == [[2.0, 4.0]]
    dropped = tf.nn.RNNCellDropoutWrapper(Doubling(), input_keep_prob=0.5, seed=3)
    assert set(dropped(tf.ones([1, 100]), state)[0].numpy().ravel()) == {0.0, 4.0}
    assert residual.get_initial_state(batch_size=3, dtype=tf.float32).shape.as_list() == [3, 2]
    assert (residual.state_size, residual.output_size) == (2, 2)


def test_wrappers_of_tensorflow_2_check_their_arguments():
    with pytest.raises(TypeError, match="not an RNNCell"):
        tf.nn.RNNCellDropoutWrapper(3)
    with pytest.raises(ValueError, match="input_keep_prob.*between 0 and 1"):
        tf.nn.RNNCellDropoutWrapper(Doubling(), input_keep_prob=2.0)
