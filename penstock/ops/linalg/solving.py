"""Systems of linear equations, inverses and determinants."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import COMPLEX, bfloat16, float32, float64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, broadcast, expect_rank_at_least, merge, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.diagonal import matrix_band_part_op, matrix_diag_part_op
from penstock.ops.array.shaping import expand_dims, sum_to_shape_of
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

_cast_op = deferred("Cast")
_log_op = deferred("Log")
_neg_op = deferred("Neg")
_sum_op = deferred("Sum")
_NOT_INVERTIBLE = "Input matrix is not invertible."


# Inverse


@op("MatrixInverse(input: T) -> output: T", shape=square_shape, T=MATRIX)
def matrix_inverse_op(input: torch.Tensor, *, adjoint: bool = False) -> torch.Tensor:
    check_square(input)

    def invert(matrix: torch.Tensor) -> torch.Tensor:
        inverse, info = torch.linalg.inv_ex(matrix)
        check_invertible(info)
        return inverse.mH.resolve_conj() if adjoint else inverse

    return widened(invert, input)


@matrix_inverse_op.gradient
def matrix_inverse_gradient(call: Any, grad: Any) -> Any:
    inverse, is_adjoint = call.outputs[0], call.attrs["adjoint"]
    inner = product(convert_to_tensor(grad), inverse, adjoint_a=is_adjoint, adjoint_b=not is_adjoint)
    return _neg_op(product(inverse, inner, adjoint_a=not is_adjoint))


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Return the inverses of square matrices.

    Args:
        input: a tensor of shape (..., n, n).
        adjoint: whether the adjoints of the inverses are wanted.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a matrix is singular.
    """
    return matrix_inverse_op(input, adjoint=adjoint, name=name)


# Solve


def _check_system(matrix: torch.Tensor, rhs: torch.Tensor, broadcasts: bool = False) -> None:
    check_square(matrix)
    if rhs.ndim < 2 or rhs.shape[-2] != matrix.shape[-1]:
        raise InvalidArgumentError(
            None, None, f"Input matrix and rhs are incompatible: shapes {list(matrix.shape)} and {list(rhs.shape)}"
        )
    if not broadcasts and matrix.shape[:-2] != rhs.shape[:-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"matrix and rhs must have equal batch axes, got shapes {list(matrix.shape)} and {list(rhs.shape)}",
        )


def _system_shape(matrix: Dims, rhs: Dims, broadcasts: bool) -> Dims:
    dims = square(matrix, "matrix")
    expect_rank_at_least(rhs, 2, "rhs")
    if dims is None or rhs is None:
        return None
    side = merge_dim(dims[-1], rhs[-2], "columns of matrix and rows of rhs")
    batch = broadcast(dims[:-2], rhs[:-2]) if broadcasts else merge(dims[:-2], rhs[:-2], "batch axes of matrix and rhs")
    assert batch is not None
    return (*batch, side, rhs[-1])


@op("MatrixSolve(matrix: T, rhs: T) -> output: T", T=MATRIX)
def matrix_solve_op(matrix: torch.Tensor, rhs: torch.Tensor, *, adjoint: bool = False) -> torch.Tensor:
    _check_system(matrix, rhs)

    def solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        result, info = torch.linalg.solve_ex(a.mH if adjoint else a, b)
        check_invertible(info, _NOT_INVERTIBLE)
        return result

    return widened(solve, matrix, rhs)


@matrix_solve_op.shape
def matrix_solve_shape(matrix: Dims, rhs: Dims, *, adjoint: bool) -> Dims:
    return _system_shape(matrix, rhs, False)


