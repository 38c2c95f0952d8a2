"""Coordinates of flat positions."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.unraveling import unravel_index, unravel_index_op
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(unravel_index_op, [np.array([5, 0, 7]), np.array([2, 4])], lambda i, d: np.stack(np.unravel_index(i, d))),
    OpCase(unravel_index_op, [np.int64(5), np.array([2, 4])], np.array([1, 1]), name="scalar"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_positions_out_of_bounds_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="out of bound"):
        unravel_index([8], [2, 4])
