"""Rows are reduced by segment, and wrong segment numbers refused."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.math import segment
from penstock.testing.op_case import OpCase, normal

_DATA = normal(6, 2)
_IDS = np.array([0, 0, 1, 1, 1, 2], np.int32)
_UNSORTED = np.array([1, 0, -1, 1, 0, 0], np.int32)

CASES = [
    OpCase(segment.segment_sum_op, [_DATA, _IDS], lambda x, ids: np.stack([x[:2].sum(0), x[2:5].sum(0), x[5:].sum(0)])),
    OpCase(
        segment.segment_mean_op, [_DATA, _IDS], lambda x, ids: np.stack([x[:2].mean(0), x[2:5].mean(0), x[5:].mean(0)])
    ),
    OpCase(
        segment.segment_prod_op, [_DATA, _IDS], lambda x, ids: np.stack([x[:2].prod(0), x[2:5].prod(0), x[5:].prod(0)])
    ),
    OpCase(segment.segment_min_op, [_DATA, _IDS], lambda x, ids: np.stack([x[:2].min(0), x[2:5].min(0), x[5:].min(0)])),
    OpCase(segment.segment_max_op, [_DATA, _IDS], lambda x, ids: np.stack([x[:2].max(0), x[2:5].max(0), x[5:].max(0)])),
    OpCase(
        segment.segment_sum_v2_op,
        [_DATA, _IDS, 3],
        lambda x, ids, count: np.stack([x[:2].sum(0), x[2:5].sum(0), x[5:].sum(0)]),
        gradient=None,
    ),
    OpCase(
        segment.unsorted_segment_sum_op,
        [_DATA, _UNSORTED, 2],
        lambda x, ids, count: np.stack([x[ids == 0].sum(0), x[ids == 1].sum(0)]),
    ),
    OpCase(
        segment.segment_prod_v2_op,
        [_DATA, _IDS, 3],
        lambda x, ids, count: np.stack([x[:2].prod(0), x[2:5].prod(0), x[5:].prod(0)]),
        gradient=None,
    ),
    OpCase(
        segment.unsorted_segment_prod_op,
        [_DATA, _UNSORTED, 2],
        lambda x, ids, count: np.stack([x[ids == 0].prod(0), x[ids == 1].prod(0)]),
    ),
    OpCase(
        segment.segment_min_v2_op,
        [_DATA, _IDS, 3],
        lambda x, ids, count: np.stack([x[:2].min(0), x[2:5].min(0), x[5:].min(0)]),
        gradient=None,
    ),
    OpCase(
        segment.unsorted_segment_min_op,
        [_DATA, _UNSORTED, 2],
        lambda x, ids, count: np.stack([x[ids == 0].min(0), x[ids == 1].min(0)]),
    ),
    OpCase(
        segment.segment_max_v2_op,
        [_DATA, _IDS, 3],
        lambda x, ids, count: np.stack([x[:2].max(0), x[2:5].max(0), x[5:].max(0)]),
        gradient=None,
    ),
    OpCase(
        segment.unsorted_segment_max_op,
        [_DATA, _UNSORTED, 2],
        lambda x, ids, count: np.stack([x[ids == 0].max(0), x[ids == 1].max(0)]),
    ),
    OpCase(segment.segment_max_op, [np.array([1, 2]), np.array([0, 2])], [1, 0, 2], name="gap"),
    OpCase(
        segment.unsorted_segment_max_op, [np.array([1, 2], np.int32), np.array([0, 0]), 2], [2, -(2**31)], name="empty"
    ),
    OpCase(segment.unsorted_segment_sum_op, [np.array([1, 2], np.uint16), np.array([0, 0]), 1], [3], name="uint16"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_segments_must_be_sorted() -> None:
    with pytest.raises(InvalidArgumentError, match="not increasing"):
        segment.segment_sum(constant([1.0, 2.0]), constant([1, 0]))


def test_a_segment_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="out of range"):
        segment.unsorted_segment_sum(constant([1.0, 2.0]), constant([0, 2]), 2)


def test_means_and_roots_divide_by_the_number_of_slices() -> None:
    data, ids = constant([1.0, 3.0, 5.0]), constant([0, 0, 2])
    assert segment.unsorted_segment_mean(data, ids, 3).numpy().tolist() == [2.0, 0.0, 5.0]
    np.testing.assert_allclose(
        segment.unsorted_segment_sqrt_n(data, ids, 3).numpy(), [4 / np.sqrt(2), 0.0, 5.0], rtol=1e-6
    )
