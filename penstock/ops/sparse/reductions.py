"""Sums and maxima of sparse tensors over some of their axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER
from penstock.core.errors import InternalError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import reduced
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, deferred, moved
from penstock.ops.hosted import on_host
from penstock.ops.math.reduce import one_of
from penstock.ops.sparse.common import (
    NUMERIC,
    as_sparse,
    check_parts,
    first_outside,
    group,
    invalid,
    known_dims,
    linear,
    parts_dims,
)


def _axes(reduction_axes: Any, rank: int) -> list[int]:
    """Return the axes to reduce, counted from the front."""
    axes = reduction_axes if isinstance(reduction_axes, list) else [reduction_axes]
    for axis in axes:
        if not -rank <= axis < rank:
            raise invalid(f"Invalid reduction dimension {axis}, for input with {rank} dimensions.")
    return sorted({axis % rank for axis in axes})


def _reduced(indices: Array, values: Array, shape: list[int], reduction_axes: Any, maximum: bool) -> Any:
    """Return the kept axes, the distinct positions along them in order, and the value of each."""
    check_parts(indices, values, shape, "input_")
    gone = _axes(reduction_axes, len(shape))
    kept = [axis for axis in range(len(shape)) if axis not in gone]
    rows, places = group(indices[:, kept])
    count = len(rows)
    wide = values
    if not (values.is_floating_point() or values.is_complex()):
        wide = values.view(torch.int64) if values.dtype == torch.uint64 else values.long()
    elif values.dtype in (torch.float16, torch.bfloat16):
        wide = values.float()
    start = wide.new_zeros(count)
    if maximum:
        result = start.scatter_reduce_(0, places, wide, "amax", include_self=False)
    else:
        result = start.index_add_(0, places, wide)
    result = result.view(torch.uint64) if values.dtype == torch.uint64 else result.to(values.dtype)
    return kept, rows, result


def _dense(
    indices: Array, values: Array, shape: list[int], reduction_axes: Any, keep_dims: bool, maximum: bool
) -> Array:
    kept, rows, result = _reduced(indices, values, shape, reduction_axes, maximum)
    sizes = [shape[axis] for axis in kept]
    check_allocation(sizes, values.element_size())
    outside = first_outside(rows, sizes)
    if outside is not None:
        raise InternalError(
            None, None, f"Obtained a write index of {rows[outside].tolist()} which is outside of bounds of {sizes}"
        )
    dense = torch.zeros(math.prod(sizes), dtype=values.dtype)
    places = linear(rows, sizes)
    moved(lambda target, source: target.index_copy_(0, places, source), dense, result)
    full = [1 if axis not in kept else size for axis, size in enumerate(shape)]
    return dense.reshape(full if keep_dims else sizes)


def _sparse(
    indices: Array, values: Array, shape: list[int], reduction_axes: Any, keep_dims: bool, maximum: bool
) -> tuple[Array, Array, Array]:
    kept, rows, result = _reduced(indices, values, shape, reduction_axes, maximum)
    if not keep_dims:
        return rows, result, torch.tensor([shape[axis] for axis in kept], dtype=torch.int64)
    full = torch.zeros((len(rows), len(shape)), dtype=torch.int64)
    full[:, kept] = rows
    return full, result, torch.tensor([size if a in kept else 1 for a, size in enumerate(shape)], dtype=torch.int64)


def _dense_shape(
    input_indices: Dims, input_values: Dims, input_shape: Any, reduction_axes: Any, *, keep_dims: bool
) -> Dims:
    _, rank = parts_dims(input_indices, input_values, input_shape)
    dims = known_dims(input_shape) if isinstance(input_shape, list) else None if rank is None else (None,) * rank
    if isinstance(reduction_axes, int):
        reduction_axes = [reduction_axes]
    axes = None if reduction_axes is None or None in reduction_axes else reduction_axes
    if dims is not None and axes is not None and any(not -len(dims) <= axis < len(dims) for axis in axes):
        return None  # the kernel refuses it, as TensorFlow's does when the graph runs
    return reduced(dims, axes, keep_dims)


def _sparse_shape(
    input_indices: Dims, input_values: Dims, input_shape: Any, reduction_axes: Any, *, keep_dims: bool
) -> Any:
    dims = _dense_shape(input_indices, input_values, input_shape, reduction_axes, keep_dims=keep_dims)
    rank = None if dims is None else len(dims)
    return (None, rank), (None,), (rank,)


@op(
    "SparseReduceSum(input_indices: int64, input_values: T, input_shape: host int64, reduction_axes: host int32)"
    " -> output: T",
    T=NUMERIC,
    shape=_dense_shape,
)
@on_host
def sparse_reduce_sum_op(
    input_indices: Array, input_values: Array, input_shape: list[int], reduction_axes: Any, *, keep_dims: bool = False
) -> Array:
    return _dense(input_indices, input_values, input_shape, reduction_axes, keep_dims, maximum=False)


@sparse_reduce_sum_op.gradient
def sparse_reduce_sum_gradient(call: Any, grad: Tensor) -> Any:
    indices, _, shape, axes = call.inputs
    rank = deferred("Size")(shape)
    axes = deferred("Reshape")(axes, [-1])
    where = deferred("FloorMod")(axes + rank, rank)
    # The reduced axes keep size 1, and position 0 along them.
    ones = deferred("TensorScatterUpdate")(
        shape, deferred("ExpandDims")(where, 1), deferred("OnesLike")(deferred("Cast")(where, DstT="int64"))
    )
    tiles = deferred("FloorDiv")(shape, deferred("Maximum")(ones, np.int64(1)))
    places = deferred("FloorDiv")(indices, deferred("Maximum")(tiles, np.int64(1)))
    return None, deferred("GatherNd")(deferred("Reshape")(grad, ones), places), None, None


@op(
    "SparseReduceMax(input_indices: int64, input_values: T, input_shape: host int64, reduction_axes: host int32)"
    " -> output: T",
    T=REAL_NUMBER,
    shape=_dense_shape,
)
@on_host
def sparse_reduce_max_op(
    input_indices: Array, input_values: Array, input_shape: list[int], reduction_axes: Any, *, keep_dims: bool = False
) -> Array:
    return _dense(input_indices, input_values, input_shape, reduction_axes, keep_dims, maximum=True)


@op(
    "SparseReduceSumSparse(input_indices: int64, input_values: T, input_shape: host int64,"
    " reduction_axes: host int32) -> (output_indices: int64, output_values: T, output_shape: int64)",
    T=NUMERIC,
    shape=_sparse_shape,
)
@on_host
def sparse_reduce_sum_sparse_op(
    input_indices: Array, input_values: Array, input_shape: list[int], reduction_axes: Any, *, keep_dims: bool = False
) -> tuple[Array, Array, Array]:
    return _sparse(input_indices, input_values, input_shape, reduction_axes, keep_dims, maximum=False)


@op(
    "SparseReduceMaxSparse(input_indices: int64, input_values: T, input_shape: host int64,"
    " reduction_axes: host int32) -> (output_indices: int64, output_values: T, output_shape: int64)",
    T=REAL_NUMBER,
    shape=_sparse_shape,
)
@on_host
def sparse_reduce_max_sparse_op(
    input_indices: Array, input_values: Array, input_shape: list[int], reduction_axes: Any, *, keep_dims: bool = False
) -> tuple[Array, Array, Array]:
    return _sparse(input_indices, input_values, input_shape, reduction_axes, keep_dims, maximum=True)


def _all_axes(sparse: SparseTensor, axis: Any) -> Any:
    if axis is not None:
        return axis
    rank = sparse.shape.rank
    if rank is not None:
        return convert_to_tensor(np.arange(rank, dtype=np.int32))
    return deferred("Range")(0, deferred("Size")(sparse.dense_shape), 1)


def _static(sparse: SparseTensor, axis: Any, keepdims: bool) -> Dims:
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    dims = sparse.shape.as_list() if sparse.shape.rank is not None else None
    if dims is None:
        return None
    if axis is None:
        return (1,) * len(dims) if keepdims else ()
    if any(not isinstance(item, int) or not -len(dims) <= item < len(dims) for item in axes):
        return None
    return reduced(tuple(dims), axes, keepdims)


def _reduce(operations: Any, sp_input: Any, axis: Any, keepdims: Any, is_sparse: bool, name: str | None) -> Any:
    sparse = as_sparse(sp_input)
    keep = bool(keepdims)
    inputs = (sparse.indices, sparse.values, sparse.dense_shape, _all_axes(sparse, axis))
    static = _static(sparse, axis, keep)
    if is_sparse:
        result = SparseTensor(*operations[1](*inputs, keep_dims=keep, name=name))
        if static is not None:
            result.set_shape(static)
        return result
    dense = operations[0](*inputs, keep_dims=keep, name=name)
    if static is not None and (dense.dims is None or None in dense.dims):
        dense.set_shape(static)
    return dense


_SUM = (sparse_reduce_sum_op, sparse_reduce_sum_sparse_op)
_MAX = (sparse_reduce_max_op, sparse_reduce_max_sparse_op)


def reduce_sum(
    sp_input: Any, axis: Any = None, keepdims: Any = None, output_is_sparse: bool = False, name: str | None = None
) -> Any:
    """Return the sums of a sparse tensor over some axes.

    Args:
        sp_input: a SparseTensor.
        axis: the axis or axes to reduce; all by default.
        keepdims: whether reduced axes stay, with size 1.
        output_is_sparse: whether the result is a SparseTensor, not a dense tensor.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an axis is out of range.

    >>> import penstock as tf
    >>> tf.sparse.reduce_sum(tf.SparseTensor([[0, 0], [0, 2]], [1, 1], [2, 3]), 1).numpy().tolist()
    [2, 0]
    """
    return _reduce(_SUM, sp_input, axis, keepdims, output_is_sparse, name)


def reduce_max(
    sp_input: Any, axis: Any = None, keepdims: Any = None, output_is_sparse: bool = False, name: str | None = None
) -> Any:
    """Return the largest values that a sparse tensor has over some axes, 0 where it has none; see `reduce_sum`."""
    return _reduce(_MAX, sp_input, axis, keepdims, output_is_sparse, name)


def _v1(operations: Any, sparse: bool, sp_input: Any, axis: Any, keepdims: Any, old_axes: Any, old_keep: Any) -> Any:
    if old_axes is not None:
        axis = one_of("axis", axis, "reduction_axes", old_axes)
    if old_keep is not None:
        keepdims = one_of("keepdims", keepdims, "keep_dims", old_keep)
    return _reduce(operations, sp_input, axis, keepdims, sparse, None)


def reduce_sum_v1(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """Return the sums of a sparse tensor over some axes as a dense tensor; see `reduce_sum`.

    Args:
        sp_input, axis, keepdims: see `reduce_sum`.
        reduction_axes, keep_dims: former names of `axis` and `keepdims`.
    """
    return _v1(_SUM, False, sp_input, axis, keepdims, reduction_axes, keep_dims)


def reduce_max_v1(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """Return the largest values over some axes as a dense tensor; see `reduce_sum_v1`."""
    return _v1(_MAX, False, sp_input, axis, keepdims, reduction_axes, keep_dims)


def reduce_sum_sparse(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """Return the sums of a sparse tensor over some axes as a SparseTensor; see `reduce_sum_v1`."""
    return _v1(_SUM, True, sp_input, axis, keepdims, reduction_axes, keep_dims)


def reduce_max_sparse(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """Return the largest values over some axes as a SparseTensor; see `reduce_sum_v1`."""
    return _v1(_MAX, True, sp_input, axis, keepdims, reduction_axes, keep_dims)
