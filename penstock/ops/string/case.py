"""Lower and upper case, stripping, lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.string.elementwise import invalid, map_strings


def _is_utf8(encoding: str) -> bool:
    if encoding.lower() not in ("", "utf-8"):
        raise invalid(f"only utf-8 or '' (no encoding) is supported, received {encoding}")
    return bool(encoding)


def _decoded(item: bytes) -> str:
    return item.decode("utf-8", "replace")


@op("StringLower(input: string) -> output: string", shape=unchanged)
def string_lower_op(input: Value, *, encoding: str = "") -> Value:
    if _is_utf8(encoding):
        return map_strings(lambda item: _decoded(item).lower().encode(), input)
    return map_strings(bytes.lower, input)


@op("StringUpper(input: string) -> output: string", shape=unchanged)
def string_upper_op(input: Value, *, encoding: str = "") -> Value:
    if _is_utf8(encoding):
        return map_strings(lambda item: _decoded(item).upper().encode(), input)
    return map_strings(bytes.upper, input)


@op("StringStrip(input: string) -> output: string", shape=unchanged)
def string_strip_op(input: Value) -> Value:
    return map_strings(bytes.strip, input)


def count_characters(item: bytes) -> int:
    """Return the number of UTF-8 characters: of bytes that do not continue another one."""
    return sum((byte & 0xC0) != 0x80 for byte in item)


@op("StringLength(input: string) -> output: int32", shape=unchanged, allowed={"unit": ("BYTE", "UTF8_CHAR")})
def string_length_op(input: Value, *, unit: str = "BYTE") -> Value:
    length = len if unit == "BYTE" else count_characters
    lengths = np.array([length(item) for item in input.reshape(-1)], dtype=np.int32)
    return array.from_numpy(lengths.reshape(input.shape))


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Return strings with upper case letters made lower case.

    Args:
        input: a string tensor.
        encoding: "" for ASCII letters only, "utf-8" for those of all scripts.
        name: the node's name.
    """
    return string_lower_op(input, encoding=encoding, name=name)


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Return strings with lower case letters made upper case. See `string_lower`."""
    return string_upper_op(input, encoding=encoding, name=name)


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Return strings without the white space at both ends.

    Args:
        input: a string tensor.
        name: the node's name.
    """
    return string_strip_op(input, name=name)


def string_length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """Return the lengths of strings, as int32.

    Args:
        input: a string tensor.
        unit: "BYTE" or "UTF8_CHAR": what is counted.
        name: the node's name.
    """
    return string_length_op(input, unit=unit, name=name)


def string_length_v1(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """Return the lengths of strings, as int32. See `string_length`."""
    return string_length_op(input, unit=unit, name=name)
