from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.encoding import (
    decode_base64,
    decode_base64_op,
    decode_padded_raw_op,
    decode_raw,
    decode_raw_op,
    decode_raw_v1,
    encode_base64,
    encode_base64_op,
)
from penstock.testing.op_case import OpCase

PLAIN = np.array([b"", b"a", b"ab", b"\x00\xff~?"], object)
CASES = [
    OpCase(encode_base64_op, [PLAIN], np.array([b"", b"YQ", b"YWI", b"AP9-Pw"], object)),
    OpCase(
        encode_base64_op, [PLAIN], np.array([b"", b"YQ==", b"YWI=", b"AP9-Pw=="], object), {"pad": True}, name="padded"
    ),
    OpCase(
        decode_base64_op,
        [np.array([b"", b"YQ", b"YQ==", b"AP9-Pw"], object)],
        np.array([b"", b"a", b"a", b"\x00\xff~?"], object),
    ),
    OpCase(
        decode_raw_op,
        [np.array([b"\x01\x00\x02\x00", b"\xff\xff\x00\x01"], object)],
        np.int16([[1, 2], [-1, 256]]),
        {"out_type": dtypes.int16},
    ),
    OpCase(
        decode_raw_op,
        [np.array([b"\x3f\x80\x00\x00"], object)],
        np.float32([[1.0]]),
        {"out_type": dtypes.float32, "little_endian": False},
        name="big_endian",
        gradient=None,
    ),
    OpCase(
        decode_padded_raw_op,
        [np.array([b"abc", b"defgh"], object), 4],
        np.uint8([[97, 98, 99, 0], [100, 101, 102, 103]]),
        {"out_type": dtypes.uint8},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("text", "message"), [("Y", "1 modulo 4"), ("Y+/=", "Invalid character"), ("YQ=", "Invalid character")]
)
def test_what_is_not_base64_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        decode_base64(text)


def test_lengths_must_fit() -> None:
    with pytest.raises(InvalidArgumentError, match="all be the same size"):
        decode_raw([b"ab", b"a"], dtypes.uint8)
    with pytest.raises(InvalidArgumentError, match="not a multiple of 4"):
        decode_raw([b"ab"], dtypes.int32)
    with pytest.raises(InvalidArgumentError, match="fixed_length"):
        decode_raw([b"ab"], dtypes.int32, fixed_length=3)


def test_functions() -> None:
    assert decode_base64(encode_base64("hello")).numpy() == b"hello"
    assert decode_raw_v1(bytes=b"\x01", out_type="uint8").numpy().tolist() == [1]
    assert decode_raw(b"\x01", "uint8", fixed_length=2).numpy().tolist() == [1, 0]
