"""Sums one of whose terms is multiplied by a number."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_scaled_sum import fuse_scaled_sum
from penstock.compiler.schedule import schedule
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def fused(fetches, feeds):
    dataflow = schedule(prune(fetches, [], feeds))
    before = str(dataflow).splitlines()[1:]
    after = fuse_scaled_sum(dataflow)
    after.check()
    return before, [line for line in str(after).splitlines()[1:] if "Const" not in line]


def test_the_dataflow_before_and_after(graph):
    x, y = placeholder("float32", [3], name="x"), placeholder("float32", [2, 3], name="y")
    before, after = fused([x * 2.0 + y], [x, y])
    assert before[1:] == ["  mul = Mul(x:0, mul/y:0)", "  add = AddV2(mul:0, y:0)", "  return add:0"]
    assert after == ["  add = _ScaledSum(y:0, x:0)", "  return add:0"]


def test_chains_are_fused_from_end_to_end(graph):
    x = placeholder("float64", [3], name="x")
    h = x
    for _ in range(3):
        h = h * 0.5 + x
    assert [line.split("= ")[1] for line in fused([h], [x])[1][:-1]] == [
        "_ScaledSum(x:0, x:0)",
        "_ScaledSum(x:0, add:0)",
        "_ScaledSum(x:0, add_1:0)",
    ]
    with Session() as session:
        assert session.run(h, {x: [1.0, 2.0, 4.0]}).tolist() == [1.875, 3.75, 7.5]


def test_values_are_those_of_product_and_sum(graph):
    x, y = placeholder("float64", [None], name="x"), placeholder("float64", [None], name="y")
    fetches = [x * 3.0 + y, y + 3.0 * x, y - x * 3.0, x * 3.0 - y]
    a, b = np.array([1.0, -2.0, np.inf, np.nan]), np.array([0.5, 1.0, 2.0, 3.0])
    with Session() as session:
        values = [session.run(fetch, {x: a, y: b}) for fetch in fetches]
        assert all("_scaled_sum_kernel" in session.program(fetch, [x, y]).source for fetch in fetches[:3])
    for value, expected in zip(values, [a * 3 + b, b + 3 * a, b - a * 3, a * 3 - b], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-15)


def test_a_product_that_is_wanted_by_itself_stays(graph):
    x, y = placeholder("float32", [3], name="x"), placeholder("float32", [3], name="y")
    product = x * 2.0
    for fetches in ([product + y, product], [product + y, product * y], [product + product]):
        assert any("= Mul(" in line for line in fused(fetches, [x, y])[1])


def test_whole_numbers_stay(graph):
    n = placeholder("int32", [3], name="n")
    assert any("= Mul(" in line for line in fused([n * 2 + n], [n])[1])
