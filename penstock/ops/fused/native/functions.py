"""Exponential, hyperbolic tangent, logistic and error function, and angles, in float32: straight code to vectorize.

The polynomials are those of the Cephes library (S. Moshier), which keep the error below two units in the last place;
those of the error function's tail and of the arc tangent are least-squares fits of our own.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

FLOAT = ir.FloatType()
INT = ir.IntType(32)


def number(value: float) -> ir.Constant:
    """Return a float32 constant."""
    return ir.Constant(FLOAT, value)


def intrinsic(builder: Any, name: str, *operands: Any) -> Any:
    """Call an LLVM intrinsic on operands of one type."""
    kind = operands[0].type
    function = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind] * len(operands)))
    return builder.call(function, operands)


def select(builder: Any, test: str, a: Any, b: Any, chosen: Any, otherwise: Any) -> Any:
    """Return `chosen` where the ordered comparison of floats holds, `otherwise` elsewhere and for NaN."""
    return builder.select(builder.fcmp_ordered(test, a, b), chosen, otherwise)


# A product may be rounded together with the sum that takes it: the processor has one instruction for both.
_TOGETHER = ("contract",)


def _multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z."""
    return builder.fadd(builder.fmul(x, y, flags=_TOGETHER), z, flags=_TOGETHER)


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    total: Any = number(coefficients[0])
    for coefficient in coefficients[1:]:
        total = _multiply_add(builder, total, x, number(coefficient))
    return total


def _power_of_two(builder: Any, exponent: Any) -> Any:
    """Return 2**exponent for an integer from -126 to 127."""
    bits = builder.shl(builder.add(exponent, ir.Constant(INT, 127)), ir.Constant(INT, 23))
    return builder.bitcast(bits, FLOAT)


def _exp_parts(builder: Any, x: Any) -> tuple[Any, Any]:
    """Return m and the integer n of e**x = m * 2**n; |x| is at most 104."""
    # x = n log 2 + r, |r| <= log(2) / 2; log 2 in two parts, so that n times the first is exact.
    count = intrinsic(builder, "llvm.floor", _multiply_add(builder, x, number(1.44269504), number(0.5)))
    rest = _multiply_add(builder, count, number(-0.693359375), x)
    rest = _multiply_add(builder, count, number(2.12194440e-4), rest)
    series = _polynomial(
        builder,
        rest,
        (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
    )
    mantissa = _multiply_add(builder, builder.fmul(rest, rest), series, rest)
    return builder.fadd(mantissa, number(1.0)), builder.fptosi(count, INT)


def exp(builder: Any, x: Any) -> Any:
    """Return e**x."""
    low, high = number(-103.97), number(88.7228394)
    mantissa, power = _exp_parts(builder, _clamp(builder, x, low, high))
    # In two factors: the power reaches from -150, below the normal numbers, to 128, above them.
    half = builder.ashr(power, ir.Constant(INT, 1))
    value = builder.fmul(builder.fmul(mantissa, _power_of_two(builder, half)), _rest_of(builder, power, half))
    value = select(builder, ">", x, high, number(float("inf")), value)
    value = select(builder, "<", x, low, number(0.0), value)
    return _or_nan(builder, x, value)


def _rest_of(builder: Any, power: Any, half: Any) -> Any:
    return _power_of_two(builder, builder.sub(power, half))


def _clamp(builder: Any, x: Any, low: Any, high: Any) -> Any:
    # NaN becomes `low`: it has no integer part.
    x = select(builder, ">", x, low, x, low)
    return select(builder, "<", x, high, x, high)


def _or_nan(builder: Any, x: Any, value: Any) -> Any:
    return builder.select(builder.fcmp_unordered("uno", x, x), x, value)


def _exp_within(builder: Any, x: Any, limit: float) -> Any:
    """Return e**x for x between plus and minus `limit`, at most 87, and the nearer end's power beyond."""
    mantissa, power = _exp_parts(builder, _clamp(builder, x, number(-limit), number(limit)))
    return builder.fmul(mantissa, _power_of_two(builder, power))


def tanh(builder: Any, x: Any) -> Any:
    """Return the hyperbolic tangent of x."""
    size = intrinsic(builder, "llvm.fabs", x)
    square = builder.fmul(x, x)
    series = _polynomial(
        builder, square, (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
    )
    near = _multiply_add(builder, builder.fmul(series, square), x, x)
    power = _exp_within(builder, builder.fadd(size, size), 40.0)
    far = builder.fsub(number(1.0), builder.fdiv(number(2.0), builder.fadd(power, number(1.0))))
    # Also where the odd series has lost the sign of zero.
    value = intrinsic(builder, "llvm.copysign", select(builder, "<", size, number(0.625), near, far), x)
    return _or_nan(builder, x, value)


def sigmoid(builder: Any, x: Any) -> Any:
    """Return 1 / (1 + e**-x); e**-87, the smallest value but 0, for what is below."""
    value = builder.fdiv(number(1.0), builder.fadd(number(1.0), _exp_within(builder, builder.fneg(x), 87.0)))
    return _or_nan(builder, x, value)


def erf(builder: Any, x: Any) -> Any:
    """Return the error function of x: an odd series up to 1, and 1 - e**-p(|x|) with a polynomial p beyond."""
    size = intrinsic(builder, "llvm.fabs", x)
    series = _polynomial(
        builder,
        builder.fmul(x, x),
        (
            *(7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2),
            *(1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710),
        ),
    )
    # The difference to 1 vanishes in float32 from 4 on.
    tail = _polynomial(
        builder,
        select(builder, "<", size, number(4.0), size, number(4.0)),
        (
            *(2.01456169e-05, -0.000422137004, 0.00410455838, -0.024925828),
            *(0.107951261, 0.633673251, 1.12933946, -0.000135222537),
        ),
    )
    far = builder.fsub(number(1.0), _exp_within(builder, builder.fneg(tail), 40.0))
    far = intrinsic(builder, "llvm.copysign", far, x)
    return _or_nan(builder, x, select(builder, "<", size, number(1.0), builder.fmul(x, series), far))


def atan2(builder: Any, y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y): an odd polynomial, counted from the nearer axis."""
    across, up = intrinsic(builder, "llvm.fabs", x), intrinsic(builder, "llvm.fabs", y)
    is_steep = builder.fcmp_ordered(">", up, across)
    long, short = builder.select(is_steep, up, across), builder.select(is_steep, across, up)
    ratio = builder.fdiv(short, long)
    # 0 / 0 and infinity / infinity.
    ratio = select(builder, "==", long, short, number(1.0), ratio)
    ratio = select(builder, "==", long, number(0.0), number(0.0), ratio)
    square = builder.fmul(ratio, ratio)
    series = _polynomial(
        builder,
        square,
        (
            *(2.850104821845889e-3, -1.606954075396061e-2, 4.269311204552651e-2, -7.50444158911705e-2),
            *(1.064101159572601e-1, -1.420366764068604e-1, 1.999262273311615e-1, -3.333307504653931e-1),
        ),
    )
    angle = _multiply_add(builder, builder.fmul(series, square), ratio, ratio)
    is_left = builder.icmp_signed("<", builder.bitcast(x, INT), ir.Constant(INT, 0))
    axis = builder.select(is_left, number(3.14159265), number(0.0))
    axis = builder.select(is_steep, number(1.57079633), axis)
    turned = builder.select(builder.xor(is_steep, is_left), builder.fneg(angle), angle)
    angle = intrinsic(builder, "llvm.copysign", builder.fadd(axis, turned), y)
    return builder.select(builder.fcmp_unordered("uno", x, y), builder.fadd(x, y), angle)
