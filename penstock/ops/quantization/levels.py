"""What integers of quantized types stand for within a range, as TensorFlow's arithmetic on them counts.

The levels of a type divide its range evenly, and zero is exactly one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.ops.quantization.ranges import limits


def single(value: Array, name: str) -> float:
    """Return the end of a range, which must be one number.

    Raises:
        InvalidArgumentError: if it is not.
    """
    if value.numel() != 1:
        raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {list(value.shape)}")
    return float(value.reshape(()))


def stored(levels: Array, dtype: DType) -> Array:
    """Return integers clamped to what a quantized type holds, in its form."""
    first, last = limits(dtype)
    return levels.clamp(first, last).to(torch.int64).to(array.torch_dtype(dtype))


def wide(levels: Array) -> Array:
    """Return the integers of any quantized type as int64."""
    return (levels.to(torch.int32) if levels.dtype == torch.uint16 else levels).to(torch.int64)


def numbers_of(levels: Array, low: float, high: float, dtype: DType) -> Array:
    """Return the numbers that integers stand for: float64, with the precision of float32."""
    if low == high:
        return torch.full(levels.shape, low, dtype=torch.float64, device=levels.device)
    first, last = limits(dtype)
    step = (high - low) / (last - first)
    narrow = float(torch.tensor(step, dtype=torch.float32))
    numbers = _rounded(low / narrow) * narrow + (wide(levels) - first).to(torch.float64) * step
    return numbers.to(torch.float32).to(torch.float64)


def levels_of(numbers: Any, low: float, high: float, dtype: DType) -> Array:
    """Return the integers that are nearest to numbers, as float64 and not clamped to what the type holds."""
    numbers = torch.as_tensor(numbers, dtype=torch.float64)
    if low == high:
        return torch.zeros_like(numbers)
    first, last = limits(dtype)
    scale = (last - first) / (high - low)
    return _away(numbers * scale) - _rounded(low * scale) + first


def zero_level(low: float, high: float, dtype: DType) -> int:
    """Return the integer that stands for 0."""
    return int(levels_of(0.0, low, high, dtype))


def _level_width(low: float, high: float, dtype: DType) -> np.float32:
    first, last = limits(dtype)
    return np.float32(np.float32(high - low) / np.float32(last - first))


def product_range(a: tuple[float, float, DType], b: tuple[float, float, DType], dtype: DType) -> tuple[float, float]:
    """Return the range in which one level of `dtype` is the product of a level of `a` and one of `b`."""
    step = _level_width(*a) * _level_width(*b)
    first, last = limits(dtype)
    return float(step * np.float32(first)), float(step * np.float32(last))


def in_new_range(levels: Array, old: tuple[float, float, DType], new: tuple[float, float, DType]) -> Array:
    """Return what stands for the same numbers within another range."""
    if old[2] is dtypes.qint32 and new[2] is dtypes.quint8 and old[0] != old[1] and new[0] != new[1]:
        return _in_fixed_point(levels, old, new)
    return stored(levels_of(numbers_of(levels, *old), *new), new[2])


def _in_fixed_point(levels: Array, old: tuple[float, float, DType], new: tuple[float, float, DType]) -> Array:
    """Return what `in_new_range` does, with 16 bits behind the point, in which TensorFlow computes this most frequent
    case."""
    (low, high, _), (new_low, new_high, dtype) = old, new
    unit = 255.0 * (1 << 16) / (new_high - new_low)
    scale = int(unit * (high - low))
    # The product needs more than 64 bits: high and low halves of the levels are scaled apart.
    value = wide(levels)
    upper, lower = value >> 16, value & 0xFFFF
    scaled = (upper * scale + ((lower * scale) >> 16)) >> 16
    places = scaled + int(low * unit) + (scale >> 1) - int(new_low * unit) + (1 << 15)
    return stored(places >> 16, dtype)


def scalar_range(low: float, high: float) -> tuple[Array, Array]:
    """Return the ends of a range as outputs of an operation."""
    return torch.tensor(low, dtype=torch.float32), torch.tensor(high, dtype=torch.float32)


def with_scalar_range(dims: Dims, *ends: Dims) -> tuple[Dims, Dims, Dims]:
    """Return the shapes of a result and its range; the ends of the given ranges must be scalars."""
    for end in ends:
        expect_rank(end, 0, "the end of a range")
    return dims, (), ()


def _away(values: Array) -> Array:
    return torch.where(values < 0, (values - 0.5).ceil(), (values + 0.5).floor())


def _rounded(value: float) -> float:
    return float(_away(torch.tensor(value, dtype=torch.float64)))
