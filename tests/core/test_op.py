"""Declared operations as they are called: by position, by keyword, and by their raw names."""

from __future__ import annotations

import sys

import pytest

import penstock as tf
from penstock.core.dtypes import int8
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op import op, raw_operation
from penstock.core.op_def import lookup
from penstock.core.shape_rules import unchanged
from penstock.ops.constant import constant, placeholder


def test_an_operation_takes_inputs_by_position_or_name():
    add = lookup("AddV2")
    assert int(add(1, 2)) == int(add(1, y=2)) == int(add(x=1, y=2)) == 3


def test_a_positional_argument_beyond_the_inputs_is_the_name():
    with Graph().as_default():
        assert lookup("Identity")(constant(1.0), "copied").op.name == "copied"


def test_an_unknown_argument_is_refused_with_the_attributes_there_are():
    with pytest.raises(TypeError, match="transpose_a"):
        lookup("MatMul")([[1.0]], [[1.0]], transposed=True)


def test_a_wrong_number_of_inputs_names_them():
    with pytest.raises(TypeError, match="2 inputs.*x, y"):
        lookup("AddV2")(1)


def test_one_kernel_may_serve_two_operations():
    @op("TestSecondName(x: T) -> y: T", shape=unchanged)
    @op("TestFirstName(x: T) -> y: T", shape=unchanged)
    def twice(x):
        return x + x

    assert float(twice(2.0)) == float(lookup("TestFirstName")(2.0)) == 4.0


def test_raw_operations_take_keywords_by_the_names_of_graphdefs():
    matmul = raw_operation("MatMul")
    assert matmul(a=[[1.0, 2.0]], b=[[3.0, 4.0]], transpose_b=True).numpy().tolist() == [[11.0]]
    with pytest.raises(TypeError, match="missing.*b"):
        matmul(a=[[1.0]])
    with pytest.raises(AttributeError, match="NoSuchOperation"):
        raw_operation("NoSuchOperation")


def test_types_of_inputs_must_agree():
    with Graph().as_default():
        a, b = placeholder("float32", name="a"), placeholder("int32", name="b")
        with pytest.raises(TypeError, match="int32.*float32 of argument"):
            lookup("AddV2")(a, b)


def test_a_type_or_number_that_an_attribute_may_not_have_is_refused():
    to_number, bucket = lookup("StringToNumber"), lookup("StringToHashBucketFast")
    with pytest.raises(InvalidArgumentError, match="out_type.*int8 not in list"):
        to_number("1", out_type=int8)
    with pytest.raises(InvalidArgumentError, match="num_buckets.*minimum 1"):
        bucket("a", num_buckets=0)
    with pytest.raises(InvalidArgumentError, match="list of length 0 less than minimum 1"):
        lookup("DecodeCSV")("1", [])
    with Graph().as_default():
        with pytest.raises(TypeError, match="out_type"):
            to_number("1", out_type=int8)
        with pytest.raises(ValueError, match="num_buckets"):
            bucket("a", num_buckets=0)


# TensorFlow converts the inputs of a node one after the other: what comes first has its own type. Operators of Python
# take the type of the tensor, whichever side it is on, and so do some functions.
@pytest.mark.parametrize(
    "call",
    [
        lambda x: tf.add(2, x),
        lambda x: tf.multiply(2, x),
        lambda x: tf.subtract([2, 3], x),
        lambda x: tf.maximum(2, x),
        lambda x: tf.pow(2, x),
        lambda x: tf.less(2, x),
        lambda x: tf.math.floordiv(2, x),
        lambda x: tf.math.xlogy(2, x),
        lambda x: tf.where([True, False], 2, x),
        lambda x: tf.raw_ops.Mul(x=2, y=x),
        lambda x: tf.maximum(2.0, tf.cast(x, tf.float64)),
        lambda x: tf.maximum(2, tf.cast(x, tf.int64)),
        lambda x: tf.add(x, tf.constant(2)),
        lambda x: tf.multiply(tf.cast(x, tf.int32), 2.0),
    ],
)
def test_a_python_value_before_a_tensor_has_its_own_type_in_a_graph(call):
    with tf.Graph().as_default(), pytest.raises(TypeError):
        call(tf.compat.v1.placeholder(tf.float32, [2]))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tf.add(x, 2),
        lambda x: tf.multiply(2.0, x),
        lambda x: tf.divide(2, x),
        lambda x: 2 + x,
        lambda x: 2 - x,
        lambda x: 2 / x,
        lambda x: 2 // x,
        lambda x: 2**x,
        lambda x: tf.clip_by_value(x, 0, 1),
        lambda x: tf.stack([2, x[0]]),
        lambda x: tf.add_n([x, x]),
        lambda x: tf.math.scalar_mul(2, x),
    ],
)
def test_a_python_value_takes_the_type_of_the_tensor_where_tensorflow_gives_it_that(call):
    with tf.Graph().as_default():
        assert call(tf.compat.v1.placeholder(tf.float32, [2])).dtype is tf.float32


def test_eagerly_a_tensor_beside_a_python_value_decides_unless_the_function_converts_first():
    x = tf.constant([1.0, 2.0])
    assert tf.multiply(2, x).dtype is tf.float32
    assert tf.maximum([1, 3], x).numpy().tolist() == [1.0, 3.0]
    assert tf.nn.bias_add([[1, 2]], x).numpy().tolist() == [[2.0, 4.0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="float32"):
        tf.add(2, x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="float32|int32"):
        tf.nn.sigmoid_cross_entropy_with_logits(labels=[0, 1], logits=x)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes before Python 3.11")
def test_an_error_of_a_class_that_tensorflow_has_not_says_where_it_happened():
    @op("TestRaisesKeyError(x: T) -> y: T", shape=unchanged)
    def lose(x):
        raise KeyError("lost")

    with Graph().as_default(), tf.compat.v1.Session() as session:
        result = lose(constant([1.0, 2.0]), name="loser")
        with pytest.raises(KeyError, match="lost") as caught:
            session.run(result)
    (note,) = caught.value.__notes__
    assert "TestRaisesKeyError 'loser'" in note and "float32 (2,)" in note and "test_op.py" in note
    with pytest.raises(KeyError) as caught:
        lose(constant(1.0))
    assert "TestRaisesKeyError" in caught.value.__notes__[0]
