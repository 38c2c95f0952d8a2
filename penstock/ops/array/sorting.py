"""Sorted elements, and searches among them."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core import array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import REAL_NUMBER, DType, as_dtype, int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.inference import static_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, expect_rank_at_least, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, deferred, moved, sizes
from penstock.ops.array.shaping import expand_dims, reshape, shape, transpose
from penstock.ops.constant import constant

_cast_op = deferred("Cast")
_equal_op = deferred("Equal")
_sum_op = deferred("Sum")
_top_k_op = deferred("TopKV2")


def _ordered(tensor: torch.Tensor) -> torch.Tensor:
    """Return numbers as a type that has an ordering kernel."""
    if tensor.dtype in (torch.uint16, torch.uint32, torch.bool):
        return tensor.to(torch.int64)
    if tensor.dtype == torch.uint64:
        return tensor.view(torch.int64) ^ torch.iinfo(torch.int64).min
    return tensor


def _bounds(sorted_inputs: torch.Tensor, values: torch.Tensor, out_type: DType, right: bool) -> torch.Tensor:
    if sorted_inputs.ndim != 2 or values.ndim != 2 or sorted_inputs.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            "sorted_inputs and values must be matrices of equally many rows, got "
            f"{list(sorted_inputs.shape)} and {list(values.shape)}",
        )
    found = torch.searchsorted(_ordered(sorted_inputs).contiguous(), _ordered(values).contiguous(), right=right)
    return found.to(array.torch_dtype(out_type))


def _bound_shape(sorted_inputs: Dims, values: Dims, *, out_type: DType) -> Dims:
    rows, _ = expect_rank(sorted_inputs, 2, "sorted_inputs")
    own_rows, columns = expect_rank(values, 2, "values")
    return merge_dim(rows, own_rows, "rows of sorted_inputs and values"), columns


@op(
    "LowerBound(sorted_inputs: T, values: T) -> output: out_type",
    shape=_bound_shape,
    out_type=Type(INDEX, default=int32),
)
def lower_bound_op(sorted_inputs: torch.Tensor, values: torch.Tensor, *, out_type: DType = int32) -> torch.Tensor:
    return _bounds(sorted_inputs, values, out_type, right=False)


@op(
    "UpperBound(sorted_inputs: T, values: T) -> output: out_type",
    shape=_bound_shape,
    out_type=Type(INDEX, default=int32),
)
def upper_bound_op(sorted_inputs: torch.Tensor, values: torch.Tensor, *, out_type: DType = int32) -> torch.Tensor:
    return _bounds(sorted_inputs, values, out_type, right=True)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = int32, name: str | None = None
) -> Tensor:
    """Return where each value would be inserted into a sorted sequence.

    Args:
        sorted_sequence: a tensor of shape (..., n), sorted along its last axis.
        values: a tensor of shape (..., m).
        side: "left" for the first fitting position, "right" for the last.
        out_type: int32 or int64.
        name: the name of the node.
    Returns:
        Positions of shape (..., m).
    Raises:
        ValueError: if `side` is another.
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    with op_scope(name, "searchsorted", [sorted_sequence, values]):
        sorted_sequence = convert_to_tensor(sorted_sequence)
        if not isinstance(values, Tensor):
            values = convert_to_tensor(values, sorted_sequence.dtype)
        bound = lower_bound_op if side == "left" else upper_bound_op
        found = bound(_as_rows(sorted_sequence), _as_rows(values), out_type=as_dtype(out_type))
        return reshape(found, sizes(values))


def _as_rows(tensor: Tensor) -> Tensor:
    extent = tensor.dims[-1] if tensor.dims else None
    if extent is None:
        return reshape(tensor, [-1, shape(tensor)[-1]])
    if tensor.dims is not None and None not in tensor.dims and extent == 0:
        return reshape(tensor, [max(1, _rows_of(tensor.dims)), 0])
    return reshape(tensor, [-1, extent])


def _rows_of(dims: Any) -> int:
    rows = 1
    for size in dims[:-1]:
        rows *= size
    return rows


# Sorting


