"""Operations that join tensors, cut them into parts, and repeat them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, int8, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import is_known, partial_value
from penstock.core.op import Type, op
from penstock.core.shape import Dimension, Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge, merge_dim, normalize_axis
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, item_size, numbers, sizes
from penstock.ops.array.shaping import expand_dims_op, reshape_op
from penstock.ops.constant import identity, shape_op

_floor_mod_op = deferred("FloorMod")
_strided_slice_op = deferred("StridedSlice")
_sum_op = deferred("Sum")


# Concat


@op("ConcatV2(values: N * T, axis: host Tidx) -> output: T", minimum={"N": 2}, Tidx=Type(INDEX, default=int32))
def concat_v2_op(values: list[Value], axis: int) -> Value:
    first = values[0]
    rank = first.ndim
    axis = _only_axis(axis)
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            None, None, f"ConcatOp : Expected concatenating dimensions in the range [{-rank}, {rank}), but got {axis}"
        )
    if isinstance(first, np.ndarray):
        return np.concatenate(values, axis)
    if rank == 1:
        return torch.cat(values)
    for value in values:  # torch ignores empty vectors among matrices
        if value.ndim != rank:
            raise InvalidArgumentError(
                None,
                None,
                f"ConcatOp : Ranks of all input tensors should match: shape[0] = {list(first.shape)} vs. "
                f"{list(value.shape)}",
            )
    return torch.cat(values, axis)


def _only_axis(axis: Any) -> int:
    """Return the axis of a concatenation, which eager calls may give as a vector of one."""
    if isinstance(axis, list):
        if len(axis) != 1:
            raise InvalidArgumentError(None, None, f"Concat dim tensor should be a scalar integer, but got {axis}")
        return axis[0]
    return axis


@concat_v2_op.shape
def concat_v2_shape(values: list[Dims], axis: Any) -> Dims:
    if isinstance(axis, list):
        raise ShapeError(f"the axis must be a scalar, got {axis}")
    known = [dims for dims in values if dims is not None]
    if not known:
        return None
    rank = len(known[0])
    if any(len(dims) != rank for dims in known):
        raise ShapeError(f"all values must have the same rank, got shapes {', '.join(map(format_dims, known))}")
    if axis is None:
        return (None,) * rank
    axis = normalize_axis(axis, rank, "axis")
    result: Dims = (None,) * rank
    for dims in known:
        result = merge(result, (*dims[:axis], None, *dims[axis + 1 :]), f"sizes of the values off axis {axis}")
    parts = [None if dims is None else dims[axis] for dims in values]
    total = None if None in parts else sum(parts)  # type: ignore[arg-type]
    assert result is not None
    return (*result[:axis], total, *result[axis + 1 :])


@concat_v2_op.partial
def concat_v2_partial(call: Any) -> Any:
    return _concat_partial(call.inputs[:-1])


def _concat_partial(inputs: Sequence[Tensor]) -> Any:
    if any(tensor.ndim != 1 for tensor in inputs):
        return None
    parts = [partial_value(tensor) for tensor in inputs]
    return None if any(part is None for part in parts) else [item for part in parts for item in part]


@concat_v2_op.gradient
def concat_v2_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    return (*_concat_gradient(call.inputs[:-1], call.inputs[-1], grad), None)


def _concat_gradient(values: Sequence[Tensor], axis: Tensor, grad: Any) -> list[Any]:
    known_axis = partial_value(axis)
    if known_axis is None:
        rank = shape_op(shape_op(values[0]))[0]
        begin = _floor_mod_op(axis, rank)
        extents: Any = [_strided_slice_op(shape_op(v), [begin], [begin + 1], [1]) for v in values]
        return split_v_op(convert_to_tensor(grad), concat_v2_op(extents, 0), axis, num_split=len(values))
    ranks = [v.ndim for v in values if v.ndim is not None]
    if ranks and known_axis < 0:
        known_axis += ranks[0]
    if (
        isinstance(grad, IndexedSlices)
        and known_axis == 0
        and all(v.dims is not None and v.dims[0] is not None for v in values)
    ):
        grad = convert_to_tensor(grad)
    parts = [None if v.dims is None else v.dims[known_axis] for v in values]
    extents = parts
    if None in parts:
        extents = [shape_op(v)[known_axis] if part is None else part for v, part in zip(values, parts, strict=True)]
    pieces = split_v_op(convert_to_tensor(grad), extents, known_axis, num_split=len(values))
    return list(pieces)


@op("Concat(concat_dim: host int32, values: N * T) -> output: T", minimum={"N": 2})
def concat_op(concat_dim: int, values: list[Value]) -> Value:
    return concat_v2_op.kernel(values, concat_dim)


@concat_op.shape
def concat_shape(concat_dim: Any, values: list[Dims]) -> Dims:
    return concat_v2_shape(values, concat_dim)


@concat_op.partial
def concat_partial(call: Any) -> Any:
    return _concat_partial(call.inputs[1:])


@concat_op.gradient
def concat_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    return (None, *_concat_gradient(call.inputs[1:], call.inputs[0], grad))


@op(
    "ConcatOffset(concat_dim: host int32, shape: host N * shape_type) -> offset: N * shape_type",
    minimum={"N": 2},
    differentiable=False,
    shape_type=Type(INDEX, default=int32),
)
def concat_offset_op(concat_dim: int, shape: list[list[int]], *, shape_type: DType) -> list[Value]:
    axis = concat_dim + len(shape[0]) if concat_dim < 0 else concat_dim
    offsets, position = [], 0
    for dims in shape:
        offset = [0] * len(dims)
        offset[axis] = position
        position += dims[axis]
        offsets.append(numbers(offset, shape_type))
    return offsets


@concat_offset_op.shape
def concat_offset_shape(concat_dim: Any, shape: list[Any], *, shape_type: DType) -> list[Dims]:
    return [(None if dims is None else len(dims),) for dims in shape]


def concat(values: Any, axis: Any, name: str | None = "concat") -> Tensor:
    """Return tensors joined along an existing axis.

    Args:
        values: a list of tensors of one type, whose sizes agree off `axis`.
        axis: the axis along which they are joined, negative from the back.
        name: the name of the node.
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with op_scope(name, "concat"):
            axis = convert_to_tensor(axis, int32, name="concat_dim")
            if axis.ndim not in (0, None):
                raise ValueError(f"axis of concat must be a scalar, got shape {axis.shape}")
        return identity(values[0], name=name)
    return concat_v2_op(values, axis, name=name)


