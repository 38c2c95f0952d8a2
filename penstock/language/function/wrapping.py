"""Functions made of graphs: `wrap_function`, what is cut out of it, and functions whose variables are constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.dtypes import resource
from penstock.core.func_graph import FuncGraph
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor
from penstock.core.type_spec import TensorSpec
from penstock.formats import protos
from penstock.graphs.freeze import with_constants
from penstock.graphs.importer import import_graph_def
from penstock.graphs.subgraph import extract_sub_graph
from penstock.language.function.concrete import ConcreteFunction
from penstock.language.function.polymorphic import Function
from penstock.language.function.tracing import FunctionGraph


class WrappedFunction(ConcreteFunction):
    """A concrete function of which other functions can be cut out; see `wrap_function`."""

    def prune(self, feeds: Any, fetches: Any, name: str = "pruned", input_signature: Any = None) -> WrappedFunction:
        """Return a function that computes some tensors of the graph from others.

        Args:
            feeds: the tensors of the graph, or their names, that the function takes: one, a list, or a dictionary.
            fetches: the tensors and operations, or their names, that it computes, nested.
            name: the function's name.
            input_signature: specs for `feeds`, nested alike; by default as the graph has them.
        Raises:
            ValueError: if a name is not in the graph, or something that is fetched needs a placeholder that is not fed.
        """
        given = nest.map_structure(self.graph.as_graph_element, feeds)
        wanted = nest.map_structure(self.graph.as_graph_element, fetches)
        specs = input_signature if input_signature is None else nest.flatten(input_signature)
        if isinstance(given, Mapping):
            names = sorted(given)
            arguments = [given[key] for key in names]
        else:
            arguments = nest.flatten(given)
            names = [tensor.op.name for tensor in arguments]
        graph = FunctionGraph(name)
        inputs = []
        for position, (tensor, label) in enumerate(zip(arguments, names, strict=True)):
            shape = tensor.dims if specs is None else specs[position].shape.as_tuple()
            inputs.append(graph.add_input(tensor.dtype.base_dtype, shape, _label(label)))
        graph.variables.extend(self.graph.variables)
        _copy_into(graph, self.graph, _stand_ins(arguments, inputs), wanted)
        graph.arguments = inputs
        described = [TensorSpec(t.shape, t.dtype, key) for t, key in zip(inputs, names, strict=True)]
        if isinstance(given, Mapping):
            return WrappedFunction(graph, (), dict(zip(names, described, strict=True)), [], False)
        return WrappedFunction(graph, described, {}, names, False)


def wrap_function(fn: Callable[..., Any], signature: Sequence[Any], name: str | None = None) -> WrappedFunction:
    """Return a function of graphs made of a Python function, such as one that imports a GraphDef.

    Args:
        fn: the Python function. It is called once, and its control flow is left as it is.
        signature: TensorSpecs of its arguments.
        name: the function's name.

    >>> import penstock as tf
    >>> with tf.Graph().as_default() as graph:
    ...     doubled = tf.multiply(tf.compat.v1.placeholder(tf.float32, name="x"), 2.0, name="y")
    >>> wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph.as_graph_def(), name=""), [])
    >>> wrapped.prune("x:0", "y:0")(tf.constant(21.0)).numpy().item()
    42.0
    """
    function = Function(fn, name or getattr(fn, "__name__", None) or "wrapped_function", autograph=False)
    concrete = function.get_concrete_function(*signature)
    args, kwargs = concrete.structured_input_signature
    return WrappedFunction(concrete.graph, args, kwargs, concrete._names, False)


def convert_variables_to_constants_v2(
    func: ConcreteFunction, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> ConcreteFunction:
    """Return a function with the present values of variables as constants.

    Args:
        func: a concrete function.
        lower_control_flow, aggressive_inlining: accepted. Branches and loops stay functional;
            `penstock.graphs.lower.lower_control_flow` writes them for old readers.
    Returns:
        A function that takes the tensors of `func` as positional arguments, and captures nothing. Its graph can be
        written to a file: `tf.io.write_graph(frozen.graph, folder, "frozen.pb", as_text=False)`.
    Raises:
        TypeError: if `func` is not a concrete function, or it uses a table or another resource that is no variable.
    """
    if not isinstance(func, ConcreteFunction):
        raise TypeError(
            f"convert_variables_to_constants_v2 takes a concrete function, got {type(func).__name__}: call "
            "get_concrete_function() of a tf.function with the specs of its arguments"
        )
    source = func.graph
    variables = {id(variable.handle): variable for variable in source.variables}
    values: dict[str, Any] = {}
    handles = set()
    for outside, inside in source.captures:
        if inside.dtype != resource:
            values[inside.op.name] = outside.numpy()  # type: ignore[attr-defined]
            continue
        if id(outside) not in variables:
            raise TypeError(f"{func.name.decode()!r} uses a resource that is no variable: {inside.op.name!r}")
        values[inside.op.name] = variables[id(outside)].numpy()
        handles.add(inside.op.name)
    graph = FunctionGraph(source.name)
    names = [tensor.op.name for tensor in source.arguments]
    inputs = [graph.add_input(t.dtype, t.dims, _label(n)) for t, n in zip(source.arguments, names, strict=True)]
    frozen = with_constants(source.as_graph_def(), values, handles)
    _import_part(graph, frozen, _stand_ins(source.arguments, inputs), source.outputs)
    graph.arguments = inputs
    described = [TensorSpec(t.shape, t.dtype, name) for t, name in zip(inputs, names, strict=True)]
    return ConcreteFunction(graph, described, {}, names, False)


def _label(name: str) -> str:
    """Return a name as that of an argument."""
    return "".join(c if c.isalnum() or c in "_." else "_" for c in name).lstrip("_.") or "input"


def _stand_ins(tensors: Sequence[SymbolicTensor], made: Sequence[SymbolicTensor]) -> dict[str, SymbolicTensor]:
    return {tensor.name: other for tensor, other in zip(tensors, made, strict=True)}


def _copy_into(graph: FunctionGraph, source: FuncGraph, replaced: dict[str, SymbolicTensor], fetches: Any) -> None:
    """Put what computes some tensors of a function's graph into another one, whose outputs they become."""
    for outside, inside in source.captures:
        if inside.name not in replaced:
            replaced[inside.name] = graph.capture_eager(outside)  # type: ignore[arg-type]
    _import_part(graph, source.as_graph_def(), replaced, fetches)


