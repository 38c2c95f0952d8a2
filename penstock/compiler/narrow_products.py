"""Products whose results have a few columns, in machine code of their own."""

from __future__ import annotations

from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, without_replaced
from penstock.compiler.work import multiplications_of
from penstock.core.dtypes import float32
from penstock.ops.fused.products import MOST_NARROW, NARROW_FROM, narrow_mat_mul_op

_PRODUCTS = ("MatMul", "_MatMulBias")
# A product with a smaller part in the multiplications of a program is not worth the compiler, which takes 70 MB.
_WORTH_COMPILING = 1 / 200


def narrow_products(dataflow: Dataflow) -> Dataflow:
    """Replace products of float32 matrices whose results are known to have between 2 and 16 columns, where they are a
    noticeable part of the work.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    smallest = max(NARROW_FROM, _WORTH_COMPILING * sum(map(multiplications_of, dataflow.nodes)))
    for node in dataflow.nodes:
        if node.op_def.name in _PRODUCTS and node.output.dtype is float32 and not node.attrs["transpose_b"]:
            dims = node.output.dims
            if (
                dims is not None
                and dims[1] is not None
                and 1 < dims[1] <= MOST_NARROW
                and multiplications_of(node) >= smallest
            ):
                attrs = {"transpose_a": node.attrs["transpose_a"], "columns": dims[1], "N": len(node.inputs) - 2}
                narrow = make_node(narrow_mat_mul_op, node.inputs, [dims], node, **attrs)
                narrow.controls = node.controls
                replaced[node.output] = narrow.output
                nodes.append(narrow)
        nodes.append(node)
    return without_replaced(dataflow, nodes, replaced) if replaced else dataflow
