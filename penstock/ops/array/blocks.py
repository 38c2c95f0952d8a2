"""Blocks of space moved into depth or into the batch, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.dtypes import int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, expect_rank_at_least
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX

_FORMATS: dict[str, Iterable[Any]] = {"data_format": ("NHWC", "NCHW", "NCHW_VECT_C")}
_INDEX = Type(INDEX, default=int32)


def _permute(value: Value, order: Sequence[int]) -> Value:
    return value.permute(tuple(order)) if isinstance(value, torch.Tensor) else value.transpose(order)


def _invalid(error: ShapeError) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, str(error))


# Depth


def _depth_shape(input: Dims, block: int, data_format: str, to_depth: bool) -> Dims:
    if data_format == "NCHW_VECT_C":
        raise ShapeError("data_format NCHW_VECT_C is for quantized values on accelerators; use NHWC or NCHW")
    if block < 2:
        raise ShapeError(f"block_size must be at least 2, got {block}")
    dims = expect_rank(input, 4, "input")
    n, h, w, c = dims if data_format == "NHWC" else (dims[0], dims[2], dims[3], dims[1])
    if to_depth:
        for what, size in (("height", h), ("width", w)):
            if size is not None and size % block:
                raise ShapeError(f"the {what} {size} must be divisible by block_size {block}")
        h, w = (None if size is None else size // block for size in (h, w))
        c = None if c is None else c * block * block
    else:
        if c is not None and c % (block * block):
            raise ShapeError(f"the depth {c} must be divisible by the square of block_size {block}")
        h, w = (None if size is None else size * block for size in (h, w))
        c = None if c is None else c // (block * block)
    return (n, h, w, c) if data_format == "NHWC" else (n, c, h, w)


@op("SpaceToDepth(input: T) -> output: T", minimum={"block_size": 2}, allowed=_FORMATS)
def space_to_depth_op(input: Value, *, block_size: int, data_format: str = "NHWC") -> Value:
    try:
        shape = _depth_shape(tuple(input.shape), block_size, data_format, True)
    except ShapeError as error:
        raise _invalid(error) from None
    b = block_size
    if data_format == "NHWC":
        n, h, w, c = input.shape
        return _permute(input.reshape(n, h // b, b, w // b, b, c), (0, 1, 3, 2, 4, 5)).reshape(shape)
    n, c, h, w = input.shape
    return _permute(input.reshape(n, c, h // b, b, w // b, b), (0, 3, 5, 1, 2, 4)).reshape(shape)


@space_to_depth_op.shape
def space_to_depth_shape(input: Dims, *, block_size: int, data_format: str) -> Dims:
    return _depth_shape(input, block_size, data_format, True)


@space_to_depth_op.gradient
def space_to_depth_gradient(call: Any, grad: Any) -> Any:
    return depth_to_space_op(grad, block_size=call.attrs["block_size"], data_format=call.attrs["data_format"])


@op("DepthToSpace(input: T) -> output: T", minimum={"block_size": 2}, allowed=_FORMATS)
def depth_to_space_op(input: Value, *, block_size: int, data_format: str = "NHWC") -> Value:
    try:
        shape = _depth_shape(tuple(input.shape), block_size, data_format, False)
    except ShapeError as error:
        raise _invalid(error) from None
    b = block_size
    if data_format == "NHWC":
        n, h, w, c = input.shape
        return _permute(input.reshape(n, h, w, b, b, c // (b * b)), (0, 1, 3, 2, 4, 5)).reshape(shape)
    n, c, h, w = input.shape
    return _permute(input.reshape(n, b, b, c // (b * b), h, w), (0, 3, 4, 1, 5, 2)).reshape(shape)


@depth_to_space_op.shape
def depth_to_space_shape(input: Dims, *, block_size: int, data_format: str) -> Dims:
    return _depth_shape(input, block_size, data_format, False)


@depth_to_space_op.gradient
def depth_to_space_gradient(call: Any, grad: Any) -> Any:
    return space_to_depth_op(grad, block_size=call.attrs["block_size"], data_format=call.attrs["data_format"])


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Return images whose square blocks of pixels have become channels of one pixel.

    Args:
        input: images of shape (n, h, w, c), or (n, c, h, w) for "NCHW".
        block_size: the side of a block, which divides the height and width.
        data_format: "NHWC" or "NCHW".
        name: the name of the node.
    """
    return space_to_depth_op(input, block_size=block_size, data_format=data_format, name=name)


