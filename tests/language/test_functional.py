"""Functions over rows, eagerly and in a graph, with values and gradients recorded from TensorFlow or worked out."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import context, dtypes, nest
from penstock.core.errors import OutOfRangeError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.functional import foldl, foldr, map_fn, scan, switch_case, vectorized_map
from penstock.language.resource_variable import ResourceVariable
from penstock.language.variables import global_variables_initializer
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.trigonometric import sin
from penstock.runtime.session import Session

ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)


@pytest.fixture
def run():
    graph = Graph()
    with graph.as_default(), Session() as session:
        yield session.run


def evaluate(build):
    """Return what `build` makes in eager execution and in a graph, which must agree."""
    with context.eager_mode():
        eager = nest.map_structure(lambda tensor: np.asarray(tensor.numpy()), build())
    with Graph().as_default(), Session() as session:
        graph = session.run(build())
    nest.map_structure(np.testing.assert_array_equal, eager, graph)
    return nest.map_structure(lambda value: value.tolist(), eager)


def test_map_fn_applies_to_each_row():
    assert evaluate(lambda: map_fn(lambda row: row * 2.0, constant(ROWS))) == (2 * ROWS).tolist()
    assert evaluate(lambda: map_fn(lambda row: reduce_sum(row), constant(ROWS))) == [3.0, 7.0, 11.0]


def test_map_fn_takes_and_returns_nests():
    def build():
        return map_fn(
            lambda e: {"a": e[0] * 2.0, "b": cast(e[1], "float64") + 1.0},
            (constant([1.0, 2.0]), constant([3, 4])),
            fn_output_signature={"a": dtypes.float32, "b": dtypes.float64},
        )

    assert evaluate(build) == {"a": [2.0, 4.0], "b": [4.0, 5.0]}


def test_map_fn_has_static_shapes_and_gradients(run):
    x, w = constant(ROWS), constant(3.0)
    y = map_fn(lambda row: reduce_sum(row * row * w), x)
    assert y.shape.as_list() == [3]
    dx, dw = gradients(y, [x, w])
    assert run(dx).tolist() == (6 * ROWS).tolist()
    assert run([dw, *gradients(dx, w)]) == [91.0, 42.0]


def test_map_fn_of_a_number_of_rows_known_late(run):
    x = placeholder("float32", [None, 2])
    y = map_fn(lambda row: reduce_sum(row * row), x)
    found = [y, *gradients(y, x)]
    assert [v.tolist() for v in run(found, {x: ROWS})] == [[5.0, 25.0, 61.0], (2 * ROWS).tolist()]
    assert [v.shape for v in run(found, {x: np.zeros((0, 2))})] == [(0,), (0, 2)]


def test_no_gradient_flows_without_back_prop(run):
    x = constant(ROWS)
    assert gradients(map_fn(lambda row: row * 2.0, x, back_prop=False), x) == [None]
    assert gradients(foldl(lambda a, row: a * row, x, back_prop=False), x) == [None]


def test_scan_keeps_what_is_accumulated():
    rows = ROWS.astype(np.int32)
    assert evaluate(lambda: scan(lambda a, row: a + row, constant(rows))) == np.cumsum(rows, 0).tolist()
    reversed_ = evaluate(
        lambda: scan(lambda a, row: a * 2 + row, constant(rows), initializer=constant([0, 0]), reverse=True)
    )
    assert reversed_ == [[27, 34], [13, 16], [5, 6]]


def test_scan_takes_nests():
    result = evaluate(
        lambda: scan(lambda a, x: (a[0] + x, a[1] * x), constant([1, 2, 3]), initializer=(constant(0), constant(1)))
    )
    assert result == ([1, 3, 6], [1, 2, 6])


def test_scan_has_gradients(run):
    x = constant(ROWS)
    y = scan(lambda a, row: a * row, x)
    (first,) = gradients(y, x)
    assert run(y).tolist() == np.cumprod(ROWS, 0).tolist()
    # y = x0, x0 x1, x0 x1 x2
    a, b, c = ROWS
    assert run(first).tolist() == [(1 + b + b * c).tolist(), (a + a * c).tolist(), (a * b).tolist()]
    (second,) = gradients(first, x)
    assert run(second).tolist() == [(1 + c + b).tolist(), (1 + c + a).tolist(), (b + a).tolist()]


def test_folds_run_from_either_end():
    assert evaluate(lambda: foldl(lambda a, row: a - row, constant(ROWS))) == [-7.0, -8.0]
    assert evaluate(lambda: foldr(lambda a, row: a - row, constant(ROWS))) == [1.0, 0.0]
    assert evaluate(lambda: foldr(lambda a, row: a * row + row, constant(ROWS), constant([1.0, 2.0]))) == [34.0, 154.0]


def test_folds_have_gradients(run):
    x = constant(ROWS)
    (first,) = gradients(foldl(lambda a, row: a * row, x), x)
    assert run(first).tolist() == (ROWS.prod(0) / ROWS).tolist()


def test_vectorized_map_finds_types_and_pairs_single_rows():
    assert evaluate(lambda: vectorized_map(lambda x: x * 2, constant([1, 2]))) == [2, 4]
    assert evaluate(lambda: vectorized_map(lambda x: x[0] + x[1], (constant([1, 2]), constant([1])))) == [2, 3]
    result = evaluate(lambda: vectorized_map(lambda x: {"d": cast(x, "float64"), "s": x + 1}, constant([1, 2])))
    assert result == {"d": [1.0, 2.0], "s": [2, 3]}
    assert evaluate(lambda: vectorized_map(lambda x: x * 2, constant(ROWS[:0]))) == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: map_fn(1, constant(ROWS)), TypeError, "not callable"),
        (lambda: map_fn(lambda x: x, constant(1.0)), ValueError, "1\\+ dimensional Tensors, not scalars"),
        (
            lambda: map_fn(lambda x: x[0], (constant([1, 2]), constant([1, 2, 3]))),
            ValueError,
            "2 and 3 are not compatible",
        ),
        (lambda: scan(lambda a, x: (a[0],), constant([1, 2]), (constant(0), constant(1))), ValueError, "structure"),
        (lambda: foldl(1, constant(ROWS)), TypeError, "not callable"),
        (lambda: switch_case(constant(0), [(0, lambda: 1), (2, lambda: 2)]), ValueError, r"range of \[0 to 2\)"),
        (lambda: switch_case(constant(0), []), ValueError, "must not be empty"),
        (lambda: switch_case(constant(0.0), [lambda: 1]), TypeError, "integer Tensor"),
        (lambda: switch_case(0, [lambda: 1]), TypeError, "must be a Tensor"),
        (lambda: switch_case(constant(0), [1]), TypeError, "2-tuple or a function"),
    ],
)
def test_mistakes_are_refused_in_both_ways_of_execution(call, error, message):
    for mode in (context.eager_mode(), Graph().as_default()):
        with mode, pytest.raises(error, match=message):
            call()


def test_there_must_be_a_first_row_to_start_from():
    with context.eager_mode():
        for function in (foldl, scan):
            with pytest.raises(OutOfRangeError, match="index 0 but array size is: 0"):
                function(lambda a, x: a + x, constant(ROWS[:0]))


def test_switch_case_runs_the_chosen_branch():
    def build(index):
        return switch_case(
            constant(index), {0: lambda: constant(10), 1: lambda: constant(12)}, default=lambda: constant(-1)
        )

    assert [evaluate(lambda index=index: build(index)) for index in (0, 1, 2, -1)] == [10, 12, -1, -1]


def test_switch_case_without_default_takes_the_last_and_has_gradients(run):
    i, x = placeholder("int32", []), constant(2.0)
    y = switch_case(i, [lambda: x * x, lambda: sin(x), lambda: x * 3.0])
    found = [y, *gradients(y, x)]
    assert run(found, {i: 0}) == [4.0, 4.0]
    np.testing.assert_allclose(run(found, {i: 1}), [np.sin(2.0), np.cos(2.0)], rtol=1e-6)
    assert run(found, {i: 7}) == run(found, {i: -1}) == [6.0, 3.0]


def test_branches_may_have_effects():
    with Graph().as_default(), Session() as session:
        i, v = placeholder("int32", []), ResourceVariable(1.0)
        y = switch_case(i, [lambda: v.assign_add(1.0), lambda: v.assign_sub(5.0)])
        session.run(global_variables_initializer())
        assert (session.run(y, {i: 0}), session.run(y, {i: 1}), session.run(v)) == (2.0, -3.0, -3.0)
