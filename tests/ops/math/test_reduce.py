"""Reductions give NumPy's values, TensorFlow's limits for no elements, and refuse wrong axes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.ops.math import reduce
from penstock.testing.op_case import OpCase, normal, uniform

_X = normal(2, 3, 4)

CASES = [
    OpCase(reduce.sum_op, [_X, [0, 2]], lambda x, axes: x.sum((0, 2))),
    OpCase(reduce.sum_op, [_X, -1], lambda x, axis: x.sum(-1, keepdims=True), {"keep_dims": True}, name="keep_dims"),
    OpCase(reduce.sum_op, [_X, np.zeros(0, np.int32)], lambda x, axes: x, name="no axes"),
    OpCase(reduce.sum_op, [np.array([200, 100], np.uint8), 0], [44][0], name="uint8 wraps"),
    OpCase(reduce.mean_op, [_X, [1]], lambda x, axes: x.mean(1)),
    OpCase(reduce.mean_op, [np.array([-7, 2], np.int32), 0], -2, name="integers"),
    OpCase(reduce.prod_op, [_X, [0, 2]], lambda x, axes: x.prod((0, 2))),
    OpCase(reduce.prod_op, [np.array([[0.0, 2.0], [3.0, 4.0]]), [0, 1]], 0.0, name="with a zero", gradient="first"),
    OpCase(reduce.max_op, [_X, [1, 2]], lambda x, axes: x.max((1, 2))),
    OpCase(reduce.max_op, [np.zeros((0, 2), np.float32), 0], [-np.inf, -np.inf], name="empty", gradient=None),
    OpCase(reduce.max_op, [np.array([1, 2**63], np.uint64), 0], 2**63, name="uint64"),
    OpCase(reduce.min_op, [_X, 0], lambda x, axis: x.min(0)),
    OpCase(reduce.min_op, [np.zeros((0,), np.int32), 0], 2**31 - 1, name="empty"),
    OpCase(reduce.all_op, [np.array([[True, False], [True, True]]), 1], lambda x, axis: x.all(1)),
    OpCase(reduce.any_op, [np.array([[False, False], [True, True]]), 1], lambda x, axis: x.any(1)),
    OpCase(reduce.euclidean_norm_op, [_X, [1]], lambda x, axes: np.sqrt((x * x).sum(1))),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_an_axis_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid reduction dimension"):
        reduce.reduce_sum(constant([[1.0]]), axis=2)


def test_an_axis_named_twice_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="duplicate dimension: 0"):
        reduce.reduce_max(constant([[1.0]]), axis=[0, -2])


def test_an_axis_must_be_an_integer() -> None:
    with pytest.raises(TypeError, match="must be an integer"):
        reduce.reduce_sum(constant([[1.0]]), axis=1.5)


def test_old_names_of_arguments_mean_the_new_ones() -> None:
    x = constant([[1.0, 2.0], [3.0, 4.0]])
    assert reduce.reduce_sum_v1(x, reduction_indices=0, keep_dims=True).numpy().tolist() == [[4.0, 6.0]]
    with pytest.raises(ValueError, match="Cannot specify both"):
        reduce.reduce_sum_v1(x, axis=0, reduction_indices=0)


def test_logsumexp_does_not_overflow() -> None:
    assert float(reduce.reduce_logsumexp(constant([1000.0, 1000.0]))) == pytest.approx(1000 + np.log(2))
    assert float(reduce.reduce_logsumexp(constant([-np.inf, -np.inf]))) == -np.inf


def test_variance_and_deviation_agree_with_numpy() -> None:
    x = uniform(0, 1, 3, 4)
    np.testing.assert_allclose(reduce.reduce_variance(constant(x), 1).numpy(), x.var(1))
    np.testing.assert_allclose(reduce.reduce_std(constant(x), 0, keepdims=True).numpy(), x.std(0, keepdims=True))
    with pytest.raises(TypeError, match="integer"):
        reduce.reduce_variance(constant([1, 2]))


def test_count_nonzero_counts_numbers_and_strings() -> None:
    assert int(reduce.count_nonzero(constant([[0, 1], [2, 0]]))) == 2
    assert reduce.count_nonzero(constant(["", "a"]), axis=0).numpy() == 1


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_many_truth_values_are_reduced(axis: int | None) -> None:
    x = np.random.default_rng(0).uniform(size=(400, 300)) < 0.002
    np.testing.assert_array_equal(reduce.reduce_any(constant(x), axis).numpy(), x.any(axis))
    np.testing.assert_array_equal(reduce.reduce_all(constant(~x), axis).numpy(), (~x).all(axis))


def test_a_full_reduction_of_a_tensor_of_unknown_rank_is_a_scalar() -> None:
    with Graph().as_default():
        x = placeholder("float32")
        for function in (reduce.reduce_sum, reduce.reduce_max, reduce.reduce_std, reduce.reduce_logsumexp):
            assert function(x).shape.as_list() == []
            assert function(x, keepdims=True).shape.ndims is None


def test_axes_may_be_a_matrix_only_eagerly() -> None:
    assert reduce.reduce_sum(constant([[1, 2], [3, 4]]), [[0, 1]]).numpy() == 10
    with Graph().as_default(), pytest.raises(ValueError, match="vector"):
        reduce.reduce_sum(constant([[1, 2], [3, 4]]), [[0, 1]])
