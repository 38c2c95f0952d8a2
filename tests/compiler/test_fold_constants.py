"""Constant folding: what is computed when the program is made, and what is left to the run."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fold_constants import fold_constants
from penstock.compiler.schedule import schedule
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array.filling import fill_op
from penstock.ops.array.joining import split_op
from penstock.ops.constant import constant, identity, placeholder
from penstock.ops.math.binary import floor_div_op
from penstock.ops.random.functions import random_uniform
from penstock.ops.string.join import string_join
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def folded(*fetches, feeds=()):
    dataflow = schedule(prune(fetches, [], feeds))
    before = str(dataflow)
    after = fold_constants(dataflow)
    after.check()
    return before, str(after)


def test_what_depends_on_constants_only_becomes_a_constant(graph):
    a, b = constant([1.0, 2.0], name="a"), constant(3.0, name="b")
    before, after = folded(identity(a * b, name="c"))
    assert before == (
        "dataflow():\n  a = Const()\n  b = Const()\n  mul = Mul(a:0, b:0)\n  c = Identity(mul:0)\n  return c:0"
    )
    assert after == "dataflow():\n  c = Const()\n  return c:0"
    with Session() as session:
        assert session.run(a * b).tolist() == [3.0, 6.0]


def test_several_outputs_become_several_constants(graph):
    first, second = split_op(0, constant([1.0, 2.0], name="a"), num_split=2, name="s")
    _, after = folded(second, first)
    assert after == "dataflow():\n  s = Const()\n  s_1 = Const()\n  return s_1:0, s:0"
    with Session() as session:
        assert [value.tolist() for value in session.run([first, second])] == [[1.0], [2.0]]


def test_strings_are_folded(graph):
    joined = string_join([constant("a"), constant("b")])
    assert "= StringJoin(" not in folded(joined)[1]
    with Session() as session:
        assert session.run(joined) == b"ab"


def test_random_numbers_and_feeds_are_not(graph):
    x = placeholder("float32", name="x")
    before, after = folded(random_uniform([2]), x * 2.0, feeds=[x])
    assert "RandomUniform" in after and "Mul" in after
    assert sorted(before.splitlines()[1:-1])[0] in before


def test_large_results_of_small_constants_are_made_at_run_time(graph):
    assert "= Fill(" in folded(fill_op([1000, 1000], 1.0))[1]
    assert "= Fill(" not in folded(fill_op([100, 10], 1.0))[1]


def test_what_fails_is_left_to_the_run(graph):
    bad = floor_div_op(constant(1), constant(0), name="bad")
    before, after = folded(bad)
    assert after == before
    with Session() as session, pytest.raises(InvalidArgumentError, match="bad"):
        session.run(bad)


def test_what_waits_for_something_is_left_to_the_run(graph):
    x = placeholder("float32", name="x")
    with graph.control_dependencies([identity(x, name="first")]):
        late = constant(1.0) * constant(2.0)
    assert "Mul" in folded(late, feeds=[x])[1]


def test_a_folded_value_belongs_to_the_user_who_fetches_it(graph):
    total = constant(np.ones(3)) + constant(np.ones(3))
    with Session() as session:
        session.run(total)[...] = 9.0
        assert session.run(total).tolist() == [2.0] * 3
