"""Trigonometric and hyperbolic functions give their defining values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.math import trigonometric
from penstock.testing.op_case import OpCase, uniform

CASES = [
    OpCase(trigonometric.sin_op, [uniform(-3, 3, 2, 3)], np.sin),
    OpCase(trigonometric.cos_op, [uniform(-3, 3, 2, 3)], np.cos),
    OpCase(trigonometric.tan_op, [uniform(-1, 1, 2, 3)], np.tan),
    OpCase(trigonometric.asin_op, [uniform(-0.9, 0.9, 2, 3)], np.arcsin),
    OpCase(trigonometric.acos_op, [uniform(-0.9, 0.9, 2, 3)], np.arccos),
    OpCase(trigonometric.atan_op, [uniform(-2, 2, 2, 3)], np.arctan),
    OpCase(trigonometric.sinh_op, [uniform(-2, 2, 2, 3)], np.sinh),
    OpCase(trigonometric.cosh_op, [uniform(-2, 2, 2, 3)], np.cosh),
    OpCase(trigonometric.asinh_op, [uniform(-2, 2, 2, 3)], np.arcsinh),
    OpCase(trigonometric.acosh_op, [uniform(1.2, 3, 2, 3)], np.arccosh),
    OpCase(trigonometric.atanh_op, [uniform(-0.9, 0.9, 2, 3)], np.arctanh),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()
