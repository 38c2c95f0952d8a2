"""Activation functions and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, lies_densely
from penstock.core.convert import convert_to_tensor
from penstock.core.dispatch import apply
from penstock.core.dtypes import FLOATING, REAL_NUMBER, float32, qint8
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.op_def import lookup
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, merge, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.fused.large import LARGE, large_kernel

_aten = torch.ops.aten
_zeros_like_op = deferred("ZerosLike")
_select_op = deferred("SelectV2")
_exp_op = deferred("Exp")
_sigmoid_op = deferred("Sigmoid")
_tanh_op = deferred("Tanh")
_erfc_op = deferred("Erfc")
_concat_op = deferred("ConcatV2")

# Klambauer et al. 2017, "Self-Normalizing Neural Networks".
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717
# Above this log(1 + exp(x)) is x in every floating type.
_SOFTPLUS_THRESHOLD = 40.0

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
_LEAKY_ALPHA = 0.20000000298023224  # 0.2 in float32, the type in which GraphDefs keep it


def _same_shapes(gradients: Array, features: Array) -> None:
    if gradients.shape != features.shape:
        raise ShapeError(f"inputs must have the same shape, got {tuple(gradients.shape)} and {tuple(features.shape)}")


def _same(gradients: Dims, features: Dims, **attrs: Any) -> Dims:
    """The shape rule of the derivatives."""
    return merge(gradients, features, "shapes of gradients and features")


@op("Relu(features: T) -> activations: T", T=REAL_NUMBER | {qint8}, shape=unchanged)
def relu_op(features: Array) -> Array:
    return features.clone() if features.dtype in _UNSIGNED else torch.relu(features)


relu_op.specialize(lambda attrs: torch.relu if attrs["T"] is float32 else None)


@relu_op.in_place("features")
def relu_in_place(features: Array) -> Array:
    return (
        torch.relu_(features) if features.is_floating_point() and lies_densely(features) else relu_op.kernel(features)
    )


@relu_op.gradient
def relu_gradient(call: Any, grad: Tensor) -> Tensor:
    return relu_grad_op(grad, call.outputs[0])


@op("ReluGrad(gradients: T, features: T) -> backprops: T", T=REAL_NUMBER, shape=_same)
def relu_grad_op(gradients: Array, features: Array) -> Array:
    _same_shapes(gradients, features)
    if features.dtype in _UNSIGNED:
        return gradients * (features.to(torch.int64) != 0).to(gradients.dtype)
    return _slope(gradients, features) if features.numel() < LARGE else _large_slope(gradients, features)


def _slope(gradients: Array, features: Array) -> Array:
    # A product, so that infinity times 0 is NaN. ATen has a kernel of its own, which selects, and lets NaN pass.
    return torch.gt(features, 0, out=torch.empty_like(features)).mul_(gradients)


_large_slope = large_kernel("ReluGrad", _slope)


@relu_grad_op.in_place("gradients")
def relu_grad_in_place(gradients: Array, features: Array) -> Array:
    if gradients.shape != features.shape or not gradients.is_floating_point() or not lies_densely(gradients):
        return relu_grad_op.kernel(gradients, features)
    return gradients.mul_(torch.gt(features, 0, out=torch.empty_like(features)))


@relu_grad_op.gradient
def relu_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    features = call.inputs[1]
    return relu_grad_op(grad, features), _zeros_like_op(features)


@op("Relu6(features: T) -> activations: T", T=REAL_NUMBER, shape=unchanged)
def relu6_op(features: Array) -> Array:
    if features.dtype in _UNSIGNED:
        return features.to(torch.int64).clamp(0, 6).to(features.dtype)
    return features.clamp(0, 6)


@relu6_op.gradient
def relu6_gradient(call: Any, grad: Tensor) -> Tensor:
    return relu6_grad_op(grad, call.outputs[0])


@op("Relu6Grad(gradients: T, features: T) -> backprops: T", T=REAL_NUMBER, shape=_same)
def relu6_grad_op(gradients: Array, features: Array) -> Array:
    _same_shapes(gradients, features)
    if features.is_floating_point():
        slope = torch.gt(features, 0, out=torch.empty_like(features))
        return slope.mul_(torch.lt(features, 6, out=torch.empty_like(features))).mul_(gradients)
    wide = features.to(torch.int64)
    return (gradients.to(torch.int64) * ((wide > 0) & (wide < 6))).to(gradients.dtype)


@relu6_grad_op.gradient
def relu6_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    features = call.inputs[1]
    return relu6_grad_op(grad, features), _zeros_like_op(features)


@op("LeakyRelu(features: T) -> activations: T", T=Type(FLOATING, default=float32), shape=unchanged)
def leaky_relu_op(features: Array, *, alpha: float = _LEAKY_ALPHA) -> Array:
    return _aten.leaky_relu(features, alpha)


@leaky_relu_op.gradient
def leaky_relu_gradient(call: Any, grad: Tensor) -> Tensor:
    return leaky_relu_grad_op(grad, call.inputs[0], alpha=call.attrs["alpha"])


@op("LeakyReluGrad(gradients: T, features: T) -> backprops: T", T=Type(FLOATING, default=float32), shape=_same)
def leaky_relu_grad_op(gradients: Array, features: Array, *, alpha: float = _LEAKY_ALPHA) -> Array:
    _same_shapes(gradients, features)
    return _aten.leaky_relu_backward(gradients, features, alpha, False)


@leaky_relu_grad_op.gradient
def leaky_relu_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    features = call.inputs[1]
    return leaky_relu_grad_op(grad, features, alpha=call.attrs["alpha"]), _zeros_like_op(features)


@op("Elu(features: T) -> activations: T", T=FLOATING, shape=unchanged)
def elu_op(features: Array) -> Array:
    return _aten.elu(features)


@elu_op.gradient
def elu_gradient(call: Any, grad: Tensor) -> Tensor:
    return elu_grad_op(grad, call.outputs[0])


@op("EluGrad(gradients: T, outputs: T) -> backprops: T", T=FLOATING, shape=_same)
def elu_grad_op(gradients: Array, outputs: Array) -> Array:
    _same_shapes(gradients, outputs)
    return _aten.elu_backward(gradients, 1.0, 1.0, 1.0, True, outputs)


def _where_negative(outputs: Tensor, value: Tensor) -> Tensor:
    return _select_op(outputs < 0.0, value, _zeros_like_op(outputs))


@elu_grad_op.gradient
def elu_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    gradients, outputs = call.inputs
    return elu_grad_op(grad, outputs), _where_negative(outputs, grad * gradients)


@op("Selu(features: T) -> activations: T", T=FLOATING, shape=unchanged)
def selu_op(features: Array) -> Array:
    return _aten.selu(features)


@selu_op.gradient
def selu_gradient(call: Any, grad: Tensor) -> Tensor:
    return selu_grad_op(grad, call.outputs[0])


@op("SeluGrad(gradients: T, outputs: T) -> backprops: T", T=FLOATING, shape=_same)
def selu_grad_op(gradients: Array, outputs: Array) -> Array:
    _same_shapes(gradients, outputs)
    # ATen's own derivative takes the other branch at 0.
    return torch.where(outputs < 0, gradients * (outputs + _SELU_SCALE * _SELU_ALPHA), gradients * _SELU_SCALE)


@selu_grad_op.gradient
def selu_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    gradients, outputs = call.inputs
    return selu_grad_op(grad, outputs), _where_negative(outputs, grad * gradients)


@op("Softplus(features: T) -> activations: T", T=FLOATING, shape=unchanged)
def softplus_op(features: Array) -> Array:
    return _aten.softplus(features, 1, _SOFTPLUS_THRESHOLD)


@softplus_op.gradient
def softplus_gradient(call: Any, grad: Tensor) -> Tensor:
    return softplus_grad_op(grad, call.inputs[0])


@op("SoftplusGrad(gradients: T, features: T) -> backprops: T", T=FLOATING, shape=_same)
def softplus_grad_op(gradients: Array, features: Array) -> Array:
    _same_shapes(gradients, features)
    return _aten.softplus_backward(gradients, features, 1, _SOFTPLUS_THRESHOLD)


@softplus_grad_op.gradient
def softplus_grad_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    gradients, features = call.inputs
    return softplus_grad_op(grad, features), grad * gradients / (_exp_op(-features) + 2.0 + _exp_op(features))


@op("Softsign(features: T) -> activations: T", T=FLOATING, shape=unchanged)
def softsign_op(features: Array) -> Array:
    return features / (features.abs() + 1)


@softsign_op.gradient
def softsign_gradient(call: Any, grad: Tensor) -> Tensor:
    return softsign_grad_op(grad, call.inputs[0])


@op("SoftsignGrad(gradients: T, features: T) -> backprops: T", T=FLOATING, shape=_same)
def softsign_grad_op(gradients: Array, features: Array) -> Array:
    _same_shapes(gradients, features)
    return gradients / (features.abs() + 1).square()


def relu(features: Any, name: str | None = None) -> Tensor:
    """Return max(features, 0), element by element.

    Args:
        features: real numbers, any shape.
        name: the name of the node.
    """
    return relu_op(features, name=name)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """Return min(max(features, 0), 6), element by element.

    Args:
        features: real numbers, any shape.
        name: the name of the node.
    Source: Krizhevsky 2010, "Convolutional Deep Belief Networks on CIFAR-10".
    """
    with op_scope(name, "Relu6", [features]) as scope:
        return relu6_op(features, name=scope)


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """Return `features` where positive, `alpha` times `features` elsewhere.

    Args:
        features: numbers, any shape; integers are taken as float32.
        alpha: the slope for negative numbers: a Python number, or a tensor that broadcasts.
        name: the name of the node.
    """
    with op_scope(name, "LeakyRelu", [features, alpha]) as scope:
        tensor = convert_to_tensor(features, name="features")
        if tensor.dtype.is_integer:
            tensor = deferred("Cast")(tensor, DstT=float32)
        if isinstance(alpha, Tensor):
            return deferred("Maximum")(alpha * tensor, tensor, name=scope)
        return leaky_relu_op(tensor, alpha=float(alpha), name=scope)


def elu(features: Any, name: str | None = None) -> Tensor:
    """Return `features` where positive, exp(features) - 1 elsewhere.

    Args:
        features: floating numbers, any shape.
        name: the name of the node.
    Source: Clevert et al. 2016, "Fast and Accurate Deep Network Learning by Exponential Linear Units".
    """
    return elu_op(features, name=name)


def selu(features: Any, name: str | None = None) -> Tensor:
    """Return the scaled exponential linear unit of `features`.

    Args:
        features: floating numbers, any shape.
        name: the name of the node.
    Source: Klambauer et al. 2017, "Self-Normalizing Neural Networks".
    """
    return selu_op(features, name=name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """Return log(exp(features) + 1), element by element, without overflow.

    Args:
        features: floating numbers, any shape.
        name: the name of the node.
    """
    return softplus_op(features, name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """Return features / (abs(features) + 1), element by element.

    Args:
        features: floating numbers, any shape.
        name: the name of the node.
    """
    return softsign_op(features, name=name)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Return the rectified `features` and the rectified `-features`, joined along `axis`, which doubles in size.

    Args:
        features: real numbers, any shape of rank at least 1.
        axis: the axis along which they are joined.
        name: the name of the scope.
    Source: Shang et al. 2016, "Understanding and Improving CNNs via Concatenated Rectified Linear Units".
    """
    with op_scope(name, "CRelu", [features]) as scope:
        tensor = convert_to_tensor(features, name="features")
        return relu_op(_concat_op([tensor, -tensor], axis), name=scope)


