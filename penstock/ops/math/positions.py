"""The positions of the largest and smallest elements along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.dtypes import QUANTIZED, REAL_NUMBER, DType, as_dtype, bool_, int16, int32, int64, uint16
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, normalize_axis
from penstock.core.tensor import Tensor
from penstock.ops.math.kernels import AXIS, INDEX, STORED_ONLY, through_numpy
from penstock.ops.math.reduce import one_of

_ORDERED = REAL_NUMBER | QUANTIZED


def _position_shape(input: Dims, dimension: Any, *, output_type: DType) -> Dims:
    if input is None:
        return None
    if not input:
        raise ShapeError("the input must have at least one axis, got shape ()")
    if not isinstance(dimension, int):
        return (None,) * (len(input) - 1)
    axis = normalize_axis(dimension, len(input), "dimension")
    return input[:axis] + input[axis + 1 :]


def _position(input: Array, axis: int, output_type: DType, largest: bool) -> Array:
    rank = input.ndim
    if not -rank <= axis < rank:
        raise InvalidArgumentError(None, None, f"Expected dimension in the range [{-rank}, {rank}), but got {axis}")
    if not input.shape[axis]:
        raise InvalidArgumentError(None, None, f"Reduction axis {axis} is empty in shape {list(input.shape)}")
    if input.dtype in STORED_ONLY:
        found = through_numpy(lambda array: (np.argmax if largest else np.argmin)(array, axis=axis), input)
    else:
        value = input.to(torch.uint8) if input.dtype == torch.bool else input
        if value.is_floating_point():  # NaN is no extreme
            lowest = -math.inf if largest else math.inf
            value = torch.nan_to_num(value, nan=lowest, posinf=math.inf, neginf=-math.inf)
        found = (torch.argmax if largest else torch.argmin)(value, axis)
    return found.to(torch_dtype(output_type))


@op(
    "ArgMax(input: T, dimension: host Tidx) -> output: output_type",
    T=_ORDERED | {bool_},
    Tidx=Type(frozenset({int16, int32, int64}), default=int32),
    output_type=frozenset({int16, uint16, int32, int64}),
    shape=_position_shape,
)
def arg_max_op(input: Array, dimension: int, *, output_type: DType = int64) -> Array:
    return _position(input, dimension, output_type, largest=True)


@op(
    "ArgMin(input: T, dimension: host Tidx) -> output: output_type",
    T=_ORDERED | {bool_},
    Tidx=AXIS,
    output_type=INDEX,
    shape=_position_shape,
)
def arg_min_op(input: Array, dimension: int, *, output_type: DType = int64) -> Array:
    return _position(input, dimension, output_type, largest=False)


@arg_max_op.gradient
@arg_min_op.gradient
def position_gradient(call: Any, grad: Tensor) -> tuple[None, None]:
    return None, None


def argmax(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Return the position of the largest element along an axis, the first of several.

    Args:
        input: a real or boolean tensor.
        axis: the axis, 0 by default.
        output_type: the type of the positions.
        name: the name of the node.
    Raises:
        TypeError: if `axis` is neither an integer nor a tensor.
    """
    if isinstance(axis, (list, tuple, str, bytes, float)):
        raise TypeError(f"axis must be an integer or a tensor of one, got {axis!r}")
    return arg_max_op(input, 0 if axis is None else axis, output_type=as_dtype(output_type), name=name)


def argmin(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Return the position of the smallest element along an axis, the first of several.

    Args:
        input: a real or boolean tensor.
        axis: the axis, 0 by default.
        output_type: the type of the positions.
        name: the name of the node.
    """
    return arg_min_op(input, 0 if axis is None else axis, output_type=as_dtype(output_type), name=name)


def argmax_v1(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = int64
) -> Tensor:
    """Return the position of the largest element along an axis; `dimension` is the old name of `axis`."""
    return argmax(input, one_of("axis", axis, "dimension", dimension), output_type, name)


def argmin_v1(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = int64
) -> Tensor:
    """Return the position of the smallest element along an axis; `dimension` is the old name of `axis`."""
    return argmin(input, one_of("axis", axis, "dimension", dimension), output_type, name)


def arg_max_v1(input: Any, dimension: Any, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Return the position of the largest element along an axis."""
    return argmax(input, dimension, output_type, name)


def arg_min_v1(input: Any, dimension: Any, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Return the position of the smallest element along an axis."""
    return argmin(input, dimension, output_type, name)
