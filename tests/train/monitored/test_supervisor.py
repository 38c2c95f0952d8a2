from __future__ import annotations

import os

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from tests.train.monitored import model

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def made():
    with Graph().as_default():
        yield model.make()


def test_a_supervised_session_is_ready_records_and_resumes(made, tmp_path):
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0, save_model_secs=0)
    with supervisor.managed_session() as session:
        for _ in range(4):
            session.run(made.train)
        supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
        supervisor.summary_computed(session, session.run(supervisor.summary_op))
        supervisor.request_stop()
        assert supervisor.should_stop()
    assert {"graph.pbtxt", "model.ckpt-4.index"} <= set(os.listdir(tmp_path))
    assert model.events(tmp_path) == [("session_log", 0, 1), ("summary", 4, ["loss_1"]), ("session_log", 0, 2)]
    with supervisor.managed_session() as session:
        assert int(session.run(made.step)) == 4


def test_threads_record_on_their_own(made, tmp_path):
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0.05, save_model_secs=0.05)
    with supervisor.managed_session() as session:
        for _ in range(200):
            session.run(made.train)
            if any(name.endswith(".index") for name in os.listdir(tmp_path)):
                break
            supervisor.coord.wait_for_stop(0.05)
    kinds = {(kind, str(detail)) for kind, _, detail in model.events(tmp_path)}
    assert {("summary", "['loss_1']"), ("summary", "['global_step/sec']"), ("session_log", "3")} <= kinds


def test_exceptions_pass_and_the_end_of_input_does_not(made):
    supervisor = tf.train.Supervisor()
    with pytest.raises(KeyError, match="mine"), supervisor.managed_session():
        raise KeyError("mine")
    with supervisor.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    with pytest.raises(RuntimeError, match="summary writer"):
        supervisor.summary_computed(None, b"")


def test_a_loop_calls_its_step_until_the_stop(made):
    supervisor, calls = tf.train.Supervisor(), []
    failures = [tf.errors.UnavailableError(None, None, "gone")]

    def step(session, number):
        calls.append(number)
        session.run(made.train)
        if failures:
            raise failures.pop()
        if len(calls) == 4:
            supervisor.request_stop()

    tf.train.basic_train_loop(supervisor, step, args=[5])
    assert calls == [5] * 4


def test_only_a_chief_records_and_places_variables(made, tmp_path):
    with pytest.raises(ValueError, match="must have their device set"):
        tf.train.Supervisor(is_chief=False)
    with Graph().as_default():
        with tf.device("/cpu:0"):
            tf.get_variable("v", initializer=1.0)
        worker = tf.train.Supervisor(is_chief=False, logdir=str(tmp_path))
    assert worker.summary_writer is None and worker.save_path is None
    with pytest.raises(RuntimeError, match="Only chief"):
        worker.start_standard_services(None)
