"""TFRecord files as users write and read them: `tf.io.TFRecordWriter`, `tf.python_io`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from penstock.formats.errors import CorruptDataError
from penstock.formats.records import RecordWriter, read_records


class TFRecordCompressionType:
    """How a file is compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


_NAMES = {TFRecordCompressionType.NONE: "", TFRecordCompressionType.ZLIB: "ZLIB", TFRecordCompressionType.GZIP: "GZIP"}


class TFRecordOptions:
    """How a file of records is written or read.

    Args:
        compression_type: 'GZIP', 'ZLIB', '' or a `TFRecordCompressionType`.
        compression_level: 0 to 9; by default zlib's own.
        flush_mode, input_buffer_size, output_buffer_size, window_bits, compression_method, mem_level,
            compression_strategy: kept, without effect.
    Raises:
        ValueError: if there is no such compression.
    """

    compression_type_map = _NAMES

    def __init__(
        self,
        compression_type: Any = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ) -> None:
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """Return 'GZIP', 'ZLIB' or ''.

        Args:
            options: a TFRecordOptions, a `TFRecordCompressionType`, one of these strings, or None.
        Raises:
            ValueError: if there is no such compression.
        """
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if not options:
            return ""
        if options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"; expected "GZIP", "ZLIB" or ""')


class TFRecordWriter:
    """Writes records to a file.

    Args:
        path: the file to create or replace.
        options: a TFRecordOptions, or the name of a compression.
    Raises:
        NotFoundError: if the folder does not exist.
    """

    def __init__(self, path: Any, options: Any = None) -> None:
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        level = -1 if options.compression_level is None else options.compression_level
        name = os.fsdecode(path)
        compression = TFRecordOptions.get_compression_type_string(options)
        try:
            self._writer = RecordWriter(name, compression, level)
        except FileNotFoundError as error:
            raise NotFoundError(None, None, f"{name}; {error.strerror}") from None
        except PermissionError as error:
            raise PermissionDeniedError(None, None, f"{name}; {error.strerror}") from None

    def write(self, record: bytes) -> None:
        """Append a record.

        Args:
            record: its bytes, for example `example.SerializeToString()`.
        """
        self._writer.write(record.encode() if isinstance(record, str) else record)

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._writer.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """Yield the records of a file.

    Args:
        path: the file.
        options: a TFRecordOptions that says how it is compressed.
    Raises:
        NotFoundError: if there is no such file.
        DataLossError: at the first record that is damaged.
    """
    compression = TFRecordOptions.get_compression_type_string(options)
    name = os.fsdecode(path)
    try:
        yield from read_records(name, compression)
    except FileNotFoundError as error:
        raise NotFoundError(None, None, f"{name}; {error.strerror}") from None
    except IsADirectoryError:
        raise InvalidArgumentError(None, None, f"{name} is a folder, expected a file of records") from None
    except CorruptDataError as error:
        raise DataLossError(None, None, str(error)) from None
