"""Convolutions of images and volumes, their derivatives, and the depthwise kind.

Images stay in TensorFlow's layout. The kernels see a view with the channels as the second axis (for NHWC that is what
ATen calls channels_last) and a view of the filter with the output channels first, so that nothing is copied on the way
in or out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from penstock.core.array import Array
from penstock.core.dtypes import FLOATING, float16, float32, float64, int32, int64
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import sizes
from penstock.ops.nn import convolution_products, packed_filters
from penstock.ops.nn.windows import (
    cached,
    channels_first,
    check_window_attribute,
    explicit_pairs,
    from_channels_first,
    join_sizes,
    keep_attrs,
    rank_of,
    split_sizes,
    windows,
)

_convolution = torch.ops.aten.convolution.default
_convolution_backward = torch.ops.aten.convolution_backward.default

_PADDINGS = ("SAME", "VALID", "EXPLICIT")
_IMAGES = ("NHWC", "NCHW")
_VOLUMES = ("NDHWC", "NCDHW")
_FLOATING_OR_INT = FLOATING | {int32}

# From spatial axes, input channels, output channels to output channels, input channels, spatial axes; and back.
_FILTER_IN = {4: (3, 2, 0, 1), 5: (4, 3, 0, 1, 2)}
_FILTER_OUT = {4: (2, 3, 1, 0), 5: (2, 3, 4, 1, 0)}


class Geometry(NamedTuple):
    """How a convolution lies: all that its kernel needs beside the arrays.

    Attributes:
        output: the shape of the result in the layout of the input, None where unknown.
        stride, dilation: a number for each spatial axis.
        padding: the part of the padding that is the same on both sides.
        extra: what remains, in the order in which `constant_pad_nd` takes it (last axis first); empty if nothing does.
        groups: the number of groups of channels.
    """

    output: Dims
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    extra: tuple[int, ...]
    groups: int


@cached
def _geometry(
    input: Sequence[int | None],
    filter: Sequence[int | None],
    strides: tuple[int, ...],
    padding: str,
    explicit_paddings: tuple[int, ...],
    data_format: str,
    dilations: tuple[int, ...],
    depthwise: bool,
) -> Geometry:
    rank = rank_of(data_format)
    stride = check_window_attribute("strides", strides, rank, data_format)
    dilation = check_window_attribute("dilations", dilations, rank, data_format)
    pairs = explicit_pairs(padding, explicit_paddings, rank, data_format)
    batch, depth, spatial = split_sizes(input, data_format)
    *filter_spatial, filter_depth, last = filter
    groups, output_depth = _groups(depth, filter_depth, last, depthwise)
    counts: list[int | None] = []
    symmetric: list[int] = []
    extra: list[int] = []
    for size, window, step, spread, pair in zip(spatial, filter_spatial, stride, dilation, pairs, strict=True):
        if window == 0:
            raise ShapeError(f"filter must not be empty, got sizes {list(filter)}")
        count, before, after = windows(size, window, step, spread, padding, pair)
        counts.append(count)
        symmetric.append(min(before, after))
        extra[:0] = (before - symmetric[-1], after - symmetric[-1])
    output = join_sizes(batch, output_depth, counts, data_format)
    return Geometry(output, stride, dilation, tuple(symmetric), tuple(extra) if any(extra) else (), groups)


def _groups(depth: int | None, filter_depth: int | None, last: int | None, depthwise: bool) -> tuple[int, int | None]:
    if depthwise:
        if depth is not None and filter_depth is not None and depth != filter_depth:
            raise ShapeError(f"input depth must equal the filter's third size, got {depth} and {filter_depth}")
        depth = filter_depth if depth is None else depth
        return depth or 1, None if depth is None or last is None else depth * last
    if depth is None or filter_depth is None:
        return 1, last
    if filter_depth == 0 or depth % filter_depth:
        raise ShapeError(f"input depth must be evenly divisible by filter depth: {depth} vs {filter_depth}")
    groups = max(depth // filter_depth, 1)
    if last is not None and last % groups:
        raise ShapeError(f"output depth must be evenly divisible by the number of groups: {last} vs {groups}")
    return groups, last


def _weights(filter: Array, depthwise: bool) -> Array:
    """Return a view of a filter as the kernels take it: output channels, channels of a group, spatial axes."""
    if depthwise:
        height, width, depth, multiplier = filter.shape
        return filter.permute(2, 3, 0, 1).reshape(depth * multiplier, 1, height, width)
    return filter.permute(_FILTER_IN[filter.ndim])


def _margins(g: Geometry) -> tuple[int, ...]:
    """Return the whole padding before and after each spatial axis, the last axis first."""
    pairs = zip(reversed(g.padding), g.extra[::2] or (0,) * 9, g.extra[1::2] or (0,) * 9, strict=False)
    return tuple(size for both, before, after in pairs for size in (both + before, both + after))


def _empty_like_images(batch: int, depth: int, spatial: Sequence[int], pattern: Array, data_format: str) -> Array:
    """Return uninitialized memory that tells a kernel the shape and layout of images, and that it does not read."""
    memory_format = torch.contiguous_format
    if data_format.endswith("C"):
        memory_format = torch.channels_last if len(spatial) == 2 else torch.channels_last_3d
    return torch.empty(
        (batch, depth, *spatial), dtype=pattern.dtype, device=pattern.device, memory_format=memory_format
    )


def convolve(
    input: Array,
    filter: Array,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool = False,
    bias: Array | None = None,
) -> Array:
    """Return a convolution with explicit attributes, to which a bias for each channel may be added."""
    g = _geometry(
        input.shape,
        filter.shape,
        tuple(strides),
        padding,
        tuple(explicit_paddings),
        data_format,
        tuple(dilations),
        depthwise,
    )
    if 0 in g.output or not input.numel() or not filter.numel():
        return input.new_zeros(g.output)
    images = channels_first(input, data_format)
    is_plain = g.groups == 1 and data_format == "NHWC"
    if is_plain:
        padded = torch.constant_pad_nd(images, g.extra) if g.extra else images
        found = packed_filters.convolve(padded, filter, bias, g.stride, g.padding, g.dilation)
        if found is not None:
            return from_channels_first(found, data_format)
    if is_plain and convolution_products.is_product(input, filter.shape, g.output, g.stride):
        rows = convolution_products.columns(input, filter.shape[:2], g.output, g.stride, g.dilation, _margins(g))
        return convolution_products.convolve(rows, filter, g.output, bias)
    if g.extra:
        images = torch.constant_pad_nd(images, g.extra)
    nothing = (0,) * len(g.stride)
    weights = _weights(filter, depthwise)
    result = _convolution(images, weights, bias, g.stride, g.padding, g.dilation, False, nothing, g.groups)
    return from_channels_first(result, data_format)


def _checked_geometry(
    input: Dims,
    filter: Dims,
    out_backprop: Dims,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool,
) -> Geometry:
    """Return the geometry of the convolution to differentiate, having checked the shape of `out_backprop`."""
    rank = rank_of(data_format)
    g: Geometry = _geometry(
        expect_rank(input, rank, "input"),
        expect_rank(filter, rank, "filter"),
        tuple(strides),
        padding,
        tuple(explicit_paddings),
        data_format,
        tuple(dilations),
        depthwise,
    )
    merge(
        expect_rank(out_backprop, rank, "out_backprop"),
        g.output,
        "shapes of out_backprop and of the convolution's result",
    )
    return g


def _whole_sizes(given: Any, batch: Any, depth: Any, data_format: str) -> Any:
    """Return `input_sizes`, which may be the spatial sizes alone, with a size for each axis."""
    if given is not None and len(given) == rank_of(data_format) - 2:
        return list(join_sizes(batch, depth, given, data_format))
    return given


def _input_gradient(
    input_sizes: list[int],
    filter: Array,
    out_backprop: Array,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool = False,
) -> Array:
    input_sizes = _whole_sizes(input_sizes, out_backprop.shape[0], filter.shape[-2], data_format)
    if min(input_sizes, default=0) < 0:
        raise ShapeError(f"input_sizes must be nonnegative, got {input_sizes}")
    g = _checked_geometry(
        tuple(input_sizes),
        tuple(filter.shape),
        tuple(out_backprop.shape),
        strides,
        padding,
        explicit_paddings,
        data_format,
        dilations,
        depthwise,
    )
    if not out_backprop.numel() or not filter.numel() or 0 in input_sizes:
        return filter.new_zeros(input_sizes)
    if not filter.is_floating_point():
        # Exact up to 2**53; ATen has no integer kernel.
        exact = _input_gradient(
            input_sizes,
            filter.double(),
            out_backprop.double(),
            strides,
            padding,
            explicit_paddings,
            data_format,
            dilations,
            depthwise,
        )
        return exact.to(torch.int64).to(filter.dtype)
    is_plain = g.groups == 1 and data_format == "NHWC"
    if is_plain and not g.extra and all(step == 1 for step in g.stride):
        # A convolution of its own, with what the filter reaches beyond the padding as padding.
        reach = [(size - 1) * step - pad for size, step, pad in zip(filter.shape, g.dilation, g.padding, strict=False)]
        if min(reach) >= 0:
            found = packed_filters.convolve(
                channels_first(out_backprop, data_format), filter, None, g.stride, reach, g.dilation, is_turned=True
            )
            if found is not None:
                return from_channels_first(found, data_format)
    if is_plain and convolution_products.is_product(filter, filter.shape, g.output, g.stride):
        return convolution_products.input_gradient(input_sizes, filter, out_backprop, g.stride, g.dilation, _margins(g))
    batch, depth, spatial = split_sizes(input_sizes, data_format)
    padded = (
        [size + g.extra[-2 - 2 * i] + g.extra[-1 - 2 * i] for i, size in enumerate(spatial)] if g.extra else spatial
    )
    grad = channels_first(out_backprop, data_format)
    result = _convolution_backward(
        grad,
        _empty_like_images(batch, depth, padded, filter, data_format),
        _weights(filter, depthwise),
        None,
        g.stride,
        g.padding,
        g.dilation,
        False,
        (0,) * len(g.stride),
        g.groups,
        (True, False, False),
    )[0]
    if g.extra:
        result = torch.constant_pad_nd(result, [-size for size in g.extra])
    return from_channels_first(result, data_format)


def _filter_gradient(
    input: Array,
    filter_sizes: list[int],
    out_backprop: Array,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool = False,
) -> Array:
    if min(filter_sizes, default=0) < 0:
        raise ShapeError(f"filter_sizes must be nonnegative, got {filter_sizes}")
    g = _checked_geometry(
        tuple(input.shape),
        tuple(filter_sizes),
        tuple(out_backprop.shape),
        strides,
        padding,
        explicit_paddings,
        data_format,
        dilations,
        depthwise,
    )
    if not out_backprop.numel() or not input.numel() or 0 in filter_sizes:
        return input.new_zeros(filter_sizes)
    if (
        g.groups == 1
        and data_format == "NHWC"
        and convolution_products.is_product(input, filter_sizes, g.output, g.stride, is_gradient=True)
    ):
        rows = convolution_products.columns(input, filter_sizes[:2], g.output, g.stride, g.dilation, _margins(g))
        return convolution_products.filter_gradient(rows, filter_sizes, out_backprop)
    images = channels_first(input, data_format)
    if g.extra:
        images = torch.constant_pad_nd(images, g.extra)
    *spatial, depth, last = filter_sizes
    outputs, inputs = (depth * last, 1) if depthwise else (last, depth)
    result = _convolution_backward(
        channels_first(out_backprop, data_format),
        images,
        _empty_like_images(outputs, inputs, spatial, input, data_format),
        None,
        g.stride,
        g.padding,
        g.dilation,
        False,
        (0,) * len(g.stride),
        g.groups,
        (False, True, False),
    )[1]
    if depthwise:
        return result.reshape(depth, last, *spatial).permute(2, 3, 0, 1)
    return result.permute(_FILTER_OUT[result.ndim])


def _convolved_shape(
    input: Dims,
    filter: Dims,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool = False,
) -> Dims:
    rank = rank_of(data_format)
    geometry: Geometry = _geometry(
        expect_rank(input, rank, "input"),
        expect_rank(filter, rank, "filter"),
        tuple(strides),
        padding,
        tuple(explicit_paddings),
        data_format,
        tuple(dilations),
        depthwise,
    )
    return geometry.output


def _known(sizes: Any, rank: int, what: str) -> Dims:
    """Return a partly known vector of sizes as a shape."""
    if sizes is None:
        return (None,) * rank
    if len(sizes) != rank:
        raise ShapeError(f"{what} must have {rank} numbers, got {list(sizes)}")
    if any(size is not None and size < 0 for size in sizes):
        raise ShapeError(f"{what} must be nonnegative, got {list(sizes)}")
    return tuple(sizes)


# Images


@op(
    "Conv2D(input: T, filter: T) -> output: T",
    T=_FLOATING_OR_INT,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def conv2d_op(
    input: Array,
    filter: Array,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return convolve(input, filter, strides, padding, explicit_paddings, data_format, dilations)


@conv2d_op.shape
def conv2d_shape(
    input: Dims,
    filter: Dims,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool,
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    return _convolved_shape(input, filter, strides, padding, explicit_paddings, data_format, dilations)


_CONV2D_ATTRS = ("strides", "use_cudnn_on_gpu", "padding", "explicit_paddings", "data_format", "dilations")


@conv2d_op.gradient
def conv2d_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    input, filter = call.inputs
    attrs = keep_attrs(call, *_CONV2D_ATTRS)
    return (
        conv2d_backprop_input_op(sizes(input), filter, grad, **attrs),
        conv2d_backprop_filter_op(input, sizes(filter), grad, **attrs),
    )


@op(
    "Conv2DBackpropInput(input_sizes: host int32, filter: T, out_backprop: T) -> output: T",
    T=_FLOATING_OR_INT,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def conv2d_backprop_input_op(
    input_sizes: list[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return _input_gradient(
        input_sizes, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations
    )


@conv2d_backprop_input_op.shape
def conv2d_backprop_input_shape(
    input_sizes: Any,
    filter: Dims,
    out_backprop: Dims,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool,
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    batch = None if out_backprop is None else expect_rank(out_backprop, 4, "out_backprop")[0]
    depth = None if filter is None else expect_rank(filter, 4, "filter")[2]
    result = _known(_whole_sizes(input_sizes, batch, depth, data_format), 4, "input_sizes")
    _checked_geometry(result, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations, False)
    return _with_batch(result, batch)


def _with_batch(dims: Dims, batch: int | None) -> Dims:
    assert dims is not None
    return (batch, *dims[1:]) if dims[0] is None else dims


@conv2d_backprop_input_op.gradient
def conv2d_backprop_input_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
    _, filter, out_backprop = call.inputs
    attrs = keep_attrs(call, *_CONV2D_ATTRS)
    return None, conv2d_backprop_filter_op(grad, sizes(filter), out_backprop, **attrs), conv2d_op(grad, filter, **attrs)


@op(
    "Conv2DBackpropFilter(input: T, filter_sizes: host int32, out_backprop: T) -> output: T",
    T=FLOATING,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def conv2d_backprop_filter_op(
    input: Array,
    filter_sizes: list[int],
    out_backprop: Array,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return _filter_gradient(
        input, filter_sizes, out_backprop, strides, padding, explicit_paddings, data_format, dilations
    )


@conv2d_backprop_filter_op.shape
def conv2d_backprop_filter_shape(
    input: Dims,
    filter_sizes: Any,
    out_backprop: Dims,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool,
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    result = _known(filter_sizes, 4, "filter_sizes")
    _checked_geometry(input, result, out_backprop, strides, padding, explicit_paddings, data_format, dilations, False)
    return result


@conv2d_backprop_filter_op.gradient
def conv2d_backprop_filter_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
    input, _, out_backprop = call.inputs
    attrs = keep_attrs(call, *_CONV2D_ATTRS)
    return conv2d_backprop_input_op(sizes(input), grad, out_backprop, **attrs), None, conv2d_op(input, grad, **attrs)


# Images, each channel by itself


@op(
    "DepthwiseConv2dNative(input: T, filter: T) -> output: T",
    T=FLOATING,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def depthwise_conv2d_native_op(
    input: Array,
    filter: Array,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return convolve(input, filter, strides, padding, explicit_paddings, data_format, dilations, depthwise=True)


@depthwise_conv2d_native_op.shape
def depthwise_conv2d_native_shape(
    input: Dims,
    filter: Dims,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    return _convolved_shape(input, filter, strides, padding, explicit_paddings, data_format, dilations, depthwise=True)


_DEPTHWISE_ATTRS = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


@depthwise_conv2d_native_op.gradient
def depthwise_conv2d_native_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    input, filter = call.inputs
    attrs = keep_attrs(call, *_DEPTHWISE_ATTRS)
    return (
        depthwise_conv2d_native_backprop_input_op(sizes(input), filter, grad, **attrs),
        depthwise_conv2d_native_backprop_filter_op(input, sizes(filter), grad, **attrs),
    )


@op(
    "DepthwiseConv2dNativeBackpropInput(input_sizes: host int32, filter: T, out_backprop: T) -> output: T",
    T=FLOATING,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def depthwise_conv2d_native_backprop_input_op(
    input_sizes: list[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return _input_gradient(
        input_sizes, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations, depthwise=True
    )


@depthwise_conv2d_native_backprop_input_op.shape
def depthwise_conv2d_native_backprop_input_shape(
    input_sizes: Any,
    filter: Dims,
    out_backprop: Dims,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    batch = None if out_backprop is None else expect_rank(out_backprop, 4, "out_backprop")[0]
    result = _known(input_sizes, 4, "input_sizes")
    _checked_geometry(result, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations, True)
    return _with_batch(result, batch)


@depthwise_conv2d_native_backprop_input_op.gradient
def depthwise_conv2d_native_backprop_input_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
    _, filter, out_backprop = call.inputs
    attrs = keep_attrs(call, *_DEPTHWISE_ATTRS)
    return (
        None,
        depthwise_conv2d_native_backprop_filter_op(grad, sizes(filter), out_backprop, **attrs),
        depthwise_conv2d_native_op(grad, filter, **attrs),
    )


@op(
    "DepthwiseConv2dNativeBackpropFilter(input: T, filter_sizes: host int32, out_backprop: T) -> output: T",
    T=FLOATING,
    allowed={"padding": _PADDINGS, "data_format": _IMAGES},
)
def depthwise_conv2d_native_backprop_filter_op(
    input: Array,
    filter_sizes: list[int],
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    return _filter_gradient(
        input, filter_sizes, out_backprop, strides, padding, explicit_paddings, data_format, dilations, depthwise=True
    )


@depthwise_conv2d_native_backprop_filter_op.shape
def depthwise_conv2d_native_backprop_filter_shape(
    input: Dims,
    filter_sizes: Any,
    out_backprop: Dims,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int],
    data_format: str,
    dilations: list[int],
) -> Dims:
    result = _known(filter_sizes, 4, "filter_sizes")
    _checked_geometry(input, result, out_backprop, strides, padding, explicit_paddings, data_format, dilations, True)
    return result


@depthwise_conv2d_native_backprop_filter_op.gradient
def depthwise_conv2d_native_backprop_filter_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
    input, _, out_backprop = call.inputs
    attrs = keep_attrs(call, *_DEPTHWISE_ATTRS)
    return (
        depthwise_conv2d_native_backprop_input_op(sizes(input), grad, out_backprop, **attrs),
        None,
        depthwise_conv2d_native_op(input, grad, **attrs),
    )


# Volumes

_UNDILATED = [1, 1, 1, 1, 1]


@op(
    "Conv3D(input: T, filter: T) -> output: T",
    minimum={"strides": 5},
    T=FLOATING,
    allowed={"padding": ("SAME", "VALID"), "data_format": _VOLUMES},
)
def conv3d_op(
    input: Array,
    filter: Array,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = _UNDILATED,
) -> Array:
    return convolve(input, filter, strides, padding, (), data_format, dilations)


@conv3d_op.shape
def conv3d_shape(
    input: Dims, filter: Dims, *, strides: list[int], padding: str, data_format: str, dilations: list[int]
) -> Dims:
    return _convolved_shape(input, filter, strides, padding, (), data_format, dilations)


_CONV3D_ATTRS = ("strides", "padding", "data_format", "dilations")


@conv3d_op.gradient
def conv3d_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    input, filter = call.inputs
    attrs = keep_attrs(call, *_CONV3D_ATTRS)
    return (
        conv3d_backprop_input_op(sizes(input), filter, grad, **attrs),
        conv3d_backprop_filter_op(input, sizes(filter), grad, **attrs),
    )


@op(
    "Conv3DBackpropInputV2(input_sizes: host Tshape, filter: T, out_backprop: T) -> output: T",
    minimum={"strides": 5},
    T=FLOATING,
    Tshape=Type(frozenset({int32, int64}), default=int32),
    allowed={"padding": ("SAME", "VALID"), "data_format": _VOLUMES},
)
def conv3d_backprop_input_op(
    input_sizes: list[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = _UNDILATED,
) -> Array:
    return _input_gradient(input_sizes, filter, out_backprop, strides, padding, (), data_format, dilations)


@conv3d_backprop_input_op.shape
def conv3d_backprop_input_shape(
    input_sizes: Any,
    filter: Dims,
    out_backprop: Dims,
    *,
    strides: list[int],
    padding: str,
    data_format: str,
    dilations: list[int],
) -> Dims:
    batch = None if out_backprop is None else expect_rank(out_backprop, 5, "out_backprop")[0]
    result = _known(input_sizes, 5, "input_sizes")
    _checked_geometry(result, filter, out_backprop, strides, padding, (), data_format, dilations, False)
    return _with_batch(result, batch)


@conv3d_backprop_input_op.gradient
def conv3d_backprop_input_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
    _, filter, out_backprop = call.inputs
    attrs = keep_attrs(call, *_CONV3D_ATTRS)
    return None, conv3d_backprop_filter_op(grad, sizes(filter), out_backprop, **attrs), conv3d_op(grad, filter, **attrs)


@op(
    "Conv3DBackpropFilterV2(input: T, filter_sizes: host int32, out_backprop: T) -> output: T",
    minimum={"strides": 5},
    T=FLOATING,
    allowed={"padding": ("SAME", "VALID"), "data_format": _VOLUMES},
)
def conv3d_backprop_filter_op(
    input: Array,
    filter_sizes: list[int],
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = _UNDILATED,
) -> Array:
    return _filter_gradient(input, filter_sizes, out_backprop, strides, padding, (), data_format, dilations)


@conv3d_backprop_filter_op.shape
def conv3d_backprop_filter_shape(
    input: Dims,
    filter_sizes: Any,
    out_backprop: Dims,
    *,
    strides: list[int],
    padding: str,
    data_format: str,
    dilations: list[int],
) -> Dims:
    result = _known(filter_sizes, 5, "filter_sizes")
    _checked_geometry(input, result, out_backprop, strides, padding, (), data_format, dilations, False)
    return result


@conv3d_backprop_filter_op.gradient
def conv3d_backprop_filter_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
    input, _, out_backprop = call.inputs
    attrs = keep_attrs(call, *_CONV3D_ATTRS)
    return conv3d_backprop_input_op(sizes(input), grad, out_backprop, **attrs), None, conv3d_op(input, grad, **attrs)


_WITHOUT_BFLOAT16 = frozenset({float16, float32, float64})


@op(
    "Conv3DBackpropInput(input: T, filter: T, out_backprop: T) -> output: T",
    minimum={"strides": 5},
    T=_WITHOUT_BFLOAT16,
    allowed={"padding": ("SAME", "VALID")},
    shape=lambda input, filter, out_backprop, **attrs: input,
)
def conv3d_backprop_input_v1_op(
    input: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    dilations: list[int] = _UNDILATED,
) -> Array:
    return _input_gradient(list(input.shape), filter, out_backprop, strides, padding, (), "NDHWC", dilations)


@op(
    "Conv3DBackpropFilter(input: T, filter: T, out_backprop: T) -> output: T",
    minimum={"strides": 5},
    T=_WITHOUT_BFLOAT16,
    allowed={"padding": ("SAME", "VALID")},
    shape=lambda input, filter, out_backprop, **attrs: filter,
)
def conv3d_backprop_filter_v1_op(
    input: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: list[int],
    padding: str,
    dilations: list[int] = _UNDILATED,
) -> Array:
    return _filter_gradient(input, list(filter.shape), out_backprop, strides, padding, (), "NDHWC", dilations)
