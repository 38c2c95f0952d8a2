"""Which sizes are equal although they are not known: the size of a batch reaches many tensors.

A size that is not known while a graph is built comes from somewhere: the same axis of a placeholder, say. `origin`
follows it through operations that keep sizes, into the bodies of loops as well, where the sizes of the loop variables
are those of the initial values if the body keeps them so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.inference import static_value
from penstock.core.shape_rules import broadcasting, unchanged
from penstock.core.tensor import SymbolicTensor, Tensor

# A known size, or the id of a tensor and an axis of it.
Origin = Any

_DEEPEST = 200


def same_shape(x: Tensor, y: Tensor) -> bool:
    """Tell whether two tensors of a graph have the same shape in every run, as far as that can be seen."""
    dims, other = x.dims, y.dims
    if dims is None or other is None or len(dims) != len(other):
        return False
    if not isinstance(x, SymbolicTensor) or not isinstance(y, SymbolicTensor):
        return dims == other and None not in dims
    if any(a is not None and b is not None and a != b for a, b in zip(dims, other, strict=True)):
        return False
    return all(origin(x, axis) == origin(y, axis) for axis in range(len(dims)))


def origin(tensor: SymbolicTensor, axis: int) -> Origin:
    """Return what a size of a tensor is the same as: equal origins mean equal sizes.

    Args:
        tensor: a tensor of known rank.
        axis: one of its axes, not negative.
    """
    return _origin(tensor, axis, _DEEPEST)


def _origin(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    dims = tensor.dims
    if dims is None or axis >= len(dims):
        return id(tensor), axis
    if dims[axis] is not None:
        return dims[axis]
    known = _known_origins(tensor.op.graph)
    key = id(tensor), axis
    found = None if known is None else known.get(key)
    if found is None:
        if depth > 0:
            found = _through_operation(tensor, axis, depth - 1)
        found = key if found is None else found
        if known is not None:
            known[key] = found
    return found


def _through_operation(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    op = tensor.op
    rule = _RULES.get(op.type)
    if rule is not None:
        return rule(tensor, axis, depth)
    if op.op_def.shape_rule is unchanged and op.inputs:
        return _of_input(tensor, 0, axis, depth)
    if op.op_def.shape_rule is broadcasting:
        return _broadcast(tensor, axis, depth)
    return None


def _known_origins(graph: Any) -> dict[tuple[int, int], Origin] | None:
    """Return the origins found so far in a graph; None for the body of what may become a loop, where more will be known
    once the loop is there."""
    if graph.building_function and "_kept_sizes_are_final" not in graph.__dict__:
        return None
    known: dict[tuple[int, int], Origin] = graph.__dict__.setdefault("_origins", {})
    return known


def _of_input(tensor: SymbolicTensor, index: int, axis: int, depth: int) -> Origin:
    given = tensor.op.inputs[index]
    return None if given.dims is None else _origin(given, axis, depth)


def _broadcast(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    rank = len(tensor.dims or ())
    found = set()
    for given in tensor.op.inputs:
        if given.dims is None:
            return None
        own = axis - (rank - len(given.dims))
        if own >= 0 and given.dims[own] != 1:
            found.add(_origin(given, own, depth))
    return found.pop() if len(found) == 1 else None


def _first(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    return _of_input(tensor, 0, axis, depth)


def _second(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    return _of_input(tensor, 1, axis, depth)


def _normalized(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    return None if tensor.value_index else _of_input(tensor, 0, axis, depth)


def _batch(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    """Follow the batch of images, whose other sizes change."""
    return None if axis or tensor.value_index else _of_input(tensor, 0, 0, depth)


def _matrix_product(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    flag = tensor.op.attrs["transpose_b" if axis else "transpose_a"]
    return _of_input(tensor, axis, 1 - axis if flag else axis, depth)


def _split(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    position = 0 if tensor.op.type == "Split" else 2
    return _unless_along(tensor, position, 1 - position if position == 0 else 0, axis, depth)


def _unless_along(tensor: SymbolicTensor, position: int, given: int, axis: int, depth: int) -> Origin:
    """Follow an input, unless the axis is the one that the operation changes."""
    changed = static_value(tensor.op.inputs[position])
    if changed is None or int(changed) % len(tensor.dims or (0,)) == axis:
        return None
    return _of_input(tensor, given, axis, depth)


def _concatenation(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    return _unless_along(tensor, len(tensor.op.inputs) - 1, 0, axis, depth)


def _transpose(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    order = static_value(tensor.op.inputs[1])
    return None if order is None else _of_input(tensor, 0, int(order[axis]), depth)


def _filled(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    return _element(tensor.op.inputs[0], axis, depth)


def _element(vector: SymbolicTensor, index: int, depth: int) -> Origin:
    """Return the origin of an element of a vector of sizes."""
    op = vector.op
    if depth <= 0 or vector.dims is None or len(vector.dims) != 1:
        return None
    if op.type == "Shape" and op.inputs[0].dims is not None:
        return _origin(op.inputs[0], index, depth - 1)
    if op.type == "Pack":
        return _scalar(op.inputs[index], depth - 1)
    if op.type == "ConcatV2":
        for part in op.inputs[:-1]:
            length = part.dims[0] if part.dims else None
            if length is None:
                return None
            if index < length:
                return _element(part, index, depth - 1)
            index -= length
    if op.type == "Const":
        return int(op.attrs["value"][index])
    if op.type in ("Identity", "StopGradient"):
        return _element(op.inputs[0], index, depth - 1)
    return None


def _scalar(value: SymbolicTensor, depth: int) -> Origin:
    """Return the origin of a size that is a tensor without dimensions."""
    op = value.op
    if op.type == "Const":
        return int(op.attrs["value"])
    if op.type == "Identity":
        return _scalar(op.inputs[0], depth - 1) if depth > 0 else None
    if op.type == "StridedSlice" and op.attrs["shrink_axis_mask"] == 1 and op.inputs[0].dims is not None:
        begin = static_value(op.inputs[1])
        if begin is not None and len(begin) == 1:
            size = op.inputs[0].dims[0] if op.inputs[0].dims else None
            index = int(begin[0])
            if index >= 0 or size is not None:
                return _element(op.inputs[0], index if index >= 0 else index + size, depth - 1)  # type: ignore[operator]
    return (id(value), "value")


def _argument(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    """Follow an argument of a function to what it was called with."""
    outside = _outside(tensor)
    if outside is None:
        return None
    value, index = outside
    function: Any = tensor.op.graph
    if index is None or function.outputs[index] is tensor:
        return _origin(value, axis, depth) if value.dims is not None else None
    kept = kept_sizes(function)
    return _origin(value, axis, depth) if (index, axis) in kept and value.dims is not None else None


def _outside(tensor: SymbolicTensor) -> tuple[SymbolicTensor, int | None] | None:
    """Return what a loop was given for an argument of its body, and which argument that is, or what was captured."""
    function: Any = tensor.op.graph
    loop = getattr(function, "loop", None)
    if loop is not None:
        index = next((i for i, given in enumerate(function.inputs) if given is tensor), None)
        if index is not None and index < len(loop.inputs):
            return loop.inputs[index], index
    for outer, inner in getattr(function, "captures", ()):
        if inner is tensor and isinstance(outer, SymbolicTensor):
            return outer, None
    return None


def kept_sizes(body: Any) -> set[tuple[int, int]]:
    """Return (argument, axis) of the unknown sizes that a loop's body keeps as they are initially.

    All are first taken to be kept; those that the body then changes are taken out until none does.
    """
    known = body.__dict__.get("_kept_sizes")
    if known is not None:
        return known
    inputs = body.loop.inputs
    kept = {
        (index, axis)
        for index, (given, argument) in enumerate(zip(inputs, body.inputs, strict=False))
        if argument.dims is not None and given.dims is not None and len(given.dims) == len(argument.dims)
        for axis, size in enumerate(argument.dims)
        if size is None
    }
    while True:
        body.__dict__["_kept_sizes"] = kept
        stays = {
            (index, axis)
            for index, axis in kept
            if body.outputs[index].dims is not None
            and len(body.outputs[index].dims) > axis
            and origin(body.outputs[index], axis) == origin(inputs[index], axis)
        }
        if stays == kept:
            body.__dict__["_kept_sizes_are_final"] = True
            return kept
        kept = stays


def _list_element(tensor: SymbolicTensor, axis: int, depth: int) -> Origin:
    """Follow an element of a list of tensors to the tensor that the list was made from."""
    source: SymbolicTensor | None = tensor.op.inputs[0]
    while source is not None and depth > 0:
        depth -= 1
        if source.op.type == "TensorListFromTensor":
            return _of_input(source, 0, axis + 1, depth)
        if source.op.type == "Placeholder":
            found = _outside(source)
            function: Any = source.op.graph
            is_kept = found is not None and (found[1] is None or function.outputs[found[1]] is source)
            source = found[0] if found is not None and is_kept else None
        elif source.op.type == "Identity":
            source = source.op.inputs[0]
        else:
            return None
    return None


_RULES: dict[str, Callable[[SymbolicTensor, int, int], Origin]] = {
    "AvgPool": _batch,
    "BiasAdd": _first,
    "ConcatV2": _concatenation,
    "Conv2D": _batch,
    "DepthwiseConv2dNative": _batch,
    "Fill": _filled,
    "FusedBatchNorm": _normalized,
    "FusedBatchNormV2": _normalized,
    "FusedBatchNormV3": _normalized,
    "MatMul": _matrix_product,
    "MaxPool": _batch,
    "Placeholder": _argument,
    "Select": _second,
    "Softmax": _first,
    "Split": _split,
    "SplitV": _split,
    "TensorListGetItem": _list_element,
    "Transpose": _transpose,
}
