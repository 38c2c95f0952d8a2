"""Files as strings, and strings that hold compressed data, tensors or records."""

from __future__ import annotations

import glob
import os
import zlib
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock.core import array, dtypes
from penstock.core.array import Value
from penstock.core.dtypes import ALL, DType, as_dtype
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, scalar, unchanged
from penstock.core.tensor import Tensor
from penstock.formats import protos
from penstock.formats.tensor_proto import from_tensor_proto, to_tensor_proto
from penstock.ops.array.common import strings


def _invalid(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, text)


def one_string(value: Value, name: str) -> bytes:
    """Return the bytes of a scalar string.

    Raises:
        InvalidArgumentError: if the value is no scalar.
    """
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise _invalid(f"{name} must be a scalar, but had shape: {list(value.shape)}")
        return value.item()
    return value


def _scalar_input(name: str) -> Any:
    def rule(input: Dims, *rest: Any, **attrs: Any) -> Dims:
        expect_rank(input, 0, name)
        return ()

    return rule


# Files


@op("ReadFile(filename: string) -> contents: string", shape=_scalar_input("filename"))
def read_file_op(filename: Value) -> Value:
    path = os.fsdecode(one_string(filename, "Input filename tensor"))
    try:
        with open(path, "rb") as file:
            return strings([file.read()], ())
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None
    except PermissionError:
        raise PermissionDeniedError(None, None, f"{path}; Permission denied") from None


@op("WriteFile(filename: string, contents: string)", stateful=True)
def write_file_op(filename: Value, contents: Value) -> tuple[()]:
    path = os.fsdecode(one_string(filename, "Input filename tensor"))
    data = one_string(contents, "Contents tensor")
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    except PermissionError:
        raise PermissionDeniedError(None, None, f"{path}; Permission denied") from None
    return ()


@op("MatchingFiles(pattern: string) -> filenames: string", shape=lambda pattern: (None,))
def matching_files_op(pattern: Value) -> Value:
    found: set[str] = set()
    for each in np.asarray(pattern, dtype=object).reshape(-1).tolist():
        found.update(glob.glob(os.fsdecode(each)))
    names = [os.fsencode(name) for name in sorted(found)]
    return strings(names, (len(names),))


# Tensors and compressed data


@op("DecodeCompressed(bytes: string) -> output: string", shape=unchanged)
def decode_compressed_op(bytes: Value, *, compression_type: str = "") -> Value:
    items = np.asarray(bytes, dtype=object)
    if compression_type not in ("", "ZLIB", "GZIP"):
        raise _invalid(f"Only ZLIB, GZIP or NONE are supported compressions, got {compression_type!r}")
    if not compression_type:
        return items.copy()
    window = zlib.MAX_WBITS | (16 if compression_type == "GZIP" else 0)
    try:
        return strings([item and zlib.decompress(item, window) for item in items.reshape(-1).tolist()], items.shape)
    except zlib.error as error:
        raise DataLossError(None, None, f"inflate() failed: {error}") from None


@op("SerializeTensor(tensor: T) -> serialized: string", T=ALL, shape=scalar, differentiable=False)
def serialize_tensor_op(tensor: Value, *, T: DType) -> Value:
    value = tensor if isinstance(tensor, np.ndarray) else array.to_numpy(tensor)
    if T == dtypes.string:
        proto = to_tensor_proto(value, T.as_datatype_enum)
    else:
        # Numbers always stand as bytes here, while constants in graphs list a few numbers one by one.
        proto = protos.TensorProto(dtype=T.as_datatype_enum, tensor_content=value.tobytes())
        proto.tensor_shape.SetInParent()
        for size in value.shape:
            proto.tensor_shape.dim.add(size=size)
    return strings([proto.SerializeToString(deterministic=True)], ())


@op(
    "ParseTensor(serialized: string) -> output: out_type",
    out_type=ALL,
    shape=lambda serialized, *, out_type: None,
    differentiable=False,
)
def parse_tensor_op(serialized: Value, *, out_type: DType) -> Value:
    data = one_string(serialized, "Expected `serialized` to be a scalar, it")
    proto = protos.TensorProto()
    try:
        proto.ParseFromString(data)
    except DecodeError:
        raise _invalid(f"Could not parse `serialized` as TensorProto, {len(data)} bytes") from None
    found = as_dtype(proto.dtype)
    if found != out_type:
        raise _invalid(f"Type mismatch between parsed tensor ({found.name}) and dtype ({out_type.name})")
    return array.from_numpy(from_tensor_proto(proto), copy=True)


# Comma-separated values

_COLUMN = frozenset({dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string})


def _fields(record: bytes, delimiter: bytes, quotes: bool) -> list[bytes]:
    """Return the fields of a line; a quoted one may hold delimiters, and quotes that are doubled."""
    fields: list[bytes] = []
    at = 0
    while True:
        if quotes and record[at : at + 1] == b'"':
            end = at + 1
            parts = []
            while True:
                close = record.find(b'"', end)
                if close < 0:
                    raise _invalid("Quoted field has to end with quote followed by delim or end")
                parts.append(record[end:close])
                if record[close + 1 : close + 2] != b'"':
                    break
                parts.append(b'"')
                end = close + 2
            at = close + 1
            if at < len(record) and record[at : at + 1] != delimiter:
                raise _invalid("Quoted field has to end with quote followed by delim or end")
            fields.append(b"".join(parts))
        else:
            end = record.find(delimiter, at)
            end = len(record) if end < 0 else end
            field = record[at:end]
            if quotes and (b'"' in field or b"\n" in field or b"\r" in field):
                raise _invalid('Unquoted fields cannot have quotes/CRLFs inside, got "' + repr(field) + '"')
            fields.append(field)
            at = end
        if at >= len(record):
            return fields
        at += 1


