"""SavedModels of TensorFlow 1 as TensorFlow 2 reads them: one graph, from which functions are cut out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.compiler.compile import compile_program
from penstock.core import dtypes, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import UnimplementedError
from penstock.core.func_graph import copied_attributes, in_dependency_order
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.op_def import OpDef, lookup
from penstock.core.operation import Operation
from penstock.core.resources import ResourceManager
from penstock.core.tensor import EagerTensor, SymbolicTensor
from penstock.core.type_spec import TensorSpec
from penstock.language.function import ConcreteFunction
from penstock.language.function.tracing import FunctionGraph
from penstock.language.trackable import AutoTrackable, ListWrapper
from penstock.language.variables import ResourceVariable
from penstock.ops.state.variables import read_variable_op
from penstock.runtime.session import Session
from penstock.saved_model.constants import INIT_OP_SIGNATURE_KEY, TRAIN_OP_SIGNATURE_KEY
from penstock.saved_model.loader import asset_paths, load
from penstock.saved_model.reading import as_tags, find_meta_graph
from penstock.saved_model.signature_defs import get_tensor_from_tensor_info
from penstock.saved_model.signatures import SignatureMap

_REFERENCE_VARIABLES = ("Variable", "VariableV2")
# Updates of reference variables, and of resource variables in their place.
_UPDATES = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
}


class FlatModel(AutoTrackable):
    """A graph that was loaded from a SavedModel of TensorFlow 1.

    Args:
        graph: the graph.
        resources: where its variables and tables are.

    Attributes:
        signatures: its signatures by name: functions of named tensors that return dictionaries.
        variables: its variables.
        graph: the graph.
    """

    def __init__(self, graph: Graph, resources: ResourceManager) -> None:
        self._self_resources = resources
        self._self_handles: dict[Operation, EagerTensor] = {}
        self.graph = graph
        trainable = {variable.op for variable in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
        self._self_variables: dict[Operation, ResourceVariable] = {}
        for variable in (
            *graph.get_collection(GraphKeys.GLOBAL_VARIABLES),
            *graph.get_collection(GraphKeys.LOCAL_VARIABLES),
        ):
            if variable.op in self._self_variables:
                continue
            self._self_variables[variable.op] = ResourceVariable(
                handle=self._handle(variable.op),
                trainable=variable.op in trainable,
                name=variable.name.removesuffix(":0"),
                dtype=variable.dtype.base_dtype,
                shape=variable.shape,
            )
        self.variables = ListWrapper(self._self_variables.values())
        self.signatures = SignatureMap()

    def _handle(self, op: Operation) -> EagerTensor:
        """Return the handle of the resource that a node finds or makes."""
        if op not in self._self_handles:
            if op.type in _REFERENCE_VARIABLES:
                name = op.attrs.get("shared_name") or op.name
                value = self._self_resources.lookup(op.attrs.get("container") or "", "variable", name)
            else:
                (value,) = compile_program([op.outputs[0]], [], [], self._self_resources)()
            self._self_handles[op] = EagerTensor(value, dtypes.resource)
        return self._self_handles[op]

    def prune(self, feeds: Any, fetches: Any, name: str = "pruned", input_signature: Any = None) -> ConcreteFunction:
        """Return a function that computes some tensors of the graph from others.

        Args:
            feeds: the tensors, or their names, that the function takes: one, a list, or a dictionary.
            fetches: the tensors and operations, or their names, that it computes, nested.
            name: the function's name.
            input_signature: specs for `feeds`; by default as the graph has them.
        Raises:
            ValueError: if something that is fetched needs a placeholder that is not fed.
        """
        given = nest.map_structure(self.graph.as_graph_element, feeds)
        wanted = nest.map_structure(self.graph.as_graph_element, fetches)
        specs = None if input_signature is None else nest.flatten(input_signature)
        if isinstance(given, Mapping):
            names = sorted(given)
            arguments = [given[key] for key in names]
        else:
            arguments = nest.flatten(given)
            names = [tensor.op.name for tensor in arguments]
        graph = self._cut(arguments, wanted, names, name, specs)
        inputs = [TensorSpec(tensor.shape, tensor.dtype, key) for tensor, key in zip(graph.inputs, names, strict=False)]
        if isinstance(given, Mapping):
            return ConcreteFunction(graph, (), dict(zip(names, inputs, strict=True)), [], False)
        return ConcreteFunction(graph, inputs, {}, names, False)

    def _cut(
        self, feeds: Sequence[SymbolicTensor], fetches: Any, names: Sequence[str], name: str, specs: Any
    ) -> FunctionGraph:
        """Return what computes the fetches as the graph of a function."""
        flat = nest.flatten(fetches)
        copier = _Copier(self, FunctionGraph(name))
        for position, (tensor, label) in enumerate(zip(feeds, names, strict=True)):
            spec = tensor if specs is None else specs[position]
            copier.feed(tensor, spec.shape.as_tuple(), label)
        copier.copy([item if isinstance(item, Operation) else item.op for item in flat])
        graph = copier.graph
        outputs: list[Any] = []
        with graph.as_default():
            for item in flat:
                if isinstance(item, Operation):
                    graph.control_outputs.append(copier.ops[item])
                    outputs.append(None)
                else:
                    outputs.append(copier.value(item))
        graph.arguments = graph.inputs[: len(feeds)]
        graph.outputs = [tensor for tensor in outputs if tensor is not None]
        graph.structured_outputs = nest.pack_sequence_as(fetches, outputs)
        return graph

    def variable_of(self, op: Operation) -> ResourceVariable | None:
        """Return the variable whose node is `op`."""
        return self._self_variables.get(op)


class _Copier:
    """Copies a part of a graph into a function, with resources as captures and reference variables as resources."""

    def __init__(self, model: FlatModel, graph: FunctionGraph) -> None:
        self._model = model
        self.graph = graph
        self.ops: dict[Operation, Operation] = {}
        self._tensors: dict[SymbolicTensor, SymbolicTensor] = {}

    def feed(self, tensor: SymbolicTensor, dims: Any, name: str) -> None:
        """Make a tensor an argument."""
        label = "".join(c if c.isalnum() or c in "_." else "_" for c in name).lstrip("_.") or "arg"
        self._tensors[tensor] = self.graph.add_input(tensor.dtype.base_dtype, dims, label)

    def copy(self, fetched: Sequence[Operation]) -> None:
        """Copy what the fetched operations need."""
        fed = {tensor.op for tensor in self._tensors}
        needed: set[Operation] = set()
        stack = list(fetched)
        while stack:
            op = stack.pop()
            if op not in needed and not (op in fed and all(output in self._tensors for output in op.outputs)):
                needed.add(op)
                stack.extend(tensor.op for tensor in op.inputs if tensor not in self._tensors)
                stack.extend(op.control_inputs)
        with self.graph.as_default():
            for op in in_dependency_order(self._model.graph):
                if op in needed:
                    self._copy(op)

    def _copy(self, op: Operation) -> None:
        if op.type in ("Placeholder", "PlaceholderV2"):
            raise ValueError(
                f"The function needs a value for {op.name + ':0'!r}, which is not among the tensors that it takes: "
                "feed it as well."
            )
        if op.type in _REFERENCE_VARIABLES or (
            not op.inputs and any(tensor.dtype == dtypes.resource for tensor in op.outputs)
        ):
            handle = self.graph.capture_eager(self._model._handle(op))
            self._tensors[op.outputs[0]] = handle
            self.ops[op] = handle.op
            variable = self._model.variable_of(op)
            if variable is not None and all(variable is not known for known in self.graph.variables):
                self.graph.variables.append(variable)
            return
        controls = [self.ops[control] for control in op.control_inputs if control in self.ops]
        references = _reference_positions(op)
        if references and op.type not in _UPDATES:
            raise UnimplementedError(
                None,
                None,
                f"{op.type} ({op.name!r}) updates a reference variable in a way that functions do not have. Save the "
                "model with resource variables: tf.enable_resource_variables().",
            )
        if references:
            target = op.inputs[0]
            with self.graph.control_dependencies(controls):
                made = lookup(_UPDATES[op.type])(  # type: ignore[operator]
                    self._tensors[target], self.value(op.inputs[1]), dtype=target.dtype.base_dtype
                )
            self.ops[op] = made
            self._tensors[op.outputs[0]] = self._tensors[target]
            return
        if op.type == "Identity" and op.inputs[0].dtype._is_ref_dtype and self._is_handle(op.inputs[0]):
            # Who uses this read, reads: an operation that waits for an update gets the updated value.
            self._tensors[op.outputs[0]] = self._tensors[op.inputs[0]]
            self.ops[op] = self._tensors[op.inputs[0]].op
            return
        made = self.graph.add_operation(
            op.op_def,
            [self.value(tensor, controls) for tensor in op.inputs],
            {key: value for key, value in copied_attributes(op).items() if key != "_class"},
            self.graph.unique_name(op.name),
            control_inputs=controls,
            output_dims=[tensor.dims for tensor in op.outputs],
        )
        self.ops[op] = made
        self._tensors.update(
            (before, after)
            for before, after in zip(op.outputs, made.outputs, strict=True)
            if before not in self._tensors
        )

    def _is_handle(self, tensor: SymbolicTensor) -> bool:
        """Tell whether a tensor that was a reference variable's is the handle of a resource variable now."""
        return tensor.dtype != dtypes.resource and self._tensors[tensor].dtype == dtypes.resource

    def value(self, tensor: SymbolicTensor, controls: Sequence[Operation] = ()) -> SymbolicTensor:
        """Return a tensor of the function; of a reference variable, its value after some operations."""
        found = self._tensors[tensor]
        if not self._is_handle(tensor):
            return found
        waits = [self.ops[tensor.op]] if tensor.op.type in _UPDATES else []
        with self.graph.control_dependencies([*waits, *controls]):
            read: SymbolicTensor = read_variable_op(found, dtype=tensor.dtype.base_dtype)
        read.set_shape(tensor.dims)
        return read


