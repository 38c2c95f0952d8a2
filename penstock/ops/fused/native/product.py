"""Machine code for products of float32 matrices of some hundred rows and columns, which loops compute again and again.

A panel of some columns of the right operand is copied to where its rows lie next to each other, and stays in the first
cache. A block of rows of the left operand, times the panel, is summed up in registers: each element of a column of the
block is multiplied by the vectors of a row of the panel.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from llvmlite import ir

from penstock.ops.fused.native.lowering import counting
from penstock.ops.fused.native.machine_code import compile_module, vector_registers
from penstock.ops.fused.native.threads import write_shared
from penstock.ops.fused.native.vectors import FLOAT, SIZE, filled, load_part, multiply_add, store_part

# Vectors beside each other in a panel, and elements that are summed up before they are added to the result: so much of
# a panel lies in the second cache at most, and rounding grows with their number.
_ACROSS = 2
_DEPTH = 512
_POINTER = FLOAT.as_pointer()
# How many picoseconds a multiplication takes.
_MULTIPLICATION = 20


@lru_cache(maxsize=2)
def matrix_product(is_turned: bool) -> Any:
    """Return the machine code that computes a product of matrices, or adds one to a matrix.

    It takes: the rows of the result, the length of the sums (at least 1), the columns of the result; the address of the
    left operand and the distance of its rows, whose elements lie without gaps; the address of the right operand and the
    distance of its rows; the address of a bias for each column, or 0; whether to add to the result rather than to
    overwrite it; the address of the result, and the distance of its rows; the address of what the sums of the columns
    of the right operand are added to, or 0; and 0, for the first of the rows. Distances are in elements.

    Args:
        is_turned: whether the left operand is transposed: the distance is that of its columns, then.
    """
    address = compile_module(_write(is_turned), "shared", vectorizes=False)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 13)(address)


class _Panel:
    """Some columns of the right operand: vectors beside each other, as far as registers reach.

    Attributes:
        kind: the type of a vector.
        width: the number of columns.
        height: the rows of a block of the left operand.
    """

    def __init__(self) -> None:
        lanes = 16 if vector_registers(16) >= 32 else 8 if vector_registers(8) >= 16 else 4
        self.kind = ir.VectorType(FLOAT, lanes)
        self.width = lanes * _ACROSS
        self.places = [SIZE(lanes * index) for index in range(_ACROSS)]
        # Beside the sums there are a row of the panel and an element.
        self.height = (vector_registers(lanes) - _ACROSS - 2) // _ACROSS


def _write(is_turned: bool) -> str:
    panel = _Panel()
    module = ir.Module()
    blocks = [_write_block(module, panel, height, is_turned) for height in range(1, panel.height + 1)]
    kinds = [SIZE, SIZE, SIZE, _POINTER, SIZE, _POINTER, SIZE, _POINTER, SIZE, _POINTER, SIZE, _POINTER, SIZE]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "product")
    rows, depth, columns, left, left_row, right, right_row, bias, adds, result, result_row, sums, row_before = (
        function.args
    )
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    width, height = SIZE(panel.width), SIZE(panel.height)
    packed = builder.alloca(FLOAT, SIZE(_DEPTH * panel.width))
    packed.align = 64
    start = builder.alloca(FLOAT, width)
    partial = builder.alloca(FLOAT, SIZE(panel.height * panel.width))
    totals = [builder.alloca(panel.kind) for _ in panel.places]

    def smaller(a: Any, b: Any) -> Any:
        return builder.select(builder.icmp_unsigned("<", a, b), a, b)

    def copy(source: Any, source_row: Any, target: Any, target_row: Any, count: Any, wide: Any) -> None:
        """Write the copying of `count` rows of `wide` elements."""
        with counting(builder, count) as row, counting(builder, wide) as column:
            element = builder.load(builder.gep(source, [builder.add(builder.mul(row, source_row), column)]))
            builder.store(element, builder.gep(target, [builder.add(builder.mul(row, target_row), column)]))

    parts = builder.udiv(builder.add(depth, SIZE(_DEPTH - 1)), SIZE(_DEPTH))
    count = builder.udiv(builder.add(rows, SIZE(panel.height - 1)), height)
    with counting(builder, parts) as part, counting(builder, _ceiling(builder, columns, panel.width)) as number:
        begin = builder.mul(part, SIZE(_DEPTH))
        length = smaller(builder.sub(depth, begin), SIZE(_DEPTH))
        first = builder.mul(number, width)
        wide = smaller(builder.sub(columns, first), width)
        is_whole = builder.icmp_unsigned("==", wide, width)
        source = builder.gep(right, [builder.add(builder.mul(begin, right_row), first)])
        with builder.if_else(is_whole) as (whole, rest):
            with whole, counting(builder, length) as row:
                line, target = (
                    builder.gep(base, [builder.mul(row, distance)])
                    for base, distance in ((source, right_row), (packed, width))
                )
                for place in panel.places:
                    vector = load_part(builder, builder.gep(line, [place]), panel.kind)
                    store_part(builder, vector, builder.gep(target, [place]))
            with rest:
                copy(source, right_row, packed, width, length, wide)
        wants_sums = builder.icmp_unsigned("!=", sums, ir.Constant(_POINTER, None))
        with builder.if_then(builder.and_(wants_sums, builder.icmp_unsigned("==", row_before, SIZE(0)))):
            for total in totals:
                builder.store(ir.Constant(panel.kind, None), total)
            with counting(builder, length) as row:
                line = builder.gep(packed, [builder.mul(row, width)])
                for place, total in zip(panel.places, totals, strict=True):
                    element = load_part(builder, builder.gep(line, [place]), panel.kind)
                    builder.store(builder.fadd(builder.load(total), element), total)
            for place, total in zip(panel.places, totals, strict=True):
                store_part(builder, builder.load(total), builder.gep(start, [place]))
            with counting(builder, wide) as column:
                target = builder.gep(sums, [builder.add(first, column)])
                element = builder.fadd(builder.load(target), builder.load(builder.gep(start, [column])))
                builder.store(element, target)
        has_bias = builder.icmp_unsigned("!=", bias, ir.Constant(_POINTER, None))
        with counting(builder, width) as column:
            builder.store(FLOAT(0.0), builder.gep(start, [column]))
        with builder.if_then(has_bias):
            copy(builder.gep(bias, [first]), SIZE(0), start, SIZE(0), SIZE(1), wide)
        is_adding = builder.or_(builder.icmp_unsigned("!=", adds, SIZE(0)), builder.icmp_unsigned("!=", part, SIZE(0)))
        with counting(builder, count) as block:
            low = builder.udiv(builder.mul(rows, block), count)
            high = builder.udiv(builder.mul(rows, builder.add(block, SIZE(1))), count)
            size = builder.sub(high, low)
            if is_turned:
                at = builder.add(low, builder.mul(begin, left_row))
            else:
                at = builder.add(builder.mul(low, left_row), begin)
            source = builder.gep(left, [at])
            target = builder.gep(result, [builder.add(builder.mul(low, result_row), first)])
            # Columns that are not there must not be written to.
            with builder.if_then(builder.and_(is_adding, builder.not_(is_whole))):
                copy(target, result_row, partial, width, size, wide)
            written = builder.select(is_whole, target, partial)
            written_row = builder.select(is_whole, result_row, width)
            base = builder.select(is_adding, written, start)
            base_row = builder.select(is_adding, written_row, SIZE(0))
            end = builder.append_basic_block("end")
            choice = builder.switch(size, end)
            for index, multiply in enumerate(blocks, 1):
                case = builder.append_basic_block("case")
                choice.add_case(SIZE(index), case)
                builder.position_at_end(case)
                builder.call(multiply, [length, source, left_row, packed, base, base_row, written, written_row])
                builder.branch(end)
            builder.position_at_end(end)
            with builder.if_then(builder.not_(is_whole)):
                copy(partial, width, target, result_row, size, wide)
    builder.ret_void()

    def work(builder: Any, arguments: Sequence[Any]) -> Any:
        multiplications = builder.mul(builder.mul(arguments[0], arguments[1]), arguments[2])
        return builder.mul(multiplications, SIZE(_MULTIPLICATION))

    write_shared(module, function, 0, {3: (4,) if is_turned else (4, 4), 9: (4, 10), 12: (1,)}, work)
    return str(module)


def _ceiling(builder: Any, number: Any, divisor: int) -> Any:
    return builder.udiv(builder.add(number, SIZE(divisor - 1)), SIZE(divisor))


def _write_block(module: Any, panel: _Panel, height: int, is_turned: bool) -> Any:
    """Write the function that multiplies a block of rows by a panel.

    It takes: the length of the sums; the address of the block and the distance of its rows (or columns); the panel;
    what the sums start with, and the distance of its rows; the result, and the distance of its rows.
    """
    kinds = [SIZE, _POINTER, SIZE, _POINTER, _POINTER, SIZE, _POINTER, SIZE]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), f"block{height}")
    function.linkage = "internal"
    function.attributes.add("noinline")
    length, left, left_row, packed, base, base_row, result, result_row = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    numbers = range(height)
    starts = [left if is_turned else builder.gep(left, [builder.mul(SIZE(index), left_row)]) for index in numbers]
    initial = []
    for index in numbers:
        line = builder.gep(base, [builder.mul(SIZE(index), base_row)])
        initial.append([load_part(builder, builder.gep(line, [place]), panel.kind) for place in panel.places])
    before, body, after = builder.block, builder.append_basic_block("sum"), builder.append_basic_block("summed")
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(SIZE)
    index.add_incoming(SIZE(0), before)
    totals = [[builder.phi(panel.kind) for _ in panel.places] for _ in numbers]
    line = builder.gep(packed, [builder.mul(index, SIZE(panel.width))])
    factors = [load_part(builder, builder.gep(line, [place]), panel.kind) for place in panel.places]
    following = []
    column = builder.mul(index, left_row) if is_turned else index
    for row in numbers:
        place = builder.add(column, SIZE(row)) if is_turned else column
        element = filled(builder, builder.load(builder.gep(starts[row], [place])), panel.kind)
        following.append(
            [multiply_add(builder, element, factor, total) for factor, total in zip(factors, totals[row], strict=True)]
        )
    for old, first, new in zip(totals, initial, following, strict=True):
        for total, value, next_value in zip(old, first, new, strict=True):
            total.add_incoming(value, before)
            total.add_incoming(next_value, body)
    next_index = builder.add(index, SIZE(1))
    index.add_incoming(next_index, body)
    builder.cbranch(builder.icmp_unsigned("<", next_index, length), body, after)
    builder.position_at_end(after)
    for row in numbers:
        line = builder.gep(result, [builder.mul(SIZE(row), result_row)])
        for place, total in zip(panel.places, following[row], strict=True):
            store_part(builder, total, builder.gep(line, [place]))
    builder.ret_void()
    return function
