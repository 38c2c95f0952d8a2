"""Arithmetic on two arguments broadcasts, and follows TensorFlow on integers."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.ops.constant import constant
from penstock.ops.math import binary
from penstock.testing.op_case import OpCase, integers, normal, uniform

_PAIR = [normal(2, 3), normal(3, seed=1)]
_POSITIVE = [uniform(0.5, 2, 2, 3), uniform(0.5, 2, 2, 1, seed=1)]
_INTEGERS = [np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)]

CASES = [
    OpCase(binary.add_v2_op, _PAIR, np.add),
    OpCase(
        binary.add_v2_op, [np.array([1, 65535], np.uint16), np.array([1, 1], np.uint16)], np.add, name="uint16 wraps"
    ),
    OpCase(binary.add_op, _PAIR, np.add),
    OpCase(
        binary.add_op,
        [np.array([b"a", b"b"], object), np.array(b"c", object)],
        np.array([b"ac", b"bc"], object),
        name="strings",
    ),
    OpCase(binary.sub_op, _PAIR, np.subtract),
    OpCase(binary.mul_op, _PAIR, np.multiply),
    OpCase(binary.mul_op, [normal(2, 1, 3), normal(4, 1, seed=1)], np.multiply, name="both broadcast"),
    OpCase(binary.real_div_op, _POSITIVE, np.divide),
    OpCase(binary.div_op, _POSITIVE, np.divide),
    OpCase(binary.div_op, _INTEGERS, [3, -3, -3, 3], name="integers"),
    OpCase(binary.truncate_div_op, _INTEGERS, [3, -3, -3, 3]),
    OpCase(binary.floor_div_op, _INTEGERS, np.floor_divide),
    OpCase(
        binary.floor_div_op, [np.array([-(2**31)], np.int32), np.array([-1], np.int32)], [-(2**31)], name="overflow"
    ),
    OpCase(
        binary.floor_div_op, [normal(4), uniform(0.5, 2, 4)], lambda x, y: np.floor(x / y), name="floats", gradient=None
    ),
    OpCase(binary.floor_div_op, [np.array([9], np.uint64), np.array([2], np.uint64)], [4], name="uint64"),
    OpCase(binary.floor_mod_op, _INTEGERS, np.mod),
    OpCase(binary.floor_mod_op, [normal(4), uniform(0.5, 2, 4)], np.mod, name="floats", gradient="first"),
    OpCase(binary.truncate_mod_op, _INTEGERS, np.fmod),
    OpCase(binary.mod_op, _INTEGERS, np.fmod),
    OpCase(binary.pow_op, _POSITIVE, np.power),
    OpCase(binary.pow_op, [integers(1, 5, 4), integers(0, 4, 4)], np.power, name="integers"),
    OpCase(binary.maximum_op, _PAIR, np.maximum),
    OpCase(binary.maximum_op, [np.array([1, 2], np.uint32), np.array([2, 1], np.uint32)], np.maximum, name="uint32"),
    OpCase(binary.minimum_op, _PAIR, np.minimum),
    OpCase(binary.squared_difference_op, _PAIR, lambda x, y: (x - y) ** 2),
    OpCase(binary.atan2_op, _PAIR, np.arctan2),
    OpCase(
        binary.div_no_nan_op,
        [normal(3), np.array([1.0, 0.0, -2.0])],
        lambda x, y: np.where(y == 0, 0, x / np.where(y == 0, 1, y)),
        gradient=None,
    ),
    OpCase(binary.div_no_nan_op, _POSITIVE, np.divide, name="derivatives"),
    OpCase(binary.mul_no_nan_op, [np.array([np.inf, 2.0]), np.array([0.0, 3.0])], [0.0, 6.0], gradient=None),
    OpCase(binary.mul_no_nan_op, _PAIR, np.multiply, name="derivatives"),
    OpCase(binary.xdivy_op, [np.array([0.0, 1.0]), np.array([0.0, 4.0])], [0.0, 0.25], gradient=None),
    OpCase(binary.xdivy_op, _POSITIVE, np.divide, name="derivatives"),
    OpCase(binary.xlogy_op, [np.array([0.0, 1.0]), np.array([0.0, 4.0])], [0.0, np.log(4)], gradient=None),
    OpCase(binary.xlogy_op, _POSITIVE, lambda x, y: x * np.log(y), name="derivatives"),
    OpCase(binary.xlog1py_op, [np.array([0.0, 1.0]), np.array([-1.0, 4.0])], [0.0, np.log(5)], gradient=None),
    OpCase(binary.xlog1py_op, _POSITIVE, lambda x, y: x * np.log1p(y), name="derivatives"),
    OpCase(binary.next_after_op, [normal(3), normal(3, seed=1)], np.nextafter, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_integer_division_by_zero_is_refused() -> None:
    for divide in (binary.floordiv, binary.floormod, binary.truncatediv, binary.truncatemod):
        with pytest.raises(InvalidArgumentError, match="Integer division by zero"):
            divide(constant([1, 2]), constant([1, 0]))


def test_negative_integer_powers_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="negative integer powers"):
        binary.pow(constant([2]), constant([-1]))


def test_integers_have_no_real_quotient() -> None:
    with pytest.raises(NotFoundError, match="RealDiv has no kernel for int32"):
        binary.real_div_op(constant([1]), constant([2]))


def test_true_division_makes_floats_of_integers() -> None:
    for given, expected in (("int8", "float32"), ("int16", "float32"), ("int32", "float64"), ("int64", "float64")):
        result = binary.truediv(constant([1], given), constant([2], given))
        assert (result.dtype.name, result.numpy().item()) == (expected, 0.5)


def test_true_division_refuses_types_that_differ() -> None:
    with pytest.raises(TypeError, match="must have the same dtype"):
        binary.truediv(constant([1.0]), constant([1.0], "float64"))


def test_division_of_version_1_rounds_integers_down() -> None:
    assert binary.div_v1(constant([-7]), 2).numpy().tolist() == [-4]


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be broadcast"):
        binary.add(constant([1.0, 2.0]), constant([1.0, 2.0, 3.0]))


def test_pow_has_a_derivative_at_a_base_of_zero() -> None:
    from penstock.core.tape import GradientTape

    x, y = constant([0.0]), constant([2.0])
    with GradientTape() as tape:
        tape.watch([x, y])
        z = binary.pow(x, y)
    assert [g.numpy().tolist() for g in tape.gradient(z, [x, y])] == [[0.0], [0.0]]
