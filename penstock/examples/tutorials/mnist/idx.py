"""The idx format of the MNIST files: a big-endian header (magic, sizes), then unsigned bytes, all in gzip."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from typing import BinaryIO

import numpy as np

LABELS_MAGIC = 2049
IMAGES_MAGIC = 2051

# Deflate can not shrink data further than this, so a header that promises more than the file can hold is found out
# before memory is asked for.
_MAX_DEFLATE_RATIO = 1032
_CHUNK_BYTES = 1 << 20


def read_idx(file: BinaryIO, magic: int, num_dimensions: int) -> np.ndarray:
    """Read one gzipped idx file of unsigned bytes.

    Args:
        file: an open binary file; its `name`, if it has one, appears in errors.
        magic: the first number that the file must hold, which says what is in it.
        num_dimensions: how many sizes follow the magic number.
    Returns:
        A uint8 array with the shape that the header gives.
    Raises:
        ValueError: if the file is no gzip file, is damaged or truncated, has another magic number, or holds fewer or
            more bytes than its header says. The message names the file.
    """
    name = str(getattr(file, "name", file))
    compressed_bytes = _remaining_bytes(file)
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            header = stream.read(4 * (1 + num_dimensions))
            sizes = _parse_header(header, magic, num_dimensions, name)
            size_bytes = math.prod(sizes)
            if compressed_bytes is not None and size_bytes > compressed_bytes * _MAX_DEFLATE_RATIO:
                raise ValueError(
                    f"{name}: the header promises {_times(sizes)} = {size_bytes} bytes, more than a file of "
                    f"{compressed_bytes} compressed bytes can hold; the file is damaged"
                )
            data = _read_at_most(stream, size_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name}: not a complete gzip file ({error}); fetch it again") from error
    if len(data) != size_bytes:
        found = "more" if len(data) > size_bytes else str(len(data))
        raise ValueError(
            f"{name}: the header promises {_times(sizes)} = {size_bytes} bytes of data, but the file holds {found}; "
            "the file is damaged"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(sizes)


def _parse_header(header: bytes, magic: int, num_dimensions: int, name: str) -> tuple[int, ...]:
    """Return the sizes of an idx header after checking its length and magic number."""
    expected_bytes = 4 * (1 + num_dimensions)
    if len(header) >= 4 and struct.unpack(">I", header[:4])[0] != magic:
        raise ValueError(
            f"{name}: the magic number is {struct.unpack('>I', header[:4])[0]}, and MNIST "
            f"{'images' if magic == IMAGES_MAGIC else 'labels'} have {magic}; is this the right file?"
        )
    if len(header) < expected_bytes:
        raise ValueError(f"{name}: the header has {len(header)} bytes instead of {expected_bytes}; the file is damaged")
    return struct.unpack(f">{num_dimensions}I", header[4:])


def _read_at_most(stream: gzip.GzipFile, limit_bytes: int) -> bytes:
    """Read up to `limit_bytes`, growing with what is really there rather than with what was promised."""
    buffer = io.BytesIO()
    while buffer.tell() < limit_bytes:
        chunk = stream.read(min(_CHUNK_BYTES, limit_bytes - buffer.tell()))
        if not chunk:
            break
        buffer.write(chunk)
    return buffer.getvalue()


def _remaining_bytes(file: BinaryIO) -> int | None:
    """Return how many bytes lie ahead in `file`, or None if it can not be asked (a pipe)."""
    if not file.seekable():
        return None
    position = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(position)
    return end - position


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
