"""Messages of any type, described by the program: their fields as tensors, and back."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from penstock.core import array, dtypes
from penstock.core.array import Value
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import DataLossError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.formats import protos  # noqa: F401  describes the messages that TensorBoard lacks
from penstock.ops.parsing.columns import invalid

_LOCAL = b"local://"
_BYTES = b"bytes://"
# TensorFlow's messages are known by these names in this process.
_TENSORFLOW = "tensorflow."
_OWN_PACKAGES = ("penstock.", "tensorboard.")
_TEXTS = frozenset({dtypes.string})
_INT32 = frozenset({dtypes.int32, dtypes.int64})
_INT64 = frozenset({dtypes.int64})
_UINT32 = frozenset({dtypes.uint32, dtypes.uint64})
_UINT64 = frozenset({dtypes.uint64})
# The types of tensors that hold the values of a field, by the type of the field.
_HOLDERS = {
    FieldDescriptor.TYPE_DOUBLE: frozenset({dtypes.float64}),
    FieldDescriptor.TYPE_FLOAT: frozenset({dtypes.float32, dtypes.float64}),
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_BOOL: frozenset({dtypes.bool_}),
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_BYTES: _TEXTS,
    FieldDescriptor.TYPE_MESSAGE: _TEXTS,
    FieldDescriptor.TYPE_GROUP: _TEXTS,
    FieldDescriptor.TYPE_ENUM: frozenset({dtypes.int32}),
}


@lru_cache(maxsize=64)
def _message_class(message_type: str, source: bytes) -> Any:
    """Return the class of a type of messages.

    Raises:
        InvalidArgumentError: if the source is no description, or does not describe the type.
    """
    names = [message_type]
    if source in (b"", _LOCAL):
        pool = descriptor_pool.Default()
        if message_type.startswith(_TENSORFLOW):
            names += [package + message_type.removeprefix(_TENSORFLOW) for package in _OWN_PACKAGES]
    else:
        pool = _described(source)
    for name in names:
        try:
            return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        except KeyError:
            continue
    raise invalid(f"No descriptor found for message type {message_type}")


def _described(source: bytes) -> Any:
    """Return the types of a serialized FileDescriptorSet, which follows `bytes://` or is the content of a file."""
    wrong = invalid(
        "Source does not represent serialized file descriptor set proto. Give b'bytes://' and a serialized "
        "FileDescriptorSet, or the name of a file that holds one, as `protoc --descriptor_set_out` writes it."
    )
    files = descriptor_pb2.FileDescriptorSet()
    pool = descriptor_pool.DescriptorPool()
    try:
        content = source.removeprefix(_BYTES) if source.startswith(_BYTES) else Path(source.decode()).read_bytes()
        files.ParseFromString(content)
        for file in files.file:
            pool.AddSerializedFile(file.SerializeToString())
    except (DecodeError, OSError, TypeError, ValueError):
        raise wrong from None
    return pool


def _fields(message: Any, names: list[str]) -> list[Any]:
    known = message.DESCRIPTOR.fields_by_name
    for name in names:
        if name not in known:
            raise invalid(f"Unknown field: {name} in message type {message.DESCRIPTOR.full_name}")
    return [known[name] for name in names]


def _is_repeated(field: Any) -> bool:
    # Newer releases of protobuf warn of `label`, older ones lack `is_repeated`.
    repeated = getattr(field, "is_repeated", None)
    return field.label == FieldDescriptor.LABEL_REPEATED if repeated is None else repeated


def _as_source(source: Any) -> bytes:
    return source if isinstance(source, bytes) else source.encode()


def _values(message: Any, field: Any) -> list[Any]:
    content = getattr(message, field.name)
    items = list(content) if _is_repeated(field) else [content]
    if field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
        return [item.SerializeToString(deterministic=True) for item in items]
    return [item.encode() for item in items] if field.type == FieldDescriptor.TYPE_STRING else items


def _decoded_shape(
    bytes: Dims, *, output_types: list[DType], field_names: list[str], **attrs: Any
) -> tuple[Dims, list[Dims]]:
    rows = None if bytes is None else (*bytes, None)
    sizes = None if bytes is None else (*bytes, len(field_names))
    return sizes, [rows] * len(output_types)


@op(
    "DecodeProtoV2(bytes: string) -> (sizes: int32, values: list(output_types))",
    minimum={"output_types": 0},
    shape=_decoded_shape,
    differentiable=False,
)
def decode_proto_v2_op(
    bytes: Value,
    *,
    message_type: str,
    field_names: list[str],
    output_types: list[DType],
    descriptor_source: str = "local://",
    message_format: str = "binary",
    sanitize: bool = False,
) -> tuple[Value, list[Value]]:
    if len(field_names) != len(output_types):
        raise invalid("field_names and output_types attributes must have the same length")
    message = _message_class(message_type, _as_source(descriptor_source))
    fields = _fields(message, field_names)
    for field, dtype in zip(fields, output_types, strict=True):
        if dtype not in _HOLDERS[field.type]:
            raise invalid(
                f"Unexpected output type for {field.full_name}: {dtype.name}; its tensors may be "
                f"{', '.join(sorted(kind.name for kind in _HOLDERS[field.type]))}"
            )
    if message_format not in ("binary", "text"):
        raise invalid(f"format must be one of binary or text, got {message_format!r}")
    items = bytes.reshape(-1)
    if not items.size:
        raise invalid("Bufs argument must contain at least one value")
    parsed = [_parse(message, item, message_format) for item in items]
    sizes = np.zeros((len(parsed), len(fields)), np.int32)
    values: list[Value] = []
    for place, (field, dtype) in enumerate(zip(fields, output_types, strict=True)):
        rows = [_values(each, field) for each in parsed]
        present = [
            len(row) if _is_repeated(field) else int(each.HasField(field.name) if field.has_presence else bool(row[0]))
            for each, row in zip(parsed, rows, strict=True)
        ]
        sizes[:, place] = present
        table = _table(rows, dtype)
        values.append(array.from_numpy(table.reshape(*bytes.shape, table.shape[1])))
    return array.from_numpy(sizes.reshape(*bytes.shape, len(fields))), values


def _table(rows: list[list[Any]], dtype: DType) -> np.ndarray:
    """Return rows of values as one array, filled up with zeros or empty strings."""
    width = max(len(row) for row in rows)
    is_text = dtype == dtypes.string
    table = np.full((len(rows), width), b"" if is_text else 0, object if is_text else dtype.as_numpy_dtype)
    for place, row in enumerate(rows):
        for column, value in enumerate(row):
            table[place, column] = value
    return table


def _parse(message: Any, item: bytes, message_format: str) -> Any:
    result = message()
    try:
        if message_format == "binary":
            result.ParseFromString(item)
        else:
            text_format.Parse(item, result)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        kind = "binary" if message_format == "binary" else "text"
        raise DataLossError(None, None, f"Unable to parse {kind} protobuf: {error}") from None
    return result


@op(
    "EncodeProto(sizes: int32, values: list(Tinput_types)) -> bytes: string",
    minimum={"Tinput_types": 1},
    differentiable=False,
)
def encode_proto_op(
    sizes: Value,
    values: list[Value],
    *,
    field_names: list[str],
    message_type: str,
    descriptor_source: str = "local://",
) -> Value:
    message = _message_class(message_type, _as_source(descriptor_source))
    fields = _fields(message, field_names)
    if len(values) != len(fields):
        raise invalid(f"there must be values for each field, got {len(values)} for {len(fields)} fields")
    counts = np.asarray(array.to_numpy(sizes))
    tables = [np.asarray(array.to_numpy(value)) for value in values]
    for field, table, value in zip(fields, tables, values, strict=True):
        if table.ndim < 2:
            raise invalid(
                f"Invalid shape for field {field.name}.  Saw shape {list(table.shape)} but it should be at least a "
                "matrix."
            )
        if table.shape[:-1] != tables[0].shape[:-1]:
            raise invalid(f"values must have the same batch shape, got {[list(each.shape) for each in tables]}")
        if array.dtype_of(value) not in _HOLDERS[field.type]:
            raise invalid(
                f"Incompatible type for field {field.name}.  Saw dtype: {array.dtype_of(value).name} but field type "
                f"is: {_type_name(field)}"
            )
    batch = tables[0].shape[:-1]
    if counts.shape != (*batch, len(fields)):
        raise invalid(
            f"sizes should be batch_size + [len(field_names)].  Saw: {list(counts.shape)} but expected: "
            f"{[*batch, len(fields)]}"
        )
    flat = counts.reshape(-1, len(fields))
    rows = [table.reshape(-1, table.shape[-1]) for table in tables]
    order = sorted(range(len(fields)), key=lambda place: fields[place].number)
    result = np.empty(len(flat), dtype=object)
    for row in range(len(flat)):
        parts = []
        for place in order:
            count = int(flat[row, place])
            if count > rows[place].shape[1]:
                raise invalid(
                    f"Size to write must not be larger than value tensor; but saw: {count} > {rows[place].shape[1]} "
                    f"at message {row} field {place}"
                )
            parts.append(_encoded(message, fields[place], rows[place][row, : max(count, 0)].tolist()))
        result[row] = b"".join(parts)
    return result.reshape(batch)


def _type_name(field: Any) -> str:
    names = (
        name for name, number in vars(FieldDescriptor).items() if name.startswith("TYPE_") and number == field.type
    )
    return next(names).removeprefix("TYPE_").lower()


def _encoded(message: Any, field: Any, values: list[Any]) -> bytes:
    """Return the part of a message that holds some values of a field, also several of one that is not repeated."""
    groups = [values] if _is_repeated(field) else [[value] for value in values]
    parts = []
    for group in groups:
        part = message()
        try:
            for value in group:
                _put(part, field, value)
            parts.append(part.SerializePartialToString(deterministic=True))
        except (DecodeError, TypeError, ValueError) as error:
            raise invalid(f"field {field.full_name} cannot hold {group[0]!r}: {error}") from None
    return b"".join(parts)


def _put(part: Any, field: Any, value: Any) -> None:
    if field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
        target = getattr(part, field.name)
        if not _is_repeated(field):
            target.SetInParent()
        (target.add() if _is_repeated(field) else target).MergeFromString(value)
        return
    value = value.decode() if field.type == FieldDescriptor.TYPE_STRING else value
    if _is_repeated(field):
        getattr(part, field.name).append(value)
    else:
        setattr(part, field.name, value)


@encode_proto_op.shape
def encode_proto_shape(sizes: Dims, values: list[Dims], **attrs: Any) -> Dims:
    return None if sizes is None else sizes[:-1]


def decode_proto(
    bytes: Any,
    message_type: str,
    field_names: Any,
    output_types: Any,
    descriptor_source: Any = "local://",
    message_format: str = "binary",
    sanitize: bool = False,
    name: str | None = None,
) -> Any:
    """Return fields of serialized protocol buffers.

    Args:
        bytes: a string tensor of any shape, at least one message.
        message_type: the full name of the type of the messages.
        field_names: the fields wanted, in any order.
        output_types: the types of their tensors: string for strings, bytes and messages, int32 for enums, else that of
            the field; int64 and float64 hold int32 and float, too.
        descriptor_source: what describes the type: `b"bytes://"` and a serialized FileDescriptorSet, the name of a file
            that holds one, or "local://" for the types that this process knows.
        message_format: "binary" or "text".
        sanitize: accepted as TensorFlow does: what is not known is left out in any case.
        name: the name of the node.
    Returns:
        `sizes`, int32 of shape `bytes.shape + [len(field_names)]`: how many values each field has; and for each field
        its values, of shape `bytes.shape + [largest size]`, filled up with zeros or empty strings. A field that is not
        repeated has one value, its default where it is missing.
    Raises:
        InvalidArgumentError: if the type or a field is not known, or a type does not fit.
        DataLossError: if a message is malformed.
    """
    return decode_proto_v2_op(
        bytes,
        message_type=message_type,
        field_names=list(field_names),
        output_types=[as_dtype(dtype) for dtype in output_types],
        descriptor_source=descriptor_source,
        message_format=message_format,
        sanitize=sanitize,
        name=name,
    )


def encode_proto(
    sizes: Any,
    values: Any,
    field_names: Any,
    message_type: str,
    descriptor_source: Any = "local://",
    name: str | None = None,
) -> Tensor:
    """Return serialized protocol buffers that hold values.

    Args:
        sizes: int32 of shape `batch + [len(field_names)]`, how many values each field gets.
        values: a tensor for each field, of shape `batch + [largest size]`.
        field_names, message_type, descriptor_source: see `decode_proto`.
        name: the name of the node.
    Returns:
        A string tensor of shape `batch`.
    Raises:
        InvalidArgumentError: if the type or a field is not known, or shapes, types or values do not fit.
    """
    return encode_proto_op(
        sizes,
        list(values),
        field_names=list(field_names),
        message_type=message_type,
        descriptor_source=descriptor_source,
        name=name,
    )
