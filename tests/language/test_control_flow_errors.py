"""What is wrong with loops and branches is said with their names, the variable, and both shapes."""

from __future__ import annotations

import pytest

from penstock.core.dtypes import bool_, float32, float64
from penstock.core.errors import DeadlineExceededError, InvalidArgumentError
from penstock.core.graph import Graph
from penstock.formats.protos import RunOptions
from penstock.language.control_flow import case, cond, while_loop
from penstock.language.functional import switch_case
from penstock.language.variables import Variable, global_variables_initializer
from penstock.ops.array.filling import ones
from penstock.ops.array.joining import concat
from penstock.ops.constant import constant, placeholder_with_default
from penstock.ops.math.cast import cast
from penstock.rnn.cells import GRUCell
from penstock.rnn.loops import dynamic_rnn
from penstock.runtime.session import Session


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def some_bool():
    return placeholder_with_default(True, [])


def repeat(body, start):
    return while_loop(lambda i, x: i < 3, body, (0, start), name="grow")


def test_a_variable_that_changes_its_shape_is_named_with_both_shapes(session):
    message = r"'grow': loop variable 1 \(.*ones.*\) enters with shape \(2,\), but has shape \(4,\)"
    with pytest.raises(ValueError, match=message):
        repeat(lambda i, x: (i + 1, concat([x, x], 0)), ones([2]))


def test_a_variable_that_changes_its_type_is_named_with_both_types(session):
    with pytest.raises(TypeError, match=r"'grow': loop variable 1 .* type float32, but the body returns float64"):
        repeat(lambda i, x: (i + 1, cast(x, float64)), ones([2]))


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_number_of_results_is_counted(session, count):
    with pytest.raises(ValueError, match=f"'grow': the body returns {count} values for 2 loop variables"):
        repeat(lambda i, x: (i + 1, x, x)[:count], ones([2]))


def test_conditions_must_be_scalars(session):
    with pytest.raises(InvalidArgumentError, match=r"condition must be a scalar, but it has the shape \(2,\)"):
        while_loop(lambda x: x < 3, lambda x: x + 1, [ones([2])])
    with pytest.raises(InvalidArgumentError, match=r"pred must be a scalar, but it has the shape \(2,\)"):
        cond(constant([True, False]), lambda: 1, lambda: 2)


def test_conditions_of_one_element_count_as_scalars(session):
    assert session.run(while_loop(lambda x: x < 3, lambda x: x + 1, [ones([1])])[0]).tolist() == [3.0]


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ((1.0, 2.0), 1.0, AssertionError),
        ({"a": 1.0}, {"b": 1.0}, TypeError),
        ((1.0,), [1.0], TypeError),
        (None, 1.0, ValueError),
        (1.0, 1, TypeError),
        ([1.0], [1.0, 2.0], AssertionError),
    ],
)
def test_branches_must_agree(session, first, second, error):
    with pytest.raises(error, match="tf.cond 'choose'.*must return the same"):
        cond(some_bool(), lambda: first, lambda: second, name="choose")
    with pytest.raises(error, match="tf.switch_case .*must return the same"):
        switch_case(placeholder_with_default(0, []), [lambda: first, lambda: second])


def test_a_tensor_inside_a_loop_cannot_be_fetched(session):
    inside = {}

    def body(i):
        inside["x"] = i * 2
        return i + 1

    result = while_loop(lambda i: i < 3, body, [0], name="count")
    with pytest.raises(ValueError, match=r"not an element of this graph.* body of the loop 'count/while'"):
        session.run(inside["x"])
    assert session.run(result) == [3]


def test_a_tensor_inside_a_branch_cannot_be_fetched(session):
    inside = {}

    def branch():
        inside["x"] = constant(1) + 2
        return inside["x"]

    cond(some_bool(), branch, lambda: constant(0), name="choose")
    with pytest.raises(ValueError, match=r"function or branch 'choose_true'"):
        session.run(inside["x"])


def test_exclusive_cases_must_exclude_each_other(session):
    first, second = placeholder_with_default(True, []), placeholder_with_default(True, [])
    assert first.dtype == bool_
    result = case([(first, lambda: 1), (second, lambda: 2)], default=lambda: 3, exclusive=True)
    assert session.run(result, {second: False}) == 1
    assert session.run(result, {first: False, second: False}) == 3
    with pytest.raises(InvalidArgumentError, match="More than one condition"):
        session.run(result)


def test_sequences_longer_than_their_inputs_are_errors(session):
    with pytest.raises(ValueError, match="sequence_length has 5, but the inputs have 3 steps"):
        dynamic_rnn(GRUCell(2), ones([2, 3, 1]), [5, 1], dtype=float32)
    lengths = placeholder_with_default([3, 1], [2])
    outputs, _ = dynamic_rnn(GRUCell(2), ones([2, 3, 1]), lengths, dtype=float32, scope="fed")
    session.run(global_variables_initializer())
    assert session.run(outputs).shape == (2, 3, 2)
    with pytest.raises(InvalidArgumentError, match=r"sequence_length has.*5.*only so many steps.*3"):
        session.run(outputs, {lengths: [5, 1]})


def test_an_endless_loop_ends_with_its_deadline_and_variables_stay(session):
    count = Variable(7)
    session.run(count.initializer)
    endless = while_loop(lambda i: i >= 0, lambda i: (i + 1) % 7, [0])
    with pytest.raises(DeadlineExceededError):
        session.run(endless, options=RunOptions(timeout_in_ms=50))
    assert session.run(count) == 7
