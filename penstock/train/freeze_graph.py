"""Freezing from files: a graph and a checkpoint become one GraphDef without variables."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.formats import protos
from penstock.graphs.files import write_file
from penstock.graphs.freeze import convert_variables_to_constants
from penstock.graphs.importer import import_graph_def
from penstock.graphs.subgraph import extract_sub_graph
from penstock.ops.constant import constant
from penstock.runtime.session import Session
from penstock.train.checkpoint_utils import load_checkpoint
from penstock.train.meta_graph_import import read_meta_graph_file


def freeze_graph(
    input_graph: Any,
    input_saver: Any,
    input_binary: bool,
    input_checkpoint: Any,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: Any,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_denylist: str = "",
    input_meta_graph: Any = None,
) -> Any:
    """Put the values of a checkpoint into a graph as constants, and write the part that some nodes need.

    Args:
        input_graph: the file of a GraphDef, or "" where `input_meta_graph` is given.
        input_saver, restore_op_name, filename_tensor_name: accepted; the checkpoint is read without the graph's help.
        input_binary: whether the graph's file is binary, not text.
        input_checkpoint: the checkpoint's prefix.
        output_node_names: names of nodes to keep, separated by commas.
        output_graph: the file to write, or "" for none.
        clear_devices: whether requested devices are left out.
        initializer_nodes: names, separated by commas, of nodes that are run after the values are set.
        variable_names_whitelist: the variables to convert, separated by commas; all by default.
        variable_names_denylist: variables to leave as they are.
        input_meta_graph: the file of a MetaGraphDef.
    Returns:
        The frozen GraphDef message.
    Raises:
        ValueError: if there is no graph, no output, or the graph's file does not hold a GraphDef.
        NotFoundError: if the checkpoint is not there, or lacks a variable.
    """
    outputs = _names(output_node_names)
    if not outputs:
        raise ValueError("freeze_graph: output_node_names is empty: name the nodes to keep")
    graph_def = _read_meta_graph(input_meta_graph) if input_meta_graph else _read_graph(input_graph, input_binary)
    if clear_devices:
        for node in graph_def.node:
            node.device = ""
    reader = load_checkpoint(input_checkpoint)
    needed = {node.name for node in extract_sub_graph(graph_def, outputs).node}
    with Graph().as_default() as graph, Session(graph=graph) as session:
        import_graph_def(graph_def, name="")
        updates = []
        for node in graph_def.node:
            if node.op in ("Variable", "VariableV2", "VarHandleOp"):
                name = node.attr["shared_name"].s.decode() or node.name if node.op == "VarHandleOp" else node.name
                if node.name not in needed and not reader.has_tensor(name):
                    continue
                assign: Any = lookup("AssignVariableOp" if node.op == "VarHandleOp" else "Assign")
                updates.append(assign(graph.get_tensor_by_name(f"{node.name}:0"), constant(reader.get_tensor(name))))
        session.run(updates)
        session.run([graph.get_operation_by_name(name) for name in _names(initializer_nodes)])
        frozen = convert_variables_to_constants(
            session,
            graph_def,
            outputs,
            _names(variable_names_whitelist) or None,
            _names(variable_names_denylist) or None,
        )
    if output_graph:
        write_file(os.fspath(output_graph), frozen.SerializeToString(deterministic=True))
    return frozen


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _read_meta_graph(filename: Any) -> Any:
    graph_def = protos.GraphDef()
    graph_def.CopyFrom(read_meta_graph_file(filename).graph_def)
    return graph_def


def _read_graph(filename: Any, is_binary: bool) -> Any:
    path = os.fspath(filename or "")
    if not os.path.isfile(path):
        raise ValueError(f"freeze_graph: input graph file {path!r} does not exist")
    graph_def = protos.GraphDef()
    with open(path, "rb") as file:
        data = file.read()
    try:
        if is_binary:
            graph_def.ParseFromString(data)
        else:
            text_format.Parse(data.decode(), graph_def)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        kind = "binary" if is_binary else "text"
        raise ValueError(f"freeze_graph: {path} is no {kind} GraphDef ({error}); see input_binary") from None
    return graph_def
