"""Checkpoints of objects: what is saved comes back, by names, also later, also in sessions."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.context import eager_mode
from penstock.core.graph import Graph
from penstock.formats.protos import TrackableObjectGraph


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


class Net(tf.Module):
    def __init__(self, value):
        super().__init__()
        self.w = tf.Variable(value, name="w")
        self.layers = [tf.Variable([value, value]), {"b": tf.Variable(3.0 * value)}]


def test_values_come_back(tmp_path):
    net = Net(2.0)
    path = tf.train.Checkpoint(net=net, step=tf.Variable(7)).save(tmp_path / "model")
    assert path.endswith("model-1")
    other, step = Net(0.0), tf.Variable(0)
    tf.train.Checkpoint(net=other, step=step).restore(path).assert_consumed().assert_nontrivial_match()
    assert other.w.numpy() == 2 and step.numpy() == 7
    assert other.layers[0].numpy().tolist() == [2.0, 2.0]
    assert other.layers[1]["b"].numpy() == 6


def test_keys_are_the_paths_of_attributes(tmp_path):
    path = tf.train.Checkpoint(net=Net(1.0), **{"a/b.c": tf.Variable(1.0)}).write(tmp_path / "model")
    assert [name for name, _ in tf.train.list_variables(path)] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "a.Sb..c/.ATTRIBUTES/VARIABLE_VALUE",
        "net/layers/0/.ATTRIBUTES/VARIABLE_VALUE",
        "net/layers/1/b/.ATTRIBUTES/VARIABLE_VALUE",
        "net/w/.ATTRIBUTES/VARIABLE_VALUE",
    ]
    message = TrackableObjectGraph.FromString(tf.train.load_variable(path, "_CHECKPOINTABLE_OBJECT_GRAPH"))
    assert [child.local_name for child in message.nodes[0].children] == ["a/b.c", "net"]


def test_objects_made_after_restoring_get_their_values(tmp_path):
    path = tf.train.Checkpoint(net=Net(2.0)).save(tmp_path / "model")
    late = tf.Module()
    status = tf.train.Checkpoint(net=late).restore(path)
    with pytest.raises(AssertionError, match="Unresolved object in checkpoint: net/w"):
        status.assert_consumed()
    late.w = tf.Variable(0.0)
    late.layers = [tf.Variable([0.0, 0.0]), {"b": tf.Variable(0.0)}]
    assert late.w.numpy() == 2 and late.layers[1]["b"].numpy() == 6
    status.assert_consumed()


def test_the_root_may_be_the_object_itself(tmp_path):
    path = tf.train.Checkpoint(Net(2.0)).write(tmp_path / "model")
    other, late = Net(0.0), tf.Module()
    tf.train.Checkpoint(other).read(path).assert_consumed()
    assert other.w.numpy() == 2
    tf.train.Checkpoint(late).read(path)
    late.w = tf.Variable(0.0)
    assert late.w.numpy() == 2


def test_slots_of_optimizers_are_restored_when_they_are_made(tmp_path):
    def step(optimizer, w):
        optimizer.minimize(lambda: w * w, var_list=[w])

    w, optimizer = tf.Variable(1.0), tf.compat.v1.train.AdamOptimizer(0.1)
    for _ in range(2):
        step(optimizer, w)
    path = tf.train.Checkpoint(w=w, optimizer=optimizer).save(tmp_path / "model")
    step(optimizer, w)
    again, other = tf.Variable(0.0), tf.compat.v1.train.AdamOptimizer(0.1)
    status = tf.train.Checkpoint(w=again, optimizer=other).restore(path)
    step(other, again)
    status.assert_consumed()
    np.testing.assert_allclose(again.numpy(), w.numpy(), rtol=1e-6)
    assert "w/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))


def test_missing_values_and_files_are_named(tmp_path):
    path = tf.train.Checkpoint(w=tf.Variable(1.0)).save(tmp_path / "model")
    more = tf.train.Checkpoint(w=tf.Variable(0.0), extra=tf.Variable(0.0, name="extra"))
    with pytest.raises(AssertionError, match="not bound to checkpointed values"):
        more.restore(path).assert_existing_objects_matched()
    with pytest.raises(tf.errors.NotFoundError, match="double-check that the path"):
        more.restore(str(tmp_path / "absent"))
    with pytest.raises(ValueError, match=r"incompatible tensor with shape \(\).*shape \(2,\) and name w"):
        tf.train.Checkpoint(w=tf.Variable([1.0, 2.0], name="w")).restore(path)
    with pytest.raises(AssertionError, match="No checkpoint specified"):
        more.restore(None).assert_consumed()
    with pytest.raises(ValueError, match="to be a trackable object"):
        tf.train.Checkpoint(w=3)


def test_state_of_python_objects_is_saved(tmp_path):
    class Position(tf.train.experimental.PythonState):
        value = "start"

        def serialize(self):
            return self.value

        def deserialize(self, string_value):
            self.value = string_value.decode()

    position = Position()
    checkpoint = tf.train.Checkpoint(position=position)
    position.value = "middle"
    path = checkpoint.save(tmp_path / "model")
    position.value = "end"
    checkpoint.restore(path).assert_consumed()
    assert position.value == "middle"


def test_the_manager_keeps_the_latest(tmp_path):
    w = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(w=w), tmp_path, max_to_keep=2)
    assert manager.latest_checkpoint is None and manager.restore_or_initialize() is None
    paths = []
    for value in range(3):
        w.assign(value)
        paths.append(manager.save())
    assert manager.checkpoints == paths[1:]
    assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path) == paths[2]
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    w.assign(9.0)
    again = tf.train.CheckpointManager(tf.train.Checkpoint(w=w), tmp_path, max_to_keep=2)
    assert [tf.io.gfile.exists(p + ".index") for p in again.checkpoints] == [True, True]
    assert again.restore_or_initialize() == paths[2] and w.numpy() == 2
    with pytest.raises(ValueError, match="positive integer"):
        tf.train.CheckpointManager(tf.train.Checkpoint(), tmp_path, max_to_keep=0)


def test_checkpoints_of_savers_are_read_by_name(tmp_path):
    import penstock.v1 as tf1

    with Graph().as_default(), tf1.Session() as session:
        tf1.Variable(4.0, name="w")
        session.run(tf1.global_variables_initializer())
        path = tf1.train.Saver().save(session, str(tmp_path / "model"))
    w = tf.Variable(0.0, name="w")
    tf.train.Checkpoint(v=w).restore(path)
    assert w.numpy() == 4


def test_sessions_save_and_restore(tmp_path):
    import penstock.v1 as tf1

    with Graph().as_default(), tf1.Session() as session:
        w = tf1.get_variable("w", initializer=5.0, use_resource=True)
        session.run(w.initializer)
        checkpoint = tf1.train.Checkpoint(w=w)
        path = checkpoint.save(str(tmp_path / "model"))
        session.run(w.assign(1.0))
        checkpoint.restore(path).assert_consumed().run_restore_ops()
        assert session.run(w) == 5
        fresh = tf1.get_variable("fresh", initializer=3.0, use_resource=True)
        tf1.train.Checkpoint(w=w, fresh=fresh).restore(path).initialize_or_restore()
        assert session.run([w, fresh]) == [5.0, 3.0]


def test_entries_of_tables_are_saved_with_objects(tmp_path):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a"], tf.constant([1], tf.int64))
    path = tf.train.Checkpoint(table=table).write(tmp_path / "model")
    assert ("table/.ATTRIBUTES/table-keys", [1]) in tf.train.list_variables(path)
    other = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    tf.train.Checkpoint(table=other).read(path).assert_consumed()
    assert other.lookup(["a", "b"]).numpy().tolist() == [1, -1]
    with Graph().as_default(), tf.compat.v1.Session() as session:
        third = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        tf.train.Checkpoint(table=third).read(path).run_restore_ops()
        assert session.run(third.lookup(tf.constant(["a"]))).tolist() == [1]
