"""Rows dealt out and put together."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.partition import (
    dynamic_partition,
    dynamic_partition_op,
    dynamic_stitch,
    dynamic_stitch_op,
    parallel_dynamic_stitch_op,
)
from penstock.testing.op_case import OpCase, normal

X = normal(4, 2)
PARTS = np.array([1, 0, 1, 1], np.int32)
PLACES = [np.array([2, 0], np.int32), np.array([1], np.int32)]
ROWS = [normal(2, 3), normal(1, 3, seed=1)]
MERGED = np.stack([ROWS[0][1], ROWS[1][0], ROWS[0][0]])

CASES = [
    OpCase(dynamic_partition_op, [X, PARTS], lambda x, p: [x[p == 0], x[p == 1]], attrs={"num_partitions": 2}),
    OpCase(dynamic_stitch_op, [PLACES, ROWS], MERGED),
    OpCase(parallel_dynamic_stitch_op, [PLACES, ROWS], MERGED),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_of_rows_with_one_place_the_last_counts() -> None:
    assert dynamic_stitch([[0, 1], [1]], [[1.0, 2.0], [3.0]]).numpy().tolist() == [1.0, 3.0]


def test_arguments_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match=r"partitions\[1\] = 2 is not in \[0, 2\)"):
        dynamic_partition(X[:2], [0, 2], 2)
    with pytest.raises(InvalidArgumentError, match="must start with"):
        dynamic_partition(X, [0, 1], 2)
