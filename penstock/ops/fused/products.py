"""Products and convolutions with a bias, and products of which some columns are wanted or that have a few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.declare import fused_op
from penstock.ops.math.matmul import product
from penstock.ops.nn.convolution import convolve

_PRECISE = frozenset({float32, float64})


@fused_op("_MatMulBias(a: T, b: T, bias: T) -> product: T", T=_PRECISE)
def mat_mul_bias_op(a: Array, b: Array, bias: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    return product(a.t() if transpose_a else a, b.t() if transpose_b else b, bias)


@fused_op("_MatMulColumns(a: T, b: T) -> product: T", T=_PRECISE)
def mat_mul_columns_op(
    a: Array, b: Array, *, begin: int, size: int, transpose_a: bool = False, transpose_b: bool = False
) -> Array:
    return product(a.t() if transpose_a else a, (b.t() if transpose_b else b).narrow(1, begin, size))


# The most columns of a result that is narrow.
MOST_NARROW = 16
# Multiplications from which on machine code is worth its call, and those from which on work is shared among threads.
NARROW_FROM = 1 << 14
_SHARED_FROM = 1 << 22


@fused_op("_NarrowMatMul(a: T, b: T, bias: N * T) -> product: T", T=frozenset({float32}))
def narrow_mat_mul_op(a: Array, b: Array, bias: list[Array], *, columns: int, transpose_a: bool = False) -> Array:
    return product(a.t() if transpose_a else a, b, *bias)


@narrow_mat_mul_op.specialize
def narrow_mat_mul_specialized(attrs: dict[str, Any]) -> Callable[..., Array]:
    columns: int = attrs["columns"]
    is_turned: bool = attrs["transpose_a"]
    multiply: Callable[..., None] | None = None

    def run(a: Array, b: Array, bias: list[Array]) -> Array:
        nonlocal multiply
        if is_turned:
            a = a.t()
        (rows, inner), work = a.shape, a.numel() * columns
        if (
            work >= NARROW_FROM
            and b.shape == (inner, columns)
            and b.stride(1) == 1
            and a.is_cpu
            and b.is_cpu
            and all(vector.shape == (columns,) and vector.is_contiguous() for vector in bias)
        ):
            if multiply is None:
                # LLVM is loaded when it is first needed.
                from penstock.ops.fused.native.narrow_product import narrow_product

                multiply = narrow_product(columns)
            result = torch.empty(rows, columns)
            row, column = a.stride()
            address = bias[0].data_ptr() if bias else 0
            arguments = [rows, inner, a.data_ptr(), row, column, b.data_ptr(), b.stride(0), address, result.data_ptr()]
            threads = torch.get_num_threads() if work >= _SHARED_FROM else 1
            if threads == 1:
                multiply(*arguments)
            else:
                from penstock.ops.fused.native.threads import share

                share(multiply, threads, rows, 0, arguments, [0, 0, 4 * row, 0, 0, 0, 0, 0, 4 * columns])
            return result
        return product(a, b, *bias)

    return run


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
