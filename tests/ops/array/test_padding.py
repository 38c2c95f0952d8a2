"""Margins."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array.padding import mirror_pad_grad_op, mirror_pad_op, pad, pad_op, pad_v2_op
from penstock.ops.constant import placeholder
from penstock.testing.op_case import OpCase, normal

X = normal(2, 3)
MARGINS = [[1, 0], [2, 1]]


def _folded(x: np.ndarray, margins: list[list[int]]) -> np.ndarray:
    source = np.pad(np.arange(2), margins[0], "symmetric")
    result = np.zeros((2, x.shape[1]))
    np.add.at(result, source, x)
    return result


CASES = [
    OpCase(pad_op, [X, MARGINS], lambda x, m: np.pad(x, m)),
    OpCase(pad_v2_op, [X, MARGINS, 7.0], lambda x, m, v: np.pad(x, m, constant_values=v)),
    OpCase(mirror_pad_op, [X, MARGINS], lambda x, m: np.pad(x, m, "reflect"), attrs={"mode": "REFLECT"}),
    OpCase(
        mirror_pad_op,
        [X, MARGINS],
        lambda x, m: np.pad(x, m, "symmetric"),
        attrs={"mode": "SYMMETRIC"},
        name="symmetric",
    ),
    OpCase(mirror_pad_grad_op, [normal(4, 3), [[1, 1], [0, 0]]], _folded, attrs={"mode": "SYMMETRIC"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_margins_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match="non-negative"):
        pad(X, [[-1, 0], [0, 0]])
    with pytest.raises(InvalidArgumentError, match="less than"):
        pad(X, [[2, 0], [0, 0]], "REFLECT")
    with pytest.raises(ValueError, match="mode"):
        pad(X, MARGINS, "WRAP")


def test_partly_known_margins_give_partly_known_shapes() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [None, 3])
        assert pad(x, MARGINS).dims == (None, 6)
        assert pad(x, placeholder(np.int32, [2, 2])).dims == (None, None)
