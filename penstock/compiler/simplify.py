"""Algebraic rewrites: operations that change nothing, pairs that cancel, and shapes that are known when compiling.

Each rule looks at one node, whose inputs are simplified already, and returns what to use in place of its outputs. Rules
keep types, shapes, infinities and NaN as they are; `x * 0` is not 0. One liberty is taken, as in TensorFlow: `x + 0`
keeps the sign of a negative zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.compiler.constants import constant_node, constant_value
from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire
from penstock.compiler.list_elements import element_of_stack, list_of_one_element
from penstock.core.dtypes import DType
from penstock.core.op_def import lookup
from penstock.core.shape_rules import broadcasting, unchanged
from penstock.ops.fused.sizes import size_as_op

# What a rule returns: a value that exists, new nodes of which the last make the outputs, or None.
Result = Edge | Node | list[Node] | None

# Larger arrays of zeros and ones are made at run time.
_LARGEST_FILLED = 4096


class Shapes:
    """Which values have the same shape as another, whatever it is.

    Attributes:
        made: shape vectors that exist, by the value whose shape they are and their type.
        rows_of: values that have one element for each row of another, by the value: the other's shape without its last
            axis is theirs.
    """

    def __init__(self) -> None:
        self._like: dict[Edge, Edge] = {}
        self.made: dict[tuple[Edge, DType], Edge] = {}
        self.rows_of: dict[Edge, Edge] = {}

    def of(self, edge: Edge) -> Edge:
        """Return the first value of the shape that `edge` has."""
        return self._like.get(edge, edge)

    def note(self, node: Node) -> None:
        """Follow the shape through a node."""
        rule = node.op_def.shape_rule
        if node.op_def.name in ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"):
            loss, backprop = node.outputs
            self.rows_of[loss] = backprop
        if node.op_def.is_stateful or len(node.outputs) != 1 or any(edge.is_handle for edge in node.inputs):
            return
        if rule is unchanged:
            self._like[node.outputs[0]] = self.of(node.inputs[0])
        elif rule is broadcasting and len(node.inputs) == 2:
            for edge, other in (node.inputs, node.inputs[::-1]):
                if other.dims == () or self.of(edge) is self.of(other):
                    self._like[node.outputs[0]] = self.of(edge)
                    return


def simplify(dataflow: Dataflow) -> Dataflow:
    """Rewrite what is more than it needs to be.

    Nodes that wait for others by control edges stay as they are.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    shapes = Shapes()
    nodes: list[Node] = []
    for node in dataflow.nodes:
        if replaced:
            node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        rule = _RULES.get(node.op_def.name)
        result = None if rule is None or node.controls else rule(node, shapes)
        if result is None:
            shapes.note(node)
            nodes.append(node)
            continue
        if isinstance(result, Edge):
            replaced[node.output] = result
        else:
            made = result if isinstance(result, list) else [result]
            for new in made:
                shapes.note(new)
            nodes.extend(made)
            values = made[-len(node.outputs) :]
            replaced.update((old, new.output) for old, new in zip(node.outputs, values, strict=True))
        nodes.append(node)
    return rewire(dataflow, replaced, nodes) if replaced else dataflow


def _is_static(edge: Edge) -> bool:
    return edge.dims is not None and None not in edge.dims


def _sizes(edge: Edge) -> list[int] | None:
    """Return the shape of a value if it is fully known."""
    sizes = [size for size in edge.dims or () if size is not None]
    return None if edge.dims is None or len(sizes) < len(edge.dims) else sizes


def _is_all(edge: Edge, number: int) -> bool:
    """Tell whether a value is a constant whose elements all equal `number`."""
    value = constant_value(edge)
    return value is not None and value.dtype.kind in "fiucVb" and bool(np.all(value == number))


def _keeps_shape(edge: Edge, other: Edge, result: Edge) -> bool:
    """Tell whether broadcasting `edge` against `other` gives the shape of `edge`."""
    return other.dims == () or (_is_static(edge) and edge.dims == result.dims)


def _unless_neutral(number: int, swaps: bool, integers_only: bool = False) -> Callable[[Node, Shapes], Result]:
    """Return the rule for an operation of two arguments that a constant second (or, swapped, first) leaves as it is."""

    def rule(node: Node, shapes: Shapes) -> Result:
        x, y = node.inputs
        if integers_only and not x.dtype.is_integer:
            return None
        for edge, other in ((x, y), (y, x))[: 2 if swaps else 1]:
            if _is_all(other, number) and not edge.is_handle and _keeps_shape(edge, other, node.output):
                return edge
        return None

    return rule


_plus_zero = _unless_neutral(0, swaps=True)
_minus_zero = _unless_neutral(0, swaps=False)
_times_one = _unless_neutral(1, swaps=True)
_by_one = _unless_neutral(1, swaps=False)
_whole_by_one = _unless_neutral(1, swaps=False, integers_only=True)


def _identity(node: Node, shapes: Shapes) -> Result:
    (edge,) = node.inputs
    return None if edge.is_handle else edge


def _add(node: Node, shapes: Shapes) -> Result:
    return None if node.output.dtype.name == "string" else _plus_zero(node, shapes)


