"""Loops on single numbers."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.errors import DeadlineExceededError
from penstock.core.graph import Graph
from penstock.formats.protos import ConfigProto
from penstock.language.control_flow import cond, while_loop
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.binary import maximum_op
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def source(fetches, feeds):
    with Session() as session:
        return session.program(fetches, feeds).source


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("limit", [0, 3, 1000])
def test_a_loop_on_numbers_runs_as_machine_code(graph, dtype, limit):
    n = placeholder(dtype, [], name="n")
    zero, one = constant(0, dtype), constant(1, dtype)
    result = while_loop(lambda i, total: i < n, lambda i, total: (i + one, total + i * i), [zero, zero])
    assert "_scalar_loop_kernel" in source(result, [n])
    with Session() as session:
        for _ in range(3):
            i, total = session.run(result, {n: limit})
            total_as_added = np.zeros((), dtype)
            for k in range(limit):
                total_as_added = np.asarray(total_as_added + np.asarray(k * k, dtype), dtype)
            assert (i, total) == (limit, total_as_added)
            assert i.dtype == total.dtype == np.dtype(dtype)


def test_integers_wrap_around_in_machine_code(graph):
    n = placeholder("int32", [], name="n")
    i, product = while_loop(lambda i, p: i < n, lambda i, p: (i + 1, p * 3), [constant(0), constant(1)])
    expected = np.int64(1)
    for _ in range(500):
        expected = np.int64(np.int32(np.uint32(expected * 3 & 0xFFFFFFFF)))
    with Session() as session:
        assert session.run(product, {n: 500}) == expected


def test_variables_may_change_places(graph):
    n = placeholder("int32", [], name="n")
    result = while_loop(
        lambda i, a, b: i < n, lambda i, a, b: (i + 1, b, a), [constant(0), constant(1.0), constant(2.0)]
    )
    with Session() as session:
        for count in (3, 301, 300):
            assert session.run(result, {n: count}) == [count, *((2.0, 1.0) if count % 2 else (1.0, 2.0))]


def test_truth_values_are_loop_variables_too(graph):
    n = placeholder("int32", [], name="n")
    result = while_loop(lambda i, go: go, lambda i, go: (i + 1, i + 1 < n), [constant(0), constant(True)])
    with Session() as session:
        for _ in range(2):
            assert session.run(result, {n: 250}) == [250, False]


def test_an_endless_loop_of_machine_code_meets_its_deadline(graph):
    result = while_loop(lambda x: x < 1.0, lambda x: maximum_op(x * 0.5, x), [constant(0.5)])
    with Session(config=ConfigProto(operation_timeout_in_ms=300)) as session:
        with pytest.raises(DeadlineExceededError):
            session.run(result)


def test_counters_beside_tensors_are_python_numbers(graph):
    n = placeholder("int32", [], name="n")
    w = placeholder("float32", [3, 3], name="w")
    result = while_loop(
        lambda i, h: i < n,
        lambda i, h: (i + 1, tanh_op(mat_mul_op(h, w))),
        [constant(0), constant(np.eye(3, dtype="f"))],
    )
    text = source(result, [n, w])
    assert "_scalar_loop" not in text
    assert "less_kernel" not in text and "add_v2_kernel" not in text
    values = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    expected = np.eye(3, dtype=np.float32)
    for _ in range(4):
        expected = np.tanh(expected @ values)
    with Session() as session:
        count, found = session.run(result, {n: 4, w: values})
    assert count == 4 and count.dtype == np.int32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_python_counter_wraps_as_its_type_does(graph):
    x = placeholder("float32", [2], name="x")
    limit = constant(2**31 - 2)
    i, y = while_loop(lambda i, y: i > 0, lambda i, y: (i + 1, y + 1.0), [limit, x])
    with Session() as session:
        count, total = session.run([i, y], {x: [0.0, 1.0]})
    assert count == -(2**31)
    assert total.tolist() == [2.0, 3.0]


def test_a_counter_is_a_tensor_where_a_kernel_wants_one(graph):
    x = placeholder("float32", [2], name="x")

    def body(i, y):
        return i + 1, cond(i > 1, lambda: y + cast(i, dtypes.float32), lambda: y)

    with Session() as session:
        i, y = session.run(while_loop(lambda i, y: i < 4, body, [constant(0), x]), {x: [0.0, 1.0]})
    assert i == 4
    assert y.tolist() == [5.0, 6.0]


def test_loops_in_loops_have_their_own_counters(graph):
    x = placeholder("float32", [2], name="x")

    def outer(i, y):
        _, z = while_loop(lambda j, z: j < i, lambda j, z: (j + 1, z + x), [constant(0), y])
        return i + 1, z

    with Session() as session:
        i, y = session.run(while_loop(lambda i, y: i < 4, outer, [constant(0), x * 0.0]), {x: [1.0, 2.0]})
    assert i == 4
    assert y.tolist() == [6.0, 12.0]
