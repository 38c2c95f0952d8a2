"""Nodes and graphs as GraphDef messages.

Written over duck-typed operations, so that `operation.py` can offer `node_def` without knowing this file's callers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.core.dtypes import DType, as_dtype
from penstock.core.shape import Dims
from penstock.formats import protos
from penstock.formats.tensor_proto import to_tensor_proto

if TYPE_CHECKING:
    from penstock.core.graph import Graph
    from penstock.core.operation import Operation

PRODUCER_VERSION = 2417  # the GraphDef version that TensorFlow 2.21 writes
MIN_CONSUMER_VERSION = 12


def shape_proto(dims: Dims) -> Any:
    """Return a TensorShapeProto for a raw shape."""
    if dims is None:
        return protos.TensorShapeProto(unknown_rank=True)
    dim = [protos.TensorShapeProto.Dim(size=-1 if size is None else size) for size in dims]
    return protos.TensorShapeProto(dim=dim)


def dims_from_proto(proto: Any) -> Dims:
    """Return the raw shape that a TensorShapeProto describes."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)


def _tensor_proto(value: Any, dtype: DType) -> Any:
    return to_tensor_proto(np.asarray(value), enum=dtype.as_datatype_enum)


def public_attr(kind: str | None, value: Any, dtype: DType | None = None) -> Any:
    """Return an attribute as `Operation.get_attr` gives it: messages for shapes and constants."""
    if kind == "shape":
        return shape_proto(value)
    if kind == "list(shape)":
        return [shape_proto(dims) for dims in value]
    if kind == "tensor" and dtype is not None:
        return _tensor_proto(value, dtype)
    return value


def attr_value(kind: str | None, value: Any, dtype: DType | None = None, names: dict[int, str] | None = None) -> Any:
    """Return an AttrValue message for an attribute of `kind`; without a kind, it follows from the value.

    Args:
        kind: the kind, as GraphDefs name it.
        value: the attribute.
        dtype: the type of a constant.
        names: id of a function's body -> the name that the function is written under, where it is not the body's own.
    """
    if isinstance(value, protos.AttrValue):
        return value
    message = protos.AttrValue()
    if kind is None:
        kind = _guess_kind(value)
    if kind.startswith("list("):
        _fill_list(message.list, kind[5:-1], value, names or {})
    elif kind == "type":
        message.type = value.as_datatype_enum
    elif kind == "shape":
        message.shape.CopyFrom(shape_proto(value))
    elif kind == "tensor":
        message.tensor.CopyFrom(_tensor_proto(value, as_dtype(np.asarray(value).dtype) if dtype is None else dtype))
    elif kind == "string":
        message.s = value.encode() if isinstance(value, str) else value
    elif kind == "int":
        message.i = int(value)
    elif kind == "float":
        message.f = float(value)
    elif kind == "bool":
        message.b = bool(value)
    elif kind == "func":
        message.func.name = _function_name(value, names or {})
    return message


def _function_name(value: Any, names: dict[int, str]) -> str:
    return value if isinstance(value, str) else names.get(id(value), value.name)


def _fill_list(message: Any, kind: str, values: Any, names: dict[int, str]) -> None:
    message.SetInParent()
    if kind == "type":
        message.type.extend(item.as_datatype_enum for item in values)
    elif kind == "shape":
        message.shape.extend(shape_proto(dims) for dims in values)
    elif kind == "string":
        message.s.extend(item.encode() if isinstance(item, str) else item for item in values)
    elif kind == "int":
        message.i.extend(int(item) for item in values)
    elif kind == "float":
        message.f.extend(float(item) for item in values)
    elif kind == "bool":
        message.b.extend(bool(item) for item in values)
    elif kind == "func":
        for item in values:
            message.func.add(name=_function_name(item, names))


def _guess_kind(value: Any) -> str:
    for kind, types in (("bool", bool), ("int", int), ("float", float), ("string", (str, bytes)), ("type", DType)):
        if isinstance(value, types):
            return kind
    if isinstance(value, (list, tuple)):
        return f"list({_guess_kind(value[0])})" if value else "list(int)"
    return "func"


