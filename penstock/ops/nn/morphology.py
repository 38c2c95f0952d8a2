"""Grayscale dilation and erosion: maxima over windows, with a number added to each element of the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.nn.windows import check_window_attribute, keep_attrs, windows

_neg_op = deferred("Neg")
_reverse_op = deferred("ReverseV2")


def _layout(
    input: Dims, filter: Dims, strides: Sequence[int], rates: Sequence[int], padding: str
) -> tuple[Dims, list[tuple[int | None, int, int]], tuple[int, ...], tuple[int, ...]]:
    """Return the shape of the result, the windows along height and width, and the strides and rates of those axes."""
    batch, height, width, depth = expect_rank(input, 4, "input")
    rows, columns, filter_depth = expect_rank(filter, 3, "filter")
    depth = merge_dim(depth, filter_depth, "the depths of input and filter")
    stride = check_window_attribute("strides", strides, 4, "NHWC")
    rate = check_window_attribute("rates", rates, 4, "NHWC")
    laid = [
        windows(size, extent, step, spread, padding)
        for size, extent, step, spread in zip((height, width), (rows, columns), stride, rate, strict=True)
    ]
    return (batch, laid[0][0], laid[1][0], depth), laid, stride, rate


def _sums(
    input: Array, filter: Array, strides: Sequence[int], rates: Sequence[int], padding: str
) -> tuple[Array, tuple[int, int, int, int]]:
    """Return input plus filter of shape (batch, windows down, windows across, depth, elements), and the padding."""
    output, laid, stride, rate = _layout(tuple(input.shape), tuple(filter.shape), strides, rates, padding)
    if not filter.numel():
        raise ShapeError(f"filter must not be empty, got shape {tuple(filter.shape)}")
    (_, top, bottom), (_, left, right) = laid
    lowest = -float("inf") if input.is_floating_point() else torch.iinfo(input.dtype).min
    padded = torch.constant_pad_nd(input, (0, 0, left, right, top, bottom), lowest)
    _, height, width, _ = output  # type: ignore[misc]
    sums = []
    for row in range(filter.shape[0]):
        for column in range(filter.shape[1]):
            first_row, first_column = row * rate[0], column * rate[1]
            window = padded[
                :,
                first_row : first_row + (height - 1) * stride[0] + 1 : stride[0],  # type: ignore[operator]
                first_column : first_column + (width - 1) * stride[1] + 1 : stride[1],  # type: ignore[operator]
            ]
            inside = window if input.is_floating_point() else window.to(torch.int64)
            sums.append(inside + filter[row, column])
    return torch.stack(sums, -1), (top, bottom, left, right)


@op(
    "Dilation2D(input: T, filter: T) -> output: T",
    minimum={"strides": 4, "rates": 4},
    T=REAL_NUMBER,
    allowed={"padding": ("SAME", "VALID")},
    shape=lambda input, filter, *, strides, rates, padding: _layout(input, filter, strides, rates, padding)[0],
)
def dilation2d_op(input: Array, filter: Array, *, strides: list[int], rates: list[int], padding: str) -> Array:
    output = _layout(tuple(input.shape), tuple(filter.shape), strides, rates, padding)[0]
    if 0 in output:  # type: ignore[operator]
        return input.new_zeros(output)  # type: ignore[arg-type]
    return _sums(input, filter, strides, rates, padding)[0].amax(-1).to(input.dtype)


_ATTRS = ("strides", "rates", "padding")


@dilation2d_op.gradient
def dilation2d_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    input, filter = call.inputs
    attrs = keep_attrs(call, *_ATTRS)
    return dilation2d_backprop_input_op(input, filter, grad, **attrs), dilation2d_backprop_filter_op(
        input, filter, grad, **attrs
    )


def _chosen(
    input: Array, filter: Array, out_backprop: Array, attrs: tuple[Any, ...]
) -> tuple[Array, tuple[int, int, int, int]]:
    """Return which element of the window was the maximum, after a check of the gradient's shape."""
    output = _layout(tuple(input.shape), tuple(filter.shape), *attrs)[0]
    merge(tuple(out_backprop.shape), output, "shapes of out_backprop and of the result of the dilation")
    sums, padding = _sums(input, filter, *attrs)
    return sums.argmax(-1), padding


