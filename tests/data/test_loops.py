"""Loops over datasets in functions, and functions of elements that AutoGraph converts."""

from __future__ import annotations

from typing import Any

import pytest

import penstock.v2 as tf
from penstock.core import context


@pytest.fixture(autouse=True)
def eager() -> Any:
    with context.eager_mode():
        yield


def test_a_loop_over_a_dataset_is_a_loop_of_the_graph() -> None:
    dataset = tf.data.Dataset.range(1, 6)

    @tf.function
    def total(scale: Any) -> Any:
        result = tf.constant(0, tf.int64)
        for x in dataset:
            if x == 2:
                continue
            result += x * scale
        return result

    assert [int(total(tf.constant(k, tf.int64))) for k in (1, 2)] == [13, 26]
    assert total.experimental_get_tracing_count() == 1


def test_a_dataset_given_as_an_argument_is_looped_over_and_traced_once() -> None:
    @tf.function
    def total(dataset: Any) -> Any:
        result = tf.constant(0.0)
        for x, y in dataset:
            result += tf.reduce_sum(x) * y
        return result

    pairs = [tf.data.Dataset.from_tensor_slices(([[1.0, 2.0], [3.0, k]], [1.0, 2.0])) for k in (4.0, 5.0)]
    assert [float(total(dataset)) for dataset in pairs] == [17.0, 19.0]
    assert total.experimental_get_tracing_count() == 1


def test_break_leaves_the_rest_of_an_iterator() -> None:
    @tf.function
    def first_above(iterator: Any, bound: Any) -> Any:
        found = tf.constant(-1, tf.int64)
        for x in iterator:
            if x > bound:
                found = x
                break
        return found

    iterator = iter(tf.data.Dataset.range(10))
    assert int(first_above(iterator, tf.constant(3, tf.int64))) == 4
    assert int(next(iterator)) == 5
    assert int(first_above(iterator, tf.constant(100, tf.int64))) == -1


def test_next_in_a_function_takes_one_element() -> None:
    @tf.function
    def two() -> Any:
        iterator = iter(tf.data.Dataset.range(3, 9))
        return next(iterator) * 10 + next(iterator)

    assert int(two()) == 34
    assert int(two()) == 34


def test_a_python_loop_over_an_iterator_that_is_not_converted_says_so() -> None:
    @tf.function(autograph=False)
    def total(iterator: Any) -> Any:
        return sum(iterator)

    with pytest.raises(ValueError, match="never end"):
        total(iter(tf.data.Dataset.range(3)))


def test_functions_of_elements_are_converted() -> None:
    def halve_or_triple(x: Any) -> Any:
        while x > 10:
            if x % 2 == 0:
                x = x // 2
            else:
                x = x - 1
        return x * 3

    dataset = tf.data.Dataset.from_tensor_slices([3, 64, 100]).map(halve_or_triple)
    assert [int(x) for x in dataset] == [9, 24, 18]
    chosen = tf.data.Dataset.range(6).filter(lambda x: True if x > 3 else x == 0)
    assert [int(x) for x in chosen] == [0, 4, 5]


def test_gradients_within_a_loop_over_a_dataset_train() -> None:
    w = tf.Variable(0.0)
    dataset = tf.data.Dataset.from_tensor_slices([1.0, 2.0, 3.0]).repeat(20)

    @tf.function
    def train() -> Any:
        loss = tf.constant(0.0)
        for x in dataset:
            with tf.GradientTape() as tape:
                loss = (w * x - 2.0 * x) ** 2
            w.assign_sub(0.05 * tape.gradient(loss, w))
        return loss

    assert float(train()) < 1e-6
    assert abs(float(w) - 2.0) < 1e-3


def test_an_error_in_a_generator_is_tensorflows() -> None:
    def broken() -> Any:
        yield 1
        raise ValueError("no more")

    iterator = iter(tf.data.Dataset.from_generator(broken, output_types=tf.int32, output_shapes=()))
    assert int(next(iterator)) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="no more"):
        next(iterator)


def test_a_dataset_is_no_tensor() -> None:
    assert not tf.is_tensor(tf.data.Dataset.range(3))
    assert tf.is_tensor(tf.ragged.constant([[1], []]))


def test_a_filtered_infinite_dataset_is_of_unknown_size() -> None:
    dataset = tf.data.Dataset.range(3).repeat().filter(lambda x: x > 1)
    assert int(dataset.cardinality()) == tf.data.UNKNOWN_CARDINALITY
