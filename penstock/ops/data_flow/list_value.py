"""The value of a list of tensors: immutable to those who hold it, and cheap to extend.

A list that a loop carries is replaced in every iteration by one that differs in one element. All versions share one
Python list, which belongs to the newest; each older version knows the one element in which it differs from the next
newer one, and takes the list back when it is asked for. So a loop pays the same for each push, pop or write however
long the list is, and a version that nobody holds any more is freed with the element that only it had.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import format_dims

_ABSENT: Any = object()
_NONE, _SEVERAL = -1, -2  # what TensorList._sole is when there is not exactly one element with a value
_lock = threading.Lock()  # guards which version has the Python list


def _exchange(items: list[Any], index: int, value: Any) -> Any:
    """Put `value` at a position (the end extends the list, no value shortens it), and return what was there."""
    if value is _ABSENT:
        return items.pop()
    if index == len(items):
        items.append(value)
        return _ABSENT
    old = items[index]
    items[index] = value
    return old


class TensorList:
    """A list of values of one type; None stands for an element that nothing was written to, which reads as zeros.

    Args:
        element_dtype: the type of the elements.
        element_dims: what the shapes of all elements have in common.
        items: the elements; the list keeps this Python list.
        max_size: the largest number of elements, -1 for any.
        is_blank: whether no element has a value, where that is known.

    Attributes:
        size: the number of elements.
    """

    __slots__ = ("_change", "_items", "_newer", "_sole", "element_dims", "element_dtype", "max_size", "size")

    def __init__(
        self,
        element_dtype: DType,
        element_dims: Dims,
        items: list[Any],
        max_size: int = -1,
        is_blank: bool | None = None,
    ) -> None:
        self.element_dtype = element_dtype
        self.element_dims = element_dims
        self.max_size = max_size
        self.size = len(items)
        self._items: list[Any] | None = items
        self._newer: TensorList | None = None
        self._change: tuple[int, Any] = (0, _ABSENT)
        if is_blank is None:
            is_blank = all(item is None for item in items)
        self._sole = _NONE if is_blank else _SEVERAL

    def _take(self) -> list[Any]:
        """Return the Python list, as it is in this version. The caller holds the lock."""
        newer_first: list[TensorList] = []
        version = self
        while version._items is None:
            newer_first.append(version)
            assert version._newer is not None
            version = version._newer
        items = version._items
        for older in reversed(newer_first):
            index, value = older._change
            version._change = index, _exchange(items, index, value)
            version._items, version._newer = None, older
            older._items, older._newer = items, None
            version = older
        return items

    def _changed(self, index: int, value: Any) -> tuple[TensorList, Any]:
        """Return the list with another value at a position, and the value that was there."""
        result = TensorList.__new__(TensorList)
        result.element_dtype = self.element_dtype
        result.element_dims = self.element_dims
        result.max_size = self.max_size
        with _lock:
            items = self._take() if self._items is None else self._items
            if self._sole == _NONE:
                # Fresh lists may be constants of a program, that all runs and threads start from.
                items = list(items)
                old = _exchange(items, index, value)
            else:
                old = _exchange(items, index, value)
                self._change = index, old
                self._items, self._newer = None, result
            result._items, result._newer, result.size = items, None, len(items)
        result._sole = index if self._sole in (_NONE, index) and value is not _ABSENT else _SEVERAL
        return result, old

    # Reading

    def items(self) -> list[Any]:
        """Return all elements, None where nothing was written."""
        with _lock:
            return list(self._take())

    def get(self, index: int) -> Any:
        """Return an element, None if nothing was written to it.

        Raises:
            InvalidArgumentError: if the index is out of range.
        """
        if not 0 <= index < self.size:
            raise InvalidArgumentError(
                None, None, f"Trying to access element {index} in a list with {self.size} elements."
            )
        with _lock:
            return self._take()[index]

    def known_dims(self) -> Dims:
        """Return what the elements' shapes are known to have in common: the written ones tell the sizes that were left
        open."""
        dims = self.element_dims
        if dims is not None and None not in dims:
            return dims
        shapes = {array.dims_of(item) for item in self.items() if item is not None}
        return shapes.pop() if len(shapes) == 1 else dims

    # Other lists

    def push(self, value: Any) -> TensorList:
        """Return the list with one more element.

        Raises:
            InvalidArgumentError: if it is full.
        """
        if 0 <= self.max_size <= self.size:
            raise InvalidArgumentError(
                None,
                None,
                f"Tried to push item into a full list list size: {self.size} max_num_elements: {self.max_size}",
            )
        return self._changed(self.size, value)[0]

    def pop(self) -> tuple[TensorList, Any]:
        """Return the list without its last element, and that element.

        Raises:
            InvalidArgumentError: if the list is empty.
        """
        if not self.size:
            raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
        return self._changed(self.size - 1, _ABSENT)

    def set(self, index: int, value: Any) -> TensorList:
        """Return the list with another element at a position.

        Raises:
            InvalidArgumentError: if the index is out of range.
        """
        if not 0 <= index < self.size:
            raise InvalidArgumentError(
                None, None, f"Trying to modify element {index} in a list with {self.size} elements."
            )
        return self._changed(index, value)[0]

    def replaced(self, items: list[Any]) -> TensorList:
        """Return a list of the same kind with other elements."""
        return TensorList(self.element_dtype, self.element_dims, items, self.max_size)

    def resized(self, size: int) -> TensorList:
        """Return the list cut to, or extended by elements without a value to, `size` elements."""
        if size == self.size:
            return self
        return self.replaced(self.items()[:size] + [None] * (size - self.size))

    def to_device(self, location: str) -> TensorList:
        """Return the list with its elements on a device of the kernel library."""
        return self.replaced([array.to_device(item, location) for item in self.items()])

    def zeros_like(self) -> TensorList:
        """Return a list whose elements are zeros of the same shapes."""
        dims = self.known_dims()
        if self.element_dtype.name != "variant" and dims is not None and None not in dims:
            return TensorList(self.element_dtype, dims, [None] * self.size, is_blank=True)
        return self.replaced([None if item is None else _zeros_like(item) for item in self.items()])

    def __add__(self, other: TensorList) -> TensorList:
        """Return the list of the sums of elements; the shorter list counts as extended by zeros."""
        if not isinstance(other, TensorList):
            return NotImplemented
        if self.size == other.size:
            if self._sole == _NONE:
                return other
            if other._sole == _NONE:
                return self
            if other._sole != _SEVERAL:
                return self._with_added(other._sole, other)
            if self._sole != _SEVERAL:
                return other._with_added(self._sole, self)
        size = max(self.size, other.size)
        pairs = zip(self.resized(size).items(), other.resized(size).items(), strict=True)
        return self.replaced([_add(a, b) for a, b in pairs])

    def _with_added(self, index: int, other: TensorList) -> TensorList:
        return self.set(index, _add(self.get(index), other.get(index)))

    def __repr__(self) -> str:
        return f"<TensorList of {self.size} {self.element_dtype.name} {format_dims(self.element_dims)}>"


def _zeros_like(value: Value) -> Value:
    if isinstance(value, torch.Tensor):
        return torch.zeros_like(value)
    if isinstance(value, np.ndarray):
        return np.full(value.shape, b"", dtype=object)
    return value.zeros_like()


def _add(a: Value, b: Value) -> Value:
    if a is None or b is None:
        return b if a is None else a
    if array.dims_of(a) != array.dims_of(b):
        raise InvalidArgumentError(
            None,
            None,
            f"elements to be added must have one shape, got {format_dims(array.dims_of(a))} and "
            f"{format_dims(array.dims_of(b))}",
        )
    return a + b


def zeros(dims: Sequence[int], dtype: DType, like: Sequence[Value] = ()) -> Value:
    """Return the value of an element to which nothing was written.

    Args:
        dims: its shape.
        dtype: its type.
        like: other elements, on whose device it is made.
    """
    if dtype.name == "string":
        return np.full(tuple(dims), b"", dtype=object)
    if dtype.name == "variant":
        return TensorList(dtype, None, [])
    device = next((item.device for item in like if isinstance(item, torch.Tensor)), None)
    return torch.zeros(tuple(dims), dtype=array.torch_dtype(dtype), device=device)


def stacked(values: Sequence[Value]) -> Value:
    """Return values of one shape as one value with a new first axis."""
    if isinstance(values[0], np.ndarray):
        return np.stack(values)
    return torch.stack(list(values))


def joined(values: Sequence[Value]) -> Value:
    """Return values as one along their first axis."""
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    return torch.cat(list(values))


def rows(value: Value) -> list[Value]:
    """Return the parts of a value along its first axis, as views."""
    if isinstance(value, np.ndarray):
        return [value[i : i + 1].reshape(value.shape[1:]) for i in range(value.shape[0])]
    return list(value.unbind(0))
