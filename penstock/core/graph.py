"""Graphs of operations, and the default graph of a thread."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

from penstock.core import context
from penstock.core.device import DeviceSpecV2
from penstock.core.graph_def import graph_def
from penstock.core.inference import infer_dims, output_dtypes
from penstock.core.op_def import OpDef, lookup
from penstock.core.operation import Operation, describe
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims
from penstock.core.tensor import SymbolicTensor

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_USER_CODE_INSIDE = (_PACKAGE + "examples" + os.sep, _PACKAGE + "cli" + os.sep)
_VALID_OP_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE_NAME = re.compile(r"[A-Za-z0-9_.\\/>-]*$")


class _ControlDependencies:
    """The control inputs of one `control_dependencies` block, and the operations made inside it."""

    def __init__(self, inputs: list[Operation], clears: bool) -> None:
        self.inputs = inputs
        self.clears = clears
        self.made: set[Operation] = set()


def _inside(graph: Graph) -> str:
    """Return in which loop, branch or function the operations of a graph stand, as a further sentence for a message."""
    if not graph.building_function:
        return ""
    loop = getattr(graph, "loop", None)
    if loop is not None:
        place = f"the body of the loop {loop.name!r}, and has a value for each iteration: make it a loop variable"
    else:
        place = f"the function or branch {getattr(graph, 'name', '')!r}: return it from there"
    return f" It is inside {place}, and fetch or feed what the outer graph has."


class Graph:
    """A dataflow graph: operations, joined by the tensors that they give and take.

    A graph only grows. It belongs to whoever builds it; building from several threads is safe, but names and device
    scopes are shared between them.
    """

    building_function = False

    def __init__(self) -> None:
        self._lock = threading.RLock()  # guards the tables of names and operations
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names_in_use: dict[str, int] = {}
        self._name_stack = ""
        self._device_stack: list[Any] = []
        self._control_stack: list[_ControlDependencies] = []
        self._colocation_stack: list[Operation | None] = []
        self._gradient_overrides: dict[str, str] = {}
        self._attr_scope: dict[str, Any] = {}
        self._collections: dict[Any, list[Any]] = {}
        self._functions: dict[str, Any] = {}
        self._finalized = False
        self._version = 0
        self._rewired_version = 0  # the version at which an existing operation last changed
        self._unfeedable: set[SymbolicTensor] = set()
        self._unfetchable: set[Any] = set()
        self.seed: int | None = None

    # Growth

    def add_operation(
        self,
        op_def: OpDef,
        inputs: Sequence[SymbolicTensor],
        attrs: dict[str, Any],
        name: str,
        control_inputs: Iterable[Operation] = (),
        output_dims: Sequence[Dims] | None = None,
        device: str | None = None,
    ) -> Operation:
        """Add a node; the one way in which a graph grows.

        Args:
            op_def: the operation.
            inputs: tensors of this graph, sequences flattened.
            attrs: all attributes, those of types included.
            name: the node's full name, already unique.
            control_inputs: operations that must run before, besides those of the surrounding scopes.
            output_dims: static shapes, where they are known better than by the shape rule.
            device: the requested device; by default that of the surrounding scopes.
        Raises:
            RuntimeError: if the graph is finalized.
            ValueError: if shapes do not fit.
        """
        if self._finalized:
            raise RuntimeError(
                f"Graph is finalized and cannot be modified: {op_def.name} {name!r} would be a new operation. Build "
                "every operation "
                "before the session, scaffold or supervisor finalizes the graph, and only run them afterwards."
            )
        dtypes = output_dtypes(op_def, attrs)
        if output_dims is None:
            try:
                output_dims = infer_dims(op_def, inputs, attrs, len(dtypes))
            except ShapeError as error:
                raise ValueError(_explain(op_def, name, inputs, error)) from None
        controls = self._control_inputs_for(inputs, control_inputs)
        if self._attr_scope:
            attrs.update({key: value for key, value in self._attr_scope.items() if key not in attrs})
        if op_def.name in self._gradient_overrides:
            attrs["_gradient_op_type"] = self._gradient_overrides[op_def.name]
        with self._lock:
            op = Operation(
                self,
                op_def,
                name,
                inputs,
                attrs,
                zip(dtypes, output_dims, strict=True),
                controls,
                self._current_device(op_def, attrs, name) if device is None else device,
                len(self._operations),
                _user_line(),
            )
            self._operations.append(op)
            self._by_name[name] = op
            self._version += 1
        if self._device_stack and device is None and any(callable(entry) for entry in self._device_stack):
            op.device = self._device_from_functions(op)
        if self._colocation_stack and self._colocation_stack[-1] is not None:
            self._colocate(op, self._colocation_stack)
        for scope in self._control_stack:
            scope.made.add(op)
        return op

    def capture(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Return `tensor` as this graph may use it. A plain graph captures nothing.

        Raises:
            ValueError: if the tensor is of another graph.
        """
        if tensor.op.graph is self:
            return tensor
        line = tensor.op.created_at
        where = f", made at {line[0]}:{line[1]}" if line else ""
        raise ValueError(
            f"Tensor {tensor.name!r} must be from the same graph as the operation that takes it, but is of another "
            f"graph{where}. "
            "Build both inside one `with graph.as_default():`."
        )

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[SymbolicTensor],
        dtypes: Sequence[Any] | None = None,
        input_types: Any = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: Any = None,
        compute_shapes: bool = True,
        compute_device: bool = True,
    ) -> Operation:
        """Add a node by the name of its operation; the programs of TensorFlow 1 call this.

        Args:
            op_type: the operation's name.
            inputs: tensors, sequences flattened.
            dtypes, input_types, op_def, compute_shapes, compute_device: accepted as TensorFlow does; the declaration
                decides.
            name: the node's name; one that ends in "/" is taken as it is.
            attrs: attributes; those of types follow from the inputs where they are missing.
        """
        declaration = lookup(op_type)
        full = dict(declaration.defaults)
        position = 0
        for argument in declaration.inputs:
            if argument.type_attr is not None and position < len(inputs):
                full[argument.type_attr] = inputs[position].dtype.base_dtype
            position += 1
        full.update(attrs or {})
        return self.add_operation(
            declaration, [self.capture(t) for t in inputs], full, self.unique_name(name or op_type)
        )

    def _control_inputs_for(self, inputs: Sequence[SymbolicTensor], extra: Iterable[Operation]) -> list[Operation]:
        controls: dict[Operation, None] = dict.fromkeys(extra)
        if self._control_stack:
            producers = {tensor.op for tensor in inputs}
            for scope in self._control_stack:
                # An input made inside the block already waits for the block's control inputs.
                if producers.isdisjoint(scope.made):
                    controls.update(dict.fromkeys(op for op in scope.inputs if op not in producers))
        return list(controls)

    # Names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Return `name` in the current name scope, with `_1`, `_2` … appended if it is taken.

        A name that ends in "/" stands for itself, without the slash. Names that differ in case alone count as the same.

        Raises:
            ValueError: if the name has characters that names cannot have.
        """
        if name and name[-1] == "/":
            full = name[:-1]
            if mark_as_used:
                self._names_in_use.setdefault(full.lower(), 1)
            return full
        if self._name_stack:
            name = f"{self._name_stack}/{name}"
        key = name.lower()
        count = self._names_in_use.get(key)
        if count is None:
            if not _VALID_OP_NAME.match(name):
                raise ValueError(f"{name!r} is not a valid scope name: use letters, digits and _ . - /")
            if mark_as_used:
                self._names_in_use[key] = 1
            return name
        with self._lock:
            candidate = key
            while candidate in self._names_in_use:
                candidate = f"{key}_{count}"
                count += 1
            if mark_as_used:
                self._names_in_use[key] = count
                self._names_in_use[candidate] = 1
        return f"{name}_{count - 1}"

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefix the names of operations made within the block.

        Args:
            name: the scope; made unique, unless it ends in "/" (then it is re-entered). None or "" leaves all scopes.
        Yields:
            The scope with a slash at its end, or "".
        """
        previous = self._name_stack
        self._name_stack = scope = self._new_scope(name)
        try:
            yield scope + "/" if scope else ""
        finally:
            self._name_stack = previous

    def _new_scope(self, name: str | None) -> str:
        """Return the full name of the scope that `name` asks for, without a slash at its end."""
        if not name:
            return ""
        if isinstance(name, bytes):
            name = name.decode()
        if not isinstance(name, str):
            raise TypeError(f"`name` for a name scope must be a string, got {name!r} of type {type(name).__name__}")
        pattern = _VALID_SCOPE_NAME if self._name_stack else _VALID_OP_NAME
        if not pattern.match(name):
            raise ValueError(f"{name!r} is not a valid scope name: use letters, digits and _ . - /")
        return name[:-1] if name[-1] == "/" else self.unique_name(name)

    def get_name_scope(self) -> str:
        """Return the current name scope, without a slash at its end."""
        return self._name_stack

    # Devices and colocation

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Request a device for the operations made within the block.

        Args:
            device_name_or_function: a device name, a DeviceSpec, a function from operation to device name, or None
                to leave all surrounding device scopes.
        """
        entry = device_name_or_function
        if entry is not None and not callable(entry):
            entry = entry.to_string() if hasattr(entry, "to_string") else entry
            entry = DeviceSpecV2.from_string(entry).to_string() if entry else ""
        self._device_stack.append(entry)
        try:
            yield
        finally:
            self._device_stack.pop()

    def _current_device(self, op_def: OpDef, attrs: dict[str, Any], name: str) -> str:
        device = ""
        for entry in reversed(self._device_stack):
            if entry is None:
                break
            if not callable(entry):
                device = _merge(device, entry)
        return device

    def _device_from_functions(self, op: Operation) -> str:
        op.device = ""
        for entry in reversed(self._device_stack):
            if entry is None:
                break
            if callable(entry):
                chosen = entry(op)
                op.device = _merge(op.device, chosen.to_string() if hasattr(chosen, "to_string") else chosen or "")
            else:
                op.device = _merge(op.device, entry)
        return op.device

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Place the operations made within the block on the device of `op`.

        Args:
            op: an operation or tensor of this graph, or None to leave all surrounding colocation blocks.
            ignore_existing: whether the surrounding blocks are left.
        """
        target = None
        if op is not None:
            found = getattr(op, "op", op)
            target = self.as_graph_element(found, allow_tensor=False) if not isinstance(found, Operation) else found
        saved = self._colocation_stack
        self._colocation_stack = [] if target is None or ignore_existing else list(saved)
        if target is not None:
            self._colocation_stack.append(target)
        devices = self._device_stack
        if target is not None:
            self._device_stack = [None, target.device] if target.device else [None]
        try:
            yield
        finally:
            self._colocation_stack, self._device_stack = saved, devices

    @staticmethod
    def _colocate(op: Operation, stack: list[Operation | None]) -> None:
        groups: set[bytes] = set(op.attrs.get("_class") or ())
        for target in stack:
            if target is not None:
                groups.update(target.colocation_groups())
        op.attrs["_class"] = sorted(groups)

    # Control dependencies

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Make the operations within the block wait for `control_inputs`.

        Args:
            control_inputs: operations, tensors or variables of this graph; None leaves all surrounding blocks.
        """
        if control_inputs is None:
            scope, saved = _ControlDependencies([], clears=True), self._control_stack
            self._control_stack = []
        else:
            if isinstance(control_inputs, (Operation, SymbolicTensor)) or not isinstance(control_inputs, Iterable):
                control_inputs = [control_inputs]
            ops = [self._as_control_input(item) for item in control_inputs]
            scope, saved = (
                _ControlDependencies(list(dict.fromkeys(op for op in ops if op is not None)), clears=False),
                self._control_stack,
            )
            self._control_stack = [*saved, scope]
        try:
            yield
        finally:
            self._control_stack = saved

    def _as_control_input(self, item: Any) -> Operation | None:
        if item is None:
            raise TypeError("control_dependencies takes operations and tensors, got None; leave the entry out")
        for attribute in ("_as_graph_element", "values"):
            found = getattr(item, attribute, None)
            if attribute == "_as_graph_element" and callable(found):
                item = found()
                break
            if attribute == "values" and found is not None and isinstance(getattr(found, "op", None), Operation):
                item = found
        if isinstance(item, SymbolicTensor):
            item = item.op
        if not isinstance(item, Operation):
            item = self.as_graph_element(item)
            item = item.op if isinstance(item, SymbolicTensor) else item
        if item.graph is not self:
            outer = getattr(self, "outer_graph", None)
            if outer is not None:
                return None  # a function waits for what surrounds it as a whole
            raise ValueError(
                f"control input {item.name!r} is in another graph than the operations that would wait for it"
            )
        return item

    # Looking up

    def get_operations(self) -> list[Operation]:
        """Return the operations in the order in which they were made."""
        return list(self._operations)

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """Return the tensor or operation that `obj` is or names.

        Args:
            obj: a tensor or operation, its name, or an object such as a variable that stands for one.
            allow_tensor: whether a tensor may be returned.
            allow_operation: whether an operation may be returned.
        Raises:
            TypeError: if `obj` is neither, or of the kind that is not allowed.
            ValueError: if it belongs to another graph, or is not a valid name.
            KeyError: if the graph has nothing of that name.
        """
        kinds = " or ".join(
            kind for kind, allowed in (("Tensor", allow_tensor), ("Operation", allow_operation)) if allowed
        )
        converter = getattr(obj, "_as_graph_element", None)
        if callable(converter):
            converted = converter()
            obj = obj if converted is None else converted
        if isinstance(obj, SymbolicTensor) and allow_tensor:
            if obj.graph is not self:
                raise ValueError(f"Tensor {obj} is not an element of this graph.{_inside(obj.graph)}")
            return obj
        if isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                raise ValueError(f"Operation {obj.name!r} is not an element of this graph.{_inside(obj.graph)}")
            return obj
        if isinstance(obj, bytes):
            obj = obj.decode()
        if isinstance(obj, str):
            return self._element_by_name(obj, allow_tensor, allow_operation)
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {kinds}.")

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        if ":" in name and allow_tensor:
            op_name, _, index = name.partition(":")
            if not index.isdigit():
                raise ValueError(
                    f"The name {name!r} looks like a Tensor name, but is not a valid one: expected "
                    "'<operation>:<output index>'."
                )
            op = self._by_name.get(op_name)
            if op is None:
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, does "
                    "not exist in the graph."
                )
            if int(index) >= len(op.outputs):
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. "
                    f"The operation, {op_name!r}, exists but only has {len(op.outputs)} outputs."
                )
            return op.outputs[int(index)]
        if ":" in name:
            raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a Operation.")
        op = self._by_name.get(name)
        if not allow_operation:
            found = (
                f"refers to an Operation, not a Tensor. Name its output, such as '{name}:0'"
                if op
                else "looks like an (invalid) Operation name, not a Tensor"
            )
            raise ValueError(
                f"The name {name!r} {found}. Tensor names must be of the form '<operation>:<output index>'."
            )
        if op is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return op

    def get_operation_by_name(self, name: str) -> Operation:
        """Return the operation of that name; see `as_graph_element` for errors."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """Return the tensor of that name, `<operation>:<output index>`; see `as_graph_element` for errors."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_operation=False)

    # Collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append `value` to a collection; see `GraphKeys` for the standard ones."""
        self._check_not_finalized("add to a collection")
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append `value` to each of several collections, once each."""
        for name in {names: None} if isinstance(names, str) else dict.fromkeys(names):
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """Return a copy of a collection.

        Args:
            name: the collection.
            scope: if given, only items whose name this regular expression matches at its beginning.
        """
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        pattern = re.compile(scope)
        return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """Return a collection itself; changes to the list change the collection."""
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        """Return the names of the collections that hold anything."""
        return [key for key, items in self._collections.items() if isinstance(key, str) and items]

    @property
    def collections(self) -> list[Any]:
        """The names of all collections."""
        return list(self._collections)

    def clear_collection(self, name: Any) -> None:
        """Empty a collection."""
        self._check_not_finalized("clear a collection")
        self._collections.pop(name, None)

    # The whole

    def finalize(self) -> None:
        """Refuse all further growth."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    @property
    def finalized(self) -> bool:
        """Whether the graph refuses to grow."""
        return self._finalized

    def _check_not_finalized(self, task: str = "modify the graph") -> None:
        if self._finalized:
            raise RuntimeError(f"Graph is finalized and cannot be modified: cannot {task}.")

    def _note_rewiring(self) -> None:
        self._version += 1
        self._rewired_version = self._version

    @property
    def version(self) -> int:
        """A number that grows with each change."""
        return self._version

    @property
    def graph_def_versions(self) -> Any:
        """The GraphDef versions that this graph is written with."""
        return graph_def(Graph()).versions

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """Return the graph as a GraphDef message; see `penstock.core.graph_def`."""
        return graph_def(self, from_version, add_shapes)

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Make this the graph in which operations called within the block become nodes."""
        stack = context.state.graphs
        stack.append(self)
        depth = len(stack)
        try:
            yield self
        finally:
            if len(stack) != depth or stack[-1] is not self:
                raise AssertionError(
                    "Nesting violated: a `with graph.as_default()` block was left while an inner one was active."
                )
            stack.pop()

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Use other gradient functions for operations made within the block: operation name -> registered gradient
        name."""
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        saved = self._gradient_overrides
        self._gradient_overrides = {**saved, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = saved

    @contextlib.contextmanager
    def attr_scope(self, attrs: dict[str, Any]) -> Iterator[None]:
        """Set extra attributes on operations made within the block."""
        saved = self._attr_scope
        self._attr_scope = {**saved, **attrs}
        try:
            yield
        finally:
            self._attr_scope = saved

    def prevent_feeding(self, tensor: SymbolicTensor) -> None:
        """Refuse feeds of `tensor`."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: SymbolicTensor) -> bool:
        """Tell whether `tensor` may be fed."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: Any) -> None:
        """Refuse fetches of `op`."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Tell whether a tensor or operation may be fetched."""
        op = tensor_or_op.op if isinstance(tensor_or_op, SymbolicTensor) else tensor_or_op
        return op not in self._unfetchable

    def switch_to_thread_local(self) -> None:
        """Accept the call; scopes of a graph are shared between threads."""

    def __enter__(self) -> Graph:
        context.state.graphs.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        context.state.graphs.pop()

    def __str__(self) -> str:
        lines = [f"  {describe(op)}" for op in self._operations]
        return "\n".join([f"graph of {len(lines)} operations:", *lines])


@functools.lru_cache(maxsize=4096)
def _merge(inner: str, outer: str) -> str:
    return DeviceSpecV2.from_string(outer).make_merged_spec(DeviceSpecV2.from_string(inner)).to_string()


_is_user_file: dict[str, bool] = {}


def _user_line() -> tuple[CodeType, int] | None:
    """Return the innermost line of the call stack that is not Penstock's own."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        is_user = _is_user_file.get(filename)
        if is_user is None:
            inside = filename.startswith(_PACKAGE) and not filename.startswith(_USER_CODE_INSIDE)
            is_user = _is_user_file[filename] = not inside and not filename.endswith("contextlib.py")
        if is_user:
            return frame.f_code, frame.f_lineno
        frame = frame.f_back
    return None


def user_location() -> tuple[str, int] | None:
    """Return the file and line of the user's code that is being run."""
    found = _user_line()
    return None if found is None else (found[0].co_filename, found[1])


def _explain(op_def: OpDef, name: str, inputs: Sequence[SymbolicTensor], error: Exception) -> str:
    lines = [f"{op_def.name} {name!r}: {error}"]
    names = [argument.name for argument in op_def.inputs]
    if len(names) != len(inputs):
        names = [f"input {index}" for index in range(len(inputs))]
    width = max((len(item) for item in names), default=0)
    for label, tensor in zip(names, inputs, strict=True):
        line = tensor.op.created_at
        where = f"   {os.path.basename(line[0])}:{line[1]}" if line else ""
        lines.append(
            f"  {label:<{width}}  {tensor.dtype.name} {format_dims(tensor.dims)}   from {tensor.op.name!r}{where}"
        )
    return "\n".join(lines)


def get_default_graph() -> Graph:
    """Return the innermost graph of the thread's stack, or the thread's default graph."""
    for graph in reversed(context.state.graphs):
        if graph is not None:
            return graph
    return bottom_graph()


def bottom_graph() -> Graph:
    """Return the thread's default graph, which is below all graphs of its stack."""
    if context.state.default_graph is None:
        context.state.default_graph = Graph()
    return context.state.default_graph


def current_graph() -> Graph | None:
    """Return the graph in which an operation called now becomes a node; None when executing eagerly."""
    graphs = context.state.graphs
    if graphs:
        return graphs[-1]
    return None if context._default_eager else get_default_graph()


def reset_default_graph() -> None:
    """Replace the thread's default graph by an empty one.

    Raises:
        AssertionError: inside a `with graph.as_default()` block.
    """
    if any(graph is not None for graph in context.state.graphs):
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, exit the "
            "nesting and create a new graph."
        )
    context.state.default_graph = Graph()


