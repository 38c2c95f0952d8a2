"""Common subexpressions: what is computed once, and what is not the same."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.merge_common import merge_common
from penstock.compiler.schedule import schedule
from penstock.core.graph import Graph
from penstock.language.variables import VariableV1
from penstock.ops.constant import constant, identity, placeholder
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import neg_op
from penstock.ops.random.functions import random_uniform
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def merged(fetches, feeds=()):
    dataflow = merge_common(schedule(prune(fetches, [], feeds)))
    dataflow.check()
    return [node.name for node in dataflow.nodes]


def test_equal_expressions_are_computed_once(graph):
    x = placeholder("float32", [2, 2], name="x")
    total = (x * 2.0) + (x * 2.0)
    before = schedule(prune([total], [], [x]))
    assert str(before).splitlines()[1:] == [
        "  mul/y = Const()",
        "  mul = Mul(x:0, mul/y:0)",
        "  mul_1/y = Const()",
        "  mul_1 = Mul(x:0, mul_1/y:0)",
        "  add = AddV2(mul:0, mul_1:0)",
        "  return add:0",
    ]
    assert str(merge_common(before)).splitlines()[1:] == [
        "  mul/y = Const()",
        "  mul = Mul(x:0, mul/y:0)",
        "  add = AddV2(mul:0, mul:0)",
        "  return add:0",
    ]


def test_the_order_of_operands_matters_unless_they_commute(graph):
    x, y = placeholder("float32", [2], name="x"), placeholder("float32", [2], name="y")
    assert merged([x + y, y + x], [x, y]) == ["add"]
    assert merged([x - y, y - x], [x, y]) == ["sub", "sub_1"]


def test_different_attributes_types_and_zeros_are_told_apart(graph):
    x = placeholder("float32", [2, 2], name="x")
    assert len(merged([matmul(x, x), matmul(x, x, transpose_a=True)], [x])) == 2
    assert len(merged([constant(1), constant(True), constant(1.0), constant([1.0])])) == 4
    assert len(merged([constant(0.0), constant(-0.0)])) == 2


def test_random_numbers_are_drawn_for_each(graph):
    first, second = random_uniform([8]), random_uniform([8])
    with Session() as session:
        values = session.run([first, second])
    assert not np.array_equal(*values)


def test_reads_before_and_after_an_update_are_not_the_same(graph):
    variable = VariableV1([1.0], use_resource=True)
    before = variable.read_value() * 2.0
    with graph.control_dependencies([before]):
        update = variable.assign_add([1.0])
    with graph.control_dependencies([update.op]):
        after = variable.read_value() * 2.0
    with Session() as session:
        session.run(variable.initializer)
        assert [value.tolist() for value in session.run([before, after])] == [[2.0], [4.0]]


def test_nodes_that_wait_for_different_things_are_not_the_same(graph):
    x = placeholder("float32", [2], name="x")
    with graph.control_dependencies([identity(x, name="first")]):
        late = neg_op(x)
    assert len(merged([neg_op(x), late], [x])) == 3


def test_each_fetch_of_a_shared_value_is_an_array_of_its_own(graph):
    x = placeholder("float32", [2, 2], name="x")
    with Session() as session:
        first, second = session.run([reduce_sum(x, 0), reduce_sum(x, 0)], {x: np.ones([2, 2])})
    first[...] = 9.0
    assert second.tolist() == [2.0, 2.0]


def test_reads_with_no_update_in_between_are_one(graph):
    variable, other = VariableV1([1.0], use_resource=True), VariableV1([1.0], use_resource=True)
    first = variable.read_value()
    step = other.assign_add([1.0])
    second = variable.read_value()
    update = variable.assign_add([1.0])
    third = variable.read_value()
    dataflow = schedule(prune([first, second, third], [step.op, update.op], []))
    reads = [node.name for node in dataflow.nodes if node.op_def.name == "ReadVariableOp"]
    after = merge_common(dataflow)
    after.check()
    kept = [node.name for node in after.nodes if node.op_def.name == "ReadVariableOp"]
    assert len(kept) == len(reads) - 1 and after.fetches[0] is after.fetches[1] is not after.fetches[2]
    with Session() as session:
        session.run([variable.initializer, other.initializer])
        assert [v.tolist() for v in session.run([first, second, third, step])[:3]] == [[1.0], [1.0], [1.0]]
