"""Reductions of chosen rows by segments, as embeddings of several items are combined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import FLOATING, REAL_NUMBER
from penstock.core.errors import InvalidArgumentError
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import merge
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.kernels import AXIS
from penstock.ops.math.segment import segment_rows


def _check(indices: Array, ids: Array, rows: int) -> None:
    if indices.ndim != 1 or indices.shape != ids.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"segment_ids and indices should be vectors of one size, got {list(ids.shape)} and {list(indices.shape)}",
        )
    if not ids.numel():
        return
    if int(ids[0]) < 0 or bool((ids[1:] < ids[:-1]).any()):
        raise InvalidArgumentError(None, None, "segment ids are not increasing from 0; sort them")
    if int(indices.min()) < 0 or int(indices.max()) >= rows:
        raise InvalidArgumentError(
            None, None, f"indices must be in [0, {rows}), got {int(indices.min())} to {int(indices.max())}"
        )


def _scale(ids: Array, count: int, dtype: torch.dtype, mode: str) -> Array | None:
    """Return the factor of each segment: one over its size, or over the root of that."""
    if mode == "sum":
        return None
    sizes = torch.bincount(ids.long(), minlength=count).clamp(min=1).to(dtype)
    return 1 / (sizes if mode == "mean" else sizes.sqrt())


def _combined(data: Array, indices: Array, ids: Array, count: int | None, mode: str) -> Array:
    if not data.ndim:
        raise InvalidArgumentError(None, None, "data must have at least one axis")
    _check(indices, ids, data.shape[0])
    needed = int(ids[-1]) + 1 if ids.numel() else 0
    if count is None:
        count = needed
    elif needed > count:
        raise InvalidArgumentError(None, None, f"segment ids must be < num_segments = {count}, got {needed - 1}")
    sums = segment_rows(data[indices.long()], ids, count, "sum")
    scale = _scale(ids, count, sums.dtype, mode)
    return sums if scale is None else sums * scale.view(-1, *[1] * (sums.ndim - 1))


def _spread(grad: Array, indices: Array, ids: Array, rows: int, mode: str) -> Array:
    """Return the cotangent of the data: each segment's, at every row that was part of it."""
    if rows < 0:
        raise InvalidArgumentError(None, None, f"the number of rows must be at least 0, got {rows}")
    _check(indices, ids, rows)
    if ids.numel() and int(ids[-1]) >= grad.shape[0]:
        raise InvalidArgumentError(None, None, f"segment ids must be less than {grad.shape[0]}, got {int(ids[-1])}")
    scale = _scale(ids, grad.shape[0], grad.dtype, mode)
    if scale is not None:
        grad = grad * scale.view(-1, *[1] * (grad.ndim - 1))
    return segment_rows(grad[ids.long()], indices, rows, "sum")


def _spread_sparse(grad: Array, indices: Array, ids: Array, rows: int, mode: str) -> tuple[Array, Array]:
    unique, position = torch.unique(indices, return_inverse=True)
    _check(indices, ids, rows)
    return _spread(grad, position, ids, unique.shape[0], mode), unique


def _combined_shape(data: Dims, indices: Dims, segment_ids: Dims, **attrs: Any) -> Dims:
    merge(indices, segment_ids, "shapes of indices and segment_ids")
    return None if data is None else (None, *data[1:])


def _numbered_shape(data: Dims, indices: Dims, segment_ids: Dims, num_segments: Any, **attrs: Any) -> Dims:
    merge(indices, segment_ids, "shapes of indices and segment_ids")
    return None if data is None else (num_segments, *data[1:])


def _spread_shape(grad: Dims, indices: Dims, segment_ids: Dims, output_dim0: Any) -> Dims:
    return None if grad is None else (output_dim0, *grad[1:])


def _spread_sparse_shape(grad: Dims, indices: Dims, segment_ids: Dims, dense_output_dim0: Any) -> tuple[Dims, Dims]:
    return None if grad is None else (None, *grad[1:]), (None,)


@op(
    "SparseSegmentSum(data: T, indices: Tidx, segment_ids: Tsegmentids) -> output: T",
    T=REAL_NUMBER,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_combined_shape,
)
def sparse_segment_sum_op(data: Array, indices: Array, segment_ids: Array, *, sparse_gradient: bool = False) -> Array:
    return _combined(data, indices, segment_ids, None, "sum")


