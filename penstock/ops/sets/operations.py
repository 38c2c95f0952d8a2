"""Intersection, union and difference of sets, and their sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host

_TYPES = frozenset({dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.string})
_OUTPUTS = "(result_indices: int64, result_values: T, result_shape: int64)"
_COMBINE: dict[str, Callable[[set[Any], set[Any]], set[Any]]] = {
    "intersection": set.intersection,
    "union": set.union,
    "a-b": set.difference,
    "b-a": lambda a, b: b - a,
}
_Groups = dict[tuple[int, ...], set[Any]]


def _dense_groups(value: Value) -> tuple[list[int], _Groups]:
    """Return the shape of the groups, and the sets at their positions."""
    numbers = np.asarray(array.to_numpy(value))
    if numbers.ndim < 2:
        raise InvalidArgumentError(None, None, f"Shape {list(numbers.shape)} has rank {numbers.ndim} < 2")
    outer = numbers.shape[:-1]
    return list(outer), {position: set(numbers[position].tolist()) for position in np.ndindex(*outer)}


def _sparse_groups(indices: Array, values: Value, shape: Array, validate: bool) -> tuple[list[int], _Groups]:
    sizes = shape.tolist()
    if len(sizes) < 2:
        raise InvalidArgumentError(None, None, f"Shape {sizes} has rank {len(sizes)} < 2")
    if indices.ndim != 2 or indices.shape[1] != len(sizes) or indices.shape[0] != array.dims_of(values)[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"indices of shape {list(indices.shape)} do not fit {array.dims_of(values)} values in a shape of rank "
            f"{len(sizes)}",
        )
    positions = [tuple(row) for row in indices.tolist()]
    for place, (previous, position) in enumerate(itertools.pairwise([None, *positions])):
        assert position is not None
        if any(not 0 <= index < size for index, size in zip(position, sizes, strict=True)):
            raise InvalidArgumentError(
                None, None, f"indices[{place}] = {list(position)} is out of bounds of the shape {sizes}"
            )
        if validate and previous is not None and previous >= position:
            how = "is repeated" if previous == position else "is out of order"
            raise InvalidArgumentError(
                None,
                None,
                f"indices[{place}] = {list(position)} {how}. Many sparse ops require sorted indices; use "
                "tf.sparse.reorder to create a correctly ordered copy.",
            )
    groups: _Groups = {}
    for position, item in zip(positions, np.asarray(array.to_numpy(values)).tolist(), strict=True):
        groups.setdefault(position[:-1], set()).add(item)
    return sizes[:-1], groups


def _combine(
    first: tuple[list[int], _Groups], second: tuple[list[int], _Groups], set_operation: str, like: Value
) -> tuple[Array, Value, Array]:
    if set_operation.lower() not in _COMBINE:
        raise InvalidArgumentError(
            None, None, f"Invalid set_operation {set_operation!r}; expected one of {', '.join(_COMBINE)}"
        )
    combine = _COMBINE[set_operation.lower()]
    (outer, a), (other, b) = first, second
    if outer != other:
        raise InvalidArgumentError(None, None, f"Mismatched shapes {outer} vs {other}")
    indices: list[tuple[int, ...]] = []
    values: list[Any] = []
    largest = 0
    for position in sorted(a.keys() | b.keys()):
        found = sorted(combine(a.get(position, set()), b.get(position, set())))
        largest = max(largest, len(found))
        indices.extend((*position, place) for place in range(len(found)))
        values.extend(found)
    return (
        torch.tensor(indices, dtype=torch.int64).reshape(-1, len(outer) + 1),
        _as_value(values, like),
        torch.tensor([*outer, largest], dtype=torch.int64),
    )


def _as_value(items: list[Any], like: Value) -> Value:
    if isinstance(like, np.ndarray):
        result = np.empty(len(items), dtype=object)
        result[:] = items
        return result
    return torch.tensor(items, dtype=like.dtype)


def _result_shapes(rank: int | None) -> tuple[Dims, Dims, Dims]:
    return (None, rank), (None,), (rank,)


def _rank_of(*dims: Dims) -> int | None:
    ranks = {len(each) for each in dims if each is not None}
    if any(rank < 2 for rank in ranks):
        raise ShapeError(f"sets need rank 2 or more, got {min(ranks)}")
    if len(ranks) > 1:
        raise ShapeError(f"sets of one rank are needed, got {sorted(ranks)}")
    return ranks.pop() if ranks else None


def _rank_of_sparse(shape: Dims) -> int | None:
    return shape[0] if shape is not None and len(shape) == 1 else None


@op(
    f"DenseToDenseSetOperation(set1: T, set2: T) -> {_OUTPUTS}",
    T=_TYPES,
    differentiable=False,
    shape=lambda set1, set2, **attrs: _result_shapes(_rank_of(set1, set2)),
)
@on_host
def dense_to_dense_set_operation_op(
    set1: Value, set2: Value, *, set_operation: str, validate_indices: bool = True
) -> tuple[Array, Value, Array]:
    return _combine(_dense_groups(set1), _dense_groups(set2), set_operation, set1)


@op(
    f"DenseToSparseSetOperation(set1: T, set2_indices: int64, set2_values: T, set2_shape: int64) -> {_OUTPUTS}",
    T=_TYPES,
    differentiable=False,
    shape=lambda set1, set2_indices, set2_values, set2_shape, **attrs: _result_shapes(_rank_of(set1)),
)
@on_host
def dense_to_sparse_set_operation_op(
    set1: Value,
    set2_indices: Array,
    set2_values: Value,
    set2_shape: Array,
    *,
    set_operation: str,
    validate_indices: bool = True,
) -> tuple[Array, Value, Array]:
    second = _sparse_groups(set2_indices, set2_values, set2_shape, validate_indices)
    return _combine(_dense_groups(set1), second, set_operation, set1)


@op(
    "SparseToSparseSetOperation(set1_indices: int64, set1_values: T, set1_shape: int64, set2_indices: int64,"
    f" set2_values: T, set2_shape: int64) -> {_OUTPUTS}",
    T=_TYPES,
    differentiable=False,
    shape=lambda i, v, set1_shape, *rest, **attrs: _result_shapes(_rank_of_sparse(set1_shape)),
)
@on_host
def sparse_to_sparse_set_operation_op(
    set1_indices: Array,
    set1_values: Value,
    set1_shape: Array,
    set2_indices: Array,
    set2_values: Value,
    set2_shape: Array,
    *,
    set_operation: str,
    validate_indices: bool = True,
) -> tuple[Array, Value, Array]:
    first = _sparse_groups(set1_indices, set1_values, set1_shape, validate_indices)
    second = _sparse_groups(set2_indices, set2_values, set2_shape, validate_indices)
    return _combine(first, second, set_operation, set1_values)


@op("SetSize(set_indices: int64, set_values: T, set_shape: int64) -> size: int32", T=_TYPES, differentiable=False)
@on_host
def set_size_op(set_indices: Array, set_values: Value, set_shape: Array, *, validate_indices: bool = True) -> Array:
    outer, groups = _sparse_groups(set_indices, set_values, set_shape, validate_indices)
    result = torch.zeros(outer, dtype=torch.int32)
    for position, elements in groups.items():
        result[position] = len(elements)
    return result


@set_size_op.shape
def set_size_shape(set_indices: Dims, set_values: Dims, set_shape: Dims, *, validate_indices: bool) -> Dims:
    rank = _rank_of_sparse(set_shape)
    return None if rank is None else (None,) * (rank - 1)


def _as_sets(value: Any, name: str) -> Tensor | SparseTensor:
    result = value if isinstance(value, SparseTensor) else convert_to_tensor(value, name=name)
    if result.dtype.base_dtype not in _TYPES:
        names = ", ".join(sorted(dtype.name for dtype in _TYPES))
        raise TypeError(f"'{name}' has invalid dtype `{result.dtype!r}` not in supported dtypes: {names}.")
    return result


def _set_operation(a: Any, b: Any, set_operation: str, validate_indices: bool) -> SparseTensor:
    a, b = _as_sets(a, "a"), _as_sets(b, "b")
    if a.dtype.base_dtype != b.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype!r} vs {b.dtype!r}.")
    options: dict[str, Any] = {"validate_indices": validate_indices}
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        a, b = b, a
        set_operation = {"a-b": "b-a", "b-a": "a-b"}.get(set_operation, set_operation)
    options["set_operation"] = set_operation
    if isinstance(a, SparseTensor):
        found = sparse_to_sparse_set_operation_op(
            a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape, **options
        )
    elif isinstance(b, SparseTensor):
        found = dense_to_sparse_set_operation_op(a, b.indices, b.values, b.dense_shape, **options)
    else:
        found = dense_to_dense_set_operation_op(a, b, **options)
    return SparseTensor(*found)


def set_size(a: Any, validate_indices: bool = True) -> Tensor:
    """Return the numbers of different elements of sets.

    Args:
        a: a SparseTensor whose last axis holds the elements.
        validate_indices: whether to check that its indices are in order.
    Returns:
        int32 of the shape of `a` without its last axis.
    Raises:
        TypeError: if `a` is no SparseTensor of integers or strings.
    """
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    _as_sets(a, "a")
    return set_size_op(a.indices, a.values, a.dense_shape, validate_indices=validate_indices)


def set_intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """Return the elements that are in both of two sets, for each position.

    Args:
        a, b: tensors or SparseTensors of integers or strings, whose last axis holds the elements; the others agree.
        validate_indices: whether to check that sparse indices are in order.
    Returns:
        A SparseTensor; its last axis holds the elements, sorted.
    Raises:
        TypeError: if the types differ or are not integers or strings.
    """
    return _set_operation(a, b, "intersection", validate_indices)


def set_union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """Return the elements that are in one or both of two sets, for each position.

    Args:
        a, b, validate_indices: see `set_intersection`.
    Returns:
        See `set_intersection`.
    """
    return _set_operation(a, b, "union", validate_indices)


def set_difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """Return the elements that are in one set and not in the other, for each position.

    Args:
        a, b, validate_indices: see `set_intersection`.
        aminusb: whether to return what is in `a` alone, instead of what is in `b` alone.
    Returns:
        See `set_intersection`.
    """
    return _set_operation(a, b, "a-b" if aminusb else "b-a", validate_indices)
