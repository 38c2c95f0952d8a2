"""Functions made of graphs, and functions whose variables are constants."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.language.function.wrapping import convert_variables_to_constants_v2, wrap_function

v1 = tf.compat.v1


@pytest.fixture
def graph_def():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        scale = v1.placeholder(tf.float32, [], name="scale")
        h = tf.add(x, 1.0, name="h")
        tf.multiply(h, scale, name="y")
        tf.reduce_sum(h, name="total")
        return graph.as_graph_def()


def test_functions_are_cut_out_of_an_imported_graph(graph_def):
    wrapped = wrap_function(lambda: tf.import_graph_def(graph_def, name=""), [])
    whole = wrapped.prune(["x:0", "scale:0"], {"y": "y:0", "total": wrapped.graph.as_graph_element("total:0")})
    results = whole(tf.constant([[1.0, 2.0]]), tf.constant(2.0))
    assert results["y"].numpy().tolist() == [[4.0, 6.0]] and results["total"].numpy() == 5.0
    inner = wrapped.prune(["h:0"], ["total:0"])
    assert inner(tf.constant([[1.0, 1.5]]))[0].numpy() == 2.5
    assert [t.shape.as_list() for t in inner.inputs] == [[None, 2]]
    named = wrapped.prune({"a": "x:0"}, "total:0")
    assert named(a=tf.constant([[0.0, 0.0]])).numpy() == 2.0


def test_a_placeholder_that_is_not_fed_is_named(graph_def):
    wrapped = wrap_function(lambda: tf.import_graph_def(graph_def, name=""), [])
    with pytest.raises(ValueError, match=r"placeholders \['scale'\].*feed them as well"):
        wrapped.prune("x:0", "y:0")
    with pytest.raises((KeyError, ValueError), match="absent"):
        wrapped.prune("absent:0", "y:0")


def test_a_wrapped_function_keeps_its_variables_and_gradients():
    v = tf.Variable(3.0)
    wrapped = wrap_function(lambda x: tf.identity(v * x, name="product") + 1.0, [tf.TensorSpec([], tf.float32)])
    assert wrapped(tf.constant(2.0)).numpy() == 7.0
    product = wrapped.prune(wrapped.inputs[0], "product:0")
    with tf.GradientTape() as tape:
        y = product(tf.constant(2.0))
    assert y.numpy() == 6.0 and tape.gradient(y, v).numpy() == 2.0
    v.assign(5.0)
    assert product(tf.constant(2.0)).numpy() == 10.0


def test_freezing_a_function_makes_constants_of_its_variables_in_loops_and_branches(tmp_path):
    w, step = tf.Variable([[2.0, 0.0], [0.0, 1.0]]), tf.Variable(1)
    table = tf.constant([10.0, 20.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def f(x):
        for _ in tf.range(3):
            x = tf.matmul(x, w)
        if tf.reduce_sum(x) > 0.0:
            x = x + tf.cast(step, tf.float32)
        return {"out": x + table, "row": tf.gather(w, 0)}

    concrete = f.get_concrete_function()
    x = tf.constant([[1.0, 2.0]])
    expected = {key: value.numpy() for key, value in concrete(x).items()}
    frozen = convert_variables_to_constants_v2(concrete)
    w.assign(tf.zeros([2, 2]))
    step.assign(100)
    graph_def = frozen.graph.as_graph_def()
    functions = [node for function in graph_def.library.function for node in function.node_def]
    assert not {node.op for node in [*graph_def.node, *functions]} & {"ReadVariableOp", "ResourceGather"}
    assert [tensor.name for tensor in frozen.inputs] == ["x:0"] and not frozen.captured_inputs
    found = dict(zip(["out", "row"], frozen(x), strict=True))
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key].numpy(), value)
    tf.io.write_graph(frozen.graph, str(tmp_path), "frozen.pb", as_text=False)
    read = v1.GraphDef.FromString((tmp_path / "frozen.pb").read_bytes())
    again = wrap_function(lambda: tf.import_graph_def(read, name=""), [])
    pruned = again.prune("x:0", [tensor.name for tensor in frozen.outputs])
    np.testing.assert_array_equal(pruned(x)[0].numpy(), expected["out"])


def test_only_concrete_functions_are_frozen():
    with pytest.raises(TypeError, match="get_concrete_function"):
        convert_variables_to_constants_v2(tf.function(lambda x: x))
