"""Update rules against values recorded from TensorFlow: two steps from given variables, slots and gradients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.core import context, dtypes
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup, registered
from penstock.core.resources import VariableStorage
from penstock.core.tensor import EagerTensor
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.constant import constant
from penstock.ops.state import training
from penstock.runtime.session import Session

CASES = json.loads((Path(__file__).parent / "training_updates.json").read_text())
COVERS = sorted({case["op"] for case in CASES} | {case["op"].removeprefix("Resource") for case in CASES})


def _id(case: dict[str, Any]) -> str:
    return "-".join(
        [case["op"], *case["attrs"], *(f"{k}={case['inputs'][k]}" for k in ("l1", "lr_power") if k in case["inputs"])]
    )


def _arguments(op: Any, inputs: dict[str, Any]) -> tuple[list[VariableV1], list[Any]]:
    variables, arguments = [], []
    for argument in op.inputs:
        value = inputs[argument.name]
        if argument.is_ref or argument.dtype == dtypes.resource:
            variable = VariableV1(np.array(value, np.float32), use_resource=not argument.is_ref)
            variables.append(variable)
            arguments.append(variable if argument.is_ref else variable.handle)
        elif argument.name == "indices":
            arguments.append(np.array(value, np.int32))
        else:
            arguments.append(value if argument.dtype == dtypes.int64 else np.array(value, np.float32))
    return variables, arguments


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_graph_updates_variables_as_tensorflow_does(case: dict[str, Any]) -> None:
    op: Any = lookup(case["op"])
    with Graph().as_default(), Session() as session:
        variables, arguments = _arguments(op, case["inputs"])
        update = op(*arguments, **case["attrs"])
        session.run(global_variables_initializer())
        for _ in range(2):
            session.run(update)
        for value, expected in zip(session.run([v.value() for v in variables]), case["expected"], strict=True):
            np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", [c for c in CASES if c["op"].startswith("Resource")], ids=_id)
def test_eager_updates_are_those_of_tensorflow(case: dict[str, Any]) -> None:
    op: Any = lookup(case["op"])
    with context.eager_mode():
        variables, arguments = _arguments(op, case["inputs"])
        for _ in range(2):
            op(*arguments, **case["attrs"])
        for variable, expected in zip(variables, case["expected"], strict=True):
            np.testing.assert_allclose(variable.numpy(), expected, rtol=2e-5, atol=2e-6)


def test_every_rule_has_a_recorded_case() -> None:
    declared = {name for name, op in registered().items() if op.kernel.__module__ == training.__name__}
    plain = {"ApplyGradientDescent", "ResourceApplyGradientDescent"}
    amsgrad = {"ResourceApplyAdamWithAmsgrad"}
    assert declared - plain - amsgrad <= {case["op"] for case in CASES}


def _handle(value: Any) -> EagerTensor:
    storage = VariableStorage("w", dtypes.float32, None)
    storage.assign(constant(np.asarray(value, np.float32)).value)
    return EagerTensor(storage, dtypes.resource)


def test_gradient_descent_moves_against_the_gradient() -> None:
    handle = _handle([1.0, 2.0])
    training.apply_gradient_descent.resource(handle, 0.5, [1.0, -2.0])
    np.testing.assert_allclose(handle.value.value.numpy(), [0.5, 3.0])


def test_amsgrad_keeps_the_largest_second_moment() -> None:
    handles = [_handle([1.0]), _handle([0.0]), _handle([0.5]), _handle([2.0])]
    training.apply_adam_with_amsgrad.resource(*handles, 0.9, 0.99, 0.1, 0.9, 0.99, 1e-3, [1.0])
    m, vhat = 0.1, 2.0
    alpha = 0.1 * np.sqrt(1 - 0.99) / (1 - 0.9)
    np.testing.assert_allclose(handles[3].value.value.numpy(), [vhat])
    np.testing.assert_allclose(handles[0].value.value.numpy(), [1 - alpha * m / (np.sqrt(vhat) + 1e-3)], rtol=1e-5)


def test_a_gradient_of_another_shape_is_refused_and_nothing_changes() -> None:
    handles = [_handle([1.0, 2.0]), _handle([0.0, 0.0])]
    with pytest.raises(InvalidArgumentError, match="same shape"):
        training.apply_momentum.resource(*handles, 0.1, [1.0], 0.9)
    np.testing.assert_array_equal(handles[0].value.value.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(handles[1].value.value.numpy(), [0.0, 0.0])


def test_an_index_out_of_range_is_refused_and_nothing_changes() -> None:
    handles = [_handle([[1.0], [2.0]]), _handle([[1.0], [1.0]])]
    with pytest.raises(InvalidArgumentError, match="Index 2 at offset 1 in indices is out of range"):
        training.sparse_apply_adagrad.resource(*handles, 0.1, [[1.0], [1.0]], [0, 2])
    np.testing.assert_array_equal(handles[0].value.value.numpy(), [[1.0], [2.0]])
    np.testing.assert_array_equal(handles[1].value.value.numpy(), [[1.0], [1.0]])


def test_a_hyperparameter_must_be_a_scalar() -> None:
    with pytest.raises(InvalidArgumentError, match="scalar"):
        training.apply_gradient_descent.resource(_handle([1.0]), [0.1], [1.0])


def test_shapes_are_checked_when_the_graph_is_built() -> None:
    with Graph().as_default():
        variable = VariableV1([1.0, 2.0], use_resource=False)
        with pytest.raises(ValueError, match="must agree"):
            training.apply_gradient_descent.ref(variable, 0.1, [1.0, 2.0, 3.0])  # type: ignore[misc]


def test_a_slot_that_is_not_initialized_is_named() -> None:
    empty = EagerTensor(VariableStorage("momentum", dtypes.float32, None), dtypes.resource)
    with pytest.raises(FailedPreconditionError, match="momentum"):
        training.apply_momentum.resource(_handle([1.0]), empty, 0.1, [1.0], 0.9)
