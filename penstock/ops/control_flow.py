"""Functional control flow: operations whose attributes are functions.

Their bodies are FuncGraphs. The compiler writes them as Python `if` and `while` and as calls of the bodies, so that no
kernel stands here. A gradient is the same operation over gradients of the bodies; the forward operation gives what
those need of its bodies'
intermediate values as further outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from penstock.core import array, context
from penstock.core.array import Value
from penstock.core.backprop import is_differentiable, takes_wanted
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.func_graph import FuncGraph
from penstock.core.gradients import gradients_of
from penstock.core.op import op
from penstock.core.op_def import lookup
from penstock.core.operation import Operation
from penstock.core.shape import Dims
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.ops.data_flow.list_value import TensorList
from penstock.ops.while_gradient import while_gradient

Function = FuncGraph


def _needs_a_program() -> NoReturn:
    raise AssertionError("functional control flow is compiled; it has no kernel")


def _merge_dims(shapes: Sequence[Dims]) -> Dims:
    """Return what several branches agree on."""
    first = shapes[0]
    if any(dims is None for dims in shapes) or len({len(dims) for dims in shapes if dims is not None}) > 1:
        return None
    return tuple(
        size if all(dims[axis] == size for dims in shapes if dims is not None) else None
        for axis, size in enumerate(first or ())
    )


def _branch_dims(branches: Sequence[FuncGraph], given: Sequence[Dims]) -> list[Dims]:
    if given:
        return list(given)
    return [_merge_dims([branch.outputs[i].dims for branch in branches]) for i in range(len(branches[0].outputs))]


@op("If(cond: Tcond, input: list(Tin)) -> output: list(Tout)", minimum={"Tin": 0, "Tout": 0}, stateful=True, view=True)
def if_op(
    cond: Value, input: list[Value], *, then_branch: Function, else_branch: Function, output_shapes: list[Dims] = []
) -> NoReturn:
    _needs_a_program()


@op("StatelessIf(cond: Tcond, input: list(Tin)) -> output: list(Tout)", minimum={"Tin": 0, "Tout": 0}, view=True)
def stateless_if_op(
    cond: Value,
    input: list[Value],
    *,
    then_branch: Function,
    else_branch: Function,
    output_shapes: list[Dims] = [],
) -> NoReturn:
    _needs_a_program()


@if_op.shape
@stateless_if_op.shape
def if_shape(
    cond: Dims, input: list[Dims], *, then_branch: FuncGraph, else_branch: FuncGraph, output_shapes: list[Dims]
) -> list[Dims]:
    return _branch_dims([then_branch, else_branch], output_shapes)


@op(
    "Case(branch_index: int32, input: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0, "branches": 1},
    stateful=True,
    view=True,
)
def case_op(
    branch_index: Value, input: list[Value], *, branches: list[Function], output_shapes: list[Dims] = []
) -> NoReturn:
    _needs_a_program()


@op(
    "StatelessCase(branch_index: int32, input: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0, "branches": 1},
    view=True,
)
def stateless_case_op(
    branch_index: Value, input: list[Value], *, branches: list[Function], output_shapes: list[Dims] = []
) -> NoReturn:
    _needs_a_program()


@case_op.shape
@stateless_case_op.shape
def case_shape(
    branch_index: Dims, input: list[Dims], *, branches: list[FuncGraph], output_shapes: list[Dims]
) -> list[Dims]:
    return _branch_dims(branches, output_shapes)


@op("While(input: list(T)) -> output: list(T)", minimum={"T": 0}, stateful=True, view=True)
def while_op(
    input: list[Value], *, cond: Function, body: Function, output_shapes: list[Dims] = [], parallel_iterations: int = 10
) -> NoReturn:
    _needs_a_program()


@op("StatelessWhile(input: list(T)) -> output: list(T)", minimum={"T": 0}, view=True)
def stateless_while_op(
    input: list[Value],
    *,
    cond: Function,
    body: Function,
    output_shapes: list[Dims] = [],
    parallel_iterations: int = 10,
) -> NoReturn:
    _needs_a_program()


@while_op.shape
@stateless_while_op.shape
def while_shape(
    input: list[Dims], *, cond: FuncGraph, body: FuncGraph, output_shapes: list[Dims], parallel_iterations: int
) -> list[Dims]:
    return list(output_shapes) if output_shapes else [tensor.dims for tensor in body.inputs]


while_op.gradient(while_gradient)
stateless_while_op.gradient(while_gradient)


@op("PartitionedCall(args: list(Tin)) -> output: list(Tout)", minimum={"Tin": 0, "Tout": 0}, view=True)
def partitioned_call_op(
    args: list[Value], *, f: Function, config: str = "", config_proto: str = "", executor_type: str = ""
) -> NoReturn:
    _needs_a_program()


@op(
    "StatefulPartitionedCall(args: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0},
    stateful=True,
    view=True,
)
def stateful_partitioned_call_op(
    args: list[Value], *, f: Function, config: str = "", config_proto: str = "", executor_type: str = ""
) -> NoReturn:
    _needs_a_program()


@partitioned_call_op.shape
@stateful_partitioned_call_op.shape
def partitioned_call_shape(args: list[Dims], *, f: FuncGraph, **attrs: Any) -> list[Dims]:
    return [tensor.dims for tensor in f.outputs]


@op("FakeParam() -> output: dtype", shape=lambda *, dtype, shape: shape, differentiable=False)
def fake_param_op(*, dtype: DType, shape: Dims) -> Value:
    if dtype.name in ("resource", "variant"):
        return TensorList(dtype, None, [])
    return array.from_numpy(np.zeros([size or 0 for size in shape or ()], dtype.as_numpy_dtype))


@if_op.gradient
@stateless_if_op.gradient
@takes_wanted
def if_gradient(call: Operation, *grads: Tensor | None, wanted: Sequence[bool]) -> list[Tensor | None]:
    branches = [call.attrs["then_branch"], call.attrs["else_branch"]]

    def build(inputs: list[Tensor], gradient_branches: list[FuncGraph], types: list[DType]) -> Any:
        make = lookup(call.type)
        return make(  # type: ignore[operator]
            call.inputs[0], inputs, then_branch=gradient_branches[0], else_branch=gradient_branches[1], Tout=types
        )

    return [None, *_gradient_of_branches(call, branches, grads, build, wanted[1:])]


@case_op.gradient
@stateless_case_op.gradient
@takes_wanted
def case_gradient(call: Operation, *grads: Tensor | None, wanted: Sequence[bool]) -> list[Tensor | None]:
    def build(inputs: list[Tensor], gradient_branches: list[FuncGraph], types: list[DType]) -> Any:
        return lookup(call.type)(call.inputs[0], inputs, branches=gradient_branches, Tout=types)  # type: ignore[operator]

    return [None, *_gradient_of_branches(call, call.attrs["branches"], grads, build, wanted[1:])]


@partitioned_call_op.gradient
@stateful_partitioned_call_op.gradient
@takes_wanted
def partitioned_call_gradient(call: Operation, *grads: Tensor | None, wanted: Sequence[bool]) -> list[Tensor | None]:
    function = call.attrs["f"]
    if "_function" not in call.__dict__:
        # Other calls of the function keep the outputs that they have.
        call.__dict__["_function"] = function
        call.attrs["f"] = copy.copy(function)
        call.attrs["f"].outputs = list(function.outputs)

    def build(inputs: list[Tensor], bodies: list[FuncGraph], types: list[DType]) -> Any:
        return lookup(call.type)(inputs, f=bodies[0], Tout=types)  # type: ignore[operator]

    return _gradient_of_branches(call, [call.attrs["f"]], grads, build, wanted, [call.__dict__["_function"]])


def _gradient_of_branches(
    call: Operation,
    branches: list[FuncGraph],
    grads: Sequence[Tensor | None],
    build: Any,
    wanted: Sequence[bool],
    graphs: Sequence[FuncGraph] | None = None,
) -> list[Tensor | None]:
    """Return the gradients of the inputs that all branches share.

    Args:
        call: the forward operation; it is given further outputs for the intermediate values that the gradients need.
        branches: its bodies.
        grads: cotangents of its outputs.
        build: makes the gradient operation from its inputs, bodies and output types.
        wanted: for each of the bodies' inputs, whether its gradient is of use.
        graphs: the graphs that hold the operations of the bodies, where those are not the bodies themselves.
    """
    graphs = branches if graphs is None else graphs
    present = [i for i, grad in enumerate(grads) if grad is not None and is_differentiable(call.outputs[i])]
    arriving = [convert_to_tensor(grads[i]) for i in present]
    backward = [
        _BranchGradient(branch, graph, present, arriving, wanted)
        for branch, graph in zip(branches, graphs, strict=True)
    ]
    count = len(branches[0].inputs)
    connected = [i for i in range(count) if any(b.results[i] is not None for b in backward)]
    if not connected:
        return [None] * count
    types = [next(b.results[i].dtype.base_dtype for b in backward if b.results[i] is not None) for i in connected]  # type: ignore[union-attr]
    for b, branch in zip(backward, branches, strict=True):
        with b.graph.as_default():
            results = [
                b.results[i] if b.results[i] is not None else _zeros_like(branch.inputs[i], dtype)
                for i, dtype in zip(connected, types, strict=True)
            ]
            # A cotangent may be passed on as it came, or be a tensor of the body itself.
            b.graph.outputs = [b.graph.capture(tensor) for tensor in results]  # type: ignore[arg-type]
    passed = _expose_intermediates(call, branches, backward)
    _align_inputs(backward, passed, len(arriving))
    inputs = [*(tensor for _, tensor in passed), *arriving]
    produced = build(inputs, [b.graph for b in backward], types)
    result: list[Tensor | None] = [None] * count
    for i, gradient in zip(connected, produced, strict=True):
        result[i] = gradient
    return result


def _zeros_like(tensor: Tensor, dtype: DType) -> Tensor:
    """Return the cotangent of an input on which a body's outputs do not depend; that of a handle is its value's."""
    value = lookup("ReadVariableOp")(tensor, dtype=dtype) if tensor.dtype.name == "resource" else tensor  # type: ignore[operator]
    return lookup("ZerosLike")(value)  # type: ignore[operator]


class _BranchGradient:
    """The gradient of one body, built in a FuncGraph that captures the body's tensors."""

    def __init__(
        self,
        branch: FuncGraph,
        source: FuncGraph,
        present: list[int],
        arriving: list[Tensor],
        wanted: Sequence[bool],
    ) -> None:
        self.source = source
        self.graph = FuncGraph(f"{branch.name}_grad")
        self.graph.differentiates = source
        with self.graph.as_default():
            self.arriving = [
                self.graph.add_input(g.dtype.base_dtype, g.dims, f"grad_{i}")
                for i, g in zip(present, arriving, strict=True)
            ]
            ys, seeds = [], []
            for i, seed in zip(present, self.arriving, strict=True):
                if is_differentiable(branch.outputs[i]):
                    ys.append(branch.outputs[i])
                    seeds.append(seed)
            sources = [t for t, use in zip(branch.inputs, wanted, strict=True) if use and is_differentiable(t)]
            found = gradients_of(source, ys, sources, seeds) if ys and sources else [None] * len(sources)
            by_source = {
                id(t): None if g is None else convert_to_tensor(g) for t, g in zip(sources, found, strict=True)
            }
            self.results = [by_source.get(id(t)) for t in branch.inputs]


