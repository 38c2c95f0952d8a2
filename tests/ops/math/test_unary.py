"""Elementwise functions of one argument give their defining values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.math import unary
from penstock.testing.op_case import OpCase, integers, normal, uniform

CASES = [
    OpCase(unary.abs_op, [normal(2, 3)], np.abs),
    OpCase(unary.abs_op, [integers(-5, 5, 4)], np.abs, name="int32"),
    OpCase(unary.neg_op, [normal(2, 3)], np.negative),
    OpCase(unary.sign_op, [np.array([-2.0, 0.5, np.nan, 3.0])], np.sign, gradient=None),
    OpCase(unary.sign_op, [np.array([3 + 4j, 0j])], [0.6 + 0.8j, 0j], name="complex", gradient=None),
    OpCase(unary.square_op, [normal(2, 3)], np.square),
    OpCase(unary.square_op, [np.array([3, 65535], np.uint16)], np.square, name="uint16 wraps"),
    OpCase(unary.sqrt_op, [uniform(0.5, 3, 2, 3)], np.sqrt),
    OpCase(unary.sqrt_grad_op, [uniform(0.5, 3, 4), normal(4)], lambda y, dy: dy * 0.5 / y),
    OpCase(unary.rsqrt_op, [uniform(0.5, 3, 2, 3)], lambda x: 1 / np.sqrt(x)),
    OpCase(unary.rsqrt_grad_op, [uniform(0.5, 3, 4), normal(4)], lambda y, dy: dy * -0.5 * y**3),
    OpCase(unary.reciprocal_op, [uniform(0.5, 3, 2, 3)], np.reciprocal),
    OpCase(unary.inv_op, [uniform(0.5, 3, 2, 3)], np.reciprocal),
    OpCase(unary.reciprocal_grad_op, [uniform(0.5, 3, 4), normal(4)], lambda y, dy: -dy * y * y),
    OpCase(unary.inv_grad_op, [uniform(0.5, 3, 4), normal(4)], lambda y, dy: -dy * y * y),
    OpCase(unary.floor_op, [normal(5)], np.floor, gradient=None),
    OpCase(unary.ceil_op, [normal(5)], np.ceil, gradient=None),
    OpCase(unary.rint_op, [np.array([0.5, 1.5, -2.5, 2.4])], [0.0, 2.0, -2.0, 2.0], gradient=None),
    OpCase(unary.round_op, [np.array([0.5, 1.5, -2.5, 2.6])], [0.0, 2.0, -2.0, 3.0], gradient=None),
    OpCase(unary.is_nan_op, [np.array([1.0, np.nan, np.inf])], np.isnan, gradient=None),
    OpCase(unary.is_inf_op, [np.array([1.0, np.nan, -np.inf])], np.isinf, gradient=None),
    OpCase(unary.is_finite_op, [np.array([1.0, np.nan, np.inf])], np.isfinite, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_abs_of_complex_numbers_is_their_real_modulus() -> None:
    result = unary.abs(constant(np.array([3 + 4j], np.complex64)))
    assert result.dtype.name == "float32"
    assert result.numpy().tolist() == [5.0]


def test_round_leaves_integers_as_they_are() -> None:
    x = constant([1, 2])
    assert unary.round(x) is x


def test_reciprocal_no_nan_is_zero_at_zero() -> None:
    assert unary.reciprocal_no_nan(constant([0.0, 4.0])).numpy().tolist() == [0.0, 0.25]


def test_a_type_without_kernel_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="sqrt|Sqrt"):
        unary.sqrt(constant([1, 2]))


def test_the_sign_of_complex_numbers_has_the_gradient_of_their_angle():
    x = constant(np.array([1 + 2j, 0j, 3j, -2 + 0j]))
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = unary.sign(x)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), [0.35777088 - 0.17888544j, 0, 1 / 3, 0], atol=1e-8)
    upstream = constant(np.array([1, 2j, 1j, 1 + 1j]))
    np.testing.assert_allclose(tape.gradient(y, x, upstream).numpy(), [0.35777088 - 0.17888544j, 0, 0, 0.5j], atol=1e-8)
