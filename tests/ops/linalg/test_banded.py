"""Banded triangular systems, and eigenvalues of tridiagonal matrices."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.linalg.banded import banded_triangular_solve_op, eigh_tridiagonal
from penstock.testing.op_case import OpCase, normal

COVERS = ("BandedTriangularSolve",)

BANDS = np.array([[2.0, 3.0, 4.0], [1.0, 5.0, 6.0]])  # the first entry below the diagonal is filling
LOWER = np.array([[2.0, 0.0, 0.0], [5.0, 3.0, 0.0], [0.0, 6.0, 4.0]])
RISING = np.array([[5.0, 6.0, 1.0], [2.0, 3.0, 4.0]])
UPPER = LOWER.T
RHS = normal(3, 2)
CASES = [
    OpCase(banded_triangular_solve_op, [BANDS, RHS], np.linalg.solve(LOWER, RHS)),
    OpCase(banded_triangular_solve_op, [BANDS, RHS], np.linalg.solve(UPPER, RHS), {"adjoint": True}),
    OpCase(banded_triangular_solve_op, [RISING, RHS], np.linalg.solve(UPPER, RHS), {"lower": False}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


ALPHA, BETA = np.array([1.0, 2.0, 3.0]), np.array([0.5, -0.25])
DENSE = np.diag(ALPHA) + np.diag(BETA, 1) + np.diag(BETA, -1)
VALUES = np.linalg.eigvalsh(DENSE)


def test_eigenvalues_rise_and_may_be_selected() -> None:
    np.testing.assert_allclose(eigh_tridiagonal(ALPHA, BETA).numpy(), VALUES)
    np.testing.assert_allclose(eigh_tridiagonal(ALPHA, BETA, select="i", select_range=(1, 2)).numpy(), VALUES[1:])
    between = eigh_tridiagonal(ALPHA, BETA, select="v", select_range=(0.0, 2.5)).numpy()
    np.testing.assert_allclose(between, VALUES[:2])


def test_eigenvectors_are_columns() -> None:
    values, vectors = (part.numpy() for part in eigh_tridiagonal(ALPHA, BETA, eigvals_only=False))
    np.testing.assert_allclose(DENSE @ vectors, vectors * values, atol=1e-12)


def test_a_selection_without_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match="select_range"):
        eigh_tridiagonal(ALPHA, BETA, select="i")
    with pytest.raises(ValueError, match="one type"):
        eigh_tridiagonal(ALPHA, BETA.astype(np.float32))
