"""Defaults for arguments by scope: inside `arg_scope([conv2d], stride=2)`, `conv2d` has the stride 2."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_scopes = threading.local()
_arguments: dict[Any, tuple[str, ...]] = {}  # of each decorated function, the names of its arguments with defaults


def _key(function: Any) -> Any:
    return getattr(function, "_arg_scope_key", function)


def current_arg_scope() -> dict[Any, dict[str, Any]]:
    """Return the defaults that hold now: a dictionary from functions to dictionaries of arguments."""
    stack = getattr(_scopes, "stack", None)
    return dict(stack[-1]) if stack else {}


def has_arg_scope(func: Callable[..., Any]) -> bool:
    """Tell whether a function takes defaults from scopes."""
    return _key(func) in _arguments


def arg_scoped_arguments(func: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the arguments for which a function takes defaults from scopes."""
    return _arguments[_key(func)]


def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function so that it takes defaults from scopes."""

    @functools.wraps(func)
    def with_defaults(*args: Any, **kwargs: Any) -> Any:
        defaults = current_arg_scope().get(with_defaults)
        if defaults:
            given = func.__code__.co_varnames[: len(args)]
            kwargs = {**{name: value for name, value in defaults.items() if name not in given}, **kwargs}
        return func(*args, **kwargs)

    with_defaults._arg_scope_key = with_defaults  # type: ignore[attr-defined]
    count = len(func.__defaults__ or ())
    code = func.__code__
    _arguments[with_defaults] = code.co_varnames[code.co_argcount - count : code.co_argcount]
    return with_defaults


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[dict[Any, dict[str, Any]]]:
    """Open a block in which functions have other defaults.

    Args:
        list_ops_or_scope: functions decorated with `add_arg_scope`; or what an earlier block gave, to open it again.
        **kwargs: the defaults, which each of the functions must know.
    Raises:
        TypeError: if it is no list of functions.
        ValueError: if a function does not take defaults from scopes, or an old scope is given further defaults.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by supplying a dictionary, kwargs must be empty.")
        scope = dict(list_ops_or_scope)
    else:
        if not isinstance(list_ops_or_scope, (list, tuple)):
            raise TypeError(
                f"list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict), got {list_ops_or_scope!r}"
            )
        scope = current_arg_scope()
        for function in list_ops_or_scope:
            if not has_arg_scope(function):
                raise ValueError(f"{function!r} is not decorated with @add_arg_scope")
            scope[_key(function)] = {**scope.get(_key(function), {}), **kwargs}
    stack = _scopes.__dict__.setdefault("stack", [])
    stack.append(scope)
    try:
        yield scope
    finally:
        stack.pop()
