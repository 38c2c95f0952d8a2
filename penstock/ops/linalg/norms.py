"""Norms, ranks and pseudo-inverses of matrices, and what is computed from their factors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.diagonal import band_part, eye, set_diag
from penstock.ops.array.filling import ones_like
from penstock.ops.array.gather import gather
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims, shape, squeeze
from penstock.ops.array.sorting import argsort
from penstock.ops.constant import constant
from penstock.ops.linalg.common import product
from penstock.ops.linalg.factorizations import svd
from penstock.ops.linalg.solving import matrix_triangular_solve_op
from penstock.ops.math.reduce import reduction_axes

_abs_op = deferred("Abs")
_cast_op = deferred("Cast")
_conj_op = deferred("Conj")
_max_op = deferred("Max")
_pow_op = deferred("Pow")
_sqrt_op = deferred("Sqrt")
_sum_op = deferred("Sum")
_ORDERS = ("fro", "euclidean", 1, 2, math.inf)


def _absolute(x: Tensor) -> Tensor:
    return deferred("ComplexAbs")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else _abs_op(x)


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None
) -> Tensor:
    """Return the norms of vectors or matrices.

    Args:
        tensor: a tensor.
        ord: for vectors "euclidean" or a number from 1 to infinity; for matrices "euclidean", "fro", 1, 2 or infinity.
        axis: an axis for vectors, two for matrices; by default all elements are one vector.
        keepdims: whether the axes stay, with size 1.
        name: the name of the nodes.
    Raises:
        ValueError: if the order is not supported, or there are more than two axes.
    """
    keepdims = bool(keepdims)
    is_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if is_matrix:
        axes: Any = [int(item) for item in axis]
        if axes[0] == axes[1]:
            raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers.")
        if ord not in _ORDERS:
            raise ValueError(f"'ord' must be a supported matrix norm in {list(_ORDERS)}, got {ord}")
    else:
        if isinstance(axis, (tuple, list)):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if ord == "fro" or not (ord == "euclidean" or (isinstance(ord, (int, float, np.number)) and ord > 0)):
            raise ValueError(f"'ord' must be a supported vector norm: 'euclidean', or a number above 0, got {ord}")
        axes = None if axis is None else [axis]
    with name_scope(name, "norm", [tensor]):
        tensor = convert_to_tensor(tensor)
        along = reduction_axes(tensor, None) if axes is None else axes
        if ord in ("fro", "euclidean") or (ord == 2 and not is_matrix):
            squares = tensor * _conj_op(tensor) if tensor.dtype.is_complex else tensor * tensor
            result = _sqrt_op(_sum_op(squares, along, keep_dims=True))
        elif is_matrix and ord == 2:
            result = _spectral_norm(tensor, axes)
        else:
            sizes = _absolute(tensor)
            if is_matrix:
                first, second = (axes[0], axes[1]) if ord == 1 else (axes[1], axes[0])
                result = _max_op(_sum_op(sizes, [first], keep_dims=True), [second], keep_dims=True)
            elif ord == math.inf:
                result = _max_op(sizes, along, keep_dims=True)
            elif ord == 1:
                result = _sum_op(sizes, along, keep_dims=True)
            else:
                powers = _sum_op(_pow_op(sizes, constant(ord, sizes.dtype)), along, keep_dims=True)
                result = _pow_op(powers, constant(1.0 / ord, sizes.dtype))
        if keepdims:
            return result
        return squeeze(result, axes)


def _spectral_norm(tensor: Tensor, axes: list[int]) -> Tensor:
    rank = tensor.ndim
    if rank is None:
        raise ValueError("the spectral norm needs a tensor of known rank")
    if any(not -rank <= axis < rank for axis in axes):
        raise InvalidArgumentError(None, None, f"axes {axes} are out of range for a tensor of {rank} axes")
    positions = [axis % rank for axis in axes]
    order = [axis for axis in range(rank) if axis not in positions] + positions
    largest = _max_op(svd(deferred("Transpose")(tensor, order), compute_uv=False), [-1], keep_dims=True)
    return deferred("Transpose")(expand_dims(largest, -1), [order.index(axis) for axis in range(rank)])


def norm_v1(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the norms of vectors or matrices; `keep_dims` is an old name of `keepdims`."""
    return norm(tensor, ord, axis, keep_dims if keepdims is None else keepdims, name)


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return vectors or matrices divided by their norms, and the norms.

    Args:
        tensor: a tensor.
        ord: the order of the norm, see `norm`.
        axis: an axis for vectors, two for matrices; by default all elements are one vector.
        name: the name of the nodes.
    """
    with name_scope(name, "normalize", [tensor]):
        tensor = convert_to_tensor(tensor)
        length = _cast_op(norm(tensor, ord, axis, keepdims=True), DstT=tensor.dtype.base_dtype)
        return tensor / length, length


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the ranks of matrices: how many singular values are larger than a tolerance.

    Args:
        a: a real tensor of shape (..., m, n).
        tol: the tolerance; by default the largest singular value times the machine precision times max(m, n).
        validate_args: whether the arguments are checked at run time.
        name: the name of the nodes.
    """
    with name_scope(name, "matrix_rank", [a]):
        a = convert_to_tensor(a)
        _check_matrix(a)
        s = svd(a, compute_uv=False)
        if tol is None:
            tol = _largest_side(a, s) * float(np.finfo(s.dtype.as_numpy_dtype).eps) * _max_op(s, [-1], keep_dims=True)
        counted = deferred("Greater")(s, tol)
        return _sum_op(_cast_op(counted, DstT=np.int32), [-1], keep_dims=False)


