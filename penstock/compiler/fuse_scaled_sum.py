"""Sums one of whose terms is multiplied by a number, in one kernel."""

from __future__ import annotations

from penstock.compiler.constants import constant_value
from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, uses, without_replaced
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.scaled_sum import scaled_sum_op


def fuse_scaled_sum(dataflow: Dataflow) -> Dataflow:
    """Replace `y + x * c`, and `y - x * c`, by one kernel where `c` is a scalar constant.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    if not any(node.op_def.name == "Mul" for node in dataflow.nodes):
        return dataflow
    used = uses(dataflow)
    fetched = set(dataflow.fetches)
    waited_for = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        found = _terms(node)
        if found is not None:
            product, other, scaled, factor = found
            if len(used[product.output]) == 1 and product.output not in fetched and product not in waited_for:
                whole = make_node(scaled_sum_op, [other, scaled], [node.output.dims], node, factor=factor)
                whole.controls = node.controls
                replaced[node.output] = whole.output
                nodes.append(whole)
        nodes.append(node)
    return without_replaced(dataflow, nodes, replaced) if replaced else dataflow


def _terms(node: Node) -> tuple[Node, Edge, Edge, float] | None:
    """Return the product in a sum, the other term, what the product scales, and the factor."""
    name = node.op_def.name
    if name not in ("AddV2", "Sub") or node.output.dtype not in (float32, float64):
        return None
    x, y = node.inputs
    for edge, other in ((y, x), (x, y))[: 2 if name == "AddV2" else 1]:
        product = edge.node
        if product is None or product.op_def.name != "Mul" or product.controls or edge is other:
            continue
        for factor, scaled in (product.inputs, product.inputs[::-1]):
            value = constant_value(factor)
            if value is not None and value.ndim == 0:
                return product, other, scaled, float(value) if name == "AddV2" else -float(value)
    return None
