"""Sums, means and the like over the axes of ragged tensors, and over segments of their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.inference import static_value
from penstock.ops.array.filling import ones_like, zeros_like
from penstock.ops.array.joining import concat
from penstock.ops.array.selecting import boolean_mask, sequence_mask, where
from penstock.ops.array.shaping import shape
from penstock.ops.constant import stop_gradient
from penstock.ops.debugging import comparisons
from penstock.ops.math import reduce, segment
from penstock.ops.math.binary import divide, maximum
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import greater, logical_and, not_equal
from penstock.ops.math.exponential import exp, log
from penstock.ops.math.histogram import bincount as dense_bincount
from penstock.ops.math.matmul import matmul as dense_matmul
from penstock.ops.math.scan import cumsum as dense_cumsum
from penstock.ops.math.unary import is_finite, sqrt, square
from penstock.ops.nn.dropout import dropout as dense_dropout
from penstock.ops.ragged.arranging import expand_dims
from penstock.ops.ragged.elementwise import apply_elementwise
from penstock.ops.ragged.factory import range as ragged_range
from penstock.ops.ragged.gathering import take_rows
from penstock.ops.ragged.ragged_tensor import RaggedTensor, convert_to_tensor_or_ragged, positive_axis
from penstock.ops.ragged.row_partition import checked


def segment_aggregate(
    unsorted_segment: Callable[..., Any], data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Return rows combined by segment, where rows of a segment may have different lengths.

    Args:
        unsorted_segment: the operation for dense rows.
        data: a tensor or RaggedTensor.
        segment_ids: the segment of each row; ragged if its shape is the start of that of `data`.
        num_segments: the number of segments.
        name: the scope of the nodes.
    """
    if not isinstance(data, RaggedTensor) and not isinstance(segment_ids, RaggedTensor):
        return unsorted_segment(data, segment_ids, num_segments)
    with name_scope(name, "RaggedSegmentAggregate", [data, segment_ids]):
        data = convert_to_tensor_or_ragged(data, name="data")
        segment_ids = convert_to_tensor_or_ragged(segment_ids, name="segment_ids")
        if isinstance(segment_ids, RaggedTensor):
            if not isinstance(data, RaggedTensor):
                raise ValueError("when segment_ids is ragged, then data must be too")
            same = comparisons.assert_equal(
                segment_ids.row_splits,
                cast(data.row_splits, segment_ids.row_splits.dtype),
                message="segment_ids.shape must be a prefix of data.shape, but segment_ids is ragged and data is not",
            )
            values = data.values
            ids = segment_ids.values
            if isinstance(ids, RaggedTensor):
                return segment_aggregate(unsorted_segment, values, ids, num_segments)
            return segment_aggregate(unsorted_segment, values, checked(ids, [same]), num_segments)
        kind = data.row_splits.dtype
        segment_ids = cast(segment_ids, dtypes.int64)
        num_segments = cast(convert_to_tensor(num_segments), dtypes.int64)
        lengths = data.row_lengths()
        longest = segment.unsorted_segment_max(cast(lengths, dtypes.int64), segment_ids, num_segments)
        out_lengths = maximum(longest, convert_to_tensor(0, dtypes.int64))
        out_splits = concat([convert_to_tensor([0], dtypes.int64), dense_cumsum(out_lengths)], 0)
        starts = take_rows(out_splits[:-1], segment_ids)
        places = ragged_range(starts, starts + cast(lengths, dtypes.int64)).values
        values = segment_aggregate(unsorted_segment, data.values, places, out_splits[-1])
        result = (
            RaggedTensor.from_row_splits(values, out_splits, validate=False)
            if kind == dtypes.int64
            else (
                RaggedTensor.from_row_splits(
                    values.with_row_splits_dtype(kind) if isinstance(values, RaggedTensor) else values,
                    cast(out_splits, kind),
                    validate=False,
                )
            )
        )
        return result


def _unsorted_any(data: Any, ids: Any, count: Any) -> Any:
    return not_equal(segment.unsorted_segment_sum(cast(data, dtypes.int32), ids, count), 0)


def _unsorted_all(data: Any, ids: Any, count: Any) -> Any:
    return not_equal(segment.unsorted_segment_prod(cast(data, dtypes.int32), ids, count), 0)


_SEGMENTS: dict[Any, Callable[..., Any]] = {
    reduce.reduce_sum: segment.unsorted_segment_sum,
    reduce.reduce_prod: segment.unsorted_segment_prod,
    reduce.reduce_min: segment.unsorted_segment_min,
    reduce.reduce_max: segment.unsorted_segment_max,
    reduce.reduce_any: _unsorted_any,
    reduce.reduce_all: _unsorted_all,
}


