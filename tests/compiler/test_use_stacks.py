"""Stacks in place of lists that loops extend or take elements from."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.options import Options
from penstock.core.dtypes import float32
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.control_flow import while_loop
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session

empty, push, pop = lookup("EmptyTensorList"), lookup("TensorListPushBack"), lookup("TensorListPopBack")
stack = lookup("TensorListStack")


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def run(fetches, feeds, **options):
    """Return values of a second run, and the program."""
    with Session() as session:
        session._options = Options(**options)
        session.run(fetches, feeds)
        return session.run(fetches, feeds), session.program(fetches, list(feeds)).source


def pushed(trips, shape, limit=-1):
    """Return a list that a loop has pushed halves of x to, and x."""
    x = placeholder("float32", [3], name="x")
    _, _, held = while_loop(
        lambda i, v, held: i < trips,
        lambda i, v, held: (i + 1, v * 0.5, push(held, v)),
        [constant(0), x, empty(np.asarray(shape, np.int32), np.int32(limit), element_dtype=float32)],
        name="loop",
    )
    return held, x


def test_gradients_of_loops_use_stacks_and_no_lists(graph):
    x = placeholder("float32", [3], name="x")
    _, h = while_loop(lambda i, h: i < 4, lambda i, h: (i + 1, tanh_op(h) * h), [constant(0), x], name="loop")
    slope = gradients(reduce_sum(h), x)[0]
    feeds = {x: np.array([0.5, -1.0, 2.0], np.float32)}
    found, source = run([h, slope], feeds)
    expected, plain = run([h, slope], feeds, use_stacks=False)
    assert "_push_kernel" in source and "_pop_kernel" in source and "tensor_list_p" not in source
    assert "_push_kernel" not in plain and "tensor_list_push_back_kernel" in plain
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("trips", [0, 1, 4])
def test_a_list_is_one_again_after_the_loop(graph, trips):
    held, x = pushed(trips, [3])
    values = stack(push(held, x), np.array([3], np.int32), element_dtype=float32)
    found, source = run([values], {x: np.array([1.0, 2.0, 4.0], np.float32)})
    assert "_push_kernel" in source
    expected = [[0.5**k * v for v in (1.0, 2.0, 4.0)] for k in range(trips)] + [[1.0, 2.0, 4.0]]
    assert found[0].tolist() == expected


@pytest.mark.parametrize(("shape", "limit"), [([4], -1), ([3], 2), ([3, 1], -1)])
def test_lists_that_may_refuse_an_element_are_left_alone(graph, shape, limit):
    held, x = pushed(4, shape, limit)
    length = lookup("TensorListLength")(held)
    with pytest.raises(InvalidArgumentError), Session() as session:
        assert "_push_kernel" not in session.program(length, [x]).source
        session.run(length, {x: np.ones(3, np.float32)})


def test_elements_are_popped_from_the_last_on_and_the_list_from_before_keeps_them(graph):
    held, x = pushed(4, [3])
    _, total, rest = while_loop(
        lambda i, total, rest: i < 2,
        lambda i, total, rest: (
            i + 1,
            *(lambda left, item: (total * 10.0 + item, left))(
                *pop(rest, np.array([3], np.int32), element_dtype=float32)
            ),
        ),
        [constant(0), x * 0.0, held],
        name="backward",
    )
    shape = np.array([3], np.int32)
    fetches = [total, *(stack(value, shape, element_dtype=float32) for value in (rest, held))]
    found, source = run(fetches, {x: np.array([8.0, 16.0, 0.0], np.float32)})
    assert "_pop_kernel" in source
    assert found[0].tolist() == [12.0, 24.0, 0.0]
    assert found[1].tolist() == [[8.0, 16.0, 0.0], [4.0, 8.0, 0.0]]
    assert found[2].tolist() == [[8.0, 16.0, 0.0], [4.0, 8.0, 0.0], [2.0, 4.0, 0.0], [1.0, 2.0, 0.0]]


def popping(trips, held):
    return while_loop(
        lambda i, total, rest: i < trips,
        lambda i, total, rest: (
            i + 1,
            *(lambda left, item: (total + item, left))(*pop(rest, np.array([3], np.int32), element_dtype=float32)),
        ),
        [constant(0), constant(np.zeros(3, np.float32)), held],
        name="backward",
    )[1]


def test_more_pops_than_elements_fail_as_lists_do(graph):
    held, x = pushed(2, [3])
    with pytest.raises(InvalidArgumentError, match="Trying to pop from an empty list"):
        run([popping(3, held)], {x: np.ones(3, np.float32)})


def test_elements_without_a_value_pop_as_zeros(graph):
    blank = lookup("TensorListReserve")(np.array([3], np.int32), np.int32(2), element_dtype=float32)
    found, source = run([popping(2, blank)], {})
    assert "_pop_kernel" in source and found[0].tolist() == [0.0, 0.0, 0.0]


def test_second_derivatives_through_stacks(graph):
    x = placeholder("float64", [2], name="x")
    _, power = while_loop(lambda i, p: i < 3, lambda i, p: (i + 1, p * x), [constant(0), x], name="grow")
    slope = gradients(power, x)[0]
    bend = gradients(slope, x)[0]
    found, source = run([power, slope, bend], {x: np.array([2.0, 3.0])})
    assert "_pop_kernel" in source
    assert [value.tolist() for value in found] == [[16.0, 81.0], [32.0, 108.0], [48.0, 108.0]]
