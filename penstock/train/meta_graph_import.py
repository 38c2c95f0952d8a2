"""Reading a graph together with its collections, as the file `.meta` beside a checkpoint has it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock.core.context import executing_eagerly
from penstock.core.errors import NotFoundError
from penstock.core.graph import Graph, get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats import protos
from penstock.graphs.importer import import_graph_def
from penstock.language.ref_variable import RefVariable
from penstock.language.resource_variable import ResourceVariable
from penstock.train.saver import Saver

_LOG = logging.getLogger("tensorflow")
_VARIABLES = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.GLOBAL_STEP,
    GraphKeys.METRIC_VARIABLES,
    "trainable_resource_variables",
    "resources",
)
# Collections that describe branches and loops as TensorFlow 1 builds them; here their nodes are raised.
_CONTROL_FLOW = ("cond_context", "while_context")


def read_meta_graph_file(filename: Any) -> Any:
    """Return the MetaGraphDef message in a file, which may be text.

    Raises:
        OSError: if the file does not exist, or holds no MetaGraphDef.
    """
    path = os.fspath(filename)
    if not os.path.isfile(path):
        raise OSError(f"File {path} does not exist.")
    with open(path, "rb") as file:
        data = file.read()
    message = protos.MetaGraphDef()
    try:
        message.ParseFromString(data)
        return message
    except DecodeError:
        pass  # it may be text
    try:
        text_format.Parse(data.decode(), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {path}: {error}.") from None
    return message


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Saver | None:
    """Add a graph with its collections to the default graph.

    Args:
        meta_graph_or_file: a MetaGraphDef message, or the name of a file that holds one.
        clear_devices: whether requested devices are left out.
        import_scope: the name scope to put the nodes in, by default none.
        kwargs: `input_map` and `return_elements`, see `import_graph_def`.
    Returns:
        The Saver that saves and restores the graph's variables; None if it has none.
    Raises:
        RuntimeError: in eager execution.
        OSError: if the file cannot be read.
    """
    return import_meta_graph_with_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def import_meta_graph_with_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: Any = None,
    **kwargs: Any,
) -> tuple[Saver | None, Any]:
    """Add a graph with its collections; return its Saver, and what `return_elements` names."""
    if executing_eagerly():
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled. No graph exists when "
            "eager execution is enabled."
        )
    if not isinstance(meta_graph_or_file, protos.MetaGraphDef) and hasattr(meta_graph_or_file, "SerializeToString"):
        meta_graph_or_file = protos.MetaGraphDef.FromString(meta_graph_or_file.SerializeToString())
    is_message = isinstance(meta_graph_or_file, protos.MetaGraphDef)
    message = meta_graph_or_file if is_message else read_meta_graph_file(meta_graph_or_file)
    graph = get_default_graph()
    definition = protos.GraphDef()
    definition.CopyFrom(message.graph_def)
    if clear_devices:
        for node in definition.node:
            node.device = ""
    scope = _free_scope(graph, import_scope)
    elements = import_graph_def(
        definition,
        input_map=_unbound(kwargs.get("input_map"), kwargs.get("unbound_inputs_col_name"), message),
        return_elements=return_elements,
        name=scope,
        producer_op_list=message.meta_info_def.stripped_op_list,
    )
    _restore_collections(graph, message, scope, kwargs.get("restore_collections_predicate"))
    if message.HasField("saver_def"):
        return Saver.from_proto(message.saver_def, import_scope=scope), elements
    if graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=scope or None):
        return Saver(), elements
    _LOG.info("Saver not created because there are no variables in the graph to restore")
    return None, elements


def _free_scope(graph: Graph, scope: str | None) -> str:
    """Return the name scope that the nodes will be in: a number is appended where it is taken."""
    if not scope:
        return ""
    return graph.unique_name(scope.rstrip("/"), mark_as_used=False) + "/"


def _unbound(input_map: Any, collection: Any, message: Any) -> Any:
    """Check that every input that the graph lacks is given."""
    if collection is None or collection not in message.collection_def:
        return input_map
    names = {name.decode() for name in message.collection_def[collection].bytes_list.value}
    missing = sorted(names - set(input_map or {}))
    if missing:
        raise ValueError(
            f"Graph contains unbound inputs: {', '.join(missing)}. Must provide these inputs through input_map."
        )
    return {f"$unbound_inputs_{key}" if key in names else key: value for key, value in (input_map or {}).items()}


def _restore_collections(graph: Graph, message: Any, scope: str, wanted: Callable[[str], bool] | None = None) -> None:
    prefix = scope.rstrip("/")
    variables: dict[bytes, Any] = {}
    for key in sorted(message.collection_def):
        if wanted is not None and not wanted(key) or key in _CONTROL_FLOW:
            continue
        collection = message.collection_def[key]
        kind = collection.WhichOneof("kind")
        if kind is None:
            _LOG.error("Cannot identify data type for collection %s. Skipping.", key)
        elif kind == "node_list":
            for name in collection.node_list.value:
                _add_node(graph, key, f"{prefix}/{name}" if prefix else name)
        elif kind == "bytes_list":
            for value in collection.bytes_list.value:
                item = _from_bytes(key, value, prefix, variables)
                if item is not None:
                    graph.add_to_collection(key, item)
        else:
            for value in getattr(collection, kind).value:
                graph.add_to_collection(key, int(value) if kind == "int64_list" else value)


def _add_node(graph: Graph, key: str, name: str) -> None:
    try:
        graph.add_to_collection(key, graph.as_graph_element(name))
    except KeyError:
        _LOG.warning("the item %r of the collection %r is not in the graph: it was within a branch or loop", name, key)


def _from_bytes(key: str, value: bytes, prefix: str, variables: dict[bytes, Any]) -> Any:
    if key == GraphKeys.SAVERS:
        return Saver.from_proto(protos.SaverDef.FromString(value), import_scope=prefix or None)
    if key not in _VARIABLES:
        return value
    # A variable is one object, in however many collections it is.
    if value not in variables:
        definition = protos.VariableDef()
        try:
            definition.ParseFromString(value)
        except DecodeError:
            return value
        if not definition.variable_name:
            return value
        kind: Any = ResourceVariable if definition.is_resource else RefVariable
        try:
            variables[value] = kind(variable_def=definition, import_scope=prefix or None)
        except KeyError as error:
            raise NotFoundError(
                None,
                None,
                f"the variable {definition.variable_name!r} of collection {key!r} is not in the graph: {error}",
            ) from None
    return variables[value]
