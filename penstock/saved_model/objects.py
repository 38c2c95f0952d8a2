"""The objects of a saved model that is being written, with their functions and what these capture."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from penstock.core import nest
from penstock.core.dtypes import resource, variant
from penstock.core.graph_def import shape_proto, written_name
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec
from penstock.formats import protos
from penstock.language.asset import Asset
from penstock.language.function import ConcreteFunction, Function
from penstock.language.resource import RESTORE_VALUES, SAVE_VALUES
from penstock.language.trackable import children_of, is_container, is_function
from penstock.saved_model.gradients import trace_gradients
from penstock.saved_model.signatures import ATTRIBUTE, SignatureMap
from penstock.saved_model.structures import NotWritableError, to_message
from penstock.train.checkpoint import TABLE_VALUES, ObjectGraph, variable_in

CREATE, INITIALIZE, DESTROY = "_create_resource", "_initialize", "_destroy_resource"


class SavedObjects:
    """The objects reachable from one, their functions, and the tensors that these capture.

    Args:
        root: the object.
        signatures: what is saved as its attribute `signatures`.
        custom_gradients: whether the gradients are saved that `tf.custom_gradient` gave.
    Raises:
        KeyError: if a function captures a variable or resource that is not reachable from the root.

    Attributes:
        objects: the walked objects.
        children: for each, its children by name.
        traces: id of a function -> its traces.
        functions: every concrete function that is saved, by id.
        gradients: the names of gradients of users' making, and the functions that compute them.
        captured: what a captured tensor is known by (see `key_of`) -> the number of its node.
        constants: the tensors that are no object's, by the number of their nodes: eager ones, and those of functions
            that gradients need.
    """

    def __init__(self, root: Any, signatures: SignatureMap, custom_gradients: bool = True) -> None:
        self._children: dict[int, dict[str, Any]] = {}
        self._kept: list[Any] = []  # functions that are made while walking

        def children(node: Any) -> dict[str, Any]:
            found = children_of(node, "savedmodel") if variable_in(node) is None else {}
            if node is root:
                found = {name: child for name, child in found.items() if name != ATTRIBUTE} | {ATTRIBUTE: signatures}
            self._children[id(node)] = found
            self._kept.append(found)
            return found

        self.objects = ObjectGraph(root, children)
        self.traces = {id(node): node._saved_functions() for node in self.objects.nodes if is_function(node)}
        self.functions = {id(concrete): concrete for traces in self.traces.values() for concrete in traces}
        self.gradients = trace_gradients(list(self.functions.values()), custom_gradients)
        self._owners = {id(concrete.graph): concrete for concrete in self.functions.values()}
        self.functions.update((id(concrete), concrete) for _, concrete in self.gradients)
        self.captured = {key_of(tensor): number for number, tensor in self._captures()}
        self.constants: dict[int, Tensor] = {}
        for concrete in self.functions.values():
            for tensor in concrete.captured_inputs:
                self._find(tensor, concrete)

    @property
    def nodes(self) -> list[Any]:
        """The objects; constants have numbers behind theirs."""
        return self.objects.nodes

    def child(self, number: int, name: str) -> Any:
        """Return a child of a node by name, None if it has no such child."""
        return self._children.get(id(self.nodes[number]), {}).get(name)

    def is_resource(self, number: int) -> bool:
        """Tell whether a node makes a resource of its own."""
        return self.child(number, CREATE) is not None

    def _captures(self) -> list[tuple[int, Tensor]]:
        """Return what functions may have captured of each object."""
        found: list[tuple[int, Tensor]] = []
        for number, node in enumerate(self.nodes):
            variable = variable_in(node)
            if variable is not None:
                found.append((number, variable.handle))
            elif isinstance(node, Asset):
                found.append((number, node.asset_path))
            elif self.is_resource(number):
                found.append((number, node.resource_handle))
        return found

    def _find(self, tensor: Any, concrete: ConcreteFunction) -> None:
        if isinstance(tensor, SymbolicTensor) and id(tensor.op.graph) not in self._owners:
            raise ValueError(
                f"Function {concrete.name.decode()!r} was traced within a graph, of which it captures {tensor!r}; a "
                "saved model has only functions that were traced in eager execution."
            )
        if key_of(tensor) in self.captured:
            return
        if tensor.dtype in (resource, variant) and isinstance(tensor, EagerTensor):
            raise KeyError(
                f"Failed to add concrete function {concrete.name!r} to object-based SavedModel as it captures tensor "
                f"{tensor!r} which is unsupported or not reachable from root: assign the variable, table or other "
                "object that it belongs to to an attribute of the object that is saved, or of one that it holds."
            )
        number = len(self.nodes) + len(self.constants)
        self.captured[key_of(tensor)] = number
        self.constants[number] = tensor

    def number_of(self, tensor: Tensor) -> int:
        """Return the number of the node that a captured tensor is of."""
        return self.captured[key_of(tensor)]

    # The message

    def message(self, names: Mapping[int, str], constants: Mapping[int, str]) -> Any:
        """Return the SavedObjectGraph message.

        Args:
            names: id of a function's graph -> the name that it is written under.
            constants: number of a constant's node -> the name of its node in the graph.
        """
        message = protos.SavedObjectGraph()
        assets = 0
        for number, (node, children) in enumerate(zip(self.nodes, self.objects.children, strict=True)):
            saved = message.nodes.add()
            for name, child in children:
                if name not in (SAVE_VALUES, RESTORE_VALUES):  # these are referred to by `saveable_objects`
                    saved.children.add(node_id=child, local_name=name)
            if isinstance(node, Asset):
                saved.asset.asset_file_def_index = assets
                assets += 1
            else:
                self._describe(saved, number, node, names)
        for optimizer, slots in self.objects.slots.items():
            for variable, slot_name, slot in slots:
                message.nodes[optimizer].slot_variables.add(
                    original_variable_node_id=variable, slot_name=slot_name, slot_variable_node_id=slot
                )
        for number, tensor in self.constants.items():
            saved = message.nodes.add()
            if isinstance(tensor, SymbolicTensor):
                owner = self._owners[id(tensor.op.graph)]
                saved.captured_tensor.name = written_name(tensor, owner.graph)
                saved.captured_tensor.concrete_function = names[id(owner.graph)]
            else:
                saved.constant.operation = constants[number]
        for concrete in self.functions.values():
            self._describe_function(message.concrete_functions[names[id(concrete.graph)]], concrete)
        return message

    def _describe(self, saved: Any, number: int, node: Any, names: Mapping[int, str]) -> None:
        variable = variable_in(node)
        if variable is not None:
            _describe_variable(saved.variable, variable)
        elif isinstance(node, ConcreteFunction):
            bare = saved.bare_concrete_function
            bare.concrete_function_name = names[id(node.graph)]
            bare.argument_keywords.extend(_argument_names(node))
            by_position = len(nest.flatten(node.structured_input_signature[0], expand_composites=True))
            count = len(node.graph.arguments)
            bare.allowed_positional_arguments = count if count == 1 else min(by_position, count)
            bare.function_spec.CopyFrom(_function_spec(_parameters_of(node)))
        elif isinstance(node, Function):
            saved.function.concrete_functions.extend(names[id(trace.graph)] for trace in self.traces[id(node)])
            spec = node.function_spec
            saved.function.function_spec.CopyFrom(_function_spec(spec.signature, spec.input_signature))
        elif self.is_resource(number):
            saved.resource.SetInParent()
            named = dict(self.objects.children[number])
            if getattr(node, "_has_checkpoint_values", False):
                saved.saveable_objects[TABLE_VALUES].save_function = named[SAVE_VALUES]
                saved.saveable_objects[TABLE_VALUES].restore_function = named[RESTORE_VALUES]
        else:
            saved.user_object.identifier = _identifier(node)
            saved.user_object.version.producer = 1
            saved.user_object.version.min_consumer = 1

    def _describe_function(self, message: Any, concrete: ConcreteFunction) -> None:
        message.bound_inputs.extend(self.number_of(tensor) for tensor in concrete.captured_inputs)
        try:
            message.canonicalized_input_signature.CopyFrom(to_message(concrete.structured_input_signature))
            message.output_signature.CopyFrom(to_message(_specs(concrete.structured_outputs)))
        except NotWritableError as error:
            raise NotWritableError(f"Function {concrete.name.decode()!r} cannot be saved: {error}") from None


def key_of(tensor: Any) -> int:
    """Return what a captured tensor is known by: the resource behind a handle, or the tensor itself."""
    if isinstance(tensor, EagerTensor) and tensor.dtype in (resource, variant):
        return id(tensor.value)
    return id(tensor)


def _identifier(node: Any) -> str:
    if isinstance(node, SignatureMap):
        return "signature_map"
    if is_container(node):
        kinds = ((dict, "dict"), (tuple, "tuple"))
        return f"trackable_{next((name for kind, name in kinds if isinstance(node, kind)), 'list')}_wrapper"
    return "_generic_user_object"


def _describe_variable(message: Any, variable: Any) -> None:
    message.dtype = variable.dtype.base_dtype.as_datatype_enum
    message.shape.CopyFrom(shape_proto(variable.shape.as_tuple()))
    message.trainable = bool(variable.trainable)
    message.synchronization = variable.synchronization.value
    message.aggregation = variable.aggregation.value
    message.name = variable.name.removesuffix(":0")


def _parameters_of(concrete: ConcreteFunction) -> inspect.Signature:
    """Return the parameters of a trace as those of a Python function."""
    args, kwargs = concrete._names, concrete.structured_input_signature[1]
    positional = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in args]
    named = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in sorted(kwargs)]
    return inspect.Signature([*positional, *named])


def _argument_names(concrete: ConcreteFunction) -> list[str]:
    """Return the names of a function's tensors in order."""
    args, kwargs = concrete.structured_input_signature
    leaves = [leaf for leaf in nest.flatten((args, kwargs), expand_composites=True) if isinstance(leaf, TensorSpec)]
    names = [leaf.name for leaf in leaves]
    placeholders = [placeholder.op.name for placeholder in concrete.graph.arguments]
    is_named = len(names) == len(placeholders) and all(names) and len(set(names)) == len(names)
    return names if is_named else placeholders  # type: ignore[return-value]


