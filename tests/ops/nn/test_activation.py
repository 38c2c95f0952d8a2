"""Activations and their derivatives against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant, placeholder
from penstock.ops.nn.activation import (
    crelu,
    elu_grad_op,
    elu_op,
    gelu,
    leaky_relu,
    leaky_relu_grad_op,
    leaky_relu_op,
    log_sigmoid,
    relu6_grad_op,
    relu6_op,
    relu_grad_op,
    relu_op,
    selu_grad_op,
    selu_op,
    silu,
    softplus_grad_op,
    softplus_op,
    softsign_grad_op,
    softsign_op,
)
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, integers, normal

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
X, G = normal(3, 4) * 3, normal(3, 4, seed=1)
X32, G32 = X.astype(np.float32), G.astype(np.float32)

CASES = [
    OpCase(relu_op, [X], lambda x: np.maximum(x, 0)),
    OpCase(relu_op, [integers(-5, 5, 4)], lambda x: np.maximum(x, 0), name="int32"),
    OpCase(relu_op, [integers(0, 5, 4, dtype=np.uint16)], lambda x: x, name="uint16"),
    OpCase(relu_grad_op, [G, X], lambda g, x: g * (x > 0)),
    OpCase(
        relu_grad_op,
        [integers(0, 9, 4, dtype=np.uint8), integers(0, 2, 4, dtype=np.uint8)],
        lambda g, x: g * x,
        name="uint8",
    ),
    OpCase(relu6_op, [X * 3], lambda x: np.clip(x, 0, 6)),
    OpCase(relu6_op, [integers(0, 20, 6, dtype=np.uint32)], lambda x: np.minimum(x, 6), name="uint32"),
    OpCase(relu6_grad_op, [G, X * 3], lambda g, x: g * ((x > 0) & (x < 6))),
    OpCase(
        relu6_grad_op,
        [integers(0, 9, 9), integers(-2, 9, 9, seed=1)],
        lambda g, x: g * ((x > 0) & (x < 6)),
        name="int32",
    ),
    OpCase(leaky_relu_op, [X32], lambda x: np.where(x > 0, x, 0.2 * x)),
    OpCase(leaky_relu_op, [X32], lambda x: np.where(x > 0, x, 1.5 * x), {"alpha": 1.5}, "steep"),
    OpCase(leaky_relu_grad_op, [G32, X32], lambda g, x: np.where(x > 0, g, 0.3 * g), {"alpha": 0.3}),
    OpCase(elu_op, [X], lambda x: np.where(x > 0, x, np.expm1(x))),
    OpCase(elu_grad_op, [G, X / 10], lambda g, y: np.where(y < 0, g * (y + 1), g)),
    OpCase(selu_op, [X], lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x))),
    OpCase(selu_grad_op, [G, X / 10], lambda g, y: np.where(y < 0, g * (y + SCALE * ALPHA), g * SCALE)),
    OpCase(selu_grad_op, [np.ones(1), np.zeros(1)], np.array([SCALE]), name="at-zero", gradient=None),
    OpCase(softplus_op, [X], lambda x: np.log1p(np.exp(x))),
    OpCase(
        softplus_op, [np.array([-800.0, 25.0, 800.0])], lambda x: np.logaddexp(0, x), name="large", gradient="first"
    ),
    OpCase(softplus_grad_op, [G, X], lambda g, x: g / (1 + np.exp(-x))),
    OpCase(softsign_op, [X], lambda x: x / (1 + np.abs(x)), gradient="first"),
    OpCase(softsign_grad_op, [G, X], lambda g, x: g / (1 + np.abs(x)) ** 2, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_composed_activations_agree_with_their_formulas():
    sigmoid = 1 / (1 + np.exp(-X))
    np.testing.assert_allclose(silu(X).numpy(), X * sigmoid)
    np.testing.assert_allclose(silu(X, 2.0).numpy(), X / (1 + np.exp(-2 * X)))
    np.testing.assert_allclose(log_sigmoid(X).numpy(), np.log(sigmoid))
    np.testing.assert_allclose(crelu(X).numpy(), np.maximum(np.concatenate([X, -X], -1), 0))
    np.testing.assert_allclose(gelu(np.array([-1.0, 0.0, 2.0])).numpy(), [-0.15865525, 0.0, 1.9544997], rtol=1e-6)
    np.testing.assert_allclose(gelu(np.array([-1.0, 2.0]), approximate=True).numpy(), [-0.158808, 1.954598], rtol=1e-5)


def test_leaky_relu_takes_integers_and_slopes_that_are_tensors():
    assert leaky_relu(np.array([-5, 5], np.int32)).dtype == "float32"
    np.testing.assert_allclose(leaky_relu(X, convert_to_tensor(0.5, "float64")).numpy(), np.maximum(0.5 * X, X))


def test_gradients_of_another_shape_are_refused():
    with pytest.raises(InvalidArgumentError, match="must agree"):
        relu_grad_op(np.ones((2, 1)), np.ones((2, 2)))


def test_gelu_of_integers_is_refused():
    with pytest.raises(ValueError, match="floating"):
        gelu(np.array([1, 2]))


# TensorFlow multiplies by the slope: infinity times 0 is NaN, and a feature that is NaN has the slope 0.
UPSTREAM = [1.0, 2.0, 3.0, np.inf, np.inf, np.nan, -np.inf, 5.0]
FEATURES = [1.0, np.nan, -1.0, np.nan, 0.0, -1.0, -1.0, np.inf]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("count", [1, 50_000])
def test_slopes_of_relu_multiply_what_is_not_finite(dtype, count):
    upstream, features = (np.tile(np.array(x, dtype), count) for x in (UPSTREAM, FEATURES))
    expected = [1.0, 0.0, 0.0, np.nan, np.nan, np.nan, np.nan, 5.0]
    np.testing.assert_array_equal(relu_grad_op(upstream, features).numpy(), np.tile(expected, count))
    expected[-1] = 0.0
    np.testing.assert_array_equal(relu6_grad_op(upstream, features).numpy(), np.tile(expected, count))


def test_relu_passes_no_finite_gradient_where_chains_compute_it():
    with Graph().as_default(), Session() as session:
        upstream, features = placeholder("float32", [None]), placeholder("float32", [None])
        chain = -relu_grad_op(upstream * 1.5, features) * 2.0
        got = session.run(chain, {upstream: UPSTREAM, features: FEATURES})
        np.testing.assert_array_equal(got, np.array([-3.0, 0.0, 0.0, np.nan, np.nan, np.nan, np.nan, -15.0], "f"))


def test_silu_of_complex_numbers_has_tensorflows_gradient():
    x = constant(np.array([1 + 2j, 0j, -2 + 1j], np.complex64))
    with GradientTape() as tape:
        tape.watch(x)
        y = silu(x)
    expected = [2.0037405 + 0.26449805j, 0.5, -0.18258309 - 0.15290666j]
    upstream = constant(np.array([1, 1, 1 + 1j], np.complex64))
    np.testing.assert_allclose(tape.gradient(y, x, upstream).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(y.numpy()[0], 0.21453798 + 2.4462695j, rtol=1e-5)
