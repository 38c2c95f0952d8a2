"""Writing a graph together with its collections, as the file `.meta` beside a checkpoint has it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from google.protobuf import text_format

from penstock.core.dtypes import DType
from penstock.core.errors import NotFoundError
from penstock.core.graph import Graph, get_default_graph
from penstock.core.graph_def import attr_value
from penstock.core.graph_keys import GraphKeys
from penstock.core.op_def import REQUIRED, Argument, Attribute, OpDef, lookup
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor
from penstock.formats import protos
from penstock.graphs.files import write_file

_LOG = logging.getLogger("tensorflow")
_TENSORFLOW_VERSION = "2.21.0"


def export_meta_graph(
    filename: Any = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Sequence[Any] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> Any:
    """Return a MetaGraphDef: a graph, its collections and how it is saved; and write it, if a file is named.

    Args:
        filename: where to write it.
        meta_info_def: a MetaInfoDef to begin with.
        graph_def: the nodes, by default those of `graph`.
        saver_def: how to save and restore, as `Saver.as_saver_def` gives it.
        collection_list: names of the collections to take, by default all.
        as_text: whether the file is text.
        graph: by default the default graph.
        export_scope: take only nodes within this name scope, with names relative to it.
        clear_devices: whether requested devices are left out.
        clear_extraneous_savers: whether nodes and collections of savers other than that of `saver_def` are left out.
        strip_default_attrs: whether attributes that have their default values are left out, so that older readers that
            do not know them can read the graph.
        save_debug_info: accepted as TensorFlow does.
        kwargs: accepted and unused.
    Raises:
        OpError: if the file cannot be written.
    """
    graph = graph or get_default_graph()
    scope = export_scope.rstrip("/") if export_scope else ""
    message = protos.MetaGraphDef()
    if meta_info_def is not None:
        message.meta_info_def.CopyFrom(meta_info_def)
    message.graph_def.CopyFrom(graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def)
    if clear_extraneous_savers and saver_def is not None:
        _remove_savers(message.graph_def, saver_def)
    if scope:
        _keep_scope(message.graph_def, scope)
    if clear_devices:
        for node in message.graph_def.node:
            node.device = ""
    _describe(message.meta_info_def, message.graph_def)
    if strip_default_attrs:
        _strip_defaults(message.graph_def)
        message.meta_info_def.stripped_default_attrs = True
    if saver_def is not None:
        message.saver_def.CopyFrom(saver_def)
    keys = graph.get_all_collection_keys() if collection_list is None else collection_list
    for key in keys:
        if clear_extraneous_savers and key == GraphKeys.SAVERS:
            continue
        _add_collection(message, key, graph.get_collection(key), scope)
    if filename is not None:
        data = text_format.MessageToString(message).encode() if as_text else message.SerializeToString()
        write_file(os.fspath(filename), data)
    return message


def _keep_scope(graph_def: Any, scope: str) -> None:
    """Keep only the nodes within a name scope, renamed relative to it."""
    prefix = scope + "/"
    kept = [node for node in graph_def.node if node.name.startswith(prefix)]
    names = {node.name for node in kept}

    def relative(reference: str) -> str | None:
        control, bare = ("^", reference[1:]) if reference.startswith("^") else ("", reference)
        if bare.split(":")[0] in names:
            return control + bare[len(prefix) :]
        # What comes from outside has to be supplied by whoever imports the graph; waiting for it has lost its meaning.
        return None if control else f"$unbound_inputs_{bare}"

    for node in kept:
        inputs = [relative(reference) for reference in node.input]
        node.name = node.name[len(prefix) :]
        del node.input[:]
        node.input.extend(item for item in inputs if item is not None)
        if "_class" in node.attr:
            groups = [group.decode() for group in node.attr["_class"].list.s]
            inside = [group for group in groups if not group.startswith("loc:@") or group[5:] in names]
            del node.attr["_class"].list.s[:]
            node.attr["_class"].list.s.extend(group.replace("loc:@" + prefix, "loc:@", 1).encode() for group in inside)
            if not inside:
                del node.attr["_class"]
    nodes = [protos.NodeDef.FromString(node.SerializeToString()) for node in kept]
    del graph_def.node[:]
    graph_def.node.extend(nodes)


def _remove_savers(graph_def: Any, saver_def: Any) -> None:
    """Remove the nodes of all savers but one."""
    own = saver_def.filename_tensor_name.split("/")[0] if "/" in saver_def.filename_tensor_name else ""
    scopes = {node.name.rsplit("/", 1)[0] for node in graph_def.node if node.name.endswith("/restore_all")}
    scopes.discard(own)
    kept = [node for node in graph_def.node if not any(node.name.startswith(scope + "/") for scope in scopes)]
    nodes = [protos.NodeDef.FromString(node.SerializeToString()) for node in kept]
    del graph_def.node[:]
    graph_def.node.extend(nodes)


def _strip_defaults(graph_def: Any) -> None:
    """Remove attributes that have their default values."""
    for node in graph_def.node:
        op_def = _declaration(node.op)
        if op_def is None:
            continue
        for name, attribute in op_def.attributes.items():
            if name in node.attr and attribute.default is not REQUIRED:
                if node.attr[name] == _default_value(attribute):
                    del node.attr[name]


def _default_value(attribute: Attribute) -> Any:
    return attr_value(attribute.kind, attribute.default)


def _declaration(name: str) -> OpDef | None:
    try:
        return lookup(name)
    except NotFoundError:
        return None


# What the graph needs of whoever reads it


def _describe(info: Any, graph_def: Any) -> None:
    """Fill in which operations the graph uses, and of which version they are."""
    if not info.tensorflow_version:
        info.tensorflow_version = _TENSORFLOW_VERSION
    if info.HasField("stripped_op_list"):
        return
    info.stripped_op_list.SetInParent()
    used = {node.op for node in graph_def.node}
    for function in graph_def.library.function:
        used.update(node.op for node in function.node_def)
    for name in sorted(used):
        op_def = _declaration(name)
        if op_def is not None:
            _describe_op(info.stripped_op_list.op.add(name=name), op_def)


def _describe_op(message: Any, op_def: OpDef) -> None:
    message.is_stateful = op_def.is_stateful
    message.is_commutative = op_def.is_commutative
    for arguments, target in ((op_def.inputs, message.input_arg), (op_def.outputs, message.output_arg)):
        for argument in arguments:
            _describe_argument(target.add(name=argument.name), argument)
    for attribute in op_def.attributes.values():
        described = message.attr.add(name=attribute.name, type=attribute.kind)
        if attribute.minimum is not None:
            described.has_minimum, described.minimum = True, attribute.minimum
        if attribute.default is not REQUIRED and attribute.default is not None:
            described.default_value.CopyFrom(_default_value(attribute))
        if attribute.allowed is not None:
            values = sorted(attribute.allowed, key=str)
            kind = "list(type)" if values and isinstance(values[0], DType) else "list(string)"
            described.allowed_values.CopyFrom(attr_value(kind, values))


def _describe_argument(message: Any, argument: Argument) -> None:
    if argument.dtype is not None:
        message.type = argument.dtype.as_datatype_enum
    if argument.type_attr is not None:
        message.type_attr = argument.type_attr
    if argument.number_attr is not None:
        message.number_attr = argument.number_attr
    if argument.list_attr is not None:
        message.type_list_attr = argument.list_attr
    message.is_ref = argument.is_ref


# Collections


def _add_collection(message: Any, key: Any, items: Iterable[Any], scope: str) -> None:
    """Add a collection, if its items are of a kind that can be written."""
    items = list(items)
    if not isinstance(key, str) or not items:
        if items:
            _LOG.warning("the collection %r is not saved: only collections named by strings are", key)
        return
    writer = _writer_of(items, scope)
    if writer is None:
        _LOG.warning("the collection %r is not saved: its items are of %s", key, type(items[0]).__name__)
        return
    collection = protos.CollectionDef()
    try:
        writer(collection, items)
    except (TypeError, ValueError, AttributeError) as error:
        _LOG.warning("the collection %r is not saved: %s", key, error)
        return
    message.collection_def[key].CopyFrom(collection)


def _writer_of(items: Sequence[Any], scope: str) -> Callable[[Any, Sequence[Any]], None] | None:
    first = items[0]
    if hasattr(first, "to_proto") and not isinstance(first, (SymbolicTensor, Operation)):
        return lambda collection, values: _write_protos(collection, values, scope)
    if isinstance(first, (SymbolicTensor, Operation)) or callable(getattr(first, "_as_graph_element", None)):
        return lambda collection, values: _write_nodes(collection, values, scope)
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, ""),
        ((str, bytes), "bytes_list"),
        (int, "int64_list"),
        (float, "float_list"),
    )
    for types, field in kinds:
        if isinstance(first, types):
            return _write_values(field) if field else None
    if hasattr(first, "SerializeToString"):
        return lambda collection, values: collection.bytes_list.value.extend(
            item.SerializeToString() for item in values
        )
    return None


def _write_values(field: str) -> Callable[[Any, Sequence[Any]], None]:
    def write(collection: Any, values: Sequence[Any]) -> None:
        target = getattr(collection, field).value
        target.extend(item.encode() if isinstance(item, str) else item for item in values)

    return write


def _write_protos(collection: Any, items: Sequence[Any], scope: str) -> None:
    collection.bytes_list.SetInParent()
    for item in items:
        proto = item.to_proto(export_scope=scope) if scope else item.to_proto()
        if proto is not None:
            collection.bytes_list.value.append(proto.SerializeToString())


def _write_nodes(collection: Any, items: Sequence[Any], scope: str) -> None:
    collection.node_list.SetInParent()
    prefix = scope + "/" if scope else ""
    for item in items:
        element = item if isinstance(item, (SymbolicTensor, Operation)) else item._as_graph_element()
        if element.name.startswith(prefix):
            collection.node_list.value.append(element.name[len(prefix) :])
