"""Pooling as users call it, composed of the operations in `pooling`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype, int64
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.nn.pooling import avg_pool3d_op, avg_pool_op, max_pool3d_op, max_pool_op, max_pool_with_argmax_op
from penstock.ops.nn.spreading import spread
from penstock.ops.nn.windows import padding_attributes, sequence_of

_expand_dims_op = deferred("ExpandDims")
_squeeze_op = deferred("Squeeze")

_DEFAULT_FORMATS = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def _channel_index(data_format: str, count: int) -> int:
    return 1 if data_format.startswith("NC") else count + 1


def _check_sizes(ksize: Any, strides: Any) -> None:
    for name, given in (("ksize", ksize), ("strides", strides)):
        for size in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(size, int) and size == 0:
                raise ValueError(f"{name} cannot be zero, got {given!r}")


def _pool2d(
    operation: Callable[..., Tensor],
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str,
    name: str | None,
    default: str,
) -> Tensor:
    with op_scope(name, default, [input]) as scope:
        layout = data_format or "NHWC"
        channel_index = _channel_index(layout, 2)
        return operation(
            convert_to_tensor(input, name="input"),
            ksize=sequence_of(ksize, 2, channel_index, "ksize"),
            strides=sequence_of(strides, 2, channel_index, "strides"),
            data_format=layout,
            name=scope,
            **padding_attributes(padding, 4),
        )


def _pool1d(
    operation: Callable[..., Tensor],
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str,
    name: str | None,
    default: str,
) -> Tensor:
    with op_scope(name, default, [input]) as scope:
        layout = data_format or "NWC"
        channel_index = _channel_index(layout, 1)
        axis = 1 if channel_index == 2 else 2
        window = sequence_of(ksize, 1, channel_index, "ksize")
        step = sequence_of(strides, 1, channel_index, "strides")
        if isinstance(padding, (list, tuple)):
            padding = [*padding[:axis], (0, 0), *padding[axis:]]
        pooled = operation(
            _expand_dims_op(input, axis),
            ksize=[*window[:axis], 1, *window[axis:]],
            strides=[*step[:axis], 1, *step[axis:]],
            data_format="NHWC" if channel_index == 2 else "NCHW",
            **padding_attributes(padding, 4),
        )
        return _squeeze_op(pooled, squeeze_dims=[axis], name=scope)


def _pool3d(
    operation: Callable[..., Tensor],
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
    name: str | None,
    default: str,
) -> Tensor:
    with op_scope(name, default, [input]) as scope:
        layout = data_format or "NDHWC"
        channel_index = _channel_index(layout, 3)
        return operation(
            input,
            ksize=sequence_of(ksize, 3, channel_index, "ksize"),
            strides=sequence_of(strides, 3, channel_index, "strides"),
            padding=padding,
            data_format=layout,
            name=scope,
        )


def max_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """Return the maxima of windows of sequences, images or volumes; the rank of `input` tells which.

    Args:
        input: numbers of shape (batch, spatial axes..., channels), or with channels after the batch.
        ksize: the size of the window: a number, one for each spatial axis, or one for each axis.
        strides: the step of the window, as `ksize`.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis. Padding is never the maximum.
        data_format: None, or one of 'NWC', 'NCW', 'NHWC', 'NCHW', 'NDHWC', 'NCDHW'.
        name: the name of the node.
    Raises:
        ValueError: if there are not one to three spatial axes.
    """
    count, layout = _count_and_layout(input, data_format)
    functions: dict[int, Callable[..., Tensor]] = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}
    return functions[count](input, ksize, strides, padding, layout, name or ("max_pool" if count == 1 else "MaxPoolND"))


def _count_and_layout(input: Any, data_format: str | None) -> tuple[int, str]:
    if data_format is not None:
        count = len(data_format) - 2
    else:
        rank = convert_to_tensor(input).ndim
        if rank is None:
            raise ValueError("the rank of `input` must be known: set its shape with set_shape, or pass `data_format`")
        count = rank - 2
    if count not in (1, 2, 3):
        raise ValueError(f"`input` must have a rank of 3, 4 or 5, got {count + 2}")
    return count, data_format or _DEFAULT_FORMATS[count]


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """Return the maxima of windows of sequences.

    Args:
        input: numbers of shape (batch, width, channels), or (batch, channels, width) for 'NCW'.
        ksize, strides: the size and step of the window: a number, or one for each axis.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NWC' or 'NCW'.
        name: the name of the scope.
    """
    return _pool1d(max_pool_op, input, ksize, strides, padding, data_format, name, "MaxPool1d")


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Return the maxima of windows of images.

    Args:
        input: numbers of shape (batch, height, width, channels), or (batch, channels, height, width) for 'NCHW'.
        ksize, strides: the size and step of the window: a number, one for height and width, or one for each axis.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
        data_format: 'NHWC' or 'NCHW'.
        name: the name of the node.
    """
    return _pool2d(max_pool_op, input, ksize, strides, padding, data_format, name, "MaxPool2d")


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """Return the maxima of windows of volumes.

    Args:
        input: numbers of shape (batch, depth, height, width, channels), or with channels after the batch for 'NCDHW'.
        ksize, strides: the size and step of the window: a number, one for each spatial axis, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NDHWC' or 'NCDHW'.
        name: the name of the node.
    """
    return _pool3d(max_pool3d_op, input, ksize, strides, padding, data_format, name, "MaxPool3D")


