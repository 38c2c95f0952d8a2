"""Gradients of loops: against real TensorFlow's numbers and differences, to any order; what is kept for them."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.func_graph import FuncGraph
from penstock.core.gradients import gradients, hessians
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.control_flow import cond, while_loop, while_loop_v1
from penstock.language.variable_scope import get_variable
from penstock.language.variables import global_variables_initializer
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.cast import cast
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.trigonometric import sin
from penstock.runtime.session import Session


@pytest.fixture
def run():
    graph = Graph()
    with graph.as_default(), Session() as session:
        yield session.run


def orders(y, x, count):
    """Return y and its derivatives."""
    found = [y]
    for _ in range(count):
        found.extend(gradients(found[-1], x))
    return found


def power(x, times):
    return while_loop(lambda i, y: i < times, lambda i, y: (i + 1, y * x), [0, x])[1]


def test_a_captured_constant_has_gradients_of_every_order(run):
    x = constant(2.0)
    assert run(orders(power(x, 5), x, 3)) == [64.0, 192.0, 480.0, 960.0]


def test_the_number_of_trips_may_depend_on_data(run):
    n, x = placeholder("int32", []), placeholder("float64", [])
    y = while_loop(lambda i, y: i < n, lambda i, y: (i + 1, sin(y)), [0, x])[1]
    found = orders(y, x, 2)
    assert run(found, {n: 0, x: 0.7}) == [0.7, 1.0, 0.0]
    np.testing.assert_allclose(run(found, {n: 1, x: 0.7}), [np.sin(0.7), np.cos(0.7), -np.sin(0.7)])
    np.testing.assert_allclose(run(found, {n: 3, x: 0.7}), [0.56511539, 0.50453168, -0.92615460], rtol=1e-7)


def test_a_loop_that_ends_by_its_values_has_gradients(run):
    x = constant(1.1)
    y = while_loop(lambda y: y < 5.0, lambda y: [y * x * x], [x])[0]
    np.testing.assert_allclose(run(orders(y, x, 1)), [1.1**17, 17 * 1.1**16], rtol=1e-5)


@pytest.mark.parametrize("use_resource", [False, True])
def test_variables_read_in_the_loop_have_gradients(run, use_resource):
    w = get_variable("w", initializer=[1.5, 2.0], use_resource=use_resource)
    y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * w), [0, constant([2.0, 2.0])])[1]
    first = gradients(y, w)
    found = [y, *first, *gradients(first, w)]
    run(global_variables_initializer())
    np.testing.assert_allclose(run(found), [[6.75, 16.0], [13.5, 24.0], [18.0, 24.0]])


def test_rows_gathered_from_a_variable_add_up(run):
    w = get_variable("w", initializer=np.arange(12, dtype=np.float32).reshape(4, 3), use_resource=True)
    ones = constant(np.ones((2, 3), np.float32))
    y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * gather(w, [i, i + 1])), [0, ones])[1]
    run(global_variables_initializer())
    (gradient,) = gradients(y, w)
    expected = [[18, 28, 40], [54, 77, 104], [27, 44, 65], [18, 28, 40]]
    np.testing.assert_allclose(run(gradient), expected)


def test_each_iteration_sees_the_variable_as_it_was_then(run):
    w = get_variable("w", initializer=1.5, use_resource=True)

    def body(i, y):
        with i.graph.control_dependencies([w.assign_add(0.5)]):
            return i + 1, y * w.read_value()

    y = while_loop(lambda i, y: i < 3, body, [0, constant(2.0)])[1]
    found = [y, *gradients(y, w)]
    run(global_variables_initializer())
    assert run(found) == [30.0, 2.0 * (2.0 * 2.5 + 2.0 * 3.0 + 2.5 * 3.0)]


def test_loops_in_conds_in_loops_in_loops(run):
    x = placeholder("float64", [])

    def inner(k, z):
        z = cond(
            (k % 2) < 1,
            lambda: while_loop(
                lambda j, z: j < k + 1, lambda j, z: (j + 1, cond(z > 1.0, lambda: z * x, lambda: z + x)), [0, z]
            )[1],
            lambda: sin(z) * x,
        )
        return k + 1, z

    y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, while_loop(lambda k, z: k < 3, inner, [0, y])[1]), [0, x])[
        1
    ]
    found = orders(y, x, 2)
    y0, first, second = run(found, {x: 1.05})
    step = 1e-6
    above, below = run(found[:2], {x: 1.05 + step}), run(found[:2], {x: 1.05 - step})
    np.testing.assert_allclose([y0, first, second], [2.1439202, 6.0938501, 103.35324], rtol=1e-5)
    np.testing.assert_allclose([first, second], [(a - b) / (2 * step) for a, b in zip(above, below)], rtol=1e-5)


def test_a_loop_in_a_branch_has_gradients_of_both_branches(run):
    p, x = placeholder("bool", []), placeholder("float64", [])
    found = orders(cond(p, lambda: power(x, 3), lambda: sin(x)), x, 2)
    np.testing.assert_allclose(run(found, {p: True, x: 1.3}), [1.3**4, 4 * 1.3**3, 12 * 1.3**2])
    np.testing.assert_allclose(run(found, {p: False, x: 1.3}), [np.sin(1.3), np.cos(1.3), -np.sin(1.3)])


def test_variables_that_grow_have_gradients(run):
    x = placeholder("float64", [2])
    y = while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, concat([y, y[:1] * x[1]], 0)), [0, x], shape_invariants=[[], [None]]
    )[1]
    (first,) = gradients(reduce_sum(y * y), x)
    (second,) = gradients(first, x)
    assert [v.tolist() for v in run([first, second], {x: [1.0, 2.0]})] == [[26.0, 16.0], [50.0, 32.0]]


def test_variables_that_change_places_have_gradients(run):
    a, b = constant(2.0), constant(3.0)
    _, x, y = while_loop(lambda i, *_: i < 3, lambda i, x, y: (i + 1, y, x * a), [0, a, b])
    # x = 3a, y = a^3: the products of the last two exchanges
    assert run([x, y, *gradients([x, y], [a, b])]) == [6.0, 8.0, 3.0 + 12.0, 2.0]


def test_maximum_iterations_bounds_the_gradient_too(run):
    x = constant(1.1)
    y = while_loop(lambda y: y < 1e6, lambda y: [y * x * x], [x], maximum_iterations=4)[0]
    np.testing.assert_allclose(run(orders(y, x, 2)), [1.1**9, 9 * 1.1**8, 72 * 1.1**7], rtol=1e-5)


def test_no_gradient_flows_without_back_prop(run):
    x = constant(1.1)
    y = while_loop_v1(lambda y: y < 10.0, lambda y: y * x, [x], back_prop=False)
    assert gradients(y, x) == [None]


def test_hessians_of_a_loop(run):
    x = constant([1.0, 2.0])
    y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x * x[::-1]), [0, x])[1]
    (found,) = run(hessians(reduce_sum(y), x))
    # y = x (x0 x1)^3, its sum x0^4 x1^3 + x0^3 x1^4
    a, b = 1.0, 2.0
    mixed = 12 * a**3 * b**2 + 12 * a**2 * b**3
    expected = [[12 * a**2 * b**3 + 6 * a * b**4, mixed], [mixed, 6 * a**4 * b + 12 * a**3 * b**2]]
    np.testing.assert_allclose(found, expected)


def test_values_without_gradients_pass_through_the_loop(run):
    x = constant(2.0)
    _, text, y = while_loop(
        lambda i, *_: i < 3, lambda i, text, y: (i + 1, text, y * x * cast(i + 1, "float32")), [0, constant("a"), x]
    )
    assert run([text, y, *gradients(y, x)]) == [b"a", 96.0, 192.0]


def loops_of(graph):
    return [op for op in graph.get_operations() if op.type in ("While", "StatelessWhile")]


def test_only_what_the_gradient_needs_is_kept(run):
    x, w = placeholder("float32", [8, 8]), placeholder("float32", [8, 8])
    y = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, sin(matmul(y, w)) + 1.0), [0, x])[1]
    forward = y.op.inputs[0].op
    before = len(forward.outputs)
    gradients(y, x)
    # The product, for the sine's cosine, and the number of trips; the gradient of the product needs only w.
    assert len(forward.outputs) == before + 2
    gradients(y, x)
    assert len(forward.outputs) == before + 2
    gradients(y, w)
    assert len(forward.outputs) == before + 3


def test_a_shape_is_kept_in_place_of_the_value(run):
    x = placeholder("float32", [None])
    total = while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + reduce_sum(x + s)), [0, constant(0.0)])[1]
    (gradient,) = gradients(total, x)
    kept = [t for loop in loops_of(x.graph) for t in loop.attrs["body"].outputs if t.op.type == "TensorListPushBack"]
    assert [t.op.inputs[1].dtype.name for t in kept] == ["int32"] * len(kept)
    assert run(gradient, {x: [1.0, 2.0]}).tolist() == [13.0, 13.0]


def test_a_function_shared_by_calls_has_gradients_in_each(run):
    x = placeholder("float64", [])
    graph = x.graph
    function = FuncGraph("twice_sine", graph)
    with function.as_default():
        a = function.add_input(dtypes.float64, ())
        b = sin(a * a)
        function.outputs = [while_loop(lambda i, z: i < 2, lambda i, z: (i + 1, z * b), [0, b])[1]]
    call, stateful = lookup("PartitionedCall"), lookup("StatefulPartitionedCall")
    first = call([x], f=function, Tout=["float64"])[0]
    y = stateful([first], f=function, Tout=["float64"])[0]
    found = orders(y, x, 2)
    step = 1e-6
    above, below = run(found[:2], {x: 0.8 + step}), run(found[:2], {x: 0.8 - step})
    values = run([first, *found], {x: 0.8})
    np.testing.assert_allclose(values[0], np.sin(0.64) ** 3)
    np.testing.assert_allclose(values[2:], [(a - b) / (2 * step) for a, b in zip(above, below)], rtol=1e-5)
    assert len(function.outputs) == 1
