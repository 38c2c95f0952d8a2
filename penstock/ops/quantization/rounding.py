"""Floating numbers quantized and made floating again in one step."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor

_ROUND_MODES: dict[str, Any] = {"round_mode": ("HALF_TO_EVEN", "HALF_UP")}


def _along(values: Array, input: Array, axis: int) -> Array:
    """Return one value, or one for each slice along an axis, in a shape that broadcasts to the input's."""
    if axis == -1:
        return values
    dims = [1] * input.ndim
    dims[axis] = -1
    return values.reshape(dims)


def _rounded(
    input: Array,
    low: Array,
    high: Array,
    signed: bool,
    num_bits: int,
    range_given: bool,
    round_mode: str,
    narrow_range: bool,
    axis: int,
) -> Array:
    if not -1 <= axis < input.ndim:
        raise InvalidArgumentError(None, None, f"Axis should be at least -1 and less than {input.ndim}, got {axis}")
    if not 0 < num_bits < (62 if signed else 63):
        raise InvalidArgumentError(None, None, f"num_bits is out of range: {num_bits} with signed_input {signed}")
    if not range_given:
        if axis == -1:
            low, high = input.amin(), input.amax()
        else:
            others = [each for each in range(input.ndim) if each != axis]
            low, high = input.amin(others), input.amax(others)
    else:
        slices = 1 if axis == -1 else input.shape[axis]
        if low.numel() != slices or high.numel() != slices:
            raise InvalidArgumentError(
                None, None, f"input_min and input_max must have {slices} elements, got {low.numel()} and {high.numel()}"
            )
        if bool((low > high).any()):
            raise InvalidArgumentError(
                None, None, f"Invalid range: input_min {low.tolist()} > input_max {high.tolist()}"
            )
    low, high = _along(low, input, axis), _along(high, input, axis)
    last = (1 << (num_bits - 1)) - 1 if signed else (1 << num_bits) - 1
    first = (-last if narrow_range else -last - 1) if signed else 0
    # The scale is that of the side which needs the larger steps; the other side then ends on a level.
    from_low = torch.where(first * low > 0, first / low, torch.full_like(low, torch.finfo(low.dtype).max))
    from_high = torch.where(last * high > 0, last / high, torch.full_like(high, torch.finfo(high.dtype).max))
    use_low = from_low < from_high
    scale = torch.where(use_low, from_low, from_high)
    inverse = torch.where(use_low, low / (first or 1), high / last)
    low = torch.where(use_low, low, first * inverse)
    high = torch.where(use_low, last * inverse, high)
    # The input's own range holds every number, but for negative ones where the integers have no sign.
    steps = (torch.minimum(torch.maximum(input, low), high) if range_given else input) * scale
    rounded = torch.floor(steps + 0.5) if round_mode == "HALF_UP" else torch.round(steps)
    return rounded * inverse


@op(
    "QuantizeAndDequantizeV2(input: T, input_min: T, input_max: T) -> output: T",
    T=FLOATING,
    allowed=_ROUND_MODES,
    shape=unchanged,
)
def quantize_and_dequantize_v2_op(
    input: Array,
    input_min: Array,
    input_max: Array,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int = -1,
) -> Array:
    return _rounded(input, input_min, input_max, signed_input, num_bits, range_given, round_mode, narrow_range, axis)


@op(
    "QuantizeAndDequantizeV3(input: T, input_min: T, input_max: T, num_bits: host int32) -> output: T",
    T=FLOATING,
    shape=unchanged,
)
def quantize_and_dequantize_v3_op(
    input: Array,
    input_min: Array,
    input_max: Array,
    num_bits: Any,
    *,
    signed_input: bool = True,
    range_given: bool = True,
    narrow_range: bool = False,
    axis: int = -1,
) -> Array:
    return _rounded(
        input, input_min, input_max, signed_input, num_bits, range_given, "HALF_TO_EVEN", narrow_range, axis
    )


@op(
    "QuantizeAndDequantizeV4(input: T, input_min: T, input_max: T) -> output: T",
    T=FLOATING,
    allowed=_ROUND_MODES,
    shape=unchanged,
)
def quantize_and_dequantize_v4_op(
    input: Array,
    input_min: Array,
    input_max: Array,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int = -1,
) -> Array:
    return _rounded(input, input_min, input_max, signed_input, num_bits, range_given, round_mode, narrow_range, axis)


