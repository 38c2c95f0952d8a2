"""Python's operators on tensors, and on the classes that stand for tensors."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor, eager_scalar
from penstock.core.dtypes import bool_, int32, string
from penstock.core.graph import current_graph, name_scope
from penstock.core.tensor import Tensor
from penstock.ops.math import bitwise, compare
from penstock.ops.math.binary import add_op, add_v2_op, floor_div_op, floor_mod_op, mul_op, pow_op, sub_op, truediv
from penstock.ops.math.cast import cast
from penstock.ops.math.matmul import matmul
from penstock.ops.math.unary import abs as absolute
from penstock.ops.math.unary import neg_op

# Operands for which Python's reflected operator has nothing to add.
_PLAIN = (Number, str, bytes, np.ndarray, np.generic, list, tuple, Tensor)


def _is_of(dtype: Any, x: Any, y: Any) -> bool:
    if isinstance(x, Tensor) and x.dtype.base_dtype is dtype:
        return True
    return isinstance(y, Tensor) and y.dtype.base_dtype is dtype


def _add(x: Any, y: Any, name: str | None = None) -> Tensor:
    result: Tensor = (add_op if x.dtype.base_dtype is string else add_v2_op)(x, y, name=name)
    return result


def _multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x * y`; where one is boolean, whether both differ from 0 as integers."""
    if x.dtype is bool_ or isinstance(y, Tensor) and y.dtype.base_dtype is bool_:
        result: Tensor = mul_op(cast(x, int32), cast(y, int32))
        return cast(result, bool_, name=name)
    result = mul_op(x, y, name=name)
    return result


def _logical(boolean: Callable[..., Tensor], integer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return an operator that means logic on booleans, and bits on integers."""

    def operator(x: Any, y: Any, name: str | None = None) -> Tensor:
        return (boolean if _is_of(bool_, x, y) else integer)(x, y, name=name)

    return operator


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": sub_op,
    "mul": _multiply,
    "truediv": truediv,
    "floordiv": floor_div_op,
    "mod": floor_mod_op,
    "pow": pow_op,
    "matmul": matmul,
    "and": _logical(compare.logical_and, bitwise.bitwise_and),
    "or": _logical(compare.logical_or, bitwise.bitwise_or),
    "xor": _logical(compare.logical_xor, bitwise.bitwise_xor),
}
_ORDER: dict[str, Callable[..., Any]] = {
    "lt": compare.less_op,
    "le": compare.less_equal_op,
    "gt": compare.greater_op,
    "ge": compare.greater_equal_op,
}
_REFLECTED_ORDER = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _itself(x: Tensor) -> Tensor:
    return x


def _has_own(y: Any, method: str) -> bool:
    """Tell whether the other operand is of a class that may know what to do with a tensor, so that Python asks it."""
    own = None if isinstance(y, _PLAIN) else getattr(type(y), method, None)
    return own is not None and own is not getattr(object, method, None)


def _forward(name: str, function: Callable[..., Any], convert: Callable[[Any], Tensor]) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        try:
            x = convert(self)
            if current_graph() is None:
                return function(x, other)
            with name_scope(None, name) as scope:
                return function(x, other, name=scope)
        except (TypeError, ValueError):
            if _has_own(other, f"__r{name}__"):
                return NotImplemented
            raise

    operator.__name__ = operator.__qualname__ = f"__{name}__"
    return operator


def _reflected(name: str, function: Callable[..., Any], convert: Callable[[Any], Tensor]) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        self = convert(self)
        if current_graph() is None:
            dtype = self.dtype.base_dtype
            if type(other) in (int, float) and dtype.is_floating:
                return function(eager_scalar(other, dtype), self)
            return function(convert_to_tensor(other, dtype=dtype), self)
        with name_scope(None, name) as scope:
            return function(convert_to_tensor(other, dtype=self.dtype.base_dtype, name="x"), self, name=scope)

    operator.__name__ = operator.__qualname__ = f"__r{name}__"
    return operator


def _ordering(name: str, function: Callable[..., Any], convert: Callable[[Any], Tensor]) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        try:
            return function(convert(self), other)
        except (TypeError, ValueError):
            if _has_own(other, f"__{_REFLECTED_ORDER[name]}__"):
                return NotImplemented
            raise

    operator.__name__ = operator.__qualname__ = f"__{name}__"
    return operator


def invert(x: Any, name: str | None = None) -> Tensor:
    """Return `~x`: logical not for booleans, the bits flipped for integers."""
    return (compare.logical_not_op if x.dtype.base_dtype is bool_ else bitwise.invert_op)(x, name=name)


def tensor_equals(x: Any, y: Any) -> Any:
    """Compare the elements of `x` and `y` for equality; False where their shapes do not fit."""
    return compare.equal_op(x, y, incompatible_shape_error=False)


def tensor_not_equals(x: Any, y: Any) -> Any:
    """Compare the elements of `x` and `y` for inequality; True where their shapes do not fit."""
    return compare.not_equal_op(x, y, incompatible_shape_error=False)


def overload_operators(cls: type, convert: Callable[[Any], Tensor] = _itself) -> None:
    """Give a class Python's operators, except for `==`, `!=` and indexing.

    Args:
        cls: the class.
        convert: makes an instance of it a tensor.
    """
    for name, function in _ARITHMETIC.items():
        setattr(cls, f"__{name}__", _forward(name, function, convert))
        setattr(cls, f"__r{name}__", _reflected(name, function, convert))
    for name, function in _ORDER.items():
        setattr(cls, f"__{name}__", _ordering(name, function, convert))
    unary: dict[str, Callable[..., Any]] = {"__neg__": neg_op, "__abs__": absolute, "__invert__": invert}
    for name, function in unary.items():
        setattr(cls, name, _unary(function, convert))


def _unary(function: Callable[..., Any], convert: Callable[[Any], Tensor]) -> Callable[..., Any]:
    def operator(self: Any) -> Any:
        return function(convert(self))

    return operator


overload_operators(Tensor)
Tensor.overload("_equal", tensor_equals)
Tensor.overload("_not_equal", tensor_not_equals)
