from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.case import (
    string_length,
    string_length_op,
    string_length_v1,
    string_lower,
    string_lower_op,
    string_strip_op,
    string_upper,
    string_upper_op,
)
from penstock.testing.op_case import OpCase


def strings(*items: bytes) -> np.ndarray:
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


UMLAUTS = strings("ÀB".encode(), b"\xffA", b"")
CASES = [
    OpCase(string_lower_op, [UMLAUTS], strings("Àb".encode(), b"\xffa", b"")),
    OpCase(
        string_lower_op,
        [UMLAUTS],
        strings("àb".encode(), b"\xef\xbf\xbda", b""),
        {"encoding": "utf-8"},
        name="utf8",
    ),
    OpCase(string_upper_op, [strings("àbß".encode())], strings("àBß".encode())),
    OpCase(string_upper_op, [strings("àbß".encode())], strings("ÀBSS".encode()), {"encoding": "utf-8"}, name="utf8"),
    OpCase(string_strip_op, [strings(b" \x0b\x0c\r\n a\xa0 ", b"b c")], strings(b"a\xa0", b"b c")),
    OpCase(string_length_op, [strings("hé".encode(), b"\xff\xfe")], np.int32([3, 2])),
    OpCase(
        string_length_op, [strings("hé".encode(), b"\xff\xfe")], np.int32([2, 2]), {"unit": "UTF8_CHAR"}, name="utf8"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_only_utf8_is_known() -> None:
    with pytest.raises(InvalidArgumentError, match="only utf-8 or ''"):
        string_lower("A", encoding="latin")
    assert string_upper("a", "utf-8").numpy() == b"A"


def test_units() -> None:
    assert int(string_length("é", "UTF8_CHAR")) == int(string_length_v1("é", None, "UTF8_CHAR")) == 1
    with pytest.raises(InvalidArgumentError, match="unit"):
        string_length("é", "WORD")
