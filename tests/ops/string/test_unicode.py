from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.unicode import (
    unicode_decode_op,
    unicode_decode_with_offsets_op,
    unicode_encode_op,
    unicode_transcode,
    unicode_transcode_op,
)
from penstock.testing.op_case import OpCase


def strings(*items: bytes) -> np.ndarray:
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


MALFORMED = strings(b"a\xffb", "é".encode())
CASES = [
    OpCase(
        unicode_transcode_op,
        [strings("hé".encode(), b"")],
        strings(b"\x00h\x00\xe9", b""),
        {"input_encoding": "UTF-8", "output_encoding": "UTF-16-BE"},
    ),
    OpCase(
        unicode_decode_op,
        [MALFORMED],
        [np.int64([0, 3, 4]), np.int32([97, 65533, 98, 233])],
        {"input_encoding": "UTF-8"},
    ),
    OpCase(
        unicode_decode_with_offsets_op,
        [MALFORMED],
        [np.int64([0, 2, 3]), np.int32([97, 98, 233]), np.int64([0, 2, 0])],
        {"input_encoding": "UTF-8", "errors": "ignore"},
    ),
    OpCase(
        unicode_encode_op,
        [np.int32([104, 233, 0x110000, 0xD800]), np.int64([0, 2, 4])],
        strings("hé".encode(), b"\xef\xbf\xbd\xef\xbf\xbd"),
        {"output_encoding": "UTF-8"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("text", "source", "options", "result"),
    [
        (b"a\xff\xc3b", "UTF-8", {}, "a\ufffd\ufffdb"),
        (b"a\xff\xc3b", "UTF-8", {"errors": "ignore"}, "ab"),
        (b"a\xffb", "UTF-8", {"replacement_char": 63}, "a?b"),
        (b"a\x01\x7fb\n", "UTF-8", {"replace_control_characters": True}, "a\ufffd\x7fb\ufffd"),
        (b"a\xff", "latin1", {}, "aÿ"),
        (b"a\xff", "US-ASCII", {}, "a\ufffd"),
        (b"\xff\xfeh\x00", "UTF-16", {}, "h"),
        (b"\x00h\x00", "UTF-16-BE", {}, "h\ufffd"),
    ],
)
def test_malformed_characters(text: bytes, source: str, options: dict, result: str) -> None:
    assert unicode_transcode([text], source, "UTF-8", **options).numpy()[0].decode() == result


def test_strict_refuses_them() -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid formatting on input string"):
        unicode_transcode(b"\xff", "UTF-8", "UTF-8", errors="strict")
    with pytest.raises(InvalidArgumentError, match="out of range for Unicode"):
        unicode_encode_op([0x110000], [0, 1], output_encoding="UTF-8", errors="strict")


def test_encodings_must_be_known() -> None:
    with pytest.raises(InvalidArgumentError, match="Could not create converter for input encoding: foo"):
        unicode_transcode("a", "foo", "UTF-8")


@pytest.mark.parametrize("splits", [[0, 3], [1, 2], [0, 2, 1, 2], []])
def test_splits_must_fit(splits: list[int]) -> None:
    with pytest.raises(InvalidArgumentError, match="input_splits"):
        unicode_encode_op([97, 98], np.array(splits, np.int64), output_encoding="UTF-8")


def test_control_characters_count_as_malformed_where_they_are_replaced():
    def transcode(errors):
        return tf.strings.unicode_transcode("a\tb", "UTF-8", "UTF-8", errors, 63, True).numpy()

    assert (transcode("replace"), transcode("ignore")) == (b"a?b", b"ab")
    with pytest.raises(tf.errors.InvalidArgumentError, match="formatting"):
        transcode("strict")