def _subtract(node: Node, shapes: Shapes) -> Result:
    x, y = node.inputs
    if x is y and x.dtype.is_integer and not x.is_handle:
        return make_node(lookup("ZerosLike"), [x], [x.dims], node)
    return _minus_zero(node, shapes)


def _multiply(node: Node, shapes: Shapes) -> Result:
    return _times_one(node, shapes) or _multiply_chain(node) or _multiply_by_number(node, shapes)


def _multiply_by_number(node: Node, shapes: Shapes) -> Result:
    """Multiply rows by a number in place of a column that repeats it once for each row."""
    for position, edge in enumerate(node.inputs):
        other = node.inputs[1 - position]
        column = edge.node
        if column is None or column.op_def.name != "ExpandDims" or column.controls or other.dims is None:
            continue
        axis = constant_value(column.inputs[1])
        repeated = column.inputs[0].node
        if axis is None or axis.item() not in (-1, len(other.dims) - 1) or repeated is None:
            continue
        if repeated.op_def.name != "BroadcastTo" or repeated.controls or repeated.output.dims is None:
            continue
        number, sizes = repeated.inputs
        if number.dims != () or number.is_handle or sizes.node is None or sizes.node.op_def.name != "Shape":
            continue
        rows = shapes.rows_of.get(shapes.of(sizes.node.inputs[0]))
        if rows is not None and shapes.of(rows) is shapes.of(other):
            inputs = [number, other] if position == 0 else [other, number]
            return make_node(node.op_def, inputs, [node.output.dims], node)
    return None


def _multiply_chain(node: Node) -> Result:
    """Multiply by the product of two scalar constants, in place of one after the other."""
    inner, outer_factor = _scaled(node)
    if inner is None or inner.node is None or inner.node.op_def.name != "Mul" or inner.node.controls:
        return None
    x, inner_factor = _scaled(inner.node)
    if x is None or x.is_handle:
        return None
    assert inner_factor is not None and outer_factor is not None
    with np.errstate(over="ignore"):
        product = np.multiply(inner_factor, outer_factor)
    if not x.dtype.is_integer:
        # Both must grow or both shrink, or the first product might overflow where the two factors' product does not.
        sizes = abs(float(inner_factor)), abs(float(outer_factor))
        limits = np.finfo(product.dtype) if product.dtype.kind == "f" else None
        if limits is None or not (min(sizes) >= 1 or max(sizes) <= 1) or not limits.tiny <= abs(product) <= limits.max:
            return None
    factor = np.asarray(product, dtype=outer_factor.dtype)
    constant = constant_node(factor, x.dtype, node, name=f"{node.name}/factor")
    scaled = make_node(node.op_def, [x, constant.output], [node.output.dims], node)
    return [constant, scaled]


def _scaled(node: Node) -> tuple[Edge | None, np.ndarray | None]:
    """Return what a product multiplies by a scalar constant, and the constant."""
    for edge, other in (node.inputs, node.inputs[::-1]):
        value = constant_value(other)
        if value is not None and value.ndim == 0 and value.dtype.kind in "fiu":
            return edge, value
    return None, None


def _cancels_itself(node: Node, shapes: Shapes) -> Result:
    inner = node.inputs[0].node
    if inner is None or inner.op_def is not node.op_def or inner.controls or inner.inputs[0].is_handle:
        return None
    return inner.inputs[0]


def _power(node: Node, shapes: Shapes) -> Result:
    x, y = node.inputs
    if x.is_handle or not _keeps_shape(x, y, node.output):
        return None
    if _is_all(y, 1):
        return x
    return make_node(lookup("Square"), [x], [node.output.dims], node) if _is_all(y, 2) else None


def _cast(node: Node, shapes: Shapes) -> Result:
    if node.attrs["SrcT"] is node.attrs["DstT"]:
        return _identity(node, shapes)
    inner = node.inputs[0].node
    if inner is None or inner.op_def.name != "Size" or inner.controls or not node.output.dtype.is_floating:
        return None
    return make_node(size_as_op, inner.inputs, [()], node, DstT=node.attrs["DstT"])


def _transpose(node: Node, shapes: Shapes) -> Result:
    x, perm = node.inputs[0], constant_value(node.inputs[1])
    if perm is None or x.is_handle:
        return None
    if x.dims is not None and perm.tolist() == list(range(len(x.dims))):
        return x
    inner = x.node
    if inner is not None and inner.op_def.name in _SUMS and not inner.controls:
        return _keep_axes(inner, node)
    if inner is None or inner.op_def is not node.op_def or inner.controls or inner.inputs[0].is_handle:
        return None
    first = constant_value(inner.inputs[1])
    if first is None or first.shape != perm.shape or sorted(perm.tolist()) != list(range(perm.size)):
        return None
    both = first[perm]
    if both.tolist() == list(range(both.size)):
        return inner.inputs[0]
    constant = constant_node(both, node.inputs[1].dtype, node, name=f"{node.name}/perm")
    return [constant, make_node(node.op_def, [inner.inputs[0], constant.output], [node.output.dims], node)]


