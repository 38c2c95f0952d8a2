"""Trackable objects: those that know, by name, the objects they depend on."""

from __future__ import annotations

import collections
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


_CONTAINERS = (list, tuple, dict, collections.OrderedDict, collections.defaultdict)


def is_variable(value: Any) -> bool:
    """Tell whether a value is a variable."""
    return hasattr(type(value), "_gradient_source")


def is_container(value: Any) -> bool:
    """Tell whether a value is a plain list, tuple or dictionary, whose elements are dependencies."""
    return type(value) in _CONTAINERS or isinstance(value, (ListWrapper, DictWrapper))


def is_function(value: Any) -> bool:
    """Tell whether a value is a tf.function or one of its traces: saved models have them, checkpoints do not."""
    return hasattr(type(value), "_saved_functions")


def children_of(value: Any, save_type: str = "checkpoint") -> dict[str, Any]:
    """Return the objects that a trackable object, or a container, depends on, by name.

    Containers name their elements by position or key, and count only where they hold something trackable.

    Args:
        value: the object.
        save_type: "checkpoint", or "savedmodel" for functions, too.
    """
    if is_container(value):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {str(key): item for key, item in items if is_tracked(item, save_type)}
    children = getattr(value, "_trackable_children", None)
    if children is None or isinstance(value, type) or is_function(value):
        return {}
    return dict(children(save_type))


def is_tracked(value: Any, save_type: str = "checkpoint") -> bool:
    """Tell whether a value can be a dependency: a trackable object, a variable, or a container that holds one.

    Saved models have empty containers, too.
    """
    if is_container(value):
        if not value:
            return save_type == "savedmodel"
        return any(is_tracked(item, save_type) for item in (value.values() if isinstance(value, dict) else value))
    if isinstance(value, type):
        return False
    if is_function(value):
        return save_type == "savedmodel"
    return hasattr(value, "_trackable_children") or is_variable(value)


class Trackable:
    """An object with named dependencies, which checkpoints and saved models follow."""

    _self_setattr_tracking = True

    @property
    def _setattr_tracking(self) -> bool:
        return self._self_setattr_tracking

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        self._self_setattr_tracking = value

    def _dependencies(self) -> dict[str, Any]:
        return self.__dict__.setdefault("_self_unconditional_dependency_names", {})

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        """Make `trackable` a dependency and return it.

        Raises:
            TypeError: if it is not trackable.
            ValueError: if the name is taken by another object.
        """
        if not isinstance(trackable, Trackable):
            raise TypeError(
                f"Trackable._track_trackable() can only be used to track objects of type Trackable. Got "
                f"type {type(trackable)}."
            )
        known = self._dependencies().get(name)
        if known is not None and known is not trackable and not overwrite:
            raise ValueError(
                f"Called Trackable._track_trackable() with name='{name}', but a Trackable with this name "
                "is already declared as a dependency."
            )
        self._dependencies()[name] = trackable
        self._handle_deferred_dependencies(name, trackable)
        return trackable

    def _handle_deferred_dependencies(self, name: str, trackable: Any) -> None:
        """Restore an object that a checkpoint, restored before the object was there, has a value for."""
        waiting = self.__dict__.get("_self_deferred_dependencies")
        for restore in waiting.pop(name, ()) if waiting else ():
            restore(trackable)

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        return (cached_dependencies or self._dependencies()).get(name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Return the dependencies by name."""
        return dict(self.__dict__.get("_self_unconditional_dependency_names", {}))


class AutoTrackable(Trackable):
    """A trackable object whose attributes that are trackable become dependencies.

    >>> class Pair(AutoTrackable):
    ...     pass
    >>> pair = Pair()
    >>> pair.left = AutoTrackable()
    >>> list(pair._trackable_children())
    ['left']
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name.startswith("_self_"):
            return
        if not getattr(self, "_self_setattr_tracking", True):
            self.__dict__.setdefault("_self_untracked_names", set()).add(name)
        elif "_self_deferred_dependencies" in self.__dict__ and is_tracked(value):
            self._handle_deferred_dependencies(name, value)

    def __delattr__(self, name: str) -> None:
        self._dependencies().pop(name, None)
        super().__delattr__(name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Return the attributes that are trackable, and what was declared to be a dependency, by name."""
        if save_type != "savedmodel":
            return {**dict(self._tracked_attributes()), **super()._trackable_children(save_type, **kwargs)}
        functions = {name: value for name in dir(self) if is_function(value := _attribute(self, name))}
        for found in functions.values():
            found._saved_functions()  # tracing may set further attributes
        children = {**dict(self._tracked_attributes(save_type)), **super()._trackable_children(save_type, **kwargs)}
        return {**children, **functions}

    def _tracked_attributes(self, save_type: str = "checkpoint") -> Iterator[tuple[str, Any]]:
        untracked = self.__dict__.get("_self_untracked_names", ())
        for name, value in list(self.__dict__.items()):
            if not name.startswith("_self_") and name not in untracked and is_tracked(value, save_type):
                yield name, value


def _attribute(value: Any, name: str) -> Any:
    """Return an attribute, None where it cannot be had now."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(value, name, None)
    except Exception:
        return None


class ListWrapper(list):
    """A list that is trackable in a saved object."""


class DictWrapper(dict):
    """A dictionary that is trackable in a saved object."""


def no_automatic_dependency_tracking(method: F) -> F:
    """Return a method during which attributes that are set do not become dependencies."""

    @functools.wraps(method)
    def untracked(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False
        try:
            return method(self, *args, **kwargs)
        finally:
            self._self_setattr_tracking = before

    return untracked  # type: ignore[return-value]
