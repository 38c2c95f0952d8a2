"""Cutting GraphDefs, and questions about nodes."""

from __future__ import annotations

from typing import Any

import pytest

import penstock.v1 as tf


def chain() -> Any:
    with tf.Graph().as_default() as graph:
        a = tf.placeholder(tf.float32, [2, None], name="a")
        checked = tf.identity(tf.check_numerics(a, "bad", name="check"), name="same")
        tf.square(checked, name="b")
        tf.constant("text", name="text")
        return graph


def test_extract_keeps_what_the_destinations_need() -> None:
    definition = tf.graph_util.extract_sub_graph(chain().as_graph_def(), ["same"])
    assert [node.name for node in definition.node] == ["a", "check", "same"]
    with pytest.raises(AssertionError, match="nothing is not in graph"):
        tf.graph_util.extract_sub_graph(definition, ["nothing"])
    with pytest.raises(TypeError, match="iterable of strings"):
        tf.graph_util.extract_sub_graph(definition, "same")
    with pytest.raises(TypeError, match="GraphDef"):
        tf.graph_util.extract_sub_graph(None, ["same"])


def test_training_nodes_are_removed_unless_protected() -> None:
    definition = chain().as_graph_def()
    removed = tf.graph_util.remove_training_nodes(definition)
    assert {node.name: list(node.input) for node in removed.node} == {"a": [], "b": ["a"], "text": []}
    kept = tf.graph_util.remove_training_nodes(definition, protected_nodes=["same"])
    assert [node.name for node in kept.node] == ["a", "same", "b", "text"]


def test_text_must_run_on_a_cpu() -> None:
    graph = chain()
    assert tf.graph_util.must_run_on_cpu(graph.get_operation_by_name("text"))
    assert not tf.graph_util.must_run_on_cpu(graph.get_operation_by_name("b"))
    assert not tf.graph_util.must_run_on_cpu(graph.get_operation_by_name("b").node_def, pin_variables_on_cpu=True)


def test_shapes_are_found_by_the_name_of_a_node() -> None:
    assert tf.graph_util.tensor_shape_from_node_def_name(chain(), "b").as_list() == [2, None]
