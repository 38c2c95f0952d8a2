"""Elements chosen by conditions and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.inference import static_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims, TensorShape
from penstock.core.shape_rules import broadcast_all, format_dims, merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, is_static
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims, reshape, shape, squeeze, sum_to_shape_of
from penstock.ops.constant import constant
from penstock.ops.fused.large import LARGE, large_kernel

_cast_op = deferred("Cast")
_zeros_like_op = deferred("ZerosLike")


@op("Select(condition: bool, t: T, e: T) -> output: T")
def select_op(condition: torch.Tensor, t: Value, e: Value) -> Value:
    if tuple(t.shape) != tuple(e.shape):
        raise InvalidArgumentError(
            None, None, f"'then' and 'else' must have the same size, but received: {list(t.shape)} vs. {list(e.shape)}"
        )
    if condition.ndim == 1 and t.ndim > 1:
        if condition.shape[0] != t.shape[0]:
            raise InvalidArgumentError(
                None,
                None,
                f"Number of batches of 'then' must match size of 'cond', but saw: {t.shape[0]} vs. "
                f"{condition.shape[0]}",
            )
        condition = condition.reshape([-1] + [1] * (t.ndim - 1))
    elif condition.ndim and tuple(condition.shape) != tuple(t.shape):
        raise InvalidArgumentError(
            None,
            None,
            f"'cond' must have the shape of 'then', a vector or scalar, got {list(condition.shape)} vs. "
            f"{list(t.shape)}",
        )
    return _where(condition, t, e)


# Integers of as many bytes as a type has.
_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _where_without_branches(condition: torch.Tensor, t: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
    """Choose by arithmetic on bits: ATen's kernel branches, and mispredicts every other element of a random mask."""
    bits = _BITS.get(t.dtype.itemsize)
    if bits is None or not condition.is_cpu:
        return torch.where(condition, t, e)
    ones, zeros = t.view(bits), e.view(bits)
    if zeros.ndim <= condition.ndim and zeros.numel() == 1 and not zeros.item():
        return torch.mul(ones, condition).view(t.dtype)
    return torch.mul(ones ^ zeros, condition).bitwise_xor_(zeros).view(t.dtype)


_large_where = large_kernel("SelectV2", _where_without_branches)


def _where(condition: torch.Tensor, t: Value, e: Value) -> Value:
    if isinstance(t, np.ndarray):
        return np.where(condition.cpu().numpy(), t, e)
    return torch.where(condition, t, e) if condition.numel() < LARGE else _large_where(condition, t, e)


@select_op.shape
def select_shape(condition: Dims, t: Dims, e: Dims) -> Dims:
    result = merge(t, e, "shapes of x and y")
    if condition is None or result is None or not condition:
        return result
    if len(condition) == 1 and len(result) > 1:
        first = merge(condition, result[:1], "sizes of the condition and the first axis of x")
        assert first is not None
        return (*first, *result[1:])
    return merge(condition, result, "shapes of the condition and x")


@select_op.gradient
def select_gradient(call: Any, grad: Any) -> tuple[None, Any, Any]:
    condition, t, _ = call.inputs
    zeros = _zeros_like_op(t)
    return None, select_op(condition, grad, zeros), select_op(condition, zeros, grad)


@op("SelectV2(condition: bool, t: T, e: T) -> output: T", shape=lambda condition, t, e: broadcast_all(condition, t, e))
def select_v2_op(condition: torch.Tensor, t: Value, e: Value) -> Value:
    return _where(condition, t, e)


@select_v2_op.gradient
def select_v2_gradient(call: Any, grad: Any) -> tuple[None, Any, Any]:
    condition, t, e = call.inputs
    output = call.outputs[0]
    zero = constant(0, t.dtype.base_dtype)
    grad = convert_to_tensor(grad)
    taken, other = select_v2_op(condition, grad, zero), select_v2_op(condition, zero, grad)
    return None, sum_to_shape_of(taken, t, output), sum_to_shape_of(other, e, output)


@op(
    "Where(input: T) -> index: int64",
    T=Type(dtypes.NUMBER | dtypes.QUANTIZED | {dtypes.bool_}, default=dtypes.bool_),
)
def where_op(input: torch.Tensor) -> torch.Tensor:
    if not input.ndim:
        raise InvalidArgumentError(None, None, "Where needs an input of rank 1 or more, got a scalar")
    return torch.nonzero(input if input.dtype == torch.bool else input != 0)


