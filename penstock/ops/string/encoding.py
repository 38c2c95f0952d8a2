"""Web-safe base 64, and bytes as numbers."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import numpy as np

from penstock.core import array, dtypes
from penstock.core.array import Value
from penstock.core.dtypes import DType, as_dtype
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.reduce import one_of
from penstock.ops.string.elementwise import invalid, map_strings


@op("EncodeBase64(input: string) -> output: string", differentiable=False, shape=unchanged)
def encode_base64_op(input: Value, *, pad: bool = False) -> Value:
    def encode(item: bytes) -> bytes:
        encoded = base64.urlsafe_b64encode(item)
        return encoded if pad else encoded.rstrip(b"=")

    return map_strings(encode, input)


_BASE64 = re.compile(rb"([A-Za-z0-9_-]*)(=*)\Z")


def _decode_base64(item: bytes) -> bytes:
    match = _BASE64.match(item)
    if match is not None and (len(match[1]) % 4 == 1 or len(item) % 4 == 1):
        raise invalid("Base64 string length cannot be 1 modulo 4.")
    if match is None or match[2] and (len(item) % 4 or len(match[2]) > 2):
        raise invalid("Invalid character found in base64.")
    try:
        return base64.urlsafe_b64decode(match[1] + b"=" * (-len(match[1]) % 4))
    except binascii.Error as error:
        raise invalid(f"Invalid base64: {error}") from None


@op("DecodeBase64(input: string) -> output: string", differentiable=False, shape=unchanged)
def decode_base64_op(input: Value) -> Value:
    return map_strings(_decode_base64, input)


_RAW = frozenset(
    {
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
        dtypes.int32,
        dtypes.uint16,
        dtypes.uint8,
        dtypes.int16,
        dtypes.int8,
        dtypes.int64,
        dtypes.bfloat16,
    }
)


def _numbers(rows: list[bytes], dims: tuple[int, ...], out_type: DType, little_endian: bool) -> Value:
    stored = np.dtype(out_type.as_numpy_dtype)
    flat = np.frombuffer(b"".join(rows), dtype=np.uint8)
    if not little_endian and stored.itemsize > 1:
        part = stored.itemsize // (2 if stored.kind == "c" else 1)
        flat = flat.reshape(-1, part)[:, ::-1].reshape(-1)
    numbers = np.ascontiguousarray(flat).view(stored)
    width = numbers.size // len(rows) if rows else 0
    return array.from_numpy(numbers.reshape(*dims, width), copy=True)


@op(
    "DecodeRaw(bytes: string) -> output: out_type",
    out_type=_RAW | {dtypes.complex64, dtypes.complex128, dtypes.bool_},
    differentiable=False,
)
def decode_raw_op(bytes: Value, *, out_type: DType, little_endian: bool = True) -> Value:
    rows = list(bytes.reshape(-1))
    length = len(rows[0]) if rows else 0
    for row in rows:
        if len(row) != length:
            raise invalid(
                f"DecodeRaw requires input strings to all be the same size, but found {length} and {len(row)}"
            )
    size = np.dtype(out_type.as_numpy_dtype).itemsize
    if length % size:
        raise invalid(
            f"Input to DecodeRaw has length {length} that is not a multiple of {size}, the size of {out_type.name}"
        )
    return _numbers(rows, bytes.shape, out_type, little_endian)


@decode_raw_op.shape
def decode_raw_shape(bytes: Dims, *, out_type: DType, little_endian: bool) -> Dims:
    return None if bytes is None else (*bytes, None)


@op(
    "DecodePaddedRaw(input_bytes: string, fixed_length: host int32) -> output: out_type",
    out_type=_RAW,
    differentiable=False,
)
def decode_padded_raw_op(
    input_bytes: Value, fixed_length: int, *, out_type: DType, little_endian: bool = True
) -> Value:
    size = np.dtype(out_type.as_numpy_dtype).itemsize
    if fixed_length <= 0 or fixed_length % size:
        raise invalid(
            f"fixed_length ({fixed_length}) must be a positive multiple of the size of {out_type.name} ({size})"
        )
    rows = [row[:fixed_length].ljust(fixed_length, b"\0") for row in input_bytes.reshape(-1)]
    return _numbers(rows, input_bytes.shape, out_type, little_endian)


@decode_padded_raw_op.shape
def decode_padded_raw_shape(input_bytes: Dims, fixed_length: Any, *, out_type: DType, little_endian: bool) -> Dims:
    if input_bytes is None:
        return None
    return (*input_bytes, None if fixed_length is None else fixed_length // np.dtype(out_type.as_numpy_dtype).itemsize)


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Return strings in web-safe base 64.

    Args:
        input: a string tensor.
        pad: whether "=" fills up the length to a multiple of 4.
        name: the node's name.
    """
    return encode_base64_op(input, pad=pad, name=name)


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """Return what strings in web-safe base 64 stand for, with or without padding.

    Args:
        input: a string tensor.
        name: the node's name.
    Raises:
        InvalidArgumentError: if one is not base 64.
    """
    return decode_base64_op(input, name=name)


def decode_raw(
    input_bytes: Any,
    out_type: Any,
    little_endian: bool = True,
    fixed_length: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return the bytes of strings as numbers, along a new last axis.

    Args:
        input_bytes: a string tensor; without `fixed_length`, of strings of one length.
        out_type: the type of the numbers.
        little_endian: the order of their bytes.
        fixed_length: the number of bytes to take of each string, filled up with zeros.
        name: the node's name.
    """
    if fixed_length is not None:
        return decode_padded_raw_op(
            input_bytes, fixed_length, out_type=as_dtype(out_type), little_endian=little_endian, name=name
        )
    return decode_raw_op(input_bytes, out_type=as_dtype(out_type), little_endian=little_endian, name=name)


def decode_raw_v1(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Tensor:
    """Return the bytes of strings as numbers, along a new last axis. See `decode_raw`.

    Raises:
        ValueError: if no type is given.
    """
    given = one_of("input_bytes", input_bytes, "bytes", bytes)
    if out_type is None:
        raise ValueError("decode_raw() missing 1 positional argument: 'out_type'")
    return decode_raw_op(given, out_type=as_dtype(out_type), little_endian=little_endian, name=name)
