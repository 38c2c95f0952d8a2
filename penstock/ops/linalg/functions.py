"""Functions of matrices: exponential, logarithm, square root."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import COMPLEX
from penstock.core.op import op
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.diagonal import eye
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import matrix_transpose, reshape, shape, transpose
from penstock.ops.linalg.common import MATRIX, adjoint, check_square, square_shape, widened
from penstock.ops.linalg.solving import matrix_solve_op


@op("MatrixExponential(input: T) -> output: T", shape=square_shape, T=MATRIX)
def matrix_exponential_op(input: torch.Tensor) -> torch.Tensor:
    check_square(input)
    return widened(torch.linalg.matrix_exp, input)


@matrix_exponential_op.gradient
def matrix_exponential_gradient(call: Any, grad: Any) -> Any:
    # The derivative is a block of the exponential of a block triangular matrix (Higham 2008, theorem 3.6).
    back = adjoint(call.inputs[0])
    grad = convert_to_tensor(grad)
    top = concat([back, grad], -1)
    bottom = concat([zeros_like(back), back], -1)
    whole = matrix_exponential_op(concat([top, bottom], -2))
    dims = call.inputs[0].dims
    side = dims[-1] if dims is not None and dims[-1] is not None else shape(call.inputs[0])[-1]
    return whole[..., :side, side:]


def expm(input: Any, name: str | None = None) -> Tensor:
    """Return the exponentials of square matrices.

    Args:
        input: a tensor of shape (..., n, n).
        name: the name of the node.
    """
    return matrix_exponential_op(input, name=name or "matrix_exponential")


def _by_eigenvalues(matrix: torch.Tensor, function: Any) -> torch.Tensor:
    e, v = torch.linalg.eig(matrix.to(torch.complex128))
    result = torch.linalg.solve(v, v * function(e).unsqueeze(-2), left=False)
    return (result if matrix.is_complex() else result.real).to(matrix.dtype)


@op("MatrixLogarithm(input: T) -> output: T", shape=square_shape, T=COMPLEX)
def matrix_logarithm_op(input: torch.Tensor) -> torch.Tensor:
    check_square(input)
    return _by_eigenvalues(input, torch.log)


def logm(input: Any, name: str | None = None) -> Tensor:
    """Return the principal logarithms of square complex matrices that have a basis of eigenvectors.

    Args:
        input: a complex tensor of shape (..., n, n).
        name: the name of the node.
    """
    return matrix_logarithm_op(input, name=name)


@op("MatrixSquareRoot(input: T) -> output: T", shape=square_shape, T=MATRIX)
def matrix_square_root_op(input: torch.Tensor) -> torch.Tensor:
    check_square(input)
    return widened(lambda matrix: _by_eigenvalues(matrix, torch.sqrt), input)


@matrix_square_root_op.gradient
def matrix_square_root_gradient(call: Any, grad: Any) -> Any:
    """Solve root^T x + x root^T = grad for x, as one linear system over the stacked rows of x."""
    back = matrix_transpose(call.outputs[0])
    dims = back.dims
    if dims is None or None in dims:
        raise LookupError(f"The gradient of MatrixSquareRoot {call.name!r} needs a static shape")
    batch: Any = dims[:-2]
    side: Any = dims[-1]
    rank = len(batch)
    identity = eye(side, dtype=back.dtype)

    def kronecker(a: Any, b: Any) -> Tensor:
        return reshape(a[..., :, None, :, None] * b[..., None, :, None, :], [*batch, side * side, side * side])

    turned = transpose(back, [*range(rank), rank + 1, rank])
    wide_identity = deferred("BroadcastTo")(identity, [*batch, side, side])
    system = kronecker(back, wide_identity) + kronecker(wide_identity, turned)
    rows = reshape(convert_to_tensor(grad), [*batch, side * side, 1])
    return reshape(matrix_solve_op(system, rows), [*batch, side, side])


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """Return the principal square roots of square matrices that have a basis of eigenvectors.

    Args:
        input: a tensor of shape (..., n, n).
        name: the name of the node.
    """
    return matrix_square_root_op(input, name=name)
