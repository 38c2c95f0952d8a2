"""Stacks in place of lists that a loop extends, or takes elements from, in each iteration: what gradients need."""

from __future__ import annotations

from penstock.compiler.constants import constant_value
from penstock.compiler.dataflow import Edge, Node, make_node, rewire, uses
from penstock.compiler.loops import Loop
from penstock.core.shape import Dims
from penstock.ops.fused.stack import finish_stack_op, pop_op, push_op, start_stack_op

CHANGES = ("TensorListPushBack", "TensorListPopBack")


def use_stacks(loop: Loop) -> None:
    """Let variables that are lists, which each iteration extends by an element or takes the last element from, and does
    nothing else with, be stacks.

    Args:
        loop: the loop.
    """
    for index in range(len(loop.body.feeds)):
        _try(loop, index)


def _try(loop: Loop, index: int) -> None:
    body = loop.body
    feed, result = body.feeds[index], body.fetches[index]
    node = result.node
    if node is None or node.op_def.name not in CHANGES or node.inputs[0] is not feed or node.controls:
        return
    used = uses(body)
    is_alone = len(used[feed]) == 1 and feed not in body.fetches and result not in used
    is_waited_for = node in body.targets or any(node in other.controls for other in body.nodes)
    if not is_alone or is_waited_for or body.fetches.count(result) != 1 or loop.decides(index):
        return
    if node.op_def.name == "TensorListPushBack" and not _accepts(loop.initial[index].node, node.inputs[1].dims):
        return
    start = make_node(
        start_stack_op,
        [loop.initial[index]],
        [()],
        loop.node,
        f"{loop.node.name}/stack_{index}",
        element_dtype=node.attrs["element_dtype"],
    )
    loop.before.append(start)

    def following(variable: Edge) -> Edge:
        position = body.nodes.index(node)
        if node.op_def.name == "TensorListPushBack":
            made = make_node(push_op, [variable, node.inputs[1]], [()], node)
            body.nodes[position] = made
            return made.output
        item = node.outputs[1]
        made = make_node(
            pop_op, [variable, node.inputs[1]], [item.dims], node, element_dtype=node.attrs["element_dtype"]
        )
        body.nodes[position] = made
        replaced[item] = made.output
        return variable

    def last(variable: Edge) -> Node:
        return make_node(finish_stack_op, [variable], [()], loop.node, f"{loop.node.name}/list_{index}")

    replaced: dict[Edge, Edge] = {}
    loop.change_variable(index, start.output, following, last)
    loop.body = rewire(body, replaced)


def _accepts(made: Node | None, dims: Dims) -> bool:
    """Tell whether a list is known to be one that takes any number of elements of some shape."""
    if made is None or made.op_def.name != "EmptyTensorList":
        return False
    shape, limit = (constant_value(edge) for edge in made.inputs)
    if shape is None or limit is None or limit.item() >= 0:
        return False
    sizes = shape.reshape(-1).tolist()
    if shape.ndim == 0:
        return True
    return (
        dims is not None
        and len(sizes) == len(dims)
        and all(size < 0 or size == known for size, known in zip(sizes, dims, strict=True))
    )
