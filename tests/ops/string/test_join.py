from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant
from penstock.ops.string.join import string_join, string_join_op
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(
        string_join_op,
        [[np.array([b"a", b"b"], object), np.array(b"-", object), np.array([b"c", b"d"], object)]],
        np.array([b"a-c", b"b-d"], object),
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_strings_are_joined_element_by_element() -> None:
    with Graph().as_default(), Session() as session:
        joined = string_join([constant([b"a", b"b"]), constant(b"-"), constant([b"c", b"d"])])
        assert joined.shape.as_list() == [2]
        np.testing.assert_array_equal(session.run(joined), np.array([b"a-c", b"b-d"], object))
        assert session.run(string_join([constant("x"), constant("y")], separator="/")) == b"x/y"


def test_shapes_must_agree() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Input shapes do not match: \[1\] and \[2\]"):
        string_join([[b"a"], [b"b", b"c"]])