@op("ParallelConcat(values: N * T) -> output: T")
def parallel_concat_op(values: list[Value], *, shape: Dims) -> Value:
    result = np.concatenate(values) if isinstance(values[0], np.ndarray) else torch.cat(values)
    merge(tuple(result.shape), shape, "shapes of the result and of the attribute")
    return result


@parallel_concat_op.shape
def parallel_concat_shape(values: list[Dims], *, shape: Dims) -> Dims:
    return shape


def parallel_stack(values: Any, name: str | None = "parallel_stack") -> Tensor:
    """Return tensors of one fully known shape stacked along a new first axis.

    Args:
        values: a list of tensors.
        name: the name of the node.
    Raises:
        RuntimeError: when executing eagerly.
    """
    if current_graph() is None:
        raise RuntimeError("tf.parallel_stack() is not compatible with eager execution.")
    with op_scope(name):
        first = convert_to_tensor(values[0])
        if first.dims is None or None in first.dims:
            raise ValueError(f"tf.parallel_stack needs fully known shapes, got {first.shape}")
        items = [expand_dims_op(value, 0) for value in values]
        return parallel_concat_op(items, shape=(len(values), *first.dims))


# Pack and Unpack


@op("Pack(values: N * T) -> output: T")
def pack_op(values: list[Value], *, axis: int = 0) -> Value:
    return np.stack(values, axis) if isinstance(values[0], np.ndarray) else torch.stack(values, axis)


