"""RaggedGather: rows of a ragged tensor."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Value
from penstock.core.dtypes import int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.gather import take
from penstock.ops.hosted import on_host
from penstock.ops.ragged.range import SPLITS


def check_splits(splits: torch.Tensor, count: int) -> None:
    """Check that row splits divide `count` values.

    Raises:
        InvalidArgumentError: if they do not rise from 0 to at most `count`.
    """
    if splits.ndim != 1 or not splits.numel():
        raise InvalidArgumentError(None, None, f"Row splits must be a non-empty vector, got shape {list(splits.shape)}")
    if int(splits[0]) != 0:
        raise InvalidArgumentError(None, None, f"First value of row splits must be 0, got {int(splits[0])}")
    if bool((splits[1:] < splits[:-1]).any()):
        raise InvalidArgumentError(None, None, "Invalid row splits: they must not fall (ragged splits must be sorted)")
    if int(splits[-1]) > count:
        raise InvalidArgumentError(
            None, None, f"Last row split must not exceed the number of values: {int(splits[-1])} > {count}"
        )


def expand_rows(splits: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the splits of some of the rows, one after the other, and the positions of their values."""
    starts, lengths = splits[:-1][rows], (splits[1:] - splits[:-1])[rows]
    new_splits = torch.cat([lengths.new_zeros(1), lengths.cumsum(0, dtype=lengths.dtype)])
    owner = torch.repeat_interleave(torch.arange(len(rows)), lengths.to(torch.int64))
    offsets = torch.arange(len(owner)) - new_splits[:-1].to(torch.int64)[owner]
    return new_splits, starts.to(torch.int64)[owner] + offsets


@op(
    "RaggedGather(params_nested_splits: PARAMS_RAGGED_RANK * Tsplits, params_dense_values: Tvalues, indices: Tindices)"
    " -> (output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits, output_dense_values: Tvalues)",
    minimum={"OUTPUT_RAGGED_RANK": 0},
    Tindices=frozenset({int32, int64}),
    Tsplits=SPLITS,
)
@on_host
def ragged_gather_op(
    params_nested_splits: list[torch.Tensor],
    params_dense_values: Value,
    indices: torch.Tensor,
    *,
    OUTPUT_RAGGED_RANK: int,
) -> tuple[list[torch.Tensor], Value]:
    if not params_dense_values.ndim:
        raise InvalidArgumentError(None, None, "params.rank must be nonzero")
    expected = indices.ndim - 1 + len(params_nested_splits)
    if expected != OUTPUT_RAGGED_RANK:
        raise InvalidArgumentError(
            None,
            None,
            f"OUTPUT_RAGGED_RANK must be indices.rank - 1 + PARAMS_RAGGED_RANK = {expected}, got {OUTPUT_RAGGED_RANK}",
        )
    sizes = [len(splits) - 1 for splits in params_nested_splits[1:]] + [params_dense_values.shape[0]]
    for splits, size in zip(params_nested_splits, sizes, strict=True):
        check_splits(splits, size)
    rows = indices.reshape(-1).to(torch.int64)
    count = len(params_nested_splits[0]) - 1
    bad = (rows < 0) | (rows >= count)
    if bool(bad.any()):
        at = int(torch.nonzero(bad)[0])
        raise InvalidArgumentError(None, None, f"indices[{at}] = {int(rows[at])} is not in [0, {count})")
    kind = params_nested_splits[0].dtype
    outer = []
    for axis in range(1, indices.ndim):
        number = 1
        for extent in indices.shape[:axis]:
            number *= extent
        outer.append(torch.arange(number + 1, dtype=kind) * indices.shape[axis])
    inner = []
    for splits in params_nested_splits:
        new_splits, rows = expand_rows(splits, rows)
        inner.append(new_splits.to(kind))
    return [*outer, *inner], take(params_dense_values, rows, 0)


@ragged_gather_op.shape
def ragged_gather_shape(
    params_nested_splits: list[Dims], params_dense_values: Dims, indices: Dims, *, OUTPUT_RAGGED_RANK: int
) -> tuple[list[Dims], Dims]:
    values: Dims = None if params_dense_values is None else (None, *params_dense_values[1:])
    splits: list[Dims] = [(None,)] * OUTPUT_RAGGED_RANK
    if indices is not None and OUTPUT_RAGGED_RANK == len(params_nested_splits) and len(indices) == 1:
        splits[0] = (None if indices[0] is None else indices[0] + 1,)
    return splits, values


@ragged_gather_op.gradient
def ragged_gather_gradient(call: Any, *grads: Tensor) -> list[Any]:
    ranks = call.attrs["PARAMS_RAGGED_RANK"]
    splits, values, indices = call.inputs[:ranks], call.inputs[ranks], call.inputs[ranks + 1]
    # The positions of the values gathered: the same gathering of 0, 1, 2 ...
    count = deferred("Shape")(values, out_type=int64)[0]
    places = ragged_gather_op(
        splits,
        deferred("Range")(deferred("Cast")(0, DstT=int64), count, deferred("Cast")(1, DstT=int64)),
        indices,
        OUTPUT_RAGGED_RANK=call.attrs["OUTPUT_RAGGED_RANK"],
    ).output_dense_values
    grad = deferred("UnsortedSegmentSum")(grads[-1], places, count)
    return [*([None] * ranks), grad, None]
