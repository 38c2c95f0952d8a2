"""Sums and products of quantized numbers, computed with the integers that stand for them."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import QUANTIZED, DType, qint32, quint8
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast, expect_rank, merge_dim
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.nn.convolution import conv2d_op
from penstock.ops.quantization.levels import (
    in_new_range,
    levels_of,
    numbers_of,
    product_range,
    scalar_range,
    single,
    stored,
    wide,
    with_scalar_range,
    zero_level,
)

_RESULT = Type(QUANTIZED, default=qint32)
Range = tuple[float, float, DType]


def _range(low: Array, high: Array, dtype: DType) -> Range:
    return single(low, "the lower end of a range"), single(high, "the upper end of a range"), dtype


def _from_zero(levels: Array, ends: Range) -> Array:
    """Return the distances of levels from the one that stands for 0."""
    return wide(levels) - zero_level(*ends)


def _sum_range(a: Range, b: Range, widening: int) -> tuple[float, float]:
    largest = max(abs(end) for end in (*a[:2], *b[:2])) * (1 << widening)
    return -largest, largest


@op(
    "QuantizedAdd(x: T1, y: T2, min_x: float, max_x: float, min_y: float, max_y: float)"
    " -> (z: Toutput, min_z: float, max_z: float)",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=_RESULT,
    differentiable=False,
)
def quantized_add_op(
    x: Array,
    y: Array,
    min_x: Array,
    max_x: Array,
    min_y: Array,
    max_y: Array,
    *,
    T1: DType,
    T2: DType,
    Toutput: DType = qint32,
) -> tuple[Array, Array, Array]:
    a, b = _range(min_x, max_x, T1), _range(min_y, max_y, T2)
    low, high = _sum_range(a, b, 14)
    total = _scaled(x, a, (low, high, Toutput)) + _scaled(y, b, (low, high, Toutput))
    return stored(total, Toutput), *scalar_range(low, high)


def _scaled(levels: Array, old: Range, new: Range) -> Array:
    """Return levels in another range, a whole number of new ones for each old one."""
    first, second = (int(levels_of(numbers_of(torch.tensor(level), *old), *new)) for level in (0, 1))
    return first + wide(levels) * (second - first)


@op(
    "QuantizedMul(x: T1, y: T2, min_x: float, max_x: float, min_y: float, max_y: float)"
    " -> (z: Toutput, min_z: float, max_z: float)",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=_RESULT,
    differentiable=False,
)
def quantized_mul_op(
    x: Array,
    y: Array,
    min_x: Array,
    max_x: Array,
    min_y: Array,
    max_y: Array,
    *,
    T1: DType,
    T2: DType,
    Toutput: DType = qint32,
) -> tuple[Array, Array, Array]:
    a, b = _range(min_x, max_x, T1), _range(min_y, max_y, T2)
    product = _from_zero(x, a) * _from_zero(y, b)
    return stored(product, Toutput), *scalar_range(*product_range(a, b, Toutput))


def _broadcast_shape(x: Dims, y: Dims, *ends: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    return with_scalar_range(broadcast(x, y), *ends)


quantized_add_op.shape(_broadcast_shape)
quantized_mul_op.shape(_broadcast_shape)


@op(
    "QuantizedBiasAdd(input: T1, bias: T2, min_input: float, max_input: float, min_bias: float, max_bias: float)"
    " -> (output: out_type, min_out: float, max_out: float)",
    T1=QUANTIZED,
    T2=QUANTIZED,
    out_type=QUANTIZED,
    differentiable=False,
)
def quantized_bias_add_op(
    input: Array,
    bias: Array,
    min_input: Array,
    max_input: Array,
    min_bias: Array,
    max_bias: Array,
    *,
    T1: DType,
    T2: DType,
    out_type: DType,
) -> tuple[Array, Array, Array]:
    if input.ndim < 2 or bias.ndim != 1 or bias.shape[0] != input.shape[-1]:
        raise InvalidArgumentError(
            None,
            None,
            "Must provide as many biases as the last dimension of the input tensor, got shapes "
            f"{list(bias.shape)} and {list(input.shape)}",
        )
    a, b = _range(min_input, max_input, T1), _range(min_bias, max_bias, T2)
    low, high = _sum_range(a, b, 17)
    new = (low, high, out_type)
    total = wide(in_new_range(input, a, new)) + wide(in_new_range(bias, b, new))
    return stored(total, out_type), *scalar_range(low, high)


@quantized_bias_add_op.shape
def quantized_bias_add_shape(input: Dims, bias: Dims, *ends: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    count = expect_rank(bias, 1, "bias")[0]
    if input is not None:
        if len(input) < 2:
            raise ValueError(f"input must have rank 2 or more, got {len(input)}")
        merge_dim(input[-1], count, "the channels of input and bias")
    return with_scalar_range(input, *ends)


@op(
    "QuantizedMatMul(a: T1, b: T2, min_a: float, max_a: float, min_b: float, max_b: float)"
    " -> (out: Toutput, min_out: float, max_out: float)",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=_RESULT,
    Tactivation=Type(QUANTIZED, default=quint8),
    differentiable=False,
)
def quantized_mat_mul_op(
    a: Array,
    b: Array,
    min_a: Array,
    max_a: Array,
    min_b: Array,
    max_b: Array,
    *,
    T1: DType,
    T2: DType,
    Toutput: DType = qint32,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> tuple[Array, Array, Array]:
    first, second = _range(min_a, max_a, T1), _range(min_b, max_b, T2)
    # Products and sums of small integers are exact in float64.
    product = mat_mul_op.kernel(
        _from_zero(a, first).to(torch.float64),
        _from_zero(b, second).to(torch.float64),
        transpose_a=transpose_a,
        transpose_b=transpose_b,
    )
    return stored(product, Toutput), *scalar_range(*product_range(first, second, Toutput))


@quantized_mat_mul_op.shape
def quantized_mat_mul_shape(
    a: Dims, b: Dims, *ends: Dims, transpose_a: bool, transpose_b: bool, **attrs: Any
) -> tuple[Dims, Dims, Dims]:
    assert mat_mul_op.shape_rule is not None
    given = {**mat_mul_op.defaults, "transpose_a": transpose_a, "transpose_b": transpose_b}
    return with_scalar_range(mat_mul_op.shape_rule(a, b, **given), *ends)


@op(
    "QuantizedConv2D(input: Tinput, filter: Tfilter, min_input: float, max_input: float, min_filter: float,"
    " max_filter: float) -> (output: out_type, min_output: float, max_output: float)",
    Tinput=QUANTIZED,
    Tfilter=QUANTIZED,
    out_type=_RESULT,
    allowed={"padding": ("SAME", "VALID")},
    differentiable=False,
)
def quantized_conv2d_op(
    input: Array,
    filter: Array,
    min_input: Array,
    max_input: Array,
    min_filter: Array,
    max_filter: Array,
    *,
    Tinput: DType,
    Tfilter: DType,
    out_type: DType = qint32,
    strides: list[int],
    padding: str,
    dilations: list[int] = [1, 1, 1, 1],
) -> tuple[Array, Array, Array]:
    a, b = _range(min_input, max_input, Tinput), _range(min_filter, max_filter, Tfilter)
    images, filters = _from_zero(input, a).to(torch.float64), _from_zero(filter, b).to(torch.float64)
    product = conv2d_op.kernel(images, filters, strides=strides, padding=padding, dilations=dilations)
    return stored(product.round(), out_type).contiguous(), *scalar_range(*product_range(a, b, out_type))


@quantized_conv2d_op.shape
def quantized_conv2d_shape(
    input: Dims, filter: Dims, *ends: Dims, strides: list[int], padding: str, dilations: list[int], **attrs: Any
) -> tuple[Dims, Dims, Dims]:
    assert conv2d_op.shape_rule is not None
    given = {**conv2d_op.defaults, "strides": strides, "padding": padding, "dilations": dilations}
    convolved = conv2d_op.shape_rule(input, filter, **given)
    return with_scalar_range(convolved, *ends)


def quantized_conv2d(
    input: Any,
    filter: Any,
    min_input: Any,
    max_input: Any,
    min_filter: Any,
    max_filter: Any,
    strides: Any,
    padding: str,
    out_type: Any = qint32,
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Any:
    """Convolve quantized images with quantized filters.

    Args:
        input: quantized, of shape (batch, height, width, channels).
        filter: quantized, of shape (height, width, channels, filters).
        min_input, max_input, min_filter, max_filter: float32 scalars, the ranges of both.
        strides, dilations: four numbers each, 1 for the batch and the channels.
        padding: "SAME" or "VALID".
        out_type: the type of the result.
        name: the name of the node.
    Returns:
        A named tuple `(output, min_output, max_output)`.
    """
    return quantized_conv2d_op(
        input,
        filter,
        min_input,
        max_input,
        min_filter,
        max_filter,
        strides=list(strides),
        padding=padding,
        out_type=out_type,
        dilations=list(dilations),
        name=name,
    )
