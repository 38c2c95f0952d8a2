"""Computing once, when the program is made, what depends on constants only."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.compiler.aliasing import runs_bodies
from penstock.compiler.constants import constant_node, constant_value, size_bytes
from penstock.compiler.dataflow import Dataflow, Edge, Node, rewire
from penstock.core import array
from penstock.core.dispatch import flatten_result
from penstock.core.inference import run_kernel

LARGEST_RESULT_BYTES = 10 * 2**20
# A constant that is filled at run time takes no memory between steps; a folded one does.
LARGEST_GROWTH_BYTES = 64 * 2**10


def fold_constants(dataflow: Dataflow) -> Dataflow:
    """Replace operations on constants by their results, where these are not much larger than the constants.

    Operations with effects, random operations and those that call functions stay, and so does what fails: its error
    belongs to the run, where the value may never be asked for.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        if replaced:
            node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        if _is_foldable(node):
            for constant, output in zip(_results(node), node.outputs, strict=False):
                nodes.append(constant)
                replaced[output] = constant.output
        nodes.append(node)
    return rewire(dataflow, replaced, nodes) if replaced else dataflow


def _is_foldable(node: Node) -> bool:
    op_def = node.op_def
    if not node.inputs or node.controls or op_def.is_stateful or op_def.injected or op_def.has_ref_input:
        return False
    if any(constant_value(edge) is None for edge in node.inputs) or runs_bodies(op_def):
        return False
    return not any(edge.is_handle or edge.dtype.name == "variant" for edge in node.outputs)


def _results(node: Node) -> list[Node]:
    """Return constants for the outputs of a node, none if it fails or they are too large."""
    given = [edge.node.attrs["value"] for edge in node.inputs if edge.node is not None]
    budget = min(LARGEST_RESULT_BYTES, sum(map(size_bytes, given)) + LARGEST_GROWTH_BYTES)
    if any(_static_bytes(edge) > budget for edge in node.outputs):
        return []
    try:
        result = run_kernel(node.op_def, [array.from_numpy(value, copy=True) for value in given], node.attrs)
        values: list[Any] = flatten_result(node.op_def, result)
        known = [_as_constant(value) for value in values]
    except Exception:  # the run raises it, if it gets there
        return []
    if sum(map(size_bytes, known)) > budget:
        return []
    return [
        constant_node(value, edge.dtype, node, edge.output) for value, edge in zip(known, node.outputs, strict=True)
    ]


def _static_bytes(edge: Edge) -> int:
    size = 1
    for number in edge.dims or ():
        size *= number or 0
    return size * (edge.dtype.size or 1)


def _as_constant(value: Any) -> np.ndarray:
    """Return a runtime value as an array of its own."""
    known = array.to_numpy(value, copy=True)
    if isinstance(known, bytes):
        result = np.empty((), object)
        result[()] = known
        return result
    if not isinstance(known, (np.ndarray, np.generic)):
        raise TypeError(f"{type(known).__name__} is no array")
    return np.asarray(known)
