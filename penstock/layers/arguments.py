"""Arguments of layers in the forms that users give them: sizes, paddings, data formats, functions by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock.ops.constant import identity
from penstock.ops.initializers_v1 import (
    glorot_normal_initializer,
    glorot_uniform_initializer,
    ones_initializer,
    zeros_initializer,
)
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.nn.activation import elu, leaky_relu, relu, relu6, selu, softplus, softsign
from penstock.ops.nn.softmax import softmax

_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "elu": elu,
    "leaky_relu": leaky_relu,
    "linear": identity,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": tanh,
}
_INITIALIZERS: dict[str, Callable[[], Any]] = {
    "glorot_normal": glorot_normal_initializer,
    "glorot_uniform": glorot_uniform_initializer,
    "ones": ones_initializer,
    "zeros": zeros_initializer,
}


def _by_name(table: dict[str, Any], name: str, what: str) -> Any:
    try:
        return table[name]
    except KeyError:
        raise ValueError(
            f"Unknown {what}: {name!r}; expected a callable or one of {', '.join(sorted(table))}"
        ) from None


def _callable_or_none(value: Any, what: str) -> Any:
    if value is not None and not callable(value):
        raise TypeError(f"Could not interpret the {what} {value!r}: expected a callable or None")
    return value


def as_activation(activation: Any) -> Any:
    """Return an activation function: a callable or None as it is, a name such as 'relu' as its function.

    Raises:
        ValueError: if the name is unknown.
        TypeError: if it is something else.
    """
    if isinstance(activation, str):
        return _by_name(_ACTIVATIONS, activation, "activation function")
    return _callable_or_none(activation, "activation function")


def as_initializer(initializer: Any) -> Any:
    """Return an initializer: a name such as 'zeros' as its initializer, anything else as it is."""
    return _by_name(_INITIALIZERS, initializer, "initializer")() if isinstance(initializer, str) else initializer


def as_regularizer(regularizer: Any) -> Any:
    """Return a regularizer, a callable or None.

    Raises:
        TypeError: if it is something else.
    """
    return _callable_or_none(regularizer, "regularizer")


def as_constraint(constraint: Any) -> Any:
    """Return a constraint, a callable or None.

    Raises:
        TypeError: if it is something else.
    """
    return _callable_or_none(constraint, "constraint")


def as_sizes(value: Any, count: int, name: str) -> tuple[int, ...]:
    """Return one positive size an axis, from an integer for all axes or a sequence.

    Raises:
        ValueError: naming the argument, if it is neither, or a size is not positive.
    """
    problem = f"The `{name}` argument must be a tuple of {count} integers. Received: {value!r}"
    if isinstance(value, Iterable):
        sizes = tuple(value)
        if len(sizes) != count:
            raise ValueError(problem)
    else:
        sizes = (value,) * count
    try:
        integers = tuple(int(size) for size in sizes)
    except (TypeError, ValueError):
        raise ValueError(problem) from None
    if any(size < 1 for size in integers):
        raise ValueError(f"{problem}, of which each must be at least 1")
    return integers


def as_padding(value: Any, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """Return a padding in lower case.

    Raises:
        ValueError: if it is not allowed.
    """
    padding = value.lower() if isinstance(value, str) else value
    if padding not in allowed:
        raise ValueError(f"The `padding` argument must be one of {', '.join(map(repr, allowed))}. Received: {value!r}")
    return padding


def as_data_format(value: Any) -> str:
    """Return a data format in lower case; None is 'channels_last'.

    Raises:
        ValueError: if it is neither 'channels_first' nor 'channels_last'.
    """
    data_format = "channels_last" if value is None else value.lower() if isinstance(value, str) else value
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            f"The `data_format` argument must be one of 'channels_first', 'channels_last'. Received: {value!r}"
        )
    return data_format


def operation_format(data_format: str, rank: int) -> str:
    """Return a layer's data format as operations on `rank` spatial axes call it: NHWC, NCHW, NDHWC and so on."""
    spatial = "DHW"[-rank:]
    return f"N{spatial}C" if data_format == "channels_last" else f"NC{spatial}"


def windowed_length(length: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """Return the size of an axis after a window has slid over it; 'causal' keeps the size as 'same' does."""
    if length is None:
        return None
    extent = (window - 1) * dilation + 1
    covered = length - extent + 1 if padding == "valid" else length
    return (covered + stride - 1) // stride


def transposed_length(length: Any, window: int, padding: str, stride: int) -> Any:
    """Return the size of an axis after a transposed convolution; None, or a tensor, for a size not known yet."""
    if length is None:
        return None
    extended = length * stride
    return extended + max(window - stride, 0) if padding == "valid" else extended
