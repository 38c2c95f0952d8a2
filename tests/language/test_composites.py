"""Composite values as branch results, loop variables and elements of `map_fn`, in graphs and eagerly."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def sparse():
    return tf.SparseTensor([[0, 0], [0, 3], [1, 1], [2, 2]], [1.0, -2.0, 3.0, 4.0], [3, 4])


@pytest.fixture(params=["eager", "graph"])
def value(request):
    """Return what turns results into NumPy values, in either mode."""
    if request.param == "eager":

        def convert(result):
            def of(item):
                if isinstance(item, tf.SparseTensor):
                    parts = item.indices, item.values, item.dense_shape
                    return v1.SparseTensorValue(*(part.numpy() for part in parts))
                return item.numpy()

            return tf.nest.map_structure(of, result)

        yield convert
        return
    with tf.Graph().as_default(), v1.Session() as session:
        yield session.run


def test_branches_return_sparse_tensors(value):
    found = value(tf.cond(tf.constant(3) > 2, lambda: sparse(), lambda: tf.sparse.add(sparse(), sparse())))
    assert found.values.tolist() == [1, -2, 3, 4]
    other = value(tf.switch_case(tf.constant(1), [sparse, lambda: tf.sparse.transpose(sparse())]))
    assert other.dense_shape.tolist() == [4, 3]


def test_sparse_tensors_are_loop_variables(value):
    count, found = value(
        tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s.with_values(s.values * 2)), (tf.constant(0), sparse()))
    )
    assert count == 3 and found.values.tolist() == [8, -16, 24, 32]


def test_sparse_loop_variables_may_grow(value):
    start = tf.SparseTensor([[0, 0]], [1.0], [2, 2])
    _, found = value(
        tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, tf.sparse.concat(0, [s, s])), (tf.constant(0), start))
    )
    assert found.indices[:, 0].tolist() == list(range(0, 16, 2)) and found.dense_shape.tolist() == [16, 2]


@pytest.mark.parametrize("invariant", [tf.TensorShape([2]), tf.SparseTensorSpec([None, 2], tf.float32)], ids=str)
def test_invariants_of_sparse_loop_variables_are_shapes_or_specs(invariant):
    with tf.Graph().as_default(), v1.Session() as session:
        start = tf.SparseTensor([[0, 0]], [1.0], [2, 2])
        loop = tf.while_loop(
            lambda i, s: i < 2,
            lambda i, s: (i + 1, tf.sparse.concat(0, [s, s])),
            (tf.constant(0), start),
            shape_invariants=(tf.TensorShape([]), invariant),
        )
        assert session.run(loop)[1].dense_shape.tolist() == [8, 2]


def test_sparse_slices_are_loop_variables_and_branch_results():
    with tf.Graph().as_default(), v1.Session() as session:
        slices = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]))
        loop = tf.while_loop(
            lambda i, s: i < 3,
            lambda i, s: (i + 1, tf.IndexedSlices(s.values * 2.0, s.indices)),
            (tf.constant(0), slices),
        )
        assert session.run(loop)[1].values.tolist() == [[8, 8], [8, 8]]
        chosen = tf.cond(v1.placeholder_with_default(True, []), lambda: slices, lambda: slices)
        assert session.run(chosen).indices.tolist() == [0, 1]


def test_branches_must_agree_on_composites():
    with tf.Graph().as_default(), pytest.raises((TypeError, ValueError)):
        tf.cond(v1.placeholder(tf.bool, []), lambda: sparse(), lambda: tf.constant(1.0))


def test_rows_of_sparse_tensors_are_mapped(value):
    sums = tf.map_fn(tf.sparse.reduce_sum, sparse(), fn_output_signature=tf.float32)
    assert value(sums).tolist() == [-1, 3, 4]
    mixed = tf.map_fn(
        lambda x: tf.sparse.reduce_sum(x[0]) + x[1],
        (sparse(), tf.constant([1.0, 2.0, 3.0])),
        fn_output_signature=tf.float32,
    )
    assert value(mixed).tolist() == [0, 5, 7]


def test_mapped_functions_return_sparse_tensors(value):
    found = value(tf.map_fn(lambda row: row.with_values(row.values * 2), sparse()))
    assert found.indices.tolist() == [[0, 0], [0, 3], [1, 1], [2, 2]] and found.values.tolist() == [2, -4, 6, 8]
    made = tf.map_fn(
        tf.sparse.from_dense, tf.sparse.to_dense(sparse()), fn_output_signature=tf.SparseTensorSpec([4], tf.float32)
    )
    assert made.shape.as_list() == [3, 4] and value(made).values.tolist() == [1, -2, 3, 4]


def test_gradients_flow_through_mapped_rows():
    values = tf.constant([1.0, -2.0, 3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        rows = tf.map_fn(
            lambda row: tf.reduce_sum(row.values**2), sparse().with_values(values), fn_output_signature=tf.float32
        )
        total = tf.reduce_sum(rows * tf.constant([1.0, 10.0, 100.0]))
    assert tf.convert_to_tensor(tape.gradient(total, values)).numpy().tolist() == [2, -4, 60, 800]


def test_numbers_of_rows_must_agree():
    with pytest.raises(ValueError):
        tf.map_fn(lambda x: x[1], (sparse(), tf.ones([2])), fn_output_signature=tf.float32)
    assert np.array_equal(tf.map_fn(lambda x: x * 2, tf.constant([1, 2])).numpy(), [2, 4])
