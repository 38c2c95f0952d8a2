"""A graph and a checkpoint become a GraphDef without variables."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.errors import NotFoundError
from penstock.formats import protos
from penstock.train.freeze_graph import freeze_graph


@pytest.fixture(params=[True, False], ids=["resource", "reference"])
def saved(request, tmp_path):
    """A graph's file as text, one as binary, its MetaGraph and its checkpoint."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", [2, 3], use_resource=request.param)
        tf.get_variable("unused", [1], use_resource=request.param)
        with tf.device("/cpu:0"):
            tf.matmul(x, w, name="y")
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, str(tmp_path / "model"))
        tf.train.write_graph(graph, str(tmp_path), "graph.pbtxt")
        tf.train.write_graph(graph, str(tmp_path), "graph.pb", as_text=False)
        return tmp_path, prefix, session.run(w)


def compute(graph_def, x):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        (y,) = tf.import_graph_def(graph_def, return_elements=["y:0"], name="")
        return session.run(y, {"x:0": x})


@pytest.mark.parametrize("source", ["text", "binary", "meta"])
def test_values_of_the_checkpoint_become_constants(saved, source):
    folder, prefix, w = saved
    name = {"text": "graph.pbtxt", "binary": "graph.pb", "meta": ""}[source]
    meta = prefix + ".meta" if source == "meta" else None
    arguments = ["", source == "binary", prefix, "y", "save/restore_all", "save/Const:0"]
    freeze_graph(name and str(folder / name), *arguments, str(folder / "frozen.pb"), True, "", input_meta_graph=meta)
    frozen = protos.GraphDef.FromString((folder / "frozen.pb").read_bytes())
    assert not {node.op for node in frozen.node} & {"VarHandleOp", "VariableV2", "ReadVariableOp", "RestoreV2"}
    assert not any(node.device or node.name.startswith("unused") for node in frozen.node)
    np.testing.assert_allclose(compute(frozen, [[1.0, 2.0]]), np.array([[1.0, 2.0]]) @ w, rtol=1e-6)


def test_mistakes_are_named(saved):
    folder, prefix, _ = saved
    rest = [None, None, "", False, ""]
    with pytest.raises(ValueError, match="output_node_names is empty"):
        freeze_graph(str(folder / "graph.pb"), "", True, prefix, "", *rest)
    with pytest.raises(ValueError, match=r"no text GraphDef .* see input_binary"):
        freeze_graph(str(folder / "graph.pb"), "", False, prefix, "y", *rest)
    with pytest.raises(ValueError, match="does not exist"):
        freeze_graph(str(folder / "no.pb"), "", True, prefix, "y", *rest)
    with pytest.raises(NotFoundError):
        freeze_graph(str(folder / "graph.pb"), "", True, str(folder / "none"), "y", *rest)
    with pytest.raises(AssertionError, match="z"):
        freeze_graph(str(folder / "graph.pb"), "", True, prefix, "z", *rest)
