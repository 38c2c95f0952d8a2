"""The largest elements come in order, the first of equal ones first."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.math import topk
from penstock.testing.op_case import OpCase, normal

_X = np.array([[1.0, 5.0, 5.0, 2.0], [0.0, -1.0, 3.0, 3.0]])
_TOP2 = [[[5.0, 5.0], [3.0, 3.0]], [[1, 2], [2, 3]]]

CASES = [
    OpCase(topk.top_k_v2_op, [_X, 2], _TOP2, gradient=None),
    OpCase(
        topk.top_k_v2_op,
        [normal(2, 3, 4), 2],
        lambda x, k: (-np.sort(-x)[..., :2], np.argsort(-x)[..., :2]),
        name="derivatives",
    ),
    OpCase(topk.top_k_v2_op, [np.array([1, 9, 9], np.uint32), 2], [[9, 9], [1, 2]], name="uint32"),
    OpCase(topk.top_k_op, [_X], _TOP2, {"k": 2}, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_more_elements_than_there_are_cannot_be_had() -> None:
    with pytest.raises(InvalidArgumentError, match="at least k columns|last dimension"):
        topk.top_k(constant([1.0]), 2)


def test_the_fields_are_named() -> None:
    result = topk.top_k(constant([1.0, 3.0]))
    assert (result.values.numpy().tolist(), result.indices.numpy().tolist()) == ([3.0], [1])
