"""Variable-length integers: seven bits a byte, least significant first, as protobuf and leveldb write them."""

from __future__ import annotations

from penstock.formats.checksum import Bytes
from penstock.formats.errors import CorruptDataError

_MAX_BYTES = 10


def encode(value: int) -> bytes:
    """Encode an integer from 0 to 2**64 - 1."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode(data: Bytes, position: int) -> tuple[int, int]:
    """Decode the integer that starts at `position`.

    Returns:
        The integer, and the position behind it.
    Raises:
        CorruptDataError: if the data ends within the integer, or it has more than 64 bits.
    """
    value = 0
    for index in range(position, min(position + _MAX_BYTES, len(data))):
        byte = data[index]
        value |= (byte & 0x7F) << 7 * (index - position)
        if byte < 0x80:
            if value >> 64:
                break
            return value, index + 1
    raise CorruptDataError(f"no valid variable-length integer at byte {position} of {len(data)}")
