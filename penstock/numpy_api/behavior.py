"""NumPy's behaviour of tensors themselves: methods, indexing and the promotion of types in Python's operators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.dtypes import DType, as_dtype
from penstock.core.tensor import Tensor
from penstock.numpy_api import dtypes as types
from penstock.numpy_api import elementwise, linear_algebra, reductions, shaping
from penstock.numpy_api.conversion import to_tensor
from penstock.numpy_api.indexing import is_numeric_operand, numpy_getitem
from penstock.numpy_api.promotion import MODES, promoted_dtype
from penstock.ops.math.cast import cast

_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
_COMPARISONS = ("__lt__", "__le__", "__gt__", "__ge__", "_equal", "_not_equal")

# What Tensor had before, by name; empty while NumPy's behaviour is off.
_replaced: dict[str, Any] = {}
_mode = "legacy"


def experimental_enable_numpy_behavior(prefer_float32: bool = False, dtype_conversion_mode: str = "legacy") -> None:
    """Give tensors NumPy's methods and indexing, and Python's operators NumPy's promotion of types.

    Args:
        prefer_float32: whether Python's floats become float32 where no array says otherwise, not float64.
        dtype_conversion_mode: how the types of two operands are brought together. "legacy": as in NumPy. "all": always
            to one type, integers beside floating numbers to the floating type. "safe": only where no value can lose
            precision.
            "off": never.
    Raises:
        ValueError: for another mode.

    >>> import penstock as tf
    >>> tf.experimental.numpy.experimental_enable_numpy_behavior()
    >>> (tf.constant([1, 2]) + 1.5).dtype.name
    'float64'
    >>> disable_numpy_behavior()
    """
    global _mode
    if dtype_conversion_mode not in MODES:
        raise ValueError(
            f"The provided promotion mode {dtype_conversion_mode} does not exist. Use one of "
            f"{', '.join(map(repr, MODES))}."
        )
    types.set_prefer_float32(prefer_float32)
    _mode = dtype_conversion_mode
    if _replaced:
        return
    for name in _OPERATORS:
        _replace(f"__{name}__", _promoting)
        _replace(f"__r{name}__", _promoting)
    for name in _COMPARISONS:
        _replace(name, _promoting)
    _replace("__matmul__", lambda plain: _promoting(plain, linear_algebra.matmul))
    _replace("__rmatmul__", lambda plain: _promoting(plain, lambda x, y: linear_algebra.matmul(y, x)))
    for name, member in _MEMBERS.items():
        _replace(name, functools.partial(_instead, member))


def disable_numpy_behavior() -> None:
    """Give tensors back what `experimental_enable_numpy_behavior` replaced."""
    types.set_prefer_float32(False)
    while _replaced:
        name, member = _replaced.popitem()
        if member is None:
            delattr(Tensor, name)
        else:
            setattr(Tensor, name, member)


def _instead(member: Any, plain: Any) -> Any:
    return member


def _replace(name: str, make: Callable[[Any], Any]) -> None:
    _replaced[name] = Tensor.__dict__.get(name)
    setattr(Tensor, name, make(_replaced[name]))


def _promoting(plain: Callable[[Any, Any], Any], operation: Callable[[Any, Any], Any] | None = None) -> Any:
    """Return an operator that brings its operands to one type first.

    Args:
        plain: the operator as it is without NumPy's behaviour.
        operation: what computes it from operands of one type; by default `plain`.
    """

    def promoting(self: Any, other: Any) -> Any:
        if _mode == "off" or not is_numeric_operand(other) or not is_numeric_operand(self):
            return plain(self, other)
        dtype = promoted_dtype(self, other, _mode)
        return (operation or plain)(to_tensor(self, dtype), to_tensor(other, dtype))

    promoting.__name__ = promoting.__qualname__ = plain.__name__
    return promoting


# Methods. Each is called with the tensor first.


def _reshape(a: Tensor, *newshape: Any, **kwargs: Any) -> Tensor:
    """Return the elements in another shape, given as one sequence or as several sizes; `order` is "C" or "F"."""
    order = kwargs.pop("order", "C")
    if kwargs:
        raise ValueError(f"reshape takes the sizes and order, got {', '.join(kwargs)}")
    return shaping.reshape(a, newshape[0] if len(newshape) == 1 else newshape, order)


def _astype(x: Tensor, dtype: Any, name: str | None = None) -> Tensor:
    """Return the elements in another type; Python's `float` means float32 here, as in `tf.cast`."""
    wanted: DType = as_dtype(dtype)
    result: Tensor = cast(x, wanted, name)
    return result


def _tolist(self: Tensor) -> Any:
    """Return the elements as nested lists of Python numbers."""
    return np.asarray(self).tolist()


def _max(a: Tensor, axis: Any = None, out: Any = None, keepdims: Any = None) -> Tensor:
    """Return the largest element along axes."""
    return reductions.amax(a, axis, out, keepdims)


def _min(a: Tensor, axis: Any = None, out: Any = None, keepdims: Any = None) -> Tensor:
    """Return the smallest element along axes."""
    return reductions.amin(a, axis, out, keepdims)


def _transposed(a: Tensor) -> Tensor:
    """The tensor with its axes in reverse order."""
    return shaping.transpose(a)


def _size(a: Tensor) -> Any:
    """The number of elements."""
    return shaping.size(a)


def _itself(a: Tensor) -> Tensor:
    """The tensor itself."""
    return a


_MEMBERS: dict[str, Any] = {
    "T": property(_transposed),
    "data": property(_itself),
    "size": property(_size),
    "astype": _astype,
    "clip": elementwise.clip,
    "flatten": shaping.flatten,
    "max": _max,
    "mean": reductions.mean,
    "min": _min,
    "ravel": shaping.ravel,
    "reshape": _reshape,
    "tolist": _tolist,
    "transpose": shaping.transpose,
    "__getitem__": numpy_getitem,
    "__pos__": elementwise.positive,
    "__round__": elementwise.around,
}
