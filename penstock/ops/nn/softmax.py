"""Softmax and its logarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core.array import Array, alone_if
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank_at_least
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred

_sum_op = deferred("Sum")
_exp_op = deferred("Exp")
_transpose_op = deferred("Transpose")
_concat_op = deferred("ConcatV2")
_range_op = deferred("Range")
_rank_op = deferred("Rank")


# To wake a thread takes as long as so many elements.
WORTH_A_THREAD = 1 << 14


def _rows(logits: Dims) -> Dims:
    return expect_rank_at_least(logits, 1, "logits")


def _check(logits: Array) -> None:
    if not logits.ndim:
        raise ShapeError("logits must have rank at least 1, got shape ()")


@op("Softmax(logits: T) -> softmax: T", T=FLOATING, shape=_rows)
def softmax_op(logits: Array) -> Array:
    _check(logits)
    return alone_if(logits.numel() < WORTH_A_THREAD, torch._softmax, logits, -1, False)


@softmax_op.gradient
def softmax_gradient(call: Any, grad: Tensor) -> Tensor:
    probabilities = call.outputs[0]
    return (grad - _sum_op(grad * probabilities, [-1], keep_dims=True)) * probabilities


@op("LogSoftmax(logits: T) -> logsoftmax: T", T=FLOATING, shape=_rows)
def log_softmax_op(logits: Array) -> Array:
    _check(logits)
    return alone_if(logits.numel() < WORTH_A_THREAD, torch._log_softmax, logits, -1, False)


@log_softmax_op.gradient
def log_softmax_gradient(call: Any, grad: Tensor) -> Tensor:
    return grad - _sum_op(grad, [-1], keep_dims=True) * _exp_op(call.outputs[0])


def swap_with_last(tensor: Tensor, axis: int) -> Tensor:
    """Return `tensor` with `axis` and its last axis exchanged.

    Args:
        tensor: a tensor of any rank.
        axis: an axis; where the rank is unknown it must count from the front, or be -1.
    """
    if tensor.ndim is not None:
        order = list(range(tensor.ndim))
        order[axis], order[-1] = order[-1], order[axis]
        return _transpose_op(tensor, order)
    rank = _rank_op(tensor)
    middle = _range_op(axis + 1, rank - 1, 1)
    return _transpose_op(tensor, _concat_op([_range_op(0, axis, 1), [rank - 1], middle, [axis]], 0))


def _along(operation: Callable[..., Tensor], logits: Any, axis: Any, name: str | None) -> Tensor:
    if isinstance(axis, str):
        raise TypeError(f"`axis` must be an integer, got {axis!r}")
    if isinstance(axis, float) and not axis.is_integer():
        raise InvalidArgumentError(None, None, f"`axis` must be an integer, got {axis}")
    axis = -1 if axis is None else int(axis)
    tensor = convert_to_tensor(logits)
    rank = tensor.ndim
    if axis == -1 or (rank is not None and rank > 0 and axis == rank - 1):
        return operation(tensor, name=name)
    if rank is not None and not -rank <= axis < rank:
        raise InvalidArgumentError(
            None,
            None,
            f"`axis` must be in the range [{-rank}, {rank}) where {rank} is the number of dimensions, got {axis}",
        )
    if rank is None and axis < 0:
        raise ValueError(
            f"axis {axis} counts from the end of logits of unknown rank; set their shape, or count from the front"
        )
    with op_scope(name, operation.name, [logits]):  # type: ignore[attr-defined]
        return swap_with_last(operation(swap_with_last(tensor, axis)), axis)


def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Return exp(logits) divided by its sum along `axis`.

    Args:
        logits: floating numbers of rank at least 1.
        axis: the axis along which the result sums to 1; the last by default.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if there is no such axis.
    """
    return _along(softmax_op, logits, axis, name)


def softmax_v1(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """Return `softmax(logits, axis, name)`; `dim` is the old name of `axis`."""
    return _along(softmax_op, logits, _axis_or_dim(axis, dim), name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Return the logarithm of the softmax of `logits` along `axis`, without loss of precision.

    Args:
        logits: floating numbers of rank at least 1.
        axis: the axis along which the softmax sums to 1; the last by default.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if there is no such axis.
    """
    return _along(log_softmax_op, logits, axis, name)


def log_softmax_v1(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """Return `log_softmax(logits, axis, name)`; `dim` is the old name of `axis`."""
    return _along(log_softmax_op, logits, _axis_or_dim(axis, dim), name)


def _axis_or_dim(axis: Any, dim: Any) -> Any:
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'; 'dim' is the old name of 'axis'")
    return dim if axis is None else axis
