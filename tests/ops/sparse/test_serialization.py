"""Sparse tensors as strings, and kept between steps."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.ops.sparse.serialization import (
    add_many_sparse_to_tensors_map_op,
    add_sparse_to_tensors_map_op,
    deserialize_sparse_op,
    take_many_sparse_from_tensors_map_op,
)

COVERS = (
    "AddManySparseToTensorsMap",
    "AddSparseToTensorsMap",
    "DeserializeManySparse",
    "DeserializeSparse",
    "SerializeManySparse",
    "SerializeSparse",
    "TakeManySparseFromTensorsMap",
)


def sparse(values=(1.0, -2.0, 3.0)):
    return tf.SparseTensor([[0, 0], [0, 3], [2, 1]], list(values), [3, 4])


def parts(x):
    return x.indices.numpy().tolist(), x.values.numpy().tolist(), x.dense_shape.numpy().tolist()


def test_the_bytes_are_those_of_tensorflow():
    one = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], ["a", "bcd", "\0\0"], [2, 2])
    indices, values, shape = tf.io.serialize_many_sparse(one).numpy()[1]
    assert values == b'\x08\x07\x12\x04\x12\x02\x08\x02"\x07\x03\x02bcd\x00\x00'
    assert indices == b'\x08\t\x12\x08\x12\x02\x08\x02\x12\x02\x08\x01"\x10' + np.array([0, 1]).tobytes()
    assert shape == b'\x08\t\x12\x04\x12\x02\x08\x01"\x08' + np.array([2]).tobytes()


@pytest.mark.parametrize("values", [[1.0, -2.0, 3.0], [1, 2, 3], ["a", "", "cd"], [True, False, True]], ids=str)
def test_what_is_written_is_read(values):
    given = sparse(values)
    read = tf.io.deserialize_many_sparse(tf.io.serialize_many_sparse(given), given.dtype, rank=1)
    assert parts(read) == parts(given)
    stacked = tf.io.deserialize_many_sparse([tf.io.serialize_sparse(given)] * 2, given.dtype)
    assert parts(stacked)[2] == [2, 3, 4] and stacked.values.shape == [6]
    again = deserialize_sparse_op(tf.io.serialize_sparse(given), dtype=given.dtype)
    assert again.sparse_indices.numpy().tolist() == parts(given)[0]


def test_what_cannot_be_read_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="int32"):
        tf.io.deserialize_many_sparse(tf.io.serialize_many_sparse(sparse()), tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="parse"):
        tf.io.deserialize_many_sparse([["a", "b", "c"]], tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="rank"):
        tf.io.serialize_many_sparse(tf.SparseTensor([[0]], [1.0], [2]))


def test_sparse_tensors_are_kept_and_taken_once():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = sparse()
        inputs = (given.indices, given.values, given.dense_shape)
        handles = session.run(add_many_sparse_to_tensors_map_op(*inputs, shared_name="kept"))
        single = session.run(add_sparse_to_tensors_map_op(*inputs, shared_name="whole"))
        assert handles.tolist() == [0, 1, 2] and single == 0
        taken = take_many_sparse_from_tensors_map_op(handles[[2, 0]], dtype=tf.float32, shared_name="kept")
        assert session.run(taken.sparse_indices).tolist() == [[0, 1], [1, 0], [1, 3]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to find"):
            session.run(taken)