@op(
    "SparseSegmentSumWithNumSegments(data: T, indices: Tidx, segment_ids: Tsegmentids,"
    " num_segments: host Tnumsegments) -> output: T",
    T=REAL_NUMBER,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    Tnumsegments=AXIS,
    shape=_numbered_shape,
)
def sparse_segment_sum_with_num_segments_op(
    data: Array, indices: Array, segment_ids: Array, num_segments: int, *, sparse_gradient: bool = False
) -> Array:
    return _combined(data, indices, segment_ids, num_segments, "sum")


@op(
    "SparseSegmentSumGrad(grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: host int32) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_shape,
)
def sparse_segment_sum_grad_op(grad: Array, indices: Array, segment_ids: Array, output_dim0: int) -> Array:
    return _spread(grad, indices, segment_ids, output_dim0, "sum")


@op(
    "SparseSegmentSumGradV2(grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: host int32)"
    " -> (output: T, sorted_unique_indices: Tidx)",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_sparse_shape,
)
def sparse_segment_sum_grad_v2_op(
    grad: Array, indices: Array, segment_ids: Array, dense_output_dim0: int
) -> tuple[Array, Array]:
    return _spread_sparse(grad, indices, segment_ids, dense_output_dim0, "sum")


@op(
    "SparseSegmentMean(data: T, indices: Tidx, segment_ids: Tsegmentids) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_combined_shape,
)
def sparse_segment_mean_op(data: Array, indices: Array, segment_ids: Array, *, sparse_gradient: bool = False) -> Array:
    return _combined(data, indices, segment_ids, None, "mean")


@op(
    "SparseSegmentMeanWithNumSegments(data: T, indices: Tidx, segment_ids: Tsegmentids,"
    " num_segments: host Tnumsegments) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    Tnumsegments=AXIS,
    shape=_numbered_shape,
)
def sparse_segment_mean_with_num_segments_op(
    data: Array, indices: Array, segment_ids: Array, num_segments: int, *, sparse_gradient: bool = False
) -> Array:
    return _combined(data, indices, segment_ids, num_segments, "mean")


@op(
    "SparseSegmentMeanGrad(grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: host int32) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_shape,
)
def sparse_segment_mean_grad_op(grad: Array, indices: Array, segment_ids: Array, output_dim0: int) -> Array:
    return _spread(grad, indices, segment_ids, output_dim0, "mean")


@op(
    "SparseSegmentMeanGradV2(grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: host int32)"
    " -> (output: T, sorted_unique_indices: Tidx)",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_sparse_shape,
)
def sparse_segment_mean_grad_v2_op(
    grad: Array, indices: Array, segment_ids: Array, dense_output_dim0: int
) -> tuple[Array, Array]:
    return _spread_sparse(grad, indices, segment_ids, dense_output_dim0, "mean")


@op(
    "SparseSegmentSqrtN(data: T, indices: Tidx, segment_ids: Tsegmentids) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_combined_shape,
)
def sparse_segment_sqrt_n_op(
    data: Array, indices: Array, segment_ids: Array, *, sparse_gradient: bool = False
) -> Array:
    return _combined(data, indices, segment_ids, None, "sqrt_n")


@op(
    "SparseSegmentSqrtNWithNumSegments(data: T, indices: Tidx, segment_ids: Tsegmentids,"
    " num_segments: host Tnumsegments) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    Tnumsegments=AXIS,
    shape=_numbered_shape,
)
def sparse_segment_sqrt_n_with_num_segments_op(
    data: Array, indices: Array, segment_ids: Array, num_segments: int, *, sparse_gradient: bool = False
) -> Array:
    return _combined(data, indices, segment_ids, num_segments, "sqrt_n")


@op(
    "SparseSegmentSqrtNGrad(grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: host int32) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_shape,
)
def sparse_segment_sqrt_n_grad_op(grad: Array, indices: Array, segment_ids: Array, output_dim0: int) -> Array:
    return _spread(grad, indices, segment_ids, output_dim0, "sqrt_n")


