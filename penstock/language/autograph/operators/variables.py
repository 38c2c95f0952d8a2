"""The variables of a block: names without a value, and the packing of values into flat lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph
from penstock.core.op_def import lookup
from penstock.core.tensor import EagerTensor, Tensor
from penstock.language.variable_base import Variable


class Undefined:
    """The value of a name before it is assigned.

    Args:
        name: the name.
    """

    def __init__(self, name: str) -> None:
        self.symbol_name = name

    def __repr__(self) -> str:
        return f"<undefined {self.symbol_name!r}>"


class UndefinedReturnValue(Undefined):
    """What a function returns before it has met a `return`.

    Args:
        definite: whether every path through the function meets one, so that this value is never returned.
    """

    def __init__(self, definite: bool = False) -> None:
        super().__init__("return value")
        self.definite = definite


nest.register_leaf(Undefined)


def ld(value: Any) -> Any:
    """Return the value of a name.

    Raises:
        UnboundLocalError: if it has none.
    """
    if isinstance(value, Undefined):
        raise UnboundLocalError(f"{value.symbol_name!r} is used before assignment")
    return value


def ldu(read: Callable[[], Any], name: str) -> Any:
    """Return the value of a place such as `a.b`, or Undefined if it has none."""
    try:
        return read()
    except (NameError, AttributeError, KeyError, IndexError, TypeError):
        return Undefined(name)


def is_defined(value: Any) -> bool:
    """Tell whether a place has a value to be written."""
    return not isinstance(value, Undefined)


def returned(value: Any) -> Any:
    """Return what a function returns: None if it met no `return`."""
    return None if isinstance(value, Undefined) else value


def is_staged(value: Any) -> bool:
    """Tell whether a decision on a value belongs in the graph being built."""
    if isinstance(value, Tensor):
        return not isinstance(value, EagerTensor) or current_graph() is not None
    return isinstance(value, Variable) and current_graph() is not None


_NUMBERS = (bool, int, float, complex, str, bytes, np.generic, np.ndarray)


def is_static(leaf: Any) -> bool:
    """Tell whether a value cannot be a tensor, and has to stay the same object throughout a block."""
    return not isinstance(leaf, (Tensor, *_NUMBERS))


def is_return(name: str) -> bool:
    """Tell whether a name stands for what a function returns."""
    return name.startswith("retval_")


def flatten(value: Any) -> list[Any]:
    """Return the leaves of a variable's value."""
    return nest.flatten(value, expand_composites=True)


def pack(value: Any, leaves: Sequence[Any]) -> Any:
    """Return a value structured like another."""
    return nest.pack_sequence_as(value, list(leaves), expand_composites=True)


def same_structure(name: str, first: Any, second: Any, where: str) -> None:
    """Check that two values of a variable have one structure.

    Raises:
        TypeError: if they do not, or one is a tensor where the other is not.
    """
    try:
        nest.assert_same_structure(first, second, expand_composites=True)
    except (ValueError, TypeError) as error:
        raise TypeError(f"'{name}' does not have the same nested structure {where}: {error}") from None


def zeros_like(leaf: Any) -> Tensor:
    """Return what stands for a leaf that is never looked at; sizes that are not known are 0.

    Raises:
        TypeError: if there is no such value.
    """
    if is_static(leaf):
        raise TypeError(
            f"Found an unsupported type '{type(leaf).__name__}' while creating placeholder for {leaf!r}. "
            "Supported types include Tensor, int, float, bool, list, tuple or dict."
        )
    tensor = leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)
    dtype = tensor.dtype.base_dtype
    if dtype in (dtypes.resource, dtypes.variant):
        raise TypeError(f"Found an unsupported type '{dtype.name}' while creating placeholder for {leaf!r}.")
    sizes = np.asarray([size or 0 for size in tensor.dims or ()], np.int32)
    blank = np.asarray(b"", object) if dtype == dtypes.string else np.zeros((), dtype.as_numpy_dtype)
    return lookup("Fill")(sizes, blank)  # type: ignore[operator]
