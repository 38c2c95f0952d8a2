"""Max-pooling that keeps the positions of the maxima for its derivative."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from penstock.core.array import Array
from penstock.core.dtypes import FLOATING
from penstock.ops.fused.declare import fused_op
from penstock.ops.nn.pooling import max_with_indices, pooling_geometry
from penstock.ops.nn.windows import channels_first, from_channels_first

_max_pool_backward = torch.ops.aten.max_pool2d_with_indices_backward.grad_input


@fused_op("_MaxPoolWithPositions(input: T) -> (output: T, positions: int64, sizes: host int64)", T=FLOATING)
def max_pool_with_positions_op(
    input: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
) -> tuple[Array, Array, list[int]]:
    g = pooling_geometry(tuple(input.shape), ksize, strides, padding, explicit_paddings, data_format)
    sizes = list(input.shape)
    if not input.numel() or 0 in g.output:  # type: ignore[operator]
        return input.new_zeros(g.output), torch.empty(0, dtype=torch.int64), sizes  # type: ignore[arg-type]
    values, positions, _ = max_with_indices(input, g, data_format)
    return from_channels_first(values, data_format), positions, sizes


@fused_op("_MaxPoolGradFromPositions(sizes: host int64, positions: int64, grad: T) -> output: T", T=FLOATING)
def max_pool_grad_from_positions_op(
    sizes: list[int],
    positions: Array,
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
) -> Array:
    if not positions.numel():
        return grad.new_zeros(sizes)
    g = pooling_geometry(tuple(sizes), ksize, strides, padding, explicit_paddings, data_format)
    result = _padded(channels_first(grad.new_empty(sizes), data_format), g.extra)
    moved = channels_first(grad, data_format)
    # The kernel asks the images for their shape and layout alone: the memory of the result serves.
    _max_pool_backward(moved, result, g.window, g.stride, g.padding, (1, 1), g.ceil_mode, positions, grad_input=result)
    if g.extra:
        result = torch.constant_pad_nd(result, [-size for size in g.extra])
    return from_channels_first(result, data_format)


def _padded(images: Array, extra: Sequence[int]) -> Array:
    return torch.constant_pad_nd(images, extra) if extra else images
