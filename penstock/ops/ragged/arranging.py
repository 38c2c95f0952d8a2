"""Ragged tensors put together, taken apart and rearranged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.inference import static_value
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.array import joining, reversing, shaping
from penstock.ops.array.shaping import reshape
from penstock.ops.array.sorting import argsort
from penstock.ops.constant import identity
from penstock.ops.debugging import comparisons
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.math.sum_n import add_n as dense_add_n
from penstock.ops.ragged.cross_op import ragged_cross_op
from penstock.ops.ragged.elementwise import map_flat_values
from penstock.ops.ragged.factory import range as ragged_range
from penstock.ops.ragged.gathering import gather, match_row_splits, slices_of_rows, take_rows
from penstock.ops.ragged.ragged_tensor import (
    RaggedTensor,
    convert_to_tensor_or_ragged,
    nvals_of,
    positive_axis,
)
from penstock.ops.ragged.row_partition import checked, static_int

_HASH_KEY = 0xDECAFCAFFE


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Return tensors, some of them ragged, one after the other along an axis; see `tf.concat`."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    with name_scope(name, "RaggedConcat", values):
        return _joined(values, axis, stacks=False)


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Return tensors of one rank, whose rows may differ in length, stacked along a new axis.

    Args:
        values: a list of tensors and RaggedTensors.
        axis: the new axis, before which all shapes must agree.
        name: the scope of the nodes.
    Returns:
        A RaggedTensor; a tensor where dense values are stacked along their last axis.
    Raises:
        ValueError: if there are no values, or their ranks differ.

    >>> stack([[1, 2], [3]]).to_list()
    [[1, 2], [3]]
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    with name_scope(name, "RaggedConcat", values):
        return _joined(values, axis, stacks=True)


def _joined(values: Sequence[Any], axis: Any, stacks: bool) -> Any:
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    dtype = next((value.dtype for value in values if hasattr(value, "dtype") and hasattr(value, "shape")), None)
    items = [convert_to_tensor_or_ragged(value, preferred_dtype=dtype, name="rt_input") for value in values]
    items = match_row_splits(*items)
    if len(items) == 1 and not stacks:
        return items[0]
    if not isinstance(axis, int):
        known = static_value(axis)
        if known is None:
            raise ValueError("axis must be known statically to join ragged tensors")
        axis = int(known)
    rank: int | None = None
    for item in items:
        if rank is None:
            rank = item.shape.rank
        else:
            item.shape.assert_has_rank(rank)
    out_rank = None if rank is None else rank + stacks
    axis = positive_axis(axis, out_rank, "axis")
    if axis == 0 and not stacks and rank == 0:
        raise ValueError("axis=0 out of bounds: cannot concatenate scalars")
    if stacks and rank == 0:
        return joining.stack(items, axis)
    if not any(isinstance(item, RaggedTensor) for item in items):
        if stacks and rank == 1 and axis == 0:
            lengths = joining.stack([nvals_of(item, dtypes.int32) for item in items])
            return RaggedTensor.from_row_lengths(joining.concat(items, 0), lengths, validate=False)
        if rank is not None and axis >= rank - 1:
            return joining.stack(items, axis) if stacks else joining.concat(items, axis)
    kind = next((item.row_splits.dtype for item in items if isinstance(item, RaggedTensor)), dtypes.int64)
    depth = max([item.ragged_rank for item in items if isinstance(item, RaggedTensor)] or [1])
    items = [_with_ragged_rank(item, depth, kind) for item in items]
    return _join_ragged(items, axis, stacks)


def _with_ragged_rank(value: Any, depth: int, kind: Any) -> Any:
    if depth == 0:
        return value
    if not isinstance(value, RaggedTensor):
        if value.shape.rank == 1:
            return value
        return RaggedTensor.from_tensor(
            value, ragged_rank=min(depth, (value.shape.rank or 2) - 1), row_splits_dtype=kind
        )
    return value.with_values(_with_ragged_rank(value.values, depth - 1, kind))


def _join_ragged(items: list[Any], axis: int, stacks: bool) -> Any:
    if not any(isinstance(item, RaggedTensor) for item in items):
        if stacks:
            lengths = joining.stack([nvals_of(item, dtypes.int64) for item in items])
            if axis == 0:
                return RaggedTensor.from_row_lengths(joining.concat(items, 0), lengths, validate=False)
            return joining.stack(items, axis)
        return joining.concat(items, axis)
    if axis == 0:
        result = _join_rows(items)
        if stacks:
            counts = joining.stack(
                [item.nrows() if isinstance(item, RaggedTensor) else nvals_of(item, _kind(items)) for item in items]
            )
            return RaggedTensor.from_row_lengths(result, counts, validate=False)
        return result
    if axis == 1:
        count = items[0].nrows()
        n = len(items)
        checks = [
            comparisons.assert_equal(item.nrows(), count, message="Input tensors have incompatible shapes.")
            for item in items[1:]
        ]
        joined = _join_rows(items)
        rows = reshape(tensor_range(count * n, dtype=count.dtype), joining.stack([cast(n, count.dtype), count]))
        order = checked(reshape(shaping.transpose(rows), [-1]), checks)
        permuted = take_rows(joined, order)
        if stacks:
            splits = tensor_range(count + 1, dtype=count.dtype) * n
            return RaggedTensor.from_row_splits(permuted, splits, validate=False)
        return RaggedTensor.from_row_splits(permuted.values, permuted.row_splits[::n], validate=False)
    checks = [
        comparisons.assert_equal(
            item.row_splits, items[0].row_splits, message="Inputs must have identical ragged splits"
        )
        for item in items[1:]
        if item.row_splits is not items[0].row_splits
    ]
    inner = _join_ragged([item.values for item in items], axis - 1, stacks)
    splits = checked(items[0].row_splits, checks)
    partition = items[0].row_partition.with_row_splits(splits)
    return RaggedTensor(inner, partition, internal=True)


def _kind(items: Sequence[Any]) -> Any:
    return next(item.row_splits.dtype for item in items if isinstance(item, RaggedTensor))


def _join_rows(items: list[Any]) -> Any:
    """Return rows of ragged tensors one after the other."""
    if not any(isinstance(item, RaggedTensor) for item in items):
        return joining.concat(items, 0)
    kind = _kind(items)
    items = [
        item if isinstance(item, RaggedTensor) else RaggedTensor.from_tensor(item, row_splits_dtype=kind)
        for item in items
    ]
    values = _join_rows([item.values for item in items])
    lengths = joining.concat([item.row_lengths() for item in items], 0)
    return RaggedTensor.from_row_lengths(values, lengths, validate=False)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """Return a ragged tensor with a new axis of size 1; see `tf.expand_dims`."""
    with name_scope(name, "RaggedExpandDims", [input]):
        value = convert_to_tensor_or_ragged(input, name="input")
        if not isinstance(value, RaggedTensor):
            return shaping.expand_dims(value, axis)
        rank = value.shape.rank
        axis = positive_axis(
            axis if isinstance(axis, int) else int(static_value(axis)), None if rank is None else rank + 1, "axis"
        )
        if axis == 0:
            count = value.nrows()
            return RaggedTensor.from_uniform_row_length(value, count, nrows=1, validate=False)
        if axis == 1:
            one = convert_to_tensor(1, value.row_splits.dtype)
            return RaggedTensor.from_uniform_row_length(value, one, nrows=value.nrows(), validate=False)
        return value.with_values(expand_dims(value.values, axis - 1))


def expand_dims_v1(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """Return a ragged tensor with a new axis of size 1; see `expand_dims`."""
    return expand_dims(input, dim if axis is None else axis, name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Return a ragged tensor without axes of size 1; see `tf.squeeze`.

    Raises:
        ValueError: if no axes are given, as ragged ones have no size.
    """
    with name_scope(name, "RaggedSqueeze", [input]):
        value = convert_to_tensor_or_ragged(input)
        if not isinstance(value, RaggedTensor):
            return shaping.squeeze(value, axis)
        if axis is None:
            raise ValueError("Ragged.squeeze must have an axis argument.")
        rank = value.shape.rank
        axes = [axis] if isinstance(axis, int) else list(axis)
        for item in sorted({positive_axis(item, rank, "axis") for item in axes}, reverse=True):
            value = _squeezed(value, item)
        return value


