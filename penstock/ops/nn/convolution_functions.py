"""Convolutions as users call them, composed of the operations in `convolution`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.constant import shape_op
from penstock.ops.nn.convolution import (
    conv2d_backprop_filter_op,
    conv2d_backprop_input_op,
    conv2d_op,
    conv3d_backprop_filter_op,
    conv3d_backprop_input_op,
    conv3d_op,
    depthwise_conv2d_native_backprop_filter_op,
    depthwise_conv2d_native_backprop_input_op,
    depthwise_conv2d_native_op,
)
from penstock.ops.nn.spreading import spread
from penstock.ops.nn.windows import padding_attributes, sequence_of

_concat_op = deferred("ConcatV2")
_expand_dims_op = deferred("ExpandDims")
_reshape_op = deferred("Reshape")
_squeeze_op = deferred("Squeeze")

_DEFAULT_FORMATS = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def _channel_index(data_format: str, count: int) -> int:
    return 1 if data_format.startswith("NC") else count + 1


def _with_flat_batch(operation: Callable[[Tensor], Tensor], input: Tensor, inner_rank: int) -> Tensor:
    """Apply an operation that takes one batch axis to an input with any number of them."""
    if input.ndim is None or input.ndim == inner_rank + 1:
        return operation(input)
    dims = input.dims
    assert dims is not None
    if len(dims) < inner_rank + 1:
        return operation(input)
    if None not in dims:
        result = operation(_reshape_op(input, [-1, *dims[-inner_rank:]]))
        inner = sizes(result)
        return _reshape_op(result, [*dims[:-inner_rank], *inner[1:]])
    shape = shape_op(input)
    result = operation(_reshape_op(input, _concat_op([[-1], shape[-inner_rank:]], 0)))
    return _reshape_op(result, _concat_op([shape[:-inner_rank], shape_op(result)[1:]], 0))


def _filters_or_filter(filters: Any, filter: Any) -> Any:
    return _new_or_old("filters", filters, "filter", filter)


def _new_or_old(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    if new is not None and old is not None:
        raise ValueError(
            f"Cannot specify both '{new_name}' and '{old_name}'; '{old_name}' is the old name of '{new_name}'"
        )
    return old if new is None else new


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of images with filters.

    Args:
        input: images of shape (batch..., height, width, channels), or (batch..., channels, height, width) for 'NCHW'.
        filters: filters of shape (height, width, channels of a group, output channels), of the type of `input`.
        strides: a number, one for height and width, or one for each axis.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NHWC' or 'NCHW'.
        dilations: distances between filter elements, as `strides`; 1 by default.
        name: the name of the node.
    Raises:
        ValueError: if arguments do not fit together.
    """
    data_format = data_format or "NHWC"
    channel_index = _channel_index(data_format, 2)
    attrs = padding_attributes(padding, 4)
    attrs["strides"] = sequence_of(strides, 2, channel_index, "strides")
    attrs["dilations"] = sequence_of(dilations, 2, channel_index, "dilations")
    images = convert_to_tensor(input, name="input")

    def apply(flat: Tensor) -> Tensor:
        return conv2d_op(flat, filters, data_format=data_format, name=name, **attrs)

    return _with_flat_batch(apply, images, 3)


def conv2d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Return `conv2d`; `filter` is the old name of `filters`, and `use_cudnn_on_gpu` has no effect."""
    return conv2d(input, _filters_or_filter(filters, filter), strides, padding, data_format, dilations, name)


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Return the gradient of a two-dimensional convolution with respect to its filters.

    Args:
        input: the images.
        filter_sizes: the shape of the filters, int32.
        out_backprop: the gradient with respect to the convolution's result.
        strides, padding, data_format, dilations: those of the convolution.
        use_cudnn_on_gpu: no effect.
        name: the name of the node.
    """
    attrs = _attributes(strides, padding, data_format, dilations)
    return conv2d_backprop_filter_op(
        input, filter_sizes, out_backprop, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs
    )


