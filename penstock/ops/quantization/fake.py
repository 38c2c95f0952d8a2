"""Fake quantization: floating numbers rounded as if stored with few bits, for training (Jacob et al. 2018)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank, expect_rank_at_least, merge_dim, unchanged
from penstock.core.tensor import Tensor


def _levels(num_bits: int, narrow_range: bool) -> tuple[int, int]:
    if not 2 <= num_bits <= 16:
        raise InvalidArgumentError(None, None, f"num_bits must be between 2 and 16, inclusive, got {num_bits}")
    return int(narrow_range), (1 << num_bits) - 1


def _nudged(low: Array, high: Array, num_bits: int, narrow_range: bool) -> tuple[Array, Array, Array]:
    """Return the range moved so that 0 is one of its levels, and the distance of the levels."""
    first, last = _levels(num_bits, narrow_range)
    scale = (high - low) / (last - first)
    zero = first - low / scale
    point = torch.where(zero < first, float(first), torch.where(zero > last, float(last), _rounded(zero)))
    return (first - point) * scale, (last - point) * scale, scale


def _rounded(values: Array) -> Array:
    """Round halves away from zero."""
    return torch.where(values < 0, (values - 0.5).ceil(), (values + 0.5).floor())


def _quantized(inputs: Array, low: Array, high: Array, num_bits: int, narrow_range: bool) -> Array:
    start, end, scale = _nudged(low, high, num_bits, narrow_range)
    inverse = torch.where(scale == 0, torch.zeros_like(scale), 1 / scale)
    clamped = torch.minimum(torch.maximum(inputs, start), end)
    steps = torch.floor((clamped - start) * inverse + 0.5)
    return torch.where((low == 0) & (high == 0), torch.zeros_like(inputs), steps * scale + start)


def _backprops(
    gradients: Array, inputs: Array, low: Array, high: Array, num_bits: int, narrow_range: bool
) -> tuple[Array, Array, Array]:
    """Return what inside, below and above the range comes back."""
    if gradients.shape != inputs.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"gradient and input must be the same size, got {list(gradients.shape)} and {list(inputs.shape)}",
        )
    start, end, _ = _nudged(low, high, num_bits, narrow_range)
    both_zero = (low == 0) & (high == 0)
    below, above = (inputs < start) & ~both_zero, (inputs > end) & ~both_zero
    none = torch.zeros_like(gradients)
    return (
        torch.where(below | above, none, gradients),
        torch.where(below, gradients, none),
        torch.where(above, gradients, none),
    )


def _limits(low: float, high: float) -> tuple[Array, Array]:
    if low >= high:
        raise InvalidArgumentError(None, None, f"min has to be smaller than max, was: {low} >= {high}")
    return torch.tensor(np.float32(low)), torch.tensor(np.float32(high))


def _scalars(low: Array, high: Array) -> None:
    if low.ndim or high.ndim:
        raise InvalidArgumentError(
            None, None, f"`min` and `max` must be rank 0, got shapes {list(low.shape)} and {list(high.shape)}"
        )


def _channels(inputs: Array, low: Array, high: Array) -> None:
    channels = inputs.shape[-1:]
    if inputs.ndim < 1 or low.shape != channels or high.shape != channels:
        raise InvalidArgumentError(
            None,
            None,
            f"min and max must have one number for each of the channels of inputs {list(inputs.shape)}, got "
            f"{list(low.shape)} and {list(high.shape)}",
        )


def _settings(call: Any, *names: str) -> dict[str, Any]:
    return {name: call.attrs[name] for name in (*names, "num_bits", "narrow_range")}


@op("FakeQuantWithMinMaxArgs(inputs: float) -> outputs: float", shape=unchanged)
def fake_quant_with_min_max_args_op(
    inputs: Array, *, min: float = -6.0, max: float = 6.0, num_bits: int = 8, narrow_range: bool = False
) -> Array:
    return _quantized(inputs, *_limits(min, max), num_bits, narrow_range)


@fake_quant_with_min_max_args_op.gradient
def fake_quant_with_min_max_args_backprop(call: Any, grad: Tensor) -> Tensor:
    return fake_quant_with_min_max_args_gradient_op(grad, call.inputs[0], **_settings(call, "min", "max"))


@op(
    "FakeQuantWithMinMaxArgsGradient(gradients: float, inputs: float) -> backprops: float",
    shape=unchanged,
    differentiable=False,
)
def fake_quant_with_min_max_args_gradient_op(
    gradients: Array,
    inputs: Array,
    *,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Array:
    return _backprops(gradients, inputs, *_limits(min, max), num_bits, narrow_range)[0]


def _scalar_limits(inputs: Dims, min: Dims, max: Dims, **attrs: Any) -> Dims:
    expect_rank(min, 0, "min")
    expect_rank(max, 0, "max")
    return inputs


@op("FakeQuantWithMinMaxVars(inputs: float, min: float, max: float) -> outputs: float", shape=_scalar_limits)
def fake_quant_with_min_max_vars_op(
    inputs: Array, min: Array, max: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> Array:
    _scalars(min, max)
    return _quantized(inputs, min, max, num_bits, narrow_range)


@fake_quant_with_min_max_vars_op.gradient
def fake_quant_with_min_max_vars_backprop(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(fake_quant_with_min_max_vars_gradient_op(grad, *call.inputs, **_settings(call)))


@op(
    "FakeQuantWithMinMaxVarsGradient(gradients: float, inputs: float, min: float, max: float) "
    "-> (backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float)",
    shape=lambda gradients, inputs, min, max, **attrs: (inputs, (), ()),
    differentiable=False,
)
def fake_quant_with_min_max_vars_gradient_op(
    gradients: Array, inputs: Array, min: Array, max: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> tuple[Array, Array, Array]:
    _scalars(min, max)
    inside, below, above = _backprops(gradients, inputs, min, max, num_bits, narrow_range)
    return inside, below.sum(), above.sum()


def _channel_limits(inputs: Dims, min: Dims, max: Dims, **attrs: Any) -> Dims:
    expect_rank_at_least(inputs, 1, "inputs")
    channels = merge_dim(expect_rank(min, 1, "min")[0], expect_rank(max, 1, "max")[0], "channels of min and max")
    merge_dim(None if inputs is None else inputs[-1], channels, "channels of inputs and min")
    return inputs


@op(
    "FakeQuantWithMinMaxVarsPerChannel(inputs: float, min: float, max: float) -> outputs: float",
    shape=_channel_limits,
)
def fake_quant_with_min_max_vars_per_channel_op(
    inputs: Array, min: Array, max: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> Array:
    _channels(inputs, min, max)
    return _quantized(inputs, min, max, num_bits, narrow_range)


@fake_quant_with_min_max_vars_per_channel_op.gradient
def fake_quant_with_min_max_vars_per_channel_backprop(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    result = fake_quant_with_min_max_vars_per_channel_gradient_op(grad, *call.inputs, **_settings(call))
    return tuple(result)


@op(
    "FakeQuantWithMinMaxVarsPerChannelGradient(gradients: float, inputs: float, min: float, max: float) "
    "-> (backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float)",
    shape=lambda gradients, inputs, min, max, **attrs: (inputs, min, max),
    differentiable=False,
)
def fake_quant_with_min_max_vars_per_channel_gradient_op(
    gradients: Array, inputs: Array, min: Array, max: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> tuple[Array, Array, Array]:
    _channels(inputs, min, max)
    inside, below, above = _backprops(gradients, inputs, min, max, num_bits, narrow_range)
    channels = inputs.shape[-1]
    return inside, below.reshape(-1, channels).sum(0), above.reshape(-1, channels).sum(0)


def fake_quant_with_min_max_args(
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return numbers clamped to a range and rounded to the nearest of its levels.

    Args:
        inputs: float32.
        min, max: the range, which is moved so that 0 is a level.
        num_bits: 2 to 16; there are 2 ** num_bits levels.
        narrow_range: whether there is one level less.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if the range is empty.
    """
    return fake_quant_with_min_max_args_op(
        inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return the gradients where `inputs` lie in the range, else 0; see `fake_quant_with_min_max_args`."""
    return fake_quant_with_min_max_args_gradient_op(
        gradients, inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """Return numbers rounded to levels of a range of two scalar tensors; see `fake_quant_with_min_max_args`."""
    return fake_quant_with_min_max_vars_op(inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name)


def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Return the gradients with respect to inputs, min and max; see `fake_quant_with_min_max_vars`."""
    return fake_quant_with_min_max_vars_gradient_op(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """Return numbers rounded to levels of a range for each element of the last axis.

    Args:
        inputs: float32 of shape (..., channels).
        min, max: float32 of shape (channels,).
        num_bits, narrow_range, name: see `fake_quant_with_min_max_args`.
    """
    return fake_quant_with_min_max_vars_per_channel_op(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Return the gradients with respect to inputs, min and max; see `fake_quant_with_min_max_vars_per_channel`."""
    return fake_quant_with_min_max_vars_per_channel_gradient_op(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )
