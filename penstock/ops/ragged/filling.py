"""RaggedFillEmptyRows: a value for each row that has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.dtypes import int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, deferred


@op(
    "RaggedFillEmptyRows(value_rowids: int64, values: T, nrows: host int64, default_value: T)"
    " -> (output_value_rowids: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64)"
)
def ragged_fill_empty_rows_op(
    value_rowids: torch.Tensor, values: Value, nrows: int, default_value: Value
) -> tuple[Value, Value, Value, Value]:
    if value_rowids.ndim != 1 or values.ndim != 1 or value_rowids.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"value_rowids and values must be vectors of one length, got {list(value_rowids.shape)} and "
            f"{list(values.shape)}",
        )
    if default_value.ndim:
        raise InvalidArgumentError(None, None, f"default_value must be a scalar, got {list(default_value.shape)}")
    if value_rowids.numel() and (int(value_rowids.min()) < 0 or int(value_rowids.max()) >= nrows):
        raise InvalidArgumentError(None, None, f"value_rowids must be in [0, {nrows})")
    check_allocation((nrows,), 8)
    lengths = torch.bincount(value_rowids, minlength=nrows)
    empty = lengths == 0
    rows = torch.cat([value_rowids, torch.nonzero(empty).reshape(-1)])
    order = rows.argsort(stable=True)
    reverse = torch.empty_like(order)
    reverse[order] = torch.arange(len(order))
    count = len(value_rowids)
    if isinstance(values, np.ndarray):
        filler = np.empty(int(empty.sum()), dtype=object)
        filler[:] = default_value[()] if isinstance(default_value, np.ndarray) else default_value
        filled: Value = np.concatenate([values, filler])[order.numpy()]
    else:
        filled = torch.cat([values, default_value.expand(int(empty.sum()))])[order]
    return rows[order], filled, empty, reverse[:count]


@ragged_fill_empty_rows_op.shape
def ragged_fill_empty_rows_shape(
    value_rowids: Dims, values: Dims, nrows: Any, default_value: Dims
) -> tuple[Dims, Dims, Dims, Dims]:
    return (None,), (None,), (nrows if isinstance(nrows, int) else None,), value_rowids


@op("RaggedFillEmptyRowsGrad(reverse_index_map: int64, grad_values: T) -> (d_values: T, d_default_value: T)")
def ragged_fill_empty_rows_grad_op(reverse_index_map: torch.Tensor, grad_values: Value) -> tuple[Value, Value]:
    if reverse_index_map.ndim != 1 or grad_values.ndim != 1:
        raise InvalidArgumentError(None, None, "reverse_index_map and grad_values must be vectors")
    count = grad_values.shape[0]
    if reverse_index_map.numel() and (int(reverse_index_map.min()) < 0 or int(reverse_index_map.max()) >= count):
        raise InvalidArgumentError(None, None, f"Elements in reverse index must be in [0, {count})")
    is_filler = torch.ones(count, dtype=torch.bool)
    is_filler[reverse_index_map] = False
    return grad_values[reverse_index_map], grad_values[is_filler].sum(dtype=grad_values.dtype)


@ragged_fill_empty_rows_grad_op.shape
def ragged_fill_empty_rows_grad_shape(reverse_index_map: Dims, grad_values: Dims) -> tuple[Dims, Dims]:
    return reverse_index_map, ()


@ragged_fill_empty_rows_op.gradient
def ragged_fill_empty_rows_gradient(call: Any, *grads: Tensor) -> tuple[Any, ...]:
    reverse = call.outputs[3]
    grad = grads[1]
    count = deferred("Shape")(grad, out_type=int64)[:1]
    to_values = deferred("GatherV2")(grad, reverse, 0)
    ones = deferred("OnesLike")(to_values)
    is_value = deferred("ScatterNd")(deferred("ExpandDims")(reverse, 1), ones, count)
    to_default = deferred("Sum")(grad * (1.0 - is_value), [0])
    return None, to_values, None, to_default


def ragged_fill_empty_rows(
    value_rowids: Any, values: Any, nrows: Any, default_value: Any, name: str | None = None
) -> Any:
    """Return rows of values with `default_value` as the one value of each row that has none.

    Args:
        value_rowids: int64 (n,): the row of each value, rising.
        values: (n,).
        nrows: the number of rows.
        default_value: a scalar of the type of `values`.
        name: the node's name.
    Returns:
        The rows, the values, which rows were empty (nrows,), and where each of the given values went (n,).
    Raises:
        InvalidArgumentError: if a row is out of range.
    """
    return ragged_fill_empty_rows_op(value_rowids, values, nrows, default_value, name=name)


def ragged_fill_empty_rows_grad(reverse_index_map: Any, grad_values: Any, name: str | None = None) -> Any:
    """Return the gradients of `ragged_fill_empty_rows` for the values and the default.

    Args:
        reverse_index_map: int64 (n,): where each value went.
        grad_values: the gradient of the filled values.
        name: the node's name.
    """
    return ragged_fill_empty_rows_grad_op(reverse_index_map, grad_values, name=name)
