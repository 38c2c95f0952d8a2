"""Graphs called with flat lists of tensors: run as Programs, recorded on tapes, or made nodes of another graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from penstock.compiler.compile import compile_function
from penstock.compiler.effects import effects_of
from penstock.compiler.program import Program
from penstock.core import array, context
from penstock.core.backprop import is_differentiable
from penstock.core.convert import convert_to_tensor
from penstock.core.dispatch import record_call
from penstock.core.func_graph import FuncGraph
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph, current_graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.resources import ResourceManager, eager_resources
from penstock.core.tape import watch_variable_access
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.language.function.tracing import enclosing_graphs, out_of_scope
from penstock.language.variable_base import note_access
from penstock.ops.random.seeds import CONTAINER
from penstock.runtime import profiler

R = TypeVar("R")
_numbers = itertools.count()


class FunctionResources(ResourceManager):
    """The resources of eager execution, as one function sees them: its random operations have streams of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.interruption = eager_resources.interruption
        self._prefix = f"function {next(_numbers)}/"

    def lookup_or_create(self, container: str, kind: str, name: str, create: Callable[[], R]) -> R:
        """Return the resource of that kind and name, made by `create` if it does not exist yet."""
        if container == CONTAINER:
            name = self._prefix + name
        return eager_resources.lookup_or_create(container, kind, name, create)

    def restart_streams(self) -> None:
        """Let the function's random operations begin anew."""
        eager_resources.clear([CONTAINER], self._prefix)

    def lookup(self, container: str, kind: str, name: str) -> Any:
        """Return the resource of that kind and name; see `ResourceManager.lookup`."""
        return eager_resources.lookup(container, kind, name)

    def delete(self, resource: Any) -> None:
        """Forget a resource, wherever it is registered."""
        eager_resources.delete(resource)

    def clear(self, containers: list[str] | None = None, prefix: str = "") -> None:
        """Forget the resources of the given containers, or all; see `ResourceManager.clear`."""
        eager_resources.clear(containers, prefix)


