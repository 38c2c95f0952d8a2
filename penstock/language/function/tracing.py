"""Running a Python function once, to build the graph of what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock.core import context, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InaccessibleTensorError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.language.init_scope import outermost_graph


class FunctionGraph(FuncGraph):
    """The graph of a traced function.

    It may be called from other places than the one where it was traced: what it captures is held as it is there, and
    captured again by each graph that calls it.

    Attributes:
        arguments: the placeholders of the arguments, without those of captures.
        argument_values: id of a placeholder -> the tensor that the call which set off the trace gives for it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        surrounding = current_graph()
        if surrounding is not None:
            self.seed = surrounding.seed
            self._collections = surrounding._collections
            self._gradient_overrides = surrounding._gradient_overrides
        self.surrounding: Graph | None = surrounding
        self.arguments: list[SymbolicTensor] = []
        self.argument_values: dict[int, Tensor] = {}

    def capture(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Return `tensor` as this function may use it.

        Raises:
            TypeError: if it belongs to a function that is not being traced.
            InaccessibleTensorError: if it belongs to a branch or loop body inside this function.
        """
        graph = tensor.op.graph
        if graph is not self and all(graph is not open_graph for open_graph in enclosing_graphs()):
            raise out_of_scope(tensor, self)
        return super().capture(tensor, name)


def enclosing_graphs() -> list[Graph]:
    """Return the graphs that are being built, and those around them, innermost first."""
    found: list[Graph] = []
    for graph in reversed(context.state.graphs):
        while graph is not None and all(graph is not other for other in found):
            found.append(graph)
            graph = getattr(graph, "surrounding", None) or getattr(graph, "outer_graph", None)
    outermost = outermost_graph()
    return found if outermost is None else [*found, outermost]


def out_of_scope(tensor: SymbolicTensor, here: Graph | None = None) -> TypeError | InaccessibleTensorError:
    """Return the error for a tensor of a function that is used outside it.

    Args:
        tensor: the tensor.
        here: the graph where it is used, which may be around the function.
    """
    around: Any = tensor.op.graph
    while around is not None and around is not here:
        around = getattr(around, "outer_graph", None)
    kind = TypeError if around is None else InaccessibleTensorError
    line = tensor.op.created_at
    where = f" It was made at {line[0]}:{line[1]}." if line else ""
    return kind(
        f"{tensor!r} is out of scope and cannot be used here: it belongs to the function "
        f"{getattr(tensor.op.graph, 'name', 'of another graph')!r}.{where} Return it from that function, and use what "
        "the call returns."
    )


def is_tensor_argument(leaf: Any) -> bool:
    """Tell whether a leaf of the arguments becomes an input of the graph."""
    return isinstance(leaf, (Tensor, TensorSpec, np.ndarray, np.generic))


def trace(
    python_function: Callable[..., Any],
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    specs: Iterable[TypeSpec],
    names: Sequence[str],
    values: Sequence[Tensor] = (),
) -> FunctionGraph:
    """Return the graph of what a Python function does; its `structured_outputs` nest the graph's outputs.

    Args:
        python_function: the function.
        name: the graph's name.
        args, kwargs: its arguments. Tensors and specs in them become inputs, other values are passed as they are.
        specs: the types of the tensors and composites among the arguments, in order.
        names: names of the positional arguments.
        values: the tensors that the call which sets off the trace was given.
    Raises:
        TypeError: if the function returns something that is neither tensor nor None.
    """
    graph = FunctionGraph(name)
    # In the order of the specs: arguments by position, then those with names.
    tensor_specs = iter([spec for item in specs for spec in item.flatten()])

    def parameter(leaf: Any, label: str) -> Any:
        if not is_tensor_argument(leaf):
            return leaf
        spec = next(tensor_specs)
        given = getattr(leaf, "name", None) if isinstance(leaf, TensorSpec) else None
        placeholder = graph.add_input(spec.dtype.base_dtype, spec.shape.as_tuple(), _valid_name(given or label))
        if given is not None:
            placeholder.op.attrs["_user_specified_name"] = given.encode()
        graph.arguments.append(placeholder)
        return placeholder

    def parameters(value: Any, label: str) -> Any:
        flat = [parameter(leaf, label) for leaf in nest.flatten(value, expand_composites=True)]
        return nest.pack_sequence_as(value, flat, expand_composites=True)

    with graph.as_default(), context.stop_recording():
        inside = [parameters(arg, names[i] if i < len(names) else f"args_{i}") for i, arg in enumerate(args)]
        # The order of names is that of `Description`.
        named = {key: parameters(kwargs[key], key) for key in sorted(kwargs)}
        graph.argument_values = {id(p): value for p, value in zip(graph.arguments, values, strict=False)}
        result = python_function(*inside, **{key: named[key] for key in kwargs})
        graph.structured_outputs = _outputs(graph, result, python_function)
    graph.argument_values = {}
    return graph


def _valid_name(name: str) -> str:
    cleaned = "".join(c if c.isalnum() or c in "_./-" else "_" for c in name)
    return cleaned if cleaned and (cleaned[0].isalnum() or cleaned[0] == ".") else f"arg_{cleaned.lstrip('_./-')}"


def _outputs(graph: FunctionGraph, result: Any, python_function: Callable[..., Any]) -> Any:
    flat: list[Any] = []
    for leaf in nest.flatten(result, expand_composites=True):
        if leaf is None:
            flat.append(None)
        elif isinstance(leaf, Operation):
            graph.control_outputs.append(leaf)
            flat.append(None)
        else:
            try:
                tensor = convert_to_tensor(leaf)
            except (TypeError, ValueError) as error:
                if isinstance(leaf, Tensor):
                    raise
                raise TypeError(
                    "To be compatible with tf.function, Python functions must return zero or more Tensors or "
                    f"ExtensionTypes or None values; in compilation of {python_function!r}, found return value of type "
                    f"{type(leaf).__name__}, which is not a Tensor or ExtensionType."
                ) from error
            flat.append(graph.capture(tensor))  # type: ignore[arg-type]
    graph.outputs = [tensor for tensor in flat if tensor is not None]
    return nest.pack_sequence_as(result, flat, expand_composites=True)
