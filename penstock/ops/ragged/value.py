"""Ragged arrays outside of tensors: what a session returns for a ragged tensor, and takes for one."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.shape import TensorShape


class RaggedTensorValue:
    """The value of a ragged tensor, in arrays.

    Args:
        values: an array, or the RaggedTensorValue of what lies further in.
        row_splits: an int32 or int64 vector that rises from 0 to the number of values.
    Raises:
        TypeError: if they are of other types.
        ValueError: if the splits are no vector of int32 or int64.
    """

    def __init__(self, values: Any, row_splits: Any) -> None:
        if not (isinstance(row_splits, (np.ndarray, np.generic)) and row_splits.dtype in (np.int64, np.int32)):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        if isinstance(values, RaggedTensorValue) and row_splits.dtype != values.row_splits.dtype:
            raise ValueError("row_splits and values.row_splits must have the same dtype")
        self._values: Any = values
        self._row_splits: Any = row_splits

    @property
    def row_splits(self) -> Any:
        """Where the rows meet."""
        return self._row_splits

    @property
    def values(self) -> Any:
        """The concatenated rows."""
        return self._values

    @property
    def dtype(self) -> Any:
        """The NumPy type of the innermost values."""
        return self._values.dtype

    @property
    def flat_values(self) -> Any:
        """The innermost values, an array."""
        return self._values.flat_values if isinstance(self._values, RaggedTensorValue) else self._values

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all ragged axes, outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self) -> int:
        """The number of ragged axes."""
        return len(self.nested_row_splits)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, with None for a ragged axis."""
        return (len(self._row_splits) - 1, None, *self._values.shape[1:])

    @property
    def _nested_row_partitions(self) -> tuple[Any, ...]:
        return self.nested_row_splits

    def to_list(self) -> list[Any]:
        """Return the value as nested lists."""
        items = self._values.to_list() if isinstance(self._values, RaggedTensorValue) else self._values.tolist()
        return [items[a:b] for a, b in zip(self._row_splits, self._row_splits[1:], strict=False)]

    def __str__(self) -> str:
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self) -> str:
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"


def _depths(item: Any) -> tuple[int | None, int]:
    """Return how deep the scalars of nested lists are (None if there are none), and how deep the lists go."""
    if not isinstance(item, (list, tuple)) and np.ndim(item) == 0:
        return 0, 0
    scalar: int | None = None
    deepest = 1
    for child in item:
        below, depth = _depths(child)
        if below is not None:
            if scalar is not None and scalar != below + 1:
                raise ValueError("all scalar values must have the same nesting depth")
            scalar = below + 1
        deepest = max(deepest, depth + 1)
    return scalar, deepest


def _default_inner_shape(items: Any, ragged_rank: int) -> tuple[int, ...]:
    def shape_of(item: Any) -> tuple[int, ...]:
        if not isinstance(item, (list, tuple)) and np.ndim(item) == 0:
            return ()
        if len(item):
            return (len(item), *shape_of(item[0]))
        return (0,)

    def check(item: Any, shape: tuple[int, ...]) -> None:
        is_nested = isinstance(item, (list, tuple)) or np.ndim(item) != 0
        if is_nested != bool(shape) or shape and len(item) != shape[0]:
            raise ValueError("inner values have inconsistent shape")
        if shape:
            for child in item:
                check(child, shape[1:])

    flat: list[Any] = list(items)
    for _ in range(ragged_rank):
        flat = [child for item in flat for child in item]
    if not flat:
        return ()
    shape = shape_of(flat)
    check(flat, shape)
    return shape[1:]


