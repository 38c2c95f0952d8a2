"""The softmax of the rows of a sparse tensor."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host
from penstock.ops.sparse.common import as_sparse, check_parts, group, invalid, parts_dims
from penstock.ops.sparse.elementwise import sparse_dense_cwise_add_op
from penstock.ops.sparse.reductions import sparse_reduce_sum_op


@op(
    "SparseSoftmax(sp_indices: int64, sp_values: T, sp_shape: host int64) -> output: T",
    T=frozenset({dtypes.float16, dtypes.float32, dtypes.float64}),
)
@on_host
def sparse_softmax_op(sp_indices: Array, sp_values: Array, sp_shape: list[int]) -> Array:
    check_parts(sp_indices, sp_values, sp_shape, "sp_")
    if len(sp_shape) < 2:
        raise invalid(f"Input should have rank >= 2, but received shape: {sp_shape}")
    rows, places = group(sp_indices[:, :-1])
    values = sp_values.float() if sp_values.dtype == torch.float16 else sp_values
    largest = values.new_zeros(len(rows)).scatter_reduce_(0, places, values, "amax", include_self=False)
    powers = (values - largest[places]).exp_()
    sums = powers.new_zeros(len(rows)).index_add_(0, places, powers)
    return (powers / sums[places]).to(sp_values.dtype)


@sparse_softmax_op.shape
def sparse_softmax_shape(sp_indices: Dims, sp_values: Dims, sp_shape: Any) -> Dims:
    count, rank = parts_dims(sp_indices, sp_values, sp_shape)
    if rank is not None and rank < 2:
        raise ShapeError(f"a sparse tensor must have rank at least 2 for a softmax, got rank {rank}")
    return (count,)


@sparse_softmax_op.gradient
def sparse_softmax_gradient(call: Any, grad: Tensor) -> Any:
    indices, _, shape = call.inputs
    result = call.outputs[0]
    sums = sparse_reduce_sum_op(indices, result * grad, shape, [-1], keep_dims=True)
    return None, sparse_dense_cwise_add_op(indices, grad, shape, -sums) * result, None


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Return the softmax over the last axis of a sparse tensor, among the values that it has.

    Args:
        sp_input: a SparseTensor of float16, float32 or float64 and of rank 2 or more.
        name: the name of the scope.
    Returns:
        A SparseTensor with values at the same positions.
    Raises:
        InvalidArgumentError, ValueError: if the rank is less than 2.
    """
    sparse = as_sparse(sp_input)
    with name_scope(name, "SparseSoftmax"):
        values = sparse_softmax_op(sparse.indices, sparse.values, sparse.dense_shape)
        result = sparse.with_values(values)
        result.set_shape(sparse.shape)
        return result
