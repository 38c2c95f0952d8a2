"""Machine code for products of matrices whose result has a few columns, such as those of a layer of a few classes.

Libraries divide a product into tiles that are wider than such a result, and work on columns that are not there. Here
a row of the result is one vector register: for each row of the right operand, elements of a block of rows of the left
one are multiplied by it. Where columns of the left operand lie without gaps, as those of a transposed matrix do, it is
a part of a column of the result that is one register, and no lane of it is idle.
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
from penstock.ops.fused.native.vectors import FLOAT, SIZE, declared, filled, load_part, multiply_add

# So many products are summed up in a register before they are added to the result: rounding grows with their number.
_DEPTH = 512
# How many picoseconds a multiplication takes.
_MULTIPLICATION = 20
_SMALL = ir.IntType(32)


@lru_cache(maxsize=64)
def narrow_product(columns: int) -> Any:
    """Return the machine code of a product with a number of columns, from 1 to 16, in float32.

    It takes: the rows of the result, the length of the sums (at least 1); the address of the left operand, and the
    distances of its rows and of its columns; the address of the right operand and the distance of its rows; the
    address of a bias for each column, or 0; the address of the result, whose rows lie without gaps. Distances are in
    elements.
    """
    address = compile_module(_write(columns), "shared", vectorizes=False)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 9)(address)


class _Row:
    """How a row of the result is held: in a vector of 8 or 16 elements, those beyond the last column unused."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lanes = 8 if columns <= 8 else 16
        self.type = ir.VectorType(FLOAT, self.lanes)
        bit = ir.IntType(1)
        self.mask = ir.Constant(ir.VectorType(bit, self.lanes), [bit(lane < columns) for lane in range(self.lanes)])
        self.zero = ir.Constant(self.type, None)

    def load(self, builder: Any, address: Any) -> Any:
        pointer = builder.bitcast(address, self.type.as_pointer())
        kind = ir.FunctionType(self.type, [pointer.type, _SMALL, self.mask.type, self.type])
        function = declared(builder, f"llvm.masked.load.v{self.lanes}f32.p0", kind)
        return builder.call(function, [pointer, _SMALL(4), self.mask, self.zero])

    def store(self, builder: Any, value: Any, address: Any) -> None:
        pointer = builder.bitcast(address, self.type.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [self.type, pointer.type, _SMALL, self.mask.type])
        function = declared(builder, f"llvm.masked.store.v{self.lanes}f32.p0", kind)
        builder.call(function, [value, pointer, _SMALL(4), self.mask])


