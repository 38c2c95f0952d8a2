"""The error function, the gamma and beta functions, and their kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING, float32, float64
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcasting, merge, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math.broadcasting import reduce_gradients, reduce_to
from penstock.ops.math.exponential import exp_op, log_op
from penstock.ops.math.kernels import operation
from penstock.ops.math.unary import square_op

_large_erf = large_kernel("Erf", torch.erf, is_exact=False)


@op("Erf(x: T) -> y: T", T=FLOATING, shape=unchanged)
def erf_op(x: Array) -> Array:
    return _large_erf(x) if x.dtype is torch.float32 and x.numel() >= LARGE else torch.erf(x)


@erf_op.gradient
def erf_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * (2 / math.sqrt(math.pi) * exp_op(-square_op(x)))


def erf(x: Any, name: str | None = None) -> Tensor:
    """Return the error function of each element."""
    return erf_op(x, name=name)


@op("Erfc(x: T) -> y: T", T=FLOATING, shape=unchanged)
def erfc_op(x: Array) -> Array:
    return torch.erfc(x)


@erfc_op.gradient
def erfc_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * (-2 / math.sqrt(math.pi) * exp_op(-square_op(x)))


def erfc(x: Any, name: str | None = None) -> Tensor:
    """Return `1 - erf(x)`, accurate for large elements too."""
    return erfc_op(x, name=name)


@op("Erfinv(x: T) -> y: T", T=FLOATING, shape=unchanged)
def erfinv_op(x: Array) -> Array:
    return torch.erfinv(x)


@erfinv_op.gradient
def erfinv_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return grad * (math.sqrt(math.pi) / 2 * exp_op(square_op(y)))


def erfinv(x: Any, name: str | None = None) -> Tensor:
    """Return the inverse of the error function; NaN outside of [-1, 1]."""
    return erfinv_op(x, name=name)


@op("Ndtri(x: T) -> y: T", T=FLOATING, shape=unchanged)
def ndtri_op(x: Array) -> Array:
    return torch.special.ndtri(x.float() if x.element_size() < 4 else x).to(x.dtype)


@ndtri_op.gradient
def ndtri_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return grad * (math.sqrt(2 * math.pi) * exp_op(square_op(y) / 2))


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """Return the quantile of the standard normal distribution for each probability."""
    return ndtri_op(x, name=name)


def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """Return the inverse of the complementary error function.

    Args:
        x: a floating tensor of elements in [0, 2].
        name: the scope of the nodes.
    """
    with op_scope(name, "erfcinv"):
        x = convert_to_tensor(x, name="start")
        return -ndtri_op(x * 0.5) * math.sqrt(0.5)


@op("Lgamma(x: T) -> y: T", T=FLOATING, shape=unchanged)
def lgamma_op(x: Array) -> Array:
    return torch.lgamma(x)


@lgamma_op.gradient
def lgamma_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * digamma_op(x)


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """Return the logarithm of the absolute value of the gamma function of each element."""
    return lgamma_op(x, name=name)


@op("Digamma(x: T) -> y: T", T=FLOATING, shape=unchanged)
def digamma_op(x: Array) -> Array:
    return torch.where((x <= 0) & (x == torch.floor(x)), math.nan, torch.digamma(x))


@digamma_op.gradient
def digamma_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * polygamma_op(operation("OnesLike")(x), x)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """Return the derivative of `lgamma` at each element; NaN at 0 and the negative integers."""
    return digamma_op(x, name=name)


_DOUBLE = frozenset({float32, float64})


@op("Zeta(x: T, q: T) -> z: T", T=_DOUBLE, shape=broadcasting)
def zeta_op(x: Array, q: Array) -> Array:
    # At the poles the values from both sides agree for even exponents only.
    is_odd_pole = (q <= 0) & (q == torch.floor(q)) & (torch.remainder(x, 2) != 0)
    return torch.where(is_odd_pole, math.nan, torch.special.zeta(x, q))


@zeta_op.gradient
def zeta_gradient(call: Any, grad: Tensor) -> tuple[None, Any]:
    x, q = call.inputs
    return None, reduce_gradients(x, q, None, grad * -x * zeta_op(x + 1, q))[1]


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Return the Hurwitz zeta function, the sum of `(q + n) ** -x` for n from 0.

    Args:
        x: greater than 1; float32 or float64.
        q: of the same type; shapes are broadcast.
        name: the name of the node.
    """
    return zeta_op(x, q, name=name)


