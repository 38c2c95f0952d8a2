"""Casts follow TensorFlow: fractions are cut off, booleans are 0 and 1, bytes are kept by bitcast."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.ops.math import cast
from penstock.testing.op_case import OpCase, integers, normal

CASES = [
    OpCase(cast.cast_op, [normal(4)], lambda x: x.astype(np.float32), {"DstT": np.float32}, gradient=None),
    OpCase(cast.cast_op, [np.array([1.7, -1.7])], [1, -1], {"DstT": np.int32}, name="to int32", gradient=None),
    OpCase(cast.cast_op, [np.array([0.0, 0.5])], [False, True], {"DstT": np.bool_}, name="to bool", gradient=None),
    OpCase(cast.cast_op, [integers(-5, 300, 4)], lambda x: x.astype(np.uint8), {"DstT": np.uint8}, name="wraps"),
    OpCase(cast.cast_op, [normal(4)], lambda x: x, {"DstT": np.float64}, name="same type"),
    OpCase(cast.bitcast_op, [np.array([1.0], np.float32)], [0x3F800000], {"type": np.int32}, gradient=None),
    OpCase(cast.bitcast_op, [np.array([258], np.int32)], [[2, 1, 0, 0]], {"type": np.uint8}, name="narrower"),
    OpCase(cast.bitcast_op, [np.array([[2, 1, 0, 0]], np.uint8)], [258], {"type": np.int32}, name="wider"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_a_cast_to_the_same_type_is_the_tensor_itself() -> None:
    x = constant([1.0])
    assert cast.cast(x, "float32") is x


def test_strings_are_not_cast() -> None:
    with pytest.raises(UnimplementedError, match="string to int32"):
        cast.cast(constant(["1"]), "int32")


def test_complex_numbers_lose_their_imaginary_part() -> None:
    result = cast.cast(constant(np.array([1 + 2j], np.complex64)), "float64")
    assert (result.dtype.name, result.numpy().tolist()) == ("float64", [1.0])


def test_saturate_cast_keeps_to_the_range_of_the_type() -> None:
    x = constant([-1e10, -1.5, 300.0, 1e10])
    assert cast.saturate_cast(x, "uint8").numpy().tolist() == [0, 0, 255, 255]
    assert cast.saturate_cast(x, "int32").numpy().tolist()[0] == -(2**31)
    assert cast.saturate_cast(x, "int32").numpy()[3] > 2**31 - 200
    assert cast.saturate_cast(constant([2**40], "int64"), "int32").numpy().tolist() == [2**31 - 1]


def test_bitcast_needs_as_many_bytes_as_the_wider_type_has() -> None:
    with pytest.raises(InvalidArgumentError, match="2 "):
        cast.bitcast(constant([1.0, 2.0, 3.0]), "float64")


def test_the_static_shape_of_a_bitcast_is_known() -> None:
    with Graph().as_default():
        x = placeholder("int32", [None, 4])
        assert cast.bitcast(x, "uint8").shape.as_list() == [None, 4, 4]
        assert cast.bitcast(placeholder("int16", [3, 4]), "int64").shape.as_list() == [3]


def test_the_derivative_of_a_cast_has_the_type_of_its_input() -> None:
    from penstock.core.tape import GradientTape

    x = constant([1.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = cast.to_double(x) * 3
    gradient = tape.gradient(y, x)
    assert (gradient.dtype.name, gradient.numpy().tolist()) == ("float32", [3.0])
