"""Joining along axes, and by segment."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32, int64
from penstock.core.errors import OutOfRangeError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import reduced
from penstock.core.tensor import Tensor
from penstock.ops.array.shaping import rank
from penstock.ops.math.reduce import one_of
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.string.elementwise import as_strings, invalid


def _axes(value: Any) -> list[int]:
    return value if isinstance(value, list) else [value]


@op("ReduceJoin(inputs: string, reduction_indices: host int32) -> output: string", differentiable=False)
def reduce_join_op(inputs: Value, reduction_indices: Any, *, keep_dims: bool = False, separator: str = "") -> Value:
    ndim, axes = inputs.ndim, list[int]()
    for axis in _axes(reduction_indices):
        if not -ndim <= axis < ndim:
            raise OutOfRangeError(None, None, f"Invalid reduction dimension {axis} for input with {ndim} dimension(s)")
        if axis % ndim in axes:
            raise invalid(f"Duplicate reduction dimension {axis}")
        axes.append(axis % ndim)
    kept = [axis for axis in range(ndim) if axis not in axes]
    sizes = [inputs.shape[axis] for axis in kept]
    count = int(np.prod(sizes, dtype=np.int64))
    # The first of the axes given varies fastest.
    rows = (
        np.transpose(inputs, [*kept, *reversed(axes)]).reshape(count, -1)
        if inputs.size
        else np.empty((count, 0), object)
    )
    joined = as_strings([separator.encode().join(row) for row in rows], tuple(sizes))
    if keep_dims:
        joined = joined.reshape([1 if axis in axes else size for axis, size in enumerate(inputs.shape)])
    return joined


@reduce_join_op.shape
def reduce_join_shape(inputs: Dims, reduction_indices: Any, *, keep_dims: bool, separator: str) -> Dims:
    axes = None if reduction_indices is None else _axes(reduction_indices)
    return reduced(inputs, None if axes is None or None in axes else axes, keep_dims)


@op(
    "UnsortedSegmentJoin(inputs: string, segment_ids: Tindices, num_segments: host Tnumsegments) -> output: string",
    Tindices=frozenset({int32, int64}),
    Tnumsegments=Type(frozenset({int32, int64}), default=int32),
)
def unsorted_segment_join_op(inputs: Value, segment_ids: Value, num_segments: int, *, separator: str = "") -> Value:
    ids = np.asarray(array.to_numpy(segment_ids))
    if inputs.shape[: ids.ndim] != ids.shape:
        raise invalid(
            f"segment_ids of shape {list(ids.shape)} must be the start of the inputs' shape {list(inputs.shape)}"
        )
    if num_segments < 0 or ids.size and (ids.min() < 0 or ids.max() >= num_segments):
        raise invalid("segment_ids are not allowed to exceed num_segments or to have negative values.")
    rest = inputs.shape[ids.ndim :]
    rows = inputs.reshape(ids.size, -1) if inputs.size else np.empty((0, int(np.prod(rest, dtype=np.int64))), object)
    segments: list[list[list[bytes]]] = [[[] for _ in range(rows.shape[1])] for _ in range(num_segments)]
    for row, segment in zip(rows, ids.reshape(-1).tolist(), strict=False):
        for column, item in zip(segments[segment], row, strict=True):
            column.append(item)
    joined = [separator.encode().join(column) for segment in segments for column in segment]
    return as_strings(joined, (num_segments, *rest))


@unsorted_segment_join_op.shape
def unsorted_segment_join_shape(inputs: Dims, segment_ids: Dims, num_segments: Any, *, separator: str) -> Dims:
    if inputs is None or segment_ids is None:
        return None
    return (num_segments, *inputs[len(segment_ids) :])


def _all_axes(inputs: Any) -> Any:
    axes = inputs.shape.ndims
    return tensor_range(rank(inputs) - 1, -1, -1) if axes is None else list(range(axes - 1, -1, -1))


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> Tensor:
    """Return strings joined along axes.

    Args:
        inputs: a string tensor.
        axis: the axes, in the order of joining: the first varies fastest. By default all, in row-major order.
        keepdims: whether joined axes stay, with size 1.
        separator: what stands between the strings.
        name: the node's name.

    >>> reduce_join([["abc", "123"], ["def", "456"]], axis=1, separator=" ").numpy().tolist()
    [b'abc 123', b'def 456']
    """
    inputs = convert_to_tensor(inputs)
    axes = _all_axes(inputs) if axis is None else axis
    return reduce_join_op(
        inputs, convert_to_tensor(axes, int32), keep_dims=bool(keepdims), separator=separator, name=name
    )


def reduce_join_v1(
    inputs: Any,
    axis: Any = None,
    keep_dims: Any = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: Any = None,
) -> Tensor:
    """Return strings joined along axes. See `reduce_join`; `keep_dims` and `reduction_indices` are older names."""
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_join(inputs, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), separator, name)


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Tensor:
    """Return the strings of each segment joined, in the order in which they stand.

    Args:
        inputs: a string tensor.
        segment_ids: int32 or int64, the start of whose shape `inputs` has: the segment of each element or row.
        num_segments: how many segments there are; those without strings are empty.
        separator: what stands between the strings.
        name: the node's name.
    Raises:
        InvalidArgumentError: if an id is outside of [0, num_segments).
    """
    return unsorted_segment_join_op(inputs, segment_ids, num_segments, separator=separator, name=name)
