"""The short way of an eager call gives what the long way gives, and leaves to it what it cannot do."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.dispatch import _execute
from penstock.core.dtypes import float64, quint8
from penstock.core.eager import write_fast_call
from penstock.core.errors import InvalidArgumentError
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant


@pytest.mark.parametrize(
    ("name", "args", "attrs"),
    [
        ("AddV2", (constant([1.0, 2.0]), constant([3.0, 4.0])), {}),
        ("AddV2", (constant([1, 2]), 3), {}),
        ("Mul", (constant([1.5]), 2), {}),
        ("MatMul", (constant([[1.0, 2.0]]), constant([[3.0, 4.0]])), {"transpose_b": True}),
        ("Sum", (constant([[1.0, 2.0], [3.0, 4.0]]), [1]), {"keep_dims": True}),
        ("Sum", (constant([[1.0, 2.0], [3.0, 4.0]]), constant(0)), {}),
        ("Reshape", (constant([[1.0, 2.0]]), [2, 1]), {}),
        ("Pad", (constant([[1.0, 2.0]]), [[0, 1], (2, 0)]), {}),
        ("Fill", ([2, 3], 1.5), {}),
        ("Fill", ([2], 7), {}),
        ("LeakyRelu", (constant([-1.0, 2.0]),), {"alpha": 0.2}),
    ],
    ids=str,
)
def test_both_ways_give_the_same(name, args, attrs):
    op = lookup(name)
    short, long = write_fast_call(op)(*args, **attrs), _execute(op, args, attrs, None)
    assert short is not None and short.dtype == long.dtype
    np.testing.assert_array_equal(short.numpy(), long.numpy())


@pytest.mark.parametrize(
    ("name", "args", "attrs"),
    [
        ("AddV2", (constant([1.0]), constant([1])), {}),
        ("AddV2", (constant([1]), 1.5), {}),
        ("AddV2", (constant(["a"]), constant(["b"])), {}),
        ("AddV2", ([1.0], constant([1.0])), {}),
        ("LogicalAnd", (constant([1.0]), constant([True])), {}),
        ("Sum", (constant([1.0]), [0.5]), {}),
        ("MatMul", (constant([[1.0]]), constant([[1.0]])), {"transpose_a": 1}),
        ("Pad", (constant([[1.0, 2.0]]), [[0, 1], [2]]), {}),
        ("Pad", (constant([[1.0, 2.0]]), [[0, 1], [2, 0.0]]), {}),
        ("Pad", (constant([[1.0, 2.0]]), [1, [2, 0]]), {}),
        ("Fill", ([2], "text"), {}),
    ],
    ids=str,
)
def test_what_needs_conversion_or_explanation_takes_the_long_way(name, args, attrs):
    assert write_fast_call(lookup(name))(*args, **attrs) is None


@pytest.mark.parametrize("name", ["AssignAdd", "IdentityN", "ReadVariableOp", "Const", "PyFunc"])
def test_operations_with_effects_or_lists_of_unlike_tensors_have_no_short_way(name):
    assert write_fast_call(lookup(name)) is None


def test_several_outputs_come_as_a_named_tuple_and_are_recorded():
    x = constant([3.0, 1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        values, indices = lookup("TopKV2")(x, 2)
        named = lookup("TopKV2")(x, 1)
        total = values * values
    assert indices.numpy().tolist() == [0, 2] and named.values.numpy().tolist() == [3]
    assert tape.gradient(total, x).numpy().tolist() == [6, 0, 4]


def test_errors_are_those_of_the_long_way():
    with pytest.raises(InvalidArgumentError, match=r"\(2,\) and \(3,\)"):
        lookup("AddV2")(constant([1.0, 2.0]), constant([1.0, 2.0, 3.0]))


def test_tapes_see_numbers_in_the_type_of_the_tensors_beside_them():
    x = constant([1.0, 2.0], dtype="float64")
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = x * x * 3.0
        first = inner.gradient(y, x)
    assert first.dtype.name == "float64" and outer.gradient(first, x).numpy().tolist() == [6.0, 6.0]


def test_sequences_of_like_tensors_take_the_short_way_and_are_recorded():
    x, y = constant([1.0, 2.0]), constant([3.0])
    assert write_fast_call(lookup("ConcatV2"))([x, y], 0).numpy().tolist() == [1.0, 2.0, 3.0]
    assert write_fast_call(lookup("Pack"))([x, constant([1, 2])]) is None
    with GradientTape() as tape:
        tape.watch(y)
        joined = lookup("ConcatV2")([x, y], 0)
        total = joined * joined
    assert tape.gradient(total, y).numpy().tolist() == [6.0]


def test_kernels_are_told_the_types_of_their_inputs():
    assert write_fast_call(lookup("Cast"))(constant([1, 2]), DstT=float64).dtype is float64


def test_a_list_that_changes_after_the_call_changes_nothing_that_was_recorded():
    x, repeats = constant([1.0, 2.0]), [2]
    with GradientTape() as tape:
        tape.watch(x)
        y = lookup("Tile")(x, repeats)
    repeats[0] = 7
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 2.0]


def test_calls_that_concern_no_tape_are_not_recorded():
    with GradientTape() as tape:
        tape.watch(constant(1.0))
        _ = constant([2.0]) * constant([3.0])
    assert not tape._calls


# What TensorFlow raises for a tensor of a wrong type beside a Python value, by what it looks at first.
@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: tf.subtract(tf.constant(["a"]), 2.5), TypeError),
        (lambda: tf.subtract(tf.constant(["a"]), tf.constant(["b"])), tf.errors.InvalidArgumentError),
        (lambda: tf.maximum(tf.constant([True]), 3), TypeError),
        (lambda: tf.maximum(tf.constant([True]), None), ValueError),
        (lambda: tf.equal(tf.constant(["a"]), np.array([1.0])), ValueError),
        (lambda: tf.logical_and(tf.constant([1]), True), tf.errors.InvalidArgumentError),
        (lambda: tf.logical_and(tf.constant([1]), [True]), ValueError),
        (lambda: tf.strings.substr(tf.constant([1]), 0, 1), tf.errors.InvalidArgumentError),
        (lambda: tf.strings.substr(tf.constant([1]), [0], [1]), ValueError),
        (lambda: tf.strings.join([tf.constant([1]), "a"]), ValueError),
        (lambda: tf.quantization.fake_quant_with_min_max_args(tf.constant([1])), ValueError),
        (lambda: tf.truediv(2, tf.constant(2.0)), TypeError),
        (lambda: tf.matmul(tf.constant([[1]]), [[2.0]]), tf.errors.InvalidArgumentError),
    ],
)
def test_wrong_types_beside_python_values(call, kind):
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, tf.errors.InvalidArgumentError) == (kind is tf.errors.InvalidArgumentError)


def test_a_result_of_a_quantized_type_says_so():
    assert lookup("Bitcast")(constant([1, 2], "uint8"), type=quint8).dtype is quint8


def test_nested_lists_beside_a_watched_tensor_are_recorded():
    x, paddings = constant([[1.0, 2.0]]), [[1, 0], [0, 1]]
    with GradientTape() as tape:
        tape.watch(x)
        y = lookup("Pad")(x, paddings)
        total = y * y
    paddings[0][0] = 5
    assert tape.gradient(total, x).numpy().tolist() == [[2.0, 4.0]]


def test_streams_of_random_numbers_go_on_the_short_way_too():
    draw = lookup("RandomUniform")
    tf.random.set_seed(5)
    drawn = [draw([3], dtype=tf.float32, seed=1, seed2=2).numpy() for _ in range(2)]
    tf.random.set_seed(5)
    again = [_execute(draw, ([3],), {"dtype": tf.float32, "seed": 1, "seed2": 2}, None).numpy() for _ in range(2)]
    np.testing.assert_array_equal(drawn, again)
    assert not np.array_equal(*drawn)