def max_pool_v1(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """Return the maxima of windows of images; `value` is the old name of `input`. See `max_pool2d`.

    Raises:
        ValueError: if a size is 0, or both names are given.
    """
    _check_sizes(ksize, strides)
    return _pool2d(max_pool_op, _either(value, input), ksize, strides, padding, data_format, name, "MaxPool")


def _either(value: Any, input: Any) -> Any:
    if value is not None and input is not None:
        raise ValueError("Cannot specify both 'input' and 'value'; 'value' is the old name of 'input'")
    return value if input is None else input


def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """Return the averages of windows of sequences, images or volumes; the rank of `input` tells which.

    Args:
        input: numbers of shape (batch, spatial axes..., channels), or with channels after the batch.
        ksize: the size of the window: a number, one for each spatial axis, or one for each axis.
        strides: the step of the window, as `ksize`.
        padding: 'SAME' or 'VALID'. Padding does not count.
        data_format: None, or one of 'NWC', 'NCW', 'NHWC', 'NCHW', 'NDHWC', 'NCDHW'.
        name: the name of the node.
    Raises:
        ValueError: if there are not one to three spatial axes.
    """
    count, layout = _count_and_layout(input, data_format)
    functions: dict[int, Callable[..., Tensor]] = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
    return functions[count](input, ksize, strides, padding, layout, name or ("avg_pool" if count == 1 else "AvgPoolND"))


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """Return the averages of windows of sequences.

    Args:
        input: numbers of shape (batch, width, channels), or (batch, channels, width) for 'NCW'.
        ksize, strides: the size and step of the window: a number, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NWC' or 'NCW'.
        name: the name of the scope.
    """
    return _pool1d(avg_pool_op, input, ksize, strides, padding, data_format, name, "AvgPool1D")


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Return the averages of windows of images.

    Args:
        input: numbers of shape (batch, height, width, channels), or (batch, channels, height, width) for 'NCHW'.
        ksize, strides: the size and step of the window: a number, one for height and width, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NHWC' or 'NCHW'.
        name: the name of the node.
    """
    return _pool2d(avg_pool_op, input, ksize, strides, padding, data_format, name, "AvgPool2D")


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """Return the averages of windows of volumes.

    Args:
        input: numbers of shape (batch, depth, height, width, channels), or with channels after the batch for 'NCDHW'.
        ksize, strides: the size and step of the window: a number, one for each spatial axis, or one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NDHWC' or 'NCDHW'.
        name: the name of the node.
    """
    return _pool3d(avg_pool3d_op, input, ksize, strides, padding, data_format, name, "AvgPool3D")


def avg_pool_v1(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """Return the averages of windows of images; `value` is the old name of `input`. See `avg_pool2d`."""
    return _pool2d(avg_pool_op, _either(value, input), ksize, strides, padding, data_format, name, "AvgPool")


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the maxima of windows of images, and their positions.

    Args:
        input: numbers of shape (batch, height, width, channels).
        ksize, strides: the size and step of the window.
        padding: 'SAME' or 'VALID'.
        data_format: 'NHWC'.
        output_dtype: the type of the positions, int32 or int64.
        include_batch_in_index: whether positions count over the whole batch rather than from the start of each image.
        name: the name of the node.
    Returns:
        The maxima, and positions (y * width + x) * channels + channel of the same shape.
    Raises:
        ValueError: for another layout.
    """
    if data_format != "NHWC":
        raise ValueError(f"`data_format` values other than 'NHWC' are not supported, got {data_format!r}")
    return max_pool_with_argmax_op(
        input,
        ksize=sequence_of(ksize, 2, 3, "ksize"),
        strides=sequence_of(strides, 2, 3, "strides"),
        padding=padding,
        Targmax=as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def max_pool_with_argmax_v1(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return `max_pool_with_argmax`; `Targmax` is the old name of `output_dtype`."""
    if Targmax is not None and output_dtype is not None:
        raise ValueError(
            "Cannot specify both 'output_dtype' and 'Targmax'; 'Targmax' is the old name of 'output_dtype'"
        )
    chosen = output_dtype or Targmax or int64
    return max_pool_with_argmax(input, ksize, strides, padding, data_format, chosen, include_batch_in_index, name)


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the maxima or averages of windows whose elements may be apart.

    Args:
        input: numbers of shape (batch, spatial axes..., channels), or with channels after the batch.
        window_shape: the size of the window, a number for each of one to three spatial axes.
        pooling_type: 'MAX' or 'AVG'.
        strides: the step of the window, a number for each spatial axis; 1 by default.
        padding: 'SAME' or 'VALID'.
        data_format: None, or one of 'NWC', 'NCW', 'NHWC', 'NCHW', 'NDHWC', 'NCDHW'.
        dilations: the distance between elements of the window, a number for each spatial axis; 1 by default.
        name: the name of the scope.
    Raises:
        ValueError: if strides and dilations are both greater than 1, or an argument is not one of those named.
    """
    window = list(window_shape) if isinstance(window_shape, (list, tuple)) else [window_shape]
    count = len(window)
    if count not in (1, 2, 3):
        raise ValueError(f"`window_shape` must have 1, 2 or 3 numbers, got {window_shape!r}")
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"`pooling_type` must be 'MAX' or 'AVG', got {pooling_type!r}")
    layout = data_format or _DEFAULT_FORMATS[count]
    stride = [1] * count if strides is None else [int(size) for size in strides]
    dilation = [1] * count if dilations is None else [int(size) for size in dilations]
    if len(stride) != count or len(dilation) != count:
        raise ValueError(f"strides and dilations must have {count} numbers, got {stride} and {dilation}")
    if max(stride) > 1 and max(dilation) > 1:
        raise ValueError(
            f"`strides > 1` not supported in conjunction with `dilations > 1`, got {stride} and {dilation}"
        )
    functions = {
        ("MAX", 1): max_pool1d,
        ("MAX", 2): max_pool2d,
        ("MAX", 3): max_pool3d,
        ("AVG", 1): avg_pool1d,
        ("AVG", 2): avg_pool2d,
        ("AVG", 3): avg_pool3d,
    }
    function = functions[pooling_type, count]
    scope_name = f"{pooling_type.lower()}_pool"
    with op_scope(name, scope_name, [input]):
        tensor = convert_to_tensor(input, name="input")
        if max(dilation) > 1 and padding == "SAME":
            raise ValueError(f"pooling with 'SAME' padding takes no dilations, got {dilation}; pad the images first")
        if max(dilation) == 1:
            return function(tensor, window, stride, padding, layout, scope_name)
        return _dilated_pool(function, tensor, window, dilation, padding, layout)


def _dilated_pool(
    function: Callable[..., Tensor], input: Tensor, window: list[int], dilation: list[int], padding: str, layout: str
) -> Tensor:
    """Pool by turning the distance between elements into more images, as `space_to_batch` does."""
    count = len(window)
    if layout.startswith("NC"):
        last = deferred("Transpose")(input, [0, *range(2, count + 2), 1])
        result = _dilated_pool(function, last, window, dilation, padding, _DEFAULT_FORMATS[count])
        return deferred("Transpose")(result, [0, count + 1, *range(1, count + 1)])
    return spread(
        lambda images: function(images, window, [1] * count, "VALID", layout), input, window, dilation, padding
    )


def pool_v1(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Return `pool`; `dilation_rate` is the old name of `dilations`."""
    if dilations is not None and dilation_rate is not None:
        raise ValueError(
            "Cannot specify both 'dilations' and 'dilation_rate'; 'dilation_rate' is the old name of 'dilations'"
        )
    chosen = dilation_rate if dilations is None else dilations
    return pool(input, window_shape, pooling_type, strides, padding, data_format, chosen, name)
