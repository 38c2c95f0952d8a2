"""The operations with kernels of their own."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
import penstock.ops
from penstock.core.errors import InvalidArgumentError
from penstock.ops.ragged.conversion import (
    ragged_tensor_from_variant_op,
    ragged_tensor_to_sparse_op,
    ragged_tensor_to_tensor_op,
    ragged_tensor_to_variant_op,
)
from penstock.ops.ragged.cross_op import ragged_cross_op
from penstock.ops.ragged.filling import ragged_fill_empty_rows_grad_op, ragged_fill_empty_rows_op
from penstock.ops.ragged.gather_op import ragged_gather_op
from penstock.ops.ragged.range import ragged_range_op
from penstock.testing.op_case import OpCase, normal

SPLITS = np.int64([0, 2, 2, 5])
COVERS = ("RaggedTensorToVariant", "RaggedTensorFromVariant", "RaggedTensorToVariantGradient", "RaggedCross")
CASES = [
    OpCase(
        ragged_range_op,
        [np.int32([0, 5]), np.int32([3, 1]), np.int32([1, -2])],
        [np.int64([0, 3, 5]), np.int32([0, 1, 2, 5, 3])],
        gradient=None,
    ),
    OpCase(
        ragged_gather_op,
        [[SPLITS], normal(5), np.int64([2, 0, 2])],
        lambda splits, values, rows: [np.int64([0, 3, 5, 8]), np.concatenate([values[2:], values[:2], values[2:]])],
        {"OUTPUT_RAGGED_RANK": 1},
    ),
    OpCase(
        ragged_tensor_to_tensor_op,
        [-1, normal(5), np.float64(9), [SPLITS]],
        lambda shape, values, default, splits: np.array(
            [[values[0], values[1], 9], [9, 9, 9], [values[2], values[3], values[4]]]
        ),
        {"row_partition_types": ["ROW_SPLITS"]},
    ),
    OpCase(
        ragged_tensor_to_tensor_op,
        [[3, 2], normal(5), np.float64(0), [SPLITS]],
        lambda shape, values, default, splits: np.array([[values[0], values[1]], [0, 0], [values[2], values[3]]]),
        {"row_partition_types": ["ROW_SPLITS"]},
        name="cut",
    ),
    OpCase(
        ragged_tensor_to_sparse_op,
        [[SPLITS], normal(5)],
        lambda splits, values: [np.int64([[0, 0], [0, 1], [2, 0], [2, 1], [2, 2]]), values, np.int64([3, 3])],
    ),
    OpCase(
        ragged_fill_empty_rows_op,
        [np.int64([0, 0, 2]), normal(3), 4, np.float64(7)],
        lambda rows, values, nrows, default: [
            np.int64([0, 0, 1, 2, 3]),
            np.array([values[0], values[1], 7, values[2], 7]),
            np.array([False, True, False, True]),
            np.int64([0, 1, 3]),
        ],
    ),
    OpCase(
        ragged_fill_empty_rows_grad_op,
        [np.int64([0, 2]), np.float64([1, 2, 3, 4])],
        [np.float64([1, 3]), np.float64(6)],
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_variants_hold_rows_of_any_depth():
    ragged = tf.ragged.constant([[[1], [2, 3]], [], [[4]]])
    variant = ragged_tensor_to_variant_op(list(ragged.nested_row_splits), ragged.flat_values, batched_input=True)
    assert variant.shape.as_list() == [3]
    back = ragged_tensor_from_variant_op(variant, input_ragged_rank=1, output_ragged_rank=2, Tvalues=tf.int32)
    assert [splits.numpy().tolist() for splits in back.output_nested_splits] == [[0, 2, 2, 3], [0, 1, 3, 4]]
    assert back.output_dense_values.numpy().tolist() == [1, 2, 3, 4]


def test_variants_pass_gradients():
    values = tf.constant([1.0, 2.0, 3.0])
    splits = tf.constant([0, 1, 3], tf.int64)
    with tf.GradientTape() as tape:
        tape.watch(values)
        variant = ragged_tensor_to_variant_op([splits], values, batched_input=True)
        back = ragged_tensor_from_variant_op(variant, input_ragged_rank=0, output_ragged_rank=1, Tvalues=tf.float32)
        loss = tf.reduce_sum(back.output_dense_values * tf.constant([1.0, 10.0, 100.0]))
    assert tape.gradient(loss, values).numpy().tolist() == [1.0, 10.0, 100.0]


@pytest.mark.parametrize("splits", [[1, 2], [0, 3, 2], [0, 9]])
def test_gather_refuses_splits_that_divide_nothing(splits):
    with pytest.raises(InvalidArgumentError):
        ragged_gather_op([np.int64(splits)], np.zeros(2), np.int64([0]), OUTPUT_RAGGED_RANK=1)


def test_cross_wants_inputs_with_equally_many_rows():
    with pytest.raises((InvalidArgumentError, ValueError)):
        tf.ragged.cross([tf.ragged.constant([["a"]]), tf.ragged.constant([["b"], ["c"]])])
    assert ragged_cross_op.name == "RaggedCross"
