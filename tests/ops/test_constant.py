"""Constants, placeholders and operations that pass values through."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.inference import static_value
from penstock.ops.constant import (
    const_op,
    constant,
    identity_n_op,
    identity_op,
    no_op,
    placeholder,
    placeholder_with_default,
    placeholder_with_default_op,
    shape_op,
    stop_gradient_op,
)
from penstock.ops.control_flow import fake_param_op
from penstock.runtime.session import Session
from penstock.testing import OpCase, normal

COVERS = ("NoOp",)
CASES = [
    OpCase(const_op, [], np.array([1.0, 2.0]), attrs={"value": np.array([1.0, 2.0]), "dtype": dtypes.float64}),
    OpCase(const_op, [], np.array(7), attrs={"value": np.array(7), "dtype": dtypes.int64}, name="scalar"),
    OpCase(fake_param_op, [], np.zeros((2, 3)), attrs={"dtype": dtypes.float64, "shape": (2, 3)}),
    OpCase(identity_op, [normal(2, 3)], lambda x: x),
    OpCase(identity_op, [np.array([b"a", b"b"], dtype=object)], lambda x: x, name="strings"),
    OpCase(identity_n_op, [[normal(2), normal(3)]], [normal(2), normal(3)]),
    OpCase(placeholder_with_default_op, [normal(3)], lambda x: x, attrs={"dtype": dtypes.float64, "shape": (None,)}),
    OpCase(shape_op, [normal(2, 3)], lambda x: np.array([2, 3]), gradient=None),
    OpCase(shape_op, [normal()], lambda x: np.zeros(0), gradient=None, name="scalar"),
    OpCase(stop_gradient_op, [normal(3)], lambda x: x, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_a_default_that_may_be_replaced_is_not_known_while_the_graph_is_built():
    with Graph().as_default():
        assert static_value(placeholder_with_default(False, [])) is None


def test_a_default_must_fit_the_shape():
    with Graph().as_default(), pytest.raises(ValueError, match="must agree"):
        placeholder_with_default(constant([1.0, 2.0]), [3])


def test_shapes_of_known_tensors_are_known_and_those_of_others_in_part():
    with Graph().as_default():
        assert static_value(shape_op(constant([[1.0]]))).tolist() == [1, 1]
        x = placeholder("float32", [None, 3])
        assert static_value(shape_op(x)) is None
        assert static_value(shape_op(x), partial=True).tolist() == [None, 3]


def test_no_op_does_nothing_and_can_be_waited_for():
    with Graph().as_default() as graph, Session() as session:
        first = no_op(name="first")
        with graph.control_dependencies([first]):
            second = no_op(name="second")
        assert session.run(second) is None and second.control_inputs == [first]


def test_placeholders_are_refused_eagerly():
    with pytest.raises(RuntimeError, match="eager execution"):
        placeholder("float32")


def test_gradients_pass_through_a_default():
    with Graph().as_default(), Session() as session:
        x = constant([1.0, 2.0])
        y = placeholder_with_default(x, [2]) * 3.0
        assert session.run(gradients(y, x))[0].tolist() == [3.0, 3.0]
