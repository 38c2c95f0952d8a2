"""Cotangents are summed over the axes along which their operand was repeated."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.constant import constant
from penstock.ops.math import broadcasting
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(broadcasting.broadcast_gradient_args_op, [[2, 1, 3], [4, 1]], [[1], [0, 2]]),
    OpCase(broadcasting.broadcast_gradient_args_op, [[3], [3]], [[], []], name="same"),
    OpCase(broadcasting.broadcast_gradient_args_op, [[], [2, 3]], [[0, 1], []], name="scalar"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_a_cotangent_gets_the_shape_of_its_operand() -> None:
    x, y, grad = constant(np.ones((2, 1, 3))), constant(np.ones((4, 1))), constant(np.ones((2, 4, 3)))
    grad_x, grad_y = broadcasting.reduce_gradients(x, y, grad, grad)
    np.testing.assert_array_equal(grad_x.numpy(), np.full((2, 1, 3), 4.0))
    np.testing.assert_array_equal(grad_y.numpy(), np.full((4, 1), 6.0))
