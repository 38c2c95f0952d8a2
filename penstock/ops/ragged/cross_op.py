"""RaggedCross: all combinations of the features in each row."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, int32, int64, string
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.ops.ragged.gather_op import check_splits
from penstock.ops.string.hashing import fingerprint64

_MASK = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_MAX_INT64 = (1 << 63) - 1
_FEATURES = frozenset({int64, string})


def fingerprint_cat(first: int, second: int) -> int:
    """Return the 64-bit fingerprint of two fingerprints, one after the other."""

    def mix(value: int) -> int:
        value &= _MASK
        return value ^ value >> 47

    result = first ^ _MULTIPLIER
    result ^= mix(second * _MULTIPLIER) * _MULTIPLIER & _MASK
    return mix(mix(result * _MULTIPLIER) * _MULTIPLIER)


def _ragged_rows(values: Value, splits: torch.Tensor) -> list[list[Any]]:
    check_splits(splits, values.shape[0])
    items, ends = values.tolist(), splits.tolist()
    return [items[a:b] for a, b in zip(ends, ends[1:], strict=False)]


def _sparse_rows(indices: torch.Tensor, values: Value, shape: torch.Tensor) -> list[list[Any]]:
    rows: list[list[Any]] = [[] for _ in range(int(shape[0]))]
    for row, value in zip(indices[:, 0].tolist(), values.tolist(), strict=True):
        rows[row].append(value)
    return rows


def _text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _hash(features: tuple[Any, ...], num_buckets: int, hash_key: int) -> int:
    result = hash_key & _MASK
    for feature in features:
        value = fingerprint64(feature) if isinstance(feature, bytes) else feature & _MASK
        result = fingerprint_cat(result, value)
    return result % (num_buckets if num_buckets else _MAX_INT64)


@op(
    "RaggedCross(ragged_values: list(ragged_values_types), ragged_row_splits: list(ragged_splits_types), "
    "sparse_indices: Nsparse * int64, sparse_values: list(sparse_values_types), sparse_shape: Nsparse * int64, "
    "dense_inputs: list(dense_types)) -> (output_values: out_values_type, output_row_splits: out_row_splits_type)",
    minimum={
        "Nsparse": 0,
        "num_buckets": 0,
        "ragged_values_types": 0,
        "ragged_splits_types": 0,
        "sparse_values_types": 0,
        "dense_types": 0,
    },
    out_values_type=_FEATURES,
    out_row_splits_type=frozenset({int32, int64}),
)
def ragged_cross_op(
    ragged_values: list[Value],
    ragged_row_splits: list[torch.Tensor],
    sparse_indices: list[torch.Tensor],
    sparse_values: list[Value],
    sparse_shape: list[torch.Tensor],
    dense_inputs: list[Value],
    *,
    Nsparse: int,
    input_order: str,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    out_values_type: DType,
    out_row_splits_type: DType,
) -> tuple[Value, Value]:
    if len(ragged_values) != len(ragged_row_splits):
        raise InvalidArgumentError(None, None, "ragged values and row splits must have the same length")
    columns: dict[str, list[list[list[Any]]]] = {
        "R": [_ragged_rows(values, splits) for values, splits in zip(ragged_values, ragged_row_splits, strict=True)],
        "S": [
            _sparse_rows(indices, values, shape)
            for indices, values, shape in zip(sparse_indices, sparse_values, sparse_shape, strict=True)
        ],
        "D": [dense.tolist() for dense in dense_inputs],
    }
    if len(input_order) != sum(map(len, columns.values())):
        raise InvalidArgumentError(None, None, f"Invalid input_order {input_order!r} for the number of inputs")
    features = [columns[kind].pop(0) for kind in input_order]
    if len({len(rows) for rows in features}) > 1:
        raise InvalidArgumentError(
            None, None, f"inputs must all have the same batch dimension size, got {list(map(len, features))}"
        )
    found: list[Any] = []
    splits = [0]
    for row in zip(*features, strict=True):
        for combination in itertools.product(*row):
            if hashed_output:
                found.append(_hash(combination, num_buckets, hash_key))
            else:
                found.append(b"_X_".join(map(_text, combination)))
        splits.append(len(found))
    if hashed_output:
        values: Value = torch.tensor(found, dtype=torch.int64)
    else:
        values = np.empty(len(found), dtype=object)
        values[:] = found
    return values, torch.tensor(splits, dtype=array.torch_dtype(out_row_splits_type))


@ragged_cross_op.shape
def ragged_cross_shape(
    ragged_values: list[Dims],
    ragged_row_splits: list[Dims],
    sparse_indices: list[Dims],
    sparse_values: list[Dims],
    sparse_shape: list[Dims],
    dense_inputs: list[Dims],
    **attrs: Any,
) -> tuple[Dims, Dims]:
    rows = [dims[0] - 1 for dims in ragged_row_splits if dims and dims[0] is not None]
    rows += [dims[0] for dims in dense_inputs if dims and dims[0] is not None]
    return (None,), (rows[0] + 1 if rows else None,)