def _write(columns: int) -> str:
    row = _Row(columns)
    module = ir.Module()
    pointer = FLOAT.as_pointer()
    kinds = [SIZE, SIZE, pointer, SIZE, SIZE, pointer, SIZE, pointer, pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "product")
    rows, depth, left, left_row, left_column, right, right_row, bias, result = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    has_bias = builder.icmp_unsigned("!=", bias, ir.Constant(pointer, None))
    start = builder.alloca(row.type)
    builder.store(row.zero, start)
    with builder.if_then(has_bias):
        builder.store(row.load(builder, bias), start)

    def block(builder: Any, low: Any, size: int, begin: Any, length: Any, is_first: Any) -> None:
        """Write what adds a part of the sums to `size` rows of the result from `low` on."""
        starts = []
        for index in range(size):
            at = builder.add(builder.mul(builder.add(low, SIZE(index)), left_row), builder.mul(begin, left_column))
            starts.append(builder.gep(left, [at]))
        before = builder.block
        body, after = builder.append_basic_block("sum"), builder.append_basic_block("summed")
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(SIZE)
        index.add_incoming(SIZE(0), before)
        totals = [builder.phi(row.type) for _ in range(size)]
        factor = row.load(builder, builder.gep(right, [builder.mul(builder.add(begin, index), right_row)]))
        offset = builder.mul(index, left_column)
        following = []
        for address, total in zip(starts, totals, strict=True):
            element = filled(builder, builder.load(builder.gep(address, [offset])), row.type)
            following.append(multiply_add(builder, element, factor, total))
        for total, new in zip(totals, following, strict=True):
            total.add_incoming(row.zero, before)
            total.add_incoming(new, body)
        next_index = builder.add(index, SIZE(1))
        index.add_incoming(next_index, body)
        builder.cbranch(builder.icmp_unsigned("<", next_index, length), body, after)
        builder.position_at_end(after)
        for index, total in enumerate(following):
            at = builder.mul(builder.add(low, SIZE(index)), SIZE(columns))
            address = builder.gep(result, [at])
            base = builder.select(is_first, builder.bitcast(start, pointer), address)
            row.store(builder, builder.fadd(row.load(builder, base), total), address)

    lanes = 16 if vector_registers(16) >= 32 else 8
    across = max(1, min(4, (vector_registers(lanes) - 4) // columns))
    part_type = ir.VectorType(FLOAT, lanes)
    turned = builder.alloca(FLOAT, SIZE(across * columns * lanes))

    def turned_block(low: Any, begin: Any, length: Any, is_first: Any) -> None:
        """Write what adds a part of the sums to `across * lanes` rows of the result from `low` on."""
        column = builder.gep(left, [builder.add(low, builder.mul(begin, left_column))])
        before = builder.block
        body, after = builder.append_basic_block("sum"), builder.append_basic_block("summed")
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(SIZE)
        index.add_incoming(SIZE(0), before)
        totals = [[builder.phi(part_type) for _ in range(columns)] for _ in range(across)]
        source = builder.gep(column, [builder.mul(index, left_column)])
        elements = [load_part(builder, builder.gep(source, [SIZE(lanes * i)]), part_type) for i in range(across)]
        row_start = builder.gep(right, [builder.mul(builder.add(begin, index), right_row)])
        following: list[list[Any]] = [[] for _ in range(across)]
        for number in range(columns):
            factor = filled(builder, builder.load(builder.gep(row_start, [SIZE(number)])), part_type)
            for position, element in enumerate(elements):
                total = totals[position][number]
                following[position].append(multiply_add(builder, element, factor, total))
                total.add_incoming(ir.Constant(part_type, None), before)
                total.add_incoming(following[position][-1], body)
        next_index = builder.add(index, SIZE(1))
        index.add_incoming(next_index, body)
        builder.cbranch(builder.icmp_unsigned("<", next_index, length), body, after)
        builder.position_at_end(after)
        for position in range(across):
            for number, total in enumerate(following[position]):
                address = builder.gep(turned, [SIZE((number * across + position) * lanes)])
                builder.store(total, builder.bitcast(address, part_type.as_pointer()), align=4)
        with counting(builder, SIZE(across * lanes)) as lane:
            target = builder.gep(result, [builder.mul(builder.add(low, lane), SIZE(columns))])
            base = builder.select(is_first, builder.bitcast(start, pointer), target)
            for number in range(columns):
                at = builder.add(lane, SIZE(number * across * lanes))
                total = builder.load(builder.gep(turned, [at]))
                total = builder.fadd(builder.load(builder.gep(base, [SIZE(number)])), total)
                builder.store(total, builder.gep(target, [SIZE(number)]))

    lies_turned = builder.icmp_unsigned("==", left_row, SIZE(1))
    blocks = builder.select(lies_turned, builder.udiv(rows, SIZE(across * lanes)), SIZE(0))
    parts = builder.udiv(builder.add(depth, SIZE(_DEPTH - 1)), SIZE(_DEPTH))
    with counting(builder, parts) as part:
        begin = builder.mul(part, SIZE(_DEPTH))
        rest = builder.sub(depth, begin)
        length = builder.select(builder.icmp_unsigned("<", rest, SIZE(_DEPTH)), rest, SIZE(_DEPTH))
        is_first = builder.icmp_unsigned("==", part, SIZE(0))
        with counting(builder, blocks) as number:
            turned_block(builder.mul(number, SIZE(across * lanes)), begin, length, is_first)
        done: Any = builder.mul(blocks, SIZE(across * lanes))
        # The sums of a block and the row that they share are in registers.
        for size in (12, 4, 1) if vector_registers(row.lanes) >= 16 else (4, 1):
            count = builder.udiv(builder.sub(rows, done), SIZE(size))
            with counting(builder, count) as number:
                block(builder, builder.add(done, builder.mul(number, SIZE(size))), size, begin, length, is_first)
            done = builder.add(done, builder.mul(count, SIZE(size)))
    builder.ret_void()

    def work(builder: Any, arguments: Sequence[Any]) -> Any:
        return builder.mul(builder.mul(arguments[0], arguments[1]), SIZE(columns * _MULTIPLICATION))

    write_shared(module, function, 0, {2: (4, 3), 8: (4 * columns,)}, work)
    return str(module)
