from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.dynamic_slices import xla_dynamic_slice_op, xla_dynamic_update_slice_op
from penstock.testing.op_case import OpCase, normal

CASES = [
    OpCase(xla_dynamic_slice_op, [normal(3, 4), [1, 2], [2, 2]], reference=lambda x, *_: x[1:3, 2:4]),
    OpCase(xla_dynamic_slice_op, [normal(3, 4), [9, -5], [2, 2]], reference=lambda x, *_: x[1:3, 0:2], name="kept in"),
    OpCase(
        xla_dynamic_update_slice_op,
        [normal(3, 4), normal(2, 2, seed=1), [1, 2]],
        reference=lambda x, y, _: np.block([[x[:1, :2], x[:1, 2:]], [x[1:, :2], y]]),
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_a_block_larger_than_the_whole_is_refused():
    with pytest.raises(InvalidArgumentError, match="larger"):
        xla_dynamic_slice_op(np.zeros((2, 2)), [0, 0], [3, 1])
