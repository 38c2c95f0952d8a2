"""Scopes of variables: `variable_scope` gives names and defaults, `get_variable` makes or finds a variable in them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import SymbolicTensor
from penstock.language.variable_base import (
    SCOPE_KEY,
    VariableAggregation,
    VariableSynchronization,
)
from penstock.language.variable_store import AUTO_REUSE, VariableStore, variable_store
from penstock.language.variables import Variable


class VariableScope:
    """A name for variables, and defaults for `get_variable`.

    Args:
        reuse: None to inherit, True to find variables only, `AUTO_REUSE` to find or make them.
        name: the prefix of variables' names, without a slash at its end.
        initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint:
        defaults for
            `get_variable`.
        name_scope: the name scope of operations, where the scope was first opened.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint

    @property
    def name(self) -> str:
        """The prefix of variables' names, without a slash at its end."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope of operations, where the scope was first opened."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """Whether variables are found rather than made."""
        return self._reuse

    @property
    def initializer(self) -> Any:
        """The default initializer."""
        return self._initializer

    @property
    def dtype(self) -> Any:
        """The default type."""
        return self._dtype

    @property
    def use_resource(self) -> bool | None:
        """Whether resource variables are made; None where the process decides."""
        return self._use_resource

    @property
    def regularizer(self) -> Any:
        """The default regularizer."""
        return self._regularizer

    @property
    def caching_device(self) -> Any:
        """The default device for cached reads."""
        return self._caching_device

    @property
    def partitioner(self) -> Any:
        """The default partitioner."""
        return self._partitioner

    @property
    def custom_getter(self) -> Any:
        """The default custom getter."""
        return self._custom_getter

    @property
    def constraint(self) -> Any:
        """The default constraint."""
        return self._constraint

    def reuse_variables(self) -> None:
        """Find variables from now on, rather than make them."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Set the default initializer."""
        self._initializer = initializer

    def set_dtype(self, dtype: Any) -> None:
        """Set the default type."""
        self._dtype = dtype

    def set_use_resource(self, use_resource: bool | None) -> None:
        """Set whether resource variables are made.

        Raises:
            ValueError: if reference variables are asked for in eager execution.
        """
        if executing_eagerly() and not use_resource:
            raise ValueError("When eager execution is enabled, use_resource cannot be set to false.")
        self._use_resource = use_resource

    def set_regularizer(self, regularizer: Any) -> None:
        """Set the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Set the default device for cached reads."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Set the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Set the default custom getter."""
        self._custom_getter = custom_getter

    def get_collection(self, name: Any) -> list[Any]:
        """Return what a collection holds under this scope."""
        return get_default_graph().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self) -> list[Any]:
        """Return the trainable variables under this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """Return the global variables under this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """Return the local variables under this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        var_store: VariableStore,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Any = None,
        constraint: Any = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
    ) -> Any:
        """Return a variable of this scope, made or found in `var_store`; see the function `get_variable`."""
        if executing_eagerly():
            reuse, use_resource = False, True
        else:
            reuse = self._reuse if reuse is None else reuse
            use_resource = self._use_resource if use_resource is None else use_resource
        with name_scope(None):
            if dtype is not None and initializer is not None and not callable(initializer):
                found = convert_to_tensor(initializer).dtype.base_dtype
                if found != as_dtype(dtype):
                    raise ValueError(
                        f"Initializer type '{found.name}' and explicit dtype '{as_dtype(dtype).name}' don't match."
                    )
            return var_store.get(
                f"{self._name}/{name}" if self._name else name,
                shape,
                self._dtype if dtype is None else dtype,
                self._initializer if initializer is None else initializer,
                self._regularizer if regularizer is None else regularizer,
                reuse,
                trainable,
                collections,
                self._caching_device if caching_device is None else caching_device,
                self._partitioner if partitioner is None else partitioner,
                validate_shape,
                use_resource,
                self._custom_getter if custom_getter is None else custom_getter,
                self._constraint if constraint is None else constraint,
                synchronization,
                aggregation,
            )


class _ScopeStore(threading.local):
    """The scope that a thread is in, and how often scopes of each name were opened."""

    def __init__(self) -> None:
        self.current_scope = VariableScope(False)
        self.counts: dict[str, int] = {}

    def open(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def close_inside(self, name: str | None) -> None:
        for key in self.counts:
            if name is None or key.startswith(f"{name}/"):
                self.counts[key] = 0


def _scope_store() -> _ScopeStore:
    stores = get_default_graph().get_collection_ref(SCOPE_KEY)
    if not stores:
        stores.append(_ScopeStore())
    return stores[0]


def get_variable_scope() -> VariableScope:
    """Return the variable scope that the thread is in."""
    return _scope_store().current_scope


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """Return the variable of that name in the current variable scope: found, or made, as the scope's `reuse` says.

    Args:
        name: the name within the scope.
        shape: the shape of a new variable.
        dtype: its type, float32 by default.
        initializer: `(shape, dtype) -> tensor`, a function without arguments, or a value; by default the scope's,
        else Glorot's
            uniform distribution for floating types and zeros for others.
        regularizer: `(variable) -> loss`, for the collection "regularization_losses".
        trainable, collections, caching_device, validate_shape, use_resource, constraint, synchronization,
        aggregation: see
            `VariableV1`.
        partitioner: cuts a variable into slices; see `penstock.language.partitioners`.
        custom_getter: `(getter, name, ...) -> variable`, which may change the arguments or compute from the variable.
    Raises:
        ValueError: if the variable exists and may not be reused, does not exist and may not be made, or does not fit.
    """
    return get_variable_scope().get_variable(
        variable_store(),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """Return a variable that is neither trained nor saved, one of "local_variables"; see `get_variable`."""
    return get_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=False,
        collections=[*(collections or []), GraphKeys.LOCAL_VARIABLES],
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def _wrap_getter(inner: Any, outer: Any) -> Any:
    """Return a custom getter that applies `inner` around what `outer` gives."""
    if inner is None or outer is None:
        return outer if inner is None else inner

    def both(getter: Any, *args: Any, **keywords: Any) -> Any:
        return inner(lambda *a, **k: outer(getter, *a, **k), *args, **keywords)

    return both


class variable_scope:
    """A block with a prefix for variables' names, and defaults for `get_variable`.

    Args:
        name_or_scope: the prefix within the surrounding scope, or a `VariableScope` to enter again.
        default_name: the prefix where `name_or_scope` is None, made unique.
        values: tensors of the graph concerned; a graph that they belong to becomes the current one.
        reuse: True to find variables only, `AUTO_REUSE` to find or make them, None or False to inherit.
        initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint:
        defaults for
            `get_variable`; None to inherit.
        auxiliary_name_scope: whether operations get a name scope too.
    Raises:
        TypeError, ValueError: if neither name is given, or `reuse` is of no kind that is known.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if not (reuse is None or isinstance(reuse, bool) or reuse is AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        if name_or_scope is not None and not isinstance(name_or_scope, (VariableScope, str)):
            raise TypeError(f"VariableScope: name_or_scope must be a string or VariableScope, got {name_or_scope!r}")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = values
        self._reuse = reuse
        self._auxiliary = auxiliary_name_scope
        self._custom_getter = custom_getter
        self._defaults = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "dtype": dtype,
            "use_resource": use_resource,
            "constraint": constraint,
        }
        self._stack: contextlib.ExitStack | None = None

    def __enter__(self) -> VariableScope:
        with contextlib.ExitStack() as stack:
            self._enter_graph(stack)
            scope = self._open(stack)
            self._stack = stack.pop_all()
        return scope

    def __exit__(self, type_arg: Any, value_arg: Any, traceback_arg: Any) -> None:
        assert self._stack is not None
        stack, self._stack = self._stack, None
        stack.__exit__(type_arg, value_arg, traceback_arg)

    def _enter_graph(self, stack: contextlib.ExitStack) -> None:
        graph = current_graph()
        for value in self._values or ():
            tensor = value.value() if isinstance(value, Variable) and not executing_eagerly() else value
            if isinstance(tensor, SymbolicTensor):
                if graph is not tensor.graph and not (graph is not None and graph.building_function):
                    stack.enter_context(tensor.graph.as_default())
                return

    def _open(self, stack: contextlib.ExitStack) -> VariableScope:
        given = self._name_or_scope
        if given is None:
            if self._reuse:
                raise ValueError("reuse=True cannot be used without a name_or_scope")
            assert self._default_name is not None
            opened = self._open_names(stack, self._default_name)
            return stack.enter_context(self._pure(self._unique_name(self._default_name), opened))
        own_name = given if isinstance(given, str) else given.name.rpartition("/")[2]
        opened = self._open_names(stack, own_name) if own_name or not self._auxiliary else ""
        original = opened if isinstance(given, str) else given.original_name_scope
        return stack.enter_context(self._pure(given, original))

    def _open_names(self, stack: contextlib.ExitStack, name: str) -> str:
        """Open the name scope of operations and return it."""
        if self._auxiliary:
            return stack.enter_context(name_scope(name))
        graph = current_graph()
        scope = "" if graph is None else graph.get_name_scope()
        return f"{scope}/" if scope else ""

    @staticmethod
    def _unique_name(prefix: str) -> str:
        store = _scope_store()
        outer = store.current_scope.name
        name = f"{outer}/{prefix}" if outer else prefix
        if not store.counts.get(name):
            return prefix
        number = 1
        while store.counts.get(f"{name}_{number}"):
            number += 1
        return f"{prefix}_{number}"

    @contextlib.contextmanager
    def _pure(self, name_or_scope: Any, original_name_scope: str) -> Iterator[VariableScope]:
        """Enter the scope for variables, leaving the name scope of operations alone."""
        store = _scope_store()
        old = store.current_scope
        again = isinstance(name_or_scope, VariableScope)
        base = name_or_scope if again else old
        name = base.name if again else f"{old.name}/{name_or_scope}" if old.name else name_or_scope
        defaults = {key: getattr(base, key) if value is None else value for key, value in self._defaults.items()}
        scope = VariableScope(
            (self._reuse if self._reuse is not None else base.reuse) if again else (self._reuse or old.reuse),
            name=name,
            custom_getter=_wrap_getter(self._custom_getter, base.custom_getter),
            name_scope=original_name_scope,
            **defaults,
        )
        saved = dict(store.counts) if again else None
        store.open(name)
        store.current_scope = scope
        try:
            yield scope
        finally:
            if store.current_scope is not scope:
                raise RuntimeError("Improper nesting of variable_scope.")
            if saved is not None:
                store.counts = saved
            else:
                store.close_inside(name)
            store.current_scope = old


