"""Public functions that values of other classes may take over, as ragged tensors and users' own types do.

A function such as `tf.concat` knows tensors only. A handler for it is registered with what arguments it is for. Nothing
happens to the function by that until the first handler is needed: then the code of the function is exchanged, in place,
for a few lines that look at the classes of the watched arguments and go to a handler, or on to the function as it was:

    def concat(values, axis, name):
        if values.__class__ not in plain:
            result = handle(values, axis, name)
            if result is not unhandled: return result
        return concat_as_written(values, axis, name)

The function stays the object that everybody imported. So a program that registers no handler and makes no ragged tensor
runs exactly the code that is written, and one that does pays for a test of classes. Handlers of a library class
wait until its first value is made (`activate`).
"""

from __future__ import annotations

import inspect
import threading
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from penstock.core.tensor import EagerTensor, SymbolicTensor

UNHANDLED: Any = type("Unhandled", (), {"__repr__": lambda self: "<unhandled>"})()

# Classes of arguments that no handler is ever asked for.
PLAIN = frozenset({EagerTensor, SymbolicTensor, np.ndarray, bool, int, float, str, bytes, type(None)})


class Handler(NamedTuple):
    """What takes over calls of a function.

    Attributes:
        target: is called with the function's arguments; elementwise handlers with the function before them.
        matches: from the arguments, in the order of the parameters, to whether the call is the target's.
        public: what users registered, for `unregister_dispatch_for`.
        is_exclusive: whether a second handler that matches makes the call ambiguous.
    """

    target: Callable[..., Any]
    matches: Callable[[Sequence[Any]], bool]
    public: Any = None
    is_exclusive: bool = False


class _Api:
    """A public function that can be taken over."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.handlers: list[Handler] = []
        self.watched: set[str] = set()
        self.as_written: Any = None

    def handle(self, *arguments: Any) -> Any:
        """Return the result of the handler that the arguments call for, or `UNHANDLED`."""
        found = [handler for handler in self.handlers if handler.matches(arguments)]
        if not found:
            return UNHANDLED
        if len(found) > 1 and all(handler.is_exclusive for handler in found[:2]):
            targets = " and ".join(repr(handler.public) for handler in found[:2])
            raise ValueError(f"Multiple dispatch targets for {self.function.__name__}: {targets}. Unregister one.")
        return found[0].target(*arguments)


_lock = threading.RLock()  # guards the tables and the exchange of code
_apis: dict[Any, _Api] = {}
_waiting: dict[type, list[tuple[Any, Handler, tuple[str, ...]]]] = {}
_elementwise: dict[str, list[Any]] = {"unary": [], "binary": [], "assert": []}
_active: set[type] = set()


def parameters_of(function: Any) -> list[inspect.Parameter]:
    """Return a function's parameters in order."""
    return list(inspect.signature(function).parameters.values())


def register_elementwise(kind: str, functions: Sequence[Any]) -> None:
    """Announce public functions that work element by element.

    Args:
        kind: "unary" (on the first argument), "binary" (on the first two) or "assert" (binary, without a result).
        functions: the functions.
    """
    _elementwise[kind] += [function for function in functions if function not in _elementwise[kind]]


def elementwise(kind: str) -> list[Any]:
    """Return the functions announced as elementwise of a kind."""
    return list(_elementwise[kind])


def register(api: Any, handler: Handler, watched: Sequence[str], until: type | None = None) -> None:
    """Register a handler for a public function.

    Args:
        api: the function.
        handler: what takes calls over.
        watched: the parameters whose classes decide.
        until: a class; the handler waits for `activate(until)`. By default it is in force at once.
    Raises:
        ValueError: if `api` is not a function of the library that can be taken over.
    """
    if not isinstance(api, types.FunctionType):
        raise ValueError(f"{api!r} does not support dispatch: it is no public function of the library.")
    with _lock:
        if until is not None and until not in _active:
            _waiting.setdefault(until, []).append((api, handler, tuple(watched)))
            return
        entry = _apis.setdefault(api, _Api(api))
        entry.handlers.append(handler)
        if not entry.watched.issuperset(watched):
            entry.watched.update(watched)
            _exchange(entry)


