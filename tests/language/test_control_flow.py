"""Conditionals, loops and ordering."""

from __future__ import annotations

import pytest

from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph, get_default_graph
from penstock.core.op_def import lookup
from penstock.core.operation import Operation
from penstock.language.control_flow import (
    case,
    cond,
    cond_v1,
    disable_control_flow_v2,
    enable_control_flow_v2,
    group,
    smart_cond,
    tuple_,
    with_dependencies,
)
from penstock.language.control_flow import while_loop as while_loop_v2
from penstock.language.control_flow import while_loop_v1 as while_loop
from penstock.language.variables import VariableV1
from penstock.ops.constant import constant, identity, no_op, placeholder
from penstock.runtime.session import Session
from penstock.train.queues import FIFOQueue

COVERS = ("If", "StatelessIf", "While", "StatelessWhile")


@pytest.fixture
def run():
    graph = Graph()
    with graph.as_default(), Session() as session:
        yield session.run


def test_cond_runs_the_branch_that_the_predicate_chooses(run):
    p, x = placeholder("bool", []), constant(3.0)
    y = cond(p, lambda: x * 2.0, lambda: x + 10.0)
    assert (run(y, {p: True}), run(y, {p: False})) == (6.0, 13.0)


def test_branches_return_nested_structures(run):
    p = placeholder("bool", [])
    result = cond(p, lambda: {"a": constant(1), "b": [constant(2.0)]}, lambda: {"a": constant(3), "b": [constant(4.0)]})
    assert run(result, {p: False}) == {"a": 3, "b": [4.0]}


def test_branches_of_different_structure_or_type_are_refused(run):
    p = placeholder("bool", [])
    with pytest.raises(AssertionError, match=r"same number of values.*\[1, 2\]"):
        cond(p, lambda: [constant(1)], lambda: [constant(1), constant(2)])
    with pytest.raises(TypeError, match="float32.*tf.cast|int32.*tf.cast"):
        cond(p, lambda: constant(1), lambda: constant(1.0))


def test_a_predicate_that_is_no_tensor_is_refused(run):
    with pytest.raises(TypeError, match="Python bool"):
        cond(True, lambda: constant(1), lambda: constant(2))
    with pytest.raises(InvalidArgumentError, match="boolean"):
        cond(constant(1.0), lambda: constant(1), lambda: constant(2))


def test_case_without_default_demands_that_a_predicate_is_true(run):
    x = placeholder("int32", [])
    y = case([(x < 0, lambda: constant(1)), (x < 10, lambda: constant(2))])
    assert (run(y, {x: -5}), run(y, {x: 5})) == (1, 2)
    with pytest.raises(InvalidArgumentError, match="None of conditions evaluated as True.*0 0"):
        run(y, {x: 50})
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="None of conditions evaluated as True"):
        case([(constant(False), lambda: constant(1))])


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        (3, TypeError),
        ([], ValueError),
        ([(True, lambda: 1)], TypeError),
        ([(constant, lambda: 1)], TypeError),
        ([("predicate", 1, 2)], TypeError),
    ],
)
def test_case_refuses_what_are_no_pairs(run, pairs, error):
    with pytest.raises(error):
        case(pairs)


def test_a_list_of_one_is_unpacked_where_control_flow_is_of_tensorflow_1(run):
    p = placeholder("bool", [])
    assert run(cond_v1(p, lambda: [constant(1)], lambda: [constant(2)]), {p: True}) == [1]
    disable_control_flow_v2()
    try:
        assert run(cond_v1(p, lambda: [constant(1)], lambda: [constant(2)]), {p: True}) == 1
        assert run(cond_v1(p, lambda: [constant(1)], lambda: [constant(2)], strict=True), {p: True}) == [1]
    finally:
        enable_control_flow_v2()


