"""Sparse tensors made dense, and dense ones made sparse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims, TensorShape
from penstock.core.shape_rules import ShapeError, expect_equal
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, item_size, moved
from penstock.ops.constant import shape_op
from penstock.ops.hosted import on_host
from penstock.ops.sparse.common import (
    NUMERIC,
    as_sparse,
    check_bounds,
    check_dims,
    check_order,
    check_parts,
    first_outside,
    invalid,
    is_zero_dim,
    known_dims,
    linear,
    parts_dims,
)

_cast_op = deferred("Cast")
_gather_nd_op = deferred("GatherNd")
_not_equal_op = deferred("NotEqual")
_reshape_op = deferred("Reshape")
_sum_op = deferred("Sum")
_where_op = deferred("Where")


@op(
    "SparseToDense(sparse_indices: Tindices, output_shape: host Tindices, sparse_values: T, default_value: T)"
    " -> dense: T",
    Tindices=INDEX,
)
@on_host
def sparse_to_dense_op(
    sparse_indices: Array,
    output_shape: list[int],
    sparse_values: Value,
    default_value: Value,
    *,
    validate_indices: bool = True,
) -> Value:
    if sparse_indices.ndim > 2:
        raise invalid(
            f"sparse_indices should be a scalar, vector, or matrix, got shape {list(sparse_indices.shape)} of rank "
            f"{sparse_indices.ndim}"
        )
    count = len(sparse_indices) if sparse_indices.ndim else 1
    rank = sparse_indices.shape[1] if sparse_indices.ndim == 2 else 1
    if not isinstance(output_shape, list):
        raise invalid(f"output_shape must be rank 1, got the scalar {output_shape}")
    if len(output_shape) != rank:
        raise invalid(f"output_shape has incorrect number of elements: {len(output_shape)} should be: {rank}")
    if tuple(sparse_values.shape) not in ((), (count,)):
        raise invalid(f"sparse_values has incorrect shape {list(sparse_values.shape)}, should be [] or [{count}]")
    if not is_zero_dim(default_value):
        raise invalid(f"default_value should be a scalar, got shape {list(default_value.shape)}")
    check_dims(output_shape)
    check_allocation(output_shape, item_size(sparse_values))
    indices = sparse_indices.reshape(count, rank).long()
    if validate_indices:
        check_order(indices, output_shape)
    elif first_outside(indices, output_shape) is not None:
        shape = ",".join(map(str, output_shape))
        raise invalid(f"Indices are not valid (out of bounds).  Shape: [{shape}]")
    places = linear(indices, output_shape)
    if isinstance(sparse_values, np.ndarray):
        strings = np.full(math.prod(output_shape), default_value[()], dtype=object)
        strings[places.numpy()] = sparse_values
        return strings.reshape(output_shape)

    def fill(values: Array, default: Array) -> Array:
        flat = default.repeat(math.prod(output_shape))
        return flat.index_copy_(0, places, values.expand(count)).reshape(output_shape)

    return moved(fill, sparse_values, default_value)


@sparse_to_dense_op.shape
def sparse_to_dense_shape(
    sparse_indices: Dims, output_shape: Any, sparse_values: Dims, default_value: Dims, *, validate_indices: bool
) -> Dims:
    if default_value is not None and default_value != ():
        raise ShapeError(f"default_value should be a scalar, got rank {len(default_value)}")
    if sparse_indices is not None and len(sparse_indices) == 2 and isinstance(output_shape, list):
        expect_equal("the rank", sparse_indices=sparse_indices[1], output_shape=len(output_shape))
    return known_dims(output_shape)


@sparse_to_dense_op.gradient
def sparse_to_dense_gradient(call: Any, grad: Tensor) -> Any:
    indices, _, values, _ = call.inputs
    if indices.ndim is not None and indices.ndim < 2:
        indices = _reshape_op(indices, [-1, 1])
    picked = _gather_nd_op(grad, indices)
    total = _sum_op(picked, [0])
    everything = _sum_op(_reshape_op(grad, [-1]), [0])
    return None, None, _reshape_op(total, []) if values.dims == () else picked, everything - total


@op(
    "SparseTensorDenseAdd(a_indices: Tindices, a_values: T, a_shape: host Tindices, b: T) -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
)
@on_host
def sparse_tensor_dense_add_op(a_indices: Array, a_values: Array, a_shape: list[int], b: Array) -> Array:
    check_parts(a_indices, a_values, a_shape, "a_")
    if len(a_shape) != b.ndim:
        raise invalid(f"Two operands have different ranks; received: {len(a_shape)} and {b.ndim}")
    if list(b.shape) != a_shape:
        raise invalid(f"Dimensions do not equal (no broadcasting is supported): {a_shape} and {list(b.shape)}")
    check_bounds(a_indices, a_shape)
    places = linear(a_indices, a_shape)
    return added_at(b, places, a_values)


def added_at(dense: Array, places: Array, values: Array) -> Array:
    """Return a copy of a dense tensor with values added at row-major places."""
    dtype = dense.dtype
    if dtype in (torch.uint16, torch.uint32, torch.uint64):
        signed = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}[dtype]
        return added_at(dense.view(signed), places, values.view(signed)).view(dtype)
    flat = dense.clone(memory_format=torch.contiguous_format).reshape(-1)
    return flat.index_add_(0, places, values).view(dense.shape)


@sparse_tensor_dense_add_op.shape
def sparse_tensor_dense_add_shape(a_indices: Dims, a_values: Dims, a_shape: Any, b: Dims) -> Dims:
    parts_dims(a_indices, a_values, a_shape)
    return b


@sparse_tensor_dense_add_op.gradient
def sparse_tensor_dense_add_gradient(call: Any, grad: Tensor) -> Any:
    return None, _gather_nd_op(grad, call.inputs[0]), None, grad


def _zero(dtype: DType) -> Any:
    return "" if dtype == dtypes.string else False if dtype.is_bool else 0


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """Return a dense tensor that has values at some positions, and a default elsewhere.

    Args:
        sparse_indices: int32 or int64: a position of a vector, n of them, or a matrix (n, rank) of positions.
        output_shape: the shape, of the same type.
        sparse_values: a vector (n,), or a scalar for all positions.
        default_value: a scalar.
        validate_indices: whether the positions must be in order and not repeat.
        name: the name of the node.
    """
    values = convert_to_tensor(sparse_values, name="sparse_values")
    default = convert_to_tensor(default_value, values.dtype.base_dtype, name="default_value")
    return sparse_to_dense_op(
        sparse_indices, output_shape, values, default, validate_indices=validate_indices, name=name
    )


def to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """Return a sparse tensor as a dense one.

    Args:
        sp_input: a SparseTensor.
        default_value: a scalar that stands where it has no value; by default 0, False or the empty string.
        validate_indices: whether the positions must be in row-major order and not repeat.
        name: the name of the node.
    Returns:
        A tensor of the dense shape.
    Raises:
        TypeError: if `sp_input` is no SparseTensor.
        InvalidArgumentError: if positions lie outside of the shape, are out of order, or repeat.

    >>> import penstock as tf
    >>> tf.sparse.to_dense(tf.SparseTensor([[0, 1], [1, 0]], [1, 2], [2, 2])).numpy().tolist()
    [[0, 1], [2, 0]]
    """
    sparse = as_sparse(sp_input)
    if default_value is None:
        default_value = _zero(sparse.dtype.base_dtype)
    dense = sparse_to_dense(
        sparse.indices, sparse.dense_shape, sparse.values, default_value, validate_indices, name=name
    )
    if dense.dims is None or None in dense.dims:
        dense.set_shape(sparse.shape)  # type: ignore[attr-defined]
    return dense


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """Return a dense tensor as a sparse one, which has its elements that are not zero (False, or empty).

    Args:
        tensor: a tensor of rank 1 or more.
        name: the name of the scope.
    """
    with name_scope(name, "dense_to_sparse", [tensor]):
        dense = convert_to_tensor(tensor)
        if dense.dims == ():
            raise InvalidArgumentError(None, None, "WhereOp : Unhandled input dimensions: 0; pass a vector or more")
        zero = convert_to_tensor(_zero(dense.dtype.base_dtype), dense.dtype.base_dtype)
        indices = _where_op(_not_equal_op(dense, zero))
        values = _gather_nd_op(dense, indices)
        result = SparseTensor(indices, values, shape_op(dense, out_type=dtypes.int64))
        if dense.dims is not None:
            result.set_shape(TensorShape(dense.dims))
        return result


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """Return which numbers a sparse tensor has in each of its rows.

    Args:
        sp_input: a SparseTensor of integers in [0, vocab_size), of shape (..., n).
        vocab_size: the size of the last axis of the result.
        name: the name of the scope.
    Returns:
        A boolean tensor of shape (..., vocab_size).
    """
    sparse = as_sparse(sp_input)
    with name_scope(name, "SparseToIndicator"):
        ones = deferred("OnesLike")(_cast_op(sparse.values, DstT=dtypes.int8))
        trues = sparse.with_values(_cast_op(ones, DstT=dtypes.bool_))
        merged = with_last_axis(trues, sparse.values, vocab_size)
        static = sparse.shape
        if static.rank is not None:
            merged.set_shape(static[:-1].concatenate([vocab_size if isinstance(vocab_size, int) else None]))
        return to_dense(merged, False, validate_indices=False)


def with_last_axis(sparse: SparseTensor, ids: Tensor, size: Any) -> SparseTensor:
    """Return a sparse tensor whose last positions are replaced by numbers, one for each value."""
    columns = deferred("ExpandDims")(_cast_op(ids, DstT=dtypes.int64), 1)
    concat = deferred("ConcatV2")
    last = _reshape_op(_cast_op(convert_to_tensor(size), DstT=dtypes.int64), [1])
    return SparseTensor(
        concat([sparse.indices[:, :-1], columns], 1), sparse.values, concat([sparse.dense_shape[:-1], last], 0)
    )
