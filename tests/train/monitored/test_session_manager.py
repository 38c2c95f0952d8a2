from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from tests.train.monitored import model

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def made():
    with Graph().as_default():
        yield model.make()


def manager(**arguments):
    return tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(), recovery_wait_secs=0, **arguments)


def test_a_session_is_initialized_where_there_is_no_checkpoint(made, tmp_path):
    saver, prepare = tf.train.Saver(), manager()
    init = tf.global_variables_initializer()
    with prepare.prepare_session("", init_op=init, saver=saver, checkpoint_dir=str(tmp_path)) as session:
        session.run(made.train)
        saver.save(session, str(tmp_path / "m"), global_step=made.step)
    with prepare.prepare_session("", init_op=init, saver=saver, checkpoint_dir=str(tmp_path)) as session:
        assert int(session.run(made.step)) == 1
    path = str(tmp_path / "m-1")
    with prepare.prepare_session("", saver=saver, checkpoint_filename_with_path=path) as session:
        assert int(session.run(made.step)) == 1
    with pytest.raises(ValueError, match="both checkpoint_dir and"):
        prepare.prepare_session("", saver=saver, checkpoint_dir="d", checkpoint_filename_with_path=path)


def test_a_model_that_nothing_initializes_is_refused():
    with pytest.raises(RuntimeError, match="no init_op or init_fn or local_init_op"):
        manager().prepare_session("")
    with pytest.raises(RuntimeError, match=r"did not make model ready.*not initialized: global_step, w"):
        manager().prepare_session("", init_op=tf.no_op())


def test_local_initialization_waits_for_the_model():
    local = manager(local_init_op=tf.no_op(), ready_for_local_init_op=tf.report_uninitialized_variables())
    with pytest.raises(RuntimeError, match="ready for local_init"):
        local.prepare_session("", init_op=tf.no_op())
    with pytest.raises(ValueError, match="must also pass a local_init_op"):
        manager(ready_for_local_init_op=tf.no_op())


def test_recovering_says_whether_there_was_a_checkpoint(made, tmp_path):
    saver, recover = tf.train.Saver(), manager()
    session, is_restored = recover.recover_session("", saver=saver, checkpoint_dir=str(tmp_path))
    assert not is_restored
    session.run(tf.global_variables_initializer())
    saver.save(session, str(tmp_path / "m"))
    session, is_restored = recover.recover_session("", saver=saver, checkpoint_dir=str(tmp_path))
    assert is_restored and float(session.run(made.loss)) == 4.0


def test_waiting_ends():
    with pytest.raises(tf.errors.DeadlineExceededError, match="not initialized"):
        manager().wait_for_session("", max_wait_secs=-1)
    ready = tf.train.SessionManager(ready_op=tf.constant([], tf.string))
    ready.wait_for_session("").close()
