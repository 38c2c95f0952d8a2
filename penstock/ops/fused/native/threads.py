"""Machine code that several threads share: those of the OpenMP runtime under ATen's kernels.

ATen, MKL and oneDNN hand parts of their work to the threads of one OpenMP runtime, which wait for more with their eyes
open. Threads of another kind would compete with these for the same cores. A kernel's part of the rows goes to the same
thread as that of the kernel before it, which so finds in its cache what it has written there.
"""

from __future__ import annotations

import ctypes
import glob
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from llvmlite import ir

# What a thread's share of the work takes at least, in picoseconds.
SHARE = 15_000_000
_SIZE, _SMALL = ir.IntType(64), ir.IntType(32)
_OPAQUE = ir.IntType(8).as_pointer()
_FUNCTIONS = ("GOMP_parallel", "omp_get_max_threads", "omp_get_thread_num", "omp_get_num_threads")


@lru_cache(maxsize=1)
def runtime() -> dict[str, int] | None:
    """Return the addresses of the functions of the OpenMP runtime that ATen uses, or None where it has not the
    interface of GNU's."""
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    shipped = [path for name in ("gomp", "iomp", "omp") for path in glob.glob(os.path.join(folder, f"lib{name}*"))]
    for path in [*shipped, "libgomp.so.1"]:
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        if all(hasattr(library, name) for name in _FUNCTIONS):
            found = {name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in _FUNCTIONS}
            return {name: address for name, address in found.items() if address is not None}
    return None


def write_shared(
    module: Any,
    function: Any,
    divided: int,
    steps: Mapping[int, Sequence[int]],
    work: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Write the function `shared` with the parameters of another one: it calls that once in each of several threads,
    for a part of the work, or once where there is little to do or but one thread.

    Args:
        module: the module of the function.
        function: takes 64-bit integers and addresses, and returns nothing.
        divided: the position of the parameter that says how many units of work, such as rows, a call is for.
        steps: position of a parameter that grows with the units before a part -> by how much with each, and the
            positions of the parameters by which that is multiplied.
        work: writes how many picoseconds a call for all the work takes, given a builder and the parameters.
    """
    kinds = [argument.type for argument in function.args]
    shared = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "shared")
    addresses = runtime()
    builder = ir.IRBuilder(shared.append_basic_block("entry"))
    if addresses is None:
        builder.call(function, shared.args)
        builder.ret_void()
        return
    function.linkage = "internal"
    function.attributes.add("noinline")
    shares = builder.udiv(work(builder, shared.args), _SIZE(SHARE))
    threads = _call(builder, addresses["omp_get_max_threads"], _SMALL)
    is_one = builder.or_(builder.icmp_unsigned("<", shares, _SIZE(2)), builder.icmp_signed("<", threads, _SMALL(2)))
    with builder.if_else(is_one) as (alone, together):
        with alone:
            builder.call(function, shared.args)
        with together:
            memory = builder.alloca(_SIZE, len(kinds) + 1)
            for index, value in enumerate((*shared.args, shares)):
                number = value if value.type == _SIZE else builder.ptrtoint(value, _SIZE)
                builder.store(number, builder.gep(memory, [_SIZE(index)]))
            part = _write_part(module, function, kinds, divided, steps, addresses)
            # As many threads as there are: the runtime would end those that a call leaves out.
            given = [builder.bitcast(part, _OPAQUE), builder.bitcast(memory, _OPAQUE), _SMALL(0), _SMALL(0)]
            _call(builder, addresses["GOMP_parallel"], ir.VoidType(), *given)
    builder.ret_void()


def _write_part(
    module: Any,
    function: Any,
    kinds: Sequence[Any],
    divided: int,
    steps: Mapping[int, Sequence[int]],
    addresses: Mapping[str, int],
) -> Any:
    """Write the function that does a thread's part of a call, whose arguments and number of shares lie in memory."""
    part = ir.Function(module, ir.FunctionType(ir.VoidType(), [_OPAQUE]), "part")
    part.linkage = "internal"
    builder = ir.IRBuilder(part.append_basic_block("entry"))
    memory = builder.bitcast(part.args[0], _SIZE.as_pointer())
    *values, shares = [builder.load(builder.gep(memory, [_SIZE(index)])) for index in range(len(kinds) + 1)]
    number, threads = (
        builder.zext(_call(builder, addresses[name], _SMALL), _SIZE)
        for name in ("omp_get_thread_num", "omp_get_num_threads")
    )
    threads = builder.select(builder.icmp_unsigned("<", shares, threads), shares, threads)
    with builder.if_then(builder.icmp_unsigned("<", number, threads)):
        total = values[divided]
        low = builder.udiv(builder.mul(total, number), threads)
        high = builder.udiv(builder.mul(total, builder.add(number, _SIZE(1))), threads)
        moved = {}
        for index, (size, *factors) in steps.items():
            distance = builder.mul(low, _SIZE(size))
            for factor in factors:
                distance = builder.mul(distance, values[factor])
            moved[index] = builder.add(values[index], distance)
        values = [moved.get(index, value) for index, value in enumerate(values)]
        values[divided] = builder.sub(high, low)
        with builder.if_then(builder.icmp_unsigned("<", low, high)):
            given = [
                value if kind == _SIZE else builder.inttoptr(value, kind)
                for value, kind in zip(values, kinds, strict=True)
            ]
            builder.call(function, given)
    builder.ret_void()
    return part


def _call(builder: Any, address: int, result: Any, *given: Any) -> Any:
    kind = ir.FunctionType(result, [value.type for value in given])
    return builder.call(builder.inttoptr(_SIZE(address), kind.as_pointer()), given)