class FlatFunction:
    """A function of tensors, called with its arguments alone; it knows what it captured.

    Args:
        graph: the function's graph.
        captures: the tensors that stand for the last inputs of the graph.
    """

    def __init__(self, graph: FuncGraph, captures: Sequence[Tensor] | None = None) -> None:
        self.graph = graph
        self.captures = list(graph.external_captures if captures is None else captures)
        self.output_types = [tensor.dtype.base_dtype for tensor in graph.outputs]
        self.resources = FunctionResources()
        self._program: Program | None = None
        self._traced: Program | None = None  # made for the first call while the profiler runs
        self._captured: list[Any] = []
        self._copied: list[int] = []
        self._forwards: dict[Any, _Forward] = {}
        self.is_stateful = bool(effects_of(graph)) or any(t.dtype.name == "resource" for t in graph.inputs)

    @property
    def program(self) -> Program:
        """The compiled Program: it takes the runtime values of all inputs of the graph."""
        if self._program is None:
            self._captured = self.captured_values()
            program = compile_function(self.graph, self.graph.outputs, self.resources)
            self._copied = [i for i, shared in enumerate(program.copies) if shared]
            self._program = program
        return self._program

    def captured_values(self) -> list[Any]:
        """Return the runtime values of what is captured.

        Raises:
            TypeError: if some of it belongs to a graph that is being built.
        """
        for tensor in self.captures:
            if not isinstance(tensor, EagerTensor):
                raise out_of_scope(tensor)  # type: ignore[arg-type]
        return [tensor.value for tensor in self.captures]  # type: ignore[attr-defined]

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Return the runtime values of the outputs, given those of the arguments."""
        program = self._program or self.program
        profile = profiler.running
        if profile is None:
            results = program(*values, *self._captured)
        else:
            if self._traced is None:
                self._traced = compile_function(self.graph, self.graph.outputs, self.resources, is_traced=True)
            results = profile.run(self._traced, self.graph.name, [*values, *self._captured])
        for index in self._copied:
            results[index] = array.clone(results[index])
        return results

    def call(self, tensors: Sequence[Tensor]) -> list[Any]:
        """Return the outputs: tensors of the current graph, or eager ones."""
        graph = current_graph()
        if graph is not None:
            return self._call_in(graph, tensors)
        if context.state.tapes:
            return self._call_recorded(tensors)
        return self.wrap(self.run([tensor.value for tensor in tensors]))  # type: ignore[attr-defined]

    def wrap(self, values: Sequence[Any]) -> list[Any]:
        """Return runtime values of the outputs as eager tensors."""
        return [EagerTensor(value, dtype) for value, dtype in zip(values, self.output_types, strict=True)]

    def _call_in(self, graph: Graph, tensors: Sequence[Tensor]) -> list[Any]:
        for variable in self.graph.variables:
            note_access(variable)
        inputs = [convert_to_tensor(tensor) for tensor in (*tensors, *self.captures)]
        kind = "StatefulPartitionedCall" if self.is_stateful else "PartitionedCall"
        outputs = lookup(kind)(inputs, f=self.graph, Tout=self.output_types)  # type: ignore[operator]
        if not isinstance(outputs, list):
            return []
        return outputs

    def _call_recorded(self, tensors: Sequence[Tensor]) -> list[Any]:
        for variable in self.graph.variables:
            if variable.trainable:
                watch_variable_access(variable)
        tapes = context.state.tapes
        inputs = [*tensors, *self.captures]
        wanted = tuple([is_differentiable(tensor) and any(tape.watches(tensor) for tape in tapes) for tensor in inputs])
        if True not in wanted or not self.graph.outputs:
            return self.wrap(self.run([tensor.value for tensor in tensors]))  # type: ignore[attr-defined]
        level = sum(tape.order for tape in tapes)
        forward = self._forwards.get((wanted, level))
        if forward is None:
            forward = self._forwards[wanted, level] = _Forward(self, wanted, level)
        return forward.call(tensors, inputs)

    def is_callable_here(self) -> bool:
        """Tell whether what the function captured exists where it is called."""
        symbolic = [tensor for tensor in self.captures if isinstance(tensor, SymbolicTensor)]
        if not symbolic:
            return True
        graphs = enclosing_graphs()
        return all(any(tensor.op.graph is graph for graph in graphs) for tensor in symbolic)


class _Forward:
    """A function that also gives the intermediate values that its derivatives need, up to some order.

    Args:
        function: the function.
        wanted: for each input of its graph, whether its cotangent is of use.
        order: the highest order of derivatives.
    """

    def __init__(self, function: FlatFunction, wanted: Sequence[bool], order: int) -> None:
        self.function = function
        graph = function.graph
        self._sources = [i for i, use in enumerate(wanted) if use]
        sources = [graph.inputs[i] for i in self._sources]
        self._count = len(graph.outputs)
        self._exposed: list[SymbolicTensor] = []
        known = {id(tensor) for tensor in graph.inputs}
        self._backwards: list[_Backward] = []
        for _ in range(order):
            backward = _Backward(graph, [*graph.outputs, *self._exposed], sources)
            self._backwards.append(backward)
            for tensor in backward.captured:
                if isinstance(tensor, SymbolicTensor) and id(tensor) not in known:
                    known.add(id(tensor))
                    self._exposed.append(tensor)
        self._records_intermediates = order > 1
        self._captured = function.captured_values()
        self._fetches = [*graph.outputs, *self._exposed]
        self._types = [tensor.dtype.base_dtype for tensor in self._fetches]
        self._program = compile_function(graph, self._fetches, function.resources)
        self._copied = [i for i, shared in enumerate(self._program.copies) if shared]
        kind = "StatefulPartitionedCall" if function.is_stateful else "PartitionedCall"
        self._op_def = lookup(kind)
        self._attrs = {"f": graph, "Tout": function.output_types}
        inputs = {id(tensor): i for i, tensor in enumerate(graph.inputs)}
        outputs: dict[int, int] = {}
        for i, tensor in enumerate(self._fetches):
            outputs.setdefault(id(tensor), i)
        for backward in self._backwards:
            backward.locate(inputs, outputs)

    def call(self, tensors: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        """Run the function and tell the tapes.

        Args:
            tensors: the arguments.
            inputs: the arguments and captured tensors.
        """
        values = self._program(*[tensor.value for tensor in tensors], *self._captured)
        for index in self._copied:
            values[index] = array.clone(values[index])
        everything = [EagerTensor(value, dtype) for value, dtype in zip(values, self._types, strict=True)]
        outputs = everything[: self._count]

        def gradient(call: Any, *grads: Any) -> list[Any]:
            return self._gradient(inputs, everything, grads)

        attrs = {**self._attrs, "_gradient_function": gradient}
        recorded = everything if self._records_intermediates else outputs
        record_call(self._op_def, self.function.graph.name, inputs, attrs, recorded)
        return outputs

    def _gradient(self, inputs: Sequence[Any], everything: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        deeper = grads[self._count :]
        plain = all(g is None or getattr(g, "_is_zeros_tensor", False) for g in deeper)
        backward = self._backwards[0 if plain else -1]
        found = backward.call(inputs, everything, grads)
        result: list[Any] = [None] * len(inputs)
        for position, gradient in zip(self._sources, found, strict=True):
            result[position] = gradient
        return result


class _Backward:
    """The gradient of a function's graph.

    Args:
        graph: the function's graph.
        ys: tensors of the graph whose cotangents arrive.
        xs: inputs of the graph whose cotangents are wanted.
    """

    def __init__(self, graph: FuncGraph, ys: Sequence[SymbolicTensor], xs: Sequence[SymbolicTensor]) -> None:
        self._positions = [i for i, y in enumerate(ys) if is_differentiable(y) and y.dtype.name != "resource"]
        backward = FuncGraph(f"{graph.name}_grad")
        backward.differentiates = graph
        self._like = [ys[i] for i in self._positions]
        with backward.as_default(), context.stop_recording():
            arriving = [
                backward.add_input(y.dtype.base_dtype, y.dims, f"grad_{i}")
                for i, y in zip(self._positions, self._like, strict=True)
            ]
            found = gradients_of(graph, self._like, list(xs), arriving) if arriving else [None] * len(xs)
            # For each source: None, one tensor, or the parts of IndexedSlices.
            self._parts: list[int] = []
            outputs: list[Any] = []
            for gradient in found:
                parts = _parts_of(gradient)
                self._parts.append(len(parts))
                outputs.extend(backward.capture(part) for part in parts)
        backward.outputs = outputs
        outside = [(tensor, inside) for tensor, inside in backward.captures]
        local = [pair for pair in outside if isinstance(pair[0], SymbolicTensor) and pair[0].op.graph is graph]
        others = [pair for pair in outside if not (isinstance(pair[0], SymbolicTensor) and pair[0].op.graph is graph)]
        backward.inputs = [*arriving, *(inside for _, inside in local), *(inside for _, inside in others)]
        self.captured = [tensor for tensor, _ in local]
        self._function = FlatFunction(backward, [tensor for tensor, _ in others])
        self._where: list[tuple[bool, int]] = []

    def locate(self, inputs: dict[int, int], outputs: dict[int, int]) -> None:
        """Note where the captured values are found: among the inputs or the outputs of the forward function."""
        self._where = [
            (True, inputs[id(tensor)]) if id(tensor) in inputs else (False, outputs[id(tensor)])
            for tensor in self.captured
        ]

    def call(self, inputs: Sequence[Any], outputs: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        """Return the cotangents of the sources.

        Args:
            inputs: the inputs of the forward function.
            outputs: its outputs, intermediate values among them.
            grads: their cotangents.
        """
        arriving = [_dense(grads[i], outputs[i]) for i in self._positions]
        captured = [inputs[i] if is_input else outputs[i] for is_input, i in self._where]
        results = iter(self._function.call([*arriving, *captured]))
        found: list[Any] = []
        for count in self._parts:
            parts = [next(results) for _ in range(count)]
            found.append(None if not parts else parts[0] if count == 1 else IndexedSlices(*parts))
        return found


def _parts_of(gradient: Any) -> list[Any]:
    if gradient is None:
        return []
    if isinstance(gradient, IndexedSlices):
        parts = [gradient.values, gradient.indices]
        return parts if gradient.dense_shape is None else [*parts, convert_to_tensor(gradient.dense_shape)]
    return [convert_to_tensor(gradient)]


def _dense(gradient: Any, like: Any) -> Any:
    if gradient is None:
        return lookup("ZerosLike")(like)  # type: ignore[operator]
    return convert_to_tensor(gradient)