@op("Polygamma(a: T, x: T) -> z: T", T=_DOUBLE, shape=broadcasting)
def polygamma_op(a: Array, x: Array) -> Array:
    order = a + 1
    sign = torch.where(torch.remainder(a, 2) == 0, -1.0, 1.0).to(x.dtype)
    higher = sign * torch.exp(torch.lgamma(order)) * zeta_op.kernel(order, x)
    result = torch.where(a == 0, digamma_op.kernel(x), higher)
    return torch.where((a < 0) | (a != torch.floor(a)), math.nan, result)


@polygamma_op.gradient
def polygamma_gradient(call: Any, grad: Tensor) -> tuple[None, Any]:
    a, x = call.inputs
    return None, reduce_gradients(a, x, None, grad * polygamma_op(a + 1, x))[1]


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the derivative of order `a` of the digamma function at `x`.

    Args:
        a: whole numbers from 0; float32 or float64.
        x: of the same type; shapes are broadcast.
        name: the name of the node.
    """
    return polygamma_op(a, x, name=name)


def _incomplete_gamma(function: Callable[[Array, Array], Array], a: Array, x: Array) -> Array:
    narrow = a.element_size() < 4
    value = function(a.float(), x.float()).to(a.dtype) if narrow else function(a, x)
    return torch.where((a <= 0) | (x < 0), math.nan, value)


@op("Igamma(a: T, x: T) -> z: T", T=FLOATING, shape=broadcasting)
def igamma_op(a: Array, x: Array) -> Array:
    return _incomplete_gamma(torch.special.gammainc, a, x)


@op("Igammac(a: T, x: T) -> z: T", T=FLOATING, shape=broadcasting)
def igammac_op(a: Array, x: Array) -> Array:
    return _incomplete_gamma(torch.special.gammaincc, a, x)


@op("IgammaGradA(a: T, x: T) -> z: T", T=_DOUBLE, shape=broadcasting)
def igamma_grad_a_op(a: Array, x: Array) -> Array:
    # The power series of the lower incomplete gamma function, differentiated term by term. Its terms are the
    # probabilities of a Poisson distribution with mean x, of which those far beyond the mean are nothing.
    dtype = a.dtype
    a, x = torch.broadcast_tensors(a.double(), x.double())
    largest = float(x.nan_to_num(0.0).clamp(0, 1e4).max()) if x.numel() else 0.0
    log_x = torch.log(x)
    total = torch.zeros_like(x)
    for n in range(int(largest + 12 * math.sqrt(largest) + 40)):
        order = a + n + 1
        term = torch.exp((a + n) * log_x - x - torch.lgamma(order))
        total = total + term * (log_x - torch.digamma(order))
    total = torch.where(x == 0, 0.0, total)
    total = torch.where((x < 0) | (a <= 0), math.nan, total)
    return torch.where(x > 1e4, 0.0, total).to(dtype)


def _incomplete_gamma_gradients(call: Any, grad: Tensor, sign: int) -> tuple[Any, Any]:
    a, x = call.inputs
    by_a = igamma_grad_a_op(a, x)
    by_x = exp_op(-x + (a - 1) * log_op(x) - lgamma_op(a))
    if sign < 0:
        by_a, by_x = -by_a, -by_x
    return reduce_gradients(a, x, by_a * grad, by_x * grad)


@igamma_op.gradient
def igamma_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return _incomplete_gamma_gradients(call, grad, 1)


@igammac_op.gradient
def igammac_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return _incomplete_gamma_gradients(call, grad, -1)


def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the lower regularized incomplete gamma function P(a, x).

    Args:
        a, x: floating tensors of one type, greater than 0; shapes are broadcast.
        name: the name of the node.
    """
    return igamma_op(a, x, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the upper regularized incomplete gamma function Q(a, x).

    Args:
        a, x: floating tensors of one type, greater than 0; shapes are broadcast.
        name: the name of the node.
    """
    return igammac_op(a, x, name=name)


def _log_beta(a: Any, b: Any) -> Any:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _continued_fraction(a: Array, b: Array, x: Array) -> Array:
    """Return the continued fraction of the incomplete beta function, by the modified Lentz method."""
    tiny = 1e-300
    c = torch.ones_like(x)
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    result = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 / _away_from_zero(1 + numerator * d, tiny)
            c = _away_from_zero(1 + numerator / c, tiny)
            result = result * d * c
        if bool((torch.abs(d * c - 1) < 1e-16).all()):
            break
    return result


def _away_from_zero(x: Array, tiny: float) -> Array:
    return torch.where(x.abs() < tiny, tiny, x)


def _betainc_shape(a: Dims, b: Dims, x: Dims) -> Dims:
    known = [dims for dims in (a, b, x) if dims != ()]
    result: Dims = () if not known else known[0]
    for dims in known[1:]:
        result = merge(result, dims, "shapes of a, b and x that are not ()")
    return result


@op("Betainc(a: T, b: T, x: T) -> z: T", T=_DOUBLE, shape=_betainc_shape)
def betainc_op(a: Array, b: Array, x: Array) -> Array:
    _betainc_shape(tuple(a.shape), tuple(b.shape), tuple(x.shape))
    dtype = x.dtype
    a, b, x = torch.broadcast_tensors(a.double(), b.double(), x.double())
    # The fraction converges fast below the mean; above it, the roles of both ends are exchanged.
    swap = x > (a + 1) / (a + b + 2)
    p, q, z = torch.where(swap, b, a), torch.where(swap, a, b), torch.where(swap, 1 - x, x)
    front = torch.exp(p * torch.log(z) + q * torch.log1p(-z) - _log_beta(p, q)) / p
    value = torch.where(z == 0, 0.0, front * _continued_fraction(p, q, z))
    value = torch.where(swap, 1 - value, value)
    return torch.where((a <= 0) | (b <= 0) | (x < 0) | (x > 1), math.nan, value).to(dtype)


@betainc_op.gradient
def betainc_gradient(call: Any, grad: Tensor) -> tuple[None, None, Tensor]:
    a, b, x = call.inputs
    log_beta = lgamma_op(a) + lgamma_op(b) - lgamma_op(a + b)
    by_x = exp_op(operation("Xlog1py")(b - 1, -x) + operation("Xlogy")(a - 1, x) - log_beta)
    return None, None, reduce_to(x, by_x * grad)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the regularized incomplete beta function I_x(a, b).

    Args:
        a, b: greater than 0; float32 or float64.
        x: from 0 to 1, of the same type. Shapes are equal, or ().
        name: the name of the node.
    """
    return betainc_op(a, b, x, name=name)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """Return the logarithm of the absolute value of the beta function of the last axis.

    Args:
        x: a floating tensor of shape (..., n).
        name: the scope of the nodes.
    Returns:
        Shape (...).
    """
    with op_scope(name, "lbeta"):
        x = convert_to_tensor(x, name="x")
        last = [-1]
        return operation("Sum")(lgamma_op(x), last) - lgamma_op(operation("Sum")(x, last))


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the value of a polynomial at each element, by Horner's rule.

    Args:
        coeffs: a list of coefficients, that of the highest power first.
        x: a numeric tensor.
        name: the scope of the nodes.
    Raises:
        ValueError: if `coeffs` is no list.
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with op_scope(name, "polyval"):
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return operation("ZerosLike")(x)
        terms = [convert_to_tensor(coefficient, name=f"coeff_{index}") for index, coefficient in enumerate(coeffs)]
        result = terms[0]
        for term in terms[1:]:
            result = term + result * x
        return result
