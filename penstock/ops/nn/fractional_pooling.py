"""Pooling over regions of unequal sizes, drawn at random.

Source: Graham 2014, "Fractional max-pooling".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op
from penstock.ops.hosted import on_host
from penstock.ops.random import philox
from penstock.ops.random.philox import Philox
from penstock.ops.random.seeds import get_seed

_TYPES = frozenset({dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64})
_RANK = 4


def _random_sizes(generator: Philox, length: int, count: int) -> np.ndarray:
    sizes = np.full(count, length // count, dtype=np.int64)
    sizes[: length % count] += 1
    return sizes[philox.permutation(generator.reserve(-(-count // 4)), count)]


def _pseudo_random_sizes(generator: Philox, length: int, count: int) -> np.ndarray:
    alpha = length / count
    shortest = length // count
    largest = min((shortest + 2) / alpha - 1, (length + 1 - shortest) / alpha - (count - 1))
    unit = philox.unit_double(generator.reserve(1).words(0, 1)[:, :2])[0, 0] * largest
    ends = [1, *(math.ceil(alpha * (i + unit)) for i in range(1, count)), length + 1]
    return np.diff(np.array(ends, dtype=np.int64))


def _boundaries(generator: Philox, length: int, count: int, pseudo_random: bool) -> np.ndarray:
    """Return where the regions of an axis begin, and the end of the last."""
    if length % count == 0:
        sizes = np.full(count, length // count, dtype=np.int64)
    else:
        sizes = (_pseudo_random_sizes if pseudo_random else _random_sizes)(generator, length, count)
    return np.concatenate([[0], np.cumsum(sizes)])


def _check(value: Array, pooling_ratio: list[float], deterministic: bool, seed: int, seed2: int) -> tuple[int, int]:
    if value.ndim != _RANK:
        raise InvalidArgumentError(None, None, f"value must be 4-dimensional, got shape {list(value.shape)}")
    if len(pooling_ratio) != _RANK:
        raise InvalidArgumentError(
            None, None, f"pooling_ratio field must specify 4 dimensions, got {len(pooling_ratio)}"
        )
    if any(not ratio >= 1.0 for ratio in pooling_ratio):
        raise InvalidArgumentError(None, None, f"pooling_ratio cannot be smaller than 1, got: {pooling_ratio}")
    if pooling_ratio[0] != 1.0 or pooling_ratio[3] != 1.0:
        raise InvalidArgumentError(
            None, None, "Fractional max pooling is not yet supported on the batch nor channel dimension."
        )
    if not deterministic and (seed or seed2):
        raise InvalidArgumentError(None, None, "Both seed and seed2 should be 0 if deterministic is false.")
    rows, columns = (int(size // ratio) for size, ratio in zip(value.shape[1:3], pooling_ratio[1:3], strict=True))
    if not rows or not columns or not value.numel():
        raise InvalidArgumentError(
            None, None, f"nothing is left to pool of shape {list(value.shape)} with ratios {pooling_ratio}"
        )
    return rows, columns


def _regions(ends: np.ndarray, limit: int, overlapping: bool) -> list[tuple[int, int]]:
    """Return where each region begins and ends; overlapping ones share their boundary."""
    more = 1 if overlapping else 0
    return [(int(a), min(int(b) + more, limit)) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def _pool(
    value: Array,
    pooling_ratio: list[float],
    settings: tuple[bool, bool, bool, int, int],
    reduce: Any,
) -> tuple[Array, Array, Array]:
    pseudo_random, overlapping, deterministic, seed, seed2 = settings
    sizes = _check(value, pooling_ratio, deterministic, seed, seed2)
    generator = Philox.from_seeds(seed, seed2)
    ends = [
        _boundaries(generator, length, count, pseudo_random)
        for length, count in zip(value.shape[1:3], sizes, strict=True)
    ]
    rows, columns = (_regions(e, size, overlapping) for e, size in zip(ends, value.shape[1:3], strict=True))
    pooled = [torch.stack([reduce(value[:, a:b, c:d]) for c, d in columns], dim=1) for a, b in rows]
    return torch.stack(pooled, dim=1), torch.from_numpy(ends[0]), torch.from_numpy(ends[1])


def _average(region: Array) -> Array:
    if region.is_floating_point():
        return region.mean(dim=(1, 2))
    count = region.shape[1] * region.shape[2]
    return torch.div(region.sum(dim=(1, 2)), count, rounding_mode="trunc").to(region.dtype)


def _pool_shape(value: Dims, *, pooling_ratio: list[float], **attrs: Any) -> tuple[Dims, Dims, Dims]:
    dims = expect_rank(value, _RANK, "value")
    if len(pooling_ratio) != _RANK:
        raise ShapeError(f"pooling_ratio field must specify 4 dimensions, got {pooling_ratio}")
    if any(not ratio >= 1.0 for ratio in pooling_ratio):
        raise ShapeError(f"pooling_ratio should be larger than or equal to 1.0, got {pooling_ratio}")
    sizes = tuple(None if size is None else int(size // ratio) for size, ratio in zip(dims, pooling_ratio, strict=True))
    rows, columns = (None if size is None else size + 1 for size in sizes[1:3])
    return sizes, (rows,), (columns,)


_OUTPUTS = "(output: T, row_pooling_sequence: int64, col_pooling_sequence: int64)"


@op(f"FractionalMaxPool(value: T) -> {_OUTPUTS}", T=_TYPES, shape=_pool_shape, minimum={"pooling_ratio": 4})
@on_host
def fractional_max_pool_op(
    value: Array,
    *,
    pooling_ratio: list[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
) -> tuple[Array, Array, Array]:
    settings = (pseudo_random, overlapping, deterministic, seed, seed2)
    return _pool(value, pooling_ratio, settings, lambda region: region.amax(dim=(1, 2)))


@op(f"FractionalAvgPool(value: T) -> {_OUTPUTS}", T=_TYPES, shape=_pool_shape, minimum={"pooling_ratio": 4})
@on_host
def fractional_avg_pool_op(
    value: Array,
    *,
    pooling_ratio: list[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
) -> tuple[Array, Array, Array]:
    settings = (pseudo_random, overlapping, deterministic, seed, seed2)
    return _pool(value, pooling_ratio, settings, _average)


def _grad_regions(
    shape: Any, out_backprop: Array, row_ends: Array, column_ends: Array, overlapping: bool
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    expected = [shape[0], len(row_ends) - 1, len(column_ends) - 1, shape[3]] if len(shape) == _RANK else None
    if expected is None or list(out_backprop.shape) != expected:
        raise InvalidArgumentError(
            None, None, f"out_backprop must have shape {expected}, got {list(out_backprop.shape)} for an input {shape}"
        )
    for ends, size in ((row_ends, shape[1]), (column_ends, shape[2])):
        numbers = ends.tolist()
        if numbers != sorted(numbers) or numbers[0] < 0 or numbers[-1] > size:
            raise InvalidArgumentError(
                None, None, f"a pooling sequence must rise from 0 to at most {size}, got {numbers}"
            )
    return (
        _regions(row_ends.numpy(), shape[1], overlapping),
        _regions(column_ends.numpy(), shape[2], overlapping),
    )


@op(
    "FractionalMaxPoolGrad(orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64,"
    " col_pooling_sequence: int64) -> output: T",
    T=_TYPES,
    shape=lambda orig_input, *rest, overlapping: expect_rank(orig_input, _RANK, "orig_input"),
)
@on_host
def fractional_max_pool_grad_op(
    orig_input: Array,
    orig_output: Array,
    out_backprop: Array,
    row_pooling_sequence: Array,
    col_pooling_sequence: Array,
    *,
    overlapping: bool = False,
) -> Array:
    rows, columns = _grad_regions(
        list(orig_input.shape), out_backprop, row_pooling_sequence, col_pooling_sequence, overlapping
    )
    result = torch.zeros_like(orig_input)
    batch, _, _, channels = orig_input.shape
    for i, (a, b) in enumerate(rows):
        for j, (c, d) in enumerate(columns):
            region = orig_input[:, a:b, c:d].reshape(batch, (b - a) * (d - c), channels)
            chosen = torch.zeros_like(region).scatter_(
                1, region.argmax(dim=1, keepdim=True), out_backprop[:, i, j].unsqueeze(1)
            )
            result[:, a:b, c:d] += chosen.view(batch, b - a, d - c, channels)
    return result


@op(
    "FractionalAvgPoolGrad(orig_input_tensor_shape: host int64, out_backprop: T, row_pooling_sequence: int64,"
    " col_pooling_sequence: int64) -> output: T",
    T=_TYPES,
    shape=lambda orig_input_tensor_shape, *rest, overlapping: (
        (None,) * _RANK if orig_input_tensor_shape is None else tuple(orig_input_tensor_shape)
    ),
)
@on_host
def fractional_avg_pool_grad_op(
    orig_input_tensor_shape: Any,
    out_backprop: Array,
    row_pooling_sequence: Array,
    col_pooling_sequence: Array,
    *,
    overlapping: bool = False,
) -> Array:
    shape = orig_input_tensor_shape
    rows, columns = _grad_regions(shape, out_backprop, row_pooling_sequence, col_pooling_sequence, overlapping)
    result = out_backprop.new_zeros(shape)
    for i, (a, b) in enumerate(rows):
        for j, (c, d) in enumerate(columns):
            share = out_backprop[:, i, j] / ((b - a) * (d - c))
            result[:, a:b, c:d] += share.to(result.dtype)[:, None, None]
    return result


@fractional_max_pool_op.gradient
def fractional_max_pool_gradient(call: Any, grad: Tensor, rows: Any, columns: Any) -> Tensor:
    return fractional_max_pool_grad_op(
        call.inputs[0],
        call.outputs[0],
        grad,
        call.outputs[1],
        call.outputs[2],
        overlapping=call.attrs["overlapping"],
    )


@fractional_avg_pool_op.gradient
def fractional_avg_pool_gradient(call: Any, grad: Tensor, rows: Any, columns: Any) -> Tensor:
    shape = shape_op(call.inputs[0], out_type=dtypes.int64)
    return fractional_avg_pool_grad_op(
        shape, grad, call.outputs[1], call.outputs[2], overlapping=call.attrs["overlapping"]
    )


def _ratios(pooling_ratio: Any) -> list[float]:
    """Return four ratios of one or four.

    Raises:
        ValueError: if another number of them is given, one is less than 1, or batch or channels are to be pooled.
    """
    given = list(pooling_ratio) if isinstance(pooling_ratio, (list, tuple)) else [pooling_ratio]
    if any(ratio < 1.0 for ratio in given):
        raise ValueError(f"`pooling_ratio` should be >= 1.0. Received: pooling_ratio={pooling_ratio}")
    if len(given) == 1:
        return [1.0, given[0], given[0], 1.0]
    if given[0] != 1.0 or given[-1] != 1.0:
        raise ValueError(
            f"`pooling_ratio` should have first and last elements with value 1.0. Received: {pooling_ratio}"
        )
    if len(given) != _RANK:
        raise ValueError(f"pooling_ratio should be of length 1 or 4. Received: {pooling_ratio} of length {len(given)}")
    return given


def _seeded(seed: int) -> dict[str, Any]:
    if seed == 0:
        return {"deterministic": False, "seed": 0, "seed2": 0}
    first, second = get_seed(seed)
    return {"deterministic": True, "seed": first or 0, "seed2": second or 0}


def fractional_max_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """Return the largest elements of regions of unequal sizes.

    Args:
        value: shape (batch, height, width, channels).
        pooling_ratio: how many times smaller to make the image, at least 1: one number, or four of which the first and
            last are 1.
        pseudo_random: whether the regions follow a sequence with one random offset, instead of being shuffled.
        overlapping: whether neighbouring regions share their boundary.
        seed: makes the regions reproducible; 0 means unpredictable ones.
        name: the name of the operation.
    Returns:
        output: the pooled image.
        row_pooling_sequence, col_pooling_sequence: where the regions begin, and the end of the last.
    """
    return fractional_max_pool_op(
        convert_to_tensor(value),
        pooling_ratio=_ratios(pooling_ratio),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        name=name,
        **_seeded(seed),
    )


def fractional_avg_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """Return the means of regions of unequal sizes.

    Args:
        value, pooling_ratio, pseudo_random, overlapping, seed, name: see `fractional_max_pool`.
    Returns:
        See `fractional_max_pool`.
    """
    return fractional_avg_pool_op(
        convert_to_tensor(value),
        pooling_ratio=_ratios(pooling_ratio),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        name=name,
        **_seeded(seed),
    )


def fractional_max_pool_v1(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Return the largest elements of regions of unequal sizes; see `fractional_max_pool`.

    Args:
        value, pseudo_random, overlapping, name: see `fractional_max_pool`.
        pooling_ratio: four ratios, the first and last 1.
        deterministic: whether the two seeds determine the regions.
        seed, seed2: the seeds.
    """
    return fractional_max_pool_op(
        convert_to_tensor(value),
        pooling_ratio=list(pooling_ratio),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


def fractional_avg_pool_v1(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Return the means of regions of unequal sizes; see `fractional_max_pool`.

    Args:
        value, pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2, name: see
            `fractional_max_pool_v1`.
    """
    return fractional_avg_pool_op(
        convert_to_tensor(value),
        pooling_ratio=list(pooling_ratio),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )
