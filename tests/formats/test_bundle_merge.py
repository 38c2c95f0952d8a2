from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from penstock.formats.bundle_merge import merge_bundles
from penstock.formats.errors import CorruptDataError, UnwritablePathError
from penstock.formats.tensor_bundle import BundleReader, SlicedTensor, TensorSlice, write_bundle

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def write_parts(directory: Path) -> list[str]:
    """Write two checkpoints with a tensor each, and half of a third tensor each."""
    prefixes = [str(directory / f"part-{i}") for i in range(2)]
    for i, prefix in enumerate(prefixes):
        half = (TensorSlice((2 * i, 0), (2, 3)), A + 10 * i)
        write_bundle(prefix, {f"whole{i}": A * i}, slices={"halves": SlicedTensor((4, 3), (half,))})
    return prefixes


def test_parts_become_shards_of_one_checkpoint(tmp_path: Path) -> None:
    prefixes = write_parts(tmp_path / "temp")
    merge_bundles(prefixes, str(tmp_path / "all"))
    reader = BundleReader(tmp_path / "all")
    assert reader.num_shards == 2
    assert reader.names() == ["halves", "whole0", "whole1"]
    np.testing.assert_array_equal(reader.get("whole1"), A)
    np.testing.assert_array_equal(reader.get("halves"), np.concatenate([A, A + 10]))
    assert not (tmp_path / "temp").exists()


def test_a_directory_with_other_files_is_kept(tmp_path: Path) -> None:
    prefixes = write_parts(tmp_path / "temp")
    (tmp_path / "temp" / "mine").write_text("")
    merge_bundles(prefixes, str(tmp_path / "all"))
    assert [path.name for path in (tmp_path / "temp").iterdir()] == ["mine"]


def test_missing_parts_are_passed_over_only_on_request(tmp_path: Path) -> None:
    prefixes = write_parts(tmp_path / "temp")
    with pytest.raises(FileNotFoundError):
        merge_bundles([*prefixes, str(tmp_path / "none")], str(tmp_path / "all"))
    assert BundleReader(prefixes[0]).names() == ["halves", "whole0"]
    merge_bundles([*prefixes, str(tmp_path / "none")], str(tmp_path / "all"), allow_missing=True)
    assert "whole1" in BundleReader(tmp_path / "all")
    with pytest.raises(FileNotFoundError, match="none of the checkpoints"):
        merge_bundles([str(tmp_path / "none")], str(tmp_path / "other"), allow_missing=True)


def test_a_tensor_in_two_parts_is_refused_and_nothing_moved(tmp_path: Path) -> None:
    for name in ("x", "y"):
        write_bundle(tmp_path / name, {"a": A})
    with pytest.raises(CorruptDataError, match="in another checkpoint"):
        merge_bundles([str(tmp_path / "x"), str(tmp_path / "y")], str(tmp_path / "all"))
    np.testing.assert_array_equal(BundleReader(tmp_path / "x").get("a"), A)


def test_an_unwritable_destination_is_told(tmp_path: Path) -> None:
    prefixes = write_parts(tmp_path / "temp")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritablePathError, match="cannot write"):
        merge_bundles(prefixes, str(tmp_path / "file" / "all"))


def test_an_older_checkpoint_is_readable_until_the_new_one_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_bundles(write_parts(tmp_path / "temp"), str(tmp_path / "all"))
    prefixes = write_parts(tmp_path / "temp")
    replace = os.replace

    def refuse_the_index(source: str, target: str) -> None:
        if target.endswith("all.index"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse_the_index)
        with pytest.raises(UnwritablePathError, match="No space left"):
            merge_bundles(prefixes, str(tmp_path / "all"))
    np.testing.assert_array_equal(BundleReader(tmp_path / "all").get("whole1"), A)

    write_bundle(tmp_path / "new" / "part", {"fresh": A})
    merge_bundles([str(tmp_path / "new" / "part")], str(tmp_path / "all"))
    assert BundleReader(tmp_path / "all").names() == ["fresh"]
    assert len(list(tmp_path.glob("all.data-*"))) == 1
