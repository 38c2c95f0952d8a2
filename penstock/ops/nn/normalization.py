"""Batch normalization in one operation, and local response normalization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import bfloat16, float16, float32
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import constant, shape_op
from penstock.ops.nn.batch_norm import gradients_of_normalization, normalize
from penstock.ops.nn.windows import keep_attrs, rank_of, split_sizes

_cast_op = deferred("Cast")
_sum_op = deferred("Sum")
_reshape_op = deferred("Reshape")
_rsqrt_op = deferred("Rsqrt")
_prod_op = deferred("Prod")

_FLOAT = frozenset({float32})
_MIXED = frozenset({float16, bfloat16, float32})
_EPSILON = 9.999999747378752e-05  # 0.0001 in float32, the type in which GraphDefs keep it
_IMAGES: dict[str, Iterable[Any]] = {"data_format": ("NHWC", "NCHW")}
_IMAGES_AND_VOLUMES: dict[str, Iterable[Any]] = {"data_format": ("NHWC", "NCHW", "NDHWC", "NCDHW")}


def _normalized_shapes(
    x: Dims, scale: Dims, offset: Dims, mean: Dims, variance: Dims, *, data_format: str, **attrs: Any
) -> tuple[Dims, ...]:
    dims = expect_rank(x, rank_of(data_format), "x")
    batch, channels, spatial = split_sizes(dims, data_format)
    for vector, what in ((scale, "scale"), (offset, "offset")):
        channels = merge_dim(channels, expect_rank(vector, 1, what)[0], f"the channels of x and the size of {what}")
    vector = (channels,)
    whole = (batch, *spatial, channels) if data_format.endswith("C") else (batch, channels, *spatial)
    return whole, vector, vector, vector, vector


@op(
    "FusedBatchNorm(x: T, scale: T, offset: T, mean: T, variance: T) -> (y: T, batch_mean: T, batch_variance: T, "
    "reserve_space_1: T, reserve_space_2: T)",
    T=_FLOAT,
    allowed=_IMAGES,
    shape=_normalized_shapes,
)
def fused_batch_norm_op(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = _EPSILON,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    return normalize(x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training)


@op(
    "FusedBatchNormV2(x: T, scale: U, offset: U, mean: U, variance: U) -> (y: T, batch_mean: U, batch_variance: U, "
    "reserve_space_1: U, reserve_space_2: U)",
    T=_MIXED,
    U=_FLOAT,
    allowed=_IMAGES,
    shape=_normalized_shapes,
)
def fused_batch_norm_v2_op(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = _EPSILON,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    return normalize(x, scale, offset, mean, variance, epsilon, exponential_avg_factor, data_format, is_training)


@op(
    "FusedBatchNormV3(x: T, scale: U, offset: U, mean: U, variance: U) -> (y: T, batch_mean: U, batch_variance: U, "
    "reserve_space_1: U, reserve_space_2: U, reserve_space_3: U)",
    T=_MIXED,
    U=frozenset({bfloat16, float32}),
    allowed=_IMAGES_AND_VOLUMES,
    shape=lambda *dims, **attrs: (*_normalized_shapes(*dims, **attrs), None),
)
def fused_batch_norm_v3_op(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = _EPSILON,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    y, *rest = normalize(
        x,
        scale.float(),
        offset.float(),
        mean.float(),
        variance.float(),
        epsilon,
        exponential_avg_factor,
        data_format,
        is_training,
    )
    return y, *(vector.to(scale.dtype) for vector in rest), scale.new_zeros(())


def _gradients(y_backprop: Array, scale: Array, *rest: Any) -> tuple[Array, ...]:
    nothing = scale.new_zeros(0)
    dx, dscale, doffset, _ = gradients_of_normalization([y_backprop], *rest)
    return dx, dscale, doffset, nothing, nothing.clone()


def _gradient_shapes(
    y_backprop: Dims, x: Dims, scale: Dims, *rest: Dims, data_format: str, **attrs: Any
) -> tuple[Dims, ...]:
    dims = expect_rank(merge(y_backprop, x, "shapes of y_backprop and x"), rank_of(data_format), "x")
    channels = merge_dim(
        split_sizes(dims, data_format)[1], expect_rank(scale, 1, "scale")[0], "the channels of x and the size of scale"
    )
    return dims, (channels,), (channels,), None, None


@op(
    "FusedBatchNormGrad(y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T) -> (x_backprop: T, "
    "scale_backprop: T, offset_backprop: T, reserve_space_3: T, reserve_space_4: T)",
    T=_FLOAT,
    allowed=_IMAGES,
    shape=_gradient_shapes,
)
def fused_batch_norm_grad_op(
    y_backprop: Array,
    x: Array,
    scale: Array,
    reserve_space_1: Array,
    reserve_space_2: Array,
    *,
    epsilon: float = _EPSILON,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    return _gradients(y_backprop, scale, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training)


@op(
    "FusedBatchNormGradV2(y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U) -> "
    "(x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U)",
    T=_MIXED,
    U=_FLOAT,
    allowed=_IMAGES,
    shape=_gradient_shapes,
)
def fused_batch_norm_grad_v2_op(
    y_backprop: Array,
    x: Array,
    scale: Array,
    reserve_space_1: Array,
    reserve_space_2: Array,
    *,
    epsilon: float = _EPSILON,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    return _gradients(y_backprop, scale, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training)


@op(
    "FusedBatchNormGradV3(y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U, "
    "reserve_space_3: U) -> (x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_4: U, "
    "reserve_space_5: U)",
    T=_MIXED,
    U=_FLOAT,
    allowed=_IMAGES_AND_VOLUMES,
    shape=_gradient_shapes,
)
def fused_batch_norm_grad_v3_op(
    y_backprop: Array,
    x: Array,
    scale: Array,
    reserve_space_1: Array,
    reserve_space_2: Array,
    reserve_space_3: Array,
    *,
    epsilon: float = _EPSILON,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    return _gradients(y_backprop, scale, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training)


def _gradient_with(operation: Any, reserves: int) -> Any:
    """Return the gradient function of a normalization whose derivative is `operation`."""

    def gradient(call: Any, grad_y: Tensor, *_: Any) -> tuple[Any, ...]:
        x, scale, _, mean, variance = call.inputs
        attrs = keep_attrs(call, "epsilon", "data_format", "is_training")
        reserved = list(call.outputs[3 : 3 + reserves])
        if not attrs["is_training"]:
            reserved[:2] = [mean, variance]
        if reserves == 3 and scale.dtype.base_dtype != float32:
            scale, *reserved = (_cast_op(vector, DstT=float32) for vector in (scale, *reserved))
        dx, dscale, doffset, _, _ = operation(grad_y, x, scale, *reserved, **attrs)
        if dscale.dtype != call.inputs[1].dtype.base_dtype:
            dscale, doffset = (_cast_op(vector, DstT=call.inputs[1].dtype.base_dtype) for vector in (dscale, doffset))
        return dx, dscale, doffset, None, None

    return gradient


fused_batch_norm_op.gradient(_gradient_with(fused_batch_norm_grad_op, 2))
fused_batch_norm_v2_op.gradient(_gradient_with(fused_batch_norm_grad_v2_op, 2))
fused_batch_norm_v3_op.gradient(_gradient_with(fused_batch_norm_grad_v3_op, 3))


@fused_batch_norm_grad_op.gradient
@fused_batch_norm_grad_v2_op.gradient
@fused_batch_norm_grad_v3_op.gradient
def fused_batch_norm_grad_gradient(
    call: Any, grad_dx: Tensor, grad_dscale: Tensor, grad_doffset: Tensor, *_: Any
) -> tuple[Any, ...]:
    """Differentiate dx, dscale and doffset with respect to the incoming gradient g, x and scale.

    With n = (x - mean) * r, r = 1 / sqrt(variance + epsilon) and m elements a channel, the derivatives are
    dx = scale * r * (g - sum(g)/m - n * sum(g*n)/m), dscale = sum(g*n), doffset = sum(g); without training, mean and r
    are constants and dx = scale * r * g. The mean and variance of x are functions of x here, not inputs of their own.
    """
    g, x, scale, mean, variance = call.inputs[:5]
    data_format, out_type = call.attrs["data_format"], x.dtype.base_dtype
    rank = rank_of(data_format)
    channel_axis = rank - 1 if data_format.endswith("C") else 1
    axes = [axis for axis in range(rank) if axis != channel_axis]

    def wide(tensor: Tensor) -> Tensor:
        return tensor if out_type == float32 else _cast_op(tensor, DstT=float32)

    def across(vector: Tensor) -> Tensor:
        return vector if channel_axis == rank - 1 else _reshape_op(vector, [-1, *(1,) * (rank - 2)])

    def total(tensor: Tensor) -> Tensor:
        return across(_sum_op(tensor, axes))

    g, x, a = wide(g), wide(x), wide(grad_dx)
    r = across(_rsqrt_op(variance + call.attrs["epsilon"]))
    s, b, c = across(scale), across(grad_dscale), across(grad_doffset)
    n = (x - across(mean)) * r
    rest = (None,) * (len(call.inputs) - 3)
    if not call.attrs["is_training"]:
        result_g, result_x, result_scale = a * s * r + b * n + c, b * g * r, _sum_op(a * g * r, axes)
    else:
        m = _cast_op(_prod_op(_sizes_along(x, axes), [0]), DstT=float32)
        sum_a, sum_g, sum_an, sum_gn = total(a), total(g), total(a * n), total(g * n)
        result_g = s * r * (a - sum_a / m - n * sum_an / m) + b * n + c
        inner = total(a * g) - sum_a * sum_g / m - sum_an * sum_gn / m
        result_scale = _reshape_op(inner * r, [-1])
        h = b * g - s * r / m * (a * sum_gn + g * sum_an)
        result_x = r * (h - total(h) / m - n * total(h * n) / m) - s * inner * r * r * n / m
    if out_type != float32:
        result_g, result_x = _cast_op(result_g, DstT=out_type), _cast_op(result_x, DstT=out_type)
    return (result_g, result_x, result_scale, *rest)


def _sizes_along(x: Tensor, axes: list[int]) -> Any:
    dims = x.dims
    if dims is not None and all(dims[axis] is not None for axis in axes):
        return constant([dims[axis] for axis in axes])
    return deferred("GatherV2")(shape_op(x), axes, 0)


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize each channel of images to mean `offset` and standard deviation `scale`.

    Args:
        x: images or volumes in the layout `data_format`.
        scale, offset: vectors with a number for each channel.
        mean, variance: running statistics: used without training, and averaged into while training if
            `exponential_avg_factor` is not 1.
        epsilon: added to the variance; at least 1.001e-5 is used.
        data_format: 'NHWC', 'NCHW', 'NDHWC' or 'NCDHW'.
        is_training: whether the statistics are those of `x`.
        name: the name of the node.
        exponential_avg_factor: the weight of the new statistics in the running ones.
    Returns:
        The normalized images, and the running mean and variance.
    Raises:
        ValueError: if statistics are missing.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be given unless is_training is True and exponential_avg_factor is 1.0."
        )
    images = convert_to_tensor(x, name="input")
    factor = convert_to_tensor(scale, float32, "scale")
    with op_scope(name, "FusedBatchNorm", [x, scale, offset, mean, variance]) as scope:
        result = fused_batch_norm_v3_op(
            images,
            factor,
            convert_to_tensor(offset, float32, "offset"),
            constant([], dtype=float32) if mean is None else mean,
            constant([], dtype=float32) if variance is None else variance,
            epsilon=max(float(epsilon), 1.001e-5),
            exponential_avg_factor=float(exponential_avg_factor),
            data_format=data_format,
            is_training=is_training,
            name=scope,
        )
    return result.y, result.batch_mean, result.batch_variance


# Local response normalization


def _window_sums(squares: Array, radius: int) -> Array:
    """Return the sums over windows of 2 * radius + 1 channels, the last axis, without loss of small numbers."""
    flat = squares.reshape(-1, 1, squares.shape[-1])
    window = 2 * radius + 1
    sums = torch.avg_pool1d(torch.constant_pad_nd(flat, (radius, radius)), window, 1) * window
    return sums.view(squares.shape)


def _check_images(input: Array, depth_radius: int) -> None:
    if input.ndim != 4:
        raise ShapeError(f"input must be 4-dimensional, got shape {tuple(input.shape)}")
    if depth_radius < 0:
        raise ShapeError(f"depth_radius must be nonnegative, got {depth_radius}")


@op(
    "LRN(input: T) -> output: T",
    T=Type(_MIXED, default=float32),
    shape=lambda input, **attrs: expect_rank(input, 4, "input"),
)
def lrn_op(input: Array, *, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5) -> Array:
    _check_images(input, depth_radius)
    radius = min(depth_radius, input.shape[-1])
    wide = input.float()
    norm = bias + alpha * _window_sums(wide.square(), radius) if input.numel() else wide
    return (wide * norm.pow(-beta)).to(input.dtype)


_LRN_ATTRS = ("depth_radius", "bias", "alpha", "beta")


@lrn_op.gradient
def lrn_gradient(call: Any, grad: Tensor) -> Tensor:
    return lrn_grad_op(grad, call.inputs[0], call.outputs[0], **keep_attrs(call, *_LRN_ATTRS))


@op(
    "LRNGrad(input_grads: T, input_image: T, output_image: T) -> output: T",
    T=Type(_MIXED, default=float32),
    shape=lambda input_grads, input_image, output_image, **attrs: merge(
        expect_rank(input_grads, 4, "input_grads"),
        merge(input_image, output_image, "shapes of the images"),
        "shapes of gradient and images",
    ),
)
def lrn_grad_op(
    input_grads: Array,
    input_image: Array,
    output_image: Array,
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Array:
    _check_images(input_grads, depth_radius)
    merge(tuple(input_grads.shape), tuple(input_image.shape), "shapes of input_grads and input_image")
    merge(tuple(output_image.shape), tuple(input_image.shape), "shapes of output_image and input_image")
    if not input_image.numel():
        return input_grads.clone()
    radius = min(depth_radius, input_image.shape[-1])
    image, grads, output = input_image.float(), input_grads.float(), output_image.float()
    norm = bias + alpha * _window_sums(image.square(), radius)
    spread = _window_sums(grads * output / norm, radius)
    return (grads * norm.pow(-beta) - 2 * alpha * beta * image * spread).to(input_grads.dtype)


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: str | None = None
) -> Tensor:
    """Divide each pixel by a power of the sum of squares of the channels near to it.

    Args:
        input: images of shape (batch, height, width, channels).
        depth_radius: how many channels on either side count.
        bias: what is added to the sum.
        alpha: the factor of the sum.
        beta: the exponent.
        name: the name of the node.
    Returns:
        input / (bias + alpha * sum of squares) ** beta.
    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks".
    """
    return lrn_op(input, depth_radius=depth_radius, bias=float(bias), alpha=float(alpha), beta=float(beta), name=name)


lrn = local_response_normalization