def test_eager_loops_return_what_the_body_returned():
    with context.eager_mode():
        result = while_loop_v2(lambda i, j: i < 3, lambda i, j: (i + 1, j * 2), [constant(0), constant(1)])
        assert isinstance(result, tuple) and [int(item) for item in result] == [3, 8]
        assert int(while_loop(lambda i: i < 3, lambda i: i + 1, [constant(0)])) == 3
        with pytest.raises(TypeError, match="iterate"):
            while_loop_v2(lambda i: i < 3, lambda i: i + 1, [constant(0)])
        with pytest.raises(ValueError, match="nested structure"):
            while_loop_v2(lambda i: i < 3, lambda i: (i, i), [constant(0)])
        with pytest.raises(ValueError, match="must be a scalar"):
            while_loop_v2(lambda i: i < 3, lambda i: [i + 1], [constant(0)], maximum_iterations=constant([2]))


def test_none_is_no_value_of_a_loop_variable(run):
    with pytest.raises(AssertionError, match="None is no value of a loop variable"):
        while_loop_v2(lambda i, j: i < 3, lambda i, j: (i + 1, None), [constant(0), constant(1)])
    with pytest.raises(AssertionError, match="None is no value of a loop variable"):
        while_loop_v2(lambda i: i < 3, lambda i: None, [constant(0)])
    with pytest.raises(TypeError, match="positive"):
        while_loop_v2(lambda i: i < 3, lambda i: i + 1, [constant(0)], parallel_iterations=0)


def test_only_the_chosen_branch_runs(run):
    p, x = placeholder("bool", []), placeholder("int32", [])
    y = cond(p, lambda: lookup("FloorDiv")(constant(1), x), lambda: constant(7))
    assert run(y, {p: False, x: 0}) == 7


def test_gradients_flow_through_the_branch_taken(run):
    p, x, w = placeholder("bool", []), placeholder("float64", []), placeholder("float64", [])
    y = cond(p, lambda: x * x * w, lambda: x + 1.0)
    grads = gradients(y, [x, w])
    assert run(grads, {p: True, x: 3.0, w: 2.0}) == [12.0, 9.0]
    assert run(grads, {p: False, x: 3.0, w: 2.0}) == [1.0, 0.0]


def test_second_derivatives_flow_through_a_conditional(run):
    p, x = placeholder("bool", []), placeholder("float64", [])
    y = cond(p, lambda: x * x * x, lambda: x * x)
    (second,) = gradients(gradients(y, x)[0], x)
    assert (run(second, {p: True, x: 2.0}), run(second, {p: False, x: 2.0})) == (12.0, 2.0)


def test_gradients_flow_through_nested_conditionals(run):
    p, q, x = placeholder("bool", []), placeholder("bool", []), placeholder("float64", [])
    y = cond(p, lambda: cond(q, lambda: x * x, lambda: x * 3.0) * x, lambda: x)
    (grad,) = gradients(y, x)
    assert [run(grad, {p: a, q: b, x: 2.0}) for a, b in ((True, True), (True, False), (False, True))] == [
        12.0,
        12.0,
        1.0,
    ]


def test_smart_cond_decides_known_predicates_while_the_graph_is_built(run):
    assert smart_cond(True, lambda: "yes", lambda: "no") == "yes"
    assert smart_cond(constant(False), lambda: "yes", lambda: "no") == "no"


def test_case_runs_the_first_true_predicate(run):
    x = placeholder("int32", [])
    y = case([(x < 0, lambda: constant(-1)), (x > 10, lambda: constant(10))], default=lambda: constant(0))
    assert [run(y, {x: v}) for v in (-5, 5, 50)] == [-1, 0, 10]


def test_a_loop_repeats_while_its_condition_holds(run):
    i = while_loop(lambda i: i < 10, lambda i: i + 1, [constant(0)])
    assert run(i) == 10


def test_loop_variables_may_be_nested_and_captured(run):
    limit, step = placeholder("int32", []), constant(2.0)
    count, state = while_loop(
        lambda i, s: i < limit, lambda i, s: (i + 1, {"sum": s["sum"] + step}), (constant(0), {"sum": constant(0.0)})
    )
    assert run([count, state["sum"]], {limit: 5}) == [5, 10.0]


