"""`rt[...]`: rows, and what lies within them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.joining import concat
from penstock.ops.debugging import comparisons
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.cast import cast
from penstock.ops.ragged.arranging import expand_dims
from penstock.ops.ragged.gathering import slices_of_rows, take_rows
from penstock.ops.ragged.ragged_tensor import RaggedTensor, nvals_of
from penstock.ops.ragged.row_partition import checked, static_int

_WHOLE = slice(None, None, None)


def getitem(rt_input: RaggedTensor, key: Any) -> Any:
    """Return what `rt_input[key]` stands for.

    Args:
        rt_input: a ragged tensor.
        key: an integer, slice, None or `...`, or a tuple of them, one for each axis. Ragged axes other than the first
            take slices only: the same position need not be there in each row.
    Raises:
        ValueError: if a position is asked for along an inner ragged axis.
        TypeError: if a slice has bounds that are no integers.
        IndexError, InvalidArgumentError: if a row is out of range.
    """
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    with name_scope(None, "RaggedGetItem", [rt_input]):
        return _getitem(rt_input, keys)


def _is_slice(key: Any) -> bool:
    return isinstance(key, slice)


def _expand_ellipsis(keys: list[Any], rank: int | None) -> list[Any]:
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    taken = sum(item is not Ellipsis and item is not None for item in keys)
    if any(item is Ellipsis for item in keys[1:]):
        first = keys.index(Ellipsis)
        rest = [item for item in keys[first + 1 :] if item is not Ellipsis]
        keys = [*keys[: first + 1], *rest]
    return [_WHOLE] * max(0, rank - taken) + keys[1:]


def _getitem(rt: Any, keys: list[Any]) -> Any:
    if not keys:
        return rt
    if not isinstance(rt, RaggedTensor):
        return rt[tuple(keys)]
    key, inner = keys[0], keys[1:]
    if key is Ellipsis:
        return _getitem(rt, _expand_ellipsis(keys, rt.shape.rank))
    if key is None:
        return expand_dims(_getitem(rt, inner), 0)
    if _is_slice(key):
        return _inner(_slice_rows(rt, key), inner)
    return _getitem(_row(rt, key), inner)


def _row(rt: RaggedTensor, key: Any) -> Any:
    count = static_int(rt.nrows())
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        if count is not None and not -count <= key < count:
            raise IndexError(f"Row key {key} out of bounds: there are {count} rows")
    elif isinstance(key, bool):
        raise ValueError("a bool does not index a RaggedTensor: use tf.ragged.boolean_mask for masks")
    elif not (isinstance(key, Tensor) or hasattr(key, "__index__")):
        raise TypeError(f"Only integers, slices, tf.newaxis and ellipsis index a RaggedTensor, got {key!r}")
    start, limit = rt.row_splits[:-1][key], rt.row_splits[1:][key]
    if rt.uniform_row_length is None or isinstance(rt.values, RaggedTensor):
        return _slice_rows_between(rt.values, start, limit)
    row = rt.values[start:limit]
    length = rt.row_partition.static_uniform_row_length
    if length is not None and hasattr(row, "set_shape") and row.shape.rank is not None:
        row.set_shape([length, *row.shape.as_list()[1:]])
    return row


def _slice_rows_between(values: Any, start: Any, limit: Any) -> Any:
    return _slice_rows(values, slice(start, limit)) if isinstance(values, RaggedTensor) else values[start:limit]


def _check_slice(key: slice) -> None:
    for bound in (key.start, key.stop, key.step):
        if bound is not None and not isinstance(bound, (int, np.integer, Tensor)) and not hasattr(bound, "__index__"):
            raise TypeError(f"slice offsets must be integers or None, got {key}")
    if isinstance(key.step, int) and key.step == 0:
        raise InvalidArgumentError(None, None, "slice step must be non-zero: strides[0] = 0")


def _slice_rows(rt: RaggedTensor, key: slice) -> Any:
    _check_slice(key)
    if key == _WHOLE or key.start is None and key.stop is None and key.step is None:
        return rt
    starts, limits = rt.row_splits[:-1][key], rt.row_splits[1:][key]
    uniform = rt.uniform_row_length
    if key.step is None or isinstance(key.step, int) and key.step == 1:
        lengths = limits - starts
        # With no rows there is no first start; both ends are then 0.
        first, last = concat([starts[:1], _zero(starts)], 0)[0], concat([limits[-1:], _zero(starts)], 0)[0]
        values = _slice_rows_between(rt.values, first, last)
        if uniform is not None:
            return RaggedTensor.from_uniform_row_length(
                values, uniform, nrows=nvals_of(lengths, lengths.dtype), validate=False
            )
        splits = concat([_zero(starts), limits - first], 0)
        return RaggedTensor.from_row_splits(values, splits, validate=False)
    rows = slices_of_rows(rt.values, starts, limits)
    if uniform is not None:
        return RaggedTensor.from_uniform_row_length(
            rows.values, uniform, nrows=nvals_of(starts, starts.dtype), validate=False
        )
    return rows


def _zero(vector: Any) -> Any:
    return convert_to_tensor([0], vector.dtype)


def _after_rows(keys: list[Any]) -> tuple[Any, ...]:
    return (_WHOLE, *keys)


def _inner(rt: Any, keys: list[Any]) -> Any:
    """Return what keys stand for within each of the rows."""
    if not keys:
        return rt
    if not isinstance(rt, RaggedTensor):
        return rt[_after_rows(keys)]
    key, rest = keys[0], keys[1:]
    if key is Ellipsis:
        return _inner(rt, _expand_ellipsis(keys, None if rt.values.shape.rank is None else rt.values.shape.rank))
    if key is None:
        return expand_dims(_inner(rt, rest), 1)
    if _is_slice(key):
        _check_slice(key)
        if key == _WHOLE:
            return rt.with_values(_inner(rt.values, rest))
        sliced = _slice_within(rt, key)
        return sliced.with_values(_inner(sliced.values, rest))
    if rt.uniform_row_length is None:
        raise ValueError("Cannot index into an inner ragged dimension.")
    length = rt.uniform_row_length
    place = cast(convert_to_tensor(key), length.dtype)
    known, size = static_int(place), static_int(length)
    message = f"Index {known} out of bounds for dimension 1 of size {size}"
    if known is not None and size is not None and not -size <= known < size:
        raise InvalidArgumentError(None, None, message)
    checks = [
        comparisons.assert_less(place, length, message=message),
        comparisons.assert_greater_equal(place, -length, message=message),
    ]
    places = rt.row_starts() + cast(place < 0, length.dtype) * length + place
    return _getitem_rows(take_rows(rt.values, checked(places, checks)), rest)


def _getitem_rows(value: Any, keys: list[Any]) -> Any:
    """Return what keys for the axes after the first stand for."""
    if not keys:
        return value
    return _inner(value, keys) if isinstance(value, RaggedTensor) else value[_after_rows(keys)]


def _slice_within(rt: RaggedTensor, key: slice) -> RaggedTensor:
    """Return the same slice of each row, by Python's rules for bounds out of range."""
    starts, lengths = rt.row_starts(), rt.row_lengths()
    kind = lengths.dtype
    step = 1 if key.step is None else key.step
    if isinstance(step, Tensor):
        known = static_int(step)
        if known is None:
            raise ValueError("the step of a slice of a ragged axis must be known")
        step = known
    forward = step > 0
    low, high = (lengths * 0, lengths) if forward else (lengths * 0 - 1, lengths - 1)

    def bound(value: Any, default: Any) -> Any:
        if value is None:
            return default
        place = cast(convert_to_tensor(value), kind)
        place = place + cast(place < 0, kind) * lengths
        return minimum(maximum(place, low), high)

    first = bound(key.start, low if forward else high)
    last = bound(key.stop, high if forward else low)
    result = slices_of_rows(rt.values, starts + first, starts + last, step)
    size = rt.row_partition.static_uniform_row_length
    if size is not None and all(item is None or isinstance(item, int) for item in (key.start, key.stop)):
        new = len(range(size)[slice(key.start, key.stop, step)])
        return RaggedTensor.from_uniform_row_length(
            result.values, convert_to_tensor(new, kind), nrows=rt.nrows(), validate=False
        )
    return result
