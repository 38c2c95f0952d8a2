"""LLVM's intermediate language compiled to machine code inside the process."""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from typing import Any

from llvmlite import binding as llvm

from penstock.ops.fused.native.lowering import write_loop
from penstock.ops.fused.native.region import Region
from penstock.ops.fused.native.rows import write_rows

_lock = threading.RLock()
_engines: list[Any] = []  # they own the machine code, which lives as long as the process


@lru_cache(maxsize=1)
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )


def vector_registers(lanes: int) -> int:
    """Return how many vectors of so many float32 elements the processor holds in registers."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512vl"):
        return 32
    width = 8 if features.get("avx") else 4
    count = 32 if features.get("neon") else 16
    return max(count * width // max(lanes, width), 1)


@lru_cache(maxsize=4096)
def compile_region(region: Region) -> Any:
    """Return the machine code of a region as a ctypes function; see `lowering.write_loop` for its parameters.

    Other Python threads run while the function does.
    """
    pointers = len(region.inputs) + len(region.own_outputs)
    full = sum(access.name == "FULL" for _, access in region.inputs) + len(region.own_outputs)
    distances = 0 if region.is_flat else full
    if region.has_reductions:
        text = write_rows(region)
    else:
        text = write_loop(region)
    address = compile_module(text, "shared")
    # A pointer and a 64-bit integer are passed alike.
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * (2 + pointers + distances))(address)


def compile_module(text: str, name: str, vectorizes: bool = True) -> int:
    """Return the address of a function of a module in LLVM's language.

    Args:
        text: the module.
        name: the function.
        vectorizes: whether loops are to be vectorized and unrolled; not those that are written with vectors.
    """
    with _lock:
        target = _target()
        module = llvm.parse_assembly(text)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = options.loop_unrolling = vectorizes
        options.slp_vectorization = False
        passes = llvm.create_pass_builder(target, options)
        passes.getModulePassManager().run(module, passes)
        engine = llvm.create_mcjit_compiler(module, target)
        engine.finalize_object()
        _engines.append(engine)
        return int(engine.get_function_address(name))