def _reference_positions(op: Operation) -> list[int]:
    """Return which inputs of an operation it takes as references."""
    declared: OpDef = op.op_def
    return [position for position, argument in enumerate(declared.inputs) if argument.is_ref]


def load_flat(directory: str, message: Any, tags: Any) -> FlatModel:
    """Return a SavedModel that has a graph with signatures, but no objects.

    Args:
        directory: the folder.
        message: its SavedModel message.
        tags: the tags of the graph; they may be left out where there is only one.
    Raises:
        ValueError: if tags are needed.
        RuntimeError: if no graph has them.
    """
    if tags is None:
        if len(message.meta_graphs) != 1:
            available = [list(meta_graph.meta_info_def.tags) for meta_graph in message.meta_graphs]
            raise ValueError(
                "Importing a SavedModel with `tf.saved_model.load` requires a `tags=` argument if there is more than "
                f"one MetaGraph. Got `tags=None`, but there are {len(message.meta_graphs)} MetaGraphs in the "
                f"SavedModel with tag sets: {available}. Pass a `tags=` argument to load this SavedModel."
            )
        tags = list(message.meta_graphs[0].meta_info_def.tags)
    meta_graph = find_meta_graph(message, as_tags(tags))
    graph = Graph()
    with graph.as_default():
        session = Session(graph=graph)
        load(session, tags, directory)
    model = FlatModel(graph, session._resources)
    for name, signature in meta_graph.signature_def.items():
        if name in (INIT_OP_SIGNATURE_KEY, TRAIN_OP_SIGNATURE_KEY):
            continue
        inputs = {key: get_tensor_from_tensor_info(info, graph) for key, info in signature.inputs.items()}
        outputs = {key: get_tensor_from_tensor_info(info, graph) for key, info in signature.outputs.items()}
        if all(isinstance(tensor, SymbolicTensor) for tensor in (*inputs.values(), *outputs.values())):
            model.signatures._add_signature(name, model.prune(inputs, outputs, f"signature_wrapper_{name}"))
    paths = [convert_to_tensor(path) for path in asset_paths(meta_graph, directory).values()]
    model._self_setattr_tracking = False
    model.asset_paths = paths
    model.tensorflow_version = meta_graph.meta_info_def.tensorflow_version
    model._self_setattr_tracking = True
    return model
