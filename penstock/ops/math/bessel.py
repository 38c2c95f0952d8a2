"""Bessel functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.dtypes import FLOATING
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.kernels import operation


def _wide(function: Callable[[Array], Array], x: Array) -> Array:
    """Call a function that knows float32 and float64 only."""
    return function(x) if x.element_size() >= 4 else function(x.float()).to(x.dtype)


def _for_positive(x: Array, values: Array, limit: float) -> Array:
    """Return the values of a function of the second kind, where `x` is not positive its limit at 0."""
    return torch.where(x <= 0, limit, values)


def _unless_zero(x: Tensor, at_zero: float, elsewhere: Tensor) -> Tensor:
    """Return a derivative that is written as a quotient by `x`, and its limit where `x` is 0.

    Second derivatives are NaN there, as TensorFlow's are.
    """
    is_zero = operation("Equal")(x, operation("ZerosLike")(x))
    result: Tensor = operation("SelectV2")(is_zero, operation("OnesLike")(x) * at_zero, elsewhere)
    return result


# The functions J and Y of float64. Up to 25 they are Bessel's integrals over the circle, sums of cosines and sines of x
# times the sine of an angle, which 128 angles give to the last digits; beyond, Hankel's asymptotic series. (Those of
# PyTorch are right to single precision only.)
_QUARTER = np.arange(33) * (2 * np.pi / 128)
_SINES = np.sin(_QUARTER)
_FIRST_KIND = np.where((np.arange(33) == 0) | (np.arange(33) == 32), 2, 4) / 128
# Neumann's series of the second kind, as weights of the same cosines.
_ORDERS = np.arange(1, 31)[:, None]
_SECOND_KIND = _FIRST_KIND * (-4 / np.pi) * ((-1.0) ** _ORDERS * np.cos(2 * _ORDERS * _QUARTER) / _ORDERS).sum(0)
_LARGEST_INTEGRAL = 25.0


def _integrals(x: Array, order: int) -> tuple[Array, Array]:
    """Return J of x, and the part of Y that is not a multiple of J or a power of x."""
    first, second = torch.zeros_like(x), torch.zeros_like(x)
    for sine, weight, other in zip(_SINES.tolist(), _FIRST_KIND.tolist(), _SECOND_KIND.tolist(), strict=True):
        wave = torch.cos(x * sine) if order == 0 else torch.sin(x * sine).mul_(sine)
        first.add_(wave, alpha=weight)
        second.add_(wave, alpha=other)
    return first, second


def _asymptotic(x: Array, order: int, second: bool) -> Array:
    """Return J of x, or Y with `second`, for large x."""
    parts = [torch.ones_like(x), torch.zeros_like(x)]
    term = torch.ones_like(x)
    for k in range(1, 21):
        term = term * ((4.0 * order * order - (2 * k - 1) ** 2) / (8 * k)) / x
        parts[k % 2].add_(term, alpha=1.0 if k % 4 < 2 else -1.0)
    # The phase is x - pi / 4, or x - 3 pi / 4 for order 1.
    cosine, sine = torch.cos(x), torch.sin(x)
    phase = (cosine + sine, sine - cosine) if order == 0 else (sine - cosine, -sine - cosine)
    product = parts[0] * phase[1] + parts[1] * phase[0] if second else parts[0] * phase[0] - parts[1] * phase[1]
    return product / torch.sqrt(math.pi * x)


def _of_first_kind(x: Array, order: int) -> Array:
    size = x.abs()
    is_large = size > _LARGEST_INTEGRAL
    result = torch.where(is_large, _asymptotic(size, order, False), _integrals(size, order)[0])
    return result if order == 0 else torch.where(x < 0, -result, result)


def _of_second_kind(x: Array, order: int) -> Array:
    is_large = x > _LARGEST_INTEGRAL
    near = torch.where(is_large, 1.0, x)
    first, rest = _integrals(near, order)
    series = (2 / math.pi) * (torch.log(near / 2) + np.euler_gamma) * first + rest
    if order == 1:
        series = series - (2 / math.pi) * _integrals(near, 0)[0] / near
    return torch.where(is_large, _asymptotic(x, order, True), series)


def _precise(function: Callable[[Array], Array], double: Callable[[Array, int], Array], x: Array, order: int) -> Array:
    return double(x, order) if x.dtype == torch.float64 else _wide(function, x)


@op("BesselI0(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_i0_op(x: Array) -> Array:
    return _wide(torch.special.modified_bessel_i0, x)


@bessel_i0_op.gradient
def bessel_i0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * bessel_i1_op(x)


def bessel_i0(x: Any, name: str | None = None) -> Tensor:
    """Return the modified Bessel function of the first kind, order 0."""
    return bessel_i0_op(x, name=name)


@op("BesselI0e(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_i0e_op(x: Array) -> Array:
    return _wide(torch.special.i0e, x)


@bessel_i0e_op.gradient
def bessel_i0e_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (bessel_i1e_op(x) - operation("Sign")(x) * y)


def bessel_i0e(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(-|x|)` times the modified Bessel function of the first kind, order 0."""
    return bessel_i0e_op(x, name=name)


