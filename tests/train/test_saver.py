from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import context, dtypes
from penstock.core.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError, OpError
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats import protos
from penstock.language.variable_scope import get_variable
from penstock.language.variables import VariableV1, global_variables, global_variables_initializer
from penstock.ops.constant import constant
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import square
from penstock.runtime.session import Session
from penstock.train import checkpoint_utils
from penstock.train.adam import AdamOptimizer
from penstock.train.checkpoint_management import get_checkpoint_state, latest_checkpoint
from penstock.train.global_step import create_global_step
from penstock.train.saver import BaseSaverBuilder, Saver
from tests.train.recordings import FOLDER, recorded

KINDS = pytest.mark.parametrize("use_resource", [False, True], ids=["ref", "resource"])


def fixed_size_partitioner(num_shards: int) -> Any:
    """Return a partitioner along axis 0."""
    return lambda shape, dtype=None: [num_shards] + [1] * (len(shape.as_list()) - 1)


def model(use_resource: bool) -> Any:
    """Build the model whose checkpoints TensorFlow wrote, and return its training step."""
    step = create_global_step()
    w = get_variable("w", initializer=constant(np.arange(6, dtype=np.float32).reshape(2, 3)), use_resource=use_resource)
    b = get_variable("b", initializer=constant(np.array([0.5, -0.5, 0.25], np.float32)), use_resource=use_resource)
    p = get_variable(
        "p",
        shape=[5, 2],
        initializer=lambda shape, dtype, partition_info=None: constant(1.0, dtype, shape),
        partitioner=fixed_size_partitioner(2),
        use_resource=use_resource,
    )
    scale = constant(np.arange(10, dtype=np.float32).reshape(5, 2))
    loss = reduce_sum(square(w + b)) + reduce_sum(square(p.as_tensor() * scale))
    return AdamOptimizer(0.1).minimize(loss, global_step=step)


def values(session: Session) -> dict[str, np.ndarray]:
    """Return the values of all global variables."""
    return {v.op.name: session.run(v) for v in global_variables()}


def assert_values(session: Session, expected: dict[str, Any], **tolerance: float) -> None:
    found = values(session)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, err_msg=name, **tolerance)


@KINDS
def test_checkpoint_of_tensorflow_is_restored_and_training_goes_on_as_there(use_resource: bool) -> None:
    name = "adam_resource" if use_resource else "adam_ref"
    expected = recorded(name)
    with Graph().as_default(), Session() as session:
        train_op = model(use_resource)
        Saver().restore(session, FOLDER / name)
        assert_values(session, expected["saved"], rtol=0, atol=0)
        session.run(train_op)
        assert_values(session, expected["after"], rtol=1e-5, atol=1e-6)


@KINDS
@pytest.mark.parametrize("sharded", [False, True])
def test_what_is_saved_is_restored_in_another_session(tmp_path: Path, use_resource: bool, sharded: bool) -> None:
    with Graph().as_default():
        train_op = model(use_resource)
        saver = Saver(sharded=sharded)
        with Session() as session:
            session.run(global_variables_initializer())
            session.run(train_op)
            before = values(session)
            prefix = saver.save(session, tmp_path / "model", global_step=1)
            assert prefix == str(tmp_path / "model-1")
        with Session() as session:
            saver.restore(session, prefix)
            assert_values(session, before, rtol=0, atol=0)
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "model-1.data-00000-of-00001",
        "model-1.index",
        "model-1.meta",
    ]
    shapes = dict(checkpoint_utils.list_variables(prefix))
    assert shapes["p"] == [5, 2] and shapes["p/Adam"] == [5, 2] and "p/part_0" not in shapes


