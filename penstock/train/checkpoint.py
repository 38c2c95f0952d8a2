"""Checkpoints of objects: `tf.train.Checkpoint` saves variables by how they are reached from an object.

A checkpoint is a bundle of tensors (see `penstock.formats.tensor_bundle`) with one entry more, a message that describes
the objects: a node each, with its children by name, the keys of its values, and for optimizers the slots. Restoring
walks the described graph and the program's objects side by side. What the program has not made yet is restored when it
is
made: when the attribute is set, or when the optimizer makes the slot.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock.core.context import executing_eagerly
from penstock.core.errors import NotFoundError
from penstock.formats.protos import TrackableObjectGraph
from penstock.formats.tensor_bundle import write_bundle
from penstock.language.init_scope import init_scope
from penstock.language.trackable import AutoTrackable, Trackable, children_of, is_tracked, is_variable
from penstock.language.variables import Variable
from penstock.platform import logging
from penstock.runtime.session import get_default_session
from penstock.train.checkpoint_management import update_checkpoint_state
from penstock.train.checkpoint_utils import CheckpointReader
from penstock.train.optimizer import Optimizer

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"
PYTHON_STATE = "py_state"
TABLE_VALUES = "table"


class CheckpointOptions:
    """How a checkpoint is written and read. All settings concern file systems and devices that do not apply here.

    Args:
        experimental_io_device, experimental_enable_async_checkpoint, experimental_write_callbacks, enable_async,
        experimental_sharding_callback, experimental_skip_slot_variables: accepted as in TensorFlow. Callbacks are
            called after each write, with the checkpoint's prefix where they take an argument. With
            `experimental_skip_slot_variables`, the slots of optimizers are neither restored nor waited for.
    """

    def __init__(
        self,
        experimental_io_device: str | None = None,
        experimental_enable_async_checkpoint: bool = False,
        experimental_write_callbacks: Any = None,
        enable_async: bool = False,
        experimental_skip_slot_variables: bool = False,
        experimental_sharding_callback: Any = None,
    ) -> None:
        self.experimental_io_device = experimental_io_device
        self.enable_async = experimental_enable_async_checkpoint or enable_async
        self.experimental_write_callbacks = experimental_write_callbacks
        self.experimental_skip_slot_variables = experimental_skip_slot_variables
        self.experimental_sharding_callback = experimental_sharding_callback


class PythonState(Trackable):
    """A part of the program's state that is no variable, saved with `Checkpoint` as bytes.

    Subclasses define `serialize`, which returns a string, and `deserialize`, which takes it.
    """

    def serialize(self) -> bytes | str:
        """Return the state."""
        raise NotImplementedError(f"{type(self).__name__} must define serialize()")

    def deserialize(self, string_value: bytes) -> None:
        """Take the state that `serialize` returned."""
        raise NotImplementedError(f"{type(self).__name__} must define deserialize(string_value)")


# Objects and their names.


def escaped(name: str) -> str:
    """Return the name of a child as it stands in keys, where "/" separates and "." introduces."""
    return name.replace(".", "..").replace("/", ".S")


def variable_in(value: Any) -> Any:
    """Return the variable whose value an object stands for: itself, or one that it wraps; None if there is none."""
    if isinstance(value, Trackable) or is_variable(value):
        inner = getattr(value, "_value", None)
        if is_variable(inner):
            return inner
    return value if is_variable(value) else None


def _holder(value: Trackable, name: str) -> Trackable:
    """Return the object on which an attribute that a checkpoint knows will be set: the root of a `Checkpoint` of
    one."""
    root = getattr(value, "_self_root", None)
    return root if isinstance(root, Trackable) and name != "save_counter" else value


def _children(value: Any) -> dict[str, Any]:
    if variable_in(value) is not None:
        return {}
    return children_of(value)


def _identity(value: Any) -> int:
    """Return what an object is known by: a variable and what wraps it are one object."""
    variable = variable_in(value)
    return id(value if variable is None else variable)


class ObjectGraph:
    """The objects reachable from one, breadth first.

    Args:
        root: the object.
        children: gives the objects that one depends on, by name.

    Attributes:
        nodes: the objects.
        paths: for each, the names that lead to it.
        children: for each, its children as (name, number).
        slots: for each optimizer by number, (number of the variable, name of the slot, number of the slot variable).
    """

    def __init__(self, root: Any, children: Callable[[Any], dict[str, Any]] = _children) -> None:
        self.nodes: list[Any] = [root]
        self.paths: list[str] = [""]
        self.children: list[list[tuple[str, int]]] = []
        self.slots: dict[int, list[tuple[int, str, int]]] = {}
        self._numbers = {_identity(root): 0}
        for node in self.nodes:  # grows
            number = len(self.children)
            found = []
            for name, child in children(node).items():
                if _identity(child) not in self._numbers:
                    self._add(child, f"{self.paths[number]}/{escaped(name)}".lstrip("/"))
                found.append((name, self._numbers[_identity(child)]))
            self.children.append(found)
        for number in range(len(self.nodes)):
            if isinstance(self.nodes[number], Optimizer):
                self._add_slots(number)
        self.children += [[]] * (len(self.nodes) - len(self.children))

    def _add(self, node: Any, path: str) -> int:
        self._numbers[_identity(node)] = len(self.nodes)
        self.nodes.append(node)
        self.paths.append(path)
        return len(self.nodes) - 1

    def _add_slots(self, optimizer: int) -> None:
        node = self.nodes[optimizer]
        for number, variable in enumerate(list(self.nodes)):
            if variable_in(variable) is None:
                continue
            for slot_name in node.get_slot_names():
                slot = node.get_slot(variable_in(variable), slot_name)
                if slot is None or _identity(slot) in self._numbers:
                    continue
                path = f"{self.paths[number]}/.OPTIMIZER_SLOT/{self.paths[optimizer]}/{escaped(slot_name)}"
                self.slots.setdefault(optimizer, []).append((number, slot_name, self._add(slot, path)))

    def values(self) -> Iterator[tuple[int, str, str, Any]]:
        """Yield (number, name of the value, key, object) for each object that has a value."""
        for number, node in enumerate(self.nodes):
            if variable_in(node) is not None:
                yield number, VARIABLE_VALUE, f"{self.paths[number]}/.ATTRIBUTES/{VARIABLE_VALUE}", node
            elif isinstance(node, PythonState):
                yield number, PYTHON_STATE, f"{self.paths[number]}/.ATTRIBUTES/{PYTHON_STATE}", node
            elif getattr(node, "_has_checkpoint_values", False):
                yield number, TABLE_VALUES, f"{self.paths[number]}/.ATTRIBUTES/{TABLE_VALUES}", node

    def message(self) -> Any:
        """Return the message that describes the objects."""
        message = TrackableObjectGraph()
        for found in self.children:
            node = message.nodes.add()
            for name, number in found:
                node.children.add(node_id=number, local_name=name)
        for optimizer, slots in self.slots.items():
            for variable, slot_name, slot in slots:
                message.nodes[optimizer].slot_variables.add(
                    original_variable_node_id=variable, slot_name=slot_name, slot_variable_node_id=slot
                )
        for number, name, key, value in self.values():
            variable = variable_in(value)
            full_name = "" if variable is None else variable.name.removesuffix(":0")
            message.nodes[number].attributes.add(name=name, full_name=full_name, checkpoint_key=key)
            message.nodes[number].has_checkpoint_values.value = True
        return message


class TrackableView:
    """The objects that are reachable from one, for programs that look at them.

    Args:
        root: the object.

    >>> import penstock as tf
    >>> module = tf.Module()
    >>> module.w = tf.Variable(1.0)
    >>> list(tf.train.TrackableView(module).children(module)), len(tf.train.TrackableView(module).descendants())
    (['w'], 2)
    """

    def __init__(self, root: Any) -> None:
        self._root = root

    @property
    def root(self) -> Any:
        """The object to begin with."""
        return self._root

    @classmethod
    def children(cls, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Return the objects that one depends on, by name.

        Args:
            obj: the object.
            save_type: "checkpoint", or "savedmodel" for functions, too.
            **kwargs: accepted as TensorFlow does.
        """
        return {} if variable_in(obj) is not None else children_of(obj, save_type)

    def descendants(self) -> list[Any]:
        """Return the root and all objects that are reachable from it, the nearest first."""
        return list(ObjectGraph(self._root, self.children).nodes)


