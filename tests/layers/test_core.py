"""Dense, dropout and flatten, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten
from penstock.ops.constant import placeholder
from penstock.runtime.session import Session
from tests.layers.harness import normal, run_with_variables


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 5), (2, 2, 3, 5)])
def test_dense_multiplies_the_last_axis(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    value, weights = run_with_variables(lambda: dense(x, 3))
    np.testing.assert_allclose(value, x @ weights["dense/kernel"] + weights["dense/bias"], rtol=1e-4, atol=1e-5)


def test_dense_applies_its_activation_after_the_bias() -> None:
    x = normal(4, 5)
    value, weights = run_with_variables(lambda: dense(x, 3, activation="tanh"))
    np.testing.assert_allclose(
        value, np.tanh(x @ weights["dense/kernel"] + weights["dense/bias"]), rtol=1e-4, atol=1e-5
    )


def test_dense_without_bias_has_a_kernel_only() -> None:
    x = normal(4, 5)
    value, weights = run_with_variables(lambda: dense(x, 3, use_bias=False))
    assert list(weights) == ["dense/kernel"]
    np.testing.assert_allclose(value, x @ weights["dense/kernel"], rtol=1e-4, atol=1e-5)


def test_dense_starts_glorot_uniform_with_zero_bias() -> None:
    with Graph().as_default() as graph:
        dense(np.zeros((1, 300), np.float32), 200)
        with Session(graph=graph) as session:
            session.run(global_variables_initializer())
            kernel, bias = session.run(global_variables())
    limit = np.sqrt(6 / 500)
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    np.testing.assert_array_equal(bias, np.zeros(200))


def test_dense_keeps_what_is_known_of_the_shape() -> None:
    with Graph().as_default():
        assert dense(placeholder(np.float32, [None, 7, 5]), 3).dims == (None, 7, 3)
        assert dense(placeholder(np.float32, [None, 5]), 3).dims == (None, 3)


@pytest.mark.parametrize(
    ("shape", "message"),
    [([2], "expected min_ndim=2"), ([2, None], "last dimension of the inputs to `Dense` should be defined")],
)
def test_dense_refuses_inputs_without_a_known_last_axis(shape: Any, message: str) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        dense(placeholder(np.float32, shape), 3)


def test_dense_refuses_integers() -> None:
    with (
        Graph().as_default(),
        pytest.raises(TypeError, match="Unable to build `Dense` layer with non-floating point dtype int32"),
    ):
        dense(np.ones((2, 3), np.int32), 3)


def test_dense_says_its_output_shape() -> None:
    with Graph().as_default():
        assert Dense(3).compute_output_shape([None, 4, 5]).as_list() == [None, 4, 3]


def test_unknown_activation_is_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="Unknown activation function: 'rely'"):
        Dense(3, activation="rely")


@pytest.mark.parametrize("known", [True, False])
def test_dropout_drops_in_training_only(known: bool) -> None:
    x = np.ones((100, 50), np.float32)
    with Graph().as_default() as graph:
        training = None if known else placeholder(np.bool_, [])
        on, off = (dropout(x, 0.25, seed=1, training=flag if known else training) for flag in (True, False))
        with Session(graph=graph) as session:
            dropped = session.run(on, None if known else {training: True})
            kept = session.run(off, None if known else {training: False})
    np.testing.assert_array_equal(kept, x)
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1) / np.float32(0.75)}
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.03)


def test_dropout_decides_along_the_noise_shape() -> None:
    x = np.ones((4, 6, 3), np.float32)
    with Graph().as_default() as graph:
        dropped = dropout(x, 0.5, noise_shape=[None, 1, 3], seed=3, training=True)
        with Session(graph=graph) as session:
            value = session.run(dropped)
    np.testing.assert_array_equal(value, np.broadcast_to(value[:, :1], value.shape))


def test_dropout_keeps_the_shape() -> None:
    with Graph().as_default():
        assert Dropout().compute_output_shape([None, 3]).as_list() == [None, 3]
        assert dropout(placeholder(np.float32, [None, 3]), training=True).dims == (None, 3)


@pytest.mark.parametrize(
    ("static", "expected"),
    [
        ([2, 3, 4], (2, 12)),
        ([None, 3, 4], (None, 12)),
        ([2, None, 4], (2, None)),
        ([None, None, 4], (None, None)),
        ([2], (2, 1)),
    ],
)
def test_flatten_joins_all_axes_but_the_first(static: Any, expected: Any) -> None:
    x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)[(slice(None), *(0,) * (3 - len(static)))]
    with Graph().as_default() as graph:
        inputs = placeholder(np.float32, static)
        output = flatten(inputs)
        assert output.dims == expected
        with Session(graph=graph) as session:
            np.testing.assert_array_equal(session.run(output, {inputs: x}), x.reshape(2, -1))


def test_flatten_of_channels_first_puts_channels_last() -> None:
    x = normal(2, 3, 4, 5)
    value, _ = run_with_variables(lambda: flatten(x, data_format="channels_first"))
    np.testing.assert_array_equal(value, x.transpose(0, 2, 3, 1).reshape(2, -1))


def test_flatten_of_no_examples_gives_none() -> None:
    value, _ = run_with_variables(lambda: flatten(np.zeros((0, 3, 4), np.float32)))
    assert value.shape == (0, 12)
    with Graph().as_default():
        assert Flatten().compute_output_shape([None, 3, 4]).as_list() == [None, 12]
