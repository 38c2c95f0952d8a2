"""The one source of unpredictable numbers: seeds of operations and datasets that have none."""

from __future__ import annotations

import os


def random_bytes(count: int) -> bytes:
    """Return bytes that nobody can predict.

    Args:
        count: how many.
    """
    return os.urandom(count)


def random_integer(bits: int) -> int:
    """Return an unpredictable integer in [0, 2**bits).

    Args:
        bits: a multiple of 8, or less than the next one.
    """
    return int.from_bytes(random_bytes((bits + 7) // 8), "little") % (1 << bits)