def save_objects(root: Any, prefix: str, session: Any = None) -> None:
    """Write what is reachable from an object as a checkpoint.

    Args:
        root: the object.
        prefix: the checkpoint's prefix.
        session: in a graph, the session that has the variables' values; by default the default session.
    Raises:
        RuntimeError: in a graph without a session.
    """
    write_objects(ObjectGraph(root), prefix, session)


def write_objects(objects: ObjectGraph, prefix: str, session: Any = None) -> None:
    """Write the values of objects as a checkpoint; see `save_objects`."""
    values = list(objects.values())
    held = {key: variable_in(value) for _, _, key, value in values if variable_in(value) is not None}
    for _, name, key, value in values:
        if name == TABLE_VALUES:
            held.update(value._checkpoint_values(key))
    if executing_eagerly():
        read = {key: tensor.numpy() for key, tensor in held.items()}
    else:
        read = _session(session).run(held)
    tensors: dict[str, Any] = {key: np.asarray(value) for key, value in read.items()}
    for _, name, key, value in values:
        if name == PYTHON_STATE:
            state = value.serialize()
            tensors[key] = np.array(state.encode() if isinstance(state, str) else state, object)
    tensors[OBJECT_GRAPH_KEY] = np.array(objects.message().SerializeToString(), object)
    directory = os.path.dirname(prefix)
    if directory:
        os.makedirs(directory, exist_ok=True)
    write_bundle(prefix, tensors)