def _number(field: bytes, dtype: DType, place: int, record: int) -> Any:
    try:
        if dtype in (dtypes.int32, dtypes.int64):
            value = int(field)
            if b"_" in field or not dtype.min <= value <= dtype.max:
                raise ValueError
            return value
        if b"_" in field:
            raise ValueError
        return float(field)
    except ValueError:
        raise _invalid(
            f"Field {place} in record {record} is not a valid {dtype.name}: {field.decode(errors='replace')}"
        ) from None


@op(
    "DecodeCSV(records: string, record_defaults: list(OUT_TYPE)) -> output: list(OUT_TYPE)",
    OUT_TYPE=_COLUMN,
    minimum={"OUT_TYPE": 1},
)
def decode_csv_op(
    records: Value,
    record_defaults: list[Value],
    *,
    OUT_TYPE: list[DType],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: list[int] = [],
) -> list[Value]:
    defaults = [array.to_numpy(value) for value in record_defaults]
    for place, default in enumerate(defaults):
        if np.ndim(default) > 1 or np.size(default) > 1:
            raise _invalid(f"There should only be 1 default per field but field {place} has {np.size(default)}")
    if len(field_delim) != 1:
        raise _invalid("field_delim should be only 1 char")
    items = np.asarray(records, dtype=object)
    columns: list[list[Any]] = [[] for _ in defaults]
    for number, record in enumerate(items.reshape(-1).tolist()):
        fields = _fields(record, field_delim.encode(), use_quote_delim)
        if select_cols:
            fields = [fields[place] for place in select_cols if place < len(fields)]
        if len(fields) != len(defaults):
            raise _invalid(f"Expect {len(defaults)} fields but have {len(fields)} in record {number}")
        for place, (field, dtype) in enumerate(zip(fields, OUT_TYPE, strict=True)):
            if not field or field == na_value.encode():
                if np.size(defaults[place]) == 0:
                    raise _invalid(f"Field {place} is required but missing in record {number}!")
                columns[place].append(np.asarray(defaults[place], dtype=object).reshape(-1)[0])
            elif dtype == dtypes.string:
                columns[place].append(field)
            else:
                columns[place].append(_number(field.strip(), dtype, place, number))
    results: list[Value] = []
    for column, dtype in zip(columns, OUT_TYPE, strict=True):
        if dtype == dtypes.string:
            results.append(strings(column, items.shape))
        else:
            results.append(array.from_numpy(np.array(column, dtype=dtype.as_numpy_dtype).reshape(items.shape)))
    return results


@decode_csv_op.shape
def decode_csv_shape(records: Dims, record_defaults: list[Dims], **attrs: Any) -> list[Dims]:
    for default in record_defaults:
        if default is not None and len(default) > 1:
            raise ShapeError(f"each default must be a scalar or a vector of at most one element, got {default}")
    return [records for _ in record_defaults]


# Public functions


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """Return the contents of a file as a scalar string.

    Args:
        filename: a scalar string.
        name: the name of the node.
    Raises:
        NotFoundError: if there is no such file.
    """
    return read_file_op(filename, name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Any:
    """Write a scalar string to a file, and make its folder if there is none.

    Returns:
        The operation in a graph, None eagerly.
    """
    return write_file_op(filename, contents, name=name)


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """Return the names of the files that match one or several patterns such as `*.txt`, sorted."""
    return matching_files_op(pattern, name=name)


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Tensor:
    """Return strings without their compression, "ZLIB", "GZIP" or "" for none.

    Raises:
        DataLossError: if a string is not compressed so.
    """
    return decode_compressed_op(bytes, compression_type=compression_type, name=name)


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """Return a tensor as the bytes of a TensorProto, a scalar string."""
    return serialize_tensor_op(tensor, name=name)


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """Return the tensor that the bytes of a TensorProto hold.

    Args:
        serialized: a scalar string.
        out_type: the type of the tensor.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if the bytes are malformed or hold another type.
    """
    return parse_tensor_op(serialized, out_type=as_dtype(out_type), name=name)


def decode_csv(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Any = None,
    name: str | None = None,
) -> list[Tensor]:
    """Return the columns of comma-separated records.

    Args:
        records: strings of any shape, one a line.
        record_defaults: for each column a tensor of its type: its default, or an empty vector where it is required.
        field_delim: one character.
        use_quote_delim: whether fields may be quoted.
        na_value: text that stands for the default too.
        select_cols: the columns to return, in increasing order; None for all.
        name: the name of the node.
    Returns:
        A tensor of the shape of `records` for each column.
    Raises:
        InvalidArgumentError: if a record has another number of fields, or a field is no number.
        ValueError: if `select_cols` does not increase.
    """
    if select_cols is not None:
        chosen = list(select_cols)
        if any(b <= a for a, b in zip(chosen, chosen[1:], strict=False)):
            raise ValueError(f"select_cols is not strictly increasing: {chosen}")
        if chosen and chosen[0] < 0:
            raise ValueError(f"select_cols contains negative values: {chosen}")
        if len(chosen) != len(record_defaults):
            raise ValueError(
                f"Length of select_cols and record_defaults do not match: {len(chosen)} and {len(record_defaults)}"
            )
    result = decode_csv_op(
        records,
        list(record_defaults),
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=list(select_cols or []),
        name=name,
    )
    return list(result)


def decode_csv_v1(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Any = None,
) -> list[Tensor]:
    """Return the columns of comma-separated records; see `decode_csv`."""
    return decode_csv(records, record_defaults, field_delim, use_quote_delim, na_value, select_cols, name)
