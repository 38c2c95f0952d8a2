"""Batch normalization of arrays, with what may stand next to it: a sum, a ReLU, and their derivatives.

Large float32 images with their channels last run as machine code that reads them as seldom as possible
(`ops/fused/native/batch_norm.py`), all others as ATen's kernels one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.shape_rules import ShapeError, expect_rank, merge
from penstock.ops.nn.windows import channels_first, from_channels_first, rank_of, split_sizes

# Elements of images from which on machine code is worth its call.
LARGE = 1 << 16

_aten = torch.ops.aten


def normalize(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    epsilon: float,
    exponential_avg_factor: float,
    data_format: str,
    is_training: bool,
    residual: Array | None = None,
    is_rectified: bool = False,
    result: Array | None = None,
) -> tuple[Array, Array, Array, Array, Array]:
    """Normalize the channels of images, add other images, and take what is positive.

    Args:
        x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training: as
            `penstock.ops.nn.normalization.fused_batch_norm` takes them.
        residual: what is added to the normalized images.
        is_rectified: whether a ReLU comes last.
        result: where the result may be written: `x`, or nowhere in particular.
    Returns:
        The result, the new running mean and variance, and the mean and variance with which it was computed.
    """
    _check_vectors(x.shape, [scale.shape, offset.shape], data_format)
    averages = is_training and exponential_avg_factor != 1.0
    if averages or not is_training:
        _check_vectors(x.shape, [mean.shape, variance.shape], data_format)
    if not x.numel():
        nan = torch.full_like(scale, float("nan"))
        kept = (mean.clone(), variance.clone()) if averages or not is_training else (nan, nan.clone())
        used = (scale * 0, scale * 0) if is_training else (mean.clone(), variance.clone())
        return (_finish(x.clone(), residual, is_rectified), *kept, *used)
    statistics = None if is_training else (mean, variance)
    if _has_code(x, data_format) and (residual is None or _lies_alike(residual, x)):
        # LLVM is loaded when it is first needed.
        from penstock.ops.fused.native.batch_norm import batch_norm

        vectors = (scale.contiguous(), offset.contiguous())
        y, batch_mean, batch_variance = batch_norm(
            _matrix(x),
            *vectors,
            None if statistics is None else (mean.contiguous(), variance.contiguous()),
            epsilon,
            residual=None if residual is None else _matrix(residual),
            is_rectified=is_rectified,
            result=None if result is None else _matrix(result),
        )
        y = y.view(x.shape)
    else:
        images = channels_first(x, data_format).float()
        batch_mean, batch_variance = statistics or _aten.batch_norm_update_stats(images, None, None, 0.0)
        y = _with_statistics(images, scale, offset, batch_mean, batch_variance, epsilon)
        y = _finish(from_channels_first(y.to(x.dtype), data_format), residual, is_rectified)
    if not is_training:
        return y, mean.clone(), variance.clone(), mean.clone(), variance.clone()
    count = x.numel() // scale.numel()
    new_mean, new_variance = batch_mean.clone(), batch_variance * (count / max(count - 1, 1))
    if averages:
        new_mean = torch.lerp(mean, new_mean, exponential_avg_factor)
        new_variance = torch.lerp(variance, new_variance, exponential_avg_factor)
    return y, new_mean, new_variance, batch_mean, batch_variance


def gradients_of_normalization(
    gradients: Sequence[Array],
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    epsilon: float,
    data_format: str,
    is_training: bool,
    rectified: Array | None = None,
    offset: Array | None = None,
    keeps_masked: bool = False,
    result: Array | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Return the derivatives of `normalize` with respect to x, scale and offset, and to the residual.

    Args:
        gradients: one or two arrays whose sum is the gradient with respect to the result.
        x, scale, epsilon, data_format, is_training: as in `normalize`.
        mean, variance: with which the images were normalized.
        rectified: what the ReLU gave, if there was one.
        offset: that of the normalization, in place of `rectified`, where the ReLU stood directly behind it.
        keeps_masked: whether the derivative with respect to the residual is wanted; otherwise it is an empty array.
        result: where the derivative with respect to x may be written: `x`, or nowhere in particular.
    """
    _check_vectors(x.shape, [scale.shape], data_format)
    for gradient in gradients:
        merge(tuple(gradient.shape), tuple(x.shape), "shapes of y_backprop and x")
    if rectified is not None:
        merge(tuple(rectified.shape), tuple(x.shape), "shapes of gradients and features")
    nothing = scale.new_zeros(0)
    if not x.numel():
        masked = x.clone() if keeps_masked else nothing
        return x.clone(), torch.zeros_like(scale), torch.zeros_like(scale), masked
    if _has_code(x, data_format):
        from penstock.ops.fused.native.batch_norm import batch_norm_gradients

        dx, dscale, doffset, kept = batch_norm_gradients(
            [_matrix(gradient) for gradient in gradients],
            _matrix(x),
            scale.contiguous(),
            mean.contiguous(),
            variance.contiguous(),
            epsilon,
            is_training=is_training,
            rectified=None if rectified is None else _matrix(rectified),
            offset=None if offset is None else offset.contiguous(),
            keeps_masked=keeps_masked,
            result=None if result is None else _matrix(result),
        )
        return dx.view(x.shape), dscale, doffset, nothing if kept is None else kept.view(x.shape)
    gradient = gradients[0] if len(gradients) == 1 else gradients[0] + gradients[1]
    images = channels_first(x, data_format).float()
    if offset is not None:
        y = _with_statistics(images, scale, offset, mean, variance, epsilon)
        rectified = from_channels_first(y.to(x.dtype), data_format)
    if rectified is not None:
        gradient = _aten.threshold_backward(gradient, rectified, 0)
    inverse = torch.rsqrt(variance + epsilon)
    running = (None, None) if is_training else (mean, variance)
    dx, dscale, doffset = _aten.native_batch_norm_backward(
        channels_first(gradient, data_format).float(),
        images,
        scale,
        *running,
        mean,
        inverse,
        is_training,
        epsilon,
        (True, True, True),
    )
    return (
        from_channels_first(dx.to(x.dtype), data_format),
        dscale,
        doffset,
        gradient if keeps_masked else nothing,
    )


def _check_vectors(x: Any, vectors: Any, data_format: str) -> None:
    dims = expect_rank(tuple(x), rank_of(data_format), "x")
    channels = split_sizes(dims, data_format)[1]
    for vector in vectors:
        if tuple(vector) != (channels,):
            raise ShapeError(
                f"scale, offset, mean and variance must have shape ({channels},) for x {dims}, got {tuple(vector)}"
            )


def _has_code(x: Array, data_format: str) -> bool:
    """Tell whether images run as machine code. All that is computed of the same images goes the same way, so that the
    derivative finds the ReLU's mask as it was."""
    return x.numel() >= LARGE and x.dtype == torch.float32 and data_format.endswith("C") and x.is_cpu


def _lies_alike(residual: Array, x: Array) -> bool:
    return residual.shape == x.shape and residual.is_cpu


def _matrix(images: Array) -> Array:
    """Return images with their channels last as a matrix without gaps, which is a copy if they are not so."""
    return images.reshape(-1, images.shape[-1]).contiguous()


def _with_statistics(images: Array, scale: Array, offset: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    y: Array = _aten.native_batch_norm(images, scale, offset, mean, variance, False, 0.0, epsilon)[0]
    return y


def _finish(y: Array, residual: Array | None, is_rectified: bool) -> Array:
    if residual is not None:
        y = y + residual
    return torch.relu(y) if is_rectified else y
