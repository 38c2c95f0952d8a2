"""The protocol buffer messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.formats import protos


@pytest.mark.parametrize("name", dir(protos))
def test_every_listed_name_exists(name):
    assert getattr(protos, name).__class__ is not None
    assert name == getattr(protos, name).DESCRIPTOR.name


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="GraphDeff"):
        _ = protos.GraphDeff


def test_example_is_on_the_wire_what_tensorflow_writes():
    example = protos.Example()
    example.features.feature["a"].int64_list.value.append(3)
    assert example.SerializeToString() == bytes.fromhex("0a0c0a0a0a016112051a030a0103")


def test_a_saved_model_holds_the_meta_graph_of_tensorboard():
    meta_graph = protos.MetaGraphDef()
    meta_graph.graph_def.node.add(name="a", op="NoOp")
    saved_model = protos.SavedModel(saved_model_schema_version=1, meta_graphs=[meta_graph])
    assert protos.SavedModel.FromString(saved_model.SerializeToString()).meta_graphs[0] == meta_graph


def test_a_slice_of_length_zero_is_told_from_one_of_all():
    extent = protos.TensorSliceProto().extent.add(length=0)
    assert extent.HasField("length")
    assert not protos.TensorSliceProto().extent.add(start=1).HasField("length")


def test_importing_neither_imports_tensorflow_nor_any_message():
    code = (
        "import sys; from penstock.formats import protos; names = set(sys.modules); "
        "assert 'tensorflow' not in names and 'torch' not in names, names; "
        "assert not any(n.startswith('tensorboard') for n in names); "
        "protos.SavedModel, protos.Event; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
