"""Choices by conditions and masks."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array.selecting import boolean_mask, select_op, select_v2_op, sequence_mask, where, where_op, where_v1
from penstock.ops.constant import constant, placeholder
from penstock.testing.op_case import OpCase, normal

A, B = normal(2, 3), normal(2, 3, seed=1)
CHOICE = A > 0

CASES = [
    OpCase(select_op, [CHOICE, A, B], np.where),
    OpCase(select_op, [np.array([True, False]), A, B], lambda c, t, e: np.where(c[:, None], t, e), name="rows"),
    OpCase(select_v2_op, [CHOICE, A, B], np.where),
    OpCase(select_v2_op, [CHOICE[:, :1], A, B[0]], np.where, name="broadcast"),
    OpCase(where_op, [CHOICE], lambda c: np.argwhere(c)),
    OpCase(where_op, [np.array([0.0, 2.0])], np.array([[1]]), name="numbers", gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_select_does_not_broadcast() -> None:
    with pytest.raises(InvalidArgumentError, match="same size"):
        where_v1(True, A, A[0])


def test_both_or_neither_alternative_is_given() -> None:
    with pytest.raises(ValueError, match="both"):
        where(True, 1.0)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_boolean_mask_takes_where_the_mask_holds(axis: int) -> None:
    x = normal(2, 3, 3)
    mask = np.array([True, False, True])[: x.shape[axis]]
    np.testing.assert_array_equal(boolean_mask(x, mask, axis=axis).numpy(), np.compress(mask, x, axis))


def test_boolean_mask_checks_shapes() -> None:
    with pytest.raises(ValueError, match="incompatible"):
        boolean_mask(A, [True, False, True])
    with pytest.raises(ValueError, match="cannot be scalar"):
        boolean_mask(A, True)
    with Graph().as_default(), pytest.raises(ValueError, match="Number of mask dimensions"):
        boolean_mask(constant(A), placeholder(bool, None))


def test_sequence_mask_marks_the_first_entries() -> None:
    expected = np.arange(4) < np.array([1, 3])[:, None]
    np.testing.assert_array_equal(sequence_mask([1, 3], 4).numpy(), expected)
    np.testing.assert_array_equal(sequence_mask([1, 3], dtype=np.float32).numpy(), expected[:, :3].astype(np.float32))