def crelu_v1(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """Return `crelu(features, axis, name)`."""
    return crelu(features, axis, name)


def silu(features: Any, beta: Any = 1.0) -> Tensor:
    """Return features * sigmoid(beta * features), also called swish.

    Args:
        features: floating numbers, any shape.
        beta: the steepness of the sigmoid.
    Source: Ramachandran et al. 2017, "Searching for Activation Functions".
    """
    with op_scope(None, "swish", [features]):
        tensor = convert_to_tensor(features, name="features")
        inner = (
            tensor if isinstance(beta, (int, float)) and beta == 1 else convert_to_tensor(beta, tensor.dtype) * tensor
        )
        chance = _sigmoid_op(inner)
        if tensor.dtype.is_complex and isinstance(beta, (int, float)):
            return _slope_unconjugated(tensor, inner, chance)
        return tensor * chance


def _slope_unconjugated(features: Tensor, inner: Tensor, chance: Tensor) -> Tensor:
    """Return features * chance of complex numbers, with the gradient that TensorFlow gives to silu: the derivative
    itself in place of its conjugate."""

    def gradient(call: Any, grad: Tensor, *_: Any) -> list[Tensor | None]:
        slope = chance * (1.0 + inner * (1.0 - chance))
        return [None, grad * slope]

    passed = lookup("IdentityN")
    return apply(passed, [[features * chance, features]], {"_gradient_function": gradient}, "IdentityN")[0]


swish = silu


_GELU_SLOPE = 0.7978845608028654
# TensorFlow keeps these as float32, also where the numbers are float64.
_GELU_CUBIC = float(np.float32(0.044715))
_GELU_SCALE = float(np.float32(0.7071067811865476))


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """Return features times the probability that a standard normal number is less: the Gaussian error linear unit.

    Args:
        features: floating numbers, any shape.
        approximate: whether to use the approximation with tanh.
        name: the name of the scope.
    Raises:
        ValueError: if the numbers are not floating.
    Source: Hendrycks and Gimpel 2016, "Gaussian Error Linear Units".
    """
    with op_scope(name, "Gelu", [features]):
        tensor = convert_to_tensor(features, name="features")
        if not tensor.dtype.is_floating:
            raise ValueError(
                f"`features.dtype` must be a floating point tensor, got {tensor.dtype.name}; cast it with tf.cast"
            )
        if approximate:
            return 0.5 * tensor * (1.0 + _tanh_op(_GELU_SLOPE * (tensor + _GELU_CUBIC * (tensor * tensor * tensor))))
        return 0.5 * tensor * _erfc_op(tensor * -_GELU_SCALE)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """Return log(1 / (1 + exp(-x))), element by element, without overflow.

    Args:
        x: floating numbers, any shape.
        name: the name of the scope.
    """
    with op_scope(name, "LogSigmoid", [x]) as scope:
        return deferred("Neg")(softplus_op(-convert_to_tensor(x, name="x")), name=scope)
