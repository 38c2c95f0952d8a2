"""The operations that parse Example messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank
from penstock.formats import protos
from penstock.ops.parsing import columns
from penstock.ops.parsing.columns import FEATURE_TYPES, SPLIT_TYPES, Row, check_types, invalid, text_list


def _check_counts(what: str, keys: list[str], types: list[Any], *more: list[Any]) -> None:
    for other in (types, *more):
        if len(other) != len(keys):
            raise invalid(f"expected one of each for the {len(keys)} {what} keys {keys}, got {len(other)}")


def _rows(serialized: Value, names: Value) -> list[Row]:
    messages = columns.parse_messages(serialized, protos.Example, "example")
    labels = columns.example_names(names, len(messages))
    return [
        Row(message.features.feature, label, index)
        for index, (message, label) in enumerate(zip(messages, labels, strict=True))
    ]


@op(
    "ParseExampleV2(serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: string,"
    " dense_defaults: list(Tdense)) -> (sparse_indices: num_sparse * int64, sparse_values: list(sparse_types),"
    " sparse_shapes: num_sparse * int64, dense_values: list(Tdense), ragged_values: list(ragged_value_types),"
    " ragged_row_splits: list(ragged_split_types))",
    minimum={
        "Tdense": 0,
        "num_sparse": 0,
        "sparse_types": 0,
        "ragged_value_types": 0,
        "ragged_split_types": 0,
        "dense_shapes": 0,
    },
    differentiable=False,
    sparse_types=FEATURE_TYPES,
    ragged_value_types=FEATURE_TYPES,
    ragged_split_types=SPLIT_TYPES,
    Tdense=FEATURE_TYPES,
)
def parse_example_v2_op(
    serialized: Value,
    names: Value,
    sparse_keys: Value,
    dense_keys: Value,
    ragged_keys: Value,
    dense_defaults: list[Value],
    *,
    num_sparse: int,
    sparse_types: list[DType],
    ragged_value_types: list[DType],
    ragged_split_types: list[DType],
    dense_shapes: list[Dims],
    Tdense: list[DType],
) -> tuple[list[Value], ...]:
    if np.ndim(serialized) > 1:
        raise invalid(f"Expected serialized to be a scalar or vector, got shape: {list(np.shape(serialized))}")
    sparse, dense, ragged = text_list(sparse_keys), text_list(dense_keys), text_list(ragged_keys)
    check_types(*sparse_types, *Tdense, *ragged_value_types)
    _check_counts("sparse", sparse, sparse_types)
    _check_counts("dense", dense, Tdense, dense_shapes)
    _check_counts("ragged", ragged, ragged_value_types, ragged_split_types)
    rows = _rows(serialized, names)
    is_single = np.ndim(serialized) == 0
    dense_values = [
        columns.dense(rows, key, dtype, dims, default)
        for key, dtype, dims, default in zip(dense, Tdense, dense_shapes, dense_defaults, strict=True)
    ]
    found = [columns.sparse(rows, key, dtype) for key, dtype in zip(sparse, sparse_types, strict=True)]
    lists = [
        columns.ragged(rows, key, dtype, split_dtype)
        for key, dtype, split_dtype in zip(ragged, ragged_value_types, ragged_split_types, strict=True)
    ]
    if is_single:
        dense_values = [values[0, ...] for values in dense_values]  # the ellipsis keeps strings arrays
        found = [(indices[:, 1:], values, shape[1:]) for indices, values, shape in found]
        lists = [(values, ends[:0]) for values, ends in lists]
    return (
        [indices for indices, _, _ in found],
        [values for _, values, _ in found],
        [shape for _, _, shape in found],
        dense_values,
        [values for values, _ in lists],
        [ends for _, ends in lists],
    )


def _sparse_shapes(count: int, rank: int | None) -> tuple[list[Dims], list[Dims], list[Dims]]:
    return [(None, rank)] * count, [(None,)] * count, [(rank,)] * count


@parse_example_v2_op.shape
def parse_example_v2_shape(
    serialized: Dims,
    names: Dims,
    sparse_keys: Dims,
    dense_keys: Dims,
    ragged_keys: Dims,
    dense_defaults: list[Dims],
    *,
    num_sparse: int,
    sparse_types: list[DType],
    ragged_value_types: list[DType],
    ragged_split_types: list[DType],
    dense_shapes: list[Dims],
    Tdense: list[DType],
) -> tuple[list[Dims], ...]:
    if serialized is not None and len(serialized) > 1:
        raise ShapeError(f"serialized must be a scalar or vector, got rank {len(serialized)}")
    rank = None if serialized is None else len(serialized) + 1
    dense = [None if serialized is None or dims is None else (*serialized, *dims) for dims in dense_shapes]
    ends: Dims = None
    if serialized is not None:
        ends = (0,) if not serialized else (None if serialized[0] is None else serialized[0] + 1,)
    lists: list[Dims] = [(None,)] * len(ragged_value_types)
    return (*_sparse_shapes(num_sparse, rank), dense, lists, [ends] * len(ragged_split_types))


@op(
    "ParseExample(serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * string,"
    " dense_defaults: list(Tdense)) -> (sparse_indices: Nsparse * int64, sparse_values: list(sparse_types),"
    " sparse_shapes: Nsparse * int64, dense_values: list(Tdense))",
    minimum={"Nsparse": 0, "Ndense": 0, "sparse_types": 0, "Tdense": 0, "dense_shapes": 0},
    differentiable=False,
    sparse_types=FEATURE_TYPES,
    Tdense=FEATURE_TYPES,
)
def parse_example_op(
    serialized: Value,
    names: Value,
    sparse_keys: list[Value],
    dense_keys: list[Value],
    dense_defaults: list[Value],
    *,
    Nsparse: int,
    Ndense: int,
    sparse_types: list[DType],
    Tdense: list[DType],
    dense_shapes: list[Dims],
) -> tuple[list[Value], ...]:
    if np.ndim(serialized) != 1:
        raise invalid(f"Expected serialized to be a vector, got shape: {list(np.shape(serialized))}")
    return parse_example_v2_op.kernel(
        serialized,
        names,
        np.array([np.asarray(key).item() for key in sparse_keys], dtype=object),
        np.array([np.asarray(key).item() for key in dense_keys], dtype=object),
        np.empty(0, dtype=object),
        dense_defaults,
        num_sparse=Nsparse,
        sparse_types=sparse_types,
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=dense_shapes,
        Tdense=Tdense,
    )[:4]


@parse_example_op.shape
def parse_example_shape(
    serialized: Dims,
    names: Dims,
    sparse_keys: list[Dims],
    dense_keys: list[Dims],
    dense_defaults: list[Dims],
    *,
    dense_shapes: list[Dims],
    **attrs: Any,
) -> tuple[list[Dims], ...]:
    (batch,) = expect_rank(serialized, 1, "serialized")
    dense = [None if dims is None else (batch, *dims) for dims in dense_shapes]
    return (*_sparse_shapes(len(sparse_keys), 2), dense)


@op(
    "ParseSingleExample(serialized: string, dense_defaults: list(Tdense)) -> (sparse_indices: num_sparse * int64,"
    " sparse_values: list(sparse_types), sparse_shapes: num_sparse * int64, dense_values: list(Tdense))",
    minimum={"num_sparse": 0, "sparse_keys": 0, "dense_keys": 0, "sparse_types": 0, "Tdense": 0, "dense_shapes": 0},
    differentiable=False,
    sparse_types=FEATURE_TYPES,
    Tdense=FEATURE_TYPES,
)
def parse_single_example_op(
    serialized: Value,
    dense_defaults: list[Value],
    *,
    num_sparse: int,
    sparse_keys: list[str],
    dense_keys: list[str],
    sparse_types: list[DType],
    Tdense: list[DType],
    dense_shapes: list[Dims],
) -> tuple[list[Value], ...]:
    if np.ndim(serialized):
        raise invalid(f"Expected serialized to be a scalar, got shape: {list(np.shape(serialized))}")
    return parse_example_v2_op.kernel(
        serialized,
        np.empty(0, dtype=object),
        np.array(sparse_keys, dtype=object),
        np.array(dense_keys, dtype=object),
        np.empty(0, dtype=object),
        dense_defaults,
        num_sparse=num_sparse,
        sparse_types=sparse_types,
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=dense_shapes,
        Tdense=Tdense,
    )[:4]


@parse_single_example_op.shape
def parse_single_example_shape(
    serialized: Dims, dense_defaults: list[Dims], *, num_sparse: int, dense_shapes: list[Dims], **attrs: Any
) -> tuple[list[Dims], ...]:
    expect_rank(serialized, 0, "serialized")
    return (*_sparse_shapes(num_sparse, 1), list(dense_shapes))
