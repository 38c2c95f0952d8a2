"""Complex numbers: made from parts, and taken apart."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array, Value, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import COMPLEX, DType, complex64, complex128, float32, float64, variant
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape_rules import broadcasting, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.broadcasting import reduce_gradients
from penstock.ops.math.kernels import operation

_PART = Type(frozenset({float32, float64}), default=float32)
_WHOLE = Type(COMPLEX, default=complex64)


@op("Complex(real: T, imag: T) -> out: Tout", T=_PART, Tout=_WHOLE, shape=broadcasting)
def complex_op(real: Array, imag: Array, *, Tout: DType = complex64) -> Array:
    if real.shape != imag.shape:
        real, imag = torch.broadcast_tensors(real, imag)
    return torch.complex(real, imag).to(torch_dtype(Tout))


@complex_op.gradient
def complex_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    return reduce_gradients(call.inputs[0], call.inputs[1], real(grad), imag(grad))


@op("Real(input: T) -> output: Tout", T=_WHOLE, Tout=_PART, view=True, shape=unchanged)
def real_op(input: Array, *, Tout: DType = float32) -> Array:
    return input.real.to(torch_dtype(Tout))


@real_op.gradient
def real_gradient(call: Any, grad: Tensor) -> Tensor:
    return complex_op(grad, operation("ZerosLike")(grad), Tout=call.inputs[0].dtype)


@op("Imag(input: T) -> output: Tout", T=_WHOLE, Tout=_PART, view=True, shape=unchanged)
def imag_op(input: Array, *, Tout: DType = float32) -> Array:
    return input.imag.to(torch_dtype(Tout))


@imag_op.gradient
def imag_gradient(call: Any, grad: Tensor) -> Tensor:
    return complex_op(operation("ZerosLike")(grad), grad, Tout=call.inputs[0].dtype)


@op("Conj(input: T) -> output: T", T=Type(COMPLEX | {variant}, default=complex64), shape=unchanged)
def conj_op(input: Value) -> Value:
    return torch.conj_physical(input) if isinstance(input, torch.Tensor) else input


@conj_op.gradient
def conj_gradient(call: Any, grad: Tensor) -> Tensor:
    return conj(grad)


@op("Angle(input: T) -> output: Tout", T=_WHOLE, Tout=_PART, shape=unchanged)
def angle_op(input: Array, *, Tout: DType = float32) -> Array:
    return torch.angle(input).to(torch_dtype(Tout))


@angle_op.gradient
def angle_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    re, im = real(x), imag(x)
    scale = grad / (re * re + im * im)
    return complex_op(-im * scale, re * scale, Tout=x.dtype)


@op("ComplexAbs(x: T) -> y: Tout", T=_WHOLE, Tout=_PART, shape=unchanged)
def complex_abs_op(x: Array, *, Tout: DType = float32) -> Array:
    return torch.abs(x).to(torch_dtype(Tout))


@complex_abs_op.gradient
def complex_abs_gradient(call: Any, grad: Tensor) -> Tensor:
    x, y = call.inputs[0], call.outputs[0]
    return operation("DivNoNan")(
        complex_op(grad, operation("ZerosLike")(grad), Tout=x.dtype) * x,
        complex_op(y, operation("ZerosLike")(y), Tout=x.dtype),
    )


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Return complex numbers with the given parts.

    Args:
        real, imag: float32 or float64 tensors of one type; their shapes are broadcast.
        name: the name of the node.
    Raises:
        TypeError: if the parts have other types.
    """
    real, imag = convert_to_tensor(real, name="real"), convert_to_tensor(imag, name="imag")
    with op_scope(name, "Complex") as scope:
        types = real.dtype.base_dtype, imag.dtype.base_dtype
        if types not in ((float32, float32), (float64, float64)):
            raise TypeError(
                f"Complex parts must both be float32 or both float64, got {types[0].name} and {types[1].name}"
            )
        return complex_op(real, imag, Tout=complex64 if types[0] is float32 else complex128, name=scope or name)


def real(input: Any, name: str | None = None) -> Tensor:
    """Return the real parts; real tensors are returned as they are."""
    with op_scope(name, "Real") as scope:
        input = convert_to_tensor(input, name="input")
        if not input.dtype.is_complex:
            if input.dtype.is_numeric:
                return input
            raise TypeError(f"Expected a numeric tensor, got {input.dtype.name}")
        return real_op(input, Tout=input.dtype.real_dtype.base_dtype, name=scope or name)


def imag(input: Any, name: str | None = None) -> Tensor:
    """Return the imaginary parts; zeros for real tensors."""
    with op_scope(name, "Imag") as scope:
        input = convert_to_tensor(input, name="input")
        if not input.dtype.is_complex:
            return operation("ZerosLike")(input)
        return imag_op(input, Tout=input.dtype.real_dtype.base_dtype, name=scope or name)


def conj(x: Any, name: str | None = None) -> Tensor:
    """Return the complex conjugate; real tensors are returned as they are.

    Raises:
        TypeError: if `x` is not numeric.
    """
    if isinstance(x, Tensor) and (x.dtype.base_dtype.is_floating or x.dtype.base_dtype.is_integer):
        return x
    with op_scope(name, "Conj") as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype is variant:
            return conj_op(x, name=scope or name)
        if x.dtype.is_numeric:
            return x
        raise TypeError(f"Expected a numeric or variant tensor, got dtype {x.dtype!r}")


def angle(input: Any, name: str | None = None) -> Tensor:
    """Return the argument of each element, in radians from -pi to pi; 0 or pi for real tensors."""
    with op_scope(name, "Angle") as scope:
        input = convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return angle_op(input, Tout=input.dtype.real_dtype.base_dtype, name=scope or name)
        negative = input < 0
        return operation("Cast")(negative, DstT=input.dtype.base_dtype) * torch.pi
