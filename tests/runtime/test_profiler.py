"""Profiles of functions and their kernels."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import penstock.v2 as tf
from penstock.core import context
from penstock.formats import protos
from penstock.runtime import profiler


@pytest.fixture(autouse=True)
def eager():
    with context.eager_mode():
        yield
    if profiler.running is not None:
        profiler.stop(save=False)


@tf.function
def total_of(n):
    total = 0.0
    for i in tf.range(n):
        total += tf.reduce_sum(tf.ones([4]) * tf.cast(i, tf.float32))
    return total


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(f"plugins/profile/*/{pattern}")
    return found


def profiled(folder: Path) -> None:
    with profiler.Profile(str(folder)), profiler.Trace("my step", step_num=3):
        assert float(total_of(tf.constant(4))) == 24.0


def test_a_profile_holds_blocks_functions_and_kernels_for_the_profile_plugin(tmp_path):
    profiled(tmp_path)
    space = protos.XSpace.FromString(only(tmp_path, "*.xplane.pb").read_bytes())
    (plane,) = space.planes
    (line,) = plane.lines
    names = [plane.event_metadata[event.metadata_id].name for event in line.events]
    assert names[0] == "my step" and names[1].startswith("__inference_total_of") and names.count("Cast") == 4
    stat = line.events[0].stats[0]
    assert (plane.stat_metadata[stat.metadata_id].name, stat.int64_value) == ("step_num", 3)
    ends = [event.offset_ps + event.duration_ps for event in line.events]
    assert ends[0] == max(ends) and line.events[0].offset_ps == 0


def test_a_profile_is_a_trace_for_browsers_too(tmp_path):
    profiled(tmp_path)
    with gzip.open(only(tmp_path, "*.trace.json.gz"), "rt") as file:
        events = json.load(file)["traceEvents"]
    step = next(event for event in events if event["name"] == "my step")
    kernels = [event for event in events if event["name"] == "Cast"]
    assert step["ph"] == "X" and step["args"] == {"step_num": "3"}
    assert all(step["ts"] <= event["ts"] <= step["ts"] + step["dur"] for event in kernels)


def test_functions_give_the_same_while_they_are_profiled(tmp_path):
    before = total_of(tf.constant(5))
    profiler.start(str(tmp_path))
    during = total_of(tf.constant(5))
    profiler.stop(save=False)
    assert float(before) == float(during) == float(total_of(tf.constant(5)))
    assert not list(tmp_path.iterdir())


def test_there_is_one_profile_at_a_time(tmp_path):
    with pytest.raises(tf.errors.UnavailableError, match="No profiler is running"):
        profiler.stop()
    profiler.start(str(tmp_path))
    with pytest.raises(tf.errors.AlreadyExistsError, match="Another profiler is running"):
        profiler.start(str(tmp_path))


def test_an_error_in_a_profiled_function_is_the_same_and_ends_the_profile(tmp_path):
    @tf.function
    def failing(x):
        return tf.debugging.check_numerics(x, "wrong")

    with pytest.raises(tf.errors.InvalidArgumentError, match="wrong"), profiler.Profile(str(tmp_path)):
        failing(tf.constant(float("nan")))
    assert profiler.running is None and only(tmp_path, "*.xplane.pb").exists()