def _squeezed(value: Any, axis: int) -> Any:
    if not isinstance(value, RaggedTensor):
        return shaping.squeeze(value, [axis])
    if axis > 1:
        return value.with_values(_squeezed(value.values, axis - 1))
    if axis == 0:
        check = comparisons.assert_equal(
            value.nrows(), convert_to_tensor(1, value.row_splits.dtype), message="axis 0 to squeeze is not of size 1"
        )
        return _checked_value(value.values, [check])
    lengths = value.row_lengths()
    check = comparisons.assert_equal(
        lengths, convert_to_tensor(1, lengths.dtype), message="axis 1 to squeeze is not of size 1"
    )
    return _checked_value(value.values, [check])


def _checked_value(value: Any, checks: Sequence[Any]) -> Any:
    if isinstance(value, RaggedTensor):
        return value.with_flat_values(checked(value.flat_values, checks))
    return checked(value, checks)


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """Return a ragged tensor with its slices repeated along each axis; see `tf.tile`."""
    with name_scope(name, "RaggedTile", [input, multiples]):
        value = convert_to_tensor_or_ragged(input)
        if not isinstance(value, RaggedTensor):
            return joining.tile(value, multiples)
        counts = convert_to_tensor(multiples, name="multiples", preferred_dtype=value.row_splits.dtype)
        counts = cast(counts, value.row_splits.dtype)
        counts.shape.assert_has_rank(1)
        known = static_value(counts)
        rank = value.shape.rank
        if rank is not None and counts.dims is not None and counts.dims[0] not in (None, rank):
            raise ValueError(f"multiples must have one number for each of the {rank} axes, got {counts.dims[0]}")
        depth = value.ragged_rank
        if rank is None or rank > depth + 1:
            if known is None or not all(known[depth + 1 :] == 1):
                ones = convert_to_tensor([1], counts.dtype)
                inner = joining.tile(value.flat_values, joining.concat([ones, counts[depth + 1 :]], 0))
                value = value.with_flat_values(inner)
        for axis in reversed(range(depth + 1)):
            if known is None or known[axis] != 1:
                value = _tile_axis(value, axis, counts[axis])
        return value


