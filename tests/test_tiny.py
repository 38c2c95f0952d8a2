"""The whole house in a minute's reading: each room does one thing that it is for."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
import penstock.v1 as tf1
from penstock.core.backprop import gradient_function_of
from penstock.core.op_def import lookup
from penstock.formats import tensor_bundle


def test_an_eager_call_runs_a_kernel():
    assert tf.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy().tolist() == [[11.0]]


def test_a_tape_plays_the_gradient_function_that_stands_beside_the_kernel():
    w = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        loss = w * w + 1.0
    assert float(tape.gradient(loss, w)) == 6.0
    call = type("Call", (), {"op_def": lookup("Mul"), "attrs": {}, "type": "Mul", "name": "Mul"})
    assert gradient_function_of(call) is lookup("Mul").gradient_rule


def test_a_graph_is_built_compiled_and_run():
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        y = tf.nn.relu(x) * 2.0
        assert y.shape.as_list() == [None, 2]
        assert session.run(y, {x: [[-1.0, 3.0]]}).tolist() == [[0.0, 6.0]]
        source = session.program(y, [x]).source
    assert source.startswith("def step(x):") and "relu_kernel(x)" in source


def test_the_graph_travels_as_a_graphdef():
    with tf.Graph().as_default() as graph:
        tf.add(tf.constant(1, name="a"), tf.constant(2, name="b"), name="sum")
    nodes = {node.name: node for node in graph.as_graph_def().node}
    assert nodes["sum"].op == "AddV2" and list(nodes["sum"].input) == ["a", "b"]


@pytest.mark.usefixtures("graph_mode")
def test_a_model_is_trained_saved_and_restored(tmp_path):
    x, y = tf1.placeholder(tf.float32, [None, 1]), tf1.placeholder(tf.float32, [None, 1])
    prediction = tf1.layers.dense(x, 1, name="line")
    loss = tf1.losses.mean_squared_error(y, prediction)
    train = tf1.train.AdamOptimizer(0.1).minimize(loss, tf1.train.get_or_create_global_step())
    summary = tf1.summary.scalar("loss", loss)
    saver = tf1.train.Saver()
    xs = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    feeds = {x: xs, y: 3 * xs - 1}
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        with tf1.summary.FileWriter(str(tmp_path / "logs"), session.graph) as writer:
            for step in range(200):
                text, _ = session.run([summary, train], feeds)
                writer.add_summary(text, step)
        assert session.run(loss, feeds) < 1e-3
        path = saver.save(session, str(tmp_path / "model"), global_step=200)
    assert tensor_bundle.BundleReader(path).get("line/kernel").shape == (1, 1)
    with tf1.Session() as session:
        saver.restore(session, path)
        assert session.run(loss, feeds) < 1e-3


def test_decisions_and_loops_are_part_of_the_graph():
    with tf.Graph().as_default(), tf1.Session() as session:
        n = tf1.placeholder(tf.int32, [])
        total = tf1.while_loop(lambda i, s: i <= n, lambda i, s: (i + 1, s + i), (tf.constant(1), tf.constant(0)))[1]
        size = tf.cond(total > 50, lambda: tf.constant("large"), lambda: tf.constant("small"))
        assert [session.run([total, size], {n: k}) for k in (4, 10)] == [[10, b"small"], [55, b"large"]]


def test_an_error_says_what_arrived_and_where_the_operation_was_made():
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"(?s)inner dimension.*784.*512.*test_tiny.py"):
        tf.matmul(tf1.placeholder(tf.float32, [None, 784]), tf1.placeholder(tf.float32, [512, 10]))
