"""Templates: functions whose variables are made at the first call and shared by all later ones."""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Callable
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variable_scope import VariableScope, variable_scope
from penstock.language.variable_store import EagerVariableStore


class Template:
    """A function with variables of its own.

    Args:
        name: the name of its variable scope, made unique.
        func: the function.
        create_scope_now: whether the scope is opened at once, rather than at the first call.
        unique_name: the name of the scope as it is, not made unique.
        custom_getter: see `get_variable`.
    """

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Any = None,
    ) -> None:
        if name is None:
            raise ValueError("name cannot be None.")
        self._func = func
        self._name = name
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._variable_scope: VariableScope | None = None
        self._variables_created = False
        self._traceback = traceback.extract_stack()[:-2]
        self._store = EagerVariableStore() if executing_eagerly() else None
        if create_scope_now:
            with self._new_scope() as scope:
                self._variable_scope = scope

    def _new_scope(self) -> variable_scope:
        if self._unique_name is not None:
            return variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter)
        return variable_scope(None, self._name, custom_getter=self._custom_getter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, with its variables made or found."""
        store: Any = contextlib.nullcontext() if self._store is None else self._store.as_default()
        with store:
            if self._variable_scope is not None:
                with variable_scope(self._variable_scope, reuse=self._variables_created and self._store is None):
                    return self._call(args, kwargs)
            with self._new_scope() as scope:
                self._variable_scope = scope
                return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trainable = get_default_graph().get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        count = len(trainable)
        result = self._func(*args, **kwargs)
        if self._variables_created and len(trainable) != count:
            made_at = self._traceback[-1] if self._traceback else None
            where = f" The template was made at {made_at.filename}:{made_at.lineno}." if made_at else ""
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you used "
                "tf.Variable when you meant "
                f"tf.get_variable: {trainable[count:]}.{where}"
            )
        self._variables_created = True
        return result

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The scope of the variables; None before it is opened."""
        return self._variable_scope

    @property
    def var_scope(self) -> VariableScope | None:
        """The scope of the variables; see `variable_scope`."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of that scope with a slash at its end."""
        if self._variable_scope is None:
            return None
        name = self._variable_scope.name
        return name if not name or name.endswith("/") else f"{name}/"

    def _collection(self, name: str) -> list[Any]:
        scope = self.variable_scope_name
        return [] if scope is None else get_default_graph().get_collection(name, scope)

    @property
    def variables(self) -> list[Any]:
        """The global and local variables of the template."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """The trainable variables of the template."""
        return (
            self._collection(GraphKeys.TRAINABLE_VARIABLES)
            if self._store is None
            else self._store.trainable_variables()
        )

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables of the template that are not trainable."""
        trainable = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trainable]

    @property
    def global_variables(self) -> list[Any]:
        """The global variables of the template."""
        return self._collection(GraphKeys.GLOBAL_VARIABLES) if self._store is None else self._store.variables()

    @property
    def local_variables(self) -> list[Any]:
        """The local variables of the template."""
        return self._collection(GraphKeys.LOCAL_VARIABLES) if self._store is None else []

    @property
    def weights(self) -> list[Any]:
        """The variables of the template, under the name that layers use."""
        return self.variables

    @property
    def trainable_weights(self) -> list[Any]:
        """The trainable variables of the template, under the name that layers use."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of the template, under the name that layers use."""
        return self.non_trainable_variables


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Template:
    """Return a function that shares the variables of `func_` between its calls.

    Args:
        name_: the name of the variable scope, made unique.
        func_: a function that makes variables with `get_variable`.
        create_scope_now_: whether the scope is opened at once, rather than at the first call.
        unique_name_: the name of the scope as it is, not made unique.
        custom_getter_: see `get_variable`.
        **kwargs: keyword arguments for every call of `func_`.
    Raises:
        ValueError: if `name_` is None, or in eager execution with `unique_name_`.
    """
    if executing_eagerly() and unique_name_ is not None:
        raise ValueError("unique_name_ cannot be used when eager execution is enabled.")
    return Template(
        name_, functools.partial(func_, **kwargs) if kwargs else func_, create_scope_now_, unique_name_, custom_getter_
    )
