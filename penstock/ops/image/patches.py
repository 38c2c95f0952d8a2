"""Patches of images and volumes, and glimpses of images."""

from __future__ import annotations

import math
from typing import Any

import torch

from penstock.core import dtypes, entropy
from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, num_elements
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, deferred, moved, sizes
from penstock.ops.constant import constant
from penstock.ops.nn.windows import windows

_reshape_op = deferred("Reshape")
_transpose_op = deferred("Transpose")
_PADDINGS: dict[str, Any] = {"padding": ("SAME", "VALID")}
_ANY = dtypes.NUMBER | {dtypes.bool_}
_VOLUME = dtypes.REAL_NUMBER


def _inner(name: str, values: list[int], rank: int) -> tuple[int, ...]:
    if len(values) != rank or values[0] != 1 or values[-1] != 1 or min(values) < 1:
        raise ShapeError(
            f"{name} must be {rank} numbers of at least 1, with 1 for the batch and the channels, got {values}"
        )
    return tuple(values[1:-1])


def _layout(
    dims: Dims, rank: int, ksizes: list[int], strides: list[int], rates: list[int], padding: str
) -> tuple[Dims, list[tuple[int | None, int, int]]]:
    batch, *spatial, channels = expect_rank(dims, rank, "images")
    kernel, steps = _inner("ksizes", ksizes, rank), _inner("strides", strides, rank)
    laid = [
        windows(size, extent, step, rate, padding)
        for size, extent, step, rate in zip(spatial, kernel, steps, _inner("rates", rates, rank), strict=True)
    ]
    depth = None if channels is None else channels * (num_elements(kernel) or 1)
    return (batch, *(count for count, _, _ in laid), depth), laid


def _patches(images: Array, ksizes: list[int], strides: list[int], rates: list[int], padding: str) -> Array:
    rank = images.ndim
    output, laid = _layout(tuple(images.shape), len(ksizes), ksizes, strides, rates, padding)
    margins = [part for _, before, after in reversed(laid) for part in (before, after)]
    padded = torch.constant_pad_nd(images, [0, 0, *margins], 0)
    kernel = torch.Size(ksizes[1:-1])
    parts = []
    for index in range(kernel.numel()):
        place, rest = [], index
        for extent in reversed(kernel):
            rest, at = divmod(rest, extent)
            place.append(at)
        part = padded
        for axis, at in zip(range(1, rank - 1), reversed(place), strict=True):
            first = at * rates[axis]
            count = laid[axis - 1][0] or 0
            index_of = [slice(None)] * rank
            index_of[axis] = slice(first, first + (count - 1) * strides[axis] + 1 if count else first, strides[axis])
            part = part[tuple(index_of)]
        parts.append(part)
    assert output is not None
    return torch.stack(parts, -2).reshape([int(size or 0) for size in output])


@op(
    "ExtractImagePatches(images: T) -> patches: T",
    T=_ANY,
    allowed=_PADDINGS,
    shape=lambda images, *, ksizes, strides, rates, padding: _layout(images, 4, ksizes, strides, rates, padding)[0],
    minimum={"ksizes": 4, "strides": 4, "rates": 4},
)
def extract_image_patches_op(
    images: Array, *, ksizes: list[int], strides: list[int], rates: list[int], padding: str
) -> Array:
    expect_rank(tuple(images.shape), 4, "images")
    return moved(lambda values: _patches(values, ksizes, strides, rates, padding), images)


def _gathered(call: Any, grad: Tensor, backprop: str, **attrs: Any) -> Tensor:
    """Return what each pixel gets from its patches: the gradient of a convolution with one-hot filters.

    Channels go into the batch, so that the filters stay small.
    """
    images = call.inputs[0]
    kernel = call.attrs["ksizes"][1:-1]
    size: Any = sizes(images)
    rank = len(kernel) + 2
    batch, spatial, channels = size[0], [size[i] for i in range(1, rank - 1)], size[rank - 1]
    count = num_elements(tuple(kernel)) or 1
    out = sizes(grad)
    windows_ = [out[i] for i in range(1, rank - 1)]
    split = _reshape_op(grad, [batch, *windows_, count, channels])
    order = [0, rank, *range(1, rank)]
    folded = _reshape_op(_transpose_op(split, order), [batch * channels, *windows_, count])
    filters = constant(torch.eye(count).reshape(*kernel, 1, count).numpy(), dtype=grad.dtype.base_dtype)
    summed = deferred(backprop)(
        [batch * channels, *spatial, 1],
        filters,
        folded,
        strides=call.attrs["strides"],
        padding=call.attrs["padding"],
        **attrs,
    )
    return _transpose_op(_reshape_op(summed, [batch, channels, *spatial]), [0, *range(2, rank), 1])