def aggregate(function: Any, value: Any, axis: Any, keepdims: bool, combine: Callable[..., Any] | None = None) -> Any:
    """Return a ragged tensor reduced along axes.

    Args:
        function: the reduction of dense tensors: `reduce_sum`, `reduce_max` ...
        value: a tensor or RaggedTensor.
        axis: an axis, several, or None for all.
        keepdims: whether the axes stay, with size 1.
        combine: the reduction by segment, where it is not one that goes with `function`.
    Raises:
        ValueError: if an axis is out of range, or given as a tensor that is not known.
    """
    if not isinstance(value, RaggedTensor):
        return function(value, axis, keepdims=keepdims)
    if hasattr(axis, "shape"):
        known = static_value(axis)
        if known is None:
            raise ValueError("ragged_reduce_aggregate: axis must be known statically.")
        axis = known.tolist()
    if axis is None:
        result = function(value.flat_values, None, keepdims=keepdims)
        if keepdims:
            for _ in range((value.shape.rank or 1) - 1):
                result = expand_dims(result, 0)
        return result
    segments = combine or _SEGMENTS[function]
    with name_scope(None, "RaggedReduce", [value]):
        if isinstance(axis, (tuple, list)):
            if not axis:
                return value
            if len(axis) == 1:
                axis = axis[0]
            else:
                rank = value.shape.rank
                axes = sorted(positive_axis(item, rank, f"axis[{i}]") for i, item in enumerate(axis))
                for item in reversed(axes):
                    value = aggregate(function, value, item, keepdims, combine)
                return value
        axis = positive_axis(axis, value.shape.rank, "axis")
        if axis == 0:
            lengths = value.row_lengths()
            width = reduce.reduce_max(concat([lengths, convert_to_tensor([0], lengths.dtype)], 0))
            ids = ragged_range(lengths, row_splits_dtype=lengths.dtype).values
            result = segment_aggregate(segments, value.values, ids, width)
            return expand_dims(result, 0) if keepdims else result
        if axis == 1:
            result = segment_aggregate(segments, value.values, value.value_rowids(), value.nrows())
            return expand_dims(result, 1) if keepdims else result
        return value.with_values(aggregate(function, value.values, axis - 1, keepdims, combine))


