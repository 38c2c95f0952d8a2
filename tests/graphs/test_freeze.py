"""Freezing graphs: variables of both kinds, straight, in branches and in loops."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.errors import FailedPreconditionError
from penstock.graphs.lower import lower_control_flow

VARIABLES = {"VariableV2", "VarHandleOp", "ReadVariableOp"}


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("lowered", [False, True])
def test_a_frozen_graph_computes_the_same_without_variables(use_resource: bool, lowered: bool) -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [2], name="x")
        w = tf.get_variable("w", initializer=np.array([2, 3], np.float32), use_resource=use_resource)
        table = tf.get_variable("table", initializer=np.array([[1, 2], [3, 4]], np.float32), use_resource=use_resource)
        y = tf.cond(x[0] > 0.0, lambda: x * w, lambda: x + w) + tf.gather(table, 1)
        _, y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a * w), [0, y])
        tf.identity(y, name="y")
        session.run(tf.global_variables_initializer())
        feeds = [[1.0, 2.0], [-1.0, 2.0]]
        wanted = [session.run(y, {x: feed}) for feed in feeds]
        definition = graph.as_graph_def()
        if lowered:
            definition = lower_control_flow(definition)
        frozen = tf.graph_util.convert_variables_to_constants(session, definition, ["y"])
    assert not VARIABLES & {node.op for node in frozen.node}
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(frozen, name="")
        for feed, value in zip(feeds, wanted, strict=True):
            np.testing.assert_array_equal(session.run("y:0", {"x:0": feed}), value)


def test_variables_may_be_left_out() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        a, b = tf.get_variable("a", initializer=1.0), tf.get_variable("b", initializer=2.0)
        tf.add(a, b, name="c")
        session.run(tf.global_variables_initializer())
        convert = tf.graph_util.convert_variables_to_constants
        for options in ({"variable_names_whitelist": ["a"]}, {"variable_names_blacklist": ["b"]}):
            ops = {n.name: n.op for n in convert(session, graph.as_graph_def(), ["c"], **options).node}
            assert ops["a"] == "Const" and ops["b"] == b.op.type


def test_a_variable_without_a_value_is_an_error() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.identity(tf.get_variable("a", initializer=1.0), name="b")
        with pytest.raises(FailedPreconditionError, match="uninitialized"):
            tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["b"])
