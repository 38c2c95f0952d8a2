"""Batch normalization of float32 images with the sum and the ReLU that follow it, and its derivative with theirs."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.ops.fused.declare import fused_op
from penstock.ops.nn.batch_norm import gradients_of_normalization, normalize


def _only(arrays: list[Array]) -> Array | None:
    """Return an input that may be missing."""
    return arrays[0] if arrays else None


@fused_op(
    "_FusedBatchNorm(x: float32, scale: float32, offset: float32, mean: float32, variance: float32, "
    "residual: N * float32) -> (y: float32, batch_mean: float32, batch_variance: float32, reserve_space_1: float32, "
    "reserve_space_2: float32, reserve_space_3: float32)"
)
def batch_norm_op(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    residual: list[Array],
    *,
    epsilon: float,
    exponential_avg_factor: float,
    data_format: str,
    is_training: bool,
    is_rectified: bool,
) -> tuple[Array, ...]:
    attributes = (epsilon, exponential_avg_factor, data_format, is_training)
    found = normalize(x, scale, offset, mean, variance, *attributes, _only(residual), is_rectified)
    return *found, torch.zeros(())


@batch_norm_op.in_place("x")
def batch_norm_in_place(
    x: Array, scale: Array, offset: Array, mean: Array, variance: Array, residual: list[Array], **attributes: Any
) -> tuple[Array, ...]:
    found = normalize(x, scale, offset, mean, variance, residual=_only(residual), result=x, **attributes)
    return *found, torch.zeros(())


@fused_op(
    "_FusedBatchNormGrad(x: float32, scale: float32, mean: float32, variance: float32, gradients: N * float32, "
    "rectified: R * float32, offset: O * float32) -> (x_backprop: float32, scale_backprop: float32, "
    "offset_backprop: float32, masked: float32)"
)
def batch_norm_grad_op(
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    gradients: list[Array],
    rectified: list[Array],
    offset: list[Array],
    *,
    epsilon: float,
    data_format: str,
    is_training: bool,
    keeps_masked: bool,
) -> tuple[Array, ...]:
    attributes = (epsilon, data_format, is_training)
    masks = (_only(rectified), _only(offset))
    return gradients_of_normalization(gradients, x, scale, mean, variance, *attributes, *masks, keeps_masked)


@batch_norm_grad_op.in_place("x")
def batch_norm_grad_in_place(
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    gradients: list[Array],
    rectified: list[Array],
    offset: list[Array],
    **attributes: Any,
) -> tuple[Array, ...]:
    return gradients_of_normalization(
        gradients, x, scale, mean, variance, rectified=_only(rectified), offset=_only(offset), result=x, **attributes
    )
