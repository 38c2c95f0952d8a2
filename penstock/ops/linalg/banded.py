"""Matrices that are zero outside of a few diagonals: triangular systems, and eigenvalues of tridiagonal matrices."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast, expect_rank_at_least, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.gather import gather
from penstock.ops.array.selecting import boolean_mask
from penstock.ops.linalg.common import MATRIX, adjoint, product
from penstock.ops.linalg.factorizations import eigh, eigvalsh
from penstock.ops.math.broadcasting import reduce_to
from penstock.ops.math.compare import logical_and


def _dense(bands: torch.Tensor, lower: bool) -> torch.Tensor:
    """Return triangular matrices by their diagonals, each of which starts at its own row or ends at its own column."""
    count, side = bands.shape[-2:]
    result = bands.new_zeros(*bands.shape[:-2], side, side)
    for row in range(min(count, side)):
        if lower:
            result.diagonal(-row, -2, -1).copy_(bands[..., row, row:])
        else:
            result.diagonal(row, -2, -1).copy_(bands[..., count - 1 - row, : side - row])
    return result


@op("BandedTriangularSolve(matrix: T, rhs: T) -> output: T", T=MATRIX)
def banded_triangular_solve_op(
    matrix: torch.Tensor, rhs: torch.Tensor, *, lower: bool = True, adjoint: bool = False
) -> torch.Tensor:
    if matrix.ndim < 2 or rhs.ndim < 2 or matrix.shape[-1] != rhs.shape[-2] or matrix.shape[-2] > matrix.shape[-1]:
        raise InvalidArgumentError(
            None,
            None,
            "expected bands of shape (..., k, n) with k <= n and right-hand sides (..., n, m), got shapes "
            f"{list(matrix.shape)} and {list(rhs.shape)}",
        )
    triangle = _dense(matrix, lower)
    return torch.linalg.solve_triangular(triangle.mH if adjoint else triangle, rhs, upper=lower == adjoint)


@banded_triangular_solve_op.shape
def banded_triangular_solve_shape(matrix: Dims, rhs: Dims, *, lower: bool, adjoint: bool) -> Dims:
    expect_rank_at_least(matrix, 2, "matrix")
    expect_rank_at_least(rhs, 2, "rhs")
    if matrix is None or rhs is None:
        return None
    side = merge_dim(matrix[-1], rhs[-2], "columns of matrix and rows of rhs")
    batch = broadcast(matrix[:-2], rhs[:-2])
    assert batch is not None
    return (*batch, side, rhs[-1])


@banded_triangular_solve_op.gradient
def banded_triangular_solve_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    matrix, rhs = call.inputs
    lower, is_adjoint, solution = call.attrs["lower"], call.attrs["adjoint"], call.outputs[0]
    grad_rhs = banded_triangular_solve_op(matrix, grad, lower=lower, adjoint=not is_adjoint)
    left, right = (solution, grad_rhs) if is_adjoint else (grad_rhs, solution)
    dense = deferred("Neg")(product(left, right, adjoint_b=True))
    furthest = deferred("Shape")(matrix)[-2] - 1
    edges = deferred("Pack")([-furthest, 0] if lower else [0, furthest])
    zero = convert_to_tensor(0, matrix.dtype)
    bands = deferred("MatrixDiagPartV3")(dense, edges, zero, align="LEFT_RIGHT")
    return reduce_to(matrix, bands), reduce_to(rhs, grad_rhs)


def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Return the solutions x of A x = rhs for triangular matrices A that are given by their diagonals.

    Args:
        bands: a tensor of shape (..., k, n), a diagonal a row: from the main one down if `lower`, filled up at the
            start; else down to the main one, filled up at the end.
        rhs: a tensor of shape (..., n, m).
        lower: whether the matrices are lower triangular.
        adjoint: whether the adjoints of the matrices are meant.
        name: the name of the node.
    """
    with name_scope(name, "banded_triangular_solve", [bands, rhs]):
        return banded_triangular_solve_op(bands, rhs, lower=lower, adjoint=adjoint)


def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Return the eigenvalues of one tridiagonal Hermitian matrix, in rising order.

    Args:
        alpha: the diagonal, of shape (n,).
        beta: the diagonal above it, of shape (n - 1,); the one below is its conjugate.
        eigvals_only: whether the eigenvectors are left out.
        select: "a" for all, "v" for the eigenvalues in an interval, "i" for those of some positions.
        select_range: (low, high): the interval, without low, or the first and last position.
        tol: accepted for the signature's sake; values are exact to the precision of their type.
        name: the name of the scope.
    Returns:
        The eigenvalues; with `eigvals_only=False` also a matrix whose columns are the eigenvectors.
    Raises:
        ValueError: if `select` is none of the three, or its range is missing or malformed.
    """
    with name_scope(name, "eigh_tridiagonal", [alpha, beta]):
        alpha = convert_to_tensor(alpha, name="alpha")
        beta = convert_to_tensor(beta, name="beta")
        if alpha.dtype.base_dtype != beta.dtype.base_dtype:
            raise ValueError(f"alpha and beta must have one type, got {alpha.dtype.name} and {beta.dtype.name}")
        if select not in ("a", "v", "i"):
            raise ValueError(f"select must be 'a', 'v' or 'i', got {select!r}")
        if select != "a" and (select_range is None or len(select_range) != 2 or select_range[0] > select_range[1]):
            raise ValueError(f"select_range must be two ordered numbers for select={select!r}, got {select_range!r}")
        matrix = deferred("MatrixSetDiagV3")(_off_diagonal(beta), alpha, 0, align="RIGHT_LEFT")
        if eigvals_only:
            values, vectors = eigvalsh(matrix), None
        else:
            values, vectors = eigh(matrix)
        return _selected(values, vectors, select, select_range)


def _off_diagonal(beta: Tensor) -> Tensor:
    def at(diagonal: Tensor, position: int) -> Tensor:
        zero = convert_to_tensor(0, diagonal.dtype.base_dtype)
        return deferred("MatrixDiagV3")(diagonal, position, -1, -1, zero, align="RIGHT_LEFT")

    upper = at(beta, 1)
    return upper + adjoint(upper)


def _selected(values: Tensor, vectors: Tensor | None, select: str, limits: Any) -> Any:
    if select == "i":
        first, last = limits
        kept: Any = deferred("Range")(first, last + 1, 1)
        values = gather(values, kept)
        return values if vectors is None else (values, gather(vectors, kept, axis=1))
    if select == "v":
        low, high = (convert_to_tensor(limit, values.dtype) for limit in limits)
        kept = logical_and(deferred("Greater")(values, low), deferred("LessEqual")(values, high))
        found = boolean_mask(values, kept)
        return found if vectors is None else (found, boolean_mask(vectors, kept, axis=1))
    return values if vectors is None else (values, vectors)
