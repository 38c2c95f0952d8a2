"""Files, compressed data, tensors as bytes, and comma-separated values."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import pytest

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.ops.io import files as f
from penstock.testing.op_case import OpCase, normal

COVERS = ("ReadFile", "WriteFile", "MatchingFiles", "ParseTensor", "DecodeCSV")


def _texts(*values):
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


CASES = [
    OpCase(
        f.decode_compressed_op,
        [_texts(zlib.compress(b"abc"), zlib.compress(b""))],
        _texts(b"abc", b""),
        {"compression_type": "ZLIB"},
    ),
    OpCase(f.serialize_tensor_op, [np.array([1], np.int32)], b'\x08\x03\x12\x04\x12\x02\x08\x01"\x04\x01\0\0\0'),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_files_come_back(tmp_path):
    path = str(tmp_path / "folder" / "a.txt")
    f.write_file(path, b"one\0two")
    assert f.read_file(path).numpy() == b"one\0two"
    f.write_file(str(tmp_path / "folder" / "b.bin"), b"")
    assert f.matching_files(str(tmp_path / "folder" / "*.txt")).numpy().tolist() == [path.encode()]
    with pytest.raises(NotFoundError, match="No such file"):
        f.read_file(path + "x")


@pytest.mark.parametrize(
    "value", [normal(2, 3), np.array([1 + 2j], np.complex64), np.array(True), _texts(b"a", b""), np.zeros((0, 2))]
)
def test_tensors_come_back(value):
    dtype = "string" if value.dtype == object else value.dtype
    back = f.parse_tensor(f.serialize_tensor(value), dtype).numpy()
    np.testing.assert_array_equal(back, value)
    assert back.shape == value.shape


def test_compressions():
    assert f.decode_compressed(gzip.compress(b"abc"), "GZIP").numpy() == b"abc"
    assert f.decode_compressed(b"abc").numpy() == b"abc"
    with pytest.raises(DataLossError):
        f.decode_compressed(b"junk", "ZLIB")
    with pytest.raises(InvalidArgumentError, match="Type mismatch"):
        f.parse_tensor(f.serialize_tensor(np.zeros(2)), np.int32)
    with pytest.raises(InvalidArgumentError, match="parse"):
        f.parse_tensor(b"\xff", np.int32)


def test_columns():
    lines = _texts(b'a,"x,""y""",1.5', b"bb,,")
    names, texts, numbers = f.decode_csv(lines, [[""], ["none"], [np.float32(7)]])
    assert names.numpy().tolist() == [b"a", b"bb"]
    assert texts.numpy().tolist() == [b'x,"y"', b"none"]
    assert numbers.numpy().tolist() == [1.5, 7]
    (chosen,) = f.decode_csv(lines, [[0.0]], select_cols=[2])
    assert chosen.numpy().tolist() == [1.5, 0]
    (old,) = f.decode_csv_v1(_texts(b"5", b"NA"), [[3]], na_value="NA")
    assert old.numpy().tolist() == [5, 3]


def test_bad_records_are_refused():
    with pytest.raises(InvalidArgumentError, match="Expect 1 fields"):
        f.decode_csv(_texts(b"1,2"), [[0]])
    with pytest.raises(InvalidArgumentError, match="not a valid int32"):
        f.decode_csv(_texts(b"x"), [[0]])
    with pytest.raises(InvalidArgumentError, match="required"):
        f.decode_csv(_texts(b""), [np.zeros(0, np.int32)])
    with pytest.raises(ValueError, match="increasing"):
        f.decode_csv(_texts(b"1,2"), [[0], [0]], select_cols=[1, 0])