@contextlib.contextmanager
def variable_op_scope(
    values: Any,
    name_or_scope: Any,
    default_name: str | None = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
) -> Iterator[VariableScope]:
    """Open a variable scope; `variable_scope` with the arguments in an older order."""
    with variable_scope(
        name_or_scope,
        default_name=default_name,
        values=values,
        initializer=initializer,
        regularizer=regularizer,
        caching_device=caching_device,
        partitioner=partitioner,
        custom_getter=custom_getter,
        reuse=reuse,
        dtype=dtype,
        use_resource=use_resource,
        constraint=constraint,
    ) as scope:
        yield scope


def create_partitioned_variables(
    shape: Any,
    slicing: Any,
    initializer: Any,
    dtype: Any = dtypes.float32,
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: Any = None,
) -> list[Any]:
    """Return the slices of a partitioned variable.

    Args:
        shape: the shape of the whole.
        slicing: the number of slices along each axis, one of them more than 1.
        initializer, dtype, trainable, collections: see `get_variable`.
        name: the name of the whole, "PartitionedVariable" by default.
        reuse: see `variable_scope`.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            f"The 'shape' and 'slicing' of a new Variable must have the same length: shape: {shape}, slicing: {slicing}"
        )
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = get_variable(
            name="part",
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=trainable,
            partitioner=lambda **_: list(slicing),
            collections=collections,
        )
        return list(whole)
