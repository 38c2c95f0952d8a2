"""Summaries of TensorFlow 1, from the graph through a session and an event file to TensorBoard's reader."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from penstock.core import context
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats import protos
from penstock.ops.constant import constant, placeholder
from penstock.ops.summary.summary import tensor_summary_op
from penstock.runtime.session import Session
from penstock.summary import v1 as summary
from penstock.summary.writer import FileWriter


def values_of(graph: Graph, tensor: Any, feeds: Any = None) -> list[Any]:
    with Session(graph=graph) as session:
        return list(protos.Summary.FromString(session.run(tensor, feeds)).value)


@pytest.mark.needs_tensorboard
def test_tensorboard_reads_what_a_session_wrote(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Graph().as_default() as graph:
        loss = placeholder(np.float32, [])
        summary.scalar("loss", loss)
        summary.histogram("weights", constant(np.arange(6.0).reshape(2, 3)) * 1.0)
        summary.image("digits", np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4, 1))
        summary.audio("tone", np.zeros((1, 100, 1), np.float32), 8000.0, max_outputs=1)
        summary.text("note", constant("hello"))
        merged = summary.merge_all()
        with Session(graph=graph) as session, FileWriter(str(tmp_path), graph) as writer:
            for step in range(3):
                writer.add_summary(session.run(merged, {loss: 1.0 / (step + 1)}), step)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    scalars = events.Scalars("loss")
    assert [event.step for event in scalars] == [0, 1, 2]
    assert [event.value for event in scalars] == pytest.approx([1.0, 0.5, 1 / 3])
    histogram = events.Histograms("weights")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (0.0, 5.0, 6.0, 15.0)
    tags = events.Tags()
    assert tags["images"] == ["digits/image/0", "digits/image/1"]
    assert tags["audio"] == ["tone/audio"]
    assert tags["tensors"] == ["note"]
    picture = Image.open(io.BytesIO(events.Images("digits/image/0")[0].encoded_image_string))
    assert picture.size == (4, 4)
    assert events.Tensors("note")[0].tensor_proto.string_val[0] == b"hello"
    assert events.summary_metadata["note"].plugin_data.plugin_name == "text"
    assert {node.name for node in protos.GraphDef.FromString(events.Graph().SerializeToString()).node} >= {
        "loss",
        "weights",
        "digits",
    }


def test_names_of_nodes_and_tags_are_tensorflow_s() -> None:
    # Recorded from TensorFlow 2.21 for the same calls.
    with Graph().as_default() as graph:
        summary.scalar("a b", 1.5)
        summary.histogram("h", np.arange(5.0))
        summary.image("i", np.zeros((2, 3, 3, 1), np.float32))
        summary.text("t", constant(["x", "y"]))
        summary.audio("au", np.zeros((1, 8, 1), np.float32), 44100.0, family="f")
        merged = summary.merge_all()
        assert [operation.name for operation in graph.get_operations()] == [
            "a_b/tags",
            "a_b/values",
            "a_b",
            "h/tag",
            "h/values",
            "h",
            "i/tag",
            "i/tensor",
            "i",
            "Const",
            "t/tag",
            "t/serialized_summary_metadata",
            "t",
            "f/au/sample_rate",
            "f/au/tag",
            "f/au/tensor",
            "f/au",
            "Merge/MergeSummary",
        ]
        assert [(value.tag, value.WhichOneof("value")) for value in values_of(graph, merged)] == [
            ("a_b", "simple_value"),
            ("h", "histo"),
            ("i/image/0", "image"),
            ("i/image/1", "image"),
            ("t", "tensor"),
            ("f/f/au/audio/0", "audio"),
        ]


def test_tag_is_made_unique_by_scopes_and_repetition() -> None:
    with Graph().as_default() as graph:
        first = summary.scalar("loss", 1.0)
        second = summary.scalar("loss", 1.0)
        with graph.name_scope("train"):
            scoped = summary.scalar("loss", 1.0)
        with graph.name_scope("train"):
            family = summary.scalar("loss", 1.0, family="all")
        tags = [values_of(graph, each)[0].tag for each in (first, second, scoped, family)]
        assert tags == ["loss", "loss_1", "train/loss", "all/train_1/all/loss"]


def test_collections_take_the_summary_in_place_of_the_default_one() -> None:
    with Graph().as_default() as graph:
        kept = summary.scalar("a", 1.0, collections=["mine"])
        plain = summary.scalar("b", 1.0)
        assert graph.get_collection("mine") == [kept]
        assert graph.get_collection(GraphKeys.SUMMARIES) == [plain]
        merged = summary.merge([kept, plain], collections=["mine"])
        assert graph.get_collection("mine") == [kept, merged]


def test_merge_all_takes_a_scope_and_returns_none_without_summaries() -> None:
    with Graph().as_default() as graph:
        assert summary.merge_all() is None
        summary.scalar("a", 1.0)
        with graph.name_scope("train"):
            summary.scalar("b", 1.0)
        assert [value.tag for value in values_of(graph, summary.merge_all(scope="train"))] == ["train/b"]
        assert summary.merge_all(key="other") is None


def test_tensor_summary_carries_its_metadata() -> None:
    with Graph().as_default() as graph:
        metadata = protos.SummaryMetadata()
        metadata.plugin_data.plugin_name = "mine"
        tensor = summary.tensor_summary("t", np.arange(3), "what it is", summary_metadata=metadata, display_name="T")
        value = values_of(graph, tensor)[0]
        assert value.metadata.plugin_data.plugin_name == "mine"
        assert (value.metadata.display_name, value.metadata.summary_description) == ("T", "what it is")
        assert metadata.display_name == ""


def test_text_refuses_numbers() -> None:
    with (
        Graph().as_default(),
        pytest.raises(ValueError, match="Expected tensor note to have dtype string, got float32"),
    ):
        summary.text("note", constant(1.0))


def test_description_is_read_from_a_tensor_summary_node() -> None:
    with Graph().as_default() as graph:
        tensor_summary_op(np.arange(3), description='{"typeHint": "numbers"}', name="t")
        summary.scalar("s", 1.0)
        description = summary.get_summary_description(graph.get_operation_by_name("t").node_def)
        assert description.type_hint == "numbers"
        with pytest.raises(ValueError, match="Can't get_summary_description on ScalarSummary"):
            summary.get_summary_description(graph.get_operation_by_name("s").node_def)


def test_merging_is_refused_when_executing_eagerly() -> None:
    with context.eager_mode():
        for merge in (summary.merge_all, lambda: summary.merge([])):
            with pytest.raises(RuntimeError, match="eager execution"):
                merge()


def test_initialize_says_that_there_is_no_writer() -> None:
    with Graph().as_default(), pytest.raises(RuntimeError, match="No default tf.contrib.summary.SummaryWriter found"):
        summary.initialize()