def partition_lists(
    pylist: Any, dtype: Any, ragged_rank: int | None, inner_shape: Any
) -> tuple[np.ndarray, list[list[int]]] | None:
    """Return nested lists as an array of the innermost values, and the row splits, outermost first.

    Args:
        pylist: nested lists, tuples and arrays.
        dtype: the type of the values; None takes their own.
        ragged_rank: the number of ragged axes; by default all but the innermost of `inner_shape`.
        inner_shape: the shape of the values below the ragged axes.
    Returns:
        None for a scalar.
    Raises:
        ValueError: if the lists do not fit the rank and shape.
    """
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"ragged_rank must be nonnegative; got {ragged_rank}")
    scalar_depth, max_depth = _depths(pylist)
    if scalar_depth is not None and max_depth > scalar_depth:
        raise ValueError(f"Invalid pylist={pylist}: empty list nesting is greater than scalar value nesting")
    if max_depth == 0:
        if ragged_rank:
            raise ValueError(f"Invalid pylist={pylist}: incompatible with ragged_rank={ragged_rank}")
        if inner_shape:
            raise ValueError(f"Invalid pylist={pylist}: incompatible with dim(inner_shape)={len(inner_shape)}")
        return None
    if ragged_rank is not None and ragged_rank >= max_depth and scalar_depth is not None:
        raise ValueError(
            f"Invalid pylist={pylist}: incompatible with ragged_rank={ragged_rank}: it has {max_depth} levels of lists"
        )
    if isinstance(inner_shape, TensorShape):
        inner_shape = inner_shape.as_list()
    if inner_shape is not None and scalar_depth is not None:
        expected = len(inner_shape) + (1 if ragged_rank is None else ragged_rank + 1)
        if ragged_rank is not None and scalar_depth != expected or scalar_depth < expected:
            raise ValueError(
                f"Invalid pylist={pylist}: incompatible with ragged_rank={ragged_rank} and "
                f"dim(inner_shape)={len(inner_shape)}"
            )
    if inner_shape is not None and not isinstance(inner_shape, (tuple, list)):
        inner_shape = (inner_shape,)
    if ragged_rank is None:
        ragged_rank = max(1, max_depth - 1) if inner_shape is None else max(0, max_depth - 1 - len(inner_shape))
        if inner_shape is None and max_depth == 1:
            ragged_rank = 0
    if inner_shape is None:
        inner_shape = _default_inner_shape(pylist, ragged_rank)
    nested: list[list[int]] = []
    flat = pylist
    for _ in range(ragged_rank):
        splits = [0]
        for item in flat:
            splits.append(splits[-1] + len(item))
        nested.append(splits)
        flat = [child for item in flat for child in item]
    kind = None if dtype is None else as_dtype(dtype)
    if kind is dtypes.string or kind is None and _holds_text(flat):
        values = np.array(flat if len(flat) else [], dtype=object)
    else:
        values = np.array(flat if len(flat) else [], dtype=None if kind is None else kind.as_numpy_dtype)
        if kind is None and not len(flat):
            values = values.astype(np.float32)
        elif kind is None:
            narrow = {"f": np.float32, "i": np.int32}.get(values.dtype.kind)
            if narrow is not None and not (
                values.dtype.kind == "i" and values.size and np.abs(values).max() > np.iinfo(np.int32).max
            ):
                values = values.astype(narrow)
    return values.reshape((-1 if values.size else len(flat), *inner_shape)), nested


def _first(items: Any) -> Any:
    while isinstance(items, (list, tuple)) and len(items):
        items = items[0]
    return items


def _holds_text(items: Any) -> bool:
    first = _first(items)
    return (
        isinstance(first, (str, bytes))
        or getattr(getattr(first, "dtype", None), "kind", "") in "SUO"
        and hasattr(first, "dtype")
    )


def constant_value(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    row_splits_dtype: Any = "int64",
) -> Any:
    """Return nested lists as a `RaggedTensorValue`, or as an array where there is no ragged axis.

    Args:
        pylist: nested lists of numbers or strings.
        dtype: the type of the values.
        ragged_rank: the number of ragged axes.
        inner_shape: the shape of the values below them.
        row_splits_dtype: "int32" or "int64".
    Raises:
        ValueError: if the lists do not fit the rank and shape.
    """
    if dtype is not None:
        dtype = np.dtype(as_dtype(dtype).as_numpy_dtype)
    split_type = as_dtype(row_splits_dtype).as_numpy_dtype
    kind = None if dtype is None else dtypes.string if dtype.kind in "OSU" else as_dtype(dtype)
    parts = partition_lists(pylist, kind, ragged_rank, inner_shape)
    if parts is None:
        return np.array(pylist, dtype=dtype)
    values, nested = parts
    if dtype is None:
        values = _natural(values)
    result: Any = values
    for splits in reversed(nested):
        result = RaggedTensorValue(result, np.array(splits, dtype=split_type))
    return result


def _natural(values: np.ndarray) -> np.ndarray:
    """Return values in the type that NumPy gives to Python values."""
    if values.dtype == object:
        return np.array(values.tolist()) if values.size else values
    wide = {np.dtype(np.float32): np.float64, np.dtype(np.int32): np.int64}.get(values.dtype)
    return values if wide is None else values.astype(wide)
