"""Distinct elements, differences of sets, and inverse permutations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, as_dtype, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank, normalize_axis
from penstock.ops.array.common import INDEX, moved, strings


def _distinct(x: Value, axis: int, index_type: DType) -> tuple[Value, torch.Tensor, torch.Tensor]:
    """Return the distinct slices along an axis in the order of first appearance, inverse indices, and counts."""
    dtype = array.torch_dtype(index_type)
    if isinstance(x, np.ndarray) or x.is_complex():
        return _distinct_items(x, dtype)
    if x.ndim == 1 and x.is_cpu and not x.is_floating_point():
        found = _distinct_by_table(x.numpy())
        if found is not None:
            values, inverse, counts = map(torch.from_numpy, found)
            return values, inverse.to(dtype), counts.to(dtype)
    # Sorting cannot see that NaN differs from itself; torch's equality does.
    if x.ndim == 1:
        values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    else:
        values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True, dim=axis)
    positions = torch.arange(inverse.numel(), device=x.device)
    first = positions.new_full((counts.numel(),), inverse.numel()).scatter_reduce_(0, inverse, positions, "amin")
    order = first.argsort()
    places = torch.empty_like(order)
    places[order] = torch.arange(order.numel(), device=x.device)
    along = axis if x.ndim > 1 else 0
    distinct = moved(lambda items: items.index_select(along, order), values)
    return distinct, places[inverse].to(dtype), counts[order].to(dtype)


def _distinct_by_table(items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return distinct integers, inverse indices and counts by a table of all integers between the least and the
    greatest, or None where that would be much longer than the vector."""
    if not items.size or items.dtype == np.bool_:
        return None
    least, greatest = int(items.min()), int(items.max())
    count, size = items.size, greatest - least + 1
    if size > 4 * count or greatest >= 2**63:
        return None
    places = items.astype(np.int64) - least
    # Of an element that occurs several times, the last to be written stays: the first of the vector.
    first = np.full(size, count)
    first[places[::-1]] = np.arange(count - 1, -1, -1)
    order = np.sort(first[first < count])
    number = np.empty(size, np.int32 if size <= 2**31 else np.int64)
    number[places[order]] = np.arange(order.size)
    inverse = number[places]
    return items[order], inverse, np.bincount(inverse)


def _distinct_items(x: Value, dtype: torch.dtype) -> tuple[Value, torch.Tensor, torch.Tensor]:
    if x.ndim != 1:
        raise InvalidArgumentError(
            None, None, f"distinct strings and complex numbers are found in vectors only, got shape {list(x.shape)}"
        )
    places: dict[Any, int] = {}
    counts: list[int] = []
    inverse: list[int] = []
    for item in x.tolist():
        place = places.setdefault(item, len(places))
        if place == len(counts):
            counts.append(0)
        counts[place] += 1
        inverse.append(place)
    items = list(places)
    values = strings(items, (len(items),)) if isinstance(x, np.ndarray) else torch.tensor(items, dtype=x.dtype)
    return values, torch.tensor(inverse, dtype=dtype), torch.tensor(counts, dtype=dtype)


def _check_vector(x: Value) -> None:
    if x.ndim != 1:
        raise InvalidArgumentError(None, None, f"unique expects a 1D vector, got shape {list(x.shape)}")


def _unique_axis(x: Value, axis: list[int]) -> int:
    if not axis:
        _check_vector(x)
        return 0
    if len(axis) != 1:
        raise InvalidArgumentError(
            None, None, f"axis does not support input tensors larger than 1 elements, got {axis}"
        )
    if not -x.ndim <= axis[0] < x.ndim:
        raise InvalidArgumentError(None, None, f"axis must be in [{-x.ndim}, {x.ndim}), got {axis[0]}")
    return axis[0] % x.ndim


_OUT_INDEX = Type(INDEX, default=int32)


@op("Unique(x: T) -> (y: T, idx: out_idx)", out_idx=_OUT_INDEX)
def unique_op(x: Value, *, out_idx: DType = int32) -> tuple[Value, Value]:
    _check_vector(x)
    return _distinct(x, 0, out_idx)[:2]


@unique_op.shape
def unique_shape(x: Dims, *, out_idx: DType) -> tuple[Dims, Dims]:
    expect_rank(x, 1, "x")
    return (None,), x


@op(
    "UniqueV2(x: T, axis: host Taxis) -> (y: T, idx: out_idx)",
    Taxis=Type(INDEX, default=int64),
    out_idx=_OUT_INDEX,
)
def unique_v2_op(x: Value, axis: list[int], *, out_idx: DType = int32) -> tuple[Value, Value]:
    return _distinct(x, _unique_axis(x, axis), out_idx)[:2]


@unique_v2_op.shape
def unique_v2_shape(x: Dims, axis: Any, *, out_idx: DType) -> tuple[Dims, Dims]:
    return unique_with_counts_v2_shape(x, axis, out_idx=out_idx)[:2]


