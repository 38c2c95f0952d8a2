"""What the operators share: adjoints, products and solutions of batches of matrices whose batch shapes broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
    broadcast_to,
    expand_dims,
    matrix_transpose,
    shape,
)
from penstock.ops.constant import constant
from penstock.ops.linalg.solving import cholesky_solve, solve, triangular_solve


def keep_variable(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return a variable as it is, so that operators follow its value, and anything else as a tensor."""
    return value if hasattr(value, "_gradient_source") else convert_to_tensor(value, dtype=dtype, name=name)


def adjoint_of(matrix: Any, adjoint: bool = True) -> Any:
    """Return the conjugate transpose of each matrix (or the matrix itself, where `adjoint` is not set)."""
    return matrix_transpose(matrix, conjugate=matrix.dtype.is_complex) if adjoint else matrix


def vector(values: Sequence[Any]) -> Tensor:
    """Return int32 sizes, some of them perhaps tensors, as a tensor of shape `[len(values)]`."""
    return convert_to_tensor(list(values), dtype="int32") if len(values) else constant([], "int32")


def size_along(x: Any, axis: int) -> Any:
    """Return the size of `x` along an axis: a Python number where it is known, else a scalar int32 tensor."""
    known = x.shape[axis] if x.shape.rank is not None else None
    return known if known is not None else shape(x)[axis]


def batch_sizes(x: Any, event_rank: int) -> Tensor:
    """Return the sizes, int32, of all axes of `x` but the last `event_rank`."""
    if x.shape.rank is not None and x.shape[: x.shape.rank - event_rank].is_fully_defined():
        return vector(x.shape.as_list()[: x.shape.rank - event_rank])
    return shape(x)[:-event_rank] if event_rank else shape(x)


def common_batch(matrices: Sequence[Any]) -> list[Tensor]:
    """Return matrices, of shapes `[..., rows, columns]`, broadcast to one batch shape."""
    tensors = [convert_to_tensor(matrix) for matrix in matrices]
    statics = [tensor.shape[:-2] for tensor in tensors]
    if all(static.is_fully_defined() for static in statics):
        target = TensorShape([])
        for static in statics:
            target = broadcast_static_shape(target, static)
        return [
            tensor
            if static == target
            else broadcast_to(tensor, concat([vector(target.as_list()), shape(tensor)[-2:]], 0))
            for tensor, static in zip(tensors, statics, strict=True)
        ]
    sizes = shape(tensors[0])[:-2]
    for tensor in tensors[1:]:
        sizes = broadcast_dynamic_shape(sizes, shape(tensor)[:-2])
    return [broadcast_to(tensor, concat([sizes, shape(tensor)[-2:]], 0)) for tensor in tensors]


def solve_dense(matrix: Any, rhs: Any, adjoint: bool = False) -> Tensor:
    """Solve `matrix x = rhs` for batches that broadcast."""
    matrix, rhs = common_batch([matrix, rhs])
    return solve(matrix, rhs, adjoint=adjoint)


def solve_lower(tril: Any, rhs: Any, adjoint: bool = False) -> Tensor:
    """Solve with lower triangular matrices, for batches that broadcast."""
    tril, rhs = common_batch([tril, rhs])
    return triangular_solve(tril, rhs, lower=True, adjoint=adjoint)


def solve_cholesky(factor: Any, rhs: Any) -> Tensor:
    """Solve with the matrices whose Cholesky factors are given, for batches that broadcast."""
    factor, rhs = common_batch([factor, rhs])
    return cholesky_solve(factor, rhs)


def as_column(x: Any) -> Tensor:
    """Return vectors as matrices of one column."""
    return expand_dims(x, -1)


def combined_hint(hints: Sequence[bool | None]) -> bool | None:
    """Return True where all hints are, and None elsewhere."""
    return True if all(hint for hint in hints) else None
