"""Graphs that are the bodies of functions, branches and loops."""

from __future__ import annotations

from typing import Any

from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor


class FuncGraph(Graph):
    """A graph with inputs, outputs, and tensors captured from what surrounds it.

    An operation made inside that takes a tensor of another graph captures it: the tensor becomes a further input, and
    every call of the function passes it along.

    Args:
        name: the function's name.
        outer_graph: the graph in which the function is defined; None if it is defined in eager execution.

    Attributes:
        inputs: placeholders for the arguments, followed by those for captures.
        outputs: the tensors returned.
        control_outputs: operations that run for their effects.
        differentiates: the function whose gradient this one is; its constants need not be passed.
        loop: the operation whose body the function is, if it was made for a loop.
        output_names: what the outputs are called in the function's signature, as far as they have names.
        function_attributes: attributes of the function itself, such as `_noinline`.
        gradient: the function for its gradient, which takes the arguments and the cotangents of the outputs; None
            until it is needed.
        has_own_gradient: whether its author gave the gradient.
        kept: operations that are written with the function although no output needs them.
    """

    building_function = True
    # Told of each function that begins to be traced, where somebody collects them.
    observer: Any = None

    def __init__(self, name: str, outer_graph: Graph | None = None) -> None:
        super().__init__()
        if FuncGraph.observer is not None:
            FuncGraph.observer(self)
        self.name = name
        self.outer_graph = outer_graph
        self.differentiates: Graph | None = None
        self.inputs: list[SymbolicTensor] = []
        self.outputs: list[SymbolicTensor] = []
        self.control_outputs: list[Any] = []
        self.variables: list[Any] = []
        self.structured_outputs: Any = None
        self.loop: Any = None
        self.output_names: list[str] = []
        self.function_attributes: dict[str, Any] = {}
        self.gradient: FuncGraph | None = None
        self.has_own_gradient = False
        self.kept: list[Any] = []
        self._captures: dict[int, tuple[Tensor, SymbolicTensor]] = {}
        if outer_graph is not None:
            self.seed = outer_graph.seed
            self._collections = outer_graph._collections
            self._gradient_overrides = outer_graph._gradient_overrides

    def add_input(self, dtype: Any, shape: Any, name: str = "input") -> SymbolicTensor:
        """Add a placeholder to the inputs and return it."""
        placeholder = self._placeholder(dtype, shape, name)
        self.inputs.append(placeholder)
        return placeholder

    def _placeholder(self, dtype: Any, dims: Any, name: str) -> SymbolicTensor:
        saved = self._control_stack, self._name_stack, self._colocation_stack
        self._control_stack, self._colocation_stack = [], []
        try:
            attrs = {"dtype": dtype, "shape": dims}
            op = self.add_operation(lookup("Placeholder"), (), attrs, self.unique_name(name), output_dims=(dims,))
        finally:
            self._control_stack, self._name_stack, self._colocation_stack = saved
        return op.outputs[0]

    def capture(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Return `tensor` as this function may use it, captured if it belongs to another graph."""
        if tensor.op.graph is self:
            return tensor
        if tensor.op.type == "Const" and self._copies(tensor):
            return self._copy_constant(tensor)
        if (
            self.outer_graph is not None
            and tensor.op.graph is not self.outer_graph
            and isinstance(self.outer_graph, FuncGraph)
        ):
            tensor_outside = self.outer_graph.capture(tensor)
        else:
            tensor_outside = tensor
        return self._capture(tensor_outside, name or tensor.op.name.rsplit("/", 1)[-1])

    def _copies(self, constant: SymbolicTensor) -> bool:
        """Tell whether a constant is copied rather than captured."""
        if constant.op.graph is self.differentiates:
            return True
        # Somebody may ask for the gradient with respect to a number.
        is_number = constant.dtype.is_floating or constant.dtype.is_complex
        return constant.op.attrs["value"].size <= 1 and not is_number

    def capture_eager(self, tensor: EagerTensor, name: str | None = None) -> SymbolicTensor:
        """Return an eager tensor as this function may use it."""
        outside = self.outer_graph.capture_eager(tensor) if isinstance(self.outer_graph, FuncGraph) else tensor
        return self._capture(outside, name or "capture")

    def _capture(self, outside: Tensor, name: str) -> SymbolicTensor:
        found = self._captures.get(id(outside))
        if found is None:
            placeholder = self._placeholder(outside.dtype, outside.dims, name)
            self._captures[id(outside)] = found = (outside, placeholder)
            self.inputs.append(placeholder)
        return found[1]

    def _copy_constant(self, tensor: SymbolicTensor) -> SymbolicTensor:
        found = self._captures.get(-id(tensor))
        if found is None:
            attrs = dict(tensor.op.attrs)
            saved = self._control_stack
            self._control_stack = []
            try:
                op = self.add_operation(
                    lookup("Const"),
                    (),
                    attrs,
                    self.unique_name(tensor.op.name.rsplit("/", 1)[-1]),
                    output_dims=(tensor.dims,),
                )
            finally:
                self._control_stack = saved
            self._captures[-id(tensor)] = found = (tensor, op.outputs[0])
        return found[1]

    @property
    def captures(self) -> list[tuple[Tensor, SymbolicTensor]]:
        """Pairs of a tensor outside and the placeholder that stands for it inside, in the order of the inputs."""
        return [pair for key, pair in self._captures.items() if key > 0]

    @property
    def external_captures(self) -> list[Tensor]:
        """The captured tensors, as the surrounding graph has them."""
        return [outside for outside, _ in self.captures]

    @property
    def internal_captures(self) -> list[SymbolicTensor]:
        """The placeholders that stand for captured tensors."""
        return [inside for _, inside in self.captures]


def copy_function(function: FuncGraph, name: str) -> FuncGraph:
    """Return a function like another, with operations of its own; what it captured are further arguments.

    Args:
        function: the function to copy.
        name: the name of the copy.
    """
    copied = FuncGraph(name)
    copied.output_names = list(function.output_names)
    copied.function_attributes = dict(function.function_attributes)
    tensors: dict[int, SymbolicTensor] = {}
    ops: dict[Any, Any] = {}
    for op in in_dependency_order(function):
        attrs = copied_attributes(op)
        made = copied.add_operation(
            op.op_def,
            [tensors[id(tensor)] for tensor in op.inputs],
            attrs,
            copied.unique_name(op.name),
            control_inputs=[ops[control] for control in op.control_inputs],
            output_dims=[tensor.dims for tensor in op.outputs],
            device=op.device,
        )
        ops[op] = made
        for before, after in zip(op.outputs, made.outputs, strict=True):
            tensors[id(before)] = after
    copied.inputs = [tensors[id(tensor)] for tensor in function.inputs]
    copied.outputs = [tensors[id(tensor)] for tensor in function.outputs]
    copied.control_outputs = [ops[op] for op in function.control_outputs]
    return copied


def in_dependency_order(graph: Graph) -> list[Any]:
    """Return the operations of a graph such that each stands after what it takes; otherwise as they were made."""
    ordered: dict[Any, None] = {}
    for first in graph.get_operations():
        stack = [first]
        while stack:
            op = stack[-1]
            missing = [
                needed for needed in (*(tensor.op for tensor in op.inputs), *op.control_inputs) if needed not in ordered
            ]
            if missing:
                stack.extend(missing)
            else:
                ordered[stack.pop()] = None
    return list(ordered)


def copied_attributes(op: Any) -> dict[str, Any]:
    """Return the attributes for a copy of an operation, with bodies of its own: gradients extend bodies."""
    return {key: _copy_bodies(value) for key, value in op.attrs.items()}


def _copy_bodies(value: Any) -> Any:
    if isinstance(value, FuncGraph):
        return copy_function(value, value.name)
    if isinstance(value, list):
        return [_copy_bodies(item) for item in value]
    return value
