from __future__ import annotations

import os
import threading

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from tests.train.monitored import model

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as made:
        yield made


class Recorder(tf.train.SessionRunHook):
    """Notes its calls, and asks for the global step."""

    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append("begin")

    def after_create_session(self, session, coord):
        self.calls.append("created")

    def before_run(self, run_context):
        self.calls.append("before")
        return tf.train.SessionRunArgs({"step": "global_step:0"})

    def after_run(self, run_context, run_values):
        self.calls.append(sorted(run_values.results))

    def end(self, session):
        self.calls.append("end")


def train_until(last_step, **arguments):
    """Return the losses of the steps up to a global step, and the names of the hooks' calls."""
    made, recorder, losses = model.make(), Recorder(), []
    hooks = [tf.train.StopAtStepHook(last_step=last_step), recorder]
    with tf.train.MonitoredTrainingSession(hooks=hooks, **arguments) as session:
        while not session.should_stop():
            losses.append(round(float(session.run([made.loss, made.train])[0]), 4))
    return losses, recorder.calls


def test_training_stops_at_its_step_and_resumes_from_its_checkpoint(tmp_path, graph):
    folder = str(tmp_path)
    often = {
        "checkpoint_dir": folder,
        "save_checkpoint_steps": 3,
        "save_summaries_steps": 2,
        "log_step_count_steps": 2,
    }
    losses, calls = train_until(7, **often)
    assert losses == [4.0, 2.56, 1.6384, 1.0486, 0.6711, 0.4295, 0.2749]
    assert calls == ["begin", "created", *["before", ["step"]] * 7, "end"]
    assert not graph.finalized
    indices = {name for name in os.listdir(folder) if name.endswith(".index")}
    assert indices == {f"model.ckpt-{step}.index" for step in (0, 3, 6, 7)}
    assert {"checkpoint", "graph.pbtxt", "model.ckpt-7.meta"} <= set(os.listdir(folder))

    with Graph().as_default():
        losses, _ = train_until(9, **often)
    assert losses == [0.1759, 0.1126]
    assert model.events(folder) == [
        ("session_log", 0, 3),
        ("session_log", 1, 1),
        ("summary", 1, ["loss_1"]),
        ("summary", 3, ["global_step/sec"]),
        ("summary", 3, ["loss_1"]),
        ("session_log", 3, 3),
        ("summary", 5, ["global_step/sec"]),
        ("summary", 5, ["loss_1"]),
        ("session_log", 6, 3),
        ("summary", 7, ["global_step/sec"]),
        ("summary", 7, ["loss_1"]),
        ("session_log", 7, 3),
        ("session_log", 7, 3),
        ("session_log", 8, 1),
        ("summary", 8, ["loss_1"]),
        ("session_log", 9, 3),
    ]


def test_no_step_is_taken_after_the_stop_and_none_in_a_closed_session():
    made = model.make()
    with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(num_steps=1)]) as session:
        session.run(made.train)
        assert session.should_stop()
        with pytest.raises(RuntimeError, match="after should_stop requested"):
            session.run(made.train)
    assert session.should_stop() and session.graph is None
    with pytest.raises(RuntimeError, match="closed session"):
        session.run(made.train)
    with pytest.raises(RuntimeError, match="already closed"):
        session.close()


def test_the_graph_is_finalized_while_the_session_is_open(graph):
    model.make()
    with tf.train.MonitoredSession(), pytest.raises(RuntimeError, match="finalized"):
        tf.constant(1)
    tf.constant(1)


def test_the_end_of_the_input_ends_the_session_quietly():
    element = tf.train.limit_epochs(tf.constant([1.0, 2.0, 3.0]), 2)
    batch = tf.train.batch([element], 2, enqueue_many=True, allow_smaller_final_batch=True)
    found = []
    with tf.train.MonitoredSession() as session:
        while not session.should_stop():
            found.append(session.run(batch).tolist())
    assert found == [[1, 2], [3, 1], [2, 3]]


