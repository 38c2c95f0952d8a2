"""Matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, alone_if, torch_dtype
from penstock.core.backprop import takes_wanted
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import (
    COMPLEX,
    FLOATING,
    UNSIGNED,
    DType,
    as_dtype,
    bfloat16,
    float32,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.inference import static_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast, expect_equal, expect_rank, expect_rank_at_least, merge
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj
from penstock.ops.math.kernels import STORED_ONLY, operation, through_numpy

_INNER = "inner dimension"


@op("MatMul(a: T, b: T) -> product: T", T=FLOATING | COMPLEX | UNSIGNED | {int32, int64})
def mat_mul_op(
    a: Array,
    b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    grad_a: bool = False,
    grad_b: bool = False,
) -> Array:
    if a.dtype in STORED_ONLY:
        return through_numpy(lambda x, y: (x.T if transpose_a else x) @ (y.T if transpose_b else y), a, b)
    return product(a.t() if transpose_a else a, b.t() if transpose_b else b)


# To wake a thread takes as long as so many multiplications.
_WORTH_A_THREAD = 1 << 21
_TINY = 1 << 12


def product(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return the product of two matrices, plus a bias for each column if one is given."""
    if a.numel() * b.shape[-1] < _TINY:  # for which libraries never ask for other threads
        return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)
    return alone_if(a.numel() * b.shape[-1] < _WORTH_A_THREAD, _product, a, b, bias)


def _product(a: Array, b: Array, bias: Array | None) -> Array:
    columns = b.shape[-1]
    # MKL takes about twice as long for a right operand of a few columns as for the transposed product.
    if 1 < columns < 16 and a.numel() >= 16384 and b.is_contiguous() and a.is_floating_point():
        if bias is None:
            return torch.mm(b.t(), a.t()).t().contiguous()
        return torch.addmm(bias.unsqueeze(1), b.t(), a.t()).t().contiguous()
    if _suits_one_dnn(a, b, bias):
        return _ONE_DNN_LINEAR(a, b.t(), bias, "none", [], "")
    return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)


def _one_dnn_linear() -> Any:
    """Return oneDNN's product with a transposed right operand, where it has better code than MKL: MKL uses the widest
    vectors on the processors of one maker only."""
    if not torch.backends.mkldnn.is_available() or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


_ONE_DNN_LINEAR = _one_dnn_linear()
_ONE_DNN_FROM = 1 << 23  # multiplications


def _suits_one_dnn(a: Array, b: Array, bias: Array | None) -> bool:
    """Tell whether oneDNN computes a product of matrices faster than MKL does."""
    (rows, inner), (depth, columns) = a.shape, b.shape
    return (
        rows * inner * columns >= _ONE_DNN_FROM
        and _ONE_DNN_LINEAR is not None
        and inner == depth
        # Of a transposed left operand it makes a copy first, which pays where the result is wide.
        and (a.stride(1) == 1 or columns > rows)
        and a.is_cpu
        and a.dtype is torch.float32
        and b.dtype is torch.float32
        and (bias is None or bias.shape == (columns,))
    )


@mat_mul_op.shape
def mat_mul_shape(a: Dims, b: Dims, *, transpose_a: bool, transpose_b: bool, grad_a: bool, grad_b: bool) -> Dims:
    m, k = expect_rank(a, 2, "a")[:: -1 if transpose_a else 1]
    k_b, n = expect_rank(b, 2, "b")[:: -1 if transpose_b else 1]
    expect_equal(_INNER, a=k, b=k_b)
    return (m, n)


