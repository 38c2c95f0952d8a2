from __future__ import annotations

from typing import Any

import pytest

import penstock as tf
from penstock.language.function import function


def mixed(x: Any, y: Any = 2, *args: Any, z: Any, **more: Any) -> Any:
    return {"a": x * y, "b": [z, None]}


def concrete() -> Any:
    return function(mixed).get_concrete_function(
        tf.TensorSpec([None, 3], tf.float32, name="inp"), z=tf.TensorSpec([], tf.float32), w=tf.TensorSpec([], tf.int32)
    )


def test_a_signature_prints_its_parameters_and_results() -> None:
    lines = concrete().pretty_printed_signature().split("\n")
    assert lines[0] == "Input Parameters:"
    assert lines[2:] == [
        "  y (POSITIONAL_ONLY): Literal[2]",
        "  z (KEYWORD_ONLY): TensorSpec(shape=(), dtype=tf.float32, name=None)",
        "  w (KEYWORD_ONLY): TensorSpec(shape=(), dtype=tf.int32, name=None)",
        "Output Type:",
        "  Dict[['a', TensorSpec(shape=(None, 3), dtype=tf.float32, name=None)], ['b', "
        "List[TensorSpec(shape=(), dtype=tf.float32, name=None), Literal[None]]]]",
        "Captures:",
        "  None",
    ]


def test_the_structured_signature_has_specs_for_tensors() -> None:
    args, kwargs = concrete().structured_input_signature
    assert args == (tf.TensorSpec([None, 3], tf.float32, name="inp"), 2)
    assert kwargs == {"z": tf.TensorSpec([], tf.float32, name="z"), "w": tf.TensorSpec([], tf.int32, name="w")}


def test_inputs_stand_in_the_order_of_positions_then_names() -> None:
    assert [tensor.op.name for tensor in concrete().inputs] == ["inp", "w", "z"]


def test_it_takes_the_arguments_of_the_python_function_or_its_tensors() -> None:
    f = concrete()
    x, z, w = tf.ones([2, 3]), tf.constant(1.0), tf.constant(1)
    assert f(x, z=z, w=w)["a"].shape == [2, 3]
    assert f(x, 2, z=z, w=w)["b"][1] is None
    assert f(inp=x, w=w, z=z)["a"].shape == [2, 3]
    for args, kwargs in [((x,), {}), ((x, 3), {"z": z, "w": w}), ((x,), {"z": z, "w": w, "q": 1})]:
        with pytest.raises(TypeError, match="Binding inputs"):
            f(*args, **kwargs)


def test_it_tells_captures_and_variables() -> None:
    v = tf.Variable(2.0, trainable=False)
    w = tf.Variable(3.0)
    f = function(lambda x: x * v + w).get_concrete_function(tf.TensorSpec([], tf.float32))
    assert len(f.captured_inputs) == 2
    assert list(map(id, f.variables)) == [id(v), id(w)]
    assert [id(variable) for variable in f.trainable_variables] == [id(w)]
    assert float(f(tf.constant(2.0))) == 7
    assert "mul" in f.program.source


def test_two_kinds_of_arguments_have_two_signatures() -> None:
    f = function(lambda x: x + 1)
    f(tf.constant(1.0))
    f(tf.constant(1))
    text = f.pretty_printed_concrete_signatures()
    assert "tf.float32" in text and "tf.int32" in text


def test_the_same_arguments_give_the_same_concrete_function() -> None:
    f = function(lambda x: x + 1)
    assert f.get_concrete_function(tf.constant(1.0)) is f.get_concrete_function(tf.constant(2.0))


def test_it_is_written_as_a_message() -> None:
    f = function(lambda x: x * 2.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    message = f.function_def
    assert message.signature.name == f.name.decode()
    assert [argument.name for argument in message.signature.input_arg] == ["x"]
    assert "Mul" in [node.op for node in message.node_def]
