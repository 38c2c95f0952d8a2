"""Variables behind handles: the variables of TensorFlow 2, and of TensorFlow 1 where resource variables are chosen."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from penstock.core.array import clone
from penstock.core.context import executing_eagerly
from penstock.core.context import state as thread
from penstock.core.convert import convert_to_tensor
from penstock.core.dispatch import on_requested_device, record_call
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import Graph, current_graph, get_default_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape
from penstock.core.tape import watch_variable_access
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor, default_session, format_value
from penstock.formats import protos
from penstock.language.control_flow import cond
from penstock.language.init_scope import init_scope
from penstock.language.variable_base import (
    SaveSliceInfo,
    VariableAggregation,
    VariableSynchronization,
    VariableV1,
    add_variable_to_collections,
    batch_scatter,
    check_arguments,
    check_collections,
    check_initial_value,
    note_access,
    prepend_scope,
    strip_scope,
    to_initial_tensor,
)
from penstock.ops.constant import identity
from penstock.ops.state import scatter
from penstock.ops.state import variables as state

_numbers = itertools.count()


class ResourceVariable(VariableV1):
    """A variable behind a handle.

    In a graph: nodes `w` (VarHandleOp), `w/IsInitialized/VarIsInitializedOp`, `w/Assign` and `w/Read/ReadVariableOp`.
    In eager execution its memory belongs to the object alone and is freed with it.

    See `VariableV1` for the arguments; `handle` makes a variable of a handle that exists.
    """

    _creation = None  # type: ignore[assignment]
    _handle: Tensor
    _name: str
    _shape: TensorShape
    _dtype: DType
    _in_graph_mode: bool
    _initial_value: Tensor | None = None
    _initializer: Operation | None = None
    _graph_element: SymbolicTensor | None = None
    _is_initialized_tensor: SymbolicTensor | None = None
    _cached_value: SymbolicTensor | None = None

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        variable_def: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        distribute_strategy: Any = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: VariableAggregation | None = None,
        shape: Any = None,
        handle: Tensor | None = None,
    ) -> None:
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    f"variable_def and initial_value are mutually exclusive. Got both: variable_def={variable_def}"
                )
            if executing_eagerly():
                raise ValueError(
                    "Creating a `tf.Variable` with a `variable_def` arg is not supported when eager execution is "
                    "enabled."
                )
            self._find(variable_def, import_scope)
            return
        self._trainable, self._synchronization, self._aggregation = check_arguments(
            trainable, synchronization, aggregation, name, constraint
        )
        self._constraint = constraint
        if handle is not None:
            self._adopt(handle, name, dtype, shape)
            return
        check_initial_value(initial_value)
        collections = check_collections(collections, self._trainable)
        with init_scope():
            self._in_graph_mode = not executing_eagerly()
            if self._in_graph_mode:
                self._build(initial_value, validate_shape, caching_device, name, dtype, shape)
                add_variable_to_collections(self, collections)
            else:
                self._make(initial_value, name, dtype, shape)

    def _make(self, initial_value: Any, name: str | None, dtype: Any, shape: Any) -> None:
        """Make the variable in eager execution."""
        with name_scope(name, "Variable") as scope:
            self._name = scope[:-1] or "Variable"
            with name_scope("Initializer"):
                value = initial_value() if callable(initial_value) else initial_value
                initial = value.value() if isinstance(value, VariableV1) else to_initial_tensor(value, dtype)
        if dtype is not None and initial.dtype != as_dtype(dtype).base_dtype:
            initial = to_initial_tensor(initial, dtype)
        self._describe(initial, shape)
        self._handle = on_requested_device(state.anonymous_handle(self._name, self._dtype, self._shape.as_tuple()))
        assert isinstance(initial, EagerTensor)
        self._handle.value.assign(initial.value)
        self._unique_id = f"{self._name}_{next(_numbers)}"

    def _describe(self, initial: Tensor, shape: Any) -> None:
        self._dtype = initial.dtype.base_dtype
        self._shape = initial.shape if shape is None else TensorShape(shape)
        if not self._shape.is_compatible_with(initial.shape):
            raise ValueError(
                f"In this `tf.Variable` creation, the initial value's shape ({initial.shape}) is not compatible "
                "with the explicitly "
                f"supplied `shape` argument ({self._shape})."
            )

    def _build(
        self, initial_value: Any, validate_shape: bool, caching_device: Any, name: str | None, dtype: Any, shape: Any
    ) -> None:
        """Make the variable's nodes in the current graph."""
        graph = get_default_graph()
        with name_scope(name, "Variable") as scope:
            self._name = self._unique_id = scope[:-1]
            with graph.attr_scope({"_class": [b"loc:@" + self._name.encode()]}):
                with graph.name_scope("Initializer"), graph.device(None):
                    value = initial_value() if callable(initial_value) else initial_value
                    self._initial_value = initial = to_initial_tensor(value, dtype)
                if validate_shape and shape is None and not initial.shape.is_fully_defined():
                    raise ValueError(
                        f"initial_value must have a shape specified: {initial}. Give its sizes, or pass "
                        "validate_shape=False."
                    )
                self._describe(initial, shape)
                self._handle = state.var_handle_op(
                    dtype=self._dtype, shape=self._shape.as_tuple(), shared_name=self._name, name=scope
                )
            with graph.name_scope("IsInitialized"):
                self._is_initialized_tensor = state.var_is_initialized_op(self._handle)
            with graph.colocate_with(None), graph.device(self._handle.op.device or None):  # type: ignore[attr-defined]
                self._initializer = state.assign_variable_op(self._handle, initial, dtype=self._dtype, name="Assign")
            with graph.name_scope("Read"):
                self._graph_element = self._read_node()
                if caching_device is not None:
                    with graph.device(caching_device(self.op) if callable(caching_device) else caching_device):
                        self._cached_value = identity(self._graph_element)

    def _adopt(self, handle: Tensor, name: str | None, dtype: Any, shape: Any) -> None:
        self._handle = handle
        self._in_graph_mode = isinstance(handle, SymbolicTensor)
        owner: Any = handle.op if isinstance(handle, SymbolicTensor) else handle.value  # type: ignore[attr-defined]
        self._name = self._unique_id = name or owner.name
        if dtype is None and isinstance(handle, EagerTensor):
            dtype, shape = handle.value.dtype, handle.value.dims
        self._dtype, self._shape = as_dtype(dtype).base_dtype, TensorShape(shape)

    def _find(self, variable_def: Any, import_scope: str | None) -> None:
        if not variable_def.is_resource:
            raise ValueError("Trying to restore a Variable as a ResourceVariable.")
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(prepend_scope(name, import_scope))

        self._in_graph_mode = True
        self._handle = find(variable_def.variable_name)
        op = self._handle.op  # type: ignore[attr-defined]
        self._name = self._unique_id = op.name
        self._dtype, self._shape = op.attrs["dtype"], TensorShape(op.attrs["shape"])
        self._initializer = find(variable_def.initializer_name)
        self._initial_value = find(variable_def.initial_value_name) if variable_def.initial_value_name else None
        self._graph_element = find(variable_def.snapshot_name) if variable_def.snapshot_name else None
        self._trainable, self._synchronization, self._aggregation = check_arguments(
            variable_def.trainable,
            VariableSynchronization(variable_def.synchronization),
            VariableAggregation(variable_def.aggregation),
            variable_def.variable_name,
            None,
        )
        self._constraint = None
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = SaveSliceInfo(
                save_slice_info_def=variable_def.save_slice_info_def, import_scope=import_scope
            )

    # What it is

    @property
    def name(self) -> str:
        return f"{self._name}:0"

    @property
    def _handle_name(self) -> str:
        return f"{self._name}:0"

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return self._shape

    def set_shape(self, shape: Any) -> None:
        """Merge what the caller knows into the static shape."""
        self._shape = self._shape.merge_with(shape)

    @property
    def handle(self) -> Tensor:
        """The tensor of type resource by which operations find the variable."""
        return self._handle

    @property
    def op(self) -> Any:
        """The node that gives the handle."""
        return self._handle.op  # type: ignore[attr-defined]

    @property
    def graph(self) -> Graph:
        """The graph that holds it; eager variables have none."""
        return self._handle.graph  # type: ignore[attr-defined]

    @property
    def device(self) -> str:
        """The device of its memory."""
        return self._handle.device  # type: ignore[attr-defined]

    @property
    def initializer(self) -> Operation | None:
        """The operation that assigns the initial value; None for eager variables."""
        return self._initializer

    @property
    def initial_value(self) -> Tensor | None:
        """The tensor that the initializer assigns.

        Raises:
            RuntimeError: in eager execution.
        """
        if not self._in_graph_mode:
            raise RuntimeError("This property is not supported when eager execution is enabled.")
        return self._initial_value

    @property
    def create(self) -> Operation | None:
        """The operation that assigns the initial value; see `initializer`."""
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        return self._initializer

    def _gradient_source(self) -> Tensor:
        return self._handle

    def _as_graph_element(self) -> SymbolicTensor | None:
        return self._graph_element

    # Reading

    def _after(self) -> Any:
        """Return the context in which operations on the variable are made."""
        return contextlib.nullcontext()

    def _read_node(self) -> Any:
        value = state.read_variable_op(self._handle, dtype=self._dtype)
        if isinstance(value, SymbolicTensor):
            value.set_shape(self._shape)
        return value

    def _read(self) -> Any:
        handle = self._handle
        if type(handle) is EagerTensor and not thread.eager_device and current_graph() is None:
            value = EagerTensor(handle.value.read_shared(), self._dtype)
            if thread.tapes:
                if self._trainable:
                    watch_variable_access(self)
                attrs = {"dtype": self._dtype}
                record_call(state.read_variable_op, "ReadVariableOp", (handle,), attrs, (value,))
            return value
        note_access(self)
        with self._after():
            return self._read_node()

    def value(self) -> Any:
        if self._cached_value is not None and current_graph() is self._cached_value.graph:
            return self._cached_value
        return self._read()

    def read_value(self) -> Any:
        if current_graph() is None:
            return self._read()
        with name_scope("Read"):
            value = self._read()
        return identity(value)

    def read_value_no_copy(self) -> Any:
        """Return the value as a tensor; reading never copies, see `read_value`."""
        return self.read_value()

    def initialized_value(self) -> Any:
        """Return the value where it is initialized, and the initial value where it is not."""
        if not self._in_graph_mode:
            return self.read_value()
        with init_scope():
            return cond(self.is_initialized(), self.read_value, lambda: self.initial_value)

    def is_initialized(self, name: str | None = None) -> Any:
        """Return a boolean tensor: whether anything has been assigned."""
        return state.var_is_initialized_op(self._handle, name=name)

    def eval(self, session: Any = None) -> Any:
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        assert self._graph_element is not None
        return self._graph_element.eval(session=session)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Return rows of the value.

        Args:
            indices: integer tensor of any shape.
            name: the name of the node.
        """
        note_access(self)
        with self._after():
            value = state.resource_gather_op(self._handle, indices, dtype=self._dtype, name=name or "Gather")
        if isinstance(value, SymbolicTensor):
            value.set_shape(TensorShape(value.op.inputs[1].dims).concatenate(self._shape[1:]))
        return value

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """Return elements or slices of the value; see `tf.gather_nd`."""
        note_access(self)
        with self._after():
            return identity(
                state.resource_gather_nd_op(self._handle, indices, dtype=self._dtype, name=name or "GatherNd")
            )

    # Updating

    def _convert(self, value: Any) -> Tensor:
        return convert_to_tensor(value, self._dtype)

    def _updated(self, op: Operation | None, read_value: bool) -> Any:
        if op is None:
            return self if read_value else None
        return _UnreadVariable(self, op) if read_value else op

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Make `value` the new value.

        Args:
            value: a tensor of the variable's type and shape.
            use_locking: accepted; updates are always whole.
            name: the name of the node.
            read_value: whether the variable is returned, to be read after the assignment, or the operation.
        Raises:
            ValueError: if the shape of `value` does not fit.
        """
        if type(value) is EagerTensor and value.dims == self._shape.as_tuple():
            if self._update_now(state.assign_variable_op, value):
                return self if read_value else None
        with self._after():
            tensor = self._convert(value)
            if not self._shape.is_compatible_with(tensor.shape):
                raise ValueError(
                    f"Cannot assign value to variable '{self.name}': Shape mismatch."
                    f"The variable shape {self._shape}, and the assigned value shape {tensor.shape} are incompatible."
                )
            op = state.assign_variable_op(self._handle, tensor, dtype=self._dtype, name=name)
        return self._updated(op, read_value)

    def _update_now(self, op: Any, value: Any) -> bool:
        """Update the variable at once, if nothing is to be converted or recorded; tell whether that was done."""
        handle = self._handle
        if (
            type(value) is not EagerTensor
            or type(handle) is not EagerTensor
            or thread.eager_device
            or current_graph() is not None
        ):
            return False
        if value.dtype is not self._dtype:
            return False
        try:
            op.kernel(handle.value, value.value, dtype=self._dtype)
        except Exception:  # the operation itself fails again, and explains
            return False
        return True

    def _check_delta(self, delta: Tensor, verb: str) -> None:
        if current_graph() is not None and not self._shape.is_compatible_with(delta.shape):
            raise ValueError(
                f"Cannot {verb} variable '{self.name}': shapes {self._shape} and {delta.shape} must be equal"
            )

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add `delta`; see `assign`."""
        if self._update_now(state.assign_add_variable_op, delta):
            return self if read_value else None
        with self._after():
            tensor = self._convert(delta)
            self._check_delta(tensor, "add to")
            op = state.assign_add_variable_op(self._handle, tensor, dtype=self._dtype, name=name)
        return self._updated(op, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract `delta`; see `assign`."""
        if self._update_now(state.assign_sub_variable_op, delta):
            return self if read_value else None
        with self._after():
            tensor = self._convert(delta)
            self._check_delta(tensor, "subtract from")
            op = state.assign_sub_variable_op(self._handle, tensor, dtype=self._dtype, name=name)
        return self._updated(op, read_value)

    def _scatter(self, op: Any, sparse_delta: Any, name: str | None) -> Any:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {sparse_delta}")
        with self._after():
            values = self._convert(sparse_delta.values)
            return self._updated(op(self._handle, sparse_delta.indices, values, dtype=self._dtype, name=name), True)

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.resource_scatter_update_op, sparse_delta, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Add the values of IndexedSlices to the rows that they name."""
        return self._scatter(scatter.resource_scatter_add_op, sparse_delta, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtract the values of IndexedSlices from the rows that they name."""
        return self._scatter(scatter.resource_scatter_sub_op, sparse_delta, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiply the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.resource_scatter_mul_op, sparse_delta, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divide the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.resource_scatter_div_op, sparse_delta, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Make the rows that IndexedSlices name at most their values."""
        return self._scatter(scatter.resource_scatter_min_op, sparse_delta, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Make the rows that IndexedSlices name at least their values."""
        return self._scatter(scatter.resource_scatter_max_op, sparse_delta, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace slices within each batch entry; see `tf.compat.v1.batch_scatter_update`."""
        return batch_scatter(self, sparse_delta.indices, sparse_delta.values, name)

    def _scatter_nd(self, op: Any, indices: Any, updates: Any, name: str | None) -> Any:
        with self._after():
            return self._updated(op(self._handle, indices, self._convert(updates), T=self._dtype, name=name), True)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace the elements or slices at `indices` by `updates`; see `tf.scatter_nd`."""
        return self._scatter_nd(scatter.resource_scatter_nd_update_op, indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add `updates` to the elements or slices at `indices`."""
        return self._scatter_nd(scatter.resource_scatter_nd_add_op, indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract `updates` from the elements or slices at `indices`."""
        return self._scatter_nd(scatter.resource_scatter_nd_sub_op, indices, updates, name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Make the elements or slices at `indices` at most `updates`."""
        return self._scatter_nd(scatter.resource_scatter_nd_min_op, indices, updates, name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Make the elements or slices at `indices` at least `updates`."""
        return self._scatter_nd(scatter.resource_scatter_nd_max_op, indices, updates, name)

    def _strided_slice_assign(self, begin: Any, end: Any, strides: Any, value: Any, name: Any, **masks: int) -> Any:
        with self._after():
            op = state.resource_strided_slice_assign_op(
                self._handle, begin, end, strides, self._convert(value), T=self._dtype, name=name, **masks
            )
        return self._updated(op, True)

    def count_up_to(self, limit: int) -> Any:
        """Return the value and add one to it; at `limit` it raises OutOfRangeError instead."""
        return state.resource_count_up_to_op(self._handle, limit=limit, T=self._dtype)

    def load(self, value: Any, session: Any = None) -> None:
        """Make an array the new value, in `session` or the default session, without growing the graph.

        Raises:
            ValueError: if there is no session.
        """
        if not self._in_graph_mode:
            self.assign(value)
            return
        assert self._initializer is not None
        session = default_session(session, self.graph, "load", f"variable {self.name!r}")
        session.run(self._initializer, {self._initializer.inputs[1]: value})

    # In-place operators would rebind the name to a tensor, and leave the variable as it was.

    def __iadd__(self, other: Any) -> Any:
        return self._refuse_in_place("+", "assign_add")

    def __isub__(self, other: Any) -> Any:
        return self._refuse_in_place("-", "assign_sub")

    def __imul__(self, other: Any) -> Any:
        return self._refuse_in_place("*", "assign")

    def __itruediv__(self, other: Any) -> Any:
        return self._refuse_in_place("/", "assign")

    def __ipow__(self, other: Any) -> Any:
        return self._refuse_in_place("**", "assign")

    def _refuse_in_place(self, operator: str, method: str) -> NoReturn:
        raise RuntimeError(
            f"`variable {operator}= value` is not supported for tf.Variables: use `variable.{method}(...)` to change "
            f"{self.name!r}, or `out = variable {operator} value` for a new tensor."
        )

    # As a Python object

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __int__(self) -> int:
        return int(self.read_value())

    def __float__(self) -> float:
        return float(self.read_value())

    def __complex__(self) -> complex:
        return complex(self.read_value())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        result = np.asarray(self.numpy())
        return result if dtype is None else result.astype(dtype, copy=False)

    def __copy__(self) -> ResourceVariable:
        return self

    def __deepcopy__(self, memo: Any) -> ResourceVariable:
        if self._in_graph_mode or not executing_eagerly():
            raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(self.__dict__)
        copied._handle = state.anonymous_handle(self._name, self._dtype, self._shape.as_tuple())
        copied._handle.value.value = clone(self._handle.value.read())  # type: ignore[attr-defined]
        return copied

    def __reduce__(self) -> Any:
        if self._in_graph_mode:
            raise NotImplementedError("a variable of a graph cannot be pickled: save it with tf.train.Saver")
        return _restored, (np.asarray(self.numpy()), self._trainable, self._name, self._dtype, self._constraint)

    # Records

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Return a VariableDef message; None if the variable is not within `export_scope`.

        Raises:
            RuntimeError: in eager execution.
        """
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        message = protos.VariableDef(
            variable_name=strip_scope(self._handle.name, export_scope),  # type: ignore[attr-defined]
            is_resource=True,
            trainable=self._trainable,
            synchronization=self._synchronization.value,
            aggregation=self._aggregation.value,
        )
        for field, item in (
            ("initial_value_name", self._initial_value),
            ("initializer_name", self._initializer),
            ("snapshot_name", self._cached_value if self._cached_value is not None else self._graph_element),
        ):
            if item is not None:
                setattr(message, field, strip_scope(item.name, export_scope))  # type: ignore[union-attr]
        if self._save_slice_info is not None:
            message.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return message

    def __repr__(self) -> str:
        described = f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}"
        if self._in_graph_mode or not executing_eagerly():
            return f"{described}>"
        value = self._handle.value.value  # type: ignore[attr-defined]
        text = "<uninitialized>" if value is None else format_value(self.value(), repr)
        return f"{described}, numpy={text}>"


def _restored(value: np.ndarray, trainable: bool, name: str, dtype: DType, constraint: Any) -> ResourceVariable:
    return ResourceVariable(value, trainable=trainable, name=name, dtype=dtype, constraint=constraint)


class _UnreadVariable(ResourceVariable):
    """What an assignment in a graph returns: the variable, to be read after that assignment."""

    def __init__(self, variable: ResourceVariable, parent: Operation) -> None:
        self.__dict__.update(variable.__dict__)
        self._parent = parent
        self._cached_value = None
        with self._after():
            self._graph_element = self._read_node()

    def _after(self) -> Any:
        graph = current_graph()
        if graph is None or graph is not self._parent.graph:
            return contextlib.nullcontext()
        return graph.control_dependencies([self._parent])

    @property
    def name(self) -> str:
        return self._parent.name if self._in_graph_mode else f"{self._name}:0"

    @property
    def op(self) -> Any:
        return self._parent
