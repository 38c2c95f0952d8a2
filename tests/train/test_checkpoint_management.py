from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from penstock.formats.tensor_bundle import write_bundle
from penstock.train import checkpoint_management as management


def test_state_names_the_latest_of_all_checkpoints(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"model-{step}") for step in range(2)]
    for path in paths:
        write_bundle(path, {"a": np.ones(2)})
    management.update_checkpoint_state(tmp_path, paths[1], paths, all_model_checkpoint_timestamps=[1.0, 2.0])
    state = management.get_checkpoint_state(tmp_path)
    assert state.model_checkpoint_path == paths[1]
    assert list(state.all_model_checkpoint_paths) == paths
    assert list(state.all_model_checkpoint_timestamps) == [1.0, 2.0]
    assert management.latest_checkpoint(tmp_path) == paths[1]
    assert management.latest_checkpoint(tmp_path, "other") is None


def test_a_checkpoint_without_files_is_not_the_latest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    management.update_checkpoint_state(tmp_path, str(tmp_path / "gone"))
    assert management.latest_checkpoint(tmp_path) is None
    assert "gone" in caplog.text


def test_an_unreadable_state_is_none_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "checkpoint").write_text("nonsense {{{")
    assert management.get_checkpoint_state(tmp_path) is None
    assert "cannot read" in caplog.text
    assert management.get_checkpoint_state(tmp_path / "missing") is None
    assert management.get_checkpoint_state(None) is None


def test_the_state_may_not_overwrite_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="rename it"):
        management.update_checkpoint_state(tmp_path, str(tmp_path / "checkpoint"))


def test_generated_state_adds_the_latest_to_all(tmp_path: Path) -> None:
    state = management.generate_checkpoint_state_proto(str(tmp_path), str(tmp_path / "b"), [str(tmp_path / "a")])
    assert list(state.all_model_checkpoint_paths) == [str(tmp_path / "a"), str(tmp_path / "b")]
    with pytest.raises(ValueError, match="timestamps"):
        management.generate_checkpoint_state_proto("x", "x/a", ["x/a"], [1.0, 2.0])


def test_checkpoints_are_found_timed_and_removed(tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    write_bundle(prefix, {"a": np.ones(2)})
    (tmp_path / "model.meta").write_bytes(b"")
    os.utime(prefix + ".index", (1000.0, 1000.0))
    assert management.checkpoint_exists(prefix)
    assert not management.checkpoint_exists(prefix + "x")
    assert management.get_checkpoint_mtimes([prefix, prefix + "x"]) == [1000.0]
    management.remove_checkpoint(prefix)
    assert os.listdir(tmp_path) == []


def test_iterator_yields_each_new_checkpoint_and_ends_when_none_comes(tmp_path: Path) -> None:
    calls = []
    iterator = management.checkpoints_iterator(
        tmp_path, timeout=0, timeout_fn=lambda: bool(calls.append(1)) or len(calls) > 1
    )
    for step in range(2):
        write_bundle(tmp_path / f"model-{step}", {"a": np.ones(2)})
        management.update_checkpoint_state(tmp_path, str(tmp_path / f"model-{step}"))
        assert next(iterator) == str(tmp_path / f"model-{step}")
    assert list(iterator) == []
    assert len(calls) == 2
    assert list(management.checkpoints_iterator(tmp_path / "none", timeout=0)) == []
