"""Distinct elements, set differences, inverse permutations."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.uniqueness import (
    invert_permutation,
    invert_permutation_op,
    list_diff_op,
    unique,
    unique_op,
    unique_v2_op,
    unique_with_counts_op,
    unique_with_counts_v2_op,
)
from penstock.ops.constant import constant
from penstock.testing.op_case import OpCase

X = np.array([3, 1, 3, 2, 1])
ROWS = np.array([[2, 1], [0, 1], [2, 1]])
PLACES = np.array([0, 1, 0, 2, 1], np.int32)

CASES = [
    OpCase(unique_op, [X], ([3, 1, 2], PLACES)),
    OpCase(
        unique_op,
        [np.array([b"b", b"a", b"b"], dtype=object)],
        (np.array([b"b", b"a"], dtype=object), [0, 1, 0]),
        name="strings",
    ),
    OpCase(unique_v2_op, [ROWS, [0]], (ROWS[:2], [0, 1, 0])),
    OpCase(unique_v2_op, [X, np.zeros(0, np.int64)], ([3, 1, 2], PLACES), name="no axis"),
    OpCase(unique_with_counts_op, [X], ([3, 1, 2], PLACES, [2, 2, 1])),
    OpCase(unique_with_counts_v2_op, [ROWS, [0]], (ROWS[:2], [0, 1, 0], [2, 1])),
    OpCase(list_diff_op, [X, np.array([1, 5])], ([3, 3, 2], [0, 2, 3])),
    OpCase(invert_permutation_op, [np.array([2, 0, 1], np.int32)], np.array([1, 2, 0], np.int32)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_complex_numbers_may_be_distinct() -> None:
    assert unique(np.array([1j, 1, 1j])).y.numpy().tolist() == [1j, 1]


def test_inputs_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match="3 is not between 0 and 3"):
        invert_permutation([0, 3, 1])
    with pytest.raises(InvalidArgumentError, match="duplicated"):
        invert_permutation([0, 1, 1])
    with pytest.raises(InvalidArgumentError, match="1D vector"):
        unique([[1]])


@pytest.mark.parametrize("spread", [1, 1000])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_integers_near_and_far_apart_are_found(dtype: type, spread: int) -> None:
    x = np.random.default_rng(0).integers(-50, 50, 300)
    x = (x * spread).astype(dtype)
    y, places, counts = unique_with_counts_op(constant(x))
    values, first, expected = np.unique(x, return_index=True, return_counts=True)
    order = np.argsort(first)
    np.testing.assert_array_equal(y.numpy(), values[order])
    np.testing.assert_array_equal(counts.numpy(), expected[order])
    np.testing.assert_array_equal(y.numpy()[places.numpy()], x)
