"""Datasets from files: `TextLineDataset`, `TFRecordDataset`, `FixedLengthRecordDataset`, and CSV."""

from __future__ import annotations

import csv
import glob
import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.tensor import Tensor
from penstock.data import files
from penstock.data.dataset import Dataset
from penstock.data.node import argument
from penstock.data.options import Options


class _FileDataset(Dataset):
    """A dataset made by its class's constructor."""

    def _set(self, node: Any) -> None:
        self._node = node
        self._options = Options()


def _file_names(filenames: Any) -> Any:
    """Return file names as a string tensor of shape () or [n].

    Raises:
        TypeError: if they are of another kind.
    """
    if isinstance(filenames, Dataset):
        filenames = list(filenames.as_numpy_iterator())
    if isinstance(filenames, os.PathLike):
        filenames = os.fspath(filenames)
    if isinstance(filenames, (list, tuple)):
        filenames = [os.fspath(name) if isinstance(name, os.PathLike) else name for name in filenames]
    tensor = convert_to_tensor(filenames, None if isinstance(filenames, Tensor) or len(filenames) else dtypes.string)
    if tensor.dtype != dtypes.string:
        raise TypeError(
            f"The `filenames` argument must contain `tf.string` elements. Got `{tensor.dtype.name}` elements."
        )
    return tensor


class TextLineDataset(_FileDataset):
    """The lines of text files, without what ends them.

    Args:
        filenames: a name, or several.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size, num_parallel_reads, name: accepted; files are read in order.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        self._set(files.TextLines(_file_names(filenames), files.compression_of(compression_type)))


class TFRecordDataset(_FileDataset):
    """The records of TFRecord files.

    Args:
        filenames: a name, or several.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size, num_parallel_reads, name: accepted; files are read in order.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        self._set(files.Records(_file_names(filenames), files.compression_of(compression_type)))


class FixedLengthRecordDataset(_FileDataset):
    """Blocks of equal size from binary files.

    Args:
        filenames: a name, or several.
        record_bytes: the size of a block.
        header_bytes, footer_bytes: what each file has before and behind its blocks.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size, num_parallel_reads, name: accepted; files are read in order.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        sizes = [argument(0 if size is None else size) for size in (record_bytes, header_bytes, footer_bytes)]
        compression = files.compression_of(compression_type)
        self._set(files.FixedLengthRecords(_file_names(filenames), compression, *sizes))


class CsvDataset(_FileDataset):
    """The rows of comma-separated files, tuples of scalars.

    Args:
        filenames: a name, or several.
        record_defaults: for each column that is read, its default value, or its type where a value is required.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size: accepted.
        header: whether the first line of each file is left out.
        field_delim: what separates fields.
        use_quote_delim: whether double quotes enclose fields.
        na_value: what stands for a missing value.
        select_cols: the positions of the columns that are read, ascending; or
        exclude_cols: of those that are not.
    Raises:
        InvalidArgumentError: when it runs, if a row does not fit.
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        header: bool = False,
        field_delim: str = ",",
        use_quote_delim: bool = True,
        na_value: str = "",
        select_cols: Sequence[int] | None = None,
        exclude_cols: Sequence[int] | None = None,
    ) -> None:
        if select_cols is not None and exclude_cols is not None:
            raise ValueError("At most one of `select_cols` and `exclude_cols` can be given.")
        defaults, types = [], []
        for item in record_defaults:
            is_type = isinstance(item, (dtypes.DType, type)) or (isinstance(item, str) and item in dtypes.NAMES)
            tensor = None if is_type else convert_to_tensor(item)
            types.append(as_dtype(item) if tensor is None else tensor.dtype)
            empty = tensor is None or tensor.shape.num_elements() == 0
            defaults.append(None if empty else np.asarray(tensor).reshape(-1)[0])
        if exclude_cols is not None:
            total = len(types) + len(exclude_cols)
            select_cols = [column for column in range(total) if column not in set(exclude_cols)]
        if select_cols is not None and any(a >= b for a, b in zip(select_cols, select_cols[1:], strict=False)):
            raise ValueError("select_cols should contain indices in strictly increasing order.")
        compression = files.compression_of(compression_type)
        self._set(
            files.CsvRows(
                _file_names(filenames),
                compression,
                defaults,
                types,
                bool(header),
                field_delim,
                bool(use_quote_delim),
                na_value,
                select_cols,
            )
        )


