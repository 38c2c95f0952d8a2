"""Byte strings that sort as the numbers and strings that they encode; checkpoints key slices of a tensor by them."""

from __future__ import annotations

import re


def encode_unsigned(value: int) -> bytes:
    """Encode an integer from 0 to 2**64 - 1: its number of bytes, then the bytes, most significant first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def encode_string(value: bytes) -> bytes:
    """Encode a string: 0x00 and 0xff are each followed by their complement, and 0x00 0x01 ends it."""
    return re.sub(rb"[\x00\xff]", lambda match: match[0] + bytes([match[0][0] ^ 0xFF]), value) + b"\x00\x01"


def encode_signed(value: int) -> bytes:
    """Encode an integer of 64 bits: as many leading ones as bytes (zeros if negative), then the value."""
    magnitude = ~value if value < 0 else value
    size = 1
    while magnitude >> (7 * size - 1):
        size += 1
    header = ((1 << size) - 1) << (8 * size - size)
    return (int.from_bytes(value.to_bytes(size, "big", signed=True), "big") ^ header).to_bytes(size, "big")
