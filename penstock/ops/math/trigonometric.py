"""Elementwise trigonometric and hyperbolic functions, and their inverses."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.complex import conj
from penstock.ops.math.kernels import FLOATING_OR_COMPLEX
from penstock.ops.math.unary import reciprocal_op, rsqrt_op, square_op


@op("Sin(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sin_op(x: Array) -> Array:
    return torch.sin(x)


@sin_op.gradient
def sin_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * cos_op(conj(x))


def sin(x: Any, name: str | None = None) -> Tensor:
    """Return the sine of each element, in radians."""
    return sin_op(x, name=name)


@op("Cos(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def cos_op(x: Array) -> Array:
    return torch.cos(x)


@cos_op.gradient
def cos_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * sin_op(conj(x))


def cos(x: Any, name: str | None = None) -> Tensor:
    """Return the cosine of each element, in radians."""
    return cos_op(x, name=name)


@op("Tan(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def tan_op(x: Array) -> Array:
    return torch.tan(x)


@tan_op.gradient
def tan_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * square_op(reciprocal_op(cos_op(conj(x))))


def tan(x: Any, name: str | None = None) -> Tensor:
    """Return the tangent of each element, in radians."""
    return tan_op(x, name=name)


@op("Asin(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def asin_op(x: Array) -> Array:
    return torch.asin(x)


@asin_op.gradient
def asin_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * rsqrt_op(1 - square_op(conj(x)))


def asin(x: Any, name: str | None = None) -> Tensor:
    """Return the arc sine of each element, from -pi/2 to pi/2; NaN outside of [-1, 1]."""
    return asin_op(x, name=name)


@op("Acos(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def acos_op(x: Array) -> Array:
    return torch.acos(x)


@acos_op.gradient
def acos_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * rsqrt_op(1 - square_op(conj(x)))


def acos(x: Any, name: str | None = None) -> Tensor:
    """Return the arc cosine of each element, from 0 to pi; NaN outside of [-1, 1]."""
    return acos_op(x, name=name)


@op("Atan(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def atan_op(x: Array) -> Array:
    return torch.atan(x)


@atan_op.gradient
def atan_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * reciprocal_op(square_op(conj(x)) + 1)


def atan(x: Any, name: str | None = None) -> Tensor:
    """Return the arc tangent of each element, from -pi/2 to pi/2."""
    return atan_op(x, name=name)


@op("Sinh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sinh_op(x: Array) -> Array:
    return torch.sinh(x)


@sinh_op.gradient
def sinh_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * cosh_op(conj(x))


def sinh(x: Any, name: str | None = None) -> Tensor:
    """Return the hyperbolic sine of each element."""
    return sinh_op(x, name=name)


@op("Cosh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def cosh_op(x: Array) -> Array:
    return torch.cosh(x)


@cosh_op.gradient
def cosh_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * sinh_op(conj(x))


def cosh(x: Any, name: str | None = None) -> Tensor:
    """Return the hyperbolic cosine of each element."""
    return cosh_op(x, name=name)


@op("Asinh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def asinh_op(x: Array) -> Array:
    return torch.asinh(x)


@asinh_op.gradient
def asinh_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return grad / cosh_op(conj(y))


def asinh(x: Any, name: str | None = None) -> Tensor:
    """Return the inverse hyperbolic sine of each element."""
    return asinh_op(x, name=name)


@op("Acosh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def acosh_op(x: Array) -> Array:
    return torch.acosh(x)


@acosh_op.gradient
def acosh_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return grad / sinh_op(conj(y))


def acosh(x: Any, name: str | None = None) -> Tensor:
    """Return the inverse hyperbolic cosine of each element; NaN below 1."""
    return acosh_op(x, name=name)


@op("Atanh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def atanh_op(x: Array) -> Array:
    return torch.atanh(x)


@atanh_op.gradient
def atanh_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * reciprocal_op(1 - square_op(conj(x)))


def atanh(x: Any, name: str | None = None) -> Tensor:
    """Return the inverse hyperbolic tangent of each element; NaN outside of [-1, 1]."""
    return atanh_op(x, name=name)