def _reduction(function: Any) -> Callable[..., Any]:
    def reduced(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
        with name_scope(name, "RaggedReduce", [input_tensor]):
            return aggregate(function, input_tensor, axis, bool(keepdims))

    reduced.__name__ = function.__name__
    reduced.__doc__ = f"Return a ragged tensor reduced along axes; see `tf.{function.__name__}`."
    return reduced


reduce_sum = _reduction(reduce.reduce_sum)
reduce_prod = _reduction(reduce.reduce_prod)
reduce_min = _reduction(reduce.reduce_min)
reduce_max = _reduction(reduce.reduce_max)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return whether any value is true along axes of a ragged tensor; see `tf.reduce_any`."""
    with name_scope(name, "RaggedReduceAny", [input_tensor]):
        return aggregate(reduce.reduce_any, _truths(input_tensor), axis, bool(keepdims))


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return whether all values are true along axes of a ragged tensor; see `tf.reduce_all`."""
    with name_scope(name, "RaggedReduceAll", [input_tensor]):
        return aggregate(reduce.reduce_all, _truths(input_tensor), axis, bool(keepdims))


def _truths(value: RaggedTensor) -> RaggedTensor:
    """Return numbers as booleans: whether their whole parts differ from 0."""
    flat = value.flat_values
    return value if flat.dtype.is_bool else value.with_flat_values(cast(cast(flat, dtypes.int32), dtypes.bool_))


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return means along axes of a ragged tensor; see `tf.reduce_mean`."""
    with name_scope(name, "RaggedReduceMean", [input_tensor]):
        total = reduce_sum(input_tensor, axis, keepdims)
        ones = input_tensor.with_flat_values(ones_like(input_tensor.flat_values))
        count = reduce_sum(ones, axis, keepdims)
        if isinstance(total, RaggedTensor):
            return total.with_flat_values(divide(total.flat_values, count.flat_values))
        return divide(total, count)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return variances along axes of a ragged tensor; see `tf.math.reduce_variance`."""
    with name_scope(name, "RaggedReduceVariance", [input_tensor]):
        squared = reduce_mean(input_tensor.with_flat_values(square(input_tensor.flat_values)), axis, keepdims)
        mean = reduce_mean(input_tensor, axis, keepdims)
        if isinstance(mean, RaggedTensor):
            return squared.with_flat_values(squared.flat_values - square(mean.flat_values))
        return squared - square(mean)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return standard deviations along axes of a ragged tensor; see `tf.math.reduce_std`."""
    with name_scope(name, "RaggedReduceStd", [input_tensor]):
        variance = reduce_variance(input_tensor, axis, keepdims)
        if isinstance(variance, RaggedTensor):
            return variance.with_flat_values(sqrt(variance.flat_values))
        return sqrt(variance)


def segment_function(unsorted_segment: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function like `tf.math.unsorted_segment_sum` that takes ragged data."""

    def by_segment(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return segment_aggregate(unsorted_segment, data, segment_ids, num_segments, name)

    return by_segment


def sorted_segment_function(unsorted_segment: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function like `tf.math.segment_sum` that takes ragged data."""

    def by_segment(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        segment_ids = convert_to_tensor_or_ragged(segment_ids)
        flat = segment_ids.flat_values if isinstance(segment_ids, RaggedTensor) else segment_ids
        count = concat([cast(flat, dtypes.int64), convert_to_tensor([-1], dtypes.int64)], 0)
        return segment_aggregate(unsorted_segment, data, segment_ids, reduce.reduce_max(count) + 1, name)

    return by_segment


def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
    """Return the softmax of each row; see `tf.nn.softmax`."""
    if axis is None:
        axis = -1
    with name_scope(name, "RaggedSoftmax", [logits]):
        largest = reduce_max(logits, axis=axis, keepdims=True)
        weights = apply_elementwise(lambda x, y: exp(x - y), logits, largest)
        total = reduce_sum(weights, axis=axis, keepdims=True)
        return apply_elementwise(divide, weights, total)


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Return a ragged tensor with a share of its values dropped; see `tf.nn.dropout`.

    Raises:
        ValueError: if `noise_shape` is given.
    """
    if noise_shape is not None:
        raise ValueError("noise_shape is not supported yet for RaggedTensor x")
    with name_scope(name, "RaggedNNDropout", [x, rate]):
        return x.with_flat_values(dense_dropout(x.flat_values, rate, seed=seed))


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """Return products of matrices whose sizes differ from one to the next; see `tf.matmul`.

    Raises:
        ValueError: if the ranks differ, are below 2, or not known.
    """
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    options = {
        "transpose_a": transpose_a,
        "transpose_b": transpose_b,
        "adjoint_a": adjoint_a,
        "adjoint_b": adjoint_b,
        "output_type": output_type,
    }
    with name_scope(name, "RaggedMatMul", [a, b]):
        a, b = convert_to_tensor_or_ragged(a, name="a"), convert_to_tensor_or_ragged(b, name="b")
        rank = a.shape.rank if a.shape.rank is not None else b.shape.rank
        if rank is None:
            raise ValueError("matmul requires at least one input to have known rank if either input is ragged.")
        if None not in (a.shape.rank, b.shape.rank) and a.shape.rank != b.shape.rank:
            raise ValueError("`a` and `b` must have the same rank.")
        if rank < 2:
            raise ValueError("a.rank and b.rank must be at least 2.")
        if rank == 2:
            return _matrix_product(a, b, options)
        if rank > 3:
            a, b = (x if isinstance(x, RaggedTensor) else RaggedTensor.from_tensor(x, ragged_rank=1) for x in (a, b))
            return a.with_values(matmul(a.values, b.values, **options))
        return _batch_product(a, b, options)


def _matrix_product(a: Any, b: Any, options: dict[str, Any]) -> Any:
    """Return the product of two matrices of which one has rows that are known to differ."""
    if isinstance(a, RaggedTensor) and (options["transpose_a"] or options["adjoint_a"]):
        a = a.to_tensor()
    if isinstance(b, RaggedTensor):
        b = _uniform_matrix(b)
    if isinstance(a, RaggedTensor):
        a = _uniform_matrix(a)
    return dense_matmul(a, b, **options)


def _uniform_matrix(value: RaggedTensor) -> Any:
    lengths = value.row_lengths()
    whole = comparisons.assert_equal(
        lengths, lengths[:1], message="The matrices in `a` and `b` may not be ragged in their inner dimension"
    )
    return checked(value.to_tensor(), [whole])


def _batch_product(a: Any, b: Any, options: dict[str, Any]) -> Any:
    """Return products of matrices of different sizes: padded with zeros, multiplied, and cut to size."""
    ragged = a if isinstance(a, RaggedTensor) else b
    kind = ragged.row_splits.dtype
    heights = _matrix_sizes(a, 1 if options["transpose_a"] or options["adjoint_a"] else 0, kind)
    widths = _matrix_sizes(b, 0 if options["transpose_b"] or options["adjoint_b"] else 1, kind)
    inner_a = _matrix_sizes(a, 0 if options["transpose_a"] or options["adjoint_a"] else 1, kind)
    inner_b = _matrix_sizes(b, 1 if options["transpose_b"] or options["adjoint_b"] else 0, kind)
    fits = comparisons.assert_equal(
        boolean_mask(inner_a, heights > 0),
        boolean_mask(inner_b, heights > 0),
        message="The matrices in `a` and `b` have incompatible sizes",
    )
    dense_a = a.to_tensor() if isinstance(a, RaggedTensor) else a
    dense_b = b.to_tensor() if isinstance(b, RaggedTensor) else b
    product = checked(dense_matmul(dense_a, dense_b, **options), [fits])
    a_rows_ragged = isinstance(a, RaggedTensor) and a.row_partition.static_uniform_row_length is None
    columns_ragged = isinstance(b, RaggedTensor) and (
        b.row_partition.static_uniform_row_length is None
        if options["transpose_b"] or options["adjoint_b"]
        else isinstance(b.values, RaggedTensor)
    )
    if options["transpose_a"] or options["adjoint_a"]:
        a_rows_ragged = isinstance(a, RaggedTensor) and isinstance(a.values, RaggedTensor)
    if not columns_ragged:
        if not a_rows_ragged:
            return RaggedTensor.from_tensor(product, ragged_rank=1, row_splits_dtype=kind)
        return RaggedTensor.from_tensor(product, heights, row_splits_dtype=kind)
    from_rows = RaggedTensor.from_tensor(product, heights, row_splits_dtype=kind)
    lengths = take_rows(widths, from_rows.value_rowids())
    return from_rows.with_values(RaggedTensor.from_tensor(from_rows.values, lengths, row_splits_dtype=kind))


def _matrix_sizes(value: Any, axis: int, kind: Any) -> Any:
    """Return the number of rows (axis 0) or columns (axis 1) of each matrix."""
    if not isinstance(value, RaggedTensor):
        value = RaggedTensor.from_tensor(value, ragged_rank=2, row_splits_dtype=kind)
    if axis == 0:
        return value.row_lengths()
    inner = value.values
    if not isinstance(inner, RaggedTensor):
        inner = RaggedTensor.from_tensor(inner, row_splits_dtype=kind)
    widest = segment.unsorted_segment_max(inner.row_lengths(), value.value_rowids(), value.nrows())
    return maximum(widest, convert_to_tensor(0, widest.dtype))


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Return `log(sum(exp(x)))` along axes of a ragged tensor; see `tf.reduce_logsumexp`."""
    with name_scope(name, "ReduceLogSumExp", [input_tensor]):
        if axis is None:
            return reduce.reduce_logsumexp(input_tensor.flat_values, keepdims=keepdims)
        kept = _finite(reduce_max(input_tensor, axis, keepdims=True))
        shifted = apply_elementwise(lambda x, y: exp(x - y), input_tensor, kept)
        total, shift = reduce_sum(shifted, axis, keepdims), _finite(reduce_max(input_tensor, axis, keepdims))
        if isinstance(total, RaggedTensor):
            return total.with_flat_values(log(total.flat_values) + shift.flat_values)
        return log(total) + shift


def _finite(value: Any) -> Any:
    """Return the largest values without gradient, 0 where there are none."""
    if isinstance(value, RaggedTensor):
        return value.with_flat_values(_finite(value.flat_values))
    # Empty rows have the lowest number as their largest.
    usable = logical_and(is_finite(value), greater(value, value.dtype.min))
    return stop_gradient(where(usable, value, zeros_like(value)))


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> Any:
    """Return how often each number occurs in a ragged tensor, or in each of its rows; see `tf.math.bincount`."""
    with name_scope(name, "RaggedBincount", [arr, weights]):
        weights = weights.to_sparse() if isinstance(weights, RaggedTensor) else weights
        return dense_bincount(
            arr.to_sparse(), weights, minlength, maxlength, dtype, axis=axis, binary_output=binary_output
        )


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Return running sums along an axis of a ragged tensor; see `tf.cumsum`.

    Raises:
        ValueError: if the axis is out of range.
    """
    with name_scope(name, "RaggedCumSum", [x]):
        axis = positive_axis(axis, x.shape.rank, "axis")
        if axis > x.ragged_rank:
            inner = dense_cumsum(x.flat_values, axis - x.ragged_rank, exclusive, reverse)
            return x.with_flat_values(inner)
        if axis > 1:
            return x.with_values(cumsum(x.values, axis - 1, exclusive, reverse))
        # Zeros after the ends of rows change no sum of what stands before them, nor of other rows.
        padded = dense_cumsum(x.to_tensor(), axis, exclusive, reverse)
        if isinstance(x.values, RaggedTensor):
            return x.with_values(
                RaggedTensor.from_tensor(
                    padded, x.nested_row_lengths(), ragged_rank=x.ragged_rank, row_splits_dtype=x.row_splits.dtype
                ).values
            )
        return x.with_values(boolean_mask(padded, sequence_mask(x.row_lengths(), shape(padded)[1])))
