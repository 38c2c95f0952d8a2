"""Graphs written by `Builder` and `simple_save`, and read by `loader.load`, with assets, tags and initializers."""

from __future__ import annotations

from pathlib import Path

import pytest

import penstock.v1 as tf
from penstock.formats import protos

DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def graphs():
    with tf.Graph().as_default():
        yield


def _table(path):
    initializer = tf.lookup.TextFileInitializer(
        str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    return tf.lookup.StaticHashTable(initializer, -1)


def _saved(tmp_path, **options):
    (tmp_path / "words.txt").write_text("red\ngreen\n")
    x = tf.placeholder(tf.float32, [None], name="x")
    words = tf.placeholder(tf.string, [None], name="words")
    y = tf.multiply(x, tf.get_variable("w", initializer=3.0), name="y")
    numbers = _table(tmp_path / "words.txt").lookup(words)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.Builder(tmp_path / "model")
        builder.add_meta_graph_and_variables(
            session,
            [tf.saved_model.tag_constants.SERVING],
            {"serve": tf.saved_model.predict_signature_def({"x": x, "words": words}, {"y": y, "numbers": numbers})},
            assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.tables_initializer(),
        )
        builder.save(**options)
    (tmp_path / "words.txt").unlink()
    return tmp_path / "model"


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("scope", [None, "inner"])
def test_a_graph_comes_back_with_variables_tables_and_assets(tmp_path, as_text, scope):
    path = _saved(tmp_path, as_text=as_text)
    assert (path / ("saved_model.pbtxt" if as_text else "saved_model.pb")).exists()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        message = tf.saved_model.loader.load(session, ["serve"], str(path), import_scope=scope)
        signature = message.signature_def["serve"]
        tensors = {
            name: tf.saved_model.get_tensor_from_tensor_info(info, graph, scope)
            for name, info in (*signature.inputs.items(), *signature.outputs.items())
        }
        feeds = {tensors["x"]: [2.0], tensors["words"]: ["green"]}
        assert [value.tolist() for value in session.run([tensors["y"], tensors["numbers"]], feeds)] == [[6.0], [1]]


def test_a_graph_of_tensorflow(tmp_path):
    with tf.Session() as session:
        tf.saved_model.load(session, ["serve"], str(DATA / "graph"))
        assert session.run("y:0", {"x:0": [[1.0, 2.0]]}).tolist() == [[5.0]]
        assert [v.name for v in tf.global_variables()] == ["w:0"]


def test_simple_save_writes_one_signature(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": x + 1.0})
        with pytest.raises(AssertionError, match="already exists, and isn't empty"):
            tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": x + 1.0})
    with tf.Graph().as_default(), tf.Session() as session:
        signature = tf.saved_model.load(session, ["serve"], tmp_path / "model").signature_def["serving_default"]
        assert signature.method_name == tf.saved_model.signature_constants.PREDICT_METHOD_NAME
        assert session.run(signature.outputs["y"].name, {"x:0": [1.0, 2.0]}).tolist() == [2.0, 3.0]


def test_the_order_of_calls_and_their_arguments(tmp_path):
    x = tf.placeholder(tf.float32, [], name="x")
    tf.get_variable("w", initializer=1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.builder.SavedModelBuilder(tmp_path / "model")
        with pytest.raises(AssertionError, match="has not been saved yet"):
            builder.add_meta_graph(["train"])
        unnamed = tf.saved_model.build_signature_def(inputs={"x": protos.TensorInfo()})
        with pytest.raises(AssertionError, match="must have one of the 'encoding' fields"):
            builder.add_meta_graph_and_variables(session, ["serve"], {"a": unnamed})
        signature = tf.saved_model.predict_signature_def({"x": x}, {"x": x})
        with pytest.raises(KeyError, match="reserved"):
            builder.add_meta_graph_and_variables(session, ["serve"], {"__saved_model_init_op": signature})
        with pytest.raises(TypeError, match="Expected 3 to be an Operation"):
            builder.add_meta_graph_and_variables(session, ["serve"], main_op=3)
        builder.add_meta_graph_and_variables(session, ["serve"])
        with pytest.raises(AssertionError, match="has already been saved"):
            builder.add_meta_graph_and_variables(session, ["serve"])
        with pytest.raises(ValueError, match="Invalid asset filepath tensor"):
            builder.add_meta_graph(["train"], assets_collection=[x])


def test_errors_of_loading(tmp_path):
    with tf.Session() as session:
        with pytest.raises(OSError, match="SavedModel file does not exist"):
            tf.saved_model.load(session, ["serve"], tmp_path)
        with pytest.raises(RuntimeError, match=r"tags 'a', 'b' could not be found .*'serve'"):
            tf.saved_model.load(session, ["a", "b"], DATA / "graph")
    assert tf.saved_model.loader.maybe_saved_model_directory(DATA / "graph")
    assert not tf.saved_model.maybe_saved_model_directory(tmp_path)


def test_main_ops(tmp_path):
    w = tf.get_variable("w", initializer=1.0)
    restored = tf.group(w.assign(5.0))
    with tf.Session() as session:
        session.run(tf.saved_model.main_op.main_op())
        assert session.run(w) == 1.0
        session.run(tf.saved_model.main_op_with_restore(restored))


def test_a_model_of_objects_serves_in_a_session(tmp_path):
    import penstock as tf2
    from penstock.core.context import eager_mode

    (tmp_path / "words.txt").write_text("red\ngreen\n")
    with eager_mode():
        module = tf2.Module()
        module.w = tf2.Variable(2.0)
        module.table = _table(tmp_path / "words.txt")
        signature = tf2.function(
            lambda words: module.table.lookup(words) + tf2.cast(module.w, tf2.int64),
            input_signature=[tf2.TensorSpec([None], tf2.string, name="words")],
        )
        tf2.saved_model.save(module, tmp_path / "model", signatures=signature)
    (tmp_path / "words.txt").unlink()
    with tf.Session() as session:
        message = tf.saved_model.load(session, ["serve"], tmp_path / "model").signature_def["serving_default"]
        found = session.run(message.outputs["output_0"].name, {message.inputs["words"].name: ["green", "blue"]})
    assert found.tolist() == [3, 1]
