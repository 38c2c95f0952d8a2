"""The variables of a graph by name: found, or made where there are none."""

from __future__ import annotations

import contextlib
import enum
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.shape import TensorShape
from penstock.language.init_scope import init_scope
from penstock.language.partitioners import PartitionInfo, call_partitioner, slices
from penstock.language.variable_base import (
    SaveSliceInfo,
    VariableAggregation,
    VariableSynchronization,
    create_variable,
)
from penstock.language.variables import PartitionedVariable
from penstock.ops.array.filling import zeros
from penstock.ops.array.slicing import slice_
from penstock.ops.random.functions import random_uniform


class _ReuseMode(enum.Enum):
    """How `reuse` may be set besides True and False."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE

_STORE_KEY = ("__variable_store",)


def no_regularizer(_: Any) -> None:
    """Return no loss: the regularizer that switches off that of the surrounding scopes."""


def _default_initializer(name: str, dtype: DType) -> Callable[..., Any]:
    """Return what initializes a variable where nothing is said: Glorot's uniform distribution, or zeros."""
    if dtype.is_floating:
        return _glorot_uniform
    if dtype.is_integer or dtype.is_bool or dtype == dtypes.string:
        return _zeros
    raise ValueError(f"An initializer for variable {name} of {dtype} is required")


def _zeros(shape: Any, dtype: DType, partition_info: Any = None) -> Any:
    return zeros(shape, dtype)


def _glorot_uniform(shape: Any, dtype: DType, partition_info: Any = None) -> Any:
    sizes = list(shape if partition_info is None else partition_info.full_shape)
    if len(sizes) < 2:
        incoming = outgoing = sizes[0] if sizes else 1
    else:
        field = math.prod(sizes[:-2])
        incoming, outgoing = sizes[-2] * field, sizes[-1] * field
    limit = math.sqrt(3.0 / max(1.0, (incoming + outgoing) / 2.0))
    return random_uniform(shape, -limit, limit, dtype)


def _takes(function: Any, name: str) -> bool:
    target = function.__call__ if not inspect.isroutine(function) and not hasattr(function, "func") else function
    try:
        return name in inspect.signature(target).parameters
    except (TypeError, ValueError):
        return False


def _needs_no_arguments(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not inspect.Parameter.empty or p.kind in kinds for p in parameters)


