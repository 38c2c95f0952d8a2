"""Operations that pass a value through and say something about it."""

from __future__ import annotations

from typing import Any, NoReturn

from penstock.core import array
from penstock.core.array import Value
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor


@op("PreventGradient(input: T) -> output: T", view=True, shape=unchanged)
def prevent_gradient_op(input: Value, *, message: str = "") -> Value:
    return input


@prevent_gradient_op.gradient
def prevent_gradient_gradient(call: Any, grad: Any) -> NoReturn:
    raise LookupError(f"Gradient explicitly disabled. Reason: {call.attrs['message']!r}")


def prevent_gradient(input: Any, message: str = "", name: str | None = None) -> Tensor:
    """Return `input`; asking for a gradient through it is an error.

    Args:
        input: a tensor.
        message: the reason that the error gives.
        name: the name of the node.
    """
    return prevent_gradient_op(input, message=message, name=name)


@op("Snapshot(input: T) -> output: T", view=True, shape=unchanged)
def snapshot_op(input: Value) -> Value:
    return input


@op("DeepCopy(x: T) -> y: T", stateful=True, shape=unchanged)
def deep_copy_op(x: Value) -> Value:
    return array.clone(x)


@op("GuaranteeConst(input: T) -> output: T", stateful=True, view=True, shape=unchanged)
def guarantee_const_op(input: Value) -> Value:
    return input


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """Return `input`, promised to have the same value in every step.

    Args:
        input: a tensor.
        name: the name of the node.
    """
    return guarantee_const_op(input, name=name)