@op("UniqueWithCounts(x: T) -> (y: T, idx: out_idx, count: out_idx)", out_idx=_OUT_INDEX)
def unique_with_counts_op(x: Value, *, out_idx: DType = int32) -> tuple[Value, Value, Value]:
    _check_vector(x)
    return _distinct(x, 0, out_idx)


@unique_with_counts_op.shape
def unique_with_counts_shape(x: Dims, *, out_idx: DType) -> tuple[Dims, Dims, Dims]:
    expect_rank(x, 1, "x")
    return (None,), x, (None,)


@op(
    "UniqueWithCountsV2(x: T, axis: host Taxis) -> (y: T, idx: out_idx, count: out_idx)",
    Taxis=Type(INDEX, default=int64),
    out_idx=_OUT_INDEX,
)
def unique_with_counts_v2_op(x: Value, axis: list[int], *, out_idx: DType = int32) -> tuple[Value, Value, Value]:
    return _distinct(x, _unique_axis(x, axis), out_idx)


@unique_with_counts_v2_op.shape
def unique_with_counts_v2_shape(x: Dims, axis: Any, *, out_idx: DType) -> tuple[Dims, Dims, Dims]:
    if x is None or axis is None or None in axis:
        return None, (None,), (None,)
    if not axis:
        return (None,), expect_rank(x, 1, "x"), (None,)
    position = normalize_axis(axis[0], len(x), "axis")
    return (*x[:position], None, *x[position + 1 :]), (x[position],), (None,)


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> Any:
    """Return the distinct elements of a vector in the order of their first appearance.

    Args:
        x: a vector.
        out_idx: the type of the indices, int32 or int64.
        name: the name of the node.
    Returns:
        `y`, the distinct elements, and `idx` with `y[idx] == x`.
    """
    return unique_op(x, out_idx=as_dtype(out_idx), name=name)


def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> Any:
    """Return the distinct elements of a vector, and how often each appears.

    Args:
        x: a vector.
        out_idx: the type of indices and counts, int32 or int64.
        name: the name of the node.
    Returns:
        `y`, the distinct elements, `idx` with `y[idx] == x`, and `count` for each of `y`.
    """
    return unique_with_counts_op(x, out_idx=as_dtype(out_idx), name=name)


@op("ListDiff(x: T, y: T) -> (out: T, idx: out_idx)", out_idx=_OUT_INDEX)
def list_diff_op(x: Value, y: Value, *, out_idx: DType = int32) -> tuple[Value, Value]:
    for name, value in (("x", x), ("y", y)):
        if value.ndim != 1:
            raise InvalidArgumentError(None, None, f"{name} should be a 1D vector, got shape {list(value.shape)}")
    dtype = array.torch_dtype(out_idx)
    if isinstance(x, np.ndarray) or x.is_complex() or x.dtype in (torch.uint16, torch.uint32, torch.uint64):
        excluded = set(y.tolist())
        kept = torch.tensor([i for i, item in enumerate(x.tolist()) if item not in excluded], dtype=torch.int64)
        return (x[kept.numpy()] if isinstance(x, np.ndarray) else x[kept]), kept.to(dtype)
    kept = torch.nonzero(torch.isin(x, y, invert=True)).reshape(-1)
    return x[kept], kept.to(dtype)


@list_diff_op.shape
def list_diff_shape(x: Dims, y: Dims, *, out_idx: DType) -> tuple[Dims, Dims]:
    expect_rank(x, 1, "x")
    expect_rank(y, 1, "y")
    return (None,), (None,)


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> Any:
    """Return the elements of a vector that are not in another, in order.

    Args:
        x, y: vectors of one type.
        index_dtype: the type of the indices, int32 or int64.
        name: the name of the node.
    Returns:
        `out`, the elements of `x` that are not in `y`, and `idx`, their positions in `x`.
    """
    return list_diff_op(x, y, out_idx=as_dtype(index_dtype), name=name)


@op("InvertPermutation(x: T) -> y: T", differentiable=False, T=Type(INDEX, default=int32))
def invert_permutation_op(x: torch.Tensor) -> torch.Tensor:
    if x.ndim != 1:
        raise InvalidArgumentError(None, None, f"invert_permutation expects a 1D vector, got shape {list(x.shape)}")
    result = torch.full_like(x, -1)
    outside = (x < 0) | (x >= x.numel())
    if outside.any():
        raise InvalidArgumentError(None, None, f"{int(x[outside][0])} is not between 0 and {x.numel()}")
    result[x.to(torch.int64)] = torch.arange(x.numel(), dtype=x.dtype, device=x.device)
    if (result < 0).any():
        raise InvalidArgumentError(
            None, None, f"x must be a permutation, but a number is duplicated in {x.tolist()[:20]}"
        )
    return result


@invert_permutation_op.shape
def invert_permutation_shape(x: Dims) -> Dims:
    return expect_rank(x, 1, "x")


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """Return the permutation that undoes another.

    Args:
        x: a vector with each of 0 to n - 1 once.
        name: the name of the node.
    Returns:
        `y` with `y[x[i]] == i`.
    """
    return invert_permutation_op(x, name=name)