def _tile_axis(value: Any, axis: int, count: Any) -> Any:
    if axis == 0:
        rows = nvals_of(value, count.dtype)
        places = tensor_range(rows * count, dtype=count.dtype) % _divisor(rows)
        return gather(value, places)
    if axis > 1:
        return value.with_values(_tile_axis(value.values, axis - 1, count))
    lengths = value.row_lengths()
    rows = value.nrows()
    owners = tensor_range(rows * count, dtype=count.dtype) // _divisor(count)
    starts = take_rows(value.row_starts(), owners)
    limits = take_rows(value.row_limits(), owners)
    repeated = slices_of_rows(value.values, starts, limits)
    return RaggedTensor.from_row_lengths(repeated.values, lengths * count, validate=False)


def _divisor(number: Any) -> Any:
    """Return a number, or 1 for 0."""
    return number + cast(equal(number, 0), number.dtype)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """Return a ragged tensor with its slices in reverse order along axes; see `tf.reverse`."""
    with name_scope(name, "Reverse", [tensor]):
        value = convert_to_tensor_or_ragged(tensor)
        axes = (
            axis if isinstance(axis, (list, tuple)) else [axis] if isinstance(axis, int) else list(static_value(axis))
        )
        if not isinstance(value, RaggedTensor):
            return reversing.reverse(value, axis)
        rank = value.shape.rank
        found = {positive_axis(int(item), rank, f"axis[{i}]") for i, item in enumerate(axes)}
        inner = sorted(item - value.ragged_rank for item in found if item > value.ragged_rank)
        if inner:
            value = value.with_flat_values(reversing.reverse(value.flat_values, inner))
        for item in sorted(item for item in found if item <= value.ragged_rank):
            value = _reverse_axis(value, item)
        return value


