from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.debugging import comparisons as module
from penstock.runtime.session import Session

PAIRS = {
    "assert_equal": ([1, 2], [1, 3]),
    "assert_none_equal": ([1, 2], [1, 3]),
    "assert_less": ([1, 2], [1, 3]),
    "assert_less_equal": ([1, 2], [1, 1]),
    "assert_greater": ([1, 2], [1, 1]),
    "assert_greater_equal": ([1, 2], [1, 3]),
    "assert_near": ([1.0, 2.0], [1.0, 2.1]),
}
PASSING = {
    "assert_equal": ([1, 2], [1, 2]),
    "assert_none_equal": ([1, 2], [0, 3]),
    "assert_less": ([1, 2], 3),
    "assert_less_equal": ([1, 3], 3),
    "assert_greater": ([4, 5], [[3], [2]]),
    "assert_greater_equal": ([1, 2], [1, 1]),
    "assert_near": ([1.0, 2.0], [1.0, 2.0 + 1e-7]),
}
SIGNS = {
    "assert_positive": ("> 0", [1, 2], [0, 2]),
    "assert_negative": ("< 0", [-1, -2], [0, -2]),
    "assert_non_negative": (">= 0", [0, 2], [-1, 2]),
    "assert_non_positive": ("<= 0", [0, -2], [1, 0]),
}
EQUAL_MESSAGE = """msg
Condition x == y did not hold.
Indices of first 2 different values:
[[2]
 [3]]
Corresponding x values:
[3 9]
Corresponding y values:
[4 5]
First 2 elements of x:
[1 2]
First 2 elements of y:
[1 2]"""


@pytest.mark.parametrize("suffix", ["", "_v1"])
@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_checked_eagerly(name, suffix):
    check = getattr(module, name + suffix)
    assert check(*PASSING[name]) is None
    with pytest.raises(InvalidArgumentError, match="why"):
        check(*PAIRS[name], message="why")


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_checked_when_the_graph_runs(name):
    check = getattr(module, f"{name}_v1")
    dtype = dtypes.float32 if name == "assert_near" else dtypes.int32
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtype)
        op = check(x, PASSING[name][1], message="why")
        session.run(op, {x: PASSING[name][0]})
        failing = check(x, PAIRS[name][1], message="why")
        with pytest.raises(InvalidArgumentError, match=r"assertion failed: \[why"):
            session.run(failing, {x: PAIRS[name][0]})


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "assert_near"])
def test_what_is_known_is_checked_while_the_graph_is_built(name):
    with Graph().as_default():
        getattr(module, name)(*PASSING[name])
        with pytest.raises(InvalidArgumentError, match="did not hold element-wise"):
            getattr(module, name)(*PAIRS[name])


def test_the_message_shows_where_they_differ():
    with pytest.raises(InvalidArgumentError) as caught:
        module.assert_equal([1, 2, 3, 9, 9], [1, 2, 4, 5, 6], message="msg", summarize=2)
    assert caught.value.message == EQUAL_MESSAGE
    with pytest.raises(InvalidArgumentError) as caught:
        module.assert_greater(1, 2)
    assert caught.value.message == (
        "Condition x > y did not hold.\nFirst 1 elements of x:\n[1]\nFirst 1 elements of y:\n[2]"
    )
    with pytest.raises(InvalidArgumentError) as caught:
        module.assert_equal_v1([1], [2], data=["foo"], message="msg")
    assert caught.value.message == "msg\nfoo"


def test_the_message_of_a_graph_names_the_tensors():
    with Graph().as_default(), pytest.raises(InvalidArgumentError) as caught:
        module.assert_less([1, 2], [1, 3], message="msg")
    assert caught.value.message == (
        "msg\nCondition x < y did not hold element-wise:\nx (assert_less/x:0) = \n[1 2]\ny (assert_less/y:0) = \n[1 3]"
    )


@pytest.mark.parametrize("suffix", ["", "_v1"])
@pytest.mark.parametrize("name", SIGNS)
def test_signs(name, suffix):
    condition, passing, failing = SIGNS[name]
    check = getattr(module, name + suffix)
    assert check(passing) is None
    with pytest.raises(InvalidArgumentError) as caught:
        check(failing, message="m")
    assert caught.value.message == (
        f"m.  \nCondition x {condition} did not hold element-wise:\nx (shape=(2,) dtype=int32) = \n"
        f"{[str(item) for item in failing]}"
    )


def test_strings_can_be_equal():
    module.assert_equal(["a"], ["a"])
    with pytest.raises(InvalidArgumentError, match="b'a'"):
        module.assert_equal(["a"], ["b"])


def test_tolerances():
    module.assert_near([1.0], [1.2], atol=0.3)
    module.assert_near([10.0], [12.0], rtol=0.2)
    module.assert_near(np.float64([1.0]), np.float64([1.0 + 1e-15]))
    with pytest.raises(InvalidArgumentError):
        module.assert_near(np.float64([1.0]), np.float64([1.0 + 1e-10]))
    with pytest.raises(ValueError, match="floating"):
        module.assert_near([1], [2])
