"""Windows: weights for the samples of a frame."""

from __future__ import annotations

import math
from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.inference import partial_value
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import constant
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import exp
from penstock.ops.math.sequence import range as range_of
from penstock.ops.math.trigonometric import cos, sin
from penstock.ops.math.unary import sqrt, square


def _checked_dtype(dtype: Any) -> Any:
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype.name}")
    return dtype


def _known_length(window_length: Any) -> Any:
    if isinstance(window_length, Tensor):
        known = partial_value(window_length)
        return window_length if known is None else known
    return int(window_length)


def _raised_cosine(
    name: str | None, default: str, length: Any, periodic: Any, dtype: Any, a: float, b: float
) -> Tensor:
    dtype = _checked_dtype(dtype)
    with name_scope(name, default, [length, periodic]):
        length = _known_length(length)
        if isinstance(length, int):
            if length == 1:
                return constant([1.0], dtype)
            points = length - 1 + (1 if periodic and length % 2 == 0 else 0)
            count: Any = constant(float(points), dtype)
        else:
            even = 1 - length % 2
            is_periodic = cast(periodic, dtypes.int32)
            count = cast(length + is_periodic * even - 1, dtype)
        steps = cast(range_of(length), dtype)
        return cast(a - b * cos(constant(2 * math.pi, dtype) * steps / count), dtype)


def hann_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Return a Hann window, a raised cosine that ends in 0.

    Args:
        window_length: the number of samples.
        periodic: whether the window is one period of a longer one, as spectral analysis takes it, or symmetric.
        dtype: a floating type.
        name: the name of the scope.
    Raises:
        ValueError: for another type.
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Return a Hamming window, a raised cosine that ends in 0.08; see `hann_window`."""
    return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Return a Kaiser window.

    Args:
        window_length: the number of samples.
        beta: how narrow it is; 0 makes it rectangular.
        dtype: a floating type.
        name: the name of the scope.
    Raises:
        ValueError: for another type.
    """
    with name_scope(name, "kaiser_window"):
        dtype = _checked_dtype(dtype)
        length = _known_length(window_length)
        if length == 1:
            return constant([1.0], dtype)
        half = (cast(length, dtype) - 1) / 2
        place = (cast(range_of(length), dtype) - half) / half
        inner = cast(beta, dtype) * sqrt(deferred("Maximum")(1 - square(place), cast(0.0, dtype)))
        peak = cast(beta, dtype)
        scaled = deferred("BesselI0e")(inner) / deferred("BesselI0e")(peak)
        return scaled * exp(deferred("Abs")(inner) - deferred("Abs")(peak))


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Return the window that a Kaiser window gives for the modified cosine transform; see `kaiser_window`."""
    with name_scope(name, "kaiser_bessel_derived_window"):
        half = _known_length(window_length) // 2
        kaiser = kaiser_window(half + 1, beta, dtype)
        sums = deferred("Cumsum")(kaiser, 0)
        rising = sqrt(sums[:-1] / sums[-1])
        return deferred("ConcatV2")([rising, deferred("ReverseV2")(rising, [0])], 0)


def vorbis_window(window_length: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Return the window of the Vorbis codec.

    Args:
        window_length: the number of samples.
        dtype: a floating type.
        name: the name of the scope.
    """
    with name_scope(name, "vorbis_window"):
        dtype = _checked_dtype(dtype)
        length = _known_length(window_length)
        steps = cast(range_of(length), dtype) + 0.5
        inner = sin(constant(math.pi, dtype) * steps / cast(length, dtype))
        return sin(constant(math.pi / 2, dtype) * square(inner))
