"""Sorted string tables: files of sorted keys with values, in the layout of leveldb.

Blocks of entries, each key stored as what it adds to the key before it; then an empty block of meta data, a block that
indexes the blocks, and a footer that locates the last two. Each block is followed by its kind of compression (1 byte)
and a masked checksum of both.
"""

from __future__ import annotations

import importlib
import os
import struct
from collections.abc import Iterable, Iterator
from typing import IO

from penstock.formats import checksum, varint
from penstock.formats.errors import CorruptDataError

MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_UNCOMPRESSED, _SNAPPY = 0, 1
_BLOCK_BYTES = 1 << 18
_RESTART_INTERVAL = 16
# Snappy's densest element copies 64 bytes and takes 3.
_SNAPPY_MAX_RATIO = 64


class _BlockBuilder:
    """One block of entries under construction."""

    def __init__(self, restart_interval: int) -> None:
        self._restart_interval = restart_interval
        self._data = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self._last_key = b""

    def add(self, key: bytes, value: bytes) -> None:
        """Append an entry; keys arrive in ascending order."""
        shared = 0
        if self._since_restart == self._restart_interval:
            self._restarts.append(len(self._data))
            self._since_restart = 0
        else:
            shared = _common_prefix(self._last_key, key)
        added = key[shared:]
        self._data += varint.encode(shared) + varint.encode(len(added)) + varint.encode(len(value)) + added + value
        self._since_restart += 1
        self._last_key = key

    def size_bytes(self) -> int:
        """Return the size of the block if it were finished now."""
        return len(self._data) + 4 * len(self._restarts) + 4

    def finish(self) -> bytes:
        """Return the block's bytes."""
        restarts = struct.pack(f"<{len(self._restarts) + 1}I", *self._restarts, len(self._restarts))
        return bytes(self._data) + restarts


def _common_prefix(a: bytes, b: bytes) -> int:
    """Return how many leading bytes two keys share."""
    limit = min(len(a), len(b))
    for index in range(limit):
        if a[index] != b[index]:
            return index
    return limit


def _separator(last_key: bytes, next_key: bytes) -> bytes:
    """Return a short key that is at least `last_key` and below `next_key`."""
    index = _common_prefix(last_key, next_key)
    if index < min(len(last_key), len(next_key)) and last_key[index] + 1 < next_key[index]:
        return last_key[:index] + bytes([last_key[index] + 1])
    return last_key


def _successor(last_key: bytes) -> bytes:
    """Return a short key that is at least `last_key`."""
    for index, byte in enumerate(last_key):
        if byte != 0xFF:
            return last_key[:index] + bytes([byte + 1])
    return last_key


def write_table(file: IO[bytes], items: Iterable[tuple[bytes, bytes]], block_bytes: int = _BLOCK_BYTES) -> None:
    """Write a table to a binary file.

    Args:
        file: opened for writing, at its start.
        items: keys, strictly ascending, with their values.
        block_bytes: a block is closed when it reaches this size.
    """
    position = 0

    def write_block(block: _BlockBuilder) -> bytes:
        nonlocal position
        contents = block.finish() + bytes([_UNCOMPRESSED])
        handle = varint.encode(position) + varint.encode(len(contents) - 1)
        position += file.write(contents + struct.pack("<I", checksum.masked(contents)))
        return handle

    index = _BlockBuilder(restart_interval=1)
    block = _BlockBuilder(_RESTART_INTERVAL)
    pending: bytes | None = None  # the handle of a closed block, whose index key depends on the key that follows
    last_key: bytes | None = None
    for key, value in items:
        assert last_key is None or key > last_key, "keys must ascend"
        if pending is not None:
            index.add(_separator(last_key or b"", key), pending)
            pending = None
        block.add(key, value)
        last_key = key
        if block.size_bytes() >= block_bytes:
            pending = write_block(block)
            block = _BlockBuilder(_RESTART_INTERVAL)
    if pending is None and last_key is not None:
        pending = write_block(block)
    if pending is not None:
        index.add(_successor(last_key or b""), pending)
    meta_handle = write_block(_BlockBuilder(_RESTART_INTERVAL))
    index_handle = write_block(index)
    file.write((meta_handle + index_handle).ljust(_FOOTER_BYTES - 8, b"\0") + struct.pack("<Q", MAGIC))


