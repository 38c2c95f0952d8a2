"""The way back from a broadcast: cotangents summed to the shapes of the operands that were broadcast."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.dimensions import same_shape
from penstock.core.dtypes import DType, int32
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.kernels import INDEX, operation


@op(
    "BroadcastGradientArgs(s0: host T, s1: host T) -> r0: T, r1: T",
    T=Type(INDEX, default=int32),
    differentiable=False,
    shape=lambda s0, s1, *, T: ((None,), (None,)),
)
def broadcast_gradient_args_op(s0: list[int], s1: list[int], *, T: DType = int32) -> tuple[Array, Array]:
    broadcast(tuple(s0), tuple(s1))
    rank = max(len(s0), len(s1))
    first, second = [1] * (rank - len(s0)) + s0, [1] * (rank - len(s1)) + s1
    pairs = list(enumerate(zip(first, second, strict=True)))
    # An axis that is 1 in both is summed in both, which leaves it as it is and lets the ranks shrink.
    return (
        torch.tensor(
            [axis for axis, (x, y) in pairs if x == 1 and (y != 1 or axis < rank - len(s0))], dtype=torch_dtype(T)
        ),
        torch.tensor(
            [axis for axis, (x, y) in pairs if y == 1 and (x != 1 or axis < rank - len(s1))], dtype=torch_dtype(T)
        ),
    )


def _summed_axes(dims: Dims, other: Dims) -> list[int] | None:
    """Return the axes over which a broadcast of `dims` against `other` repeats it; None where that is not known."""
    if dims is None or other is None:
        return None
    rank = max(len(dims), len(other))
    offset, other_offset = rank - len(dims), rank - len(other)
    axes = list(range(offset))
    for axis in range(offset, rank):
        size = dims[axis - offset]
        other_size = other[axis - other_offset] if axis >= other_offset else 1
        if other_size == 1 or (size is not None and size != 1):
            continue
        if size is None:
            return None
        axes.append(axis)
    return axes


def reduce_gradients(x: Tensor, y: Tensor, grad_x: Tensor | None, grad_y: Tensor | None) -> tuple[Any, Any]:
    """Return the cotangents of two operands that were broadcast against each other.

    Args:
        x, y: the operands.
        grad_x, grad_y: their cotangents in the shape of the result; None passes.
    Returns:
        The cotangents in the shapes of `x` and `y`.
    """
    dims, other = x.dims, y.dims
    if dims == other and dims is not None and None not in dims:
        return grad_x, grad_y
    if not isinstance(x, EagerTensor) and same_shape(x, y):
        return grad_x, grad_y
    axes_x, axes_y = _summed_axes(dims, other), _summed_axes(other, dims)
    shape_x = shape_y = None
    if axes_x is None or axes_y is None:
        shape_x, shape_y = shape_op(x), shape_op(y)
        dynamic_x, dynamic_y = broadcast_gradient_args_op(shape_x, shape_y)
        axes_x = dynamic_x if axes_x is None else axes_x
        axes_y = dynamic_y if axes_y is None else axes_y
    return _sum_to(grad_x, x, axes_x, shape_x), _sum_to(grad_y, y, axes_y, shape_y)


def _sum_to(grad: Tensor | None, operand: Tensor, axes: Any, shape: Tensor | None) -> Tensor | None:
    if grad is None or isinstance(axes, list) and not axes:
        return grad
    summed = operation("Sum")(grad, axes)
    dims = operand.dims
    if isinstance(operand, EagerTensor) or (dims is not None and None not in dims):
        return summed if summed.dims == dims else operation("Reshape")(summed, list(dims or ()))
    return operation("Reshape")(summed, shape_op(operand) if shape is None else shape)


def reduce_to(operand: Tensor, grad: Tensor) -> Tensor:
    """Return a cotangent summed to the shape of the operand that was broadcast to the shape of `grad`."""
    reduced: Tensor = reduce_gradients(operand, grad, grad, None)[0]
    return reduced