def _session(session: Any) -> Any:
    found = session or get_default_session()
    if found is None:
        raise RuntimeError(
            "Saving and restoring in a graph needs a session: call it within `with tf.Session():`, or pass `session=`."
        )
    return found


class _Entries:
    """The entries of a table, to be loaded in a session as a variable is."""

    def __init__(self, table: Any, reader: CheckpointReader) -> None:
        self._table = table
        self._reader = reader

    def load(self, key: str, session: Any) -> None:
        """Give the table its entries."""
        session.run(self._table._restore_checkpoint_values(key, self._reader.get_tensor))


class _Restoration:
    """One restored checkpoint: which of its objects have met one of the program's, and which still wait."""

    def __init__(self, reader: CheckpointReader, message: Any, skip_slots: bool) -> None:
        self.reader = reader
        self.message = message
        self.skip_slots = skip_slots
        self.matched: dict[int, Any] = {}
        self.assignments: list[tuple[Any, Any]] = []  # what a session still has to do
        self.slots = [
            (optimizer, slot)
            for optimizer, node in enumerate(message.nodes)
            for slot in (() if skip_slots else node.slot_variables)
        ]

    def restore(self, value: Any, number: int) -> None:
        """Match an object of the program with one of the checkpoint, and what is reachable from both."""
        pairs = [(value, number)]
        while pairs:
            value, number = pairs.pop(0)
            known = self.matched.get(number)
            if known is not None:
                if known is not value and not (
                    variable_in(known) is not None and variable_in(known) is variable_in(value)
                ):
                    logging.warning(
                        "The checkpoint has one object where the program has two, so that only the first was restored. "
                        "The second is %r.",
                        value,
                    )
                continue
            self.matched[number] = value
            self._set_value(value, number)
            children = _children(value)
            for child in self.message.nodes[number].children:
                if child.local_name in children:
                    pairs.append((children[child.local_name], child.node_id))
                elif isinstance(value, Trackable):
                    waiting = _holder(value, child.local_name).__dict__.setdefault("_self_deferred_dependencies", {})
                    waiting.setdefault(child.local_name, []).append(self._later(child.node_id))
                elif isinstance(value, Optimizer):
                    value._await_restoration(child.local_name, None, self._later(child.node_id))
        self._restore_slots()

    def _later(self, number: int) -> Callable[[Any], None]:
        return lambda value: self.restore(value, number)

    def _restore_slots(self) -> None:
        waiting, self.slots = self.slots, []
        for optimizer_number, slot in waiting:
            optimizer = self.matched.get(optimizer_number)
            original = self.matched.get(slot.original_variable_node_id)
            if optimizer is None or original is None:
                self.slots.append((optimizer_number, slot))
            elif isinstance(optimizer, Optimizer):
                variable = variable_in(original)
                existing = optimizer.get_slot(variable, slot.slot_name)
                if existing is not None:
                    self.restore(existing, slot.slot_variable_node_id)
                else:
                    optimizer._await_restoration(slot.slot_name, variable, self._later(slot.slot_variable_node_id))

    def _set_value(self, value: Any, number: int) -> None:
        for attribute in self.message.nodes[number].attributes:
            variable = variable_in(value)
            if attribute.name == VARIABLE_VALUE and variable is not None:
                self.assign(variable, self.reader.get_tensor(attribute.checkpoint_key))
            elif attribute.name == PYTHON_STATE and isinstance(value, PythonState):
                value.deserialize(self.reader.get_tensor(attribute.checkpoint_key))
            elif attribute.name == TABLE_VALUES and getattr(value, "_has_checkpoint_values", False):
                if executing_eagerly():
                    value._restore_checkpoint_values(attribute.checkpoint_key, self.reader.get_tensor)
                else:
                    self.assignments.append((_Entries(value, self.reader), attribute.checkpoint_key))

    def assign(self, variable: Any, stored: Any) -> None:
        """Give a variable its stored value, now or when a session runs."""
        shape = tuple(np.shape(stored))
        if not variable.shape.is_compatible_with(shape):
            raise ValueError(
                f"Received incompatible tensor with shape {shape} when attempting to restore variable with shape "
                f"{tuple(variable.shape)} and name {variable.name}."
            )
        if executing_eagerly():
            variable.assign(stored)
        else:
            with init_scope():
                is_eager = executing_eagerly()
                if is_eager:
                    variable.assign(stored)
            if not is_eager:
                self.assignments.append((variable, stored))


