"""Signatures name the tensors of graphs, and are checked for what Serving's methods need."""

from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.core.context import eager_mode


@pytest.fixture(autouse=True)
def graphs():
    with tf.Graph().as_default():
        yield


@pytest.fixture
def x():
    return tf.placeholder(tf.float32, [None, 2], name="x")


@pytest.fixture
def s():
    return tf.placeholder(tf.string, [None], name="s")


def test_tensors_and_sparse_tensors_have_infos(x):
    info = tf.saved_model.utils.build_tensor_info(x)
    assert (info.name, info.dtype, [dim.size for dim in info.tensor_shape.dim]) == ("x:0", 1, [-1, 2])
    assert tf.saved_model.get_tensor_from_tensor_info(info) is x
    sparse = tf.sparse_placeholder(tf.float32, name="sparse")
    info = tf.saved_model.build_tensor_info(sparse)
    assert info.coo_sparse.values_tensor_name == sparse.values.name
    assert tf.saved_model.get_tensor_from_tensor_info(info).indices is sparse.indices
    with eager_mode(), pytest.raises(RuntimeError, match="not supported in Eager mode"):
        tf.saved_model.build_tensor_info(tf.constant(1.0))


def test_signatures_are_valid_for_their_methods(x, s):
    utils = tf.saved_model.signature_def_utils
    assert utils.is_valid_signature(utils.predict_signature_def({"x": x}, {"y": x}))
    assert utils.is_valid_signature(utils.regression_signature_def(s, x))
    assert utils.is_valid_signature(utils.classification_signature_def(s, s, x))
    assert utils.is_valid_signature(utils.classification_signature_def(s, None, x))
    assert not utils.is_valid_signature(utils.build_signature_def())
    info = tf.saved_model.build_tensor_info(x)
    assert not utils.is_valid_signature(utils.build_signature_def({"x": info}, {"y": info}, "other"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x, s: tf.saved_model.predict_signature_def({}, {"y": x}), "`inputs` cannot be None or empty"),
        (lambda x, s: tf.saved_model.predict_signature_def({"x": x}, None), "`outputs` cannot be None or empty"),
        (lambda x, s: tf.saved_model.classification_signature_def(x, s, x), "input tensors must be of type string"),
        (lambda x, s: tf.saved_model.classification_signature_def(s, x, x), "classes must be of type string"),
        (lambda x, s: tf.saved_model.classification_signature_def(s, s, s), "scores must be a float"),
        (lambda x, s: tf.saved_model.classification_signature_def(s, None, None), "cannot both be None"),
        (lambda x, s: tf.saved_model.classification_signature_def(None, s, x), "`examples` cannot be None"),
        (lambda x, s: tf.saved_model.regression_signature_def(x, x), "input tensors must be of type string"),
        (lambda x, s: tf.saved_model.regression_signature_def(s, s), "output tensors must be of type float"),
        (lambda x, s: tf.saved_model.regression_signature_def(s, None), "`predictions` cannot be None"),
    ],
)
def test_what_methods_do_not_take(x, s, build, message):
    with pytest.raises(ValueError, match=message):
        build(x, s)


def test_method_names_are_replaced(x, tmp_path):
    with tf.Session() as session:
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": x})
    updater = tf.saved_model.signature_def_utils.MethodNameUpdater(tmp_path / "model")
    with pytest.raises(ValueError, match="does not have a signature_def 'other'"):
        updater.replace_method_name("other", "classify")
    updater.replace_method_name("serving_default", "classify", tags="serve")
    updater.save()
    with tf.Graph().as_default(), tf.Session() as session:
        message = tf.saved_model.load(session, ["serve"], tmp_path / "model")
    assert message.signature_def["serving_default"].method_name == "classify"