@op(
    "Dilation2DBackpropInput(input: T, filter: T, out_backprop: T) -> in_backprop: T",
    minimum={"strides": 4, "rates": 4},
    T=REAL_NUMBER,
    allowed={"padding": ("SAME", "VALID")},
    shape=lambda input, filter, out_backprop, **attrs: input,
)
def dilation2d_backprop_input_op(
    input: Array, filter: Array, out_backprop: Array, *, strides: list[int], rates: list[int], padding: str
) -> Array:
    if not out_backprop.numel():
        return torch.zeros_like(input)
    chosen, (top, bottom, left, right) = _chosen(input, filter, out_backprop, (strides, rates, padding))
    batch, height, width, depth = input.shape
    columns = filter.shape[1]
    whole_width = width + left + right
    result = out_backprop.new_zeros((batch, (height + top + bottom) * whole_width, depth))
    y = torch.arange(chosen.shape[1], device=input.device).view(1, -1, 1, 1) * strides[1] + chosen // columns * rates[1]
    x = torch.arange(chosen.shape[2], device=input.device).view(1, 1, -1, 1) * strides[2] + chosen % columns * rates[2]
    result.scatter_add_(1, (y * whole_width + x).flatten(1, 2), out_backprop.flatten(1, 2))
    return result.view(batch, -1, whole_width, depth)[:, top : top + height, left : left + width].contiguous()


@op(
    "Dilation2DBackpropFilter(input: T, filter: T, out_backprop: T) -> filter_backprop: T",
    minimum={"strides": 4, "rates": 4},
    T=REAL_NUMBER,
    allowed={"padding": ("SAME", "VALID")},
    shape=lambda input, filter, out_backprop, **attrs: filter,
)
def dilation2d_backprop_filter_op(
    input: Array, filter: Array, out_backprop: Array, *, strides: list[int], rates: list[int], padding: str
) -> Array:
    if not out_backprop.numel():
        return torch.zeros_like(filter)
    chosen, _ = _chosen(input, filter, out_backprop, (strides, rates, padding))
    rows, columns, depth = filter.shape
    result = out_backprop.new_zeros((rows * columns, depth))
    result.scatter_add_(0, chosen.reshape(-1, depth), out_backprop.reshape(-1, depth))
    return result.view(rows, columns, depth)


def dilation2d(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: str | None = None
) -> Tensor:
    """Return the grayscale dilation of images: the maximum over windows of pixel plus filter.

    Args:
        input: real numbers of shape (batch, height, width, channels).
        filters: numbers of shape (height, width, channels), of the type of `input`.
        strides: four numbers, one for each axis.
        padding: 'SAME' or 'VALID'.
        data_format: 'NHWC'.
        dilations: distances between filter elements, four numbers.
        name: the name of the node.
    Raises:
        ValueError: for another layout.
    """
    if data_format != "NHWC":
        raise ValueError(f"`data_format` values other than 'NHWC' are not supported, got {data_format!r}")
    return dilation2d_op(input, filters, strides=list(strides), rates=list(dilations), padding=padding, name=name)


def dilation2d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Return `dilation2d`; `filter` and `rates` are the old names of `filters` and `dilations`."""
    chosen = filter if filters is None else filters
    rates = rates if dilations is None else dilations
    return dilation2d(input, chosen, strides, padding, "NHWC", rates, name)


def erosion2d(
    value: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: str | None = None
) -> Tensor:
    """Return the grayscale erosion of images: the minimum over windows of pixel minus the filter turned by half.

    Args:
        value, filters, strides, padding, data_format, dilations: see `dilation2d`.
        name: the name of the scope.
    Raises:
        ValueError: for another layout.
    """
    if data_format != "NHWC":
        raise ValueError(f"`data_format` values other than 'NHWC' are not supported, got {data_format!r}")
    with op_scope(name, "erosion2d", [value, filters]) as scope:
        turned = _reverse_op(convert_to_tensor(filters), [0, 1])
        dilated = dilation2d_op(_neg_op(value), turned, strides=list(strides), rates=list(dilations), padding=padding)
        return _neg_op(dilated, name=scope)


def erosion2d_v1(value: Any, kernel: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Tensor:
    """Return `erosion2d` with filters `kernel` and dilations `rates`."""
    return erosion2d(value, kernel, strides, padding, "NHWC", rates, name)
