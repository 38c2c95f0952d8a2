from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.substring import substr, substr_op, substr_v1
from penstock.testing.op_case import OpCase

WORDS = np.array(["日本語xy".encode(), "añbc".encode()], object)
CASES = [
    OpCase(
        substr_op,
        [np.array([b"abc", b"defg"], object), np.int32([1, -3]), np.int32([5, 2])],
        np.array([b"bc", b"ef"], object),
    ),
    OpCase(
        substr_op,
        [WORDS, np.int64(1), np.int64(2)],
        np.array(["本語".encode(), "ñb".encode()], object),
        {"unit": "UTF8_CHAR"},
        name="characters",
    ),
    OpCase(
        substr_op,
        [np.array([b"abc"], object), np.int32([[0], [1]]), np.int32([[1], [2]])],
        np.array([[b"a"], [b"bc"]], object),
        name="broadcast",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(("pos", "len", "part"), [(3, 1, b""), (-2, 1, b"b"), (1, -1, b"bc"), (1, 100, b"bc")])
def test_edges(pos: int, len: int, part: bytes) -> None:
    assert substr("abc", pos, len).numpy() == part
    assert substr_v1("abc", pos, len, None, "BYTE").numpy() == part


@pytest.mark.parametrize("unit", ["BYTE", "UTF8_CHAR"])
@pytest.mark.parametrize("pos", [4, -4])
def test_positions_outside_are_refused(pos: int, unit: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"pos {pos} out of range for string"):
        substr("abc", pos, 1, unit)


def test_shapes_must_fit() -> None:
    with pytest.raises(InvalidArgumentError, match="Incompatible shapes"):
        substr(["abc", "de"], [0, 1, 2], [1, 1, 1])
