"""Functions of matrices."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.linalg.functions import (
    expm,
    logm,
    matrix_exponential_op,
    matrix_logarithm_op,
    matrix_square_root_op,
    sqrtm,
)
from penstock.testing.op_case import OpCase, normal

A = normal(2, 3, 3) * 0.5
POSITIVE = A @ A.mT + np.eye(3)

CASES = [
    OpCase(matrix_exponential_op, [A], gradient="both"),
    OpCase(matrix_logarithm_op, [POSITIVE + 0j], gradient=None),
    OpCase(matrix_square_root_op, [POSITIVE], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_functions_undo_each_other() -> None:
    np.testing.assert_allclose(expm(logm(POSITIVE + 0j)).numpy(), POSITIVE, atol=1e-10)
    root = sqrtm(POSITIVE).numpy()
    np.testing.assert_allclose(root @ root, POSITIVE, atol=1e-10)


def test_the_gradient_of_the_square_root_is_that_of_differences() -> None:
    x = constant(POSITIVE[0])
    with GradientTape() as tape:
        tape.watch(x)
        y = sqrtm(x)
    weights, direction = normal(3, 3, seed=4), normal(3, 3, seed=5)
    grad = tape.gradient(y, x, output_gradients=constant(weights)).numpy()
    step = 1e-6
    sides = [float((sqrtm(POSITIVE[0] + sign * step * direction).numpy() * weights).sum()) for sign in (1, -1)]
    assert float((grad * direction).sum()) == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6)


def test_the_gradient_of_a_complex_root_takes_its_transpose() -> None:
    root = np.array([[1.0, 0.5j], [0.0, 2.0]])
    a, grad = constant(root @ root), normal(2, 2) + 0j
    with GradientTape() as tape:
        tape.watch(a)
        found = sqrtm(a)
    x, turned = tape.gradient(found, a, output_gradients=constant(grad)).numpy(), found.numpy().T
    np.testing.assert_allclose(turned @ x + x @ turned, grad, atol=1e-12)
