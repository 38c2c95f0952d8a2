"""The largest elements and their positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER, DType, as_dtype, bfloat16, float16, float32, int16, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank_at_least, normalize_axis
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.cast import cast
from penstock.ops.math.kernels import STORED_ONLY, operation, through_numpy

_INDEX = Type(frozenset({int16, int32, int64}), default=int32)


def _top_k(input: Array, k: int, index_type: DType) -> tuple[Array, Array]:
    if input.ndim < 1:
        raise InvalidArgumentError(None, None, f"input must be >= 1-D, got shape {list(input.shape)}")
    if k < 0:
        raise InvalidArgumentError(None, None, f"Need k >= 0, got {k}")
    if input.shape[-1] < k:
        raise InvalidArgumentError(None, None, f"input must have at least k columns. Had {input.shape[-1]}, needed {k}")
    wanted = torch_dtype(index_type)
    if k == 1 and input.numel() and input.dtype not in STORED_ONLY:
        position = torch.argmax(input, -1, keepdim=True)
        return torch.gather(input, -1, position), position.to(wanted)
    # A stable sort, because of equal elements the first comes first.
    if input.dtype in STORED_ONLY:
        order = through_numpy(lambda array: np.argsort(~array, axis=-1, kind="stable"), input)[..., :k]
        values = through_numpy(lambda array, at: np.take_along_axis(array, at, -1), input, order)
        return values, order.to(wanted)
    values, positions = _largest_few(input, k) if 4 * k < input.shape[-1] else _first_sorted(input, k)
    return values, positions.to(wanted)


def _first_sorted(input: Array, k: int) -> tuple[Array, Array]:
    values, positions = torch.sort(input, dim=-1, descending=True, stable=True)
    return values[..., :k].contiguous(), positions[..., :k].contiguous()


def _largest_few(input: Array, k: int) -> tuple[Array, Array]:
    """Return what `_first_sorted` does, and sort only the rows in which equal elements (or NaN) are among the
    `k` + 1 largest: there torch.topk may take any of them."""
    values, positions = torch.topk(input, k + 1, dim=-1)
    has_order = (values[..., :-1] > values[..., 1:]).all(-1)
    values, positions = values[..., :k].contiguous(), positions[..., :k].contiguous()
    if not bool(has_order.all()):
        rows = ~has_order
        values[rows], positions[rows] = _first_sorted(input[rows], k)
    return values, positions


def _top_k_shape(input: Dims, k: Any) -> tuple[Dims, Dims]:
    expect_rank_at_least(input, 1, "input")
    if input is None:
        return None, None
    if isinstance(k, int) and input[-1] is not None and k > input[-1]:
        raise ShapeError(f"input must have last dimension >= k = {k} but is {input[-1]}")
    dims = (*input[:-1], k if isinstance(k, int) else None)
    return dims, dims


@op("TopKV2(input: T, k: host Tk) -> (values: T, indices: index_type)", T=REAL_NUMBER, Tk=_INDEX, index_type=_INDEX)
def top_k_v2_op(input: Array, k: int, *, sorted: bool = True, index_type: DType = int32) -> tuple[Array, Array]:
    return _top_k(input, k, index_type)


@top_k_v2_op.shape
def top_k_v2_shape(input: Dims, k: Any, *, sorted: bool, index_type: DType) -> tuple[Dims, Dims]:
    return _top_k_shape(input, k)


@op("TopK(input: T) -> (values: T, indices: int32)", minimum={"k": 0}, T=REAL_NUMBER)
def top_k_op(input: Array, *, k: int, sorted: bool = True) -> tuple[Array, Array]:
    return _top_k(input, k, int32)


@top_k_op.shape
def top_k_shape(input: Dims, *, k: int, sorted: bool) -> tuple[Dims, Dims]:
    return _top_k_shape(input, k)


def _scattered(call: Any, grad: Tensor) -> Tensor:
    return _scattered_rows(call.inputs[0], cast(call.outputs[1], int32), grad)


def _scattered_rows(x: Tensor, indices: Tensor, grad: Tensor) -> Tensor:
    """Return zeros of the shape of `x` with `grad` at the positions `indices` along the last axis."""
    reshape = operation("Reshape")
    sizes = shape_op(x)
    columns = sizes[-1]
    kept = shape_op(indices)[-1]
    table = reshape(indices, operation("Pack")([-1, kept]))
    rows = shape_op(table)[0]
    total = operation("Prod")(sizes, [0])
    offsets = operation("ExpandDims")(operation("Range")(0, rows, 1) * columns, 1)
    flat = reshape(table + offsets, [-1, 1])
    return reshape(operation("ScatterNd")(flat, reshape(grad, [-1]), operation("ExpandDims")(total, 0)), sizes)


@top_k_op.gradient
def top_k_gradient(call: Any, grad: Tensor, _: Any) -> Tensor:
    return _scattered(call, grad)


@top_k_v2_op.gradient
def top_k_v2_gradient(call: Any, grad: Tensor, _: Any) -> tuple[Tensor, None]:
    return _scattered(call, grad), None


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = int32, name: str | None = None) -> Any:
    """Return the k largest elements along the last axis, the largest first, and their positions.

    Args:
        input: a real tensor of rank 1 or more.
        k: how many, at most the size of the last axis.
        sorted: whether the elements must be in order; they always are.
        index_type: the type of the positions.
        name: the name of the node.
    Returns:
        A named tuple `(values, indices)`; of equal elements the one that comes first is first.
    Raises:
        InvalidArgumentError: if there are fewer than k elements.
    """
    input = convert_to_tensor(input, name="input")
    return top_k_v2_op(input, k, sorted=sorted, index_type=as_dtype(index_type), name=name)


@op(
    "ApproxTopK(input: T) -> (values: T, indices: int32)",
    T=(bfloat16, float16, float32),
    minimum={"k": 0},
)
def approx_top_k_op(
    input: Array,
    *,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> tuple[Array, Array]:
    axis = normalize_axis(reduction_dimension, input.ndim, "reduction_dimension")
    rows = input.movedim(axis, -1)
    values, positions = _top_k(rows if is_max_k else -rows, k, int32)
    values = values if is_max_k else -values
    return values.movedim(-1, axis).contiguous(), positions.movedim(-1, axis).contiguous()


@approx_top_k_op.shape
def approx_top_k_shape(input: Dims, *, k: int, reduction_dimension: int, **attrs: Any) -> tuple[Dims, Dims]:
    expect_rank_at_least(input, 1, "input")
    if input is None:
        return None, None
    axis = normalize_axis(reduction_dimension, len(input), "reduction_dimension")
    extent = input[axis]
    if extent is not None and extent < k:
        raise ShapeError(f"input must have at least k = {k} elements along axis {axis}, got {extent}")
    dims = (*input[:axis], k, *input[axis + 1 :])
    return dims, dims


@approx_top_k_op.gradient
def approx_top_k_gradient(call: Any, grad: Tensor, _: Any) -> Tensor:
    x, indices = call.inputs[0], call.outputs[1]
    if x.ndim is None:
        raise LookupError("the gradient of ApproxTopK needs an input of known rank")
    order = list(range(x.ndim))
    axis = call.attrs["reduction_dimension"] % x.ndim
    order[axis], order[-1] = order[-1], order[axis]
    transpose = operation("Transpose")
    return transpose(_scattered_rows(transpose(x, order), transpose(indices, order), transpose(grad, order)), order)


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Return the `k` largest elements along an axis and their positions: all of them, whatever recall is asked for.

    TensorFlow approximates on accelerators only; on the host its results are exact, too.

    Args:
        operand: a floating tensor of rank 1 or more.
        k: how many, at most the size of the axis.
        reduction_dimension: the axis.
        recall_target: the share of the largest elements that must be among the results.
        reduction_input_size_override: the size of the whole, where the operand is a shard of it.
        aggregate_to_topk: whether the results of shards must be merged.
        name: the name of the node.
    Returns:
        A named tuple `(values, indices)`, the largest first.
    Raises:
        InvalidArgumentError: if there are fewer than k elements.
    """
    return approx_top_k(
        operand,
        k,
        reduction_dimension,
        recall_target,
        True,
        reduction_input_size_override,
        aggregate_to_topk,
        name,
    )


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Return the `k` smallest elements along an axis and their positions; see `approx_max_k`."""
    return approx_top_k(
        operand,
        k,
        reduction_dimension,
        recall_target,
        False,
        reduction_input_size_override,
        aggregate_to_topk,
        name,
    )


def approx_top_k(
    input: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Return the `k` largest or, without `is_max_k`, smallest elements along an axis; see `approx_max_k`."""
    return approx_top_k_op(
        input,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=is_max_k,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )
