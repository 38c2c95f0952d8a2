"""Tables as operations see them: dictionaries from Python keys to values, behind resource handles."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, resource
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from penstock.core.shape import Dims


def _rows(value: np.ndarray, ndim: int) -> list[Any]:
    """Return a value's elements, or its subarrays of `ndim` axes, as hashable keys or storable values."""
    if not ndim:
        return value.reshape(-1).tolist()
    return list(value.reshape(-1, *value.shape[value.ndim - ndim :]))


class Table:
    """A table whose keys and values are fixed once it is initialized.

    Attributes:
        name: for messages.
        key_dtype, value_dtype: the types of keys and values.
        value_dims: the shape of a value.
    """

    def __init__(self, name: str, key_dtype: DType, value_dtype: DType, value_dims: Dims = ()) -> None:
        self.name = name
        self.key_dtype = key_dtype
        self.element_dtype = value_dtype
        self.value_dims: tuple[int, ...] = tuple(value_dims or ())  # type: ignore[arg-type]
        self.is_initialized = False
        self._entries: dict[Any, Any] = {}  # guarded by self._lock
        self._lock = threading.RLock()

    # What `array.dtype_of` asks of a runtime value.
    value_dtype = resource

    def detach(self) -> None:
        """Do nothing: what a lookup gave is not the table's. Programs ask this of all resources."""

    def __len__(self) -> int:
        return len(self._entries)

    def check_types(self, key_dtype: DType | None, value_dtype: DType | None) -> None:
        """Check the types of keys and values that come in.

        Raises:
            InvalidArgumentError: if the table has others.
        """
        for what, given, own in (("Key", key_dtype, self.key_dtype), ("Value", value_dtype, self.element_dtype)):
            if given is not None and given != own:
                raise InvalidArgumentError(
                    None, None, f"{what} must be type {own.name} but got {given.name}, in table {self.name}"
                )

    def _check_initialized(self) -> None:
        if not self.is_initialized:
            raise FailedPreconditionError(
                None,
                None,
                f"Table not initialized: {self.name}. Run tf.tables_initializer() (or the table's initializer) first.",
            )

    def find(self, keys: Value, default: Value) -> Value:
        """Return the values of keys, `default` for those that are not in the table."""
        self._check_initialized()
        return self._find(keys, default)

    def _find(self, keys: Value, default: Value) -> Value:
        outer = array.dims_of(keys)
        defaults = np.asarray(array.to_numpy(default))
        wanted = self._keys(keys)
        shape = (*outer, *self.value_dims)
        if defaults.shape == self.value_dims:
            fallback = _rows(defaults[None], len(self.value_dims))[0]
            found = [self._entries.get(key, fallback) for key in wanted]
        elif defaults.shape == shape:
            fallbacks = _rows(defaults, len(self.value_dims))
            found = [self._entries.get(key, other) for key, other in zip(wanted, fallbacks, strict=True)]
        else:
            raise InvalidArgumentError(
                None,
                None,
                f"Expected shape {list(self.value_dims)} or {list(shape)} for default value, got "
                f"{list(defaults.shape)}",
            )
        return self._as_value(found, self.element_dtype, shape)

    @staticmethod
    def _as_value(items: list[Any], dtype: DType, shape: tuple[int, ...]) -> Value:
        if dtype.name == "string":
            result = np.empty(len(items), dtype=object)
            result[:] = items
            return result.reshape(shape) if not items or not isinstance(items[0], np.ndarray) else np.stack(items)
        return array.from_numpy(np.array(items, dtype=dtype.as_numpy_dtype).reshape(shape))

    def _keys(self, keys: Value) -> list[Any]:
        return np.asarray(array.to_numpy(keys)).reshape(-1).tolist()

    def _pairs(self, keys: Value, values: Value) -> tuple[list[Any], list[Any]]:
        self._check_pair_shapes(array.dims_of(keys), array.dims_of(values))
        return self._keys(keys), _rows(np.array(array.to_numpy(values)), len(self.value_dims))

    def _check_pair_shapes(self, keys: tuple[int, ...], values: tuple[int, ...]) -> None:
        if values != (*keys, *self.value_dims):
            raise InvalidArgumentError(
                None, None, f"Expected shape {[*keys, *self.value_dims]} for value, got {list(values)}"
            )

    def initialize(self, keys: Value, values: Value) -> None:
        """Fill the table; a second time only with the same entries.

        Raises:
            FailedPreconditionError: if a key has two values, or the table has other entries.
        """
        new: dict[Any, Any] = {}
        for key, value in zip(*self._pairs(keys, values), strict=True):
            if new.setdefault(key, value) != value:
                raise FailedPreconditionError(
                    None,
                    None,
                    f"HashTable has different value for same key. Key {_shown(key)} has {_shown(new[key])} and trying "
                    f"to add value {_shown(value)}",
                )
        with self._lock:
            if self.is_initialized and new != self._entries:
                raise FailedPreconditionError(None, None, f"Table already initialized: {self.name}")
            self._entries = new
            self.is_initialized = True

    replace = initialize

    def insert(self, keys: Value, values: Value) -> None:
        """Refuse: the entries are fixed."""
        raise UnimplementedError(None, None, f"Insert is not supported by the table {self.name}, which is immutable")

    def remove(self, keys: Value) -> None:
        """Refuse: the entries are fixed."""
        raise UnimplementedError(None, None, f"Remove is not supported by the table {self.name}, which is immutable")

    def export(self) -> tuple[Value, Value]:
        """Return all keys and all values."""
        self._check_initialized()
        with self._lock:
            keys, values = list(self._entries), list(self._entries.values())
        return (
            self._as_value(keys, self.key_dtype, (len(keys),)),
            self._as_value(values, self.element_dtype, (len(keys), *self.value_dims)),
        )


