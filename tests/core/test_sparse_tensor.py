"""Sparse tensors and their specs."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.sparse_tensor import SparseTensorValue


def sparse():
    return tf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [2, 3])


def test_components_and_types():
    x = sparse()
    assert (x.indices.dtype, x.dense_shape.dtype, x.dtype) == (tf.int64, tf.int64, tf.float32)
    assert x.shape == [2, 3] and x.get_shape() == [2, 3]
    assert repr(x) == str(x) and str(x).startswith("SparseTensor(indices=")
    assert x.consumers() == []


def test_components_must_fit():
    for indices, values, shape in (
        ([[0, 0]], [1.0, 2.0], [3, 4]),
        ([[0, 0]], [1.0], [3, 4, 5]),
        ([0, 0], [1.0], [3, 4]),
        ([[0, 0]], [1.0], [-3, 4]),
    ):
        with pytest.raises(ValueError):
            tf.SparseTensor(indices, values, shape)
    with pytest.raises(ValueError):
        sparse().with_values(tf.ones([3]))
    with pytest.raises(ValueError):
        sparse().set_shape([4, 4])
    with pytest.raises(TypeError):
        tf.SparseTensor.from_value((1, 2, 3))


def test_a_value_becomes_a_sparse_tensor():
    value = SparseTensorValue(np.array([[0, 1]]), np.array([5]), np.array([2, 2]))
    assert tf.sparse.to_dense(tf.SparseTensor.from_value(value)).numpy().tolist() == [[0, 5], [0, 0]]
    assert tf.SparseTensorSpec.from_value(value) == tf.SparseTensorSpec([2, 2], tf.int64)


def test_specs_describe_values():
    spec = tf.SparseTensorSpec([None, 3], tf.float32)
    assert spec.is_compatible_with(sparse()) and not spec.is_compatible_with(tf.cast(sparse(), tf.int32))
    assert tf.type_spec_from_value(sparse()) == tf.SparseTensorSpec([2, 3], tf.float32)
    assert len(tf.nest.flatten(sparse(), expand_composites=True)) == 3
    again = tf.nest.map_structure(lambda part: part, sparse(), expand_composites=True)
    assert isinstance(again, tf.SparseTensor)


def test_sparse_tensors_have_a_shape_size_and_rank():
    assert tf.shape(sparse()).numpy().tolist() == [2, 3]
    assert (int(tf.size(sparse())), int(tf.rank(sparse()))) == (6, 2)
    assert tf.is_tensor(sparse())
    with pytest.raises((TypeError, ValueError)):
        tf.convert_to_tensor(sparse())


def test_shape_invariants_are_shapes_of_the_dense_shape():
    assert sparse()._shape_invariant_to_type_spec(tf.TensorShape([2])) == tf.SparseTensorSpec([None, None], tf.float32)
    with pytest.raises(ValueError, match="1 dimension"):
        sparse()._shape_invariant_to_type_spec(tf.TensorShape([None, 2]))