def node_def(op: Operation, names: dict[int, str] | None = None) -> Any:
    """Return an operation as a NodeDef message; see `attr_value` for `names`."""
    called = op.op_def.body
    op_type = op.type if called is None else _function_name(called, names or {})
    message = protos.NodeDef(name=op.name, op=op_type, device=op.device)
    message.input.extend(t.op.name if t.value_index == 0 else f"{t.op.name}:{t.value_index}" for t in op.inputs)
    message.input.extend(f"^{control.name}" for control in op.control_inputs)
    attributes = op.op_def.attributes
    for name, value in op.attrs.items():
        if name not in attributes and (value is None or callable(value)):
            continue  # a Python gradient function has no place in a message
        if value is called and called is not None:
            continue  # the operation's own name says which function it calls
        attribute = attributes.get(name)
        dtype = op.attrs.get("dtype") if attribute is not None and attribute.kind == "tensor" else None
        message.attr[name].CopyFrom(attr_value(attribute.kind if attribute else None, value, dtype, names))
    return message


def graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """Return a graph as a GraphDef message.

    Args:
        graph: the graph.
        from_version: leave out the nodes that were there when the graph had this version.
        add_shapes: attach the static shapes of outputs as `_output_shapes`.
    """
    message = protos.GraphDef()
    library = Library(graph)
    message.versions.producer = PRODUCER_VERSION
    message.versions.min_consumer = MIN_CONSUMER_VERSION
    for op in graph.get_operations():
        if from_version is not None and op.index < from_version:
            continue
        node = message.node.add()
        node.CopyFrom(node_def(op, library.names))
        if add_shapes and op.outputs:
            _add_shapes(node, op)
    library.write(message.library, add_shapes)
    return message


def _add_shapes(node: Any, op: Operation) -> None:
    shapes = node.attr["_output_shapes"].list
    shapes.SetInParent()
    shapes.shape.extend(shape_proto(tensor.dims) for tensor in op.outputs)


class Library:
    """The functions that a graph calls, directly or in bodies of functions, each with a name of its own.

    Args:
        graph: the graph.

    Attributes:
        names: id of a function's body -> the name that it is written under.
        handles: id of an argument that is the handle of a variable -> the variable's type and shape.
    """

    def __init__(self, graph: Graph) -> None:
        self.names: dict[int, str] = {}
        self.handles: dict[int, tuple[DType, Dims]] = {}
        self._bodies: list[Any] = []
        self._taken: set[str] = set()
        for body in graph._functions.values():
            self._add(body)
        self._visit(graph)

    def _visit(self, graph: Any) -> None:
        for op in graph.get_operations():
            if op.type == "VarHandleOp":
                self.handles[id(op.outputs[0])] = op.attrs["dtype"], op.attrs["shape"]
            for body in bodies_of(op):
                given = op.inputs[len(op.inputs) - len(body.inputs) :]
                for tensor, inside in zip(given, body.inputs, strict=False):
                    if id(tensor) in self.handles:
                        self.handles[id(inside)] = self.handles[id(tensor)]
                self._add(body)

    def _add(self, body: Any) -> None:
        if id(body) in self.names:
            return
        name, count = body.name, 0
        while name in self._taken:
            count += 1
            name = f"{body.name}_{count}"
        self._taken.add(name)
        self.names[id(body)] = name
        self._bodies.append(body)
        for outside, inside in body.captures:
            variable: Any = getattr(outside, "value", None)
            if inside.dtype.name == "resource" and hasattr(variable, "dims"):
                self.handles[id(inside)] = variable.dtype, variable.dims
        self._visit(body)
        if body.gradient is not None and body.has_own_gradient:
            self._add(body.gradient)

    def write(self, message: Any, add_shapes: bool = False) -> None:
        """Add the functions, and which function is whose gradient, to a FunctionDefLibrary message."""
        for body in self._bodies:
            message.function.add().CopyFrom(function_def(body, self.names, add_shapes, self.handles))
            if body.gradient is not None and body.has_own_gradient:
                message.gradient.add(function_name=self.names[id(body)], gradient_func=self.names[id(body.gradient)])


def bodies_of(op: Operation) -> list[Any]:
    """Return the bodies of the functions that an operation calls."""
    found: list[Any] = []
    for value in op.attrs.values():
        items = value if isinstance(value, (list, tuple)) else (value,)
        found.extend(item for item in items if getattr(item, "building_function", False))
    return found


# Functions


