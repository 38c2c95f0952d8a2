"""Products of matrices that loops repeat."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.options import Options
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


def recurrence(rows, inner, columns, dtype="float32", trips=5):
    """Return a loop h = tanh(h w + v b), its gradients, and what it is fed."""
    h = placeholder(dtype, [None, inner], name="h")
    w = placeholder(dtype, [inner, columns], name="w")
    back = placeholder(dtype, [inner, columns], name="back")
    bias = placeholder(dtype, [columns], name="bias")

    def body(i, value):
        wide = tanh_op(mat_mul_op(value, w, name="forward") + bias)
        return i + 1, tanh_op(mat_mul_op(wide, back, transpose_b=True, name="turned"))

    _, result = while_loop(lambda i, value: i < trips, body, [constant(0), h], name="loop")
    total = reduce_sum(result * result)
    generator = np.random.default_rng(0)

    def draw(*size):
        return (generator.normal(size=size) / np.sqrt(size[-1])).astype(dtype)

    feeds = {h: draw(rows, inner), w: draw(inner, columns), back: draw(inner, columns), bias: draw(columns)}
    return [result, *gradients(total, [h, w, back, bias])], feeds


def run(fetches, feeds, **options):
    with Session() as session:
        session._options = Options(**options)
        session.run(fetches, feeds)
        return session.run(fetches, feeds), session.program(fetches, list(feeds)).source


@pytest.mark.parametrize(("rows", "inner", "columns"), [(1, 45, 131), (70, 128, 64), (100, 45, 131)])
def test_loops_with_products_give_what_libraries_give(graph, rows, inner, columns):
    fetches, feeds = recurrence(rows, inner, columns)
    found, source = run(fetches, feeds)
    expected, plain = run(fetches, feeds, repeat_products=False)
    assert "_repeated_mat_mul_kernel" in source and "_repeated_mat_mul_kernel" not in plain
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_what_loops_multiply_by_is_transposed_once_before_them(graph):
    fetches, feeds = recurrence(33, 64, 96)
    _, source = run(fetches, feeds)
    lines = source.splitlines()
    turned = [index for index, line in enumerate(lines) if "_turned_kernel" in line]
    loops = [index for index, line in enumerate(lines) if "while True:" in line]
    # One of the forward loop, one of the backward loop.
    assert len(turned) == 2 and turned[0] < loops[0] < turned[1] < loops[1]
    assert "transpose_b=True" not in source


def test_what_a_loop_changes_is_not_transposed_before_it(graph):
    x = placeholder("float32", [96, 96], name="x")
    _, power = while_loop(
        lambda i, m: i < 3,
        lambda i, m: (i + 1, mat_mul_op(m, m, transpose_b=True)),
        [constant(0), x],
        name="loop",
    )
    value = (np.random.default_rng(0).normal(size=[96, 96]) / 10).astype(np.float32)
    found, source = run([power], {x: value})
    assert "_turned_kernel" not in source and "_repeated_mat_mul_kernel" in source
    for _ in range(3):
        value = value @ value.T
    np.testing.assert_allclose(found[0], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_small_products_and_those_of_other_types_are_left_alone(graph, dtype):
    fetches, feeds = recurrence(3, 4, 5, dtype)
    _, source = run(fetches, feeds)
    assert "_repeated_mat_mul_kernel" not in source
