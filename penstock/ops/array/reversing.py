"""Elements in reverse order, or rotated."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Value
from penstock.core.dtypes import COMPLEX, FLOATING, INTEGER, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.inference import partial_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge_dim, normalize_axis, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, deferred, moved

_REVERSIBLE = FLOATING | INTEGER | COMPLEX | {dtypes.bool_, dtypes.string}


# The kernel library moves the bits of these only under another name.
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def _flip(tensor: Value, axes: list[int]) -> Value:
    if isinstance(tensor, np.ndarray):
        return np.flip(tensor, tuple(axes)) if axes else tensor.copy()
    signed = _SIGNED.get(tensor.dtype)
    return tensor.flip(axes) if signed is None else tensor.view(signed).flip(axes).view(tensor.dtype)


def _axes(axes: list[int], rank: int) -> list[int]:
    found: list[int] = []
    for axis in axes:
        position = normalize_axis(axis, rank, "axis")
        if position in found:
            raise ShapeError(f"axis {position} specified more than once.")
        found.append(position)
    return found


@op("ReverseV2(tensor: T, axis: host Tidx) -> output: T", T=_REVERSIBLE, Tidx=Type(INDEX, default=int32))
def reverse_v2_op(tensor: Value, axis: list[int]) -> Value:
    try:
        return _flip(tensor, _axes(axis, tensor.ndim))
    except ShapeError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@reverse_v2_op.shape
def reverse_v2_shape(tensor: Dims, axis: Any) -> Dims:
    if tensor is not None and axis is not None:
        _axes([item for item in axis if item is not None], len(tensor))
    return tensor


@reverse_v2_op.gradient
def reverse_v2_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return reverse_v2_op(grad, call.inputs[1]), None


@op("Reverse(tensor: T, dims: host bool) -> output: T", T=_REVERSIBLE, shape=lambda tensor, dims: tensor)
def reverse_op(tensor: Value, dims: list[bool]) -> Value:
    if len(dims) != tensor.ndim:
        raise InvalidArgumentError(
            None, None, f"'dims' must have one entry for each of the {tensor.ndim} axes, got {dims}"
        )
    return _flip(tensor, [axis for axis, reverses in enumerate(dims) if reverses])


@reverse_op.gradient
def reverse_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return reverse_op(grad, call.inputs[1]), None


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Return `tensor` with the order of its elements reversed along axes.

    Args:
        tensor: a tensor.
        axis: a vector of axes, negative from the back.
        name: the name of the node.
    """
    return reverse_v2_op(tensor, axis, name=name)


@op("ReverseSequence(input: T, seq_lengths: Tlen) -> output: T", Tlen=Type(INDEX, default=int64))
def reverse_sequence_op(input: Value, seq_lengths: torch.Tensor, *, seq_dim: int, batch_dim: int = 0) -> Value:
    try:
        reverse_sequence_shape(tuple(input.shape), tuple(seq_lengths.shape), seq_dim=seq_dim, batch_dim=batch_dim)
    except ShapeError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    extent = input.shape[seq_dim]
    lengths = seq_lengths.to(torch.int64).reshape(-1, 1)
    for position, length in enumerate(lengths.reshape(-1).tolist()):
        if not 0 <= length <= extent:
            raise InvalidArgumentError(None, None, f"seq_lengths({position}) must be in [0, {extent}], got {length}")
    steps = torch.arange(extent, device=lengths.device)
    order = torch.where(steps < lengths, lengths - 1 - steps, steps)
    if batch_dim > seq_dim:
        order = order.T
    shape = [1] * input.ndim
    shape[batch_dim], shape[seq_dim] = input.shape[batch_dim], extent
    order = order.reshape(shape)
    if isinstance(input, np.ndarray):
        return np.take_along_axis(input, order.numpy(), seq_dim)
    return moved(lambda value: value.gather(seq_dim, order.expand(value.shape)), input)


@reverse_sequence_op.shape
def reverse_sequence_shape(input: Dims, seq_lengths: Dims, *, seq_dim: int, batch_dim: int) -> Dims:
    lengths = expect_rank(seq_lengths, 1, "seq_lengths")
    if input is None:
        return None
    for what, axis in (("seq_dim", seq_dim), ("batch_dim", batch_dim)):
        if not 0 <= axis < len(input):
            raise ShapeError(f"{what} must be in [0, {len(input)}), got {axis}")
    if seq_dim == batch_dim:
        raise ShapeError(f"seq_dim and batch_dim must differ, both are {seq_dim}")
    size = merge_dim(input[batch_dim], lengths[0], "the batch size and the number of seq_lengths")
    return (*input[:batch_dim], size, *input[batch_dim + 1 :])


@reverse_sequence_op.gradient
def reverse_sequence_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    attrs = {name: call.attrs[name] for name in ("seq_dim", "batch_dim")}
    return reverse_sequence_op(grad, call.inputs[1], **attrs), None


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int | None = None, batch_axis: int | None = None, name: str | None = None
) -> Tensor:
    """Return `input` with the first elements of each sequence in reverse order.

    Args:
        input: a tensor of sequences.
        seq_lengths: a vector with the length of each sequence; elements behind keep their places.
        seq_axis: the axis along which sequences run.
        batch_axis: the axis along which they are stacked, 0 by default.
        name: the name of the node.
    """
    if seq_axis is None:
        raise TypeError("reverse_sequence misses seq_axis, the axis along which sequences run")
    return reverse_sequence_op(input, seq_lengths, seq_dim=seq_axis, batch_dim=batch_axis or 0, name=name)


def reverse_sequence_v1(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """Return `input` with the first elements of each sequence in reverse order; see `reverse_sequence`."""
    return reverse_sequence(
        input,
        seq_lengths,
        seq_dim if seq_axis is None else seq_axis,
        batch_dim if batch_axis is None else batch_axis,
        name,
    )


@op("Roll(input: T, shift: host Tshift, axis: host Taxis) -> output: T", Tshift=INDEX, Taxis=INDEX, shape=unchanged)
def roll_op(input: Value, shift: Any, axis: Any) -> Value:
    shifts, axes = (item if isinstance(item, list) else [item] for item in (shift, axis))
    if len(shifts) != len(axes):
        raise InvalidArgumentError(None, None, f"shift and axis must have the same size, got {shift} and {axis}")
    if not input.ndim:
        raise InvalidArgumentError(None, None, "input must be 1-D or higher")
    totals: dict[int, int] = {}
    for amount, position in zip(shifts, axes, strict=True):
        if not -input.ndim <= position < input.ndim:
            raise InvalidArgumentError(None, None, f"axis {position} is out of range")
        position %= input.ndim
        totals[position] = totals.get(position, 0) + amount
    if isinstance(input, np.ndarray):
        return np.roll(input, list(totals.values()), list(totals))
    return input.roll(list(totals.values()), list(totals))


@roll_op.gradient
def roll_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    _, shift, axis = call.inputs
    known = partial_value(shift)
    if known is None:
        back: Any = deferred("Neg")(shift)
    else:
        back = [-amount for amount in known] if isinstance(known, list) else -known
    return roll_op(grad, back, axis), None, None


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Return `input` with its elements moved along axes; those that leave at one end come back at the other.

    Args:
        input: a tensor.
        shift: by how many places, a scalar or a vector.
        axis: the axis for each shift.
        name: the name of the node.
    """
    return roll_op(input, shift, axis, name=name)
