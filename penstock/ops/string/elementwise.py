"""Functions over the elements of string arrays, which kernels of this room share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core.array import Value
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape_rules import format_dims


def map_strings(function: Callable[[bytes], bytes], strings: Value) -> Value:
    """Return a string array of the same shape with `function` applied to each element."""
    return as_strings([function(item) for item in strings.reshape(-1)], strings.shape)


def as_strings(items: Sequence[bytes], shape: tuple[int, ...]) -> Value:
    """Return a list of byte strings as an array of the given shape."""
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result.reshape(shape)


def single(value: Value, name: str) -> bytes:
    """Return the one string of an input that must be a scalar.

    Raises:
        InvalidArgumentError: if it has axes.
    """
    if value.shape:
        raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {format_dims(value.shape)}")
    return value[()]


def invalid(message: str) -> Any:
    """Return the error for an invalid value."""
    return InvalidArgumentError(None, None, message)
