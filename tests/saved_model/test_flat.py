"""SavedModels of TensorFlow 1 in TensorFlow 2: signatures, variables to train, functions cut from the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock.core.context import eager_mode

DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


def test_a_graph_of_tensorflow_has_signatures_and_variables():
    loaded = tf.saved_model.load(DATA / "graph")
    signature = loaded.signatures["serving_default"]
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        results = signature(x=x, words=tf.constant(["green", "blue"]))
    assert results["y"].numpy().tolist() == [[5.0]] and results["numbers"].numpy().tolist() == [1, -1]
    (w,) = loaded.variables
    assert tape.gradient(results["y"], w).numpy().tolist() == [[1.0], [2.0]]
    w.assign([[0.0], [1.0]])
    assert loaded.prune("x:0", "y:0")(x).numpy().tolist() == [[2.0]]
    assert loaded.prune({"x": "x:0"}, {"y": ["y:0"]})(x=x)["y"][0].numpy().tolist() == [[2.0]]


def test_what_is_not_fed_is_named():
    loaded = tf.saved_model.load(DATA / "graph")
    with pytest.raises(ValueError, match="needs a value for 'x:0'"):
        loaded.prune([], ["y:0"])


@pytest.mark.parametrize("use_resource", [False, True])
def test_updates_branches_and_loops(tmp_path, use_resource):
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [], name="x")
        count = v1.get_variable("count", initializer=0.0, use_resource=use_resource)
        updated = v1.assign_add(count, x)
        with tf.control_dependencies([updated]):
            now = tf.identity(count)
        branch = tf.cond(x > 1.0, lambda: now * 10.0, lambda: now)
        (loop,) = tf.while_loop(lambda i: i < 20.0, lambda i: [i + x], [branch])
        session.run(count.initializer)
        v1.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"branch": branch, "loop": loop})
    loaded = tf.saved_model.load(tmp_path / "model")
    signature = loaded.signatures["serving_default"]
    results = [signature(x=tf.constant(value)) for value in (1.0, 1.0, 3.0)]
    assert [float(result["branch"]) for result in results] == [1.0, 2.0, 50.0]
    assert [float(result["loop"]) for result in results] == [20.0, 20.0, 50.0]
    np.testing.assert_equal(loaded.variables[0].numpy(), 5.0)


def test_several_graphs_need_tags(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [], name="x")
        y = x * v1.get_variable("w", initializer=2.0)
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(tmp_path / "model")
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, ["train"])
        builder.add_meta_graph(["serve"], {"double": signature})
        builder.save()
    with pytest.raises(ValueError, match=r"requires a `tags=` argument .*\['train'\], \['serve'\]"):
        tf.saved_model.load(tmp_path / "model")
    with pytest.raises(RuntimeError, match="'other' could not be found"):
        tf.saved_model.load(tmp_path / "model", tags="other")
    loaded = tf.saved_model.load(tmp_path / "model", tags=["serve"])
    assert float(loaded.signatures["double"](x=tf.constant(4.0))["y"]) == 8.0
