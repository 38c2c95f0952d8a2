"""Which programs run on one thread."""

from __future__ import annotations

import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.schedule import schedule
from penstock.compiler.work import is_small
from penstock.core.graph import Graph
from penstock.language.control_flow import while_loop
from penstock.language.function import function
from penstock.ops.array.gather import gather_v2_op
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.matmul import mat_mul_op


@pytest.fixture(autouse=True)
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def small(fetch, *feeds):
    return is_small(schedule(prune([fetch], [], feeds)))


@pytest.mark.parametrize(("size", "expected"), [(32, True), (1024, False)])
def test_products_run_on_one_thread_where_they_are_small(size, expected):
    a, b = placeholder("float32", [size, 128]), placeholder("float32", [128, 128])
    assert small(mat_mul_op(a, b), a, b) is expected


@pytest.mark.parametrize(("rows", "expected"), [(32, True), (4096, False)])
def test_rows_chosen_from_a_large_table_count_not_the_table(rows, expected):
    table, indices = placeholder("float32", [1_000_000, 784]), placeholder("int64", [rows])
    assert small(gather_v2_op(table, indices, 0), table, indices) is expected


@pytest.mark.parametrize(("size", "expected"), [(32, True), (1024, False)])
def test_what_a_function_does_counts_where_it_is_called(size, expected):
    a, b = placeholder("float32", [size, 128]), placeholder("float32", [128, 128])
    assert small(function(lambda x, y: mat_mul_op(x, y))(a, b), a, b) is expected


@pytest.mark.parametrize(("size", "expected"), [(32, True), (400, False)])
def test_loops_keep_threads_awake_for_smaller_products(size, expected):
    a, b = placeholder("float32", [size, 128]), placeholder("float32", [128, 128])
    _, power = while_loop(lambda i, m: i < 3, lambda i, m: (i + 1, mat_mul_op(m, b)), [constant(0), a])
    assert small(power, a, b) is expected
    assert small(mat_mul_op(a, b), a, b)


def test_what_uses_no_threads_is_left_alone():
    x = placeholder("float32", [3])
    assert not small(x + x, x)
