from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import array
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.ops.io.checkpoint import (
    merge_v2_checkpoints_op,
    parse_slice,
    restore_v2_op,
    save_v2_op,
    sharded_filename_op,
)
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(
        sharded_filename_op,
        [np.array(b"a/b", object), np.int32(1), np.int32(12)],
        np.array(b"a/b-00001-of-00012", object),
    )
]
COVERS = ["SaveV2", "RestoreV2", "MergeV2Checkpoints"]
A = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def restore(prefix: Any, name: str, dtype: str, part: str = "") -> np.ndarray:
    (tensor,) = restore_v2_op(str(prefix), [name], [part], dtypes=[dtype])
    return np.asarray(array.to_numpy(tensor.value))


def test_tensors_and_slices_come_back(tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    texts = np.array([b"one", b"two"], dtype=object)
    save_v2_op(prefix, ["a", "t", "p", "p"], ["", "", "4 3 0,2:-", "4 3 2,2:0,3"], [A, texts, A, A + 10])
    np.testing.assert_array_equal(restore(prefix, "a", "float32"), A)
    np.testing.assert_array_equal(restore(prefix, "t", "string"), texts)
    np.testing.assert_array_equal(restore(prefix, "p", "float32"), np.concatenate([A, A + 10]))
    np.testing.assert_array_equal(restore(prefix, "p", "float32", "4 3 1,2:0,2"), [[3.0, 4.0], [10.0, 11.0]])


@pytest.mark.parametrize(
    ("name", "dtype", "part", "error", "text"),
    [
        ("z", "float32", "", NotFoundError, "Key z not found in checkpoint"),
        ("a", "int32", "", InvalidArgumentError, "expected dtype int32 does not equal original dtype float32"),
        (
            "a",
            "float32",
            "9 3 0,1:-",
            InvalidArgumentError,
            r"spec \[9, 3\] does not match the shape stored in checkpoint: \[2, 3\]",
        ),
        ("a", "float32", "2 3 1,2:-", InvalidArgumentError, "cannot read the slice"),
        ("a", "float32", "nonsense", InvalidArgumentError, "cannot read the slice"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, name: str, dtype: str, part: str, error: type[Exception], text: str
) -> None:
    prefix = str(tmp_path / "model")
    save_v2_op(prefix, ["a"], [""], [A])
    with pytest.raises(error, match=text):
        restore(prefix, name, dtype, part)


def test_missing_and_damaged_files_have_the_errors_of_tensorflow(tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    with pytest.raises(NotFoundError, match="Failed to find any matching files"):
        restore(prefix, "a", "float32")
    save_v2_op(prefix, ["a"], [""], [A])
    (tmp_path / "model.data-00000-of-00001").write_bytes(b"x" * 24)
    with pytest.raises(DataLossError, match="checksum"):
        restore(prefix, "a", "float32")
    with pytest.raises(NotFoundError, match="No such file or directory"):
        save_v2_op(str(tmp_path / "no" / "such" / "model"), ["a"], [""], [A])


@pytest.mark.parametrize(
    ("names", "parts", "text"),
    [
        (["a", "a"], ["", ""], "two tensors are to be saved under the name 'a'"),
        (["a", "b"], [""], "there must be as many of each"),
        (["a", "a"], ["4 3 0,2:-", "5 3 2,2:-"], r"of tensors of shapes \[4, 3\] and \[5, 3\]"),
        (["a", "b"], ["4 3 0,1:-", ""], r"has shape \[1, 3\], its tensor \[2, 3\]"),
    ],
)
def test_inconsistent_arguments_are_refused(tmp_path: Path, names: list[str], parts: list[str], text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        save_v2_op(str(tmp_path / "model"), names, parts, [A, A])


def test_merge_joins_shards_and_removes_their_directory(tmp_path: Path) -> None:
    temporary = str(tmp_path / "model_temp" / "part")
    shards = [str(array.to_numpy(sharded_filename_op(temporary, i, 2).value), "utf-8") for i in range(2)]
    assert shards[1].endswith("part-00001-of-00002")
    save_v2_op(shards[0], ["a", "p"], ["", "4 3 0,2:-"], [A, A])
    save_v2_op(shards[1], ["b", "p"], ["", "4 3 2,2:-"], [A * 2, A + 10])
    prefix = str(tmp_path / "model")
    merge_v2_checkpoints_op(shards, prefix)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.data-00000-of-00002",
        "model.data-00001-of-00002",
        "model.index",
    ]
    np.testing.assert_array_equal(restore(prefix, "b", "float32"), A * 2)
    np.testing.assert_array_equal(restore(prefix, "p", "float32"), np.concatenate([A, A + 10]))


def test_merge_refuses_missing_parts_and_repeated_tensors(tmp_path: Path) -> None:
    first, second = str(tmp_path / "x" / "0"), str(tmp_path / "x" / "1")
    save_v2_op(first, ["a"], [""], [A])
    with pytest.raises(NotFoundError):
        merge_v2_checkpoints_op([first, second], str(tmp_path / "model"))
    save_v2_op(second, ["a"], [""], [A])
    with pytest.raises(DataLossError, match="in another checkpoint"):
        merge_v2_checkpoints_op([first, second], str(tmp_path / "model"))
    np.testing.assert_array_equal(restore(first, "a", "float32"), A)


def test_slices_are_read_as_written() -> None:
    assert parse_slice("") is None
    shape, part = parse_slice("5 3 3,2:-")
    assert (shape, part.starts, part.lengths) == ((5, 3), (3, 0), (2, 3))
