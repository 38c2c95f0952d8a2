"""Functions that are defined by integrals."""

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

# The kernel library has none of these functions. They are computed in float64, in one of three ways that converge on a
# whole range: a sum of equally spaced samples, Gauss-Legendre quadrature, or the asymptotic series.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


def _integral(integrand: Callable[[Array], Array], start: Array, stop: Array) -> Array:
    """Integrate a smooth function from `start` to `stop`, element by element."""
    half = (stop - start) / 2
    middle = (stop + start) / 2
    total = torch.zeros_like(half)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total = total + weight * integrand(middle + half * node)
    return total * half


@op("Dawsn(x: T) -> y: T", T=FLOATING, shape=unchanged)
def dawsn_op(x: Array) -> Array:
    dtype, x = x.dtype, x.double()
    # Rybicki's sampling of the defining integral; the error falls as exp(-(pi / 2h)^2).
    step = 0.2
    center = 2 * torch.round(x / (2 * step))
    rest = x - center * step
    total = torch.zeros_like(x)
    for n in range(-45, 46, 2):
        total = total + torch.exp(-((rest - n * step) ** 2)) / (n + center)
    result = total / math.sqrt(math.pi)
    return torch.where(x.isinf(), 0.0, result).to(dtype)


@dawsn_op.gradient
def dawsn_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (1 - 2 * x * y)


def dawsn(x: Any, name: str | None = None) -> Tensor:
    """Return Dawson's integral, `exp(-x*x)` times the integral of `exp(t*t)` from 0 to x."""
    return dawsn_op(x, name=name)


@op("Expint(x: T) -> y: T", T=FLOATING, shape=unchanged)
def expint_op(x: Array) -> Array:
    dtype, x = x.dtype, x.double()
    near = x.clamp(max=40)
    term, total = torch.ones_like(x), torch.zeros_like(x)
    for k in range(1, 160):
        term = term * near / k
        total = total + term / k
    series = np.euler_gamma + torch.log(near) + total
    far = x.clamp(min=40)
    term, total = torch.ones_like(x), torch.ones_like(x)
    for k in range(1, 40):
        term = term * k / far
        total = total + term
    asymptotic = torch.exp(far) / far * total
    return torch.where(x > 40, asymptotic, series).to(dtype)


@expint_op.gradient
def expint_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * operation("Exp")(x) / x


def expint(x: Any, name: str | None = None) -> Tensor:
    """Return the exponential integral, that of `exp(t) / t` from minus infinity to x; NaN for negative elements."""
    return expint_op(x, name=name)


def _fresnel_auxiliary(x: Array) -> tuple[Array, Array]:
    """Return the slowly varying parts of the Fresnel integrals for large elements, by their asymptotic series."""
    z = 1 / (math.pi * x * x) ** 2
    f = (1 - z * (3 - z * (105 - z * (10395 - z * 2027025)))) / (math.pi * x)
    g = (1 - z * (15 - z * (945 - z * (135135 - z * 34459425)))) / (math.pi**2 * x**3)
    return f, g


@op("FresnelCos(x: T) -> y: T", T=FLOATING, shape=unchanged)
def fresnel_cos_op(x: Array) -> Array:
    dtype, x = x.dtype, x.double()
    small = x.clamp(-6, 6)
    near = _integral(lambda t: torch.cos(math.pi / 2 * t * t), torch.zeros_like(x), small)
    f, g = _fresnel_auxiliary(x.abs().clamp(min=6, max=1e8))
    angle = math.pi / 2 * x * x
    far = torch.sign(x) * (0.5 + f * torch.sin(angle) - g * torch.cos(angle))
    far = torch.where(x.abs() > 1e8, 0.5 * torch.sign(x), far)
    return torch.where(x.abs() > 6, far, near).to(dtype)


@fresnel_cos_op.gradient
def fresnel_cos_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * operation("Cos")(operation("Square")(x) * (math.pi / 2))


def fresnel_cos(x: Any, name: str | None = None) -> Tensor:
    """Return the Fresnel integral of `cos(pi * t * t / 2)` from 0 to x."""
    return fresnel_cos_op(x, name=name)


@op("FresnelSin(x: T) -> y: T", T=FLOATING, shape=unchanged)
def fresnel_sin_op(x: Array) -> Array:
    dtype, x = x.dtype, x.double()
    small = x.clamp(-6, 6)
    near = _integral(lambda t: torch.sin(math.pi / 2 * t * t), torch.zeros_like(x), small)
    f, g = _fresnel_auxiliary(x.abs().clamp(min=6, max=1e8))
    angle = math.pi / 2 * x * x
    far = torch.sign(x) * (0.5 - f * torch.cos(angle) - g * torch.sin(angle))
    far = torch.where(x.abs() > 1e8, 0.5 * torch.sign(x), far)
    return torch.where(x.abs() > 6, far, near).to(dtype)


@fresnel_sin_op.gradient
def fresnel_sin_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * operation("Sin")(operation("Square")(x) * (math.pi / 2))


def fresnel_sin(x: Any, name: str | None = None) -> Tensor:
    """Return the Fresnel integral of `sin(pi * t * t / 2)` from 0 to x."""
    return fresnel_sin_op(x, name=name)


def _dilogarithm_near_one(x: Array) -> Array:
    """Return Spence's function from 0.5 to 1.5, where the integrand is smooth."""

    def integrand(t: Array) -> Array:
        distance = t - 1
        return torch.where(
            distance.abs() < 1e-9, 1 - distance / 2, torch.log1p(distance) / torch.where(distance == 0, 1.0, distance)
        )

    return -_integral(integrand, torch.ones_like(x), x)


@op("Spence(x: T) -> y: T", T=FLOATING, shape=unchanged)
def spence_op(x: Array) -> Array:
    dtype, x = x.dtype, x.double()
    # Elements above 1.5 are reflected at 1, and those below 0.5 at 0.5, into the range of the integral.
    large = x > 1.5
    inner = torch.where(large, 1 / x, x)
    low = inner < 0.5
    value = _dilogarithm_near_one(torch.where(low, 1 - inner, inner))
    reflected = math.pi**2 / 6 - torch.xlogy(torch.log1p(-inner), inner) - value
    value = torch.where(low, reflected, value)
    value = torch.where(inner == 0, math.pi**2 / 6, value)
    value = torch.where(large, -value - torch.log(x) ** 2 / 2, value)
    return torch.where(x < 0, math.nan, value).to(dtype)


@spence_op.gradient
def spence_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * _spence_slope(x)


def spence(x: Any, name: str | None = None) -> Tensor:
    """Return Spence's function, the integral of `log(t) / (1 - t)` from 1 to x; NaN for negative elements."""
    return spence_op(x, name=name)


def _spence_slope(x: Tensor) -> Tensor:
    at_one, ones = operation("Equal")(x, operation("OnesLike")(x)), operation("OnesLike")(x)
    safe = operation("SelectV2")(at_one, ones * 2, x)
    result: Tensor = operation("SelectV2")(at_one, -ones, operation("Log")(safe) / (1 - safe))
    return result
