"""Isotonic regression: the monotone sequence nearest to a given one."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING, REAL_NUMBER, DType, float32, float64, int8, int16
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.array.shaping import reshape, shape, transpose

_add_op = deferred("AddV2")
_gather_op = deferred("GatherV2")
_multiply_op = deferred("Mul")
_negative_op = deferred("Neg")
_range_op = deferred("Range")
_real_div_op = deferred("RealDiv")
_sum_op = deferred("UnsortedSegmentSum")
_ones_like_op = deferred("OnesLike")


def _pool_adjacent(row: list[float]) -> tuple[list[float], list[int]]:
    """Return the best non-increasing approximation of a row, and for each element the block of equal values."""
    sums: list[float] = []
    counts: list[int] = []
    for value in row:
        total, count = value, 1
        # A block above the one before it cannot stay: both become one, at their mean.
        while sums and sums[-1] / counts[-1] < total / count:
            total += sums.pop()
            count += counts.pop()
        sums.append(total)
        counts.append(count)
    fitted: list[float] = []
    blocks: list[int] = []
    for block, (total, count) in enumerate(zip(sums, counts, strict=True)):
        fitted += [total / count] * count
        blocks += [block] * count
    return fitted, blocks


def _same_shapes(input: Dims, **attrs: Any) -> tuple[Dims, Dims]:
    return input, input


@op(
    "IsotonicRegression(input: T) -> (output: output_dtype, segments: int32)",
    shape=_same_shapes,
    T=REAL_NUMBER,
    output_dtype=Type(FLOATING, default=float32),
)
def isotonic_regression_op(input: Array, *, output_dtype: DType = float32) -> tuple[Array, Array]:
    columns = input.shape[-1] if input.ndim else 1
    rows = input.to(torch.float64).reshape(-1, columns).tolist() if input.numel() else []
    results = [_pool_adjacent(row) for row in rows]
    fitted = torch.tensor([row for row, _ in results], dtype=torch.float64, device=input.device)
    blocks = torch.tensor([row for _, row in results], dtype=torch.int32, device=input.device)
    return fitted.reshape(input.shape).to(torch_dtype(output_dtype)), blocks.reshape(input.shape)


@isotonic_regression_op.gradient
def isotonic_regression_gradient(call: Any, grad: Tensor, _: Any) -> Tensor:
    """Share the gradient of each block equally among its elements."""
    blocks = call.outputs[1]
    if blocks.ndim == 0:
        return grad
    columns = shape(blocks)[-1]
    table = reshape(blocks, [-1, columns])
    offsets = _multiply_op(_range_op(0, shape(table)[0], 1), columns)
    places = reshape(_add_op(table, reshape(offsets, [-1, 1])), [-1])
    flat = reshape(grad, [-1])
    count = shape(flat)[0]
    mean = _real_div_op(_sum_op(flat, places, count), _clamped(_sum_op(_ones_like_op(flat), places, count)))
    return reshape(_gather_op(mean, places, 0), sizes(blocks))


_maximum_op = deferred("Maximum")


def _clamped(counts: Tensor) -> Tensor:
    return _maximum_op(counts, _ones_like_op(counts))


def isotonic_regression(inputs: Any, decreasing: bool = True, axis: int = -1) -> Any:
    """Return the monotone sequences with the least squared distance to given ones.

    Source: Best and Chakravarti, "Active set algorithms for isotonic regression; a unifying framework" (1990); the
    blocks are found by pooling adjacent violators.

    Args:
        inputs: real numbers of any rank.
        decreasing: whether the results must not rise; otherwise they must not fall.
        axis: the axis along which the sequences run.
    Returns:
        The approximations, of the shape of `inputs`, in its type where that is floating, float32 for int8 and int16,
        else float64; and int32 numbers of the blocks of equal values, from 0 along each sequence.
    """
    inputs = convert_to_tensor(inputs, name="inputs")
    dtype = inputs.dtype.base_dtype
    output_dtype = dtype if dtype.is_floating else float32 if dtype in (int8, int16) else float64
    rank = inputs.ndim
    order = None
    if axis != -1 and rank and axis % rank != rank - 1:
        if not -rank <= axis < rank:
            raise ValueError(f"axis must be in [{-rank}, {rank}) for inputs of shape {inputs.shape}, got {axis}")
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        inputs = transpose(inputs, order)
    if not decreasing:
        inputs = _negative_op(inputs)
    fitted, blocks = isotonic_regression_op(inputs, output_dtype=output_dtype)
    if not decreasing:
        fitted = _negative_op(fitted)
    if order is not None:
        fitted, blocks = transpose(fitted, order), transpose(blocks, order)
    return fitted, blocks
