"""The decorator that declares an operation, and the callable that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock.core.dispatch import apply, apply_quickly, apply_slowly
from penstock.core.dtypes import DType
from penstock.core.graph import current_graph
from penstock.core.op_def import OpDef, Type, register, registered
from penstock.core.traceback_filtering import filtered

__all__ = ["Op", "Type", "op"]


class Op(OpDef):
    """A declared operation. Called with tensors, it becomes a node of the current graph, or runs its kernel eagerly."""

    def __call__(self, *args: Any, name: str | None = None, **attrs: Any) -> Any:
        """Call the operation; see `penstock.core.dispatch.apply`. A positional argument beyond the inputs is the
        name."""
        result = apply_quickly(self, args, attrs, name)
        if result is not None:
            return result
        try:
            return self._call_slowly(args, attrs, name)
        except Exception as error:
            raise filtered(error) from error.__cause__

    def _call_slowly(self, args: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any:
        if len(args) == len(self.inputs) and (not attrs or attrs.keys() <= self.attributes.keys()):
            return apply_slowly(self, args, attrs, name)
        if len(args) == len(self.inputs) + 1 and (args[-1] is None or isinstance(args[-1], str)):
            name, args = args[-1], args[:-1]
        if len(args) < len(self.inputs):
            args = (*args, *(attrs.pop(a.name) for a in self.inputs[len(args) :] if a.name in attrs))
        for attribute in attrs:
            if attribute not in self.attributes:
                raise TypeError(
                    f"{self.name} got an unexpected argument {attribute!r}; it has "
                    f"{', '.join(self.attributes) or 'none'}"
                )
        return apply(self, args, attrs, name)


def op(
    line: str,
    *,
    stateful: bool = False,
    view: bool = False,
    differentiable: bool = True,
    commutative: bool = False,
    shape: Callable[..., Any] | None = None,
    allowed: dict[str, Iterable[Any]] | None = None,
    minimum: dict[str, int] | None = None,
    **types: Iterable[DType] | Type,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an operation whose kernel is the decorated function.

    Args:
        line: name, inputs and outputs, as `penstock.core.op_def` describes.
        stateful: whether calls have effects, or depend on more than their inputs; such calls are never merged or
            folded.
        view: whether the kernel may return a view of an input, or the input itself.
        differentiable: False declares that no gradient flows.
        commutative: whether the two inputs may be exchanged.
        shape: the shape rule, where it is not given by `@name.shape`.
        allowed: attribute name -> the values that a string attribute may have.
        minimum: attribute name -> the least value that a number may have, or the least length of a list.
        types: type attribute -> the types it may have, or a `Type` with a default.
    Returns:
        A decorator that makes the kernel a callable `Op`; decorating an `Op` declares another operation with its
        kernel.

    >>> from penstock.core.dtypes import FLOATING
    >>> from penstock.core.shape_rules import unchanged
    >>> @op("DocDouble(x: T) -> y: T", T=FLOATING, shape=unchanged)
    ... def double(x):
    ...     return x + x
    >>> float(double(2.0))
    4.0
    """

    def declare(kernel: Callable[..., Any]) -> Op:
        function = kernel.kernel if isinstance(kernel, Op) else kernel
        declared = Op(
            line,
            function,
            stateful=stateful,
            view=view,
            differentiable=differentiable,
            commutative=commutative,
            shape=shape,
            types=types,
            allowed=allowed,
            minimum=minimum,
        )
        declared.__doc__ = function.__doc__
        declared.__name__ = getattr(function, "__name__", declared.name)  # type: ignore[attr-defined]
        declared.__module__ = function.__module__
        register(declared)
        return declared

    return declare


_make_function: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None


def run_functions_with(make_function: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Set how an operation that calls functions runs eagerly: as a function of its own, made by `make_function`."""
    global _make_function
    _make_function = make_function


def _body_of(function: Any) -> Any:
    """Return the graph of a function, of which a raw operation may be given the traced form."""
    graph = getattr(function, "graph", None)
    return function if graph is None else graph


def raw_operation(name: str) -> Callable[..., Any]:
    """Return an operation as `tf.raw_ops` has it: inputs and attributes are keywords, by the names of GraphDefs.

    Args:
        name: the operation's name.
    Raises:
        AttributeError: if there is no such operation.
    """
    declared = registered().get(name)
    if not isinstance(declared, Op):
        raise AttributeError(f"module 'raw_ops' has no attribute {name!r}: no operation of that name is declared")
    operation = declared
    functions = [key for key, attribute in operation.attributes.items() if attribute.kind in ("func", "list(func)")]

    def call(**arguments: Any) -> Any:
        missing = [argument.name for argument in operation.inputs if argument.name not in arguments]
        if missing:
            raise TypeError(f"{name}() missing required keyword arguments: {', '.join(missing)}")
        inputs = [arguments.pop(argument.name) for argument in operation.inputs]
        for attribute in functions:
            given = arguments.get(attribute)
            if given is not None:
                arguments[attribute] = [_body_of(f) for f in given] if isinstance(given, list) else _body_of(given)
        if functions and current_graph() is None and _make_function is not None:
            return _make_function(lambda *tensors: operation(*tensors, **arguments))(*inputs)
        return operation(*inputs, **arguments)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = operation.__doc__
    return call
