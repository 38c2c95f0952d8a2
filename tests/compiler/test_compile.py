"""Programs: what is kept, in which order it runs, how it reads, and how its errors explain themselves."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.schedule import schedule
from penstock.core import errors
from penstock.core.graph import Graph
from penstock.ops.constant import constant, identity, no_op, placeholder
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def names(dataflow):
    return [node.name for node in dataflow.nodes]


def test_pruning_keeps_what_the_fetches_need_by_data_or_control(graph):
    a = constant(1.0, name="a")
    unused = identity(a, name="unused")
    with graph.control_dependencies([no_op(name="first")]):
        b = identity(a, name="b")
    kept = set(names(prune([b], [], [])))
    assert kept == {"a", "first", "b"} and unused.op.name not in kept


def test_a_feed_makes_what_it_needs_superfluous(graph):
    a = constant(1.0, name="a")
    b = identity(a, name="b")
    c = identity(b, name="c")
    assert names(prune([c], [], [b])) == ["c"]


def test_nodes_run_in_the_order_of_creation(graph):
    a = constant(1.0, name="a")
    b, c = identity(a, name="b"), identity(a, name="c")
    assert names(schedule(prune([c, b], [], []))) == ["a", "b", "c"]


def test_an_edge_to_a_later_operation_overrides_the_order_of_creation(graph):
    a, b = no_op(name="a"), no_op(name="b")
    a._add_control_input(b)
    assert names(schedule(prune([], [a], []))) == ["b", "a"]


def test_the_source_has_one_line_for_each_kernel_and_frees_what_is_used_up(graph):
    x = placeholder("float32", [2], name="x")
    y = identity(x + 1.0, name="y")
    with Session() as session:
        source = session.program(y * y, [x]).source
    assert source.splitlines()[0] == "def step(x):"
    assert "    add = add_v2_kernel(x, add_y)" in source
    assert "    del x" in source
    assert source.rstrip().endswith("return [mul]")


def test_names_that_are_no_python_names_are_made_so(graph):
    x = placeholder("float32", name="class")
    with graph.name_scope("a.b"):
        y = identity(x, name="lambda")
    with Session() as session:
        assert session.run(y, {x: 2.0}) == 2.0


def test_an_error_names_operation_shapes_types_and_the_users_line(graph):
    a, b = placeholder("float32", name="a"), placeholder("float32", name="b")
    total = a + b
    with Session() as session, pytest.raises(errors.InvalidArgumentError) as caught:
        session.run(total, {a: np.zeros((2, 3)), b: np.zeros(4)})
    text = str(caught.value)
    assert caught.value.op is total.op and caught.value.node_def.name == "add"
    assert "AddV2 'add'" in text and "(2, 3)" in text and "(4,)" in text and "float32" in text
    assert "test_compile.py:" in text


def test_an_error_leaves_the_session_usable(graph):
    a, b = placeholder("float32"), placeholder("float32")
    with Session() as session:
        with pytest.raises(errors.InvalidArgumentError):
            session.run(a + b, {a: np.zeros(3), b: np.zeros(4)})
        assert session.run(a + b, {a: 1.0, b: 2.0}) == 3.0


def test_a_graph_of_thousands_of_operations_compiles_and_runs(graph):
    x = placeholder("float64", [])
    y = x
    for _ in range(3000):
        y = y + 1.0
    with Session() as session:
        assert session.run(y, {x: 0.0}) == 3000.0
