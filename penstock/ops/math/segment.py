"""Reductions of the rows that share a segment number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER, int16, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, merge, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.cast import cast
from penstock.ops.math.kernels import AXIS, INDEX, NUMBER_OR_QUANTIZED, STORED_ONLY, operation, through_numpy

_UFUNCS = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _neutral(dtype: torch.dtype, mode: str) -> Any:
    if mode in ("sum", "prod"):
        return int(mode == "prod")
    info: Any = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    return info.min if mode == "amax" else info.max


def segment_rows(rows: Array, ids: Array, count: int, mode: str, start: Any = None) -> Array:
    """Return the reductions of the rows of each segment.

    Args:
        rows: shape (n, ...).
        ids: shape (n,), each from 0 to `count` - 1.
        count: the number of segments.
        mode: "sum", "prod", "amax" or "amin".
        start: what segments without rows get; the neutral element by default.
    """
    if not rows.is_cpu and (rows.dtype in STORED_ONLY or rows.is_complex()):
        return segment_rows(rows.cpu(), ids.cpu(), count, mode, start).to(rows.device)
    start_value = _neutral(rows.dtype, mode)
    result = torch.full((count, *rows.shape[1:]), start_value, dtype=rows.dtype, device=rows.device)
    ids = ids.long()
    if rows.numel():
        if rows.dtype in STORED_ONLY:
            out = result.numpy()
            _UFUNCS[mode].at(out, ids.numpy(), rows.numpy())
        elif mode == "sum":
            result.index_add_(0, ids, rows)
        elif mode == "prod" and rows.is_complex():
            np.multiply.at(result.numpy(), ids.numpy(), rows.numpy())
        else:
            index = ids.view(-1, *[1] * (rows.ndim - 1)).expand_as(rows)
            result.scatter_reduce_(0, index, rows, mode)
    if start is not None and start != start_value:
        empty = torch.bincount(ids, minlength=count) == 0
        if rows.dtype in STORED_ONLY:
            result.numpy()[empty.numpy()] = start
        else:
            result[empty] = start
    return result


def _sorted_count(data: Array, ids: Array) -> int:
    """Check the segment numbers of sorted segments, and return how many segments there are."""
    if ids.ndim != 1 or not data.ndim or data.shape[0] != ids.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"segment_ids should be a vector with a number for each row, got {list(ids.shape)} for {list(data.shape)}",
        )
    if not ids.numel():
        return 0
    numbers = ids.cpu().numpy()
    if numbers[0] < 0:
        raise InvalidArgumentError(None, None, f"segment ids must be >= 0, got {numbers[0]}")
    if (numbers[1:] < numbers[:-1]).any():
        raise InvalidArgumentError(
            None, None, "segment ids are not increasing; sort them, or use tf.math.unsorted_segment_*"
        )
    return int(numbers[-1]) + 1


def _sorted_shape(data: Dims, segment_ids: Dims) -> Dims:
    if segment_ids is not None and len(segment_ids) != 1:
        raise ShapeError(f"segment_ids must be a vector, got rank {len(segment_ids)}")
    if data is None:
        return None
    if not data:
        raise ShapeError("data must have at least one axis")
    if segment_ids is not None:
        merge_dim(data[0], segment_ids[0], "first axis of data and size of segment_ids")
    return (None, *data[1:])


def _sorted_v2(data: Array, ids: Array, count: int, mode: str) -> Array:
    if count < _sorted_count(data, ids):
        raise InvalidArgumentError(None, None, f"segment ids must be < num_segments = {count}")
    return segment_rows(data, ids, count, mode)


def _sorted_v2_shape(data: Dims, segment_ids: Dims, num_segments: Any) -> Dims:
    dims = _sorted_shape(data, segment_ids)
    return None if dims is None else (num_segments, *dims[1:])


@op(
    "SegmentSum(data: T, segment_ids: Tindices) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    shape=_sorted_shape,
)
def segment_sum_op(data: Array, segment_ids: Array) -> Array:
    return segment_rows(data, segment_ids, _sorted_count(data, segment_ids), "sum")


@op(
    "SegmentProd(data: T, segment_ids: Tindices) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    shape=_sorted_shape,
)
def segment_prod_op(data: Array, segment_ids: Array) -> Array:
    return segment_rows(data, segment_ids, _sorted_count(data, segment_ids), "prod")


@op("SegmentMin(data: T, segment_ids: Tindices) -> output: T", T=REAL_NUMBER, Tindices=INDEX, shape=_sorted_shape)
def segment_min_op(data: Array, segment_ids: Array) -> Array:
    return segment_rows(data, segment_ids, _sorted_count(data, segment_ids), "amin", start=0)


@op("SegmentMax(data: T, segment_ids: Tindices) -> output: T", T=REAL_NUMBER, Tindices=INDEX, shape=_sorted_shape)
def segment_max_op(data: Array, segment_ids: Array) -> Array:
    return segment_rows(data, segment_ids, _sorted_count(data, segment_ids), "amax", start=0)


def _averaged(sums: Array, ids: Array, root: bool = False) -> Array:
    counts = torch.bincount(ids.long(), minlength=sums.shape[0]).clamp(min=1)
    counts = counts.view(-1, *[1] * (sums.ndim - 1))
    if root:
        return sums / counts.to(sums.dtype).sqrt()
    if sums.is_floating_point() or sums.is_complex():
        return sums / counts.to(sums.dtype)
    return through_numpy(lambda total, count: (total / count).astype(total.dtype), sums, counts)


@op(
    "SegmentMean(data: T, segment_ids: Tindices) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    shape=_sorted_shape,
)
def segment_mean_op(data: Array, segment_ids: Array) -> Array:
    sums = segment_rows(data, segment_ids, _sorted_count(data, segment_ids), "sum")
    return _averaged(sums, segment_ids)


@op(
    "SegmentSumV2(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_sorted_v2_shape,
)
def segment_sum_v2_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _sorted_v2(data, segment_ids, num_segments, "sum")


@op(
    "SegmentProdV2(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_sorted_v2_shape,
)
def segment_prod_v2_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _sorted_v2(data, segment_ids, num_segments, "prod")


@op(
    "SegmentMinV2(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=REAL_NUMBER,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_sorted_v2_shape,
)
def segment_min_v2_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _sorted_v2(data, segment_ids, num_segments, "amin")


@op(
    "SegmentMaxV2(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=REAL_NUMBER,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_sorted_v2_shape,
)
def segment_max_v2_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _sorted_v2(data, segment_ids, num_segments, "amax")


# Segments in any order


def _unsorted(data: Array, ids: Array, count: int, mode: str) -> Array:
    if count < 0:
        raise InvalidArgumentError(None, None, f"num_segments must be >= 0, got {count}")
    if tuple(data.shape[: ids.ndim]) != tuple(ids.shape):
        raise InvalidArgumentError(
            None, None, f"data.shape = {list(data.shape)} does not start with segment_ids.shape = {list(ids.shape)}"
        )
    inner = data.shape[ids.ndim :]
    flat_ids = ids.reshape(-1)
    rows = data.reshape(flat_ids.shape[0], *inner)
    if flat_ids.numel():
        largest = int(flat_ids.max())
        if largest >= count:
            at = int((flat_ids >= count).nonzero()[0])
            raise InvalidArgumentError(
                None, None, f"segment_ids[{at}] = {int(flat_ids[at])} is out of range [0, {count})"
            )
        if int(flat_ids.min()) < 0:
            kept = flat_ids >= 0
            rows, flat_ids = rows[kept], flat_ids[kept]
    if count * max(math.prod(inner), 1) > 2**40:
        raise InvalidArgumentError(None, None, f"{count} segments are too many")
    return segment_rows(rows, flat_ids, count, mode)


def _unsorted_shape(data: Dims, segment_ids: Dims, num_segments: Any) -> Dims:
    if isinstance(num_segments, int) and num_segments < 0:
        raise ShapeError(f"num_segments must be at least 0, got {num_segments}")
    if data is None or segment_ids is None:
        return None
    if len(segment_ids) > len(data):
        raise ShapeError(f"segment_ids must not have more axes than data, got {len(segment_ids)} and {len(data)}")
    merge(data[: len(segment_ids)], segment_ids, "first axes of data, and segment_ids,")
    return (num_segments, *data[len(segment_ids) :])


_UNSORTED_IDS = frozenset({int16, int32, int64})


@op(
    "UnsortedSegmentSum(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=_UNSORTED_IDS,
    Tnumsegments=AXIS,
    shape=_unsorted_shape,
)
def unsorted_segment_sum_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _unsorted(data, segment_ids, num_segments, "sum")


@op(
    "UnsortedSegmentProd(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_unsorted_shape,
)
def unsorted_segment_prod_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _unsorted(data, segment_ids, num_segments, "prod")


@op(
    "UnsortedSegmentMin(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=REAL_NUMBER,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_unsorted_shape,
)
def unsorted_segment_min_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _unsorted(data, segment_ids, num_segments, "amin")


@op(
    "UnsortedSegmentMax(data: T, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: T",
    T=REAL_NUMBER,
    Tindices=INDEX,
    Tnumsegments=AXIS,
    shape=_unsorted_shape,
)
def unsorted_segment_max_op(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return _unsorted(data, segment_ids, num_segments, "amax")


# Gradients


def _gather(values: Tensor, ids: Tensor) -> Tensor:
    result: Tensor = operation("GatherV2")(values, ids, 0)
    return result


def _gather_dropped(values: Tensor, ids: Tensor, like: Tensor) -> Tensor:
    """Return the row of each segment number, zeros for negative ones, which stand for no segment."""
    rows = _gather(values, operation("Maximum")(ids, operation("ZerosLike")(ids)))
    kept = operation("GreaterEqual")(ids, operation("ZerosLike")(ids))
    rank = operation("Rank")(like)
    shape = operation("ConcatV2")(
        [shape_op(ids), operation("Fill")(operation("ExpandDims")(rank - operation("Rank")(ids), 0), 1)], 0
    )
    result: Tensor = operation("SelectV2")(operation("Reshape")(kept, shape), rows, operation("ZerosLike")(rows))
    return result


@segment_sum_op.gradient
def segment_sum_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    return _gather(grad, call.inputs[1]), None


@segment_mean_op.gradient
def segment_mean_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    data, ids = call.inputs
    ones_shape = operation("ConcatV2")(
        [shape_op(ids), operation("Fill")(operation("ExpandDims")(operation("Rank")(data) - 1, 0), 1)], 0
    )
    ones = operation("Fill")(ones_shape, convert_to_tensor(1, dtype=grad.dtype.base_dtype))
    return _gather(grad / segment_sum_op(ones, ids), ids), None


def _product_gradient(call: Any, grad: Tensor, segment: Any, total: Any, gather: Any) -> Tensor:
    # Where one factor is 0, only its own derivative is not.
    data, where = call.inputs[0], operation("SelectV2")
    is_zero = operation("Equal")(data, operation("ZerosLike")(data))
    zeros = total(cast(is_zero, int32))
    grad = where(operation("Greater")(zeros, 1), operation("ZerosLike")(grad), grad)
    nonzero = where(is_zero, operation("OnesLike")(data), data)
    others = where(is_zero, gather(segment(nonzero)), gather(call.outputs[0]) / nonzero)
    result: Tensor = gather(grad) * others
    return result


def _extreme_gradient(call: Any, grad: Tensor, total: Any, gather: Any) -> Tensor:
    data = call.inputs[0]
    chosen = operation("Equal")(data, gather(call.outputs[0]))
    count = total(cast(chosen, grad.dtype))
    result: Tensor = operation("SelectV2")(
        chosen, gather(operation("DivNoNan")(grad, count)), operation("ZerosLike")(data)
    )
    return result


@segment_prod_op.gradient
def segment_prod_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    ids = call.inputs[1]
    return _product_gradient(
        call, grad, lambda x: segment_prod_op(x, ids), lambda x: segment_sum_op(x, ids), lambda x: _gather(x, ids)
    ), None


@segment_min_op.gradient
@segment_max_op.gradient
def segment_extreme_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    ids = call.inputs[1]
    return _extreme_gradient(call, grad, lambda x: segment_sum_op(x, ids), lambda x: _gather(x, ids)), None


@unsorted_segment_sum_op.gradient
def unsorted_segment_sum_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    return _gather_dropped(grad, call.inputs[1], call.inputs[0]), None, None


@unsorted_segment_prod_op.gradient
def unsorted_segment_prod_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    data, ids, count = call.inputs
    return (
        _product_gradient(
            call,
            grad,
            lambda x: unsorted_segment_prod_op(x, ids, count),
            lambda x: unsorted_segment_sum_op(x, ids, count),
            lambda x: _gather_dropped(x, ids, data),
        ),
        None,
        None,
    )


@unsorted_segment_min_op.gradient
@unsorted_segment_max_op.gradient
def unsorted_segment_extreme_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    data, ids, count = call.inputs
    return (
        _extreme_gradient(
            call, grad, lambda x: unsorted_segment_sum_op(x, ids, count), lambda x: _gather_dropped(x, ids, data)
        ),
        None,
        None,
    )


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Return the sums of the rows of each segment; 0 for segments without rows.

    Args:
        data: shape (n, ...).
        segment_ids: shape (n,), not decreasing, from 0.
        name: the name of the node.
    Returns:
        Shape (largest number + 1, ...).
    Raises:
        InvalidArgumentError: if the numbers are not sorted, or less than 0.
    """
    return segment_sum_op(data, segment_ids, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Return the means of the rows of each segment; 0 for segments without rows.

    Args:
        data, segment_ids, name: see `segment_sum`.
    """
    return segment_mean_op(data, segment_ids, name=name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Return the products of the rows of each segment; 1 for segments without rows.

    Args:
        data, segment_ids, name: see `segment_sum`.
    """
    return segment_prod_op(data, segment_ids, name=name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Return the smallest elements of the rows of each segment; 0 for segments without rows.

    Args:
        data, segment_ids, name: see `segment_sum`.
    """
    return segment_min_op(data, segment_ids, name=name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Return the largest elements of the rows of each segment; 0 for segments without rows.

    Args:
        data, segment_ids, name: see `segment_sum`.
    """
    return segment_max_op(data, segment_ids, name=name)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the sums of the slices of each segment; 0 for segments without any.

    Args:
        data: a tensor whose shape starts with that of `segment_ids`.
        segment_ids: segment numbers in any order; slices with negative ones are left out.
        num_segments: the number of segments.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if a number is not less than `num_segments`.
    """
    return unsorted_segment_sum_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the products of the slices of each segment; 1 for segments without any.

    Args:
        data, segment_ids, num_segments, name: see `unsorted_segment_sum`.
    """
    return unsorted_segment_prod_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the smallest elements of the slices of each segment; the type's largest number for segments without any.

    Args:
        data, segment_ids, num_segments, name: see `unsorted_segment_sum`.
    """
    return unsorted_segment_min_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the largest elements of the slices of each segment; the type's smallest number for segments without any.

    Args:
        data, segment_ids, num_segments, name: see `unsorted_segment_sum`.
    """
    return unsorted_segment_max_op(data, segment_ids, num_segments, name=name)


def _slice_counts(data: Tensor, ids: Tensor, num_segments: Any) -> Tensor:
    """Return how many slices each segment has, at least 1, in a shape that broadcasts against the reduced `data`."""
    ones = operation("Fill")(shape_op(ids), convert_to_tensor(1, dtype=data.dtype.base_dtype))
    counts = operation("Maximum")(unsorted_segment_sum_op(ones, ids, num_segments), 1)
    trailing = operation("Rank")(data) - operation("Rank")(ids)
    ones_shape = operation("Fill")(operation("ExpandDims")(trailing, 0), 1)
    result: Tensor = operation("Reshape")(counts, operation("ConcatV2")([[-1], ones_shape], 0))
    return result


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the means of the slices of each segment; 0 for segments without any.

    Args:
        data, segment_ids, num_segments, name: see `unsorted_segment_sum`.
    """
    with op_scope(name, "UnsortedSegmentMean"):
        data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        counts = _slice_counts(data, ids, num_segments)
        return unsorted_segment_sum_op(data, ids, num_segments) / counts


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Return the sums of the slices of each segment, divided by the root of how many there are.

    Args:
        data, segment_ids, num_segments, name: see `unsorted_segment_sum`.
    """
    with op_scope(name, "UnsortedSegmentSqrtN"):
        data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        counts = _slice_counts(data, ids, num_segments)
        return unsorted_segment_sum_op(data, ids, num_segments) / operation("Sqrt")(counts)
