"""Ragged tensors as elements."""

from __future__ import annotations

from typing import Any

import pytest

import penstock.v2 as tf
from penstock.core import context


@pytest.fixture(autouse=True)
def eager() -> Any:
    with context.eager_mode():
        yield


def test_ragged_elements_are_taken_apart_and_joined() -> None:
    ragged = tf.ragged.constant([[1, 2], [3], [], [4, 5, 6]])
    rows = tf.data.Dataset.from_tensor_slices(ragged)
    assert [row.numpy().tolist() for row in rows] == ragged.to_list()
    batches = list(rows.batch(3))
    assert [batch.to_list() for batch in batches] == [[[1, 2], [3], []], [[4, 5, 6]]]
    assert [row.numpy().tolist() for row in rows.batch(3).unbatch()] == ragged.to_list()


def test_deeper_ragged_elements_keep_their_axes() -> None:
    ragged = tf.ragged.constant([[[1], []], [[2, 3]], []], ragged_rank=2)
    batches = list(tf.data.Dataset.from_tensor_slices(ragged).batch(2))
    assert [batch.to_list() for batch in batches] == [[[[1], []], [[2, 3]]], [[]]]
    assert batches[0].ragged_rank == 2


def test_ragged_batch_keeps_inner_sizes_that_are_known() -> None:
    dataset = tf.data.Dataset.range(4).map(lambda n: tf.ones([n, 2])).ragged_batch(2)
    assert dataset.element_spec.ragged_rank == 1
    assert [batch.row_lengths().numpy().tolist() for batch in dataset] == [[0, 1], [2, 3]]
    assert next(iter(dataset)).shape.as_list() == [2, None, 2]


def test_ragged_batches_go_through_map() -> None:
    dataset = tf.data.Dataset.range(1, 4).map(tf.range).ragged_batch(3).map(lambda x: tf.reduce_sum(x, axis=1))
    assert next(iter(dataset)).numpy().tolist() == [0, 1, 3]


def test_sparse_elements_are_joined_and_taken_apart() -> None:
    sparse = tf.sparse.from_dense([[1, 0], [0, 2], [0, 0]])
    batches = list(tf.data.Dataset.from_tensor_slices(sparse).batch(2))
    assert [tf.sparse.to_dense(batch).numpy().tolist() for batch in batches] == [[[1, 0], [0, 2]], [[0, 0]]]
