"""Cross products."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.linalg.cross import cross, cross_op
from penstock.testing.op_case import OpCase, integers, normal

CASES = [
    OpCase(cross_op, [normal(2, 3), normal(2, 3, seed=1)], np.cross),
    OpCase(cross_op, [integers(0, 9, 2, 3), integers(0, 9, 2, 3, seed=1)], np.cross, name="integers"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_vectors_have_three_elements() -> None:
    with pytest.raises(InvalidArgumentError, match="3 elements"):
        cross([1.0, 2.0], [1.0, 2.0])
