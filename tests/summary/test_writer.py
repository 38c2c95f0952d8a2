"""TensorFlow 1's FileWriter."""

from __future__ import annotations

import errno
import glob
import os

import numpy as np
import pytest

from penstock.core import context, errors
from penstock.core.graph import Graph
from penstock.formats import protos, summary_values
from penstock.formats.events import read_events
from penstock.summary.writer import FileWriter, FileWriterCache


@pytest.fixture(autouse=True)
def default_graph():
    with Graph().as_default() as graph:
        yield graph


class _FakeGraph:
    """Has what a writer asks of a graph."""

    def as_graph_def(self, add_shapes=False):
        graph_def = protos.GraphDef()
        node = graph_def.node.add(name="loss", op="Const")
        if add_shapes:
            node.attr["_output_shapes"].list.shape.add()
        return graph_def


def _events(logdir):
    return [event for path in sorted(glob.glob(f"{logdir}/*")) for event in read_events(path)][1:]


def _scalar(tag, value, plugin=None):
    summary = protos.Summary(value=[summary_values.scalar(tag, value)])
    if plugin:
        summary.value[0].metadata.plugin_data.plugin_name = plugin
    return summary


def test_summaries_are_taken_as_messages_and_as_bytes(tmp_path):
    with FileWriter(tmp_path) as writer:
        writer.add_summary(_scalar("loss", 0.5), 1)
        writer.add_summary(_scalar("loss", 0.25).SerializeToString(), global_step=np.int64(2))
        writer.add_summary(_scalar("loss", 1.0))
    events = _events(tmp_path)
    assert [(event.step, event.summary.value[0].simple_value) for event in events] == [(1, 0.5), (2, 0.25), (0, 1.0)]
    assert all(event.wall_time > 1e9 for event in events)


def test_metadata_is_written_with_the_first_value_of_a_tag_only(tmp_path):
    summary = _scalar("loss", 0.5, plugin="scalars")
    with FileWriter(tmp_path) as writer:
        writer.add_summary(summary, 1)
        writer.add_summary(summary.SerializeToString(), 2)
        writer.add_summary(_scalar("other", 0.5, plugin="scalars"), 2)
    assert [event.summary.value[0].HasField("metadata") for event in _events(tmp_path)] == [True, False, True]
    assert summary.value[0].HasField("metadata")


@pytest.mark.parametrize(("summary", "error"), [(b"\xff\xff", ValueError), ("text", TypeError), (None, TypeError)])
def test_what_is_no_summary_is_refused(tmp_path, summary, error):
    with FileWriter(tmp_path) as writer, pytest.raises(error, match="Summary"):
        writer.add_summary(summary)


def test_a_graph_given_at_the_start_is_written_as_graph_and_meta_graph(tmp_path):
    FileWriter(tmp_path, _FakeGraph()).close()
    graph_event, meta_graph_event = _events(tmp_path)
    graph_def = protos.GraphDef.FromString(graph_event.graph_def)
    assert graph_def == _FakeGraph().as_graph_def(add_shapes=True)
    assert protos.MetaGraphDef.FromString(meta_graph_event.meta_graph_def).graph_def == graph_def


def test_graphs_are_added_later_too(tmp_path):
    with FileWriter(tmp_path) as writer:
        writer.add_graph(_FakeGraph(), global_step=3)
        with pytest.warns(DeprecationWarning, match="GraphDef"):
            writer.add_graph(_FakeGraph().as_graph_def())
        with pytest.raises(TypeError, match="must be an instance of Graph"):
            writer.add_graph("graph")
        with pytest.raises(ValueError, match="not both"):
            writer.add_graph(_FakeGraph(), graph_def=protos.GraphDef())
        with pytest.raises(ValueError, match="no graph"):
            writer.add_graph(None)
        with pytest.raises(TypeError, match="MetaGraphDef"):
            writer.add_meta_graph(protos.GraphDef())
    assert [event.step for event in _events(tmp_path)] == [3, 0]


def test_run_metadata_has_a_tag_of_its_own(tmp_path):
    run_metadata = protos.RunMetadata()
    run_metadata.step_stats.dev_stats.add(device="/cpu:0")
    with FileWriter(tmp_path) as writer:
        writer.add_run_metadata(run_metadata, "step1", 1)
        with pytest.raises(ValueError, match="'step1'"):
            writer.add_run_metadata(run_metadata, "step1", 2)
    (event,) = _events(tmp_path)
    assert event.tagged_run_metadata.tag == "step1"
    assert protos.RunMetadata.FromString(event.tagged_run_metadata.run_metadata) == run_metadata


