"""Rows of sparse tensors without values, filled."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host
from penstock.ops.sparse.common import (
    as_sparse,
    check_parts,
    invalid,
    is_zero_dim,
    joined,
    parts_dims,
    sparse_like,
    take,
)


@op(
    "SparseFillEmptyRows(indices: int64, values: T, dense_shape: host int64, default_value: T)"
    " -> (output_indices: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64)"
)
@on_host
def sparse_fill_empty_rows_op(
    indices: Array, values: Value, dense_shape: list[int], default_value: Value
) -> tuple[Array, Value, Array, Array]:
    check_parts(indices, values, dense_shape)
    if not is_zero_dim(default_value):
        raise invalid(f"default_value must be a scalar, saw: {list(default_value.shape)}")
    if not dense_shape:
        raise invalid("Dense shape cannot be empty.")
    count = dense_shape[0]
    if not count and len(indices):
        raise invalid(f"Received SparseTensor with dense_shape[0] = 0 but {len(indices)} indices")
    row_of = indices[:, 0]
    outside = (row_of < 0) | (row_of >= count)
    if bool(outside.any()):
        row = int(outside.int().argmax())
        raise invalid(f"indices({row}, 0) is invalid: {int(row_of[row])} >= {count}")
    empty = torch.ones(count, dtype=torch.bool).index_fill_(0, row_of, False)
    added = torch.zeros((int(empty.sum()), len(dense_shape)), dtype=torch.int64)
    added[:, 0] = empty.nonzero()[:, 0]
    together = torch.cat([indices, added])
    order = torch.argsort(together[:, 0], stable=True)
    places = torch.empty_like(order).index_copy_(0, order, torch.arange(len(order)))
    defaults = default_value.reshape(1).repeat(len(added))
    return together[order], take(joined([values, defaults]), order), empty, places[: len(indices)].clone()


@sparse_fill_empty_rows_op.shape
def sparse_fill_empty_rows_shape(indices: Dims, values: Dims, dense_shape: Any, default_value: Dims) -> Any:
    expect_rank(default_value, 0, "default_value")
    count, rank = parts_dims(indices, values, dense_shape)
    rows = dense_shape[0] if isinstance(dense_shape, list) and dense_shape else None
    return (None, rank), (None,), (rows,), (count,)


@sparse_fill_empty_rows_op.gradient
def sparse_fill_empty_rows_gradient(call: Any, _: Any, grad: Tensor, __: Any, ___: Any) -> Any:
    values_grad, default_grad = sparse_fill_empty_rows_grad_op(call.outputs[3], grad)
    return None, values_grad, None, default_grad


@op(
    "SparseFillEmptyRowsGrad(reverse_index_map: int64, grad_values: T) -> (d_values: T, d_default_value: T)",
)
def sparse_fill_empty_rows_grad_op(reverse_index_map: Array, grad_values: Array) -> tuple[Array, Array]:
    if not isinstance(grad_values, torch.Tensor):
        raise invalid("grad_values must be numbers, got strings")
    for name, item in (("reverse_index_map", reverse_index_map), ("grad_values", grad_values)):
        if item.ndim != 1:
            raise invalid(f"{name} must be a vector, saw: {list(item.shape)}")
    outside = (reverse_index_map < 0) | (reverse_index_map >= len(grad_values))
    if bool(outside.any()):
        raise invalid(
            f"Elements in reverse index must be in [0, {len(grad_values)}) but got {int(reverse_index_map[outside][0])}"
        )
    rest = grad_values.index_fill(0, reverse_index_map, 0)
    return take(grad_values, reverse_index_map), rest.sum().to(grad_values.dtype)


@sparse_fill_empty_rows_grad_op.shape
def sparse_fill_empty_rows_grad_shape(reverse_index_map: Dims, grad_values: Dims) -> Any:
    expect_rank(grad_values, 1, "grad_values")
    return expect_rank(reverse_index_map, 1, "reverse_index_map"), ()


@sparse_fill_empty_rows_grad_op.gradient
def sparse_fill_empty_rows_grad_gradient(call: Any, values_grad: Tensor, default_grad: Tensor) -> Any:
    places, grads = call.inputs
    zeros = deferred("ZerosLike")(grads)
    return None, deferred("TensorScatterUpdate")(zeros + default_grad, deferred("ExpandDims")(places, 1), values_grad)


def fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Tensor]:
    """Return a sparse tensor in which each row has a value: a default stands first in rows that had none.

    Args:
        sp_input: a SparseTensor of rank 1 or more.
        default_value: a scalar of its type.
        name: the name of the scope.
    Returns:
        The SparseTensor, in row-major order, and a boolean vector that says which rows had no value.
    Raises:
        InvalidArgumentError: if a row number lies outside of the shape.
    """
    sparse = as_sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows"):
        default = convert_to_tensor(default_value, sparse.dtype.base_dtype)
        indices, values, empty, _ = sparse_fill_empty_rows_op(
            sparse.indices, sparse.values, sparse.dense_shape, default
        )
        return sparse_like(indices, values, sparse.dense_shape, sparse.shape), empty
