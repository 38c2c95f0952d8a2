"""Arrays from values: conversion and promotion of arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor, is_tensor_like
from penstock.core.dtypes import DType, float32, float64
from penstock.core.tensor import Tensor
from penstock.numpy_api.dtypes import has_tensors, python_array, result_type, tensor_dtype
from penstock.ops.array import joining
from penstock.ops.math.cast import cast


def to_tensor(value: Any, dtype: Any = None) -> Tensor:
    """Return a value as a tensor, by NumPy's rules for the types of Python numbers.

    Args:
        value: a tensor, a variable, an array, a number, or a nested list of those.
        dtype: the type to cast to; by default the value's own.
    """
    wanted = None if dtype is None else tensor_dtype(dtype)
    if isinstance(value, Tensor) or is_tensor_like(value):
        tensor = convert_to_tensor(value)
        return tensor if wanted in (None, tensor.dtype.base_dtype) else cast(tensor, wanted)
    if isinstance(value, (list, tuple)) and has_tensors(value):
        common = wanted or result_type(value)
        return joining.stack([to_tensor(item, common) for item in value])
    numbers = python_array(value)
    if numbers.dtype == object or numbers.dtype.kind in "SU":
        return convert_to_tensor(value, wanted)
    if wanted is not None:
        numbers = numbers.astype(wanted.as_numpy_dtype)
    return convert_to_tensor(numbers)


def promoted(*values: Any) -> list[Tensor]:
    """Return values as tensors of the type to which NumPy promotes them."""
    dtype = result_type(*values)
    return [to_tensor(value, dtype) for value in values]


def floating(value: Any) -> Tensor:
    """Return a value as a tensor of a floating or complex type; integers and booleans become float64."""
    tensor = to_tensor(value)
    return tensor if is_inexact(tensor.dtype) else cast(tensor, float64)


def promoted_floating(*values: Any) -> list[Tensor]:
    """Return values as tensors of one floating or complex type."""
    dtype = result_type(*values)
    return [to_tensor(value, dtype if is_inexact(dtype) else float64) for value in values]


def is_inexact(dtype: DType) -> bool:
    """Tell whether a type is floating or complex."""
    return dtype.is_floating or dtype.is_complex


def quotient_dtype(dtype: DType) -> DType:
    """Return the type of quotients: float32 for integers of up to 16 bits, float64 for the others and for booleans."""
    if is_inexact(dtype):
        return dtype
    return float32 if dtype.is_integer and dtype.size <= 2 else float64


def known_rank(tensor: Tensor, function: str) -> int:
    """Return the rank of a tensor.

    Raises:
        ValueError: if it is not known while the graph is built.
    """
    if tensor.ndim is None:
        raise ValueError(f"{function} needs an array of known rank, got {tensor!r}. Call its set_shape first.")
    return tensor.ndim


def normalized_axis(axis: Any, rank: int) -> int:
    """Return an axis counted from the front.

    Raises:
        ValueError: if there is no such axis.
    """
    index = int(axis)
    if not -rank <= index < rank:
        raise ValueError(f"axis {index} is out of bounds for an array of {rank} dimensions: use {-rank} to {rank - 1}")
    return index % rank


def normalized_axes(axes: Any, rank: int) -> list[int]:
    """Return one or several axes as a list, counted from the front."""
    items = axes if isinstance(axes, (list, tuple)) else np.atleast_1d(np.asarray(axes)).tolist()
    return [normalized_axis(axis, rank) for axis in items]