@mat_mul_op.gradient
@takes_wanted
def mat_mul_gradient(call: Any, grad: Tensor, *, wanted: Sequence[bool]) -> tuple[Tensor | None, Tensor | None]:
    a, b = conj(call.inputs[0]), conj(call.inputs[1])
    ta, tb = call.attrs["transpose_a"], call.attrs["transpose_b"]
    grad_a: Tensor | None = None
    grad_b: Tensor | None = None
    # In a graph, what nobody uses does not run, and nodes have the names that TensorFlow gives them.
    if not wanted[0] and isinstance(grad, EagerTensor):
        pass
    elif ta:
        grad_a = mat_mul_op(b, grad, transpose_a=tb, transpose_b=True, grad_b=True)
    else:
        grad_a = mat_mul_op(grad, b, transpose_b=not tb, grad_a=True)
    if not wanted[1] and isinstance(grad, EagerTensor):
        pass
    elif tb:
        grad_b = mat_mul_op(grad, a, transpose_a=True, transpose_b=ta, grad_a=True)
    else:
        grad_b = mat_mul_op(a, grad, transpose_a=not ta, grad_b=True)
    return grad_a, grad_b


@op(
    "SparseMatMul(a: Ta, b: Tb) -> product: float",
    Ta=Type(frozenset({float32, bfloat16}), default=float32),
    Tb=Type(frozenset({float32, bfloat16}), default=float32),
)
def sparse_mat_mul_op(
    a: Array,
    b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
) -> Array:
    return torch.mm((a.t() if transpose_a else a).float(), (b.t() if transpose_b else b).float())


@sparse_mat_mul_op.shape
def sparse_mat_mul_shape(
    a: Dims, b: Dims, *, transpose_a: bool, transpose_b: bool, a_is_sparse: bool, b_is_sparse: bool
) -> Dims:
    return mat_mul_shape(a, b, transpose_a=transpose_a, transpose_b=transpose_b, grad_a=False, grad_b=False)


@sparse_mat_mul_op.gradient
def sparse_mat_mul_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    a, b = (cast(x, float32) for x in call.inputs)
    ta, tb = call.attrs["transpose_a"], call.attrs["transpose_b"]
    grad_a = mat_mul_op(b, grad, transpose_a=tb, transpose_b=True) if ta else mat_mul_op(grad, b, transpose_b=not tb)
    grad_b = mat_mul_op(grad, a, transpose_a=True, transpose_b=ta) if tb else mat_mul_op(a, grad, transpose_a=not ta)
    return cast(grad_a, call.inputs[0].dtype), cast(grad_b, call.inputs[1].dtype)


def _batch_product(x: Array, y: Array, adj_x: bool, adj_y: bool) -> Array:
    if x.ndim < 2 or y.ndim < 2:
        raise InvalidArgumentError(None, None, f"the inputs must have at least 2 axes, got {x.ndim} and {y.ndim}")
    if x.dtype in STORED_ONLY:
        return through_numpy(
            lambda a, b: (a.swapaxes(-1, -2) if adj_x else a) @ (b.swapaxes(-1, -2) if adj_y else b), x, y
        )
    # ATen copies operands with gaps, too, but more slowly.
    x, y = _without_gaps(x), _without_gaps(y)
    return torch.matmul(x.mH if adj_x else x, y.mH if adj_y else y)


def _without_gaps(x: Array) -> Array:
    return x.contiguous() if x.ndim > 3 and not x.mT.is_contiguous() else x


def _batch_shape(x: Dims, y: Dims, adj_x: bool, adj_y: bool) -> Dims:
    expect_rank_at_least(x, 2, "x")
    expect_rank_at_least(y, 2, "y")
    m, k = (None, None) if x is None else x[-2:][:: -1 if adj_x else 1]
    k_y, n = (None, None) if y is None else y[-2:][:: -1 if adj_y else 1]
    expect_equal(_INNER, x=k, y=k_y)
    if x is None or y is None:
        return None
    batch = broadcast(x[:-2], y[:-2])
    return None if batch is None else (*batch, m, n)


_BATCH_TYPES = FLOATING | COMPLEX | {int32, int64}


@op("BatchMatMul(x: T, y: T) -> output: T", T=_BATCH_TYPES)
def batch_mat_mul_op(
    x: Array, y: Array, *, adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False
) -> Array:
    if x.shape[:-2] != y.shape[:-2]:
        raise InvalidArgumentError(
            None, None, f"the batch dimensions must agree, got {list(x.shape)} and {list(y.shape)}"
        )
    return _batch_product(x, y, adj_x, adj_y)


