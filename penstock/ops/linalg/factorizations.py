"""Factorizations: Cholesky, QR, LU, singular values, eigenvalues."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import COMPLEX, DType, as_dtype, complex64, complex128, float16, float32, float64, int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank_at_least
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, deferred
from penstock.ops.array.diagonal import (
    matrix_band_part_op,
    matrix_diag_op,
    matrix_diag_part_op,
    matrix_set_diag_op,
)
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims
from penstock.ops.linalg.common import (
    MATRIX,
    adjoint,
    check_invertible,
    check_square,
    product,
    square,
    square_shape,
    widened,
)
from penstock.ops.linalg.solving import matrix_solve_op, matrix_triangular_solve_op

_cast_op = deferred("Cast")
_conj_op = deferred("Conj")
_reciprocal_no_nan_op = deferred("DivNoNan")
_ones_like_op = deferred("OnesLike")


def _real(x: Tensor) -> Tensor:
    out = x.dtype.base_dtype.real_dtype
    return deferred("Real")(x, Tout=out) if x.dtype.is_complex else x


def _safe_reciprocal(x: Any) -> Any:
    """Return 1/x, and 0 where x is 0."""
    return _reciprocal_no_nan_op(_ones_like_op(x), x)


# Cholesky


@op("Cholesky(input: T) -> output: T", shape=square_shape, T=MATRIX)
def cholesky_op(input: torch.Tensor) -> torch.Tensor:
    check_square(input)

    def factor(matrix: torch.Tensor) -> torch.Tensor:
        lower, info = torch.linalg.cholesky_ex(matrix)
        # What is not positive definite has no factor: NaN tells so, for each matrix of a batch on its own.
        return torch.where((info != 0)[..., None, None], torch.nan, lower).tril()

    return widened(factor, input)


@cholesky_op.gradient
def cholesky_gradient(call: Any, grad: Any) -> Any:
    return cholesky_cotangent(call.outputs[0], convert_to_tensor(grad))


def cholesky_cotangent(lower: Tensor, grad: Tensor) -> Tensor:
    """Return the cotangent of a matrix from that of its Cholesky factor (Murray 2016, section 4)."""
    middle = product(lower, grad, adjoint_a=True)
    middle = matrix_set_diag_op(middle, matrix_diag_part_op(middle) * 0.5)
    middle = matrix_band_part_op(middle, -1, 0)
    left = matrix_triangular_solve_op(lower, middle, lower=True, adjoint=True)
    whole = adjoint(matrix_triangular_solve_op(lower, adjoint(left), lower=True, adjoint=True))
    return (whole + adjoint(whole)) * 0.5


@op(
    "CholeskyGrad(l: T, grad: T) -> output: T",
    T=frozenset({float16, float32, float64}),
    shape=lambda lower, grad: square(lower, "l"),
)
def cholesky_grad_op(l: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:  # noqa: E741
    def pull(lower: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        middle = (lower.mT @ cotangent).tril()
        middle.diagonal(0, -2, -1).mul_(0.5)
        left = torch.linalg.solve_triangular(lower.mT, middle, upper=True)
        whole = torch.linalg.solve_triangular(lower, left, upper=False, left=False)
        return (whole + whole.mT) * 0.5

    return widened(pull, l, grad)


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """Return the lower triangular factors L of positive definite matrices, with L L^H the matrix.

    Args:
        input: a tensor of shape (..., n, n), of which the lower triangles are read.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a matrix is not positive definite.
    """
    return cholesky_op(input, name=name)


# QR


@op("Qr(input: T) -> (q: T, r: T)", T=MATRIX)
def qr_op(input: torch.Tensor, *, full_matrices: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    if input.ndim < 2:
        raise InvalidArgumentError(None, None, f"Input must have rank >= 2, got shape {list(input.shape)}")
    return widened(lambda matrix: tuple(torch.linalg.qr(matrix, "complete" if full_matrices else "reduced")), input)


@qr_op.shape
def qr_shape(input: Dims, *, full_matrices: bool) -> tuple[Dims, Dims]:
    expect_rank_at_least(input, 2, "input")
    if input is None:
        return None, None
    rows, columns = input[-2:]
    inner = rows if full_matrices else _smaller(rows, columns)
    return (*input[:-2], rows, inner), (*input[:-2], inner, columns)


def _smaller(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else min(a, b)


@qr_op.gradient
def qr_gradient(call: Any, grad_q: Any, grad_r: Any) -> Any:
    q, r = call.outputs
    dims = r.dims
    if q.dims is None or dims is None or None in (*q.dims[-2:], *dims[-2:]):
        raise LookupError(f"The gradient of Qr {call.name!r} needs a static shape of the matrices")
    rows, columns = q.dims[-2], dims[-1]
    if call.attrs["full_matrices"] and rows > columns:
        raise NotImplementedError(
            f"The gradient of Qr {call.name!r} is not defined for full_matrices with {rows} rows and {columns} columns"
        )
    grad_q, grad_r = convert_to_tensor(grad_q), convert_to_tensor(grad_r)
    if rows >= columns:
        return _deep_qr_cotangent(q, r, grad_q, grad_r)
    # The columns beyond the square part follow from q alone.
    beyond, beyond_grad = call.inputs[0][..., rows:], grad_r[..., rows:]
    grad_q = grad_q + product(beyond, beyond_grad, adjoint_b=True)
    first = _deep_qr_cotangent(q, r[..., :rows], grad_q, grad_r[..., :rows])
    return concat([first, product(q, beyond_grad)], -1)


def _deep_qr_cotangent(q: Tensor, r: Tensor, grad_q: Any, grad_r: Any) -> Any:
    """Return the cotangent of a matrix with at least as many rows as columns (Walter and Lehmann 2012)."""

    def over_adjoint_r(x: Tensor) -> Tensor:
        return adjoint(matrix_triangular_solve_op(r, adjoint(x), lower=False, adjoint=False))

    qdq, rdr = product(q, grad_q, adjoint_a=True), product(r, grad_r, adjoint_b=True)
    skew = (qdq - adjoint(qdq)) + (rdr - adjoint(rdr))
    result = product(q, grad_r + over_adjoint_r(matrix_band_part_op(skew, -1, 0)))
    result = result + over_adjoint_r(grad_q - product(q, qdq))
    if q.dtype.is_complex:
        phases = matrix_diag_part_op(rdr - adjoint(qdq))
        imaginary = matrix_diag_op(phases - _cast_op(_real(phases), DstT=q.dtype))
        result = result + product(q, over_adjoint_r(adjoint(imaginary)))
    return result


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Return the factors of matrices: `q` with orthonormal columns and `r` upper triangular, q r being the matrix.

    Args:
        input: a tensor of shape (..., m, n).
        full_matrices: whether `q` is square.
        name: the name of the node.
    Returns:
        `q` of shape (..., m, k) and `r` of shape (..., k, n), k the smaller of m and n, or m for full matrices.
    """
    return qr_op(input, full_matrices=full_matrices, name=name)


