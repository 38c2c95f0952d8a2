"""Products of matrices that loops repeat."""

from __future__ import annotations

from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, without_replaced
from penstock.compiler.loops import Loop
from penstock.compiler.work import multiplications_of
from penstock.core.dtypes import float32
from penstock.ops.fused.products import REPEATED_FROM, repeated_mat_mul_op, turned_op

_PRODUCTS = ("MatMul", "_MatMulBias", "_MatMulColumns")


def turn_invariants(loop: Loop) -> None:
    """Transpose what all iterations multiply by, transposed, once before the loop.

    Args:
        loop: the loop.
    """
    turned: dict[Edge, Edge] = {}
    for node in loop.body.nodes:
        if not _is_repeated(node):
            continue
        loop.is_changed = True
        right = node.inputs[1]
        if not node.attrs["transpose_b"] or not loop.is_invariant(right):
            continue
        if right not in turned:
            value = loop.first_value(right)
            made = make_node(turned_op, [value], [right.dims and right.dims[::-1]], loop.node, f"{node.name}/turned")
            loop.before.append(made)
            turned[right] = loop.add_invariant(made.output, made.name)
        node.inputs = [node.inputs[0], turned[right]]
        node.attrs = {**node.attrs, "transpose_b": False}


def repeat_products(dataflow: Dataflow) -> Dataflow:
    """Let products of float32 matrices run as machine code, which is worth compiling for what a loop repeats.

    Args:
        dataflow: the nodes of a loop's body, in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        if _is_repeated(node):
            names = ("transpose_a", "transpose_b", "begin", "size")
            attrs = {name: node.attrs[name] for name in names if name in node.attrs}
            dims = node.output.dims
            made = make_node(repeated_mat_mul_op, node.inputs, [dims], node, N=len(node.inputs) - 2, **attrs)
            made.controls = node.controls
            replaced[node.output] = made.output
            nodes.append(made)
        nodes.append(node)
    return without_replaced(dataflow, nodes, replaced) if replaced else dataflow


def _is_repeated(node: Node) -> bool:
    return node.op_def.name in _PRODUCTS and node.output.dtype is float32 and multiplications_of(node) >= REPEATED_FROM