def _function_spec(signature: inspect.Signature, input_signature: Any = None) -> Any:
    """Return a FunctionSpec message for the parameters of a Python function."""
    parameters = list(signature.parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    defaults = tuple(_default(p.default) for p in positional if p.default is not p.empty)
    named_defaults = {p.name: _default(p.default) for p in named if p.default is not p.empty}
    spec = inspect.FullArgSpec(
        args=[p.name for p in positional],
        varargs=next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None),
        varkw=next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None),
        defaults=defaults or None,
        kwonlyargs=[p.name for p in named],
        kwonlydefaults=named_defaults or None,
        annotations={},
    )
    message = protos.FunctionSpec()
    message.fullargspec.CopyFrom(to_message(spec))
    message.input_signature.CopyFrom(to_message(input_signature))
    return message


def _default(value: Any) -> Any:
    """Return a default as it is written: None for one that has no form in a file."""
    try:
        to_message(value)
    except NotWritableError:
        return None
    return value


def _specs(outputs: Any) -> Any:
    """Return what a function returns with specs in place of tensors."""

    def spec(value: Any) -> Any:
        if isinstance(value, CompositeTensor):
            return value._type_spec
        return TensorSpec(value.shape, value.dtype) if isinstance(value, Tensor) else value

    return nest.map_structure(spec, outputs)
