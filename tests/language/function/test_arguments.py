from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.language.function.arguments import Description, Identity, PythonSignature, generalize, is_within


def described(*args: Any, **kwargs: Any) -> Description:
    return Description(args, kwargs)


def test_tensors_and_arrays_count_by_type_and_shape() -> None:
    a, b = described(tf.ones([2])), described(np.zeros(2, np.float32))
    assert (a.structure, a.specs) == (b.structure, b.specs) and a.specs == [(tf.float32, (2,))]
    assert len(a.tensors) == len(b.tensors) == 1


def test_python_values_count_by_type() -> None:
    assert described(1).structure != described(1.0).structure != described(True).structure
    assert described([1, 2]).structure != described((1, 2)).structure


def test_dictionaries_count_by_content_and_not_by_order() -> None:
    assert described({"a": 1, "b": 2}).structure == described({"b": 2, "a": 1}).structure
    assert described(x=1, y=2).structure == described(y=2, x=1).structure
    with pytest.raises(ValueError, match="sortable"):
        described({1: 1, "a": 2})


def test_variables_count_by_identity() -> None:
    v, w = tf.Variable(1.0), tf.Variable(1.0)
    assert described(v).structure == described(v).structure != described(w).structure
    assert Identity(v) == Identity(v) and Identity(v) != Identity(w)


def test_a_shape_lies_within_a_wider_one() -> None:
    exact, wide, other = [(tf.float32, (2, 3))], [(tf.float32, (None, 3))], [(tf.int32, (2, 3))]
    assert is_within(exact, wide) and is_within(exact, [(tf.float32, None)])
    assert not is_within(wide, exact) and not is_within(exact, other)
    assert generalize(exact, [(tf.float32, (5, 3))]) == ((tf.float32, (None, 3)),)
    assert generalize(exact, [(tf.float32, (5,))]) == ((tf.float32, None),)
    assert generalize(exact, other) is None


def test_calls_are_bound_with_defaults() -> None:
    signature = PythonSignature(lambda a, b=2, *, c=3: a)
    assert signature.bind((1,), {}) == ((1, 2), {"c": 3})
    assert signature.bind((), {"b": 5, "a": 4, "c": 6}) == ((4, 5), {"c": 6})
    with pytest.raises(TypeError, match="Binding inputs"):
        signature.bind((), {})