@op(
    "SparseSegmentSqrtNGradV2(grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: host int32)"
    " -> (output: T, sorted_unique_indices: Tidx)",
    T=FLOATING,
    Tidx=AXIS,
    Tsegmentids=AXIS,
    shape=_spread_sparse_shape,
)
def sparse_segment_sqrt_n_grad_v2_op(
    grad: Array, indices: Array, segment_ids: Array, dense_output_dim0: int
) -> tuple[Array, Array]:
    return _spread_sparse(grad, indices, segment_ids, dense_output_dim0, "sqrt_n")


def _gradient(dense: Callable[..., Any], sparse: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient function of a combination: dense, or slices of the rows that were used."""

    def gradient(call: Any, grad: Tensor) -> tuple[Any, ...]:
        data, indices, ids = call.inputs[:3]
        rest = (None,) * (len(call.inputs) - 1)
        sizes = shape_op(data)
        rows = sizes[0]
        if call.attrs["sparse_gradient"]:
            values, unique = sparse(grad, indices, ids, rows)
            return (IndexedSlices(values, unique, sizes), *rest)
        return (dense(grad, indices, ids, rows), *rest)

    return gradient


sum_gradient = _gradient(sparse_segment_sum_grad_op, sparse_segment_sum_grad_v2_op)
sparse_segment_sum_op.gradient(sum_gradient)
sparse_segment_sum_with_num_segments_op.gradient(sum_gradient)


mean_gradient = _gradient(sparse_segment_mean_grad_op, sparse_segment_mean_grad_v2_op)
sparse_segment_mean_op.gradient(mean_gradient)
sparse_segment_mean_with_num_segments_op.gradient(mean_gradient)


sqrt_n_gradient = _gradient(sparse_segment_sqrt_n_grad_op, sparse_segment_sqrt_n_grad_v2_op)
sparse_segment_sqrt_n_op.gradient(sqrt_n_gradient)
sparse_segment_sqrt_n_with_num_segments_op.gradient(sqrt_n_gradient)


def sparse_segment_sum(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the sums of the chosen rows of each segment; 0 for segments without rows.

    Args:
        data: shape (n, ...).
        indices: which rows, shape (k,).
        segment_ids: the segment of each, shape (k,), not decreasing, from 0.
        num_segments: the number of segments; by default one more than the largest number.
        name: the name of the node.
        sparse_gradient: whether the gradient is IndexedSlices of the rows used.
    Raises:
        InvalidArgumentError: if a row does not exist, or the segments are not sorted.
    """
    if num_segments is None:
        return sparse_segment_sum_op(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
    return sparse_segment_sum_with_num_segments_op(
        data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name
    )


def sparse_segment_sum_v1(
    data: Any,
    indices: Any,
    segment_ids: Any,
    name: str | None = None,
    num_segments: Any = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the sums of the chosen rows of each segment; see `sparse_segment_sum`."""
    return sparse_segment_sum(data, indices, segment_ids, num_segments, name, sparse_gradient)


def sparse_segment_mean(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the means of the chosen rows of each segment; 0 for segments without rows.

    Args:
        data, indices, segment_ids, num_segments, name, sparse_gradient: see `sparse_segment_sum`.
    """
    if num_segments is None:
        return sparse_segment_mean_op(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
    return sparse_segment_mean_with_num_segments_op(
        data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name
    )


def sparse_segment_mean_v1(
    data: Any,
    indices: Any,
    segment_ids: Any,
    name: str | None = None,
    num_segments: Any = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the means of the chosen rows of each segment; see `sparse_segment_mean`."""
    return sparse_segment_mean(data, indices, segment_ids, num_segments, name, sparse_gradient)


def sparse_segment_sqrt_n(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the sums of the chosen rows of each segment, divided by the root of how many there are.

    Args:
        data, indices, segment_ids, num_segments, name, sparse_gradient: see `sparse_segment_sum`.
    """
    if num_segments is None:
        return sparse_segment_sqrt_n_op(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
    return sparse_segment_sqrt_n_with_num_segments_op(
        data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name
    )


def sparse_segment_sqrt_n_v1(
    data: Any,
    indices: Any,
    segment_ids: Any,
    name: str | None = None,
    num_segments: Any = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Return the scaled sums of the chosen rows of each segment; see `sparse_segment_sqrt_n`."""
    return sparse_segment_sqrt_n(data, indices, segment_ids, num_segments, name, sparse_gradient)
