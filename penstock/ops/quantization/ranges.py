"""Quantized types: floating numbers stored as integers with a range."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.dtypes import QUANTIZED, DType, as_dtype
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge_dim
from penstock.core.tensor import Tensor

_MODES = ("MIN_COMBINED", "MIN_FIRST", "SCALED")
_BITS = {dtypes.qint8: 8, dtypes.quint8: 8, dtypes.qint16: 16, dtypes.quint16: 16, dtypes.qint32: 32}
SIGNED = (dtypes.qint8, dtypes.qint16, dtypes.qint32)


def limits(dtype: DType) -> tuple[int, int]:
    """Return the least and the greatest integer that a quantized type holds."""
    bits = _BITS[dtype]
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if dtype in SIGNED else (0, (1 << bits) - 1)


def _away(values: Array) -> Array:
    return torch.where(values < 0, (values - 0.5).ceil(), (values + 0.5).floor())


def _check_range(input: Array, low: Array, high: Array, axis: int) -> None:
    if not -1 <= axis < max(input.ndim, 1):
        raise InvalidArgumentError(None, None, f"Axis must be less than input dimension({input.ndim}), got {axis}")
    count = 1 if axis == -1 else input.shape[axis]
    if low.numel() != count or high.numel() != count:
        raise InvalidArgumentError(
            None, None, f"min_range and max_range must have {count} elements, got {low.numel()} and {high.numel()}"
        )


def _along(values: Array, input: Array, axis: int) -> Array:
    if axis == -1:
        return values.reshape(())
    return values.reshape([-1 if each == axis else 1 for each in range(input.ndim)])


@op(
    "QuantizeV2(input: float, min_range: float, max_range: float) -> (output: T, output_min: float, output_max: float)",
    T=Type(QUANTIZED),
    allowed={"mode": _MODES, "round_mode": ("HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN")},
)
def quantize_v2_op(
    input: Array,
    min_range: Array,
    max_range: Array,
    *,
    T: DType,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int = -1,
    ensure_minimum_range: float = 0.01,
) -> tuple[Array, Array, Array]:
    if round_mode == "HALF_TO_EVEN" and mode != "SCALED":
        raise InvalidArgumentError(None, None, f"round_mode {round_mode!r} goes with mode 'SCALED', got mode {mode!r}")
    _check_range(input, min_range, max_range, axis)
    if mode == "MIN_FIRST" and axis != -1:
        raise UnimplementedError(None, None, f"mode 'MIN_FIRST' takes one range, got axis {axis}")
    if bool((min_range > max_range).any()):
        raise InvalidArgumentError(
            None, None, f"min_range {min_range.tolist()} must be at most max_range {max_range.tolist()}"
        )
    # The range holds 0 and is wide enough for the steps to be numbers.
    low = torch.minimum(min_range, torch.zeros_like(min_range))
    widest = torch.maximum(torch.maximum(low.abs(), max_range.abs()), torch.ones_like(low)) * ensure_minimum_range
    high = torch.maximum(torch.maximum(max_range, low + widest), torch.zeros_like(low))
    first, last = limits(T)
    a, b = _along(low, input, axis), _along(high, input, axis)
    if mode == "SCALED":
        first += int(narrow_range)
        largest = torch.finfo(torch.float32).max
        from_low = torch.where(first * low > 0, first / low, torch.full_like(low, largest))
        from_high = torch.where(last * high > 0, last / high, torch.full_like(high, largest))
        scale = torch.minimum(from_low, from_high)
        low, high = first / scale, last / scale
        a, b, factor = _along(low, input, axis), _along(high, input, axis), _along(scale, input, axis)
        steps = torch.minimum(torch.maximum(input, a), b) * factor
        result = torch.round(steps) if round_mode == "HALF_TO_EVEN" else _away(steps)
    elif mode == "MIN_COMBINED":
        clamped = torch.minimum(torch.maximum(input, a), b)
        steps = (clamped - a) * ((last - first) / (b - a))
        steps = steps - (last - first + 1) / 2 if T in SIGNED else steps
        result = torch.round(steps) if round_mode == "HALF_TO_EVEN" else _away(steps)
    else:
        scale = (last - first) / (b - a)
        # The largest float32 that 32 bits hold is less than the largest integer.
        result = (_away(input * scale) - (_away(a * scale) - first)).clamp(first, min(last, 2**31 - 128))
    # What float32 rounds up to 2 ** 31 wraps around, as it does in a cast.
    return result.to(torch.int64).to(array.torch_dtype(T)), low.clone(), high.clone()


@quantize_v2_op.shape
def quantize_v2_shape(
    input: Dims, min_range: Dims, max_range: Dims, *, axis: int, **attrs: Any
) -> tuple[Dims, Dims, Dims]:
    if axis == -1:
        expect_rank(min_range, 0, "min_range")
        expect_rank(max_range, 0, "max_range")
        return input, (), ()
    low, high = expect_rank(min_range, 1, "min_range"), expect_rank(max_range, 1, "max_range")
    slices = merge_dim(low[0], high[0], "slices of min_range and max_range")
    if input is not None:
        if axis >= len(input):
            raise ShapeError(f"axis must be less than the {len(input)} axes of input, got {axis}")
        slices = merge_dim(slices, input[axis], "slices of input and min_range")
    return input, (slices,), (slices,)


@op(
    "Dequantize(input: T, min_range: float, max_range: float) -> output: dtype",
    T=Type(QUANTIZED),
    dtype=Type(frozenset({dtypes.bfloat16, dtypes.float32}), default=dtypes.float32),
    allowed={"mode": _MODES},
)
def dequantize_op(
    input: Array,
    min_range: Array,
    max_range: Array,
    *,
    T: DType,
    mode: str = "MIN_COMBINED",
    narrow_range: bool = False,
    axis: int = -1,
    dtype: DType = dtypes.float32,
) -> Array:
    _check_range(input, min_range, max_range, axis)
    first, last = limits(T)
    low, high = _along(min_range, input, axis), _along(max_range, input, axis)
    wide = (input.to(torch.int32) if input.dtype == torch.uint16 else input).to(torch.float32)
    if mode == "SCALED":
        first += int(narrow_range and T in SIGNED)
        scale = high / last if T not in SIGNED else torch.maximum(low / first, high / last)
        result = wide * scale
    elif mode == "MIN_COMBINED":
        half = (last - first + 1) / 2 if T in SIGNED else 0.0
        result = (wide + half) * ((high - low) / (last - first)) + low
    else:
        scale = (high - low) / (last - first)
        if bool((low == high).all()):
            result = torch.zeros_like(wide) + low
        else:
            result = (wide - first) * scale + _away(low / scale) * scale
    return result.to(array.torch_dtype(dtype))


@dequantize_op.shape
def dequantize_shape(input: Dims, min_range: Dims, max_range: Dims, **attrs: Any) -> Dims:
    return input


def quantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Return numbers as integers of a quantized type, and the range that these stand for.

    Args:
        input: float32.
        min_range, max_range: the wanted range; one number, or one for each slice along `axis`.
        T: a quantized type.
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED" (symmetric about 0).
        round_mode: "HALF_AWAY_FROM_ZERO" or "HALF_TO_EVEN".
        name: the name of the node.
        narrow_range: whether the lowest integer is not used.
        axis: None for one range.
        ensure_minimum_range: the least width of the range, relative to its ends.
    Returns:
        A named tuple of the integers and the lower and upper end of their range.
    """
    return quantize_v2_op(
        input,
        min_range,
        max_range,
        T=as_dtype(T),
        mode=mode,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        ensure_minimum_range=ensure_minimum_range,
        name=name,
    )


def dequantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    axis: int | None = None,
    narrow_range: bool = False,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Return the floating numbers that integers of a quantized type stand for; see `quantize`.

    Args:
        input: a tensor of a quantized type.
        min_range, max_range, mode, axis, narrow_range: as `quantize` took and gave them.
        name: the name of the node.
        dtype: float32 or bfloat16.
    """
    return dequantize_op(
        input,
        min_range,
        max_range,
        mode=mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        dtype=as_dtype(dtype),
        name=name,
    )


def quantize_v2(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Return `quantize`, whose arguments are in another order."""
    return quantize(input, min_range, max_range, T, mode, round_mode, name, narrow_range, axis, ensure_minimum_range)