@extract_image_patches_op.gradient
def extract_image_patches_gradient(call: Any, grad: Tensor) -> Tensor:
    return _gathered(call, grad, "Conv2DBackpropInput", dilations=call.attrs["rates"])


@op(
    "ExtractVolumePatches(input: T) -> patches: T",
    T=_VOLUME,
    allowed=_PADDINGS,
    shape=lambda input, *, ksizes, strides, padding: _layout(input, 5, ksizes, strides, [1] * 5, padding)[0],
    minimum={"ksizes": 5, "strides": 5},
)
def extract_volume_patches_op(input: Array, *, ksizes: list[int], strides: list[int], padding: str) -> Array:
    expect_rank(tuple(input.shape), 5, "input")
    return moved(lambda values: _patches(values, ksizes, strides, [1] * 5, padding), input)


@extract_volume_patches_op.gradient
def extract_volume_patches_gradient(call: Any, grad: Tensor) -> Tensor:
    return _gathered(call, grad, "Conv3DBackpropInputV2")


def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Tensor:
    """Return patches of images, each flattened into the channels.

    Args:
        images: numbers of shape (batch, height, width, channels).
        sizes: (1, rows, columns, 1) of a patch.
        strides: (1, down, across, 1) from patch to patch.
        rates: (1, down, across, 1) from pixel to pixel of a patch.
        padding: "SAME" or "VALID".
        name: the name of the node.
    Returns:
        Patches of shape (batch, patches down, patches across, rows * columns * channels).
    """
    return extract_image_patches_op(
        images, ksizes=list(sizes), strides=list(strides), rates=list(rates), padding=padding, name=name
    )


def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    sizes: Any = None,
) -> Tensor:
    """Return patches of images; `ksizes` is the old name of `sizes`; see `extract_patches`."""
    return extract_patches(images, ksizes if sizes is None else sizes, strides, rates, padding, name)


def extract_volume_patches(input: Any, ksizes: Any, strides: Any, padding: str, name: str | None = None) -> Tensor:
    """Return patches of volumes, each flattened into the channels.

    Args:
        input: real numbers of shape (batch, planes, rows, columns, channels).
        ksizes, strides: five numbers each, 1 for the batch and the channels.
        padding: "SAME" or "VALID".
        name: the name of the node.
    """
    return extract_volume_patches_op(input, ksizes=list(ksizes), strides=list(strides), padding=padding, name=name)


def _glimpses(
    input: Array,
    size: Any,
    offsets: Array,
    origin_of: Any,
    uniform_noise: bool,
    noise: str,
) -> Array:
    """Return windows whose upper left corners `origin_of(offset, image extent, window extent)` gives for each axis."""
    if input.ndim != 4 or tuple(offsets.shape) != (input.shape[0], 2):
        raise InvalidArgumentError(
            None,
            None,
            "input must be 4-dimensional and offsets of shape (batch, 2), got "
            f"{list(input.shape)} and {list(offsets.shape)}",
        )
    if not isinstance(size, list) or len(size) != 2 or min(size) < 0:
        raise InvalidArgumentError(None, None, f"size must be two numbers of at least 0, got {size}")
    if uniform_noise and noise != "uniform":
        raise InvalidArgumentError(None, None, "The uniform_noise and noise could not be specified at the same time")
    batch, height, width, channels = input.shape
    rows, columns = size
    result = _noise(input, (batch, rows, columns, channels), noise)
    for index, (y, x) in enumerate(offsets.tolist()):
        top, left = origin_of(y, height, rows), origin_of(x, width, columns)
        if not (math.isfinite(top) and math.isfinite(left)):
            continue
        top, left = int(top), int(left)
        first_row, last_row = max(top, 0), min(top + rows, height)
        first_column, last_column = max(left, 0), min(left + columns, width)
        if first_row < last_row and first_column < last_column:
            result[index, first_row - top : last_row - top, first_column - left : last_column - left] = input[
                index, first_row:last_row, first_column:last_column
            ]
    return result


