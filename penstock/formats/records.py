"""TFRecord files: a sequence of byte strings, each with its length and checksums, optionally compressed as a whole.

A record is its length (uint64, little-endian), the masked checksum of those 8 bytes (uint32), the bytes, and their
masked checksum (uint32).
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

from penstock.formats import checksum
from penstock.formats.errors import CorruptDataError

_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
# A record is read in pieces of this size, so that a length that lies allocates no more than the file has.
_CHUNK_BYTES = 1 << 20
_COMPRESSIONS = ("", "GZIP", "ZLIB")


def _check_compression(compression: str) -> None:
    if compression not in _COMPRESSIONS:
        raise ValueError(f"compression must be one of {_COMPRESSIONS}, got {compression!r}")


def frame(record: checksum.Bytes) -> bytes:
    """Return a record as it stands in an uncompressed file, with length and checksums."""
    length = _LENGTH.pack(len(record))
    return b"".join((length, _CHECKSUM.pack(checksum.masked(length)), record, _CHECKSUM.pack(checksum.masked(record))))


class RecordWriter:
    """Appends records to a file.

    Args:
        path_or_file: the path of a file to create or replace, or a binary file to write to, which stays open.
        compression: `''`, `'GZIP'` or `'ZLIB'`.
        level: the compression level, 0 to 9; -1 is zlib's default.
    Raises:
        ValueError: if `compression` is none of these.
        OSError: if the file cannot be created.
    """

    def __init__(
        self, path_or_file: str | os.PathLike[str] | IO[bytes], compression: str = "", level: int = -1
    ) -> None:
        _check_compression(compression)
        self._owns_file = isinstance(path_or_file, (str, os.PathLike))
        self._file: IO[bytes] = open(path_or_file, "wb") if self._owns_file else path_or_file  # type: ignore[arg-type, assignment]
        wbits = {"GZIP": 16 + zlib.MAX_WBITS, "ZLIB": zlib.MAX_WBITS}.get(compression)
        self._compressor: Any = None if wbits is None else zlib.compressobj(level, zlib.DEFLATED, wbits)
        self._closed = False

    def write(self, record: checksum.Bytes) -> None:
        """Append one record."""
        if self._closed:
            raise ValueError("write to a closed RecordWriter; open a new one")
        framed = frame(record)
        self._file.write(framed if self._compressor is None else self._compressor.compress(framed))

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        if self._closed:
            return
        if self._compressor is not None:
            self._file.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Write what is left and close a file that was opened here. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._compressor is not None:
                self._file.write(self._compressor.flush())
            self._file.flush()
        finally:
            if self._owns_file:
                self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _ZlibStream(io.RawIOBase):
    """The decompressed bytes of a zlib file, as a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._decompressor.eof:
            data = self._decompressor.unconsumed_tail or self._file.read(_CHUNK_BYTES)
            decompressed = self._decompressor.decompress(data, len(buffer))
            if decompressed:
                buffer[: len(decompressed)] = decompressed
                return len(decompressed)
            if not data:
                raise EOFError("the compressed stream ends before its end mark")
        return 0

    def close(self) -> None:
        self._file.close()
        super().close()


def _open(path: str | os.PathLike[str], compression: str) -> IO[bytes]:
    """Open a file for reading its decompressed bytes."""
    if compression == "GZIP":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if compression == "ZLIB":
        return io.BufferedReader(_ZlibStream(open(path, "rb")), _CHUNK_BYTES)
    return open(path, "rb", buffering=_CHUNK_BYTES)


def _read_up_to(file: IO[bytes], size: int) -> bytes:
    """Read `size` bytes, fewer where the file ends."""
    data = file.read(min(size, _CHUNK_BYTES))
    if len(data) == size:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and data:
        data = file.read(min(missing, _CHUNK_BYTES))
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


def _read_record(file: IO[bytes], path: str, offset: int) -> bytes | None:
    """Read the next record, or None at the end of the file."""
    header = _read_up_to(file, _HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        raise CorruptDataError(
            f"truncated record at byte {offset} of {path!r}: {len(header)} of 12 bytes of its header"
        )
    length, length_checksum = _HEADER.unpack(header)
    if checksum.masked(header[:8]) != length_checksum:
        raise CorruptDataError(
            f"corrupted record at byte {offset} of {path!r}: the checksum of its length is wrong; "
            f"is it a TFRecord file, with the compression named?"
        )
    record = _read_up_to(file, length)
    trailer = _read_up_to(file, _CHECKSUM.size)
    if len(record) < length or len(trailer) < _CHECKSUM.size:
        raise CorruptDataError(f"truncated record at byte {offset} of {path!r}: {len(record)} of {length} bytes")
    if checksum.masked(record) != _CHECKSUM.unpack(trailer)[0]:
        raise CorruptDataError(f"corrupted record at byte {offset} of {path!r}: the checksum of its bytes is wrong")
    return record


def read_records(path: str | os.PathLike[str], compression: str = "") -> Iterator[bytes]:
    """Yield the records of a file.

    Args:
        path: the file.
        compression: how it was written: `''`, `'GZIP'` or `'ZLIB'`.
    Raises:
        FileNotFoundError: if there is no such file.
        CorruptDataError: at the first record that is truncated or fails its checksum, after all before it are yielded.
        ValueError: if `compression` is none of these.
    """
    _check_compression(compression)
    name = os.fspath(path)
    offset = 0
    with _open(path, compression) as file:
        while True:
            try:
                record = _read_record(file, name, offset)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise CorruptDataError(f"{name!r} is no complete {compression} stream: {error}") from error
            if record is None:
                return
            yield record
            offset += _HEADER.size + len(record) + _CHECKSUM.size
