"""Dilation by turning the distance between elements into more images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.inference import static_value
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.grid import required_space_to_batch_paddings
from penstock.ops.array.joining import stack
from penstock.ops.array.shaping import shape

_space_to_batch_op = deferred("SpaceToBatchND")
_batch_to_space_op = deferred("BatchToSpaceND")


def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[..., Any],
    filter_shape: Any = None,
    spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:
    """Return what an operation without dilation gives for pixels at a distance from each other.

    Args:
        input: a tensor of rank N + 2 or more.
        dilation_rate: N distances, known while the graph is built.
        padding: "SAME" or "VALID".
        op: called as `op(input, num_spatial_dims, padding)`; with "VALID", unless all rates are 1.
        filter_shape: N sizes of the window, with padding "SAME" only.
        spatial_dims: the axes of the pixels, rising; 1 to N by default, or 2 to N + 1 where `data_format` starts with
            "NC".
        data_format: such as "NHWC" or "NCHW".
    Returns:
        The output of `op`, its images put together again.
    Raises:
        ValueError: if rates, axes, padding or the rank of the input do not fit.
    """
    input = convert_to_tensor(input, name="input")
    rates = _rates(dilation_rate)
    count = len(rates)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    axes = list(range(first, first + count)) if spatial_dims is None else [int(axis) for axis in spatial_dims]
    if any(axis <= 0 for axis in axes) or any(a >= b for a, b in zip(axes, axes[1:], strict=False)):
        raise ValueError(
            "`spatial_dims` must be a monotonically increasing sequence of positive integers. "
            f"Received: spatial_dims={axes}"
        )
    if len(axes) != count:
        raise ValueError(f"`spatial_dims` must have one axis for each of the {count} rates. Received: {axes}")
    last = axes[-1] if axes else 0
    if input.ndim is not None and input.ndim < last + 1:
        raise ValueError(
            f"`input.shape.rank` must be at least {last + 1}. Received: input.shape={input.shape} with rank "
            f"{input.ndim}"
        )
    if all(rate == 1 for rate in rates):
        return op(input, num_spatial_dims=count, padding=padding)
    base = _base_paddings(padding, filter_shape, rates)
    sizes = _sizes(input, axes)
    paddings, crops = required_space_to_batch_paddings(sizes, rates, base)
    # Axes before and between those of the pixels become blocks of size 1.
    blocks = [1] * last
    for axis, rate in zip(axes, rates, strict=True):
        blocks[axis - 1] = rate
    spread = _space_to_batch_op(input, blocks, _along(paddings, axes, last))
    result = op(spread, num_spatial_dims=count, padding="VALID")
    return _batch_to_space_op(result, blocks, _along(crops, axes, last))


def _rates(dilation_rate: Any) -> list[int]:
    known = static_value(convert_to_tensor(dilation_rate, name="dilation_rate"))
    if known is None:
        raise ValueError("`dilation_rate` must be known while the graph is built")
    rates = np.asarray(known)
    if rates.ndim != 1:
        raise ValueError(
            f"`dilation_rate.shape.rank` must be 1. Received: dilation_rate={dilation_rate} of rank {rates.ndim}"
        )
    if (rates < 1).any():
        raise ValueError(f"`dilation_rate` must be positive. Received: dilation_rate={rates}")
    return [int(rate) for rate in rates]


def _base_paddings(padding: str, filter_shape: Any, rates: list[int]) -> Any:
    if padding == "VALID":
        return np.zeros((len(rates), 2), np.int32)
    if padding != "SAME":
        raise ValueError(f"`padding` must be one of 'SAME' or 'VALID'. Received: padding={padding}")
    if filter_shape is None:
        raise ValueError(
            f"`filter_shape` must be specified for `padding='SAME'`. Received: filter_shape={filter_shape} and "
            f"padding={padding}"
        )
    window = static_value(convert_to_tensor(filter_shape, name="filter_shape"))
    if window is None:
        raise ValueError("`filter_shape` must be known while the graph is built")
    missing = (np.asarray(window)[: len(rates)] - 1) * np.array(rates)
    return np.stack([missing // 2, missing - missing // 2], axis=1).astype(np.int32)


def _sizes(input: Tensor, axes: list[int]) -> Any:
    dims = input.dims
    if dims is not None and all(dims[axis] is not None for axis in axes):
        return [dims[axis] for axis in axes]
    all_sizes = shape(input)
    return stack([all_sizes[axis] for axis in axes])


def _along(amounts: Any, axes: list[int], last: int) -> Any:
    """Return amounts for each axis from 1 to `last`, zero for those that are not in `axes`."""
    known = static_value(amounts)
    if known is not None:
        result = np.zeros((last, 2), np.int32)
        result[[axis - 1 for axis in axes]] = known
        return result
    rows: list[Any] = [[0, 0] for _ in range(last)]
    for place, axis in enumerate(axes):
        rows[axis - 1] = amounts[place]
    return stack(rows)
