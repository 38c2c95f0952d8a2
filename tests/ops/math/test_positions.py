"""Positions of extremes are those of the first of equal elements, and pass over NaN."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.dtypes import uint8
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant
from penstock.ops.math import positions
from penstock.testing.op_case import OpCase, integers

CASES = [
    OpCase(positions.arg_max_op, [np.array([[1.0, 5.0, 5.0], [7.0, 2.0, 1.0]]), 1], [1, 0], gradient=None),
    OpCase(positions.arg_min_op, [integers(0, 9, 3, 4), 0], lambda x, axis: x.argmin(0)),
    OpCase(positions.arg_max_op, [np.array([np.nan, 1.0, 2.0]), 0], 2, name="NaN", gradient=None),
    OpCase(positions.arg_max_op, [np.array([False, True]), 0], 1, name="bool"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_position_along_an_empty_axis_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="is empty"):
        positions.argmax(constant(np.zeros((0, 3), np.float32)))


def test_positions_have_the_type_that_is_asked_for() -> None:
    assert positions.argmax(constant([1.0, 2.0]), output_type="int32").dtype.name == "int32"
    assert positions.argmin_v1(constant([[2.0, 1.0]]), dimension=1).numpy().tolist() == [1]


def test_positions_are_given_only_in_types_that_tensorflow_gives() -> None:
    with pytest.raises(InvalidArgumentError, match="output_type"):
        positions.arg_max_op([1.0, 2.0], 0, output_type="uint8")
    with Graph().as_default(), pytest.raises(TypeError, match="output_type"):
        positions.arg_min_op([1.0, 2.0], 0, output_type="int16")


def test_an_axis_that_is_no_integer_is_an_error_of_its_type() -> None:
    with pytest.raises(TypeError, match="1.5"):
        positions.arg_max_op([1.0, 2.0], 1.5)
    with pytest.raises(InvalidArgumentError, match="output_type"):
        positions.arg_max_op(constant([1.0, 2.0]), 0, output_type=uint8)


@pytest.mark.parametrize("axis", [[0], 1.5, "a"])
def test_the_axis_of_the_largest_element_is_one_integer(axis):
    with pytest.raises(TypeError, match="axis must be"):
        positions.argmax([[1.0]], axis)
