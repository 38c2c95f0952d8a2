"""Whether AutoGraph is at work in this thread, and with which optional features."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable
from typing import Any


class Feature(enum.Enum):
    """Conversions that a program has to ask for, in `experimental_autograph_options` of tf.function."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        """Return every feature."""
        return tuple(cls)

    @classmethod
    def all_but(cls, exclude: Feature | Iterable[Feature]) -> tuple[Feature, ...]:
        """Return every feature but `ALL` and those in `exclude`."""
        excluded = {exclude} if isinstance(exclude, Feature) else set(exclude)
        return tuple(feature for feature in cls if feature not in excluded | {cls.ALL})


class Status(enum.Enum):
    """What calls made now are to do about conversion."""

    UNSPECIFIED = 0
    ENABLED = 1
    DISABLED = 2


class _Stack(threading.local):
    def __init__(self) -> None:
        self.contexts: list[ControlStatusCtx] = []


class ControlStatusCtx:
    """Sets the status within a `with` block.

    Args:
        status: the status within the block.
        options: the optional features, as a Feature or several.
    """

    def __init__(self, status: Status, options: Any = None) -> None:
        self.status = status
        features = () if options is None else (options,) if isinstance(options, Feature) else tuple(options)
        self.features = frozenset(Feature.all() if Feature.ALL in features else features)

    def __enter__(self) -> ControlStatusCtx:
        _stack.contexts.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _stack.contexts.pop()


_stack = _Stack()
_UNSPECIFIED = ControlStatusCtx(Status.UNSPECIFIED)


def control_status_ctx() -> ControlStatusCtx:
    """Return the innermost context of this thread."""
    contexts = _stack.contexts
    return contexts[-1] if contexts else _UNSPECIFIED


def autograph_status() -> Status:
    """Return the status of the innermost context of this thread."""
    return control_status_ctx().status


class ConversionError(Exception):
    """A function that a program asked to convert cannot be converted."""


def with_status(status: Status, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function under a status."""
    with ControlStatusCtx(status):
        return function(*args, **kwargs)


__all__ = [
    "ControlStatusCtx",
    "ConversionError",
    "Feature",
    "Status",
    "autograph_status",
    "control_status_ctx",
    "with_status",
]
