"""The file that lists checkpoints."""

from __future__ import annotations

import os

import pytest

from penstock.formats import checkpoint_state
from penstock.formats.errors import CorruptDataError, UnwritablePathError


def test_the_text_is_tensorflows(tmp_path):
    checkpoint_state.write_checkpoint_state(
        tmp_path, "m-2", ["m-1"], all_model_checkpoint_timestamps=[1.5, 2.0], last_preserved_timestamp=3.0
    )
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "m-2"\nall_model_checkpoint_paths: "m-1"\nall_model_checkpoint_paths: "m-2"\n'
        "all_model_checkpoint_timestamps: 1.5\nall_model_checkpoint_timestamps: 2.0\nlast_preserved_timestamp: 3.0\n"
    )
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_relative_paths_are_read_relative_to_the_directory(tmp_path):
    checkpoint_state.write_checkpoint_state(tmp_path, "m-2", ["/elsewhere/m-1", "m-2"], latest_filename="latest")
    state = checkpoint_state.read_checkpoint_state(tmp_path, "latest")
    assert state.model_checkpoint_path == str(tmp_path / "m-2")
    assert list(state.all_model_checkpoint_paths) == ["/elsewhere/m-1", str(tmp_path / "m-2")]


def test_paths_are_rewritten_relative_to_a_relative_directory():
    state = checkpoint_state.make_checkpoint_state("logs", "logs/m-2", ["logs/m-1"])
    assert list(state.all_model_checkpoint_paths) == ["m-1", "m-2"]
    assert checkpoint_state.make_checkpoint_state("logs", "/x/m-2").model_checkpoint_path == "/x/m-2"


def test_absolute_paths_become_relative_on_request():
    state = checkpoint_state.make_checkpoint_state("/a/b", "/a/b/m-2", ["/a/c/m-1"], save_relative_paths=True)
    assert list(state.all_model_checkpoint_paths) == ["../c/m-1", "m-2"]
    assert checkpoint_state.make_checkpoint_state("/a/b", "/a/b/m-2").model_checkpoint_path == "/a/b/m-2"


def test_no_file_is_no_state(tmp_path):
    assert checkpoint_state.read_checkpoint_state(tmp_path) is None
    assert checkpoint_state.read_checkpoint_state(tmp_path / "missing") is None


@pytest.mark.parametrize("content", [b"model_checkpoint_path: ", b"\xff\xfe", b'nonsense: "x"', b""])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "checkpoint").write_bytes(content)
    with pytest.raises(CorruptDataError, match="checkpoint'"):
        checkpoint_state.read_checkpoint_state(tmp_path)


def test_misuse_is_refused(tmp_path):
    with pytest.raises(ValueError, match="rename it"):
        checkpoint_state.write_checkpoint_state(tmp_path, str(tmp_path / "checkpoint"))
    with pytest.raises(ValueError, match="2 timestamps for 1"):
        checkpoint_state.write_checkpoint_state(tmp_path, "m", all_model_checkpoint_timestamps=[1, 2])
    with pytest.raises(UnwritablePathError, match="missing"):
        checkpoint_state.write_checkpoint_state(tmp_path / "missing", "m")
