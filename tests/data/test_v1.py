from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf


def test_one_shot_iterator_ends_with_out_of_range() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        element = tf.data.Dataset.range(2).map(lambda x: x * 10).make_one_shot_iterator().get_next()
        assert [session.run(element), session.run(element)] == [0, 10]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(element)


def test_initializable_iterator_takes_feeds() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        rows = tf.placeholder(tf.float32, [None, 2])
        iterator = tf.data.Dataset.from_tensor_slices(rows).batch(2).make_initializable_iterator()
        batch = iterator.get_next()
        with pytest.raises(tf.errors.FailedPreconditionError, match="not been initialized"):
            session.run(batch)
        for _ in range(2):
            session.run(iterator.initializer, {rows: np.arange(6).reshape(3, 2)})
            assert session.run(batch).tolist() == [[0, 1], [2, 3]]


def test_one_shot_iterator_refuses_placeholders() -> None:
    with tf.Graph().as_default():
        dataset = tf.data.Dataset.from_tensors(tf.placeholder(tf.float32))
        with pytest.raises(ValueError, match="placeholder"):
            dataset.make_one_shot_iterator()


def test_reinitializable_iterator_changes_its_dataset() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        first, second = tf.data.Dataset.range(2), tf.data.Dataset.range(5, 7)
        iterator = tf.data.Iterator.from_structure(first.output_types, first.output_shapes)
        element = iterator.get_next()
        for dataset, expected in ((first, 0), (second, 5)):
            session.run(iterator.make_initializer(dataset))
            assert session.run(element) == expected
        with pytest.raises(TypeError):
            iterator.make_initializer(tf.data.Dataset.from_tensors("x"))


def test_feedable_iterator_is_chosen_by_its_handle() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        iterators = [tf.data.Dataset.range(n, n + 2).make_one_shot_iterator() for n in (0, 10)]
        handle = tf.placeholder(tf.string, [])
        element = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
        handles = [session.run(iterator.string_handle()) for iterator in iterators]
        assert [session.run(element, {handle: item}) for item in handles] == [0, 10]


def test_padding_values_may_be_tensors_of_the_graph() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        filler = tf.placeholder_with_default(tf.constant(7, tf.int64), [])
        rows = tf.data.Dataset.range(1, 3).map(lambda n: tf.fill([n], n))
        iterator = rows.padded_batch(2, [None], filler).make_initializable_iterator()
        batch = iterator.get_next()
        for value, feeds in ((7, {}), (9, {filler: 9})):
            session.run(iterator.initializer, feeds)
            assert session.run(batch).tolist() == [[1, value], [2, 2]]
        with pytest.raises(ValueError, match="scalar"):
            rows.padded_batch(2, [None], tf.zeros([2], tf.int64))
