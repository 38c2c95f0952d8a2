"""ReLU after max-pooling instead of before, and positions of maxima kept for the derivative.

The largest of some numbers is found before or after those below zero are cut off, but after pooling a quarter or less
of them is left. The derivative is the same too: a window whose maximum is not above zero passes nothing on in either
order, and in all others the first maximum stands in the same place.
"""

from __future__ import annotations

from typing import Any

from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire, uses
from penstock.ops.fused.pooling import max_pool_grad_from_positions_op, max_pool_with_positions_op

_BETWEEN = ("Relu", "MaxPoolGrad")
_WINDOW = ("ksize", "strides", "padding", "explicit_paddings", "data_format")


def reorder_pooling(dataflow: Dataflow) -> Dataflow:
    """Move ReLUs behind the max-poolings of their values, then let max-poolings and their derivatives share positions.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    if not any(node.op_def.name == "MaxPool" for node in dataflow.nodes):
        return dataflow
    return _share_positions(_pool_first(dataflow))


def _pool_first(dataflow: Dataflow) -> Dataflow:
    used = uses(dataflow)
    fixed = _fixed(dataflow)
    # Rectified values, and what the derivative of pooling gives, must not be wanted by anything but their partners.
    fixed.update(edge.node for edge in dataflow.fetches if edge.node is not None and edge.node.op_def.name in _BETWEEN)
    replaced: dict[Edge, Edge] = {}
    new: dict[Node, list[Node]] = {}  # where new nodes stand: in place of this one
    for node in dataflow.nodes:
        if node.op_def.name != "MaxPool" or not _is_plain(node):
            continue
        rectified = node.inputs[0]
        relu = rectified.node
        if relu is None or relu.op_def.name != "Relu" or relu in fixed or node in fixed:
            continue
        derivatives = _derivatives(node, relu, used, fixed)
        if derivatives is None:
            continue
        x = relu.inputs[0]
        pooled = make_node(node.op_def, [x], [node.output.dims], node, f"{node.name}/pooled", **_window(node))
        result = make_node(relu.op_def, [pooled.output], [node.output.dims], node)
        new[node] = [pooled, result]
        replaced[node.output] = result.output
        for pool_grad, relu_grad in derivatives:
            cut = make_node(
                relu_grad.op_def,
                [pool_grad.inputs[2], result.output],
                [node.output.dims],
                relu_grad,
                f"{relu_grad.name}/pooled",
            )
            spread = make_node(
                pool_grad.op_def, [x, pooled.output, cut.output], [relu_grad.output.dims], relu_grad, **_window(node)
            )
            new[relu_grad] = [cut, spread]
            replaced[relu_grad.output] = spread.output
    if not replaced:
        return dataflow
    nodes = [item for node in dataflow.nodes for item in (*new.get(node, ()), node)]
    return rewire(dataflow, replaced, nodes)


def _derivatives(
    pool: Node, relu: Node, used: dict[Edge, list[Node]], fixed: set[Node]
) -> list[tuple[Node, Node]] | None:
    """Return the derivatives of pooling and ReLU in pairs; None if anything else uses the rectified values."""
    rectified = relu.output
    pairs: list[tuple[Node, Node]] = []
    accounted: set[Node] = {pool}
    for node in used[rectified]:
        if node.op_def.name != "MaxPoolGrad":
            continue
        followers = used.get(node.output, [])
        if node.inputs[:2] != [rectified, pool.output] or _window(node) != _window(pool) or node in fixed:
            return None
        if len(followers) != 1 or followers[0].op_def.name != "ReluGrad" or followers[0] in fixed:
            return None
        if followers[0].inputs != [node.output, rectified] or node.inputs[2] is rectified:
            return None
        accounted.update((node, followers[0]))
        pairs.append((node, followers[0]))
    return pairs if all(node in accounted for node in used[rectified]) else None


def _share_positions(dataflow: Dataflow) -> Dataflow:
    fixed = _fixed(dataflow)
    derivatives: dict[Edge, list[Node]] = {}
    for node in dataflow.nodes:
        if node.op_def.name == "MaxPoolGrad" and node.inputs[1].node is not None and node not in fixed:
            derivatives.setdefault(node.inputs[1], []).append(node)
    replaced: dict[Edge, Edge] = {}
    new: dict[Node, Node] = {}
    for node in dataflow.nodes:
        if node.op_def.name != "MaxPool" or node in fixed or not _is_plain(node):
            continue
        matching = [
            grad
            for grad in derivatives.get(node.output, ())
            if grad.inputs[0] is node.inputs[0] and _window(grad) == _window(node)
        ]
        if not matching:
            continue
        dims = [node.output.dims, None, (4,)]
        pooled = new[node] = make_node(max_pool_with_positions_op, node.inputs, dims, node, **_window(node))
        values, positions, sizes = pooled.outputs
        replaced[node.output] = values
        for grad in matching:
            inputs = [sizes, positions, grad.inputs[2]]
            new[grad] = make_node(max_pool_grad_from_positions_op, inputs, [grad.output.dims], grad, **_window(node))
            replaced[grad.output] = new[grad].output
    if not replaced:
        return dataflow
    nodes = [new.get(node, node) for node in dataflow.nodes]
    return rewire(dataflow, replaced, nodes)


def _fixed(dataflow: Dataflow) -> set[Node]:
    """Return the nodes that have to run as they are: others wait for them, or they wait."""
    result = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
    result.update(node for node in dataflow.nodes if node.controls)
    return result


def _window(node: Node) -> dict[str, Any]:
    return {name: node.attrs[name] for name in _WINDOW}


def _is_plain(node: Node) -> bool:
    """Tell whether a pooling is one of images of floating numbers, not along their channels."""
    layout = node.attrs["data_format"]
    axis = {"NHWC": 3, "NCHW": 1}.get(layout)
    if axis is None or not node.output.dtype.is_floating:
        return False
    return len(node.attrs["ksize"]) == 4 and node.attrs["ksize"][axis] == 1 == node.attrs["strides"][axis]
