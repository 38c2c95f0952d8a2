"""Machine code that several threads share: those of the OpenMP runtime under ATen's kernels.

ATen, MKL and oneDNN hand parts of their work to the threads of one OpenMP runtime, which wait for more with their eyes
open. Threads of another kind would compete with these for the same cores.
"""

from __future__ import annotations

import ctypes
import glob
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from llvmlite import ir

from penstock.ops.fused.native.machine_code import compile_module

_SIZE = ir.IntType(64)
_POINTER = _SIZE.as_pointer()


def share(function: Any, threads: int, total: int, count: int, arguments: Sequence[int], steps: Sequence[int]) -> None:
    """Call machine code once in each of several threads, for a part of the work.

    Args:
        function: a ctypes function that takes integers and addresses, and returns nothing.
        threads: how many at most; the calling thread is one of them.
        total: the units of work, such as rows.
        count: the position of the argument that says how many units a call is for.
        arguments: those of a call for all the work.
        steps: by how much each argument grows with each unit before the part.
    """
    called = _shared(len(arguments)) if threads > 1 else None
    if called is None:
        function(*arguments)
        return
    kind = ctypes.c_int64 * len(arguments)
    address = ctypes.cast(function, ctypes.c_void_p).value
    called(address, threads, total, count, kind(*arguments), kind(*steps))


@lru_cache(maxsize=1)
def _runtime() -> Any:
    """Return the OpenMP runtime that ATen uses, or None where it has not the interface of GNU's."""
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    shipped = [path for name in ("gomp", "iomp", "omp") for path in glob.glob(os.path.join(folder, f"lib{name}*"))]
    for path in [*shipped, "libgomp.so.1"]:
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        if hasattr(library, "GOMP_parallel") and hasattr(library, "omp_get_thread_num"):
            return library
    return None


@lru_cache(maxsize=64)
def _shared(arity: int) -> Any:
    """Return the machine code that shares a function of so many arguments, or None where there is no runtime."""
    library = _runtime()
    if library is None:
        return None
    symbols = {
        name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        for name in ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
    }
    address = compile_module(_write(arity, symbols), "share")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 4, ctypes.c_void_p, ctypes.c_void_p)(address)


def _write(arity: int, symbols: dict[str, Any]) -> str:
    module = ir.Module()
    nothing, small = ir.VoidType(), ir.IntType(32)
    context = ir.LiteralStructType([_SIZE, _SIZE, _SIZE, _POINTER, _POINTER])
    part = ir.Function(module, ir.FunctionType(nothing, [context.as_pointer()]), "part")

    def call(name: str, kind: Any, *given: Any) -> Any:
        return builder.call(builder.inttoptr(_SIZE(symbols[name]), kind.as_pointer()), given)

    builder = ir.IRBuilder(part.append_basic_block("entry"))

    def field(index: int) -> Any:
        return builder.load(builder.gep(part.args[0], [small(0), small(index)]))

    function, total, count, arguments, steps = (field(index) for index in range(5))
    number, threads = (
        builder.zext(call(name, ir.FunctionType(small, [])), _SIZE)
        for name in ("omp_get_thread_num", "omp_get_num_threads")
    )
    low = builder.udiv(builder.mul(total, number), threads)
    length = builder.sub(builder.udiv(builder.mul(total, builder.add(number, _SIZE(1))), threads), low)
    with builder.if_then(builder.icmp_unsigned("<", _SIZE(0), length)):
        given = []
        for index in range(arity):
            value = builder.load(builder.gep(arguments, [_SIZE(index)]))
            step = builder.load(builder.gep(steps, [_SIZE(index)]))
            moved = builder.add(value, builder.mul(low, step))
            given.append(builder.select(builder.icmp_unsigned("==", count, _SIZE(index)), length, moved))
        kind = ir.FunctionType(nothing, [_SIZE] * arity)
        builder.call(builder.inttoptr(function, kind.as_pointer()), given)
    builder.ret_void()

    kinds = [_SIZE, small, _SIZE, _SIZE, _POINTER, _POINTER]
    outer = ir.Function(module, ir.FunctionType(nothing, kinds), "share")
    builder = ir.IRBuilder(outer.append_basic_block("entry"))
    function, wanted, total, count, arguments, steps = outer.args
    data = builder.alloca(context)
    for index, value in enumerate((function, total, count, arguments, steps)):
        builder.store(value, builder.gep(data, [small(0), small(index)]))
    opaque = ir.IntType(8).as_pointer()
    start = ir.FunctionType(nothing, [opaque, opaque, small, small])
    body = builder.bitcast(part, opaque)
    call("GOMP_parallel", start, body, builder.bitcast(data, opaque), wanted, small(0))
    builder.ret_void()
    return str(module)
