"""Quantized numbers moved to another range."""

from __future__ import annotations

from typing import Any

from penstock.core.array import Array
from penstock.core.dtypes import QUANTIZED, DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.ops.quantization.levels import in_new_range, numbers_of, scalar_range, single, with_scalar_range


def _used_range(input: Array, low: float, high: float, dtype: DType) -> tuple[float, float]:
    """Return the least range that holds 0 and the numbers that are there."""
    if not input.numel():
        return 0.0, 0.0
    numbers = numbers_of(input, low, high, dtype)
    return min(0.0, float(numbers.min())), max(0.0, float(numbers.max()))


def _shape(input: Dims, *ends: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    return with_scalar_range(input, *ends)


@op(
    "QuantizeDownAndShrinkRange(input: Tinput, input_min: float, input_max: float)"
    " -> (output: out_type, output_min: float, output_max: float)",
    Tinput=QUANTIZED,
    shape=_shape,
    differentiable=False,
    out_type=QUANTIZED,
)
def quantize_down_and_shrink_range_op(
    input: Array, input_min: Array, input_max: Array, *, Tinput: DType, out_type: DType
) -> tuple[Array, Array, Array]:
    low, high = single(input_min, "input_min"), single(input_max, "input_max")
    used = _used_range(input, low, high, Tinput)
    return in_new_range(input, (low, high, Tinput), (*used, out_type)), *scalar_range(*used)


@op(
    "RequantizationRange(input: Tinput, input_min: float, input_max: float) -> (output_min: float, output_max: float)",
    Tinput=QUANTIZED,
    differentiable=False,
)
def requantization_range_op(input: Array, input_min: Array, input_max: Array, *, Tinput: DType) -> tuple[Array, Array]:
    return scalar_range(*_used_range(input, single(input_min, "input_min"), single(input_max, "input_max"), Tinput))


@requantization_range_op.shape
def requantization_range_shape(input: Dims, *ends: Dims, **attrs: Any) -> tuple[Dims, Dims]:
    return with_scalar_range(input, *ends)[1:]


@op(
    "Requantize(input: Tinput, input_min: float, input_max: float, requested_output_min: float,"
    " requested_output_max: float) -> (output: out_type, output_min: float, output_max: float)",
    Tinput=QUANTIZED,
    shape=_shape,
    differentiable=False,
    out_type=QUANTIZED,
)
def requantize_op(
    input: Array,
    input_min: Array,
    input_max: Array,
    requested_output_min: Array,
    requested_output_max: Array,
    *,
    Tinput: DType,
    out_type: DType,
) -> tuple[Array, Array, Array]:
    low, high = single(input_min, "input_min"), single(input_max, "input_max")
    new_low = single(requested_output_min, "requested_output_min")
    new_high = single(requested_output_max, "requested_output_max")
    if not new_low <= 0.0:
        raise InvalidArgumentError(None, None, f"requested_output_min must be <= 0, but got {new_low}")
    if not new_high >= new_low:
        raise InvalidArgumentError(
            None,
            None,
            f"requested_output_max must be >= requested_output_min, but got {new_high} and {new_low}",
        )
    moved = in_new_range(input, (low, high, Tinput), (new_low, new_high, out_type))
    return moved, *scalar_range(new_low, new_high)
