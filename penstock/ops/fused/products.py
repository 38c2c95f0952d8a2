"""Products and convolutions with a bias, and products of which some columns are wanted, that have a few, or that loops
repeat."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.declare import fused_op
from penstock.ops.math.matmul import product
from penstock.ops.nn.convolution import convolve

_PRECISE = frozenset({float32, float64})
_CPU_ONLY = not torch.cuda.is_available()


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
# Multiplications from which on machine code is worth its call.
NARROW_FROM = 1 << 14


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
            multiply(rows, inner, a.data_ptr(), row, column, b.data_ptr(), b.stride(0), address, result.data_ptr())
            return result
        return product(a, b, *bias)

    return run


@fused_op("_Turned(x: T) -> y: T", T=frozenset({float32}))
def turned_op(x: Array) -> Array:
    return x.t().contiguous()


# Rows and multiplications from which on machine code is worth its call, and elements of the left operand that lie in
# the caches of a thread.
_FEWEST_ROWS = 4
REPEATED_FROM = 1 << 19
_LARGEST_PART = 1 << 17
_SUMMED_AT_ONCE = 512


@fused_op("_RepeatedMatMul(a: T, b: T, bias: N * T) -> product: T", T=frozenset({float32}))
def repeated_mat_mul_op(
    a: Array,
    b: Array,
    bias: list[Array],
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    begin: int = 0,
    size: int = -1,
) -> Array:
    a, b = a.t() if transpose_a else a, b.t() if transpose_b else b
    return _repeated(a, b.narrow(1, begin, size) if size >= 0 else b, bias)


@repeated_mat_mul_op.specialize
def repeated_mat_mul_specialized(attrs: dict[str, Any]) -> Callable[..., Array]:
    if attrs["transpose_a"] or attrs["transpose_b"]:
        return partial(
            repeated_mat_mul_op.kernel, **{name: attrs[name] for name in repeated_mat_mul_op.kernel_attributes}
        )
    begin, size = attrs["begin"], attrs["size"]
    if size < 0:
        return _repeated
    return lambda a, b, bias: _repeated(a, b.narrow(1, begin, size), bias)


def _repeated(a: Array, b: Array, bias: list[Array]) -> Array:
    """Return the product of two matrices, plus a bias for each column if there is one."""
    if _suits_machine_code(a, b) and all(vector.shape == b.shape[1:] and _lies_tight(vector) for vector in bias):
        result = torch.empty(a.shape[0], b.shape[1])
        _multiply(a, b, bias[0].data_ptr() if bias else 0, result, False)
        return result
    return product(a, b, *bias)


def add_product(total: Array, a: Array, b: Array, sums: Array | None = None) -> None:
    """Add the product of two matrices to a third one, which lies without gaps.

    Args:
        total: what to add to, [rows, columns].
        a: [rows, depth].
        b: [depth, columns].
        sums: what the sums of the columns of `b` are added to, if anything: [columns], without gaps.
    """
    if total.dtype is torch.float32 and _suits_machine_code(a, b) and total.shape == (a.shape[0], b.shape[1]):
        _multiply(a, b, 0, total, True, 0 if sums is None else sums.data_ptr())
        return
    total.addmm_(a, b)
    if sums is not None:
        sums.add_(b.sum(0))


def _suits_machine_code(a: Array, b: Array) -> bool:
    """Tell whether machine code computes a product of float32 matrices faster than the libraries do."""
    if a.dim() != 2 or b.dim() != 2:
        return False
    (rows, depth), (inner, columns) = a.shape, b.shape
    part = rows * min(depth, _SUMMED_AT_ONCE)
    return (
        rows >= _FEWEST_ROWS
        and depth == inner
        and rows * depth * columns >= REPEATED_FROM
        and (part <= _LARGEST_PART or part <= _LARGEST_PART * torch.get_num_threads())
        and b.stride(1) == 1
        and 1 in a.stride()
        and (_CPU_ONLY or a.is_cpu and b.is_cpu)
    )


def _lies_tight(vector: Array) -> bool:
    return vector.is_contiguous() and (_CPU_ONLY or vector.is_cpu)


_matrix_products: dict[bool, Callable[..., None]] = {}


def _multiply(a: Array, b: Array, bias: int, result: Array, adds: bool, sums: int = 0) -> None:
    """Write a product, plus the bias at an address if that is not 0, into a matrix, or add it to the matrix; add the
    sums of the columns of `b` to what is at another address, if that is not 0."""
    (rows, depth), (row, column) = a.shape, a.stride()
    is_turned = column != 1
    multiply = _matrix_products.get(is_turned)
    if multiply is None:
        # LLVM is loaded when it is first needed.
        from penstock.ops.fused.native.product import matrix_product

        multiply = _matrix_products[is_turned] = matrix_product(is_turned)
    distance = column if is_turned else row
    right_row, columns = b.stride(0), b.shape[1]
    addresses = a.data_ptr(), b.data_ptr(), result.data_ptr()
    multiply(
        rows,
        depth,
        columns,
        addresses[0],
        distance,
        addresses[1],
        right_row,
        bias,
        adds,
        addresses[2],
        result.stride(0),
        sums,
        0,
    )


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
