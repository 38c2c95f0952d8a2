"""Ragged leaves: how they are joined into batches and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.type_spec import TensorSpec
from penstock.ops.array.joining import concat as concat_dense
from penstock.ops.ragged.arranging import concat
from penstock.ops.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec


def ragged_spec(spec: TensorSpec, size: int | None, row_splits_dtype: Any) -> RaggedTensorSpec:
    """Return the spec of a batch of tensors of different sizes: ragged up to the last axis of open size."""
    dims = spec.shape.as_list()
    depth = max(axis for axis, extent in enumerate(dims) if extent is None)
    return RaggedTensorSpec([size, *dims], spec.dtype, ragged_rank=depth + 1, row_splits_dtype=row_splits_dtype)


def stack_rows(spec: RaggedTensorSpec, rows: Sequence[Any]) -> RaggedTensor:
    """Return tensors, dense or ragged, as the rows of one.

    Args:
        spec: that of the result, of at least one ragged axis.
        rows: at least one.
    """
    depth = spec.ragged_rank - 1
    if depth:
        rows = [
            row if isinstance(row, RaggedTensor) else RaggedTensor.from_tensor(row, ragged_rank=depth) for row in rows
        ]
    counts = [int(row.nrows()) if isinstance(row, RaggedTensor) else row.shape[0] for row in rows]
    joined = concat(list(rows), 0) if depth else concat_dense(list(rows), 0)
    return RaggedTensor.from_row_lengths(joined, counts, validate=False).with_row_splits_dtype(spec.row_splits_dtype)


def rows_of(value: Any) -> list[Any]:
    """Return the rows of a ragged leaf, or of the dense one that its spec stands for without ragged axes."""
    count = int(value.nrows()) if isinstance(value, RaggedTensor) else value.shape[0]
    return [value[index] for index in range(count)]
