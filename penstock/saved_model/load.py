"""Reading a SavedModel as objects: variables, functions that can be called and differentiated, tables, signatures."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from penstock.core.context import executing_eagerly
from penstock.core.dtypes import as_dtype
from penstock.core.errors import DataLossError, NotFoundError
from penstock.core.graph_def import dims_from_proto
from penstock.core.resources import eager_resources
from penstock.core.tensor import EagerTensor, Tensor
from penstock.formats import protos
from penstock.formats.errors import CorruptDataError
from penstock.formats.saved_model import assets_directory, variables_prefix
from penstock.formats.tensor_bundle import bundle_exists
from penstock.formats.tensor_proto import from_tensor_proto
from penstock.language.asset import Asset
from penstock.language.function import ConcreteFunction
from penstock.language.init_scope import init_scope
from penstock.language.resource import RESTORE_VALUES, SAVE_VALUES, TrackableResource
from penstock.language.trackable import AutoTrackable, DictWrapper, ListWrapper, is_function
from penstock.language.variable_base import VariableAggregation, VariableSynchronization
from penstock.language.variables import ResourceVariable
from penstock.ops.constant import constant
from penstock.ops.state.variables import anonymous_handle
from penstock.saved_model.flat import load_flat
from penstock.saved_model.functions import FunctionReader, RestoredFunction
from penstock.saved_model.gradients import attach_gradients
from penstock.saved_model.objects import CREATE, INITIALIZE
from penstock.saved_model.options import LoadOptions
from penstock.saved_model.reading import as_tags, parse_saved_model, path_of
from penstock.saved_model.signatures import ATTRIBUTE, SignatureMap
from penstock.train.checkpoint import OBJECT_GRAPH_KEY, VARIABLE_VALUE
from penstock.train.checkpoint_utils import CheckpointReader


def load(export_dir: Any, tags: Any = None, options: LoadOptions | None = None) -> Any:
    """Read a SavedModel.

    Args:
        export_dir: the folder.
        tags: the tags of the graph to read, where there are several.
        options: see `LoadOptions`.
    Returns:
        An object with the attributes of the one that was saved, as far as they were saved. Its functions can be called
        with arguments as they were traced for, its variables trained, and it can be saved again. `signatures` are its
        signatures by name. A model of TensorFlow 1 gives `signatures`, `variables` and `prune`.
    Raises:
        OSError: if the folder holds no SavedModel, or a damaged one.
        ValueError: if the graph has other tags.
        NotFoundError: if it uses operations that nobody declares, or variables are missing.
        DataLossError: if the variables are damaged.

    >>> import tempfile
    >>> import penstock as tf
    >>> module = tf.Module()
    >>> module.scale = tf.Variable(2.0)
    >>> module.apply = tf.function(lambda x: x * module.scale, input_signature=[tf.TensorSpec([], tf.float32)])
    >>> path = tempfile.mkdtemp()
    >>> tf.saved_model.save(module, path)
    >>> loaded = tf.saved_model.load(path)
    >>> with tf.GradientTape() as tape:
    ...     y = loaded.apply(5.0)
    >>> float(y), float(tape.gradient(y, loaded.scale))
    (10.0, 5.0)
    """
    directory = path_of(export_dir)
    options = options or LoadOptions()
    message = parse_saved_model(directory)
    with init_scope():
        if not executing_eagerly():
            raise RuntimeError(
                "tf.saved_model.load makes objects that execute eagerly; in a graph, load the model with "
                "tf.compat.v1.saved_model.load(session, tags, export_dir)."
            )
        if len(message.meta_graphs) != 1 or not message.meta_graphs[0].HasField("object_graph_def"):
            return load_flat(directory, message, tags)
        meta_graph = message.meta_graphs[0]
        found = list(meta_graph.meta_info_def.tags)
        if tags is not None and set(as_tags(tags)) != set(found):
            raise ValueError(
                f"Got an incompatible argument to `tags`: {tags}. The SavedModel at {directory} has one MetaGraph with "
                f"tags {found}. You may omit the argument, pass 'None', or pass matching tags."
            )
        try:
            return _Loader(directory, meta_graph, options).load()
        except (CorruptDataError, DecodeError) as error:
            raise OSError(f"The SavedModel in {directory!r} is damaged, or newer than this reader: {error}") from None


class RestoredResource(TrackableResource):
    """A table or other resource of a saved model."""

    def __init__(self) -> None:
        super().__init__()
        self._saved_children: dict[str, Any] = {}

    @property
    def _has_checkpoint_values(self) -> bool:
        return SAVE_VALUES in self._saved_children

    def _checkpoint_values(self, key: str) -> dict[str, Any]:
        """Return what a checkpoint holds of the resource: tensors by name."""
        return {item["name"].numpy().decode(): item["tensor"] for item in self._saved_children[SAVE_VALUES](key)}

    def _restore_checkpoint_values(self, key: str, read: Callable[[str], Any]) -> Any:
        """Replace what the resource holds by what a checkpoint has, whose tensors `read` returns."""
        values = [constant(read(name)) for name in self._checkpoint_values(key)]
        return self._saved_children[RESTORE_VALUES](*values)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {
            name: child
            for name, child in self._saved_children.items()
            if save_type == "savedmodel" or not is_function(child)
        }


class _UserObject(AutoTrackable):
    """An object of a saved model: its attributes are what was saved of the original's."""


