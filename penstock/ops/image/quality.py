"""Measures on images: gradients, edges, total variation, and how alike two images are."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.joining import concat, stack
from penstock.ops.array.padding import pad
from penstock.ops.constant import constant
from penstock.ops.image.color import convert_image_dtype
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_mean, reduce_prod, reduce_sum
from penstock.ops.math.unary import square

_depthwise_op = deferred("DepthwiseConv2dNative")


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """Return the differences between neighbours, down and across; the last row and the last column are 0.

    Args:
        image: numbers of shape (batch, height, width, channels).
    Raises:
        ValueError: for another rank.
    """
    image = convert_to_tensor(image, name="image")
    if len(image.shape.as_list()) != 4:
        raise ValueError(
            f"`image_gradients` expects a 4D tensor [batch_size, h, w, d], not shape {image.shape.as_list()}."
        )
    down = image[:, 1:, :, :] - image[:, :-1, :, :]
    across = image[:, :, 1:, :] - image[:, :, :-1, :]
    return (
        concat([down, zeros_like(image[:, :1, :, :])], 1),
        concat([across, zeros_like(image[:, :, :1, :])], 2),
    )


def sobel_edges(image: Any) -> Tensor:
    """Return Sobel's edge filters, down and across.

    Args:
        image: floating numbers of shape (batch, height, width, channels).
    Returns:
        Numbers of shape (batch, height, width, channels, 2).
    """
    image = convert_to_tensor(image, name="image")
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    kernel = np.stack([down, down.T], -1)[:, :, None, :]
    channels = image.shape.as_list()[-1]
    filters = constant(np.tile(kernel, [1, 1, channels, 1]), dtype=image.dtype.base_dtype)
    margins = pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
    edges = _depthwise_op(margins, filters, strides=[1, 1, 1, 1], padding="VALID")
    dims = sizes(image)
    shape = [*dims, 2] if isinstance(dims, list) else concat([dims, [2]], 0)
    return deferred("Reshape")(edges, shape)


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """Return the sum of the absolute differences between neighbours.

    Args:
        images: numbers of shape (height, width, channels), or with a batch before.
        name: the name of the scope.
    Returns:
        A number for each image.
    Raises:
        ValueError: for another rank.
    """
    with name_scope(name, "total_variation"):
        images = convert_to_tensor(images, name="images")
        rank = len(images.shape.as_list())
        if rank not in (3, 4):
            raise ValueError(f"'images' must be either 3 or 4-dimensional, got shape {images.shape.as_list()}.")
        lead = [slice(None)] * (rank - 3)
        everything, later, earlier = slice(None), slice(1, None), slice(None, -1)
        down_from, down_to = (*lead, earlier), (*lead, later)
        across_from, across_to = (*lead, everything, earlier), (*lead, everything, later)
        down, across = images[down_to] - images[down_from], images[across_to] - images[across_from]
        axes = None if rank == 3 else [1, 2, 3]
        return reduce_sum(deferred("Abs")(down), axes) + reduce_sum(deferred("Abs")(across), axes)


def _pair(a: Any, b: Any, rank: int) -> tuple[Tensor, Tensor]:
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    first, second = a.shape, b.shape
    if first.rank is not None and second.rank is not None:
        if first.rank < rank or second.rank < rank or not first[-3:].is_compatible_with(second[-3:]):
            raise ValueError(
                f"the two images must have the same height, width and channels, got {first.as_list()} "
                f"and {second.as_list()}"
            )
    return a, b


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """Return the peak signal-to-noise ratio of images, in decibels.

    Args:
        a, b: real numbers of shapes (..., height, width, channels).
        max_val: the distance between the largest and the smallest possible value, in the type of the images.
        name: the name of the scope.
    Returns:
        float32, a number for each pair of images.
    Raises:
        ValueError: if height, width or channels differ.
    """
    with name_scope(name, "PSNR", [a, b]):
        a, b = _pair(a, b, 3)
        peak = convert_image_dtype(deferred("Cast")(max_val, DstT=a.dtype.base_dtype), dtypes.float32)
        first, second = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
        error = reduce_mean(deferred("SquaredDifference")(first, second), [-3, -2, -1])
        ten = np.float32(np.log(10.0))
        return 20 * log(peak) / ten - np.float32(10 / np.log(10.0)) * log(error)


def _gaussian(size: int, sigma: float) -> np.ndarray:
    steps = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    weights = np.exp(-0.5 * np.square(steps) / np.float32(sigma) ** 2)
    kernel = weights[:, None] * weights[None, :]
    return (kernel / kernel.sum()).astype(np.float32)


def _similarity(
    x: Tensor, y: Tensor, peak: Tensor, size: int, sigma: float, k1: float, k2: float, maps: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the structural similarity of images and its contrast and structure part, channel by channel."""
    channels = x.shape.as_list()[-1] or 1
    filters = constant(np.tile(_gaussian(size, sigma)[:, :, None, None], [1, 1, channels, 1]))

    def smooth(images: Tensor) -> Tensor:
        dims = images.shape.as_list()
        flat = deferred("Reshape")(images, [-1, *sizes_of(images)[-3:]])
        result = _depthwise_op(flat, filters, strides=[1, 1, 1, 1], padding="VALID")
        if len(dims) == 4:
            return result
        return deferred("Reshape")(result, [*sizes_of(images)[:-3], *sizes_of(result)[1:]])

    c1, c2 = square(k1 * peak), square(k2 * peak)
    mean_x, mean_y = smooth(x), smooth(y)
    product = mean_x * mean_y * 2.0
    squares = square(mean_x) + square(mean_y)
    luminance = (product + c1) / (squares + c1)
    contrast = (smooth(x * y) * 2.0 - product + c2) / (smooth(square(x) + square(y)) - squares + c2)
    if maps:
        return luminance * contrast, contrast
    return reduce_mean(luminance * contrast, [-3, -2]), reduce_mean(contrast, [-3, -2])


