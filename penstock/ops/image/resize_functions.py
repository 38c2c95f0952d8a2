"""The functions that resize images, with the choice of a method."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.inference import is_known, partial_value
from penstock.core.tensor import Tensor
from penstock.ops.image.arranging import (
    checked_image,
    image_sizes,
    is_number,
    pad_to_bounding_box,
    single_image,
    stack_sizes,
    with_batch,
    without_batch,
)
from penstock.ops.image.resizing import (
    resize_area_op,
    resize_bicubic_op,
    resize_bilinear_op,
    resize_nearest_neighbor_op,
    scale_and_translate_op,
)
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.cast import cast
from penstock.ops.math.unary import floor, round


class ResizeMethod:
    """The methods of `resize`."""

    AREA = "area"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    GAUSSIAN = "gaussian"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    MITCHELLCUBIC = "mitchellcubic"
    NEAREST_NEIGHBOR = "nearest"


class ResizeMethodV1:
    """The methods of `resize` in TensorFlow 1."""

    AREA = 3
    BICUBIC = 2
    BILINEAR = 0
    NEAREST_NEIGHBOR = 1


_V1_NAMES = {0: "bilinear", 1: "nearest", 2: "bicubic", 3: "area"}
_ANTIALIASED = {"bilinear": "triangle", "bicubic": "keyscubic"}
_SAMPLED = ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")


def _resized(
    images: Any, size: Any, resizer: Any, preserve_aspect_ratio: bool, name: str | None, skips_same_size: bool = False
) -> Tensor:
    with name_scope(name, "resize", [images, size]):
        images = convert_to_tensor(images, name="images")
        if images.dims is None:
            raise ValueError("'images' contains no shape; call set_shape on it.")
        if len(images.dims) not in (3, 4):
            raise ValueError(f"'images' must have either 3 or 4 dimensions, got shape {images.dims}.")
        images = checked_image(images, "images")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        if size.dims is not None and size.dims != (2,) and size.dims != (None,):
            raise ValueError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width, got shape {size.dims}")
        images, is_batch = with_batch(images)
        if preserve_aspect_ratio:
            size = _fitting_size(images, size)
        known = partial_value(size)
        if skips_same_size and is_known(known) and known == list(images.shape.as_list()[1:3]):
            return without_batch(images, is_batch)
        return without_batch(resizer(images, size), is_batch)


def _fitting_size(images: Tensor, size: Tensor) -> Tensor:
    """Return the largest size within `size` that has the shape of the images."""
    known, dims = partial_value(size), images.dims
    if is_known(known) and dims is not None and None not in dims[1:3]:
        extents = np.array(dims[1:3], np.float32)
        scaled = (np.array(known, np.float32) / extents).min() * extents
        return convert_to_tensor(np.round(scaled).astype(np.int32), name="size")
    _, height, width, _ = image_sizes(images)
    current = cast(stack_sizes([height, width]), dtypes.float32)
    scales = cast(size, dtypes.float32) / current
    scale = minimum(scales[0], scales[1])
    return cast(round(scale * current), dtypes.int32)


def resize(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return images of another size.

    Args:
        images: numbers of shape (height, width, channels), or with a batch before.
        size: the new height and width.
        method: one of `ResizeMethod`, or its name.
        preserve_aspect_ratio: whether to scale both axes alike, so that the result lies within `size`.
        antialias: whether shrinking averages over the pixels that are lost; 'nearest' and 'area' know no difference.
        name: the name of the scope.
    Returns:
        float32; the type of `images` for method 'nearest'.
    Raises:
        ValueError: for another rank, a size that is not two numbers, or an unknown method.
    """

    def sampled(images: Tensor, size: Tensor, kernel: str) -> Tensor:
        current = stack_sizes(image_sizes(images)[1:3])
        scale = cast(size, dtypes.float32) / cast(current, dtypes.float32)
        return scale_and_translate_op(images, size, scale, [0.0, 0.0], kernel_type=kernel, antialias=antialias)

    def resizer(images: Tensor, size: Tensor) -> Tensor:
        if antialias and method in _ANTIALIASED:
            return sampled(images, size, _ANTIALIASED[method])
        if method == ResizeMethod.BILINEAR:
            return resize_bilinear_op(images, size, half_pixel_centers=True)
        if method == ResizeMethod.BICUBIC:
            return resize_bicubic_op(images, size, half_pixel_centers=True)
        if method == ResizeMethod.NEAREST_NEIGHBOR:
            return resize_nearest_neighbor_op(images, size, half_pixel_centers=True)
        if method == ResizeMethod.AREA:
            return resize_area_op(images, size)
        if method in _SAMPLED:
            return sampled(images, size, method)
        raise ValueError(f"Resize method is not implemented: {method}; expected one of ResizeMethod")

    return _resized(images, size, resizer, preserve_aspect_ratio, name)


