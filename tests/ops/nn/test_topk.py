"""Whether the right class is among the best."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.nn.topk import in_top_k, in_top_k_op, in_top_k_v1, in_top_k_v2_op
from penstock.testing.op_case import OpCase

SCORES = np.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.2], [np.nan, 1, 2], [1, np.inf, 0]], np.float32)
CASES = [
    OpCase(
        in_top_k_op,
        [SCORES, np.array([2, 0, 1, 0], np.int32)],
        np.array([False, True, False, False]),
        {"k": 1},
        gradient=None,
    ),
    OpCase(
        in_top_k_op,
        [SCORES, np.array([2, 2, 1, 5], np.int32)],
        np.array([True, False, False, False]),
        {"k": 2},
        gradient=None,
    ),
    OpCase(in_top_k_v2_op, [SCORES, np.array([2, 2, 1, 0]), 3], np.array([True, True, False, False]), gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_the_versions_differ_in_the_order_of_arguments():
    targets = np.array([1, 0, 0, 0])
    np.testing.assert_array_equal(in_top_k(targets, SCORES, 1).numpy(), in_top_k_v1(SCORES, targets, 1).numpy())


def test_other_shapes_are_refused():
    with pytest.raises(InvalidArgumentError):
        in_top_k(np.array([1, 2]), SCORES, 1)
    with pytest.raises(InvalidArgumentError):
        in_top_k(np.array([1, 2, 0, 0]), SCORES[0], 1)
