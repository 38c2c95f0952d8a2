"""Importing MetaGraphs: collections, Savers, scopes."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

import penstock.v1 as tf


def build(path: Path, use_resource: bool) -> str:
    """Write a model that is trained for one step, as checkpoint and MetaGraph; return the checkpoint's prefix."""
    with tf.Graph().as_default() as graph, tf.Session() as session, tf.device("/cpu:0"):
        x = tf.placeholder(tf.float32, [], name="x")
        w = tf.get_variable("w", initializer=2.0, use_resource=use_resource)
        loss = tf.identity(tf.cond(x > 0.0, lambda: tf.square(w * x), lambda: -w), name="loss")
        step = tf.train.get_or_create_global_step()
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step, name="train")
        for item in ("a name", 3, 0.5):
            graph.add_to_collection(f"kind of {type(item).__name__}", item)
        session.run(tf.global_variables_initializer())
        session.run(train, {x: 1.0})
        return str(tf.train.Saver().save(session, str(path / "model")))


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("scope", [None, "inner"])
def test_an_imported_model_is_restored_and_trains_on(tmp_path: Path, use_resource: bool, scope: str | None) -> None:
    prefix = build(tmp_path, use_resource)
    inside = f"{scope}/" if scope else ""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{prefix}.meta", clear_devices=True, import_scope=scope)
        assert saver is not None
        saver.restore(session, prefix)
        (w,) = tf.trainable_variables()
        assert w.name == f"{inside}w:0" and w in tf.global_variables() and w.op.device == ""
        np.testing.assert_allclose(session.run(w), 1.6, rtol=1e-6)
        (train,) = graph.get_collection("train_op")
        session.run(train, {f"{inside}x:0": 1.0})
        np.testing.assert_allclose(session.run(w), 1.28, rtol=1e-6)
        assert session.run(tf.train.get_global_step()) == 2
        loss = graph.get_tensor_by_name(f"{inside}loss:0")
        np.testing.assert_allclose(session.run(tf.gradients(loss, w)[0], {f"{inside}x:0": -1.0}), -1.0)
        assert graph.get_collection("kind of str") == [b"a name"]
        assert graph.get_collection("kind of int") == [3] and graph.get_collection("kind of float") == [0.5]


def test_text_files_messages_and_graphs_without_variables(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with tf.Graph().as_default():
        tf.constant(1.0, name="a")
        message = tf.train.export_meta_graph(str(tmp_path / "g.meta"), as_text=True)
    with tf.Graph().as_default() as graph, caplog.at_level(logging.INFO, "tensorflow"):
        assert tf.train.import_meta_graph(str(tmp_path / "g.meta")) is None
        assert tf.train.import_meta_graph(message, import_scope="again") is None
        assert [op.name for op in graph.get_operations()] == ["a", "again/a"]


def test_scopes_exported_alone_take_their_inputs_at_import(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name="x")
        with tf.name_scope("part"):
            tf.multiply(x, 3.0, name="y")
        message = tf.train.export_meta_graph(export_scope="part")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(message, import_scope="new", input_map={"$unbound_inputs_x": tf.constant(2.0)})
        assert session.run(graph.get_tensor_by_name("new/y:0")) == 6.0


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        with pytest.raises(OSError, match="does not exist"):
            tf.train.import_meta_graph(str(tmp_path / "nothing.meta"))
        (tmp_path / "bad.meta").write_bytes(b"\x08not a graph")
        with pytest.raises(OSError, match="Cannot parse"):
            tf.train.import_meta_graph(str(tmp_path / "bad.meta"))


def test_contexts_of_tensorflow_1_are_tolerated() -> None:
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="a")
        message = tf.train.export_meta_graph()
        message.collection_def["while_context"].bytes_list.value.append(b"\x0a\x01a")
        message.collection_def["kept"].node_list.value.append("inside/a/loop:0")
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(message)
        assert graph.get_all_collection_keys() == []
