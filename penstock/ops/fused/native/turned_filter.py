"""Machine code that turns a convolution's filter into that of the derivative with respect to its images.

The derivative of a convolution that does not skip pixels is itself one, with the filter mirrored and with inputs and
outputs exchanged. Squares of 16 × 16 numbers are transposed in registers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from llvmlite import ir

from penstock.ops.fused.native.lowering import counting
from penstock.ops.fused.native.machine_code import compile_module
from penstock.ops.fused.native.threads import write_shared

SQUARE = 16
# How many picoseconds it takes to move an element.
_ELEMENT = 500
_FLOAT, _SIZE, _SMALL = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_ROW = ir.VectorType(_FLOAT, SQUARE)


@lru_cache(maxsize=1)
def turn_filter() -> Any:
    """Return the machine code that writes some panels of a turned filter, in float32.

    It takes: the number of panels; the inputs from the first of them on; the filter's positions (its height times its
    width), inputs and outputs, both multiples of 16; the width of a panel, a multiple of 16; the address of the filter,
    [positions, inputs, outputs], from the first panel's first input on; the address of the result, [panels, positions,
    outputs, width]. What a panel has room for beyond the last input is not written.
    """
    address = compile_module(_write(), "shared", vectorizes=False)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 8)(address)


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square: halves of pairs of rows change places, then quarters, and so on."""
    rows = list(rows)
    step = SQUARE // 2
    while step:
        low = [lane if not lane & step else SQUARE + lane - step for lane in range(SQUARE)]
        high = [lane + step if not lane & step else SQUARE + lane for lane in range(SQUARE)]
        masks = [ir.Constant(ir.VectorType(_SMALL, SQUARE), [_SMALL(lane) for lane in lanes]) for lanes in (low, high)]
        for index in range(SQUARE):
            if not index & step:
                pair = rows[index], rows[index + step]
                rows[index], rows[index + step] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        step //= 2
    return rows


def _write() -> str:
    module = ir.Module()
    pointer = _FLOAT.as_pointer()
    kinds = [_SIZE] * 6 + [pointer, pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "turn")
    panels, inputs_left, positions, inputs, outputs, width, source, target = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def at(base: Any, index: Any) -> Any:
        return builder.bitcast(builder.gep(base, [index]), _ROW.as_pointer())

    def product(*factors: Any) -> Any:
        result = factors[0]
        for factor in factors[1:]:
            result = builder.mul(result, factor)
        return result

    with counting(builder, panels) as panel:
        first = builder.mul(panel, width)
        left = builder.sub(inputs_left, first)
        columns = builder.select(builder.icmp_unsigned("<", left, width), left, width)
        with counting(builder, positions) as position:
            mirrored = builder.sub(builder.sub(positions, _SIZE(1)), position)
            begin = builder.add(builder.mul(position, inputs), first)
            end = builder.mul(builder.add(builder.mul(panel, positions), mirrored), outputs)
            with counting(builder, builder.udiv(columns, _SIZE(SQUARE))) as across:
                with counting(builder, builder.udiv(outputs, _SIZE(SQUARE))) as down:
                    column, row = builder.mul(across, _SIZE(SQUARE)), builder.mul(down, _SIZE(SQUARE))
                    start = builder.add(product(builder.add(begin, column), outputs), row)
                    rows = [
                        builder.load(at(source, builder.add(start, builder.mul(outputs, _SIZE(index)))), align=4)
                        for index in range(SQUARE)
                    ]
                    stop = builder.add(product(builder.add(end, row), width), column)
                    for index, value in enumerate(_transposed(builder, rows)):
                        place = builder.add(stop, builder.mul(width, _SIZE(index)))
                        builder.store(value, at(target, place), align=4)
    builder.ret_void()

    def work(builder: Any, arguments: Sequence[Any]) -> Any:
        count, _, positions, _, outputs, width, *_ = arguments
        elements = builder.mul(builder.mul(count, positions), builder.mul(outputs, width))
        return builder.mul(elements, _SIZE(_ELEMENT))

    write_shared(module, function, 0, {1: (-1, 5), 6: (4, 4, 5), 7: (4, 2, 4, 5)}, work)
    return str(module)
