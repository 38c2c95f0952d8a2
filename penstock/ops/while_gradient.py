"""The gradient of a loop: a loop that runs the gradient of the body once for each trip, the last trip first.

What an iteration's gradient needs of the iteration's values is pushed on lists, further variables of the forward loop,
and popped in the backward loop; so memory grows linearly with the trips, and only what is needed is kept. Values that
no iteration changes, such as captured tensors, are passed to the backward loop as they are, and their cotangents add up
in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import context
from penstock.core.backprop import gradient_function_of, is_differentiable, takes_wanted
from penstock.core.convert import constant_node, convert_to_tensor
from penstock.core.dtypes import int32, variant
from penstock.core.func_graph import FuncGraph
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import static_shape
from penstock.core.op_def import OpDef, lookup
from penstock.core.operation import Operation
from penstock.core.shape import Dims
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.ops.data_flow.tensor_list import (
    empty_tensor_list_op,
    tensor_list_pop_back_op,
    tensor_list_push_back_op,
)

# What gradients ask of a value without needing it: computed in the forward loop, so that only the answer is kept.
_SIZES = frozenset({"Rank", "Shape", "Size", "TensorListElementShape", "TensorListLength"})


@contextlib.contextmanager
def plain_scope(graph: Graph, name: str | None = None) -> Iterator[None]:
    """Add operations to a graph apart from the control dependencies and scopes that happen to be open in it.

    Args:
        graph: the graph.
        name: the full name of the name scope; by default the names are of the top level.
    """
    saved = graph._control_stack, graph._colocation_stack, graph._name_stack
    graph._control_stack, graph._colocation_stack = [], []
    try:
        with graph.as_default(), graph.name_scope(None if name is None else f"{name}/"):
            yield
    finally:
        graph._control_stack, graph._colocation_stack, graph._name_stack = saved


def is_invariant(body: FuncGraph, index: int) -> bool:
    """Tell whether a loop's body returns a variable as it got it."""
    return body.outputs[index] is body.inputs[index]


