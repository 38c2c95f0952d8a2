"""Exponentials and logarithms give their defining values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.constant import constant
from penstock.ops.math import exponential
from penstock.testing.op_case import OpCase, normal, uniform

CASES = [
    OpCase(exponential.exp_op, [normal(2, 3)], np.exp),
    OpCase(exponential.expm1_op, [normal(2, 3)], np.expm1),
    OpCase(exponential.log_op, [uniform(0.5, 3, 2, 3)], np.log),
    OpCase(exponential.log1p_op, [uniform(-0.5, 3, 2, 3)], np.log1p),
    OpCase(exponential.sigmoid_op, [normal(2, 3)], lambda x: 1 / (1 + np.exp(-x))),
    OpCase(exponential.sigmoid_grad_op, [uniform(0.1, 0.9, 4), normal(4)], lambda y, dy: dy * y * (1 - y)),
    OpCase(exponential.tanh_op, [normal(2, 3)], np.tanh),
    OpCase(exponential.tanh_grad_op, [uniform(-0.9, 0.9, 4), normal(4)], lambda y, dy: dy * (1 - y * y)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_log_sigmoid_does_not_underflow() -> None:
    np.testing.assert_allclose(
        exponential.log_sigmoid(constant([-200.0, 0.0])).numpy(), [-200.0, -np.log(2)], rtol=1e-6
    )


def test_gradients_of_gradients_of_complex_numbers_follow_tensorflow():
    y, dy = np.complex64(0.5 + 0.25j), np.complex64(1 + 2j)
    np.testing.assert_allclose(exponential.tanh_grad_op(y, dy).numpy(), dy * (1 - y * y), rtol=1e-6)
    np.testing.assert_allclose(exponential.sigmoid_grad_op(y, dy).numpy(), dy * y * (1 - y), rtol=1e-6)