def _reverse_axis(value: Any, axis: int) -> Any:
    if axis == 0:
        count = nvals_of(value, dtypes.int64)
        return take_rows(value, count - 1 - tensor_range(count, dtype=dtypes.int64))
    if axis > 1:
        return value.with_values(_reverse_axis(value.values, axis - 1))
    places = ragged_range(value.row_limits() - 1, value.row_starts() - 1, -1, row_splits_dtype=value.row_splits.dtype)
    return value.with_values(take_rows(value.values, places.values))


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str | None = None) -> Any:
    """Return a ragged tensor in parts along its first, or another not ragged, axis; see `tf.split`."""
    with name_scope(name, "RaggedSplit"):
        value = convert_to_tensor_or_ragged(value, name="value")
        if not isinstance(value, RaggedTensor):
            return joining.split(value, num_or_size_splits, axis, num)
        rank = value.shape.rank
        axis = positive_axis(axis if isinstance(axis, int) else int(static_value(axis)), rank, "axis")
        return _split(value, num_or_size_splits, axis, num)


def _split(value: Any, sizes: Any, axis: int, num: Any) -> list[Any]:
    if not isinstance(value, RaggedTensor):
        return joining.split(value, sizes, axis, num)
    if axis > value.ragged_rank:
        parts = joining.split(value.flat_values, sizes, axis - value.ragged_rank, num)
        return [value.with_flat_values(part) for part in parts]
    if axis > 0:
        chain = value
        for _ in range(axis - 1):
            chain = chain.values
        length = chain.row_partition.static_uniform_row_length
        if length is None:
            raise ValueError(f"Cannot split a ragged tensor along its ragged axis {axis}: rows have different lengths.")
        parts = []
        for start, end in _bounds(sizes, length, num):
            parts.append(value[(slice(None),) * axis + (slice(start, end),)])  # type: ignore[index]
        return parts
    count = static_int(value.nrows())
    if count is None:
        if isinstance(sizes, int):
            if sizes == 1:
                return [value]
            step = value.nrows() // sizes
            check = comparisons.assert_equal(step * sizes, value.nrows(), message="the rows do not divide evenly")
            step = checked(step, [check])
            return [value[step * i : step * (i + 1)] for i in range(sizes)]  # type: ignore[index]
        known = static_value(convert_to_tensor(sizes))
        if known is None:
            raise ValueError("the sizes of the parts of a ragged tensor must be known")
        ends = [0]
        for size in known.tolist():
            ends.append(ends[-1] + size)
        return [value[a:b] for a, b in zip(ends, ends[1:], strict=False)]  # type: ignore[index]
    return [value[start:end] for start, end in _bounds(sizes, count, num)]  # type: ignore[index]


def _bounds(sizes: Any, total: int, num: Any) -> list[tuple[int, int]]:
    known = sizes if isinstance(sizes, int) else static_value(convert_to_tensor(sizes))
    if known is None:
        raise ValueError("the sizes of the parts of a ragged tensor must be known")
    if isinstance(known, int) or not known.ndim:
        number = int(known)
        if number <= 0 or total % number:
            raise InvalidArgumentError(
                None, None, f"Cannot exactly split {total} rows of a RaggedTensor into {number} equal parts"
            )
        step = total // number
        return [(step * i, step * (i + 1)) for i in range(number)]
    listed = known.tolist()
    if num is not None and num != len(listed):
        raise ValueError(f"`num` does not match `num_or_size_splits`: {num} != {len(listed)}")
    if sum(listed) != total:
        raise InvalidArgumentError(None, None, f"the sizes of the parts sum to {sum(listed)}, but the axis has {total}")
    ends = [0]
    for size in listed:
        ends.append(ends[-1] + size)
    return list(zip(ends, ends[1:], strict=False))


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> Any:
    """Return the rows of a ragged tensor whose number is known; see `tf.unstack`."""
    if axis != 0:
        raise ValueError(f"unstack of a RaggedTensor takes axis 0 only, got {axis}")
    count = num if num is not None else static_int(value.nrows())
    if count is None:
        raise ValueError("Cannot infer argument `num` from a RaggedTensor whose rows are not known")
    return [value[i] for i in range(count)]


