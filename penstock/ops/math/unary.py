"""Elementwise functions of one argument: sign and size, powers, rounding, and tests for special values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING, NUMBER, SIGNED
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math.complex import complex_abs_op, conj, real
from penstock.ops.math.kernels import (
    FLOATING_OR_COMPLEX,
    SIGNED_NUMBER,
    STORED_ONLY,
    native,
    no_kernel,
    operation,
    through_numpy,
)


@op("Abs(x: T) -> y: T", T=FLOATING | SIGNED, shape=unchanged)
def abs_op(x: Array) -> Array:
    return torch.abs(x)


@abs_op.gradient
def abs_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * sign_op(x)


def abs(x: Any, name: str | None = None) -> Tensor:
    """Return the absolute value of each element; of complex elements the modulus, as real numbers."""
    with op_scope(name, "Abs") as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            return complex_abs_op(x, Tout=x.dtype.real_dtype.base_dtype, name=scope or name)
        return abs_op(x, name=scope or name)


@op("Neg(x: T) -> y: T", T=SIGNED_NUMBER, shape=unchanged)
def neg_op(x: Array) -> Array:
    return torch.neg(x)


neg_op.specialize(native(torch.neg))


@neg_op.gradient
def neg_gradient(call: Any, grad: Tensor) -> Tensor:
    return -grad


def negative(x: Any, name: str | None = None) -> Tensor:
    """Return `-x`, element by element."""
    return neg_op(x, name=name)


def _sign(x: Array) -> Array:
    if x.is_complex():
        return torch.sgn(x)
    # torch.sign turns NaN into 0.
    return torch.where(x.isnan(), x, torch.sign(x)) if x.is_floating_point() else torch.sign(x)


_large_sign = large_kernel("Sign", _sign)


@op("Sign(x: T) -> y: T", T=SIGNED_NUMBER, shape=unchanged)
def sign_op(x: Array) -> Array:
    return _sign(x) if x.numel() < LARGE else _large_sign(x)


@sign_op.gradient
def sign_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    if not x.dtype.is_complex:
        return operation("ZerosLike")(x)
    # Only a change of the angle changes x / |x|.
    angle, size = call.outputs[0], complex_abs_op(x, Tout=x.dtype.real_dtype.base_dtype)
    along = real(conj(angle) * grad)
    cast = operation("Cast")
    return operation("DivNoNan")(grad - angle * cast(along, DstT=x.dtype), cast(size, DstT=x.dtype))


def sign(x: Any, name: str | None = None) -> Tensor:
    """Return -1, 0 or 1 by the sign of each element; `x / |x|` or 0 for complex elements."""
    return sign_op(x, name=name)


@op("Square(x: T) -> y: T", T=NUMBER, shape=unchanged)
def square_op(x: Array) -> Array:
    return through_numpy(np.square, x) if x.dtype in STORED_ONLY else torch.mul(x, x)


@square_op.gradient
def square_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * (conj(x) * 2)


def square(x: Any, name: str | None = None) -> Tensor:
    """Return `x * x`, element by element."""
    return square_op(x, name=name)


_large_sqrt = large_kernel("Sqrt", torch.sqrt, is_exact=False)


@op("Sqrt(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sqrt_op(x: Array) -> Array:
    return torch.sqrt(x) if x.numel() < LARGE else _large_sqrt(x)


@sqrt_op.gradient
def sqrt_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return sqrt_grad_op(y, grad)


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """Return the square root of each element; NaN for negative ones."""
    return sqrt_op(x, name=name)


@op("SqrtGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sqrt_grad_op(y: Array, dy: Array) -> Array:
    return torch.where(dy == 0, torch.zeros_like(dy), dy * 0.5 / y.conj())


@sqrt_grad_op.gradient
def sqrt_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    quotient = grad / call.inputs[0]
    return -conj(quotient) * call.outputs[0], quotient * 0.5


@op("Rsqrt(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def rsqrt_op(x: Array) -> Array:
    return torch.rsqrt(x)


@rsqrt_op.gradient
def rsqrt_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return rsqrt_grad_op(y, grad)


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """Return the reciprocal of the square root of each element."""
    return rsqrt_op(x, name=name)


@op("RsqrtGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def rsqrt_grad_op(y: Array, dy: Array) -> Array:
    return torch.where(dy == 0, torch.zeros_like(dy), dy * -0.5 * y.conj().pow(3))


@rsqrt_grad_op.gradient
def rsqrt_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    y, dy = call.inputs
    y_conj = conj(y)
    return conj(grad) * dy * square_op(y_conj) * -1.5, rsqrt_grad_op(y_conj, grad)


@op("Reciprocal(x: T) -> y: T", T=SIGNED_NUMBER, shape=unchanged)
def reciprocal_op(x: Array) -> Array:
    if not x.is_floating_point() and not x.is_complex():
        raise no_kernel("Reciprocal", x.dtype)
    return torch.reciprocal(x)


@reciprocal_op.gradient
def reciprocal_gradient(call: Any, grad: Tensor) -> Tensor:
    return reciprocal_grad_op(call.outputs[0], grad)


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """Return `1 / x`, element by element."""
    return reciprocal_op(x, name=name)


inv_op = op("Inv(x: T) -> y: T", T=SIGNED_NUMBER, shape=unchanged)(reciprocal_op)
inv_op.gradient(reciprocal_gradient)


@op("ReciprocalGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def reciprocal_grad_op(y: Array, dy: Array) -> Array:
    return -dy * y.conj().square()


@reciprocal_grad_op.gradient
def reciprocal_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    y, dy = call.inputs
    y_conj = conj(y)
    return conj(grad) * dy * y_conj * -2, reciprocal_grad_op(y_conj, grad)


inv_grad_op = op("InvGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)(reciprocal_grad_op)
inv_grad_op.gradient(reciprocal_grad_gradient)


@op("Floor(x: T) -> y: T", T=FLOATING, shape=unchanged)
def floor_op(x: Array) -> Array:
    return torch.floor(x)


@floor_op.gradient
def floor_gradient(call: Any, grad: Tensor) -> None:
    return None


def floor(x: Any, name: str | None = None) -> Tensor:
    """Return the largest integer that is not greater, element by element."""
    return floor_op(x, name=name)


@op("Ceil(x: T) -> y: T", T=FLOATING, shape=unchanged)
def ceil_op(x: Array) -> Array:
    return torch.ceil(x)


@ceil_op.gradient
def ceil_gradient(call: Any, grad: Tensor) -> None:
    return None


def ceil(x: Any, name: str | None = None) -> Tensor:
    """Return the smallest integer that is not less, element by element."""
    return ceil_op(x, name=name)


@op("Rint(x: T) -> y: T", T=FLOATING, shape=unchanged)
def rint_op(x: Array) -> Array:
    return torch.round(x)


@rint_op.gradient
def rint_gradient(call: Any, grad: Tensor) -> None:
    return None


def rint(x: Any, name: str | None = None) -> Tensor:
    """Return the nearest integer, the even one of two equally near, element by element."""
    return rint_op(x, name=name)


@op("Round(x: T) -> y: T", T=SIGNED_NUMBER, shape=unchanged)
def round_op(x: Array) -> Array:
    if x.is_complex():
        return torch.complex(torch.round(x.real), torch.round(x.imag))
    return torch.round(x)


@round_op.gradient
def round_gradient(call: Any, grad: Tensor) -> None:
    return None


def round(x: Any, name: str | None = None) -> Tensor:
    """Return the nearest integer, the even one of two equally near; integers are returned as they are."""
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else round_op(x, name=name)


_large_is_nan = large_kernel("IsNan", torch.isnan, result=torch.bool)


@op("IsNan(x: T) -> y: bool", T=FLOATING, shape=unchanged)
def is_nan_op(x: Array) -> Array:
    return torch.isnan(x) if x.numel() < LARGE else _large_is_nan(x)


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Tell for each element whether it is NaN."""
    return is_nan_op(x, name=name)


_large_is_inf = large_kernel("IsInf", torch.isinf, result=torch.bool)


@op("IsInf(x: T) -> y: bool", T=FLOATING, shape=unchanged)
def is_inf_op(x: Array) -> Array:
    return torch.isinf(x) if x.numel() < LARGE else _large_is_inf(x)


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Tell for each element whether it is infinite."""
    return is_inf_op(x, name=name)


_large_is_finite = large_kernel("IsFinite", torch.isfinite, result=torch.bool)


@op("IsFinite(x: T) -> y: bool", T=FLOATING, shape=unchanged)
def is_finite_op(x: Array) -> Array:
    return torch.isfinite(x) if x.numel() < LARGE else _large_is_finite(x)


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Tell for each element whether it is neither infinite nor NaN."""
    return is_finite_op(x, name=name)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """Return `1 / x`, element by element, with 0 where `x` is 0.

    Args:
        x: a floating or complex tensor.
        name: the name of the node.
    """
    with op_scope(name, "reciprocal_no_nan") as scope:
        x = convert_to_tensor(x, name="x")
        one = convert_to_tensor(1, dtype=x.dtype.base_dtype, name="one")
        return operation("DivNoNan")(one, x, name=scope or name)
