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


def attr_value(kind: str | None, value: Any, dtype: DType | None = None) -> Any:
    """Return an AttrValue message for an attribute of `kind`; without a kind, it follows from the value."""
    message = protos.AttrValue()
    if kind is None:
        kind = _guess_kind(value)
    if kind.startswith("list("):
        _fill_list(message.list, kind[5:-1], value)
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
        message.func.name = value if isinstance(value, str) else value.name
    return message


def _fill_list(message: Any, kind: str, values: Any) -> None:
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
            message.func.add(name=item if isinstance(item, str) else item.name)


def _guess_kind(value: Any) -> str:
    for kind, types in (("bool", bool), ("int", int), ("float", float), ("string", (str, bytes)), ("type", DType)):
        if isinstance(value, types):
            return kind
    if isinstance(value, (list, tuple)):
        return f"list({_guess_kind(value[0])})" if value else "list(int)"
    return "func"


def node_def(op: Operation) -> Any:
    """Return an operation as a NodeDef message."""
    message = protos.NodeDef(name=op.name, op=op.type, device=op.device)
    message.input.extend(t.op.name if t.value_index == 0 else f"{t.op.name}:{t.value_index}" for t in op.inputs)
    message.input.extend(f"^{control.name}" for control in op.control_inputs)
    attributes = op.op_def.attributes
    for name, value in op.attrs.items():
        if name not in attributes and (value is None or callable(value)):
            continue  # a Python gradient function has no place in a message
        attribute = attributes.get(name)
        dtype = op.attrs.get("dtype") if attribute is not None and attribute.kind == "tensor" else None
        message.attr[name].CopyFrom(attr_value(attribute.kind if attribute else None, value, dtype))
    return message


def graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """Return a graph as a GraphDef message.

    Args:
        graph: the graph.
        from_version: leave out the nodes that were there when the graph had this version.
        add_shapes: attach the static shapes of outputs as `_output_shapes`.
    """
    message = protos.GraphDef()
    message.versions.producer = PRODUCER_VERSION
    message.versions.min_consumer = MIN_CONSUMER_VERSION
    for op in graph.get_operations():
        if from_version is not None and op.index < from_version:
            continue
        node = message.node.add()
        node.CopyFrom(node_def(op))
        if add_shapes and op.outputs:
            shapes = node.attr["_output_shapes"].list
            shapes.SetInParent()
            shapes.shape.extend(shape_proto(tensor.dims) for tensor in op.outputs)
    return message
