"""Ragged tensors from Python lists and from numbers."""

from __future__ import annotations

import builtins
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import current_graph, name_scope
from penstock.core.shape import TensorShape
from penstock.ops.array.joining import concat
from penstock.ops.constant import constant as dense_constant
from penstock.ops.constant import placeholder as dense_placeholder
from penstock.ops.math.cast import cast
from penstock.ops.math.histogram import bincount
from penstock.ops.math.scan import cumsum
from penstock.ops.ragged.ragged_tensor import RaggedTensor
from penstock.ops.ragged.range import ragged_range_op
from penstock.ops.ragged.row_partition import INDEX_TYPES, rows_of_values
from penstock.ops.ragged.value import partition_lists


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """Return nested lists as a constant RaggedTensor, or as a tensor where there is no ragged axis.

    Args:
        pylist: nested lists, tuples and arrays of numbers or strings, all at one depth.
        dtype: the type of the values; by default their own.
        ragged_rank: the number of ragged axes; by default as many as the lists and `inner_shape` leave.
        inner_shape: the shape of the values below the ragged axes.
        name: the scope of the nodes.
        row_splits_dtype: int32 or int64.
    Raises:
        ValueError: if scalars stand at different depths, or the lists do not fit the rank and shape.

    >>> constant([[1, 2], [3]]).to_list()
    [[1, 2], [3]]
    """
    split_type = as_dtype(row_splits_dtype)
    with name_scope(name, "RaggedConstant"):
        parts = partition_lists(pylist, dtype, ragged_rank, inner_shape)
        if parts is None:
            return dense_constant(pylist, dtype)
        values, nested = parts
        result: Any = dense_constant(values, dtype)
        for splits in reversed(nested):
            result = RaggedTensor.from_row_splits(result, dense_constant(splits, split_type), validate=False)
        return result


def placeholder(dtype: Any, ragged_rank: int, value_shape: Any = None, name: str | None = None) -> Any:
    """Return a placeholder of a RaggedTensor, which is fed with a `RaggedTensorValue`.

    Args:
        dtype: the type of the values.
        ragged_rank: the number of ragged axes.
        value_shape: the shape of the innermost values, without their first axis.
        name: the scope of the nodes.
    Raises:
        RuntimeError: in eager execution.
    """
    if current_graph() is None:
        raise RuntimeError("tf.ragged.placeholder is not compatible with eager execution. Pass the values instead.")
    if ragged_rank == 0:
        return dense_placeholder(dtype, value_shape, name)
    with name_scope(name, "RaggedPlaceholder"):
        flat_shape = TensorShape([None]).concatenate(value_shape)
        result: Any = dense_placeholder(dtype, flat_shape, "flat_values")
        for i in reversed(builtins.range(ragged_rank)):
            splits = dense_placeholder(dtypes.int64, [None], f"row_splits_{i}")
            result = RaggedTensor.from_row_splits(result, splits, validate=False)
        return result


def range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """Return a RaggedTensor whose rows are sequences of numbers.

    Args:
        starts: the first number of each row, a vector or scalar; the limits, where no limits are given.
        limits: where each row ends, exclusive.
        deltas: the steps.
        dtype: the type of the numbers; by default the widest of the arguments.
        name: the scope of the nodes.
        row_splits_dtype: int32 or int64.
    Raises:
        InvalidArgumentError: if a step is 0, or the vectors have different lengths.
    """
    split_type = as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    with name_scope(name, "RaggedRange", [starts, limits, deltas]):
        starts = convert_to_tensor(starts, dtype, name="starts")
        limits = convert_to_tensor(limits, dtype, name="limits")
        deltas = convert_to_tensor(deltas, dtype, name="deltas")
        if dtype is None:
            order = [dtypes.int32, dtypes.int64, dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64]
            widest = max((x.dtype.base_dtype for x in (starts, limits, deltas)), key=order.index)
            starts, limits, deltas = (cast(x, widest) for x in (starts, limits, deltas))
        result = ragged_range_op(starts, limits, deltas, Tsplits=split_type, name=name)
        return RaggedTensor.from_row_splits(result.rt_dense_values, result.rt_nested_splits, validate=False)


def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Any:
    """Return for each value the row it is in.

    Args:
        splits: a vector that rises from 0 to the number of values.
        name: the scope of the nodes.
        out_type: int32 or int64; by default the type of `splits`.
    Raises:
        ValueError: if the splits are no int32 or int64 vector, or empty.
    """
    with name_scope(name, "RaggedSplitsToSegmentIds", [splits]):
        splits = convert_to_tensor(splits, name="splits", preferred_dtype=dtypes.int64)
        if splits.dtype not in INDEX_TYPES:
            raise ValueError(f"splits must have dtype int32 or int64. Received: {splits.dtype}.")
        splits.shape.assert_has_rank(1)
        if splits.dims is not None and splits.dims[0] == 0:
            raise ValueError("Invalid row_splits: []")
        kind = splits.dtype if out_type is None else as_dtype(out_type)
        return cast(rows_of_values(splits, splits[-1]), kind)


def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Any:
    """Return where the rows meet, from the row of each value.

    Args:
        segment_ids: a vector that does not fall.
        num_segments: the number of rows; by default one more than the last that has a value.
        out_type: int32 or int64; by default that of the arguments.
        name: the scope of the nodes.
    Raises:
        TypeError: if the arguments are no integers.
    """
    with name_scope(name, "SegmentIdsToRaggedSplits", [segment_ids]):
        ids = convert_to_tensor(segment_ids, name="segment_ids", preferred_dtype=dtypes.int64)
        if ids.dtype not in INDEX_TYPES:
            raise TypeError(f"segment_ids must be an integer tensor. Received: {ids.dtype}.")
        ids.shape.assert_has_rank(1)
        kind = ids.dtype if out_type is None else as_dtype(out_type)
        if num_segments is not None:
            num_segments = convert_to_tensor(num_segments, name="num_segments")
            if num_segments.dtype not in INDEX_TYPES:
                raise TypeError(f"num_segments must be an integer tensor. Received: {num_segments.dtype}.")
            num_segments.shape.assert_has_rank(0)
        lengths = bincount(cast(ids, dtypes.int32), minlength=num_segments, maxlength=num_segments, dtype=kind)
        return concat([convert_to_tensor([0], kind), cumsum(lengths)], 0)
