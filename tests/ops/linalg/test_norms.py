"""Norms, ranks, pseudo-inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.ops.linalg.factorizations import lu
from penstock.ops.linalg.norms import (
    lu_matrix_inverse,
    lu_reconstruct,
    lu_solve,
    matrix_rank,
    norm,
    normalize,
    pinv,
    tridiagonal_matmul,
    tridiagonal_solve,
)
from penstock.testing.op_case import normal

X = normal(2, 3, 4)


@pytest.mark.parametrize("ord", [1, 2, 3.0, np.inf])
@pytest.mark.parametrize("axis", [0, -1])
def test_norms_of_vectors_are_those_of_numpy(ord: Any, axis: int) -> None:
    np.testing.assert_allclose(norm(X, ord, axis).numpy(), np.linalg.norm(X, ord, axis))
    np.testing.assert_allclose(norm(X, ord, axis, keepdims=True).numpy(), np.linalg.norm(X, ord, axis, keepdims=True))


@pytest.mark.parametrize("ord", ["fro", 1, 2, np.inf])
def test_norms_of_matrices_are_those_of_numpy(ord: Any) -> None:
    np.testing.assert_allclose(norm(X, ord, axis=(-2, -1)).numpy(), np.linalg.norm(X, ord, axis=(-2, -1)))
    np.testing.assert_allclose(norm(X, ord, axis=(0, 2)).numpy(), np.linalg.norm(X, ord, axis=(0, 2)))


def test_orders_and_axes_are_checked() -> None:
    with pytest.raises(ValueError, match="'ord'"):
        norm(X, "nuclear", axis=(0, 1))
    with pytest.raises(ValueError, match="'ord'"):
        norm(X, "fro", axis=0)
    with pytest.raises(ValueError, match="'axis'"):
        norm(X, axis=(0, 1, 2))


def test_normalized_vectors_have_norm_one() -> None:
    unit, length = normalize(X, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(unit.numpy(), axis=-1), 1.0)
    np.testing.assert_allclose((unit * length).numpy(), X)


def test_ranks_and_pseudo_inverses_are_those_of_numpy() -> None:
    deficient = np.stack([np.ones((3, 4)), X[0]])
    assert matrix_rank(deficient).numpy().tolist() == [1, 3]
    np.testing.assert_allclose(pinv(X).numpy(), np.linalg.pinv(X), atol=1e-10)


def test_triangular_factors_rebuild_solve_and_invert() -> None:
    a = normal(2, 3, 3)
    factors, order = lu(a)
    np.testing.assert_allclose(lu_reconstruct(factors, order).numpy(), a, atol=1e-12)
    np.testing.assert_allclose(lu_solve(factors, order, X).numpy(), np.linalg.solve(a, X), atol=1e-10)
    np.testing.assert_allclose(lu_matrix_inverse(factors, order).numpy(), np.linalg.inv(a), atol=1e-10)


@pytest.mark.parametrize("diagonals_format", ["compact", "sequence", "matrix"])
def test_tridiagonal_matrices_come_in_three_formats(diagonals_format: str) -> None:
    upper, main, lower = normal(3), normal(4, seed=1) + 4, normal(3, seed=2)
    matrix = np.diag(upper, 1) + np.diag(main) + np.diag(lower, -1)
    compact = np.stack([np.append(upper, 0), main, np.append(0, lower)])
    given: Any = {"compact": compact, "sequence": [upper, main, lower], "matrix": matrix}[diagonals_format]
    rhs = normal(4, 2, seed=3)
    np.testing.assert_allclose(tridiagonal_solve(given, rhs, diagonals_format).numpy(), np.linalg.solve(matrix, rhs))
    np.testing.assert_allclose(tridiagonal_matmul(given, rhs, diagonals_format).numpy(), matrix @ rhs)


def test_right_hand_sides_that_are_rows_have_columns_for_solutions() -> None:
    diagonals, rows = normal(3, 4) + np.array([[0.0], [4.0], [0.0]]), normal(2, 4)
    expected = tridiagonal_solve(diagonals, rows.T).numpy()
    np.testing.assert_allclose(tridiagonal_solve(diagonals, rows, transpose_rhs=True).numpy(), expected)


def test_complex_matrices_have_no_rank() -> None:
    for function in (matrix_rank, pinv):
        with pytest.raises(TypeError, match="float"):
            function(np.eye(2, dtype=np.complex64))
