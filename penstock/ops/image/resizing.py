"""Operations that change the size of images: bilinear, nearest neighbor, bicubic, area, and general kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation
from penstock.ops.constant import shape_op
from penstock.ops.image import taps
from penstock.ops.image.taps import SAMPLING_KERNELS, resample, spread

PIXEL = frozenset(
    {
        dtypes.int8,
        dtypes.uint8,
        dtypes.int16,
        dtypes.uint16,
        dtypes.int32,
        dtypes.int64,
        dtypes.float16,
        dtypes.bfloat16,
        dtypes.float32,
        dtypes.float64,
    }
)
_NEAREST_GRAD = frozenset({dtypes.uint8, dtypes.int8, dtypes.int32}) | dtypes.FLOATING

TapsOf = Callable[[int, int, bool, bool], taps.Taps]


def checked_size(images: Array, size: Any, align_corners: bool, half_pixel_centers: bool) -> tuple[int, int]:
    """Return height and width of the result, having checked what a kernel was given.

    Raises:
        InvalidArgumentError: if the images are not 4-D or empty, or the size is not two positive numbers.
    """
    if images.ndim != 4:
        raise InvalidArgumentError(None, None, f"input must be 4-dimensional, got shape {list(images.shape)}")
    if not isinstance(size, list) or len(size) != 2:
        raise InvalidArgumentError(None, None, f"shape_t must be two numbers, new_height and new_width, got {size}")
    if min(size) <= 0:
        raise InvalidArgumentError(None, None, f"output dimensions must be positive, got {size}")
    if 0 in images.shape[1:3]:
        raise InvalidArgumentError(None, None, f"input image must be of non-zero size, got shape {list(images.shape)}")
    if align_corners and half_pixel_centers:
        raise InvalidArgumentError(None, None, "If half_pixel_centers is True, align_corners must be False.")
    check_allocation([images.shape[0], *size, images.shape[3]], 4)
    return size[0], size[1]


def resized_shape(images: Dims, size: Any, *rest: Any, **attrs: Any) -> Dims:
    """Return the shape of images of a new height and width."""
    batch, _, _, channels = expect_rank(images, 4, "images")
    if size is None:
        return batch, None, None, channels
    if len(size) != 2:
        raise ShapeError(f"size must have 2 elements, new_height and new_width, got {size}")
    if any(part is not None and part <= 0 for part in size):
        raise ShapeError(f"output dimensions must be positive, got {size}")
    return batch, size[0], size[1], channels


def _like_original(grads: Dims, original_image: Dims, *rest: Any, **attrs: Any) -> Dims:
    if original_image is None or grads is None or len(original_image) != 4 or len(grads) != 4 or grads[3] is None:
        return original_image
    return (*original_image[:3], grads[3])  # the kernel goes by the gradient's channels


def _resized(images: Array, size: Any, align_corners: bool, half_pixel_centers: bool, taps_of: TapsOf) -> Array:
    height, width = checked_size(images, size, align_corners, half_pixel_centers)
    result = images.to(torch.float32)
    if (height, width) == tuple(images.shape[1:3]):
        return result.clone() if result is images else result
    down = taps_of(images.shape[1], height, align_corners, half_pixel_centers)
    across = taps_of(images.shape[2], width, align_corners, half_pixel_centers)
    return resample(resample(result, across, 2), down, 1)


def _resized_gradient(
    grads: Array, original: Array, align_corners: bool, half_pixel_centers: bool, taps_of: TapsOf
) -> Array:
    if grads.ndim != 4 or original.ndim != 4:
        raise InvalidArgumentError(
            None,
            None,
            f"grads and original_image must be 4-dimensional, got {list(grads.shape)} and {list(original.shape)}",
        )
    if grads.shape[0] != original.shape[0]:
        raise InvalidArgumentError(
            None, None, f"grads and original_image must have one batch, got {grads.shape[0]} and {original.shape[0]}"
        )
    height, width = checked_size(original, list(grads.shape[1:3]), align_corners, half_pixel_centers)
    down = taps_of(original.shape[1], height, align_corners, half_pixel_centers)
    across = taps_of(original.shape[2], width, align_corners, half_pixel_centers)
    rows = spread(grads.to(original.dtype), down, original.shape[1], 1)
    return spread(rows, across, original.shape[2], 2)


def spatial_size(images: Tensor) -> Any:
    """Return height and width of 4-D images: a list where they are static, else a tensor."""
    if images.dims is not None and len(images.dims) == 4 and None not in images.dims[1:3]:
        return list(images.dims[1:3])
    return shape_op(images)[1:3]


def _settings(call: Any) -> dict[str, Any]:
    return {name: call.attrs[name] for name in ("align_corners", "half_pixel_centers")}


@op("ResizeBilinear(images: T, size: host int32) -> resized_images: float", T=PIXEL, shape=resized_shape)
def resize_bilinear_op(
    images: Array, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    if align_corners == half_pixel_centers:
        return _resized(images, size, align_corners, half_pixel_centers, taps.bilinear_taps)
    shape = checked_size(images, size, align_corners, half_pixel_centers)
    if not images.numel() or shape == tuple(images.shape[1:3]):
        return _resized(images, size, align_corners, half_pixel_centers, taps.bilinear_taps)
    channels_first = images.to(torch.float32).permute(0, 3, 1, 2)
    result = torch.ops.aten.upsample_bilinear2d(channels_first, list(shape), align_corners)
    resized: Array = result.permute(0, 2, 3, 1).contiguous()
    return resized


@resize_bilinear_op.gradient
def resize_bilinear_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, None]:
    images = call.inputs[0]
    if not images.dtype.is_floating:
        return None, None
    return resize_bilinear_grad_op(grad, images, **_settings(call)), None


@op(
    "ResizeBilinearGrad(grads: float, original_image: T) -> output: T",
    T=dtypes.FLOATING,
    shape=_like_original,
    differentiable=False,
)
def resize_bilinear_grad_op(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    return _resized_gradient(grads, original_image, align_corners, half_pixel_centers, taps.bilinear_taps)


@op("ResizeBicubic(images: T, size: host int32) -> resized_images: float", T=PIXEL, shape=resized_shape)
def resize_bicubic_op(
    images: Array, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    return _resized(images, size, align_corners, half_pixel_centers, taps.bicubic_taps)


@resize_bicubic_op.gradient
def resize_bicubic_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, None]:
    images = call.inputs[0]
    if images.dtype.base_dtype not in (dtypes.float32, dtypes.float64):
        return None, None
    return resize_bicubic_grad_op(grad, images, **_settings(call)), None


@op(
    "ResizeBicubicGrad(grads: float, original_image: T) -> output: T",
    T=(dtypes.float32, dtypes.float64),
    shape=_like_original,
)
def resize_bicubic_grad_op(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    return _resized_gradient(grads, original_image, align_corners, half_pixel_centers, taps.bicubic_taps)


@op("ResizeNearestNeighbor(images: T, size: host int32) -> resized_images: T", T=PIXEL, shape=resized_shape)
def resize_nearest_neighbor_op(
    images: Array, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    height, width = checked_size(images, size, align_corners, half_pixel_centers)
    rows = taps.nearest_positions(images.shape[1], height, align_corners, half_pixel_centers)
    columns = taps.nearest_positions(images.shape[2], width, align_corners, half_pixel_centers)
    source = images.view(torch.int16) if images.dtype == torch.uint16 else images
    result = source.index_select(1, torch.from_numpy(rows).to(images.device))
    return result.index_select(2, torch.from_numpy(columns).to(images.device)).view(images.dtype)


@resize_nearest_neighbor_op.gradient
def resize_nearest_neighbor_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    images = call.inputs[0]
    return resize_nearest_neighbor_grad_op(grad, spatial_size(images), **_settings(call)), None


@op(
    "ResizeNearestNeighborGrad(grads: T, size: host int32) -> output: T",
    T=_NEAREST_GRAD,
    shape=resized_shape,
)
def resize_nearest_neighbor_grad_op(
    grads: Array, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    height, width = checked_size(grads, size, align_corners, half_pixel_centers)
    rows = taps.nearest_positions(height, grads.shape[1], align_corners, half_pixel_centers)
    columns = taps.nearest_positions(width, grads.shape[2], align_corners, half_pixel_centers)
    batch, _, across, channels = grads.shape
    folded = grads.new_zeros((batch, height, across, channels))
    folded.index_add_(1, torch.from_numpy(rows).to(grads.device), grads)
    result = grads.new_zeros((batch, height, width, channels))
    return result.index_add_(2, torch.from_numpy(columns).to(grads.device), folded)


@resize_nearest_neighbor_grad_op.gradient
def resize_nearest_neighbor_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    return resize_nearest_neighbor_op(grad, spatial_size(call.inputs[0]), **_settings(call)), None


@op("ResizeArea(images: T, size: host int32) -> resized_images: float", T=PIXEL, shape=resized_shape)
def resize_area_op(images: Array, size: Any, *, align_corners: bool = False) -> Array:
    return _resized(images, size, align_corners, False, lambda old, new, align, half: taps.area_taps(old, new, align))


def _kernel_taps(
    height: int, width: int, size: Any, scale: Any, translation: Any, kernel_type: str, antialias: bool
) -> tuple[taps.Taps, taps.Taps]:
    if kernel_type.lower() not in SAMPLING_KERNELS:
        raise InvalidArgumentError(
            None, None, f"Unrecognized kernel type: {kernel_type}; expected one of {', '.join(SAMPLING_KERNELS)}"
        )
    for name, value in (("scale", scale), ("translation", translation)):
        if not isinstance(value, list) or len(value) != 2:
            raise InvalidArgumentError(None, None, f"{name} must be two numbers, down and across, got {value}")
    if min(scale) <= 0:
        raise InvalidArgumentError(None, None, f"Scale must be greater than zero, got {scale}")
    kernel = kernel_type.lower()
    down = taps.kernel_taps(height, size[0], scale[0], translation[0], kernel, antialias)
    return down, taps.kernel_taps(width, size[1], scale[1], translation[1], kernel, antialias)


@op(
    "ScaleAndTranslate(images: T, size: host int32, scale: host float, translation: host float) "
    "-> resized_images: float",
    T=PIXEL,
    shape=resized_shape,
)
def scale_and_translate_op(
    images: Array, size: Any, scale: Any, translation: Any, *, kernel_type: str = "lanczos3", antialias: bool = True
) -> Array:
    height, width = checked_size(images, size, False, False)
    down, across = _kernel_taps(
        images.shape[1], images.shape[2], (height, width), scale, translation, kernel_type, antialias
    )
    return resample(resample(images.to(torch.float32), down, 1), across, 2)


@scale_and_translate_op.gradient
def scale_and_translate_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, None, None, None]:
    images, _, scale, translation = call.inputs
    if images.dtype.base_dtype != dtypes.float32:
        return None, None, None, None
    settings = {name: call.attrs[name] for name in ("kernel_type", "antialias")}
    return scale_and_translate_grad_op(grad, images, scale, translation, **settings), None, None, None


@op(
    "ScaleAndTranslateGrad(grads: T, original_image: T, scale: host float, translation: host float) -> output: T",
    T=(dtypes.float32,),
    shape=_like_original,
)
def scale_and_translate_grad_op(
    grads: Array,
    original_image: Array,
    scale: Any,
    translation: Any,
    *,
    kernel_type: str = "lanczos3",
    antialias: bool = True,
) -> Array:
    checked_size(original_image, list(grads.shape[1:3]), False, False)
    _, height, width, _ = original_image.shape
    down, across = _kernel_taps(height, width, grads.shape[1:3], scale, translation, kernel_type, antialias)
    return spread(spread(grads, down, height, 1), across, width, 2)
