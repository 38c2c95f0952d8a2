"""Masked CRC-32C, the checksum of record files and checkpoints."""

from __future__ import annotations

from typing import TypeAlias

import google_crc32c

Bytes: TypeAlias = bytes | bytearray | memoryview

_MASK_DELTA = 0xA282EAD8
# The library wants `bytes`, so that anything else is copied; a chunk at a time.
_CHUNK_BYTES = 1 << 20


def extend(crc: int, data: Bytes) -> int:
    """Continue a plain CRC-32C over more bytes; start with 0."""
    if isinstance(data, bytes):
        return int(google_crc32c.extend(crc, data))
    view = memoryview(data).cast("B")
    for start in range(0, len(view), _CHUNK_BYTES):
        crc = int(google_crc32c.extend(crc, bytes(view[start : start + _CHUNK_BYTES])))
    return crc


def mask(crc: int) -> int:
    """Mask a checksum, so that a checksum stored beside its data does not checksum to a constant."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def masked(data: Bytes) -> int:
    """Return the masked CRC-32C of `data`."""
    return mask(extend(0, data))