def stack_dynamic_partitions(data: Any, partitions: Any, num_partitions: Any, name: str | None = None) -> Any:
    """Return the rows of `data` put into the partitions that are given for them.

    Args:
        data: a tensor or RaggedTensor whose shape starts with that of `partitions`.
        partitions: integers in [0, num_partitions), a tensor or RaggedTensor.
        num_partitions: the number of rows of the result.
        name: the scope of the nodes.
    Raises:
        InvalidArgumentError: if a partition is out of range.

    >>> stack_dynamic_partitions([1, 2, 3], [1, 0, 1], 2).to_list()
    [[2], [1, 3]]
    """
    with name_scope(name, "SegmentStack", [data, partitions, num_partitions]):
        data = convert_to_tensor_or_ragged(data, name="data")
        row_splits_dtype = data.row_splits.dtype if isinstance(data, RaggedTensor) else None
        partitions = convert_to_tensor_or_ragged(
            partitions, name="partitions", preferred_dtype=row_splits_dtype or dtypes.int32
        )
        num_partitions = convert_to_tensor(num_partitions, name="num_partitions", preferred_dtype=partitions.dtype)
        if row_splits_dtype is not None:
            partitions = _cast_values(partitions, row_splits_dtype)
            num_partitions = cast(num_partitions, row_splits_dtype)
        else:
            num_partitions = cast(num_partitions, partitions.dtype)
        rank = partitions.shape.rank
        if rank is None:
            raise ValueError("partitions must have known rank.")
        num_partitions.shape.assert_has_rank(0)
        if rank == 0:
            return stack_dynamic_partitions(expand_dims(data, 0), shaping.expand_dims(partitions, 0), num_partitions)
        if rank == 1:
            order = argsort(partitions, stable=True)
            ids = take_rows(partitions, order)
            checks = [
                comparisons.assert_less(
                    ids[-1:], num_partitions, message="partitions must be less than num_partitions"
                ),
                comparisons.assert_non_negative(ids, message="partitions must be non-negative."),
            ]
            return RaggedTensor.from_value_rowids(
                take_rows(data, order), checked(ids, checks), num_partitions, validate=False
            )
        if not isinstance(data, RaggedTensor):
            data = RaggedTensor.from_tensor(data, row_splits_dtype=dtypes.int64, ragged_rank=1)
        if not isinstance(partitions, RaggedTensor):
            partitions = RaggedTensor.from_tensor(
                partitions, row_splits_dtype=data.row_splits.dtype, ragged_rank=max(data.ragged_rank, rank - 1)
            )
        data, partitions = match_row_splits(data, partitions)
        same = comparisons.assert_equal(
            data.row_splits, partitions.row_splits, message="data and partitions have incompatible ragged shapes"
        )
        return stack_dynamic_partitions(_checked_value(data.values, [same]), partitions.values, num_partitions)


def _cast_values(value: Any, dtype: Any) -> Any:
    if isinstance(value, RaggedTensor):
        return value.with_flat_values(cast(value.flat_values, dtype))
    return cast(value, dtype)