def _import_part(graph: FunctionGraph, graph_def: Any, replaced: Mapping[str, SymbolicTensor], fetches: Any) -> None:
    """Add what some elements of a graph need to a function's graph.

    Args:
        graph: the function's graph.
        graph_def: the graph to take it from, as a GraphDef message.
        replaced: name of a tensor of that graph -> what stands for it.
        fetches: tensors and operations of that graph, nested: the function's results.
    Raises:
        ValueError: if a placeholder is needed that nothing stands for.
    """
    flat = nest.flatten(fetches)
    part = protos.GraphDef()
    part.CopyFrom(graph_def)
    # A node whose first output is replaced is needed no more, unless another of its outputs is.
    cut = {name.removesuffix(":0") for name in replaced if name.endswith(":0")}
    cut -= {item.op.name for item in flat if not isinstance(item, Operation) and item.name not in replaced}
    cut -= {text.partition(":")[0] for node in part.node for text in node.input if ":" in text}
    for node in part.node:
        if node.name in cut:
            node.ClearField("input")
    computed = [item for item in flat if item.name not in replaced]
    ends = sorted({(item if isinstance(item, Operation) else item.op).name for item in computed})
    part = extract_sub_graph(part, ends) if ends else protos.GraphDef()
    missing = [node.name for node in part.node if node.op == "Placeholder" and node.name not in cut]
    if missing:
        raise ValueError(
            f"The function needs values for the placeholders {missing}, which are not among the tensors that it takes: "
            "feed them as well."
        )
    kept = [node for node in part.node if node.name not in cut]
    used = {text.removeprefix("^").partition(":")[0] for node in kept for text in node.input}
    input_map = {name: made for name, made in replaced.items() if name.partition(":")[0] in used}
    part = protos.GraphDef(node=kept, versions=part.versions, library=part.library)
    with graph.as_default():
        found = iter(import_graph_def(part, input_map, [item.name for item in computed], name=""))
        results = [replaced[item.name] if item.name in replaced else next(found) for item in flat]
    graph.control_outputs.extend(item for item in results if isinstance(item, Operation))
    outputs = [None if isinstance(item, Operation) else item for item in results]
    graph.outputs = [tensor for tensor in outputs if tensor is not None]
    graph.structured_outputs = nest.pack_sequence_as(fetches, outputs)