class name_scope:
    """A context manager that opens a name scope in the current graph, or remembers it in eager execution.

    Entering it gives the scope with a slash at its end, or "".

    Args:
        name: the scope, or None for `default_name`.
        default_name: the scope's name where the caller gave none.
        values: tensors of the graph concerned; accepted as TensorFlow does.
    """

    __slots__ = ("_graph", "_saved", "name")

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None) -> None:
        self.name = default_name if name is None else name
        self._graph: Graph | None = None
        self._saved = ""

    def __enter__(self) -> str:
        graph = current_graph()
        if graph is not None:
            self._graph, self._saved = graph, graph._name_stack
            graph._name_stack = scope = graph._new_scope(self.name)
            return scope + "/" if scope else ""
        state = context.state
        self._saved, name = state.eager_scope, self.name
        if not name:
            state.eager_scope = ""
        elif name[-1] == "/":
            state.eager_scope = name
        else:
            state.eager_scope = f"{self._saved}{name}/"
        return state.eager_scope

    def __exit__(self, *_: Any) -> None:
        if self._graph is None:
            context.state.eager_scope = self._saved
        else:
            self._graph._name_stack, self._graph = self._saved, None


class _NoScope:
    """What stands for a name scope where there are no names."""

    __slots__ = ()

    def __enter__(self) -> str:
        return ""

    def __exit__(self, *_: Any) -> None:
        pass


_NO_SCOPE = _NoScope()


def op_scope(name: str | None, default_name: str | None = None, values: Any = None) -> name_scope | _NoScope:
    """Return the context of the nodes that one call of an operation's function makes: a name scope in a graph.

    Eagerly it costs nothing and gives "", since neither nodes nor variables are named within it. See `name_scope` for
    the arguments.
    """
    return _NO_SCOPE if current_graph() is None else name_scope(name, default_name, values)


def get_current_name_scope() -> str:
    """Return the name scope that is open, such as `a/b`; "" where there is none."""
    graph = current_graph()
    return context.state.eager_scope.rstrip("/") if graph is None else graph.get_name_scope()
