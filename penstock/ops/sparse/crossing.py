"""Crosses of features: for each row, all combinations of one value of each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.op import op
from penstock.core.shape_rules import ShapeError
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.array.common import deferred
from penstock.ops.sparse.common import as_sparse, invalid, is_sparse
from penstock.ops.string.hashing import fingerprint64

_DEFAULT_HASH_KEY = 0xDECAFCAFFE
_SEPARATOR = "_X_"
_MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
_SHIFT = np.uint64(47)
_LARGEST = np.uint64(2**63 - 1)
_TYPES = frozenset({dtypes.int64, dtypes.string})


class _Column(NamedTuple):
    """The values of one feature, those of a row side by side."""

    values: np.ndarray
    counts: np.ndarray  # of values, by row
    starts: np.ndarray  # where the values of each row begin


def _columns(indices: list[Array], values: list[Value], shapes: list[list[int]], dense: list[Value]) -> list[_Column]:
    """Return sparse columns, then dense ones.

    Raises:
        InvalidArgumentError: if something is no column of a matrix, or numbers of rows differ.
    """
    for place, (position, value, shape) in enumerate(zip(indices, values, shapes, strict=True)):
        if position.ndim != 2:
            raise invalid(
                f"Input indices should be a matrix but received shape {list(position.shape)} at position {place}"
            )
        if position.shape[1] != 2:
            raise invalid(f"Expected D2 of index to be 2 got {position.shape[1]} at position {place}")
        if value.ndim != 1 or len(value) != len(position):
            raise invalid(
                f"Expected size of values to be {len(position)} got shape {list(value.shape)} at position {place}"
            )
        if not isinstance(shape, list) or len(shape) != 2:
            raise invalid(f"Input shapes should have 2 sizes, got {shape} at position {place}")
    for place, value in enumerate(dense):
        if value.ndim != 2:
            raise invalid(f"Dense inputs should be a matrix but received shape {list(value.shape)} at position {place}")
    batch = shapes[0][0] if shapes else dense[0].shape[0] if dense else 0
    for place, shape in enumerate(shapes):
        if shape[0] != batch:
            raise invalid(f"Expected batch size {batch} got {shape[0]} at position {place}")
    for place, value in enumerate(dense):
        if value.shape[0] != batch:
            raise invalid(f"Expected batch size {batch} got {value.shape[0]} at dense tensor {place}")
    found = []
    for position, value in zip(indices, values, strict=True):
        row = position[:, 0].numpy()
        inside = (row >= 0) & (row < batch)
        order = np.argsort(row[inside], kind="stable")
        counts = np.bincount(row[inside], minlength=batch).astype(np.int64)
        found.append(_Column(np.asarray(value)[inside][order], counts, np.cumsum(counts) - counts))
    for value in dense:
        width = value.shape[1]
        flat = np.asarray(value).reshape(-1)
        found.append(_Column(flat, np.full(batch, width, np.int64), np.arange(batch, dtype=np.int64) * width))
    return found


def _crossed(columns: Sequence[_Column]) -> tuple[Array, list[np.ndarray], Array]:
    """Return the positions of all combinations, which value of each column each has, and the dense shape."""
    if not columns:
        return torch.zeros((0, 2), dtype=torch.int64), [], torch.zeros(2, dtype=torch.int64)
    batch = len(columns[0].counts)
    totals = np.ones(batch, np.int64)
    for column in columns:
        totals = totals * column.counts
    count = int(totals.sum())
    if count > 2**31:
        raise invalid(f"The cross has {count} values, which is more than fit the memory")
    rows = np.repeat(np.arange(batch), totals)
    number = np.arange(count) - np.repeat(np.cumsum(totals) - totals, totals)
    rest, chosen = number.copy(), []
    for column in reversed(columns):
        counts = column.counts[rows]
        chosen.append(column.starts[rows] + rest % counts)
        rest //= counts
    width = int(totals.max()) if batch else 0
    positions = torch.from_numpy(np.stack([rows, number], 1).astype(np.int64))
    return positions, chosen[::-1], torch.tensor([batch, width], dtype=torch.int64)


def _joined(columns: Sequence[_Column], chosen: Sequence[np.ndarray], separator: bytes) -> np.ndarray:
    texts = [
        [item if isinstance(item, bytes) else str(item).encode() for item in column.values.tolist()]
        for column in columns
    ]
    result = np.empty(len(chosen[0]) if chosen else 0, dtype=object)
    picked = [[text[place] for place in places.tolist()] for text, places in zip(texts, chosen, strict=True)]
    for position, items in enumerate(zip(*picked, strict=True)):
        result[position] = separator.join(items)
    return result


def _mix(value: np.ndarray) -> np.ndarray:
    return value ^ value >> _SHIFT


def concatenated_fingerprints(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the fingerprint of two fingerprints (uint64), one after the other."""
    with np.errstate(over="ignore"):
        result = (first ^ _MULTIPLIER) ^ _mix(second * _MULTIPLIER) * _MULTIPLIER
        result = _mix(result * _MULTIPLIER) * _MULTIPLIER
        return _mix(result)


