"""Rows and values of ragged tensors by their positions."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.inference import static_value
from penstock.ops.array import gather as dense_gather
from penstock.ops.array.joining import concat, tile
from penstock.ops.array.selecting import boolean_mask as dense_boolean_mask
from penstock.ops.array.selecting import where as dense_where
from penstock.ops.array.shaping import expand_dims, reshape, shape
from penstock.ops.debugging import comparisons
from penstock.ops.math.cast import cast
from penstock.ops.math.segment import unsorted_segment_sum
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.ragged.factory import range as ragged_range
from penstock.ops.ragged.gather_op import ragged_gather_op
from penstock.ops.ragged.ragged_tensor import (
    RaggedTensor,
    convert_to_tensor_or_ragged,
    positive_axis,
)
from penstock.ops.ragged.row_partition import checked


def match_row_splits(*values: Any) -> list[Any]:
    """Return values, having checked that the ragged ones have row splits of one type.

    Raises:
        ValueError: if they have not.
    """
    kinds = {value.row_splits.dtype for value in values if isinstance(value, RaggedTensor)}
    if len(kinds) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
            "convert "
            "them to compatible dtypes."
        )
    return list(values)


def take_rows(params: Any, indices: Any) -> Any:
    """Return rows of a tensor or RaggedTensor at the positions in a vector, with what is known of their lengths.

    `tf.gather` forgets, as in TensorFlow, that rows are of one length.
    """
    if not isinstance(params, RaggedTensor):
        return dense_gather.gather(params, indices)
    result = ragged_gather_op(
        list(params.nested_row_splits), params.flat_values, indices, OUTPUT_RAGGED_RANK=params.ragged_rank
    )
    nested = result.output_nested_splits
    value: Any = result.output_dense_values
    for partition, splits in zip(reversed(params._nested_row_partitions), reversed(nested), strict=True):
        value = RaggedTensor(value, partition.with_row_splits(splits), internal=True)
    return value


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: Any = 0,
    name: str | None = None,
) -> Any:
    """Return the slices of `params` at `indices` along an axis, where either may be ragged; see `tf.gather`."""
    with name_scope(name, "RaggedGather", [params, indices]):
        batch = batch_dims if isinstance(batch_dims, int) else int(static_value(batch_dims))
        axis = batch if axis is None else axis if isinstance(axis, int) else int(static_value(axis))
        params = convert_to_tensor_or_ragged(params, name="params")
        indices = convert_to_tensor_or_ragged(indices, name="indices", preferred_dtype=dtypes.int32)
        params, indices = match_row_splits(params, indices)
        rank = indices.shape.rank
        if batch < 0 and rank is not None:
            batch += rank
        if rank is not None and not 0 <= batch <= rank:
            raise ValueError(f"batch_dims={batch_dims} is out of bounds for indices of rank {rank}")
        if params.shape.rank is not None:
            axis = positive_axis(axis, params.shape.rank, "axis")
        if axis < batch:
            raise ValueError(f"axis={axis} must be at least batch_dims={batch}")
        return _gather(params, indices, axis, batch)


def _gather(params: Any, indices: Any, axis: int, batch: int) -> Any:
    if not isinstance(params, RaggedTensor) and not isinstance(indices, RaggedTensor):
        return dense_gather.gather(params, indices, axis=axis, batch_dims=batch)
    if batch > 0:
        if not isinstance(indices, RaggedTensor):
            dense_indices = indices
            indices = RaggedTensor.from_tensor(indices, ragged_rank=1) if indices.shape.rank > 1 else indices
            if not isinstance(indices, RaggedTensor):  # one index a row
                wide = expand_dims(indices, 1)
                found = _gather(params, RaggedTensor.from_tensor(wide), axis, batch)
                return found.values if isinstance(found, RaggedTensor) else found[:, 0]
            if batch == 1 and axis == 1 and dense_indices.shape.rank == 2:
                found = _gather(params, indices, axis, batch)
                if isinstance(found, RaggedTensor) and not isinstance(found.values, RaggedTensor):
                    rest = shape(found.values)[1:]
                    return reshape(found.values, concat([shape(dense_indices), rest], 0))
                return found
        if not isinstance(params, RaggedTensor):
            params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype)
        params, indices = match_row_splits(params, indices)
        if batch > 1:
            return indices.with_values(_gather(params.values, indices.values, axis - 1, batch - 1))
        if axis > 1:
            # Within each row, `params` and `indices` stand side by side: gather along the axis of the values' rows.
            return _batch_axis_gather(params, indices, axis)
        starts = dense_gather.gather(params.row_starts(), indices.value_rowids())
        lengths = dense_gather.gather(params.row_lengths(), indices.value_rowids())
        flat = indices.values
        if isinstance(flat, RaggedTensor):
            offsets = _spread(starts, flat)
            limits = _spread(lengths, flat)
            places = flat.with_flat_values(cast(flat.flat_values, offsets.dtype) + offsets)
            inner, most = flat.flat_values, limits
        else:
            while starts.shape.rank is not None and flat.shape.rank > starts.shape.rank:
                starts, lengths = expand_dims(starts, -1), expand_dims(lengths, -1)
            places, inner, most = cast(flat, starts.dtype) + starts, flat, lengths
        check = comparisons.assert_less(cast(inner, most.dtype), most, message="indices are out of range of their row")
        low = comparisons.assert_non_negative(inner, message="indices are out of range of their row")
        places = (
            places.with_flat_values(checked(places.flat_values, [check, low]))
            if isinstance(places, RaggedTensor)
            else checked(places, [check, low])
        )
        return indices.with_values(_gather(params.values, places, 0, 0))
    if axis > 0:
        if not isinstance(params, RaggedTensor):
            params = RaggedTensor.from_tensor(params)
        if axis > 1:
            return params.with_values(_gather(params.values, indices, axis - 1, 0))
        count = params.nrows()
        repeated = _repeated(indices, count)
        found = _gather(params, repeated, 1, 1)
        if isinstance(indices, RaggedTensor) or isinstance(found.values, RaggedTensor):
            return found
        rest = shape(found.values, out_type=count.dtype)[indices.shape.rank :] if indices.shape.rank else None
        if rest is None:
            return found.values
        sizes = [reshape(count, [1]), shape(indices, out_type=count.dtype), rest]
        return reshape(found.values, concat(sizes, 0))
    if isinstance(indices, RaggedTensor):
        return indices.with_values(_gather(params, indices.values, 0, 0))
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("indices.shape.ndims must be known statically")
    if rank == 0:
        return params[indices]
    result = ragged_gather_op(
        list(params.nested_row_splits),
        params.flat_values,
        indices,
        OUTPUT_RAGGED_RANK=params.ragged_rank + rank - 1,
    )
    return RaggedTensor.from_nested_row_splits(result.output_dense_values, result.output_nested_splits, validate=False)


def _repeated(indices: Any, count: Any) -> Any:
    """Return `count` times the same indices, as rows."""
    if isinstance(indices, RaggedTensor):
        rows = cast(indices.nrows(), dtypes.int64)
        count = cast(count, dtypes.int64)
        places = tensor_range(count * rows, dtype=dtypes.int64) % rows
        flat = take_rows(indices, places)
        return RaggedTensor.from_uniform_row_length(
            flat, cast(rows, flat.row_splits.dtype), cast(count, flat.row_splits.dtype), validate=False
        )
    from_shape = shape(indices, out_type=count.dtype)
    tiled = tile(expand_dims(indices, 0), concat([reshape(count, [1]), from_shape * 0 + 1], 0))
    if indices.shape.rank == 0:
        tiled = expand_dims(tiled, 1)
        return RaggedTensor.from_tensor(tiled, row_splits_dtype=count.dtype)
    return RaggedTensor.from_tensor(tiled, row_splits_dtype=count.dtype)


def _spread(per_row: Any, rows: RaggedTensor) -> Any:
    """Return a number for each row of a RaggedTensor as a number for each of its innermost values."""
    found = per_row
    inner: Any = rows
    while isinstance(inner, RaggedTensor):
        found = dense_gather.gather(found, inner.value_rowids())
        inner = inner.values
    return found


def _batch_axis_gather(params: RaggedTensor, indices: RaggedTensor, axis: int) -> Any:
    lengths = params.row_lengths()
    owners = params.value_rowids()
    wide = take_rows(indices, owners)
    inner = _gather(params.values, wide, axis - 1, 1)
    return RaggedTensor.from_row_lengths(inner, lengths, validate=False)


def gather_v1(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = 0,
    batch_dims: Any = 0,
) -> Any:
    """Return the slices of `params` at `indices`; see `gather`."""
    return gather(params, indices, validate_indices, axis, batch_dims, name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """Return from each row of `params` the values at the indices in the same row; see `tf.batch_gather`."""
    indices = convert_to_tensor_or_ragged(indices, name="indices")
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("batch_gather does not allow indices with unknown shape.")
    if rank == 0:
        raise ValueError("indices.rank must be at least 1.")
    return gather(params, indices, axis=rank - 1, batch_dims=rank - 1, name=name)


def gather_nd(
    params: Any,
    indices: Any,
    batch_dims: Any = 0,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Any:
    """Return the slices of `params` at positions that the last axis of `indices` spells out; see `tf.gather_nd`."""
    if batch_dims not in (0, None):
        raise ValueError(f"batch_dims != 0 is not supported for ragged gather yet. Received {batch_dims}")
    with name_scope(name, "RaggedGatherNd", [params, indices]):
        params = convert_to_tensor_or_ragged(params, name="params")
        indices = convert_to_tensor_or_ragged(indices, name="indices")
        params, indices = match_row_splits(params, indices)
        rank = indices.shape.rank
        if rank is None or rank == 0:
            raise ValueError(f"indices.rank be statically known and at least 1, got {rank}")
        depth = indices.shape.as_list()[-1]
        if depth is None:
            raise ValueError("indices.shape[-1] must be statically known.")
        if rank > 2:
            if isinstance(indices, RaggedTensor):
                return indices.with_values(gather_nd(params, indices.values))
            nested = RaggedTensor.from_tensor(indices, ragged_rank=rank - 2, row_splits_dtype=_splits_type(params))
            flat = gather_nd(params, nested.flat_values)
            if isinstance(flat, RaggedTensor):
                return nested.with_flat_values(flat)
            return reshape(flat, concat([shape(indices)[:-1], shape(flat)[1:]], 0))
        if isinstance(indices, RaggedTensor):
            indices = indices.to_tensor()
        if depth == 0:
            return take_rows(_one_row(params), cast(shape(indices)[:1] * 0, dtypes.int32))
        if not isinstance(params, RaggedTensor):
            return dense_gather.gather_nd(params, indices)
        if rank == 1:
            result: Any = params
            for position in range(depth):
                result = result[indices[position]]
            return result
        result = _gather(params, indices[:, 0], 0, 0)
        for position in range(1, depth):
            if not isinstance(result, RaggedTensor):
                rows = tensor_range(shape(result, out_type=indices.dtype)[0], dtype=indices.dtype)
                rest = concat([expand_dims(rows, 1), indices[:, position:]], 1)
                return dense_gather.gather_nd(result, rest)
            step = RaggedTensor.from_tensor(
                indices[:, position : position + 1], row_splits_dtype=result.row_splits.dtype
            )
            result = _gather(result, step, 1, 1).values
        return result


def gather_nd_v1(
    params: Any, indices: Any, name: str | None = None, batch_dims: Any = 0, bad_indices_policy: str = ""
) -> Any:
    """Return the slices of `params` at given positions; see `gather_nd`."""
    return gather_nd(params, indices, batch_dims, name, bad_indices_policy)


def _splits_type(value: Any) -> Any:
    return value.row_splits.dtype if isinstance(value, RaggedTensor) else dtypes.int64


def _one_row(params: Any) -> Any:
    if isinstance(params, RaggedTensor):
        count = params.nrows()
        return RaggedTensor.from_uniform_row_length(params, count, nrows=1, validate=False)
    return expand_dims(params, 0)


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """Return the values of `data` where `mask` is true, with the rows that they stood in.

    Args:
        data: a tensor or RaggedTensor.
        mask: booleans whose shape is the start of that of `data`, at least one axis.
        name: the scope of the nodes.
    Returns:
        A RaggedTensor with as many axes as `data`; a tensor where the mask is a vector and `data` dense.
    Raises:
        ValueError: if the rank of the mask is not known, or 0.
        InvalidArgumentError: if the rows of the two differ.

    >>> boolean_mask([[1, 2], [3, 4]], [[True, False], [True, True]]).to_list()
    [[1], [3, 4]]
    """
    with name_scope(name, "RaggedMask", [data, mask]):
        data = convert_to_tensor_or_ragged(data, name="data")
        mask = convert_to_tensor_or_ragged(mask, dtypes.bool_, name="mask")
        data, mask = match_row_splits(data, mask)
        if mask.shape.rank is None:
            raise ValueError("mask.shape.ndims must be known statically.")
        if mask.shape.rank == 0:
            raise ValueError("mask cannot be scalar.")
        if mask.shape.rank == 1:
            if isinstance(data, RaggedTensor):
                places = reshape(dense_where(mask), [-1])
                same = comparisons.assert_equal(
                    shape(mask, out_type=data.row_splits.dtype)[0], data.nrows(), message="mask does not fit the rows"
                )
                return take_rows(data, checked(places, [same]))
            return dense_boolean_mask(data, mask)
        if not isinstance(mask, RaggedTensor):
            mask = RaggedTensor.from_tensor(mask, row_splits_dtype=_splits_type(data))
        if not isinstance(data, RaggedTensor):
            data = RaggedTensor.from_tensor(data, row_splits_dtype=mask.row_splits.dtype)
        same = comparisons.assert_equal(
            data.row_splits, mask.row_splits, message="the rows of data and mask have different lengths"
        )
        if mask.shape.rank > 2 or isinstance(mask.values, RaggedTensor):
            return data.with_values(boolean_mask(data.values, mask.values))
        kept = boolean_mask(data.values, mask.values)
        counts = segment_lengths(mask)
        return RaggedTensor.from_row_lengths(kept, checked(counts, [same]), validate=False)


def segment_lengths(mask: RaggedTensor) -> Any:
    """Return how many values of each row of a mask are true."""
    kind = mask.row_splits.dtype
    return unsorted_segment_sum(cast(mask.values, kind), mask.value_rowids(), mask.nrows())


def slices_of_rows(values: Any, starts: Any, limits: Any, steps: Any = 1) -> Any:
    """Return `values[start:limit:step]` for each of the rows, as a RaggedTensor."""
    places = ragged_range(starts, limits, steps, row_splits_dtype=as_dtype(starts.dtype))
    return places.with_values(take_rows(values, places.values))
