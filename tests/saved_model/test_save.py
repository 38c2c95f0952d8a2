"""What `tf.saved_model.save` writes, `tf.saved_model.load` reads, and errors that say what to change."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.core.context import eager_mode
from penstock.formats import protos
from penstock.formats.tensor_bundle import BundleReader


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


class Model(tf.Module):
    def __init__(self, words):
        super().__init__()
        self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
        self.parts = [tf.Variable(0.5, name="b"), {"count": tf.Variable(0, trainable=False)}]
        self.pair = (tf.Variable(1.0), tf.Variable(2.0))
        initializer = tf.lookup.TextFileInitializer(
            str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(initializer, -1)
        self.ages = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [5, 6]), 0)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def __call__(self, x):
        return tf.matmul(x, self.w) + self.parts[0]

    @tf.function
    def find(self, words, shift=True, *, scale=2):
        found = self.table.lookup(words) * scale
        return {"found": found + 10 if shift else found, "nothing": None, "age": self.ages.lookup(words)}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def total(self, n):
        result = tf.constant(0.0)
        for i in tf.range(n):
            if i % 2 == 0:
                result += tf.cast(i, tf.float32) * self.parts[0]
        self.parts[1]["count"].assign_add(1)
        return result


@pytest.fixture
def model(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("red\ngreen\n")
    made = Model(words)
    made.find.get_concrete_function(tf.TensorSpec([None], tf.string))
    made.find.get_concrete_function(tf.TensorSpec([None], tf.string), False, scale=3)
    return made


@pytest.fixture
def loaded(model, tmp_path):
    tf.saved_model.save(model, tmp_path / "saved", signatures=model.__call__)
    os.remove(tmp_path / "words.txt")  # the model has its own
    return tf.saved_model.load(tmp_path / "saved")


def test_functions_variables_and_structures_come_back(model, loaded):
    x = tf.constant([[1.0, 1.0], [2.0, 0.0]])
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.w.name == "w:0" and loaded.parts[0].numpy() == 0.5
    assert not loaded.parts[1]["count"].trainable
    assert [v.numpy() for v in loaded.pair] == [1.0, 2.0] and isinstance(loaded.pair, tuple)


def test_tables_find_their_files_in_the_model(loaded):
    assert loaded.find(tf.constant(["green", "blue"]))["found"].numpy().tolist() == [12, 8]
    assert loaded.find(tf.constant(["a"]))["age"].numpy().tolist() == [5]


def test_python_arguments_choose_the_trace(loaded):
    assert loaded.find(["green"], False, scale=3)["found"].numpy().tolist() == [3]
    assert loaded.find(words=tf.constant(["red"]), shift=False, scale=3)["nothing"] is None
    with pytest.raises(
        ValueError, match="Could not find matching concrete function to call loaded from the SavedModel"
    ):
        loaded.find(tf.constant(["green"]), False)  # with scale=2
    with pytest.raises(ValueError, match=r"following 2 option\(s\)"):
        loaded.find(tf.constant([1]))


def test_control_flow_and_updates(loaded):
    assert loaded.total(5).numpy() == 3.0
    assert loaded.parts[1]["count"].numpy() == 1


def test_gradients_reach_the_variables(loaded):
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(loaded(tf.constant([[1.0, 2.0]]))) + loaded.total(5)
    w, b = tape.gradient(y, [loaded.w, loaded.parts[0]])
    assert w.numpy().tolist() == [[1.0, 1.0], [2.0, 2.0]] and b.numpy() == 2 + 6
    loaded.w.assign_sub(w)
    assert loaded(tf.constant([[1.0, 0.0]])).numpy().tolist() == [[0.5, 1.5]]


def test_restored_functions_work_within_functions(loaded):
    @tf.function
    def twice(x):
        return loaded(loaded(x))

    with tf.GradientTape() as tape:
        y = twice(tf.constant([[1.0, 0.0]]))
    assert y.numpy().tolist() == [[9.5, 13.5]]
    assert tape.gradient(y, loaded.parts[0]).numpy() == 1 + 1 + 3 + 7


def test_a_loaded_model_can_be_saved_again(loaded, tmp_path):
    loaded.parts[0].assign(1.5)
    tf.saved_model.save(loaded, tmp_path / "again", signatures=loaded.signatures)
    again = tf.saved_model.load(tmp_path / "again")
    x = tf.constant([[1.0, 1.0]])
    np.testing.assert_array_equal(again(x), loaded(x))
    assert again.find(["green"])["found"].numpy().tolist() == [12]
    np.testing.assert_array_equal(again.signatures["serving_default"](x)["output_0"], loaded(x))


def test_two_loads_share_nothing(model, tmp_path):
    tf.saved_model.save(model, tmp_path / "saved")
    first, second = (tf.saved_model.load(tmp_path / "saved") for _ in range(2))
    first.w.assign(tf.zeros([2, 2]))
    assert second.w.numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_the_only_function_is_the_default_signature(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: [x + x, x], input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    tf.saved_model.save(module, tmp_path)
    signature = tf.saved_model.load(tmp_path).signatures["serving_default"]
    assert {key: value.numpy() for key, value in signature(x=tf.constant(2.0)).items()} == {
        "output_0": 4.0,
        "output_1": 2.0,
    }
    assert signature.structured_input_signature == ((), {"x": tf.TensorSpec([], tf.float32, name="x")})


def test_the_signature_says_which_tensors_and_defaults(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x"), tf.TensorSpec([], tf.float32, name="y")])
    def scaled(x, y=tf.constant(2.0)):  # noqa: B008
        return {"scaled": x * y}

    module = tf.Module()
    module.scaled = scaled
    tf.saved_model.save(module, tmp_path, signatures={"scale": scaled})
    message = protos.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes()).meta_graphs[0]
    definition = message.signature_def["scale"]
    assert definition.method_name == "tensorflow/serving/predict"
    assert (definition.inputs["x"].name, definition.outputs["scaled"].name) == ("scale_x:0", "PartitionedCall:0")
    assert definition.inputs["x"].tensor_shape.dim[0].size == -1
    assert list(definition.defaults["y"].float_val) == [2.0]
    assert list(message.meta_info_def.tags) == ["serve"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({}, "missing a required argument: 'x'"), ({"x": 1.0, "y": 2.0}, "unexpected keyword argument 'y'")],
)
def test_wrong_arguments_of_a_signature(tmp_path, arguments, message):
    module = tf.Module()
    module.double = tf.function(lambda x: x + x, input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    tf.saved_model.save(module, tmp_path)
    signatures = tf.saved_model.load(tmp_path).signatures
    with pytest.raises(TypeError, match=message):
        signatures["serving_default"](**arguments)
    with pytest.raises(KeyError, match="serving_default"):
        signatures["other"]


def test_what_cannot_be_saved_says_why(tmp_path):
    with pytest.raises(ValueError, match="Expected an object of type `Trackable`"):
        tf.saved_model.save(object(), tmp_path)
    v = tf.Variable(1.0)
    module = tf.Module()
    module.f = tf.function(lambda x: x + v, input_signature=[tf.TensorSpec([], tf.float32)])
    with pytest.raises(KeyError, match="not reachable from root"):
        tf.saved_model.save(module, tmp_path)
    module.v = v
    with pytest.raises(ValueError, match="Expected a TensorFlow function"):
        tf.saved_model.save(module, tmp_path, signatures=lambda x: x)
    with pytest.raises(ValueError, match="has no input signature, and 0 traces"):
        tf.saved_model.save(module, tmp_path, signatures=tf.function(lambda x: x))
    text = tf.function(lambda x: {"a": {"b": x}}, input_signature=[tf.TensorSpec([], tf.float32)])
    with pytest.raises(ValueError, match="Got a non-Tensor value"):
        tf.saved_model.save(module, tmp_path, signatures=text)
    with tf.Graph().as_default(), pytest.raises(AssertionError, match="not supported when graph building"):
        tf.saved_model.save(module, tmp_path)
    assert not (tmp_path / "saved_model.pb").exists()


def test_a_missing_asset_is_named(tmp_path):
    module = tf.Module()
    module.file = tf.saved_model.Asset(str(tmp_path / "gone.txt"))
    with pytest.raises(tf.errors.NotFoundError, match="gone.txt"):
        tf.saved_model.save(module, tmp_path / "saved")


def test_assets_of_one_name_stay_apart(tmp_path):
    module = tf.Module()
    module.files = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file.txt").write_text(folder)
        module.files.append(tf.saved_model.Asset(str(tmp_path / folder / "file.txt")))
    tf.saved_model.save(module, tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    paths = [file.asset_path.numpy().decode() for file in loaded.files]
    assert [Path(path).read_text() for path in paths] == ["a", "b"]
    assert all(path.startswith(str(tmp_path / "saved" / "assets")) for path in paths)


def test_variables_are_saved_under_the_names_of_attributes(model, tmp_path):
    tf.saved_model.save(model, tmp_path / "saved")
    names = BundleReader(tmp_path / "saved" / "variables" / "variables").names()
    assert "parts/1/count/.ATTRIBUTES/VARIABLE_VALUE" in names and "w/.ATTRIBUTES/VARIABLE_VALUE" in names


def test_ragged_and_sparse_arguments(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32), tf.SparseTensorSpec([2, 3], tf.int32)])
    def both(ragged, sparse):
        return ragged * 2, tf.sparse.to_dense(sparse)

    module.both = both
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    doubled, dense = loaded.both(
        tf.ragged.constant([[1], [2, 3]], dtype=tf.int32), tf.sparse.from_dense(tf.constant([[0, 1, 0], [2, 0, 0]]))
    )
    assert doubled.to_list() == [[2], [4, 6]] and dense.numpy().tolist() == [[0, 1, 0], [2, 0, 0]]


def test_empty_containers_come_back_and_plain_values_do_not(tmp_path):
    module = tf.Module()
    module.nothing, module.nobody, module.names = [], {}, ["a"]
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    assert loaded.nothing == [] and loaded.nobody == {} and not hasattr(loaded, "names")


def test_aliases_and_tags(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec([], tf.float32)])
    options = tf.saved_model.SaveOptions(function_aliases={"plus": module.f}, extra_tags=["cpu"])
    tf.saved_model.save(module, tmp_path, options=options)
    options = tf.saved_model.LoadOptions(experimental_load_function_aliases=True)
    loaded = tf.saved_model.load(tmp_path, tags=["serve", "cpu"], options=options)
    assert loaded.function_aliases["plus"](1.0).numpy() == 2.0


def test_resources_of_ones_own(tmp_path):
    class Counter(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[], shared_name="counter")

        def _initialize(self):
            tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=tf.constant(5, tf.int64))

    module = tf.Module()
    module.counter = Counter()
    module.counter._initialize()

    @tf.function(input_signature=[])
    def read():
        return tf.raw_ops.ReadVariableOp(resource=module.counter.resource_handle, dtype=tf.int64)

    module.read = read
    tf.saved_model.save(module, tmp_path)
    assert tf.saved_model.load(tmp_path).read().numpy() == 5


def test_entries_of_tables_come_back(tmp_path):
    module = tf.Module()
    module.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    module.table.insert(["a", "b"], tf.constant([1, 2], tf.int64))
    module.dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, [0.0, 0.0], -1, -2)
    module.dense.insert(tf.constant([4], tf.int64), [[1.5, 2.5]])
    module.find = tf.function(module.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    module.vectors = tf.function(module.dense.lookup, input_signature=[tf.TensorSpec([None], tf.int64)])
    tf.saved_model.save(module, tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    tf.saved_model.save(loaded, tmp_path / "second")
    again = tf.saved_model.load(tmp_path / "second")
    for found in (loaded, again):
        assert found.find(["b", "c"]).numpy().tolist() == [2, -1]
        assert found.vectors([4, 5]).numpy().tolist() == [[1.5, 2.5], [0.0, 0.0]]


def test_arguments_of_functions_say_which_variables_they_are(tmp_path):
    module = tf.Module()
    module.v = tf.Variable([[1.0, 2.0]])

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def repeated(n):
        result = tf.zeros([1, 2])
        for _ in tf.range(n):
            result += module.v
        return result

    module.repeated = repeated
    tf.saved_model.save(module, tmp_path)
    library = protos.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def.library
    handles = [
        argument for function in library.function for argument in function.signature.input_arg if argument.type == 20
    ]
    assert len(handles) >= 3  # the function, its signature, and the body of the loop
    assert all([dim.size for dim in argument.handle_data[0].shape.dim] == [1, 2] for argument in handles)
