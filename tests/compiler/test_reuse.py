"""Results in the memory of values that nothing needs any more, and in no other."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.reuse import reused_inputs
from penstock.compiler.schedule import schedule

SIZES = [128, 64]  # 32 KB


@pytest.fixture
def graph():
    graph = tf.Graph()
    with graph.as_default():
        yield graph


def reused(fetches, targets=(), feeds=()):
    """Return the names of the nodes that reuse an input, and of those inputs."""
    dataflow = refresh_reads(schedule(prune(fetches, targets, feeds)))
    found = reused_inputs(dataflow)
    return {node.name: node.inputs[position].name for node, position in found.items()}


def images(name="x"):
    return tf.placeholder(tf.float32, SIZES, name=name)


def test_the_source_before_and_after(graph):
    x = images()
    y = tf.nn.relu(tf.square(x, name="square"), name="y")
    for options, kernel in ((Options(), "relu_in_place_kernel"), (Options(reuse_memory=False), "relu_kernel")):
        with tf.Session() as session:
            session._options = options
            assert session.program(y, [x]).source.splitlines()[1:] == [
                "    square = square_kernel(x)",
                "    del x",
                f"    y = {kernel}(square)",
                "    del square",
                "    return [y]",
            ]


def test_a_chain_uses_one_memory(graph):
    x, y = images(), images("y")
    value = tf.square(x, name="a")
    value = tf.add(value, y, name="b")
    value = tf.multiply(y, value, name="c")
    value = tf.reshape(value, [-1], name="d")
    value = tf.subtract(value, 1.0, name="e")
    assert reused([value]) == {"b": "a:0", "c": "b:0", "e": "d:0"}
    given = np.random.default_rng(0).normal(size=(2, *SIZES)).astype("float32")
    with tf.Session() as session:
        expected = (given[1] * (given[0] * given[0] + given[1])).reshape(-1) - np.float32(1)
        np.testing.assert_allclose(session.run(value, {x: given[0], y: given[1]}), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: [tf.nn.relu(x, name="r")],
        lambda x: [tf.nn.relu(tf.constant(np.ones(SIZES, "float32")), name="r")],
        lambda x: [tf.nn.relu(tf.get_variable("v", SIZES, use_resource=False), name="r")],
        lambda x: [tf.nn.relu(tf.get_variable("v", SIZES, use_resource=True), name="r")],
        lambda x: [tf.nn.relu(tf.identity(x), name="r")],
        lambda x: (lambda y: [tf.nn.relu(y, name="r"), y])(tf.square(x)),
        lambda x: (lambda y: [tf.nn.relu(y, name="r"), tf.identity(y)])(tf.square(x)),
        lambda x: (lambda y: [tf.nn.relu(y, name="r"), tf.reshape(y, [-1])])(tf.square(x)),
        lambda x: (lambda y: [tf.nn.relu(tf.reshape(y, [-1]), name="r"), tf.exp(y)])(tf.square(x)),
        lambda x: (lambda y: [tf.multiply(y, y, name="r")])(tf.square(x)),
        lambda x: (lambda y: [tf.multiply(y, tf.reshape(y, SIZES), name="r")])(tf.square(x)),
        lambda x: [tf.nn.relu(tf.broadcast_to(tf.square(x[:1]), SIZES), name="r")],
        lambda x: [tf.nn.relu(tf.transpose(tf.square(x)), name="r")],
        lambda x: [tf.add(tf.square(x[:1, :]), x, name="r")],
        lambda x: [tf.nn.relu(tf.square(x[:1, :1]), name="r")],
        lambda x: [tf.nn.relu(tf.cond(tf.reduce_sum(x) > 0, lambda: tf.exp(x), lambda: x), name="r")],
        lambda x: [tf.nn.relu(tf.while_loop(lambda y: False, lambda y: y + 1.0, [tf.exp(x)]), name="r")],
    ],
)
def test_memory_of_others_is_not_reused(graph, build):
    x = images()
    fetches = build(x)
    assert "r" not in reused(fetches, feeds=[x])
    given = np.random.default_rng(0).normal(size=SIZES).astype("float32")
    kept = given.copy()
    results = []
    for options in (Options(), Options(reuse_memory=False)):
        with tf.Session() as session:
            session._options = options
            tf.set_random_seed(1)
            session.run([v.initializer for v in tf.global_variables()])
            session.run([v.assign(np.full(SIZES, -2, "float32")) for v in tf.global_variables()])
            for _ in range(3):
                found = session.run(fetches, {x: given})
            results.append(found)
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(given, kept)


def test_an_assignment_takes_over_a_value_that_nothing_else_needs(graph):
    v, w = (tf.get_variable(name, SIZES, use_resource=False) for name in "vw")
    x = images()
    once, shared = tf.square(x, name="once"), tf.exp(x, name="shared")
    assert reused([], [v.assign(once).op], [x]) == {"Assign": "once:0"}
    both = [w.assign(shared), v.assign(shared)]
    assert list(reused([], [item.op for item in both], [x])) == ["Assign_2"]
    given = np.random.default_rng(0).normal(size=SIZES).astype("float32")
    with tf.Session() as session:
        before = session.run(both[0], {x: given})
        session.run([item.op for item in both], {x: given})
        session.run(v.assign_add(tf.ones(SIZES)))
        np.testing.assert_array_equal(session.run(w), before)
        np.testing.assert_array_equal(session.run(v), before + np.float32(1))


def test_drawn_numbers_are_scaled_where_they_lie(graph):
    value = tf.truncated_normal(SIZES, stddev=0.5, name="drawn")
    assert reused([value]) == {"drawn/mul": "drawn/TruncatedNormal:0", "drawn": "drawn/mul:0"}
    with tf.Session() as session:
        first, second = session.run(value), session.run(value)
    assert (np.abs(first) <= 1).all() and 0.4 < first.std() < 0.5
    assert (first != second).any()


def test_what_a_session_returned_never_changes(graph):
    x = images()
    y = tf.nn.relu(tf.square(x) - 1.0)
    gradient = tf.gradients(tf.reduce_sum(y * y), x)
    generator = np.random.default_rng(0)
    with tf.Session() as session:
        found = [session.run([y, gradient[0]], {x: generator.normal(size=SIZES)}) for _ in range(5)]
        copies = [[value.copy() for value in values] for values in found]
        for _ in range(5):
            session.run([y, gradient[0]], {x: generator.normal(size=SIZES)})
    for values, kept in zip(found, copies, strict=True):
        for value, copy in zip(values, kept, strict=True):
            np.testing.assert_array_equal(value, copy)


def test_many_threads_and_changing_shapes_do_not_meet_in_one_memory(graph):
    x = tf.placeholder(tf.float32, [None, 512])
    y = tf.nn.relu(tf.square(x) - 1.0) * 2.0 + x
    errors = []

    def work(session, seed):
        generator = np.random.default_rng(seed)
        for _ in range(20):
            value = generator.normal(size=(int(generator.integers(1, 60)), 512)).astype("float32")
            kept = value.copy()
            found = session.run(y, {x: value})
            if not np.allclose(found, np.maximum(kept * kept - 1, 0) * 2 + kept, atol=1e-5) or (value != kept).any():
                errors.append(seed)

    with tf.Session() as session:
        threads = [threading.Thread(target=work, args=(session, seed)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors


def test_operands_that_turn_out_to_be_broadcast_give_what_they_give_without_reuse(graph):
    x, y = (tf.placeholder(tf.float32, [None, 512]) for _ in range(2))
    z = tf.square(x) + y
    with tf.Session() as session:
        for rows in ((16, 16), (1, 16), (16, 1)):
            given = [np.full([size, 512], 2, "float32") for size in rows]
            assert (session.run(z, dict(zip((x, y), given, strict=True))) == 6).all()
