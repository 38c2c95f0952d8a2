"""Gradients that are products of matrices, computed block by block where their variable is updated."""

from __future__ import annotations

from penstock.compiler.aliasing import Aliases
from penstock.compiler.dataflow import Dataflow, Node, make_node, rewire, uses
from penstock.compiler.work import bytes_of
from penstock.ops.fused.updates import PRODUCT_UPDATES

# A gradient of fewer bytes is computed at once.
_LARGE_GRADIENT = 8 << 20


def split_gradients(dataflow: Dataflow) -> Dataflow:
    """Give updates of large variables the factors of the gradient, where it is a product that nothing else uses.

    The update then computes the product by blocks of rows, so that it never exists whole. Neither factor may be the
    memory of what is updated.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    candidates = [node for node in dataflow.nodes if node.op_def.name in PRODUCT_UPDATES and node.attrs["N"] == 1]
    if not candidates:
        return dataflow
    users = uses(dataflow)
    kept = {*dataflow.targets, *(edge.node for edge in dataflow.fetches)}
    aliases = Aliases(dataflow)
    replaced: dict[Node, Node] = {}
    products: set[Node] = set()
    for node in candidates:
        product = _factored(node)
        if product is None or len(users[product.output]) != 1 or product in kept:
            continue
        updated = frozenset().union(*(aliases.of(edge) for edge in node.inputs if edge.is_handle))
        if any(not updated.isdisjoint(aliases.of(edge)) for edge in product.inputs):
            continue
        at = node.inputs.index(product.output)
        inputs = [*node.inputs[:at], *product.inputs, *node.inputs[at + 1 :]]
        attrs = {name: value for name, value in node.attrs.items() if name.startswith("use_")}
        op_def = PRODUCT_UPDATES[node.op_def.name]
        dims = [edge.dims for edge in node.outputs]
        whole = replaced[node] = make_node(op_def, inputs, dims, node, node.name, **attrs)
        whole.controls = list(dict.fromkeys([*node.controls, *product.controls]))
        products.add(product)
    if not replaced:
        return dataflow
    waited = {control for node in dataflow.nodes for control in node.controls}
    nodes = [replaced.get(node, node) for node in dataflow.nodes if node not in products or node in waited]
    for node in nodes:
        node.controls = [replaced.get(control, control) for control in node.controls]
    targets = [replaced.get(node, node) for node in dataflow.targets]
    outputs = {
        old: new for node, whole in replaced.items() for old, new in zip(node.outputs, whole.outputs, strict=True)
    }
    return rewire(Dataflow(nodes, dataflow.feeds, dataflow.fetches, targets), outputs)


def _factored(node: Node) -> Node | None:
    """Return the product of a transposed matrix and another that an update takes as its gradient, if it is large."""
    for edge in node.inputs:
        product = edge.node
        if product is not None and product.op_def.name == "MatMul" and bytes_of(edge) > _LARGE_GRADIENT:
            if product.attrs["transpose_a"] and not product.attrs["transpose_b"]:
                return product
    return None
