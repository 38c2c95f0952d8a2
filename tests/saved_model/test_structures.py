"""Nested values survive the way through messages; what has no form is refused by name."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import penstock as tf
from penstock.formats import protos
from penstock.formats.errors import CorruptDataError
from penstock.saved_model.structures import NotWritableError, from_message, to_message

Pair = collections.namedtuple("Pair", ["left", "right"])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        "text",
        [1, (2.0, None)],
        {"b": 1, "a": [True]},
        tf.float32,
        tf.TensorShape([None, 2]),
        tf.TensorShape(None),
        tf.TensorSpec([None, 2], tf.int64, name="x"),
        tf.RaggedTensorSpec([None, None, 3], tf.float32, ragged_rank=1),
        tf.SparseTensorSpec([None, 4], tf.string),
        tf.IndexedSlicesSpec([5, 2], tf.float32),
    ],
    ids=repr,
)
def test_values_come_back(value):
    message = protos.StructuredValue.FromString(to_message(value).SerializeToString())
    assert from_message(message) == value and type(from_message(message)) is type(value)


def test_named_tuples_and_bounds_come_back():
    pair = from_message(to_message(Pair(1, "r")))
    assert pair._fields == ("left", "right") and tuple(pair) == (1, "r") and type(pair).__name__ == "Pair"
    np.testing.assert_array_equal(from_message(to_message(np.array([1.5, 2.0]))), [1.5, 2.0])


@pytest.mark.parametrize("value", [object(), {1: 2}, [set()]], ids=["object", "dict", "set"])
def test_what_has_no_form(value):
    with pytest.raises(NotWritableError):
        to_message(value)


def test_specs_that_do_not_exist_here():
    message = protos.StructuredValue()
    message.type_spec_value.type_spec_class = 12
    message.type_spec_value.type_spec_class_name = "some.ForeignSpec"
    with pytest.raises(CorruptDataError, match=r"some\.ForeignSpec"):
        from_message(message)
