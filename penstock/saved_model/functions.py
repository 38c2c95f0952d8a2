"""The functions of a saved model that was read, called with tensors and with the values they were traced for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import NotFoundError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.formats.errors import CorruptDataError
from penstock.graphs.functions import Functions
from penstock.graphs.importer import Builder
from penstock.graphs.nodes import from_node_def
from penstock.language.function import ConcreteFunction, Function
from penstock.language.function.function_type import describe_type
from penstock.language.function.tracing import FunctionGraph
from penstock.saved_model.structures import from_message


class FunctionReader:
    """Makes functions from the library of a saved model.

    Args:
        meta_graph: the MetaGraphDef message.
        wanted: the names of the functions that will be asked for.
    Raises:
        NotFoundError: if the functions use operations that nobody declares; the message names all.
    """

    def __init__(self, meta_graph: Any, wanted: Sequence[str]) -> None:
        self._message = meta_graph.object_graph_def
        self._library = Functions(meta_graph.graph_def.library)
        producer = {op.name: op for op in meta_graph.meta_info_def.stripped_op_list.op}
        self._builder = Builder(Graph(), self._library, producer=producer)
        missing = [name for name in wanted if name not in self._library]
        if missing:
            raise CorruptDataError(f"the model's objects refer to functions that its library lacks: {missing}")
        nodes = [from_node_def(node) for name in wanted for node in self._library.definitions[name].node_def]
        unknown = self._library.unknown_operations(nodes)
        if unknown:
            raise NotFoundError(
                None,
                None,
                f"Op type not registered: {', '.join(unknown)}. The saved model cannot be loaded before these "
                "operations are declared: import the modules that do, or write them with @penstock.op "
                "(docs/adding-an-op.md).",
            )

    def bound(self, name: str) -> list[int]:
        """Return the numbers of the nodes that a function captures."""
        return list(self._message.concrete_functions[name].bound_inputs)

    def make(self, name: str, captures: Sequence[Tensor], variables: Sequence[Any], bare: Any = None) -> Any:
        """Return a function.

        Args:
            name: its name.
            captures: the tensors that it captures.
            variables: those of them that belong to variables.
            bare: the SavedBareConcreteFunction message of a function that is called with tensors by name.
        """
        saved = self._message.concrete_functions[name]
        graph = FunctionGraph(name)
        self._builder.function(self._library.body(name), graph=graph)
        count = len(graph.inputs) - len(captures)
        graph.arguments = graph.inputs[:count]
        graph.variables = list(variables)
        for outside, inside in zip(captures, graph.inputs[count:], strict=True):
            graph._captures[id(outside)] = (outside, inside)
        args, kwargs = from_message(saved.canonicalized_input_signature)
        graph.structured_outputs = _with_tensors(from_message(saved.output_signature), graph)
        names = _names(bare, args)
        return ConcreteFunction(graph, args, kwargs, names, False, captures)


def _names(bare: Any, args: Sequence[Any]) -> list[str]:
    if bare is not None and bare.HasField("function_spec"):
        return list(from_message(bare.function_spec.fullargspec).args)
    return [arg.name if isinstance(arg, TensorSpec) and arg.name else f"args_{i}" for i, arg in enumerate(args)]


def _with_tensors(structure: Any, graph: FuncGraph) -> Any:
    """Return what a function returns, tensors of its graph in place of specs."""
    outputs = iter(graph.outputs)

    def value(spec: Any) -> Any:
        if isinstance(spec, TensorSpec):
            return next(outputs)
        if isinstance(spec, TypeSpec):
            parts = [next(outputs) for _ in nest.flatten(spec._component_specs, expand_composites=True)]
            return nest.pack_sequence_as(spec, parts, expand_composites=True)
        return None

    return nest.map_structure(value, structure)


class RestoredFunction(Function):
    """A `tf.function` that was read from a saved model: it has the traces that were saved, and makes no others.

    Args:
        name: its name.
        spec: the FunctionSpec message.
    """

    def __init__(self, name: str, spec: Any) -> None:
        signature = _signature(spec)

        def restored(*args: Any, **kwargs: Any) -> Any:
            return self._call(args, kwargs, None)

        restored.__name__ = name
        restored.__signature__ = signature  # type: ignore[attr-defined]
        given = from_message(spec.input_signature)
        super().__init__(restored, name, given, autograph=False)
        self.concrete_functions: list[ConcreteFunction] = []

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], key: tuple[Any, ...] | None) -> Any:
        if not self.concrete_functions:
            raise ValueError(
                f"Found zero restored functions for caller function {self._name!r}: it had not been called before the "
                "model was saved, and has no input signature."
            )
        bound_args, bound_kwargs = self._signature.bind(args, kwargs)
        for convert in (False, True):
            for concrete in self.concrete_functions:
                tensors = _matched(concrete, bound_args, bound_kwargs, convert)
                if tensors is not None:
                    return concrete.call_flat(tensors)
        raise ValueError(_no_match(self, bound_args, bound_kwargs))

    def _concrete_for(self, description: Any, args: Any, kwargs: Any, values: bool = True) -> ConcreteFunction:
        for concrete in self.concrete_functions:
            if _matched(concrete, args, kwargs, False) is not None:
                return concrete
        raise ValueError(_no_match(self, args, kwargs))

    def _concrete_functions(self) -> list[ConcreteFunction]:
        return list(self.concrete_functions)

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        return list(self.concrete_functions)

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        """Return the function itself: it was saved as a function of an object."""
        return self


def _signature(spec: Any) -> inspect.Signature:
    """Return the parameters that a FunctionSpec message describes."""
    full = from_message(spec.fullargspec)
    names = list(full.args)[1:] if spec.is_method else list(full.args)
    defaults = tuple(full.defaults or ())
    kind = inspect.Parameter
    parameters = []
    for position, name in enumerate(names):
        behind = position - (len(names) - len(defaults))
        default = defaults[behind] if behind >= 0 else kind.empty
        parameters.append(kind(name, kind.POSITIONAL_OR_KEYWORD, default=default))
    if full.varargs:
        parameters.append(kind(full.varargs, kind.VAR_POSITIONAL))
    for name in full.kwonlyargs or ():
        default = (full.kwonlydefaults or {}).get(name, kind.empty)
        parameters.append(kind(name, kind.KEYWORD_ONLY, default=default))
    if full.varkw:
        parameters.append(kind(full.varkw, kind.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _matched(
    concrete: ConcreteFunction, args: Sequence[Any], kwargs: Mapping[str, Any], convert: bool
) -> list[Any] | None:
    """Return the tensors of a call if a function was traced for such arguments, else None.

    Args:
        concrete: the function.
        args, kwargs: the arguments, defaults filled in.
        convert: whether what is no tensor may become one.
    """
    expected_args, expected_kwargs = concrete._args, concrete._kwargs
    if len(args) != len(expected_args) or set(kwargs) != set(expected_kwargs):
        return None
    tensors: list[Any] = []
    pairs = [*zip(expected_args, args, strict=True), *((expected_kwargs[k], kwargs[k]) for k in sorted(kwargs))]
    for expected, value in pairs:
        try:
            nest.assert_shallow_structure(expected, value, check_types=False)
        except (TypeError, ValueError):
            return None
        leaves = zip(nest.flatten(expected), nest.flatten_up_to(expected, value), strict=True)
        if not all(_match(spec, leaf, convert, tensors) for spec, leaf in leaves):
            return None
    return tensors


def _match(spec: Any, value: Any, convert: bool, tensors: list[Any]) -> bool:
    """Tell whether a value is what a function was traced for, and append its tensors."""
    if isinstance(spec, TensorSpec):
        if isinstance(value, TensorSpec):
            return bool(spec.is_compatible_with(value))
        if not isinstance(value, Tensor):
            if not convert and not hasattr(value, "_gradient_source"):
                return False
            if isinstance(value, (CompositeTensor, TypeSpec)) or value is None:
                return False
            try:
                value = convert_to_tensor(value, spec.dtype)
            except (TypeError, ValueError):
                return False
        if value.dtype.base_dtype != spec.dtype or not spec.shape.is_compatible_with(value.shape):
            return False
        tensors.append(value)
        return True
    if isinstance(spec, TypeSpec):
        if isinstance(value, TypeSpec):
            return value.is_subtype_of(spec)
        if not isinstance(value, CompositeTensor) or not spec.is_compatible_with(value):
            return False
        tensors.extend(nest.flatten(value, expand_composites=True))
        return True
    if isinstance(value, (Tensor, CompositeTensor, TypeSpec)):
        return False
    return type(spec) is type(value) and bool(np.all(spec == value))


def _no_match(function: RestoredFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the message that says which arguments a function was saved for."""

    def lines(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        listed = "\n".join(f"    * {describe_type(arg)}" for arg in args)
        named = ", ".join(f"{key!r}: {describe_type(value)}" for key, value in kwargs.items())
        return f"  Positional arguments ({len(args)} total):\n{listed}\n  Keyword arguments: {{{named}}}"

    options = []
    for number, concrete in enumerate(function.concrete_functions):
        options.append(f"Option {number + 1}:\n{lines(*concrete.structured_input_signature)}")
    return (
        f"Could not find matching concrete function to call loaded from the SavedModel. Got:\n{lines(args, kwargs)}\n\n"
        f" Expected these arguments to match one of the following {len(options)} option(s):\n\n" + "\n\n".join(options)
    )