def sizes_of(images: Tensor) -> list[Any]:
    """Return the sizes of all axes: numbers where they are static, scalar tensors elsewhere."""
    dims = images.shape.as_list()
    if None not in dims:
        return dims
    shape = deferred("Shape")(images)
    return [shape[axis] if size is None else size for axis, size in enumerate(dims)]


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Tensor:
    """Return the structural similarity of images.

    Args:
        img1, img2: real numbers of shapes (..., height, width, channels), at least as large as the filter.
        max_val: the distance between the largest and the smallest possible value.
        filter_size, filter_sigma: the Gaussian window, in pixels.
        k1, k2: constants that keep the ratios stable.
        return_index_map: whether to return a number for each pixel.
    Returns:
        float32 in (-1, 1], a number for each pair of images.
    Raises:
        ValueError: if height, width or channels differ.
    Source: Wang et al. 2004.
    """
    with name_scope(None, "SSIM", [img1, img2]):
        img1, img2 = _pair(img1, img2, 3)
        peak = convert_image_dtype(deferred("Cast")(max_val, DstT=img1.dtype.base_dtype), dtypes.float32)
        x, y = convert_image_dtype(img1, dtypes.float32), convert_image_dtype(img2, dtypes.float32)
        similarity, _ = _similarity(x, y, peak, filter_size, filter_sigma, k1, k2, return_index_map)
        return reduce_mean(similarity, [-1])


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Any = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Return the structural similarity of images over several scales, each half as large as the one before.

    Args:
        img1, img2, max_val, filter_size, filter_sigma, k1, k2: see `ssim`.
        power_factors: the weight of each scale.
    Returns:
        float32 in [0, 1], a number for each pair of images.
    Raises:
        ValueError: if height, width or channels differ.
    Source: Wang, Simoncelli and Bovik 2003.
    """
    with name_scope(None, "MS-SSIM", [img1, img2]):
        img1, img2 = _pair(img1, img2, 3)
        peak = convert_image_dtype(deferred("Cast")(max_val, DstT=img1.dtype.base_dtype), dtypes.float32)
        scales = [convert_image_dtype(img1, dtypes.float32), convert_image_dtype(img2, dtypes.float32)]
        parts, whole = [], None
        for level in range(len(power_factors)):
            if level:
                scales = [_halved(images) for images in scales]
            whole, contrast = _similarity(scales[0], scales[1], peak, filter_size, filter_sigma, k1, k2)
            parts.append(deferred("Relu")(contrast))
        parts[-1] = deferred("Relu")(whole)
        powers = stack(parts, -1) ** constant(np.asarray(power_factors, np.float32))
        return reduce_mean(reduce_prod(powers, [-1]), [-1])


def _halved(images: Tensor) -> Tensor:
    """Return images of half the size, after their last row and column are repeated where their numbers are odd."""
    *lead, height, width, channels = sizes_of(images)
    flat = deferred("Reshape")(images, [-1, height, width, channels])
    flat = pad(flat, deferred("Pack")([[0, 0], [0, height % 2], [0, width % 2], [0, 0]]), "SYMMETRIC")
    halved = deferred("AvgPool")(flat, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    return deferred("Reshape")(halved, [*lead, *sizes_of(halved)[1:]])
