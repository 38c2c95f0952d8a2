"""Between encodings of Unicode, and between strings and code points."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, int32, int64
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host
from penstock.ops.string.elementwise import as_strings, invalid, map_strings
from penstock.ops.string.unicode_scripts import scripts_of

_ENCODINGS = ("UTF-8", "UTF-16-BE", "UTF-32-BE")
_ERRORS = ("strict", "replace", "ignore")
_SPLITS = Type(frozenset({int32, int64}), default=int64)
_REPLACEMENT = 65533


def _codec(encoding: str) -> str:
    """Return Python's name of an encoding.

    Raises:
        InvalidArgumentError: if there is no such encoding.
    """
    name = encoding.lower().replace("utf-16-be", "utf-16be").replace("utf-32-be", "utf-32be")
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise invalid(f"Could not create converter for input encoding: {encoding}") from None


def _code_points(item: bytes, codec: str) -> Iterator[tuple[int | None, int]]:
    """Yield the code points of a string, None for what is malformed, each with the position of its first byte."""
    position = 0
    while position < len(item):
        try:
            text, malformed = item[position:].decode(codec), 0
        except UnicodeDecodeError as error:
            text, malformed = item[position : position + error.start].decode(codec), error.end - error.start
        for character in text:
            yield ord(character), position
            position += _encoded_size(character, codec)
        if malformed:
            yield None, position
            position += malformed
        else:
            break  # what is left, if anything, is a byte order mark


def _encoded_size(character: str, codec: str) -> int:
    if codec == "utf-8":
        code = ord(character)
        return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    if codec.startswith("utf-16"):
        return 2 if ord(character) < 0x10000 else 4
    if codec.startswith("utf-32"):
        return 4
    return len(character.encode(codec))


def _decode(
    item: bytes, codec: str, errors: str, replacement_char: int, replace_control_characters: bool
) -> list[tuple[int, int]]:
    """Return code points with the positions of their first bytes, with malformed ones handled as asked for."""
    found = []
    for code, position in _code_points(item, codec):
        if code is None or replace_control_characters and code < 0x20:
            if errors == "strict":
                raise invalid("Invalid formatting on input string")
            if errors == "ignore":
                continue
            code = replacement_char
        found.append((code, position))
    return found


def _encode(codes: list[int], codec: str) -> bytes:
    return "".join(map(chr, codes)).encode(codec, "surrogatepass")


@op(
    "UnicodeTranscode(input: string) -> output: string",
    shape=unchanged,
    allowed={"output_encoding": _ENCODINGS, "errors": _ERRORS},
)
def unicode_transcode_op(
    input: Value,
    *,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
) -> Value:
    source, target = _codec(input_encoding), _codec(output_encoding)

    def transcode(item: bytes) -> bytes:
        codes = _decode(item, source, errors, replacement_char, replace_control_characters)
        return _encode([code for code, _ in codes], target)

    return map_strings(transcode, input)


def _decoded(input: Value, encoding: str, errors: str, replacement_char: int, replaces: bool, splits: DType) -> Any:
    codec = _codec(encoding)
    rows = [_decode(item, codec, errors, replacement_char, replaces) for item in input.reshape(-1)]
    ends = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    codes = np.array([code for row in rows for code, _ in row], dtype=np.int32)
    starts = np.array([start for row in rows for _, start in row], dtype=np.int64)
    return (
        array.from_numpy(ends.astype(splits.as_numpy_dtype)),
        array.from_numpy(codes),
        array.from_numpy(starts),
    )


def _rows_shape(input: Dims, **attrs: Any) -> tuple[Dims, ...]:
    count = None if input is None or None in input else int(np.prod(input, dtype=np.int64)) + 1  # type: ignore[arg-type]
    return (count,), (None,)


@op(
    "UnicodeDecode(input: string) -> (row_splits: Tsplits, char_values: int32)",
    Tsplits=_SPLITS,
    shape=_rows_shape,
    allowed={"errors": _ERRORS},
)
def unicode_decode_op(
    input: Value,
    *,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    Tsplits: DType = int64,
) -> tuple[Value, Value]:
    found = _decoded(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits)
    return found[0], found[1]


@op(
    "UnicodeDecodeWithOffsets(input: string) -> (row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64)",
    Tsplits=_SPLITS,
    shape=lambda input, **attrs: (*_rows_shape(input), (None,)),
    allowed={"errors": _ERRORS},
)
def unicode_decode_with_offsets_op(
    input: Value,
    *,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    Tsplits: DType = int64,
) -> tuple[Value, Value, Value]:
    return _decoded(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits)


@op(
    "UnicodeEncode(input_values: int32, input_splits: Tsplits) -> output: string",
    Tsplits=_SPLITS,
    allowed={"errors": _ERRORS, "output_encoding": _ENCODINGS},
)
def unicode_encode_op(
    input_values: Value,
    input_splits: Value,
    *,
    errors: str = "replace",
    output_encoding: str,
    replacement_char: int = _REPLACEMENT,
) -> Value:
    codes, splits = array.to_python(input_values), array.to_python(input_splits)
    if (
        not splits
        or splits[0] != 0
        or splits[-1] != len(codes)
        or any(a > b for a, b in zip(splits, splits[1:], strict=False))
    ):
        raise invalid(f"input_splits must rise from 0 to the number of values ({len(codes)}), got {splits}")
    target = _codec(output_encoding)
    rows = []
    for start, end in zip(splits, splits[1:], strict=False):
        row = []
        for code in codes[start:end]:
            if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                if errors == "strict":
                    raise invalid("Code point is out of range for Unicode, or is a surrogate.")
                if errors == "ignore":
                    continue
                code = replacement_char
            row.append(code)
        rows.append(_encode(row, target))
    return as_strings(rows, (len(rows),))


@unicode_encode_op.shape
def unicode_encode_shape(
    input_values: Dims, input_splits: Dims, *, errors: str, output_encoding: str, replacement_char: int
) -> Dims:
    return (None if not input_splits or input_splits[0] is None else input_splits[0] - 1,)


def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return strings in another encoding.

    Args:
        input: a string tensor.
        input_encoding: the encoding that it has.
        output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
        errors: what is done about malformed characters: "replace" them, "ignore" them, or fail ("strict").
        replacement_char: the code point that stands for them.
        replace_control_characters: whether control characters (below 0x20) are replaced as well.
        name: the node's name.
    Raises:
        InvalidArgumentError: if an encoding is not known, or a character is malformed and `errors` is "strict".
    """
    return unicode_transcode_op(
        input,
        input_encoding=input_encoding,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
        name=name,
    )


@op("UnicodeScript(input: int32) -> output: int32", shape=unchanged, differentiable=False)
@on_host
def unicode_script_op(input: Value) -> Value:
    return array.from_numpy(scripts_of(np.asarray(array.to_numpy(input))))


def unicode_script(input: Any, name: str | None = None) -> Tensor:
    """Return the scripts that code points belong to, by the numbers of ICU's `UScriptCode`: 25 for Latin, 17 for Han.

    Args:
        input: int32 code points of any shape.
        name: the node's name.
    Returns:
        int32 of the same shape; 0 for what is common to all scripts, 1 for marks that inherit it, 103 for code points
        without one, -1 for numbers that are no code points.
    """
    return unicode_script_op(input, name=name)
