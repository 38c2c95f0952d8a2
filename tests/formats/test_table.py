"""Sorted string tables."""

from __future__ import annotations

import io
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats import checksum, table
from penstock.formats.errors import CorruptDataError

_ITEMS = {f"layer_{i:04d}/kernel".encode(): bytes([i % 256]) * (i % 50) for i in range(500)}


def _bytes(items, **options):
    file = io.BytesIO()
    table.write_table(file, sorted(items.items()), **options)
    return file.getvalue()


@pytest.mark.parametrize("block_bytes", [1, 100, 4096, 1 << 18])
def test_all_entries_come_back_in_order(tmp_path, block_bytes):
    (tmp_path / "t").write_bytes(_bytes(_ITEMS, block_bytes=block_bytes))
    assert list(table.read_table(tmp_path / "t").items()) == sorted(_ITEMS.items())


@given(st.dictionaries(st.binary(max_size=6), st.binary(max_size=6), max_size=40), st.integers(1, 64))
def test_any_keys_come_back(tmp_path_factory, items, block_bytes):
    path = tmp_path_factory.mktemp("tables") / "t"
    path.write_bytes(_bytes(items, block_bytes=block_bytes))
    assert table.read_table(path) == items


@given(st.data())
def test_any_altered_byte_of_a_block_is_noticed(tmp_path_factory, data):
    content = bytearray(_bytes({b"a": b"1", b"ab": b"2"}))
    position = data.draw(st.integers(0, len(content) - 49))
    content[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("tables") / "t"
    path.write_bytes(content)
    try:
        # The meta block is not read.
        assert table.read_table(path) == {b"a": b"1", b"ab": b"2"}
    except CorruptDataError as error:
        assert repr(str(path)) in str(error)


@pytest.mark.parametrize("size", [0, 1, 47, 48, 60, -1, -9])
def test_a_truncated_file_is_corrupt(tmp_path, size):
    (tmp_path / "t").write_bytes(_bytes(_ITEMS)[:size])
    with pytest.raises(CorruptDataError, match="t'"):
        table.read_table(tmp_path / "t")


def _with_compression(kind, contents):
    """A table of one block whose kind of compression and contents are replaced."""
    block = contents + bytes([kind])
    data = block + struct.pack("<I", checksum.masked(block))
    index = table._BlockBuilder(1)
    index.add(b"z", bytes([0, len(contents)]))
    index_block = index.finish() + b"\0"
    handles = bytes([0, 0, len(data), len(index_block) - 1])
    data += index_block + struct.pack("<I", checksum.masked(index_block))
    return data + handles.ljust(40, b"\0") + struct.pack("<Q", table.MAGIC)


def test_a_compressed_block_without_snappy_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "snappy", None)
    (tmp_path / "t").write_bytes(_with_compression(1, b"\x05abcde"))
    with pytest.raises(CorruptDataError, match="pip install python-snappy"):
        table.read_table(tmp_path / "t")


def test_unknown_compression_and_lying_entries_are_corrupt(tmp_path):
    for kind, contents in (
        (7, b"abc"),
        (0, b"abc"),
        (0, b"\xff\xff\xff\xff"),
        (0, b"\x05\x01\x01ab" + struct.pack("<I", 0)),
    ):
        (tmp_path / "t").write_bytes(_with_compression(kind, contents))
        with pytest.raises(CorruptDataError):
            table.read_table(tmp_path / "t")