def _numbers(column: _Column, hashed: Any) -> np.ndarray:
    """Return a column's values as uint64; `hashed` makes numbers of strings."""
    if column.values.dtype == object:
        return np.array([hashed(item) for item in column.values.tolist()], dtype=np.uint64)
    return column.values.view(np.uint64)


def _hashes(columns: Sequence[_Column], chosen: Sequence[np.ndarray], start: int, modulus: int) -> Array:
    count = len(chosen[0]) if chosen else 0
    result = np.full(count, start & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
    for column, places in zip(columns, chosen, strict=True):
        result = concatenated_fingerprints(result, _numbers(column, fingerprint64)[places])
    return torch.from_numpy((result % (np.uint64(modulus) if modulus else _LARGEST)).astype(np.int64))


def _cross_shape(indices: Any, values: Any, shapes: Any, dense_inputs: Any, *rest: Any, **attrs: Any) -> Any:
    for dims in (*indices, *dense_inputs):
        if dims is not None and len(dims) != 2:
            raise ShapeError(f"each feature must be a matrix, got rank {len(dims)}")
    return (None, 2), (None,), (2,)


@op(
    "SparseCross(indices: N * int64, values: list(sparse_types), shapes: host N * int64,"
    " dense_inputs: list(dense_types)) -> (output_indices: int64, output_values: out_type, output_shape: int64)",
    minimum={"N": 0, "num_buckets": 0, "sparse_types": 0, "dense_types": 0},
    out_type=_TYPES,
    internal_type=_TYPES,
)
def sparse_cross_op(
    indices: list[Array],
    values: list[Value],
    shapes: list[list[int]],
    dense_inputs: list[Value],
    *,
    N: int,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    out_type: DType,
    internal_type: DType,
) -> tuple[Array, Value, Array]:
    columns = _columns(indices, values, shapes, dense_inputs)
    positions, chosen, shape = _crossed(columns)
    if out_type == dtypes.string:
        return positions, _joined(columns, chosen, _SEPARATOR.encode()), shape
    return positions, _hashes(columns, chosen, hash_key, num_buckets), shape


sparse_cross_op.shape(_cross_shape)


@op(
    "SparseCrossV2(indices: N * int64, values: list(sparse_types), shapes: host N * int64,"
    " dense_inputs: list(dense_types), sep: string)"
    " -> (output_indices: int64, output_values: string, output_shape: int64)",
    minimum={"N": 0, "sparse_types": 0, "dense_types": 0},
)
def sparse_cross_v2_op(
    indices: list[Array], values: list[Value], shapes: list[list[int]], dense_inputs: list[Value], sep: Value, *, N: int
) -> tuple[Array, Value, Array]:
    if sep.ndim:
        raise invalid(f"Input separator should be a scalar. Received shape {list(sep.shape)}")
    columns = _columns(indices, values, shapes, dense_inputs)
    positions, chosen, shape = _crossed(columns)
    return positions, _joined(columns, chosen, sep[()]), shape


sparse_cross_v2_op.shape(_cross_shape)


def _inputs(inputs: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Return features as the inputs of a cross: integers as int64, sparse ones first."""
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"Inputs must be a list, got {inputs!r}")
    if not all(is_sparse(item) or not isinstance(item, (list, str)) for item in inputs):
        raise TypeError("All inputs must be Tensors or SparseTensors.")
    sparse = [as_sparse(item) for item in inputs if is_sparse(item)]
    dense = [_plain(convert_to_tensor(item)) for item in inputs if not is_sparse(item)]
    return (
        [item.indices for item in sparse],
        [_plain(item.values) for item in sparse],
        [item.dense_shape for item in sparse],
        dense,
    )


def _plain(values: Any) -> Any:
    return values if values.dtype.base_dtype in _TYPES else deferred("Cast")(values, DstT=dtypes.int64)


def cross(inputs: Any, name: str | None = None, separator: str | None = None) -> SparseTensor:
    """Return, for each row, all combinations of one value of each feature, as joined strings.

    Args:
        inputs: SparseTensors or dense matrices of integers or strings with equally many rows.
        name: the name of the node.
        separator: what stands between joined values; by default "_X_".
    Returns:
        A SparseTensor of strings of shape (rows, the most combinations of a row).
    """
    separator = _SEPARATOR if separator is None else separator
    return SparseTensor(*sparse_cross_v2_op(*_inputs(inputs), convert_to_tensor(separator, dtypes.string), name=name))


def cross_hashed(
    inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None
) -> SparseTensor:
    """Return, for each row, the hashes of all combinations of one value of each feature.

    Args:
        inputs: see `cross`.
        num_buckets: hashes are taken modulo this number; 0 for as they are.
        hash_key: the number that hashing starts from; by default TensorFlow's.
        name: the name of the node.
    Returns:
        A SparseTensor of int64.
    """
    key = _DEFAULT_HASH_KEY if hash_key is None else hash_key
    parts = sparse_cross_op(
        *_inputs(inputs),
        hashed_output=True,
        num_buckets=num_buckets,
        hash_key=key,
        out_type=dtypes.int64,
        internal_type=dtypes.int64,
        name=name,
    )
    return SparseTensor(*parts)