def _check_matrix(a: Tensor) -> None:
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    if a.ndim is not None and a.ndim < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {a.ndim}).")


def _largest_side(a: Tensor, s: Tensor) -> Any:
    dims = a.dims
    if dims is not None and None not in dims[-2:]:
        return float(max(dims[-2:]))  # type: ignore[type-var, arg-type]
    return _cast_op(_max_op(shape(a)[-2:], [0], keep_dims=False), DstT=s.dtype)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the Moore-Penrose pseudo-inverses of matrices.

    Args:
        a: a real tensor of shape (..., m, n).
        rcond: singular values up to this share of the largest count as zero; by default 10 max(m, n) machine
            precisions.
        validate_args: whether the arguments are checked at run time.
        name: the name of the nodes.
    Returns:
        A tensor of shape (..., n, m).
    """
    with name_scope(name, "pinv", [a]):
        a = convert_to_tensor(a)
        _check_matrix(a)
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        if rcond is None:
            rcond = 10.0 * _largest_side(a, s) * float(np.finfo(s.dtype.as_numpy_dtype).eps)
        share = convert_to_tensor(rcond, s.dtype)
        if share.ndim:
            share = expand_dims(share, -1)
        cutoff = share * _max_op(s, [-1], keep_dims=True)
        kept = where(deferred("Greater")(s, cutoff), s, constant(math.inf, s.dtype))
        weights = expand_dims(_cast_op(kept, DstT=a.dtype.base_dtype), -2)
        return product(v / weights, u, adjoint_b=True)


# From triangular factors


def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the matrices that have the given triangular factors.

    Args:
        lower_upper: both factors in one, of shape (..., n, n), as `lu` gives them.
        perm: the permutation of rows, of shape (..., n).
        validate_args: whether the arguments are checked at run time.
        name: the name of the nodes.
    """
    with name_scope(name, "lu_reconstruct", [lower_upper, perm]):
        lower_upper, perm = convert_to_tensor(lower_upper), convert_to_tensor(perm)
        lower = set_diag(band_part(lower_upper, -1, 0), ones_like(deferred("MatrixDiagPart")(lower_upper)))
        rows = product(lower, band_part(lower_upper, 0, -1))
        assert perm.ndim is not None
        inverse = argsort(perm)
        return gather(rows, inverse, axis=perm.ndim - 1, batch_dims=perm.ndim - 1)


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the solutions x of a x = rhs from the triangular factors of a.

    Args:
        lower_upper: both factors in one, of shape (..., n, n), as `lu` gives them.
        perm: the permutation of rows, of shape (..., n).
        rhs: a tensor of shape (..., n, k).
        validate_args: whether the arguments are checked at run time.
        name: the name of the nodes.
    """
    with name_scope(name, "lu_solve", [lower_upper, perm, rhs]):
        lower_upper, perm, rhs = convert_to_tensor(lower_upper), convert_to_tensor(perm), convert_to_tensor(rhs)
        assert perm.ndim is not None
        rows = gather(rhs, perm, axis=perm.ndim - 1, batch_dims=perm.ndim - 1)
        lower = set_diag(band_part(lower_upper, -1, 0), ones_like(deferred("MatrixDiagPart")(lower_upper)))
        return matrix_triangular_solve_op(lower_upper, matrix_triangular_solve_op(lower, rows, lower=True), lower=False)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the inverses of matrices from their triangular factors.

    Args:
        lower_upper: both factors in one, of shape (..., n, n), as `lu` gives them.
        perm: the permutation of rows, of shape (..., n).
        validate_args: whether the arguments are checked at run time.
        name: the name of the nodes.
    """
    with name_scope(name, "lu_matrix_inverse", [lower_upper, perm]):
        lower_upper = convert_to_tensor(lower_upper)
        extents = shape(lower_upper)
        batch = extents[:-2] if lower_upper.ndim is None or lower_upper.ndim > 2 else None
        return lu_solve(lower_upper, perm, eye(extents[-1], batch_shape=batch, dtype=lower_upper.dtype), validate_args)