def read_table(path: str | os.PathLike[str]) -> dict[bytes, bytes]:
    """Read all keys and values of a table, in order.

    Raises:
        FileNotFoundError: if there is no such file.
        CorruptDataError: if the file is truncated or altered, or is no table.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        return _parse(data)
    except CorruptDataError as error:
        raise CorruptDataError(f"{os.fspath(path)!r} is not a readable table: {error}") from error


def _parse(data: bytes) -> dict[bytes, bytes]:
    """Parse the bytes of a table file."""
    if len(data) < _FOOTER_BYTES:
        raise CorruptDataError(f"it has {len(data)} bytes, fewer than a footer; it may be truncated")
    footer = data[-_FOOTER_BYTES:]
    if struct.unpack("<Q", footer[-8:])[0] != MAGIC:
        raise CorruptDataError("its last 8 bytes are not a table's; it may be truncated or of another format")
    _, _, position = _handle(footer, 0)
    index_offset, index_size, _ = _handle(footer, position)
    items: dict[bytes, bytes] = {}
    for _, handle in _entries(_block(data, index_offset, index_size)):
        offset, size, _ = _handle(handle, 0)
        items.update(_entries(_block(data, offset, size)))
    return items


def _handle(data: bytes, position: int) -> tuple[int, int, int]:
    """Decode where a block lies: its offset, its size, and the position behind the handle."""
    offset, position = varint.decode(data, position)
    size, position = varint.decode(data, position)
    return offset, size, position


def _block(data: bytes, offset: int, size: int) -> bytes:
    """Return the verified, decompressed contents of a block."""
    end = offset + size
    if end + _TRAILER_BYTES > len(data) - _FOOTER_BYTES:
        raise CorruptDataError(f"a block of {size} bytes at byte {offset} lies outside of its {len(data)} bytes")
    if checksum.masked(data[offset : end + 1]) != struct.unpack_from("<I", data, end + 1)[0]:
        raise CorruptDataError(f"the checksum of the block at byte {offset} is wrong")
    contents = data[offset:end]
    compression = data[end]
    if compression == _UNCOMPRESSED:
        return contents
    if compression == _SNAPPY:
        return _uncompress_snappy(contents)
    raise CorruptDataError(f"the block at byte {offset} has unknown compression {compression}")


def _uncompress_snappy(contents: bytes) -> bytes:
    """Uncompress a block with the optional package python-snappy."""
    try:
        snappy = importlib.import_module("snappy")
    except ImportError as error:
        raise CorruptDataError("it is compressed with Snappy; `pip install python-snappy` makes it readable") from error
    size, _ = varint.decode(contents, 0)
    if size > _SNAPPY_MAX_RATIO * len(contents):
        raise CorruptDataError(f"a compressed block of {len(contents)} bytes claims {size} bytes")
    try:
        return bytes(snappy.uncompress(contents))
    except snappy.UncompressError as error:
        raise CorruptDataError(f"a block's Snappy compression is damaged: {error}") from error


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block."""
    if len(block) < 4:
        raise CorruptDataError(f"a block of {len(block)} bytes is too small for its own end")
    (num_restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * num_restarts
    if end < 0:
        raise CorruptDataError(f"a block of {len(block)} bytes cannot have {num_restarts} restart points")
    key = b""
    position = 0
    while position < end:
        shared, position = varint.decode(block, position)
        added, position = varint.decode(block, position)
        value_size, position = varint.decode(block, position)
        value_start = position + added
        if shared > len(key) or value_start + value_size > end:
            raise CorruptDataError("an entry reaches beyond its block")
        key = key[:shared] + block[position:value_start]
        position = value_start + value_size
        yield key, block[value_start:position]
