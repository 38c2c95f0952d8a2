"""Slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array.slicing import (
    slice_,
    slice_op,
    strided_slice,
    strided_slice_grad_op,
    strided_slice_op,
    tensor_strided_slice_update_op,
)
from penstock.ops.constant import constant, placeholder
from penstock.testing.op_case import OpCase, normal

X = normal(3, 4, 2)
TEXT = np.array([b"a", b"b", b"c"], dtype=object)


def _updated(x: np.ndarray, begin: Any, end: Any, strides: Any, value: np.ndarray) -> np.ndarray:
    result = x.copy()
    result[begin[0] : end[0] : strides[0]] = value
    return result


def _placed(shape: Any, begin: Any, end: Any, strides: Any, dy: np.ndarray) -> np.ndarray:
    result = np.zeros(shape)
    result[begin[0] : end[0] : strides[0]] = dy
    return result


CASES = [
    OpCase(slice_op, [X, [1, 0, 1], [2, -1, 1]], lambda x, b, s: x[1:3, :, 1:2]),
    OpCase(slice_op, [TEXT, [1], [2]], lambda x, b, s: x[1:3], name="strings"),
    OpCase(strided_slice_op, [X, [0, 3], [3, 0], [2, -2]], lambda x, *_: x[0:3:2, 3:0:-2]),
    OpCase(
        strided_slice_op,
        [X, [-1], [0], [1]],
        lambda x, *_: x[-1],
        attrs={"shrink_axis_mask": 1, "end_mask": 1},
        name="element",
    ),
    OpCase(
        strided_slice_op,
        [X, [0, 0, 1], [0, 0, 2], [1, 1, 1]],
        lambda x, *_: x[None, ..., 1],
        attrs={"new_axis_mask": 1, "ellipsis_mask": 2, "shrink_axis_mask": 4},
        name="new axis and ellipsis",
    ),
    OpCase(strided_slice_op, [TEXT, [2], [0], [-1]], lambda x, *_: x[2:0:-1], name="strings"),
    OpCase(strided_slice_grad_op, [[4, 2], [3], [0], [-2], normal(2, 2)], _placed),
    OpCase(tensor_strided_slice_update_op, [X, [0], [3], [2], normal(2, 4, 2, seed=1)], _updated),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: slice_(x, [0, 5, 0], [1, 1, 1]), r"begin\[1\] in \[0, 4\], but got 5"),
        (lambda x: slice_(x, [0, 2, 0], [1, 3, 1]), r"size\[1\] in \[0, 2\], but got 3"),
        (lambda x: strided_slice(x, [0], [1], [0]), "non-zero"),
        (lambda x: strided_slice(x, [3], [4], [1], shrink_axis_mask=1), "slice index 3 of dimension 0 out of bounds"),
        (lambda x: strided_slice(x, [0] * 4, [1] * 4, [1] * 4), "only 3 dims"),
    ],
)
def test_slices_out_of_bounds_are_refused(call: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        call(constant(X))


def test_slices_out_of_bounds_are_refused_while_the_graph_is_built() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [3])
        with pytest.raises(ValueError, match="begin"):
            slice_(x, [4], [1])
        with pytest.raises(ValueError, match="out of bounds"):
            strided_slice(x, [3], [4], [1], shrink_axis_mask=1)


def test_static_shapes_keep_what_is_known() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [None, 4])
        assert slice_(x, [0, 1], [-1, 2]).dims == (None, 2)
        assert strided_slice(x, [0, 1], [0, 3], begin_mask=1, end_mask=1).dims == (None, 2)
