"""Values of variables after their updates, and updates that are one chain of elementwise operations."""

from __future__ import annotations

import random

import numpy as np
import pytest

import penstock as tf
from penstock.compiler.dataflow import prune
from penstock.compiler.forward_updates import forward_updates
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.core.graph import Graph
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.constant import placeholder
from penstock.ops.math.exponential import exp_op
from penstock.ops.math.scan import cumsum_op
from penstock.ops.math.unary import neg_op, square_op
from penstock.ops.state.variables import (
    assign_add_variable_op,
    assign_sub_variable_op,
    assign_variable_op,
    read_variable_op,
    resource_gather_op,
)
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def variable(name, dims=(3,)):
    return VariableV1(np.arange(1, 1 + np.prod(dims), dtype=np.float32).reshape(dims), use_resource=True, name=name)


def read(v):
    value = read_variable_op(v.handle, dtype=tf.float32)
    value.set_shape(v.shape)
    return value


def dataflow_of(fetches, targets, feeds):
    return schedule(prune(fetches, targets, feeds))


def operations(dataflow):
    dataflow.check()
    return [node.op_def.name for node in dataflow.nodes if node.op_def.name not in ("Const", "VarHandleOp")]


def test_a_read_after_an_update_takes_the_value_assigned(graph):
    x, v = placeholder("float32", [3], name="x"), variable("v")
    update = assign_variable_op(v.handle, exp_op(x))
    after = neg_op(read(v))
    before = dataflow_of([after], [update], [x])
    assert operations(before) == ["Exp", "AssignVariableOp", "ReadVariableOp", "Neg"]
    assert operations(forward_updates(before)) == ["Exp", "AssignVariableOp", "Neg"]


def test_an_update_by_an_elementwise_result_becomes_a_sum(graph):
    x, v = placeholder("float32", [3], name="x"), variable("v")
    update = assign_sub_variable_op(v.handle, square_op(x - read(v)))
    before = dataflow_of([], [update], [x])
    assert operations(before) == ["ReadVariableOp", "Sub", "Square", "AssignSubVariableOp"]
    after = forward_updates(before)
    assert operations(after) == ["ReadVariableOp", "Sub", "Square", "Sub", "AssignVariableOp"]
    fused = fuse_elementwise(after)
    assert operations(fused) == ["ReadVariableOp", "_ElementwiseUpdate"]
    assert fused.nodes[-1].attrs["chain"].region.written == (1,)


@pytest.mark.parametrize("how", ["not elementwise", "awaited"])
def test_other_updates_stay_in_place(graph, how):
    x, v = placeholder("float32", [3], name="x"), variable("v")
    old = read(v)
    update = assign_add_variable_op(v.handle, cumsum_op(x, 0) if how == "not elementwise" else exp_op(x))
    with tf.control_dependencies([update] if how == "awaited" else []):
        late = neg_op(old)
    after = forward_updates(dataflow_of([late], [update], [x]))
    assert "AssignAddVariableOp" in operations(after)


def test_a_read_is_not_forwarded_over_what_may_update_the_variable(graph):
    x, v = placeholder("float32", [3], name="x"), variable("v")
    updates = [assign_variable_op(v.handle, exp_op(x)), assign_add_variable_op(v.handle, cumsum_op(x, 0))]
    assert "ReadVariableOp" in operations(forward_updates(dataflow_of([neg_op(read(v))], updates, [x])))


def test_a_chain_with_its_updates_ends_where_something_reads_the_variable(graph):
    x, v = placeholder("float32", [3], name="x"), variable("v")
    new = exp_op(x) * 2.0
    update = assign_variable_op(v.handle, new)
    row = resource_gather_op(v.handle, [0], dtype=tf.float32)
    late = neg_op(square_op(new) + 1.0)
    after = fuse_elementwise(dataflow_of([row, late], [update], [x]))
    assert operations(after) == ["_ElementwiseUpdate", "ResourceGather", "_Elementwise"]


@pytest.mark.parametrize("dims", [(3,), (2, 3), ()], ids=str)
def test_an_optimizer_in_plain_operations_is_one_kernel_a_variable(dims):
    w, m = tf.Variable(tf.ones(dims)), tf.Variable(tf.zeros(dims))

    @tf.function
    def step(x):
        m.assign_add((x - w - m) * 0.1)
        w.assign_sub(m * 0.5)

    step(tf.zeros(dims))
    source = step.get_concrete_function(tf.TensorSpec(dims)).program.source
    if dims == ():
        assert "assign_sub_variable_op_kernel" in source
        return
    assert source.count("_elementwise_update_kernel(") == 1
    assert "detach" not in source and "assign" not in source


def run_both_ways(make, steps=4):
    """Return what a function of freshly made variables gives with all passes and with none, run for run."""
    results = []
    for options in (Options.none(), Options()):
        with Graph().as_default():
            fetches, held = make()
            with Session() as session:
                session._options = options
                session.run(global_variables_initializer())
                seen = [session.run([fetches, [v.read_value() for v in held]]) for _ in range(steps)]
                results.append((seen, session.run([v.read_value() for v in held])))
    return results


