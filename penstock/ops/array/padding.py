"""Tensors with a margin: of one value, or of the mirrored interior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.dtypes import int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.inference import is_known, partial_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, item_size, moved, sizes
from penstock.ops.array.slicing import slice_op

_PADDINGS = Type(INDEX, default=int32)


def _check_paddings(dims: tuple[int, ...], paddings: Any) -> None:
    if not isinstance(paddings, list) or len(paddings) != len(dims) or any(len(pair) != 2 for pair in paddings):
        raise InvalidArgumentError(
            None, None, f"paddings must have shape [{len(dims)}, 2] for an input of shape {list(dims)}, got {paddings}"
        )
    for before, after in paddings:
        if before < 0 or after < 0:
            raise InvalidArgumentError(None, None, f"Paddings must be non-negative: {before} {after}")


def _pad(input: Value, paddings: list[list[int]], value: Any) -> Value:
    _check_paddings(tuple(input.shape), paddings)
    check_allocation([b + size + a for (b, a), size in zip(paddings, input.shape, strict=True)], item_size(input))
    if isinstance(input, np.ndarray):
        return np.pad(input, paddings, constant_values=value) if input.ndim else input
    return torch.constant_pad_nd(input, [part for pair in reversed(paddings) for part in pair], value)


@op("Pad(input: T, paddings: host Tpaddings) -> output: T", Tpaddings=_PADDINGS)
def pad_op(input: Value, paddings: list[list[int]]) -> Value:
    return _pad(input, paddings, b"" if isinstance(input, np.ndarray) else 0)


@op("PadV2(input: T, paddings: host Tpaddings, constant_values: host T) -> output: T", Tpaddings=_PADDINGS)
def pad_v2_op(input: Value, paddings: list[list[int]], constant_values: Any) -> Value:
    if isinstance(constant_values, list):
        raise InvalidArgumentError(None, None, f"constant_values must be a scalar. Found: {constant_values}")
    return _pad(input, paddings, constant_values)


def _padded_shape(input: Dims, paddings: Any, *_: Any) -> Dims:
    if paddings is None:
        return None if input is None else (None,) * len(input)
    if input is not None and len(input) != len(paddings):
        raise ShapeError(f"paddings must have one row for each axis of the input {format_dims(input)}, got {paddings}")
    dims = (None,) * len(paddings) if input is None else input
    result: list[int | None] = []
    for size, pair in zip(dims, paddings, strict=True):
        if pair is None:
            result.append(None)
            continue
        if len(pair) != 2 or any(part is not None and part < 0 for part in pair):
            raise ShapeError(f"each row of paddings must be two numbers of at least 0, got {pair}")
        result.append(None if size is None or None in pair else pair[0] + size + pair[1])
    return tuple(result)


pad_op.shape(_padded_shape)
pad_v2_op.shape(_padded_shape)


@pad_op.gradient
def pad_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return _interior(call, grad), None


@pad_v2_op.gradient
def pad_v2_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    return _interior(call, grad), None, None


def _interior(call: Any, grad: Any) -> Any:
    input, paddings = call.inputs[:2]
    known = partial_value(paddings)
    begin = [pair[0] for pair in known] if known and is_known(known) else paddings[:, 0]
    if isinstance(begin, list) and not isinstance(sizes(input), list):
        begin = paddings[:, 0]
    if known == []:
        return grad
    return slice_op(grad, begin, sizes(input, paddings.dtype))


# Mirrored margins

_OFFSET = {"REFLECT": 1, "SYMMETRIC": 0}


def _mirrored(size: int, before: int, after: int, mode: str) -> list[int]:
    """Return the positions in an axis that its padded axis shows."""
    offset = _OFFSET[mode]
    return [
        *range(before - 1 + offset, offset - 1, -1),
        *range(size),
        *range(size - 1 - offset, size - 1 - offset - after, -1),
    ]


def _check_mirror(size: int, before: int, after: int, mode: str, error: Callable[[str], Exception]) -> None:
    largest = size - _OFFSET[mode]
    if before > largest or after > largest:
        bound = "less than" if mode == "REFLECT" else "no greater than"
        raise error(f"paddings must be {bound} the dimension size: {before}, {after} not {bound} {size}")


def _invalid(text: str) -> Exception:
    return InvalidArgumentError(None, None, text)


@op(
    "MirrorPad(input: T, paddings: host Tpaddings) -> output: T",
    Tpaddings=_PADDINGS,
    allowed={"mode": ("REFLECT", "SYMMETRIC")},
)
def mirror_pad_op(input: Value, paddings: list[list[int]], *, mode: str) -> Value:
    _check_paddings(tuple(input.shape), paddings)
    result = input
    for axis, (before, after) in enumerate(paddings):
        if before or after:
            _check_mirror(input.shape[axis], before, after, mode, _invalid)
            positions = _mirrored(input.shape[axis], before, after, mode)
            if isinstance(result, np.ndarray):
                result = np.take(result, positions, axis)
            else:
                at = torch.tensor(positions, device=result.device)
                result = moved(lambda values, axis=axis, at=at: values.index_select(axis, at), result)
    return result.clone() if result is input and isinstance(input, torch.Tensor) else result


@mirror_pad_op.shape
def mirror_pad_shape(input: Dims, paddings: Any, *, mode: str) -> Dims:
    if input is not None and paddings is not None and len(input) == len(paddings):
        for size, pair in zip(input, paddings, strict=True):
            if size is not None and pair is not None and None not in pair:
                _check_mirror(size, pair[0], pair[1], mode, ShapeError)
    return _padded_shape(input, paddings)


@mirror_pad_op.gradient
def mirror_pad_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return mirror_pad_grad_op(grad, call.inputs[1], mode=call.attrs["mode"]), None


@op(
    "MirrorPadGrad(input: T, paddings: host Tpaddings) -> output: T",
    Tpaddings=_PADDINGS,
    allowed={"mode": ("REFLECT", "SYMMETRIC")},
)
def mirror_pad_grad_op(input: Value, paddings: list[list[int]], *, mode: str) -> Value:
    _check_paddings(tuple(input.shape), paddings)
    result = input
    for axis, (before, after) in enumerate(paddings):
        if before or after:
            size = input.shape[axis] - before - after
            if size < 0:
                raise _invalid(f"paddings {paddings} are larger than the input of shape {list(input.shape)}")
            _check_mirror(size, before, after, mode, _invalid)
            positions = torch.tensor(_mirrored(size, before, after, mode), device=input.device)
            folded = result.new_zeros((*result.shape[:axis], size, *result.shape[axis + 1 :]))
            result = moved(lambda total, part, axis=axis, at=positions: total.index_add(axis, at, part), folded, result)
    return result.clone() if result is input else result


@mirror_pad_grad_op.shape
def mirror_pad_grad_shape(input: Dims, paddings: Any, *, mode: str) -> Dims:
    if input is None or paddings is None:
        return None if input is None else (None,) * len(input)
    return tuple(
        None if size is None or pair is None or None in pair else size - pair[0] - pair[1]
        for size, pair in zip(input, paddings, strict=True)
    )


@mirror_pad_grad_op.gradient
def mirror_pad_grad_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return mirror_pad_op(grad, call.inputs[1], mode=call.attrs["mode"]), None


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """Return `tensor` with a margin.

    Args:
        tensor: a tensor of rank r.
        paddings: integers of shape (r, 2): for each axis, how many elements come before and after.
        mode: "CONSTANT", "REFLECT" (mirrored without the edge) or "SYMMETRIC" (mirrored with the edge).
        constant_values: the value of a constant margin, a scalar.
        name: the name of the node.
    Raises:
        ValueError: if the mode is another.
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if isinstance(constant_values, (bool, int, float, str, bytes)) and not constant_values:
            return pad_op(tensor, paddings, name=name)
        return pad_v2_op(tensor, paddings, constant_values, name=name)
    if mode not in _OFFSET:
        raise ValueError(
            f"Value of argument `mode` expected to be one of CONSTANT, REFLECT or SYMMETRIC. Received `mode` = {mode}"
        )
    return mirror_pad_op(tensor, paddings, mode=mode, name=name)


def pad_v1(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """Return `tensor` with a margin; see `pad`."""
    return pad(tensor, paddings, mode, constant_values, name)
