"""Resampling along an axis: which positions a result reads, and with which weights."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from penstock.core.array import Array

# Weights whose sum is below this are not scaled to sum to 1.
_SMALLEST_TOTAL = 1000 * float(np.finfo(np.float32).tiny)
_TABLE_SIZE = 1024


class Taps(NamedTuple):
    """How an axis of `positions` is resampled: two arrays of shape (size of the result, reads per element).

    Attributes:
        positions: int64, what each element of the result reads.
        weights: float32, what each read is multiplied by.
    """

    positions: np.ndarray
    weights: np.ndarray


def scale_of(size: int, new_size: int, align_corners: bool) -> np.float32:
    """Return the distance between two neighbours of the result, in pixels of the input."""
    if align_corners and new_size > 1:
        return np.float32(size - 1) / np.float32(new_size - 1)
    return np.float32(size) / np.float32(new_size)


def _places(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    scale = scale_of(size, new_size, align_corners)
    steps = np.arange(new_size, dtype=np.float32)
    return (steps + np.float32(0.5)) * scale - np.float32(0.5) if half_pixel_centers else steps * scale


def bilinear_taps(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    """Return the two neighbours of each place, weighted by nearness."""
    places = _places(size, new_size, align_corners, half_pixel_centers)
    below = np.floor(places)
    part = places - below
    lower = np.maximum(below, 0).astype(np.int64)
    upper = np.minimum(np.ceil(places), size - 1).astype(np.int64)
    return Taps(np.stack([lower, upper], 1), np.stack([1 - part, part], 1).astype(np.float32))


def nearest_positions(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    """Return the one position that each element of the result reads."""
    scale = scale_of(size, new_size, align_corners)
    steps = np.arange(new_size, dtype=np.float32) + np.float32(0.5 if half_pixel_centers else 0.0)
    places = steps * scale
    chosen = np.floor(places + np.float32(0.5)) if align_corners else np.floor(places)
    return np.clip(chosen, 0, size - 1).astype(np.int64)


def _cubic_table(a: float) -> np.ndarray:
    near = np.arange(_TABLE_SIZE + 1, dtype=np.float64) / _TABLE_SIZE
    far = near + 1
    inner = ((a + 2) * near - (a + 3)) * near * near + 1
    outer = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    return np.stack([inner, outer], 1).astype(np.float32)


_CUBIC_TABLES = {True: _cubic_table(-0.5), False: _cubic_table(-0.75)}


def bicubic_taps(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    """Return the four neighbours of each place, with the weights of a tabulated cubic (Keys 1981).

    With `half_pixel_centers` the cubic's coefficient is -0.5 and neighbours outside have no weight; otherwise it is
    -0.75 and the edge is repeated.
    """
    places = _places(size, new_size, align_corners, half_pixel_centers)
    below = np.floor(places)
    offset = np.rint((places - below) * np.float32(_TABLE_SIZE)).astype(np.int64)
    table = _CUBIC_TABLES[half_pixel_centers]
    weights = np.stack(
        [table[offset, 1], table[offset, 0], table[_TABLE_SIZE - offset, 0], table[_TABLE_SIZE - offset, 1]], 1
    )
    wanted = below.astype(np.int64)[:, None] + np.arange(-1, 3)
    positions = np.clip(wanted, 0, size - 1)
    if half_pixel_centers:
        weights = normalized(np.where(positions == wanted, weights, np.float32(0)))
    return Taps(positions, weights.astype(np.float32))


def area_taps(size: int, new_size: int, align_corners: bool) -> Taps:
    """Return the pixels that each element of the result covers, weighted by how much of them it covers."""
    scale = scale_of(size, new_size, align_corners and size > 1)
    start = np.arange(new_size, dtype=np.float32) * scale
    end = np.arange(1, new_size + 1, dtype=np.float32) * scale
    count = int((np.ceil(end) - np.floor(start)).max())
    wanted = np.floor(start).astype(np.int64)[:, None] + np.arange(count)
    covered = np.minimum(wanted + 1, end[:, None]) - np.maximum(wanted, start[:, None])
    weights = np.where(wanted < np.ceil(end)[:, None], np.maximum(covered, 0), 0) / scale
    return Taps(np.clip(wanted, 0, size - 1), weights.astype(np.float32))


def normalized(weights: np.ndarray) -> np.ndarray:
    """Return weights whose rows sum to 1; rows that sum to nearly nothing stay as they are."""
    total = weights.sum(1, keepdims=True)
    return np.where(np.abs(total) >= _SMALLEST_TOTAL, weights / np.where(total == 0, 1, total), weights)


def _lanczos(radius: float, x: np.ndarray) -> np.ndarray:
    safe = np.where(x <= 1e-3, 1.0, x)
    value = radius * np.sin(math.pi * safe) * np.sin(math.pi * safe / radius) / (math.pi**2 * safe * safe)
    return np.where(x > radius, 0.0, np.where(x <= 1e-3, 1.0, value))


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 1.5, 0.0, np.exp(-x * x / (2 * 0.5**2)))


def _box(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - x, 0.0)


def _keys_cubic(x: np.ndarray) -> np.ndarray:
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0.0, np.where(x >= 1, outer, (1.5 * x - 2.5) * x * x + 1))


def _mitchell_cubic(x: np.ndarray) -> np.ndarray:
    outer = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x >= 2, 0.0, np.where(x >= 1, outer, (7 / 6 * x - 2) * x * x + 8 / 9))


# Name of a sampling kernel -> its radius in pixels, and its value at a distance.
SAMPLING_KERNELS = {
    "lanczos1": (1.0, lambda x: _lanczos(1.0, x)),
    "lanczos3": (3.0, lambda x: _lanczos(3.0, x)),
    "lanczos5": (5.0, lambda x: _lanczos(5.0, x)),
    "gaussian": (1.5, _gaussian),
    "box": (1.0, _box),
    "triangle": (1.0, _triangle),
    "keyscubic": (2.0, _keys_cubic),
    "mitchellcubic": (2.0, _mitchell_cubic),
}


def kernel_taps(size: int, new_size: int, scale: float, translation: float, kernel: str, antialias: bool) -> Taps:
    """Return the taps of a sampling kernel for an axis that is scaled and then moved.

    Args:
        size, new_size: pixels of the axis and of the result.
        scale: pixels of the result for a pixel of the input.
        translation: pixels of the result.
        kernel: a key of `SAMPLING_KERNELS`.
        antialias: whether the kernel widens when the axis shrinks.
    """
    radius, value = SAMPLING_KERNELS[kernel]
    inverse = np.float32(1) / np.float32(scale)
    shift = -inverse * np.float32(translation)
    kernel_scale = max(inverse, np.float32(1)) if antialias else np.float32(1)
    places = (np.arange(new_size, dtype=np.float32) + np.float32(0.5)) * inverse + shift
    reach = np.float32(radius) * kernel_scale
    start = np.clip(np.ceil(places - reach - np.float32(0.5)), 0, size - 1).astype(np.int64)
    end = np.clip(np.floor(places + reach - np.float32(0.5)), 0, size - 1).astype(np.int64)
    inside = (places >= 0) & (places <= size)
    count = max(int((end - start).max(initial=0)) + 1, 1)
    wanted = start[:, None] + np.arange(count)
    distance = np.abs((wanted + np.float32(0.5) - places[:, None]) / kernel_scale).astype(np.float64)
    weights = np.where((wanted <= end[:, None]) & inside[:, None], value(distance), 0.0)
    return Taps(np.clip(wanted, 0, size - 1), normalized(weights).astype(np.float32))


def resample(images: Array, taps: Taps, axis: int) -> Array:
    """Return images with one axis resampled."""
    shape = [1] * images.ndim
    shape[axis] = -1
    positions, weights = torch.from_numpy(taps.positions), torch.from_numpy(taps.weights).to(images.dtype)
    result = None
    for read in range(positions.shape[1]):
        part = images.index_select(axis, positions[:, read].to(images.device))
        factor = weights[:, read].to(images.device).view(shape)
        result = part * factor if result is None else result.addcmul_(part, factor)
    assert result is not None
    return result


def spread(grads: Array, taps: Taps, size: int, axis: int) -> Array:
    """Return the transpose of `resample`: what each position of an axis of `size` gets from `grads`."""
    shape = [1] * grads.ndim
    shape[axis] = -1
    dims = list(grads.shape)
    dims[axis] = size
    result = grads.new_zeros(dims)
    positions, weights = torch.from_numpy(taps.positions), torch.from_numpy(taps.weights).to(grads.dtype)
    for read in range(positions.shape[1]):
        factor = weights[:, read].to(grads.device).view(shape)
        result.index_add_(axis, positions[:, read].to(grads.device), grads * factor)
    return result