@pack_op.shape
def pack_shape(values: list[Dims], *, axis: int) -> Dims:
    merged: Dims = None
    for dims in values:
        merged = merge(merged, dims, "shapes of the values")
    if merged is None:
        return None
    position = normalize_axis(axis, len(merged) + 1, "axis")
    return (*merged[:position], len(values), *merged[position:])


@pack_op.partial
def pack_partial(call: Any) -> Any:
    if call.attrs["axis"] not in (0, -1) or any(t.ndim not in (None, 0, 1) for t in call.inputs):
        return None
    if any(t.ndim is None for t in call.inputs) and not any(t.ndim == 0 for t in call.inputs):
        return None
    if call.attrs["axis"] == -1 and call.inputs[0].ndim == 1:
        return None
    return [partial_value(tensor) for tensor in call.inputs]


@pack_op.gradient
def pack_gradient(call: Any, grad: Any) -> list[Any]:
    return unpack_op(convert_to_tensor(grad), num=len(call.inputs), axis=call.attrs["axis"])


def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Tensor:
    """Return tensors of one shape joined along a new axis.

    Args:
        values: a list of n tensors of rank r.
        axis: where the new axis of size n stands, in [-r - 1, r].
        name: the name of the node.
    Raises:
        ValueError: if the axis is out of range, or shapes differ.
    """
    if axis == 0:
        if (
            type(values) is list
            and values
            and current_graph() is None
            and all(type(value) is EagerTensor for value in values)
        ):
            return pack_op(values, name=name)
        try:
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass  # values of several kinds, which the operation below converts to the type of the tensors among them
    if isinstance(values, Tensor) and current_graph() is None:
        values = list(values)  # type: ignore[call-overload]
    first = convert_to_tensor(values[0])
    if first.ndim is not None and not -first.ndim - 1 <= axis <= first.ndim:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-first.ndim - 1}, {first.ndim + 1})")
    return pack_op(values, axis=axis, name=name)


@op("Unpack(value: T) -> output: num * T", minimum={"num": 0}, view=True)
def unpack_op(value: Value, *, num: int, axis: int = 0) -> list[Value]:
    rank = value.ndim
    if not -rank <= axis < rank:
        raise InvalidArgumentError(None, None, f"axis = {axis} not in [{-rank}, {rank})")
    if value.shape[axis] != num:
        raise InvalidArgumentError(
            None, None, f"Input shape axis {axis} must equal {num}, got shape {list(value.shape)}"
        )
    if isinstance(value, np.ndarray):
        return [np.asarray(item, dtype=object) for item in np.moveaxis(value, axis, 0)]
    return list(value.unbind(axis))


@unpack_op.shape
def unpack_shape(value: Dims, *, num: int, axis: int) -> list[Dims]:
    if value is None:
        return [None] * num
    position = normalize_axis(axis, len(value), "axis")
    merge_dim(value[position], num, f"num and the size of axis {axis}")
    return [(*value[:position], *value[position + 1 :])] * num


