"""Maximum and average over windows of images and volumes, and their derivatives.

Windows that hang over the end of an axis are left to ATen (its ceil mode) wherever that lays them as TensorFlow does;
only the rest is padded first. An average never counts padding.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from penstock.core.array import Array
from penstock.core.dtypes import (
    FLOATING,
    REAL_NUMBER,
    DType,
    bfloat16,
    float16,
    float32,
    int32,
    int64,
    qint8,
    uint32,
    uint64,
)
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, UnsupportedError, expect_rank, merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.nn import separable_pooling
from penstock.ops.nn.windows import (
    cached,
    channels_first,
    explicit_pairs,
    from_channels_first,
    join_sizes,
    keep_attrs,
    rank_of,
    split_sizes,
    windows,
)

_zeros_like_op = deferred("ZerosLike")
_aten = torch.ops.aten

_POOLED = (REAL_NUMBER - {uint32, uint64}) | {qint8}
_THREE = frozenset({float16, bfloat16, float32})
_SAME_OR_VALID = ("SAME", "VALID")
_IMAGES = ("NHWC", "NCHW")
_VOLUMES = ("NDHWC", "NCDHW")
_INDEX = frozenset({int32, int64})
# Types without pooling kernels, and wider ones that have them.
_WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}


class Geometry(NamedTuple):
    """How windows lie on images.

    Attributes:
        output: the shape of the result, in the layout of the input.
        window, stride: a number for each spatial axis.
        padding: the padding of both sides that the kernel adds by itself.
        ceil_mode: whether the kernel's last windows may hang over the end.
        extra: padding to add before, in the order of `constant_pad_nd`; empty if there is none.
        depth: the window along the channels, which excludes windows along the other axes.
    """

    output: Dims
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    ceil_mode: bool
    extra: tuple[int, ...]
    depth: int


@cached
def _geometry(
    input: Sequence[int | None],
    ksize: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
    explicit_paddings: tuple[int, ...],
    data_format: str,
) -> Geometry:
    rank = rank_of(data_format)
    for name, given in (("ksize", ksize), ("strides", strides)):
        if len(given) != rank:
            raise ShapeError(f"{name} must have {rank} numbers, one for each axis of {data_format}, got {list(given)}")
        if min(given) < 1:
            raise ShapeError(f"{name} must be at least 1 along each axis, got {list(given)}")
    pairs = explicit_pairs(padding, explicit_paddings, rank, data_format)
    batch_window, depth, window = split_sizes(ksize, data_format)
    batch_stride, depth_stride, stride = split_sizes(strides, data_format)
    if batch_window != 1 or batch_stride != 1:
        raise UnsupportedError(
            f"pooling is not supported along the batch, got ksize {list(ksize)} and strides {list(strides)}"
        )
    batch, channels, spatial = split_sizes(input, data_format)
    if depth > 1 or depth_stride > 1:
        if max(window) > 1 or max(stride) > 1:
            raise ShapeError(
                f"pooling goes along the depth or along the other axes, not along both, got ksize {list(ksize)}"
            )
        if depth != depth_stride or (channels is not None and channels % depth):
            raise ShapeError(
                "pooling along the depth needs a window that equals its stride and divides the depth, "
                f"got ksize {list(ksize)}"
            )
        output = join_sizes(batch, None if channels is None else channels // depth, spatial, data_format)
        return Geometry(output, window, stride, (0,) * len(spatial), False, (), depth)
    laid = [
        windows(size, extent, step, 1, padding, pair)
        for size, extent, step, pair in zip(spatial, window, stride, pairs, strict=True)
    ]
    output = join_sizes(batch, channels, [count for count, _, _ in laid], data_format)
    nothing = (0,) * len(spatial)
    if None in spatial:
        return Geometry(output, window, stride, nothing, False, (), 1)
    for ceil_mode in (False, True):
        if all(
            before <= extent // 2
            and size + 2 * before >= extent
            and _kernel_windows(size, extent, step, before, ceil_mode) == count
            for size, extent, step, (count, before, _) in zip(spatial, window, stride, laid, strict=True)
        ):
            return Geometry(output, window, stride, tuple(before for _, before, _ in laid), ceil_mode, (), 1)
    extra: list[int] = []
    for _, before, after in laid:
        extra[:0] = (before, after)
    return Geometry(output, window, stride, nothing, False, tuple(extra), 1)


def _kernel_windows(size: int, window: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Return how many windows ATen lays on an axis."""
    count = (size + 2 * padding - window + (stride - 1 if ceil_mode else 0)) // stride + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= size + padding else count


