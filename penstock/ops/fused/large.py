"""Machine code for one elementwise operation on large arrays, where ATen's kernel does not use the processor fully."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from penstock.core.array import Array

# Elements for each thread from which on machine code is worth its call.
LARGE = 1 << 15
# Where results do not depend on it, arrays must be this much larger, and so many calls go by, before LLVM is loaded:
# that takes 70 MB of memory.
_TIMES_LARGER_FOR_LOADING = 4
_CALLS_BEFORE_COMPILING = 8
_COMPILER = "penstock.ops.fused.native.machine_code"

_TYPE_NAMES = {getattr(torch, name): name for name in ("float32", "float64", "int32", "int64", "bool")}

_Key = tuple[tuple[torch.dtype, bool], ...]


def large_kernel(
    name: str, plain: Callable[..., Array], *, result: torch.dtype | None = None, is_exact: bool = True
) -> Callable[..., Array]:
    """Return a kernel for inputs of which the first has `LARGE` elements or more.

    Other inputs have the shape of the first or one element. Inputs that lie in memory with gaps or on another device,
    and types without machine code, go to ATen's kernel.

    Args:
        name: the operation, one of `native.LOWERINGS`.
        plain: ATen's kernel.
        result: the type of the result; by default that of the last input.
        is_exact: whether machine code and ATen agree to the last bit. Where they do not, all calls take the same way.
    """
    compiled: dict[_Key, Callable[..., Array]] = {}
    calls: dict[_Key, int] = {}

    def run(*values: Array) -> Array:
        shape = values[0].shape
        key = tuple((value.dtype, value.shape == shape) for value in values)
        smallest = LARGE * torch.get_num_threads()
        if is_exact and _COMPILER not in sys.modules:
            smallest *= _TIMES_LARGER_FOR_LOADING
        if values[0].numel() < smallest or not all(
            (is_full or value.numel() == 1 and value.ndim <= len(shape)) and value.is_cpu and value.is_contiguous()
            for value, (_, is_full) in zip(values, key, strict=True)
        ):
            return plain(*values)
        kernel = compiled.get(key)
        if kernel is None:
            calls[key] = calls.get(key, 0) + 1
            if is_exact and calls[key] <= _CALLS_BEFORE_COMPILING:
                return plain(*values)
            kernel = compiled[key] = _compile(name, key, result or values[-1].dtype) or plain
        return kernel(*values)

    return run


def _compile(name: str, key: _Key, result: torch.dtype) -> Callable[..., Array] | None:
    """Return the machine code for inputs of certain types, or None where there is none."""
    # LLVM is loaded when it is first needed.
    from penstock.ops.fused.native.elementwise import one_operation
    from penstock.ops.fused.native.lowering import LOWERINGS

    dtypes = [_TYPE_NAMES.get(dtype) for dtype, _ in key]
    if dtypes[0] not in LOWERINGS[name][0] or None in dtypes or dtypes[1:] != dtypes[-1:] * (len(key) - 1):
        return None
    return one_operation(name, dtypes, [is_full for _, is_full in key], result)
