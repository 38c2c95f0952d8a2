"""Loops get a counter and a limit, once, and compute what they did."""

from __future__ import annotations

import pytest

import penstock as tf
from penstock.core.context import eager_mode
from penstock.formats import protos
from penstock.graphs.counted_loops import count_loops
from penstock.graphs.importer import import_graph_def

INT32 = 3


@pytest.fixture
def graph_def():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [], name="x")

        def inner(total):
            return tf.while_loop(lambda j, s: j < 2.0, lambda j, s: (j + 1.0, s + x), (0.0, total))[1]

        _, total = tf.while_loop(lambda i, s: i < 3.0, lambda i, s: (i + 1.0, inner(s)), (0.0, 1.0))
        tf.identity(total, name="total")
    return graph.as_graph_def(add_shapes=True)


def _loops(graph_def):
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    return [node for node in nodes if node.op in ("While", "StatelessWhile")]


def _run(graph_def):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        (total,) = import_graph_def(graph_def, return_elements=["total:0"], name="")
        return session.run(total, {"x:0": 2.0})


def test_nested_loops_compute_the_same_with_two_more_variables(graph_def):
    before = [len(node.input) for node in _loops(graph_def)]
    assert len(before) == 2 and _run(graph_def) == 13.0
    count_loops(graph_def)
    loops = _loops(graph_def)
    assert [len(node.input) for node in loops] == [count + 2 for count in before]
    assert all(list(node.attr["T"].list.type[:2]) == [INT32, INT32] for node in loops)
    functions = {function.signature.name: function.signature for function in graph_def.library.function}
    for node in loops:
        body = functions[node.attr["body"].func.name]
        assert len(body.input_arg) == len(body.output_arg) == len(node.input)
        assert len(functions[node.attr["cond"].func.name].input_arg) == len(node.input)
    assert _run(graph_def) == 13.0


def test_loops_that_count_stay_as_they_are(graph_def):
    count_loops(graph_def)
    once = graph_def.SerializeToString(deterministic=True)
    count_loops(graph_def)
    assert graph_def.SerializeToString(deterministic=True) == once


def test_saving_again_adds_nothing(tmp_path):
    with eager_mode():
        module = tf.Module()
        module.v = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def total(n):
            result = 0.0
            for _ in tf.range(n):
                result += module.v
            return result

        module.total = total
        counts = []
        for name in ("a", "b", "c"):
            tf.saved_model.save(module, tmp_path / name)
            message = protos.SavedModel.FromString((tmp_path / name / "saved_model.pb").read_bytes())
            counts.append({len(node.input) for node in _loops(message.meta_graphs[0].graph_def)})
            module = tf.saved_model.load(tmp_path / name)
            assert module.total(3).numpy() == 6.0
        assert counts[0] == counts[1] == counts[2]
