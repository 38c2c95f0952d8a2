"""Products and convolutions together with the bias that is added to them."""

from __future__ import annotations

from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, uses, without_replaced
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.products import conv2d_bias_op, mat_mul_bias_op

_FUSED = {"MatMul": mat_mul_bias_op, "Conv2D": conv2d_bias_op}


def fuse_bias(dataflow: Dataflow) -> Dataflow:
    """Replace a MatMul or Conv2D and the addition of a vector to its last axis, or its channels, by one kernel.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    used = uses(dataflow)
    fetched = set(dataflow.fetches)
    waited_for = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        pair = _product_and_bias(node)
        if pair is not None:
            product, bias = pair
            edge = product.output
            if len(used[edge]) == 1 and edge not in fetched and not product.controls and product not in waited_for:
                op_def = _FUSED[product.op_def.name]
                attrs = {name: product.attrs[name] for name in op_def.kernel_attributes}
                whole = make_node(op_def, [*product.inputs, bias], [node.output.dims], node, **attrs)
                whole.controls = node.controls
                replaced[node.output] = whole.output
                nodes.append(whole)
        nodes.append(node)
    return without_replaced(dataflow, nodes, replaced) if replaced else dataflow


def _product_and_bias(node: Node) -> tuple[Node, Edge] | None:
    """Return the product that a node adds a bias to, and the bias, where both fit one kernel."""
    name = node.op_def.name
    if name not in ("AddV2", "BiasAdd") or node.output.dtype not in (float32, float64):
        return None
    x, y = node.inputs
    for edge, bias in ((x, y), (y, x))[: 2 if name == "AddV2" else 1]:
        product = edge.node
        if product is None or product.op_def.name not in _FUSED:
            continue
        layout = product.attrs.get("data_format", "NHWC")
        if name == "BiasAdd" and len(edge.dims or ()) == 4 and node.attrs["data_format"] != layout:
            continue
        if name == "BiasAdd" and node.attrs["data_format"] != "NHWC" and product.op_def.name == "MatMul":
            continue
        if name == "AddV2" and layout != "NHWC":
            continue
        channels = None if edge.dims is None else edge.dims[1 if layout == "NCHW" else -1]
        if channels is not None and bias.dims == (channels,) and bias is not edge:
            return product, bias
    return None