def leaves(nested):
    return [nested] if not isinstance(nested, (list, tuple)) else [leaf for item in nested for leaf in leaves(item)]


@pytest.mark.parametrize("seed", range(30))
def test_random_reads_and_updates_give_what_they_give_one_by_one(seed):
    def make():
        choose = random.Random(seed)
        held = [variable(f"v{index}", (2, 3)) for index in range(3)]
        values = [tf.constant(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3))]
        done, fetched = [], []
        for _ in range(14):
            v = choose.choice(held)
            with tf.control_dependencies(done[-1:]):
                kind = choose.randrange(7)
                a, b = choose.choice(values), choose.choice(values)
                if kind < 2:
                    values.append(v.read_value())
                    done.append(values[-1])
                elif kind == 2:
                    values.append(tf.tanh(a * 0.5 - b))
                elif kind == 3:
                    done.append(v.assign(tf.tanh(a) * 0.5 + b * 0.25))
                elif kind == 4:
                    done.append(v.assign_add(tf.tanh(a - b)))
                elif kind == 5:
                    done.append(v.assign_sub(a * 0.125))
                else:
                    done.append(v.scatter_nd_add([[1]], tf.tanh(a)[:1]))
            if choose.random() < 0.3:
                fetched.append(choose.choice(values))
        return [fetched, tf.group(*done)], held

    plain, optimized = run_both_ways(make)
    for one, other in zip(leaves(plain), leaves(optimized), strict=True):
        if one is not None:
            np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)


def test_what_a_function_returned_does_not_change_when_the_next_call_updates_in_place():
    w, m = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([0.5, 0.5, 0.5])

    @tf.function
    def step(x):
        old = w.read_value()
        m.assign_add((x - m) * 0.5)
        w.assign_sub(m * 0.5)
        return old, w.read_value(), m.read_value()

    x = tf.constant([1.0, -1.0, 2.0])
    seen = []
    for _ in range(4):
        results = step(x)
        seen.append((results, [value.numpy().copy() for value in results], w.value(), w.numpy().copy()))
    for results, copies, variable_value, copy in seen:
        for value, expected in zip(results, copies, strict=True):
            np.testing.assert_array_equal(value.numpy(), expected)
        np.testing.assert_array_equal(variable_value.numpy(), copy)
    for (first, *_), (second, *_) in zip(seen, seen[1:], strict=False):
        np.testing.assert_array_equal(first[1].numpy(), second[0].numpy())
    np.testing.assert_array_equal(x.numpy(), [1.0, -1.0, 2.0])


def test_a_variable_that_takes_the_value_of_another_keeps_it():
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])

    @tf.function
    def step():
        change = tf.exp(-a) * 0.5 + 1.0
        a.assign(change)
        b.assign(change)
        a.assign_add(change * b)
        return b.read_value()

    for _ in range(3):
        expected = np.exp(-a.numpy()) * np.float32(0.5) + 1
        np.testing.assert_allclose(step().numpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(b.numpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(a.numpy(), expected + expected * expected, rtol=1e-6)


def test_large_variables_are_updated_by_several_threads_as_by_one():
    count = (1 << 18) + 3
    w = tf.Variable(tf.linspace(-1.0, 1.0, count))

    @tf.function
    def step():
        w.assign_sub(tf.square(w) * 0.25 + w)

    expected = w.numpy()
    for _ in range(3):
        step()
        expected = expected - (np.square(expected) * np.float32(0.25) + expected)
        np.testing.assert_array_equal(w.numpy(), expected)


def test_an_assignment_of_another_shape_still_works():
    v = tf.Variable([1.0, 2.0], shape=[None])

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def step(x):
        v.assign(tf.exp(x) * 2.0 - 1.0)
        return v.read_value()

    for size in (2, 3, 3, 1):
        x = np.arange(size, dtype=np.float32)
        np.testing.assert_allclose(step(x).numpy(), np.exp(x) * 2 - 1, rtol=1e-6)
        assert v.numpy().shape == (size,)


def test_a_variable_never_shares_memory_with_what_a_function_returns_or_is_given():
    v, u = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([0.0, 0.0, 0.0])

    @tf.function
    def step(x, rows):
        kept = tf.identity(x) * 1.0 + rows
        v.assign(kept)
        u.assign(tf.tanh(tf.identity(x)) + v)
        return kept, u.read_value()

    rows = tf.constant([0.0, 0.0, 0.0])
    x = tf.constant([4.0, 5.0, 6.0])
    for _ in range(3):
        kept, other = step(x, rows)
        v.assign_add([1.0, 1.0, 1.0])
        u.assign_sub(u * 2.0)
        np.testing.assert_array_equal(kept.numpy(), [4.0, 5.0, 6.0])
        np.testing.assert_allclose(other.numpy(), np.tanh([4.0, 5.0, 6.0]) + [4.0, 5.0, 6.0], rtol=1e-6)
        np.testing.assert_array_equal(x.numpy(), [4.0, 5.0, 6.0])
