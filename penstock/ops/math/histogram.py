"""Counts of values."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype, float32, float64, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, unchanged
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant, shape_op
from penstock.ops.math.cast import cast
from penstock.ops.math.kernels import INDEX, operation
from penstock.ops.math.reduce import reduce_max

_COUNTED = frozenset({int32, int64, float32, float64})


def _counted(values: Array, size: int, weights: Array, binary: bool) -> Array:
    """Return how often each number from 0 to `size` - 1 occurs in a vector, or the sum of its weights."""
    if size < 0:
        raise InvalidArgumentError(None, None, f"size ({size}) must be non-negative")
    if values.numel() and int(values.min()) < 0:
        raise InvalidArgumentError(None, None, "Input arr must be non-negative!")
    kept = values < size
    result = torch.zeros(size, dtype=weights.dtype, device=values.device)
    if binary:
        result[values[kept].long()] = 1
        return result
    if not weights.numel():
        ones = torch.ones((), dtype=weights.dtype, device=values.device).expand(values.shape)
        return result.index_add_(0, values[kept].long(), ones[kept])
    if weights.shape != values.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"weights must be empty or have the shape of the input, got {list(weights.shape)} and {list(values.shape)}",
        )
    return result.index_add_(0, values[kept].long(), weights[kept])


@op("Bincount(arr: int32, size: host int32, weights: T) -> bins: T", T=_COUNTED)
def bincount_op(arr: Array, size: int, weights: Array) -> Array:
    return _counted(arr.reshape(-1), size, weights.reshape(-1), binary=False)


@bincount_op.shape
def bincount_shape(arr: Dims, size: Any, weights: Dims) -> Dims:
    return (size if isinstance(size, int) and size >= 0 else None,)


@op("DenseBincount(input: Tidx, size: host Tidx, weights: T) -> output: T", Tidx=INDEX, T=_COUNTED)
def dense_bincount_op(input: Array, size: int, weights: Array, *, binary_output: bool = False) -> Array:
    if input.ndim > 2:
        raise InvalidArgumentError(None, None, f"Shape must be at most rank 2 but is rank {input.ndim}")
    if input.ndim < 2:
        return _counted(input.reshape(-1), size, weights.reshape(-1), binary_output)
    if not input.shape[0]:
        return torch.zeros((0, size), dtype=weights.dtype, device=input.device)
    rows = [
        _counted(row, size, weights[i] if weights.numel() else weights.reshape(-1), binary_output)
        for i, row in enumerate(input)
    ]
    return torch.stack(rows)


@dense_bincount_op.shape
def dense_bincount_shape(input: Dims, size: Any, weights: Dims, *, binary_output: bool) -> Dims:
    if input is None:
        return None
    if len(input) > 2:
        raise ShapeError(f"the input must have at most 2 axes, got {len(input)}")
    bins = size if isinstance(size, int) else None
    return (input[0], bins) if len(input) == 2 else (bins,)


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = int32,
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> Tensor:
    """Return how often each number occurs.

    Args:
        arr: an integer tensor of numbers from 0, dense or sparse.
        weights: a tensor of the shape of `arr`; then weights are summed in place of counting.
        minlength: the least number of counts; further ones are 0.
        maxlength: the largest number of counts; numbers from there on are left out.
        dtype: the type of the counts, where there are no weights.
        name: the scope of the nodes.
        axis: None or 0 counts over all elements, -1 over each row of a matrix.
        binary_output: whether 1 stands for any count above 0.
    Raises:
        InvalidArgumentError: if a number is negative.
        ValueError: if the axis is another, or weights are given with `binary_output`.
    """
    with op_scope(name, "bincount"):
        if weights is not None and binary_output:
            raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
        if axis not in (None, 0, -1):
            raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
        sparse = arr if isinstance(arr, SparseTensor) and axis == -1 else None
        arr = convert_to_tensor(arr.values if isinstance(arr, SparseTensor) else arr, name="arr")
        weights = weights.values if isinstance(weights, SparseTensor) else weights
        if not arr.dtype.is_integer:
            arr = cast(arr, int32)
        index = arr.dtype.base_dtype if arr.dtype in INDEX else int32
        arr = cast(arr, index)
        if axis in (None, 0):
            arr = operation("Reshape")(arr, [-1])
        limit = cast(operation("Size")(arr), index)
        one, zero = constant(1, dtype=index), constant(0, dtype=index)
        safe = operation("ConcatV2")([operation("Reshape")(arr, [-1]), constant([0], dtype=index)], 0)
        size = operation("Minimum")(limit, one) * (reduce_max(safe) + one)
        if minlength is not None:
            size = operation("Maximum")(cast(minlength, index), size)
        if maxlength is not None:
            size = operation("Minimum")(cast(maxlength, index), operation("Maximum")(size, zero))
        size = operation("Maximum")(size, zero)
        if weights is None:
            weights = constant([], dtype=as_dtype(dtype))
        else:
            weights = convert_to_tensor(weights, name="weights")
            if axis in (None, 0):
                weights = operation("Reshape")(weights, [-1])
        if sparse is not None:
            return operation("SparseBincount")(
                sparse.indices, arr, sparse.dense_shape, size, weights, binary_output=binary_output
            )
        return dense_bincount_op(arr, size, weights, binary_output=binary_output)


def bincount_v1(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = int32
) -> Tensor:
    """Return how often each number occurs; see `bincount`."""
    return bincount(arr, weights, minlength, maxlength, dtype)


@op(
    "HistogramFixedWidth(values: T, value_range: host T, nbins: host int32) -> out: dtype",
    T=_COUNTED,
    dtype=Type(INDEX, default=int32),
)
def histogram_fixed_width_op(values: Array, value_range: list[float], nbins: int, *, dtype: DType = int32) -> Array:
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise InvalidArgumentError(
            None, None, f"value_range should satisfy value_range[0] < value_range[1], but got {value_range}"
        )
    if nbins <= 0:
        raise InvalidArgumentError(None, None, f"nbins should be a positive number, but got {nbins}")
    low, high = value_range
    step = (high - low) / nbins
    bins = torch.floor((values.reshape(-1).double() - low) / step).clamp(0, nbins - 1).nan_to_num(0)
    return torch.bincount(bins.long(), minlength=nbins).to(torch_dtype(dtype))


@histogram_fixed_width_op.shape
def histogram_fixed_width_shape(values: Dims, value_range: Any, nbins: Any, *, dtype: DType) -> Dims:
    return (nbins if isinstance(nbins, int) else None,)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """Return how many values fall into each of `nbins` bins of equal width; those outside count for the outer bins.

    Args:
        values: a numeric tensor.
        value_range: the lower bound of the first bin and the upper bound of the last, of the type of `values`.
        nbins: the number of bins.
        dtype: the type of the counts.
        name: the scope of the nodes.
    """
    with op_scope(name, "histogram_fixed_width") as scope:
        return histogram_fixed_width_op(values, value_range, nbins, dtype=as_dtype(dtype), name=scope or name)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """Return the bin of each value; see `histogram_fixed_width`.

    Args:
        values, value_range, nbins, name: see `histogram_fixed_width`.
        dtype: not used; bins are int32.
    """
    with op_scope(name, "histogram_fixed_width_bins"):
        values = convert_to_tensor(values, name="values")
        shape = shape_op(values)
        flat = operation("Reshape")(values, [-1])
        value_range = convert_to_tensor(value_range, name="value_range", dtype=values.dtype.base_dtype)
        bins = cast(nbins, int32)
        span = value_range[1] - value_range[0]
        scaled = cast(flat - value_range[0], float64) / cast(span, float64)
        indices = operation("Floor")(cast(bins, float64) * scaled)
        clipped = operation("Minimum")(operation("Maximum")(indices, 0.0), cast(bins - 1, float64))
        return operation("Reshape")(cast(clipped, int32), shape)


@op("Bucketize(input: T) -> output: int32", T=_COUNTED, shape=unchanged)
def bucketize_op(input: Array, *, boundaries: list[float]) -> Array:
    if any(b < a for a, b in zip(boundaries, boundaries[1:], strict=False)):
        raise InvalidArgumentError(None, None, f"Expected sorted boundaries, got {boundaries}")
    edges = torch.tensor(boundaries, dtype=torch.float32, device=input.device)
    return torch.bucketize(input.double(), edges.double(), right=True).to(torch.int32)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = int32,
    name: str | None = None,
) -> Tensor:
    """Return how often each label (row) met each prediction (column).

    Args:
        labels, predictions: vectors of class numbers from 0.
        num_classes: the number of classes; by default one more than the largest number.
        weights: a vector of what each pair counts; 1 by default.
        dtype: the type of the counts.
        name: the scope of the nodes.
    Raises:
        InvalidArgumentError: if a number is negative, or not less than `num_classes`.
        ValueError: if the weights have another shape than the predictions.
    """
    with op_scope(name, "confusion_matrix"):
        labels, predictions = _remove_last_axis(convert_to_tensor(labels), convert_to_tensor(predictions))
        labels, predictions = cast(labels, int64), cast(predictions, int64)
        if num_classes is None:
            num_classes = operation("Maximum")(reduce_max(predictions), reduce_max(labels)) + 1
        num_classes = cast(num_classes, int64)
        wanted = as_dtype(dtype)
        if weights is None:
            values = operation("OnesLike")(cast(predictions, wanted))
        else:
            values = cast(weights, wanted)
            predictions.shape.assert_is_compatible_with(values.shape)
        indices = operation("Pack")([labels, predictions], axis=1)
        shape = operation("Pack")([num_classes, num_classes])
        return operation("ScatterNd")(indices, values, shape)


def _remove_last_axis(labels: Tensor, predictions: Tensor) -> tuple[Tensor, Tensor]:
    """Drop a last axis of size 1 that only one of the two has."""
    if labels.ndim is not None and predictions.ndim is not None and labels.ndim != predictions.ndim:
        squeeze = operation("Squeeze")
        if labels.ndim > predictions.ndim:
            return squeeze(labels, squeeze_dims=[-1]), predictions
        return labels, squeeze(predictions, squeeze_dims=[-1])
    return labels, predictions


def confusion_matrix_v1(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """Return how often each label (row) met each prediction (column); see `confusion_matrix`."""
    return confusion_matrix(labels, predictions, num_classes, weights, dtype, name)
