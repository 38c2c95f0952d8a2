"""Activations and pools of quantized images; ranges stay as they are."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import QUANTIZED, DType, quint8
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.ops.nn.pooling import avg_pool_op, max_pool_op
from penstock.ops.quantization.levels import levels_of, single, stored, wide, with_scalar_range

_ACTIVATION = Type(QUANTIZED, default=quint8)


def _clipped(
    features: Array, low: Array, high: Array, dtype: DType, out_type: DType, most: float | None
) -> tuple[Array, Array, Array]:
    ends = single(low, "min_features"), single(high, "max_features")
    floor = int(stored(levels_of(0.0, *ends, dtype), dtype))
    ceiling = None if most is None else int(stored(levels_of(most, *ends, dtype), dtype))
    clipped = wide(features).clamp(min=floor)
    return stored(clipped if ceiling is None else clipped.clamp(max=ceiling), out_type), low.clone(), high.clone()


def _unchanged(features: Dims, *ends: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    return with_scalar_range(features, *ends)


@op(
    "QuantizedRelu(features: Tinput, min_features: float, max_features: float)"
    " -> (activations: out_type, min_activations: float, max_activations: float)",
    Tinput=QUANTIZED,
    out_type=_ACTIVATION,
    shape=_unchanged,
    differentiable=False,
)
def quantized_relu_op(
    features: Array, min_features: Array, max_features: Array, *, Tinput: DType, out_type: DType = quint8
) -> tuple[Array, Array, Array]:
    return _clipped(features, min_features, max_features, Tinput, out_type, None)


@op(
    "QuantizedRelu6(features: Tinput, min_features: float, max_features: float)"
    " -> (activations: out_type, min_activations: float, max_activations: float)",
    Tinput=QUANTIZED,
    out_type=_ACTIVATION,
    shape=_unchanged,
    differentiable=False,
)
def quantized_relu6_op(
    features: Array, min_features: Array, max_features: Array, *, Tinput: DType, out_type: DType = quint8
) -> tuple[Array, Array, Array]:
    return _clipped(features, min_features, max_features, Tinput, out_type, 6.0)


@op(
    "QuantizedReluX(features: Tinput, max_value: float, min_features: float, max_features: float)"
    " -> (activations: out_type, min_activations: float, max_activations: float)",
    Tinput=QUANTIZED,
    out_type=_ACTIVATION,
    shape=_unchanged,
    differentiable=False,
)
def quantized_relu_x_op(
    features: Array,
    max_value: Array,
    min_features: Array,
    max_features: Array,
    *,
    Tinput: DType,
    out_type: DType = quint8,
) -> tuple[Array, Array, Array]:
    return _clipped(features, min_features, max_features, Tinput, out_type, single(max_value, "max_value"))


@op(
    "QuantizedMaxPool(input: T, min_input: float, max_input: float)"
    " -> (output: T, min_output: float, max_output: float)",
    T=QUANTIZED,
    allowed={"padding": ("SAME", "VALID")},
    differentiable=False,
)
def quantized_max_pool_op(
    input: Array,
    min_input: Array,
    max_input: Array,
    *,
    T: DType,
    ksize: list[int],
    strides: list[int],
    padding: str,
) -> tuple[Array, Array, Array]:
    pooled = max_pool_op.kernel(wide(input).to(torch.float64), ksize=ksize, strides=strides, padding=padding)
    return stored(pooled, T).contiguous(), min_input.clone(), max_input.clone()


@op(
    "QuantizedAvgPool(input: T, min_input: float, max_input: float)"
    " -> (output: T, min_output: float, max_output: float)",
    T=QUANTIZED,
    allowed={"padding": ("SAME", "VALID")},
    differentiable=False,
)
def quantized_avg_pool_op(
    input: Array,
    min_input: Array,
    max_input: Array,
    *,
    T: DType,
    ksize: list[int],
    strides: list[int],
    padding: str,
) -> tuple[Array, Array, Array]:
    pooled = avg_pool_op.kernel(wide(input).to(torch.float64), ksize=ksize, strides=strides, padding=padding)
    return stored((pooled + 0.5).floor(), T).contiguous(), min_input.clone(), max_input.clone()


@quantized_max_pool_op.shape
@quantized_avg_pool_op.shape
def quantized_pool_shape(
    input: Dims, *ends: Dims, ksize: list[int], strides: list[int], padding: str, **attrs: Any
) -> tuple[Dims, Dims, Dims]:
    assert avg_pool_op.shape_rule is not None
    pooled = avg_pool_op.shape_rule(input, ksize=ksize, strides=strides, padding=padding, data_format="NHWC")
    return with_scalar_range(pooled, *ends)


def quantized_relu_x(
    features: Any,
    max_value: Any,
    min_features: Any,
    max_features: Any,
    out_type: Any = quint8,
    name: str | None = None,
) -> Any:
    """Return quantized numbers clipped to what lies between 0 and `max_value`.

    Args:
        features: a tensor of a quantized type.
        max_value: a float32 scalar.
        min_features, max_features: float32 scalars, the range of the features.
        out_type: the type of the result.
        name: the name of the node.
    Returns:
        A named tuple `(activations, min_activations, max_activations)`.
    """
    return quantized_relu_x_op(features, max_value, min_features, max_features, out_type=out_type, name=name)


def quantized_max_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """Return the largest number of each window of quantized images.

    Args:
        input: quantized, of shape (batch, height, width, channels).
        min_input, max_input: float32 scalars, the range.
        ksize, strides: four numbers each.
        padding: "SAME" or "VALID".
        name: the name of the node.
    Returns:
        A named tuple `(output, min_output, max_output)`.
    """
    return quantized_max_pool_op(
        input, min_input, max_input, ksize=list(ksize), strides=list(strides), padding=padding, name=name
    )


def quantized_avg_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """Return the mean of each window of quantized images; see `quantized_max_pool`."""
    return quantized_avg_pool_op(
        input, min_input, max_input, ksize=list(ksize), strides=list(strides), padding=padding, name=name
    )
