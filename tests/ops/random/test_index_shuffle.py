"""The shuffling of single indices is TensorFlow's, and a permutation."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.ops.random import index_shuffle
from penstock.testing.op_case import OpCase

SEED = np.array([3, 1, 7], np.int64)
CASES = [
    OpCase(
        index_shuffle.random_index_shuffle_op,
        [np.arange(5), SEED, np.int64(limit)],
        reference=np.array(expected),
        attrs={"rounds": rounds},
        name=str(limit),
    )
    for limit, rounds, expected in [
        (5, 4, [4, 0, 3, 2, 1]),
        (100, 4, [32, 76, 72, 31, 1]),
        (70000, 6, [47318, 68516, 51061, 19866, 12279]),
        (2**33, 8, [2699957826, 7596888377, 7571335728, 1519892136, 1440705918]),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_all_indices_together_are_a_permutation():
    with context.eager_mode():
        found = index_shuffle.random_index_shuffle(np.arange(38), SEED, np.int64(37)).numpy()
    assert sorted(found.tolist()) == list(range(38))


def test_index_shuffle_takes_two_words_of_seed():
    with context.eager_mode():
        assert index_shuffle.index_shuffle(3, [1, 2], 10).numpy() == 4


def test_index_beyond_the_largest_is_refused():
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="max_index"):
        index_shuffle.random_index_shuffle(np.int64(11), SEED, np.int64(10))
