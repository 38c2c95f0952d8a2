"""Sequences of evenly spaced numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dispatch import runs_at_once
from penstock.core.dtypes import (
    FLOATING,
    SIGNED,
    DType,
    as_dtype,
    bfloat16,
    float16,
    float32,
    float64,
    int32,
    int64,
    uint16,
    uint32,
    uint64,
)
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.inference import static_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.cast import cast
from penstock.ops.math.kernels import AXIS, operation


def _rounded(dtype: DType, *numbers: float) -> tuple[Any, ...]:
    """Return numbers in the precision of a type, in which TensorFlow counts the elements of a range."""
    if not dtype.is_floating:
        return numbers
    kind = np.float64 if dtype.size == 8 else np.float32
    return tuple(kind(number) for number in numbers)


def _length(start: float, limit: float, delta: float) -> int:
    if delta == 0:
        raise InvalidArgumentError(None, None, "Requires delta != 0: 0")
    if delta > 0 and start > limit:
        raise InvalidArgumentError(None, None, f"Requires start <= limit when delta > 0: {start}/{limit}")
    if delta < 0 and start < limit:
        raise InvalidArgumentError(None, None, f"Requires start >= limit when delta < 0: {start}/{limit}")
    if isinstance(start, int) and isinstance(limit, int) and isinstance(delta, int):
        return -((start - limit) // delta)
    return math.ceil(abs((limit - start) / delta))


@op(
    "Range(start: host Tidx, limit: host Tidx, delta: host Tidx) -> output: Tidx",
    Tidx=Type(FLOATING | SIGNED | {uint16, uint32, uint64}, default=int32),
    differentiable=False,
)
def range_op(start: float, limit: float, delta: float, *, Tidx: DType = int32) -> Array:
    if not all(math.isfinite(number) for number in (start, limit, delta)):
        raise InvalidArgumentError(
            None, None, f"Requires finite start, limit and delta, got {start}, {limit} and {delta}"
        )
    length = _length(*_rounded(Tidx, start, limit, delta))
    if length > 2**40:
        raise InvalidArgumentError(None, None, f"a range of {length} elements is too long; enlarge delta")
    if Tidx.is_floating:
        return (torch.arange(length, dtype=torch.float64) * delta + start).to(torch_dtype(Tidx))
    if Tidx in (uint32, uint64, uint16):
        return torch.from_numpy((np.arange(length, dtype=np.int64) * delta + start).astype(Tidx.as_numpy_dtype))
    end = start + (length - 1) * delta + (1 if delta > 0 else -1) if length else start
    return torch.from_numpy(np.arange(start, end, delta, dtype=Tidx.as_numpy_dtype)[:length])


@range_op.shape
def range_shape(start: Any, limit: Any, delta: Any, *, Tidx: DType) -> Dims:
    if start is None or limit is None or delta is None:
        return (None,)
    if any(isinstance(number, list) for number in (start, limit, delta)):
        raise ShapeError("start, limit and delta must have shape ()")
    try:
        return (_length(*_rounded(Tidx, start, limit, delta)),)
    except InvalidArgumentError as error:
        raise ShapeError(error.message) from None


_INT32_MAX = 2**31 - 1
_PROMOTION = (int32, int64, float16, bfloat16, float32, float64)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """Return the numbers from `start` up to, and without, `limit`.

    Args:
        start: the first number; the limit if `limit` is None.
        limit: where the sequence ends; None starts at 0.
        delta: the distance between neighbours, less than 0 to count down.
        dtype: the type; by default the widest of the arguments'.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if `delta` is 0 or leads away from `limit`.
    """
    if limit is None:
        start, limit = 0, start
    if dtype is None and type(start) is type(limit) is type(delta) is int and runs_at_once():
        largest = max(abs(start), abs(limit), abs(delta))
        if largest <= _INT32_MAX and delta * (limit - start) > 0:
            return EagerTensor(torch.arange(start, limit, delta, dtype=torch.int32), int32)
    with op_scope(name, "Range", [start, limit, delta]) as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        values = []
        for value, label in ((start, "start"), (limit, "limit"), (delta, "delta")):
            values.append(value if isinstance(value, Tensor) else convert_to_tensor(value, dtype=wanted, name=label))
        if wanted is None:
            types = [value.dtype.base_dtype for value in values]
            if any(each not in _PROMOTION for each in types):
                wanted = types[0]
                if any(each is not wanted for each in types):
                    raise ValueError(f"tf.range cannot mix {', '.join(each.name for each in types)}; use tf.cast first")
            else:
                wanted = max(types, key=_PROMOTION.index)
        result: Tensor = range_op(*(cast(value, wanted) for value in values), name=scope or name)
        known = [static_value(value) for value in values]
        if result.dims == (None,) and all(isinstance(value, np.ndarray) and not value.ndim for value in known):
            # What is cast, or no integer, is not followed by the shape rule.
            result.set_shape(range_shape(*(value.item() for value in known), Tidx=wanted))  # type: ignore[attr-defined]
        return result


@op(
    "LinSpace(start: host T, stop: host T, num: host Tidx) -> output: T",
    T=FLOATING,
    Tidx=AXIS,
    differentiable=False,
)
def lin_space_op(start: float, stop: float, num: int, *, T: DType) -> Array:
    if num <= 0:
        raise InvalidArgumentError(None, None, f"Requires num > 0: {num}")
    if num > 2**40:
        raise InvalidArgumentError(None, None, f"a sequence of {num} elements is too long")
    return torch.from_numpy(np.linspace(start, stop, num, dtype=np.float64)).to(torch_dtype(T))


@lin_space_op.shape
def lin_space_shape(start: Any, stop: Any, num: Any, *, T: DType) -> Dims:
    if num is not None and num <= 0:
        raise ShapeError(f"num must be greater than 0, got {num}")
    return (num,)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """Return `num` numbers from `start` to `stop`, both included, at equal distances.

    Args:
        start: the first number, or a tensor of them.
        stop: the last number, of the same type and a shape that broadcasts with that of `start`.
        num: how many, 0 or more; 1 gives `start` alone.
        name: the scope of the nodes.
        axis: the axis of the result along which the numbers stand.
    Returns:
        A tensor of the type of `start`; float64 where that is an integer.
    Raises:
        InvalidArgumentError: if `num` is less than 0.
    """
    with op_scope(name, "linspace") as scope:
        is_constant = not isinstance(start, Tensor) and not isinstance(stop, Tensor)
        start = convert_to_tensor(start, name="start")
        stop = convert_to_tensor(stop, name="stop", dtype=start.dtype.base_dtype)
        is_one_sequence = start.dims == () and stop.dims == () and start.dtype.is_floating
        if is_constant and is_one_sequence and axis in (0, -1) and isinstance(num, (int, np.integer)) and num > 0:
            return lin_space_op(start, stop, num, name=scope or name)
        count = convert_to_tensor(num, name="num")
        if not count.dtype.is_integer:
            raise TypeError(f"`num` must be an integer, got {num!r}")
        count = cast(count, int32)
        if start.dims is not None and start.dims == stop.dims:
            common = None
        else:
            common = operation("BroadcastArgs")(shape_op(start), shape_op(stop))
        broadcast, expand = operation("BroadcastTo"), operation("ExpandDims")
        first, last = (expand(each if common is None else broadcast(each, common), axis) for each in (start, stop))
        intervals = operation("Maximum")(count - 1, 1)
        step = (last - first) / cast(intervals, last.dtype.base_dtype)
        first, last = cast(first, step.dtype), cast(last, step.dtype)
        sizes = shape_op(first)
        is_along = operation("Equal")(operation("Range")(0, operation("Size")(sizes), 1), _from_front(axis, sizes))
        # Fewer numbers than none are refused where they are asked for.
        between = cast(range(1, operation("SelectV2")(operation("GreaterEqual")(count, 0), intervals, -1)), step.dtype)
        along = operation("Reshape")(between, operation("SelectV2")(is_along, -1, 1))
        # The ends are `start` and `stop` themselves, whatever the rounding of the steps.
        values = operation("ConcatV2")([first, first + step * along, last], axis)
        wanted_sizes = operation("SelectV2")(is_along, count, sizes)
        return operation("Slice")(values, operation("ZerosLike")(sizes), wanted_sizes, name=scope or name)


def _from_front(axis: int, sizes: Tensor) -> Any:
    return axis if axis >= 0 else operation("Size")(sizes) + axis
