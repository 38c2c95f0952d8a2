from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as made:
        yield made


def test_what_is_missing_is_made_and_put_into_collections(graph):
    tf.get_variable("v", initializer=0.0)
    tf.summary.scalar("s", 1.0)
    scaffold = tf.train.Scaffold().finalize()
    assert graph.finalized
    assert (scaffold.init_op.name, scaffold.local_init_op.name) == ("group_deps", "group_deps_1")
    assert scaffold.ready_op.dtype == tf.string
    assert isinstance(scaffold.saver, tf.train.Saver) and scaffold.summary_op is not None
    assert graph.get_collection(tf.GraphKeys.INIT_OP) == [scaffold.init_op]
    assert tf.train.Scaffold().finalize().saver is scaffold.saver


def test_what_is_given_is_kept_and_copied():
    init = tf.no_op()
    first = tf.train.Scaffold(
        init_op=init, init_feed_dict={1: 2}, init_fn=lambda scaffold, session: (scaffold, session)
    )
    second = tf.train.Scaffold(copy_from_scaffold=first, local_init_feed_dict={3: 4})
    assert second.init_op is init and second.init_feed_dict == {1: 2} and second.local_init_feed_dict == {3: 4}
    assert second.init_fn("session") == (second, "session")
    with pytest.raises(TypeError, match="not a Scaffold"):
        tf.train.Scaffold(copy_from_scaffold=init)


def test_the_session_is_initialized_in_order():
    v = tf.get_variable("v", initializer=2.0)
    local = tf.get_variable("l", initializer=v.initialized_value() * 2.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    seen = []
    scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: seen.append(float(session.run(v))))
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)) as session:
        assert [float(value) for value in session.run([v, local])] == [2.0, 4.0]
    assert seen == [2.0]


def test_a_collection_with_several_items_is_refused():
    for _ in range(2):
        tf.add_to_collection(tf.GraphKeys.INIT_OP, tf.no_op())
    with pytest.raises(RuntimeError, match=r"More than one item.*tf.Scaffold\(init_op="):
        tf.train.Scaffold().finalize()