def activate(cls: type) -> None:
    """Put the handlers that wait for the first value of a class in force."""
    with _lock:
        _active.add(cls)
        for api, handler, watched in _waiting.pop(cls, []):
            register(api, handler, watched, until=cls)


def _exchange(entry: _Api) -> None:
    """Put the lines that look for handlers in front of a function."""
    function = entry.function
    if entry.as_written is None:
        original = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        original.__kwdefaults__ = function.__kwdefaults__
        original.__doc__ = None  # the function's own examples are not to be found twice
        entry.as_written = original
    names = {"as_written": entry.as_written, "handle": entry.handle, "unhandled": UNHANDLED, "plain": PLAIN}
    label = f"{function.__name__}_{id(entry):x}"
    function.__globals__.update({f"_{key}_{label}": value for key, value in names.items()})
    declared, passed, positional = [], [], []
    for parameter in parameters_of(entry.as_written):
        if parameter.kind is parameter.VAR_POSITIONAL:
            declared.append(f"*{parameter.name}")
            passed.append(f"*{parameter.name}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            declared.append(f"**{parameter.name}")
            passed.append(f"**{parameter.name}")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if "*" not in declared and not any(item.startswith("*") for item in declared):
                declared.append("*")
            declared.append(parameter.name)
            passed.append(f"{parameter.name}={parameter.name}")
        else:
            declared.append(parameter.name)
            passed.append(parameter.name)
        positional.append(parameter.name)
    test = " or ".join(f"{name}.__class__ not in _plain_{label}" for name in positional if name in entry.watched)
    source = "\n".join(
        [
            f"def call({', '.join(declared)}):",
            f"    if {test}:",
            f"        result = _handle_{label}({', '.join(positional)})",
            f"        if result is not _unhandled_{label}: return result",
            f"    return _as_written_{label}({', '.join(passed)})",
        ]
    )
    free = function.__code__.co_freevars
    if free:  # the exchanged code must name as many variables of the surrounding function as the original
        source = "\n".join(
            [
                f"def outer({', '.join(free)}):",
                *(f"    {line}" for line in source.split("\n")),
                f"        {'; '.join(free)}",
                "    return call",
            ]
        )
    namespace: dict[str, Any] = {}
    exec(compile(source, function.__code__.co_filename, "exec"), namespace)
    made = namespace["outer"](*free) if free else namespace["call"]
    function.__code__ = made.__code__.replace(
        co_name=function.__name__, co_firstlineno=entry.as_written.__code__.co_firstlineno
    )


# What users call.


def _check(annotation: Any, value: Any) -> bool:
    """Tell whether a value is of the type that an annotation names."""
    origin: Any = typing.get_origin(annotation)
    if annotation in (Any, inspect.Parameter.empty):
        return True
    if annotation is None:
        return value is None
    arguments: Any = typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(_check(option, value) for option in arguments)
    if origin is list:
        return isinstance(value, list) and all(_check(arguments[0], element) for element in value)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return isinstance(value, tuple) and all(_check(arguments[0], element) for element in value)
        return (
            isinstance(value, tuple)
            and len(value) == len(arguments)
            and all(_check(kind, item) for kind, item in zip(arguments, value))
        )
    if isinstance(origin, type):
        items: Any = value
        return isinstance(value, origin) and all(_check(arguments[0], element) for element in items)
    return isinstance(value, annotation)


def _checkable(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is None:
        return isinstance(annotation, type) or annotation is None
    return all(_checkable(item) for item in typing.get_args(annotation) if item is not Ellipsis)


def dispatch_for_api(api: Any, *signatures: Any) -> Callable[[Any], Any]:
    """Return a decorator that makes a function take over the calls of `api` whose arguments have given types.

    Args:
        api: a public function, such as `tf.concat`.
        *signatures: dictionaries from the name (or position) of a parameter to the type that its argument must have;
            `typing.List`, `Tuple` and `Union` say more. By default, the annotations of the decorated function.
    Returns:
        A decorator of a function with the parameters of `api`.
    Raises:
        ValueError: if `api` cannot be taken over, the decorated function has other parameters, or no types are given.
    """
    if not isinstance(api, types.FunctionType):
        raise ValueError(f"{api!r} does not support dispatch: it is no public function of the library.")
    names = [parameter.name for parameter in parameters_of(api)]

    def decorator(target: Any) -> Any:
        own = [parameter.name for parameter in parameters_of(target)]
        if own != names:
            raise ValueError(
                f"Dispatch function's signature ({', '.join(own)}) does not match the API's ({', '.join(names)}) "
                f"[{api.__name__}]."
            )
        given = signatures or ({k: v for k, v in typing.get_type_hints(target).items() if k in names},)
        checks = [_by_name(signature, names) for signature in given]
        if not all(checks):
            raise ValueError(
                f"The signature for {target!r} has no types to dispatch on. Annotate its parameters, or give "
                "signatures."
            )
        positions = [[(names.index(name), kind) for name, kind in check.items()] for check in checks]

        def matches(arguments: Sequence[Any]) -> bool:
            return any(all(_check(kind, arguments[place]) for place, kind in options) for options in positions)

        watched = {name for check in checks for name in check}
        register(api, Handler(target, matches, target, is_exclusive=True), sorted(watched, key=names.index))
        return target

    return decorator


def _by_name(signature: Any, names: list[str]) -> dict[str, Any]:
    if not isinstance(signature, dict):
        raise TypeError(f"signatures must be dictionaries mapping parameter names to types; got {signature!r}")
    result = {}
    for key, kind in signature.items():
        if isinstance(key, int) and not -len(names) <= key < len(names) or isinstance(key, str) and key not in names:
            raise ValueError(f"signature includes annotation for unknown parameter {key!r}.")
        if not _checkable(kind):
            raise TypeError(
                f"Type annotation {kind!r} for parameter {key!r} is not currently supported by dispatch. Use classes, "
                "List, Tuple and Union."
            )
        result[names[key] if isinstance(key, int) else key] = kind
    return result


def _register_elementwise_handler(kind: str, classes: Sequence[Any], target: Any) -> Any:
    for function in _elementwise[kind]:
        names = [parameter.name for parameter in parameters_of(function)][: len(classes)]
        register(function, _elementwise_handler(function, classes, target), names)
    return target


def _elementwise_handler(function: Any, classes: Sequence[Any], target: Any) -> Handler:
    count = len(classes)

    def matches(arguments: Sequence[Any]) -> bool:
        return all(_check(kind, argument) for kind, argument in zip(classes, arguments, strict=False))

    def call(*arguments: Any) -> Any:
        rest = dict(zip([p.name for p in parameters_of(function)][count:], arguments[count:], strict=True))

        def bound(*operands: Any) -> Any:
            return function(*operands, **rest)

        bound.__name__ = function.__name__
        return target(bound, *arguments[:count])

    return Handler(call, matches, target, is_exclusive=True)


def dispatch_for_unary_elementwise_apis(x_type: Any) -> Callable[[Any], Any]:
    """Return a decorator: a function `(api, x)` takes over all functions of one argument that go element by element.

    Args:
        x_type: the type of the values that it is for.
    """
    return lambda target: _register_elementwise_handler("unary", [x_type], target)


def dispatch_for_binary_elementwise_apis(x_type: Any, y_type: Any) -> Callable[[Any], Any]:
    """Return a decorator: a function `(api, x, y)` takes over all functions of two arguments that go element by
    element.

    Args:
        x_type, y_type: the types of the values that it is for.
    """
    return lambda target: _register_elementwise_handler("binary", [x_type, y_type], target)


def dispatch_for_binary_elementwise_assert_apis(x_type: Any, y_type: Any) -> Callable[[Any], Any]:
    """Return a decorator: a function `(api, x, y)` takes over the checks that compare two values element by element.

    Args:
        x_type, y_type: the types of the values that it is for.
    """
    return lambda target: _register_elementwise_handler("assert", [x_type, y_type], target)


def unregister_dispatch_for(dispatch_target: Any) -> None:
    """Take back what was registered with one of the decorators.

    Args:
        dispatch_target: the decorated function.
    Raises:
        ValueError: if it was not registered.
    """
    with _lock:
        found = False
        for entry in _apis.values():
            kept = [handler for handler in entry.handlers if handler.public is not dispatch_target]
            found = found or len(kept) < len(entry.handlers)
            entry.handlers[:] = kept
    if not found:
        raise ValueError(f"Function {dispatch_target!r} was not registered.")
