"""The colors of images: conversions between color spaces, contrast, hue and saturation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING, as_dtype
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank_at_least, format_dims
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.joining import tile
from penstock.ops.array.shaping import expand_dims
from penstock.ops.constant import constant, identity
from penstock.ops.math.cast import cast, saturate_cast
from penstock.ops.math.reduce import reduce_mean, reduce_std

_reshape_op = deferred("Reshape")
_matmul_op = deferred("MatMul")
_select_op = deferred("SelectV2")
_div_no_nan_op = deferred("DivNoNan")
_pack_op = deferred("Pack")
_unpack_op = deferred("Unpack")
_max_op = deferred("Max")
_min_op = deferred("Min")

_NARROW = Type(frozenset({dtypes.float16, dtypes.float32}), default=dtypes.float32)
_FLOATING = Type(FLOATING, default=dtypes.float32)


def _colors(images: Dims, *rest: Any, **attrs: Any) -> Dims:
    expect_rank_at_least(images, 1, "images")
    if images is not None and images[-1] not in (None, 3):
        raise ShapeError(f"images must have 3 channels in their last axis, got shape {format_dims(images)}")
    return None if images is None else (*images[:-1], 3)


def _check_colors(images: Array, error: Any = FailedPreconditionError) -> None:
    if images.ndim < 1 or images.shape[-1] != 3:
        raise error(None, None, f"input must have 3 channels but input only has shape {list(images.shape)}.")


def _to_hsv(images: Array) -> tuple[Array, Array, Array]:
    red, green, blue = images.unbind(-1)
    value = images.amax(-1)
    spread = value - images.amin(-1)
    saturation = torch.where(value > 0, spread / value, torch.zeros_like(value))
    scale = 1 / (6 * spread)
    hue = torch.where(
        red == value,
        scale * (green - blue),
        torch.where(green == value, scale * (blue - red) + 2 / 6, scale * (red - green) + 4 / 6),
    )
    hue = torch.where(spread > 0, hue, torch.zeros_like(hue))
    return torch.where(hue < 0, hue + 1, hue), saturation, value


def _to_rgb(hue: Array, saturation: Array, value: Array) -> Array:
    six = hue * 6
    parts = [(six - 3).abs() - 1, 2 - (six - 2).abs(), 2 - (six - 4).abs()]
    return torch.stack([(1 - saturation + saturation * part.clamp(0, 1)) * value for part in parts], -1)


@op("RGBToHSV(images: T) -> output: T", T=_FLOATING, shape=_colors)
def rgb_to_hsv_op(images: Array) -> Array:
    _check_colors(images)
    return torch.stack(_to_hsv(images), -1)


@rgb_to_hsv_op.gradient
def rgb_to_hsv_gradient(call: Any, grad: Tensor) -> Tensor:
    images = call.inputs[0]
    red, green, blue = _unpack_op(images, num=3, axis=-1)
    to_hue, to_saturation, to_value = _unpack_op(grad, num=3, axis=-1)
    high, low = _max_op(images, -1), _min_op(images, -1)
    spread = high - low
    most_red = (red >= green) & (red >= blue)
    most_green = (green > red) & (green >= blue)
    most_blue = (blue > red) & (blue > green)
    least_blue = (blue <= red) & (blue <= green)
    least_green = (green <= red) & (green < blue)
    least_red = (red < green) & (red < blue)
    # hue = top / (6 spread) + constant, saturation = spread / high, taken to be constant in a channel that is 0
    top = _select_op(most_red, green - blue, _select_op(most_green, blue - red, red - green))
    to_top = _div_no_nan_op(to_hue, 6.0 * spread)
    to_spread = -_div_no_nan_op(to_hue * top, 6.0 * spread * spread)
    to_high = to_value + to_spread
    saturation_to_high = to_saturation * _div_no_nan_op(low, high * high)
    saturation_to_low = _div_no_nan_op(to_saturation, high)

    def part(channel: Tensor, most: Tensor, least: Tensor, plus: Tensor, minus: Tensor) -> Tensor:
        is_most, is_least = cast(most, grad.dtype), cast(least, grad.dtype)
        color = to_top * (cast(plus, grad.dtype) - cast(minus, grad.dtype))
        saturation = (saturation_to_high * is_most - saturation_to_low * is_least) * cast(channel > 0, grad.dtype)
        return color + saturation + to_high * is_most - to_spread * is_least

    return _pack_op(
        [
            part(red, most_red, least_red, most_blue, most_green),
            part(green, most_green, least_green, most_red, most_blue),
            part(blue, most_blue, least_blue, most_green, most_red),
        ],
        axis=-1,
    )


@op("HSVToRGB(images: T) -> output: T", T=_FLOATING, shape=_colors, differentiable=False)
def hsv_to_rgb_op(images: Array) -> Array:
    _check_colors(images)
    return _to_rgb(*images.unbind(-1))


# Which of red, green and blue is smallest (0), in the middle and largest (2), for each sixth of the circle of hues.
_RANKS = [[2, 1, 0], [1, 2, 0], [0, 2, 1], [0, 1, 2], [1, 0, 2], [2, 0, 1]]


@op("AdjustHue(images: T, delta: float) -> output: T", T=_NARROW, shape=_colors)
def adjust_hue_op(images: Array, delta: Array) -> Array:
    _check_adjusted(images, delta, "delta")
    red, green, blue = images.float().unbind(-1)
    low, middle, high = images.float().sort(-1).values.unbind(-1)
    # The hue counts sixths of the circle; in odd ones it rises while the middle channel falls.
    sixth = torch.where(
        red < green,
        torch.where(blue < red, 1, torch.where(blue > green, 3, 2)),
        torch.where(blue < green, 0, torch.where(blue > red, 4, 5)),
    )
    ratio = (middle - low) / (high - low)
    hue = torch.where(high == low, 0, sixth + torch.where(sixth % 2 == 0, ratio, 1 - ratio))
    hue = torch.remainder(hue + delta * 6, 6)
    hue = torch.where(hue >= 6, hue - 6, hue)
    sixth = torch.where(torch.isnan(hue), 0, hue).long()
    ratio = torch.where(sixth % 2 == 0, hue - sixth, 1 - (hue - sixth))
    sizes = torch.stack([low, low + ratio * (high - low), high], -1)
    return sizes.gather(-1, torch.tensor(_RANKS, device=images.device)[sixth]).to(images.dtype)


@op("AdjustSaturation(images: T, scale: float) -> output: T", T=_NARROW, shape=_colors)
def adjust_saturation_op(images: Array, scale: Array) -> Array:
    _check_adjusted(images, scale, "scale")
    red, green, blue = images.float().unbind(-1)
    value = images.float().amax(-1)
    spread = value - images.float().amin(-1)
    saturation = (torch.where(value > 0, spread / value, 0) * scale).clamp(0, 1)
    turn = 1 / (6 * spread)
    hue = torch.where(
        red == value,
        turn * (green - blue),
        torch.where(green == value, turn * (blue - red) + 2 / 6, turn * (red - green) + 4 / 6),
    )
    hue = torch.where(spread <= 0, 0, hue)
    hue = torch.where(hue < 0, hue + 1, hue) * 6
    chroma = saturation * value
    middle = chroma * (1 - (torch.remainder(hue, 2) - 1).abs())
    sixth = torch.where(torch.isnan(hue), 0, hue).long().clamp(0, 5)
    sizes = torch.stack([torch.zeros_like(chroma), middle, chroma], -1)
    ranks = torch.tensor(_RANKS, device=images.device)[sixth]
    return (sizes.gather(-1, ranks) + (value - chroma).unsqueeze(-1)).to(images.dtype)


def _check_adjusted(images: Array, factor: Array, name: str) -> None:
    if factor.ndim:
        raise InvalidArgumentError(None, None, f"{name} must be scalar: {list(factor.shape)}")
    if images.ndim < 3:
        raise InvalidArgumentError(None, None, f"input must be at least 3-D, got shape {list(images.shape)}")
    _check_colors(images, InvalidArgumentError)


@op(
    "AdjustContrastv2(images: T, contrast_factor: float) -> output: T",
    T=_NARROW,
    shape=lambda images, contrast_factor: expect_rank_at_least(images, 3, "images"),
)
def adjust_contrast_v2_op(images: Array, contrast_factor: Array) -> Array:
    if contrast_factor.ndim:
        raise InvalidArgumentError(None, None, f"contrast_factor must be scalar: {list(contrast_factor.shape)}")
    if images.ndim < 3:
        raise InvalidArgumentError(None, None, f"input must be at least 3-D, got shape {list(images.shape)}")
    wide = images.float()
    mean = wide.mean((-3, -2), keepdim=True)
    return ((wide - mean) * contrast_factor + mean).to(images.dtype)


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Return an image of another type, scaled: floats are in [0, 1), integers in the range of their type.

    Args:
        image: real numbers of any shape.
        dtype: a real type.
        saturate: whether values outside of the new type's range become its nearest value.
        name: the name of the scope.
    Raises:
        AttributeError: if the type is not a number.
    """
    image = convert_to_tensor(image, name="image")
    dtype = as_dtype(dtype)
    if not dtype.is_floating and not dtype.is_integer:
        raise AttributeError(f"dtype must be either floating point or integer, got {dtype.name}")
    source = image.dtype.base_dtype
    if not source.is_floating and not source.is_integer:
        raise AttributeError(f"the image must be either floating point or integer, got {source.name}")
    if source == dtype:
        return identity(image, name=name)
    convert = saturate_cast if saturate else cast
    with name_scope(name, "convert_image", [image]) as scope:
        if source.is_integer and dtype.is_integer:
            if source.max > dtype.max:
                factor = (int(source.max) + 1) // (int(dtype.max) + 1)
                return convert(image // convert_to_tensor(factor, source), dtype, name=scope)
            factor = (int(dtype.max) + 1) // (int(source.max) + 1)
            return deferred("Mul")(convert(image, dtype), convert_to_tensor(factor, dtype), name=scope)
        if source.is_floating and dtype.is_floating:
            return cast(image, dtype, name=scope)
        if source.is_integer:
            return deferred("Mul")(cast(image, dtype), convert_to_tensor(1.0 / source.max, dtype), name=scope)
        return convert(image * convert_to_tensor(dtype.max + 0.5, source), dtype, name=scope)


def as_floating(image: Any) -> tuple[Tensor, Any]:
    """Return an image as float32, or as it is if it is float16 or float32, and the type that it had."""
    image = convert_to_tensor(image, name="image")
    dtype = image.dtype.base_dtype
    return (image if dtype in (dtypes.float16, dtypes.float32) else convert_image_dtype(image, dtypes.float32)), dtype


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Return hue, saturation and value of RGB colors in [0, 1].

    Args:
        images: floating numbers of shape (..., 3).
        name: the name of the node.
    """
    return rgb_to_hsv_op(images, name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Return the RGB colors of hues, saturations and values in [0, 1].

    Args:
        images: floating numbers of shape (..., 3).
        name: the name of the node.
    """
    return hsv_to_rgb_op(images, name=name)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """Return an image with `delta` added, as a float in [0, 1).

    Args:
        image: real numbers; integers are scaled to floats and back.
        delta: a scalar in (-1, 1).
    """
    with name_scope(None, "adjust_brightness", [image, delta]) as scope:
        floating, dtype = as_floating(image)
        adjusted = floating + cast(delta, floating.dtype)
        return convert_image_dtype(adjusted, dtype, saturate=True, name=scope)


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Return images whose distance from the mean of each channel is multiplied.

    Args:
        images: real numbers of shape (..., height, width, channels).
        contrast_factor: a scalar.
    """
    with name_scope(None, "adjust_contrast", [images, contrast_factor]) as scope:
        floating, dtype = as_floating(images)
        adjusted = adjust_contrast_v2_op(floating, contrast_factor)
        return convert_image_dtype(adjusted, dtype, saturate=True, name=scope)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """Return `gain * image ** gamma`, for an image as a float in [0, 1).

    Args:
        image: real numbers.
        gamma: at least 0.
        gain: a factor.
    Raises:
        ValueError: if gamma is negative.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]) as scope:
        floating, dtype = as_floating(image)
        if not isinstance(gamma, Tensor) or isinstance(gamma, EagerTensor):
            if np.any(np.asarray(gamma) < 0):
                raise ValueError(f"Gamma should be a non-negative real number, got {gamma}.")
        return convert_image_dtype(gain * floating**gamma, dtype, saturate=True, name=scope)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """Return RGB images with their hue turned.

    Args:
        image: real numbers of shape (..., height, width, 3).
        delta: how far, in turns: a scalar in [-1, 1].
        name: the name of the scope.
    Raises:
        ValueError: if delta is a number outside of [-1, 1].
    """
    if isinstance(delta, (int, float)) and not -1 <= delta <= 1:
        raise ValueError(f"delta must be in the interval [-1, 1], got {delta}")
    with name_scope(name, "adjust_hue", [image]):
        floating, dtype = as_floating(image)
        return convert_image_dtype(adjust_hue_op(floating, delta), dtype)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """Return RGB images with their saturation multiplied.

    Args:
        image: real numbers of shape (..., height, width, 3).
        saturation_factor: a scalar.
        name: the name of the scope.
    """
    with name_scope(name, "adjust_saturation", [image]):
        floating, dtype = as_floating(image)
        return convert_image_dtype(adjust_saturation_op(floating, saturation_factor), dtype)


