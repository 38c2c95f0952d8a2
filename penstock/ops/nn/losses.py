"""Losses that are not cross entropies."""

from __future__ import annotations

import math
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape_rules import scalar
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred

_exp_op = deferred("Exp")
_log_op = deferred("Log")
_select_op = deferred("SelectV2")
_zeros_like_op = deferred("ZerosLike")


@op("L2Loss(t: T) -> output: T", T=FLOATING, shape=scalar)
def l2_loss_op(t: Array) -> Array:
    flat = t.reshape(-1)
    if flat.dtype in (torch.float16, torch.bfloat16):
        wide = flat.float()
        return (torch.dot(wide, wide) / 2).to(t.dtype)
    return torch.dot(flat, flat) / 2


@l2_loss_op.gradient
def l2_loss_gradient(call: Any, grad: Tensor) -> Tensor:
    return call.inputs[0] * grad


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Return half the sum of the squares of `t`, a scalar.

    Args:
        t: floating numbers, any shape.
        name: the name of the node.
    """
    return l2_loss_op(t, name=name)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """Return the negative log likelihood of `targets` under Poisson distributions with mean exp(log_input).

    Args:
        targets: counts, of the shape and type of `log_input`.
        log_input: floating numbers.
        compute_full_loss: whether to add Stirling's approximation of log(targets!), a constant for `log_input`.
        name: the name of the scope.
    Raises:
        ValueError: if the shapes differ.
    """
    with op_scope(name, "log_poisson_loss", [log_input, targets]):
        x = convert_to_tensor(log_input, name="log_input")
        z = convert_to_tensor(targets, x.dtype.base_dtype, "targets")
        if not x.shape.is_compatible_with(z.shape):
            raise ValueError(f"`log_input` and `targets` must have the same shape, got ({x.shape} vs {z.shape})")
        result = _exp_op(x) - x * z
        if compute_full_loss:
            stirling = z * _log_op(z) - z + 0.5 * _log_op(2.0 * math.pi * z)
            small = deferred("LogicalAnd")(z >= 0.0, z <= 1.0)
            result = result + _select_op(small, _zeros_like_op(z), stirling)
        return result
