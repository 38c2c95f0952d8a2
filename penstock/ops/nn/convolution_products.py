"""Convolutions of images as products of matrices: a row for each pixel of the result, a column for each output channel.

The filter's own memory is one of the matrices, where ATen's convolutions first bring it into a layout of theirs, which
takes longer than the arithmetic where the filter is large and the images are small. Gradients come out in the layout of
the filter. Images have their channels last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array

# Results with at most so many pixels for each output channel are computed as products; measured with 64 to 2,048
# channels. The gradient of the filter gains more, as ATen's comes out in another layout.
_PIXELS = 4
_PIXELS_OF_GRADIENT = 16

_TYPES = (torch.float32, torch.float64)


def is_product(
    pattern: Array, filter: Sequence[int], output: Any, stride: Sequence[int], is_gradient: bool = False
) -> bool:
    """Tell whether products are faster than a convolution.

    Args:
        pattern: an array of the type and on the device of the operands.
        filter: the filter's sizes, [height, width, input channels, output channels].
        output: the result's sizes, [batch, height, width, output channels].
        stride: a number for each spatial axis.
        is_gradient: whether it is the filter's gradient that is computed.
    """
    if len(filter) != 4 or pattern.dtype not in _TYPES or pattern.device.type != "cpu":
        return False
    if filter[0] == filter[1] == 1 == stride[0] == stride[1]:
        return True
    return math.prod(output[:-1]) <= (_PIXELS_OF_GRADIENT if is_gradient else _PIXELS) * output[-1]


def columns(
    images: Array,
    window: Sequence[int],
    output: Any,
    stride: Sequence[int],
    dilation: Sequence[int],
    margins: Sequence[int],
) -> Array:
    """Return a matrix with what the filter sees from each pixel of the result.

    Args:
        images: [batch, height, width, channels].
        window: the filter's height and width.
        output: the result's sizes, [batch, height, width, channels].
        stride, dilation: a number for each spatial axis.
        margins: the zeros to add before and after the width, and before and after the height.
    Returns:
        An array of shape [batch · height · width of the result, height · width of the window · channels].
    """
    channels = images.shape[-1]
    if any(margins):
        images = torch.constant_pad_nd(images, (0, 0, *margins))
    batch_step, row, column, channel = images.stride()
    sizes = (*output[:-1], *window, channels)
    steps = (batch_step, row * stride[0], column * stride[1], row * dilation[0], column * dilation[1], channel)
    return images.as_strided(sizes, steps, images.storage_offset()).reshape(-1, math.prod(sizes[3:]))


def convolve(rows: Array, filter: Array, output: Any, bias: Array | None) -> Array:
    """Return the convolution of images given as `columns`."""
    weights = filter.reshape(-1, filter.shape[-1])
    product = torch.mm(rows, weights) if bias is None else torch.addmm(bias, rows, weights)
    return product.view(tuple(output))


def filter_gradient(rows: Array, filter_sizes: Sequence[int], grad: Array) -> Array:
    """Return the derivative with respect to the filter, for images given as `columns`."""
    return torch.mm(rows.t(), grad.reshape(-1, grad.shape[-1])).view(tuple(filter_sizes))


def input_gradient(
    input_sizes: Sequence[int],
    filter: Array,
    grad: Array,
    stride: Sequence[int],
    dilation: Sequence[int],
    margins: Sequence[int],
) -> Array:
    """Return the derivative with respect to the images: what each element of the filter adds to the pixels it saw."""
    rows = grad.reshape(-1, grad.shape[-1])
    batch, height, width, channels = input_sizes
    if filter.shape[:2] == (1, 1) and tuple(stride) == (1, 1) and not any(margins):
        return torch.mm(rows, filter[0, 0].t()).view(tuple(input_sizes))
    left, right, top, bottom = margins
    result = grad.new_zeros((batch, top + height + bottom, left + width + right, channels))
    for i in range(filter.shape[0]):
        for j in range(filter.shape[1]):
            product = torch.mm(rows, filter[i, j].t()).view(*grad.shape[:-1], channels)
            down, across = i * dilation[0], j * dilation[1]
            seen = (
                slice(down, down + (grad.shape[1] - 1) * stride[0] + 1, stride[0]),
                slice(across, across + (grad.shape[2] - 1) * stride[1] + 1, stride[1]),
            )
            result[:, seen[0], seen[1]].add_(product)
    return result[:, top : top + height, left : left + width].contiguous()
