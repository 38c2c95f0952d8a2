"""Variables of TensorFlow 1: a node gives a reference, and whoever takes the reference reads or updates it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from penstock.core.dtypes import DType
from penstock.core.graph import Graph, get_default_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape
from penstock.core.tensor import SymbolicTensor, default_session
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
    beside,
    check_arguments,
    check_collections,
    check_initial_value,
    prepend_scope,
    strip_scope,
    to_initial_tensor,
)
from penstock.ops.array.gather import gather_nd, gather_v1
from penstock.ops.constant import identity
from penstock.ops.state import scatter
from penstock.ops.state import variables as state


class RefVariable(VariableV1):
    """A variable that is a reference in a graph: nodes `w` (VariableV2), `w/Assign` and `w/read`.

    See `VariableV1` for the arguments.
    """

    _creation = None  # type: ignore[assignment]
    _variable: SymbolicTensor
    _snapshot: SymbolicTensor
    _initial_value: Any

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: VariableAggregation | None = None,
        shape: Any = None,
    ) -> None:
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    f"variable_def and initial_value are mutually exclusive. Got both: variable_def={variable_def}"
                )
            self._find(variable_def, import_scope)
            return
        check_initial_value(initial_value)
        self._trainable, self._synchronization, self._aggregation = check_arguments(
            trainable, synchronization, aggregation, name, constraint
        )
        self._constraint = constraint
        collections = check_collections(collections, self._trainable)
        with init_scope():
            self._build(initial_value, validate_shape, caching_device, name, dtype, shape)
            add_variable_to_collections(self, collections)

    def _build(
        self, initial_value: Any, validate_shape: bool, caching_device: Any, name: str | None, dtype: Any, shape: Any
    ) -> None:
        graph = get_default_graph()
        with name_scope(name, "Variable") as scope:
            attributes: Any = contextlib.nullcontext()
            if callable(initial_value):
                attributes = graph.attr_scope({"_class": [b"loc:@" + scope[:-1].encode()]})
                with attributes, graph.name_scope("Initializer"), graph.device(None):
                    self._initial_value = to_initial_tensor(initial_value(), dtype)
                attributes = graph.attr_scope({"_class": [b"loc:@" + scope[:-1].encode()]})
            else:
                self._initial_value = to_initial_tensor(initial_value, dtype)
            initial = self._initial_value
            static = initial.shape if shape is None else TensorShape(shape)
            if validate_shape and shape is None and not static.is_fully_defined():
                raise ValueError(
                    f"initial_value must have a shape specified: {initial}. Give its sizes, or pass "
                    "validate_shape=False."
                )
            if not validate_shape and shape is None:
                static = TensorShape(None)
            with attributes:
                self._variable = state.variable_v2_op(shape=static, dtype=initial.dtype.base_dtype, name=scope or None)
            with graph.colocate_with(self._variable.op):
                assigned = state.assign_op(self._variable, initial, validate_shape=validate_shape and shape is None)
                self._initializer: Operation = assigned.op
            self._snapshot = self._make_snapshot(graph, caching_device)

    def _make_snapshot(self, graph: Graph, caching_device: Any) -> SymbolicTensor:
        if caching_device is None:
            with graph.colocate_with(self._variable.op):
                return identity(self._variable, name="read")
        with (
            graph.colocate_with(None),
            graph.device(caching_device if not callable(caching_device) else caching_device(self._variable.op)),
        ):
            return identity(self._variable, name="read")

    def _find(self, variable_def: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(prepend_scope(name, import_scope))

        self._variable = find(variable_def.variable_name)
        self._initializer = find(variable_def.initializer_name)
        self._initial_value = find(variable_def.initial_value_name) if variable_def.initial_value_name else None
        self._snapshot = find(variable_def.snapshot_name)
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
        return self._variable.name

    @property
    def dtype(self) -> DType:
        return self._variable.dtype

    @property
    def shape(self) -> TensorShape:
        return self._variable.shape

    def set_shape(self, shape: Any) -> None:
        """Merge what the caller knows into the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    @property
    def op(self) -> Operation:
        """The node that gives the reference."""
        return self._variable.op

    @property
    def graph(self) -> Graph:
        """The graph that holds it."""
        return self._variable.graph

    @property
    def device(self) -> str:
        """The device of its memory."""
        return self._variable.device

    @property
    def initializer(self) -> Operation:
        """The operation that assigns the initial value."""
        return self._initializer

    @property
    def initial_value(self) -> SymbolicTensor | None:
        """The tensor that the initializer assigns; it may depend on chance, and is not the present value."""
        return self._initial_value

    # Reading

    def _as_graph_element(self) -> SymbolicTensor:
        return self._variable

    def _AsTensor(self) -> SymbolicTensor:
        return self._snapshot

    def _ref(self) -> SymbolicTensor:
        return self._variable

    def _gradient_source(self) -> SymbolicTensor:
        return self._variable

    def value(self) -> SymbolicTensor:
        return self._snapshot

    def read_value(self) -> SymbolicTensor:
        return identity(self._variable, name="read")

    def initialized_value(self) -> Any:
        """Return the value where it is initialized, and the initial value where it is not."""
        with init_scope():
            return cond(self.is_initialized(), self.read_value, lambda: self.initial_value)

    def is_initialized(self, name: str | None = None) -> Any:
        """Return a boolean tensor: whether anything has been assigned."""
        return beside(self._variable, state.is_variable_initialized_op(self._variable, name=name))

    def eval(self, session: Any = None) -> Any:
        return self._variable.eval(session=session)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Return rows of the value.

        Args:
            indices: integer tensor of any shape.
            name: the name of the node.
        """
        return gather_v1(self._snapshot, indices, name=name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """Return elements or slices of the value; see `tf.gather_nd`."""
        return gather_nd(self._snapshot, indices, name=name)

    # Updating

    def _result(self, updated: Any, read_value: bool) -> Any:
        beside(self._variable, updated)
        return updated if read_value else updated.op

    def assign(
        self, value: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Make `value` the new value.

        Args:
            value: a tensor of the variable's type and shape.
            use_locking: accepted; updates are always whole.
            name: the name of the node.
            read_value: whether the reference is returned, or the operation.
        """
        return self._result(
            state.assign_op(self._variable, value, use_locking=bool(use_locking), name=name), read_value
        )

    def assign_add(
        self, delta: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add `delta`; see `assign`."""
        return self._result(
            state.assign_add_op(self._variable, delta, use_locking=bool(use_locking), name=name), read_value
        )

    def assign_sub(
        self, delta: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract `delta`; see `assign`."""
        return self._result(
            state.assign_sub_op(self._variable, delta, use_locking=bool(use_locking), name=name), read_value
        )

    def _scatter(self, op: Any, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        return beside(
            self._variable,
            op(self._variable, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name),
        )

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.scatter_update_op, sparse_delta, use_locking, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Add the values of IndexedSlices to the rows that they name."""
        return self._scatter(scatter.scatter_add_op, sparse_delta, use_locking, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtract the values of IndexedSlices from the rows that they name."""
        return self._scatter(scatter.scatter_sub_op, sparse_delta, use_locking, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiply the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.scatter_mul_op, sparse_delta, use_locking, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divide the rows that IndexedSlices name by their values."""
        return self._scatter(scatter.scatter_div_op, sparse_delta, use_locking, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Make the rows that IndexedSlices name at most their values."""
        return self._scatter(scatter.scatter_min_op, sparse_delta, use_locking, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Make the rows that IndexedSlices name at least their values."""
        return self._scatter(scatter.scatter_max_op, sparse_delta, use_locking, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace slices within each batch entry; see `tf.compat.v1.batch_scatter_update`."""
        return batch_scatter(self, sparse_delta.indices, sparse_delta.values, name)

    def _scatter_nd(self, op: Any, indices: Any, updates: Any, name: str | None) -> Any:
        return beside(self._variable, op(self._variable, indices, updates, use_locking=True, name=name))

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace the elements or slices at `indices` by `updates`; see `tf.scatter_nd`."""
        return self._scatter_nd(scatter.scatter_nd_update_op, indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add `updates` to the elements or slices at `indices`."""
        return self._scatter_nd(scatter.scatter_nd_add_op, indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract `updates` from the elements or slices at `indices`."""
        return self._scatter_nd(scatter.scatter_nd_sub_op, indices, updates, name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Make the elements or slices at `indices` at most `updates`."""
        return self._scatter_nd(scatter.scatter_nd_min_op, indices, updates, name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Make the elements or slices at `indices` at least `updates`."""
        return self._scatter_nd(scatter.scatter_nd_max_op, indices, updates, name)

    def _strided_slice_assign(self, begin: Any, end: Any, strides: Any, value: Any, name: Any, **masks: int) -> Any:
        return beside(
            self._variable,
            state.strided_slice_assign_op(self._variable, begin, end, strides, value, name=name, **masks),
        )

    def count_up_to(self, limit: int) -> Any:
        """Return the value and add one to it; at `limit` the run raises OutOfRangeError instead."""
        return beside(self._variable, state.count_up_to_op(self._variable, limit=limit))

    def load(self, value: Any, session: Any = None) -> None:
        """Make an array the new value, in `session` or the default session, without growing the graph.

        Raises:
            ValueError: if there is no session.
        """
        session = default_session(session, self.graph, "load", f"variable {self.name!r}")
        session.run(self._initializer, {self._initializer.inputs[1]: value})

    # Records

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Return a VariableDef message; None if the variable is not within `export_scope`."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        message = protos.VariableDef(
            variable_name=strip_scope(self.name, export_scope),
            initializer_name=strip_scope(self._initializer.name, export_scope),
            snapshot_name=strip_scope(self._snapshot.name, export_scope),
            trainable=self._trainable,
            synchronization=self._synchronization.value,
            aggregation=self._aggregation.value,
        )
        if self._initial_value is not None:
            message.initial_value_name = strip_scope(self._initial_value.name, export_scope)
        if self._save_slice_info is not None:
            message.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return message

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"
