from __future__ import annotations

from typing import Any

import pytest

import penstock as tf
from penstock.core.errors import InaccessibleTensorError
from penstock.language.function import function


def test_a_tensor_of_another_function_is_out_of_scope() -> None:
    leaked: list[Any] = []

    @function
    def leak(x: Any) -> Any:
        leaked.append(x * 2)
        return x

    leak(tf.constant(1.0))
    with pytest.raises(TypeError):
        leaked[0] + tf.constant(1.0)
    with pytest.raises(TypeError, match="out of scope"):
        function(lambda x: x + leaked[0])(tf.constant(1.0))


def test_a_tensor_of_a_loop_is_inaccessible_after_it() -> None:
    def f(n: Any) -> Any:
        seen = []
        tf.while_loop(lambda i: i < n, lambda i: seen.append(i + 1) or [i + 1], [tf.constant(0)])
        return seen[0] + 1

    with pytest.raises(InaccessibleTensorError, match="out of scope"):
        function(f)(tf.constant(3))


def test_what_a_function_returns_must_become_tensors() -> None:
    with pytest.raises(TypeError, match="must return zero or more Tensors"):
        function(lambda: object())()


def test_plain_values_are_returned_as_tensors_and_none_as_none() -> None:
    v = tf.Variable(2.0)
    a, b, c, d = function(lambda: (1, "a", None, v))()
    assert int(a) == 1 and b.numpy() == b"a" and c is None and float(d) == 2
    assert tf.is_tensor(d) and not isinstance(d, tf.Variable)


def test_a_function_without_a_result_returns_none() -> None:
    v = tf.Variable(2.0)

    @function
    def f(x: Any) -> None:
        v.assign(x)

    assert f(tf.constant(5.0)) is None and float(v) == 5


def test_an_inner_function_uses_tensors_of_the_outer_one() -> None:
    @function
    def outer(x: Any) -> Any:
        y = x * 2.0

        @function
        def inner(z: Any) -> Any:
            return y + z

        return inner(x) + inner(y)

    assert float(outer(tf.constant(1.0))) == 7


def test_a_global_function_that_captures_a_tensor_is_traced_again_elsewhere() -> None:
    box: list[Any] = []
    inner = function(lambda z: box[-1] + z)

    @function
    def outer(x: Any) -> Any:
        box.append(x * 2.0)
        return inner(x)

    assert float(outer(tf.constant(1.0))) == 3
    assert float(outer(tf.constant([1.0]))[0]) == 3
    box.append(tf.constant(10.0))
    assert float(inner(tf.constant(1.0))) == 11
