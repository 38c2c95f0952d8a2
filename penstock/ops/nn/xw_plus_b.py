"""Dense layers as functions, and the fraction of zeros."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32, int64
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.nn.activation import relu_op
from penstock.ops.nn.bias import bias_add_op, bias_add_v1_op

_matmul_op = deferred("MatMul")
_cast_op = deferred("Cast")


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """Return matmul(x, weights) + biases.

    Args:
        x: numbers of shape (batch, inputs).
        weights: numbers of shape (inputs, outputs).
        biases: numbers of shape (outputs,).
        name: the name of the node.
    """
    with op_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        return bias_add_op(_matmul_op(x, weights), biases, name=scope)


def xw_plus_b_v1(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """Return matmul(x, weights) + biases, by the bias operation of TensorFlow's first release."""
    with op_scope(name, "xw_plus_b_v1", [x, weights, biases]) as scope:
        return bias_add_v1_op(_matmul_op(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """Return relu(matmul(x, weights) + biases).

    Args:
        x: numbers of shape (batch, inputs).
        weights: numbers of shape (inputs, outputs).
        biases: numbers of shape (outputs,).
        name: the name of the node.
    """
    with op_scope(name, "relu_layer", [x, weights, biases]) as scope:
        return relu_op(bias_add_op(_matmul_op(x, weights), biases), name=scope)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """Return the fraction of elements that are 0, a float32 scalar; NaN for an empty tensor.

    Args:
        value: numbers, any shape.
        name: the name of the scope.
    """
    with op_scope(name, "zero_fraction", [value]):
        tensor = convert_to_tensor(value, name="value")
        flat = deferred("Reshape")(tensor, [-1])
        size = _cast_op(deferred("Size")(flat, out_type=int64), DstT=float32)
        is_zero = deferred("Equal")(flat, deferred("ZerosLike")(flat))
        zeros = deferred("Sum")(_cast_op(is_zero, DstT=int64), [0])
        return deferred("RealDiv")(_cast_op(zeros, DstT=float32), size, name="fraction")
