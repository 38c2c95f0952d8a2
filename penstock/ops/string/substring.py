"""Substr: parts of strings by position and length."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import int32, int64
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast, merge
from penstock.core.tensor import Tensor
from penstock.ops.string.elementwise import as_strings, invalid


@op(
    "Substr(input: string, pos: T, len: T) -> output: string",
    T=frozenset({int32, int64}),
    allowed={"unit": ("BYTE", "UTF8_CHAR")},
)
def substr_op(input: Value, pos: Value, len: Value, *, unit: str = "BYTE") -> Value:
    positions, lengths = np.asarray(array.to_numpy(pos)), np.asarray(array.to_numpy(len))
    if positions.shape != lengths.shape:
        raise invalid(f"pos and len should have the same shape, got: {list(positions.shape)} vs. {list(lengths.shape)}")
    try:
        strings, positions, lengths = np.broadcast_arrays(input, positions, lengths)
    except ValueError:
        raise invalid(f"Incompatible shapes: {list(input.shape)} vs. {list(positions.shape)}") from None
    part = _bytes_of if unit == "BYTE" else _characters_of
    found = [
        part(item, int(start), int(length), index)
        for index, (item, start, length) in enumerate(zip(strings.flat, positions.flat, lengths.flat, strict=True))
    ]
    return as_strings(found, strings.shape)


def _bytes_of(item: bytes, start: int, length: int, index: int) -> bytes:
    size = len(item)
    if not -size <= start <= size:
        raise invalid(f"pos {start} out of range for string {item!r} at index {index}")
    start = start + size if start < 0 else start
    return item[start:] if length < 0 else item[start : start + length]


def _characters_of(item: bytes, start: int, length: int, index: int) -> bytes:
    starts = [position for position, byte in enumerate(item) if (byte & 0xC0) != 0x80]
    size = len(starts)
    if not -size <= start <= size:
        raise invalid(f"pos {start} out of range for string at index {index}")
    start = start + size if start < 0 else start
    ends = [*starts, len(item)]
    return item[ends[start] : ends[min(start + max(length, 0), size)]]


@substr_op.shape
def substr_shape(input: Dims, pos: Dims, len: Dims, *, unit: str) -> Dims:
    return broadcast(input, merge(pos, len, "the shapes of pos and len"))


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """Return parts of strings.

    Args:
        input: a string tensor.
        pos: where each part starts, counted from the end if negative; broadcast with `input`.
        len: how long it is at most, of the shape of `pos`.
        unit: "BYTE" or "UTF8_CHAR": what is counted.
        name: the node's name.
    Raises:
        InvalidArgumentError: if a part starts outside of its string.
    """
    return substr_op(input, pos, len, unit=unit, name=name)


def substr_v1(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """Return parts of strings. See `substr`."""
    return substr_op(input, pos, len, unit=unit, name=name)
