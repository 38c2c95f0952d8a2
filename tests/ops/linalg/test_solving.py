"""Linear systems, inverses, determinants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant, placeholder
from penstock.ops.linalg.solving import (
    cholesky_solve,
    inv,
    log_matrix_determinant_op,
    logdet,
    lstsq,
    matrix_determinant_op,
    matrix_inverse_op,
    matrix_solve_ls_op,
    matrix_solve_op,
    matrix_triangular_solve_op,
    solve,
    tridiagonal_mat_mul_op,
    tridiagonal_solve_op,
)
from penstock.testing.op_case import OpCase, normal

A = normal(2, 3, 3) + 3 * np.eye(3)
B = normal(2, 3, 2, seed=1)
LOWER, UPPER = np.tril(A), np.triu(A)
DIAGONALS = normal(3, 4) + np.array([[0.0], [4.0], [0.0]])
RHS = normal(4, 2, seed=2)
PARTS = [DIAGONALS[None, i] for i in range(3)]


def _tridiagonal(diagonals: np.ndarray) -> np.ndarray:
    return np.diag(diagonals[0, :-1], 1) + np.diag(diagonals[1]) + np.diag(diagonals[2, 1:], -1)


CASES = [
    OpCase(matrix_inverse_op, [A], np.linalg.inv),
    OpCase(matrix_inverse_op, [A], lambda a: np.linalg.inv(a).mT, attrs={"adjoint": True}, name="adjoint"),
    OpCase(matrix_solve_op, [A, B], np.linalg.solve),
    OpCase(matrix_solve_op, [A, B], lambda a, b: np.linalg.solve(a.mT, b), attrs={"adjoint": True}, name="adjoint"),
    OpCase(matrix_triangular_solve_op, [A, B], np.linalg.solve(LOWER, B)),
    OpCase(matrix_triangular_solve_op, [A, B], np.linalg.solve(UPPER, B), attrs={"lower": False}, name="upper"),
    OpCase(matrix_triangular_solve_op, [A, B], np.linalg.solve(LOWER.mT, B), attrs={"adjoint": True}, name="adjoint"),
    OpCase(matrix_triangular_solve_op, [A[0], B], np.linalg.solve(LOWER[0], B), name="broadcast"),
    OpCase(matrix_determinant_op, [A], np.linalg.det),
    OpCase(log_matrix_determinant_op, [A], lambda a: tuple(np.linalg.slogdet(a))),
    OpCase(
        matrix_solve_ls_op, [normal(4, 3), normal(4, 2), 0.0], lambda a, b, _: np.linalg.lstsq(a, b)[0], gradient=None
    ),
    OpCase(tridiagonal_solve_op, [DIAGONALS, RHS], lambda d, r: np.linalg.solve(_tridiagonal(d), r)),
    OpCase(tridiagonal_mat_mul_op, [*PARTS, RHS], lambda u, m, s, r: _tridiagonal(np.concatenate([u, m, s])) @ r),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize("shape", [(4, 3), (3, 4)])
def test_least_squares_solutions_and_gradients(shape: tuple[int, int]) -> None:
    a, b = normal(*shape), normal(shape[0], 2, seed=1)
    for fast in (True, False):
        np.testing.assert_allclose(lstsq(a, b, fast=fast).numpy(), np.linalg.lstsq(a, b)[0], rtol=1e-8)
    x, y = constant(a), constant(b)
    with GradientTape() as tape:
        tape.watch([x, y])
        result = matrix_solve_ls_op(x, y, 0.5)
    weights = normal(shape[1], 2, seed=2)
    grads = tape.gradient(result, [x, y], output_gradients=constant(weights))
    step, directions = 1e-6, (normal(*shape, seed=3), normal(shape[0], 2, seed=4))
    moved = [matrix_solve_ls_op(a + s * step * directions[0], b + s * step * directions[1], 0.5) for s in (1, -1)]
    slope = float(((moved[0] - moved[1]).numpy() * weights).sum()) / (2 * step)
    found = sum(float((grad.numpy() * direction).sum()) for grad, direction in zip(grads, directions, strict=True))
    assert found == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("pivot", [0.0, 1e-20])
def test_tridiagonal_systems_exchange_rows_where_a_pivot_is_small(pivot: float) -> None:
    diagonals = np.array([[2.0, 1.0, 3.0, 0.0], [pivot, 1.0, 0.5, 2.0], [0.0, 3.0, 1.0, 4.0]])
    result = tridiagonal_solve_op(diagonals, RHS).numpy()
    np.testing.assert_allclose(result, np.linalg.solve(_tridiagonal(diagonals), RHS), rtol=1e-10)


def test_cholesky_factors_solve_and_give_determinants() -> None:
    positive = A @ A.mT
    factor = np.linalg.cholesky(positive)
    np.testing.assert_allclose(cholesky_solve(factor, B).numpy(), np.linalg.solve(positive, B), rtol=1e-8)
    np.testing.assert_allclose(logdet(positive).numpy(), np.linalg.slogdet(positive)[1], rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: inv(np.zeros((2, 2))), "not invertible"),
        (lambda: solve(np.ones((2, 2)), np.ones((2, 1))), "not invertible"),
        (lambda: inv(np.ones((2, 3))), "square"),
        (lambda: solve(np.eye(2), np.ones((3, 1))), "incompatible"),
        (lambda: lstsq(np.ones((2, 2)), np.ones((2, 1)), -1.0), ">= 0"),
    ],
)
def test_systems_without_solution_are_refused(call: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        call()


def test_shapes_are_checked_while_the_graph_is_built() -> None:
    with Graph().as_default():
        a = placeholder(np.float64, [None, 3, 3])
        assert solve(a, placeholder(np.float64, [5, None, 2])).dims == (5, 3, 2)
        with pytest.raises(ValueError, match="must agree"):
            solve(a, placeholder(np.float64, [5, 4, 2]))


def test_a_singular_triangle_divides_by_zero() -> None:
    found = matrix_triangular_solve_op(np.zeros((2, 2)), np.ones((2, 1))).numpy()
    assert found[0, 0] == np.inf and np.isnan(found[1, 0])


def test_least_squares_by_orthogonal_factors_have_no_gradient() -> None:
    a = constant(normal(3, 2))
    with GradientTape() as tape, pytest.raises(ValueError, match="fast=False"):
        tape.watch(a)
        tape.gradient(lstsq(a, normal(3, 1), fast=False), a)
