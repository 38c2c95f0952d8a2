from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.splitting import string_split_op, string_split_v2_op
from penstock.testing.op_case import OpCase


def strings(*items: bytes) -> np.ndarray:
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


CASES = [
    OpCase(
        string_split_op,
        [strings(b"a,b;c", b"", b",x"), np.array(b",;", object)],
        [np.int64([[0, 0], [0, 1], [0, 2], [2, 0]]), strings(b"a", b"b", b"c", b"x"), np.int64([3, 3])],
    ),
    OpCase(
        string_split_v2_op,
        [strings(b"a<>b<>c", b""), np.array(b"<>", object)],
        [np.int64([[0, 0], [0, 1], [1, 0]]), strings(b"a", b"b<>c", b""), np.int64([2, 2])],
        {"maxsplit": 1},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("item", "maxsplit", "pieces"),
    [
        ("a  b c", -1, [b"a", b"b", b"c"]),
        ("a  b c", 1, [b"a", b"b c"]),
        (" x ", 0, [b" x "]),
        (" x ", 1, [b"x", b""]),
        (" x y ", 1, [b"x", b"y "]),
        (" x y ", 2, [b"x", b"y", b""]),
        ("  ", 1, []),
    ],
)
def test_white_space_separates_by_default(item: str, maxsplit: int, pieces: list[bytes]) -> None:
    assert string_split_v2_op([item], "", maxsplit=maxsplit).values.numpy().tolist() == pieces


def test_empty_pieces_may_be_kept() -> None:
    found = string_split_op(["a,b;c", "", ",x"], ",;", skip_empty=False)
    assert found.values.numpy().tolist() == [b"a", b"b", b"c", b"", b"x"]
    assert found.shape.numpy().tolist() == [3, 3]
    assert string_split_op(["abc"], "").values.numpy().tolist() == [b"a", b"b", b"c"]


def test_the_separator_is_one_string() -> None:
    with pytest.raises(InvalidArgumentError, match="sep must be a scalar"):
        string_split_v2_op(["a"], [" "])


@pytest.mark.parametrize(
    ("text", "maxsplit", "pieces"),
    [
        (b"a b  c", 1, [b"a", b"b  c"]),
        (b" x ", 1, [b"x", b""]),
        (b"a", 1, [b"a", b""]),
        (b"a b", 2, [b"a", b"b", b""]),
        (b"a b", 3, [b"a", b"b"]),
        (b"", 1, []),
    ],
)
def test_what_follows_the_last_word_counts_even_if_it_is_empty(text: bytes, maxsplit: int, pieces: list[bytes]) -> None:
    found = string_split_v2_op(strings(text), np.array(b"", object), maxsplit=maxsplit)
    assert found.values.numpy().tolist() == pieces
