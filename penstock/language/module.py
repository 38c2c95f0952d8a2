"""`tf.Module`: objects that own variables and other modules."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from penstock.core import nest
from penstock.core.graph import name_scope
from penstock.language.trackable import AutoTrackable

F = TypeVar("F", bound=Callable[..., Any])
_WORD_STARTS = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")


class Module(AutoTrackable):
    """An object that owns variables, and modules that own variables, as attributes or within lists and dictionaries.

    Args:
        name: the module's name, a Python identifier; by default the class's in snake case.
    Raises:
        ValueError: if the name is no identifier.

    >>> import penstock as tf
    >>> class Dense(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.w = tf.Variable([[1.0]], name="w")
    ...         self.b = tf.Variable([0.0], name="b", trainable=False)
    >>> [variable.name for variable in Dense().variables], len(Dense().trainable_variables)
    (['b:0', 'w:0'], 1)
    """

    # Attributes in which variables and modules are not looked for.
    _TF_MODULE_IGNORED_PROPERTIES: frozenset[str] = frozenset()

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _WORD_STARTS.sub(r"_\1", type(self).__name__).lower()
        if not isinstance(name, str):
            raise TypeError(f"The name of a module must be a string, got {name!r}")
        if not name.isidentifier():
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers "
                "(e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self) -> str:
        """The module's name, without the scopes around it."""
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """A context manager that enters the scope in which the module was made."""
        return name_scope(self._scope_name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of this module and its submodules: by attribute name, this module's own first."""
        return tuple(self._flatten(predicate=_is_variable, expand_composites=True))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of `variables` that are trainable."""
        return tuple(self._flatten(predicate=lambda v: _is_variable(v) and v.trainable, expand_composites=True))

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those of `variables` that are not trainable."""
        return tuple(self._flatten(predicate=lambda v: _is_variable(v) and not v.trainable, expand_composites=True))

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules that this one holds, and those that they hold."""
        return tuple(self._flatten(predicate=lambda leaf: isinstance(leaf, Module)))

    def _flatten(
        self,
        recursive: bool = True,
        predicate: Callable[[Any], bool] | None = None,
        attribute_traversal_key: Callable[[Any], Any] | None = None,
        with_path: bool = False,
        expand_composites: bool = False,
    ) -> Iterator[Any]:
        """Yield the leaves of the attributes that satisfy a predicate, with their paths where `with_path` is set."""
        return _walk(
            self,
            recursive,
            predicate or (lambda _: True),
            attribute_traversal_key,
            with_path,
            expand_composites,
            (),
            set(),
        )

    @classmethod
    def with_name_scope(cls, method: F) -> F:
        """Decorate a method so that it runs within the module's name scope."""

        @functools.wraps(method)
        def within_scope(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return within_scope  # type: ignore[return-value]


def _is_variable(value: Any) -> bool:
    return hasattr(value, "_gradient_source")


def _walk(
    module: Module,
    recursive: bool,
    predicate: Callable[[Any], bool],
    attribute_key: Callable[[Any], Any] | None,
    with_path: bool,
    expand_composites: bool,
    prefix: tuple[Any, ...],
    seen: set[int],
) -> Iterator[Any]:
    if not prefix:
        seen.add(id(module))
    attributes = vars(module)
    submodules: list[tuple[tuple[Any, ...], Module]] = []
    for key in sorted(attributes, key=attribute_key):
        if key in module._TF_MODULE_IGNORED_PROPERTIES or key.startswith("_self_"):
            continue
        try:
            leaves = nest.flatten_with_tuple_paths(attributes[key], expand_composites=expand_composites)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Error processing property {key!r} of {module!r}: variables and modules are looked for in it, but it "
                f"cannot be flattened ({error}). Add its name to `_TF_MODULE_IGNORED_PROPERTIES` to leave it out."
            ) from error
        for path, leaf in leaves:
            if id(leaf) in seen:
                continue
            full = (*prefix, key, *path)
            if predicate(leaf) or isinstance(leaf, Module) or _is_variable(leaf):
                seen.add(id(leaf))
            if predicate(leaf):
                yield (full, leaf) if with_path else leaf
            if recursive and isinstance(leaf, Module):
                submodules.append((full, leaf))
    for path, submodule in submodules:
        yield from _walk(submodule, recursive, predicate, attribute_key, with_path, expand_composites, path, seen)
