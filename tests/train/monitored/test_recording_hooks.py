from __future__ import annotations

import json
import os

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from penstock.summary.writer import FileWriterCache
from tests.train.monitored import model

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def made():
    with Graph().as_default():
        yield model.make()
    FileWriterCache.clear()


def run(made, hooks, steps):
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for _ in range(steps):
            session.run(made.train)
            if session.should_stop():
                break


def test_listeners_are_told_of_checkpoints_and_may_stop(made, tmp_path):
    calls = []

    class Listener(tf.train.CheckpointSaverListener):
        def begin(self):
            calls.append("begin")

        def before_save(self, session, global_step_value):
            calls.append(("before", global_step_value))

        def after_save(self, session, global_step_value):
            calls.append(("after", global_step_value))
            return global_step_value >= 2

        def end(self, session, global_step_value):
            calls.append(("end", global_step_value))

    saver = tf.train.Saver()
    hook = tf.train.CheckpointSaverHook(
        str(tmp_path),
        save_steps=2,
        saver=saver,
        checkpoint_basename="mine",
        listeners=[Listener()],
        save_graph_def=False,
    )
    run(made, [hook], 10)
    assert calls == ["begin", *[(what, step) for step in (0, 2) for what in ("before", "after")], ("end", 2)]
    assert sorted(name for name in os.listdir(tmp_path) if name.endswith((".index", "meta", "pbtxt"))) == [
        "mine-0.index",
        "mine-2.index",
    ]


def test_a_checkpoint_needs_one_saver(made, tmp_path):
    with pytest.raises(ValueError, match="both saver and scaffold"):
        tf.train.CheckpointSaverHook(str(tmp_path), 1, saver=1, scaffold=2)
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver())
    hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1)
    run(made, [hook], 1)
    assert (tmp_path / "model.ckpt-1.index").exists()
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver())
    with pytest.raises(RuntimeError, match="saver"):
        tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1)._find_saver()


def test_summaries_come_from_a_scaffold_or_an_operation(made, tmp_path):
    for arguments in ({}, {"scaffold": tf.train.Scaffold(), "summary_op": made.loss}):
        with pytest.raises(ValueError, match="Exactly one of scaffold or summary_op"):
            tf.train.SummarySaverHook(1, **arguments)
    merged = tf.summary.merge_all()
    run(made, [tf.train.SummarySaverHook(3, output_dir=str(tmp_path), summary_op=[merged])], 5)
    assert model.events(tmp_path) == [
        ("session_log", 1, 1),
        ("summary", 1, ["loss_1"]),
        ("summary", 4, ["loss_1"]),
    ]


def test_speed_is_recorded(made, tmp_path):
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        run(made, [tf.train.StepCounterHook(every_n_steps=2, summary_writer=writer)], 6)
    assert model.events(tmp_path) == [("summary", step, ["global_step/sec"]) for step in (3, 5)]
    with pytest.raises(ValueError, match="exactly one"):
        tf.train.StepCounterHook(every_n_steps=1, every_n_secs=1)


def test_a_traced_step_is_written_for_perfetto(made, tmp_path):
    run(made, [tf.train.ProfilerHook(save_steps=2, output_dir=str(tmp_path), show_memory=True)], 4)
    names = sorted(name for name in os.listdir(tmp_path) if name.startswith("timeline"))
    assert names == ["timeline-2.json", "timeline-4.json"]
    assert json.loads((tmp_path / names[0]).read_text())["traceEvents"]
