"""Concrete functions: what a tf.function is for arguments of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.graph_def import function_def
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.language.function.arguments import PLAIN, Identity
from penstock.language.function.flat_function import FlatFunction
from penstock.language.function.function_type import FunctionType
from penstock.language.function.tracing import FunctionGraph, is_tensor_argument


class ConcreteFunction:
    """A traced function. Call it with the arguments of the Python function, or with its tensors alone.

    Args:
        graph: the traced graph.
        args, kwargs: the arguments it was traced for; specs or tensors stand for its inputs.
        names: the names of the positional arguments.
        positional_only: whether they can only be given by position.
        captures: what stands for the inputs of the graph behind its arguments, by default what it captured.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        names: Sequence[str],
        positional_only: bool,
        captures: Sequence[Tensor] | None = None,
    ) -> None:
        self._graph = graph
        self._flat = FlatFunction(graph, captures)
        self._names = [names[i] if i < len(names) else f"args_{i}" for i in range(len(args))]
        self._positional_only = positional_only
        inputs = iter(graph.arguments)
        self._args = tuple(_specs(arg, inputs, name) for arg, name in zip(args, self._names, strict=True))
        self._kwargs = {key: _specs(kwargs[key], inputs, key) for key in sorted(kwargs)}
        self._kwargs = {key: self._kwargs[key] for key in kwargs}
        self._structure = graph.structured_outputs
        flat = nest.flatten(self._structure, expand_composites=True)
        self._places = [leaf is not None for leaf in flat]
        # A single tensor is by far the most common result.
        self._single: DType | None = (
            self._structure.dtype.base_dtype if isinstance(self._structure, SymbolicTensor) else None
        )
        # So is a composite value of one tensor, of a function that makes a step of an iterator.
        self._composite: TypeSpec | None = None
        if isinstance(self._structure, CompositeTensor):
            spec = self._structure._type_spec
            self._composite = spec if isinstance(spec._component_specs, TensorSpec) else None
        self._identities: list[Any] = []

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Raises:
            TypeError: if the arguments are not those that it was traced for.
        """
        return self.call_flat(self._bind(args, kwargs))

    def call_flat(self, tensors: Sequence[Any]) -> Any:
        """Call the function with its tensor arguments in order, and return its result."""
        return self.pack(self._flat.call(tensors))

    def run(self, values: list[Any]) -> Any:
        """Call the function in eager execution, out of the sight of tapes, with the runtime values of its arguments."""
        results = self._flat.run(values)
        if self._single is not None:
            return EagerTensor(results[0], self._single)
        return self.pack(self._flat.wrap(results))

    def pack(self, outputs: Sequence[Any]) -> Any:
        """Return the outputs nested as the Python function returned them."""
        if self._single is not None:
            return outputs[0]
        if self._structure is None:
            return None
        if self._composite is not None:
            return self._composite._from_components(outputs[0])
        remaining = iter(outputs)
        flat = [next(remaining) if is_tensor else None for is_tensor in self._places]
        return nest.pack_sequence_as(self._structure, flat, expand_composites=True)

    def _bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        try:
            return self._bind_structured(args, kwargs)
        except (TypeError, ValueError) as structured:
            try:
                return self._bind_flat(args, kwargs)
            except (TypeError, ValueError) as flat:
                raise TypeError(
                    f"Binding inputs to tf.function failed due to `{structured}`. Received args: {tuple(args)} and "
                    f"kwargs: {kwargs} for signature: {self.function_type}. Nor do they fit the tensors alone: {flat}"
                ) from None

    def _bind_structured(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        if len(args) > len(self._args):
            raise TypeError("too many positional arguments")
        remaining = dict(kwargs)
        tensors: list[Any] = []
        expected = [(name, spec, True) for name, spec in zip(self._names, self._args, strict=True)]
        expected += [(name, self._kwargs[name], False) for name in sorted(self._kwargs)]
        for position, (name, spec, by_position) in enumerate(expected):
            if by_position and position < len(args):
                if name in remaining:
                    raise TypeError(f"multiple values for argument {name!r}")
                value = args[position]
            elif name in remaining and not (by_position and self._positional_only):
                value = remaining.pop(name)
            elif all(not isinstance(leaf, TensorSpec) for leaf in nest.flatten(spec, expand_composites=True)):
                continue  # what the function was traced for
            else:
                raise TypeError(f"missing a required argument: {name!r}")
            _match(name, spec, value, tensors)
        if remaining:
            raise TypeError(f"got an unexpected keyword argument {next(iter(remaining))!r}")
        return tensors

    def _bind_flat(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        placeholders = self._graph.arguments
        given: dict[str, Any] = {}
        names = [placeholder.op.name for placeholder in placeholders]
        if len(args) > len(names):
            raise TypeError(f"the function takes {len(names)} tensors, got {len(args)}")
        given.update(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key not in names or key in given:
                raise TypeError(f"unexpected argument {key!r}; the tensors are {names}")
            given[key] = value
        missing = [name for name in names if name not in given]
        if missing:
            raise TypeError(f"missing the tensors {missing}")
        tensors = []
        for placeholder, name in zip(placeholders, names, strict=True):
            value = given[name]
            tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, placeholder.dtype)
            if tensor.dtype.base_dtype != placeholder.dtype:
                raise TypeError(f"{name!r} takes {placeholder.dtype.name}, got {tensor.dtype.name}")
            tensors.append(tensor)
        return tensors

    # What it is

    @property
    def name(self) -> bytes:
        """The function's name, as graphs know it."""
        return self._graph.name.encode()

    @property
    def graph(self) -> FunctionGraph:
        """The traced graph."""
        return self._graph

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The inputs of the graph: the arguments, then the captured tensors."""
        return self._graph.inputs

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The outputs of the graph."""
        return self._graph.outputs

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The captured tensors, handles of variables among them."""
        return self._flat.captures

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses."""
        return tuple(self._graph.variables)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that the function uses and that are trainable."""
        return tuple(variable for variable in self._graph.variables if variable.trainable)

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, by position and by name; specs stand for tensors."""
        return _alive(self._args), _alive(self._kwargs)

    @property
    def structured_outputs(self) -> Any:
        """What the function returns, with the tensors of its graph."""
        return self._structure

    @property
    def output_dtypes(self) -> Any:
        """The types of what the function returns, nested alike."""
        return nest.map_structure(lambda t: None if t is None else t.dtype, self._structure, expand_composites=False)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of what the function returns, nested alike."""
        return nest.map_structure(lambda t: None if t is None else t.shape, self._structure, expand_composites=False)

    def _saved_functions(self) -> list[ConcreteFunction]:
        """Return what a saved model has of the function: itself."""
        return [self]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {}

    @property
    def function_type(self) -> FunctionType:
        """The parameters and results, for reading."""
        kind = "POSITIONAL_ONLY" if self._positional_only else "POSITIONAL_OR_KEYWORD"
        parameters = [(name, kind, _shown(spec)) for name, spec in zip(self._names, self._args, strict=True)]
        parameters += [(name, "KEYWORD_ONLY", _shown(spec)) for name, spec in self._kwargs.items()]
        return FunctionType(parameters, self._structure, self.captured_inputs)

    @property
    def function_def(self) -> Any:
        """The function as a FunctionDef message."""
        return function_def(self._graph)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Return the parameters and results as text."""
        return self.function_type.pretty(verbose)

    @property
    def program(self) -> Any:
        """The compiled Program, to read its source."""
        return self._flat.program

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.function_type} at {id(self):#X}>"


def _specs(arg: Any, inputs: Iterator[SymbolicTensor], label: str) -> Any:
    """Return an argument with specs in place of what became inputs."""
    if isinstance(arg, CompositeTensor) or (isinstance(arg, TypeSpec) and not isinstance(arg, TensorSpec)):
        for leaf in nest.flatten(arg, expand_composites=True):
            if is_tensor_argument(leaf):
                next(inputs)
        return arg if isinstance(arg, TypeSpec) else arg._type_spec
    if is_tensor_argument(arg):
        placeholder = next(inputs)
        name = arg.name if isinstance(arg, TensorSpec) else None
        return TensorSpec(placeholder.shape, placeholder.dtype, name or label)
    if nest.is_nested(arg):
        flat = nest.flatten(arg)
        names = [label] if len(flat) == 1 else [f"{label}_{i}" if i else label for i in range(len(flat))]
        parts = [_specs(leaf, inputs, name) for leaf, name in zip(flat, names, strict=True)]
        return nest.pack_sequence_as(arg, parts)
    if nest.is_nested_or_composite(arg):
        for leaf in nest.flatten(arg, expand_composites=True):
            if is_tensor_argument(leaf):
                next(inputs)
        return arg
    return arg if isinstance(arg, PLAIN) else Identity(arg)


def _shown(spec: Any) -> Any:
    return nest.map_structure(
        lambda leaf: TensorSpec(leaf.shape, leaf.dtype) if type(leaf) is TensorSpec else leaf, _alive(spec)
    )


def _alive(spec: Any) -> Any:
    """Return an argument with the objects themselves in place of weak references."""
    return nest.map_structure(lambda leaf: leaf.value if isinstance(leaf, Identity) else leaf, spec)


def _match(name: str, spec: Any, value: Any, tensors: list[Any]) -> None:
    """Append the tensors of an argument, having checked that it is what the function was traced for."""
    if isinstance(spec, TensorSpec):
        tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, spec.dtype)
        tensors.append(spec.cast(tensor, None))
    elif isinstance(spec, TypeSpec):
        tensors.extend(nest.flatten(spec.cast(value, None), expand_composites=True))
    elif nest.is_nested(spec):
        nest.assert_shallow_structure(spec, value)
        for part, item in zip(nest.flatten(spec), nest.flatten_up_to(spec, value), strict=True):
            _match(name, part, item, tensors)
    elif nest.is_nested_or_composite(spec):
        tensors.extend(nest.flatten(value, expand_composites=True))
    elif isinstance(spec, Identity):
        if spec.value is not value:
            raise TypeError(f"argument {name!r} was {spec.value!r} when the function was traced, got {value!r}")
    elif spec is not value and not (isinstance(value, type(spec)) and bool(np.all(spec == value))):
        raise TypeError(f"argument {name!r} was {spec!r} when the function was traced, got {value!r}")
