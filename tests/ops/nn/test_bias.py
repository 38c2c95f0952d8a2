"""Adding a bias to each channel."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn.bias import bias_add, bias_add_grad_op, bias_add_op, bias_add_v1_op
from penstock.testing.op_case import OpCase, integers, normal

FIRST = {"data_format": "NCHW"}
CASES = [
    OpCase(bias_add_op, [normal(2, 3), normal(3)], np.add),
    OpCase(bias_add_op, [normal(2, 2, 2, 3), normal(3)], np.add, name="images"),
    OpCase(bias_add_op, [normal(2, 3, 2), normal(3)], lambda x, b: x + b[:, None], FIRST, "channels-first"),
    OpCase(
        bias_add_op, [integers(0, 9, 2, 3, dtype=np.uint16), integers(0, 9, 3, dtype=np.uint16)], np.add, name="uint16"
    ),
    OpCase(bias_add_op, [normal(0, 3), normal(3)], np.add, name="empty"),
    OpCase(bias_add_grad_op, [normal(2, 4, 3)], lambda g: g.sum((0, 1))),
    OpCase(bias_add_grad_op, [normal(2, 3, 4)], lambda g: g.sum((0, 2)), FIRST, "channels-first"),
    OpCase(bias_add_grad_op, [integers(0, 9, 4, 3)], lambda g: g.sum(0, dtype=np.int32), name="int32"),
    OpCase(bias_add_v1_op, [normal(2, 2, 3), normal(3)], np.add),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(("x", "b"), [((2, 3), (2,)), ((2, 3), (2, 3)), ((4,), (4,)), ((2, 3), (1,))])
def test_what_does_not_fit_is_refused_without_broadcasting(x, b):
    with pytest.raises(InvalidArgumentError):
        bias_add(np.zeros(x, np.float32), np.zeros(b, np.float32))
    with Graph().as_default(), pytest.raises(ValueError):
        bias_add(np.zeros(x, np.float32), np.zeros(b, np.float32))


def test_the_number_of_channels_follows_from_the_bias():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, None])
        result = bias_add(x, np.zeros(3, np.float32))
        assert result.dims == (None, 3)
        assert result.op.name == "BiasAdd"


def test_layouts_of_other_forms_are_refused():
    with pytest.raises(ValueError, match="data_format"):
        bias_add(np.zeros((2, 3)), np.zeros(3), data_format="CN")
