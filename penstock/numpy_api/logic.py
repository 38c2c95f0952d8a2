"""Comparisons, logic and tests of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.dtypes import bool_, int8
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import floating, promoted, promoted_floating, to_tensor
from penstock.numpy_api.elementwise import imag, named, real
from penstock.ops.array import filling
from penstock.ops.constant import constant
from penstock.ops.math import compare, reduce, unary
from penstock.ops.math.cast import cast


def _comparison(name: str, operation: Callable[[Any, Any], Tensor], text: str) -> Callable[..., Any]:
    """Return a comparison of two arrays; those of order compare booleans as 0 and 1."""

    def function(x1: Any, x2: Any) -> Tensor:
        a, b = promoted(x1, x2)
        if a.dtype.is_bool:
            a, b = cast(a, int8), cast(b, int8)
        return operation(a, b)

    return named(function, name, text)


def _logical(name: str, operation: Callable[[Any, Any], Tensor], text: str) -> Callable[..., Any]:
    """Return a function of two arrays of truth values; numbers are true unless 0."""

    def function(x1: Any, x2: Any) -> Tensor:
        return operation(to_tensor(x1, bool_), to_tensor(x2, bool_))

    return named(function, name, text)


equal = _comparison("equal", compare.equal, "Tell for each pair of elements whether x1 == x2.")
not_equal = _comparison("not_equal", compare.not_equal, "Tell for each pair of elements whether x1 != x2.")
less = _comparison("less", compare.less, "Tell for each pair of elements whether x1 < x2.")
less_equal = _comparison("less_equal", compare.less_equal, "Tell for each pair of elements whether x1 <= x2.")
greater = _comparison("greater", compare.greater, "Tell for each pair of elements whether x1 > x2.")
greater_equal = _comparison("greater_equal", compare.greater_equal, "Tell for each pair of elements whether x1 >= x2.")
logical_and = _logical("logical_and", compare.logical_and, "Tell for each pair of elements whether both are true.")
logical_or = _logical("logical_or", compare.logical_or, "Tell for each pair of elements whether one of them is true.")
logical_xor = _logical("logical_xor", compare.logical_xor, "Tell for each pair whether just one of them is true.")


def logical_not(x: Any) -> Tensor:
    """Tell for each element whether it is false, or 0."""
    return compare.logical_not(to_tensor(x, bool_))


def _either_part(test: Callable[[Any], Tensor], join: Callable[[Any, Any], Tensor], x: Any) -> Tensor:
    """Test the elements of a floating array; of complex ones both parts."""
    tensor = floating(x)
    return join(test(real(tensor)), test(imag(tensor))) if tensor.dtype.is_complex else test(tensor)


def isnan(x: Any) -> Tensor:
    """Tell for each element whether it is not a number."""
    return _either_part(unary.is_nan, compare.logical_or, x)


def isinf(x: Any) -> Tensor:
    """Tell for each element whether it is infinite."""
    return _either_part(unary.is_inf, compare.logical_or, x)


def isfinite(x: Any) -> Tensor:
    """Tell for each element whether it is neither infinite nor NaN."""
    return _either_part(unary.is_finite, compare.logical_and, x)


def isposinf(x: Any) -> Tensor:
    """Tell for each element whether it is plus infinity."""
    tensor = floating(x)
    return compare.equal(tensor, to_tensor(float("inf"), tensor.dtype))


def isneginf(x: Any) -> Tensor:
    """Tell for each element whether it is minus infinity."""
    tensor = floating(x)
    return compare.equal(tensor, to_tensor(-float("inf"), tensor.dtype))


def isreal(x: Any) -> Tensor:
    """Tell for each element whether its imaginary part is 0."""
    part = imag(x)
    return compare.equal(part, filling.zeros_like(part))


def iscomplex(x: Any) -> Tensor:
    """Tell for each element whether its imaginary part is not 0."""
    return compare.logical_not(isreal(x))


def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Tell for each pair of elements whether `|a - b| <= atol + rtol * |b|`.

    Args:
        a, b: the arrays.
        rtol, atol: the relative and the absolute tolerance.
        equal_nan: whether two NaN are close.
    """
    x, y = promoted_floating(a, b)
    size = unary.abs(y)
    bound = to_tensor(atol, size.dtype) + to_tensor(rtol, size.dtype) * size
    near = compare.logical_and(compare.less_equal(unary.abs(x - y), bound), isfinite(y))
    result = compare.logical_or(compare.equal(x, y), near)
    if equal_nan:
        result = compare.logical_or(result, compare.logical_and(isnan(x), isnan(y)))
    return result


def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Tell whether all pairs of elements are close, as `isclose`; the result is a boolean of shape ()."""
    return reduce.reduce_all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any) -> Tensor:
    """Tell whether two arrays have one shape and equal elements; the result is a boolean of shape ()."""
    a, b = promoted(a1, a2)
    if not a.shape.is_compatible_with(b.shape):
        return constant(False)
    try:
        # Shapes not known yet that turn out to differ compare as unequal.
        return reduce.reduce_all(compare.equal_op(a, b, incompatible_shape_error=False))
    except InvalidArgumentError:
        return constant(False)


def all(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Tell whether all elements along axes are true.

    Args:
        a: the array; numbers are true unless 0.
        axis: an axis or several, all by default.
        keepdims: whether the axes stay, with size 1.
    """
    return reduce.reduce_all(to_tensor(a, bool_), axis, bool(keepdims))


def any(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Tell whether one of the elements along axes is true; arguments as in `all`."""
    return reduce.reduce_any(to_tensor(a, bool_), axis, bool(keepdims))