@batch_mat_mul_op.shape
def batch_mat_mul_shape(x: Dims, y: Dims, *, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool) -> Dims:
    if x is not None and y is not None:
        merge(x[:-2], y[:-2], "batch dimensions")
    return _batch_shape(x, y, adj_x, adj_y)


@op("BatchMatMulV2(x: T, y: T) -> output: T", T=_BATCH_TYPES | UNSIGNED | {int16})
def batch_mat_mul_v2_op(
    x: Array, y: Array, *, adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False
) -> Array:
    return _batch_product(x, y, adj_x, adj_y)


@batch_mat_mul_v2_op.shape
def batch_mat_mul_v2_shape(x: Dims, y: Dims, *, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool) -> Dims:
    return _batch_shape(x, y, adj_x, adj_y)


_V3_INPUT = _BATCH_TYPES | {uint8, int8, int16}


@op("BatchMatMulV3(x: Ta, y: Tb) -> output: Tout", Ta=_V3_INPUT, Tb=_V3_INPUT, Tout=_BATCH_TYPES | {int16})
def batch_mat_mul_v3_op(
    x: Array,
    y: Array,
    *,
    Tout: DType,
    adj_x: bool = False,
    adj_y: bool = False,
    grad_x: bool = False,
    grad_y: bool = False,
) -> Array:
    wanted = torch_dtype(Tout)
    return _batch_product(x.to(wanted), y.to(wanted), adj_x, adj_y)


@batch_mat_mul_v3_op.shape
def batch_mat_mul_v3_shape(
    x: Dims, y: Dims, *, Tout: DType, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool
) -> Dims:
    return _batch_shape(x, y, adj_x, adj_y)


@batch_mat_mul_op.gradient
@batch_mat_mul_v2_op.gradient
@batch_mat_mul_v3_op.gradient
def batch_mat_mul_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = (cast(item, grad.dtype) for item in call.inputs)
    adj_x, adj_y = call.attrs["adj_x"], call.attrs["adj_y"]
    product = batch_mat_mul_v2_op
    grad_x = product(y, grad, adj_x=adj_y, adj_y=True) if adj_x else product(grad, y, adj_y=not adj_y)
    grad_y = product(grad, x, adj_x=True, adj_y=adj_x) if adj_y else product(x, grad, adj_x=not adj_x)
    grad_x, grad_y = _reduce_batch(x, y, grad_x, grad_y)
    return cast(grad_x, call.inputs[0].dtype), cast(grad_y, call.inputs[1].dtype)


def _reduce_batch(x: Tensor, y: Tensor, grad_x: Tensor, grad_y: Tensor) -> tuple[Any, Any]:
    """Sum cotangents over the batch axes along which their operands were broadcast."""
    dims_x, dims_y = x.dims, y.dims
    if dims_x is not None and dims_y is not None and dims_x[:-2] == dims_y[:-2] and None not in dims_x[:-2]:
        return grad_x, grad_y
    shape_x, shape_y = shape_op(x), shape_op(y)
    axes_x, axes_y = operation("BroadcastGradientArgs")(shape_x[:-2], shape_y[:-2])
    add, reshape = operation("Sum"), operation("Reshape")
    return reshape(add(grad_x, axes_x), shape_x), reshape(add(grad_y, axes_y), shape_y)


