"""Counts of values as sparse tensors."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.array import Array, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.array.common import INDEX, check_allocation, deferred
from penstock.ops.hosted import on_host
from penstock.ops.sparse.common import as_sparse, check_parts, invalid, is_sparse, parts_dims

_COUNTED = frozenset({dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64})


def _counts(
    rows: Array,
    values: Array,
    weights: Array,
    row_count: int | None,
    minlength: int,
    maxlength: int,
    binary_output: bool,
    output_type: DType,
) -> tuple[Array, Array, Array]:
    """Return how often each value occurs in each row, as the components of a sparse tensor.

    Args:
        rows: the row of each value.
        values: integers of at least 0.
        weights: what each counts; empty for 1.
        row_count: the number of rows; None if the result is a vector.
        minlength, maxlength: the smallest and largest number of columns; -1 for none.
        binary_output: whether to tell presence alone.
        output_type: the type of the counts.
    """
    if values.numel() and int(values.min()) < 0:
        raise invalid("Input values must all be non-negative")
    if weights.numel() and weights.shape != values.shape:
        raise invalid(
            f"Weights and values must have the same shape. Weight shape: {list(weights.shape)}; values shape: "
            f"{list(values.shape)}"
        )
    largest = int(values.max()) if values.numel() else -1
    columns = maxlength if maxlength > 0 else max(largest + 1, minlength, 0)
    kept = values < columns
    rows, values = rows[kept].long(), values[kept].long()
    keys, places = torch.unique(rows * max(columns, 1) + values, return_inverse=True)
    if binary_output:
        counts = torch.ones(len(keys), dtype=torch_dtype(output_type))
    else:
        items = weights[kept] if weights.numel() else torch.ones(len(values), dtype=torch_dtype(output_type))
        counts = torch.zeros(len(keys), dtype=torch_dtype(output_type)).index_add_(0, places, items)
    if row_count is None:
        return keys.unsqueeze(1), counts, torch.tensor([columns], dtype=torch.int64)
    step = max(columns, 1)
    indices = torch.stack([torch.div(keys, step, rounding_mode="floor"), keys % step], 1)
    return indices, counts, torch.tensor([row_count, columns], dtype=torch.int64)


def _rank_of_counts(rank: int | None) -> Any:
    columns = None if rank is None else min(rank, 2)
    return (None, columns), (None,), (columns,)


@op(
    "DenseCountSparseOutput(values: T, weights: output_type)"
    " -> (output_indices: int64, output_values: output_type, output_dense_shape: int64)",
    minimum={"minlength": -1, "maxlength": -1},
    T=INDEX,
    output_type=_COUNTED,
)
@on_host
def dense_count_sparse_output_op(
    values: Array,
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DType,
) -> tuple[Array, Array, Array]:
    if values.ndim not in (1, 2):
        raise invalid(f"Input must be a 1 or 2-dimensional tensor. Got: {list(values.shape)}")
    if weights.numel() and weights.shape != values.shape:
        raise invalid(
            f"Weights and data must have the same shape. Weight shape: {list(weights.shape)}; data shape: "
            f"{list(values.shape)}"
        )
    row_count = values.shape[0] if values.ndim == 2 else None
    rows = torch.zeros_like(values, dtype=torch.int64)
    if row_count is not None:
        rows += torch.arange(row_count).unsqueeze(1)
    flat = values.reshape(-1), weights.reshape(-1)
    return _counts(rows.reshape(-1), *flat, row_count, minlength, maxlength, binary_output, output_type)


@dense_count_sparse_output_op.shape
def dense_count_sparse_output_shape(values: Dims, weights: Dims, **attrs: Any) -> Any:
    return _rank_of_counts(None if values is None else len(values))


@op(
    "SparseCountSparseOutput(indices: int64, values: T, dense_shape: host int64, weights: output_type)"
    " -> (output_indices: int64, output_values: output_type, output_dense_shape: int64)",
    minimum={"minlength": -1, "maxlength": -1},
    T=INDEX,
    output_type=_COUNTED,
)
@on_host
def sparse_count_sparse_output_op(
    indices: Array,
    values: Array,
    dense_shape: list[int],
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DType,
) -> tuple[Array, Array, Array]:
    rows, row_count = _rows_of(indices, values, dense_shape)
    return _counts(rows, values, weights, row_count, minlength, maxlength, binary_output, output_type)


def _rows_of(indices: Array, values: Array, dense_shape: list[int]) -> tuple[Array, int | None]:
    """Return the first position of each value, and how many there are; a vector is one row of its own."""
    check_parts(indices, values, dense_shape)
    if not dense_shape:
        raise invalid("The dense shape must have at least 1 axis, got none")
    sizes = torch.tensor(dense_shape)
    outside = (indices < 0) | (indices >= sizes)
    if bool(outside.any()):
        row, axis = outside.nonzero()[0].tolist()
        raise invalid(
            f"Invalid index value at {row}: dimension {axis} has value {int(indices[row, axis])} which is not in "
            f"[0, {dense_shape[axis]})"
        )
    if len(dense_shape) == 1:
        return torch.zeros(len(values), dtype=torch.int64), None
    return indices[:, 0], dense_shape[0]


@sparse_count_sparse_output_op.shape
def sparse_count_sparse_output_shape(indices: Dims, values: Dims, dense_shape: Any, weights: Dims, **attrs: Any) -> Any:
    return _rank_of_counts(parts_dims(indices, values, dense_shape)[1])


def _rows_of_splits(splits: Array, values: Array) -> tuple[Array, int]:
    if splits.ndim != 1 or not len(splits):
        raise invalid(f"splits must be a vector of at least 1 element, got shape {list(splits.shape)}")
    if values.ndim != 1:
        raise invalid(f"values must be a vector, got shape {list(values.shape)}")
    if int(splits[0]) != 0:
        raise invalid("Splits must start with 0")
    if int(splits[-1]) != len(values):
        raise invalid(f"Splits must end with the number of values, got {int(splits[-1])} instead of {len(values)}")
    lengths = splits[1:] - splits[:-1]
    if bool((lengths < 0).any()):
        raise invalid("Splits must not decrease")
    return torch.repeat_interleave(torch.arange(len(lengths)), lengths), len(lengths)


@op(
    "RaggedCountSparseOutput(splits: int64, values: T, weights: output_type)"
    " -> (output_indices: int64, output_values: output_type, output_dense_shape: int64)",
    minimum={"minlength": -1, "maxlength": -1},
    T=INDEX,
    output_type=_COUNTED,
)
@on_host
def ragged_count_sparse_output_op(
    splits: Array,
    values: Array,
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DType,
) -> tuple[Array, Array, Array]:
    rows, row_count = _rows_of_splits(splits, values)
    return _counts(rows, values, weights, row_count, minlength, maxlength, binary_output, output_type)


@ragged_count_sparse_output_op.shape
def ragged_count_sparse_output_shape(splits: Dims, values: Dims, weights: Dims, **attrs: Any) -> Any:
    return _rank_of_counts(2)


def _dense_counts(
    rows: Array, values: Array, row_count: int | None, size: Any, weights: Array, binary_output: bool
) -> Array:
    while isinstance(size, list) and len(size) == 1:
        size = size[0]
    if not isinstance(size, int) or size < 0:
        raise invalid(f"size must be a scalar of at least 0, got {size}")
    if values.numel() and int(values.min()) < 0:
        raise invalid("Input arr must be non-negative!")
    if weights.numel() and weights.numel() != values.numel():
        raise invalid(
            f"weights must be empty or have as many elements as the values, got {weights.numel()} and {values.numel()}"
        )
    count = 1 if row_count is None else row_count
    check_allocation([count, size], weights.element_size())
    kept = values < size
    places = rows[kept].long() * size + values[kept].long()
    result = torch.zeros(count * size, dtype=weights.dtype)
    if binary_output:
        result[places] = 1
    elif weights.numel():
        result.index_add_(0, places, weights.reshape(-1)[kept])
    else:
        result.index_add_(0, places, torch.ones(len(places), dtype=weights.dtype))
    return result if row_count is None else result.reshape(count, size)


def _column_count(size: Any) -> int | None:
    while isinstance(size, list) and len(size) == 1:
        size = size[0]
    return size if isinstance(size, int) and size >= 0 else None


@op(
    "SparseBincount(indices: int64, values: Tidx, dense_shape: host int64, size: host Tidx, weights: T) -> output: T",
    Tidx=INDEX,
    T=_COUNTED,
)
@on_host
def sparse_bincount_op(
    indices: Array, values: Array, dense_shape: list[int], size: Any, weights: Array, *, binary_output: bool = False
) -> Array:
    rows, row_count = _rows_of(indices, values, dense_shape)
    return _dense_counts(rows, values, row_count, size, weights, binary_output)


@sparse_bincount_op.shape
def sparse_bincount_shape(
    indices: Dims, values: Dims, dense_shape: Any, size: Any, weights: Dims, *, binary_output: bool
) -> Dims:
    _, rank = parts_dims(indices, values, dense_shape)
    if rank is None:
        return None
    rows = dense_shape[0] if isinstance(dense_shape, list) else None
    return (_column_count(size),) if rank == 1 else (rows, _column_count(size))


def bincount(
    values: Any,
    weights: Any = None,
    axis: Any = 0,
    minlength: Any = None,
    maxlength: Any = None,
    binary_output: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """Return how often each integer occurs, as a sparse tensor.

    Args:
        values: a vector or matrix of integers of at least 0, dense or sparse.
        weights: what each value counts, of the same kind and shape; 1 by default.
        axis: 0 to count over all values, -1 to count in each row.
        minlength, maxlength: the smallest size of the result, and the size that it has; larger values are left out.
        binary_output: whether to tell presence alone; excludes `weights`.
        name: the name of the scope.
    Returns:
        A SparseTensor of shape (numbers,), or (rows, numbers).
    Raises:
        ValueError: for another axis, or if weights are given with `binary_output`.
        InvalidArgumentError: if a value is negative.

    >>> import penstock as tf
    >>> tf.sparse.to_dense(tf.sparse.bincount([1, 2, 1])).numpy().tolist()
    [0, 2, 1]
    """
    with name_scope(name, "count", None):
        if hasattr(values, "to_sparse"):  # a ragged tensor
            values = values.to_sparse()
            weights = weights.to_sparse() if hasattr(weights, "to_sparse") else weights
        sparse = as_sparse(values) if is_sparse(values) else None
        given = convert_to_tensor(values, name="values") if sparse is None else sparse.values
        if weights is not None and binary_output:
            raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
        if axis not in (None, 0, -1):
            raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
        if weights is not None:
            weights = as_sparse(weights, "weights").values if is_sparse(weights) else convert_to_tensor(weights)
        if axis in (None, 0):
            given = deferred("Reshape")(given, [-1])
            sparse = None
            weights = None if weights is None else deferred("Reshape")(weights, [-1])
        if weights is None:
            weights = convert_to_tensor([], given.dtype.base_dtype)
        attrs: dict[str, Any] = {
            "minlength": -1 if minlength is None else minlength,
            "maxlength": -1 if maxlength is None else maxlength,
            "binary_output": binary_output,
        }
        if sparse is not None:
            parts = sparse_count_sparse_output_op(sparse.indices, given, sparse.dense_shape, weights, **attrs)
        else:
            parts = dense_count_sparse_output_op(given, weights, **attrs)
        return SparseTensor(*parts)