def _expose_intermediates(
    call: Operation, branches: list[FuncGraph], backward: list[_BranchGradient]
) -> list[tuple[tuple[int, int], Tensor]]:
    """Return, for each tensor that a gradient body captured of its branch, where the forward operation gives its value.

    Values inside a branch become further outputs of the forward operation; the other branches give a stand-in for them.
    """
    known: dict[tuple[int, int], SymbolicTensor] = call.__dict__.setdefault("_exposed", {})
    passed: list[tuple[tuple[int, int], Tensor]] = []
    for number, (branch, b) in enumerate(zip(branches, backward, strict=True)):
        positions = {id(tensor): i for i, tensor in enumerate(branch.inputs)}
        for captured, _ in b.graph.captures:
            key = number, id(captured)
            if id(captured) in positions:
                offset = len(call.inputs) - len(branch.inputs)
                passed.append((key, call.inputs[offset + positions[id(captured)]]))
                continue
            if not isinstance(captured, SymbolicTensor) or captured.graph is not b.source:
                passed.append((key, captured))
                continue
            if key not in known:
                known[key] = _add_output(call, branches, number, captured)
            passed.append((key, known[key]))
    return passed


def _add_output(call: Operation, branches: list[FuncGraph], number: int, tensor: SymbolicTensor) -> SymbolicTensor:
    for position, branch in enumerate(branches):
        if position == number:
            branch.outputs.append(tensor)
            continue
        with branch.as_default():
            branch.outputs.append(fake_param_op(dtype=tensor.dtype.base_dtype, shape=tensor.dims))
    output = SymbolicTensor(call, len(call.outputs), tensor.dtype.base_dtype, tensor.dims)
    call.outputs.append(output)
    for tape in context.state.tapes:
        tape.note_output(call, output)
    call.attrs["Tout"] = [*call.attrs["Tout"], tensor.dtype.base_dtype]
    call.graph._note_rewiring()
    return output


def _align_inputs(
    backward: list[_BranchGradient], passed: Sequence[tuple[tuple[int, int], Tensor]], arriving: int
) -> None:
    """Give all gradient bodies the same inputs: what any of them captured, then the arriving cotangents."""
    for number, b in enumerate(backward):
        own = {(number, id(outside)): inside for outside, inside in b.graph.captures}
        inputs: list[SymbolicTensor] = []
        with b.graph.as_default():
            for key, tensor in passed:
                inputs.append(own[key] if key in own else b.graph._placeholder(tensor.dtype, tensor.dims, "unused"))
        b.graph.inputs = [*inputs, *b.arriving]