@unpack_op.gradient
def unpack_gradient(call: Any, *grads: Any) -> Any:
    return pack_op(list(grads), axis=call.attrs["axis"])


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> list[Tensor]:
    """Return the slices of `value` along an axis, without that axis.

    Args:
        value: a tensor of rank at least 1.
        num: the size of the axis; by default that of the static shape.
        axis: the axis, negative from the back.
        name: the name of the node.
    Raises:
        ValueError: if `num` is not given and not known, or the axis is out of range.
    """
    value = convert_to_tensor(value)
    if num is None:
        if value.dims is not None and not -len(value.dims) <= axis < len(value.dims):
            raise ValueError(f"Argument `axis` = {axis} not in [{-len(value.dims)}, {len(value.dims)})")
        num = None if value.dims is None else value.dims[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {value.shape}")
    return unpack_op(value, num=num, axis=axis, name=name)


# Split


@op("Split(split_dim: host int32, value: T) -> output: num_split * T", minimum={"num_split": 1}, view=True)
def split_op(split_dim: int, value: Value, *, num_split: int) -> list[Value]:
    rank = value.ndim
    if not -rank <= split_dim < rank:
        raise InvalidArgumentError(
            None, None, f"-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {split_dim}"
        )
    if num_split < 1:
        raise InvalidArgumentError(None, None, f"Number of ways to split should be > 0, but got {num_split}")
    extent = value.shape[split_dim]
    if extent % num_split:
        raise InvalidArgumentError(
            None,
            None,
            "Number of ways to split should evenly divide the split dimension, but got split_dim "
            f"{split_dim} (size = {extent}) and num_split {num_split}",
        )
    if isinstance(value, np.ndarray):
        return np.split(value, num_split, split_dim)
    return list(value.tensor_split(num_split, split_dim))


@split_op.shape
def split_shape(split_dim: Any, value: Dims, *, num_split: int) -> list[Dims]:
    if value is None:
        return [None] * num_split
    if split_dim is None:
        return [(None,) * len(value)] * num_split
    axis = normalize_axis(split_dim, len(value), "axis")
    extent = value[axis]
    if extent is not None and extent % num_split:
        raise ShapeError(
            f"the number of splits must divide the axis evenly, axis {axis} has {extent} and num_split is {num_split}"
        )
    part = None if extent is None else extent // num_split
    return [(*value[:axis], part, *value[axis + 1 :])] * num_split


@split_op.gradient
def split_gradient(call: Any, *grads: Any) -> tuple[None, Any]:
    if len(grads) == 1:
        return None, grads[0]
    return None, concat_v2_op(list(grads), call.inputs[0])


def _resolve_splits(sizes: list[int], extent: int) -> list[int]:
    if sizes.count(-1) == 1:
        rest = extent - sum(part for part in sizes if part != -1)
        sizes = [rest if part == -1 else part for part in sizes]
    if any(part < 0 for part in sizes) or sum(sizes) != extent:
        raise ShapeError(
            f"the sizes of the parts must be at least 0 and add up to the size of the axis, got {sizes} and {extent}"
        )
    return sizes


@op(
    "SplitV(value: T, size_splits: host Tlen, split_dim: host int32) -> output: num_split * T",
    minimum={"num_split": 1},
    view=True,
    Tlen=Type(frozenset({int8, int32, int64}), default=int64),
)
def split_v_op(value: Value, size_splits: list[int], split_dim: int, *, num_split: int) -> list[Value]:
    rank = value.ndim
    if not -rank <= split_dim < rank:
        raise InvalidArgumentError(
            None, None, f"-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {split_dim}"
        )
    if len(size_splits) != num_split:
        raise InvalidArgumentError(None, None, f"size_splits must have {num_split} entries, got {size_splits}")
    try:
        parts = _resolve_splits(size_splits, value.shape[split_dim])
    except ShapeError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    if isinstance(value, np.ndarray):
        return np.split(value, np.cumsum(parts)[:-1], split_dim)
    return list(value.split(parts, split_dim))


@split_v_op.shape
def split_v_shape(value: Dims, size_splits: Any, split_dim: Any, *, num_split: int) -> list[Dims]:
    if value is None:
        return [None] * num_split
    if split_dim is None:
        return [(None,) * len(value)] * num_split
    axis = normalize_axis(split_dim, len(value), "axis")
    parts: list[int | None] = [None] * num_split
    if size_splits is not None:
        if len(size_splits) != num_split:
            raise ShapeError(f"size_splits must have {num_split} entries, got {size_splits}")
        extent = value[axis]
        if is_known(size_splits) and extent is not None:
            parts = list(_resolve_splits(size_splits, extent))
        else:
            parts = [None if part == -1 else part for part in size_splits]
    return [(*value[:axis], part, *value[axis + 1 :]) for part in parts]


@split_v_op.gradient
def split_v_gradient(call: Any, *grads: Any) -> tuple[Any, None, None]:
    return (grads[0] if len(grads) == 1 else concat_v2_op(list(grads), call.inputs[2])), None, None


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split"
) -> list[Tensor]:
    """Return the parts into which `value` is cut along an axis.

    Args:
        value: a tensor.
        num_or_size_splits: the number of equal parts, or the sizes of the parts, of which one may be -1.
        axis: the axis, negative from the back.
        num: the number of parts, where it is not known from the shape of `num_or_size_splits`.
        name: the name of the node.
    Raises:
        ValueError: if the number of parts is not known.
    """
    if isinstance(num_or_size_splits, (int, np.integer, Dimension)) and not isinstance(num_or_size_splits, bool):
        return split_op(axis, value, num_split=int(num_or_size_splits), name=name)
    size_splits = convert_to_tensor(num_or_size_splits)
    if size_splits.ndim == 0:
        raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split.")
    if num is None:
        num = None if size_splits.dims is None else size_splits.dims[0]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {num_or_size_splits!r}")
    return split_v_op(value, size_splits, axis, num_split=num, name=name)