def _attributes(strides: Any, padding: Any, data_format: str, dilations: Any) -> dict[str, Any]:
    channel_index = _channel_index(data_format, 2)
    return {
        **padding_attributes(padding, 4),
        "strides": sequence_of(strides, 2, channel_index, "strides"),
        "dilations": sequence_of(dilations, 2, channel_index, "dilations"),
        "data_format": data_format,
    }


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Return the gradient of a two-dimensional convolution with respect to its input.

    Args:
        input_sizes: the shape of the images, int32.
        filter, filters: the filters, by either name.
        out_backprop: the gradient with respect to the convolution's result.
        strides, padding, data_format, dilations: those of the convolution.
        use_cudnn_on_gpu: no effect.
        name: the name of the node.
    """
    attrs = _attributes(strides, padding, data_format, dilations)
    chosen = _filters_or_filter(filters, filter)
    return conv2d_backprop_input_op(
        input_sizes, chosen, out_backprop, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs
    )


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of volumes with filters.

    Args:
        input: volumes of shape (batch..., depth, height, width, channels), or with channels first for 'NCDHW'.
        filters: filters of shape (depth, height, width, channels of a group, output channels).
        strides: five numbers, one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NDHWC' or 'NCDHW'.
        dilations: distances between filter elements, as `strides`; 1 by default.
        name: the name of the node.
    """
    data_format = data_format or "NDHWC"
    channel_index = _channel_index(data_format, 3)
    stride = sequence_of(strides, 3, channel_index, "strides")
    dilation = sequence_of(dilations, 3, channel_index, "dilations")

    def apply(flat: Tensor) -> Tensor:
        return conv3d_op(
            flat, filters, strides=stride, padding=padding, data_format=data_format, dilations=dilation, name=name
        )

    return _with_flat_batch(apply, convert_to_tensor(input, name="input"), 4)


def conv3d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Return `conv3d`; `filter` is the old name of `filters`."""
    return conv3d(input, _filters_or_filter(filters, filter), strides, padding, data_format, dilations, name)


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Return the gradient of a three-dimensional convolution with respect to its filters.

    Args:
        input: the volumes.
        filter_sizes: the shape of the filters, int32.
        out_backprop: the gradient with respect to the convolution's result.
        strides, padding, data_format, dilations: those of the convolution.
        name: the name of the node.
    """
    attrs = {"strides": list(strides), "padding": padding, "data_format": data_format, "dilations": list(dilations)}
    return conv3d_backprop_filter_op(input, filter_sizes, out_backprop, name=name, **attrs)


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of sequences with filters.

    Args:
        input: sequences of shape (batch..., width, channels), or (batch..., channels, width) for 'NCW'.
        filters: filters of shape (width, channels of a group, output channels).
        stride: a number, or one for each axis.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NWC' or 'NCW'.
        dilations: the distance between filter elements; 1 by default.
        name: the name of the scope.
    Raises:
        ValueError: if `data_format` is neither of the two.
    """
    with op_scope(name, "conv1d", [input, filters]) as scope:
        layout, spatial_axis = _image_layout(data_format)
        channel_index = _channel_index(layout, 1)
        stride_list = _insert_one(sequence_of(stride, 1, channel_index, "stride"), spatial_axis)
        dilation_list = _insert_one(sequence_of(dilations, 1, channel_index, "dilations"), spatial_axis)
        if isinstance(padding, (list, tuple)):
            padding = _insert(list(padding), spatial_axis, (0, 0))
        sequences = convert_to_tensor(input, name="input")
        expanded_filters = _expand_dims_op(filters, 0)

        def apply(flat: Tensor) -> Tensor:
            images = _expand_dims_op(flat, spatial_axis)
            result = conv2d_op(
                images,
                expanded_filters,
                strides=stride_list,
                dilations=dilation_list,
                data_format=layout,
                **padding_attributes(padding, 4),
            )
            return _squeeze_op(result, squeeze_dims=[spatial_axis], name=scope)

        return _with_flat_batch(apply, sequences, 2)


def _image_layout(data_format: str | None) -> tuple[str, int]:
    """Return the layout of images that hold sequences in one row, and the axis of the rows."""
    if data_format is None or data_format in ("NHWC", "NWC"):
        return "NHWC", 1
    if data_format in ("NCHW", "NCW"):
        return "NCHW", 2
    raise ValueError(f'data_format must be "NWC" or "NCW", got {data_format!r}')


def _insert(values: list[Any], axis: int, value: Any) -> list[Any]:
    return [*values[:axis], value, *values[axis:]]


def _insert_one(values: list[int], axis: int) -> list[int]:
    return _insert(values, axis, 1)


def conv1d_v1(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: Any = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Return `conv1d`; `value` is the old name of `input`, and `use_cudnn_on_gpu` has no effect."""
    return conv1d(_new_or_old("input", input, "value", value), filters, stride, padding, data_format, dilations, name)