def resize_v1(
    images: Any,
    size: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return images of another size, by the rules of TensorFlow 1, which align pixels' corners, not centers.

    Args:
        images, size, preserve_aspect_ratio, name: see `resize`.
        method: one of `ResizeMethodV1`, or a name.
        align_corners: whether the centers of the corner pixels stay in place.
    Returns:
        float32; the type of `images` for method 'nearest', and `images` as they are where the size is known to stay.
    Raises:
        ValueError: for another rank, a size that is not two numbers, or an unknown method.
    """

    def resizer(images: Tensor, size: Tensor) -> Tensor:
        chosen = _V1_NAMES.get(method, method)
        operations = {
            "bilinear": resize_bilinear_op,
            "nearest": resize_nearest_neighbor_op,
            "bicubic": resize_bicubic_op,
            "area": resize_area_op,
        }
        if chosen not in operations:
            raise ValueError(f"Resize method is not implemented: {method}; expected one of ResizeMethod")
        return operations[chosen](images, size, align_corners=align_corners)

    return _resized(images, size, resizer, preserve_aspect_ratio, name, skips_same_size=True)


def _fit_with_padding(image: Any, target_height: Any, target_width: Any, resizer: Any) -> Tensor:
    with name_scope(None, "resize_image_with_pad", [image]):
        image = single_image(image)
        height, width = image_sizes(image)[-3:-1]
        for name, value in (("target_height", target_height), ("target_width", target_width)):
            if is_number(value) and value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}.")
        if is_number(height, width, target_height, target_width):
            ratio = max(np.float32(width) / np.float32(target_width), np.float32(height) / np.float32(target_height))
            fitted = [np.float32(size) / ratio for size in (height, width)]
            rows, columns = (int(np.floor(size)) for size in fitted)
            margins = [
                max(0, int(np.floor((np.float32(target) - size) / 2)))
                for target, size in zip((target_height, target_width), fitted, strict=True)
            ]
            resized = resizer(image, [rows, columns])
            return pad_to_bounding_box(resized, margins[0], margins[1], target_height, target_width)
        current = [cast(size, dtypes.float32) for size in (height, width)]
        targets = [cast(size, dtypes.float32) for size in (target_height, target_width)]
        scale = maximum(current[1] / targets[1], current[0] / targets[0])
        sizes = [size / scale for size in current]
        whole = [cast(floor(size), dtypes.int32) for size in sizes]
        above, left = (
            maximum(0, cast(floor((target - size) / 2), dtypes.int32))
            for target, size in zip(targets, sizes, strict=True)
        )
        return pad_to_bounding_box(resizer(image, stack_sizes(whole)), above, left, target_height, target_width)


def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: Any = ResizeMethod.BILINEAR, antialias: bool = False
) -> Tensor:
    """Return images scaled as a whole so that they fit into a size, with zeros around them.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        target_height, target_width: the size of the result.
        method, antialias: see `resize`.
    Raises:
        ValueError: if a size is not positive.
    """
    return _fit_with_padding(
        image, target_height, target_width, lambda images, size: resize(images, size, method, antialias=antialias)
    )


def resize_with_pad_v1(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """Return images scaled so that they fit into a size, by the rules of TensorFlow 1; see `resize_with_pad`."""
    return _fit_with_padding(
        image, target_height, target_width, lambda images, size: resize_v1(images, size, method, align_corners)
    )


def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """Return 4-D images of another size as float32, interpolated between two rows and two columns."""
    return resize_bilinear_op(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """Return 4-D images of another size and the same type, each pixel that of the nearest place."""
    return resize_nearest_neighbor_op(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_bicubic(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """Return 4-D images of another size as float32, interpolated between four rows and four columns."""
    return resize_bicubic_op(
        images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name
    )


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """Return 4-D images of another size as float32, each pixel the mean of the area that it covers."""
    return resize_area_op(images, size, align_corners=align_corners, name=name)
