"""Sums over the iterations of a loop, in memory of their own: the gradients of weights and biases."""

from __future__ import annotations

from collections.abc import Callable

from penstock.compiler.constants import constant_value
from penstock.compiler.dataflow import Edge, Node, make_node, rewire, uses
from penstock.compiler.loops import Loop
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.running_sum import (
    add_product_and_rows_op,
    add_product_op,
    add_rows_op,
    add_term_op,
    finish_sum_op,
    running_sum_op,
)

_SUMS = ("Add", "AddN", "AddV2")


def sum_in_place(loop: Loop) -> None:
    """Let variables to which each iteration adds products of matrices, or the rows of one, hold a running sum.

    The loop adds to the same memory then, and products over few rows are done for several iterations together.

    Args:
        loop: the loop.
    """
    for index in range(len(loop.body.feeds)):
        _try(loop, index)
    if loop.is_changed:
        _add_rows_with_products(loop)


def _add_rows_with_products(loop: Loop) -> None:
    """Let a sum of rows be added up while these rows are multiplied for another sum, as gradients of biases are."""
    body = loop.body
    used = uses(body)
    products = {
        node.inputs[2]: node
        for node in body.nodes
        if node.op_def is add_product_op and node.attrs["transpose_a"] and not node.attrs["transpose_b"]
    }
    replaced: dict[Edge, Edge] = {}
    for node in list(body.nodes):
        product = products.pop(node.inputs[1], None) if node.op_def is add_rows_op else None
        if product is None:
            continue
        places = {other: index for index, other in enumerate(body.nodes)}
        later = max(places[node], places[product])
        if any(places[user] < later for edge in (product.output, node.output) for user in used.get(edge, ())):
            continue
        total, left, right = (replaced.get(edge, edge) for edge in product.inputs)
        rows_total = replaced.get(node.inputs[0], node.inputs[0])
        both = make_node(add_product_and_rows_op, [total, rows_total, left, right], [(), ()], product)
        body.nodes[later] = both
        body.nodes = [other for other in body.nodes if other is not node and other is not product]
        replaced[product.output], replaced[node.output] = both.outputs
    if replaced:
        loop.body = rewire(body, replaced)


def _try(loop: Loop, index: int) -> None:
    body = loop.body
    feed, result = body.feeds[index], body.fetches[index]
    if feed.dtype not in (float32, float64) or result.node is None or loop.initial[index].is_handle:
        return
    used = uses(body)
    waited_for = {control for node in body.nodes for control in node.controls}.union(body.targets)

    def is_free(edge: Edge, expected: int) -> bool:
        node = edge.node
        is_used = len(used.get(edge, ())) + body.fetches.count(edge) != expected
        return node is not None and not is_used and not node.controls and node not in waited_for

    terms = _terms(result, is_free)
    if terms.count(feed) != 1 or len(used[feed]) != 1 or body.fetches.count(feed) or loop.decides(index):
        return
    terms.remove(feed)
    if not terms or not any(_is_worthwhile(term, is_free) for term in terms):
        return
    if any(edge.dims is None or None in edge.dims or edge.dims != feed.dims for edge in (*terms, loop.initial[index])):
        return
    start = make_node(running_sum_op, [loop.initial[index]], [()], loop.node, f"{loop.node.name}/sum_{index}")
    loop.before.append(start)

    def following(variable: Edge) -> Edge:
        assert result.node is not None
        edge = variable
        for term in terms:
            node = _added(edge, term, result.node, is_free)
            body.nodes.insert(body.nodes.index(result.node), node)
            edge = node.output
        return edge

    def last(variable: Edge) -> Node:
        node = loop.node
        output = node.outputs[index]
        return make_node(finish_sum_op, [variable], [output.dims], node, f"{node.name}/total_{index}", T=output.dtype)

    loop.change_variable(index, start.output, following, last)
    loop.body = rewire(body, {}, [node for node in body.nodes if node is not result.node])


def _terms(edge: Edge, is_free: Callable[[Edge, int], bool]) -> list[Edge]:
    """Return what a value is the sum of: sums that only serve this one are taken apart."""
    node = edge.node
    if node is None or node.op_def.name not in _SUMS or not is_free(edge, 1):
        return [edge]
    return [term for operand in node.inputs for term in _terms(operand, is_free)]


def _is_worthwhile(term: Edge, is_free: Callable[[Edge, int], bool]) -> bool:
    return is_free(term, 1) and (_is_product(term.node) or _summed_rows(term.node) is not None)


def _is_product(node: Node | None) -> bool:
    return node is not None and node.op_def.name == "MatMul"


def _summed_rows(node: Node | None) -> Edge | None:
    """Return what a node sums over all axes but the last, if that is what it does."""
    if node is None or node.op_def.name not in ("BiasAddGrad", "Sum"):
        return None
    rows = node.inputs[0]
    if rows.dims is None or len(rows.dims) < 2:
        return None
    if node.op_def.name == "BiasAddGrad":
        return rows if node.attrs["data_format"] == "NHWC" else None
    axes = constant_value(node.inputs[1])
    if axes is None or node.attrs["keep_dims"]:
        return None
    rank = len(rows.dims)
    return rows if sorted(axis % rank for axis in axes.reshape(-1).tolist()) == list(range(rank - 1)) else None


def _added(total: Edge, term: Edge, like: Node, is_free: Callable[[Edge, int], bool]) -> Node:
    """Return the node that adds a term to a running sum."""
    node = term.node
    if is_free(term, 1):
        if node is not None and _is_product(node):
            transposes = {name: node.attrs[name] for name in ("transpose_a", "transpose_b")}
            return make_node(add_product_op, [total, *node.inputs], [()], node, f"{node.name}/add", **transposes)
        rows = _summed_rows(node)
        if node is not None and rows is not None:
            return make_node(add_rows_op, [total, rows], [()], node, f"{node.name}/add")
    return make_node(add_term_op, [total, term], [()], like, f"{like.name}/add")
