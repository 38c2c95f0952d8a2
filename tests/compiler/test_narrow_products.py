"""Products with results of a few columns."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_bias import fuse_bias
from penstock.compiler.narrow_products import narrow_products
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.matmul import mat_mul_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def narrowed(fetches, feeds):
    dataflow = narrow_products(fuse_bias(schedule(prune(fetches, [], feeds))))
    dataflow.check()
    return str(dataflow).splitlines()[1:]


def test_products_with_few_columns_are_replaced_together_with_their_bias(graph):
    x, w, b = (placeholder("float32", d, name=n) for n, d in (("x", [None, 784]), ("w", [784, 10]), ("b", [10])))
    y = mat_mul_op(x, w, name="y")
    turned = mat_mul_op(x, y, transpose_a=True, name="turned")
    assert narrowed([y, turned], [x, w]) == [
        "  y = _NarrowMatMul(x:0, w:0)",
        "  turned = _NarrowMatMul(x:0, y:0)",
        "  return y:0, turned:0",
    ]
    assert narrowed([mat_mul_op(x, w) + b], [x, w, b]) == ["  add = _NarrowMatMul(x:0, w:0, b:0)", "  return add:0"]


def test_products_that_are_little_of_the_work_stay(graph):
    x, w, narrow = (
        placeholder("float32", d, name=n) for n, d in (("x", [9, 784]), ("w", [784, 8192]), ("n", [8192, 2]))
    )
    y = mat_mul_op(mat_mul_op(x, w, name="wide"), narrow, name="y")
    assert narrowed([y], [x, w, narrow])[1] == "  y = MatMul(wide:0, n:0)"


@pytest.mark.parametrize(
    ("dtype", "left", "right", "attributes"),
    [
        ("float64", [5, 4], [4, 3], {}),
        ("float32", [5, 4], [4, 17], {}),
        ("float32", [5, 4], [4, 1], {}),
        ("float32", [5, 4], [4, None], {}),
        ("float32", [5, 4], [3, 4], {"transpose_b": True}),
    ],
)
def test_other_products_stay(graph, dtype, left, right, attributes):
    x, w = placeholder(dtype, left), placeholder(dtype, right)
    assert "= MatMul(" in narrowed([mat_mul_op(x, w, **attributes)], [x, w])[0]


def test_a_session_computes_values_and_derivatives_of_any_batch(graph):
    x, w, b = (placeholder("float32", d) for d in ([None, 300], [300, 7], [7]))
    y = mat_mul_op(x, w) + b
    fetches = [y, *gradients(y * y, [w, b])]
    generator = np.random.default_rng(0)
    weights, bias = generator.normal(size=(300, 7)), generator.normal(size=7)
    with Session() as session, Session() as plain:
        plain._options = Options.none()
        for rows in (64, 64, 64, 1, 0, 33):
            feeds = {x: generator.normal(size=(rows, 300)), w: weights, b: bias}
            for found, expected in zip(session.run(fetches, feeds), plain.run(fetches, feeds), strict=True):
                np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-3)


def test_operands_that_do_not_fit_raise_what_a_product_raises(graph):
    x, w = placeholder("float32", None), placeholder("float32", [300, 7])
    y = mat_mul_op(x, w)
    with Session() as session:
        for _ in range(3):
            with pytest.raises(InvalidArgumentError, match="MatMul"):
                session.run(y, {x: np.ones([90, 301]), w: np.ones([300, 7])})
            session.run(y, {x: np.ones([90, 300]), w: np.ones([300, 7])})
