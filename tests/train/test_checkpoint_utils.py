from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import DataLossError, NotFoundError
from penstock.core.graph import Graph
from penstock.formats.tensor_bundle import write_bundle
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.language.variables import global_variables_initializer
from penstock.runtime.session import Session
from penstock.train import checkpoint_utils
from penstock.train.checkpoint_management import update_checkpoint_state

CONTENTS = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "old/a": np.array([1.0, 2.0], np.float32),
    "old/b": np.array([3.0], np.float32),
    "step": np.array(7, np.int64),
    "table": np.arange(10, dtype=np.float32).reshape(5, 2),
}


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """Return the prefix of a checkpoint with `CONTENTS`, the latest of its directory."""
    path = str(tmp_path / "model-7")
    write_bundle(path, CONTENTS)
    update_checkpoint_state(tmp_path, path)
    return path


def test_reader_tells_what_a_checkpoint_has(prefix: str) -> None:
    for place in (prefix, str(Path(prefix).parent)):
        reader = checkpoint_utils.load_checkpoint(place)
        assert reader.get_variable_to_shape_map() == {name: list(value.shape) for name, value in CONTENTS.items()}
        assert reader.get_variable_to_dtype_map()["step"] == dtypes.int64
        assert reader.has_tensor("w") and not reader.has_tensor("z")
        np.testing.assert_array_equal(reader.get_tensor("w"), CONTENTS["w"])
        assert b"w (DT_FLOAT) [2,3]\n" in reader.debug_string()
    assert checkpoint_utils.list_variables(prefix)[-1] == ("w", [2, 3])
    assert checkpoint_utils.load_variable(prefix, "step:0") == 7


def test_missing_and_damaged_checkpoints_have_the_errors_of_tensorflow(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Failed to find any matching files for .*none"):
        checkpoint_utils.NewCheckpointReader(prefix + "none")
    with pytest.raises(NotFoundError, match="Key z not found in checkpoint"):
        checkpoint_utils.load_variable(prefix, "z")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        checkpoint_utils.load_checkpoint(empty)
    data = Path(prefix + ".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:3])
    with pytest.raises(DataLossError, match="truncated"):
        checkpoint_utils.load_variable(prefix, "w")
    Path(prefix + ".index").write_bytes(b"garbage" * 100)
    with pytest.raises(DataLossError, match="index"):
        checkpoint_utils.load_checkpoint(prefix)


@pytest.mark.parametrize("use_resource", [False, True])
def test_variables_start_from_a_checkpoint(prefix: str, use_resource: bool) -> None:
    with Graph().as_default():
        with variable_scope("new", use_resource=use_resource):
            a, b = get_variable("a", [2]), get_variable("b", [1])
        w = get_variable("w", [2, 3], use_resource=use_resource)
        other = get_variable("other", [2, 3], use_resource=use_resource)
        table = get_variable("t", [5, 2], use_resource=use_resource, partitioner=lambda shape, dtype=None: [2, 1])
        checkpoint_utils.init_from_checkpoint(prefix, {"old/": "new/", "w": w, "table": "t"})
        checkpoint_utils.init_from_checkpoint(Path(prefix).parent, [("w", other)])
        with Session() as session:
            session.run(global_variables_initializer())
            np.testing.assert_array_equal(session.run(a), CONTENTS["old/a"])
            np.testing.assert_array_equal(session.run(b), CONTENTS["old/b"])
            np.testing.assert_array_equal(session.run(w), CONTENTS["w"])
            np.testing.assert_array_equal(session.run(other), CONTENTS["w"])
            np.testing.assert_array_equal(session.run(table.as_tensor()), CONTENTS["table"])


def test_a_map_that_does_not_fit_is_refused(prefix: str) -> None:
    with Graph().as_default():
        v = get_variable("v", [4])
        with variable_scope("scope"):
            get_variable("c", [1])
        with pytest.raises(ValueError, match=r"Shape of variable v:0 .*4.* tensor w \(\[2, 3\]\)"):
            checkpoint_utils.init_from_checkpoint(prefix, {"w": v})
        with pytest.raises(ValueError, match="Tensor z is not found"):
            checkpoint_utils.init_from_checkpoint(prefix, {"z": v})
        with pytest.raises(ValueError, match="Tensor old/c .* is not found"):
            checkpoint_utils.init_from_checkpoint(prefix, {"old/": "scope/"})
        with pytest.raises(ValueError, match="Variable nobody is not among"):
            checkpoint_utils.init_from_checkpoint(prefix, {"w": "nobody"})
        with pytest.raises(ValueError, match="should map to scope only"):
            checkpoint_utils.init_from_checkpoint(prefix, {"old": "scope/"})