def function_def(
    body: Any,
    names: dict[int, str] | None = None,
    add_shapes: bool = False,
    handles: dict[int, tuple[DType, Dims]] | None = None,
) -> Any:
    """Return a function as a FunctionDef message.

    Args:
        body: its FuncGraph.
        names: id of a body -> the name that the function is written under.
        add_shapes: attach the static shapes of outputs to its nodes as `_output_shapes`, and say of variables whose
            handles it takes what they are.
        handles: id of such an argument -> the variable's type and shape.
    """
    names = names or {}
    message = protos.FunctionDef()
    message.signature.name = _function_name(body, names)
    ops = _needed(body)
    nodes = {op.name for op in ops}
    arguments = _argument_names(body, nodes)
    for index, tensor in enumerate(body.inputs):
        name = arguments[id(tensor)]
        argument = message.signature.input_arg.add(name=name, type=tensor.dtype.base_dtype.as_datatype_enum)
        argument.is_ref = tensor.dtype._is_ref_dtype
        if add_shapes and handles and id(tensor) in handles:
            dtype, dims = handles[id(tensor)]
            argument.handle_data.add(dtype=dtype.as_datatype_enum, shape=shape_proto(dims))
        shapes = message.arg_attr[index].attr["_output_shapes"].list
        shapes.shape.add().CopyFrom(shape_proto(tensor.dims))
    for op in ops:
        node = message.node_def.add()
        node.CopyFrom(node_def(op, names))
        if add_shapes and op.outputs:
            _add_shapes(node, op)
        del node.input[:]
        node.input.extend(_reference(tensor, arguments) for tensor in op.inputs)
        node.input.extend(f"^{control.name}" for control in op.control_inputs if control.name in nodes)
    returned: set[str] = set()
    for index, tensor in enumerate(body.outputs):
        given = body.output_names[index] if index < len(body.output_names) else tensor.op.name.rsplit("/", 1)[-1]
        name = _argument_name(given, returned)
        message.signature.output_arg.add(name=name, type=tensor.dtype.base_dtype.as_datatype_enum)
        message.ret[name] = _reference(tensor, arguments)
    for op in ops:
        if op.op_def.is_stateful and op.type not in ("Placeholder", "VarHandleOp", "ReadVariableOp"):
            message.signature.is_stateful = True
            name = _argument_name(op.name, returned)
            message.signature.control_output.append(name)
            message.control_ret[name] = op.name
    for name, value in body.function_attributes.items():
        message.attr[name].CopyFrom(attr_value(None, value))
    return message


def _argument_names(body: Any, nodes: set[str]) -> dict[int, str]:
    taken = set(nodes)
    return {id(tensor): _argument_name(tensor.op.name, taken) for tensor in body.inputs}


def written_name(tensor: Any, body: Any) -> str:
    """Return the name that a tensor of a function has in the graph that is made from the function's message."""
    arguments = _argument_names(body, {op.name for op in _needed(body)})
    return f"{arguments[id(tensor)]}:0" if id(tensor) in arguments else tensor.name


def _needed(body: Any) -> list[Operation]:
    """Return the operations that run when a function is called, its arguments left out."""
    arguments = {tensor.op for tensor in body.inputs}
    operations = body.get_operations()
    stack = [tensor.op for tensor in body.outputs]
    stack.extend(body.control_outputs)
    stack.extend(body.kept)
    stack.extend(op for op in operations if op.op_def.is_stateful)
    found: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op not in found and op not in arguments:
            found.add(op)
            stack.extend(tensor.op for tensor in op.inputs)
            stack.extend(op.control_inputs)
    return [op for op in operations if op in found]


def _argument_name(name: str, taken: set[str]) -> str:
    """Return a name that an argument of a signature may have, like `name` and not yet taken."""
    base = "".join(c if c.isalnum() and c.isascii() else "_" for c in name).lower().lstrip("_0123456789") or "arg"
    candidate, count = base, 0
    while candidate in taken:
        count += 1
        candidate = f"{base}_{count}"
    taken.add(candidate)
    return candidate


def _reference(tensor: Any, arguments: dict[int, str]) -> str:
    """Return how nodes of a function refer to a tensor: an argument, or `<node>:<output>:<index>`."""
    if id(tensor) in arguments:
        return arguments[id(tensor)]
    position = tensor.value_index
    for name, size in output_sizes(tensor.op.op_def, tensor.op.attrs):
        if position < size:
            return f"{tensor.op.name}:{name}:{position}"
        position -= size
    raise AssertionError(f"{tensor.name} is no output of its operation")


def output_sizes(op_def: Any, attrs: Any) -> list[tuple[str, int]]:
    """Return the names of an operation's outputs, with the number of tensors that each stands for.

    Args:
        op_def: the operation.
        attrs: its attributes.
    """
    result = []
    for output in op_def.outputs:
        if output.list_attr is not None:
            size = len(attrs[output.list_attr])
        else:
            size = attrs[output.number_attr] if output.number_attr is not None else 1
        result.append((output.name, size))
    return result
