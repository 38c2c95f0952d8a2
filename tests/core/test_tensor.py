"""Tensors: what a symbol prints, and what it refuses to pretend."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from penstock.core.errors import OperatorNotAllowedInGraphError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder


@pytest.fixture
def symbol():
    with Graph().as_default():
        yield placeholder("float32", [None, 3], name="x")


def test_printing_a_symbolic_tensor_prints_a_symbol(symbol):
    assert str(symbol) == 'Tensor("x:0", shape=(None, 3), dtype=float32)'
    assert repr(symbol) == "<tf.Tensor 'x:0' shape=(None, 3) dtype=float32>"


def test_printing_an_eager_tensor_prints_its_value():
    assert str(constant([1, 2])) == "tf.Tensor([1 2], shape=(2,), dtype=int32)"
    assert repr(constant(3.0)) == "<tf.Tensor: shape=(), dtype=float32, numpy=3.0>"


def test_a_symbolic_tensor_is_no_python_bool(symbol):
    with pytest.raises(OperatorNotAllowedInGraphError, match=r"x:0.*bool.*tf.cond"):
        if symbol:
            pass


@pytest.mark.parametrize("use", [float, int, lambda t: [0, 1][t]])
def test_a_symbolic_tensor_is_no_python_number(symbol, use):
    with pytest.raises(TypeError, match="x:0"):
        use(symbol)


def test_a_symbolic_tensor_is_not_iterable_and_has_no_length(symbol):
    with pytest.raises(TypeError, match="not iterable"):
        list(symbol)
    with pytest.raises(TypeError, match="tf.shape"):
        len(symbol)


def test_a_symbolic_tensor_is_no_numpy_array(symbol):
    with pytest.raises(NotImplementedError, match="x:0"):
        np.sin(symbol)


def test_symbolic_tensors_are_dictionary_keys_by_identity(symbol):
    assert {symbol: 1}[symbol] == 1
    assert (symbol == symbol) is True


def test_set_shape_adds_what_the_caller_knows(symbol):
    symbol.set_shape([7, None])
    assert symbol.shape.as_list() == [7, 3]
    with pytest.raises(ValueError, match="x:0"):
        symbol.set_shape([8, 3])


def test_eager_tensors_are_unhashable_and_offer_a_reference():
    tensor = constant([1.0])
    with pytest.raises(TypeError, match="ref()"):
        hash(tensor)
    assert {tensor.ref(): 1}[tensor.ref()] == 1
    assert tensor.ref().deref() is tensor


def test_numpy_of_an_eager_tensor_is_the_callers_to_change():
    tensor = constant([1.0, 2.0])
    tensor.numpy()[0] = 9.0
    np.asarray(tensor)[0] = 9.0
    assert tensor.numpy().tolist() == [1.0, 2.0]


def test_a_constant_does_not_follow_the_array_it_was_made_from():
    source = np.array([1.0, 2.0])
    tensor = constant(source)
    source[0] = 9.0
    assert tensor.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("value", [1, 2.5, True, [1, 2], [[1.5]], "text", [b"a", b"b"]])
def test_eager_tensors_survive_pickling_and_copying(value):
    tensor = constant(value)
    for other in (pickle.loads(pickle.dumps(tensor)), copy.deepcopy(tensor)):
        assert other.dtype == tensor.dtype
        np.testing.assert_array_equal(other.numpy(), tensor.numpy())


def test_eager_scalars_convert_to_python():
    assert (float(constant(2.5)), int(constant(7)), bool(constant(True)), [10, 20][constant(1)]) == (2.5, 7, True, 20)
    assert not bool(constant([]))
    for vector in ([1.0, 2.0], [1.0]):
        with pytest.raises(TypeError, match="only scalar tensors"):
            float(constant(vector))
    with pytest.raises(TypeError, match="scalar"):
        iter(constant(1.0))
    with pytest.raises(ValueError, match="reduce_any"):
        bool(constant([True, False]))


def test_an_eager_tensor_is_formatted_as_its_value():
    assert f"{constant(1.5)} {constant(1.5):.2f} {constant([1, 2])}" == "1.5 1.50 [1 2]"
    assert repr(constant([[1], [2]])).endswith("numpy=\narray([[1],\n       [2]], dtype=int32)>")


def test_an_eager_tensor_refuses_what_belongs_to_graphs():
    with pytest.raises(NotImplementedError):
        constant(1.0).eval()
    with pytest.raises(NotImplementedError):
        constant(1.0).consumers()


def test_an_eager_tensor_has_no_name_or_graph():
    for attribute in ("name", "graph", "op"):
        with pytest.raises(AttributeError, match="eager"):
            getattr(constant(1.0), attribute)


def test_eval_needs_a_session(symbol):
    with pytest.raises(ValueError, match="no default session"):
        symbol.eval()
