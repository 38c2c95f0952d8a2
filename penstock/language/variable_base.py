"""What all variables share: how `Variable(...)` chooses a class, the operators, and their records in files."""

from __future__ import annotations

import contextlib
import enum
import inspect
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core import tensor as tensor_module
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph, get_default_graph
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tape import watch_variable_access
from penstock.core.tensor import Reference, SymbolicTensor, Tensor
from penstock.formats import protos
from penstock.language.behavior import resource_variables_enabled
from penstock.language.init_scope import executing_eagerly_outside_functions
from penstock.ops.array.indexing import getitem


class VariableSynchronization(enum.Enum):
    """When the copies of a variable on several replicas are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How the updates of several replicas become one."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


# The key under which a graph's collections hold its variable scopes; see `penstock.language.variable_scope`.
SCOPE_KEY = ("__varscope",)


def chooses_resource(use_resource: bool | None) -> bool:
    """Tell whether a variable made now is a resource variable: eagerly always, else as asked, by scope or default."""
    if executing_eagerly_outside_functions():
        return True
    if use_resource is None:
        stores = get_default_graph().get_collection(SCOPE_KEY)
        use_resource = stores[0].current_scope.use_resource if stores else None
    return resource_variables_enabled() if use_resource is None else use_resource


# Creation


class _Creators(threading.local):
    """The functions of `variable_creator_scope` that a thread has entered, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Callable[..., Any]] = []


_creators = _Creators()
_default_creators: dict[str, Callable[..., Any]] = {}


def register_default_creator(kind: str, creator: Callable[..., Any]) -> None:
    """Say what makes variables in the end: `kind` is "v1" or "v2", the creator takes the constructor's keywords."""
    _default_creators[kind] = creator


@contextlib.contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Let a function take part in the making of variables within the block.

    Args:
        variable_creator: `(next_creator, **kwargs) -> variable`; it may change the keywords, call `next_creator` or
        make its own.
    """
    saved = _creators.stack
    _creators.stack = [*saved, variable_creator]
    try:
        yield
    finally:
        _creators.stack = saved


def _chained(creator: Callable[..., Any], following: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **keywords: creator(following, **keywords)


def create_variable(kind: str, **keywords: Any) -> Any:
    """Make a variable by way of the creators in scope."""
    create = _default_creators[kind]
    for creator in _creators.stack:
        create = _chained(creator, create)
    return create(**keywords)


class VariableMetaclass(type):
    """Makes `Variable(...)` give an object of the class that fits, by way of the creators in scope."""

    @property
    def __signature__(cls) -> inspect.Signature:
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        kind = cls.__dict__.get("_creation")
        if kind is None:
            return super().__call__(*args, **keywords)
        bound = cls.__signature__.bind(*args, **keywords)
        bound.apply_defaults()
        return create_variable(kind, **bound.arguments)


def note_access(variable: Any) -> None:
    """Tell tapes, and the functions being built, that a variable is read."""
    graph: Graph | None = current_graph()
    while isinstance(graph, FuncGraph):
        if not any(known is variable for known in graph.variables):
            graph.variables.append(variable)
        graph = graph.outer_graph
    if variable.trainable:
        watch_variable_access(variable)


def check_arguments(
    trainable: bool | None, synchronization: Any, aggregation: Any, name: str | None, constraint: Any
) -> tuple[bool, VariableSynchronization, VariableAggregation]:
    """Return `trainable`, `synchronization` and `aggregation` with their defaults.

    Raises:
        ValueError: if one is of no kind that is known, or a variable summed on reading is to be trained.
    """
    if synchronization is None:
        synchronization = VariableSynchronization.AUTO
    if aggregation is None:
        aggregation = VariableAggregation.NONE
    if not isinstance(synchronization, VariableSynchronization):
        raise ValueError(f"Invalid variable synchronization mode: {synchronization} for variable: {name}")
    if not isinstance(aggregation, VariableAggregation):
        raise ValueError(f"Invalid variable aggregation mode: {aggregation} for variable: {name}")
    if synchronization is VariableSynchronization.ON_READ:
        if trainable:
            raise ValueError(
                "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. "
                "You have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
            )
        trainable = False
    if constraint is not None and not callable(constraint):
        raise ValueError(
            f"Argument `constraint` must be None or a callable. a callable. Got a {type(constraint)}: {constraint}"
        )
    return True if trainable is None else trainable, synchronization, aggregation


def check_collections(collections: Any, trainable: bool) -> list[Any]:
    """Return the collections that a new variable enters.

    Raises:
        ValueError: if `collections` is no list, tuple or set.
    """
    if collections is None:
        collections = ["variables"]
    if not isinstance(collections, (list, tuple, set)):
        raise ValueError(
            f"collections argument to Variable constructor must be a list, tuple, or set. Got {collections} of "
            f"type {type(collections)}"
        )
    result = list(collections)
    if trainable and "trainable_variables" not in result:
        result.append("trainable_variables")
    return result


def check_initial_value(initial_value: Any, what: str = "Variable") -> None:
    """Check that there is an initial value, and that it is not a tensor of a function being built.

    Raises:
        ValueError: if there is none, or it is such a tensor.
    """
    if initial_value is None:
        raise ValueError(
            "initial_value must be specified. "
            "If you create the variable of a Module or layer, pass a tensor, a Python value, or a function that "
            "returns one."
        )
    if isinstance(initial_value, SymbolicTensor) and initial_value.graph.building_function:
        raise ValueError(
            f"Argument `initial_value` ({initial_value}) could not be lifted out of a `tf.function`. "
            "When lifting variables, pass the initial value as a function: `tf.Variable(lambda: tf.ones([2]))`."
        )


def strip_scope(name: str, scope: str | None) -> str:
    """Return a node's name without the name scope `scope` at its beginning."""
    return re.sub(rf"^(loc:@|\^)?{re.escape(scope.rstrip('/'))}/", r"\1", name) if scope else name


