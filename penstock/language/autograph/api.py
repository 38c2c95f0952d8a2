"""`tf.autograph`: what programs call."""

from __future__ import annotations

import inspect
import logging
import sys
import types
from collections.abc import Callable
from typing import Any

from penstock.language.autograph.calls import RUNTIME
from penstock.language.autograph.conversion import Template, source_of, template_of
from penstock.language.autograph.parsing import SourceError
from penstock.language.autograph.rules import is_marked
from penstock.language.autograph.status import ConversionError

_UNSPECIFIED = object()
_logger = logging.getLogger("penstock.autograph")


def _template_of(entity: Any) -> tuple[types.FunctionType, Template]:
    function = inspect.unwrap(entity) if is_marked(entity) else entity
    function = getattr(function, "__func__", function)
    if not isinstance(function, types.FunctionType):
        raise ConversionError(
            f"converting {entity}: ValueError: Cannot apply autograph to a function that doesn't expose a __code__ "
            "object. If this is a @tf.function, try passing f.python_function instead."
        )
    try:
        template = template_of(function.__code__)
    except SourceError as error:
        raise ConversionError(f"converting {entity}: {error}") from error
    if template is None:
        raise ConversionError(f"converting {entity}: generators and coroutines are not supported")
    return function, template


def to_graph(
    entity: Callable[..., Any], recursive: bool = True, experimental_optional_features: Any = None
) -> Callable[..., Any]:
    """Return the converted twin of a function.

    Args:
        entity: a function or method of the program.
        recursive: accepted; what the function calls is converted as it is called.
        experimental_optional_features: accepted; see `tf.function`.
    Raises:
        ConversionError: if it has no Python source, or is a generator.
    """
    function, template = _template_of(entity)
    twin = template.bind(function, RUNTIME)
    owner = getattr(entity, "__self__", None)
    return twin if owner is None else types.MethodType(twin, owner)


def to_graph_v1(
    entity: Callable[..., Any],
    recursive: bool = True,
    arg_values: Any = None,
    arg_types: Any = None,
    experimental_optional_features: Any = None,
) -> Callable[..., Any]:
    """Return the converted twin of a function; see `to_graph`. `arg_values` and `arg_types` are accepted."""
    return to_graph(entity, recursive, experimental_optional_features)


def to_code(entity: Callable[..., Any], recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """Return the source of the converted twin of a function.

    Args:
        entity: a function or method of the program.
        recursive, experimental_optional_features: see `to_graph`.
    Raises:
        ConversionError: if it has no Python source, or is a generator.
    """
    return source_of(_template_of(entity)[1])


def to_code_v1(
    entity: Callable[..., Any],
    recursive: bool = True,
    arg_values: Any = None,
    arg_types: Any = None,
    indentation: str = "  ",
    experimental_optional_features: Any = None,
) -> str:
    """Return the source of the converted twin of a function; see `to_code`. The other arguments are accepted."""
    return to_code(entity, recursive, experimental_optional_features)


def set_loop_options(
    parallel_iterations: Any = _UNSPECIFIED,
    swap_memory: Any = _UNSPECIFIED,
    maximum_iterations: Any = _UNSPECIFIED,
    shape_invariants: Any = _UNSPECIFIED,
) -> None:
    """Set options of the loop in whose body this is called, as a statement of its own; elsewhere it does nothing.

    Args:
        parallel_iterations, swap_memory: accepted as `tf.while_loop` does.
        maximum_iterations: the most iterations to run.
        shape_invariants: pairs of a variable of the loop and the shape that it keeps throughout.
    """


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Set how much AutoGraph tells: 0 for nothing; from 1 on, each conversion, to the logger "penstock.autograph".

    Args:
        level: 0 to 10.
        alsologtostdout: whether to print as well.
    """
    _logger.setLevel(logging.WARNING if level == 0 else logging.INFO)
    if alsologtostdout and not _logger.handlers:
        _logger.addHandler(logging.StreamHandler(sys.stdout))


def trace(*args: Any) -> None:
    """Print values while a function is traced; eagerly, whenever it runs."""
    print(*args)


__all__ = [
    "set_loop_options",
    "set_verbosity",
    "to_code",
    "to_code_v1",
    "to_graph",
    "to_graph_v1",
    "trace",
]
