"""Random loops give the same values with Python counters, as machine code, and with all passes off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler.options import Options
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.control_flow import cond, while_loop
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.cast import cast
from penstock.runtime.session import Session

ARITHMETIC = ["AddV2", "Sub", "Mul", "Maximum", "Minimum"]
COMPARISONS = ["Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual"]

steps = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8)


def grow(numbers: list[Any], tests: list[Any], chosen: list[tuple[int, int, int]], dtype: str) -> None:
    """Append the results of chosen operations on integers and truth values."""
    for kind, a, b in chosen:
        x, y = numbers[-1 - a % len(numbers)], numbers[-1 - b % len(numbers)]
        p = tests[-1 - a % len(tests)]
        if kind <= 4:
            numbers.append(lookup(ARITHMETIC[kind])(x, y))
        elif kind == 5:
            numbers.append(lookup(["FloorDiv", "FloorMod"][b % 2])(x, constant([3, -2][a % 2], dtype)))
        elif kind == 6:
            numbers.append(lookup("SelectV2")(p, x, y))
        elif kind == 7:
            numbers.append([lookup("Neg")(x), lookup("Square")(x), cast(p, dtype)][b % 3])
        elif kind == 8:
            numbers.append(cond(p, lambda x=x, y=y: x + y, lambda x=x: x - 1))
        elif kind == 9:
            tests.append(lookup(COMPARISONS[(a + b) % len(COMPARISONS)])(x, y))
        else:
            q = tests[-1 - b % len(tests)]
            tests.append([lookup("LogicalAnd")(p, q), lookup("LogicalOr")(p, q), lookup("LogicalNot")(p)][b % 3])


def run(graph: Graph, fetches: list[Any], feeds: dict[Any, Any], options: Options) -> list[list[Any]]:
    with Session(graph=graph) as session:
        session._options = options
        return [session.run(fetches, feeds) for _ in range(2)]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=steps, trips=st.sampled_from([130, 7, 131, 1, 0]), has_array=st.booleans())
def test_loops_give_the_same_values_however_they_run(dtype, chosen, trips, has_array):
    with Graph().as_default() as graph:
        limit, start = placeholder(dtype, []), placeholder(dtype, [])
        array = placeholder("float64", [2])

        def body(i: Any, value: Any, flag: Any, total: Any) -> list[Any]:
            numbers, tests = [value, i, limit, constant(2, dtype)], [flag, i > 3]
            grow(numbers, tests, chosen, dtype)
            return [i + 1, numbers[-1], tests[-1], total + cast(numbers[-1] > 0, "float64") if has_array else total]

        first = [constant(0, dtype), start, constant(True), array]
        if has_array:
            fetches = while_loop(lambda i, *rest: i < limit, body, first)
        else:
            fetches = while_loop(lambda i, *rest: i < limit, lambda i, v, f: body(i, v, f, 0)[:3], first[:3])
    feeds = {limit: trips, start: -5, array: np.array([0.5, 1.0])}
    expected = run(graph, fetches, feeds, Options.none())
    for options in (Options(), Options.only("compile_scalar_loops"), Options(compile_scalar_loops=False)):
        for found, plain in zip(run(graph, fetches, feeds, options), expected, strict=True):
            for value, other in zip(found, plain, strict=True):
                assert value.dtype == other.dtype and value.shape == other.shape
                np.testing.assert_array_equal(value, other, err_msg=str(options))
