"""Shapes that are inputs of random operations."""

from __future__ import annotations

import math
from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.ops.array.common import check_allocation


def checked_shape(shape: Any) -> tuple[list[int], int]:
    """Return a shape that is the input of a kernel, with the number of elements.

    Raises:
        InvalidArgumentError: if it is no vector, or has a negative size.
        ResourceExhaustedError: if so many elements do not fit the memory.
    """
    if not isinstance(shape, list) or any(isinstance(size, list) for size in shape):
        raise InvalidArgumentError(None, None, f"shape must be a vector of {{int32,int64}}, got {shape}")
    for size in shape:
        if size < 0:
            raise InvalidArgumentError(None, None, f"Dimension {size} must be >= 0, in the shape {shape}")
    check_allocation(shape, 1)
    return shape, math.prod(shape)


def dims_of_shape(shape: Any) -> Dims:
    """Return the static shape that a partly known shape input describes.

    Raises:
        ShapeError: if it is no vector, or has a negative size.
    """
    if shape is None:
        return None
    if not isinstance(shape, list) or any(isinstance(size, list) for size in shape):
        raise ShapeError(f"shape must be a vector of {{int32,int64}}, got {shape}")
    for size in shape:
        if size is not None and size < 0:
            raise ShapeError(f"Dimension {size} must be >= 0, in the shape {shape}")
    return tuple(shape)


def from_shape(shape: Any, *rest: Any, **attrs: Any) -> Dims:
    """The rule of operations whose output has the shape that their first input describes."""
    return dims_of_shape(shape)


def from_shape_and_parameter(shape: Any, parameter: Dims, **attrs: Any) -> Dims:
    """The rule of operations that draw `shape` numbers for each element of a parameter."""
    dims = dims_of_shape(shape)
    return None if dims is None or parameter is None else dims + parameter
