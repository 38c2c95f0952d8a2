"""Calls of functions under their own names, and their gradients.

A function that was given a name is called by an operation of that name, as if it were declared like any other. Its
gradient is one more function, which takes the arguments and the cotangents of the outputs: the call of the function
keeps no intermediate values, and the gradient computes them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from penstock.core.array import Value
from penstock.core.backprop import is_differentiable, takes_wanted
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.func_graph import FuncGraph, copy_function
from penstock.core.gradients import gradients_of
from penstock.core.op import Op, op
from penstock.core.operation import Operation
from penstock.core.shape import Dims
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.ops.array.filling import zeros_like_op
from penstock.ops.state.variables import read_variable_op

Function = FuncGraph


def _call_kernel(*arguments: Value, f: Function) -> NoReturn:
    raise AssertionError("calls of functions are compiled; they have no kernel")


class FunctionOp(Op):
    """The operation that calls one function, named after it.

    Args:
        body: the function.
        stateful: whether a call has effects; by default, whether any operation of the body has.
    """

    def __init__(self, body: FuncGraph, stateful: bool | None = None) -> None:
        if stateful is None:
            stateful = has_effects(body)
        arguments = ", ".join(f"arg_{i}: {_type_of(tensor)}" for i, tensor in enumerate(body.inputs))
        results = ", ".join(f"{name}: {_type_of(t)}" for name, t in zip(result_names(body), body.outputs, strict=True))
        super().__init__(f"Call({arguments}) -> ({results})", _call_kernel, stateful=stateful, view=True)
        self.name = body.name
        self.body = body
        self.shape_rule = lambda *dims, f: [tensor.dims for tensor in f.outputs]
        if self.single_output:
            self.shape_rule = lambda *dims, f: f.outputs[0].dims
        self.gradient_rule = function_gradient


def result_names(body: FuncGraph) -> list[str]:
    """Return what the outputs of a function are called."""
    given = body.output_names
    return [given[i] if i < len(given) else f"output_{i}" for i in range(len(body.outputs))]


def _type_of(tensor: SymbolicTensor) -> str:
    return f"ref {tensor.dtype.base_dtype.name}" if tensor.dtype._is_ref_dtype else tensor.dtype.name


def has_effects(body: FuncGraph) -> bool:
    """Tell whether a call of a function has effects, or depends on more than its arguments."""
    return any(op.op_def.is_stateful and op.type != "Placeholder" for op in body.get_operations())


def call_function(function_op: FunctionOp, arguments: Sequence[Tensor], name: str | None = None) -> Operation:
    """Add a call of a function to the current graph.

    Args:
        function_op: the function's operation.
        arguments: one tensor for each of the function's inputs, what it captured included.
        name: the node's name, by default the function's.
    """
    assert function_op.body is not None
    result = function_op(*arguments, f=function_op.body, name=name)
    if isinstance(result, Operation):
        return result
    first = result[0] if isinstance(result, (list, tuple)) else result
    return first.op


@op("SymbolicGradient(input: list(Tin)) -> output: list(Tout)", minimum={"Tin": 1, "Tout": 1}, view=True)
def symbolic_gradient_op(input: list[Value], *, f: Function) -> NoReturn:
    raise AssertionError("gradients of functions are compiled; they have no kernel")


@symbolic_gradient_op.shape
def symbolic_gradient_shape(input: list[Dims], *, f: FuncGraph) -> list[Dims]:
    return [None if tensor.dtype.base_dtype.name == "resource" else tensor.dims for tensor in f.inputs]


@symbolic_gradient_op.gradient
def symbolic_gradient_gradient(call: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    """The second derivative: the gradient's own gradient."""
    body = gradient_body(call.attrs["f"])
    return _gradient_call(body, call, grads)


@takes_wanted
def function_gradient(call: Operation, *grads: Tensor | None, wanted: Sequence[bool]) -> list[Tensor | None]:
    """Return the cotangents of a call's arguments: a call of the function's gradient."""
    del wanted  # the gradient of a function is one function, whatever is asked of it
    return _gradient_call(call.attrs["f"], call, grads)


def _gradient_call(body: FuncGraph, call: Operation, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
    cotangents = [
        zeros_like_op(output) if grad is None else convert_to_tensor(grad)
        for grad, output in zip(grads, call.outputs, strict=True)
    ]
    types = [_gradient_type(tensor) for tensor in body.inputs]
    found = symbolic_gradient_op([*call.inputs, *cotangents], f=body, Tout=types)
    return [
        gradient if is_differentiable(tensor) else None for gradient, tensor in zip(found, body.inputs, strict=True)
    ]


def _gradient_type(tensor: SymbolicTensor) -> DType:
    """Return the type of an argument's cotangent; that of a handle is its value's."""
    base = tensor.dtype.base_dtype
    if base.name == "resource":
        for user in tensor.consumers():
            if user.type == "ReadVariableOp":
                return user.attrs["dtype"]
    return base


def gradient_body(function: FuncGraph) -> FuncGraph:
    """Return the gradient of a function: from its arguments and the cotangents of its outputs to those of its
    arguments.

    It is made when it is first asked for; an argument to which nothing flows has zeros.
    """
    if function.gradient is not None:
        return function.gradient
    body = copy_function(function, f"{function.name}_gradient")
    body.output_names = []
    arguments, results = list(body.inputs), list(body.outputs)
    with body.as_default():
        seeds = [body.add_input(t.dtype.base_dtype, t.dims, f"grad_{i}") for i, t in enumerate(results)]
        pairs = [(y, seed) for y, seed in zip(results, seeds, strict=True) if is_differentiable(y)]
        sources = [tensor for tensor in arguments if is_differentiable(tensor)]
        found = gradients_of(body, [y for y, _ in pairs], sources, [s for _, s in pairs]) if pairs else []
        by_source = {
            id(tensor): None if gradient is None else convert_to_tensor(gradient)
            for tensor, gradient in zip(sources, found, strict=False)
        }
        body.outputs = []
        for tensor in arguments:
            gradient = by_source.get(id(tensor))
            if gradient is None:
                value = tensor
                if tensor.dtype.base_dtype.name == "resource":
                    value = read_variable_op(tensor, dtype=_gradient_type(tensor))
                gradient = zeros_like_op(value)
            body.outputs.append(gradient)  # type: ignore[arg-type]
    function.gradient = body
    return body
