"""Accumulators of gradients; the expected numbers are TensorFlow's."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import penstock.v1 as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_the_mean_of_gradients_is_taken(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2], name="accumulator")
    assert (accumulator.name, accumulator.dtype) == ("accumulator", tf.float32)
    gradient, step = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int64, [])
    add, count = accumulator.apply_grad(gradient, local_step=step), accumulator.num_accumulated()
    take = accumulator.take_grad(2)
    assert take.shape.as_list() == [2]
    for value, at in (([1, 2], 0), ([3, 4], 0), ([10, 10], -1)):
        session.run(add, {gradient: value, step: at})
    assert session.run(count) == 2
    assert session.run(take).tolist() == [2.0, 3.0]
    assert session.run(count) == 0


def test_taking_begins_the_next_step_and_stale_gradients_are_dropped(session):
    accumulator = tf.ConditionalAccumulator(tf.float32)
    step = tf.placeholder(tf.int64, [])
    add, count = accumulator.apply_grad([1.0], step), accumulator.num_accumulated()
    take, advance = accumulator.take_grad(1), accumulator.set_global_step(5)

    def counted(at):
        session.run(add, {step: at})
        return session.run(count)

    assert counted(0) == 1
    session.run(take)
    assert (counted(0), counted(1)) == (0, 1)
    session.run(advance)
    assert (counted(4), counted(5)) == (1, 2)


def test_the_sum_can_be_taken_and_shapes_may_change_with_the_step(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, reduction_type="SUM")
    gradient = tf.placeholder(tf.float32)
    add, take = accumulator.apply_grad(gradient), accumulator.take_grad(2)
    session.run(add, {gradient: [1.0, 2.0]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch: expected .2,., got .3,."):
        session.run(add, {gradient: [1.0, 2.0, 3.0]})
    session.run(add, {gradient: [1.0, 2.0]})
    assert session.run(take).tolist() == [2.0, 4.0]
    late = accumulator.apply_grad(gradient, local_step=1)
    session.run(late, {gradient: [[7.0]]})
    session.run(late, {gradient: [[1.0]]})
    assert session.run(take).tolist() == [[8.0]]


def test_what_was_applied_does_not_change_with_its_variable(session):
    variable = tf.get_variable("v", initializer=[1.0])
    accumulator = tf.ConditionalAccumulator(tf.float32)
    add, take, change = accumulator.apply_grad(variable), accumulator.take_grad(1), variable.assign_add([1.0])
    session.run(variable.initializer)
    session.run(add)
    session.run(change)
    assert session.run(take).tolist() == [1.0]


def test_taking_waits_for_enough_gradients(session):
    accumulator = tf.ConditionalAccumulator(tf.float32)
    add, take = accumulator.apply_grad([7.0]), accumulator.take_grad(2)
    taken = []
    thread = threading.Thread(target=lambda: taken.append(session.run(take).tolist()))
    thread.start()
    session.run(add)
    assert not taken
    session.run(add)
    thread.join(30)
    assert taken == [[7.0]]


def test_a_wait_ends_with_its_time(session):
    take = tf.ConditionalAccumulator(tf.float32).take_grad(1)
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(take, options=tf.RunOptions(timeout_in_ms=50))


def test_arguments_are_checked(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2])
    with pytest.raises(ValueError, match="incompatible"):
        accumulator.apply_grad(np.zeros(3, np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_required must be positive, but was 0"):
        session.run(accumulator.take_grad(0))
    with pytest.raises(ValueError, match="reduction_type"):
        tf.ConditionalAccumulator(tf.float32, reduction_type="X")
    with pytest.raises(TypeError, match="string"):
        tf.ConditionalAccumulator(tf.string)


def test_each_slice_has_the_mean_of_the_gradients_that_had_it(session):
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[3, 2])
    session.run(accumulator.apply_grad([0, 2], [[1.0, 2], [3, 4]], grad_shape=[3, 2]))
    session.run(accumulator.apply_grad([1, 2], [[30.0, 40], [10, 20]]))
    assert session.run(accumulator.num_accumulated()) == 2
    indices, values, shape = session.run(accumulator.take_grad(2))
    assert indices.tolist() == [0, 1, 2]
    assert values.tolist() == [[1.0, 2.0], [30.0, 40.0], [6.5, 12.0]]
    assert shape.tolist() == [3, 2]
    stale = accumulator.apply_grad([0], [[1.0, 2]])
    session.run(stale)
    assert session.run(accumulator.num_accumulated()) == 0
    session.run(accumulator.set_global_step(0))
    session.run(stale)
    assert session.run(accumulator.num_accumulated()) == 1


def test_slices_can_be_summed_and_go_as_indexed_slices(session):
    accumulator = tf.sparse.SparseConditionalAccumulator(tf.float32, reduction_type="SUM")
    slices = tf.IndexedSlices(tf.constant([[5.0, 5.0]]), tf.constant([1], tf.int64), tf.constant([3, 2], tf.int64))
    add, take = accumulator.apply_indexed_slices_grad(slices), accumulator.take_indexed_slices_grad(2)
    session.run(add)
    session.run(add)
    taken = session.run(take)
    assert (taken.values.tolist(), taken.indices.tolist()) == ([[10.0, 10.0]], [1])
    assert taken.dense_shape.tolist() == [-1, 2]
