"""The updates of an optimizer's step as one operation, where nothing comes between them."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_updates import fuse_updates
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.core.errors import FailedPreconditionError
from penstock.core.graph import Graph
from penstock.language.control_flow import group
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.constant import constant
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import square_op
from penstock.ops.state.training import apply_gradient_descent
from penstock.runtime.session import Session
from penstock.train.adam import AdamOptimizer
from penstock.train.gradient_descent import GradientDescentOptimizer
from penstock.train.momentum import MomentumOptimizer

OPTIMIZERS = {
    "descent": lambda: GradientDescentOptimizer(0.1),
    "momentum": lambda: MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: AdamOptimizer(0.01, epsilon=1e-3),
}


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def variables(use_resource, dtype="float32"):
    return [
        VariableV1(np.linspace(-1, 1, size, dtype=dtype).reshape(dims), use_resource=use_resource, name=f"v{size}")
        for size, dims in ((6, (2, 3)), (4, (4,)), (1, ()))
    ]


def train(optimizer, use_resource, dtype, options):
    with Graph().as_default():
        held = variables(use_resource, dtype)
        loss = sum(reduce_sum(square_op(v.read_value() - 0.5) * 1.5) for v in held)
        step = OPTIMIZERS[optimizer]().minimize(loss)
        with Session() as session:
            session._options = options
            session.run(global_variables_initializer())
            for _ in range(5):
                session.run(step)
            return session.run([v.read_value() for v in held]), session.program(step).source


@pytest.mark.parametrize("use_resource", [False, True], ids=["ref", "resource"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_fused_updates_give_what_single_ones_give(optimizer, dtype, use_resource):
    expected, plain = train(optimizer, use_resource, dtype, Options.none())
    values, source = train(optimizer, use_resource, dtype, Options())
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6 if dtype == "float32" else 1e-12)
    assert source.count("_fused_") == 1 and "_fused_" not in plain


def descent(variable, rate, delta):
    return apply_gradient_descent.ref(variable._ref(), rate, delta)


def fused(dataflow):
    dataflow.check()
    before = [node.op_def.name for node in dataflow.nodes if "GradientDescent" in node.op_def.name]
    after = fuse_updates(dataflow)
    after.check()
    return before, after


def test_the_dataflow_before_and_after(graph):
    v, w = VariableV1([1.0], name="v", use_resource=False), VariableV1([2.0], name="w", use_resource=False)
    rate, delta = constant(0.5, name="rate"), constant([1.0], name="delta")
    first = apply_gradient_descent.ref(v._ref(), rate, delta, name="first")
    second = apply_gradient_descent.ref(w._ref(), rate, delta, name="second")
    done = group(first, second, name="done")
    before = schedule(prune([], [done], []))
    assert str(before).splitlines()[5:] == [
        "  first = ApplyGradientDescent(v:0, rate:0, delta:0)",
        "  second = ApplyGradientDescent(w:0, rate:0, delta:0)",
        "  done = NoOp() ^first ^second",
        "  return ",
    ]
    after = fuse_updates(before)
    after.check()
    assert str(after).splitlines()[5:] == [
        "  first_and_others = _FusedApplyGradientDescent(v:0, w:0, rate:0, delta:0, delta:0)",
        "  done = NoOp() ^first_and_others",
        "  return ",
    ]


def test_a_large_gradient_is_used_up_alone(graph, monkeypatch):
    monkeypatch.setattr("penstock.compiler.fuse_updates._LARGE_GRADIENT", 16)
    held = [VariableV1(np.ones(size, "float32"), use_resource=False) for size in (3, 4, 2)]
    rate = constant(0.5)
    updates = [descent(v, rate, constant(np.ones(v.shape.as_list(), "float32"))) for v in held]
    _, after = fused(schedule(prune(updates, [], [])))
    assert [n.attrs["N"] for n in after.nodes if n.op_def.name == "_FusedApplyGradientDescent"] == [1, 2]
    with Session() as session:
        session.run(global_variables_initializer())
        for value in session.run(updates):
            assert (value == 0.5).all()


def test_updates_that_are_ordered_stay_apart(graph):
    v, w = VariableV1([1.0], use_resource=False), VariableV1([2.0], use_resource=False)
    rate = constant(0.5)
    first = descent(v, rate, constant([1.0]))
    with graph.control_dependencies([first]):
        second = descent(w, rate, constant([1.0]))
    before, after = fused(schedule(prune([second], [], [])))
    assert [n.op_def.name for n in after.nodes if "GradientDescent" in n.op_def.name] == before


def test_a_read_between_updates_sees_the_value_of_its_place(graph):
    v, w = VariableV1([1.0], use_resource=True), VariableV1([2.0], use_resource=True)
    rate = constant(0.5)
    first = apply_gradient_descent.resource(v.handle, rate, constant([1.0]))
    between = v.read_value()
    second = apply_gradient_descent.resource(w.handle, rate, constant([1.0]))
    with Session() as session:
        session.run(global_variables_initializer())
        assert session.run([first, between, second])[1].tolist() == [0.5]


def test_two_updates_of_one_variable_stay_apart(graph):
    v, rate = VariableV1([1.0], use_resource=False), constant(0.5)
    updates = [descent(v, rate, constant([1.0])) for _ in range(2)]
    with Session() as session:
        session.run(v.initializer)
        session.run([update.op for update in updates])
        assert session.run(v).tolist() == [0.0]
        assert "_fused" not in session.program(updates).source


def test_different_hyperparameters_stay_apart(graph):
    held = [VariableV1([1.0], use_resource=False) for _ in range(4)]
    rates = [constant(0.5), constant(0.25)]
    updates = [descent(v, rates[index % 2], constant([1.0])) for index, v in enumerate(held)]
    _, after = fused(schedule(prune(updates, [], [])))
    assert [len(n.inputs) for n in after.nodes if n.op_def.name == "_FusedApplyGradientDescent"] == [5, 5]
    with Session() as session:
        session.run(global_variables_initializer())
        assert [value.tolist() for value in session.run(updates)] == [[0.5], [0.75], [0.5], [0.75]]


def test_values_read_before_the_updates_keep_their_value(graph):
    held = variables(use_resource=True)
    before = [v.read_value() for v in held]
    with graph.control_dependencies(before):
        step = group(*(apply_gradient_descent.resource(v.handle, 1.0, v.read_value()) for v in held))
    with graph.control_dependencies([step]):
        late = [value * 1.0 for value in before]
    with Session() as session:
        session.run(global_variables_initializer())
        for value, other in zip(session.run(late), session.run([v.read_value() for v in held]), strict=True):
            assert (value != 0).all() and (other == 0).all()


def test_an_uninitialized_variable_is_named(graph):
    held = variables(use_resource=True)
    step = AdamOptimizer().minimize(sum(reduce_sum(v.read_value()) for v in held))
    with Session() as session:
        session.run([v.initializer for v in held])
        with pytest.raises(FailedPreconditionError, match="uninitialized"):
            session.run(step)
