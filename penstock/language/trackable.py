"""Trackable objects: those that know, by name, the objects they depend on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


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
        return trackable

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        return (cached_dependencies or self._dependencies()).get(name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Return the dependencies by name."""
        return dict(self._dependencies())


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
        if getattr(self, "_self_setattr_tracking", True) and isinstance(value, Trackable):
            self._track_trackable(value, name, overwrite=True)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._dependencies().pop(name, None)
        super().__delattr__(name)


class ListWrapper(list):  # type: ignore[type-arg]
    """A list that is trackable in a saved object."""


class DictWrapper(dict):  # type: ignore[type-arg]
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
