"""Variables: the classes, the functions on both kinds of them, and the lists of those that a graph holds.

`Variable` (TensorFlow 2) and `VariableV1` choose between `ResourceVariable` and `RefVariable`; see `variable_base`
for how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.convert import register_conversion
from penstock.core.dtypes import DType, as_dtype, string
from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.language.behavior import disable_resource_variables as disable_resource_variables
from penstock.language.behavior import enable_resource_variables as enable_resource_variables
from penstock.language.behavior import resource_variables_enabled as resource_variables_enabled
from penstock.language.control_flow import group
from penstock.language.ref_variable import RefVariable as RefVariable
from penstock.language.resource_variable import ResourceVariable as ResourceVariable
from penstock.language.variable_base import SaveSliceInfo as SaveSliceInfo
from penstock.language.variable_base import Variable as Variable
from penstock.language.variable_base import VariableAggregation as VariableAggregation
from penstock.language.variable_base import VariableSynchronization as VariableSynchronization
from penstock.language.variable_base import VariableV1 as VariableV1
from penstock.language.variable_base import beside, chooses_resource, register_default_creator
from penstock.language.variable_base import variable_creator_scope as variable_creator_scope
from penstock.ops.array.joining import concat
from penstock.ops.array.selecting import boolean_mask
from penstock.ops.array.slicing import slice_
from penstock.ops.constant import constant, identity, no_op
from penstock.ops.state import scatter
from penstock.ops.state import variables as state

# Creation and conversion


def _create_v1(**keywords: Any) -> Any:
    use_resource = keywords.pop("use_resource", None)
    expected_shape = keywords.pop("expected_shape", None)
    variable_def = keywords.get("variable_def")
    if variable_def is not None and variable_def.is_resource or variable_def is None and chooses_resource(use_resource):
        return ResourceVariable(**keywords)
    return RefVariable(expected_shape=expected_shape, **keywords)


def _create_v2(**keywords: Any) -> Any:
    for name in ("use_resource", "expected_shape", "experimental_enable_variable_lifting"):
        keywords.pop(name, None)
    return ResourceVariable(**keywords)


register_default_creator("v1", _create_v1)
register_default_creator("v2", _create_v2)


def _to_tensor(variable: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    if isinstance(variable, RefVariable):
        return variable._ref() if as_ref else variable.value()
    graph = current_graph()
    if graph is None or name is None or not name.endswith("/"):
        return variable.value()
    # An operation that is being made asks for its input: the read belongs into the operation's name scope.
    with graph.name_scope(name[:-1].rpartition("/")[0] + "/"):
        return variable.value()


register_conversion((Variable,), _to_tensor)


# Partitioned variables


class PartitionedVariable:
    """Several variables that are slices of one, along one axis.

    Args:
        name: the name of the whole.
        shape: its shape.
        dtype: the type of the elements.
        variable_list: the slices in order, each with its `SaveSliceInfo`.
        partitions: the number of slices along each axis, one of them more than 1.
    Raises:
        TypeError, ValueError: if the arguments do not fit each other.
    """

    def __init__(
        self, name: str, shape: Any, dtype: Any, variable_list: Sequence[Any], partitions: Sequence[int]
    ) -> None:
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if any(count < 1 for count in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        for variable in variable_list:
            if variable._get_save_slice_info() is None:
                raise ValueError(f"All variables must have a save_slice_info available: {variable.name}")
            if variable._get_save_slice_info().full_name != name:
                raise ValueError(f"All variables' full names must match the given name {name!r}: {variable.name}")
        self._name = name
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._variable_list = sorted(variable_list, key=lambda v: tuple(v._get_save_slice_info().var_offset))
        self._partitions = list(partitions)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        return len(self._variable_list)

    @property
    def name(self) -> str:
        """The name of the whole."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """Return the shape of the whole."""
        return self._shape

    def _axes(self) -> list[int]:
        return [axis for axis, count in enumerate(self._partitions) if count > 1]

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> list[int]:
        return self._partitions

    @property
    def op(self) -> Any:
        """The operation that gives the whole, concatenated."""
        return self.as_tensor().op

    def as_tensor(self) -> Any:
        """Return the whole as one tensor.

        Raises:
            NotImplementedError: if more than one axis is partitioned.
        """
        axes = self._axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot concatenate along more than one dimension: {axes}. Multi-axis partition concat is not "
                "supported"
            )
        if not axes:
            whole = self._variable_list[0]
        else:
            with name_scope(f"{self._name}/ConcatPartitions/"):
                whole = concat([variable.value() for variable in self._variable_list], axes[0])
        with name_scope(None):
            return identity(whole, name=self._name)

    def _apply(self, function: Any, value: Any) -> list[Any]:
        pieces = value
        if not isinstance(value, (list, tuple, PartitionedVariable)):
            infos = [variable._get_save_slice_info() for variable in self._variable_list]
            pieces = [slice_(value, info.var_offset, info.var_shape) for info in infos]
        return [function(variable, piece) for variable, piece in zip(self._variable_list, pieces, strict=True)]

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> list[Any]:
        """Assign a whole, or a list of slices; returns what the slices' `assign` returns."""
        return self._apply(lambda variable, piece: variable.assign(piece, use_locking, name, read_value), value)

    def assign_add(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> list[Any]:
        """Add a whole, or a list of slices; see `assign`."""
        return self._apply(lambda variable, piece: variable.assign_add(piece, use_locking, name, read_value), value)

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> list[Any]:
        """Subtract a whole, or a list of slices; see `assign`."""
        return self._apply(lambda variable, piece: variable.assign_sub(piece, use_locking, name, read_value), value)


def _partitioned_to_tensor(
    variable: PartitionedVariable, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    return NotImplemented if as_ref else variable.as_tensor()


register_conversion(PartitionedVariable, _partitioned_to_tensor)


# The variables of a graph


def _collection(name: str, scope: str | None = None) -> list[Any]:
    return get_default_graph().get_collection(name, scope)


def global_variables(scope: str | None = None) -> list[Any]:
    """Return the variables that are shared and saved; those whose names match the expression `scope`, if given."""
    return _collection(GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables() -> list[Any]:
    """Return the global variables; see `global_variables`."""
    return global_variables()


def local_variables(scope: str | None = None) -> list[Any]:
    """Return the variables that belong to the process and are not saved."""
    return _collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """Return the variables that inference needs."""
    return _collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """Return the variables that optimizers change."""
    return _collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """Return the variables of which moving averages are kept."""
    return _collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


# Initialization


def variables_initializer(var_list: Sequence[Any], name: str = "init") -> Any:
    """Return an operation that assigns the initial values of variables.

    Args:
        var_list: the variables.
        name: the operation's name.
    """
    if executing_eagerly():
        return no_op(name=name)
    if not var_list:
        return group(name=name)
    return group(*[variable.initializer for variable in var_list], name=name)


def initialize_variables(var_list: Sequence[Any], name: str = "init") -> Any:
    """Return an operation that assigns initial values; see `variables_initializer`."""
    return variables_initializer(var_list, name)


def global_variables_initializer() -> Any:
    """Return an operation that assigns the initial values of all global variables."""
    return (
        no_op(name="global_variables_initializer") if executing_eagerly() else variables_initializer(global_variables())
    )


def initialize_all_variables() -> Any:
    """Return an operation that assigns initial values; see `global_variables_initializer`."""
    return global_variables_initializer()


def local_variables_initializer() -> Any:
    """Return an operation that assigns the initial values of all local variables."""
    return (
        no_op(name="local_variables_initializer") if executing_eagerly() else variables_initializer(local_variables())
    )


def initialize_local_variables() -> Any:
    """Return an operation that assigns initial values; see `local_variables_initializer`."""
    return local_variables_initializer()


def is_variable_initialized(variable: Any) -> Any:
    """Return a boolean tensor: whether anything has been assigned to a variable.

    Args:
        variable: a variable, or a reference.
    """
    if isinstance(variable, Variable):
        return variable.is_initialized()  # type: ignore[attr-defined]
    return state.is_variable_initialized_op(variable)


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Any:
    """Return a tensor whose evaluation raises FailedPreconditionError if a variable is not initialized; None without
    variables.

    Args:
        var_list: the variables, by default all global and local ones.
    """
    chosen = global_variables() + local_variables() if var_list is None else list(var_list)
    if not chosen:
        return None
    rank = lookup("Rank")
    ranks = [rank(variable.read_value()) for variable in chosen]  # type: ignore[operator]
    return ranks[0] if len(ranks) == 1 else lookup("Pack")(ranks, axis=0)  # type: ignore[operator]


def report_uninitialized_variables(
    var_list: Sequence[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Any:
    """Return a vector of strings: the names of the variables to which nothing has been assigned.

    Args:
        var_list: the variables, by default all global and local ones.
        name: the name scope.
    """
    chosen = global_variables() + local_variables() if var_list is None else list(var_list)
    with name_scope(name):
        if not chosen:
            return constant([], dtype=string)
        known = lookup("Pack")([is_variable_initialized(variable) for variable in chosen], axis=0, name="stack")  # type: ignore[operator]
        missing = lookup("LogicalNot")(known)  # type: ignore[operator]
        names = constant([variable.name.partition(":")[0] for variable in chosen])
        return boolean_mask(names, missing)


# Updates of references and variables


def _is_ref(ref: Any) -> bool:
    return isinstance(ref, RefVariable) or isinstance(ref, SymbolicTensor) and ref.dtype._is_ref_dtype


def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Make `value` the new value of a variable.

    Args:
        ref: a variable, or a reference.
        value: a tensor of its type.
        validate_shape: whether the shapes must agree; otherwise the variable takes the shape of `value`.
        use_locking: accepted; updates are always whole.
        name: the name of the node.
    Returns:
        The reference, or the variable, as it is after the assignment.
    """
    if not _is_ref(ref):
        return ref.assign(value, name=name)
    locks = use_locking is not False
    return _beside(
        ref, state.assign_op(ref, value, validate_shape=validate_shape is not False, use_locking=locks, name=name)
    )


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Add `value` to a variable; see `assign`."""
    if not _is_ref(ref):
        return ref.assign_add(value, name=name)
    return _beside(ref, state.assign_add_op(ref, value, use_locking=bool(use_locking), name=name))


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Subtract `value` from a variable; see `assign`."""
    if not _is_ref(ref):
        return ref.assign_sub(value, name=name)
    return _beside(ref, state.assign_sub_op(ref, value, use_locking=bool(use_locking), name=name))


def _beside(ref: Any, updated: Any) -> Any:
    return beside(ref._ref() if isinstance(ref, RefVariable) else ref, updated)


def _scatter(ref: Any, op: Any, method: str, indices: Any, updates: Any, use_locking: bool, name: str | None) -> Any:
    if not _is_ref(ref):
        return getattr(ref, method)(IndexedSlices(updates, indices), name=name)
    return _beside(ref, op(ref, indices, updates, use_locking=use_locking, name=name))


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Replace rows of a variable.

    Args:
        ref: a variable, or a reference.
        indices: integer tensor of any shape, positions along the first axis.
        updates: tensor of shape indices.shape + ref.shape[1:], or a scalar.
        use_locking: accepted; updates are always whole.
        name: the name of the node.
    Returns:
        The reference, or the variable, as it is after the update.
    """
    return _scatter(ref, scatter.scatter_update_op, "scatter_update", indices, updates, use_locking, name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Add to rows of a variable; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_add_op, "scatter_add", indices, updates, use_locking, name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtract from rows of a variable; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_sub_op, "scatter_sub", indices, updates, use_locking, name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Multiply rows of a variable; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_mul_op, "scatter_mul", indices, updates, use_locking, name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Divide rows of a variable; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_div_op, "scatter_div", indices, updates, use_locking, name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Make rows of a variable at most `updates`; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_min_op, "scatter_min", indices, updates, use_locking, name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Make rows of a variable at least `updates`; see `scatter_update`."""
    return _scatter(ref, scatter.scatter_max_op, "scatter_max", indices, updates, use_locking, name)


def _scatter_nd(ref: Any, op: Any, method: str, indices: Any, updates: Any, use_locking: bool, name: str | None) -> Any:
    if not _is_ref(ref):
        return getattr(ref, method)(indices, updates, name=name)
    return _beside(ref, op(ref, indices, updates, use_locking=use_locking, name=name))


def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Replace elements or slices of a variable.

    Args:
        ref: a variable, or a reference, of rank r.
        indices: integer tensor of shape (..., k) with k <= r: positions along the first k axes.
        updates: tensor of shape indices.shape[:-1] + ref.shape[k:].
        use_locking: accepted; updates are always whole.
        name: the name of the node.
    Returns:
        The reference, or the variable, as it is after the update.
    """
    return _scatter_nd(ref, scatter.scatter_nd_update_op, "scatter_nd_update", indices, updates, use_locking, name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Add to elements or slices of a variable; see `scatter_nd_update`."""
    return _scatter_nd(ref, scatter.scatter_nd_add_op, "scatter_nd_add", indices, updates, use_locking, name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtract from elements or slices of a variable; see `scatter_nd_update`."""
    return _scatter_nd(ref, scatter.scatter_nd_sub_op, "scatter_nd_sub", indices, updates, use_locking, name)


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Replace slices of a variable within each entry of its leading axes.

    Args:
        ref: a variable.
        indices: integer tensor of shape (b1, ..., bn, k): positions along axis n of the variable.
        updates: tensor of shape (b1, ..., bn, k, ...).
        use_locking: accepted; updates are always whole.
        name: the name of the node.
    """
    return ref.batch_scatter_update(IndexedSlices(updates, indices), use_locking, name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Return the value of an integer variable and add one to it; at `limit` it raises OutOfRangeError instead.

    Args:
        ref: a scalar variable of type int32 or int64.
        limit: where counting stops.
        name: the name of the node.
    """
    if not _is_ref(ref):
        return state.resource_count_up_to_op(ref.handle, limit=limit, T=ref.dtype, name=name)
    return _beside(ref, state.count_up_to_op(ref, limit=limit, name=name))