# LU


@op("Lu(input: T) -> (lu: T, p: output_idx_type)", T=MATRIX, output_idx_type=Type(INDEX, default=int32))
def lu_op(input: torch.Tensor, *, output_idx_type: DType = int32) -> tuple[torch.Tensor, torch.Tensor]:
    check_square(input)
    matrix = input.float() if input.dtype == torch.float16 else input
    factors, pivots, info = torch.linalg.lu_factor_ex(matrix)
    check_invertible(info)
    permutation = torch.lu_unpack(factors, pivots, unpack_data=False)[0]
    rows = permutation.real.argmax(-2) if permutation.shape[-1] else permutation.real.new_zeros(permutation.shape[:-1])
    return factors.to(input.dtype), rows.to(array.torch_dtype(output_idx_type))


@lu_op.shape
def lu_shape(input: Dims, *, output_idx_type: DType) -> tuple[Dims, Dims]:
    dims = square(input)
    return dims, None if dims is None else dims[:-1]


def lu(input: Any, output_idx_type: Any = int32, name: str | None = None) -> Any:
    """Return the triangular factors of square matrices with rows exchanged.

    Args:
        input: a tensor of shape (..., n, n).
        output_idx_type: the type of the permutation, int32 or int64.
        name: the name of the node.
    Returns:
        `lu`, both factors in one matrix (the unit diagonal of the lower one is left out), and `p`, the rows of
        `input` in the order of the rows of the product.
    Raises:
        InvalidArgumentError: if a matrix is singular.
    """
    return lu_op(input, output_idx_type=as_dtype(output_idx_type), name=name)


# Singular values