def test_sharded_checkpoint_has_a_file_for_each_device(tmp_path: Path) -> None:
    with Graph().as_default() as graph:
        with graph.device("/job:ps/task:0"):
            VariableV1([1.0], name="a")
        with graph.device("/job:ps/task:1"):
            VariableV1([2.0], name="b")
        definition = Saver(sharded=True).as_saver_def()
        types = [op.type for op in graph.get_operations()]
    assert types.count("SaveV2") == 2 and types.count("RestoreV2") == 2 and types.count("MergeV2Checkpoints") == 1
    assert definition.sharded


def test_shards_of_several_devices_are_saved_and_restored(tmp_path: Path) -> None:
    with Graph().as_default() as graph, Session() as session:
        for number in range(3):
            with graph.device(f"/device:CPU:{number}"):
                VariableV1([float(number)], name=f"v{number}")
        session.run(global_variables_initializer())
        saver = Saver(sharded=True)
        prefix = saver.save(session, tmp_path / "model")
        assert sorted(path.name for path in tmp_path.glob("*.data*")) == [
            f"model.data-0000{i}-of-00003" for i in range(3)
        ]
        assert not (tmp_path / "model_temp").exists()
        session.run([v.assign([9.0]).op for v in global_variables()])
        saver.restore(session, prefix)
        assert_values(session, {f"v{number}": [float(number)] for number in range(3)})
        assert saver.save(session, tmp_path / "model") == prefix


@KINDS
def test_nodes_are_named_as_in_tensorflow(use_resource: bool) -> None:
    with Graph().as_default() as graph:
        get_variable("w", [2, 3], use_resource=use_resource)
        get_variable("b", [3], use_resource=use_resource)
        known = len(graph.get_operations())
        definition = Saver().as_saver_def()
        nodes = {op.name: op for op in graph.get_operations()[known:]}
    expected = {
        "save/filename/input": "Const",
        "save/filename": "PlaceholderWithDefault",
        "save/Const": "PlaceholderWithDefault",
        "save/SaveV2/tensor_names": "Const",
        "save/SaveV2/shape_and_slices": "Const",
        "save/SaveV2": "SaveV2",
        "save/control_dependency": "Identity",
        "save/RestoreV2/tensor_names": "Const",
        "save/RestoreV2/shape_and_slices": "Const",
        "save/RestoreV2": "RestoreV2",
        "save/restore_all": "NoOp",
    }
    if use_resource:
        expected |= {"save/Identity": "Identity", "save/Identity_1": "Identity"}
        expected |= {"save/AssignVariableOp": "AssignVariableOp", "save/AssignVariableOp_1": "AssignVariableOp"}
    else:
        expected |= {"save/Assign": "Assign", "save/Assign_1": "Assign"}
    assert {name: op.type for name, op in nodes.items()} == expected
    suffix = "/Read/ReadVariableOp:0" if use_resource else ":0"
    assert [t.name for t in nodes["save/SaveV2"].inputs[3:]] == ["b" + suffix, "w" + suffix]
    assert nodes["save/RestoreV2"].device == "/device:CPU:0"
    assert (definition.filename_tensor_name, definition.save_tensor_name, definition.restore_op_name) == (
        "save/Const:0",
        "save/control_dependency:0",
        "save/restore_all",
    )
    assert (definition.max_to_keep, definition.keep_checkpoint_every_n_hours, definition.version) == (5, 10000.0, 2)


def test_names_of_a_dict_are_those_in_the_checkpoint(tmp_path: Path) -> None:
    with Graph().as_default():
        a = VariableV1([1.0, 2.0], name="a")
        other = VariableV1([5.0, 6.0], name="other")
        with Session() as session:
            session.run(global_variables_initializer())
            prefix = Saver({"x": a}).save(session, tmp_path / "model")
            assert checkpoint_utils.list_variables(prefix) == [("x", [2])]
            Saver({"x": other}).restore(session, prefix)
            np.testing.assert_array_equal(session.run(other), [1.0, 2.0])


