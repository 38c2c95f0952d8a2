"""Operations on bits agree with NumPy and do not depend on the processor for wide shifts."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.math import bitwise
from penstock.testing.op_case import OpCase, integers

_PAIR = [integers(-100, 100, 6), integers(-100, 100, 6, seed=1)]
_PLACES = [integers(-100, 100, 6), integers(0, 8, 6, seed=1)]

CASES = [
    OpCase(bitwise.bitwise_and_op, _PAIR, np.bitwise_and),
    OpCase(bitwise.bitwise_or_op, _PAIR, np.bitwise_or),
    OpCase(bitwise.bitwise_xor_op, _PAIR, np.bitwise_xor),
    OpCase(bitwise.invert_op, _PAIR[:1], np.invert),
    OpCase(bitwise.invert_op, [np.array([0, 1], np.uint32)], np.invert, name="uint32"),
    OpCase(bitwise.left_shift_op, _PLACES, np.left_shift),
    OpCase(bitwise.left_shift_op, [np.array([1], np.int8), np.array([9], np.int8)], [-128], name="too far"),
    OpCase(bitwise.right_shift_op, _PLACES, np.right_shift),
    OpCase(bitwise.right_shift_op, [np.array([-8], np.int32), np.array([40], np.int32)], [-1], name="too far"),
    OpCase(bitwise.population_count_op, [np.array([0, 1, 255, -1], np.int32)], [0, 1, 8, 32]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()
