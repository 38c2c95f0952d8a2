"""Loops whose variables are all single numbers, as machine code."""

from __future__ import annotations

from typing import Any

from penstock.compiler.dataflow import Dataflow, Edge, Node, prune, rewire
from penstock.compiler.fuse_elementwise import is_elementwise, number_of, steps_of
from penstock.compiler.loops import LoopBody
from penstock.compiler.schedule import schedule
from penstock.core.func_graph import FuncGraph
from penstock.ops.fused.native import Access, Chain, Region, scalar_loop_op
from penstock.ops.fused.native.lowering import MEMORY_TYPES
from penstock.ops.fused.native.region import constant_of
from penstock.ops.fused.native.scalar_loop import ScalarLoop


def compile_scalar_loops(dataflow: Dataflow) -> Dataflow:
    """Replace loops that only compute with single numbers by one node that runs as machine code.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        loop = _scalar_loop(node) if node.op_def.name in ("While", "StatelessWhile") else None
        if loop is None:
            nodes.append(node)
            continue
        types = [(edge.dtype, edge.dims) for edge in node.outputs]
        attrs = {"loop": loop, "T": [edge.dtype for edge in node.outputs]}
        native = Node(scalar_loop_op, node.inputs, attrs, types, node.source, node.name, node.controls)
        replaced.update(zip(node.outputs, native.outputs, strict=True))
        nodes.append(native)
        for other in dataflow.nodes:
            other.controls = [native if control is node else control for control in other.controls]
        dataflow.targets = [native if target is node else target for target in dataflow.targets]
    return rewire(dataflow, replaced, nodes) if replaced else dataflow


def _scalar_loop(node: Node) -> ScalarLoop | None:
    if not all(_is_number(edge) and not edge.dtype._is_ref_dtype for edge in node.inputs):
        return None
    condition, body = (_nodes_of(node.attrs[name]) for name in ("cond", "body"))
    if condition is None or body is None:
        return None
    (decision,) = condition.fetches
    if decision.node is None or decision.node.op_def.name == "Const" or decision.dtype.name != "bool":
        return None
    results: list[tuple[str, Any]] = []
    position = {edge: index for index, edge in enumerate(_computed(body))}
    for edge in body.fetches:
        if edge in position:
            results.append(("step", position[edge]))
        elif edge.node is None:
            results.append(("input", body.feeds.index(edge)))
        else:
            results.append(("number", constant_of(number_of(edge))))
    # The steps that become variables come out of the body where it runs operation by operation.
    steps = sorted({item for kind, item in results if kind == "step"})
    return ScalarLoop(_chain(condition, [_computed(condition).index(decision)]), _chain(body, steps), tuple(results))


def _is_number(edge: Edge) -> bool:
    return edge.dims == () and edge.dtype.name in MEMORY_TYPES


def _nodes_of(function: FuncGraph | LoopBody) -> Dataflow | None:
    """Return the nodes of a condition or body that computes with single numbers and has no effects, else None."""
    if isinstance(function, LoopBody) or function.control_outputs:
        return None
    if any(op.op_def.is_stateful and op.inputs for op in function.get_operations()):
        return None
    dataflow = schedule(prune(function.outputs, [], function.inputs))
    for node in dataflow.nodes:
        is_number = len(node.outputs) == 1 and _is_number(node.outputs[0])
        if not is_number or not (number_of(node.output) is not None or is_elementwise(node)):
            return None
    return dataflow if all(map(_is_number, dataflow.feeds)) else None


def _computed(dataflow: Dataflow) -> list[Edge]:
    return [node.output for node in dataflow.nodes if node.op_def.name != "Const"]


def _chain(dataflow: Dataflow, outputs: list[int]) -> Chain:
    members = [node for node in dataflow.nodes if node.op_def.name != "Const"]
    steps, kernels, numbers = steps_of(members, {edge: index for index, edge in enumerate(dataflow.feeds)})
    region = Region(tuple((edge.dtype.name, Access.FULL) for edge in dataflow.feeds), steps, tuple(outputs))
    return Chain(region, kernels, numbers, tuple(members))