def cross(inputs: Any, name: str | None = None) -> Any:
    """Return for each row the strings of all combinations of its features, joined by "_X_".

    Args:
        inputs: a list of RaggedTensors, SparseTensors and tensors of rank 2, of strings or integers.
        name: the scope of the nodes.
    Raises:
        ValueError: if an input has another rank.

    >>> from penstock.ops.ragged.factory import constant
    >>> cross([constant([["a"], ["b"]]), constant([["x", "y"], []])]).to_list()
    [[b'a_X_x', b'a_X_y'], []]
    """
    return _cross(inputs, False, 0, None, name)


def cross_hashed(inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None) -> Any:
    """Return for each row the hashes of all combinations of its features.

    Args:
        inputs: a list of RaggedTensors, SparseTensors and tensors of rank 2, of strings or integers.
        num_buckets: if above 0, hashes are taken modulo this number.
        hash_key: what the hash starts from.
        name: the scope of the nodes.
    Raises:
        ValueError: if an input has another rank.
    """
    return _cross(inputs, True, num_buckets, hash_key, name)


def _cross(inputs: Any, hashed: bool, num_buckets: int, hash_key: int | None, name: str | None) -> Any:
    if not isinstance(inputs, (tuple, list)):
        raise TypeError("Inputs must be a list")
    if hash_key is None:
        hash_key = _HASH_KEY
    with name_scope(name, "RaggedCross", inputs):
        ragged: list[Any] = []
        sparse: list[Any] = []
        dense: list[Any] = []
        order = ""
        for item in inputs:
            value = item if isinstance(item, SparseTensor) else convert_to_tensor_or_ragged(item)
            value.shape.assert_has_rank(2)
            if not (value.dtype == dtypes.string or value.dtype.is_integer):
                raise ValueError(f"Unexpected dtype for inputs: {value.dtype}. Expected strings or integers.")
            if isinstance(value, RaggedTensor):
                if value.ragged_rank != 1:
                    raise ValueError("tf.ragged.cross only supports inputs with rank=2.")
                ragged.append(value if value.dtype == dtypes.string else _cast_values(value, dtypes.int64))
                order += "R"
            elif isinstance(value, SparseTensor):
                sparse.append(
                    value if value.dtype == dtypes.string else value.with_values(cast(value.values, dtypes.int64))
                )
                order += "S"
            else:
                dense.append(value if value.dtype == dtypes.string else cast(value, dtypes.int64))
                order += "D"
        kinds = {value.row_splits.dtype for value in ragged}
        result = ragged_cross_op(
            [value.values for value in ragged],
            [value.row_splits for value in ragged],
            [value.indices for value in sparse],
            [value.values for value in sparse],
            [value.dense_shape for value in sparse],
            dense,
            input_order=order,
            hashed_output=hashed,
            num_buckets=num_buckets,
            hash_key=hash_key,
            out_values_type=dtypes.int64 if hashed else dtypes.string,
            out_row_splits_type=dtypes.int32 if kinds == {dtypes.int32} else dtypes.int64,
        )
        return RaggedTensor.from_row_splits(result.output_values, result.output_row_splits, validate=False)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """Return the sum of ragged tensors with the same rows; see `tf.add_n`."""
    if not inputs:
        raise ValueError("Inputs to `tf.add_n` cannot be empty")
    return map_flat_values(dense_add_n, list(inputs), name=name)


def ragged_identity(input: Any, name: str | None = None) -> Any:
    """Return the same ragged tensor with copies of its parts."""
    partitions = [
        partition.with_row_splits(identity(partition.row_splits())) for partition in input._nested_row_partitions
    ]
    result = identity(input.flat_values, name=name)
    for partition in reversed(partitions):
        result = RaggedTensor(result, partition, internal=True)
    return result


def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """Return the number of values; see `tf.size`."""
    flat = input.flat_values
    return shaping.size(flat, out_type=out_type or dtypes.int32, name=name)


def rank(input: Any, name: str | None = None) -> Any:
    """Return the number of axes; see `tf.rank`."""
    with name_scope(name, "RaggedRank", [input]):
        known = input.shape.rank
        if known is not None:
            return convert_to_tensor(known, dtypes.int32)
        return shaping.rank(input.flat_values) + input.ragged_rank
