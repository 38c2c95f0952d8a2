"""Products of matrices of whose columns only some are used."""

from __future__ import annotations

import numpy as np

from penstock.compiler.constants import constant_node, constant_value
from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire, uses
from penstock.core.dtypes import float32, float64, int32
from penstock.core.op_def import lookup
from penstock.ops.fused.products import mat_mul_columns_op


def used_columns(dataflow: Dataflow) -> Dataflow:
    """Compute only those columns of a product that is split which something uses.

    The gradient of a joined input, such as a cell's input next to its state, is split into the parts' gradients, and
    most often nothing asks for the first of them.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    used = uses(dataflow)
    fetched = set(dataflow.fetches)
    waited_for = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        widths = _widths(node)
        if widths is not None and node not in waited_for and not node.controls:
            product = node.inputs[0 if node.op_def.name == "SplitV" else 1].node
            wanted = [index for index, edge in enumerate(node.outputs) if edge in used or edge in fetched]
            is_free = product is not None and product.op_def.name == "MatMul" and not product.controls
            is_free = is_free and node.outputs[0].dtype in (float32, float64)
            if (
                is_free
                and product not in waited_for
                and wanted
                and len(used[product.output]) == 1  # type: ignore[union-attr]
                and product.output not in fetched  # type: ignore[union-attr]
                and wanted[-1] - wanted[0] + 1 < len(widths)
            ):
                made = _narrowed(node, product, widths, wanted)  # type: ignore[arg-type]
                nodes.extend(made)
                replaced.update(zip(node.outputs[wanted[0] : wanted[-1] + 1], made[-1].outputs, strict=True))
                continue
        nodes.append(node)
    return rewire(dataflow, replaced, nodes) if replaced else dataflow


def _widths(node: Node) -> list[int] | None:
    """Return the sizes of the parts that a node splits the columns of a matrix into, if they are known."""
    if node.op_def.name == "SplitV":
        whole, _, axis = node.inputs
    elif node.op_def.name == "Split":
        axis, whole = node.inputs
    else:
        return None
    place = constant_value(axis)
    if place is None or whole.dims is None or len(whole.dims) != 2 or place.item() not in (-1, 1):
        return None
    widths = [edge.dims[1] for edge in node.outputs if edge.dims is not None and len(edge.dims) == 2]
    known = [width for width in widths if width is not None]
    return known if len(known) == len(node.outputs) and sum(known) == whole.dims[1] else None


def _narrowed(node: Node, product: Node, widths: list[int], wanted: list[int]) -> list[Node]:
    """Return the nodes that compute the parts from the first one wanted to the last."""
    first, last = wanted[0], wanted[-1]
    size = sum(widths[first : last + 1])
    a, b = product.inputs
    attrs = {name: product.attrs[name] for name in ("transpose_a", "transpose_b")}
    rows = product.output.dims[0] if product.output.dims is not None else None
    narrow = make_node(
        mat_mul_columns_op, [a, b], [(rows, size)], node, product.name, begin=sum(widths[:first]), size=size, **attrs
    )
    if first == last:
        return [narrow]
    like = node.inputs[0] if node.op_def.name == "Split" else node.inputs[2]
    axis = constant_node(constant_value(like), like.dtype, node, name=f"{node.name}/axis")
    sizes = constant_node(np.asarray(widths[first : last + 1], np.int32), int32, node, name=f"{node.name}/sizes")
    dims = [edge.dims for edge in node.outputs[first : last + 1]]
    split = make_node(
        lookup("SplitV"), [narrow.output, sizes.output, axis.output], dims, node, num_split=last - first + 1
    )
    return [axis, sizes, narrow, split]
