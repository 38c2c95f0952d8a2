"""Whether labels are classes, asked before a chain takes them for numbers of columns."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from llvmlite import ir

from penstock.ops.fused.native.lowering import MEMORY_TYPES, counting

_SIZE, _BIT = ir.IntType(64), ir.IntType(1)


@lru_cache(maxsize=4)
def labels_fit(dtype: str) -> Any:
    """Return the machine code that tells whether integers lie between 0 and a limit.

    Args:
        dtype: the name of their type.
    Returns:
        A function of their address, their number and the limit, which none may reach.
    """
    from penstock.ops.fused.native.machine_code import compile_module

    address = compile_module(_write(dtype), "fit")
    return ctypes.CFUNCTYPE(ctypes.c_bool, *[ctypes.c_size_t] * 3)(address)


def _write(dtype: str) -> str:
    module, kind = ir.Module(), MEMORY_TYPES[dtype]
    function = ir.Function(module, ir.FunctionType(_BIT, [kind.as_pointer(), _SIZE, _SIZE]), "fit")
    labels, count, limit = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    limit = limit if kind == _SIZE else builder.trunc(limit, kind)
    is_wrong = builder.alloca(_BIT)
    builder.store(_BIT(0), is_wrong)
    with counting(builder, count) as index:
        # As a number without sign, a negative one is above all limits.
        beyond = builder.icmp_unsigned(">=", builder.load(builder.gep(labels, [index])), limit)
        builder.store(builder.or_(builder.load(is_wrong), beyond), is_wrong)
    builder.ret(builder.not_(builder.load(is_wrong)))
    return str(module)
