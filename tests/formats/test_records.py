"""Record files."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats import checksum, records
from penstock.formats.errors import CorruptDataError

_RECORDS = [b"", b"one", bytes(range(256)) * 20_000, b"last"]


def _write(path, compression=""):
    with records.RecordWriter(path, compression) as writer:
        for record in _RECORDS:
            writer.write(record)


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_records_come_back_as_they_were_written(tmp_path, compression):
    _write(tmp_path / "f", compression)
    assert list(records.read_records(tmp_path / "f", compression)) == _RECORDS


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_what_is_flushed_can_be_read_before_the_file_is_closed(tmp_path, compression):
    writer = records.RecordWriter(tmp_path / "f", compression)
    writer.write(b"first")
    writer.flush()
    assert next(records.read_records(tmp_path / "f", compression)) == b"first"
    writer.close()


def test_the_bytes_of_one_record():
    # As TensorFlow writes it.
    assert records.frame(b"abc").hex() == "0300000000000000b099490e6162636e57f121"


def test_a_file_that_was_passed_in_stays_open():
    file = io.BytesIO()
    with records.RecordWriter(file) as writer:
        writer.write(b"abc")
    assert file.getvalue() == records.frame(b"abc")


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_a_truncated_file_yields_what_is_whole_and_then_is_corrupt(tmp_path, compression):
    _write(tmp_path / "f", compression)
    data = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(data[:-10])
    reader = records.read_records(tmp_path / "f", compression)
    assert [next(reader), next(reader)] == _RECORDS[:2]
    with pytest.raises(CorruptDataError, match="f'"):
        list(reader)


@given(st.integers(0, 46), st.integers(1, 255))
def test_any_altered_byte_is_noticed(tmp_path_factory, position, flip):
    path = tmp_path_factory.mktemp("records") / "f"
    data = bytearray(records.frame(b"some") + records.frame(b"records"))
    data[min(position, len(data) - 1)] ^= flip
    path.write_bytes(data)
    with pytest.raises(CorruptDataError):
        list(records.read_records(path))


def test_a_length_that_lies_allocates_nothing(tmp_path):
    length = struct.pack("<Q", 1 << 62)
    (tmp_path / "f").write_bytes(length + struct.pack("<I", checksum.masked(length)) + b"short")
    with pytest.raises(CorruptDataError, match="5 of 4611686018427387904"):
        list(records.read_records(tmp_path / "f"))


@pytest.mark.parametrize(
    ("written", "read"), [("GZIP", ""), ("ZLIB", ""), ("", "GZIP"), ("", "ZLIB"), ("GZIP", "ZLIB")]
)
def test_the_wrong_compression_is_corrupt_data(tmp_path, written, read):
    _write(tmp_path / "f", written)
    with pytest.raises(CorruptDataError):
        list(records.read_records(tmp_path / "f", read))


def test_misuse_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'LZMA'"):
        records.RecordWriter(tmp_path / "f", "LZMA")
    with pytest.raises(FileNotFoundError):
        list(records.read_records(tmp_path / "none"))
    writer = records.RecordWriter(tmp_path / "f")
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"x")
