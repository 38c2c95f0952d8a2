"""Edit distances of sequences."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.string.edit_distance import edit_distance, edit_distance_op
from penstock.testing.op_case import OpCase

A = (np.array([[0, 0], [1, 0]]), np.array([1, 2]), [3, 1])
B = (np.array([[0, 1], [1, 0], [1, 1], [2, 0]]), np.array([1, 2, 3, 1]), [3, 2])

CASES = [
    OpCase(edit_distance_op, [*A, *B], reference=np.array([0, 0.5, 1], np.float32), gradient=None),
    OpCase(
        edit_distance_op,
        [*A, *B],
        attrs={"normalize": False},
        reference=np.array([0, 1, 1], np.float32),
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_words_are_compared_letter_by_letter():
    def letters(word):
        return SparseTensor([[0, i] for i in range(len(word))], list(word), [1, len(word)])

    assert edit_distance(letters("kitten"), letters("sitting"), normalize=False).numpy().tolist() == [3]
    nothing = SparseTensor(np.zeros((0, 2), np.int64), np.zeros(0, object), [1, 0])
    assert edit_distance(letters("a"), nothing).numpy().tolist() == [np.inf]


def test_dense_tensors_are_refused():
    with pytest.raises(TypeError, match="must be a SparseTensor"):
        edit_distance([1], [2])
