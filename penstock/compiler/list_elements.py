"""Single elements of lists that are stacked only to be taken apart again: the last output of a recurrent layer."""

from __future__ import annotations

import numpy as np

from penstock.compiler.constants import constant_node, constant_value
from penstock.compiler.dataflow import Edge, Node, make_node
from penstock.core.dtypes import int32
from penstock.core.op_def import lookup


def element_of_stack(node: Node) -> list[Node] | None:
    """Return the nodes that take an element from a list instead of from all its elements, stacked and perhaps
    transposed, or None.

    Args:
        node: a StridedSlice.
    """
    chosen = _chosen(node)
    if chosen is None:
        return None
    stack, axes = _before_transposing(node.inputs[0])
    axis, index = chosen
    made = stack.node
    # What is left of the axes must stand in the order of the elements' own.
    rest = [place for position, place in enumerate(axes) if position != axis]
    if made is None or made.op_def.name != "TensorListStack" or made.controls or axes[axis] or rest != sorted(rest):
        return None
    count = made.attrs["num_elements"]
    if count < 0 or not -count <= index < count:
        return None
    place = constant_node(np.asarray(index % count, np.int32), int32, node, name=f"{node.name}/index")
    given = [made.inputs[0], place.output, made.inputs[1]]
    dtype = node.output.dtype.base_dtype
    item = make_node(lookup("TensorListGetItem"), given, [node.output.dims], node, element_dtype=dtype)
    return [place, item]


def list_of_one_element(node: Node) -> list[Node] | None:
    """Return the nodes that make a list all of whose elements but one are zeros, instead of making and taking apart an
    array of zeros, or None.

    Args:
        node: a TensorListFromTensor.
    """
    spread, axes = _before_transposing(node.inputs[0])
    made = spread.node
    if made is None or made.op_def.name != "StridedSliceGrad" or made.controls:
        return None
    chosen = _chosen(made)
    if chosen is None or len(axes) != len(spread.dims or ()):
        return None
    axis, index = chosen
    rest = [place for place in axes if place != axis]
    count = (spread.dims or ())[axis]
    if axes[0] != axis or rest != sorted(rest) or count is None or not -count <= index < count:
        return None
    place = constant_node(np.asarray(index % count, np.int32), int32, node, name=f"{node.name}/index")
    size = constant_node(np.asarray(count, np.int32), int32, node, name=f"{node.name}/count")
    dtype = node.attrs["element_dtype"]
    element, shape = made.inputs[4], node.inputs[1]
    before: list[Node] = []
    if constant_value(shape) is None:
        # It was asked from what is not made any more.
        before = [make_node(lookup("Shape"), [element], [(len(rest),)], node, f"{node.name}/shape", out_type=int32)]
        shape = before[0].output
    blank = make_node(
        lookup("TensorListReserve"), [shape, size.output], [()], node, f"{node.name}/blank", element_dtype=dtype
    )
    item = make_node(lookup("TensorListSetItem"), [blank.output, place.output, element], [()], node)
    return [*before, place, size, blank, item]


def _before_transposing(edge: Edge) -> tuple[Edge, list[int]]:
    """Return what a value is a transposed form of, or itself, and which axis of that each of its axes is."""
    node = edge.node
    if node is not None and node.op_def.name == "Transpose" and not node.controls:
        order = constant_value(node.inputs[1])
        if order is not None:
            return node.inputs[0], [int(axis) for axis in order]
    return edge, list(range(len(edge.dims or ())))


def _chosen(node: Node) -> tuple[int, int] | None:
    """Return the axis and the position of what a slice takes, if it takes all that has one position on one axis."""
    begin, end, strides = (constant_value(edge) for edge in node.inputs[1:4])
    attrs = node.attrs
    if begin is None or end is None or strides is None or attrs["ellipsis_mask"] or attrs["new_axis_mask"]:
        return None
    found: tuple[int, int] | None = None
    for axis, (first, stride) in enumerate(zip(begin.tolist(), strides.tolist(), strict=True)):
        is_first, is_last, is_one = (attrs[name] >> axis & 1 for name in ("begin_mask", "end_mask", "shrink_axis_mask"))
        if is_one and not is_first and found is None:
            found = axis, first
        elif is_one or not is_first or not is_last or stride != 1:
            return None
    return found
