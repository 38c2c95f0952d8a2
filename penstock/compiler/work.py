"""How much work a program's kernels have, and so whether it is worth sharing among threads.

The libraries under the kernels hand even small products and sums to several threads. To wake and to await these takes
longer than the work, and far longer where other processes want the same cores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from penstock.compiler.aliasing import runs_bodies
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.compiler.loops import LOOPS, LoopBody
from penstock.core.op_def import OpDef
from penstock.core.shape import Dims

# A core does so much in a few hundred microseconds.
_SMALL_PRODUCT = 10_000_000  # multiplications
# Threads that a loop has woken are awake in its next iteration.
_SMALL_REPEATED_PRODUCT = 2_000_000
_SMALL_ARRAY = 1 << 18  # elements
# What stands for a size that is only known at run time, most often that of a batch.
_UNKNOWN_SIZE = 128

_PRODUCTS = (
    "MatMul",
    "BatchMatMul",
    "BatchMatMulV2",
    "BatchMatMulV3",
    "_MatMulBias",
    "_MatMulColumns",
    "_NarrowMatMul",
    "_RepeatedMatMul",
)

_ADDED_PRODUCTS = ("_AddProduct", "_AddProductAndRows")

# These read no more of their first input than they return.
_CHOOSE = ("Gather", "ResourceGather")


def is_small(dataflow: Dataflow) -> bool:
    """Tell whether some kernels would use several threads, and none has work for them.

    Args:
        dataflow: what the program runs.
    """
    return any(_uses_threads(node.op_def) for node in dataflow.nodes) and not has_large_work(dataflow)


def has_large_work(dataflow: Dataflow) -> bool:
    """Tell whether some kernel has work for several threads."""
    return not _all_small(
        (node.op_def, node.attrs, [edge.dims for edge in node.inputs], [edge.dims for edge in node.outputs])
        for node in dataflow.nodes
    )


def _all_small(
    calls: Iterable[tuple[OpDef, dict[str, Any], Sequence[Dims], Sequence[Dims]]], limit: int = _SMALL_PRODUCT
) -> bool:
    for op_def, attrs, inputs, outputs in calls:
        read = inputs[1:] if op_def.name.startswith(_CHOOSE) else inputs
        if any(elements(dims) >= _SMALL_ARRAY for dims in (*read, *outputs)):
            return False
        if _multiplications(op_def, attrs, inputs, outputs) >= limit:
            return False
        within = _SMALL_REPEATED_PRODUCT if op_def.name in LOOPS else limit
        for attribute in op_def.attributes.values():
            if attribute.kind not in ("func", "list(func)"):
                continue
            value = attrs[attribute.name]
            for function in value if attribute.kind == "list(func)" else [value]:
                inside = function.dataflow.nodes if isinstance(function, LoopBody) else function.get_operations()
                found = (
                    (op.op_def, op.attrs, [t.dims for t in op.inputs], [t.dims for t in op.outputs]) for op in inside
                )
                if not _all_small(found, within):
                    return False
    return True


def _uses_threads(op_def: OpDef) -> bool:
    kinds = (*_CHOOSE, "Conv2D", "_Conv2D", "Softmax", "LogSoftmax", "Sum", "Mean")
    return runs_bodies(op_def) or op_def.name in (*_PRODUCTS, *_ADDED_PRODUCTS) or op_def.name.startswith(kinds)


def elements(dims: Dims) -> int:
    """Return how many elements an array has, or may have where a size is not known; 0 for an unknown rank."""
    if dims is None:
        return 0
    return math.prod(_UNKNOWN_SIZE if size is None else size for size in dims)


def bytes_of(edge: Edge) -> int:
    """Return how much memory a value takes, or may take where a size is not known; 0 for what is no array."""
    return 0 if edge.is_handle else elements(edge.dims) * edge.dtype.size


def multiplications_of(node: Node) -> int:
    """Return how often a product or convolution multiplies, or may where a size is not known; 0 for other nodes."""
    return _multiplications(
        node.op_def, node.attrs, [edge.dims for edge in node.inputs], [edge.dims for edge in node.outputs]
    )


def _multiplications(op_def: OpDef, attrs: dict[str, Any], inputs: Sequence[Dims], outputs: Sequence[Dims]) -> int:
    """Return how often a product or convolution multiplies, 0 for other operations."""
    name = op_def.name
    if name in _PRODUCTS:
        left = inputs[0]
        if not left or len(left) < 2:
            return 0
        is_transposed = attrs.get("transpose_a") or attrs.get("adj_x")
        inner = left[-2] if is_transposed else left[-1]
        return elements(outputs[0]) * (inner or _UNKNOWN_SIZE)
    if name in _ADDED_PRODUCTS:
        *_, left, right = inputs
        return (
            elements(left) * ((right[-2] if attrs.get("transpose_b") else right[-1]) or _UNKNOWN_SIZE) if right else 0
        )
    if "Conv" in name:
        # Each of the three products of a convolution pairs the larger of two images with the filter's elements.
        sizes = sorted(elements(dims) for dims in (*inputs, *outputs) if dims is not None and len(dims) >= 4)
        return sizes[-1] * sizes[0] // max(1, _channels(inputs, outputs)) if len(sizes) >= 2 else 0
    return 0


def _channels(inputs: Sequence[Dims], outputs: Sequence[Dims]) -> int:
    found = [dims[-1] or 1 for dims in (*inputs, *outputs) if dims is not None and len(dims) >= 4]
    return max(found, default=1)
