"""Nodes: the steps of a pipeline."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int64, variant
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.data.structure import Structure

Element = tuple[Any, ...]

INFINITE = -1
UNKNOWN = -2


class Run:
    """One pass over a pipeline, or a part of it: what the tensors of the graph that it was built in stand for.

    Args:
        bindings: the runtime value of each symbolic tensor, by its id.
    """

    __slots__ = ("bindings",)

    def __init__(self, bindings: dict[int, Any] | None = None) -> None:
        self.bindings = bindings or {}

    def value(self, tensor: Any) -> Any:
        """Return the runtime value of a tensor."""
        return self.bindings[id(tensor)] if isinstance(tensor, SymbolicTensor) else tensor.value

    def number(self, argument: Any) -> Any:
        """Return an argument as a Python value."""
        return array.to_python(self.value(argument)) if isinstance(argument, Tensor) else argument


class Indexed:
    """Elements known by index before they are made, so that a batch is made at once.

    Attributes:
        indices: the indices of the elements, in the order in which they come.
        take: makes the batched element of several indices.
        is_ordered: whether the indices are consecutive.
    """

    __slots__ = ("indices", "is_ordered", "take")

    def __init__(
        self, indices: Iterator[int], take: Callable[[Sequence[int], bool], Element], is_ordered: bool
    ) -> None:
        self.indices = indices
        self.take = take
        self.is_ordered = is_ordered


class Node:
    """One step of a pipeline.

    Args:
        element_spec: the nested specs of its elements.
        inputs: the steps that it takes elements from.
        arguments: tensors and Python values that it needs; symbolic tensors among them are given values by a `Run`.
        functions: the traced functions that it calls.
    """

    # What holds elements back or changes their number is said by the subclasses' `iterate` and `cardinality`.
    def __init__(
        self,
        element_spec: Any,
        inputs: Sequence[Node] = (),
        arguments: Iterable[Any] = (),
        functions: Sequence[Any] = (),
    ) -> None:
        self.structure = element_spec if isinstance(element_spec, Structure) else Structure(element_spec)
        self.inputs = tuple(inputs)
        self.arguments = tuple(arguments)
        self.functions = tuple(functions)

    def iterate(self, run: Run) -> Iterator[Element]:
        """Yield the elements."""
        raise NotImplementedError

    def cardinality(self, run: Run) -> int:
        """Return the number of elements, INFINITE or UNKNOWN."""
        return UNKNOWN

    def indexed(self, run: Run) -> Indexed | None:
        """Return the elements by index, where the step can give them so."""
        return None

    def restart_streams(self) -> None:
        """Let the random operations of the functions of this step and those below it begin anew."""
        for function in self.functions:
            function.restart_streams()
        for node in self.inputs:
            node.restart_streams()

    def captures(self) -> list[SymbolicTensor]:
        """Return the symbolic tensors that this step and those below it need, each once."""
        found: dict[int, SymbolicTensor] = {}
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            stack.extend(node.inputs)
            for item in itertools.chain(node.arguments, *(function.captures for function in node.functions)):
                if isinstance(item, SymbolicTensor):
                    found[id(item)] = item
        return list(found.values())


class PipelineValue:
    """The runtime value of a dataset: a node, and the values that its symbolic tensors have."""

    __slots__ = ("node", "run")

    value_dtype = variant

    def __init__(self, node: Node, run: Run) -> None:
        self.node = node
        self.run = run

    def start(self) -> Iterator[list[Any]]:
        """Return an iterator over elements, each a flat list of runtime values."""
        self.node.restart_streams()
        if self.node.structure.is_flat:
            return map(list, self.node.iterate(self.run))
        return (_flat(element) for element in self.node.iterate(self.run))


def _flat(element: Element) -> list[Any]:
    flat: list[Any] = []
    for item in element:
        if isinstance(item, tuple):
            flat.extend(item)
        elif item is not None:
            flat.append(item)
    return flat


class FromVariant(Node):
    """The pipeline that a variant tensor holds."""

    def __init__(self, tensor: Tensor, element_spec: Any) -> None:
        super().__init__(element_spec, arguments=[tensor])
        self.tensor = tensor

    def iterate(self, run: Run) -> Iterator[Element]:
        held: PipelineValue = run.value(self.tensor)
        return held.node.iterate(held.run)

    def cardinality(self, run: Run) -> int:
        held: PipelineValue = run.value(self.tensor)
        return held.node.cardinality(held.run)

    def indexed(self, run: Run) -> Indexed | None:
        held: PipelineValue = run.value(self.tensor)
        return held.node.indexed(held.run)


def argument(value: Any, dtype: Any = int64) -> Any:
    """Return a number that a user gives as a Python value, or as the symbolic tensor that it is."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    tensor = convert_to_tensor(value) if not isinstance(value, np.generic) else None
    if tensor is None:
        return value.item()
    return array.to_python(tensor.value) if isinstance(tensor, EagerTensor) else tensor