@op("Svd(input: T) -> (s: T, u: T, v: T)", T=MATRIX)
def svd_op(
    input: torch.Tensor, *, compute_uv: bool = True, full_matrices: bool = False
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if input.ndim < 2:
        raise InvalidArgumentError(None, None, f"Input must have rank >= 2, got shape {list(input.shape)}")

    def factor(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if not compute_uv:
            nothing = matrix.new_zeros((0,))
            return torch.linalg.svdvals(matrix).to(matrix.dtype), nothing, nothing
        u, s, vh = torch.linalg.svd(matrix, full_matrices=full_matrices)
        return s.to(matrix.dtype), u, vh.mH.resolve_conj()

    return widened(factor, input)


@svd_op.shape
def svd_shape(input: Dims, *, compute_uv: bool, full_matrices: bool) -> tuple[Dims, Dims, Dims]:
    expect_rank_at_least(input, 2, "input")
    if input is None:
        return None, None if compute_uv else (0,), None if compute_uv else (0,)
    rows, columns = input[-2:]
    inner = _smaller(rows, columns)
    values = (*input[:-2], inner)
    if not compute_uv:
        return values, (0,), (0,)
    batch = input[:-2]
    return (
        values,
        (*batch, rows, rows if full_matrices else inner),
        (*batch, columns, columns if full_matrices else inner),
    )


@svd_op.gradient
def svd_gradient(call: Any, grad_s: Any, grad_u: Any, grad_v: Any) -> Any:
    a = call.inputs[0]
    if not call.attrs["compute_uv"]:
        _, u, v = svd_op(a, compute_uv=True, full_matrices=False)
        return product(u, product(matrix_diag_op(grad_s), v, adjoint_b=True))
    s, u, v = call.outputs
    if a.dims is None or None in a.dims[-2:]:
        raise LookupError(f"The gradient of Svd {call.name!r} needs a static shape of the matrices")
    rows, columns = a.dims[-2:]
    inner = min(rows, columns)
    if call.attrs["full_matrices"] and abs(rows - columns) > 1:
        raise LookupError(
            f"The gradient of Svd {call.name!r} is not defined for full_matrices with {rows} rows and {columns} columns"
        )
    grad_u, grad_v = convert_to_tensor(grad_u), convert_to_tensor(grad_v)
    u, v, grad_u, grad_v = (part[..., :inner] for part in (u, v, grad_u, grad_v))
    squares = s * s
    gaps = expand_dims(squares, -2) - expand_dims(squares, -1)
    weights = _safe_reciprocal(gaps)
    u_part, v_part = product(u, grad_u, adjoint_a=True), product(v, grad_v, adjoint_a=True)
    u_skew, v_skew = u_part - adjoint(u_part), v_part - adjoint(v_part)
    row, column = expand_dims(s, -2), expand_dims(s, -1)
    middle = weights * u_skew * row + column * (weights * v_skew) + matrix_diag_op(grad_s)
    inverse = _safe_reciprocal(s)
    if a.dtype.is_complex:
        middle = middle + matrix_diag_op(matrix_diag_part_op(u_skew) * 0.5 * inverse)
    result = product(u, product(middle, v, adjoint_b=True))
    inverse_row = expand_dims(inverse, -2)
    if rows > inner:
        outside = grad_u - product(u, u_part)
        result = result + product(outside * inverse_row, v, adjoint_b=True)
    if columns > inner:
        outside = grad_v - product(v, v_part)
        result = result + product(u * inverse_row, outside, adjoint_b=True)
    return result


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Return the singular values of matrices, and their singular vectors.

    Args:
        tensor: a tensor of shape (..., m, n).
        full_matrices: whether `u` and `v` are square.
        compute_uv: whether the vectors are wanted.
        name: the name of the node.
    Returns:
        `s`, real, of shape (..., k), k the smaller of m and n, largest first; with `compute_uv` also `u` and `v`, the
        matrix being u diag(s) v^H.
    """
    s, u, v = svd_op(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    return (_real(s), u, v) if compute_uv else _real(s)


# Eigenvalues


@op("SelfAdjointEigV2(input: T) -> (e: T, v: T)", T=MATRIX)
def self_adjoint_eig_v2_op(input: torch.Tensor, *, compute_v: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    check_square(input)

    def factor(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not compute_v:
            return torch.linalg.eigvalsh(matrix).to(matrix.dtype), matrix.new_zeros((0,))
        e, v = torch.linalg.eigh(matrix)
        return e.to(matrix.dtype), v

    return widened(factor, input)


@self_adjoint_eig_v2_op.shape
def self_adjoint_eig_v2_shape(input: Dims, *, compute_v: bool) -> tuple[Dims, Dims]:
    dims = square(input)
    return (None if dims is None else dims[:-1]), (dims if compute_v else (0,))


@self_adjoint_eig_v2_op.gradient
def self_adjoint_eig_v2_gradient(call: Any, grad_e: Any, grad_v: Any) -> Any:
    if call.attrs["compute_v"]:
        e, v = call.outputs
        gaps = expand_dims(e, -2) - expand_dims(e, -1)
        middle = matrix_diag_op(grad_e) + _safe_reciprocal(gaps) * product(v, convert_to_tensor(grad_v), adjoint_a=True)
    else:
        _, v = self_adjoint_eig_v2_op(call.inputs[0])
        middle = matrix_diag_op(grad_e)
    whole = product(v, product(middle, v, adjoint_b=True))
    # Only the lower triangle of the input is read.
    lower = matrix_band_part_op(whole + adjoint(whole), -1, 0)
    return matrix_set_diag_op(lower, matrix_diag_part_op(lower) * 0.5)


def eigh(tensor: Any, name: str | None = None) -> Any:
    """Return the eigenvalues of self-adjoint matrices, smallest first, and their eigenvectors.

    Args:
        tensor: a tensor of shape (..., n, n), of which the lower triangles are read.
        name: the name of the node.
    Returns:
        `e` of shape (..., n), and `v` of shape (..., n, n) with the eigenvectors as columns.
    """
    e, v = self_adjoint_eig_v2_op(tensor, compute_v=True, name=name)
    return e, v


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Return the eigenvalues of self-adjoint matrices, smallest first.

    Args:
        tensor: a tensor of shape (..., n, n), of which the lower triangles are read.
        name: the name of the node.
    """
    return self_adjoint_eig_v2_op(tensor, compute_v=False, name=name)[0]


@op("Eig(input: T) -> (e: Tout, v: Tout)", T=frozenset({float32, float64}) | COMPLEX, Tout=COMPLEX)
def eig_op(input: torch.Tensor, *, compute_v: bool = True, Tout: DType) -> tuple[torch.Tensor, torch.Tensor]:
    check_square(input)
    # LAPACK's balancing of a general matrix ends the process over numbers that are not finite.
    if not bool(torch.isfinite(input).all()):
        raise InvalidArgumentError(
            None, None, "Eigen decomposition was not successful: the input has elements that are not finite."
        )
    dtype = array.torch_dtype(Tout)
    if not compute_v:
        return torch.linalg.eigvals(input).to(dtype), torch.zeros((0,), dtype=dtype, device=input.device)
    e, v = torch.linalg.eig(input)
    return e.to(dtype), v.to(dtype)


@eig_op.shape
def eig_shape(input: Dims, *, compute_v: bool, Tout: DType) -> tuple[Dims, Dims]:
    return self_adjoint_eig_v2_shape(input, compute_v=compute_v)


@eig_op.gradient
def eig_gradient(call: Any, grad_e: Any, grad_v: Any) -> Any:
    input = call.inputs[0]
    if call.attrs["compute_v"]:
        e, v = call.outputs
        gaps = expand_dims(e, -2) - expand_dims(e, -1)
        along = product(v, convert_to_tensor(grad_v), adjoint_a=True)
        # The vectors have unit length, which leaves no gradient along themselves.
        length = matrix_diag_op(_cast_op(_real(matrix_diag_part_op(along)), DstT=v.dtype))
        free = along - product(product(v, v, adjoint_a=True), length)
        middle = matrix_diag_op(grad_e) + _conj_op(_safe_reciprocal(gaps)) * free
    else:
        _, v = eig_op(input, compute_v=True, Tout=call.attrs["Tout"])
        middle = matrix_diag_op(grad_e)
    back = adjoint(v)
    result = matrix_solve_op(back, product(middle, back))
    return result if input.dtype == result.dtype else _cast_op(_real(result), DstT=input.dtype)


def _complex_of(dtype: DType) -> DType:
    return complex128 if dtype in (float64, complex128) else complex64


def eig(tensor: Any, name: str | None = None) -> Any:
    """Return the eigenvalues of square matrices and their eigenvectors, both complex.

    Args:
        tensor: a tensor of shape (..., n, n).
        name: the name of the node.
    Returns:
        `e` of shape (..., n), in no particular order, and `v` of shape (..., n, n) with the eigenvectors as columns.
    """
    tensor = convert_to_tensor(tensor)
    return eig_op(tensor, compute_v=True, Tout=_complex_of(tensor.dtype.base_dtype), name=name)


def eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """Return the eigenvalues of square matrices, complex, in no particular order.

    Args:
        tensor: a tensor of shape (..., n, n).
        name: the name of the node.
    """
    tensor = convert_to_tensor(tensor)
    return eig_op(tensor, compute_v=False, Tout=_complex_of(tensor.dtype.base_dtype), name=name)[0]