def test_session_logs_and_events_are_written_as_they_are(tmp_path):
    with FileWriter(tmp_path) as writer:
        writer.add_session_log(protos.SessionLog(status=protos.SessionLog.START), 4)
        writer.add_event(protos.Event(wall_time=5.0, step=6))
    log_event, event = _events(tmp_path)
    assert (log_event.step, log_event.session_log.status) == (4, protos.SessionLog.START)
    assert event == protos.Event(wall_time=5.0, step=6)


def test_a_closed_writer_warns_and_a_reopened_one_has_a_new_file(tmp_path):
    writer = FileWriter(tmp_path, filename_suffix=".suffix")
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(_scalar("loss", 1.0))
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.flush()
    writer.reopen()
    writer.add_summary(_scalar("loss", 1.0))
    writer.flush()
    writer.close()
    assert len(os.listdir(tmp_path)) == 2
    assert all(name.endswith(".suffix") for name in os.listdir(tmp_path))
    assert writer.get_logdir() == str(tmp_path)


def test_an_unwritable_directory_is_tensorflows_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.FailedPreconditionError, match="Give a log directory"):
        FileWriter(tmp_path / "file")

    def denied(path, exist_ok):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "makedirs", denied)
    with pytest.raises(errors.PermissionDeniedError, match="denied/.*Permission denied"):
        FileWriter(tmp_path / "denied")


def test_eager_execution_is_refused(tmp_path):
    with context.eager_mode(), pytest.raises(RuntimeError, match="create_file_writer"):
        FileWriter(tmp_path)


def test_the_cache_has_one_writer_per_directory(tmp_path):
    writer = FileWriterCache.get(tmp_path / "a")
    assert FileWriterCache.get(str(tmp_path / "a")) is writer
    assert FileWriterCache.get(tmp_path / "b") is not writer
    FileWriterCache.clear()
    assert FileWriterCache.get(tmp_path / "a") is not writer
    FileWriterCache.clear()


@pytest.mark.needs_tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_every_kind_of_value(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run_metadata = protos.RunMetadata()
    run_metadata.step_stats.dev_stats.add(device="/cpu:0")
    with FileWriter(tmp_path, _FakeGraph()) as writer:
        for step in range(30):
            writer.add_summary(_scalar("loss", 1 / (step + 1)), step)
        values = [
            summary_values.histogram("weights", np.linspace(-1, 1, 100)),
            *summary_values.image("digits", np.random.default_rng(0).random((2, 8, 8, 1))),
            *summary_values.audio("tone", np.zeros((1, 100)), 8000, max_outputs=1),
            summary_values.text("note", "hello"),
        ]
        writer.add_summary(protos.Summary(value=values), 30)
        writer.add_run_metadata(run_metadata, "step30", 30)
    accumulator = event_accumulator.EventAccumulator(str(tmp_path), size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    assert tags["scalars"] == ["loss"]
    assert [event.step for event in accumulator.Scalars("loss")] == list(range(30))
    assert accumulator.Scalars("loss")[1].value == 0.5
    assert sorted(tags["images"]) == ["digits/image/0", "digits/image/1"]
    assert accumulator.Images("digits/image/0")[0].width == 8
    assert tags["histograms"] == ["weights"]
    assert accumulator.Histograms("weights")[0].histogram_value.num == 100
    assert tags["audio"] == ["tone/audio"]
    assert tags["tensors"] == ["note"]
    assert accumulator.Graph() == _FakeGraph().as_graph_def(add_shapes=True)
    assert tags["meta_graph"]
    assert accumulator.RunMetadata("step30").step_stats.dev_stats[0].device == "/cpu:0"


@pytest.mark.needs_tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_tells_runs_in_several_directories_apart(tmp_path):
    event_multiplexer = pytest.importorskip("tensorboard.backend.event_processing.event_multiplexer")
    for rate in ("0.1", "0.01"):
        with FileWriter(tmp_path / f"rate_{rate}") as writer:
            writer.add_summary(_scalar("loss", float(rate)), 1)
    multiplexer = event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    assert sorted(multiplexer.Runs()) == ["rate_0.01", "rate_0.1"]
    assert multiplexer.Scalars("rate_0.1", "loss")[0].value == pytest.approx(0.1)
