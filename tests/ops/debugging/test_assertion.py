from __future__ import annotations

import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import identity, placeholder_with_default
from penstock.ops.debugging.assertion import Assert
from penstock.runtime.session import Session

COVERS = ("Assert",)


def test_a_false_condition_fails_eagerly():
    assert Assert(True, ["a"]) is None
    with pytest.raises(InvalidArgumentError) as caught:
        Assert(False, [[1, 2, 3, 4], "hi", [[1.5, 2.0]]])
    assert caught.value.message == "Expected 'False' to be true. Summarized data: 1, 2, 3, ...\nb'hi'\n1.5, 2.0"
    with pytest.raises(InvalidArgumentError, match="0, 1, 2, 3$"):
        Assert(False, [list(range(4))], summarize=-1)


def test_a_false_condition_fails_in_a_graph_when_it_runs():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        condition = placeholder_with_default(True, [])
        check = Assert(condition, ["data:", [1, 2, 3, 4]])
        assert check.name == "Assert/Assert"
        session.run(check)
        with pytest.raises(InvalidArgumentError, match=r"assertion failed: \[data:\] \[1 2 3...\]") as caught:
            session.run(check, {condition: False})
        assert caught.value.op is check


def test_what_waits_for_it_fails_with_it():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        with graph.control_dependencies([Assert(placeholder_with_default(False, []), ["x"])]):
            value = identity(1.0)
        with pytest.raises(InvalidArgumentError, match="assertion failed"):
            session.run(value)


def test_the_condition_must_be_a_scalar():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        check = Assert([True], ["x"])
        with pytest.raises(InvalidArgumentError, match=r"should be a scalar, got shape \(1,\)"):
            session.run(check)
