from __future__ import annotations

import logging
from pathlib import Path

import pytest
from google.protobuf import text_format

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import NotFoundError
from penstock.core.graph import Graph
from penstock.formats import protos
from penstock.language.variables import VariableV1
from penstock.ops.constant import constant, identity, placeholder
from penstock.train.meta_graph import export_meta_graph
from penstock.train.saver import Saver


def small_graph() -> Graph:
    """Return a graph with a variable, nodes in a scope, and collections of several kinds."""
    graph = Graph()
    with graph.as_default():
        VariableV1([1.0], name="v", use_resource=False)
        outside = placeholder(dtypes.float32, [], name="outside")
        with graph.name_scope("inside"), graph.device("/device:CPU:0"):
            doubled = identity(outside, name="x")
            identity(doubled, name="y")
        graph.add_to_collection("tensors", doubled)
        graph.add_to_collection("operations", doubled.op)
        for item in (1, 2):
            graph.add_to_collection("integers", item)
        graph.add_to_collection("floats", 0.5)
        graph.add_to_collection("texts", "one")
    return graph


def test_collections_are_written_by_kind() -> None:
    message = export_meta_graph(graph=small_graph())
    collections = message.collection_def
    assert list(collections["tensors"].node_list.value) == ["inside/x:0"]
    assert list(collections["operations"].node_list.value) == ["inside/x"]
    assert list(collections["integers"].int64_list.value) == [1, 2]
    assert list(collections["floats"].float_list.value) == [0.5]
    assert list(collections["texts"].bytes_list.value) == [b"one"]
    (serialized,) = collections["variables"].bytes_list.value
    described = protos.VariableDef.FromString(serialized)
    assert (described.variable_name, described.initializer_name, described.snapshot_name) == (
        "v:0",
        "v/Assign",
        "v/read:0",
    )
    assert {op.name for op in message.meta_info_def.stripped_op_list.op} == {
        "Assign",
        "Const",
        "Identity",
        "Placeholder",
        "VariableV2",
    }


def test_what_cannot_be_written_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    graph = small_graph()
    graph.add_to_collection("odd", object())
    with caplog.at_level(logging.WARNING):
        message = export_meta_graph(graph=graph)
    assert "odd" not in message.collection_def
    assert "odd" in caplog.text


def test_file_is_binary_or_text(tmp_path: Path) -> None:
    graph = small_graph()
    message = export_meta_graph(tmp_path / "binary", graph=graph)
    assert protos.MetaGraphDef.FromString((tmp_path / "binary").read_bytes()) == message
    export_meta_graph(tmp_path / "text", graph=graph, as_text=True)
    assert text_format.Parse((tmp_path / "text").read_text(), protos.MetaGraphDef()) == message
    with pytest.raises(NotFoundError, match="check that the directory exists"):
        export_meta_graph(tmp_path / "no" / "such", graph=graph)


def test_scope_is_cut_out_with_relative_names() -> None:
    message = export_meta_graph(graph=small_graph(), export_scope="inside", clear_devices=True)
    nodes = {node.name: list(node.input) for node in message.graph_def.node}
    assert nodes == {"x": ["$unbound_inputs_outside"], "y": ["x"]}
    assert all(not node.device for node in message.graph_def.node)
    assert list(message.collection_def["tensors"].node_list.value) == ["x:0"]


def test_other_savers_are_removed_on_request() -> None:
    with Graph().as_default() as graph:
        VariableV1([1.0], name="v")
        Saver()
        keep = Saver(name="keep")
        message = export_meta_graph(graph=graph, saver_def=keep.as_saver_def(), clear_extraneous_savers=True)
    names = {node.name for node in message.graph_def.node}
    assert "keep/restore_all" in names
    assert not any(name.startswith("save/") for name in names)


def test_default_attributes_are_stripped_on_request() -> None:
    with Graph().as_default() as graph:
        placeholder(dtypes.float32, None, name="p")
        VariableV1([1.0], name="v", use_resource=False)
        constant(1.0)
        full = export_meta_graph(graph=graph)
        stripped = export_meta_graph(graph=graph, strip_default_attrs=True)
    by_name = {node.name: node for node in full.graph_def.node}
    stripped_by_name = {node.name: node for node in stripped.graph_def.node}
    assert "validate_shape" in by_name["v/Assign"].attr
    assert "validate_shape" not in stripped_by_name["v/Assign"].attr
    assert "T" in stripped_by_name["v/Assign"].attr
    assert stripped.meta_info_def.stripped_default_attrs
