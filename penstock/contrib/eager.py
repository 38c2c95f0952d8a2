"""`tf.contrib.eager`: gradients of Python functions, from the first eager execution."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.tape import GradientTape


def _positions(function: Callable[..., Any], params: Sequence[Any] | None, count: int) -> list[int]:
    """Return which arguments to differentiate by, from their positions or names."""
    if params is None:
        return list(range(count))
    names = list(inspect.signature(function).parameters)
    return [names.index(param) if isinstance(param, str) else param for param in params]


def _no_value(function: Any) -> ValueError:
    return ValueError(f"Cannot differentiate a function that returns None; did you forget to return from {function}?")


def value_and_gradients_function(f: Callable[..., Any], params: Sequence[Any] | None = None) -> Callable[..., Any]:
    """Return a function of the same arguments that returns the value of `f`, and its gradients by its arguments.

    Args:
        f: a function from tensors to a tensor.
        params: the positions or names of the arguments to differentiate by, by default all.

    Example:
        >>> from penstock.ops.math.unary import square
        >>> value, (gradient,) = value_and_gradients_function(square)(3.0)
        >>> float(value), float(gradient)
        (9.0, 6.0)
    """

    def decorated(*args: Any, dy: Any = None, **kwargs: Any) -> tuple[Any, list[Any]]:
        values = list(args)
        chosen = _positions(f, params, len(values))
        for position in chosen:
            values[position] = nest.map_structure(convert_to_tensor, values[position])
        with GradientTape() as tape:
            sources = [values[position] for position in chosen]
            for tensor in nest.flatten(sources):
                tape.watch(tensor)
            result = f(*values, **kwargs)
            if result is None:
                raise _no_value(f)
        return result, tape.gradient(result, sources, output_gradients=dy)

    return decorated


def gradients_function(f: Callable[..., Any], params: Sequence[Any] | None = None) -> Callable[..., Any]:
    """Return a function of the same arguments that returns the gradients of `f`; see `value_and_gradients_function`."""
    both = value_and_gradients_function(f, params)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def implicit_value_and_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the same arguments that returns the value of `f`, and (gradient, variable) pairs.

    Args:
        f: a function to a scalar, which uses trainable variables.

    Raises:
        ValueError: in a call, if `f` uses no trainable variables or returns None.
    """

    def decorated(*args: Any, **kwargs: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        with GradientTape() as tape:
            result = f(*args, **kwargs)
        if result is None:
            raise _no_value(f)
        variables = tape.watched_variables()
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        return result, list(zip(tape.gradient(result, variables), variables, strict=True))

    return decorated


def implicit_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that returns (gradient, variable) pairs; see `implicit_value_and_gradients`."""
    both = implicit_value_and_gradients(f)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]
