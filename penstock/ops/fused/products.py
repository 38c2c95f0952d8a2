"""Products and convolutions with a bias."""

from __future__ import annotations

from penstock.core.array import Array
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.declare import fused_op
from penstock.ops.math.matmul import product
from penstock.ops.nn.convolution import convolve

_PRECISE = frozenset({float32, float64})


@fused_op("_MatMulBias(a: T, b: T, bias: T) -> product: T", T=_PRECISE)
def mat_mul_bias_op(a: Array, b: Array, bias: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    return product(a.t() if transpose_a else a, b.t() if transpose_b else b, bias)


@fused_op("_Conv2DBias(input: T, filter: T, bias: T) -> output: T", T=_PRECISE)
def conv2d_bias_op(
    input: Array,
    filter: Array,
    bias: Array,
    *,
    strides: list[int],
    padding: str,
    explicit_paddings: list[int] = [],
    data_format: str = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],
) -> Array:
    result = convolve(input, filter, strides, padding, explicit_paddings, data_format, dilations, bias=bias)
    if input.numel() and filter.numel():
        return result
    return result + (bias if data_format == "NHWC" else bias.view(-1, 1, 1))