def _shown(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class MutableTable(Table):
    """A table to which entries are added and from which they are removed."""

    def __init__(self, name: str, key_dtype: DType, value_dtype: DType, value_dims: Dims = ()) -> None:
        super().__init__(name, key_dtype, value_dtype, value_dims)
        self.is_initialized = True

    def insert(self, keys: Value, values: Value) -> None:
        """Add entries, in place of those with the same keys."""
        pairs = list(zip(*self._pairs(keys, values), strict=True))
        with self._lock:
            self._entries.update(pairs)

    def replace(self, keys: Value, values: Value) -> None:
        """Replace all entries."""
        pairs = list(zip(*self._pairs(keys, values), strict=True))
        with self._lock:
            self._entries = dict(pairs)

    initialize = replace

    def remove(self, keys: Value) -> None:
        """Remove the entries of keys, as far as there are any."""
        wanted = self._keys(keys)
        with self._lock:
            for key in wanted:
                self._entries.pop(key, None)


class DenseTable(MutableTable):
    """A table with two keys that no entry may have; keys may be vectors.

    Args:
        name, key_dtype, value_dtype, value_dims: see `Table`.
        empty_key, deleted_key: the two keys, of one shape.
    """

    def __init__(
        self, name: str, key_dtype: DType, value_dtype: DType, value_dims: Dims, empty_key: Value, deleted_key: Value
    ) -> None:
        super().__init__(name, key_dtype, value_dtype, value_dims)
        self.key_dims = array.dims_of(empty_key)
        if len(self.key_dims) > 1:
            raise InvalidArgumentError(
                None, None, f"Empty key must be a scalar or a vector, got shape {list(self.key_dims)}"
            )
        if deleted_key is not None and array.dims_of(deleted_key) != self.key_dims:
            raise InvalidArgumentError(
                None,
                None,
                f"Empty and deleted keys must have same shape, got shapes: {list(self.key_dims)} and "
                f"{list(array.dims_of(deleted_key))}",
            )
        self._reserved: dict[Any, str] = {}
        empty = self._keys(empty_key)[0]
        if deleted_key is not None:
            deleted = self._keys(deleted_key)[0]
            if deleted == empty:
                raise InvalidArgumentError(None, None, "Empty and deleted keys cannot be equal")
            self._reserved[deleted] = "deleted_key"
        self._reserved[empty] = "empty_key"

    def _keys(self, keys: Value) -> list[Any]:
        numbers = np.asarray(array.to_numpy(keys))
        if not self.key_dims:
            found = numbers.reshape(-1).tolist()
        else:
            if numbers.shape[numbers.ndim - 1 :] != self.key_dims:
                raise InvalidArgumentError(
                    None, None, f"Expected keys of shape {list(self.key_dims)}, got shape {list(numbers.shape)}"
                )
            found = [tuple(row) for row in numbers.reshape(-1, *self.key_dims).tolist()]
        for key in found:
            if key in getattr(self, "_reserved", ()):
                raise InvalidArgumentError(None, None, f"Using the {self._reserved[key]} as a table key is not allowed")
        return found

    def _find(self, keys: Value, default: Value) -> Value:
        found = super()._find(keys, default) if not self.key_dims else None
        if found is not None:
            return found
        outer = array.dims_of(keys)[:-1]
        fallback = _rows(np.asarray(array.to_numpy(default))[None], len(self.value_dims))[0]
        values = [self._entries.get(key, fallback) for key in self._keys(keys)]
        return self._as_value(values, self.element_dtype, (*outer, *self.value_dims))

    def _check_pair_shapes(self, keys: tuple[int, ...], values: tuple[int, ...]) -> None:
        super()._check_pair_shapes(keys[: len(keys) - len(self.key_dims)], values)

    def export(self) -> tuple[Value, Value]:
        """Return all keys and all values."""
        with self._lock:
            keys, values = list(self._entries), list(self._entries.values())
        rows = (
            [np.array(key, dtype=object) for key in keys] if self.key_dims and self.key_dtype.name == "string" else keys
        )
        return (
            self._as_value(rows, self.key_dtype, (len(keys), *self.key_dims)),
            self._as_value(values, self.element_dtype, (len(keys), *self.value_dims)),
        )
