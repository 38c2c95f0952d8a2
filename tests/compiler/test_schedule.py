"""The order in which nodes run."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.schedule import schedule
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.language.control_flow import while_loop
from penstock.language.function import function
from penstock.language.resource_variable import ResourceVariable
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.trigonometric import sin
from penstock.ops.math.unary import neg_op, square


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def order(fetches):
    return [node.name for node in schedule(prune(fetches, [], [])).nodes if node.op_def.name != "Const"]


def test_nodes_run_in_the_order_of_creation(graph):
    x = placeholder("float32", [2], name="x")
    a, b = neg_op(x, name="a"), neg_op(x, name="b")
    assert order([b + a, a]) == ["x", "a", "b", "add"]


def test_what_an_earlier_node_needs_runs_in_its_place(graph):
    variable = ResourceVariable([1.0, 2.0], name="v", trainable=False)
    x = placeholder("float32", [2], name="x")
    early = neg_op(x, name="early")
    assign = variable.assign(early, read_value=False)
    with graph.control_dependencies([assign]):
        done = neg_op(early, name="done")
    read = variable.read_value()
    late = square(x, name="late")
    early.op._add_control_input(late.op)
    names = order([done, read])
    places = [names.index(name) for name in ("late", "early", assign.name, read.op.inputs[0].op.name)]
    assert places == sorted(places)


def test_side_effects_are_not_moved(graph):
    variable = ResourceVariable([1.0, 2.0], name="v", trainable=False)
    early = neg_op(placeholder("float32", [2], name="x"), name="early")
    first = variable.assign_add([1.0, 1.0], read_value=False)
    second = variable.assign([5.0, 5.0], read_value=False)
    early.op._add_control_input(second)
    with graph.control_dependencies([first]):
        done = neg_op(early, name="done")
    names = order([done])
    assert names.index(first.name) < names.index(second.name) < names.index("early")


def test_a_cycle_is_described(graph):
    a = neg_op(placeholder("float32", [2], name="x"), name="a")
    b = neg_op(a, name="b")
    a.op._add_control_input(b.op)
    with pytest.raises(InvalidArgumentError, match="'a' -> 'b' -> 'a'|'b' -> 'a' -> 'b'"):
        schedule(prune([b], [], []))


def test_a_read_sees_the_assignment_of_what_a_differentiated_loop_makes():
    variable = ResourceVariable([0.1, 0.2])

    @function
    def step(x):
        with GradientTape() as tape:
            tape.watch(x)
            _, y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, sin(y)), [constant(0), x])
            variable.assign(y)
            result = variable.read_value() + y
        return result, tape.gradient(result, x)

    x = np.array([0.5, -1.0], np.float32)
    expected = np.sin(np.sin(np.sin(x)))
    np.testing.assert_allclose(step(constant(x))[0].numpy(), 2 * expected, rtol=1e-6)
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)