def _new_object() -> _UserObject:
    """Return an object with a class of its own, so that it can be given methods such as `__call__`."""
    made: _UserObject = type("_UserObject", (_UserObject,), {"__doc__": _UserObject.__doc__})()
    return made


class _Loader:
    """Makes the objects of one saved model."""

    def __init__(self, directory: str, meta_graph: Any, options: LoadOptions) -> None:
        self._directory = directory
        self._meta_graph = meta_graph
        self._options = options
        self._saved = list(meta_graph.object_graph_def.nodes)
        self._check_numbers()
        self._constants = {node.name: node for node in meta_graph.graph_def.node if node.op == "Const"}
        self._gradients = {
            gradient.registered_op_type: gradient.gradient_func
            for gradient in meta_graph.graph_def.library.registered_gradients
            if gradient.gradient_func in meta_graph.object_graph_def.concrete_functions
        }
        self._functions = FunctionReader(meta_graph, sorted(self._wanted()))
        self._nodes: list[Any] = [None] * len(self._saved)
        self._made: dict[str, ConcreteFunction] = {}

    def _check_numbers(self) -> None:
        count = len(self._saved)
        numbers = [child.node_id for node in self._saved for child in node.children]
        for node in self._saved:
            for functions in node.saveable_objects.values():
                numbers += [functions.save_function, functions.restore_function]
        for function in self._meta_graph.object_graph_def.concrete_functions.values():
            numbers.extend(function.bound_inputs)
        if not count or any(not 0 <= number < count for number in numbers):
            raise CorruptDataError(f"its {count} objects refer to objects that do not exist")

    def _wanted(self) -> set[str]:
        """Return the names of the functions that objects have."""
        names: set[str] = set(self._gradients.values())
        known = self._meta_graph.object_graph_def.concrete_functions
        for node in self._saved:
            if node.WhichOneof("kind") == "function":
                names.update(node.function.concrete_functions)
            elif node.WhichOneof("kind") == "bare_concrete_function":
                names.add(node.bare_concrete_function.concrete_function_name)
        missing = sorted(name for name in names if name not in known)
        if missing:
            raise CorruptDataError(f"it does not say what the functions {missing} take")
        return names

    def load(self) -> Any:
        """Return the root."""
        for number, saved in enumerate(self._saved):
            self._nodes[number] = self._make(saved)
        for number, saved in enumerate(self._saved):
            if saved.WhichOneof("kind") == "function":
                self._nodes[number].concrete_functions = [
                    self._function(name, None) for name in saved.function.concrete_functions
                ]
        for number, saved in enumerate(self._saved):
            if saved.WhichOneof("kind") == "bare_concrete_function":
                bare = saved.bare_concrete_function
                self._nodes[number] = self._function(bare.concrete_function_name, bare)
        for number in range(len(self._saved)):
            self._make_tuple(number)
        for number, saved in enumerate(self._saved):
            for child in saved.children:
                _attach(self._nodes[number], child.local_name, self._nodes[child.node_id])
            for functions in saved.saveable_objects.values():
                _attach(self._nodes[number], SAVE_VALUES, self._nodes[functions.save_function])
                _attach(self._nodes[number], RESTORE_VALUES, self._nodes[functions.restore_function])
        self._restore()
        for number, saved in enumerate(self._saved):
            if saved.WhichOneof("kind") == "resource":
                self._call(number, INITIALIZE)
        return self._finish(self._nodes[0])

    def _finish(self, root: Any) -> Any:
        info = self._meta_graph.meta_info_def
        if isinstance(root, AutoTrackable):
            root._self_setattr_tracking = False
            if not hasattr(root, ATTRIBUTE):
                root.signatures = SignatureMap()
            root.tensorflow_version = info.tensorflow_version
            root.tensorflow_git_version = info.tensorflow_git_version
            root.graph_debug_info = None
            if self._options.experimental_load_function_aliases:
                root.function_aliases = {
                    alias: node
                    for node, saved in zip(self._nodes, self._saved, strict=True)
                    for name in saved.function.concrete_functions
                    if (alias := info.function_aliases.get(name)) is not None
                }
            root._self_setattr_tracking = True
        return root

    # Objects

    def _make(self, saved: Any) -> Any:
        kind = saved.WhichOneof("kind")
        if kind == "variable":
            return _variable(saved.variable)
        if kind == "asset":
            return self._asset(saved.asset.asset_file_def_index)
        if kind == "constant":
            return self._constant(saved.constant.operation)
        if kind == "resource":
            return RestoredResource()
        if kind == "function":
            names = saved.function.concrete_functions
            name = names[0].removeprefix("__inference_").rstrip("0123456789").rstrip("_") if names else "function"
            return RestoredFunction(name or "function", saved.function.function_spec)
        if kind in ("bare_concrete_function", "captured_tensor"):
            return None  # made once its captures are there, or found in the function that has it
        if kind in ("user_object", None):
            factory = _CONTAINERS.get(saved.user_object.identifier, _new_object)
            return factory()
        raise CorruptDataError(f"it has an object of the kind {kind!r}, which is not known here")

    def _asset(self, index: int) -> Asset:
        files = self._meta_graph.asset_file_def
        if not 0 <= index < len(files):
            raise CorruptDataError(f"it refers to its asset {index} of {len(files)}")
        name = files[index].filename
        path = os.path.join(assets_directory(self._directory), name)
        if os.path.isabs(name) or ".." in name.split("/"):
            raise CorruptDataError(f"its asset {name!r} lies outside the folder")
        return Asset(path)

    def _constant(self, name: str) -> Tensor:
        if name not in self._constants:
            raise CorruptDataError(f"its graph lacks the constant {name!r}")
        message = self._constants[name].attr["value"].tensor
        return constant(from_tensor_proto(message), as_dtype(message.dtype))

    def _make_tuple(self, number: int) -> Any:
        """Return a node; a tuple is made of its elements."""
        saved = self._saved[number]
        if saved.user_object.identifier == "trackable_tuple_wrapper" and not isinstance(self._nodes[number], tuple):
            self._nodes[number] = ()
            children = sorted(saved.children, key=lambda child: _position(child.local_name))
            self._nodes[number] = tuple(self._make_tuple(child.node_id) for child in children)
        return self._nodes[number]

    # Functions

    def _function(self, name: str, bare: Any) -> ConcreteFunction:
        if name not in self._made:
            numbers = self._functions.bound(name)
            captures = [self._captured(number) for number in numbers]
            variables = [self._nodes[n] for n in numbers if isinstance(self._nodes[n], ResourceVariable)]
            self._made[name] = made = self._functions.make(name, captures, variables, bare)
            attach_gradients(made.graph, self._gradients, lambda gradient: self._function(gradient, None))
        return self._made[name]

    def _captured(self, number: int) -> Tensor:
        """Return what a function captures of a node."""
        node = self._nodes[number]
        if isinstance(node, ResourceVariable):
            return node.handle
        if isinstance(node, Asset):
            return node.asset_path
        if isinstance(node, RestoredResource):
            if node._handle is None:
                node._handle = self._call(number, CREATE)
                # It belongs to the handle; a model that is loaded twice has two.
                eager_resources.delete(node._handle.value)
            return node._handle
        if isinstance(node, Tensor):
            return node
        saved = self._saved[number]
        if saved.WhichOneof("kind") == "captured_tensor":
            within = self._function(saved.captured_tensor.concrete_function, None)
            try:
                return within.graph.get_tensor_by_name(saved.captured_tensor.name)
            except (KeyError, ValueError) as error:
                raise CorruptDataError(f"a gradient needs a tensor that its function lacks: {error}") from None
        raise CorruptDataError(f"a function captures its object {number}, which is no variable, table or constant")

    def _call(self, number: int, name: str) -> Any:
        """Call a function of a node without arguments."""
        for child in self._saved[number].children:
            if child.local_name == name:
                (function,) = self._saved[child.node_id].function.concrete_functions
                return self._function(function, None)()
        if name == CREATE:
            raise CorruptDataError(f"its object {number} does not say how its resource is made")
        return None

    # Values

    def _restore(self) -> None:
        """Give the variables and tables their values."""
        numbers = [n for n, saved in enumerate(self._saved) if saved.WhichOneof("kind") == "variable"]
        tables = [n for n, saved in enumerate(self._saved) if saved.saveable_objects]
        if self._options.experimental_skip_checkpoint or not (numbers or tables):
            return
        prefix = variables_prefix(self._directory)
        if not bundle_exists(prefix):
            raise NotFoundError(
                None, None, f"The SavedModel in {self._directory!r} has no variables: there is no {prefix}.index"
            )
        reader = CheckpointReader(prefix)
        message = protos.TrackableObjectGraph()
        try:
            message.ParseFromString(reader.get_tensor(OBJECT_GRAPH_KEY))
        except DecodeError as error:
            raise DataLossError(None, None, f"{prefix!r} has a damaged description of its objects: {error}") from None
        stored = self._stored_nodes(message)
        missing = []
        for number in numbers:
            keys = self._keys(message, stored.get(number), VARIABLE_VALUE)
            if keys and reader.has_tensor(keys[0]):
                self._assign(self._nodes[number], reader.get_tensor(keys[0]))
            else:
                missing.append(self._nodes[number].name)
        for number in tables:
            for name in self._saved[number].saveable_objects:
                for key in self._keys(message, stored.get(number), name):
                    self._nodes[number]._restore_checkpoint_values(key, reader.get_tensor)
        if missing and not self._options.allow_partial_checkpoint:
            raise NotFoundError(
                None,
                None,
                f"{len(missing)} variables of the SavedModel in {self._directory!r} have no values in its checkpoint: "
                f"{', '.join(missing[:10])}. Pass LoadOptions(allow_partial_checkpoint=True) to load it without them.",
            )

    def _assign(self, variable: Any, value: Any) -> None:
        tensor = constant(value, variable.dtype)
        if not variable.shape.is_compatible_with(tensor.shape):
            raise DataLossError(
                None,
                None,
                f"variable {variable.name!r} of shape {variable.shape} has a value of shape {tensor.shape} in the "
                "checkpoint",
            )
        variable.handle.value.assign(tensor.value)  # type: ignore[attr-defined]

    def _stored_nodes(self, message: Any) -> dict[int, int]:
        """Return which object of the checkpoint each object of the model is, found by the names that lead to them."""
        found = {0: 0}
        pending = [(0, 0)]
        while pending:
            number, stored = pending.pop()
            if not 0 <= stored < len(message.nodes):
                raise DataLossError(None, None, "the checkpoint's objects refer to objects that do not exist")
            names = {child.local_name: child.node_id for child in message.nodes[stored].children}
            pairs = [(child.node_id, names.get(child.local_name)) for child in self._saved[number].children]
            slots = {
                (slot.original_variable_node_id, slot.slot_name): slot.slot_variable_node_id
                for slot in message.nodes[stored].slot_variables
            }
            for slot in self._saved[number].slot_variables:
                original = found.get(slot.original_variable_node_id)
                pairs.append((slot.slot_variable_node_id, slots.get((original, slot.slot_name))))
            for child, counterpart in pairs:
                if counterpart is not None and child not in found:
                    found[child] = counterpart
                    pending.append((child, counterpart))
        return found

    @staticmethod
    def _keys(message: Any, stored: int | None, name: str) -> list[str]:
        if stored is None:
            return []
        return [item.checkpoint_key for item in message.nodes[stored].attributes if item.name == name]