# Tridiagonal matrices in three formats


def _compact(diagonals: Any, diagonals_format: str, what: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the superdiagonal, main diagonal and subdiagonal, all of one length, from any of the formats."""
    if diagonals_format == "compact":
        diagonals = convert_to_tensor(diagonals)
        return diagonals[..., 0, :], diagonals[..., 1, :], diagonals[..., 2, :]
    if diagonals_format == "sequence":
        upper, main, lower = (convert_to_tensor(diagonal) for diagonal in diagonals)
        assert main.dims is not None
        if upper.dims is not None and upper.dims[-1] == (main.dims[-1] or 0) - 1:
            upper = _padded(upper, 0, 1)
        if lower.dims is not None and lower.dims[-1] == (main.dims[-1] or 0) - 1:
            lower = _padded(lower, 1, 0)
        return upper, main, lower
    if diagonals_format == "matrix":
        matrix = convert_to_tensor(diagonals)
        if matrix.dims is not None and matrix.dims[-1] is not None and matrix.dims[-1] != matrix.dims[-2]:
            raise ValueError(
                f"Expected last two dimensions of diagonals to be same, got {matrix.dims[-2]} and {matrix.dims[-1]}."
            )
        band = deferred("MatrixDiagPartV3")(matrix, [-1, 1], constant(0, matrix.dtype), align="LEFT_RIGHT")
        return band[..., 0, :], band[..., 1, :], band[..., 2, :]
    raise ValueError(
        f"Unrecognized diagonals_format: {diagonals_format}; {what} takes 'compact', 'sequence' or 'matrix'"
    )


def _padded(diagonal: Tensor, before: int, after: int) -> Tensor:
    assert diagonal.ndim is not None
    return deferred("Pad")(diagonal, [[0, 0]] * (diagonal.ndim - 1) + [[before, after]])


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:
    """Return the solutions of tridiagonal systems.

    Args:
        diagonals: for "compact" a tensor of shape (..., 3, n) with superdiagonal, diagonal and subdiagonal; for
            "sequence" a list of the three; for "matrix" matrices of shape (..., n, n).
        rhs: a tensor of shape (..., n) or (..., n, k).
        diagonals_format: "compact", "sequence" or "matrix".
        transpose_rhs: whether the rows of `rhs` are the right-hand sides; the solutions are columns all the same.
        conjugate_rhs: whether `rhs` is conjugated first.
        name: the name of the nodes.
        partial_pivoting: whether rows are exchanged for stability.
        perturb_singular: whether singular systems are perturbed; needs partial pivoting.
    """
    with name_scope(name, "tridiagonal_solve", [diagonals, rhs]):
        if perturb_singular and not partial_pivoting:
            raise ValueError("partial_pivoting must be True if perturb_singular is True.")
        upper, main, lower = _compact(diagonals, diagonals_format, "tridiagonal_solve")
        rhs = convert_to_tensor(rhs)
        assert main.ndim is not None and rhs.ndim is not None
        is_vector = rhs.ndim == main.ndim
        if conjugate_rhs and rhs.dtype.is_complex:
            rhs = _conj_op(rhs)
        if is_vector:
            rhs = expand_dims(rhs, -1)
        elif transpose_rhs:
            rhs = deferred("Transpose")(rhs, [*range(rhs.ndim - 2), rhs.ndim - 1, rhs.ndim - 2])
        stacked = deferred("Pack")([upper, main, lower], axis=-2)
        result = deferred("TridiagonalSolve")(
            stacked, rhs, partial_pivoting=partial_pivoting, perturb_singular=perturb_singular
        )
        return squeeze(result, -1) if is_vector else result


def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Tensor:
    """Return the products of tridiagonal matrices with others.

    Args:
        diagonals: see `tridiagonal_solve`.
        rhs: a tensor of shape (..., n, k).
        diagonals_format: "compact", "sequence" or "matrix".
        name: the name of the nodes.
    """
    with name_scope(name, "tridiagonal_matmul", [diagonals, rhs]):
        parts = [expand_dims(part, -2) for part in _compact(diagonals, diagonals_format, "tridiagonal_matmul")]
        return deferred("TridiagonalMatMul")(*parts, rhs)