def _times_matrix(images: Any, matrix: Any) -> Tensor:
    """Return colors (..., n) times a matrix (n, m)."""
    images = convert_to_tensor(images, name="images")
    weights = constant(matrix, dtype=images.dtype.base_dtype)
    return channels_times(images, weights)


def channels_times(images: Tensor, weights: Tensor) -> Tensor:
    """Return the sum over the last axis of `images` and the first of `weights`."""
    rows, columns = weights.shape.as_list()
    if images.dims is not None and images.dims[-1:] not in ((None,), (rows,)):
        raise InvalidArgumentError(
            None, None, f"images must have {rows} channels in their last axis, got shape {format_dims(images.dims)}"
        )
    flat = _matmul_op(_reshape_op(images, [-1, rows]), weights)
    if images.dims is not None and images.dims.count(None) <= 1:
        return _reshape_op(flat, [-1 if size is None else size for size in (*images.dims[:-1], columns)])
    shape = deferred("Shape")(images)
    return _reshape_op(flat, deferred("ConcatV2")([shape[:-1], [columns]], 0))


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """Return the luma of RGB images.

    Args:
        images: real numbers of shape (..., 3).
        name: the name of the scope.
    Returns:
        Numbers of the same type, of shape (..., 1).
    """
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        dtype = images.dtype.base_dtype
        gray = _times_matrix(convert_image_dtype(images, dtypes.float32), [[0.2989], [0.5870], [0.1140]])
        return convert_image_dtype(gray, dtype, name=scope)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Return gray images with their one channel three times.

    Args:
        images: numbers of shape (..., 1).
        name: the name of the scope.
    Raises:
        ValueError: if there is not one channel.
    """
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        if images.dims is None:
            rank = deferred("Rank")(images)
            ones = deferred("Fill")(expand_dims(rank - 1, 0), 1)
            return tile(images, deferred("ConcatV2")([ones, [3]], 0), name=scope)
        if not images.dims or images.dims[-1] not in (None, 1):
            raise ValueError(f"Last dimension of a grayscale image should be size 1, got {format_dims(images.dims)}.")
        if len(images.dims) < 2:
            raise ValueError(f"A grayscale image must be at least two-dimensional, got {format_dims(images.dims)}.")
        result = tile(images, [1] * (len(images.dims) - 1) + [3], name=scope)
        result.set_shape([*images.dims[:-1], 3])  # type: ignore[attr-defined]
        return result


_RGB_TO_YIQ = [
    [0.299, 0.59590059, 0.2115],
    [0.587, -0.27455667, -0.52273617],
    [0.114, -0.32134392, 0.31119955],
]
_YIQ_TO_RGB = [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
_RGB_TO_YUV = [
    [0.299, -0.14714119, 0.61497538],
    [0.587, -0.28886916, -0.51496512],
    [0.114, 0.43601035, -0.10001026],
]
_YUV_TO_RGB = [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]


def rgb_to_yiq(images: Any) -> Tensor:
    """Return luma and the two chroma components (I, Q) of RGB colors, floating numbers of shape (..., 3)."""
    return _times_matrix(images, _RGB_TO_YIQ)


def yiq_to_rgb(images: Any) -> Tensor:
    """Return the RGB colors of YIQ components, floating numbers of shape (..., 3)."""
    return _times_matrix(images, _YIQ_TO_RGB)


def rgb_to_yuv(images: Any) -> Tensor:
    """Return luma and the two chroma components (U, V) of RGB colors, floating numbers of shape (..., 3)."""
    return _times_matrix(images, _RGB_TO_YUV)


def yuv_to_rgb(images: Any) -> Tensor:
    """Return the RGB colors of YUV components, floating numbers of shape (..., 3)."""
    return _times_matrix(images, _YUV_TO_RGB)


def per_image_standardization(image: Any) -> Tensor:
    """Return images with mean 0 and deviation 1, each by itself; nearly even images are not blown up.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
    Returns:
        float32 numbers of the same shape.
    """
    with name_scope(None, "per_image_standardization", [image]):
        image = convert_to_tensor(image, name="image")
        if image.ndim is not None and image.ndim < 3:
            raise ValueError(f"image must be at least three-dimensional, got shape {image.shape}")
        image = cast(image, dtypes.float32)
        dims: Any = [None] if image.dims is None else list(image.dims[-3:])
        if None in dims:
            pixels = cast(deferred("Prod")(deferred("Shape")(image)[-3:], [0]), image.dtype)
        else:
            pixels = constant(float(np.prod(dims)), dtype=image.dtype.base_dtype)
        mean = reduce_mean(image, [-1, -2, -3], keepdims=True)
        deviation = reduce_std(image, [-1, -2, -3], keepdims=True)
        return (image - mean) / deferred("Maximum")(deviation, deferred("Rsqrt")(pixels))
