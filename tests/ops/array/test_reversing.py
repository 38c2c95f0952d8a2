"""Reverse orders and rotations."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.reversing import (
    reverse,
    reverse_op,
    reverse_sequence_op,
    reverse_sequence_v1,
    reverse_v2_op,
    roll_op,
)
from penstock.testing.op_case import OpCase, normal

X = normal(3, 4)


def _reversed(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.stack([np.concatenate([row[:n][::-1], row[n:]]) for row, n in zip(x, lengths, strict=True)])


CASES = [
    OpCase(reverse_v2_op, [X, [1]], lambda x, a: np.flip(x, a)),
    OpCase(reverse_v2_op, [X, [-1, 0]], lambda x, a: np.flip(x, a), name="two axes"),
    OpCase(reverse_op, [X, [False, True]], lambda x, d: np.flip(x, 1)),
    OpCase(reverse_sequence_op, [X, np.array([2, 4, 0])], _reversed, attrs={"seq_dim": 1}),
    OpCase(roll_op, [X, [1, -2], [0, 1]], lambda x, s, a: np.roll(x, s, a)),
    OpCase(roll_op, [X, 3, 1], lambda x, s, a: np.roll(x, s, a), name="scalar"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_sequences_may_run_along_the_first_axis() -> None:
    lengths = [1, 3, 2, 0]
    result = reverse_sequence_v1(X, lengths, seq_dim=0, batch_dim=1)
    np.testing.assert_array_equal(result.numpy(), _reversed(X.T, np.array(lengths)).T)


def test_axes_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match="more than once"):
        reverse(X, [0, -2])
    with pytest.raises(InvalidArgumentError, match="out of range"):
        reverse(X, [2])
    with pytest.raises(InvalidArgumentError, match=r"seq_lengths\(1\)"):
        reverse_sequence_v1(X, [1, 5, 1], seq_axis=1)
