from __future__ import annotations

import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variables import global_variables_initializer
from penstock.ops.constant import constant
from penstock.runtime.session import Session
from penstock.train import global_step as steps


def test_global_step_is_made_once_and_found_again() -> None:
    with Graph().as_default() as graph:
        assert steps.get_global_step() is None
        with graph.name_scope("inner"):
            step = steps.get_or_create_global_step()
        assert step.op.name == "global_step"
        assert step.dtype.base_dtype == dtypes.int64
        assert steps.get_or_create_global_step() is step
        assert graph.get_collection(GraphKeys.GLOBAL_STEP) == [step]
        assert graph.get_collection(GraphKeys.TRAINABLE_VARIABLES) == []
        with pytest.raises(ValueError, match="already exists"):
            steps.create_global_step()
        with Session() as session:
            session.run(global_variables_initializer())
            session.run(step.assign_add(5).op)
            assert steps.global_step(session, step) == 5


def test_a_tensor_named_global_step_is_found() -> None:
    with Graph().as_default():
        tensor = constant(3, dtypes.int64, name="global_step")
        assert steps.get_global_step() is tensor


@pytest.mark.parametrize(("value", "text"), [(1.5, "integer type"), ([1, 2], "not scalar")])
def test_global_step_must_be_an_integer_scalar(value: object, text: str) -> None:
    with Graph().as_default(), pytest.raises(TypeError, match=text):
        steps.assert_global_step(constant(value))


def test_global_step_must_be_a_tensor_or_variable() -> None:
    with pytest.raises(TypeError, match="must be a Variable or Tensor"):
        steps.assert_global_step(3)