class CheckpointLoadStatus:
    """What restoring a checkpoint did, and checks on it.

    Args:
        restoration: the restored checkpoint.
        root: a weak reference to the object that it was restored into.
    """

    def __init__(self, restoration: _Restoration, root: Any) -> None:
        self._restoration = restoration
        self._root = root

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Check that each value of the checkpoint went to an object, and each object has got its value.

        Raises:
            AssertionError: otherwise, naming what is left.
        """
        self.assert_existing_objects_matched()
        restoration = self._restoration
        for number, node in enumerate(restoration.message.nodes):
            if node.attributes and number not in restoration.matched:
                keys = [attribute.checkpoint_key for attribute in node.attributes]
                raise AssertionError(f"Unresolved object in checkpoint: {', '.join(keys)}")
        return self

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Check that each object of the program has got its value; the checkpoint may have more.

        Raises:
            AssertionError: otherwise, naming the objects.
        """
        matched = {id(value) for value in self._restoration.matched.values()}
        matched |= {id(variable_in(value)) for value in self._restoration.matched.values()}
        objects = ObjectGraph(self._root)
        missing = [value for _, _, _, value in objects.values() if not {id(value), id(variable_in(value))} & matched]
        if missing:
            raise AssertionError(
                f"{len(missing)} objects of the program were not bound to checkpointed values: {missing[:10]}"
                f"{' ...' if len(missing) > 10 else ''}. Restore a checkpoint that has them, or do not require it."
            )
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Check that anything but the root was matched.

        Raises:
            AssertionError: otherwise.
        """
        if len(self._restoration.matched) <= 1:
            raise AssertionError(
                f"Of the checkpoint nothing but the root matched the program's objects. The root is {self._root!r}: "
                "give its attributes the names that they had when the checkpoint was written."
            )
        return self

    def expect_partial(self) -> CheckpointLoadStatus:
        """Say that parts of the checkpoint may stay unused. There are no warnings about these here."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """In a graph, give the variables their values in a session; in eager execution they have them already."""
        if self._restoration.assignments:
            found = _session(session)
            for variable, stored in self._restoration.assignments:
                variable.load(stored, found)

    def initialize_or_restore(self, session: Any = None) -> None:
        """In a graph, give variables their values, and initialize those that the checkpoint does not have."""
        if not executing_eagerly():
            found = _session(session)
            restored = {id(variable) for variable, _ in self._restoration.assignments}
            _initialize(self._root, found, restored)
            self.run_restore_ops(found)


class InitializationOnlyStatus(CheckpointLoadStatus):
    """The status of restoring from no checkpoint.

    Args:
        root: the object that would have been restored.
    """

    def __init__(self, root: Any) -> None:
        self._root = root

    def _nothing(self) -> CheckpointLoadStatus:
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Raise: nothing was restored."""
        return self._nothing()

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Raise: nothing was restored."""
        return self._nothing()

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Raise: nothing was restored."""
        return self._nothing()

    def run_restore_ops(self, session: Any = None) -> None:
        """Raise: nothing was restored."""
        self._nothing()

    def initialize_or_restore(self, session: Any = None) -> None:
        """In a graph, initialize the variables."""
        if not executing_eagerly():
            _initialize(self._root, _session(session), set())


