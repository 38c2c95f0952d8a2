"""TensorFlow 2's initializers."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.ops import initializers_v2 as v2

ALL = [
    v2.Zeros(),
    v2.Ones(),
    v2.Constant(3),
    v2.RandomUniform(-1, 2, seed=3),
    v2.RandomNormal(1.0, 0.1, seed=3),
    v2.TruncatedNormal(1.0, 0.1, seed=3),
    v2.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=3),
    v2.GlorotUniform(3),
    v2.GlorotNormal(3),
    v2.LecunUniform(3),
    v2.LecunNormal(3),
    v2.HeUniform(3),
    v2.HeNormal(3),
    v2.Orthogonal(2.0, seed=3),
    v2.Identity(2.0),
]


@pytest.mark.parametrize("initializer", ALL, ids=lambda item: type(item).__name__)
def test_a_seed_gives_the_same_values_each_time(initializer: v2.Initializer) -> None:
    """Calls, and initializers made again from their configuration, give the same values."""
    value = initializer([3, 4], dtypes.float64)
    assert value.dtype == dtypes.float64 and value.shape.as_list() == [3, 4]
    again = type(initializer).from_config(initializer.get_config())
    np.testing.assert_array_equal(value.numpy(), initializer([3, 4], dtypes.float64).numpy())
    np.testing.assert_array_equal(value.numpy(), again([3, 4], dtypes.float64).numpy())


def test_without_seed_values_differ() -> None:
    """Calls go on in a stream where no seed is given."""
    initializer = v2.RandomNormal()
    assert (initializer([8]).numpy() != initializer([8]).numpy()).any()


def test_parts_of_a_partitioned_value() -> None:
    """A part has its own shape; a constant gives the values that belong there."""
    assert v2.RandomNormal()([6], partition_shape=[2], partition_offset=[0]).shape.as_list() == [2]
    constant = v2.Constant([1, 2, 3, 4], support_partition=True)
    assert constant([4], partition_shape=[2], partition_offset=[1]).numpy().tolist() == [2, 3]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: v2.Zeros()([3], foo=1), TypeError, "Keyword argument should be one of"),
        (lambda: v2.Zeros()([3], dtypes.string), ValueError, "numeric or boolean"),
        (lambda: v2.RandomNormal()([3], dtypes.int32), ValueError, "floating point"),
        (lambda: v2.Constant([1, 2, 3])([2]), TypeError, "has 3 elements"),
        (lambda: v2.Orthogonal()([3]), ValueError, "at least two-dimensional"),
        (lambda: v2.Constant(3)([3], partition_shape=[1]), ValueError, "partition"),
    ],
    ids=["keyword", "string", "integers", "elements", "rank", "partition"],
)
def test_bad_arguments_are_refused(call, error: type[Exception], text: str) -> None:
    """What makes no value is refused, saying why."""
    with pytest.raises(error, match=text):
        call()