def _infer_type(fields: Sequence[str], na_value: str) -> Any:
    """Return the default of a column: of the narrowest type that holds all its fields."""
    for dtype, parse in (
        (dtypes.int32, _int32),
        (dtypes.int64, int),
        (dtypes.float32, _float32),
        (dtypes.float64, float),
    ):
        try:
            for field in fields:
                if field not in ("", na_value):
                    parse(field)
        except ValueError:
            continue
        return dtype
    return dtypes.string


def _int32(field: str) -> int:
    number = int(field)
    if not -(2**31) <= number < 2**31:
        raise ValueError(field)
    return number


def _float32(field: str) -> float:
    number = float(field)
    if abs(number) > np.finfo(np.float32).max:
        raise ValueError(field)
    return number


def _default(dtype: Any) -> Any:
    return convert_to_tensor([b"" if dtype == dtypes.string else 0], dtype)


def make_csv_dataset(
    file_pattern: Any,
    batch_size: Any,
    column_names: Sequence[str] | None = None,
    column_defaults: Any = None,
    label_name: str | None = None,
    select_columns: Any = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: Any = None,
    num_parallel_reads: Any = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> Any:
    """Return a dataset of batches from comma-separated files: dictionaries from column names to tensors.

    Args:
        file_pattern: a pattern of file names, or several.
        batch_size: the number of rows in a batch.
        column_names: the names of the columns; by default those that the first file begins with.
        column_defaults: the default values, or types, of the columns that are read; inferred by default.
        label_name: a column that is given apart, as the second of a pair.
        select_columns: the names or positions of the columns that are read; all by default.
        field_delim, use_quote_delim, na_value: see `CsvDataset`.
        header: whether files begin with a line of names.
        num_epochs: how often to go through the files; without end by default.
        shuffle, shuffle_buffer_size, shuffle_seed: how rows are shuffled.
        prefetch_buffer_size, num_parallel_reads, sloppy, encoding: accepted.
        num_rows_for_inference: how many rows types are inferred from; None for all.
        compression_type: see `CsvDataset`.
        ignore_errors: whether rows that do not fit are left out.
    Raises:
        ValueError: if no file matches, or a name is of no column.
    """
    patterns = [file_pattern] if isinstance(file_pattern, (str, os.PathLike)) else list(file_pattern)
    paths = sorted({path for pattern in patterns for path in glob.glob(os.fspath(pattern))})
    if not paths:
        raise ValueError(f"No files match `file_pattern` {file_pattern}.")
    rows = _first_rows(paths[0], files.compression_of(compression_type), field_delim, use_quote_delim)
    first = next(rows)
    if column_names is None:
        if not header:
            raise ValueError("Expected `column_names` or `header` to be set: the columns need names.")
        column_names = first
    if len(set(column_names)) != len(column_names):
        raise ValueError(f"Cannot have duplicate column names, got {column_names}.")
    positions = list(range(len(column_names)))
    if select_columns is not None:
        positions = [c if isinstance(c, int) else _position(c, column_names) for c in select_columns]
        positions.sort()
    names = [column_names[position] for position in positions]
    if label_name is not None and label_name not in names:
        raise ValueError(f"`label_name` {label_name!r} must be one of the columns {names}.")
    if column_defaults is None:
        sample = [] if header else [first]
        for row in rows:
            if num_rows_for_inference is not None and len(sample) >= num_rows_for_inference:
                break
            sample.append(row)
        column_defaults = [
            _default(_infer_type([row[position] for row in sample if position < len(row)], na_value))
            for position in positions
        ]

    def to_features(*columns: Any) -> Any:
        features = OrderedDict(zip(names, columns, strict=True))
        return features if label_name is None else (features, features.pop(label_name))

    dataset: Any = CsvDataset(
        paths,
        column_defaults,
        compression_type,
        None,
        header,
        field_delim,
        use_quote_delim,
        na_value,
        None if select_columns is None else positions,
    )
    if ignore_errors:
        dataset = dataset.ignore_errors()
    if num_epochs != 1:
        dataset = (dataset.shuffle(shuffle_buffer_size, shuffle_seed) if shuffle else dataset).repeat(num_epochs)
    elif shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    return dataset.batch(batch_size, drop_remainder=num_epochs is None).map(to_features).prefetch(1)


def _first_rows(path: str, compression: str, delimiter: str, quotes: bool) -> Any:
    with files.open_file(path, compression) as file:
        lines = (line.decode("utf-8") for line in file)
        yield from csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)


def _position(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise ValueError(f"Value {name!r} of `select_columns` is no column: they are {list(names)}.")
    return list(names).index(name)
