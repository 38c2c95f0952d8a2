"""Rows dealt out to several tensors, and put together again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, deferred, is_static, item_size, moved, sizes
from penstock.ops.array.gather import gather_v2_op
from penstock.ops.array.shaping import reshape_op

_range_op = deferred("Range")


@op(
    "DynamicPartition(data: T, partitions: int32) -> outputs: num_partitions * T",
    view=True,
    minimum={"num_partitions": 1},
)
def dynamic_partition_op(data: Value, partitions: torch.Tensor, *, num_partitions: int) -> list[Value]:
    rank = partitions.ndim
    if tuple(data.shape[:rank]) != tuple(partitions.shape):
        raise InvalidArgumentError(
            None,
            None,
            f"data.shape must start with partitions.shape, got data.shape = {list(data.shape)}, "
            f"partitions.shape = {list(partitions.shape)}",
        )
    wrong = (partitions < 0) | (partitions >= num_partitions)
    if wrong.any():
        at = torch.nonzero(wrong)[0].tolist()
        raise InvalidArgumentError(
            None, None, f"partitions{at if at else ''} = {int(partitions[tuple(at)])} is not in [0, {num_partitions})"
        )
    rest = data.shape[rank:]
    rows = data.reshape(partitions.numel(), *rest)
    flat = partitions.reshape(-1)
    if isinstance(rows, np.ndarray):
        return [rows[(flat == part).numpy()] for part in range(num_partitions)]
    order = flat.argsort(stable=True)
    counts = torch.bincount(flat, minlength=num_partitions).tolist()
    return list(moved(lambda values: values.index_select(0, order), rows).split(counts))


@dynamic_partition_op.shape
def dynamic_partition_shape(data: Dims, partitions: Dims, *, num_partitions: int) -> list[Dims]:
    if num_partitions < 1:
        raise ShapeError(f"num_partitions must be at least 1, got {num_partitions}")
    if data is None or partitions is None:
        return [None] * num_partitions
    if len(partitions) > len(data):
        raise ShapeError(
            f"the shape of data {format_dims(data)} must start with that of partitions {format_dims(partitions)}"
        )
    merge(data[: len(partitions)], partitions, "shapes of partitions and the first axes of data")
    return [(None, *data[len(partitions) :])] * num_partitions


@dynamic_partition_op.gradient
def dynamic_partition_gradient(call: Any, *grads: Any) -> tuple[Any, None]:
    data, partitions = call.inputs
    count = call.attrs["num_partitions"]
    if is_static(partitions):
        total: Any = math.prod(partitions.dims)
    else:
        total = deferred("Size")(partitions)
    positions = reshape_op(_range_op(0, total, 1), sizes(partitions))
    places = dynamic_partition_op(positions, partitions, num_partitions=count)
    stitched = parallel_dynamic_stitch_op(list(places), list(grads))
    return reshape_op(stitched, sizes(data)), None


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """Return the rows of `data` dealt out to several tensors.

    Args:
        data: a tensor whose shape starts with that of `partitions`.
        partitions: for each row, the tensor that it goes to, in [0, num_partitions).
        num_partitions: the number of tensors.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a partition is out of range.
    """
    return dynamic_partition_op(data, partitions, num_partitions=num_partitions, name=name)


def _stitch(indices: list[torch.Tensor], data: list[Value]) -> Value:
    rest: tuple[int, ...] | None = None
    for position, (index, part) in enumerate(zip(indices, data, strict=True)):
        if tuple(part.shape[: index.ndim]) != tuple(index.shape):
            raise InvalidArgumentError(
                None,
                None,
                f"data[{position}].shape = {list(part.shape)} does not start with indices[{position}].shape "
                f"= {list(index.shape)}",
            )
        own = tuple(part.shape[index.ndim :])
        if rest is not None and own != rest:
            raise InvalidArgumentError(
                None,
                None,
                f"Need data[0].shape[{indices[0].ndim}:] = data[{position}].shape[{index.ndim}:], got "
                f"{list(rest)} and {list(own)}",
            )
        rest = own
    assert rest is not None
    rows = torch.cat([index.reshape(-1) for index in indices]).to(torch.int64)
    size = int(rows.max()) + 1 if rows.numel() else 0
    if rows.numel() and int(rows.min()) < 0:
        raise InvalidArgumentError(None, None, f"indices must be at least 0, got {int(rows.min())}")
    check_allocation((size, *rest), item_size(data[0]))
    flat = [part.reshape(index.numel(), *rest) for index, part in zip(indices, data, strict=True)]
    if isinstance(data[0], np.ndarray):
        texts = np.full((size, *rest), b"", dtype=object)
        texts[rows.numpy()] = np.concatenate(flat)
        return texts
    target = data[0].new_zeros((size, *rest))
    return moved(lambda old, new: old.index_copy(0, rows, new), target, torch.cat(flat)) if rows.numel() else target


def _stitch_shape(indices: list[Dims], data: list[Dims]) -> Dims:
    rest: Dims = None
    for index, part in zip(indices, data, strict=True):
        if index is None or part is None:
            continue
        if len(index) > len(part):
            raise ShapeError(
                f"the shape of data {format_dims(part)} must start with that of indices {format_dims(index)}"
            )
        merge(part[: len(index)], index, "shapes of indices and the first axes of data")
        rest = merge(rest, part[len(index) :], "the last axes of data")
    return None if rest is None else (None, *rest)


@op("DynamicStitch(indices: N * int32, data: N * T) -> merged: T", shape=_stitch_shape)
def dynamic_stitch_op(indices: list[torch.Tensor], data: list[Value]) -> Value:
    return _stitch(indices, data)


@op("ParallelDynamicStitch(indices: N * int32, data: N * T) -> merged: T", shape=_stitch_shape)
def parallel_dynamic_stitch_op(indices: list[torch.Tensor], data: list[Value]) -> Value:
    return _stitch(indices, data)


@dynamic_stitch_op.gradient
@parallel_dynamic_stitch_op.gradient
def dynamic_stitch_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    count = len(call.inputs) // 2
    grad = convert_to_tensor(grad)
    return (None,) * count + tuple(gather_v2_op(grad, index, 0) for index in call.inputs[:count])


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Return rows of several tensors put to given places of one; of rows with one place, the last counts.

    Args:
        indices: a list of integer tensors.
        data: a list of tensors, the shape of each starting with that of its indices.
        name: the name of the node.
    """
    return dynamic_stitch_op(indices, data, name=name)