def _glimpse_shape(input: Dims, size: Any, offsets: Dims, **attrs: Any) -> Dims:
    batch, _, _, channels = expect_rank(input, 4, "input")
    if size is not None and len(size) != 2:
        raise ShapeError(f"size must be two numbers, got {size}")
    return (batch, *(size or (None, None)), channels)


@op(
    "ExtractGlimpse(input: float, size: host int32, offsets: float) -> glimpse: float",
    shape=_glimpse_shape,
    differentiable=False,
)
def extract_glimpse_op(
    input: Array,
    size: Any,
    offsets: Array,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
) -> Array:
    def origin(offset: float, extent: int, window: int) -> float:
        place = offset * extent if normalized else offset
        place = place / 2 + extent / 2 if centered else place
        return place - window / 2

    return _glimpses(input, size, offsets, origin, uniform_noise, noise)


@op(
    "ExtractGlimpseV2(input: float, size: host int32, offsets: float) -> glimpse: float",
    shape=_glimpse_shape,
    differentiable=False,
)
def extract_glimpse_v2_op(
    input: Array,
    size: Any,
    offsets: Array,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
) -> Array:
    def origin(offset: float, extent: int, window: int) -> float:
        if not normalized:
            return offset + extent / 2 if centered else offset
        place = offset * extent
        return place / 2 + extent / 2 - window / 2 if centered else place

    return _glimpses(input, size, offsets, origin, uniform_noise, noise)


def _noise(input: Array, dims: tuple[int, ...], kind: str) -> Array:
    if kind not in ("uniform", "gaussian", "zero"):
        raise InvalidArgumentError(None, None, f"The noise could only be uniform, gaussian, or zero, got {kind!r}")
    check_allocation(dims, 4)
    if kind == "zero":
        return input.new_zeros(dims)
    generator = torch.Generator().manual_seed(entropy.random_integer(56))
    low, high = (float(input.min()), float(input.max())) if input.numel() else (0.0, 1.0)
    if kind == "gaussian":
        drawn = torch.randn(dims, generator=generator)
        deviation = float(input.std()) if input.numel() > 1 else 1.0
        mean = float(input.mean()) if input.numel() else 0.0
        return (drawn * deviation + mean).clamp(low, high).to(input.device)
    return (torch.rand(dims, generator=generator) * (high - low) + low).to(input.device)


def extract_glimpse(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    noise: str = "uniform",
    name: str | None = None,
) -> Tensor:
    """Return a window of each image; what lies outside of the image is noise.

    Args:
        input: float32 of shape (batch, height, width, channels).
        size: rows and columns of the windows.
        offsets: float32 of shape (batch, 2): y and x of the centers of the windows.
        centered: whether (0, 0) is the center of the image rather than its upper left corner.
        normalized: whether offsets are relative to the size of the image.
        noise: "uniform", "gaussian" or "zero".
        name: the name of the node.
    """
    return extract_glimpse_v2_op(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=noise == "uniform",
        noise=noise,
        name=name,
    )


def extract_glimpse_v1(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """Return a window of each image, whose center an offset gives also where it is not normalized.

    Args:
        input, size, offsets, name: see `extract_glimpse`.
        centered: whether offsets run from -1 to 1, or over the extent of the image, with 0 at its center.
        normalized: whether offsets are relative to the size of the image.
        uniform_noise: whether what lies outside of the image is uniform noise; otherwise it is gaussian.
    """
    return extract_glimpse_op(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=uniform_noise,
        noise="uniform" if uniform_noise else "gaussian",
        name=name,
    )
