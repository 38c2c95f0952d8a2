"""Encodings that sort as what they encode."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.formats import ordered_code

_INT64 = st.integers(-(2**63), 2**63 - 1)


@given(_INT64, _INT64)
def test_signed_integers_sort_as_their_codes(a, b):
    assert (a < b) == (ordered_code.encode_signed(a) < ordered_code.encode_signed(b))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_unsigned_integers_sort_as_their_codes(a, b):
    assert (a < b) == (ordered_code.encode_unsigned(a) < ordered_code.encode_unsigned(b))


@given(st.binary(max_size=4), st.binary(max_size=4), st.binary(max_size=2), st.binary(max_size=2))
def test_strings_sort_as_their_codes_whatever_follows(a, b, after_a, after_b):
    if a != b:
        assert (a < b) == (ordered_code.encode_string(a) + after_a < ordered_code.encode_string(b) + after_b)


def test_known_encodings():
    assert [ordered_code.encode_signed(n).hex() for n in (0, -1, 2, 63, 64, 70, -64, -65, 15000)] == [
        "80", "7f", "82", "bf", "c040", "c046", "40", "3fbf", "e03a98",
    ]  # fmt: skip
    assert ordered_code.encode_unsigned(2) == b"\x01\x02"
    assert ordered_code.encode_string(b"v\x00\xff") == b"v\x00\xff\xff\x00\x00\x01"
