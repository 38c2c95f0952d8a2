"""Softmax and its logarithm along any axis."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn.softmax import log_softmax, log_softmax_op, softmax, softmax_op, softmax_v1
from penstock.testing.op_case import OpCase, normal


def reference(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


CASES = [
    OpCase(softmax_op, [normal(3, 4)], reference),
    OpCase(softmax_op, [normal(2, 2, 3)], reference, name="rank-3"),
    OpCase(softmax_op, [normal(2, 3) + 1000], reference, name="large", gradient="first"),
    OpCase(softmax_op, [np.zeros((2, 0))], np.zeros((2, 0)), name="no-classes"),
    OpCase(log_softmax_op, [normal(3, 4)], lambda x: np.log(reference(x))),
    OpCase(log_softmax_op, [np.array([[0.0, 1000.0]])], np.array([[-1000.0, 0.0]]), name="large", gradient="first"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("axis", [0, 1, 2, -2, None])
def test_any_axis_sums_to_one(axis):
    x = normal(2, 3, 4)
    np.testing.assert_allclose(softmax(x, axis).numpy(), reference(x, -1 if axis is None else axis))
    np.testing.assert_allclose(softmax_v1(x, dim=axis).numpy(), softmax(x, axis).numpy())
    np.testing.assert_allclose(log_softmax(x, axis).numpy(), np.log(reference(x, -1 if axis is None else axis)))


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(InvalidArgumentError, match="axis"):
        softmax(normal(2, 3), 2)
    with pytest.raises(InvalidArgumentError, match="rank at least 1"):
        softmax(np.float32(1.0))
    with pytest.raises(ValueError, match="both"):
        softmax_v1(normal(2, 3), axis=1, dim=1)


def test_the_node_is_called_softmax():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, 3])
        assert softmax(x).op.name == "Softmax"
        assert softmax(x, name="probabilities").op.name == "probabilities"


def test_an_axis_that_is_no_integer_is_refused():
    with pytest.raises(TypeError):
        softmax([[1.0, 2.0]], axis="x")
    with pytest.raises(InvalidArgumentError):
        softmax([[1.0, 2.0]], axis=1.5)