@op("BesselI1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_i1_op(x: Array) -> Array:
    return _wide(torch.special.modified_bessel_i1, x)


@bessel_i1_op.gradient
def bessel_i1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * _unless_zero(x, 1.0, bessel_i0_op(x) - y / x)


def bessel_i1(x: Any, name: str | None = None) -> Tensor:
    """Return the modified Bessel function of the first kind, order 1."""
    return bessel_i1_op(x, name=name)


@op("BesselI1e(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_i1e_op(x: Array) -> Array:
    return _wide(torch.special.i1e, x)


@bessel_i1e_op.gradient
def bessel_i1e_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * _unless_zero(x, 0.5, bessel_i0e_op(x) - y * (operation("Sign")(x) + operation("Reciprocal")(x)))


def bessel_i1e(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(-|x|)` times the modified Bessel function of the first kind, order 1."""
    return bessel_i1e_op(x, name=name)


@op("BesselJ0(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_j0_op(x: Array) -> Array:
    return _precise(torch.special.bessel_j0, _of_first_kind, x, 0)


@bessel_j0_op.gradient
def bessel_j0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * bessel_j1_op(x)


def bessel_j0(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the first kind, order 0."""
    return bessel_j0_op(x, name=name)


@op("BesselJ1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_j1_op(x: Array) -> Array:
    return _precise(torch.special.bessel_j1, _of_first_kind, x, 1)


@bessel_j1_op.gradient
def bessel_j1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * _unless_zero(x, 0.5, bessel_j0_op(x) - y / x)


def bessel_j1(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the first kind, order 1."""
    return bessel_j1_op(x, name=name)


@op("BesselK0(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_k0_op(x: Array) -> Array:
    return _for_positive(x, _wide(torch.special.modified_bessel_k0, x), math.inf)


@bessel_k0_op.gradient
def bessel_k0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * bessel_k1_op(x)


def bessel_k0(x: Any, name: str | None = None) -> Tensor:
    """Return the modified Bessel function of the second kind, order 0."""
    return bessel_k0_op(x, name=name)


@op("BesselK0e(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_k0e_op(x: Array) -> Array:
    return _for_positive(x, _wide(torch.special.scaled_modified_bessel_k0, x), math.inf)


@bessel_k0e_op.gradient
def bessel_k0e_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (y - bessel_k1e_op(x))


def bessel_k0e(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(x)` times the modified Bessel function of the second kind, order 0."""
    return bessel_k0e_op(x, name=name)


@op("BesselK1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_k1_op(x: Array) -> Array:
    return _for_positive(x, _wide(torch.special.modified_bessel_k1, x), math.inf)


@bessel_k1_op.gradient
def bessel_k1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return -grad * (bessel_k0_op(x) + y / x)


def bessel_k1(x: Any, name: str | None = None) -> Tensor:
    """Return the modified Bessel function of the second kind, order 1."""
    return bessel_k1_op(x, name=name)


@op("BesselK1e(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_k1e_op(x: Array) -> Array:
    return _for_positive(x, _wide(torch.special.scaled_modified_bessel_k1, x), math.inf)


@bessel_k1e_op.gradient
def bessel_k1e_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (y * (1 - operation("Reciprocal")(x)) - bessel_k0e_op(x))


def bessel_k1e(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(x)` times the modified Bessel function of the second kind, order 1."""
    return bessel_k1e_op(x, name=name)


@op("BesselY0(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_y0_op(x: Array) -> Array:
    return _for_positive(x, _precise(torch.special.bessel_y0, _of_second_kind, x, 0), -math.inf)


@bessel_y0_op.gradient
def bessel_y0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * bessel_y1_op(x)


def bessel_y0(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the second kind, order 0."""
    return bessel_y0_op(x, name=name)


@op("BesselY1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_y1_op(x: Array) -> Array:
    values = _precise(torch.special.bessel_y1, _of_second_kind, x, 1)
    return (
        _for_positive(x, values, -math.inf)
        if x.dtype == torch.float64
        else torch.where(x == 0, math.nan, _for_positive(x, values, -math.inf))
    )


@bessel_y1_op.gradient
def bessel_y1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (bessel_y0_op(x) - y / x)


def bessel_y1(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the second kind, order 1."""
    return bessel_y1_op(x, name=name)
