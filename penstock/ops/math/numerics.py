"""Checks that computed numbers are finite."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, get_default_graph, op_scope
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.constant import identity, no_op
from penstock.ops.math.reduce import one_of


@op("CheckNumerics(tensor: T) -> output: T", T=FLOATING, stateful=True, view=True, shape=unchanged)
def check_numerics_op(tensor: Array, *, message: str) -> Array:
    if not bool(torch.isfinite(tensor).all()):
        found = [name for name, test in (("Inf", torch.isinf), ("NaN", torch.isnan)) if bool(test(tensor).any())]
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {' and '.join(found)} values")
    return tensor


@op("CheckNumericsV2(tensor: T) -> output: T", T=FLOATING, stateful=True, view=True, shape=unchanged)
def check_numerics_v2_op(tensor: Array, *, message: str) -> Array:
    if not bool(torch.isfinite(tensor).all()):
        tests = (("-Inf", torch.isneginf), ("+Inf", torch.isposinf), ("NaN", torch.isnan))
        found = [name for name, test in tests if bool(test(tensor).any())]
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {', '.join(found)} values")
    return tensor


@check_numerics_op.gradient
@check_numerics_v2_op.gradient
def check_numerics_gradient(call: Any, grad: Tensor) -> Tensor:
    message = "Not a number (NaN) or infinity (Inf) values detected in gradient."
    return call.op_def(grad, message=f"{message} {call.name}")


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """Return `tensor`, having checked that every element is finite.

    Args:
        tensor: a floating tensor.
        message: what the error starts with.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an element is infinite or NaN.
    """
    return check_numerics_op(tensor, message=message, name=name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """Return `x`, having checked that every element is finite.

    Args:
        x: a floating tensor.
        message: what the error starts with.
        name: the scope of the nodes.
    Raises:
        InvalidArgumentError: if an element is infinite or NaN.
    """
    with op_scope(name, "VerifyFinite"):
        x = convert_to_tensor(x, name="x")
        checked = check_numerics_op(x, message=message)
        graph = current_graph()
        if graph is None:
            return x
        with graph.control_dependencies([checked]):
            result: Tensor = identity(x, name="control_dependency")
        return result


def verify_tensor_all_finite(
    t: Any = None, msg: Any = None, name: str | None = None, x: Any = None, message: Any = None
) -> Tensor:
    """Return a tensor, having checked that every element is finite; see `assert_all_finite`.

    Args:
        t, x: the tensor, by its old or new name.
        msg, message: what the error starts with, by its old or new name.
        name: the scope of the nodes.
    """
    return assert_all_finite(one_of("x", x, "t", t), one_of("message", message, "msg", msg), name)


def add_check_numerics_ops() -> Any:
    """Add a check to every floating tensor of the default graph.

    Returns:
        An operation that makes all checks, in the order in which the graph was built.
    Raises:
        RuntimeError: when executing eagerly.
    """
    if current_graph() is None:
        raise RuntimeError(
            "add_check_numerics_ops() is not compatible with eager execution. To check for Inf's and NaN's under eager "
            "execution, call tf.debugging.check_numerics on the tensors in question."
        )
    graph = get_default_graph()
    checks: list[Any] = []
    for operation in graph.get_operations():
        for output in operation.outputs:
            if output.dtype.base_dtype not in FLOATING:
                continue
            if output.op.type in ("Placeholder", "CheckNumerics", "CheckNumericsV2") or output.dtype._is_ref_dtype:
                continue
            with graph.control_dependencies(checks[-1:]):
                checks.append(check_numerics_op(output, message=f"{output.op.name}:{output.value_index}").op)
    with graph.control_dependencies(checks):
        return no_op()
