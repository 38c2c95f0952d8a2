from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.string.reduce_join import (
    reduce_join,
    reduce_join_op,
    reduce_join_v1,
    unsorted_segment_join,
    unsorted_segment_join_op,
)
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase

SQUARE = np.array([[b"a", b"b"], [b"c", b"d"]], object)
CASES = [
    OpCase(reduce_join_op, [SQUARE, [0, 1]], np.array(b"a-c-b-d", object), {"separator": "-"}),
    OpCase(reduce_join_op, [SQUARE, [-1]], np.array([[b"ab"], [b"cd"]], object), {"keep_dims": True}, name="kept"),
    OpCase(reduce_join_op, [np.empty([2, 0], object), 1], np.array([b"", b""], object), name="empty"),
    OpCase(
        unsorted_segment_join_op,
        [np.array([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]], object), np.int32([1, 0, 1]), 3],
        np.array([[b"c", b"d"], [b"a-e", b"b-f"], [b"", b""]], object),
        {"separator": "-"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_all_axes_by_default() -> None:
    assert reduce_join(SQUARE).numpy() == b"abcd"
    assert reduce_join(SQUARE, keepdims=True).numpy().tolist() == [[b"abcd"]]
    assert reduce_join("a").numpy() == b"a"
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.string)
        assert session.run(reduce_join(x), {x: SQUARE}) == b"abcd"


def test_older_names() -> None:
    assert reduce_join_v1(SQUARE, reduction_indices=[0], keep_dims=True).numpy().tolist() == [[b"ac", b"bd"]]


def test_axes_must_fit() -> None:
    with pytest.raises(InvalidArgumentError, match="Duplicate reduction dimension"):
        reduce_join(SQUARE, [0, -2])
    with pytest.raises(OutOfRangeError, match="Invalid reduction dimension 2"):
        reduce_join(SQUARE, [2])


@pytest.mark.parametrize("ids", [[0, -1], [0, 2]])
def test_segments_must_exist(ids: list[int]) -> None:
    with pytest.raises(InvalidArgumentError, match="segment_ids are not allowed"):
        unsorted_segment_join(["a", "b"], ids, 2)
