"""Sums, and larger and smaller values, of sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank, merge
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, moved
from penstock.ops.hosted import on_host
from penstock.ops.sparse.common import (
    NUMERIC,
    as_sparse,
    check_bounds,
    check_parts,
    invalid,
    is_sparse,
    parts_dims,
    sparse_like,
    take,
    union,
)
from penstock.ops.sparse.densifying import sparse_tensor_dense_add_op

_WIDE = {torch.uint16: torch.int32, torch.uint32: torch.int64}


def _check_pair(a_shape: list[int], b_shape: list[int], ranks: str) -> None:
    if len(a_shape) != len(b_shape):
        raise invalid(f"{ranks}, got {len(a_shape)} and {len(b_shape)}")
    for axis, (x, y) in enumerate(zip(a_shape, b_shape, strict=True)):
        if x != y:
            raise invalid(f"Operands' shapes do not match: got {x} and {y} for dimension {axis}")


def _spread(values: Array, places: Array, count: int) -> Array:
    """Return a vector that has values at distinct places, and zeros elsewhere."""
    return moved(lambda v: v.new_zeros(count).index_copy_(0, places, v), values)


def _sum(x: Array, y: Array) -> Array:
    if x.dtype in (torch.uint16, torch.uint32, torch.uint64):
        # NumPy's sums of unsigned integers wrap around, as TensorFlow's do.
        return torch.from_numpy(np.add(x.numpy(), y.numpy()))
    return x + y


@op(
    "SparseAdd(a_indices: int64, a_values: T, a_shape: host int64, b_indices: int64, b_values: T, b_shape: host int64,"
    " thresh: Treal) -> (sum_indices: int64, sum_values: T, sum_shape: int64)",
    T=NUMERIC,
    Treal=REAL_NUMBER,
)
@on_host
def sparse_add_op(
    a_indices: Array,
    a_values: Array,
    a_shape: list[int],
    b_indices: Array,
    b_values: Array,
    b_shape: list[int],
    thresh: Array,
) -> tuple[Array, Array, Array]:
    check_parts(a_indices, a_values, a_shape, "a_")
    check_parts(b_indices, b_values, b_shape, "b_")
    if thresh.ndim:
        raise invalid(f"The magnitude threshold must be a scalar: got shape {list(thresh.shape)}")
    _check_pair(a_shape, b_shape, "Input indices must have the same dimension")
    rows, (a_places, b_places) = union(a_indices, b_indices)
    sums = _sum(_spread(a_values, a_places, len(rows)), _spread(b_values, b_places, len(rows)))
    in_both = torch.zeros(len(rows), dtype=torch.bool)
    in_both[b_places] = True
    in_both &= torch.zeros_like(in_both).index_fill_(0, a_places, True)
    # The threshold drops sums alone, never what stands in one of the two.
    magnitude = sums.abs() if sums.dtype not in (torch.uint16, torch.uint32, torch.uint64) else sums.double()
    kept = ~in_both | (magnitude.double() >= thresh.double())
    if not bool(kept.all()):
        rows, sums = rows[kept], take(sums, kept)
    return rows, sums, torch.tensor(a_shape, dtype=torch.int64)


def _merged_shape(a_indices: Dims, a_values: Dims, a_shape: Any, b_indices: Dims, b_values: Dims, b_shape: Any) -> Any:
    rank = parts_dims(a_indices, a_values, a_shape)[1]
    other = parts_dims(b_indices, b_values, b_shape)[1]
    (rank,) = merge((rank,), (other,), "ranks") or (None,)
    return (None, rank), (None,), (rank,)


@sparse_add_op.shape
def sparse_add_shape(
    a_indices: Dims, a_values: Dims, a_shape: Any, b_indices: Dims, b_values: Dims, b_shape: Any, thresh: Dims
) -> Any:
    expect_rank(thresh, 0, "thresh")
    return _merged_shape(a_indices, a_values, a_shape, b_indices, b_values, b_shape)


@sparse_add_op.gradient
def sparse_add_gradient(call: Any, _: Any, grad: Any, __: Any) -> Any:
    a_grad, b_grad = sparse_add_grad_op(grad, call.inputs[0], call.inputs[3], call.outputs[0])
    a_values, b_values = call.inputs[1], call.inputs[4]
    if a_values.dims is not None:
        a_grad.set_shape(a_values.shape)
    if b_values.dims is not None:
        b_grad.set_shape(b_values.shape)
    return None, a_grad, None, None, b_grad, None, None


@op(
    "SparseAddGrad(backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64)"
    " -> (a_val_grad: T, b_val_grad: T)",
    T=NUMERIC,
)
@on_host
def sparse_add_grad_op(
    backprop_val_grad: Array, a_indices: Array, b_indices: Array, sum_indices: Array
) -> tuple[Array, Array]:
    for name, indices in (("a", a_indices), ("b", b_indices), ("sum", sum_indices)):
        if indices.ndim != 2:
            raise invalid(f"{name}_indices should be a matrix but received shape {list(indices.shape)}")
    if backprop_val_grad.ndim != 1 or len(backprop_val_grad) != len(sum_indices):
        raise invalid(
            f"Input backprop_val_grad should be a vector with as many elements as sum_indices has rows, got shapes "
            f"{list(backprop_val_grad.shape)} and {list(sum_indices.shape)}"
        )
    if not a_indices.shape[1] == b_indices.shape[1] == sum_indices.shape[1]:
        raise invalid(
            f"The densified operands should have the same ndims; for a, b, sum got: {a_indices.shape[1]}, "
            f"{b_indices.shape[1]}, and {sum_indices.shape[1]}"
        )
    rows, (a_places, b_places, sum_places) = union(a_indices, b_indices, sum_indices)
    spread = _spread(backprop_val_grad, sum_places, len(rows))
    return take(spread, a_places), take(spread, b_places)


@sparse_add_grad_op.shape
def sparse_add_grad_shape(backprop_val_grad: Dims, a_indices: Dims, b_indices: Dims, sum_indices: Dims) -> Any:
    return expect_rank(a_indices, 2, "a_indices")[:1], expect_rank(b_indices, 2, "b_indices")[:1]


@sparse_add_grad_op.gradient
def sparse_add_grad_gradient(call: Any, a_grad: Tensor, b_grad: Tensor) -> Any:
    _, a_indices, b_indices, sum_indices = call.inputs
    return picked(a_grad, a_indices, sum_indices) + picked(b_grad, b_indices, sum_indices), None, None, None


def picked(values: Tensor, indices: Tensor, wanted: Tensor) -> Tensor:
    """Return what stands at the positions `wanted`, where `values` stand at `indices`: 0 where nothing does."""
    result: Tensor = sparse_add_grad_op(values, wanted, wanted[:0], indices).a_val_grad
    return result


def _extreme(
    a_indices: Array,
    a_values: Array,
    a_shape: list[int],
    b_indices: Array,
    b_values: Array,
    b_shape: list[int],
    choose: Any,
) -> tuple[Array, Array]:
    check_parts(a_indices, a_values, a_shape, "a_")
    check_parts(b_indices, b_values, b_shape, "b_")
    if len(a_shape) != len(b_shape):
        raise invalid(f"Operands do not have the same ranks; got shapes: {a_shape} and {b_shape}")
    _check_pair(a_shape, b_shape, "Operands do not have the same ranks")
    check_bounds(a_indices, a_shape)
    check_bounds(b_indices, b_shape)
    rows, (a_places, b_places) = union(a_indices, b_indices)
    x, y = (_spread(v, places, len(rows)) for v, places in ((a_values, a_places), (b_values, b_places)))
    if x.dtype in _WIDE:
        wide = _WIDE[x.dtype]
        return rows, choose(x.to(wide), y.to(wide)).to(x.dtype)
    if x.dtype == torch.uint64:
        chosen = {torch.maximum: np.maximum, torch.minimum: np.minimum}[choose](x.numpy(), y.numpy())
        return rows, torch.from_numpy(chosen)
    if x.is_complex():
        return rows, torch.where(x.abs() <= y.abs(), x, y)
    return rows, choose(x, y)


@op(
    "SparseSparseMaximum(a_indices: int64, a_values: T, a_shape: host int64, b_indices: int64, b_values: T,"
    " b_shape: host int64) -> (output_indices: int64, output_values: T)",
    T=REAL_NUMBER,
)
@on_host
def sparse_sparse_maximum_op(
    a_indices: Array, a_values: Array, a_shape: list[int], b_indices: Array, b_values: Array, b_shape: list[int]
) -> tuple[Array, Array]:
    return _extreme(a_indices, a_values, a_shape, b_indices, b_values, b_shape, torch.maximum)


@op(
    "SparseSparseMinimum(a_indices: int64, a_values: T, a_shape: host int64, b_indices: int64, b_values: T,"
    " b_shape: host int64) -> (output_indices: int64, output_values: T)",
    T=NUMERIC,
)
@on_host
def sparse_sparse_minimum_op(
    a_indices: Array, a_values: Array, a_shape: list[int], b_indices: Array, b_values: Array, b_shape: list[int]
) -> tuple[Array, Array]:
    return _extreme(a_indices, a_values, a_shape, b_indices, b_values, b_shape, torch.minimum)


def _extreme_shape(a_indices: Dims, a_values: Dims, a_shape: Any, b_indices: Dims, b_values: Dims, b_shape: Any) -> Any:
    return _merged_shape(a_indices, a_values, a_shape, b_indices, b_values, b_shape)[:2]


sparse_sparse_maximum_op.shape(_extreme_shape)
sparse_sparse_minimum_op.shape(_extreme_shape)


def _extreme_gradient(call: Any, grad: Tensor, larger: bool) -> Any:
    a_indices, a_values, a_shape, b_indices, b_values, b_shape = call.inputs
    rows = call.outputs[0]
    zeros = deferred("ZerosLike")
    # What stood at each position of the result in a: a itself, plus zeros where only b has something. Sums of zeros
    # are kept, as the threshold is 0.
    none = convert_to_tensor(0, a_values.dtype.base_dtype)
    x = sparse_add_op(a_indices, a_values, a_shape, b_indices, zeros(b_values), b_shape, none).sum_values
    y = sparse_add_op(a_indices, zeros(a_values), a_shape, b_indices, b_values, b_shape, none).sum_values
    from_a = deferred("Cast")(x >= y if larger else x <= y, DstT=grad.dtype.base_dtype)
    a_grad, _ = sparse_add_grad_op(grad * from_a, a_indices, b_indices, rows)
    _, b_grad = sparse_add_grad_op(grad * (1 - from_a), a_indices, b_indices, rows)
    return None, a_grad, None, None, b_grad, None


@sparse_sparse_maximum_op.gradient
def sparse_sparse_maximum_gradient(call: Any, _: Any, grad: Tensor) -> Any:
    return _extreme_gradient(call, grad, larger=True)


@sparse_sparse_minimum_op.gradient
def sparse_sparse_minimum_gradient(call: Any, _: Any, grad: Tensor) -> Any:
    return _extreme_gradient(call, grad, larger=False)


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """Return the sum of two tensors of one shape, at least one of which is sparse.

    Args:
        a, b: SparseTensors, or one of them a dense tensor.
        threshold: where both are sparse, sums of a smaller magnitude are left out.
    Returns:
        A SparseTensor if both are sparse, else a dense tensor.
    Raises:
        TypeError: if neither is sparse.
        InvalidArgumentError: if the shapes differ; there is no broadcasting.

    >>> import penstock as tf
    >>> ones = tf.SparseTensor([[0, 1]], [1], [1, 2])
    >>> tf.sparse.add(ones, ones).values.numpy().tolist()
    [2]
    """
    if not is_sparse(a) and not is_sparse(b):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if is_sparse(a) and is_sparse(b):
        a, b = as_sparse(a), as_sparse(b)
        limit = convert_to_tensor(threshold, a.dtype.real_dtype.base_dtype, name="threshold")
        rows, values, shape = sparse_add_op(
            a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape, limit
        )
        static = a.shape.merge_with(b.shape) if a.shape.is_compatible_with(b.shape) else a.shape
        return sparse_like(rows, values, shape, static)
    if is_sparse(b):
        a, b = b, a
    sparse = as_sparse(a)
    return sparse_tensor_dense_add_op(sparse.indices, sparse.values, sparse.dense_shape, b)


def add_v1(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """Return the sum of two tensors of one shape, at least one of which is sparse; see `add`.

    Args:
        a, b, threshold: see `add`.
        thresh: the former name of `threshold`.
    """
    if threshold is not None and thresh is not None:
        raise ValueError("Cannot specify both 'threshold' and 'thresh'.")
    given = threshold if threshold is not None else thresh
    return add(a, b, 0 if given is None else given)


def _of_two(operation: Any, sp_a: Any, sp_b: Any, name: str | None) -> SparseTensor:
    a, b = as_sparse(sp_a, "sp_a"), as_sparse(sp_b, "sp_b")
    rows, values = operation(*_components(a), *_components(b), name=name)
    return sparse_like(rows, values, a.dense_shape, a.shape)


def _components(sparse: SparseTensor) -> tuple[Value, Value, Value]:
    return sparse.indices, sparse.values, sparse.dense_shape


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Return the larger of the elements of two sparse tensors of one shape, where at least one has a value.

    Args:
        sp_a, sp_b: SparseTensors of one shape; what one of them lacks is 0.
        name: the name of the node.
    """
    return _of_two(sparse_sparse_maximum_op, sp_a, sp_b, name)


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Return the smaller of the elements of two sparse tensors of one shape; see `maximum`."""
    return _of_two(sparse_sparse_minimum_op, sp_a, sp_b, name)