def _initialize(root: Any, session: Any, skip: set[int]) -> None:
    variables = [variable_in(value) for _, _, _, value in ObjectGraph(root).values()]
    session.run([v.initializer for v in variables if v is not None and id(v) not in skip])


def restore_objects(root: Any, prefix: Any, options: CheckpointOptions | None = None) -> CheckpointLoadStatus:
    """Restore a checkpoint into an object.

    Args:
        root: the object.
        prefix: the checkpoint's prefix; None restores nothing.
        options: see `CheckpointOptions`.
    Raises:
        NotFoundError: if there is no such checkpoint.
        ValueError: if a stored value does not fit its variable.
    """
    if prefix is None:
        return InitializationOnlyStatus(root)
    try:
        reader = CheckpointReader(prefix)
    except NotFoundError as error:
        raise NotFoundError(
            None,
            None,
            f"There is no checkpoint at {os.fspath(prefix)} ({error.message}). Please double-check that the path is a "
            "checkpoint's prefix, with its number, as tf.train.latest_checkpoint(directory) returns it.",
        ) from None
    message = TrackableObjectGraph()
    is_named = not reader.has_tensor(OBJECT_GRAPH_KEY)
    if not is_named:
        message.ParseFromString(reader.get_tensor(OBJECT_GRAPH_KEY))
    skip_slots = options is not None and options.experimental_skip_slot_variables
    restoration = _Restoration(reader, message, skip_slots)
    if is_named:
        _restore_by_name(restoration, root)
    else:
        restoration.restore(root, 0)
    return CheckpointLoadStatus(restoration, root)


def _restore_by_name(restoration: _Restoration, root: Any) -> None:
    """Restore a checkpoint that a `Saver` wrote: variables by their names."""
    for _, _, _, value in ObjectGraph(root).values():
        variable = variable_in(value)
        name = None if variable is None else variable.name.removesuffix(":0")
        if name is not None and restoration.reader.has_tensor(name):
            restoration.message.nodes.add().attributes.add(name=VARIABLE_VALUE, full_name=name, checkpoint_key=name)
            number = len(restoration.message.nodes) - 1
            restoration.matched[number] = value
            restoration.assign(variable, restoration.reader.get_tensor(name))


# What users call.


