"""Gradients that users gave to their functions travel with saved models."""

from __future__ import annotations

import pytest

import penstock as tf
from penstock.core.context import eager_mode
from penstock.formats import protos


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)
    return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e)) * 10.0


def _gradient(function, x, *variables):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return [float(g) for g in tape.gradient(y, [x, *variables])]


@pytest.fixture
def module():
    made = tf.Module()
    made.f = tf.function(log1pexp, input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    return made


def test_a_gradient_comes_back_also_after_a_second_save(module, tmp_path):
    x = tf.constant(0.0)
    tf.saved_model.save(module, tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    tf.saved_model.save(loaded, tmp_path / "second")
    for found in (loaded, tf.saved_model.load(tmp_path / "second")):
        assert _gradient(found.f, x) == [5.0]
        signature = found.signatures["serving_default"]
        assert _gradient(lambda x, signature=signature: signature(x=x)["output_0"], x) == [5.0]


def test_a_gradient_of_variables(tmp_path):
    module = tf.Module()
    module.v = tf.Variable(2.0)

    @tf.custom_gradient
    def scaled(x):
        def gradient(upstream, variables=None):
            return upstream * 7.0, [upstream * x * 11.0]

        return x * module.v, gradient

    module.f = tf.function(scaled, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    assert _gradient(loaded.f, tf.constant(3.0), loaded.v) == [7.0, 33.0]


def test_a_gradient_that_is_not_saved_is_never_replaced_by_another(module, tmp_path):
    tf.saved_model.save(module, tmp_path, options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))
    loaded = tf.saved_model.load(tmp_path)
    assert float(loaded.f(tf.constant(0.0))) == pytest.approx(0.6931472)
    with pytest.raises(LookupError, match="No gradient is registered under the name 'CustomGradient-"):
        _gradient(loaded.f, tf.constant(0.0))


def test_the_library_names_the_gradient_and_what_it_needs(module, tmp_path):
    tf.saved_model.save(module, tmp_path)
    message = protos.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes()).meta_graphs[0]
    (registered,) = message.graph_def.library.registered_gradients
    (captured,) = [
        node.captured_tensor for node in message.object_graph_def.nodes if node.WhichOneof("kind") == "captured_tensor"
    ]
    assert captured.name == "Exp:0"
    bound = message.object_graph_def.concrete_functions[registered.gradient_func].bound_inputs
    assert len(bound) == 1
