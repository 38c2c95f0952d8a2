"""Functions with gradients of their users' own making."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.backprop import register_gradient
from penstock.core.convert import TensorLike, convert_to_tensor
from penstock.core.dispatch import apply
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.core.tensor import Tensor


def custom_gradient(f: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Decorate a function that returns its result and the function for its gradient.

    Args:
        f: takes tensors, and returns `(result, grad_fn)`. `grad_fn(*cotangents)` takes one cotangent for each tensor of
            the result, and returns one gradient for each tensor argument. If `f` uses trainable variables, `grad_fn`
            takes the keyword
            `variables` and returns `(gradients of the arguments, gradients of the variables)`.
    Returns:
        A function with the arguments of `f` that returns the result alone.

    >>> import penstock as tf
    >>> @tf.custom_gradient
    ... def log1pexp(x):
    ...     e = tf.exp(x)
    ...     return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    >>> x = tf.constant(100.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = log1pexp(x)
    >>> float(tape.gradient(y, x))
    1.0
    """
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        return _call(f, args, kwargs)

    return decorated


def _call(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    arguments = [
        item if hasattr(item, "_gradient_source") and not isinstance(item, TensorLike) else convert_to_tensor(item)
        for item in nest.flatten(args, expand_composites=True)
    ]
    with GradientTape() as watcher:
        result, grad_fn = f(*nest.pack_sequence_as(args, arguments, expand_composites=True), **kwargs)
    given = {id(item) for item in arguments}
    variables = [variable for variable in watcher.watched_variables() if id(variable) not in given]
    _check_signature(f, grad_fn, variables)
    results = [convert_to_tensor(item) for item in nest.flatten(result, expand_composites=True)]
    sources = [_source(item) for item in (*arguments, *variables)]

    def gradient(call: Any, *grads: Any) -> list[Any]:
        cotangents = grads[: len(results)]
        if variables:
            input_grads, variable_grads = grad_fn(*cotangents, variables=variables)
        else:
            input_grads, variable_grads = grad_fn(*cotangents), []
        flat = nest.flatten(input_grads) if not isinstance(input_grads, IndexedSlices) else [input_grads]
        if len(flat) != len(arguments):
            raise ValueError(
                f"custom_gradient function expected to return {len(arguments)} gradients, but returned {len(flat)} "
                "instead."
            )
        if len(variable_grads) != len(variables):
            raise ValueError(
                f"custom_gradient: grad_fn must return {len(variables)} gradients for variables, got "
                f"{len(variable_grads)}"
            )
        return [None] * len(results) + [None if g is None else _as_gradient(g) for g in (*flat, *variable_grads)]

    attrs = {"_gradient_function": gradient}
    outputs = apply(lookup("IdentityN"), [[*results, *sources]], attrs, "IdentityN")[: len(results)]
    return nest.pack_sequence_as(result, outputs, expand_composites=True)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes what `f` does, and whose gradient is that of the identity.

    Args:
        f: from tensors to tensors of the same shapes. Variables that it uses get no gradients.
    """

    @custom_gradient
    @functools.wraps(f)
    def passed_through(*args: Any, **kwargs: Any) -> Any:
        def gradient(*cotangents: Any, variables: Any = None) -> Any:
            passed = cotangents if len(cotangents) > 1 else cotangents[0]
            return passed if variables is None else (passed, [None] * len(variables))

        return f(*args, **kwargs), gradient

    return passed_through


def _source(item: Any) -> Tensor:
    return item._gradient_source() if hasattr(item, "_gradient_source") else item


def _as_gradient(gradient: Any) -> Any:
    return gradient if isinstance(gradient, IndexedSlices) else convert_to_tensor(gradient)


def _check_signature(f: Callable[..., Any], grad_fn: Callable[..., Any], variables: list[Any]) -> None:
    if not callable(grad_fn):
        raise ValueError(f"{f.__name__} must return its result and a gradient function, got {grad_fn!r} as the second")
    parameters = inspect.signature(grad_fn).parameters
    takes_variables = "variables" in parameters or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
    )
    if variables and not takes_variables:
        names = ", ".join(variable.name for variable in variables)
        raise TypeError(
            f"{f.__name__} uses the variables {names}, so its gradient function must take the keyword argument "
            "'variables' "
            "and return (gradients of the arguments, gradients of the variables)."
        )


class RegisterGradient:
    """Decorator that registers a gradient function for an operation, or for `Graph.gradient_override_map`.

    Args:
        op_type: the name of the operation, or the name that the override map refers to.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError(f"op_type must be a string, got {op_type!r}")
        self._op_type = op_type

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Register `f(op, *gradients of outputs)`."""
        register_gradient(self._op_type, f)
        return f


def no_gradient(op_type: str) -> None:
    """Declare that no gradient flows through operations of this name."""
    register_gradient(op_type, None)
