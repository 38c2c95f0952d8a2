"""Stacks, as imported gradients of loops use them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import penstock.v1 as tf
from penstock.core.dtypes import float32
from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.ops.data_flow.stack import stack_close_v2_op, stack_pop_v2_op, stack_push_v2_op, stack_v2_op

COVERS = ("StackV2", "StackPushV2", "StackPopV2", "StackCloseV2")


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_what_was_pushed_last_is_popped_first_and_each_step_has_its_own_stack(session: tf.Session) -> None:
    stack = stack_v2_op(-1, elem_type=float32)
    first = stack_push_v2_op(stack, 1.0)
    with tf.control_dependencies([first]):
        second = stack_push_v2_op(stack, 2.0)
    with tf.control_dependencies([second]):
        a = stack_pop_v2_op(stack, elem_type=float32)
    with tf.control_dependencies([a]):
        b = stack_pop_v2_op(stack, elem_type=float32)
    for _ in range(2):
        assert session.run([first, second, a, b]) == [1.0, 2.0, 2.0, 1.0]


def test_empty_full_and_closed_stacks_are_errors(session: tf.Session) -> None:
    stack = stack_v2_op(1, elem_type=float32)
    with pytest.raises(InvalidArgumentError, match="empty"):
        session.run(stack_pop_v2_op(stack, elem_type=float32))
    first = stack_push_v2_op(stack, 1.0)
    with tf.control_dependencies([first]):
        full = stack_push_v2_op(stack, 2.0)
        with tf.control_dependencies([stack_close_v2_op(stack)]):
            closed = stack_pop_v2_op(stack, elem_type=float32)
        other = stack_pop_v2_op(stack, elem_type=tf.int32)
    with pytest.raises(ResourceExhaustedError, match="max_size"):
        session.run(full)
    with pytest.raises(InvalidArgumentError, match="empty"):
        session.run(closed)
    with pytest.raises(InvalidArgumentError, match="holds float32"):
        session.run(other)
