"""Python's operators build the operations that TensorFlow builds, by TensorFlow's names."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder


@pytest.mark.parametrize(
    ("function", "x", "y", "expected"),
    [
        (operator.add, [1, 2], 3, [4, 5]),
        (operator.sub, [1, 2], 3, [-2, -1]),
        (operator.mul, [1, 2], 3, [3, 6]),
        (operator.truediv, [1, 2], 4, [0.25, 0.5]),
        (operator.floordiv, [7, -7], 2, [3, -4]),
        (operator.mod, [7, -7], 3, [1, 2]),
        (operator.pow, [2, 3], 2, [4, 9]),
        (operator.lt, [1, 2], 2, [True, False]),
        (operator.le, [1, 2], 1, [True, False]),
        (operator.gt, [1, 2], 1, [False, True]),
        (operator.ge, [1, 2], 2, [False, True]),
        (operator.and_, [6], 3, [2]),
        (operator.or_, [6], 3, [7]),
        (operator.xor, [6], 3, [5]),
        (operator.and_, [True, True], [True, False], [True, False]),
        (operator.or_, [False, True], [False, False], [False, True]),
        (operator.xor, [True, True], [True, False], [False, True]),
        (operator.add, ["a"], ["b"], [b"ab"]),
    ],
)
def test_an_operator_gives_its_value(function: Any, x: Any, y: Any, expected: Any) -> None:
    assert function(constant(x), y).numpy().tolist() == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: 10 - x, [8, 6]),
        (lambda x: 8 / x, [4.0, 2.0]),
        (lambda x: 9 // x, [4, 2]),
        (lambda x: 9 % x, [1, 1]),
        (lambda x: 2**x, [4, 16]),
        (lambda x: np.array([1, 1], np.int32) + x, [3, 5]),
        (lambda x: [1, 1] * x, [2, 4]),
        (lambda x: -x, [-2, -4]),
        (lambda x: abs(-x), [2, 4]),
        (lambda x: ~x, [-3, -5]),
    ],
)
def test_a_reflected_or_unary_operator_gives_its_value(function: Any, expected: Any) -> None:
    assert function(constant([2, 4])).numpy().tolist() == expected


def test_matrices_multiply() -> None:
    x = constant([[1.0, 2.0], [3.0, 4.0]])
    assert (x @ x).numpy().tolist() == [[7.0, 10.0], [15.0, 22.0]]
    assert (np.eye(2, dtype=np.float32) @ x).numpy().tolist() == x.numpy().tolist()


def test_shapes_that_do_not_fit_are_unequal() -> None:
    assert not bool(constant([1, 2]) == constant([1, 2, 3]))
    assert bool(constant([1, 2]) != constant([1, 2, 3]))
    assert (constant([1, 2]) == [1, 3]).numpy().tolist() == [True, False]


def test_nodes_have_the_names_that_tensorflow_gives_them() -> None:
    with Graph().as_default():
        x = placeholder("float32", [2], name="x")
        nodes = [x + 1, x - 1, x * 2, x / 2, x // 2, x % 2, x**2, -x, abs(x), x < 1, 1 + x]
    names = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "Neg", "Abs", "Less", "add_1"]
    assert [node.op.name for node in nodes] == names
    assert nodes[0].op.inputs[1].op.name == "add/y"
    assert nodes[0].op.type == "AddV2"


def test_types_do_not_mix() -> None:
    with pytest.raises(InvalidArgumentError):
        constant(1) + constant(1.0)
    with Graph().as_default(), pytest.raises(TypeError):
        constant(1) + 1.5


def test_an_operand_of_another_class_may_take_over() -> None:
    class Other:
        def __radd__(self, left: Any) -> str:
            return "taken"

        def __gt__(self, left: Any) -> str:
            return "compared"

    assert constant(1) + Other() == "taken"
    assert (constant(1) < Other()) == "compared"


def test_an_operand_that_cannot_be_a_tensor_is_refused() -> None:
    with pytest.raises((TypeError, ValueError), match="unsupported type"):
        constant(1) + object()


def test_a_product_with_booleans_tells_where_both_factors_are_true_as_integers():
    truth = constant([True, True, False])
    for factor, expected in [
        (truth, [True, True, False]),
        (constant([0.5, 256.0, 3.0]), [False, True, False]),
        ([1, 0, 1], [True, False, False]),
    ]:
        product = truth * factor
        assert product.dtype.name == "bool"
        assert product.numpy().tolist() == expected
    assert (constant([2, 0, 1]) * truth).numpy().tolist() == [True, False, False]
    with pytest.raises(TypeError):
        2 * truth


def test_an_order_with_none_is_an_error_of_conversion():
    with pytest.raises(ValueError, match="None"):
        constant(1.0) < None  # noqa: B015
    with pytest.raises(ValueError, match="None"):
        None >= constant(1.0)  # noqa: B015
