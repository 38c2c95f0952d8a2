"""Arithmetic and functions, element by element."""

from __future__ import annotations

import builtins
import math as python_math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.dtypes import DType, float32, int8, int64
from penstock.core.tensor import Tensor
from penstock.language.control_flow import while_loop
from penstock.numpy_api.conversion import (
    floating,
    is_inexact,
    promoted,
    promoted_floating,
    quotient_dtype,
    to_tensor,
)
from penstock.numpy_api.dtypes import result_type
from penstock.ops.array import filling, selecting, shaping
from penstock.ops.math import binary, bitwise, compare, exponential, reduce, trigonometric, unary
from penstock.ops.math import complex as complex_ops
from penstock.ops.math.cast import cast


def named(function: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    """Give a function made by another its name and docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


# Functions of one argument.


def _floating(name: str, operation: Callable[[Any], Tensor], text: str) -> Callable[..., Any]:
    """Return a function of one array that is computed in a floating or complex type, float64 for integers."""

    def function(x: Any) -> Tensor:
        return operation(floating(x))

    return named(function, name, text)


def _scaled(factor: float, operation: Callable[[Any], Tensor] = lambda x: x) -> Callable[[Any], Tensor]:
    return lambda x: operation(x) * to_tensor(factor, x.dtype)


def _cube_root(x: Tensor) -> Tensor:
    return unary.sign(x) * unary.abs(x) ** to_tensor(1 / 3, x.dtype)


def _toward_zero(x: Tensor) -> Tensor:
    return selecting.where(x < to_tensor(0, x.dtype), unary.ceil(x), unary.floor(x))


def _cardinal_sine(x: Tensor) -> Tensor:
    # The branch not taken must have a finite gradient too.
    is_zero = compare.equal(x, to_tensor(0, x.dtype))
    angle = selecting.where(is_zero, filling.ones_like(x), x) * to_tensor(python_math.pi, x.dtype)
    return selecting.where(is_zero, filling.ones_like(x), trigonometric.sin(angle) / angle)


sin = _floating("sin", trigonometric.sin, "Return the sine of each element, in radians.")
cos = _floating("cos", trigonometric.cos, "Return the cosine of each element, in radians.")
tan = _floating("tan", trigonometric.tan, "Return the tangent of each element, in radians.")
sinh = _floating("sinh", trigonometric.sinh, "Return the hyperbolic sine of each element.")
cosh = _floating("cosh", trigonometric.cosh, "Return the hyperbolic cosine of each element.")
tanh = _floating("tanh", exponential.tanh, "Return the hyperbolic tangent of each element.")
arcsin = _floating("arcsin", trigonometric.asin, "Return the inverse sine of each element, in radians.")
arccos = _floating("arccos", trigonometric.acos, "Return the inverse cosine of each element, in radians.")
arctan = _floating("arctan", trigonometric.atan, "Return the inverse tangent of each element, in radians.")
arcsinh = _floating("arcsinh", trigonometric.asinh, "Return the inverse hyperbolic sine of each element.")
arccosh = _floating("arccosh", trigonometric.acosh, "Return the inverse hyperbolic cosine of each element.")
arctanh = _floating("arctanh", trigonometric.atanh, "Return the inverse hyperbolic tangent of each element.")
exp = _floating("exp", exponential.exp, "Return e raised to each element.")
expm1 = _floating("expm1", exponential.expm1, "Return e raised to each element, less 1, precise near 0.")
exp2 = _floating("exp2", lambda x: to_tensor(2, x.dtype) ** x, "Return 2 raised to each element.")
log = _floating("log", exponential.log, "Return the natural logarithm of each element.")
log1p = _floating("log1p", exponential.log1p, "Return the logarithm of 1 plus each element, precise near 0.")
log2 = _floating("log2", _scaled(1 / python_math.log(2), exponential.log), "Return the logarithm to base 2.")
log10 = _floating("log10", _scaled(1 / python_math.log(10), exponential.log), "Return the logarithm to base 10.")
sqrt = _floating("sqrt", unary.sqrt, "Return the square root of each element.")
cbrt = _floating("cbrt", _cube_root, "Return the cube root of each element.")
floor = _floating("floor", unary.floor, "Return the largest whole number not above each element.")
ceil = _floating("ceil", unary.ceil, "Return the smallest whole number not below each element.")
fix = _floating("fix", _toward_zero, "Round each element toward 0.")
sinc = _floating("sinc", _cardinal_sine, "Return sin(pi x) / (pi x) for each element x, and 1 for 0.")
deg2rad = _floating("deg2rad", _scaled(python_math.pi / 180), "Convert degrees to radians.")
rad2deg = _floating("rad2deg", _scaled(180 / python_math.pi), "Convert radians to degrees.")


def _no_booleans(tensor: Tensor, function: str, instead: str) -> Tensor:
    if tensor.dtype.is_bool:
        raise TypeError(f"{function} of booleans is not defined; use {instead}.")
    return tensor


def abs(x: Any) -> Tensor:
    """Return the absolute value of each element; complex numbers give real ones."""
    tensor = to_tensor(x)
    return tensor if tensor.dtype.is_bool or tensor.dtype.is_unsigned else unary.abs(tensor)


def absolute(x: Any) -> Tensor:
    """Return the absolute value of each element, as `abs`."""
    return abs(x)


def fabs(x: Any) -> Tensor:
    """Return the absolute value of each element, as `abs`."""
    return abs(x)


def negative(x: Any) -> Tensor:
    """Return the elements with their sign changed; unsigned ones wrap around.

    Raises:
        TypeError: for booleans.
    """
    tensor = _no_booleans(to_tensor(x), "negative", "logical_not")
    return filling.zeros_like(tensor) - tensor if tensor.dtype.is_unsigned else unary.negative(tensor)


def positive(x: Any) -> Tensor:
    """Return the elements as they are."""
    return to_tensor(x)


def square(x: Any) -> Tensor:
    """Return the square of each element."""
    tensor = to_tensor(x)
    return multiply(tensor, tensor)


def reciprocal(x: Any) -> Tensor:
    """Return 1 divided by each element; of integers, the whole part of it."""
    tensor = to_tensor(x)
    if is_inexact(tensor.dtype):
        return unary.reciprocal(tensor)
    return cast(unary.reciprocal(floating(tensor)), int8 if tensor.dtype.is_bool else tensor.dtype)


def sign(x: Any, out: Any = None, where: Any = None, **kwargs: Any) -> Tensor:
    """Return -1, 0 or 1 by the sign of each element; complex numbers are divided by their absolute value.

    Raises:
        ValueError: if `out`, `where` or another of NumPy's options is given.
    """
    if out is not None or where is not None or kwargs:
        raise ValueError(f"sign takes the array only, got out={out!r}, where={where!r}, {kwargs!r}")
    tensor = _no_booleans(to_tensor(x), "sign", "the array itself")
    if tensor.dtype.is_unsigned:
        return cast(compare.not_equal(tensor, filling.zeros_like(tensor)), tensor.dtype)
    return unary.sign(tensor)


def signbit(x: Any) -> Tensor:
    """Tell for each element whether it is less than 0."""
    tensor = to_tensor(x)
    if tensor.dtype.is_bool:
        return filling.zeros_like(tensor)
    return compare.less(tensor, filling.zeros_like(tensor))


def around(a: Any, decimals: int = 0) -> Tensor:
    """Round to a number of decimals, halves to the even neighbour; negative numbers round to tens, hundreds and so
    on."""
    tensor = to_tensor(a)
    dtype = tensor.dtype
    if dtype.is_bool or (dtype.is_integer and decimals >= 0):
        return tensor
    if dtype.is_complex:
        return complex_ops.complex(
            around(complex_ops.real(tensor), decimals), around(complex_ops.imag(tensor), decimals)
        )
    values = floating(tensor)
    if decimals:
        factor = to_tensor(10.0 ** builtins.abs(decimals), values.dtype)
        scaled = values * factor if decimals > 0 else values / factor
        rounded = unary.round(scaled)
        values = rounded / factor if decimals > 0 else rounded * factor
    else:
        values = unary.round(values)
    return cast(values, dtype) if dtype.is_integer else values


def round(a: Any, decimals: int = 0) -> Tensor:
    """Round to a number of decimals, as `around`."""
    return around(a, decimals)


def real(val: Any) -> Tensor:
    """Return the real parts."""
    tensor = to_tensor(val)
    return complex_ops.real(tensor) if tensor.dtype.is_complex else tensor


def imag(val: Any) -> Tensor:
    """Return the imaginary parts, which are 0 for real numbers."""
    tensor = to_tensor(val)
    return complex_ops.imag(tensor) if tensor.dtype.is_complex else filling.zeros_like(tensor)


def conj(x: Any) -> Tensor:
    """Return the complex conjugate of each element."""
    tensor = to_tensor(x)
    return complex_ops.conj(tensor) if tensor.dtype.is_complex else tensor


def conjugate(x: Any) -> Tensor:
    """Return the complex conjugate of each element, as `conj`."""
    return conj(x)


def angle(z: Any, deg: bool = False) -> Tensor:
    """Return the angle of each number to the positive real axis, in radians, or with `deg` in degrees.

    That of complex numbers has their type, that of real ones is float32.
    """
    tensor = floating(z)
    if tensor.dtype.is_complex:
        result = complex_ops.angle(tensor)
    else:
        result = cast(binary.atan2(filling.zeros_like(tensor), tensor), float32)
    return rad2deg(result) if deg else result


# Functions of two arguments.


def _binary(
    name: str,
    operation: Callable[[Any, Any], Tensor],
    text: str,
    *,
    for_booleans: Callable[[Any, Any], Tensor] | DType | None = None,
) -> Callable[..., Any]:
    """Return a function of two arrays.

    Args:
        name: its name.
        operation: what computes it from tensors of one type.
        text: its docstring.
        for_booleans: what computes it from booleans, or the type to make of them first.
    """

    def function(x1: Any, x2: Any) -> Tensor:
        a, b = promoted(x1, x2)
        if a.dtype.is_bool and for_booleans is not None:
            if not isinstance(for_booleans, DType):
                return for_booleans(a, b)
            a, b = cast(a, for_booleans), cast(b, for_booleans)
        return operation(a, b)

    return named(function, name, text)


def _binary_floating(name: str, operation: Callable[[Any, Any], Tensor], text: str) -> Callable[..., Any]:
    """Return a function of two arrays that is computed in a floating or complex type, float64 for integers."""

    def function(x1: Any, x2: Any) -> Tensor:
        return operation(*promoted_floating(x1, x2))

    return named(function, name, text)


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return binary.subtract(_no_booleans(a, "subtract", "logical_xor"), b)


def _quotient(a: Tensor, b: Tensor) -> Tensor:
    dtype = quotient_dtype(a.dtype)
    return binary.truediv(cast(a, dtype), cast(b, dtype))


def _step(a: Tensor, b: Tensor) -> Tensor:
    zero, one = to_tensor(0, a.dtype), to_tensor(1, a.dtype)
    return selecting.where(a < zero, zero, selecting.where(a > zero, one, b))


def _log_sum(base: float) -> Callable[[Any, Any], Tensor]:
    """Return the logarithm, to a base, of the sum of the base raised to two arrays, without overflow."""

    def operation(a: Tensor, b: Tensor) -> Tensor:
        rate = to_tensor(python_math.log(base), a.dtype)
        largest, distance = binary.maximum(a, b), unary.abs(a - b)
        smooth = largest + exponential.log1p(exponential.exp(-distance * rate)) / rate
        # Equal infinities have no distance: their sum is the larger of them.
        return selecting.where(unary.is_nan(distance), a + b, smooth)

    return operation


def _hypotenuse(a: Tensor, b: Tensor) -> Tensor:
    return unary.sqrt(a * a + b * b)


add = _binary("add", binary.add, "Return the sum of two arrays; of booleans, `or`.", for_booleans=compare.logical_or)
subtract = _binary("subtract", _difference, "Return the difference of two arrays, which must not be booleans.")
multiply = _binary(
    "multiply",
    binary.multiply,
    "Return the product of two arrays; of booleans, `and`.",
    for_booleans=compare.logical_and,
)
true_divide = _binary(
    "true_divide",
    _quotient,
    "Return the quotient of two arrays: of integers as float32 for those of up to 16 bits, float64 for others.",
)
divide = _binary("divide", _quotient, "Return the quotient of two arrays, as `true_divide`.")
floor_divide = _binary(
    "floor_divide", binary.floordiv, "Return the quotient of two arrays, rounded down.", for_booleans=int8
)
mod = _binary("mod", binary.floormod, "Return the rest of the division, of the sign of `x2`.", for_booleans=int8)
remainder = _binary("remainder", binary.floormod, "Return the rest of the division, as `mod`.", for_booleans=int8)
power = _binary("power", binary.pow, "Return `x1` raised to `x2`.", for_booleans=int8)
float_power = _binary("float_power", binary.pow, "Return `x1` raised to `x2`, as `power`.", for_booleans=int8)
maximum = _binary(
    "maximum", binary.maximum, "Return the larger of two elements; NaN wins.", for_booleans=compare.logical_or
)
minimum = _binary(
    "minimum", binary.minimum, "Return the smaller of two elements; NaN wins.", for_booleans=compare.logical_and
)
bitwise_and = _binary(
    "bitwise_and", bitwise.bitwise_and, "Return `x1 & x2` of integers or booleans.", for_booleans=compare.logical_and
)
bitwise_or = _binary(
    "bitwise_or", bitwise.bitwise_or, "Return `x1 | x2` of integers or booleans.", for_booleans=compare.logical_or
)
bitwise_xor = _binary(
    "bitwise_xor", bitwise.bitwise_xor, "Return `x1 ^ x2` of integers or booleans.", for_booleans=compare.logical_xor
)
arctan2 = _binary_floating("arctan2", binary.atan2, "Return the angle of the points (x2, x1), in radians.")
hypot = _binary_floating("hypot", _hypotenuse, "Return the square root of the sum of both squares.")
heaviside = _binary_floating("heaviside", _step, "Return 0 where `x1` is negative, 1 where positive, `x2` where 0.")
logaddexp = _binary_floating("logaddexp", _log_sum(python_math.e), "Return log(exp(x1) + exp(x2)).")
logaddexp2 = _binary_floating("logaddexp2", _log_sum(2.0), "Return log2(2**x1 + 2**x2).")
nextafter = _binary_floating("nextafter", binary.nextafter, "Return the number next to `x1` toward `x2`.")


def bitwise_not(x: Any) -> Tensor:
    """Return the integers with all bits flipped, booleans negated."""
    tensor = to_tensor(x)
    return compare.logical_not(tensor) if tensor.dtype.is_bool else bitwise.invert(tensor)


def divmod(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Return the quotient of two arrays, rounded down, and the rest."""
    return floor_divide(x1, x2), remainder(x1, x2)


def _integers(function: str, x1: Any, x2: Any) -> tuple[Tensor, Tensor, DType]:
    dtype = result_type(x1, x2)
    if not dtype.is_integer:
        raise ValueError(f"{function} takes integers, got {dtype.name}")
    a, b = (cast(abs(to_tensor(x, dtype)), int64) for x in (x1, x2))
    return a, b, dtype


def _greatest_divisor(a: Tensor, b: Tensor) -> Tensor:
    """Return the greatest common divisor by Euclid's algorithm."""

    def is_unfinished(a: Tensor, b: Tensor) -> Tensor:
        return reduce.reduce_any(compare.not_equal(b, filling.zeros_like(b)))

    def step(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        done = compare.equal(b, filling.zeros_like(b))
        rest = binary.floormod(a, selecting.where(done, filling.ones_like(b), b))
        return selecting.where(done, a, b), selecting.where(done, b, rest)

    result: Tensor = while_loop(is_unfinished, step, [a, b])[0]
    return result


def gcd(x1: Any, x2: Any) -> Tensor:
    """Return the greatest common divisor of integers.

    Raises:
        ValueError: if they are no integers.
    """
    a, b, dtype = _integers("gcd", x1, x2)
    return cast(_greatest_divisor(*_broadcast(a, b)), dtype)


def lcm(x1: Any, x2: Any) -> Tensor:
    """Return the least common multiple of integers.

    Raises:
        ValueError: if they are no integers.
    """
    a, b, dtype = _integers("lcm", x1, x2)
    a, b = _broadcast(a, b)
    divisor = _greatest_divisor(a, b)
    is_zero = compare.equal(divisor, to_tensor(0, int64))
    return cast(binary.floordiv(a, selecting.where(is_zero, filling.ones_like(a), divisor)) * b, dtype)


def _broadcast(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    zero = filling.zeros_like(a) + filling.zeros_like(b)
    return a + zero, b + zero


def clip(a: Any, a_min: Any, a_max: Any) -> Tensor:
    """Return the elements, those below `a_min` and above `a_max` replaced by the bounds; None is no bound.

    Raises:
        ValueError: if both bounds are None.
    """
    if a_min is None and a_max is None:
        raise ValueError("Not more than one of `a_min` and `a_max` may be `None`.")
    result = to_tensor(a, result_type(*(part for part in (a, a_min, a_max) if part is not None)))
    if a_min is not None:
        result = maximum(result, to_tensor(a_min, result.dtype))
    if a_max is not None:
        result = minimum(result, to_tensor(a_max, result.dtype))
    return result


def polyval(p: Any, x: Any) -> Tensor:
    """Return the value of a polynomial for each element of `x`.

    Args:
        p: the coefficients along the first axis, that of the highest power first.
        x: the arguments.
    """
    coefficients, values = promoted(p, x)
    if coefficients.shape.rank == 0:
        coefficients = shaping.reshape(coefficients, [1])
    if coefficients.shape.rank is None or coefficients.shape[0] is None:
        raise ValueError(f"polyval takes coefficients of known number, got shape {coefficients.shape}")
    result = filling.zeros_like(values)
    for index in range(coefficients.shape[0]):
        result = result * values + coefficients[index]
    return result


def isscalar(num: Any) -> bool:
    """Tell whether a value is a number, or an array of no dimensions."""
    if isinstance(num, Tensor):
        return num.ndim == 0
    return bool(np.isscalar(num) or (isinstance(num, np.ndarray) and num.ndim == 0))


def iscomplexobj(x: Any) -> bool:
    """Tell whether the type of an array is complex."""
    return bool(result_type(x).is_complex)


def isrealobj(x: Any) -> bool:
    """Tell whether the type of an array is not complex."""
    return not iscomplexobj(x)