@matrix_solve_op.gradient
def matrix_solve_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    is_adjoint, solution = call.attrs["adjoint"], call.outputs[0]
    grad_rhs = matrix_solve_op(call.inputs[0], grad, adjoint=not is_adjoint)
    left, right = (solution, grad_rhs) if is_adjoint else (grad_rhs, solution)
    return _neg_op(product(left, right, adjoint_b=True)), grad_rhs


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Return the solutions x of matrix x = rhs.

    Args:
        matrix: a tensor of shape (..., n, n).
        rhs: a tensor of shape (..., n, k).
        adjoint: whether the adjoints of the matrices are meant.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a matrix is singular.
    """
    return matrix_solve_op(matrix, rhs, adjoint=adjoint, name=name)


@op("MatrixTriangularSolve(matrix: T, rhs: T) -> output: T", T=MATRIX | {bfloat16})
def matrix_triangular_solve_op(
    matrix: torch.Tensor, rhs: torch.Tensor, *, lower: bool = True, adjoint: bool = False
) -> torch.Tensor:
    _check_system(matrix, rhs, broadcasts=True)

    def solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.linalg.solve_triangular(a.mH if adjoint else a, b, upper=lower == adjoint)

    return widened(solve, matrix, rhs)


@matrix_triangular_solve_op.shape
def matrix_triangular_solve_shape(matrix: Dims, rhs: Dims, *, lower: bool, adjoint: bool) -> Dims:
    return _system_shape(matrix, rhs, True)


@matrix_triangular_solve_op.gradient
def matrix_triangular_solve_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    matrix, rhs = call.inputs
    lower, is_adjoint, solution = call.attrs["lower"], call.attrs["adjoint"], call.outputs[0]
    grad_rhs = matrix_triangular_solve_op(matrix, grad, lower=lower, adjoint=not is_adjoint)
    left, right = (solution, grad_rhs) if is_adjoint else (grad_rhs, solution)
    whole = _neg_op(product(left, right, adjoint_b=True))
    grad_matrix = matrix_band_part_op(whole, -1, 0) if lower else matrix_band_part_op(whole, 0, -1)
    return sum_to_shape_of(grad_matrix, matrix, grad_matrix), sum_to_shape_of(grad_rhs, rhs, grad_rhs)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Return the solutions x of matrix x = rhs for triangular matrices.

    Args:
        matrix: a tensor of shape (..., n, n), of which one triangle is read.
        rhs: a tensor of shape (..., n, k); batch axes are broadcast.
        lower: which triangle.
        adjoint: whether the adjoints of the matrices are meant.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a matrix is singular.
    """
    return matrix_triangular_solve_op(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Return the solutions x of a x = rhs from the Cholesky factors of a.

    Args:
        chol: lower triangular factors, of shape (..., n, n).
        rhs: a tensor of shape (..., n, k).
        name: the name of the nodes.
    """
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        half = matrix_triangular_solve_op(chol, rhs, lower=True, adjoint=False)
        return matrix_triangular_solve_op(chol, half, lower=True, adjoint=True)


# Least squares


@op("MatrixSolveLs(matrix: T, rhs: T, l2_regularizer: host double) -> output: T", T=MATRIX)
def matrix_solve_ls_op(
    matrix: torch.Tensor, rhs: torch.Tensor, l2_regularizer: float, *, fast: bool = True
) -> torch.Tensor:
    if matrix.ndim < 2 or rhs.ndim < 2 or matrix.shape[:-1] != rhs.shape[:-1]:
        raise InvalidArgumentError(
            None, None, f"Input matrix and rhs are incompatible: shapes {list(matrix.shape)} and {list(rhs.shape)}"
        )
    if l2_regularizer < 0:
        raise InvalidArgumentError(None, None, "l2_regularizer must be >= 0.")

    def solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if not fast:
            return torch.linalg.lstsq(a, b, driver="gelsy" if a.device.type == "cpu" else None).solution
        rows, columns = a.shape[-2:]
        side = min(rows, columns)
        gramian = a.mH @ a if rows >= columns else a @ a.mH
        gramian = gramian + l2_regularizer * torch.eye(side, dtype=a.dtype, device=a.device)
        factor, info = torch.linalg.cholesky_ex(gramian)
        check_invertible(
            info,
            "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide a "
            "larger l2_regularizer > 0.",
        )
        if rows >= columns:
            return torch.cholesky_solve(a.mH @ b, factor)
        return a.mH @ torch.cholesky_solve(b, factor)

    return widened(solve, matrix, rhs)


@matrix_solve_ls_op.shape
def matrix_solve_ls_shape(matrix: Dims, rhs: Dims, l2_regularizer: Any, *, fast: bool) -> Dims:
    expect_rank_at_least(matrix, 2, "matrix")
    expect_rank_at_least(rhs, 2, "rhs")
    if matrix is None or rhs is None:
        return None
    batch = merge(matrix[:-1], rhs[:-1], "batch axes and rows of matrix and rhs")
    assert batch is not None
    return (*batch[:-1], matrix[-1], rhs[-1])


@matrix_solve_ls_op.gradient
def matrix_solve_ls_gradient(call: Any, grad: Any) -> tuple[Any, Any, None]:
    a, b, regularizer = call.inputs
    if not call.attrs["fast"]:
        raise ValueError("The gradient of MatrixSolveLs is not defined for fast=False; use lstsq(..., fast=True).")
    if a.dims is None or None in a.dims[-2:]:
        raise LookupError(f"The gradient of MatrixSolveLs {call.name!r} needs a static shape of the matrices")
    grad = convert_to_tensor(grad)
    rows, columns = a.dims[-2:]
    deep = rows >= columns
    gramian = product(a, a, adjoint_a=deep, adjoint_b=not deep)
    diagonal = deferred("MatrixDiagPart")(gramian) + _cast_op(regularizer, DstT=a.dtype)
    factor = deferred("Cholesky")(deferred("MatrixSetDiag")(gramian, diagonal))
    if deep:
        x = call.outputs[0]
        z = cholesky_solve(factor, grad)
        outer = product(x, z, adjoint_b=True)
        both = outer + adjoint(outer)
        return product(b, z, adjoint_b=True) - product(a, both), product(a, z), None
    grad_b = cholesky_solve(factor, product(a, grad))
    weights = cholesky_solve(factor, b)
    first = product(grad_b, product(weights, a, adjoint_a=True))
    rest = grad - product(a, grad_b, adjoint_a=True)
    return product(weights, rest, adjoint_b=True) - first, grad_b, None


def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None) -> Tensor:
    """Return the least-squares solutions x of matrix x = rhs, or those of least norm where there are many.

    Args:
        matrix: a tensor of shape (..., m, n).
        rhs: a tensor of shape (..., m, k).
        l2_regularizer: the weight of the squared norm of x, at least 0.
        fast: whether the normal equations are used, which need full rank; otherwise an orthogonal factorization.
        name: the name of the node.
    """
    return matrix_solve_ls_op(matrix, rhs, l2_regularizer, fast=fast, name=name)


# Determinants


@op(
    "MatrixDeterminant(input: T) -> output: T",
    T=MATRIX,
    shape=lambda input: None if (d := square(input)) is None else d[:-2],
)
def matrix_determinant_op(input: torch.Tensor) -> torch.Tensor:
    check_square(input)
    return widened(torch.linalg.det, input)


@matrix_determinant_op.gradient
def matrix_determinant_gradient(call: Any, grad: Any) -> Any:
    factor = convert_to_tensor(grad) * call.outputs[0]
    return expand_dims(expand_dims(factor, -1), -1) * matrix_inverse_op(call.inputs[0], adjoint=True)


def det(input: Any, name: str | None = None) -> Tensor:
    """Return the determinants of square matrices.

    Args:
        input: a tensor of shape (..., n, n).
        name: the name of the node.
    """
    return matrix_determinant_op(input, name=name)


@op("LogMatrixDeterminant(input: T) -> (sign: T, log_abs_determinant: T)", T=MATRIX)
def log_matrix_determinant_op(input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    check_square(input)

    def compute(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        sign, logarithm = torch.linalg.slogdet(matrix)
        return sign, logarithm.to(matrix.dtype)

    return widened(compute, input)


@log_matrix_determinant_op.shape
def log_matrix_determinant_shape(input: Dims) -> tuple[Dims, Dims]:
    dims = square(input)
    batch = None if dims is None else dims[:-2]
    return batch, batch


@log_matrix_determinant_op.gradient
def log_matrix_determinant_gradient(call: Any, grad_sign: Any, grad: Any) -> Any:
    return expand_dims(expand_dims(grad, -1), -1) * matrix_inverse_op(call.inputs[0], adjoint=True)


def slogdet(input: Any, name: str | None = None) -> Any:
    """Return the signs and the logarithms of the absolute values of determinants.

    Args:
        input: a tensor of shape (..., n, n).
        name: the name of the node.
    Returns:
        `sign` and `log_abs_determinant`, of shape (...).
    """
    return log_matrix_determinant_op(input, name=name)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """Return the logarithms of the determinants of positive definite matrices.

    Args:
        matrix: a tensor of shape (..., n, n).
        name: the name of the nodes.
    """
    with name_scope(name, "logdet", [matrix]):
        diagonal = matrix_diag_part_op(deferred("Cholesky")(matrix))
        real = deferred("Real")(diagonal, Tout=diagonal.dtype.real_dtype) if diagonal.dtype.is_complex else diagonal
        return _sum_op(_log_op(real), [-1], keep_dims=False) * 2.0


# Tridiagonal systems

_TRIDIAGONAL = frozenset({float32, float64}) | COMPLEX


@op("TridiagonalSolve(diagonals: T, rhs: T) -> output: T", T=_TRIDIAGONAL)
def tridiagonal_solve_op(
    diagonals: torch.Tensor, rhs: torch.Tensor, *, partial_pivoting: bool = True, perturb_singular: bool = False
) -> torch.Tensor:
    try:
        tridiagonal_solve_shape(tuple(diagonals.shape), tuple(rhs.shape), partial_pivoting=True, perturb_singular=False)
    except ShapeError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    upper, main, lower = diagonals.unbind(-2)
    count = main.shape[-1]
    if not count:
        return rhs.clone()
    # Elimination row by row; a row exchange fills in a second superdiagonal.
    zero = torch.zeros_like(main[..., 0])
    rows: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]] = []
    pivot, right, far, value = main[..., 0], upper[..., 0] if count > 1 else zero, zero, rhs[..., 0, :]
    for row in range(1, count):
        next_right = upper[..., row] if row < count - 1 else zero
        below, diagonal, next_value = lower[..., row], main[..., row], rhs[..., row, :]
        swaps = (below.abs() > pivot.abs()) if partial_pivoting else torch.zeros_like(below, dtype=torch.bool)
        pivot, below = torch.where(swaps, below, pivot), torch.where(swaps, pivot, below)
        right, diagonal = torch.where(swaps, diagonal, right), torch.where(swaps, right, diagonal)
        far, next_right = torch.where(swaps, next_right, far), torch.where(swaps, far, next_right)
        by_column = swaps.unsqueeze(-1)
        value, next_value = torch.where(by_column, next_value, value), torch.where(by_column, value, next_value)
        check_invertible(
            pivot == 0,
            "The first element of diagonals is zero." if row == 1 and not partial_pivoting else _NOT_INVERTIBLE,
        )
        rows.append((pivot, right, far, value))
        factor = below / pivot
        pivot, right = diagonal - factor * right, next_right - factor * far
        far, value = zero, next_value - factor.unsqueeze(-1) * value
    check_invertible(pivot == 0, _NOT_INVERTIBLE)
    solution = [value / pivot.unsqueeze(-1)]
    for pivot, right, far, value in reversed(rows):
        remainder = value - right.unsqueeze(-1) * solution[-1]
        if len(solution) > 1:
            remainder = remainder - far.unsqueeze(-1) * solution[-2]
        solution.append(remainder / pivot.unsqueeze(-1))
    return torch.stack(solution[::-1], -2)


@tridiagonal_solve_op.shape
def tridiagonal_solve_shape(diagonals: Dims, rhs: Dims, *, partial_pivoting: bool, perturb_singular: bool) -> Dims:
    expect_rank_at_least(diagonals, 2, "diagonals")
    expect_rank_at_least(rhs, 2, "rhs")
    if diagonals is None or rhs is None:
        return None
    merge_dim(diagonals[-2], 3, "the number of diagonals and 3")
    rows = merge((*diagonals[:-2], diagonals[-1]), rhs[:-1], "batch axes and rows of diagonals and rhs")
    assert rows is not None
    return (*rows, rhs[-1])


@tridiagonal_solve_op.gradient
def tridiagonal_solve_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    diagonals, _ = call.inputs
    attrs = {name: call.attrs[name] for name in ("partial_pivoting", "perturb_singular")}
    solution = call.outputs[0]
    upper, main, lower = (diagonals[..., i, :] for i in range(3))
    roll = deferred("Roll")
    turned = deferred("Pack")([roll(lower, -1, -1), main, roll(upper, 1, -1)], axis=-2)
    grad_rhs = tridiagonal_solve_op(turned, grad, **attrs)
    rows = deferred("Shape")(diagonals)[-1]
    position = deferred("Range")(0, rows, 1)

    def band(shift: int, inside: Any) -> Any:
        whole = _neg_op(_sum_op(grad_rhs * roll(solution, shift, -2), [-1], keep_dims=False))
        return deferred("SelectV2")(inside, whole, deferred("ZerosLike")(whole))

    grads = [
        band(-1, deferred("Less")(position, rows - 1)),
        band(0, deferred("GreaterEqual")(position, 0)),
        band(1, deferred("Greater")(position, 0)),
    ]
    return deferred("Pack")(grads, axis=-2), grad_rhs


@op("TridiagonalMatMul(superdiag: T, maindiag: T, subdiag: T, rhs: T) -> output: T", T=_TRIDIAGONAL)
def tridiagonal_mat_mul_op(
    superdiag: torch.Tensor, maindiag: torch.Tensor, subdiag: torch.Tensor, rhs: torch.Tensor
) -> torch.Tensor:
    upper, main, lower = (diagonal.squeeze(-2).unsqueeze(-1) for diagonal in (superdiag, maindiag, subdiag))
    result = main * rhs
    result[..., :-1, :] += upper[..., :-1, :] * rhs[..., 1:, :]
    result[..., 1:, :] += lower[..., 1:, :] * rhs[..., :-1, :]
    return result


@tridiagonal_mat_mul_op.shape
def tridiagonal_mat_mul_shape(superdiag: Dims, maindiag: Dims, subdiag: Dims, rhs: Dims) -> Dims:
    merge(merge(superdiag, maindiag, "shapes of the diagonals"), subdiag, "shapes of the diagonals")
    return expect_rank_at_least(rhs, 2, "rhs")


@tridiagonal_mat_mul_op.gradient
def tridiagonal_mat_mul_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    superdiag, maindiag, subdiag, rhs = call.inputs
    grad = convert_to_tensor(grad)
    roll, conj = deferred("Roll"), deferred("Conj")
    is_complex = rhs.dtype.is_complex

    def conjugate(x: Any) -> Any:
        return conj(x) if is_complex else x

    def rows(x: Any) -> Any:
        return expand_dims(_sum_op(x, [-1], keep_dims=False), -2)

    count = deferred("Shape")(rhs)[-2]
    position = deferred("Range")(0, count, 1)
    zeros = deferred("ZerosLike")(maindiag)
    before_last, after_first = deferred("Less")(position, count - 1), deferred("Greater")(position, 0)
    select = deferred("SelectV2")
    grad_upper = select(before_last, rows(conjugate(roll(rhs, -1, -2)) * grad), zeros)
    grad_lower = select(after_first, rows(conjugate(roll(rhs, 1, -2)) * grad), zeros)
    grad_main = rows(conjugate(rhs) * grad)
    upper = select(after_first, roll(superdiag, 1, -1), zeros)
    lower = select(before_last, roll(subdiag, -1, -1), zeros)
    grad_rhs = tridiagonal_mat_mul_op(conjugate(lower), conjugate(maindiag), conjugate(upper), grad)
    return grad_upper, grad_main, grad_lower, grad_rhs
