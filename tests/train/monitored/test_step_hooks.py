from __future__ import annotations

import math

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from penstock.platform import logging
from tests.train.monitored import model

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def made():
    with Graph().as_default():
        yield model.make()


@pytest.fixture
def lines(monkeypatch):
    found: list[str] = []
    for level in ("info", "warning", "error"):
        monkeypatch.setattr(logging, level, lambda text, *args: found.append(text % args if args else text))
    return found


def run(made, hooks, steps=None, **arguments):
    """Return the number of steps taken."""
    taken = 0
    with tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop() and taken != steps:
            session.run(made.train, **arguments)
            taken += 1
    return taken


def test_steps_are_counted_from_the_beginning_or_to_a_global_step(made):
    assert run(made, [tf.train.StopAtStepHook(num_steps=4)]) == 4
    assert run(made, [tf.train.StopAtStepHook(last_step=3)]) == 3


@pytest.mark.parametrize("arguments", [{}, {"num_steps": 1, "last_step": 2}])
def test_one_stop_is_given(arguments):
    with pytest.raises(ValueError, match="last_step"):
        tf.train.StopAtStepHook(**arguments)


def test_a_hook_says_that_it_needs_a_global_step():
    with Graph().as_default(), pytest.raises(RuntimeError, match="Global step should be created to use StopAtStepHook"):
        tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(3)])


def test_nan_stops_or_fails(made, lines):
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
        run(made, [tf.train.NanTensorHook(made.loss)], feed_dict={made.x: math.nan})
    assert run(made, [tf.train.NanTensorHook(made.loss, False)], feed_dict={made.x: math.nan}) == 1
    assert run(made, [tf.train.NanTensorHook(made.loss)], steps=2) == 2
    assert lines.count("Model diverged with loss = NaN.") == 2


def test_values_are_logged_every_so_many_steps_and_at_the_end(made, lines):
    hook = tf.train.LoggingTensorHook({"loss": "loss", "step": made.step}, every_n_iter=2, at_end=True)
    run(made, [hook], steps=3)
    logged = [line.split(" (")[0] for line in lines if line.startswith("loss")]
    assert logged[0].startswith("loss = 4.0") and len(logged) == 3 and logged[2].endswith("step = 3")


def test_values_may_be_formatted(made, lines):
    tensors = [made.step, "loss"]
    hook = tf.train.LoggingTensorHook(tensors, at_end=True, formatter=lambda values: f"{values[made.step]} steps")
    run(made, [hook], steps=2)
    assert lines[-1] == "2 steps"


@pytest.mark.parametrize("arguments", [{}, {"every_n_iter": 0}, {"every_n_iter": 1, "every_n_secs": 1}])
def test_logging_has_one_interval(arguments):
    with pytest.raises(ValueError, match="every_n_iter"):
        tf.train.LoggingTensorHook(["loss"], **arguments)


def test_logging_refuses_tensors_of_other_graphs_and_ambiguous_names(made):
    with Graph().as_default():
        other = tf.constant(1)
    tf.split(tf.constant([1, 2]), 2, name="two")
    for item, message in ((other, "current graph"), ("two", "ambiguous")):
        hook = tf.train.LoggingTensorHook([item], every_n_iter=1)
        with pytest.raises(ValueError, match=message):
            hook.begin()


def test_final_operations_run_at_the_end(made, lines):
    final = tf.train.FinalOpsHook({"step": made.step}, {made.x: 1.0})
    run(made, [final], steps=2)
    assert final.final_ops_values == {"step": 2}

    def fail():
        raise StopIteration("no more")

    failing = tf.train.FinalOpsHook(tf.py_func(fail, [], tf.float32))
    run(made, [failing], steps=1)
    assert failing.final_ops_values is None and "no more" in lines[-1]


def test_a_waiting_hook_lets_steps_pass_once_others_have_counted(made, monkeypatch, lines):
    bump = tf.assign_add(made.step, 600)
    sessions = []

    class Keeps(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            sessions.append(session)

    monkeypatch.setattr("time.sleep", lambda seconds: sessions[0].run(bump))
    run(made, [Keeps(), tf.train.GlobalStepWaiterHook(2000)], steps=1)
    assert lines.count("Waiting for global step 2000 before starting training.") == 1
    assert [line for line in lines if "Current step is 1200" in line]