def pooling_geometry(
    input: Dims,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Geometry:
    dims = expect_rank(input, rank_of(data_format), "input")
    result: Geometry = _geometry(dims, tuple(ksize), tuple(strides), padding, tuple(explicit_paddings), data_format)
    return result


def _pooled_shape(
    input: Dims,
    *,
    ksize: Any,
    strides: Any,
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
) -> Dims:
    if ksize is None or strides is None or None in ksize or None in strides:
        dims = expect_rank(input, rank_of(data_format), "input")
        batch, channels, spatial = split_sizes(dims, data_format)
        return join_sizes(batch, channels, (None,) * len(spatial), data_format)
    return pooling_geometry(input, ksize, strides, padding, explicit_paddings, data_format).output


# Maximum


def _lowest(dtype: torch.dtype) -> float | int:
    return -float("inf") if dtype.is_floating_point else torch.iinfo(dtype).min


def max_with_indices(input: Array, g: Geometry, data_format: str) -> tuple[Array, Array, Array]:
    """Return maxima and their positions with channels first, and the padded images to which the positions belong."""
    images = channels_first(input, data_format)
    if g.extra:
        images = torch.constant_pad_nd(images, g.extra, _lowest(images.dtype))
    kernel = _aten.max_pool2d_with_indices if len(g.window) == 2 else _aten.max_pool3d_with_indices
    values, indices = kernel(images, g.window, g.stride, g.padding, (1,) * len(g.window), g.ceil_mode)
    return values, indices, images


def _max_pool(
    input: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Array:
    g = pooling_geometry(tuple(input.shape), ksize, strides, padding, explicit_paddings, data_format)
    if input.dtype in _WIDER:
        return _max_pool(input.to(_WIDER[input.dtype]), ksize, strides, padding, explicit_paddings, data_format).to(
            input.dtype
        )
    if not input.numel() or 0 in g.output:  # type: ignore[operator]
        return input.new_zeros(g.output)  # type: ignore[arg-type]
    if g.depth > 1:
        images = channels_first(input, data_format)
        return from_channels_first(images.unflatten(1, (-1, g.depth)).amax(2), data_format)
    pooled = separable_pooling.maximum(input, g.window, g.stride, _counts_of(g)) if data_format == "NHWC" else None
    if pooled is not None:
        return pooled
    return from_channels_first(max_with_indices(input, g, data_format)[0], data_format)


def _counts_of(g: Geometry) -> tuple[int, ...]:
    """Return how many windows there are along each spatial axis of images with the channels last; none if some begin
    or end outside the image."""
    if g.extra or any(g.padding):
        return ()
    return g.output[1:-1]  # type: ignore[index,return-value]


def _check_pooled(g: Geometry, orig_output: Dims, grad: Dims) -> None:
    merge(orig_output, g.output, "shapes of orig_output and of the pooled input")
    merge(grad, g.output, "shapes of grad and of the pooled input")


def _max_pool_gradient(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Array:
    g = pooling_geometry(tuple(orig_input.shape), ksize, strides, padding, explicit_paddings, data_format)
    _check_pooled(g, tuple(orig_output.shape), tuple(grad.shape))
    if not grad.numel():
        return orig_input.new_zeros(orig_input.shape, dtype=grad.dtype)
    if g.depth > 1:
        images = channels_first(orig_input, data_format).unflatten(1, (-1, g.depth))
        result = torch.zeros_like(images, dtype=grad.dtype)
        result.scatter_(2, images.argmax(2, keepdim=True), channels_first(grad, data_format).unsqueeze(2))
        return from_channels_first(result.flatten(1, 2), data_format)
    if not orig_input.is_floating_point():
        exact = orig_input.double()
        result = _max_pool_gradient(
            exact, orig_output, grad.double(), ksize, strides, padding, explicit_paddings, data_format
        )
        return result.to(torch.int64).to(grad.dtype)
    if len(g.window) == 3:
        return _to_all_maxima(orig_input, orig_output, grad, g, data_format)
    _, indices, images = max_with_indices(orig_input, g, data_format)
    spread = (1,) * len(g.window)
    result = _aten.max_pool2d_with_indices_backward(
        channels_first(grad, data_format),
        images.to(grad.dtype),
        g.window,
        g.stride,
        g.padding,
        spread,
        g.ceil_mode,
        indices,
    )
    if g.extra:
        result = torch.constant_pad_nd(result, [-size for size in g.extra])
    return from_channels_first(result, data_format)


def _to_all_maxima(orig_input: Array, orig_output: Array, grad: Array, g: Geometry, data_format: str) -> Array:
    """Return the gradient of volumes, which goes to all elements of a window that equal its maximum."""
    volumes, maxima, moved = (channels_first(each, data_format) for each in (orig_input, orig_output, grad))
    sizes = [
        (count - 1) * stride + extent
        for count, stride, extent in zip(maxima.shape[2:], g.stride, g.window, strict=True)
    ]
    before = g.extra[-2::-2] if g.extra else g.padding
    edges: list[int] = []
    for size, whole, first in zip(volumes.shape[:1:-1], sizes[::-1], before[::-1], strict=True):
        edges += [first, whole - size - first]
    padded = torch.constant_pad_nd(volumes, edges, _lowest(volumes.dtype))
    result = torch.zeros_like(padded, dtype=grad.dtype)
    for offset in itertools.product(*(range(extent) for extent in g.window)):
        place: Any = (
            ...,
            *(
                slice(start, start + (count - 1) * stride + 1, stride)
                for start, count, stride in zip(offset, maxima.shape[2:], g.stride, strict=True)
            ),
        )
        result[place] += torch.where(padded[place] == maxima, moved, 0)
    return from_channels_first(torch.constant_pad_nd(result, [-edge for edge in edges]), data_format)


def _max_pool_gradient_gradient(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Array:
    """Return the elements of `grad`, which has the shape of the input, at the positions of the maxima."""
    g = pooling_geometry(tuple(orig_input.shape), ksize, strides, padding, explicit_paddings, data_format)
    merge(tuple(grad.shape), tuple(orig_input.shape), "shapes of grad and of orig_input")
    merge(tuple(orig_output.shape), g.output, "shapes of orig_output and of the pooled input")
    if not orig_output.numel():
        return grad.new_zeros(orig_output.shape)
    if orig_input.dtype in _WIDER:
        orig_input = orig_input.to(_WIDER[orig_input.dtype])
    moved = channels_first(grad, data_format)
    if g.depth > 1:
        images = channels_first(orig_input, data_format).unflatten(1, (-1, g.depth))
        chosen = moved.unflatten(1, (-1, g.depth)).gather(2, images.argmax(2, keepdim=True)).squeeze(2)
        return from_channels_first(chosen, data_format)
    _, indices, _ = max_with_indices(orig_input, g, data_format)
    if g.extra:
        moved = torch.constant_pad_nd(moved, g.extra)
    return from_channels_first(moved.flatten(2).gather(2, indices.flatten(2)).view(indices.shape), data_format)


@op(
    "MaxPool(input: T) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=Type(_POOLED, default=float32),
    allowed={"padding": ("SAME", "VALID", "EXPLICIT"), "data_format": ("NHWC", "NCHW", "NCHW_VECT_C")},
    shape=_pooled_shape,
)
def max_pool_op(
    input: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
) -> Array:
    return _max_pool(input, ksize, strides, padding, explicit_paddings, data_format)


_MAX_POOL_ATTRS = ("ksize", "strides", "padding", "explicit_paddings", "data_format")


@max_pool_op.gradient
def max_pool_gradient(call: Any, grad: Tensor) -> Tensor:
    return max_pool_grad_op(call.inputs[0], call.outputs[0], grad, **keep_attrs(call, *_MAX_POOL_ATTRS))


@op(
    "MaxPoolGrad(orig_input: T, orig_output: T, grad: T) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=Type(REAL_NUMBER, default=float32),
    allowed={"padding": ("SAME", "VALID", "EXPLICIT"), "data_format": _IMAGES},
    shape=lambda orig_input, orig_output, grad, **attrs: expect_rank(orig_input, 4, "orig_input"),
)
def max_pool_grad_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
) -> Array:
    return _max_pool_gradient(orig_input, orig_output, grad, ksize, strides, padding, explicit_paddings, data_format)


@max_pool_grad_op.gradient
def max_pool_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    orig_input, orig_output, _ = call.inputs
    if call.attrs["padding"] == "EXPLICIT":
        raise LookupError(
            "the gradient of MaxPoolGrad is not defined for padding 'EXPLICIT'; pad the images with tf.pad instead"
        )
    attrs = keep_attrs(call, "ksize", "strides", "padding", "data_format")
    second = max_pool_grad_grad_op(orig_input, orig_output, grad, **attrs)
    return _zeros_like_op(orig_input), _zeros_like_op(orig_output), second


@op(
    "MaxPoolGradGrad(orig_input: T, orig_output: T, grad: T) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=REAL_NUMBER,
    allowed={"padding": _SAME_OR_VALID, "data_format": _IMAGES},
    shape=lambda orig_input, orig_output, grad, **attrs: merge(
        expect_rank(orig_output, 4, "orig_output"), _pooled_shape(orig_input, **attrs)
    ),
)
def max_pool_grad_grad_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    return _max_pool_gradient_gradient(orig_input, orig_output, grad, ksize, strides, padding, (), data_format)


@max_pool_grad_grad_op.gradient
def max_pool_grad_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    orig_input, orig_output, _ = call.inputs
    attrs = keep_attrs(call, "ksize", "strides", "padding", "data_format")
    return (
        _zeros_like_op(orig_input),
        _zeros_like_op(orig_output),
        max_pool_grad_op(orig_input, orig_output, grad, **attrs),
    )


# Maximum with windows that are tensors


@op(
    "MaxPoolV2(input: T, ksize: host int32, strides: host int32) -> output: T",
    T=Type(_POOLED, default=float32),
    allowed={"padding": _SAME_OR_VALID, "data_format": ("NHWC", "NCHW", "NCHW_VECT_C")},
    shape=lambda input, ksize, strides, **attrs: _pooled_shape(input, ksize=ksize, strides=strides, **attrs),
)
def max_pool_v2_op(
    input: Array, ksize: list[int], strides: list[int], *, padding: str, data_format: str = "NHWC"
) -> Array:
    return _max_pool(input, ksize, strides, padding, (), data_format)


@max_pool_v2_op.gradient
def max_pool_v2_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    input, ksize, strides = call.inputs
    attrs = keep_attrs(call, "padding", "data_format")
    return max_pool_grad_v2_op(input, call.outputs[0], grad, ksize, strides, **attrs), None, None


@op(
    "MaxPoolGradV2(orig_input: T, orig_output: T, grad: T, ksize: host int32, strides: host int32) -> output: T",
    T=Type(REAL_NUMBER, default=float32),
    allowed={"padding": _SAME_OR_VALID, "data_format": _IMAGES},
    shape=lambda orig_input, *rest, **attrs: expect_rank(orig_input, 4, "orig_input"),
)
def max_pool_grad_v2_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: list[int],
    strides: list[int],
    *,
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    return _max_pool_gradient(orig_input, orig_output, grad, ksize, strides, padding, (), data_format)


@max_pool_grad_v2_op.gradient
def max_pool_grad_v2_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    orig_input, orig_output, _, ksize, strides = call.inputs
    attrs = keep_attrs(call, "padding", "data_format")
    second = max_pool_grad_grad_v2_op(orig_input, orig_output, grad, ksize, strides, **attrs)
    return _zeros_like_op(orig_input), _zeros_like_op(orig_output), second, None, None


@op(
    "MaxPoolGradGradV2(orig_input: T, orig_output: T, grad: T, ksize: host int32, strides: host int32) -> output: T",
    T=REAL_NUMBER,
    allowed={"padding": _SAME_OR_VALID, "data_format": _IMAGES},
    shape=lambda orig_input, orig_output, *rest, **attrs: expect_rank(orig_output, 4, "orig_output"),
)
def max_pool_grad_grad_v2_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: list[int],
    strides: list[int],
    *,
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    return _max_pool_gradient_gradient(orig_input, orig_output, grad, ksize, strides, padding, (), data_format)


# Maximum with positions


@op(
    "MaxPoolWithArgmax(input: T) -> (output: T, argmax: Targmax)",
    minimum={"ksize": 4, "strides": 4},
    T=REAL_NUMBER,
    allowed={"padding": _SAME_OR_VALID},
)
def max_pool_with_argmax_op(
    input: Array,
    *,
    ksize: list[int],
    strides: list[int],
    Targmax: DType = int64,
    padding: str,
    include_batch_in_index: bool = False,
) -> tuple[Array, Array]:
    g = pooling_geometry(tuple(input.shape), ksize, strides, padding, (), "NHWC")
    index_type = torch.int32 if Targmax is int32 else torch.int64
    if g.depth > 1:
        raise InvalidArgumentError(None, None, f"MaxPoolWithArgmax does not pool along the depth, got ksize {ksize}")
    if not input.numel() or 0 in g.output:  # type: ignore[operator]
        return input.new_zeros(g.output), torch.zeros(g.output, dtype=index_type, device=input.device)  # type: ignore[arg-type]
    dtype = input.dtype
    values, indices, images = max_with_indices(input.to(_WIDER.get(dtype, dtype)), g, "NHWC")
    batch, height, width, channels = input.shape
    if g.extra:
        left, _, top, _ = g.extra
        padded_width = images.shape[3]
        indices = (indices // padded_width - top) * width + indices % padded_width - left
    argmax = from_channels_first(indices, "NHWC") * channels + torch.arange(channels, device=input.device)
    if include_batch_in_index:
        argmax += torch.arange(batch, device=input.device).view(-1, 1, 1, 1) * (height * width * channels)
    return from_channels_first(values, "NHWC").to(dtype), argmax.to(index_type)


@max_pool_with_argmax_op.shape
def max_pool_with_argmax_shape(
    input: Dims, *, ksize: list[int], strides: list[int], Targmax: DType, padding: str, include_batch_in_index: bool
) -> tuple[Dims, Dims]:
    dims = _pooled_shape(input, ksize=ksize, strides=strides, padding=padding)
    return dims, dims


_ARGMAX_ATTRS = ("ksize", "strides", "padding", "include_batch_in_index")


@max_pool_with_argmax_op.gradient
def max_pool_with_argmax_gradient(call: Any, grad: Tensor, _: Any) -> Tensor:
    return max_pool_grad_with_argmax_op(call.inputs[0], grad, call.outputs[1], **keep_attrs(call, *_ARGMAX_ATTRS))


def _flat_positions(argmax: Array, input: Array, include_batch_in_index: bool) -> Array:
    """Return positions counted over all images, having checked them."""
    positions = argmax.to(torch.int64)
    per_image = input[0].numel() if input.shape[0] else 0
    if not include_batch_in_index:
        positions = positions + torch.arange(input.shape[0], device=argmax.device).view(-1, 1, 1, 1) * per_image
    if positions.numel() and (int(argmax.min()) < 0 or int(positions.max()) >= input.numel()):
        raise InvalidArgumentError(None, None, f"argmax points outside of an input of shape {list(input.shape)}")
    return positions.flatten()


@op(
    "MaxPoolGradWithArgmax(input: T, grad: T, argmax: Targmax) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=REAL_NUMBER,
    Targmax=_INDEX,
    allowed={"padding": _SAME_OR_VALID},
    shape=lambda input, grad, argmax, **attrs: expect_rank(input, 4, "input"),
)
def max_pool_grad_with_argmax_op(
    input: Array,
    grad: Array,
    argmax: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    include_batch_in_index: bool = False,
) -> Array:
    merge(tuple(grad.shape), tuple(argmax.shape), "shapes of grad and argmax")
    result = grad.new_zeros(input.numel())
    result.index_add_(0, _flat_positions(argmax, input, include_batch_in_index), grad.flatten())
    return result.view(input.shape)


@max_pool_grad_with_argmax_op.gradient
def max_pool_grad_with_argmax_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
    input, _, argmax = call.inputs
    attrs = keep_attrs(call, *_ARGMAX_ATTRS)
    return _zeros_like_op(input), max_pool_grad_grad_with_argmax_op(input, grad, argmax, **attrs), None


@op(
    "MaxPoolGradGradWithArgmax(input: T, grad: T, argmax: Targmax) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=REAL_NUMBER,
    Targmax=_INDEX,
    allowed={"padding": _SAME_OR_VALID},
    shape=lambda input, grad, argmax, **attrs: expect_rank(argmax, 4, "argmax"),
)
def max_pool_grad_grad_with_argmax_op(
    input: Array,
    grad: Array,
    argmax: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    include_batch_in_index: bool = False,
) -> Array:
    merge(tuple(grad.shape), tuple(input.shape), "shapes of grad and input")
    return grad.flatten()[_flat_positions(argmax, input, include_batch_in_index)].view(argmax.shape)


# Maximum over volumes


@op(
    "MaxPool3D(input: T) -> output: T",
    minimum={"ksize": 5, "strides": 5},
    T=_THREE,
    allowed={"padding": _SAME_OR_VALID, "data_format": _VOLUMES},
    shape=_pooled_shape,
)
def max_pool3d_op(
    input: Array, *, ksize: list[int], strides: list[int], padding: str, data_format: str = "NDHWC"
) -> Array:
    return _max_pool(input, ksize, strides, padding, (), data_format)


_POOL_ATTRS = ("ksize", "strides", "padding", "data_format")


@max_pool3d_op.gradient
def max_pool3d_gradient(call: Any, grad: Tensor) -> Tensor:
    return max_pool3d_grad_op(call.inputs[0], call.outputs[0], grad, **keep_attrs(call, *_POOL_ATTRS))


@op(
    "MaxPool3DGrad(orig_input: TInput, orig_output: TInput, grad: T) -> output: T",
    minimum={"ksize": 5, "strides": 5},
    T=Type(_THREE, default=float32),
    TInput=Type(_THREE, default=float32),
    allowed={"padding": _SAME_OR_VALID, "data_format": _VOLUMES},
    shape=lambda orig_input, orig_output, grad, **attrs: expect_rank(orig_input, 5, "orig_input"),
)
def max_pool3d_grad_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    return _max_pool_gradient(orig_input, orig_output, grad, ksize, strides, padding, (), data_format)


@max_pool3d_grad_op.gradient
def max_pool3d_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    orig_input, orig_output, _ = call.inputs
    second = max_pool3d_grad_grad_op(orig_input, orig_output, grad, **keep_attrs(call, *_POOL_ATTRS))
    return _zeros_like_op(orig_input), _zeros_like_op(orig_output), second


@op(
    "MaxPool3DGradGrad(orig_input: T, orig_output: T, grad: T) -> output: T",
    minimum={"ksize": 5, "strides": 5},
    T=REAL_NUMBER,
    allowed={"padding": _SAME_OR_VALID, "data_format": _VOLUMES},
    shape=lambda orig_input, orig_output, grad, **attrs: expect_rank(orig_output, 5, "orig_output"),
)
def max_pool3d_grad_grad_op(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    return _max_pool_gradient_gradient(orig_input, orig_output, grad, ksize, strides, padding, (), data_format)


@max_pool3d_grad_grad_op.gradient
def max_pool3d_grad_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    orig_input, orig_output, _ = call.inputs
    back = max_pool3d_grad_op(orig_input, orig_output, grad, **keep_attrs(call, *_POOL_ATTRS))
    return _zeros_like_op(orig_input), _zeros_like_op(orig_output), back


# Average


def _counts(spatial: Sequence[int], g: Geometry, pattern: Array) -> Array:
    """Return how many elements of the images each window of padded images covers."""
    ones = torch.ones((1, 1, *spatial), dtype=pattern.dtype, device=pattern.device)
    return _sums(torch.constant_pad_nd(ones, g.extra), g)


def _sums(images: Array, g: Geometry) -> Array:
    if len(g.window) == 2:
        return _aten.avg_pool2d(images, g.window, g.stride, divisor_override=1)
    return _aten.avg_pool3d(images, g.window, g.stride, divisor_override=1)


def _avg_pool(value: Array, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str) -> Array:
    g = pooling_geometry(tuple(value.shape), ksize, strides, padding, (), data_format)
    if g.depth > 1:
        raise UnsupportedError(f"average pooling goes along the spatial axes only, got ksize {list(ksize)}")
    if not value.numel() or 0 in g.output:  # type: ignore[operator]
        return value.new_zeros(g.output)  # type: ignore[arg-type]
    pooled = separable_pooling.mean(value, g.window, g.stride, _counts_of(g)) if data_format == "NHWC" else None
    if pooled is not None:
        return pooled
    images = channels_first(value, data_format)
    if g.extra:
        result = _sums(torch.constant_pad_nd(images, g.extra), g) / _counts(images.shape[2:], g, value)
    elif len(g.window) == 2:
        result = _aten.avg_pool2d(images, g.window, g.stride, g.padding, g.ceil_mode, False)
    else:
        result = _aten.avg_pool3d(images, g.window, g.stride, g.padding, g.ceil_mode, False)
    return from_channels_first(result, data_format)


def _avg_pool_gradient(
    orig_input_shape: list[int],
    grad: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    if min(orig_input_shape, default=0) < 0:
        raise ShapeError(f"orig_input_shape must be nonnegative, got {orig_input_shape}")
    g = pooling_geometry(tuple(orig_input_shape), ksize, strides, padding, (), data_format)
    merge(tuple(grad.shape), g.output, "shapes of grad and of the pooled input")
    if not grad.numel():
        return grad.new_zeros(orig_input_shape)
    batch, channels, spatial = split_sizes(orig_input_shape, data_format)
    padded = (
        [size + g.extra[-2 - 2 * i] + g.extra[-1 - 2 * i] for i, size in enumerate(spatial)] if g.extra else spatial
    )
    memory_format = torch.contiguous_format
    if data_format.endswith("C"):
        memory_format = torch.channels_last if len(spatial) == 2 else torch.channels_last_3d
    images = torch.empty((batch, channels, *padded), dtype=grad.dtype, device=grad.device, memory_format=memory_format)
    moved = channels_first(grad, data_format)
    divisor = None
    if g.extra:
        moved, divisor = moved / _counts(spatial, g, grad), 1
    backward = _aten.avg_pool2d_backward if len(g.window) == 2 else _aten.avg_pool3d_backward
    result = backward(moved, images, g.window, g.stride, g.padding, g.ceil_mode, False, divisor)
    if g.extra:
        result = torch.constant_pad_nd(result, [-size for size in g.extra])
    return from_channels_first(result, data_format)


def _original_shape(orig_input_shape: Any, grad: Dims, data_format: str) -> Dims:
    rank = rank_of(data_format)
    if orig_input_shape is None:
        return (None,) * rank
    if len(orig_input_shape) != rank:
        raise ShapeError(f"orig_input_shape must have {rank} numbers, got {list(orig_input_shape)}")
    batch, channels, _ = split_sizes(expect_rank(grad, rank, "grad"), data_format)
    known_batch, known_channels, spatial = split_sizes(orig_input_shape, data_format)
    return join_sizes(
        batch if known_batch is None else known_batch,
        channels if known_channels is None else known_channels,
        spatial,
        data_format,
    )


@op(
    "AvgPool(value: T) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=FLOATING,
    allowed={"padding": _SAME_OR_VALID, "data_format": _IMAGES},
    shape=_pooled_shape,
)
def avg_pool_op(
    value: Array, *, ksize: list[int], strides: list[int], padding: str, data_format: str = "NHWC"
) -> Array:
    return _avg_pool(value, ksize, strides, padding, data_format)


@avg_pool_op.gradient
def avg_pool_gradient(call: Any, grad: Tensor) -> Tensor:
    return avg_pool_grad_op(sizes(call.inputs[0]), grad, **keep_attrs(call, *_POOL_ATTRS))


@op(
    "AvgPoolGrad(orig_input_shape: host int32, grad: T) -> output: T",
    minimum={"ksize": 4, "strides": 4},
    T=FLOATING,
    allowed={"padding": _SAME_OR_VALID, "data_format": _IMAGES},
    shape=lambda orig_input_shape, grad, *, data_format, **attrs: _original_shape(orig_input_shape, grad, data_format),
)
def avg_pool_grad_op(
    orig_input_shape: list[int],
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    return _avg_pool_gradient(orig_input_shape, grad, ksize, strides, padding, data_format)


@avg_pool_grad_op.gradient
def avg_pool_grad_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor]:
    return None, avg_pool_op(grad, **keep_attrs(call, *_POOL_ATTRS))


@op(
    "AvgPool3D(input: T) -> output: T",
    minimum={"ksize": 5, "strides": 5},
    T=FLOATING,
    allowed={"padding": _SAME_OR_VALID, "data_format": _VOLUMES},
    shape=_pooled_shape,
)
def avg_pool3d_op(
    input: Array, *, ksize: list[int], strides: list[int], padding: str, data_format: str = "NDHWC"
) -> Array:
    return _avg_pool(input, ksize, strides, padding, data_format)


@avg_pool3d_op.gradient
def avg_pool3d_gradient(call: Any, grad: Tensor) -> Tensor:
    return avg_pool3d_grad_op(sizes(call.inputs[0]), grad, **keep_attrs(call, *_POOL_ATTRS))


@op(
    "AvgPool3DGrad(orig_input_shape: host int32, grad: T) -> output: T",
    minimum={"ksize": 5, "strides": 5},
    T=FLOATING,
    allowed={"padding": _SAME_OR_VALID, "data_format": _VOLUMES},
    shape=lambda orig_input_shape, grad, *, data_format, **attrs: _original_shape(orig_input_shape, grad, data_format),
)
def avg_pool3d_grad_op(
    orig_input_shape: list[int],
    grad: Array,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    return _avg_pool_gradient(orig_input_shape, grad, ksize, strides, padding, data_format)


@avg_pool3d_grad_op.gradient
def avg_pool3d_grad_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor]:
    return None, avg_pool3d_op(grad, **keep_attrs(call, *_POOL_ATTRS))
