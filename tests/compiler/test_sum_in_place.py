"""Sums over the iterations of a loop in memory of their own: the gradients of what all iterations use."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.loops import LOOPS, LoopBody, rewrite_loops
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.compiler.simplify import simplify
from penstock.compiler.sum_in_place import sum_in_place
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.control_flow import while_loop
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def lines(dataflow):
    return [line.strip() for line in str(dataflow).splitlines()[1:] if "= Const(" not in line]


def rewritten(fetches, feeds):
    """Return the lines around the loops, and of the only loop's body, before and after."""

    def prepare(function):
        return simplify(schedule(prune(function.outputs, [], function.inputs)))

    dataflow = simplify(schedule(prune(fetches, [], feeds)))
    (loop,) = (node for node in dataflow.nodes if node.op_def.name in LOOPS)
    before = lines(dataflow), lines(prepare(loop.attrs["body"]))
    after = rewrite_loops(dataflow, [sum_in_place], prepare, lambda body: body)
    after.check()
    (loop,) = (node for node in after.nodes if node.op_def.name in LOOPS)
    body = loop.attrs["body"]
    if not isinstance(body, LoopBody):
        return before, (lines(after), before[1])
    body.dataflow.check()
    return before, (lines(after), lines(body.dataflow))


def total_of_products(rows=5, trips=4, start=None):
    """Return a loop that adds products of two matrices, and what it is fed."""
    x, w = placeholder("float64", [rows, 2], name="x"), placeholder("float64", [rows, 3], name="w")
    start = constant(np.zeros([2, 3])) if start is None else start
    _, total, _ = while_loop(
        lambda i, total, h: i < trips,
        lambda i, total, h: (i + 1, total + mat_mul_op(h, w, transpose_a=True, name="product"), tanh_op(h)),
        [constant(0), start, x],
        name="loop",
    )
    return total, {x: np.linspace(-1, 1, rows * 2).reshape(rows, 2), w: np.linspace(0, 1, rows * 3).reshape(rows, 3)}


def both(fetches, feeds):
    """Return values with the pass and without, each from a second run."""
    results = []
    for options in (Options(), Options(sum_in_place=False)):
        with Session() as session:
            session._options = options
            session.run(fetches, feeds)
            results.append(session.run(fetches, feeds))
            source = session.program(fetches, list(feeds)).source
            assert ("_finish_sum_kernel" in source) == options.sum_in_place
    return results


def test_the_loop_before_and_after(graph):
    total, feeds = total_of_products()
    before, after = rewritten([total], list(feeds))
    assert before == (
        ["loop/while = StatelessWhile(Const_1:0, Const:0, x:0, w:0)", "return loop/while:1"],
        [
            "add = AddV2(arg_0:0, add/y:0)",
            "product = MatMul(arg_2:0, w:0)",
            "add_1 = AddV2(arg_1:0, product:0)",
            "Tanh = Tanh(arg_2:0)",
            "return add:0, add_1:0, Tanh:0, w:0",
        ],
    )
    assert after == (
        [
            "loop/while/sum_1 = _RunningSum(Const:0)",
            "loop/while = StatelessWhile(Const_1:0, loop/while/sum_1:0, x:0, w:0)",
            "loop/while/total_1 = _FinishSum(loop/while:1)",
            "return loop/while/total_1:0",
        ],
        [
            "add = AddV2(arg_0:0, add/y:0)",
            "product/add = _AddProduct(arg_1:0, arg_2:0, w:0)",
            "Tanh = Tanh(arg_2:0)",
            "return add:0, product/add:0, Tanh:0, w:0",
        ],
    )


@pytest.mark.parametrize("rows", [1, 3, 64, 100])
def test_sums_of_products_are_those_of_the_loop_as_it_was(graph, rows):
    total, feeds = total_of_products(rows, trips=150)
    found, expected = both(total, feeds)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_loop_that_does_not_run_gives_the_first_value(graph):
    total, feeds = total_of_products(trips=0)
    found, expected = both(total, feeds)
    np.testing.assert_array_equal(found, expected)


def test_the_first_value_is_not_written_to(graph):
    start = placeholder("float64", [2, 3], name="start")
    total, feeds = total_of_products(start=start)
    value = np.ones([2, 3])
    first, _ = both([total, start], {**feeds, start: value})
    np.testing.assert_array_equal(value, 1.0)
    np.testing.assert_array_equal(first[1], 1.0)
    assert not np.array_equal(first[0], value)


def loop_with(following, condition=lambda i, total, other: i < 3):
    """Return the total of a loop over matrices, and its feed.

    Args:
        following: from the total and a product to the following total and the other variable's following value.
    """
    w = placeholder("float64", [2, 2], name="w")

    def body(i, total, other):
        return i + 1, *following(total, mat_mul_op(w, w))

    first = constant(np.ones([2, 2]))
    return while_loop(condition, body, [constant(0), first, first])[1:], w


@pytest.mark.parametrize(
    "following",
    [
        lambda total, product: (total + product, total * 2.0),
        lambda total, product: (total + total + product, product),
        lambda total, product: (total - product, product),
        lambda total, product: (total + product * product, product),
    ],
    ids=["also used", "added twice", "subtracted", "no product"],
)
def test_other_variables_stay(graph, following):
    fetches, w = loop_with(following)
    before, after = rewritten(fetches, [w])
    assert before == after


def test_a_sum_that_decides_whether_to_go_on_stays(graph):
    fetches, w = loop_with(
        lambda total, product: (total + product, product), lambda i, total, other: reduce_sum(total) < 1e3
    )
    before, after = rewritten(fetches, [w])
    assert before == after


def test_terms_that_serve_something_else_are_added_as_they_are(graph):
    def following(total, product):
        return total + product + mat_mul_op(product, product.op.inputs[1]), product

    fetches, w = loop_with(following)
    _, (_, body) = rewritten(fetches, [w])
    assert [line.split(" = ")[1].split("(")[0] for line in body if " = " in line][1:] == [
        "MatMul",
        "_AddTerm",
        "_AddProduct",
    ]
    found, expected = both(fetches, {w: [[0.5, 1.0], [0.25, -0.5]]})
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-14)


def recurrent_loss(x, w, b, trips=6):
    def body(i, h, total):
        h = tanh_op(mat_mul_op(h, w) + b)
        return i + 1, h, total + reduce_sum(h * h)

    return while_loop(lambda i, h, total: i < trips, body, [constant(0), x, constant(0.0, "float64")])[2]


def test_gradients_of_weights_and_biases_of_first_and_second_order(graph):
    x, w = placeholder("float64", [None, 3], name="x"), placeholder("float64", [3, 3], name="w")
    b = placeholder("float64", [3], name="b")
    loss = recurrent_loss(x, w, b)
    first = gradients(loss, [x, w, b])
    second = gradients(reduce_sum(first[1] * first[1]) + reduce_sum(first[2]), [x, w, b])
    generator = np.random.default_rng(0)
    feeds = {x: generator.normal(size=[5, 3]), w: generator.normal(size=[3, 3]) / 2, b: generator.normal(size=[3])}
    found, expected = both([loss, *first, *second], feeds)
    for value, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, plain, rtol=1e-10)
    with Session() as session:
        source = session.program(first, list(feeds)).source
    assert "_add_product_and_rows_kernel" in source and "_add_rows_kernel" not in source
