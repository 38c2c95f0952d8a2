"""Comparisons and logic give booleans by element."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.constant import constant
from penstock.ops.math import compare
from penstock.testing.op_case import OpCase, integers

_PAIR = [integers(0, 3, 2, 3), integers(0, 3, 3, seed=1)]
_BOOLS = [np.array([True, True, False, False]), np.array([True, False, True, False])]

CASES = [
    OpCase(compare.equal_op, _PAIR, np.equal),
    OpCase(
        compare.equal_op,
        [np.array([b"a", b"b"], object), np.array([b"a", b"c"], object)],
        [True, False],
        name="strings",
    ),
    OpCase(
        compare.equal_op,
        [np.zeros(2), np.zeros(3)],
        False,
        {"incompatible_shape_error": False},
        name="other shapes",
        gradient=None,
    ),
    OpCase(compare.not_equal_op, _PAIR, np.not_equal),
    OpCase(
        compare.not_equal_op,
        [np.zeros(2), np.zeros(3)],
        True,
        {"incompatible_shape_error": False},
        name="other shapes",
        gradient=None,
    ),
    OpCase(compare.less_op, _PAIR, np.less),
    OpCase(
        compare.less_op, [np.array([1, 2**63], np.uint64), np.array([2, 1], np.uint64)], [True, False], name="uint64"
    ),
    OpCase(compare.less_equal_op, _PAIR, np.less_equal),
    OpCase(compare.greater_op, _PAIR, np.greater),
    OpCase(compare.greater_equal_op, _PAIR, np.greater_equal),
    OpCase(compare.logical_not_op, _BOOLS[:1], np.logical_not),
    OpCase(compare.logical_and_op, _BOOLS, np.logical_and),
    OpCase(compare.logical_or_op, _BOOLS, np.logical_or),
    OpCase(
        compare.approximate_equal_op,
        [np.array([1.0, 2.0]), np.array([1.05, 2.5])],
        [True, False],
        {"tolerance": 0.1},
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_exclusive_or_is_true_for_exactly_one() -> None:
    assert compare.logical_xor(constant(_BOOLS[0]), constant(_BOOLS[1])).numpy().tolist() == [False, True, True, False]


def test_sequences_are_compared_with_their_neighbours() -> None:
    assert bool(compare.is_non_decreasing(constant([1, 1, 2])))
    assert not bool(compare.is_strictly_increasing(constant([1, 1, 2])))
    assert bool(compare.is_strictly_increasing(constant([1, 2, 5])))
    assert bool(compare.is_strictly_increasing(constant([7])))
