"""Fetching and feeding of composite values."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
VALUE = v1.SparseTensorValue(np.array([[0, 0], [2, 1]]), np.array([1.0, 2.0], np.float32), np.array([3, 4]))


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


def test_sparse_placeholders_take_values_and_tuples(session):
    x = v1.sparse_placeholder(tf.float32)
    dense = tf.sparse.to_dense(x)
    for fed in (VALUE, tuple(VALUE), ([[0, 0], [2, 1]], [1.0, 2.0], [3, 4])):
        assert session.run(dense, {x: fed})[2, 1] == 2
    with pytest.raises(TypeError):
        session.run(dense, {x: 5})


def test_sparse_tensors_are_fetched_as_values(session):
    x = v1.sparse_placeholder(tf.float32)
    found = session.run(x, {x: VALUE})
    assert isinstance(found, v1.SparseTensorValue) and found.values.tolist() == [1, 2]
    nested = session.run({"a": x, "b": [x.values, x]}, {x: VALUE})
    assert nested["b"][1].dense_shape.tolist() == [3, 4]
    assert isinstance(x.eval({x: VALUE}), v1.SparseTensorValue)


def test_a_known_shape_need_not_be_fed(session):
    x = v1.sparse_placeholder(tf.float32, [3, 4])
    dense = session.run(tf.sparse.to_dense(x), {x.indices: [[0, 0]], x.values: [1.0]})
    assert dense.shape == (3, 4)


def test_gradients_flow_to_fed_values(session):
    x = v1.sparse_placeholder(tf.float32, [3, 4])
    (gradient,) = tf.gradients(tf.sparse.to_dense(x) ** 2, x.values)
    assert session.run(gradient, {x: VALUE}).tolist() == [2, 4]


def test_sparse_slices_are_fetched_as_values(session):
    slices = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]))
    assert session.run(slices).indices.tolist() == [0, 1]
