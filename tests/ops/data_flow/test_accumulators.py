"""Accumulators of gradients as operations; what they give, and refuse, is what TensorFlow does."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.context import eager_mode
from penstock.core.errors import InvalidArgumentError

COVERS = (
    "AccumulatorApplyGradient",
    "AccumulatorNumAccumulated",
    "AccumulatorSetGlobalStep",
    "AccumulatorTakeGradient",
    "ConditionalAccumulator",
    "ResourceAccumulatorApplyGradient",
    "ResourceAccumulatorNumAccumulated",
    "ResourceAccumulatorSetGlobalStep",
    "ResourceAccumulatorTakeGradient",
    "ResourceConditionalAccumulator",
    "SparseAccumulatorApplyGradient",
    "SparseAccumulatorTakeGradient",
    "SparseConditionalAccumulator",
)
raw = tf.raw_ops


def test_operations_on_handles_of_tensorflow_1():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = raw.ConditionalAccumulator(dtype=tf.float32, shape=[2])
        add = raw.AccumulatorApplyGradient(handle=handle, local_step=0, gradient=[1.0, 3.0])
        count = raw.AccumulatorNumAccumulated(handle=handle)
        take = raw.AccumulatorTakeGradient(handle=handle, num_required=1, dtype=tf.float32)
        advance = raw.AccumulatorSetGlobalStep(handle=handle, new_global_step=5)
        session.run(add)
        session.run(add)
        assert session.run(count) == 2
        assert session.run(take).tolist() == [1.0, 3.0]
        session.run(advance)
        session.run(add)
        assert session.run(count) == 0


def test_eager_handles_and_their_type():
    with eager_mode():
        handle = raw.ResourceConditionalAccumulator(dtype=tf.float32, shape=[2], shared_name="eager accumulator")
        raw.ResourceAccumulatorApplyGradient(handle=handle, local_step=0, gradient=[1.0, 2.0])
        assert int(raw.ResourceAccumulatorNumAccumulated(handle=handle)) == 1
        with pytest.raises(InvalidArgumentError, match="float32, not int32"):
            raw.ResourceAccumulatorTakeGradient(handle=handle, num_required=1, dtype=tf.int32)
        taken = raw.ResourceAccumulatorTakeGradient(handle=handle, num_required=1, dtype=tf.float32)
        assert taken.numpy().tolist() == [1.0, 2.0]
        raw.ResourceAccumulatorSetGlobalStep(handle=handle, new_global_step=9)
        raw.ResourceAccumulatorApplyGradient(handle=handle, local_step=8, gradient=[1.0, 2.0])
        assert int(raw.ResourceAccumulatorNumAccumulated(handle=handle)) == 0


@pytest.mark.parametrize(
    ("indices", "values", "shape", "message"),
    [
        ([5], [[1.0, 2]], [3, 2], "index of slice 0 exceeded limits of shape; index is 5 exceeded 3"),
        ([0], [[1.0, 2, 3]], None, "expected values dim 1 to be 2, got 3"),
        ([0], [[1.0, 2]], [4, 2], "expected shape dim 0 to be 3, got 4"),
        ([0, 1], [[1.0, 2]], None, "Expected 2 non-empty input values, got 1"),
        ([[0]], [[1.0, 2]], None, "Input indices should be vector"),
        ([0], 1.0, None, "Values cannot be 0-dimensional"),
        ([0], [[1.0, 2]], [3], "expected shape rank at least 2, got 1"),
        ([0], [1.0], None, "expected values rank 2, got 1"),
    ],
)
def test_slices_must_fit_the_shape(indices, values, shape, message):
    with tf.Graph().as_default(), tf.Session() as session:
        accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[3, 2])
        add = accumulator.apply_grad(np.array(indices, np.int64), np.array(values, np.float32), shape)
        with pytest.raises(InvalidArgumentError, match=message):
            session.run(add)
        assert session.run(accumulator.num_accumulated()) == 0
