"""Elementwise exponentials, logarithms, and the functions of neural networks that are made of them."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math.complex import conj
from penstock.ops.math.kernels import FLOATING_OR_COMPLEX, native, operation
from penstock.ops.math.unary import reciprocal_op


@op("Exp(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def exp_op(x: Array) -> Array:
    return torch.exp(x)


exp_op.specialize(native(torch.exp))


@exp_op.gradient
def exp_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return grad * conj(y)


def exp(x: Any, name: str | None = None) -> Tensor:
    """Return e to the power of each element."""
    return exp_op(x, name=name)


@op("Expm1(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def expm1_op(x: Array) -> Array:
    return torch.expm1(x)


@expm1_op.gradient
def expm1_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * conj(exp_op(x))


def expm1(x: Any, name: str | None = None) -> Tensor:
    """Return `exp(x) - 1`, accurate for small elements too."""
    return expm1_op(x, name=name)


@op("Log(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def log_op(x: Array) -> Array:
    return torch.log(x)


log_op.specialize(native(torch.log))


@log_op.gradient
def log_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * reciprocal_op(conj(x))


def log(x: Any, name: str | None = None) -> Tensor:
    """Return the natural logarithm of each element; NaN for negative ones."""
    return log_op(x, name=name)


@op("Log1p(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def log1p_op(x: Array) -> Array:
    return torch.log1p(x)


@log1p_op.gradient
def log1p_gradient(call: Any, grad: Tensor) -> Tensor:
    x = call.inputs[0]
    return grad * reciprocal_op(conj(x) + 1)


def log1p(x: Any, name: str | None = None) -> Tensor:
    """Return `log(1 + x)`, accurate for small elements too."""
    return log1p_op(x, name=name)


@op("Sigmoid(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sigmoid_op(x: Array) -> Array:
    return torch.sigmoid(x)


@sigmoid_op.gradient
def sigmoid_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return sigmoid_grad_op(conj(y), grad)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """Return `1 / (1 + exp(-x))`, element by element."""
    with op_scope(name, "Sigmoid") as scope:
        return sigmoid_op(convert_to_tensor(x, name="x"), name=scope or name)


@op("SigmoidGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def sigmoid_grad_op(y: Array, dy: Array) -> Array:
    return torch.ops.aten.sigmoid_backward(dy, y.conj())  # ATen conjugates y, TensorFlow does not


@sigmoid_grad_op.gradient
def sigmoid_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    y, dy = conj(call.inputs[0]), conj(call.inputs[1])
    scaled = grad * dy
    return scaled - scaled * y * 2, sigmoid_grad_op(y, grad)


_large_tanh = large_kernel("Tanh", torch.tanh, is_exact=False)


@op("Tanh(x: T) -> y: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def tanh_op(x: Array) -> Array:
    return torch.tanh(x) if x.numel() < LARGE else _large_tanh(x)


@tanh_op.gradient
def tanh_gradient(call: Any, grad: Tensor) -> Tensor:
    y = call.outputs[0]
    return tanh_grad_op(conj(y), grad)


def tanh(x: Any, name: str | None = None) -> Tensor:
    """Return the hyperbolic tangent of each element."""
    return tanh_op(x, name=name)


@op("TanhGrad(y: T, dy: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=unchanged)
def tanh_grad_op(y: Array, dy: Array) -> Array:
    return torch.ops.aten.tanh_backward(dy, y.conj())  # ATen conjugates y, TensorFlow does not


@tanh_grad_op.gradient
def tanh_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    y, dy = conj(call.inputs[0]), conj(call.inputs[1])
    return grad * dy * y * -2, tanh_grad_op(y, grad)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """Return `log(sigmoid(x))`, accurate for large negative elements too.

    Args:
        x: a floating tensor.
        name: the name of the node.
    """
    with op_scope(name, "LogSigmoid") as scope:
        x = convert_to_tensor(x, name="x")
        return operation("Neg")(operation("Softplus")(-x), name=scope or name)
