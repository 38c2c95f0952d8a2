"""Quantized tensors joined and reshaped."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import ALL, QUANTIZED, DType, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.ops.array.joining import concat_v2_op
from penstock.ops.array.shaping import reshape_op
from penstock.ops.math.kernels import no_kernel
from penstock.ops.quantization.levels import in_new_range, scalar_range, single, with_scalar_range
from penstock.ops.quantization.ranges import SIGNED


def _joint_range(lows: list[float], highs: list[float], dtype: DType) -> tuple[float, float]:
    """Return a range that holds all others and 0, symmetric for a signed type."""
    low, high = min(0.0, *lows), max(highs)
    if dtype in SIGNED:
        high = max(abs(low), abs(high))
        low = -high
    return low, high


@op(
    "QuantizedConcat(concat_dim: host int32, values: N * T, input_mins: N * float, input_maxes: N * float)"
    " -> (output: T, output_min: float, output_max: float)",
    T=ALL,
    minimum={"N": 2},
    differentiable=False,
)
def quantized_concat_op(
    concat_dim: Any, values: list[Array], input_mins: list[Array], input_maxes: list[Array], *, T: DType
) -> tuple[Array, Array, Array]:
    if T not in QUANTIZED:
        raise no_kernel("QuantizedConcat", T)
    rank = values[0].ndim
    if any(value.ndim != rank for value in values):
        raise ShapeError(f"Ranks of all input tensors should match, got {[list(value.shape) for value in values]}")
    if not isinstance(concat_dim, int) or not 0 <= concat_dim < rank:
        raise InvalidArgumentError(
            None, None, f"Expected concatenating dimensions in the range [0, {rank}), but got {concat_dim}"
        )
    lows = [single(value, "input_mins") for value in input_mins]
    highs = [single(value, "input_maxes") for value in input_maxes]
    if any(end != ends[0] for ends in (lows, highs) for end in ends):
        low, high = _joint_range(lows, highs, T)
        values = [
            in_new_range(value, (a, b, T), (low, high, T)) for value, a, b in zip(values, lows, highs, strict=True)
        ]
    else:
        low, high = lows[0], highs[0]
    return torch.cat(values, concat_dim), *scalar_range(low, high)


@quantized_concat_op.shape
def quantized_concat_shape(
    concat_dim: Any, values: list[Dims], input_mins: list[Dims], input_maxes: list[Dims], **attrs: Any
) -> tuple[Dims, Dims, Dims]:
    assert concat_v2_op.shape_rule is not None
    joined = concat_v2_op.shape_rule(values, concat_dim)
    return with_scalar_range(joined, *input_mins, *input_maxes)


@op(
    "QuantizedReshape(tensor: T, shape: host Tshape, input_min: float, input_max: float)"
    " -> (output: T, output_min: float, output_max: float)",
    T=ALL,
    Tshape=Type(frozenset({int32, int64}), default=int32),
    differentiable=False,
)
def quantized_reshape_op(tensor: Array, shape: Any, input_min: Array, input_max: Array) -> tuple[Array, Array, Array]:
    return reshape_op.kernel(tensor, shape).clone(), input_min.clone(), input_max.clone()


@quantized_reshape_op.shape
def quantized_reshape_shape(tensor: Dims, shape: Any, input_min: Dims, input_max: Dims) -> tuple[Dims, Dims, Dims]:
    assert reshape_op.shape_rule is not None
    return reshape_op.shape_rule(tensor, shape), input_min, input_max


def quantized_concat(concat_dim: Any, values: Any, input_mins: Any, input_maxes: Any, name: str | None = None) -> Any:
    """Join quantized tensors along an axis, in a range that holds all of theirs.

    Args:
        concat_dim: the axis, counted from the front.
        values: two or more tensors of one quantized type, whose shapes differ along the axis at most.
        input_mins, input_maxes: the range of each.
        name: the name of the node.
    Returns:
        A named tuple `(output, output_min, output_max)`.
    Raises:
        InvalidArgumentError: if the axis, a shape or a range does not fit.
    """
    return quantized_concat_op(concat_dim, values, input_mins, input_maxes, name=name)
