"""Fingerprints of rows."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.fingerprints import fingerprint, fingerprint_op
from penstock.ops.string.hashing import fingerprint64
from penstock.testing.op_case import OpCase


def hashed(*rows):
    return np.array([list(fingerprint64(row).to_bytes(8, "little")) for row in rows], np.uint8)


NUMBERS = np.array([[1, 2], [3, 4]], np.int32)
CASES = [
    OpCase(fingerprint_op, [NUMBERS, "farmhash64"], reference=hashed(*map(bytes, NUMBERS)), gradient=None),
    OpCase(fingerprint_op, [np.array([b"a", b"b"], object), "farmhash64"], reference=hashed(b"a", b"b"), gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_other_methods_are_refused():
    with pytest.raises(InvalidArgumentError, match="Unsupported fingerprint method"):
        fingerprint([1], method="md5")