@where_op.shape
def where_shape(input: Dims) -> Dims:
    return (None, None if input is None else len(input))


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Return the elements of `x` where a condition holds and those of `y` elsewhere; or the coordinates where it holds.

    Args:
        condition: a tensor of bool; without `x` and `y`, numbers will do, and those that are not zero count.
        x, y: tensors of one type; all three are broadcast together.
        name: the name of the node.
    Returns:
        A tensor of the broadcast shape; without `x` and `y`, int64 coordinates of shape (count, rank of the condition).
    Raises:
        ValueError: if only one of `x` and `y` is given.
    """
    if x is None and y is None:
        condition = convert_to_tensor(condition, preferred_dtype=dtypes.bool_, name="condition")
        return where_op(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select_v2_op(condition, x, y, name=name)


def where_v1(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Return the elements of `x` where a condition holds and those of `y` elsewhere; or the coordinates where it holds.

    Args:
        condition: a tensor of bool of the shape of `x`, or a vector that chooses among its rows.
        x, y: tensors of one type and shape.
        name: the name of the node.
    Raises:
        ValueError: if only one of `x` and `y` is given, or shapes differ.
    """
    if x is None and y is None:
        condition = convert_to_tensor(condition, preferred_dtype=dtypes.bool_, name="condition")
        return where_op(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select_op(condition, x, y, name=name)


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask") -> Tensor:
    """Return the elements of `tensor` where a mask holds.

    Args:
        tensor: a tensor of rank n.
        mask: a tensor of bool of rank k, 1 <= k <= n, whose shape is that of the tensor from `axis` on.
        axis: the first masked axis, 0 by default.
        name: the name of the node.
    Returns:
        A tensor of rank n - k + 1, whose axis `axis` has one entry for each True.
    Raises:
        ValueError: if the mask is a scalar or of unknown rank, or the shapes do not fit.
    """
    with op_scope(name, None, [tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_dims, dims = mask.dims, tensor.dims
        if mask_dims is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None. E.g. "
                "shape=[None] is ok, but shape=None is not."
            )
        if not mask_dims:
            raise ValueError("mask cannot be scalar.")
        first = 0 if axis is None else int(static_value(convert_to_tensor(axis)))
        if first < 0 and dims is not None:
            first += len(dims)
        count = len(mask_dims)
        if dims is not None and not TensorShape(dims[first : first + count]).is_compatible_with(mask_dims):
            raise ValueError(
                f"Shapes {format_dims(dims[first : first + count])} and {format_dims(mask_dims)} are incompatible"
            )
        if is_static(tensor):
            assert dims is not None
            rows = reshape(tensor, [*dims[:first], int(np.prod(dims[first : first + count])), *dims[first + count :]])
        else:
            extents = shape(tensor)
            leading = deferred("Prod")(extents[first : first + count], [0], keep_dims=False)
            rows = reshape(tensor, concat([extents[:first], [leading], extents[first + count :]], 0))
            if dims is not None and hasattr(rows, "set_shape"):
                rows.set_shape((*dims[:first], None, *dims[first + count :]))
        indices = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(rows, indices, axis=first)


def boolean_mask_v1(tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: Any = None) -> Tensor:
    """Return the elements of `tensor` where a mask holds; see `boolean_mask`."""
    return boolean_mask(tensor, mask, axis, name)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None) -> Tensor:
    """Return for each length n a row whose first n entries are True.

    Args:
        lengths: integers of any shape.
        maxlen: the size of the rows, a scalar; by default the largest length.
        dtype: the type of the result.
        name: the name of the node.
    Returns:
        A tensor of shape lengths.shape + (maxlen,).
    """
    with op_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            axes = (
                list(range(lengths.ndim))
                if lengths.ndim is not None
                else deferred("Range")(0, deferred("Rank")(lengths), 1)
            )
            longest = deferred("Max")(lengths, axes, keep_dims=False)
            maxlen = deferred("Maximum")(constant(0, longest.dtype), longest)
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen.ndim not in (0, None):
            raise ValueError(
                f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen} with "
                f"shape '{maxlen.shape}' instead"
            )
        index_type = maxlen.dtype.base_dtype
        positions = deferred("Range")(constant(0, index_type), maxlen, constant(1, index_type))
        result = deferred("Less")(positions, _cast_op(expand_dims(lengths, -1), DstT=index_type))
        wanted = as_dtype(dtype).base_dtype
        return result if wanted == dtypes.bool_ else _cast_op(result, DstT=wanted)