@quantize_and_dequantize_v2_op.gradient
def quantize_and_dequantize_v2_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    return grad, None, None


@quantize_and_dequantize_v3_op.gradient
def quantize_and_dequantize_v3_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
    return grad, None, None, None


@quantize_and_dequantize_v4_op.gradient
def quantize_and_dequantize_v4_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    result = quantize_and_dequantize_v4_grad_op(grad, *call.inputs, axis=call.attrs["axis"])
    return tuple(result)


@op(
    "QuantizeAndDequantizeV4Grad(gradients: T, input: T, input_min: T, input_max: T) "
    "-> (input_backprop: T, input_min_backprop: T, input_max_backprop: T)",
    T=FLOATING,
)
def quantize_and_dequantize_v4_grad_op(
    gradients: Array, input: Array, input_min: Array, input_max: Array, *, axis: int = -1
) -> tuple[Array, Array, Array]:
    if gradients.shape != input.shape:
        raise InvalidArgumentError(
            None, None, f"gradients and input must be the same size, got {gradients.shape} and {input.shape}"
        )
    low, high = _along(input_min, input, axis), _along(input_max, input, axis)
    inside = (input >= low) & (input <= high)
    none = torch.zeros_like(gradients)
    return torch.where(inside, gradients, none), torch.zeros_like(input_min), torch.zeros_like(input_max)


@quantize_and_dequantize_v4_grad_op.shape
def quantize_and_dequantize_v4_grad_shape(
    gradients: Dims, input: Dims, input_min: Dims, input_max: Dims, *, axis: int
) -> tuple[Dims, Dims, Dims]:
    return input, input_min, input_max


@quantize_and_dequantize_v4_grad_op.gradient
def quantize_and_dequantize_v4_grad_gradient(call: Any, grad: Tensor, *rest: Tensor) -> tuple[Tensor, None, None, None]:
    input, low, high = call.inputs[1:]
    return quantize_and_dequantize_v4_grad_op(grad, input, low, high, axis=call.attrs["axis"])[0], None, None, None


def _whole_axis(input: Tensor, axis: int | None) -> int:
    """Return the axis counted from the front, or -1 for none."""
    if axis is None:
        return -1
    if axis >= 0:
        return axis
    if input.shape.rank is None:
        raise ValueError(f"input must have a known rank for the axis {axis}, which counts from the last one")
    return axis % input.shape.rank


def quantize_and_dequantize_v2(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Return numbers rounded as if they were stored as integers; gradients flow within the range.

    Args:
        input: floating numbers.
        input_min, input_max: the range, with one number for each slice along `axis`.
        signed_input: whether the integers are signed, with a level at 0 and as many on both sides.
        num_bits: bits of an integer.
        range_given: whether the range is as given, or that of the input.
        round_mode: "HALF_TO_EVEN" or "HALF_UP".
        name: the name of the node.
        narrow_range: whether the lowest integer is not used.
        axis: None for one range.
    Raises:
        ValueError: if `axis` is negative and the input's rank is not known.
    """
    input = convert_to_tensor(input)
    return quantize_and_dequantize_v4_op(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=_whole_axis(input, axis),
        name=name,
    )


def quantize_and_dequantize(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Return numbers rounded as if stored as integers; all gradients pass; see `quantize_and_dequantize_v2`."""
    input = convert_to_tensor(input)
    return quantize_and_dequantize_v2_op(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=_whole_axis(input, axis),
        name=name,
    )


def quantize_and_dequantize_v3(
    input: Any,
    input_min: Any,
    input_max: Any,
    num_bits: Any,
    signed_input: bool = True,
    range_given: bool = True,
    name: str | None = None,
    narrow_range: bool = False,
    axis: int = -1,
) -> Tensor:
    """Return numbers rounded to integers whose bits are a tensor; see `quantize_and_dequantize_v2`."""
    return quantize_and_dequantize_v3_op(
        input,
        input_min,
        input_max,
        num_bits,
        signed_input=signed_input,
        range_given=range_given,
        narrow_range=narrow_range,
        axis=axis,
        name=name,
    )