class IterationGradient(FuncGraph):
    """The gradient of one iteration. Values of the iteration that it asks for are popped from lists.

    Args:
        loop: the forward operation.
    """

    def __init__(self, loop: Operation) -> None:
        body: FuncGraph = loop.attrs["body"]
        super().__init__(f"{body.name}_grad")
        self.body = self.differentiates = body
        self._is_finished = False
        self._unchanged = {id(t) for i, t in enumerate(body.inputs) if is_invariant(body, i)}
        self._values: dict[int, SymbolicTensor] = {}  # id of a tensor of the body -> what stands for it here
        self._originals: dict[int, SymbolicTensor] = {}  # the other way round
        self.stacks: list[tuple[SymbolicTensor, SymbolicTensor, Operation]] = []  # tensor of the body, list, pop

    def capture(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Return a tensor as the gradient may use it: popped, if it is a value of the iteration."""
        if tensor.op.graph is self:
            return tensor
        if tensor.op.graph is not self.body or tensor.op.type == "Const" or id(tensor) in self._unchanged:
            return super().capture(tensor, name)
        if id(tensor) not in self._values:
            stack = self._placeholder(variant, (), f"{tensor.op.name}_values".replace("/", "_"))
            with plain_scope(self):
                popped = tensor_list_pop_back_op(stack, _sizes(tensor.dims), element_dtype=tensor.dtype.base_dtype)[1]
            popped.set_shape(tensor.dims)
            self._values[id(tensor)] = popped
            self._originals[id(popped)] = tensor
            self.stacks.append((tensor, stack, popped.op))
        return self._values[id(tensor)]

    def add_operation(
        self,
        op_def: OpDef,
        inputs: Sequence[SymbolicTensor],
        attrs: dict[str, Any],
        name: str,
        *args: Any,
        **kwargs: Any,
    ) -> Operation:
        """Add a node; one that asks only for the shape of a value of the iteration is added to the iteration."""
        originals = [] if self._is_finished else [self._originals.get(id(tensor)) for tensor in inputs]
        if originals and None not in originals:
            if op_def.name in _SIZES:
                with plain_scope(self.body):
                    unique = self.body.unique_name(name)
                    asked = self.body.add_operation(op_def, originals, attrs, unique)  # type: ignore[arg-type]
                return lookup("Identity")(self.capture(asked.outputs[0])).op  # type: ignore[operator]
            if op_def.name == "ZerosLike" and inputs[0].dtype != variant:
                return _zeros_of_shape(inputs[0]).op
        return super().add_operation(op_def, inputs, attrs, name, *args, **kwargs)

    def finish(self) -> None:
        """Forget the lists and captures that nothing uses. From now on this is the body of a loop like any other."""
        self._is_finished = True
        needed = _needed(self)
        self.stacks = [entry for entry in self.stacks if entry[2] in needed]
        self._captures = {
            key: (outside, inside) for key, (outside, inside) in self._captures.items() if inside.op in needed
        }


def _needed(graph: FuncGraph) -> set[Operation]:
    """Return the operations that run when a function is called."""
    stack = [tensor.op for tensor in graph.outputs]
    stack.extend(op for op in graph.get_operations() if op.op_def.is_stateful and op.type != "Placeholder")
    found: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op not in found:
            found.add(op)
            stack.extend(tensor.op for tensor in op.inputs)
            stack.extend(op.control_inputs)
    return found


def _sizes(dims: Dims) -> np.ndarray:
    return np.asarray(-1 if dims is None else [-1 if size is None else size for size in dims], np.int32)


def _zeros_of_shape(tensor: Tensor) -> SymbolicTensor:
    """Return zeros of a tensor's type and shape, without use of its value where the shape is known."""
    dims = tensor.dims
    shape = lookup("Shape")(tensor) if dims is None or None in dims else np.asarray(dims, np.int32)  # type: ignore[operator]
    return lookup("Fill")(shape, np.zeros((), tensor.dtype.base_dtype.as_numpy_dtype))  # type: ignore[operator]


def _zeros(tensor: Tensor, like: Tensor | None = None) -> Tensor:
    """Return the first cotangent of a tensor; that of a handle is its value's, of the type and shape of `like`."""
    if tensor.dtype.base_dtype == variant:
        return lookup("ZerosLike")(tensor)  # type: ignore[operator]
    if tensor.dtype.base_dtype.name == "resource" and like is not None:
        if like.dims is not None and None not in like.dims:
            return _zeros_of_shape(like)
        tensor = lookup("ReadVariableOp")(tensor, dtype=like.dtype.base_dtype)  # type: ignore[operator]
    return _zeros_of_shape(tensor)


def add_variable(
    loop: Operation, initial: SymbolicTensor, following: Callable[[SymbolicTensor], SymbolicTensor], name: str
) -> SymbolicTensor:
    """Give a loop one more variable.

    Args:
        loop: a While or StatelessWhile.
        initial: its value before the first iteration, of the loop's graph.
        following: from the variable to its value after an iteration; called in the body.
        name: what the variable is called in the body and the condition.
    Returns:
        The loop's output with the value after the last iteration.
    """
    condition, body = loop.attrs["cond"], loop.attrs["body"]
    dtype, dims = initial.dtype.base_dtype, initial.dims
    body.inputs.append(body._placeholder(dtype, dims, name))
    condition.inputs.append(condition._placeholder(dtype, dims, name))
    with plain_scope(body):
        body.outputs.append(following(body.inputs[-1]))
    output = SymbolicTensor(loop, len(loop.outputs), dtype, dims)
    loop.outputs.append(output)
    for tape in context.state.tapes:
        tape.note_output(loop, output)
    loop.inputs = (*loop.inputs, initial)
    initial._consumers.append(loop)
    loop.attrs["T"] = [*loop.attrs["T"], dtype]
    if loop.attrs["output_shapes"]:
        loop.attrs["output_shapes"] = [*loop.attrs["output_shapes"], dims]
    loop.graph._note_rewiring()
    return output


def _trips(loop: Operation) -> SymbolicTensor:
    """Return the number of iterations that the loop has run."""
    found = loop.__dict__.get("_trips")
    if found is None:
        with plain_scope(loop.graph, loop.name):
            initial = constant_node(loop.graph, np.zeros((), np.int32), int32, "trips")
        found = loop.__dict__["_trips"] = add_variable(
            loop,
            initial,
            lambda trips: lookup("AddV2")(trips, np.int32(1)),  # type: ignore[operator]
            "trips",
        )
    return found


def _history(loop: Operation, tensor: SymbolicTensor) -> SymbolicTensor:
    """Return the list of the values that a tensor of the body has had, one for each iteration."""
    known: dict[int, SymbolicTensor] = loop.__dict__.setdefault("_histories", {})
    if id(tensor) not in known:
        with plain_scope(loop.graph, loop.name):
            empty = empty_tensor_list_op(
                _sizes(tensor.dims), np.int32(-1), element_dtype=tensor.dtype.base_dtype, name="values"
            )
        name = f"{tensor.op.name}_values".replace("/", "_")
        known[id(tensor)] = add_variable(loop, empty, lambda values: tensor_list_push_back_op(values, tensor), name)
    return known[id(tensor)]


def _dependencies(body: FuncGraph, output: SymbolicTensor) -> Iterable[int]:
    """Return the indices of the inputs that cotangents of an output of a function may reach."""
    positions = {id(tensor): index for index, tensor in enumerate(body.inputs)}
    stack, seen = [output], {id(output)}
    while stack:
        tensor = stack.pop()
        if id(tensor) in positions:
            yield positions[id(tensor)]
            continue
        if not _stops_gradients(tensor.op):
            sources = [t for t in tensor.op.inputs if id(t) not in seen and is_differentiable(t)]
            seen.update(map(id, sources))
            stack.extend(sources)


def _stops_gradients(op: Operation) -> bool:
    try:
        return gradient_function_of(op) is None
    except LookupError:
        return False  # an error only if a cotangent arrives


def _relevant(body: FuncGraph, present: Iterable[int], wanted: Sequence[bool]) -> list[int]:
    """Return the indices of the variables whose cotangents are computed.

    Args:
        body: the loop's body.
        present: the variables that have cotangents after the last iteration.
        wanted: for each variable, whether the cotangent of its first value is of use.
    """
    sources: dict[int, set[int]] = {}  # a variable -> those whose values before an iteration it depends on
    waiting = list(present)
    while waiting:
        index = waiting.pop()
        if index not in sources:
            sources[index] = set(_dependencies(body, body.outputs[index]))
            waiting.extend(sources[index])
    useful = {index for index in sources if wanted[index]}
    more = useful
    while more:
        more = {index for index, needed in sources.items() if index not in useful and needed & useful}
        useful |= more
    return sorted(useful)


def _dense(piece: Any) -> Any:
    """Return a cotangent as a tensor."""
    if not isinstance(piece, IndexedSlices) or piece.dense_shape is None:
        return None if piece is None else convert_to_tensor(piece)
    rows = piece.dense_shape[0]
    total = lookup("UnsortedSegmentSum")(piece.values, piece.indices, rows)  # type: ignore[operator]
    total.set_shape(static_shape(piece.dense_shape))
    return total


@takes_wanted
def while_gradient(loop: Operation, *grads: Tensor | None, wanted: Sequence[bool]) -> list[Tensor | None]:
    """Return the cotangents of a loop's first values, given those of its last ones.

    Args:
        loop: a While or StatelessWhile; it gets further variables for what the gradient needs.
        grads: cotangents of its outputs, None or zeros where there are none.
        wanted: for each input, whether its cotangent is of use.
    """
    body: FuncGraph = loop.attrs["body"]
    arriving = {
        i: _dense(grad)
        for i, grad in enumerate(grads)
        if grad is not None and is_differentiable(loop.outputs[i]) and not getattr(grad, "_is_zeros_tensor", False)
    }
    reached = _relevant(body, arriving, wanted)
    changing = [i for i in reached if not is_invariant(body, i)]
    invariant = [i for i in reached if is_invariant(body, i)]
    last = list(loop.outputs)
    gradient = IterationGradient(loop)
    with gradient.as_default():
        remaining = gradient.add_input(int32, (), "remaining")
        seeds = [gradient.add_input(last[i].dtype.base_dtype, last[i].dims, f"grad_{i}") for i in changing]
        targets = [body.outputs[i] for i in changing]
        sources = [body.inputs[i] for i in (*changing, *invariant)]
        found = gradients_of(body, targets, sources, seeds) if targets else [None] * len(sources)
        pieces = [_dense(piece) for piece in found]
        cotangents = [
            _zeros(body.inputs[i]) if piece is None else piece
            for i, piece in zip(changing, pieces[: len(changing)], strict=True)
        ]
        # A captured tensor's cotangent is the sum of what the iterations contribute.
        added = [(i, p) for i, p in zip(invariant, pieces[len(changing) :], strict=True) if p is not None]
        sums = [gradient.add_input(p.dtype.base_dtype, _dims_of(body.inputs[i], p), f"sum_{i}") for i, p in added]
        totals = [lookup("AddN")([total, p]) for total, (_, p) in zip(sums, added, strict=True)]  # type: ignore[operator]
        following = [lookup("Sub")(remaining, np.int32(1)), *cotangents, *totals]  # type: ignore[operator]
        # A cotangent may be passed on as it came, or be a value of the iteration itself.
        gradient.outputs = [gradient.capture(tensor) for tensor in following]
    gradient.finish()
    start: list[Any] = [_trips(loop)]
    start += [arriving[i] if i in arriving else _zeros(last[i]) for i in changing]
    start += [arriving[i] if i in arriving else _zeros(loop.inputs[i], p) for i, p in added]
    start += [_history(loop, tensor) for tensor, _, _ in gradient.stacks]
    positions = {id(tensor): i for i, tensor in enumerate(body.inputs)}
    captures = gradient.captures
    start += [loop.inputs[positions[id(t)]] if id(t) in positions else t for t, _ in captures]
    inside = [placeholder for _, placeholder in captures]
    gradient.inputs = [remaining, *seeds, *sums, *(stack for _, stack, _ in gradient.stacks), *inside]
    gradient.outputs = [*gradient.outputs, *(pop.outputs[0] for _, _, pop in gradient.stacks), *inside]
    outputs = _backward_loop(loop, gradient, start)
    result: list[Tensor | None] = [None] * len(loop.inputs)
    for i in invariant:
        result[i] = arriving.get(i)
    for i, cotangent in zip([*changing, *(i for i, _ in added)], outputs[1:], strict=False):
        result[i] = cotangent
    return result


def _dims_of(source: SymbolicTensor, piece: Tensor) -> Dims:
    return piece.dims if source.dtype.base_dtype.name == "resource" else source.dims


def _backward_loop(loop: Operation, gradient: FuncGraph, start: list[Any]) -> list[Tensor]:
    condition = FuncGraph(f"{gradient.name}_cond")
    with condition.as_default():
        arguments = [condition.add_input(t.dtype, t.dims, f"arg_{i}") for i, t in enumerate(gradient.inputs)]
        condition.outputs = [lookup("Greater")(arguments[0], np.int32(0))]  # type: ignore[operator]
    effects = any(op.op_def.is_stateful and op.type != "Placeholder" for op in gradient.get_operations())
    dims: list[Dims] = [tensor.dims for tensor in gradient.inputs]
    outputs = lookup("While" if effects else "StatelessWhile")(  # type: ignore[operator]
        start,
        cond=condition,
        body=gradient,
        output_shapes=dims,
        parallel_iterations=loop.attrs["parallel_iterations"],
        name=loop.name.rsplit("/", 1)[-1],
    )
    outputs[0].op.__dict__["_trips"] = outputs[0].op.inputs[0]
    return outputs
