"""Bessel functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


def _unless_zero(x: Tensor, at_zero: float, elsewhere: Callable[[Tensor], Tensor]) -> Tensor:
    """Return a derivative that is written as a quotient by `x`, and its limit where `x` is 0."""
    is_zero, ones = operation("Equal")(x, operation("ZerosLike")(x)), operation("OnesLike")(x)
    result: Tensor = operation("SelectV2")(is_zero, ones * at_zero, elsewhere(operation("SelectV2")(is_zero, ones, x)))
    return result


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
    return grad * _unless_zero(x, 1.0, lambda z: bessel_i0_op(x) - y / z)


def bessel_i1(x: Any, name: str | None = None) -> Tensor:
    """Return the modified Bessel function of the first kind, order 1."""
    return bessel_i1_op(x, name=name)


@op("BesselI1e(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_i1e_op(x: Array) -> Array:
    return _wide(torch.special.i1e, x)


@bessel_i1e_op.gradient
def bessel_i1e_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * _unless_zero(
        x, 0.5, lambda z: bessel_i0e_op(x) - y * (operation("Sign")(x) + operation("Reciprocal")(z))
    )


def bessel_i1e(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(-|x|)` times the modified Bessel function of the first kind, order 1."""
    return bessel_i1e_op(x, name=name)


@op("BesselJ0(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_j0_op(x: Array) -> Array:
    return _wide(torch.special.bessel_j0, x)


@bessel_j0_op.gradient
def bessel_j0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * bessel_j1_op(x)


def bessel_j0(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the first kind, order 0."""
    return bessel_j0_op(x, name=name)


@op("BesselJ1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_j1_op(x: Array) -> Array:
    return _wide(torch.special.bessel_j1, x)


@bessel_j1_op.gradient
def bessel_j1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * _unless_zero(x, 0.5, lambda z: bessel_j0_op(x) - y / z)


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
    return _for_positive(x, _wide(torch.special.bessel_y0, x), -math.inf)


@bessel_y0_op.gradient
def bessel_y0_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return -grad * bessel_y1_op(x)


def bessel_y0(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the second kind, order 0."""
    return bessel_y0_op(x, name=name)


@op("BesselY1(x: T) -> y: T", T=FLOATING, shape=unchanged)
def bessel_y1_op(x: Array) -> Array:
    return _for_positive(x, _wide(torch.special.bessel_y1, x), -math.inf)


@bessel_y1_op.gradient
def bessel_y1_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return grad * (bessel_y0_op(x) - y / x)


def bessel_y1(x: Any, name: str | None = None) -> Tensor:
    """Return the Bessel function of the second kind, order 1."""
    return bessel_y1_op(x, name=name)