def test_loops_nest(run):
    def outer(i, total):
        _, total = while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + 1), [constant(0), total])
        return i + 1, total

    assert run(while_loop(lambda i, t: i < 5, outer, [constant(0), constant(0)])[1]) == 10


def test_maximum_iterations_ends_a_loop(run):
    assert run(while_loop(lambda i: constant(True), lambda i: i + 1, [constant(0)], maximum_iterations=7)) == 7


def test_a_loop_variable_that_changes_shape_needs_an_invariant(run):
    x = constant([1.0])
    grow = lambda v: lookup("ConcatV2")([v, v], 0)  # noqa: E731
    with pytest.raises(ValueError, match="shape_invariants"):
        while_loop(lambda v: lookup("Size")(v) < 10, grow, [x])
    grown = while_loop(lambda v: lookup("Size")(v) < 10, grow, [x], shape_invariants=[[None]])
    assert run(grown).shape == (16,)


def test_a_body_that_returns_another_number_of_values_is_refused(run):
    with pytest.raises(ValueError, match="2 values for 1"):
        while_loop(lambda i: i < 3, lambda i: [i, i], [constant(0)])


def test_a_loop_variable_that_changes_type_is_refused(run):
    with pytest.raises(TypeError, match="tf.cast"):
        while_loop(lambda i: constant(True), lambda i: constant(1.0), [constant(0)])


def test_eager_conditionals_and_loops_run_at_once():
    assert int(cond(constant(True), lambda: constant(1), lambda: constant(2))) == 1
    assert int(while_loop(lambda i: i < 10, lambda i: i + 3, [constant(0)])) == 12


def test_generated_programs_use_pythons_if_and_while():
    with Graph().as_default(), Session() as session:
        p = placeholder("bool", [])
        y = cond(p, lambda: constant(1), lambda: constant(2))
        assert " if " in session.program(y, [p]).source
        z = while_loop(lambda i, x: i < 9, lambda i, x: (i + 1, -x), [constant(0), constant([1.0, 2.0])])
        assert "while True" in session.program(z).source


def test_group_waits_for_all_its_inputs(run):
    a, b = no_op(name="a"), constant(1.0, name="b")
    both = group(a, [b])
    assert isinstance(both, Operation) and both.control_inputs == [a, b.op]
    assert run(both) is None
    with pytest.raises(TypeError, match="Tensors"):
        group("text")


def test_tuple_gives_its_tensors_once_all_are_computed(run):
    a, b = constant(1.0), constant(2.0)
    first, none, second = tuple_([a, None, b])
    assert none is None and run([first, second]) == [1.0, 2.0]


def test_with_dependencies_orders_one_tensor(run):
    first = no_op(name="first")
    y = with_dependencies([first], constant(3.0))
    assert y.op.control_inputs == [first] and run(identity(y)) == 3.0


def test_a_branch_within_a_branch_runs_for_its_effects_alone(run):
    p, q = placeholder("bool", []), placeholder("bool", [])
    counter = VariableV1(0, name="counter")

    def outer():
        cond(q, lambda: counter.assign_add(1).op, lambda: no_op())
        return constant(1)

    result = cond(p, outer, lambda: constant(2))
    run(counter.initializer)
    for a, b, expected in ((True, True, 1), (True, False, 1), (False, True, 1), (True, True, 2)):
        run(result, {p: a, q: b})
        assert run(counter) == expected


def test_an_eager_loop_leaves_python_numbers_to_take_the_type_of_what_they_meet():
    count, total = while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x + i), (0, constant(10, "int64")))
    assert int(count) == 3 and int(total) == 13 and total.dtype == "int64"


def test_the_body_of_a_loop_may_fill_a_queue_that_is_emptied_after_it(run):
    queue = FIFOQueue(10, "int32", [[]])

    def body(i):
        with get_default_graph().control_dependencies([queue.enqueue(i * i)]):
            return i + 1

    last = while_loop(lambda i: i < 4, body, [0])
    with get_default_graph().control_dependencies([last]):
        squares = queue.dequeue_many(4)
    assert run(squares).tolist() == [0, 1, 4, 9]
