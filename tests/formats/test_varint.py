"""Variable-length integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats import varint
from penstock.formats.errors import CorruptDataError


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_decoding_returns_what_was_encoded_and_where_it_ends(value, before, after):
    encoded = varint.encode(value)
    assert varint.decode(before + encoded + after, len(before)) == (value, len(before) + len(encoded))


def test_known_encodings():
    assert varint.encode(0) == b"\x00"
    assert varint.encode(300) == b"\xac\x02"
    assert varint.encode(2**64 - 1) == b"\xff" * 9 + b"\x01"


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xff" * 9 + b"\x02", b"\xff" * 11], ids=["empty", "cut", "65 bits", "long"]
)
def test_what_is_no_integer_is_corrupt(data):
    with pytest.raises(CorruptDataError):
        varint.decode(data, 0)
