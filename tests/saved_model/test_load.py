"""SavedModels that TensorFlow wrote, and folders that are damaged or incomplete."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock.core.context import eager_mode
from penstock.formats import protos

DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(DATA / "objects", tmp_path / "model")
    return tmp_path / "model"


def test_a_model_of_tensorflow_computes_trains_and_is_saved_again(tmp_path):
    loaded = tf.saved_model.load(DATA / "objects")
    x = tf.constant([[1.0, 1.0]])
    assert loaded(x).numpy().tolist() == [[4.5, 6.5]]
    assert loaded.signatures["serving_default"](x=x)["output_0"].numpy().tolist() == [[4.5, 6.5]]
    assert loaded.find(["green", "blue"]).numpy().tolist() == [11, 9]
    assert loaded.find(["green"], False).numpy().tolist() == [1]
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(loaded(x))
    assert tape.gradient(y, loaded.w).numpy().tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert loaded.tensorflow_version == "2.21.0"
    tf.saved_model.save(loaded, tmp_path)
    again = tf.saved_model.load(tmp_path)
    np.testing.assert_array_equal(again(x), loaded(x))
    assert again.find(["green"]).numpy().tolist() == [11]


def test_a_model_of_tensorflow_in_a_session():
    with tf.Graph().as_default(), v1.Session() as session:
        signature = v1.saved_model.load(session, ["serve"], str(DATA / "objects")).signature_def["serving_default"]
        fetched = session.run(signature.outputs["output_0"].name, {signature.inputs["x"].name: [[1.0, 1.0]]})
    assert fetched.tolist() == [[4.5, 6.5]]


def test_tags(copy):
    assert tf.saved_model.load(copy, tags="serve").w is not None
    with pytest.raises(ValueError, match=r"one MetaGraph with tags \['serve'\]"):
        tf.saved_model.load(copy, tags=["train"])


def test_no_model(tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist at: .*none"):
        tf.saved_model.load(tmp_path / "none")
    assert not tf.saved_model.contains_saved_model(tmp_path)
    assert tf.saved_model.contains_saved_model(str(DATA / "graph"))


def test_an_interrupted_writer_leaves_no_model(copy):
    (copy / "saved_model.pb").unlink()
    with pytest.raises(OSError, match="whoever wrote it was interrupted"):
        tf.saved_model.load(copy)


@pytest.mark.parametrize("size", [0, 10, 3000])
def test_a_truncated_message(copy, size):
    data = (copy / "saved_model.pb").read_bytes()
    (copy / "saved_model.pb").write_bytes(data[:size])
    with pytest.raises(OSError, match=r"Cannot parse file .*saved_model\.pb"):
        tf.saved_model.load(copy)


def test_truncated_variables(copy):
    data = copy / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:10])
    with pytest.raises(tf.errors.DataLossError, match="truncated"):
        tf.saved_model.load(copy)


def test_missing_variables(copy):
    shutil.rmtree(copy / "variables")
    with pytest.raises(tf.errors.NotFoundError, match="has no variables"):
        tf.saved_model.load(copy)
    options = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
    assert tf.saved_model.load(copy, options=options).w.shape == [2, 2]


def _change(folder, change):
    message = protos.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    change(message.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())


def test_unknown_operations_are_named_together(copy):
    def change(meta_graph):
        for function in meta_graph.graph_def.library.function:
            for node in function.node_def:
                if node.op in ("MatMul", "LookupTableFindV2"):
                    node.op = f"Foreign{node.op}"

    _change(copy, change)
    with pytest.raises(tf.errors.NotFoundError, match="ForeignLookupTableFindV2, ForeignMatMul"):
        tf.saved_model.load(copy)


def test_objects_that_refer_to_nothing(copy):
    def change(meta_graph):
        meta_graph.object_graph_def.nodes[0].children[0].node_id = 9999

    _change(copy, change)
    with pytest.raises(OSError, match="damaged.*objects that do not exist"):
        tf.saved_model.load(copy)


def test_functions_that_are_not_there(copy):
    _change(copy, lambda meta_graph: meta_graph.graph_def.library.ClearField("function"))
    with pytest.raises(OSError, match="library lacks"):
        tf.saved_model.load(copy)


def test_assets_outside_the_folder_are_refused(copy):
    def change(meta_graph):
        meta_graph.asset_file_def[0].filename = "../../secret"

    _change(copy, change)
    with pytest.raises(OSError, match="outside the folder"):
        tf.saved_model.load(copy)


def test_a_variable_without_a_value(copy):
    def change(meta_graph):
        for child in meta_graph.object_graph_def.nodes[0].children:
            if child.local_name == "w":
                child.local_name = "renamed"

    _change(copy, change)
    with pytest.raises(tf.errors.NotFoundError, match="1 variables .* have no values in its checkpoint: w:0"):
        tf.saved_model.load(copy)
    options = tf.saved_model.LoadOptions(allow_partial_checkpoint=True)
    assert tf.saved_model.load(copy, options=options).parts[0].numpy() == 0.5


def test_no_loading_within_a_graph():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r"tf\.compat\.v1\.saved_model\.load"):
        tf.saved_model.load(DATA / "objects")
