"""What the files of this family share: products, adjoints, and the widening of half precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core.dtypes import COMPLEX, float16, float32, float64
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank_at_least, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.shaping import matrix_transpose

MATRIX = frozenset({float16, float32, float64}) | COMPLEX

_batch_mat_mul_op = deferred("BatchMatMulV2")


def product(a: Tensor, b: Tensor, adjoint_a: bool = False, adjoint_b: bool = False) -> Tensor:
    """Return the product of matrices, of shapes (..., m, k) and (..., k, n), either of them adjoint first."""
    return _batch_mat_mul_op(a, b, adj_x=adjoint_a, adj_y=adjoint_b)


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """Return matrices transposed and conjugated.

    Args:
        matrix: a tensor of shape (..., m, n).
        name: the name of the node.
    """
    return matrix_transpose(matrix, name=name or "adjoint", conjugate=True)


def widened(function: Callable[..., Any], *matrices: torch.Tensor) -> Any:
    """Apply a kernel of linear algebra, in single precision where the matrices are of half precision."""
    dtype = matrices[0].dtype
    if dtype not in (torch.float16, torch.bfloat16):
        return function(*matrices)
    result = function(*(matrix.float() for matrix in matrices))
    return tuple(part.to(dtype) for part in result) if isinstance(result, tuple) else result.to(dtype)


def check_square(matrix: torch.Tensor) -> None:
    """Refuse a runtime value that is not a batch of square matrices.

    Raises:
        InvalidArgumentError: if it is not.
    """
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise InvalidArgumentError(None, None, f"Input matrix must be square. Got shape {list(matrix.shape)}")


def square(dims: Dims, what: str = "input") -> Dims:
    """Return the shape of square matrices, with what is known of one side known of the other.

    Raises:
        ShapeError: if it is not that of square matrices.
    """
    expect_rank_at_least(dims, 2, what)
    if dims is None:
        return None
    side = merge_dim(dims[-2], dims[-1], f"rows and columns of {what}")
    return (*dims[:-2], side, side)


def square_shape(input: Dims, **_: Any) -> Dims:
    """The shape rule of operations that turn square matrices into matrices of the same shape."""
    return square(input)


def check_invertible(info: torch.Tensor, text: str = "Input is not invertible.") -> None:
    """Refuse matrices that a factorization found to be singular; on an accelerator nothing waits for the answer.

    Raises:
        InvalidArgumentError: if any was.
    """
    if info.device.type == "cpu" and bool((info != 0).any()):
        raise InvalidArgumentError(None, None, text)
