"""Converting functions, and calling functions from converted code."""

from __future__ import annotations

import functools
import inspect
import types
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from penstock.language import control_flow, functional
from penstock.language.autograph.conversion import Template, is_converted, template_of
from penstock.language.autograph.operators.builtins import OVERLOADS
from penstock.language.autograph.operators.conditionals import if_exp, if_stmt
from penstock.language.autograph.operators.logical import and_, assert_, compare_chain, in_, not_, not_in, or_
from penstock.language.autograph.operators.loops import for_stmt, while_stmt
from penstock.language.autograph.operators.variables import (
    Undefined,
    UndefinedReturnValue,
    is_defined,
    ld,
    ldu,
    returned,
)
from penstock.language.autograph.parsing import SourceError
from penstock.language.autograph.rules import is_library, is_marked, mark
from penstock.language.autograph.status import ControlStatusCtx, Status, autograph_status

_warned: weakref.WeakSet[types.CodeType] = weakref.WeakSet()
_BUILTIN_TYPES = (types.BuiltinFunctionType, type)
_HIGHER_ORDER: frozenset[Any] = frozenset(
    [
        control_flow.cond,
        control_flow.cond_v1,
        control_flow.case,
        control_flow.while_loop,
        control_flow.while_loop_v1,
        functional.map_fn,
        functional.scan,
        functional.foldl,
        functional.foldr,
        functional.vectorized_map,
        functional.switch_case,
    ]
)


def converted(function: Any) -> Any:
    """Return what converted code calls in place of a function.

    Functions of the program are converted, built-in functions replaced by ones that know tensors, and functions of
    libraries left alone. Those that take functions, such as `tf.map_fn`, get theirs converted.

    Args:
        function: anything callable.
    """
    if autograph_status() is Status.DISABLED:
        return function
    if type(function) in _BUILTIN_TYPES:
        return OVERLOADS.get(function, function) if _hashable(function) else function
    if type(function) is types.FunctionType and function in _HIGHER_ORDER:
        return functools.partial(_call_with_converted, function)
    return _twin(function)


def _hashable(function: Any) -> bool:
    return type(function).__hash__ is not None


def _call_with_converted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    def argument(item: Any) -> Any:
        if isinstance(item, (types.FunctionType, types.MethodType, functools.partial)):
            return converted(item)
        if isinstance(item, dict):
            return {key: argument(value) for key, value in item.items()}
        if type(item) in (list, tuple):
            return type(item)([argument(value) for value in item])
        return item

    return function(*(argument(item) for item in args), **{key: argument(item) for key, item in kwargs.items()})


def _twin(function: Any) -> Any:
    """Return the converted twin of a callable, or the callable itself where there is none."""
    if isinstance(function, types.FunctionType):
        template = _template(function)
        return function if template is None else template.bind(function, RUNTIME)
    if isinstance(function, types.MethodType):
        inner = function.__func__
        if not isinstance(inner, types.FunctionType):
            return function
        template = _template(inner)
        return function if template is None else types.MethodType(template.bind(inner, RUNTIME), function.__self__)
    if isinstance(function, functools.partial):
        inner = converted(function.func)
        return function if inner is function.func else functools.partial(inner, *function.args, **function.keywords)
    if isinstance(function, type) or is_library(type(function).__module__):
        return function
    call = inspect.getattr_static(type(function), "__call__", None)
    if isinstance(call, types.FunctionType) and not is_marked(function):
        template = _template(call)
        if template is not None:
            return types.MethodType(template.bind(call, RUNTIME), function)
    return function


def _template(function: types.FunctionType) -> Template | None:
    code = function.__code__
    if is_converted(code) or is_marked(function) or is_library(function.__globals__.get("__name__")):
        return None
    try:
        return template_of(code)
    except SourceError as error:
        if code not in _warned:
            _warned.add(code)
            warnings.warn(
                f"AutoGraph could not transform {function!r} and will run it as-is. Cause: {error}. "
                "To silence this warning, decorate the function with @tf.autograph.experimental.do_not_convert.",
                stacklevel=4,
            )
        return None


def convert(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, with statements over tensors staged into the graph being built.

    What is found out about code is kept, so that a second conversion costs microseconds.

    Args:
        func: a function, bound method, `functools.partial`, or object with `__call__`.
    Returns:
        The converted function, with the same signature, variables and `self`; `func` itself if it is not to be
        converted: a built-in or library function, one marked with `do_not_convert`, a generator, or one without
        source, for which there is one warning.
    """
    return _twin(func)


def tf_convert(f: Callable[..., Any], ctx: ControlStatusCtx, convert_by_default: bool = True, **_: Any) -> Any:
    """Return `f` as a library is to call it under a status that it took earlier with `control_status_ctx`.

    Args:
        f: a function of the program.
        ctx: the context in which it was handed over.
        convert_by_default: whether to convert it if that context says nothing.
    """
    wanted = ctx.status is Status.ENABLED or (ctx.status is Status.UNSPECIFIED and convert_by_default)
    if not wanted:
        return f if is_marked(f) else _disabled(f)
    twin = convert(f)

    @functools.wraps(f)
    def under_status(*args: Any, **kwargs: Any) -> Any:
        with ControlStatusCtx(Status.ENABLED, ctx.features):
            return twin(*args, **kwargs)

    return under_status


def _disabled(f: Callable[..., Any]) -> Any:
    @functools.wraps(f)
    def under_status(*args: Any, **kwargs: Any) -> Any:
        with ControlStatusCtx(Status.DISABLED):
            return f(*args, **kwargs)

    return mark(under_status)


def converted_call(f: Any, args: Any, kwargs: Any = None) -> Any:
    """Call a function as converted code does.

    Args:
        f: anything callable.
        args: the positional arguments.
        kwargs: the keyword arguments.
    """
    return converted(f)(*args, **(kwargs or {}))


RUNTIME = types.SimpleNamespace(
    Undefined=Undefined,
    UndefinedReturnValue=UndefinedReturnValue,
    and_=and_,
    assert_=assert_,
    compare_chain=compare_chain,
    converted=converted,
    for_stmt=for_stmt,
    if_exp=if_exp,
    if_stmt=if_stmt,
    in_=in_,
    is_defined=is_defined,
    ld=ld,
    ldu=ldu,
    not_=not_,
    not_in=not_in,
    or_=or_,
    returned=returned,
    while_stmt=while_stmt,
)
"""What converted code knows as `ag__`."""