def _variable(saved: Any) -> ResourceVariable:
    """Return a variable without a value."""
    try:
        dtype, dims = as_dtype(saved.dtype), dims_from_proto(saved.shape)
    except TypeError as error:
        raise CorruptDataError(f"its variable {saved.name!r} has no type: {error}") from None
    handle: EagerTensor = anonymous_handle(saved.name or "Variable", dtype, dims)
    return ResourceVariable(
        handle=handle,
        trainable=saved.trainable,
        name=saved.name or "Variable",
        dtype=dtype,
        shape=dims,
        synchronization=VariableSynchronization(saved.synchronization),
        aggregation=VariableAggregation(saved.aggregation),
    )


def _position(name: str) -> int:
    return int(name) if name.isdigit() else -1


def _attach(parent: Any, name: str, child: Any) -> None:
    """Make an object a child of another, under its name."""
    if isinstance(parent, SignatureMap):
        parent._add_signature(name, child)
    elif isinstance(parent, ListWrapper):
        position = _position(name)
        if position >= 0:
            parent.extend([None] * (position + 1 - len(parent)))
            parent[position] = child
    elif isinstance(parent, DictWrapper):
        parent[name] = child
    elif isinstance(parent, RestoredResource):
        parent._saved_children[name] = child
        if not isinstance(getattr(type(parent), name, None), property):
            setattr(parent, name, child)
    elif isinstance(parent, _UserObject):
        if name.startswith("__") and name.endswith("__"):
            setattr(type(parent), name, child)
        else:
            setattr(parent, name, child)


_CONTAINERS: dict[str, Any] = {
    "signature_map": SignatureMap,
    "trackable_list_wrapper": ListWrapper,
    "trackable_tuple_wrapper": ListWrapper,
    "trackable_dict_wrapper": DictWrapper,
}