def _spatial_count(input: Tensor, filters: Tensor) -> int:
    if filters.ndim is not None:
        return filters.ndim - 2
    if input.ndim is not None:
        return input.ndim - 2
    raise ValueError("the rank of `input` or `filters` must be known: set their shape with set_shape")


def convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of sequences, images or volumes with filters; the rank of `filters` tells which.

    Args:
        input: numbers of shape (batch..., spatial axes..., channels), or with channels after the batch.
        filters: filters of shape (spatial axes..., channels of a group, output channels).
        strides: a number, or one for each spatial axis; 1 by default.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: None, or one of 'NWC', 'NCW', 'NHWC', 'NCHW', 'NDHWC', 'NCDHW'.
        dilations: distances between filter elements, as `strides`.
        name: the name of the scope.
    Raises:
        ValueError: if there are not one to three spatial axes, or strides and dilations are both greater than 1.
    """
    with op_scope(name, "convolution", [input, filters]) as scope:
        tensor = convert_to_tensor(input, name="input")
        kernel = convert_to_tensor(filters, tensor.dtype.base_dtype, "filter")
        count = _spatial_count(tensor, kernel)
        if count not in (1, 2, 3):
            raise ValueError(
                f"`filters` must have 3, 4 or 5 axes, that is 1 to 3 spatial ones, got shape {kernel.shape}"
            )
        layout = data_format or _DEFAULT_FORMATS[count]
        channel_index = _channel_index(layout, count)
        stride = sequence_of(strides, count, channel_index, "strides")
        dilation = sequence_of(dilations, count, channel_index, "dilations")
        if max(stride) > 1 and max(dilation) > 1:
            raise ValueError(
                f"`strides > 1` not supported in conjunction with `dilations > 1`, got {stride} and {dilation}"
            )
        functions: dict[int, Callable[..., Tensor]] = {1: conv1d, 2: conv2d, 3: conv3d}
        return functions[count](tensor, kernel, stride, padding, layout, dilation, scope)


def convolution_v1(
    input: Any,
    filter: Any,
    padding: Any,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Return `convolution`; `filter` and `dilation_rate` are the old names of `filters` and `dilations`."""
    rate = _new_or_old("dilations", dilations, "dilation_rate", dilation_rate)
    return convolution(input, _filters_or_filter(filters, filter), strides, padding, data_format, rate, name)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Tensor:
    """Return the cross correlation of images with filters whose elements are `rate` apart.

    Args:
        value: images of shape (batch, height, width, channels).
        filters: filters of shape (height, width, channels, output channels).
        rate: the distance between filter elements, at least 1.
        padding: 'SAME' or 'VALID'.
        name: the name of the scope.
    Source: Chen et al. 2015, "Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs".
    """
    return convolution(value, filters, None, padding, None, [int(rate), int(rate)], name)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of each channel of images with filters of its own.

    Args:
        input: images of shape (batch, height, width, channels), or (batch, channels, height, width) for 'NCHW'.
        filter: filters of shape (height, width, channels, multiplier).
        strides: four numbers, one for each axis; those of height and width are equal.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NHWC' or 'NCHW'.
        dilations: distances between filter elements, two numbers or one. With strides, too, the windows move within
            each of the images that `space_to_batch` makes of one.
        name: the name of the scope.
    Returns:
        Images with channels * multiplier channels.
    """
    with op_scope(name, "depthwise", [input, filter]) as scope:
        layout = data_format or "NHWC"
        channel_index = _channel_index(layout, 2)
        images = convert_to_tensor(input, name="tensor_in")
        kernel = convert_to_tensor(filter, images.dtype.base_dtype, "filter_in")
        stride = sequence_of(strides, 2, channel_index, "strides")
        dilation = sequence_of(dilations, 2, channel_index, "dilations")
        if max(stride) > 1 and max(dilation) > 1 and layout == "NHWC":
            dims = kernel.dims
            return spread(
                lambda images: depthwise_conv2d_native_op(images, kernel, strides=stride, padding="VALID"),
                images,
                (None, None) if dims is None else dims[:2],
                dilation[1:3],
                padding,
            )
        attrs = padding_attributes(padding, 4)
        return depthwise_conv2d_native_op(
            images, kernel, strides=stride, dilations=dilation, data_format=layout, name=scope, **attrs
        )


def depthwise_conv2d_v1(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Return `depthwise_conv2d`; `rate` is the old name of `dilations`."""
    chosen = _new_or_old("dilations", dilations, "rate", rate)
    return depthwise_conv2d(input, filter, strides, padding, data_format, chosen, name)


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Return the cross correlation of each channel of images with filters of its own; see `depthwise_conv2d`."""
    attrs = padding_attributes(padding, 4)
    return depthwise_conv2d_native_op(
        input, filter, strides=list(strides), data_format=data_format, dilations=list(dilations), name=name, **attrs
    )


def depthwise_conv2d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Return the gradient of a depthwise convolution with respect to its input.

    Args:
        input_sizes: the shape of the images, int32.
        filter: the filters.
        out_backprop: the gradient with respect to the convolution's result.
        strides, padding, data_format, dilations: those of the convolution.
        name: the name of the node.
    """
    attrs = _attributes(strides, padding, data_format, dilations)
    return depthwise_conv2d_native_backprop_input_op(input_sizes, filter, out_backprop, name=name, **attrs)