def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """Return the elements of each row sorted.

    Args:
        values: numbers, of rank at least 1.
        axis: the axis along which rows run, known while the graph is built.
        direction: "ASCENDING" or "DESCENDING".
        name: the name of the node.
    Raises:
        ValueError: if the direction is another, or the axis is not known.
    """
    with op_scope(name, "sort"):
        return _sorted(values, axis, direction, 0)


def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """Return the positions that sort each row; equal elements keep their order.

    Args:
        values: numbers, of rank at least 1.
        axis: the axis along which rows run, known while the graph is built.
        direction: "ASCENDING" or "DESCENDING".
        stable: accepted as TensorFlow does; the order is always stable.
        name: the name of the node.
    Raises:
        ValueError: if the direction is another, or the axis is not known.
    """
    with op_scope(name, "argsort"):
        return _sorted(values, axis, direction, 1)


def _sorted(values: Any, axis: Any, direction: str, output: int) -> Tensor:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"Argument `direction` should be one of ASCENDING, DESCENDING. Received: direction={direction}"
        )
    position = axis if isinstance(axis, int) else static_value(convert_to_tensor(axis))
    if position is None:
        raise ValueError(
            "Argument `axis` must be a constant scalar: the axis of a sort must be known while the graph is built."
        )
    values = convert_to_tensor(values)
    rank = values.ndim
    if rank is None:
        raise ValueError("the values of a sort must have a known rank")
    position = int(position)
    if not -rank <= position < rank:
        raise ValueError(f"axis {position} is out of range for values of shape {values.shape}")
    position %= rank
    order = list(range(rank))
    order[position], order[-1] = order[-1], order[position]
    if position != rank - 1:
        values = transpose(values, order)
    ascending = direction == "ASCENDING"
    rows = _mirrored(values) if ascending else values
    assert rows.dims is not None
    extent = rows.dims[-1] if rows.dims[-1] is not None else shape(rows)[-1]
    result = _top_k_op(rows, extent)[output]
    if ascending and output == 0:
        result = _mirrored(result)
    return transpose(result, order) if position != rank - 1 else result


def _mirrored(values: Any) -> Any:
    """Return numbers in reverse order of size, without overflow; applied twice, the numbers themselves."""
    dtype = values.dtype.base_dtype
    if dtype.is_unsigned:
        return constant(dtype.max, dtype) - values
    if dtype.is_integer:
        return -1 - values
    return -values


# The n-th element


@op("NthElement(input: T, n: host int32) -> values: T", T=REAL_NUMBER)
def nth_element_op(input: torch.Tensor, n: int, *, reverse: bool = False) -> torch.Tensor:
    if not input.ndim:
        raise InvalidArgumentError(None, None, "Input must be at least rank 1 but is rank 0")
    if isinstance(n, list) or not 0 <= n < input.shape[-1]:
        raise InvalidArgumentError(None, None, f"n must be a scalar in [0, {input.shape[-1]}), got {n}")
    rank = input.shape[-1] - n if reverse else n + 1
    if input.dtype in (torch.uint16, torch.uint32, torch.uint64):
        positions = _ordered(input).kthvalue(rank, -1).indices
        return moved(lambda values: values.gather(-1, positions.unsqueeze(-1)).squeeze(-1), input)
    return input.kthvalue(rank, -1).values


@nth_element_op.shape
def nth_element_shape(input: Dims, n: Any, *, reverse: bool) -> Dims:
    expect_rank_at_least(input, 1, "input")
    if input is None:
        return None
    if n is not None and (n < 0 or (input[-1] is not None and n >= input[-1])):
        raise ShapeError(f"n must be in [0, {input[-1]}), got {n}")
    return input[:-1]


@nth_element_op.gradient
def nth_element_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    """Share the gradient equally among the elements that have the value."""
    input = call.inputs[0]
    chosen = _cast_op(_equal_op(expand_dims(call.outputs[0], -1), input), DstT=input.dtype)
    share = expand_dims(grad, -1) / _sum_op(chosen, [-1], keep_dims=True)
    return chosen * share, None


def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Tensor:
    """Return the n-th smallest element of each row.

    Args:
        input: a tensor of shape (..., m).
        n: a scalar in [0, m), counted from 0.
        reverse: whether the n-th largest is wanted.
        name: the name of the node.
    """
    return nth_element_op(input, n, reverse=reverse, name=name)