# Tile


@op("Tile(input: T, multiples: host Tmultiples) -> output: T", Tmultiples=Type(INDEX, default=int32))
def tile_op(input: Value, multiples: list[int]) -> Value:
    if len(multiples) != input.ndim:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected multiples argument to be a vector of length {input.ndim} but got length {len(multiples)}",
        )
    for position, multiple in enumerate(multiples):
        if multiple < 0:
            raise InvalidArgumentError(None, None, f"Expected multiples[{position}] >= 0, but got {multiple}")
    check_allocation([size * multiple for size, multiple in zip(input.shape, multiples, strict=True)], item_size(input))
    return np.tile(input, multiples) if isinstance(input, np.ndarray) else input.repeat(multiples)


@tile_op.shape
def tile_shape(input: Dims, multiples: Any) -> Dims:
    if multiples is None:
        return None if input is None else (None,) * len(input)
    if input is None:
        return tuple(0 if multiple == 0 else None for multiple in multiples)
    if len(input) != len(multiples):
        raise ShapeError(
            f"multiples must have one entry for each of the {len(input)} axes of the input, got {multiples}"
        )
    if any(multiple is not None and multiple < 0 for multiple in multiples):
        raise ShapeError(f"multiples must be at least 0, got {multiples}")
    return tuple(
        0 if 0 in (size, multiple) else None if size is None or multiple is None else size * multiple
        for size, multiple in zip(input, multiples, strict=True)
    )


@tile_op.gradient
def tile_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    input, multiples = call.inputs
    grad = convert_to_tensor(grad)
    known = partial_value(multiples)
    if known is not None and is_known(known) and input.dims is not None and None not in input.dims:
        if not math.prod(known):
            return deferred("ZerosLike")(input), None
        interleaved: Any = [part for pair in zip(known, input.dims, strict=True) for part in pair]
        rank: Any = len(known)
    else:
        extents = shape_op(input, out_type=multiples.dtype)
        interleaved = reshape_op(pack_op([multiples, extents], axis=1), [-1])
        rank = input.ndim if input.ndim is not None else len(known) if known is not None else None
    if rank is None:
        axes: Any = deferred("Range")(0, deferred("Size")(interleaved), 2)
    else:
        axes = list(range(0, 2 * rank, 2))
    summed = _sum_op(reshape_op(grad, interleaved), axes, keep_dims=False)
    return reshape_op(summed, sizes(input)) if not isinstance(sizes(input), Tensor) else summed, None


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Return `input` repeated along its axes.

    Args:
        input: a tensor of rank r.
        multiples: a vector of r numbers, how often each axis is repeated.
        name: the name of the node.
    """
    return tile_op(input, multiples, name=name)
