"""Chosen rows are combined by segment; gradients are dense or the rows that were used."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.math import sparse_segment
from penstock.testing.op_case import OpCase, normal

_DATA, _GRAD = normal(4, 2), normal(2, 2, seed=1)
_ROWS = np.array([0, 2, 2, 2, 3], np.int32)
_IDS = np.array([0, 0, 1, 1, 1], np.int32)


def _spread(first: float, second: float) -> np.ndarray:
    a, b = _GRAD[0] * first, _GRAD[1] * second
    return np.stack([a, 0 * a, a + 2 * b, b])


CASES = [
    OpCase(
        sparse_segment.sparse_segment_sum_op,
        [_DATA, _ROWS, _IDS],
        lambda x, rows, ids: np.stack([x[[0, 2]].sum(0), x[[2, 2, 3]].sum(0)]),
        gradient="first",
    ),
    OpCase(
        sparse_segment.sparse_segment_sum_with_num_segments_op,
        [_DATA, _ROWS, _IDS, 3],
        lambda x, rows, ids, n: np.stack([x[[0, 2]].sum(0), x[[2, 2, 3]].sum(0), 0 * x[0]]),
        gradient="first",
    ),
    OpCase(sparse_segment.sparse_segment_sum_grad_op, [_GRAD, _ROWS, _IDS, 4], _spread(1, 1), gradient=None),
    OpCase(
        sparse_segment.sparse_segment_sum_grad_v2_op,
        [_GRAD, _ROWS, _IDS, 4],
        [_spread(1, 1)[[0, 2, 3]], [0, 2, 3]],
        gradient=None,
    ),
    OpCase(
        sparse_segment.sparse_segment_mean_op,
        [_DATA, _ROWS, _IDS],
        lambda x, rows, ids: np.stack([x[[0, 2]].mean(0), x[[2, 2, 3]].mean(0)]),
        gradient="first",
    ),
    OpCase(
        sparse_segment.sparse_segment_mean_with_num_segments_op,
        [_DATA, _ROWS, _IDS, 3],
        lambda x, rows, ids, n: np.stack([x[[0, 2]].mean(0), x[[2, 2, 3]].mean(0), 0 * x[0]]),
        gradient="first",
    ),
    OpCase(sparse_segment.sparse_segment_mean_grad_op, [_GRAD, _ROWS, _IDS, 4], _spread(1 / 2, 1 / 3), gradient=None),
    OpCase(
        sparse_segment.sparse_segment_mean_grad_v2_op,
        [_GRAD, _ROWS, _IDS, 4],
        [_spread(1 / 2, 1 / 3)[[0, 2, 3]], [0, 2, 3]],
        gradient=None,
    ),
    OpCase(
        sparse_segment.sparse_segment_sqrt_n_op,
        [_DATA, _ROWS, _IDS],
        lambda x, rows, ids: np.stack([x[[0, 2]].sum(0) / np.sqrt(2), x[[2, 2, 3]].sum(0) / np.sqrt(3)]),
        gradient="first",
    ),
    OpCase(
        sparse_segment.sparse_segment_sqrt_n_with_num_segments_op,
        [_DATA, _ROWS, _IDS, 3],
        lambda x, rows, ids, n: np.stack([x[[0, 2]].sum(0) / np.sqrt(2), x[[2, 2, 3]].sum(0) / np.sqrt(3), 0 * x[0]]),
        gradient="first",
    ),
    OpCase(
        sparse_segment.sparse_segment_sqrt_n_grad_op,
        [_GRAD, _ROWS, _IDS, 4],
        _spread(np.sqrt(1 / 2), np.sqrt(1 / 3)),
        gradient=None,
    ),
    OpCase(
        sparse_segment.sparse_segment_sqrt_n_grad_v2_op,
        [_GRAD, _ROWS, _IDS, 4],
        [_spread(np.sqrt(1 / 2), np.sqrt(1 / 3))[[0, 2, 3]], [0, 2, 3]],
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_a_row_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="indices must be in"):
        sparse_segment.sparse_segment_sum(constant(_DATA), constant([4]), constant([0]))


def test_a_sparse_gradient_has_the_rows_that_were_used() -> None:
    data = constant(_DATA)
    with GradientTape() as tape:
        tape.watch(data)
        y = sparse_segment.sparse_segment_mean(data, constant(_ROWS), constant(_IDS), sparse_gradient=True)
    gradient = tape.gradient(y, data)
    assert isinstance(gradient, IndexedSlices)
    assert gradient.indices.numpy().tolist() == [0, 2, 3]
