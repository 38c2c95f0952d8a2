"""Functions that go element by element, on ragged tensors: with equal rows, or with rows that broadcast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import EagerTensor
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims
from penstock.ops.debugging import comparisons
from penstock.ops.math.compare import equal, logical_or
from penstock.ops.math.reduce import reduce_all
from penstock.ops.math.scan import cumsum
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.ragged.gathering import match_row_splits, take_rows
from penstock.ops.ragged.ragged_tensor import RaggedTensor, nvals_of
from penstock.ops.ragged.row_partition import RowPartition, checked, rows_of_values, static_int


def apply_elementwise(function: Callable[..., Any], *operands: Any) -> Any:
    """Return `function` of tensors and RaggedTensors whose shapes broadcast, element by element.

    Args:
        function: takes as many tensors as there are operands, with equal or broadcasting shapes.
        *operands: tensors and RaggedTensors, at least one of them ragged.
    Raises:
        InvalidArgumentError, ValueError: if the shapes do not broadcast.
    """
    operands = tuple(match_row_splits(*operands))
    ragged = [operand for operand in operands if isinstance(operand, RaggedTensor)]
    first = ragged[0]
    inner_rank = first.flat_values.shape.rank
    plain = [operand for operand in operands if not isinstance(operand, RaggedTensor)]
    if all(_same_rows(first, other) for other in ragged[1:]) and all(
        operand.shape.rank is not None and (operand.shape.rank == 0 or inner_rank and operand.shape.rank < inner_rank)
        for operand in plain
    ):
        flat = [operand.flat_values if isinstance(operand, RaggedTensor) else operand for operand in operands]
        return first.with_flat_values(function(*flat))
    partitions, flat = _broadcast(operands)
    result = function(*flat)
    for partition in reversed(partitions):
        result = RaggedTensor(result, partition, internal=True)
    return result


def _same_rows(x: RaggedTensor, y: RaggedTensor) -> bool:
    """Tell whether two tensors are known to have the same rows, and so values that correspond."""
    if x.ragged_rank != y.ragged_rank:
        return False
    for a, b in zip(x.nested_row_splits, y.nested_row_splits, strict=True):
        if a is b:
            continue
        if not isinstance(a, EagerTensor) or not isinstance(b, EagerTensor):
            return False
        if not np.array_equal(a.numpy(), b.numpy()):
            return False
    return True


def _uniform_axis(value: Any, kind: Any) -> RaggedTensor:
    """Return a tensor with its second axis as a uniform partition."""
    return RaggedTensor.from_tensor(value, row_splits_dtype=kind)


def _broadcast(operands: Sequence[Any]) -> tuple[list[RowPartition], list[Any]]:
    """Return the partitions of the result, outermost first, and the innermost values of each operand."""
    kind = next(operand.row_splits.dtype for operand in operands if isinstance(operand, RaggedTensor))
    ranks: list[Any] = [operand.shape.rank for operand in operands]
    if None in ranks:
        raise ValueError("Unable to broadcast ragged tensors: the rank of an operand is not known")
    rank = max(ranks)
    # Partitioned axes, counted from the end, that the result has at least.
    depth = max(
        rank - own + operand.ragged_rank
        for operand, own in zip(operands, ranks, strict=True)
        if isinstance(operand, RaggedTensor)
    )
    values: list[Any] = []
    for operand in operands:
        for _ in range(rank - (operand.shape.rank or 0)):
            if isinstance(operand, RaggedTensor):
                count = operand.nrows()
                operand = RaggedTensor.from_uniform_row_length(operand, count, nrows=1, validate=False)
            else:
                operand = expand_dims(operand, 0)
        values.append(operand)
    counts = [nvals_of(value, kind) for value in values]
    count = _agreed(counts)
    values = [
        take_rows(value, _row_places(own, count)) if not _known_equal(own, count) else value
        for value, own in zip(values, counts, strict=True)
    ]
    partitions: list[RowPartition] = []
    for _ in range(depth):
        values = [value if isinstance(value, RaggedTensor) else _uniform_axis(value, kind) for value in values]
        partition, values = _broadcast_rows(values, count)
        partitions.append(partition)
        count = partition.nvals()
    return partitions, values


def _known_equal(x: Any, y: Any) -> bool:
    a, b = static_int(x), static_int(y)
    return x is y or a is not None and a == b


def _agreed(counts: Sequence[Any]) -> Any:
    """Return the number of rows of the result, of which each operand has as many, or 1."""
    result = counts[0]
    for count in counts[1:]:
        if _known_equal(result, count):
            continue
        fits = comparisons.assert_equal(
            logical_or(equal(result, count), logical_or(equal(result, 1), equal(count, 1))),
            True,
            message="Unable to broadcast: dimension size mismatch in dimension 0",
        )
        result = checked(where(equal(result, 1), count, result), [fits])
    return result


def _row_places(own: Any, count: Any) -> Any:
    rows = tensor_range(count, dtype=count.dtype)
    return where(equal(own, 1), rows * 0, rows)


def _broadcast_rows(values: list[Any], count: Any) -> tuple[RowPartition, list[Any]]:
    """Broadcast the first partitioned axis of operands with equally many rows."""
    if all(_same_splits(values[0], value) for value in values[1:]):
        return values[0].row_partition, [value.values for value in values]
    lengths = [value.row_lengths() for value in values]
    # Only an axis that is known to be uniform broadcasts, not one whose rows happen to have one value each.
    statics = [value.row_partition.static_uniform_row_length for value in values]
    uniforms = [value.uniform_row_length for value in values]
    singles = [convert_to_tensor(False) if length is None else equal(length, 1) for length in uniforms]
    target = lengths[0]
    for single, other in zip(singles[1:], lengths[1:], strict=True):
        target = where(single, target, other)
    fits = [
        comparisons.assert_equal(
            logical_or(single, reduce_all(equal(length, target))),
            True,
            message="Unable to broadcast: dimension size mismatch in dimension 1: rows have different lengths",
        )
        for single, length in zip(singles, lengths, strict=True)
    ]
    target = checked(target, fits)
    splits = concat([convert_to_tensor([0], target.dtype), cumsum(target)], 0)
    nvals = splits[-1]
    rows = rows_of_values(splits, nvals)
    offsets = tensor_range(nvals, dtype=splits.dtype) - gather(splits[:-1], rows)
    taken = []
    for value, single in zip(values, singles, strict=True):
        places = gather(value.row_starts(), rows) + where(single, offsets * 0, offsets)
        taken.append(take_rows(value.values, places))
    known = [length for length in statics if length != 1]
    uniform = None
    if len(known) == len([s for s in statics if s is not None and s != 1]) and len(set(known)) == 1:
        uniform = convert_to_tensor(known[0], splits.dtype)
    return RowPartition(splits, row_lengths=target, nrows=count, uniform_row_length=uniform, internal=True), taken


def _same_splits(x: RaggedTensor, y: RaggedTensor) -> bool:
    a, b = x.row_splits, y.row_splits
    if a is b:
        return True
    return isinstance(a, EagerTensor) and isinstance(b, EagerTensor) and np.array_equal(a.numpy(), b.numpy())


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return a function of the innermost values of ragged tensors, in their rows.

    Args:
        op: takes tensors in the places of the ragged tensors; its result has as many rows.
        *args: its arguments, in which lists and dictionaries may hold ragged tensors, all with the same rows.
        **kwargs: its keyword arguments.
    Returns:
        A RaggedTensor; what `op` returns, where no argument is ragged.
    Raises:
        ValueError: if the result has another number of rows.
        InvalidArgumentError: if the ragged tensors have different rows.
    """
    found: list[RaggedTensor] = []

    def flat(value: Any) -> Any:
        if isinstance(value, RaggedTensor):
            found.append(value)
            return value.flat_values
        if isinstance(value, list):
            return [flat(item) for item in value]
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(flat(item) for item in value)
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items()}
        return value

    if any(isinstance(value, RaggedTensor) for value in args):
        kinds = {value.row_splits.dtype for value in args if isinstance(value, RaggedTensor)}
        if len(kinds) > 1:
            args = tuple(match_row_splits(*args))
    new_args, new_kwargs = flat(list(args)), flat(kwargs)
    if not found:
        return op(*args, **kwargs)
    first = found[0]
    outer = {value.flat_values.shape.as_list()[0] for value in found if value.flat_values.shape.rank} - {None}
    if len(outer) > 1:
        raise ValueError(
            f"Input RaggedTensors' flat_values must all have the same outer-dimension size. Got sizes: {outer}"
        )
    checks = []
    for other in found[1:]:
        if other.ragged_rank != first.ragged_rank:
            raise ValueError("Inputs must have identical ragged splits: their ragged ranks differ")
        checks += [
            comparisons.assert_equal(a, b, message="Inputs must have identical ragged splits")
            for a, b in zip(first.nested_row_splits, other.nested_row_splits, strict=True)
            if a is not b
        ]
    result = op(*new_args, **new_kwargs)
    own = first.flat_values.shape
    if (
        not result.shape.rank
        and result.shape.rank is not None
        or (own.rank and result.shape.rank and not own[:1].is_compatible_with(result.shape[:1]))
    ):
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same outer-dimension size as "
            f"flat_values of any ragged inputs. (output shape: {result.shape}; expected outer dimension size: "
            f"{own[:1]})"
        )
    return first.with_flat_values(checked(result, checks))