def depthwise_conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Return the gradient of a depthwise convolution with respect to its filters.

    Args:
        input: the images.
        filter_sizes: the shape of the filters, int32.
        out_backprop: the gradient with respect to the convolution's result.
        strides, padding, data_format, dilations: those of the convolution.
        name: the name of the node.
    """
    attrs = _attributes(strides, padding, data_format, dilations)
    return depthwise_conv2d_native_backprop_filter_op(input, filter_sizes, out_backprop, name=name, **attrs)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return a depthwise convolution followed by a mixing of the channels at each point.

    Args:
        input: images of shape (batch, height, width, channels), or with channels after the batch for 'NCHW'.
        depthwise_filter: filters of shape (height, width, channels, multiplier).
        pointwise_filter: weights of shape (1, 1, channels * multiplier, output channels).
        strides: four numbers, one for each axis, for the depthwise convolution.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NHWC' or 'NCHW'.
        dilations: distances between elements of the depthwise filters.
        name: the name of the scope.
    Raises:
        ValueError: if the pointwise filter does not fit.
    """
    with op_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        layout = data_format or "NHWC"
        images = convert_to_tensor(input, name="tensor_in")
        depthwise = convert_to_tensor(depthwise_filter, images.dtype.base_dtype, "depthwise_filter")
        pointwise = convert_to_tensor(pointwise_filter, images.dtype.base_dtype, "pointwise_filter")
        if pointwise.dims is not None:
            dims = pointwise.dims
            if len(dims) != 4 or dims[0] not in (1, None) or dims[1] not in (1, None):
                raise ValueError(
                    f"`pointwise_filter` must have shape (1, 1, channels, output channels), got {pointwise.shape}"
                )
        between = depthwise_conv2d(images, depthwise, strides, padding, layout, dilations, "depthwise")
        return conv2d_op(between, pointwise, strides=[1, 1, 1, 1], padding="VALID", data_format=layout, name=scope)