def _oriented(x: Tensor, transpose: bool, adjoint: bool) -> tuple[Tensor, bool]:
    """Return a factor and whether it is to be transposed, with conjugation done."""
    if adjoint:
        return conj(x), True
    return x, transpose


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return the matrix product of `a`, of shape (..., m, k), and `b`, of shape (..., k, n).

    Args:
        a, b: tensors of one type and rank 2 or more; leading axes are broadcast.
        transpose_a, transpose_b: whether the last two axes of the factor are exchanged first.
        adjoint_a, adjoint_b: whether they are exchanged and the elements conjugated.
        a_is_sparse, b_is_sparse: hints that the factor has many zeros; the result is the same.
        output_type: the type of the product, where it is not that of the factors.
        grad_a, grad_b: marks of products that are gradients; the result is the same.
        name: the name of the node.
    Raises:
        ValueError: if a factor is to be both transposed and adjoint, or, in a graph, if the shapes do not fit.
    """
    if type(a) is EagerTensor and current_graph() is None and a.ndim == 2:
        plain = not (adjoint_a or adjoint_b or a_is_sparse or b_is_sparse or output_type or grad_a or grad_b)
        b = convert_to_tensor(b) if hasattr(b, "_gradient_source") else b
        if plain and type(b) is EagerTensor and b.ndim == 2 and b.dtype is a.dtype:
            if not (transpose_a or transpose_b or name):
                return mat_mul_op(a, b)
            return mat_mul_op(a, b, transpose_a=transpose_a, transpose_b=transpose_b, name=name)
    with op_scope(name, "MatMul") as scope:
        for label, transpose, adjoint in (("a", transpose_a, adjoint_a), ("b", transpose_b, adjoint_b)):
            if transpose and adjoint:
                raise ValueError(f"Only one of `transpose_{label}` and `adjoint_{label}` can be True.")
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, preferred_dtype=a.dtype.base_dtype, name="b")
        wanted = None if output_type is None else as_dtype(output_type)
        node = scope or name
        dims_a, dims_b = a.dims, b.dims
        if dims_a is None or dims_b is None or len(dims_a) > 2 or len(dims_b) > 2 or (wanted and wanted != a.dtype):
            if transpose_a:
                a, adjoint_a = conj(a), True
            if transpose_b:
                b, adjoint_b = conj(b), True
            if wanted and wanted != a.dtype or a.dtype.base_dtype is not b.dtype.base_dtype and a.dtype.is_integer:
                return batch_mat_mul_v3_op(a, b, Tout=wanted or int32, adj_x=adjoint_a, adj_y=adjoint_b, name=node)
            return batch_mat_mul_v2_op(a, b, adj_x=adjoint_a, adj_y=adjoint_b, grad_x=grad_a, grad_y=grad_b, name=node)
        a, transpose_a = _oriented(a, transpose_a, adjoint_a)
        b, transpose_b = _oriented(b, transpose_b, adjoint_b)
        sparse_types = {float32, bfloat16}
        if (a_is_sparse or b_is_sparse) and a.dtype in sparse_types and b.dtype in sparse_types:
            product = sparse_mat_mul_op(
                a,
                b,
                transpose_a=transpose_a,
                transpose_b=transpose_b,
                a_is_sparse=a_is_sparse,
                b_is_sparse=b_is_sparse,
                name=node,
            )
            return cast(product, bfloat16) if a.dtype == b.dtype == bfloat16 else product
        return mat_mul_op(
            a, b, transpose_a=transpose_a, transpose_b=transpose_b, grad_a=grad_a, grad_b=grad_b, name=node
        )


def sparse_matmul_v1(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return the product of two matrices of which one has many zeros.

    Args:
        a, b: float32 or bfloat16 matrices.
        transpose_a, transpose_b: whether the factor is transposed first.
        a_is_sparse, b_is_sparse: which one has many zeros; the result is the same.
        name: the name of the node.
    """
    return sparse_mat_mul_op(
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return the product of matrices `a`, of shape (..., m, k), and vectors `b`, of shape (..., k).

    Args:
        a, b: tensors of one type; leading axes are broadcast.
        transpose_a, adjoint_a, a_is_sparse, b_is_sparse: see `matmul`.
        name: the scope of the nodes.
    """
    with op_scope(name, "MatVec"):
        column = operation("ExpandDims")(b, -1)
        product = matmul(
            a, column, transpose_a=transpose_a, adjoint_a=adjoint_a, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse
        )
        return operation("Squeeze")(product, squeeze_dims=[-1])


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Return the sum of products of `a` and `b` over pairs of axes.

    Args:
        a, b: tensors of one type.
        axes: a number n for the last n axes of `a` and the first n of `b`, or two lists of axes (or single
            axes), or an integer tensor of shape (2, n).
        name: the scope of the nodes.
    Returns:
        A tensor with the remaining axes of `a`, then those of `b`.
    Raises:
        ValueError: if the two lists differ in length, or there are not n axes.
    """
    with op_scope(name, "Tensordot") as scope:
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        axes_a, axes_b = _contracted_axes(a, axes)
        a_matrix, a_free, a_free_dims = _as_matrix(a, axes_a, contracted_first=False)
        b_matrix, b_free, b_free_dims = _as_matrix(b, axes_b, contracted_first=True)
        product = matmul(a_matrix, b_matrix)
        if isinstance(a_free, list) and isinstance(b_free, list):
            if product.dims == tuple(a_free + b_free):
                return product
            return operation("Reshape")(product, a_free + b_free, name=scope or name)
        sizes = [convert_to_tensor(free, dtype=int32) if isinstance(free, list) else free for free in (a_free, b_free)]
        result = operation("Reshape")(product, operation("ConcatV2")(sizes, 0, name="concat"), name=scope or name)
        if a_free_dims is not None and b_free_dims is not None:
            result.set_shape(a_free_dims + b_free_dims)
        return result


def _contracted_axes(a: Tensor, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, Tensor):
        known = static_value(axes)
        if known is None:
            raise ValueError("`axes` of tensordot must be known while the graph is built; pass Python integers")
        axes = known.tolist()
    elif isinstance(axes, np.ndarray):
        axes = axes.tolist()
    if isinstance(axes, (int, np.integer)):
        count = int(axes)
        if count < 0:
            raise ValueError(f"`axes` must be at least 0, got {count}")
        rank = a.shape.ndims
        if rank is None:
            raise ValueError("a number as `axes` needs a first tensor of known rank; pass two lists of axes")
        if count > rank:
            raise ValueError(
                f"`axes` must not be larger than the number of dimensions of tensor {a}. Received {count}, vs {rank}."
            )
        return list(range(rank - count, rank)), list(range(count))
    if not isinstance(axes, (list, tuple)) or len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2, got {axes!r}")
    axes_a, axes_b = (
        [int(each)] if isinstance(each, (int, np.integer)) else [int(axis) for axis in each] for each in axes
    )
    if len(axes_a) != len(axes_b):
        raise ValueError(f"Different number of contraction axes `a` and `b`, {len(axes_a)} != {len(axes_b)}.")
    return axes_a, axes_b


def _as_matrix(x: Tensor, axes: list[int], contracted_first: bool) -> tuple[Tensor, Any, Any]:
    """Return a factor with its contracted axes as rows or columns; sizes and dims of its other axes."""
    dims = x.dims
    if dims is None:
        raise ValueError("tensordot needs tensors of known rank; use set_shape or ensure_shape first")
    rank = len(dims)
    contracted = [axis + rank if axis < 0 else axis for axis in axes]
    if any(not 0 <= axis < rank for axis in contracted):
        raise InvalidArgumentError(None, None, f"axes {axes} are out of range for a tensor of rank {rank}")
    free = [axis for axis in range(rank) if axis not in contracted]
    order = contracted + free if contracted_first else free + contracted
    moved = x if order == list(range(rank)) else operation("Transpose")(x, order)
    free_dims, contracted_dims = [dims[axis] for axis in free], [dims[axis] for axis in contracted]
    if None not in free_dims and None not in contracted_dims:
        sizes = [math.prod(free_dims), math.prod(contracted_dims)]  # type: ignore[arg-type]
        matrix = operation("Reshape")(moved, sizes[::-1] if contracted_first else sizes)
        return matrix, free_dims, free_dims
    shape = shape_op(x)
    gather, product = operation("GatherV2"), operation("Prod")
    free_sizes = gather(shape, free, 0) if free else convert_to_tensor(np.zeros(0, np.int32))
    rows = product(free_sizes, [0])
    columns = product(gather(shape, contracted, 0), [0]) if contracted else convert_to_tensor(1)
    matrix = operation("Reshape")(
        moved, operation("Pack")([columns, rows] if contracted_first else [rows, columns], name="stack")
    )
    return matrix, free_sizes, free_dims