def _reshape(node: Node, shapes: Shapes) -> Result:
    x, sizes = node.inputs
    if x.is_handle:
        return None
    if _is_static(x) and x.dims == node.output.dims:
        return x
    if sizes.node is not None and sizes.node.op_def.name == "Shape":
        if shapes.of(sizes.node.inputs[0]) is shapes.of(x):
            return x
    inner = x.node
    if inner is not None and inner.op_def.name in _SUMS and not inner.controls:
        return _keep_axes(inner, node)
    if inner is None or inner.op_def is not node.op_def or inner.controls or inner.inputs[0].is_handle:
        return None
    if not (_is_static(inner.inputs[0]) and _is_static(x)):
        return None  # the inner one may fail
    if inner.inputs[0].dims == node.output.dims:
        return inner.inputs[0]
    return make_node(node.op_def, [inner.inputs[0], sizes], [node.output.dims], node)


_SUMS = ("Sum", "Mean", "Max", "Min", "Prod")


def _keep_axes(reduction: Node, node: Node) -> Result:
    """Let a reduction keep its axes where a reshape brings them back."""
    x, axes = reduction.inputs[0], constant_value(reduction.inputs[1])
    if reduction.attrs["keep_dims"] or axes is None or not _is_static(x) or x.is_handle:
        return None
    reduced = {axis % len(x.dims or ()) for axis in axes.ravel().tolist()}
    dims = tuple(1 if axis in reduced else size for axis, size in enumerate(x.dims or ()))
    if node.output.dims != dims:
        return None
    return make_node(reduction.op_def, reduction.inputs, [dims], node, keep_dims=True)


def _broadcast_to(node: Node, shapes: Shapes) -> Result:
    x, sizes = node.inputs
    if not _is_static(x) or x.is_handle:
        return None
    if x.dims == node.output.dims:
        return x
    inner = x.node
    if inner is not None and inner.op_def.name == "Reshape" and not inner.controls and node.output.dims is not None:
        number = inner.inputs[0]
        if number.dims == () and not number.is_handle and x.dims == (1,) and node.output.dims:
            return make_node(node.op_def, [number, sizes], [node.output.dims], node)
    return None


def _reduction(node: Node, shapes: Shapes) -> Result:
    axes = constant_value(node.inputs[1])
    return node.inputs[0] if axes is not None and axes.size == 0 and not node.inputs[0].is_handle else None


def _filled(number: int) -> Callable[[Node, Shapes], Result]:
    def rule(node: Node, shapes: Shapes) -> Result:
        sizes, dtype = _sizes(node.inputs[0]), node.output.dtype
        if sizes is None or not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            return None
        if dtype.is_quantized or math.prod(sizes) > _LARGEST_FILLED:
            return None
        value = np.full(sizes, number, dtype.as_numpy_dtype)
        return constant_node(value, dtype, node)

    return rule


def _number(node: Node, value: Any) -> Node:
    edge = node.output
    return constant_node(np.asarray(value, edge.dtype.as_numpy_dtype), edge.dtype, node)


def _shape(node: Node, shapes: Shapes) -> Result:
    x = node.inputs[0]
    if _is_static(x):
        return _number(node, x.dims)
    edge = shapes.made.setdefault((shapes.of(x), node.output.dtype), node.output)
    return None if edge is node.output else edge


def _size(node: Node, shapes: Shapes) -> Result:
    sizes = _sizes(node.inputs[0])
    return None if sizes is None else _number(node, math.prod(sizes))


def _rank(node: Node, shapes: Shapes) -> Result:
    dims = node.inputs[0].dims
    return None if dims is None else _number(node, len(dims))


def _broadcast_gradient_args(node: Node, shapes: Shapes) -> Result:
    """Operands of one shape are summed over no axes."""
    if node.inputs[0] is not node.inputs[1]:
        return None
    empty = np.zeros(0, node.outputs[0].dtype.as_numpy_dtype)
    return [constant_node(empty, edge.dtype, node, edge.output) for edge in node.outputs]


_RULES: dict[str, Callable[[Node, Shapes], Result]] = {
    "Identity": _identity,
    "StopGradient": _identity,
    "PreventGradient": _identity,
    "PlaceholderWithDefault": _identity,
    "Snapshot": _identity,
    "Add": _add,
    "AddV2": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "RealDiv": _by_one,
    "Div": _by_one,
    "FloorDiv": _whole_by_one,
    "TruncateDiv": _whole_by_one,
    "Neg": _cancels_itself,
    "LogicalNot": _cancels_itself,
    "Pow": _power,
    "Cast": _cast,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "BroadcastTo": _broadcast_to,
    "Sum": _reduction,
    "Mean": _reduction,
    "Prod": _reduction,
    "Max": _reduction,
    "Min": _reduction,
    "All": _reduction,
    "Any": _reduction,
    "ZerosLike": _filled(0),
    "OnesLike": _filled(1),
    "StridedSlice": lambda node, shapes: element_of_stack(node),
    "TensorListFromTensor": lambda node, shapes: list_of_one_element(node),
    "Shape": _shape,
    "Size": _size,
    "Rank": _rank,
    "BroadcastGradientArgs": _broadcast_gradient_args,
}