def test_old_checkpoints_are_deleted_in_turn(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([1.0], name="a")
        session.run(global_variables_initializer())
        saver = Saver(max_to_keep=2)
        for step in range(4):
            saver.save(session, tmp_path / "model", global_step=step)
        assert saver.last_checkpoints == [str(tmp_path / "model-2"), str(tmp_path / "model-3")]
        kept = {name.split(".")[0] for name in os.listdir(tmp_path)}
        assert kept == {"checkpoint", "model-2", "model-3"}
        state = get_checkpoint_state(tmp_path)
        assert state.model_checkpoint_path == str(tmp_path / "model-3")
        assert list(state.all_model_checkpoint_paths) == saver.last_checkpoints

        later = Saver(max_to_keep=2)
        later.recover_last_checkpoints([str(tmp_path / "model-1"), *state.all_model_checkpoint_paths])
        assert later.last_checkpoints == saver.last_checkpoints
        later.save(session, tmp_path / "model", global_step=4)
        assert not (tmp_path / "model-2.index").exists()


def test_one_checkpoint_of_every_so_many_hours_is_kept(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([1.0], name="a")
        session.run(global_variables_initializer())
        saver = Saver(max_to_keep=1, keep_checkpoint_every_n_hours=0.0)
        for step in range(3):
            saver.save(session, tmp_path / "model", global_step=step)
        assert {name.split(".")[0] for name in os.listdir(tmp_path)} == {"checkpoint", "model-0", "model-1", "model-2"}


def test_no_limit_keeps_all_checkpoints(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([1.0], name="a")
        session.run(global_variables_initializer())
        saver = Saver(max_to_keep=0, pad_step_number=True, save_relative_paths=True)
        for step in range(7):
            saver.save(session, tmp_path / "model", global_step=step)
        assert (tmp_path / "model-00000000.index").exists()
        assert 'model_checkpoint_path: "model-00000006"' in (tmp_path / "checkpoint").read_text()
        assert latest_checkpoint(tmp_path) == str(tmp_path / "model-00000006")


def test_reshape_restores_as_many_elements_of_another_shape(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([[1.0, 2.0], [3.0, 4.0]], name="a")
        session.run(global_variables_initializer())
        prefix = Saver().save(session, tmp_path / "model")
    with Graph().as_default(), Session() as session:
        a = VariableV1([0.0] * 4, name="a")
        Saver(reshape=True).restore(session, prefix)
        np.testing.assert_array_equal(session.run(a), [1.0, 2.0, 3.0, 4.0])


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """Return the prefix of a checkpoint with variables `a` of shape (3,) and `b` of shape (2,), float32."""
    with Graph().as_default(), Session() as session:
        VariableV1([1.0, 2.0, 3.0], name="a")
        VariableV1([4.0, 5.0], name="b")
        session.run(global_variables_initializer())
        return Saver().save(session, tmp_path / "model")


@KINDS
@pytest.mark.parametrize(
    ("initial", "error", "text"),
    [
        ({"a": [7.0] * 3, "b": [7.0] * 4}, InvalidArgumentError, r"b: lhs shape= \[4\] rhs shape= \[2\]"),
        ({"a": [7.0] * 3, "c": [7.0]}, NotFoundError, "Key c not found in checkpoint"),
        ({"a": [7.0] * 3, "b": [7, 7]}, InvalidArgumentError, "tensor_name = b; expected dtype int32"),
    ],
)
def test_checkpoint_that_does_not_fit_changes_no_variable(
    prefix: str, use_resource: bool, initial: dict[str, Any], error: type[OpError], text: str
) -> None:
    with Graph().as_default(), Session() as session:
        for name, value in initial.items():
            VariableV1(
                np.array(value, np.int32 if isinstance(value[0], int) else np.float32),
                name=name,
                use_resource=use_resource,
            )
        session.run(global_variables_initializer())
        with pytest.raises(error, match=text) as raised:
            Saver().restore(session, prefix)
        assert "Restoring from checkpoint failed" in str(raised.value)
        assert_values(session, initial)


def test_damaged_checkpoints_are_told_from_missing_ones(prefix: str) -> None:
    with Graph().as_default(), Session() as session:
        a = VariableV1([7.0] * 3, name="a")
        session.run(global_variables_initializer())
        saver = Saver()
        with pytest.raises(ValueError, match="not a valid checkpoint: .*none"):
            saver.restore(session, prefix + "none")
        with pytest.raises(ValueError, match="when it is None"):
            saver.restore(session, None)
        data = Path(prefix + ".data-00000-of-00001")
        whole = data.read_bytes()
        for damaged in (whole[:4], bytes([whole[0] ^ 1]) + whole[1:]):
            data.write_bytes(damaged)
            with pytest.raises(DataLossError, match="data-00000-of-00001"):
                saver.restore(session, prefix)
        data.unlink()
        with pytest.raises(NotFoundError):
            saver.restore(session, prefix)
        data.write_bytes(whole)
        Path(prefix + ".index").write_bytes(b"garbage" * 100)
        with pytest.raises(DataLossError, match="index"):
            saver.restore(session, prefix)
        np.testing.assert_array_equal(session.run(a), [7.0] * 3)


def test_a_save_that_fails_leaves_the_last_checkpoint_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Graph().as_default(), Session() as session:
        a = VariableV1([1.0], name="a")
        saver = Saver()
        with pytest.raises(FailedPreconditionError, match="uninitialized"):
            saver.save(session, tmp_path / "model")
        session.run(global_variables_initializer())
        prefix = saver.save(session, tmp_path / "model")
        session.run(a.assign([2.0]).op)

        def refuse(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("penstock.formats.tensor_bundle.table.write_table", refuse)
        with pytest.raises(OpError, match="No space left"):
            saver.save(session, tmp_path / "model")
        monkeypatch.undo()
        assert latest_checkpoint(tmp_path) == prefix
        saver.restore(session, prefix)
        assert session.run(a) == [1.0]
    assert not [name for name in os.listdir(tmp_path) if "tempstate" in name]


def test_invalid_paths_are_refused(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([1.0], name="a")
        session.run(global_variables_initializer())
        saver = Saver()
        with pytest.raises(ValueError, match="Parent directory of .*model doesn't exist"):
            saver.save(session, tmp_path / "no" / "such" / "model")
        with pytest.raises(ValueError, match="no path specified"):
            saver.save(session, "")
        with pytest.raises(ValueError, match="collides"):
            saver.save(session, tmp_path / "checkpoint")
        with pytest.raises(ValueError, match="path components"):
            saver.save(session, tmp_path / "model", latest_filename="a/b")
        with pytest.raises(TypeError, match="must be a Session"):
            saver.save(None, tmp_path / "model")


def test_what_cannot_be_saved_is_refused() -> None:
    with Graph().as_default():
        with pytest.raises(ValueError, match="No variables to save"):
            Saver()
        assert Saver(allow_empty=True).save(Session(), "unused", write_meta_graph=False) is None
        a = VariableV1([1.0], name="a")
        with pytest.raises(ValueError, match="At least two variables have the same name: a"):
            Saver([a, a])
        with pytest.raises(TypeError, match="not a Variable"):
            Saver([constant(1.0)])
        with pytest.raises(TypeError, match="Not a variable"):
            Saver({"x": 3})
        with pytest.raises(ValueError, match="restored with two names: y"):
            Saver({"x": a, "y": a})
        with pytest.raises(TypeError, match="passed in a dict or a list. Got 3"):
            Saver(3)
        with pytest.raises(ValueError, match="cannot be deferred"):
            Saver([a], defer_build=True)
        with pytest.raises(RuntimeError, match="build"):
            Saver(defer_build=True).save(Session(), "unused")


def test_saver_of_a_saver_def_uses_the_nodes_that_exist(prefix: str) -> None:
    with Graph().as_default() as graph, Session() as session:
        a, b = VariableV1([0.0] * 3, name="a"), VariableV1([0.0] * 2, name="b")
        first = Saver(name="keep", max_to_keep=3)
        count = len(graph.get_operations())
        again = Saver.from_proto(first.to_proto())
        assert len(graph.get_operations()) == count
        again.restore(session, prefix)
        np.testing.assert_array_equal(session.run(a), [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(session.run(b), [4.0, 5.0])
        scoped = first.to_proto(export_scope="keep")
        assert scoped.filename_tensor_name == "Const:0"
        assert Saver.from_proto(scoped, import_scope="keep").as_saver_def() == first.as_saver_def()
        assert first.to_proto(export_scope="other") is None


def test_saveable_objects_save_other_state(tmp_path: Path) -> None:
    class Doubled(BaseSaverBuilder.SaveableObject):
        def __init__(self, v: Any) -> None:
            super().__init__(v, [BaseSaverBuilder.SaveSpec(v.value() * 2.0, "", "doubled")], "doubled")

        def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
            return self.op.assign(restored_tensors[0] / 2.0).op

    with Graph().as_default() as graph, Session() as session:
        v = VariableV1([3.0], name="v")
        graph.add_to_collection(GraphKeys.SAVEABLE_OBJECTS, Doubled(VariableV1([1.5], name="u", collections=["mine"])))
        session.run(global_variables_initializer())
        session.run([op for op in graph.get_operations() if op.name == "u/Assign"])
        saver = Saver()
        prefix = saver.save(session, tmp_path / "model")
        assert checkpoint_utils.load_variable(prefix, "doubled") == [3.0]
        saver.restore(session, prefix)
        assert session.run("u:0" if v.dtype._is_ref_dtype else "u/Read/ReadVariableOp:0") == [1.5]


def test_meta_graph_is_written_beside_the_checkpoint(tmp_path: Path) -> None:
    with Graph().as_default(), Session() as session:
        VariableV1([1.0], name="a")
        session.run(global_variables_initializer())
        prefix = Saver().save(session, tmp_path / "model")
    message = protos.MetaGraphDef.FromString(Path(prefix + ".meta").read_bytes())
    assert message.saver_def.restore_op_name == "save/restore_all"
    assert {node.name for node in message.graph_def.node} >= {"a", "save/SaveV2"}
    assert len(message.collection_def["variables"].bytes_list.value) == 1


def test_eager_variables_are_saved_and_restored(tmp_path: Path) -> None:
    with context.eager_mode():
        a = VariableV1([1.0, 2.0], name="a")
        saver = Saver([a])
        prefix = saver.save(None, tmp_path / "model", global_step=3)
        a.assign([0.0, 0.0])
        saver.restore(None, prefix)
        np.testing.assert_array_equal(a.numpy(), [1.0, 2.0])
        assert checkpoint_utils.list_variables(prefix) == [("a", [2])]
        with pytest.raises(RuntimeError, match="var_list"):
            Saver()


def test_types_survive(tmp_path: Path) -> None:
    given = {
        "half": np.array([1.5], np.float16),
        "double": np.array([1.5]),
        "long": np.array([1 << 40]),
        "flag": np.array([True, False]),
        "complex": np.array([1 + 2j], np.complex64),
        "text": np.array([b"one", b"two"], object),
    }
    with Graph().as_default(), Session() as session:
        for name, value in given.items():
            VariableV1(value, name=name)
        VariableV1(np.array([1.0], np.float32), name="brain", dtype=dtypes.bfloat16)
        session.run(global_variables_initializer())
        saver = Saver()
        prefix = saver.save(session, tmp_path / "model")
        before = values(session)
    with Graph().as_default(), Session() as session:
        for name, value in given.items():
            VariableV1(np.zeros_like(value) if value.dtype != object else np.array([b"", b""], object), name=name)
        VariableV1(np.array([0.0], np.float32), name="brain", dtype=dtypes.bfloat16)
        Saver().restore(session, prefix)
        for name, value in values(session).items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
