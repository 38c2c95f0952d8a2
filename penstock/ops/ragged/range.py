"""RaggedRange: for each row a sequence of numbers."""

from __future__ import annotations

import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, bfloat16, float32, float64, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.ops.hosted import on_host

SPLITS = Type(frozenset({int32, int64}), default=int64)
_LARGEST = 2**31 - 1


@op(
    "RaggedRange(starts: T, limits: T, deltas: T) -> (rt_nested_splits: Tsplits, rt_dense_values: T)",
    T=Type(frozenset({bfloat16, float32, float64, int32, int64}), default=int32),
    differentiable=False,
)
@on_host
def ragged_range_op(starts: Value, limits: Value, deltas: Value, *, Tsplits: DType = int64) -> tuple[Value, Value]:
    vectors = [value.reshape(-1) for value in (starts, limits, deltas)]
    sizes = {value.numel() for value, given in zip(vectors, (starts, limits, deltas), strict=True) if given.ndim}
    if any(value.ndim > 1 for value in (starts, limits, deltas)):
        raise InvalidArgumentError(None, None, "starts, limits, and deltas must be scalars or vectors")
    if len(sizes) > 1:
        raise InvalidArgumentError(
            None, None, f"starts, limits, and deltas must have the same shape, got sizes {sizes}"
        )
    count = next(iter(sizes), 1)
    start, limit, delta = (value.expand(count) if value.numel() != count else value for value in vectors)
    if bool((delta == 0).any()):
        raise InvalidArgumentError(None, None, "Requires delta != 0")
    if start.is_floating_point():
        lengths = torch.ceil((limit.double() - start.double()) / delta.double())
    else:
        # Away from zero, as limits are excluded.
        span = limit.to(torch.int64) - start.to(torch.int64)
        lengths = -torch.div(-span, delta.to(torch.int64), rounding_mode="floor")
    lengths = lengths.clamp(min=0).to(torch.int64)
    splits = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    total = int(splits[-1])
    if total > _LARGEST and (Tsplits is int32 or total > 2**40):
        raise InvalidArgumentError(None, None, f"the ranges have {total} elements, more than fit")
    rows = torch.repeat_interleave(torch.arange(count), lengths)
    offsets = torch.arange(total) - splits[:-1][rows]
    values = start[rows] + offsets.to(start.dtype) * delta[rows]
    return splits.to(array.torch_dtype(Tsplits)), values.to(starts.dtype)


@ragged_range_op.shape
def ragged_range_shape(starts: Dims, limits: Dims, deltas: Dims, *, Tsplits: DType) -> tuple[Dims, Dims]:
    count: int | None = None
    is_vector = False
    for dims, name in ((starts, "starts"), (limits, "limits"), (deltas, "deltas")):
        if dims:
            expect_rank(dims, 1, name)
            is_vector, count = True, count if dims[0] is None else dims[0]
        elif dims is None:
            is_vector = True
    return ((2,) if not is_vector else (None if count is None else count + 1,)), (None,)
