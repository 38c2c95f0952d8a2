"""Elements from files: lines, records, fixed blocks, and comma-separated values."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from penstock.core import array, dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.core.type_spec import TensorSpec
from penstock.data.node import Element, Node, Run
from penstock.formats.errors import CorruptDataError
from penstock.formats.records import read_records

COMPRESSIONS = ("", "GZIP", "ZLIB")


def compression_of(given: Any) -> str:
    """Return a compression's name.

    Raises:
        InvalidArgumentError: if there is no such compression.
    """
    name = "" if given is None else given.decode() if isinstance(given, bytes) else str(given)
    if name not in COMPRESSIONS:
        raise InvalidArgumentError(None, None, f"Unsupported compression_type: {name}. Use one of '', 'ZLIB', 'GZIP'.")
    return name


def open_file(path: str, compression: str) -> IO[bytes]:
    """Open a file to read what it holds, uncompressed.

    Raises:
        NotFoundError: if there is no such file.
    """
    try:
        if compression == "ZLIB":
            with open(path, "rb") as file:
                return io.BytesIO(zlib.decompress(file.read()))
        return gzip.open(path) if compression == "GZIP" else open(path, "rb")  # type: ignore[return-value]
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(None, None, f"{path}; {error.strerror}") from None


class _Files(Node):
    """What files hold, one after the other.

    Args:
        filenames: a string tensor of shape () or [n].
        compression: "", "GZIP" or "ZLIB".
    """

    def __init__(self, filenames: Any, compression: str, element_spec: Any = None) -> None:
        spec = TensorSpec([], dtypes.string) if element_spec is None else element_spec
        super().__init__(spec, arguments=[filenames])
        self.compression = compression

    def paths(self, run: Run) -> list[str]:
        """Return the names of the files."""
        names = run.value(self.arguments[0])
        return [os.fsdecode(name) for name in np.asarray(names, dtype=object).reshape(-1)]

    def iterate(self, run: Run) -> Iterator[Element]:
        for path in self.paths(run):
            for item in self.read(path):
                boxed = np.empty((), dtype=object)
                boxed[()] = item
                yield (boxed,)

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the parts of one file."""
        raise NotImplementedError


class TextLines(_Files):
    """The lines of files, without what ends them."""

    def read(self, path: str) -> Iterator[bytes]:
        with open_file(path, self.compression) as file:
            for line in file:
                line = line[:-1] if line.endswith(b"\n") else line
                yield line[:-1] if line.endswith(b"\r") else line


class Records(_Files):
    """The records of TFRecord files."""

    def read(self, path: str) -> Iterator[bytes]:
        try:
            yield from read_records(path, self.compression)
        except FileNotFoundError as error:
            raise NotFoundError(None, None, f"{path}; {error.strerror}") from None
        except CorruptDataError as error:
            raise DataLossError(None, None, str(error)) from None


class FixedLengthRecords(_Files):
    """Blocks of equal size, between a header and a footer."""

    def __init__(self, filenames: Any, compression: str, record: Any, header: Any, footer: Any) -> None:
        super().__init__(filenames, compression)
        self.sizes = record, header, footer
        self.arguments = (*self.arguments, record, header, footer)

    def iterate(self, run: Run) -> Iterator[Element]:
        record, header, footer = (run.number(size) for size in self.sizes)
        for path in self.paths(run):
            with open_file(path, self.compression) as file:
                content = file.read()
            body = content[header : len(content) - footer]
            if len(body) % record:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Excess or missing bytes in {path}: {len(body)} bytes between header and footer are no multiple "
                    f"of the record size {record}.",
                )
            for start in range(0, len(body), record):
                boxed = np.empty((), dtype=object)
                boxed[()] = body[start : start + record]
                yield (boxed,)


class CsvRows(_Files):
    """The rows of comma-separated files, one tensor a column.

    Args:
        defaults: for each column that is read, its default value, or None where a value is required.
        types: the types of these columns.
        header: whether the first line of each file is left out.
        delimiter: what separates fields.
        quotes: whether double quotes enclose fields.
        na_value: what stands for a missing value.
        columns: the positions of the columns that are read; None for all.
    """

    def __init__(
        self,
        filenames: Any,
        compression: str,
        defaults: Sequence[Any],
        types: Sequence[DType],
        header: bool,
        delimiter: str,
        quotes: bool,
        na_value: str,
        columns: Sequence[int] | None,
    ) -> None:
        super().__init__(filenames, compression, tuple(TensorSpec([], dtype) for dtype in types))
        self.defaults = defaults
        self.types = types
        self.header = header
        self.delimiter = delimiter
        self.quotes = quotes
        self.na_value = na_value
        self.columns = columns

    def iterate(self, run: Run) -> Iterator[Element]:
        for path in self.paths(run):
            for number, fields in enumerate(self._rows(path)):
                if self.header and number == 0:
                    continue
                if self.columns is not None:
                    if max(self.columns) >= len(fields):
                        raise InvalidArgumentError(
                            None,
                            None,
                            f"Expect at least {max(self.columns) + 1} fields but have {len(fields)} in record",
                        )
                    fields = [fields[column] for column in self.columns]
                if len(fields) != len(self.types):
                    raise InvalidArgumentError(
                        None, None, f"Expect {len(self.types)} fields but have {len(fields)} in record"
                    )
                yield tuple(map(self._value, fields, self.types, self.defaults, range(len(fields))))

    def _rows(self, path: str) -> Iterator[list[str]]:
        with open_file(path, self.compression) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
            quoting: Any = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
            for row in csv.reader(text, delimiter=self.delimiter, quoting=quoting):
                if row:
                    yield row

    def _value(self, field: str, dtype: DType, default: Any, index: int) -> Any:
        if field in ("", self.na_value):
            if default is None:
                raise InvalidArgumentError(None, None, f"Field {index} is required but missing in record!")
            value = default
        elif dtype == dtypes.string:
            value = field.encode(errors="surrogateescape")
        else:
            try:
                value = int(field) if dtype.is_integer else float(field)
            except ValueError:
                raise InvalidArgumentError(
                    None, None, f"Field {index} in record is not a valid {dtype.name}: {field}"
                ) from None
        if dtype == dtypes.string:
            boxed = np.empty((), dtype=object)
            boxed[()] = value
            return boxed
        return array.from_scalar(value, dtype)