def prepend_scope(name: str, scope: str | None) -> str:
    """Return a node's name with the name scope `scope` at its beginning."""
    return f"{scope.rstrip('/')}/{name}" if scope else name


class SaveSliceInfo:
    """Which slice of a larger, partitioned variable a variable is, as checkpoints record it.

    Args:
        full_name: the name of the whole.
        full_shape: its shape.
        var_offset: where the slice begins.
        var_shape: the shape of the slice.
        save_slice_info_def: a SaveSliceInfoDef message that says all of the above.
        import_scope: a name scope for the name in that message.
    """

    def __init__(
        self,
        full_name: str | None = None,
        full_shape: Sequence[int] | None = None,
        var_offset: Sequence[int] | None = None,
        var_shape: Sequence[int] | None = None,
        save_slice_info_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if save_slice_info_def is not None:
            self.full_name: str | None = prepend_scope(save_slice_info_def.full_name, import_scope)
            self.full_shape: Any = list(save_slice_info_def.full_shape)
            self.var_offset: Any = list(save_slice_info_def.var_offset)
            self.var_shape: Any = list(save_slice_info_def.var_shape)
        else:
            self.full_name, self.full_shape, self.var_offset, self.var_shape = (
                full_name,
                full_shape,
                var_offset,
                var_shape,
            )

    @property
    def spec(self) -> str:
        """The slice as checkpoints spell it: `4 3 2,2:0,3` for rows 2 and 3 of a whole of shape (4, 3)."""
        whole = " ".join(str(size) for size in self.full_shape)
        parts = ":".join(f"{offset},{size}" for offset, size in zip(self.var_offset, self.var_shape, strict=True))
        return f"{whole} {parts}"

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Return a SaveSliceInfoDef message; None if the whole is not within `export_scope`."""
        if export_scope is not None and not str(self.full_name).startswith(export_scope):
            return None
        message = protos.SaveSliceInfoDef(full_name=strip_scope(str(self.full_name), export_scope))
        message.full_shape.extend(int(size) for size in self.full_shape)
        message.var_offset.extend(int(offset) for offset in self.var_offset)
        message.var_shape.extend(int(size) for size in self.var_shape)
        return message


class Variable(metaclass=VariableMetaclass):
    """A tensor that a program can change, kept from step to step.

    Calling the class makes a resource variable, in eager execution and in graphs.

    >>> import penstock.ops, penstock.language.variables
    >>> v = Variable(1.0)
    >>> float(v.assign_add(2.0).numpy())
    3.0
    """

    _creation = "v2"
    __array_priority__ = 100
    SaveSliceInfo = SaveSliceInfo

    _trainable: bool
    _synchronization: VariableSynchronization
    _aggregation: VariableAggregation
    _constraint: Any
    _save_slice_info: Any = None

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        """Make a variable; `Variable(...)` chooses the class.

        Args:
            initial_value: a tensor, whatever becomes one, or a function that returns it.
            trainable: whether optimizers change it; True, unless it is summed on reading.
            validate_shape: whether the shape of the initial value must be known.
            caching_device: where reads are kept for others to use.
            name: its name, made unique in a graph.
            variable_def: a VariableDef message, to find a variable that a graph already holds.
            dtype: the type of its elements, by default that of the initial value.
            import_scope: a name scope for the names in `variable_def`.
            constraint: a function that optimizers apply to its new value.
            synchronization, aggregation: how several replicas share it.
            shape: its static shape, by default that of the initial value; sizes may be unknown.
            experimental_enable_variable_lifting: accepted; variables are always lifted out of functions.
        Raises:
            ValueError: if there is no initial value, or its shape is not known although it must be.
        """
        raise NotImplementedError("Variable(...) makes objects of its subclasses")

    # What it is

    @property
    def name(self) -> str:
        """`<node>:0`."""
        raise NotImplementedError

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        raise NotImplementedError

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        raise NotImplementedError

    def get_shape(self) -> TensorShape:
        """Return the static shape."""
        return self.shape

    @property
    def ndim(self) -> int | None:
        """The number of axes."""
        return self.shape.rank

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @property
    def synchronization(self) -> VariableSynchronization:
        """When copies on several replicas are brought together."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """How the updates of several replicas become one."""
        return self._aggregation

    @property
    def constraint(self) -> Any:
        """The function that optimizers apply to new values, or None."""
        return self._constraint

    @property
    def _shared_name(self) -> str:
        return self.name.partition(":")[0]

    @property
    def _save_slice_name(self) -> str:
        return self._shared_name if self._save_slice_info is None else str(self._save_slice_info.full_name)

    def _set_save_slice_info(self, save_slice_info: Any) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> Any:
        return self._save_slice_info

    # Reading

    def value(self) -> Any:
        """Return the value as a tensor; in a graph it may have been read at any earlier time of the step."""
        raise NotImplementedError

    def read_value(self) -> Any:
        """Return the value as a tensor, read now: after the control dependencies of the surrounding blocks."""
        raise NotImplementedError

    def eval(self, session: Any = None) -> Any:
        """Return the value as an array, read in `session` or in the default session."""
        raise NotImplementedError

    def numpy(self) -> Any:
        """Return the value as an array; in eager execution only."""
        if not executing_eagerly():
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return self.value().numpy()

    def _strided_slice_assign(self, begin: Any, end: Any, strides: Any, value: Any, name: Any, **masks: int) -> Any:
        raise NotImplementedError

    def __getitem__(self, slice_spec: Any) -> Tensor:
        return getitem(self.value(), slice_spec, var=self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value())

    # Identity

    def ref(self) -> Reference:
        """Return a hashable reference to this variable, for use in sets and as dictionary keys."""
        return Reference(self)

    def experimental_ref(self) -> Reference:
        """Return a hashable reference to this variable; `ref` under its old name."""
        return self.ref()

    def _compares_elements(self) -> bool:
        return tensor_module._equality_by_element and executing_eagerly_outside_functions()

    def __hash__(self) -> int:
        if self._compares_elements():
            raise TypeError("Variable is unhashable: `==` compares elements. Use variable.ref() as the key instead.")
        return id(self)

    def __eq__(self, other: object) -> Any:
        if not self._compares_elements():
            return self is other
        return False if other is None else lookup("Equal")(self, other, incompatible_shape_error=False)  # type: ignore[operator]

    def __ne__(self, other: object) -> Any:
        if not self._compares_elements():
            return self is not other
        return True if other is None else lookup("NotEqual")(self, other, incompatible_shape_error=False)  # type: ignore[operator]

    @classmethod
    def from_proto(cls, variable_def: Any, import_scope: str | None = None) -> Any:
        """Return the variable that a VariableDef message describes, found in the current graph."""
        return create_variable("v1", variable_def=variable_def, import_scope=import_scope)


class VariableV1(Variable):
    """A variable with the constructor of TensorFlow 1: in graphs a reference, unless resource variables are chosen."""

    _creation = "v1"

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
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        """Make a variable; `Variable(...)` chooses the class.

        Args:
            collections: the collections of the graph that it enters; "variables" by default, and "trainable_variables".
            expected_shape: accepted; has no effect.
            use_resource: whether it is a resource variable; by default as the variable scope or the process says.
            initial_value, trainable, validate_shape, caching_device, name, variable_def, dtype, import_scope,
            constraint,
                synchronization, aggregation, shape: see `Variable`.
        """
        raise NotImplementedError("Variable(...) makes objects of its subclasses")


_OPERATORS = (
    "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__ __floordiv__ "
    "__rfloordiv__ __mod__ "
    "__rmod__ __pow__ __rpow__ __matmul__ __rmatmul__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __neg__ "
    "__abs__ __invert__ "
    "__lt__ __le__ __gt__ __ge__"
).split()


def _delegate(operator: str) -> Callable[..., Any]:
    def run(self: Any, *operands: Any) -> Any:
        return getattr(self.value(), operator)(*operands)

    run.__name__ = operator
    run.__doc__ = f"Apply `{operator}` to the value."
    return run


for _operator in _OPERATORS:
    setattr(Variable, _operator, _delegate(_operator))


def add_variable_to_collections(variable: Any, collections: Sequence[Any]) -> None:
    """Enter a new variable into collections of the current graph."""
    get_default_graph().add_to_collections(collections, variable)


def to_initial_tensor(initial_value: Any, dtype: Any) -> Tensor:
    """Return an initial value as a tensor; a node made for it is named "initial_value"."""
    return convert_to_tensor(initial_value, dtype, name="initial_value")


def beside(ref: SymbolicTensor, updated: Any) -> Any:
    """Place the operation that gives `updated` where the variable of a reference lies, and return `updated`."""
    op, home = updated.op, ref.op
    if op.graph is home.graph:
        op.attrs["_class"] = sorted({*(op.attrs.get("_class") or ()), *home.colocation_groups()})
        op.device = home.device or op.device
    return updated


def batch_scatter(variable: Any, indices: Any, updates: Any, name: str | None) -> Any:
    """Replace slices of a variable within each entry of its leading axes.

    Args:
        variable: the variable.
        indices: integer tensor of shape (b1, ..., bn, k): positions along axis n of the variable.
        updates: tensor of shape (b1, ..., bn, k, ...).
        name: the name of the node.
    """
    positions = convert_to_tensor(indices)
    if positions.dims is None:
        raise ValueError("batch_scatter_update needs indices of known rank")
    rank = len(positions.dims)
    zeros, sizes = lookup("ZerosLike")(positions), lookup("Shape")(positions)  # type: ignore[operator]
    coordinates = []
    for axis in range(rank - 1):
        extent = sizes[axis] if positions.dims[axis] is None else positions.dims[axis]
        steps = lookup("Cast")(lookup("Range")(0, extent, 1), DstT=positions.dtype)  # type: ignore[operator]
        coordinates.append(zeros + lookup("Reshape")(steps, [-1 if i == axis else 1 for i in range(rank)]))  # type: ignore[operator]
    full = lookup("Pack")([*coordinates, positions], axis=-1)  # type: ignore[operator]
    return variable.scatter_nd_update(full, updates, name)
