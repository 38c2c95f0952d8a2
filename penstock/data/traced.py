"""Functions of elements, traced once and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.compiler.compile import compile_program
from penstock.compiler.effects import effects_of
from penstock.compiler.program import Program
from penstock.core import array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int64
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import current_graph
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec
from penstock.data import structure as nested
from penstock.data.node import Element, Run
from penstock.data.structure import Structure
from penstock.language.autograph import control_status_ctx, tf_convert
from penstock.language.function.flat_function import FunctionResources


class TracedFunction:
    """A function of elements, as a compiled program.

    Args:
        function: from nested elements to a nested element. An element that is a tuple is given as several arguments.
        inputs: the structures of the elements that it takes, one an argument.
        spread: whether a single argument that is a plain tuple is given as several.
        name: for the program's source.

    Attributes:
        output: the structure of what it returns.
        captures: the tensors of its surroundings that it uses.
        is_stateful: whether a call has effects, or depends on more than its arguments.
    """

    def __init__(
        self, function: Callable[..., Any], inputs: Sequence[Structure], spread: bool = True, name: str = "map"
    ) -> None:
        graph = FuncGraph(getattr(function, "__name__", name).strip("<>") or name, outer_graph=current_graph())
        call = tf_convert(function, control_status_ctx())
        with graph.as_default():
            arguments = []
            for structure in inputs:
                placeholders = [
                    graph.add_input(spec.dtype, spec.shape.as_tuple(), "args") for spec in structure.components
                ]
                arguments.append(structure.from_tensors(placeholders))
            self.num_arguments = len(graph.inputs)
            if spread and len(arguments) == 1 and type(arguments[0]) is tuple:
                arguments = list(arguments[0])
            returned = call(*arguments)
            result = nested.map_leaves(_as_leaf, returned)
            self.output = Structure(nested.spec_of(result))
            tensors = self.output.to_tensors(result)
            graph.outputs = [convert_to_tensor(tensor) for tensor in tensors]  # type: ignore[misc]
        self.graph = graph
        self.returned = result
        self.captures: list[Tensor] = graph.external_captures
        self.is_stateful = any(op.op_def.is_stateful and op.type != "Placeholder" for op in graph.get_operations())
        self._resources = FunctionResources()
        self._program: Program | None = None
        self._copied: list[int] = []

    def _compile(self) -> Program:
        program = compile_program(self.graph.outputs, effects_of(self.graph), self.graph.inputs, self._resources)
        if any(tensor.dtype.name == "resource" for tensor in self.graph.inputs):
            # What a variable's memory holds changes; everything else is never written.
            self._copied = [index for index, copy in enumerate(program.copies) if copy]
        self._program = program
        return program

    def restart_streams(self) -> None:
        """Let the random operations of the function begin anew, as they do for each iterator over a dataset."""
        if self.is_stateful:
            self._resources.restart_streams()

    def bind(self, run: Run) -> Callable[..., list[Any]]:
        """Return the function from runtime values, one a component, to runtime values."""
        program = self._program or self._compile()
        captured = [run.value(tensor) for tensor in self.captures]
        if self._copied:
            copied = self._copied

            def call_and_copy(*values: Any) -> list[Any]:
                results = program(*values, *captured)
                for index in copied:
                    results[index] = array.clone(results[index])
                return results

            return call_and_copy
        return program if not captured else lambda *values: program(*values, *captured)

    def on_elements(self, run: Run) -> Callable[..., Element]:
        """Return the function from elements, as they travel between nodes, to an element."""
        call = self.bind(run)
        from_flat, flat_output = self.output.from_flat, self.output.is_flat

        def apply(*elements: Element) -> Element:
            values = [value for element in elements for value in nested.flat_values(element)]
            results = call(*values)
            return tuple(results) if flat_output else from_flat(results)

        return apply

    def condition(self, run: Run) -> Callable[..., bool]:
        """Return the function from elements to the one boolean that it returns."""
        call = self.bind(run)
        return lambda *elements: bool(
            array.to_python(call(*[value for element in elements for value in nested.flat_values(element)])[0])
        )


def _as_leaf(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, CompositeTensor):
        return leaf
    return leaf if isinstance(leaf, SymbolicTensor) else convert_to_tensor(leaf)


def predicate_of(function: TracedFunction, what: str) -> TracedFunction:
    """Return a function that yields one boolean.

    Raises:
        ValueError: if it yields something else; `what` names the step.
    """
    spec = function.output.spec
    if not isinstance(spec, TensorSpec) or spec.dtype.name != "bool" or spec.shape.rank not in (0, None):
        raise ValueError(
            f"Invalid `predicate` of {what}. `predicate` must return a `tf.bool` scalar tensor, but its return type is "
            f"{spec}."
        )
    return function


def expect_int64(function: TracedFunction, what: str) -> None:
    """Check that a function yields one int64.

    Raises:
        ValueError: if it yields something else; `what` names the function.
    """
    spec = function.output.spec
    if not isinstance(spec, TensorSpec) or spec.dtype != int64 or spec.shape.rank not in (0, None):
        raise ValueError(f"Invalid `{what}`. Expected a scalar tf.int64 tensor, but got {spec}.")


def state_function(
    state: Any, elements: Structure, function: Callable[..., Any], what: str, has_output: bool
) -> tuple[Structure, TracedFunction]:
    """Return the structure of a state, relaxed until `function` keeps it, and the function traced for it.

    Args:
        state: the initial state.
        elements: the structure of the elements.
        function: from a state and an element to a state, and also to an output if `has_output`.
        what: the function's name, for messages.
        has_output: see `function`.

    Raises:
        TypeError: if the new state has another structure or other dtypes than the initial one.
    """
    structure = Structure(nested.spec_of(state))
    while True:
        traced = TracedFunction(function, [structure, elements], spread=False, name=what)
        spec = traced.output.spec
        if has_output:
            if not isinstance(spec, tuple) or len(spec) != 2:
                raise TypeError(f"Invalid `{what}`. It must return a tuple consisting of new state and output.")
            spec = spec[0]
        try:
            found = nested.match(structure.spec, spec, what)
        except ValueError:
            found = []
        if len(found) != len(structure.leaves) or any(
            getattr(a, "dtype", None) != getattr(b, "dtype", None) for a, b in zip(structure.leaves, found, strict=True)
        ):
            raise TypeError(
                f"The element types and classes for the new state must match the initial state, {structure.spec}; "
                f"`{what}` returned {spec}."
            )
        relaxed = [a.most_specific_common_supertype([b]) or a for a, b in zip(structure.leaves, found, strict=True)]
        if relaxed == structure.leaves:
            return structure, traced
        structure = Structure(nested.pack(structure.spec, relaxed))