def test_other_exceptions_pass_and_skip_the_end_of_hooks():
    model.make()
    recorder = Recorder()
    with pytest.raises(KeyError, match="mine"), tf.train.MonitoredSession(hooks=[recorder]):
        raise KeyError("mine")
    assert recorder.calls == ["begin", "created"]


def test_what_a_thread_raised_is_raised_at_the_end():
    model.make()
    coordinators = []

    class Fails(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            coordinators.append(coord)
            thread = threading.Thread(target=lambda: coord.request_stop(ValueError("in a thread")))
            coord.register_thread(thread)
            thread.start()

    with pytest.raises(ValueError, match="in a thread"), tf.train.MonitoredSession(hooks=[Fails()]) as session:
        coordinators[0].wait_for_stop()
        assert session.should_stop()


def test_a_step_function_may_skip_the_hooks_and_stop():
    made = model.make()
    found = []
    with tf.train.MonitoredSession(hooks=[tf.train.FeedFnHook(lambda: {made.x: 5.0})]) as session:

        def step(step_context):
            found.append(float(step_context.session.run(made.loss)))
            found.append(float(step_context.run_with_hooks(made.loss)))
            return 7

        assert session.run_step_fn(step) == 7
        with pytest.raises(ValueError, match="step_context"):
            session.run_step_fn(lambda wrong: wrong)
        session.run_step_fn(lambda step_context: step_context.request_stop())
        found.append("not reached")
    assert found == [4.0, 16.0]


def test_one_tensor_is_not_fed_twice():
    made = model.make()
    feeds = tf.train.FeedFnHook(lambda: {made.x: 2.0})
    with tf.train.MonitoredSession(hooks=[feeds]) as session, pytest.raises(RuntimeError, match="hook|Hook"):
        session.run(made.loss, {made.x: 1.0})
    with tf.train.MonitoredSession(hooks=[feeds, feeds]) as session, pytest.raises(RuntimeError, match="two hooks"):
        session.run(made.loss)


def test_hooks_may_ask_for_traces():
    made = model.make()
    seen = []

    class Traces(tf.train.SessionRunHook):
        def before_run(self, run_context):
            assert run_context.original_args.fetches is made.loss
            return tf.train.SessionRunArgs(None, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE))

        def after_run(self, run_context, run_values):
            assert run_values.results is None
            seen.append(len(run_values.run_metadata.step_stats.dev_stats))

    with tf.train.MonitoredSession(hooks=[Traces()]) as session:
        session.run(made.loss)
    assert seen[0] >= 1


def test_a_failure_of_another_process_makes_a_new_session(tmp_path):
    made = model.make()
    failures = [tf.errors.AbortedError(None, None, "restarted"), tf.errors.UnavailableError(None, None, "gone")]
    recorder = Recorder()

    class Fails(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            if failures:
                raise failures.pop()

    arguments = {"checkpoint_dir": str(tmp_path), "save_checkpoint_steps": 1, "hooks": [Fails(), recorder]}
    with tf.train.MonitoredTrainingSession(**arguments) as session:
        session.run(made.train)
        assert int(session.run(made.step)) >= 1
    assert recorder.calls.count("created") == 3
    with pytest.raises(tf.errors.AbortedError), tf.train.SingularMonitoredSession() as session:
        raise tf.errors.AbortedError(None, None, "restarted")


def test_a_singular_session_restores_and_shows_its_session(tmp_path):
    with Graph().as_default():
        made = model.make()
        with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), save_checkpoint_steps=1) as session:
            session.run(made.train)
    made = model.make()
    with tf.train.SingularMonitoredSession(checkpoint_dir=str(tmp_path)) as session:
        assert int(session.raw_session().run(made.step)) == 1
    assert session.raw_session() is None


def test_a_worker_gives_up_when_nobody_initializes_the_model():
    model.make()
    creator = tf.train.WorkerSessionCreator(max_wait_secs=0)
    with pytest.raises(tf.errors.DeadlineExceededError, match=r"not ready.*global_step"):
        creator.create_session()
