"""Products of matrices of whose columns only some are used."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.compiler.used_columns import used_columns
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.constant import placeholder
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.unary import neg_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def lines(dataflow):
    return [line.strip() for line in str(dataflow).splitlines()[1:] if "= Const(" not in line]


def narrowed(fetches, feeds):
    dataflow = schedule(prune(fetches, [], feeds))
    before = lines(dataflow)
    after = used_columns(dataflow)
    after.check()
    return before, lines(after)


def parts(sizes, dtype="float64", **attrs):
    """Return the parts of a product of [None, 4] and [4, 6] or, transposed, [6, 4] that is split into columns."""
    a = placeholder(dtype, [None, 4], name="a")
    b = placeholder(dtype, [6, 4] if attrs.get("transpose_b") else [4, 6], name="b")
    product = mat_mul_op(a, b, name="product", **attrs)
    split = lookup("SplitV")(product, np.array(sizes, np.int32), np.int32(1), num_split=len(sizes), name="split")
    return split, [a, b]


def test_the_dataflow_before_and_after(graph):
    split, feeds = parts([2, 4], transpose_b=True)
    before, after = narrowed([neg_op(split[1])], feeds)
    assert before == [
        "product = MatMul(a:0, b:0)",
        "split = SplitV(product:0, split/size_splits:0, split/split_dim:0)",
        "Neg = Neg(split:1)",
        "return Neg:0",
    ]
    assert after == ["product = _MatMulColumns(a:0, b:0)", "Neg = Neg(product:0)", "return Neg:0"]


def test_several_parts_are_split_from_the_columns_in_use(graph):
    split, feeds = parts([1, 2, 1, 2])
    _, after = narrowed([split[1], split[2]], feeds)
    assert after == [
        "product = _MatMulColumns(a:0, b:0)",
        "split = SplitV(product:0, split/sizes:0, split/axis:0)",
        "return split:0, split:1",
    ]


def test_products_stay_whose_columns_are_all_used_or_that_serve_something_else(graph):
    split, feeds = parts([2, 4])
    for fetches in ([split[0], split[1]], [split[0], split[0].op.inputs[0]]):
        before, after = narrowed(fetches, feeds)
        assert before == after
    split, feeds = parts([2, 4], "complex64")
    before, after = narrowed([split[0]], feeds)
    assert before == after


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("kept", [[0], [1], [2], [0, 1], [1, 2], [0, 2]])
def test_values_are_those_of_the_whole_product(graph, transpose_b, kept):
    split, (a, b) = parts([1, 2, 3], transpose_b=transpose_b)
    generator = np.random.default_rng(0)
    feeds = {a: generator.normal(size=[3, 4]), b: generator.normal(size=b.shape)}
    results = []
    for options in (Options(), Options.none()):
        with Session() as session:
            session._options = options
            results.append(session.run([split[index] for index in kept], feeds))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
