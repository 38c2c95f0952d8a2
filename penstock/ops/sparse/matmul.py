"""Products of a sparse and a dense matrix."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import NotFoundError
from penstock.core.graph import name_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_equal, expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, deferred
from penstock.ops.sparse.common import as_sparse, check_parts, invalid, is_sparse, parts_dims

_PRODUCT_TYPES = {torch.float32, torch.float64, torch.complex64, torch.complex128}
_HALF = {torch.float16, torch.bfloat16}


def _check_within(which: str, other: str, column: int, places: Array, size: int) -> None:
    outside = (places < 0) | (places >= size)
    if bool(outside.any()):
        row = int(outside.int().argmax())
        raise invalid(f"{which} ({int(places[row])}) from index[{row},{column}] out of bounds (>={size}){other}")


def _product(rows: Array, columns: Array, values: Array, b: Array, count: int) -> Array:
    if values.dtype in _HALF:
        return _product(rows, columns, values.float(), b.float(), count).to(values.dtype)
    if values.dtype in _PRODUCT_TYPES:
        places = torch.stack([rows, columns])
        sparse = torch.sparse_coo_tensor(places, values, (count, b.shape[0]), check_invariants=False)
        return torch.sparse.mm(sparse, b.contiguous())
    return b.new_zeros((count, b.shape[1])).index_add_(0, rows, values.unsqueeze(1) * b[columns])


@op(
    "SparseTensorDenseMatMul(a_indices: Tindices, a_values: T, a_shape: host int64, b: T) -> product: T",
    Tindices=Type(INDEX, default=dtypes.int64),
)
def sparse_tensor_dense_matmul_op(
    a_indices: Array, a_values: Value, a_shape: list[int], b: Value, *, adjoint_a: bool = False, adjoint_b: bool = False
) -> Array:
    if not isinstance(a_values, torch.Tensor) or a_values.dtype == torch.bool:
        raise NotFoundError(
            None, None, "Could not find device for node: SparseTensorDenseMatMul multiplies numbers; use tf.cast"
        )
    if b.ndim != 2:
        raise invalid(f"Tensor 'b' is not a matrix: its shape is {list(b.shape)}")
    if not isinstance(a_shape, list) or len(a_shape) != 2:
        raise invalid(f"Tensor 'a_shape' must have 2 elements, got {a_shape}")
    check_parts(a_indices, a_values, a_shape, "a_")
    rows, columns = a_indices[:, 0].long(), a_indices[:, 1].long()
    outer, inner = a_shape
    if adjoint_a:
        rows, columns, outer, inner = columns, rows, inner, outer
        a_values = a_values.conj().resolve_conj() if a_values.is_complex() else a_values
    if adjoint_b:
        b = b.mH.resolve_conj()
    if inner != b.shape[0]:
        raise invalid(
            f"Cannot multiply A and B because inner dimension does not match: {inner} vs. {b.shape[0]}. Did you forget "
            f"a transpose? Dimensions of A: {a_shape}. Dimensions of B: {list(b.shape)}"
        )
    _check_within("k" if adjoint_a else "m", "", 0, a_indices[:, 0], a_shape[0])
    _check_within("m" if adjoint_a else "k", "", 1, a_indices[:, 1], a_shape[1])
    return _product(rows, columns, a_values, b, outer)


@sparse_tensor_dense_matmul_op.shape
def sparse_tensor_dense_matmul_shape(
    a_indices: Dims, a_values: Dims, a_shape: Any, b: Dims, *, adjoint_a: bool, adjoint_b: bool
) -> Dims:
    parts_dims(a_indices, a_values, a_shape)
    b_rows, b_columns = expect_rank(b, 2, "b")
    if adjoint_b:
        b_rows, b_columns = b_columns, b_rows
    if not isinstance(a_shape, list):
        return None, b_columns
    sizes = tuple(None if size is not None and size < 0 else size for size in a_shape)
    outer, inner = expect_rank(sizes, 2, "the dense shape of a")
    if adjoint_a:
        outer, inner = inner, outer
    expect_equal("inner dimension", a=inner, b=b_rows)
    return outer, b_columns


@sparse_tensor_dense_matmul_op.gradient
def sparse_tensor_dense_matmul_gradient(call: Any, grad: Tensor) -> Any:
    indices, values, shape, b = call.inputs
    adjoint_a, adjoint_b = call.attrs["adjoint_a"], call.attrs["adjoint_b"]
    is_complex = values.dtype.is_complex
    b_grad = sparse_tensor_dense_matmul_op(indices, values, shape, grad, adjoint_a=not adjoint_a)
    if adjoint_b:
        b_grad = _adjoint(b_grad)
    rows, columns = indices[:, 0], indices[:, 1]
    gather = deferred("GatherV2")
    parts_grad = gather(grad, columns if adjoint_a else rows, 0)
    parts_b = gather(_adjoint(b) if adjoint_b else b, rows if adjoint_a else columns, 0)
    if is_complex:
        parts_b = deferred("Conj")(parts_b)
    values_grad = deferred("Sum")(parts_grad * parts_b, [1])
    if is_complex and adjoint_a:
        values_grad = deferred("Conj")(values_grad)
    return None, values_grad, None, b_grad


def _adjoint(matrix: Tensor) -> Tensor:
    result: Tensor = deferred("ConjugateTranspose" if matrix.dtype.is_complex else "Transpose")(matrix, [1, 0])
    return result


def sparse_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """Return the matrix product of a sparse and a dense matrix, in either order.

    Args:
        sp_a: a SparseTensor of shape (m, k); or a dense matrix, if `b` is sparse.
        b: a dense matrix (k, n); or a SparseTensor, if `sp_a` is dense.
        adjoint_a, adjoint_b: whether to transpose (and conjugate) a factor first.
        name: the name of the scope.
    Returns:
        A dense matrix (m, n).
    Raises:
        TypeError: if neither of the two is sparse, or both are.
        InvalidArgumentError, ValueError: if the inner dimensions differ.

    >>> import penstock as tf
    >>> tf.sparse.sparse_dense_matmul(tf.SparseTensor([[0, 1]], [2.0], [2, 2]), tf.eye(2)).numpy().tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """
    if is_sparse(b) and not is_sparse(sp_a):
        with name_scope(name, "SparseTensorDenseMatMul", [sp_a]):
            dense = convert_to_tensor(sp_a)
            # The adjoint of the product is the product of the adjoints, the other way round.
            return _adjoint(sparse_dense_matmul(b, dense, not adjoint_b, not adjoint_a))
    sparse = as_sparse(sp_a, "sp_a")
    if is_sparse(b):
        raise TypeError("sparse_dense_matmul multiplies a sparse and a dense matrix, got two sparse ones")
    with name_scope(name, "SparseTensorDenseMatMul", [sparse.indices, sparse.values, b]) as scope:
        dense = convert_to_tensor(b, name="b")
        return sparse_tensor_dense_matmul_op(
            sparse.indices,
            sparse.values,
            sparse.dense_shape,
            dense,
            adjoint_a=adjoint_a,
            adjoint_b=adjoint_b,
            name=scope or name,
        )


def sampled_addmm(
    indices: Any,
    values: Any,
    dense_shape: Any,
    mat1: Any,
    mat2: Any,
    beta: Any = 1.0,
    alpha: Any = 1.0,
    output_type: Any = dtypes.float32,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `alpha * (mat1 @ mat2) + beta * values`, computed at the positions of a sparse tensor alone.

    Args:
        indices: int64 positions (n, rank).
        values: what stands there, (n,).
        dense_shape: the dense shape, (..., rows, columns).
        mat1: a dense tensor (..., rows, k).
        mat2: a dense tensor (..., k, columns).
        beta, alpha: factors.
        output_type: the type of the result.
    Returns:
        The positions, the new values and the dense shape.
    """
    cast = deferred("Cast")
    indices = convert_to_tensor(indices, dtypes.int64)
    values, mat1, mat2 = (cast(convert_to_tensor(item), DstT=output_type) for item in (values, mat1, mat2))
    dense_shape = convert_to_tensor(dense_shape, dtypes.int64)
    concat, gather_nd = deferred("ConcatV2"), deferred("GatherNd")
    rank = mat2.ndim
    if rank is None:
        raise ValueError("sampled_addmm needs matrices of known rank, got `mat2` of unknown rank")
    columns_first = deferred("Transpose")(mat2, [*range(rank - 2), rank - 1, rank - 2])
    rows = gather_nd(mat1, indices[:, :-1])
    columns = gather_nd(columns_first, concat([indices[:, :-2], indices[:, -1:]], 1))
    products = deferred("Sum")(rows * columns, [-1])
    return indices, alpha * products + beta * values, dense_shape
