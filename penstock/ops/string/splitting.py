"""StringSplit and StringSplitV2: the pieces of strings, as a sparse matrix."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.ops.string.elementwise import as_strings, invalid, single


def _sparse(rows: list[list[bytes]]) -> tuple[Value, Value, Value]:
    """Return rows of pieces as indices of shape (n, 2), values of shape (n,), and the shape of the matrix."""
    indices = [(row, column) for row, pieces in enumerate(rows) for column in range(len(pieces))]
    values = as_strings([piece for pieces in rows for piece in pieces], (len(indices),))
    width = max((len(pieces) for pieces in rows), default=0)
    return (
        array.from_numpy(np.array(indices, dtype=np.int64).reshape(-1, 2)),
        values,
        array.from_numpy(np.array([len(rows), width], dtype=np.int64)),
    )


def _expect_vector(input: Value) -> None:
    if input.ndim != 1:
        raise invalid(f"input must be a vector, got shape: {list(input.shape)}")


def _sparse_shape(input: Dims, *rest: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    expect_rank(input, 1, "input")
    expect_rank(rest[0], 0, "the separator")
    return (None, 2), (None,), (2,)


@op(
    "StringSplit(input: string, delimiter: string) -> (indices: int64, values: string, shape: int64)",
    differentiable=False,
    shape=_sparse_shape,
)
def string_split_op(input: Value, delimiter: Value, *, skip_empty: bool = True) -> tuple[Value, Value, Value]:
    _expect_vector(input)
    characters = single(delimiter, "delimiter")
    rows = []
    for item in input:
        if characters:
            pieces = re.split(b"[" + re.escape(characters) + b"]", item) if item else []
        else:
            pieces = [item[index : index + 1] for index in range(len(item))]
        rows.append([piece for piece in pieces if piece or not skip_empty])
    return _sparse(rows)


@op(
    "StringSplitV2(input: string, sep: string) -> (indices: int64, values: string, shape: int64)",
    shape=_sparse_shape,
)
def string_split_v2_op(input: Value, sep: Value, *, maxsplit: int = -1) -> tuple[Value, Value, Value]:
    _expect_vector(input)
    separator = single(sep, "sep")
    if separator:
        return _sparse([item.split(separator, maxsplit) for item in input])
    return _sparse([_split_at_space(item, maxsplit) for item in input])


def _split_at_space(item: bytes, maxsplit: int) -> list[bytes]:
    """Return the pieces between runs of white space; what follows the last of `maxsplit` words counts, even empty."""
    if maxsplit == 0:
        return [item]
    pieces = item.split(None, maxsplit)
    return [*pieces, b""] if len(pieces) == maxsplit else pieces
