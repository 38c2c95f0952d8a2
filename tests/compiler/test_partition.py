"""Dividing a dataflow among devices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.partition import partition
from penstock.compiler.placement import Placer
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.schedule import schedule
from penstock.core.errors import OpError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.local_devices import local_devices
from penstock.formats import protos
from penstock.language.control_flow import cond, group, while_loop
from penstock.language.variables import VariableV1
from penstock.ops.array.filling import ones_like_op
from penstock.ops.array.shaping import reshape_op
from penstock.ops.constant import constant, identity, no_op, placeholder, shape_op
from penstock.ops.math.binary import floor_div_op
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session

DEVICES = local_devices({"CPU": 4})
ONE, FOUR = protos.ConfigProto(), protos.ConfigProto(device_count={"CPU": 4})


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def divide(graph, fetches, targets=(), feeds=()):
    device_of = Placer(DEVICES, False).place(graph)
    dataflow = refresh_reads(schedule(prune(fetches, targets, feeds)))
    parts = partition(dataflow, lambda node: device_of(node.source))
    for part in parts:
        part.dataflow.check()
    return {part.device.name[-1]: part for part in parts}


def kinds(part):
    return [node.op_def.name for node in part.dataflow.nodes]


def test_a_value_is_sent_once_to_each_device_that_needs_it(graph):
    x = placeholder("float32", [])
    with graph.device("/cpu:1"):
        y = tanh_op(x)
    with graph.device("/cpu:2"):
        a, b = y + y, y * 2.0
    with graph.device("/cpu:3"):
        c = y - y
    parts = divide(graph, [a, b, c], feeds=[x])
    assert kinds(parts["1"]) == ["Tanh", "_Send", "_Send"]
    assert kinds(parts["2"]).count("_Recv") == 1 and kinds(parts["3"]).count("_Recv") == 1
    sends = [node.attrs for node in parts["1"].dataflow.nodes if node.op_def.name == "_Send"]
    assert [attrs["recv_device"][-1] for attrs in sends] == ["2", "3"]
    assert len({attrs["tensor_name"] for attrs in sends}) == 2
    assert {attrs["send_device_incarnation"] for attrs in sends} == {DEVICES[1].incarnation}


def test_a_receive_stands_directly_before_the_first_node_that_needs_it(graph):
    x = placeholder("float32", [])
    with graph.device("/cpu:1"):
        far = tanh_op(x)
    with graph.device("/cpu:2"):
        near = tanh_op(tanh_op(x))
        result = near + far
    part = divide(graph, [result], feeds=[x])["2"]
    assert kinds(part) == ["Tanh", "Tanh", "_Recv", "AddV2"]


def test_nodes_on_which_another_device_depends_go_first(graph):
    x = placeholder("float32", [])
    with graph.device("/cpu:1"):
        own = tanh_op(tanh_op(x))
        shared = x * x
    with graph.device("/cpu:2"):
        result = tanh_op(shared)
    assert kinds(divide(graph, [own, result], feeds=[x])["1"])[:2] == ["Mul", "_Send"]


def test_constants_and_handles_are_not_sent(graph):
    with graph.device("/cpu:1"):
        c = constant(2.0)
        v = VariableV1(1.0, use_resource=True)
    with graph.device("/cpu:2"):
        y = c * c
    parts = divide(graph, [y], [v.initializer])
    assert all("_Send" not in kinds(part) for part in parts.values())
    assert kinds(parts["2"]) == ["Const", "Mul"]


def test_a_control_edge_between_devices_becomes_an_empty_value(graph):
    v = VariableV1(1.0, use_resource=True)
    with graph.device("/cpu:1"):
        first = placeholder("float32", []) + 1.0
    with graph.device("/cpu:2"), graph.control_dependencies([first]):
        second = no_op()
    parts = divide(graph, [], [second], first.op.inputs[:1])
    assert kinds(parts["1"]) == ["Const", "AddV2", "Const", "_Send"]
    assert kinds(parts["2"]) == ["_Recv", "NoOp"]
    assert parts["2"].dataflow.nodes[1].controls == [parts["2"].dataflow.nodes[0]]
    del v


def test_two_devices_that_need_each_other_do_not_wait_in_vain(graph):
    x = placeholder("float32", [])
    with graph.device("/cpu:1"):
        a = tanh_op(x)
    with graph.device("/cpu:2"):
        b = x * x
    with graph.device("/cpu:1"):
        c = a + b
    with graph.device("/cpu:2"):
        d = a - b
    with Session(graph=graph, config=FOUR) as session:
        for _ in range(20):
            assert session.run([c, d], {x: 2.0}) == [np.float32(np.tanh(2.0) + 4), np.float32(np.tanh(2.0) - 4)]


def test_an_update_leaves_a_value_that_another_device_still_uses(graph):
    with graph.device("/cpu:1"):
        v = VariableV1(np.zeros(1000), use_resource=True)
        before = v.read_value()
    with graph.device("/cpu:2"):
        used = reduce_sum(tanh_op(identity(before)))
    with graph.control_dependencies([before]):
        update = v.assign_add(np.ones(1000))
    with Session(graph=graph, config=FOUR) as session:
        assert "detach(" in session.program([used, update.op]).source
        session.run(v.initializer)
        for step in range(20):
            total, _ = session.run([used, update.op])
            np.testing.assert_allclose(total, 1000 * np.tanh(step))


class Builder:
    """A graph that grows by one operation for each choice, on a device that the choice names."""

    def __init__(self, graph, placed):
        self.graph, self.placed = graph, placed
        self.x = placeholder("float64", [2, 3], name="x")
        self.rows = placeholder("float64", [None, 3], name="rows")
        self.variables = [
            VariableV1(np.full([3], 1.0 + resource), use_resource=resource, name=f"v{int(resource)}")
            for resource in (False, True)
        ]
        self.values = [self.x, self.rows, self.variables[0].value()]
        self.updates = [no_op()]

    def step(self, kind, a, b, device):
        with self.graph.device(f"/cpu:{device}" if self.placed else None):
            STEPS[kind](self, self.values[-1 - a % len(self.values)], self.values[-1 - b % len(self.values)], a)

    def unary(self, x, y, a):
        self.values.append([tanh_op, identity, ones_like_op][a % 3](x))

    def binary(self, x, y, a):
        self.values.append([lambda: x + y, lambda: x * y, lambda: x - y][a % 3]())

    def reshape(self, x, y, a):
        self.values.append(reshape_op(x * 2.0, shape_op(y)))

    def product(self, x, y, a):
        self.values.append(mat_mul_op(self.rows * reduce_sum(x), np.linspace(-1, 1, 9).reshape(3, 3)))

    def derivative(self, x, y, a):
        (found,) = gradients(reduce_sum(x), [self.x])
        if found is not None:
            self.values.append(found)

    def branch(self, x, y, a):
        self.values.append(cond(reduce_sum(x) > 0.0, lambda: tanh_op(x), lambda: x * 3.0))

    def loop(self, x, y, a):
        self.values.append(while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tanh_op(v) + 0.5), [0, x])[1])

    def failing(self, x, y, a):
        self.values.append(x + cast(reduce_sum(floor_div_op(constant([6, 2]), constant([1, a % 4]))), "float64"))

    def update(self, x, y, a):
        with self.graph.control_dependencies([x]):
            self.updates.append(self.variables[a % 2].assign_add(np.full([3], 0.5)).op)

    def assign(self, x, y, a):
        self.updates.append(self.variables[a % 2].assign(tanh_op(reduce_sum(y) + np.zeros(3))).op)

    def read(self, x, y, a):
        with self.graph.control_dependencies(self.updates[-1:]):
            v = self.variables[a % 2]
            self.values.append(v.read_value() if a % 2 else identity(v.value()))

    def together(self, x, y, a):
        self.updates.append(group(*self.updates[-3:]))


STEPS = [
    *(Builder.unary, Builder.binary, Builder.binary, Builder.reshape, Builder.product, Builder.derivative),
    *(Builder.branch, Builder.loop, Builder.update, Builder.update, Builder.assign, Builder.read, Builder.together),
    Builder.failing,
]

choices = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)),
    min_size=4,
    max_size=24,
)


def outcome(chosen, rows, placed):
    """Return the values and the variables after two steps, or the class of the error."""
    with Graph().as_default() as graph:
        builder = Builder(graph, placed)
        for choice in chosen:
            try:
                builder.step(*choice)
            except ValueError:
                continue  # the shapes do not fit, which is found when the graph is built
    generator = np.random.default_rng(0)
    feeds = {builder.x: generator.normal(size=(2, 3)), builder.rows: generator.normal(size=(rows, 3))}
    with Session(graph=graph, config=FOUR if placed else ONE) as session:
        session.run([variable.initializer for variable in builder.variables])
        results = []
        try:
            for _ in range(2):
                results.extend(session.run([builder.values, builder.updates], feeds)[0])
        except OpError as error:
            return type(error)
        return [*results, *session.run([variable.value() for variable in builder.variables])]


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choices, st.sampled_from([2, 2, 4]))
def test_random_placements_change_neither_values_nor_effects_nor_errors(chosen, rows):
    expected, found = outcome(chosen, rows, placed=False), outcome(chosen, rows, placed=True)
    if isinstance(expected, type) or isinstance(found, type):
        assert found is expected
        return
    for value, plain in itertools.zip_longest(found, expected):
        np.testing.assert_allclose(value, plain, rtol=1e-9, atol=1e-12)


def test_passes_may_all_be_off(graph):
    x = placeholder("float32", [])
    with graph.device("/cpu:1"):
        y = x + 1.0
    with graph.device("/cpu:2"):
        z = y * y
    with Session(graph=graph, config=FOUR) as session:
        session._options = Options.none()
        assert session.run(z, {x: 2.0}) == 9.0