class VariableStore:
    """The variables that `get_variable` made in one graph, by name.

    Args:
        keeps_eager: whether variables made in eager execution are kept, so that they can be found again.
    """

    def __init__(self, keeps_eager: bool = False) -> None:
        self.variables: dict[str, Any] = {}
        self.partitioned: dict[str, PartitionedVariable] = {}
        self.keeps_eager = keeps_eager

    def get(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        trainable: bool | None,
        collections: Any,
        caching_device: Any,
        partitioner: Any,
        validate_shape: bool,
        use_resource: bool | None,
        custom_getter: Any,
        constraint: Any,
        synchronization: Any,
        aggregation: Any,
    ) -> Any:
        """Return the variable of that full name; see `get_variable` for the arguments."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        if executing_eagerly():
            if not self.keeps_eager and reuse:
                raise RuntimeError(
                    "When eager execution is enabled variable reuse is only supported when an EagerVariableStore "
                    "is active. "
                    "Keep the variable object instead."
                )
            reuse = AUTO_REUSE if self.keeps_eager else False
        dtype = as_dtype(dtype)
        if dtype._is_ref_dtype:
            dtype = dtype.base_dtype
        arguments: dict[str, Any] = {
            "name": name,
            "shape": shape,
            "dtype": dtype,
            "initializer": initializer,
            "regularizer": regularizer,
            "reuse": reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        if custom_getter is None:
            return self._get(**arguments, constraint=constraint)
        if _takes(custom_getter, "constraint") or _takes_anything(custom_getter):
            arguments["constraint"] = constraint
        return custom_getter(getter=self._get, **arguments)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
    ) -> Any:
        is_scalar = shape is not None and isinstance(shape, (list, tuple, TensorShape)) and TensorShape(shape).rank == 0
        creation: dict[str, Any] = {
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "constraint": constraint,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        dtype = as_dtype(dtype)
        if partitioner is not None and not is_scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            with name_scope(None):
                return self._get_partitioned(name, shape, dtype, initializer, regularizer, reuse, partitioner, creation)
        if reuse is True and partitioner is None and name in self.partitioned:
            return self.partitioned[name]
        if f"{name}/part_0" in self.variables:
            raise ValueError(
                f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. "
                "Perhaps a variable of the same name was already created with partitioning?"
            )
        return self._get_single(name, shape, dtype, initializer, regularizer, reuse, None, creation)

    def _get_single(
        self,
        name: str,
        shape: Any,
        dtype: DType,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        info: Any,
        creation: dict[str, Any],
    ) -> Any:
        from_value = initializer is not None and not callable(initializer)
        if from_value and shape is not None:
            raise ValueError("If initializer is a constant, do not specify shape.")
        static = TensorShape(shape)
        if name in self.variables:
            return self._check_found(name, static, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            if shape is None:
                raise ValueError(
                    f"Variable {name} did not get an initializer, so its `shape` argument must be specified."
                )
            initializer = _default_initializer(name, dtype)
        initial, variable_dtype = self._initial_value(initializer, from_value, static, dtype, info)
        variable = create_variable(
            "v1",
            initial_value=initial,
            name=name,
            dtype=variable_dtype,
            variable_def=None,
            import_scope=None,
            expected_shape=None,
            shape=None,
            **creation,
        )
        if self.keeps_eager or not executing_eagerly():
            self.variables[name] = variable
        if regularizer is not None:
            self._add_regularization(name, variable, regularizer)
        return variable

    @staticmethod
    def _initial_value(
        initializer: Any, from_value: bool, shape: TensorShape, dtype: DType, info: Any
    ) -> tuple[Any, DType | None]:
        if from_value:
            return initializer, None
        if isinstance(initializer, type):
            initializer = initializer()
        if shape.is_fully_defined():
            sizes = shape.as_list()
            if info is not None and (_takes(initializer, "partition_info") or _takes_anything(initializer)):
                return (lambda: initializer(sizes, dtype=dtype.base_dtype, partition_info=info)), dtype.base_dtype
            if not _needs_no_arguments(initializer) or _takes(initializer, "dtype"):
                return (lambda: initializer(sizes, dtype=dtype.base_dtype)), dtype.base_dtype
        if _needs_no_arguments(initializer) and not shape.is_fully_defined() and shape.rank is None:
            return initializer, None
        raise ValueError(
            "The initializer passed is not valid. It should be a callable with no arguments and the shape should "
            "not be provided or an "
            "instance of `tf.keras.initializers.*' and `shape` should be fully defined."
        )

    def _check_found(self, name: str, shape: TensorShape, dtype: DType, reuse: Any) -> Any:
        found = self.variables[name]
        if reuse is False or reuse is None:
            message = (
                f"Variable {name} already exists, disallowed. "
                "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
            )
            line = getattr(getattr(found, "op", None), "created_at", None) if not executing_eagerly() else None
            if line is not None:
                message += f' Originally defined at:\n\n  File "{line[0]}", line {line[1]}\n'
            raise ValueError(message)
        if not shape.is_compatible_with(found.shape):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and found shape {found.shape}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}."
            )
        return found

    @staticmethod
    def _add_regularization(name: str, variable: Any, regularizer: Callable[[Any], Any]) -> None:
        graph = current_graph()
        beside: Any = contextlib.nullcontext() if graph is None else graph.colocate_with(variable.op)
        with beside, name_scope(f"{name}/Regularizer/"), init_scope():
            loss = regularizer(variable)
        if loss is not None:
            get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    def _get_partitioned(
        self,
        name: str,
        shape: Any,
        dtype: DType,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        partitioner: Any,
        creation: dict[str, Any],
    ) -> PartitionedVariable:
        from_value = initializer is not None and not callable(initializer)
        if name in self.variables:
            raise ValueError(
                f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}. "
                "Perhaps a variable of the same name was already created without partitioning?"
            )
        static = TensorShape(shape)
        if from_value:
            initializer = convert_to_tensor(initializer, dtype)
            static = static.merge_with(initializer.shape)
        if name in self.partitioned:
            if not reuse:
                raise ValueError(
                    f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or "
                    "reuse=tf.AUTO_REUSE in VarScope?"
                )
            found = self.partitioned[name]
            if not static.is_compatible_with(found.shape):
                raise ValueError(
                    f"Trying to reuse partitioned variable {name}, but specified shape {static} and found shape "
                    f"{found.shape}."
                )
            if not dtype.is_compatible_with(found.dtype):
                raise ValueError(
                    f"Trying to reuse partitioned variable {name}, but specified dtype {dtype.name} and found "
                    f"dtype {found.dtype.name}."
                )
            return found
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
            )
        partitions = call_partitioner(partitioner, static, dtype)
        sizes: Any = static.as_list()
        pieces = []
        for index, (offset, piece_shape) in enumerate(slices(sizes, partitions)):
            info = PartitionInfo(sizes, offset)
            piece_initializer = slice_(initializer, offset, piece_shape) if from_value else initializer
            with name_scope(None):
                variable = self._get_single(
                    f"{name}/part_{index}",
                    None if from_value else piece_shape,
                    dtype,
                    piece_initializer,
                    regularizer,
                    reuse,
                    info,
                    creation,
                )
            variable._set_save_slice_info(SaveSliceInfo(name, sizes, offset, piece_shape))
            pieces.append(variable)
        whole = PartitionedVariable(name, static, dtype, pieces, partitions)
        if self.keeps_eager or not executing_eagerly():
            self.partitioned[name] = whole
        return whole


def _takes_anything(function: Any) -> bool:
    target = function.__call__ if not inspect.isroutine(function) and not hasattr(function, "func") else function
    try:
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return False


def variable_store() -> VariableStore:
    """Return the store of the default graph."""
    stores = get_default_graph().get_collection_ref(_STORE_KEY)
    if not stores:
        stores.append(VariableStore())
    return stores[0]


@contextlib.contextmanager
def with_variable_store(store: VariableStore) -> Iterator[None]:
    """Use `store` for `get_variable` within the block."""
    stores = get_default_graph().get_collection_ref(_STORE_KEY)
    saved = list(stores)
    stores[:] = [store]
    try:
        yield
    finally:
        stores[:] = saved


class EagerVariableStore:
    """Keeps the variables that `get_variable` makes in eager execution, so that it finds them again.

    Args:
        store: the store to use, a new one by default.
    """

    def __init__(self, store: VariableStore | None = None) -> None:
        if store is not None and not store.keeps_eager:
            raise ValueError(
                "Cannot construct EagerVariableStore from a VariableStore object that does not hold eager variables."
            )
        self._store = VariableStore(keeps_eager=True) if store is None else store

    def as_default(self) -> Any:
        """Return a context in which `get_variable` uses this store."""
        return with_variable_store(self._store)

    def variables(self) -> list[Any]:
        """Return the variables, ordered by name."""
        return sorted(self._store.variables.values(), key=lambda variable: variable.name)

    def trainable_variables(self) -> list[Any]:
        """Return the trainable variables, ordered by name."""
        return [variable for variable in self.variables() if variable.trainable]

    def non_trainable_variables(self) -> list[Any]:
        """Return the other variables, ordered by name."""
        return [variable for variable in self.variables() if not variable.trainable]
