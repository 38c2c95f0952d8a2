"""What uses up large values runs early, and what it does stays the same."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.schedule import schedule
from penstock.compiler.shorten_lifetimes import shorten_lifetimes
from penstock.core.graph import Graph
from penstock.language.control_flow import group
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.constant import placeholder, shape_op
from penstock.ops.debugging.printing import print_v1
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import neg_op, square_op
from penstock.ops.state.training import apply_gradient_descent
from penstock.runtime.session import Session
from penstock.train.adam import AdamOptimizer

LARGE = [128, 256]  # 128 KB


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def order(fetches, targets, feeds):
    """Return the names of the nodes with inputs, in the order from before and in that from after."""
    dataflow = refresh_reads(schedule(prune(fetches, targets, feeds)))
    before = [node.name for node in dataflow.nodes if node.inputs]
    after = shorten_lifetimes(dataflow)
    after.check()
    return before, [node.name for node in after.nodes if node.inputs]


def test_a_sum_and_a_shape_come_right_after_the_value_that_they_are_the_last_to_use(graph):
    x = placeholder("float32", LARGE, name="x")
    large = square_op(x, name="large")
    other = neg_op(x, name="other")
    sums = [reduce_sum(large, name="total"), shape_op(other, name="shape")]
    before, after = order(sums, [], [x])
    assert before == ["large", "other", "total", "shape"]
    assert after == ["large", "total", "other", "shape"]


def test_small_values_stay_where_they_are(graph):
    x = placeholder("float32", [128], name="x")
    fetches = [square_op(x), neg_op(x)]
    before, after = order([reduce_sum(value) for value in fetches], [], [x])
    assert before == after


def variable(value, name):
    return VariableV1(np.full(LARGE, value, "float32"), use_resource=False, name=name)


def descent(v, delta, name):
    return apply_gradient_descent.ref(v._ref(), 1.0, delta, name=name)


def test_an_update_comes_right_after_its_gradient_and_takes_what_is_small_along(graph):
    v, w = variable(1, "v"), variable(2, "w")
    x = placeholder("float32", LARGE, name="x")
    rate = VariableV1(0.5, use_resource=False, name="rate")
    gradients = [square_op(x, name="first"), neg_op(x, name="second")]
    updates = [
        apply_gradient_descent.ref(item._ref(), rate.value(), delta, name=f"update_{delta.op.name}")
        for item, delta in zip((v, w), gradients, strict=True)
    ]
    before, after = order(updates, [], [x])
    assert before == ["rate/read", "first", "second", "update_first", "update_second"]
    assert after == ["rate/read", "first", "update_first", "second", "update_second"]


def test_an_update_stays_behind_the_uses_of_the_value_from_before(graph):
    v = variable(1, "v")
    x = placeholder("float32", LARGE, name="x")
    delta = square_op(x, name="delta")
    late = neg_op(v.value(), name="late")
    update = descent(v, delta, "update")
    before, after = order([late], [update.op], [x])
    assert before == after == ["v/read", "delta", "late", "update"]


def test_an_update_stays_behind_other_effects_and_what_it_waits_for(graph):
    v = variable(1, "v")
    x = placeholder("float32", LARGE, name="x")
    delta = square_op(x, name="delta")
    other = neg_op(x, name="other")
    with graph.control_dependencies([other]):
        waits = descent(v, delta, "waits")
    assert order([other], [waits.op], [x])[1] == ["delta", "other", "waits"]
    printed = print_v1(other, [other], name="printed")
    update = descent(variable(1, "w"), delta, "update")
    names = order([printed], [update.op], [x])[1]
    assert names.index("update") > names.index("printed")


def network():
    """Return a step of a network with a large matrix, its feeds, and the variables."""
    x = placeholder("float32", [None, 600], name="x")
    held = [
        VariableV1(np.random.default_rng(size).normal(size=(600, size)).astype("float32"), use_resource=False)
        for size in (600, 700)
    ]
    h = x
    for item in held:
        h = mat_mul_op(h, item.value())
        h = square_op(h) / 600.0
    step = AdamOptimizer(0.01).minimize(reduce_sum(h))
    return step, x, held


def test_training_gives_the_same_numbers_and_a_step_holds_one_large_gradient_at_a_time(graph):
    step, x, held = network()
    value = np.random.default_rng(0).normal(size=(7, 600)).astype("float32")
    results, sources = [], []
    for options in (Options(), Options(shorten_lifetimes=False)):
        with Session() as session:
            session._options = options
            session.run(global_variables_initializer())
            for rows in (7, 5, 7):
                session.run(step, {x: value[:rows]})
            results.append(session.run([item.value() for item in held]))
            sources.append(session.program(step, [x]).source.splitlines())
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)
    for lines, is_early in zip(sources, (True, False), strict=True):
        made = [number for number, line in enumerate(lines) if "transpose_a=True" in line]
        updated = [number for number, line in enumerate(lines) if "_fused_apply_adam" in line]
        assert len(made) == len(updated) == 2
        assert (updated[0] < made[1]) is is_early


def test_a_group_waits_for_updates_that_moved(graph):
    v = variable(1, "v")
    x = placeholder("float32", LARGE, name="x")
    done = group(descent(v, square_op(x), "update"), name="done")
    with graph.control_dependencies([done]):
        late = v.read_value()
    with Session() as session:
        session.run(global_variables_initializer())
        assert (session.run(late, {x: np.full(LARGE, 2, "float32")}) == -3).all()
