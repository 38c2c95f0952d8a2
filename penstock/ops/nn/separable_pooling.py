"""Pooling of images with the channels last, one axis after the other: rows of pixels are combined with one another.

ATen's kernels go from window to window and read few numbers at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from penstock.core.array import Array

# Windows of more elements along an axis take as many operations, which pays no more.
_LARGEST_WINDOW = 3

Combine = Callable[..., Array]


def pool_by_axis(
    images: Array, window: Sequence[int], stride: Sequence[int], counts: Sequence[int], combine: Combine
) -> Array | None:
    """Return images pooled along height and width, or None where that is left to the kernels for windows.

    Args:
        images: of shape (batch, height, width, channels).
        window, stride: a number for height and one for width.
        counts: how many windows there are along height and along width; empty where some hang over the border.
        combine: joins two arrays, and writes into `out` if it is given; `torch.maximum` or `torch.add`.
    """
    if len(window) != 2 or len(counts) != 2 or images.ndim != 4 or not images.is_cpu or not images.is_contiguous():
        return None
    sizes = images.shape[1:3]
    for size, extent, step, count in zip(sizes, window, stride, counts, strict=True):
        if not 1 < extent <= _LARGEST_WINDOW or (count - 1) * step + extent > size:
            return None
    for axis in (1, 2):
        step, end = stride[axis - 1], stride[axis - 1] * (counts[axis - 1] - 1) + 1
        parts = [_every(images, axis, first, first + end, step) for first in range(window[axis - 1])]
        combined = combine(parts[0], parts[1])
        for part in parts[2:]:
            combine(combined, part, out=combined)
        images = combined
    return images


def _every(images: Array, axis: int, first: int, end: int, step: int) -> Array:
    return images[:, first:end:step] if axis == 1 else images[:, :, first:end:step]


def maximum(images: Array, window: Sequence[int], stride: Sequence[int], counts: Sequence[int]) -> Array | None:
    """Return the maxima of windows; see `pool_by_axis`."""
    return pool_by_axis(images, window, stride, counts, torch.maximum)


def mean(images: Array, window: Sequence[int], stride: Sequence[int], counts: Sequence[int]) -> Array | None:
    """Return the means of windows; see `pool_by_axis`."""
    if images.dtype not in (torch.float32, torch.float64):
        return None
    sums = pool_by_axis(images, window, stride, counts, torch.add)
    return None if sums is None else sums.div_(window[0] * window[1])
