from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock.v2 as tf
from penstock.core import context
from penstock.formats.events import read_events
from penstock.formats.tensor_proto import from_tensor_proto
from penstock.summary import v2 as summary


@pytest.fixture(autouse=True)
def eager() -> Any:
    with context.eager_mode():
        yield


def values_of(folder: Path) -> list[tuple[str, int, Any, str]]:
    (path,) = folder.iterdir()
    return [
        (value.tag, event.step, from_tensor_proto(value.tensor), value.metadata.plugin_data.plugin_name)
        for event in read_events(path)
        for value in event.summary.value
    ]


def test_scalars_are_written_for_the_step_in_scope(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default(step=3), tf.name_scope("outer"):
        assert summary.scalar("loss", 1.5)
        summary.scalar("loss", 2.5, step=4)
    first, second = values_of(tmp_path)
    assert first == ("outer/loss", 3, np.float32(1.5), "scalars") and second[1:3] == (4, np.float32(2.5))


def test_nothing_is_written_without_a_writer_or_against_a_condition(tmp_path: Path) -> None:
    assert not summary.scalar("loss", 1.0)
    with summary.create_file_writer(str(tmp_path)).as_default(step=1), summary.record_if(False):
        assert not summary.scalar("loss", 1.0)
    assert values_of(tmp_path) == []


def test_a_writer_without_a_step_refuses(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default(), pytest.raises(ValueError, match="No step set"):
        summary.scalar("loss", 1.0)


def test_histograms_count_in_equal_buckets(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default(step=0):
        summary.histogram("h", [1.0, 2.0, 2.0, 5.0], buckets=2)
        summary.histogram("same", [2.0, 2.0], buckets=2)
        summary.histogram("none", [], buckets=2)
    found = [value[2].tolist() for value in values_of(tmp_path)]
    assert found == [[[1, 3, 3], [3, 5, 1]], [[1.5, 2.5, 0], [1.5, 2.5, 2]], [[0, 0, 0], [0, 0, 0]]]


def test_images_and_text(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default(step=0):
        summary.image("i", np.zeros((5, 2, 3, 1), np.float32), max_outputs=2)
        summary.text("t", "hello")
    image, text = values_of(tmp_path)
    assert image[2].tolist()[:2] == [b"3", b"2"] and len(image[2]) == 4 and image[2][2].startswith(b"\x89PNG")
    assert text[2] == b"hello" and text[3] == "text"


def test_functions_write_whenever_they_run(tmp_path: Path) -> None:
    @tf.function
    def step(x: Any) -> None:
        with summary.record_if(x > 1):
            summary.scalar("x", x)

    with summary.create_file_writer(str(tmp_path)).as_default(step=0):
        for number in (1.0, 2.0, 3.0):
            step(tf.constant(number))
    assert [float(value[2]) for value in values_of(tmp_path)] == [2.0, 3.0]


def test_a_trace_exports_the_graphs_of_functions(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default():
        summary.trace_on()
        tf.function(lambda x: x + 1)(tf.constant(1.0))
        summary.trace_export("trace", step=2)
        with pytest.raises(ValueError, match="trace"):
            summary.trace_export("again", step=2)
    ((tag, step, _, plugin),) = values_of(tmp_path)
    assert (tag, step, plugin) == ("trace", 2, "graph_run_metadata_graph")


def test_a_trace_takes_a_profile_where_it_is_told_where_to_write_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with context.eager_mode():
        summary.trace_on(profiler=True, profiler_outdir=str(tmp_path))
        tf.function(lambda x: x + 1.0)(tf.constant(1.0))
        summary.trace_off()
        assert len(list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))) == 1
        summary.trace_on(profiler=True)
        summary.trace_off()
    assert "no profile is taken" in caplog.text