def separable_conv2d_v1(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Return `separable_conv2d`; `rate` is the old name of `dilations`."""
    chosen = _new_or_old("dilations", dilations, "rate", rate)
    return separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, data_format, chosen, name)


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the transpose of `conv1d`: its gradient with respect to the input.

    Args:
        input: sequences of shape (batch, width, channels), or (batch, channels, width) for 'NCW'.
        filters: filters of shape (width, output channels, channels).
        output_shape: the shape of the result, int32.
        strides: a number, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NWC' or 'NCW'.
        dilations: the distance between filter elements; 1 by default.
        name: the name of the scope.
    """
    with op_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        layout, spatial_axis = _image_layout(data_format)
        channel_index = _channel_index(layout, 1)
        stride = _insert_one(sequence_of(strides, 1, channel_index, "strides"), spatial_axis)
        dilation = _insert_one(sequence_of(dilations, 1, channel_index, "dilations"), spatial_axis)
        if isinstance(output_shape, (list, tuple)) and all(isinstance(size, int) for size in output_shape):
            shape: Any = _insert_one(list(output_shape), spatial_axis)
        else:
            given = convert_to_tensor(output_shape, name="output_shape")
            shape = _concat_op([given[:spatial_axis], deferred("OnesLike")(given[:1]), given[spatial_axis:]], 0)
        result = conv2d_backprop_input_op(
            shape,
            _expand_dims_op(filters, 0),
            _expand_dims_op(input, spatial_axis),
            strides=stride,
            dilations=dilation,
            data_format=layout,
            padding=padding,
        )
        return _squeeze_op(result, squeeze_dims=[spatial_axis], name=scope)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the transpose of `conv2d`: its gradient with respect to the input.

    Args:
        input: images of shape (batch, height, width, channels), or with channels after the batch for 'NCHW'.
        filters: filters of shape (height, width, output channels, channels).
        output_shape: the shape of the result, int32.
        strides: a number, one for height and width, or one for each axis.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NHWC' or 'NCHW'.
        dilations: distances between filter elements, as `strides`; 1 by default.
        name: the name of the node.
    Source: Zeiler et al. 2010, "Deconvolutional Networks".
    """
    with op_scope(name, "conv2d_transpose", [input, filters, output_shape]) as scope:
        attrs = _attributes(strides, padding, data_format or "NHWC", dilations)
        return conv2d_backprop_input_op(output_shape, filters, input, name=scope, **attrs)


def conv2d_transpose_v1(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Return `conv2d_transpose`; `value` and `filter` are the old names of `input` and `filters`."""
    images = _new_or_old("input", input, "value", value)
    chosen = _filters_or_filter(filters, filter)
    return conv2d_transpose(images, chosen, output_shape, strides, padding, data_format, dilations, name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """Return the transpose of `atrous_conv2d`: its gradient with respect to the input.

    Args:
        value: images of shape (batch, height, width, channels).
        filters: filters of shape (height, width, output channels, channels).
        output_shape: the shape of the result, int32.
        rate: the distance between filter elements.
        padding: 'SAME' or 'VALID'.
        name: the name of the scope.
    """
    with op_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]) as scope:
        return conv2d_transpose(value, filters, output_shape, 1, padding, "NHWC", [int(rate), int(rate)], scope)


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the transpose of `conv3d`: its gradient with respect to the input.

    Args:
        input: volumes of shape (batch, depth, height, width, channels), or with channels after the batch for 'NCDHW'.
        filters: filters of shape (depth, height, width, output channels, channels).
        output_shape: the shape of the result, int32.
        strides: a number, one for each spatial axis, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NDHWC' or 'NCDHW'.
        dilations: distances between filter elements, as `strides`; 1 by default.
        name: the name of the node.
    """
    with op_scope(name, "conv3d_transpose", [input, filters, output_shape]) as scope:
        layout = data_format or "NDHWC"
        channel_index = _channel_index(layout, 3)
        return conv3d_backprop_input_op(
            output_shape,
            filters,
            input,
            strides=sequence_of(strides, 3, channel_index, "strides"),
            dilations=sequence_of(dilations, 3, channel_index, "dilations"),
            padding=padding,
            data_format=layout,
            name=scope,
        )


def conv3d_transpose_v1(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Return `conv3d_transpose`; `value` and `filter` are the old names of `input` and `filters`."""
    volumes = _new_or_old("input", input, "value", value)
    chosen = _filters_or_filter(filters, filter)
    return conv3d_transpose(volumes, chosen, output_shape, strides, padding, data_format, dilations, name)


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the transpose of `convolution`; the size of `output_shape` tells the number of spatial axes.

    Args:
        input: numbers of shape (batch, spatial axes..., channels), or with channels after the batch.
        filters: filters of shape (spatial axes..., output channels, channels).
        output_shape: the shape of the result, int32.
        strides: a number, or one for each spatial axis.
        padding: 'SAME' or 'VALID'.
        data_format: None, or one of 'NWC', 'NCW', 'NHWC', 'NCHW', 'NDHWC', 'NCDHW'.
        dilations: distances between filter elements, as `strides`.
        name: the name of the scope.
    Raises:
        ValueError: if there are not one to three spatial axes.
    """
    with op_scope(name, "conv_transpose", [input, filters, output_shape]) as scope:
        shape = (
            output_shape
            if isinstance(output_shape, (list, tuple))
            else convert_to_tensor(output_shape, name="output_shape")
        )
        count = len(shape) - 2 if isinstance(shape, (list, tuple)) else _vector_length(shape) - 2
        if count not in (1, 2, 3):
            raise ValueError(f"`output_shape` must be of length 3, 4 or 5, got {count + 2}")
        functions: dict[int, Callable[..., Tensor]] = {1: conv1d_transpose, 2: conv2d_transpose, 3: conv3d_transpose}
        layout = data_format or _DEFAULT_FORMATS[count]
        return functions[count](input, filters, shape, strides, padding, layout, dilations, scope)


def _vector_length(shape: Tensor) -> int:
    dims: Sequence[int | None] | None = shape.dims
    if dims is None or len(dims) != 1 or dims[0] is None:
        raise ValueError(f"`output_shape` must be a vector of known length, got shape {shape.shape}")
    return dims[0]
