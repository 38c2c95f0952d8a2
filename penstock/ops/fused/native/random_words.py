"""Machine code for the random words of Philox 4x32-10; see `penstock.ops.random.philox`."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from llvmlite import ir

from penstock.ops.fused.native.lowering import counting

_LONG, _WORD, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_WORDS = 4
# A float between 1 and 2 has any lower bits and these upper ones.
_LOWER_BITS, _UPPER_BITS = 0x7FFFFF, 0x3F800000


@lru_cache(maxsize=2)
def random_words(multipliers: tuple[int, int], key_steps: tuple[int, int], rounds: int, as_floats: bool = False) -> Any:
    """Return the machine code that writes the words of consecutive blocks.

    Args:
        multipliers, key_steps: what the words of a block are multiplied by, and what is added to the key, in each
            round; for two lanes.
        rounds: how many there are.
        as_floats: whether each word is written as a float32 in [0, 1), made of its lower 23 bits.
    Returns:
        A function of the key, the first counter in two halves of 64 bits, the number of blocks, for which the lower
        half must not overflow, and the address of the words, four for each block.
    """
    from penstock.ops.fused.native.machine_code import compile_module

    address = compile_module(_write(multipliers, key_steps, rounds, as_floats), "words")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 5)(address)


def _write(multipliers: tuple[int, int], key_steps: tuple[int, int], rounds: int, as_floats: bool) -> str:
    module = ir.Module()
    kinds = [_LONG] * 4 + [(_FLOAT if as_floats else _WORD).as_pointer()]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "words")
    key, low, high, count, result = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def halves(value: Any) -> tuple[Any, Any]:
        return builder.and_(value, _LONG(0xFFFFFFFF)), builder.lshr(value, _LONG(32))

    keys = [halves(key)]
    for _ in range(rounds - 1):
        after = [builder.add(part, _LONG(step)) for part, step in zip(keys[-1], key_steps, strict=True)]
        keys.append((halves(after[0])[0], halves(after[1])[0]))
    upper = halves(high)
    with counting(builder, count) as index:
        a, b = halves(builder.add(low, index))
        c, d = upper
        for key_low, key_high in keys:
            p_low, p_high = halves(builder.mul(a, _LONG(multipliers[0])))
            q_low, q_high = halves(builder.mul(c, _LONG(multipliers[1])))
            a, b = builder.xor(builder.xor(q_high, b), key_low), q_low
            c, d = builder.xor(builder.xor(p_high, d), key_high), p_low
        start = builder.mul(index, _LONG(_WORDS))
        for place, word in enumerate((a, b, c, d)):
            address = builder.gep(result, [builder.add(start, _LONG(place))])
            value = builder.trunc(word, _WORD)
            if as_floats:
                bits = builder.or_(builder.and_(value, _WORD(_LOWER_BITS)), _WORD(_UPPER_BITS))
                value = builder.fsub(builder.bitcast(bits, _FLOAT), ir.Constant(_FLOAT, 1.0))
            builder.store(value, address)
    builder.ret_void()
    return str(module)
