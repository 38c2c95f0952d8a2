"""Which functions are called as they are."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from penstock.language.autograph.status import Status, with_status

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LIBRARIES = frozenset(
    """absl google h5py ipykernel IPython jax keras matplotlib ml_dtypes numpy optree pandas penstock PIL pkg_resources
    psutil pytest _pytest pluggy rich scipy sklearn tensorboard tensorflow torch tqdm tree wrapt""".split()
)
_CONVERTED_PACKAGES = ("penstock.examples",)
_MARK = "_autograph_do_not_convert"
_by_module: dict[str, bool] = {}


def is_library(module: str | None) -> bool:
    """Tell whether a module belongs to the standard library or to one that computes with tensors by itself."""
    if not module:
        return False
    known = _by_module.get(module)
    if known is None:
        root = module.partition(".")[0]
        known = (root in _LIBRARIES or root in sys.stdlib_module_names) and root != "__main__"
        known = known and not module.startswith(_CONVERTED_PACKAGES)
        _by_module[module] = known
    return known


def do_not_convert(func: Any = None) -> Any:
    """Mark a function as one that AutoGraph leaves as it is, and all that it calls.

    Args:
        func: the function; None to get a decorator.
    """
    if func is None:
        return do_not_convert
    if not callable(func):
        raise TypeError(f"do_not_convert takes a function, got {func!r}")

    @functools.wraps(func)
    def unconverted(*args: Any, **kwargs: Any) -> Any:
        return with_status(Status.DISABLED, func, *args, **kwargs)

    return mark(unconverted)


def mark(function: _Function) -> _Function:
    """Mark a function object itself, without a wrapper around it."""
    setattr(function, _MARK, True)
    return function


def is_marked(function: Any) -> bool:
    """Tell whether a function is marked."""
    return getattr(function, _MARK, False) is True
