"""Checksums of records and checkpoints."""

from __future__ import annotations

from penstock.formats import checksum


def test_the_known_check_value():
    assert checksum.extend(0, b"123456789") == 0xE3069283


def test_extending_is_the_checksum_of_the_whole():
    assert checksum.extend(checksum.extend(0, b"1234"), b"56789") == checksum.extend(0, b"123456789")


def test_memory_views_longer_than_a_piece_have_the_checksum_of_their_bytes():
    data = bytes(range(256)) * 10_000
    assert checksum.extend(7, memoryview(data)) == checksum.extend(7, data) == checksum.extend(7, bytearray(data))


def test_masking_rotates_and_adds():
    assert checksum.mask(0) == 0xA282EAD8
    assert checksum.masked(b"\x08\0\0\0\0\0\0\0") == checksum.mask(checksum.extend(0, b"\x08" + bytes(7)))