class Checkpoint(AutoTrackable):
    """Saves and restores the variables that objects hold, by the names of the attributes that lead to them.

    Args:
        root: an object whose attributes are saved as if they were the checkpoint's own.
        **kwargs: further objects; each becomes an attribute.
    Raises:
        ValueError: if an argument is not trackable, or `root` has another object of that name.

    >>> import tempfile
    >>> import penstock as tf
    >>> w = tf.Variable(1.0)
    >>> checkpoint = tf.train.Checkpoint(w=w)
    >>> path = checkpoint.save(tempfile.mkdtemp() + "/model")
    >>> _ = w.assign(5.0)
    >>> _ = checkpoint.restore(path).assert_consumed()
    >>> w.numpy().item()
    1.0
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._self_save_counter: Any = None
        self._self_root = root
        if root is not None and not is_tracked(root):
            raise ValueError(
                f"`Checkpoint` was expecting `root` to be a trackable object (an object derived from `Trackable`), got "
                f"{root!r}. If you believe this object should be trackable, derive it from tf.Module."
            )
        for name, value in sorted(kwargs.items()):
            if not is_tracked(value) and not (isinstance(value, (list, tuple, dict)) and not value):
                raise ValueError(
                    f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from `Trackable`), "
                    f"got {value!r}. If you believe this object should be trackable, derive it from tf.Module."
                )
            attached = None if root is None else _children(root).get(name)
            if attached is not None and attached is not value:
                raise ValueError(
                    f"Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists."
                )
            setattr(self, name, value)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = {} if self._self_root is None else _children(self._self_root)
        children.update(super()._trackable_children(save_type, **kwargs))
        if self._self_save_counter is not None:
            children["save_counter"] = self._self_save_counter
        return children

    @property
    def save_counter(self) -> Any:
        """A variable with the number of times that `save` was called."""
        self._maybe_create_save_counter()
        return self._self_save_counter

    def _maybe_create_save_counter(self) -> None:
        if self._self_save_counter is None:
            with init_scope():
                self._self_save_counter = Variable(0, dtype="int64", trainable=False, name="save_counter")
            self._handle_deferred_dependencies("save_counter", self._self_save_counter)

    def write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a checkpoint with exactly this prefix, without counting it.

        Args:
            file_prefix: the prefix.
            options: see `CheckpointOptions`.
        Returns:
            The prefix.
        """
        return self._write(file_prefix, options)

    def _write(self, file_prefix: Any, options: CheckpointOptions | None, session: Any = None) -> str:
        prefix = os.fspath(file_prefix)
        save_objects(self, prefix, session)
        for callback in (options.experimental_write_callbacks or ()) if options is not None else ():
            callback(prefix) if callback.__code__.co_argcount else callback()
        return prefix

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a numbered checkpoint, and note it as the latest in the directory's file "checkpoint".

        Args:
            file_prefix: the prefix, to which "-1", "-2" ... is appended.
            options: see `CheckpointOptions`.
        Returns:
            The prefix with the number.
        """
        return self._save(file_prefix, options)

    def _save(self, file_prefix: Any, options: CheckpointOptions | None, session: Any = None) -> str:
        is_new = self._self_save_counter is None
        self._maybe_create_save_counter()
        if executing_eagerly():
            number = int(self._self_save_counter.assign_add(1).numpy())
        else:
            found = _session(session)
            if is_new:
                found.run(self._self_save_counter.initializer)
            number = int(found.run(self._self_save_counter)) + 1
            self._self_save_counter.load(number, found)
        prefix = self._write(f"{os.fspath(file_prefix)}-{number}", options, session)
        update_checkpoint_state(
            os.path.dirname(prefix),
            model_checkpoint_path=prefix,
            all_model_checkpoint_paths=[prefix],
            save_relative_paths=True,
        )
        return prefix

    def read(self, save_path: Any, options: CheckpointOptions | None = None) -> CheckpointLoadStatus:
        """Restore a checkpoint that `write` wrote; the save counter is not restored unless it is there.

        Args:
            save_path: the checkpoint's prefix.
            options: see `CheckpointOptions`.
        """
        return restore_objects(self, save_path, options)

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> CheckpointLoadStatus:
        """Restore a checkpoint; values of objects that do not exist yet are restored when these are made.

        Args:
            save_path: the checkpoint's prefix, as `save` or `tf.train.latest_checkpoint` return it; None restores
                nothing.
            options: see `CheckpointOptions`.
        Returns:
            What was restored; call `assert_consumed()` on it to be sure that everything was.
        Raises:
            NotFoundError: if there is no such checkpoint.
            ValueError: if a stored value does not fit its variable.
        """
        status = restore_objects(self, save_path, options)
        self._maybe_create_save_counter()
        return status


class CheckpointV1(Checkpoint):
    """Saves and restores the variables that objects hold (see `Checkpoint`), also in a session.

    Args:
        **kwargs: the objects; each becomes an attribute.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, **kwargs)

    def write(self, file_prefix: Any, session: Any = None) -> str:
        """Write a checkpoint with exactly this prefix.

        Args:
            file_prefix: the prefix.
            session: in a graph, the session; by default the default session.
        """
        return self._write(file_prefix, None, session)

    def save(self, file_prefix: Any, session: Any = None) -> str:
        """Write a numbered checkpoint, and note it as the latest in the directory's file "checkpoint".

        Args:
            file_prefix: the prefix, to which "-1", "-2" ... is appended.
            session: in a graph, the session; by default the default session.
        """
        return self._save(file_prefix, None, session)

    def restore(self, save_path: Any) -> CheckpointLoadStatus:  # type: ignore[override]
        """Restore a checkpoint; see `Checkpoint.restore`. In a graph, call `run_restore_ops` on the result."""
        return super().restore(save_path)
