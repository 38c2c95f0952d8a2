"""From the features of a batch of examples to arrays: dense, sparse and ragged columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from google.protobuf.message import DecodeError

from penstock.core import array, dtypes
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims

FEATURE_TYPES = frozenset({dtypes.float32, dtypes.int64, dtypes.string})
SPLIT_TYPES = frozenset({dtypes.int32, dtypes.int64})
_KINDS = {"float_list": dtypes.float32, "int64_list": dtypes.int64, "bytes_list": dtypes.string}
_NAMES = {dtypes.float32: "float", dtypes.int64: "int64", dtypes.string: "string"}


def invalid(text: str) -> InvalidArgumentError:
    """Return the error for inputs that cannot be parsed."""
    return InvalidArgumentError(None, None, text)


def check_types(*types: DType) -> None:
    """Check the types of features.

    Raises:
        InvalidArgumentError: if one is none of float32, int64 and string.
    """
    for dtype in types:
        if dtype not in FEATURE_TYPES:
            raise invalid(f"the type of a feature must be float32, int64 or string, got {dtype.name}")


def text_list(value: Value) -> list[str]:
    """Return a vector of strings as Python text."""
    return [item.decode() if isinstance(item, bytes) else str(item) for item in np.asarray(value).reshape(-1)]


def parse_messages(serialized: Value, message: Any, what: str) -> list[Any]:
    """Return the messages of a scalar or vector of strings.

    Raises:
        InvalidArgumentError: if one of them is no message of the type.
    """
    result = []
    for item in np.asarray(serialized, dtype=object).reshape(-1):
        try:
            result.append(message.FromString(item))
        except DecodeError:
            shown = item.decode(errors="replace")
            raise invalid(f"Could not parse {what} input, value: '{shown}'") from None
    return result


def example_names(names: Value, count: int) -> list[str]:
    """Return the names of examples for messages; `<unknown>` where there are none.

    Raises:
        InvalidArgumentError: if there are some, but not one for each.
    """
    given = text_list(names)
    if not given:
        return ["<unknown>"] * count
    if len(given) != count:
        raise invalid(f"Expected len(names) == len(serialized), got {len(given)} names and {count} examples")
    return given


@dataclass(frozen=True)
class Row:
    """The features of one example, or of one step of a sequence.

    Attributes:
        features: the messages by key.
        name: the example's name.
        index: the example's place in the batch.
    """

    features: Any
    name: str
    index: int

    def values(self, key: str, dtype: DType) -> Any | None:
        """Return the values of a feature, None where it is missing or empty.

        Raises:
            InvalidArgumentError: if it holds values of another type.
        """
        if key not in self.features:
            return None
        return values_of(self.features[key], dtype, lambda: f"Name: {self.name}, Key: {key}, Index: {self.index}.")


def values_of(feature: Any, dtype: DType, label: Callable[[], str]) -> Any | None:
    """Return the values of a feature message, None for one that is empty.

    Raises:
        InvalidArgumentError: if it holds values of another type; `label` gives the beginning of the message.
    """
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    if _KINDS[kind] is not dtype:
        raise invalid(f"{label()}  Data types don't match. Expected type: {_NAMES[dtype]}, got: {_NAMES[_KINDS[kind]]}")
    return getattr(feature, kind).value


def as_array(values: Any, dtype: DType) -> np.ndarray:
    """Return values as a NumPy vector."""
    if dtype is dtypes.string:
        result = np.empty(len(values), dtype=object)
        result[:] = list(values)
        return result
    return np.fromiter(values, dtype=dtype.as_numpy_dtype, count=len(values))


def filled(shape: Sequence[int], dtype: DType, default: Any = None) -> np.ndarray:
    """Return an array that holds one value, 0 or the empty string by default."""
    if default is None:
        default = b"" if dtype is dtypes.string else 0
    return np.full(tuple(shape), default, dtype=object if dtype is dtypes.string else dtype.as_numpy_dtype)


def dense(rows: list[Row], key: str, dtype: DType, dims: Dims, default: Value) -> Value:
    """Return a column of fixed shape, or of rows padded to the longest where `dims` begins with None.

    Args:
        rows: the examples.
        key, dtype, dims: of the feature.
        default: what stands for a missing one, no elements if it is required; for rows to be padded, what pads.
    Returns:
        The values, of shape (len(rows), *dims).
    Raises:
        InvalidArgumentError: if a feature is missing, of another type or of another number of values.
    """
    assert dims is not None
    fallback = np.asarray(array.to_numpy(default))
    if dims and dims[0] is None:
        return _padded(rows, key, dtype, dims[1:], fallback)
    size = int(np.prod(dims, dtype=np.int64))  # type: ignore[arg-type]
    result = filled((len(rows), size), dtype)
    for place, row in enumerate(rows):
        values = row.values(key, dtype)
        if values is None:
            if fallback.size == 0 and size:
                raise invalid(
                    f"Name: {row.name}, Feature: {key} (data type: {_NAMES[dtype]}) is required but could not be found."
                )
            result[place] = fallback.reshape(-1)
            continue
        if len(values) != size:
            raise invalid(
                f"Name: {row.name}, Key: {key}, Index: {row.index}.  Number of {_NAMES[dtype]} values != expected.  "
                f"Values size: {len(values)} but output shape: {list(dims)}"
            )
        result[place] = as_array(values, dtype)
    return array.from_numpy(result.reshape(len(rows), *dims))


def _padded(rows: list[Row], key: str, dtype: DType, inner: tuple[int | None, ...], fallback: np.ndarray) -> Value:
    stride = int(np.prod(inner, dtype=np.int64))  # type: ignore[arg-type]
    found = [row.values(key, dtype) or [] for row in rows]
    for row, values in zip(rows, found, strict=True):
        if stride == 0 or len(values) % stride:
            raise invalid(
                f"Name: {row.name}, Key: {key}, Index: {row.index}.  Number of {_NAMES[dtype]} values is not a "
                "multiple "
                f"of stride length. Saw {len(values)} values but output shape is: {[None, *inner]}"
            )
    longest = max((len(values) for values in found), default=0)
    result = filled((len(rows), longest), dtype, fallback.reshape(-1)[0] if fallback.size else None)
    for place, values in enumerate(found):
        result[place, : len(values)] = as_array(values, dtype)
    return array.from_numpy(result.reshape(len(rows), longest // stride if stride else 0, *inner))


def sparse(rows: list[Row], key: str, dtype: DType) -> tuple[Array, Value, Array]:
    """Return a column of any lengths as indices (n, 2), values (n,) and shape (rows, longest)."""
    return sparse_of([row.values(key, dtype) or [] for row in rows], dtype)


def sparse_of(lists: Sequence[Any], dtype: DType) -> tuple[Array, Value, Array]:
    """Return lists of values as indices (n, 2), values (n,) and shape (lists, longest)."""
    lengths = [len(values) for values in lists]
    owners = np.repeat(np.arange(len(lists)), lengths)
    places = np.concatenate([np.arange(length) for length in lengths]) if lengths else np.empty(0, np.int64)
    indices = np.stack([owners, places], axis=1).astype(np.int64)
    shape = torch.tensor([len(lists), max(lengths, default=0)], dtype=torch.int64)
    return array.from_numpy(indices), concatenated(lists, dtype), shape


def concatenated(lists: Sequence[Any], dtype: DType) -> Value:
    """Return the values of all lists as one vector."""
    return array.from_numpy(as_array([value for values in lists for value in values], dtype))


def splits(lengths: Sequence[int], dtype: DType) -> Array:
    """Return where rows of these lengths begin and end."""
    return array.from_numpy(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(dtype.as_numpy_dtype))


def ragged(rows: list[Row], key: str, dtype: DType, split_dtype: DType) -> tuple[Value, Array]:
    """Return a column of any lengths as values (n,) and row splits (rows + 1,)."""
    found = [row.values(key, dtype) or [] for row in rows]
    return concatenated(found, dtype), splits([len(values) for values in found], split_dtype)
