"""Any number of tensors of one shape are added."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.math import sum_n
from penstock.testing.op_case import OpCase, normal

_ITEMS = [normal(2, 3), normal(2, 3, seed=1), normal(2, 3, seed=2)]

CASES = [
    OpCase(sum_n.add_n_op, [_ITEMS], sum),
    OpCase(sum_n.add_n_op, [_ITEMS[:1]], sum, name="one"),
    OpCase(sum_n.add_n_op, [[np.array([65535], np.uint16), np.array([2], np.uint16)]], [1], name="uint16 wraps"),
    OpCase(sum_n.accumulate_nv2_op, [_ITEMS], sum, {"shape": [2, 3]}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_other_shapes_are_not_broadcast() -> None:
    with pytest.raises(InvalidArgumentError, match="same shape|shapes of the inputs"):
        sum_n.add_n([constant([[1.0]]), constant([1.0])])


def test_an_empty_list_is_refused() -> None:
    for add in (sum_n.add_n, sum_n.accumulate_n):
        with pytest.raises(ValueError, match="at least one Tensor"):
            add([])


def test_accumulate_n_checks_the_type_it_is_told() -> None:
    with pytest.raises(TypeError, match="tensor_dtype"):
        sum_n.accumulate_n([constant([1.0])], tensor_dtype="int32")