def space_to_depth_v1(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Return images whose square blocks of pixels have become channels of one pixel; see `space_to_depth`."""
    return space_to_depth_op(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Return images whose channels have become square blocks of pixels.

    Args:
        input: images of shape (n, h, w, c), or (n, c, h, w) for "NCHW".
        block_size: the side of a block, whose square divides the number of channels.
        data_format: "NHWC" or "NCHW".
        name: the name of the node.
    """
    return depth_to_space_op(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space_v1(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Return images whose channels have become square blocks of pixels; see `depth_to_space`."""
    return depth_to_space_op(input, block_size=block_size, data_format=data_format, name=name)


# Batch


def _batch_shape(input: Dims, block: Any, margins: Any, to_batch: bool) -> Dims:
    what = "paddings" if to_batch else "crops"
    if block is None:
        return None if input is None else (None,) * len(input)
    count = len(block)
    expect_rank_at_least(input, count + 1, "input")
    if input is None:
        return None
    if margins is not None and len(margins) != count:
        raise ShapeError(f"{what} must have one row for each entry of block_shape {block}, got {margins}")
    if any(size is not None and size < 1 for size in block):
        raise ShapeError(f"block_shape must be at least 1, got {block}")
    batch: int | None = input[0]
    spatial: list[int | None] = []
    volume = None if None in block else math.prod(block)
    if batch is not None and volume is not None:
        if not to_batch and batch % volume:
            raise ShapeError(f"the batch size {batch} must be divisible by the volume of block_shape {block}")
        batch = batch * volume if to_batch else batch // volume
    else:
        batch = None
    for axis, (size, step) in enumerate(zip(input[1 : count + 1], block, strict=True)):
        pair = None if margins is None else margins[axis]
        if pair is not None and any(part is not None and part < 0 for part in pair):
            raise ShapeError(f"{what} must be at least 0, got {pair}")
        if size is None or step is None or pair is None or None in pair:
            spatial.append(None)
        elif to_batch:
            padded = size + sum(pair)
            if padded % step:
                raise ShapeError(
                    f"the padded size {padded} of axis {axis + 1} must be divisible by the block size {step}"
                )
            spatial.append(padded // step)
        else:
            cropped = size * step - sum(pair)
            if cropped < 0:
                raise ShapeError(f"crops {pair} are larger than the size {size * step} of axis {axis + 1}")
            spatial.append(cropped)
    return (batch, *spatial, *input[count + 1 :])


def _space_to_batch(input: Value, block: list[int], paddings: list[list[int]]) -> Value:
    try:
        shape = _batch_shape(tuple(input.shape), block, paddings, True)
    except ShapeError as error:
        raise _invalid(error) from None
    assert shape is not None
    count = len(block)
    rest = input.shape[count + 1 :]
    margins = [[0, 0], *paddings, *([[0, 0]] * len(rest))]
    padded: Value
    if isinstance(input, np.ndarray):
        padded = np.pad(input, margins, constant_values=b"")
    else:
        padded = torch.constant_pad_nd(input, [part for pair in reversed(margins) for part in pair], 0)
    split = [padded.shape[0]]
    for size, step in zip(padded.shape[1 : count + 1], block, strict=True):
        split += [size // step, step]
    steps, spaces = range(2, 2 * count + 1, 2), range(1, 2 * count, 2)
    order = [*steps, 0, *spaces, *range(2 * count + 1, 2 * count + 1 + len(rest))]
    return _permute(padded.reshape((*split, *rest)), order).reshape(shape)


def _batch_to_space(input: Value, block: list[int], crops: list[list[int]]) -> Value:
    try:
        _batch_shape(tuple(input.shape), block, crops, False)
    except ShapeError as error:
        raise _invalid(error) from None
    count = len(block)
    rest = tuple(input.shape[count + 1 :])
    batch = input.shape[0] // math.prod(block)
    spatial = tuple(input.shape[1 : count + 1])
    order = [count]
    for axis in range(count):
        order += [count + 1 + axis, axis]
    order += range(2 * count + 1, 2 * count + 1 + len(rest))
    spread = _permute(input.reshape((*block, batch, *spatial, *rest)), order)
    full = spread.reshape((batch, *(size * step for size, step in zip(spatial, block, strict=True)), *rest))
    window = (
        slice(None),
        *(slice(begin, size * step - end) for (begin, end), size, step in zip(crops, spatial, block, strict=True)),
    )
    return full[window]


@op(
    "SpaceToBatchND(input: T, block_shape: host Tblock_shape, paddings: host Tpaddings) -> output: T",
    Tblock_shape=_INDEX,
    Tpaddings=_INDEX,
)
def space_to_batch_nd_op(input: Value, block_shape: list[int], paddings: list[list[int]]) -> Value:
    return _space_to_batch(input, block_shape, paddings)


@space_to_batch_nd_op.shape
def space_to_batch_nd_shape(input: Dims, block_shape: Any, paddings: Any) -> Dims:
    return _batch_shape(input, block_shape, paddings, True)


@space_to_batch_nd_op.gradient
def space_to_batch_nd_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    return batch_to_space_nd_op(grad, call.inputs[1], call.inputs[2]), None, None


@op(
    "BatchToSpaceND(input: T, block_shape: host Tblock_shape, crops: host Tcrops) -> output: T",
    view=True,
    Tblock_shape=_INDEX,
    Tcrops=_INDEX,
)
def batch_to_space_nd_op(input: Value, block_shape: list[int], crops: list[list[int]]) -> Value:
    return _batch_to_space(input, block_shape, crops)


@batch_to_space_nd_op.shape
def batch_to_space_nd_shape(input: Dims, block_shape: Any, crops: Any) -> Dims:
    return _batch_shape(input, block_shape, crops, False)


@batch_to_space_nd_op.gradient
def batch_to_space_nd_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    return space_to_batch_nd_op(grad, call.inputs[1], call.inputs[2]), None, None


@op("SpaceToBatch(input: T, paddings: host Tpaddings) -> output: T", minimum={"block_size": 2}, Tpaddings=_INDEX)
def space_to_batch_op(input: Value, paddings: list[list[int]], *, block_size: int) -> Value:
    return _space_to_batch(input, [block_size, block_size], paddings)


@space_to_batch_op.shape
def space_to_batch_shape(input: Dims, paddings: Any, *, block_size: int) -> Dims:
    return _batch_shape(expect_rank(input, 4, "input"), [block_size, block_size], paddings, True)


@space_to_batch_op.gradient
def space_to_batch_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return batch_to_space_op(grad, call.inputs[1], block_size=call.attrs["block_size"]), None


@op("BatchToSpace(input: T, crops: host Tidx) -> output: T", minimum={"block_size": 2}, view=True, Tidx=_INDEX)
def batch_to_space_op(input: Value, crops: list[list[int]], *, block_size: int) -> Value:
    return _batch_to_space(input, [block_size, block_size], crops)


@batch_to_space_op.shape
def batch_to_space_shape(input: Dims, crops: Any, *, block_size: int) -> Dims:
    return _batch_shape(expect_rank(input, 4, "input"), [block_size, block_size], crops, False)


@batch_to_space_op.gradient
def batch_to_space_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return space_to_batch_op(grad, call.inputs[1], block_size=call.attrs["block_size"]), None


def _as_block(block_shape: Any) -> Any:
    return [block_shape, block_shape] if isinstance(block_shape, int) else block_shape


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Return blocks of the spatial axes moved into the batch axis, after padding with zeros.

    Args:
        input: a tensor of shape (n, spatial..., rest...).
        block_shape: the size of a block along each spatial axis; an int stands for two equal ones.
        paddings: integers of shape (number of spatial axes, 2), the padding before and after.
        name: the name of the node.
    """
    return space_to_batch_nd_op(input, _as_block(block_shape), paddings, name=name)


def space_to_batch_v1(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """Return blocks of the spatial axes moved into the batch axis; `block_size` is an old name of `block_shape`."""
    return space_to_batch(input, block_size if block_shape is None else block_shape, paddings, name)


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Return blocks of the spatial axes moved into the batch axis; see `space_to_batch`."""
    return space_to_batch_nd_op(input, block_shape, paddings, name=name)


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Return blocks of the batch axis moved back into the spatial axes, and their margins cut off.

    Args:
        input: a tensor of shape (n, spatial..., rest...).
        block_shape: the size of a block along each spatial axis; an int stands for two equal ones.
        crops: integers of shape (number of spatial axes, 2), what is cut off before and after.
        name: the name of the node.
    """
    return batch_to_space_nd_op(input, _as_block(block_shape), crops, name=name)


def batch_to_space_v1(
    input: Any, crops: Any, block_size: Any, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """Return blocks of the batch axis moved back into space; `block_size` is an old name of `block_shape`."""
    return batch_to_space(input, block_size if block_shape is None else block_shape, crops, name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Return blocks of the batch axis moved back into the spatial axes; see `batch_to_space`."""
    return batch_to_space_nd_op(input, block_shape, crops, name=name)
