"""Slices of tensors, by begin and size, by strides, and in Python's own notation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int16, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.inference import is_known, partial_value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, is_static, item_size, moved, sizes
from penstock.ops.array.joining import pack_op
from penstock.ops.array.shaping import reshape_op
from penstock.ops.constant import constant, shape_op

_cast_op = deferred("Cast")
_pad_op = deferred("Pad")
_SLICE_INDEX = frozenset({int16, int32, int64})


# Slice


@op("Slice(input: T, begin: host Index, size: host Index) -> output: T", Index=INDEX, view=True)
def slice_op(input: Value, begin: list[int], size: list[int]) -> Value:
    if len(begin) != input.ndim or len(size) != input.ndim:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected begin and size arguments to be 1-D tensors of size {input.ndim}, but got {begin} and {size}",
        )
    index = []
    for axis, (start, count, extent) in enumerate(zip(begin, size, input.shape, strict=True)):
        if not 0 <= start <= extent:
            raise InvalidArgumentError(None, None, f"Expected begin[{axis}] in [0, {extent}], but got {start}")
        if count == -1:
            count = extent - start
        if not 0 <= count <= extent - start:
            raise InvalidArgumentError(None, None, f"Expected size[{axis}] in [0, {extent - start}], but got {count}")
        index.append(slice(start, start + count))
    return input[tuple(index)] if index else input


@slice_op.shape
def slice_shape(input: Dims, begin: Any, size: Any) -> Dims:
    rank = next((len(given) for given in (input, begin, size) if given is not None), None)
    if rank is None:
        return None
    if any(given is not None and len(given) != rank for given in (input, begin, size)):
        raise ShapeError(
            f"begin and size must have one entry for each axis of the input {format_dims(input)}, got "
            f"{begin} and {size}"
        )
    extents = (None,) * rank if input is None else input
    starts = [None] * rank if begin is None else begin
    counts = [None] * rank if size is None else size
    result: list[int | None] = []
    for axis, (extent, start, count) in enumerate(zip(extents, starts, counts, strict=True)):
        if count == -1:
            count = None if extent is None or start is None else extent - start
        if start is not None and extent is not None and not 0 <= start <= extent:
            raise ShapeError(f"begin[{axis}] must be in [0, {extent}], got {start}")
        if count is not None and (count < 0 or extent is not None and start is not None and start + count > extent):
            raise ShapeError(f"a slice of {count} from {start} does not fit into axis {axis} of size {extent}")
        result.append(count)
    return tuple(result)


@slice_op.partial
def slice_partial(call: Any) -> Any:
    value, begin, size = (partial_value(tensor) for tensor in call.inputs)
    if (
        not isinstance(value, list)
        or call.inputs[0].ndim != 1
        or begin is None
        or size is None
        or not is_known([begin, size])
    ):
        return None
    return value[begin[0] :] if size[0] == -1 else value[begin[0] : begin[0] + size[0]]


@slice_op.gradient
def slice_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    input, begin, _ = call.inputs
    output = call.outputs[0]
    start = partial_value(begin)
    if is_static(input, output) and start is not None and is_known(start):
        paddings: Any = [
            [before, extent - before - count]
            for before, extent, count in zip(start, input.dims, output.dims, strict=True)
        ]
        return _pad_op(grad, reshape_op(constant(paddings, int32), [-1, 2])), None, None
    after = shape_op(input, out_type=begin.dtype) - shape_op(output, out_type=begin.dtype) - begin
    return _pad_op(grad, pack_op([begin, after], axis=1)), None, None


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """Return the part of a tensor that starts at `begin` and has shape `size`.

    Args:
        input_: a tensor of rank r.
        begin: a vector of r positions, counted from 0.
        size: a vector of r sizes; -1 stands for all that is left.
        name: the name of the node.
    """
    return slice_op(input_, begin, size, name=name)


# StridedSlice


class _Masks(NamedTuple):
    """Bit masks over the entries of a strided slice's specification."""

    begin: int
    end: int
    ellipsis: int
    new_axis: int
    shrink_axis: int


class _Range(NamedTuple):
    """What a slice takes of one axis: `extent` elements from `start` on, `step` apart; or one element and no axis."""

    start: int | None
    step: int
    extent: int | None
    shrinks: bool


# One entry for each axis of the result and each axis that goes: a range of the next input axis, or None for a new axis.
_Plan = list[_Range | None]


def _plan(
    dims: Sequence[int | None], begin: Sequence[Any], end: Sequence[Any], strides: Sequence[Any], masks: _Masks
) -> _Plan:
    """Resolve a strided slice against a shape; what is not known while a graph is built gives counts of None."""
    if not len(begin) == len(end) == len(strides):
        raise ShapeError(f"begin, end and strides must have equally many entries, got {begin}, {end} and {strides}")
    if masks.ellipsis & (masks.ellipsis - 1):
        raise ShapeError("multiple ellipses in slice spec not allowed")
    entries = len(begin)
    ellipsis_at = next((i for i in range(entries) if masks.ellipsis >> i & 1), entries)
    consumed = sum(1 for i in range(entries) if i != ellipsis_at and not (masks.new_axis >> i & 1))
    if consumed > len(dims):
        raise ShapeError(f"Index out of range using input dim {len(dims)}; input has only {len(dims)} dims")
    plan: _Plan = []
    axis = 0

    def skip() -> None:
        nonlocal axis
        for _ in range(len(dims) - consumed):
            plan.append(_Range(0, 1, dims[axis], False))
            axis += 1

    for i in range(entries):
        if i == ellipsis_at:
            skip()
        elif masks.new_axis >> i & 1:
            plan.append(None)
        else:
            plan.append(_range(dims[axis], begin[i], end[i], strides[i], i, axis, masks))
            axis += 1
    if ellipsis_at == entries:
        skip()
    return plan


def _range(extent: int | None, begin: Any, end: Any, step: Any, i: int, axis: int, masks: _Masks) -> _Range:
    if step == 0:
        raise ShapeError(f"strides[{i}] must be non-zero")
    if masks.shrink_axis >> i & 1:
        if step is not None and step < 0:
            raise ShapeError("only stride 1 allowed on non-range indexing.")
        if masks.begin >> i & 1:
            begin = 0
        if begin is None or extent is None:
            return _Range(begin, 1, None, True)
        start = begin + extent if begin < 0 else begin
        if not 0 <= start < extent:
            raise ShapeError(f"slice index {begin} of dimension {axis} out of bounds.")
        return _Range(start, 1, 1, True)
    has_begin, has_end = not masks.begin >> i & 1, not masks.end >> i & 1
    if step is None or (has_begin and begin is None) or (has_end and end is None):
        return _Range(None, 1, None, False)
    if extent is None:
        if not has_begin and not has_end and abs(step) == 1:
            return _Range(None, step, None, False)
        count = None
        if has_end and (not has_begin or begin is not None):
            first = begin if has_begin else 0 if step > 0 else -1
            # Both ends counted from the same side, and nothing to take: known to be empty.
            if (first < 0) == (end < 0) and ((end - first) * step <= 0):
                count = 0
        return _Range(None, step, count, False)
    low, high = (0, extent) if step > 0 else (-1, extent - 1)

    def clamp(position: int) -> int:
        return min(max(position + extent if position < 0 else position, low), high)

    start = clamp(begin) if has_begin else (low if step > 0 else high)
    stop = clamp(end) if has_end else (high if step > 0 else low)
    count = max(0, -((start - stop) // step))
    return _Range(start, step, count, False)


def _index(plan: _Plan) -> tuple[tuple[Any, ...], list[int]]:
    """Return a basic index for arrays, and the axes of its result that are still to be reversed."""
    index: list[Any] = []
    reversed_axes: list[int] = []
    result_axis = 0
    for item in plan:
        if item is None:
            index.append(None)
            result_axis += 1
            continue
        start, step, count, shrinks = item
        assert start is not None and count is not None
        if shrinks:
            index.append(start)
            continue
        if not count:
            index.append(slice(0, 0))
        elif step > 0:
            index.append(slice(start, start + (count - 1) * step + 1, step))
        else:
            index.append(slice(start + (count - 1) * step, start + 1, -step))
            if count > 1:
                reversed_axes.append(result_axis)
        result_axis += 1
    return tuple(index), reversed_axes


def _flip(value: Value, axes: list[int]) -> Value:
    if not axes:
        return value
    if not isinstance(value, torch.Tensor):
        return np.flip(value, tuple(axes))
    return moved(lambda given: given.flip(axes), value)


def _kernel_plan(
    dims: Sequence[int], begin: Any, end: Any, strides: Any, masks: _Masks
) -> tuple[tuple[Any, ...], list[int]]:
    try:
        return _resolved(tuple(dims), tuple(begin), tuple(end), tuple(strides), masks)
    except ShapeError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@functools.lru_cache(maxsize=1024)
def _resolved(
    dims: tuple[int, ...], begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...], masks: _Masks
) -> tuple[tuple[Any, ...], list[int]]:
    return _index(_plan(dims, begin, end, strides, masks))


@op(
    "StridedSlice(input: T, begin: host Index, end: host Index, strides: host Index) -> output: T",
    Index=_SLICE_INDEX,
    view=True,
)
def strided_slice_op(
    input: Value,
    begin: list[int],
    end: list[int],
    strides: list[int],
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Value:
    masks = _Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    index, reversed_axes = _kernel_plan(input.shape, begin, end, strides, masks)
    whole = (*index, ...)  # the ellipsis keeps NumPy from returning a bare element
    result = input[whole]
    return _flip(result, reversed_axes)


def plain_view(value: Value, spec: Any) -> Value | None:
    """Return the view of a runtime value for which Python's notation needs no interpretation.

    Args:
        value: the runtime value.
        spec: what stands between the brackets.
    Returns:
        The view; None where `spec` holds more than integers, slices of integers, `...` and None, or does not fit: for
        `StridedSlice` to interpret or to refuse.
    """
    if type(value) is not torch.Tensor:
        return None
    ellipses = 0
    for item in spec if type(spec) is tuple else (spec,):
        if item is Ellipsis:
            ellipses += 1
        elif type(item) is slice:
            for bound in (item.start, item.stop, item.step):
                if bound is not None and type(bound) is not int:
                    return None
        elif type(item) is not int and item is not None:
            return None
    if ellipses > 1:
        return None
    try:
        return value[spec]
    except (IndexError, ValueError, TypeError, RuntimeError):  # negative steps, and what is out of bounds
        return None


def _known_entries(*specs: Any) -> list[list[Any]] | None:
    count = next((len(spec) for spec in specs if spec is not None), None)
    if count is None:
        return None
    return [[None] * count if spec is None else spec for spec in specs]


@strided_slice_op.shape
def strided_slice_shape(input: Dims, begin: Any, end: Any, strides: Any, **masks: int) -> Dims:
    if input is None:
        return None
    specs = _known_entries(begin, end, strides)
    if specs is None:
        return None
    starts, stops, steps = specs
    plan = _plan(input, starts, stops, steps, _Masks(*masks.values()))
    return tuple(1 if item is None else item.extent for item in plan if item is None or not item.shrinks)


@strided_slice_op.partial
def strided_slice_partial(call: Any) -> Any:
    value, begin, end, strides = (partial_value(tensor) for tensor in call.inputs)
    if not isinstance(value, list) or call.inputs[0].ndim != 1 or not is_known([begin, end, strides]):
        return None
    try:
        plan = _plan((len(value),), begin, end, strides, _masks_of(call))
    except ShapeError:
        return None
    ranges = [item for item in plan if item is not None]
    if len(ranges) != 1 or len(plan) > 2:
        return None
    start, step, count, shrinks = ranges[0]
    assert start is not None and count is not None
    taken = value[start] if shrinks else [value[start + i * step] for i in range(count)]
    if len(plan) == 1:
        return taken
    return [taken] if shrinks or plan[0] is None else [[item] for item in taken]


def _masks_of(call: Any) -> _Masks:
    return _Masks(*(call.attrs[f"{name}_mask"] for name in _Masks._fields))


@strided_slice_op.gradient
def strided_slice_gradient(call: Any, grad: Any) -> tuple[Any, None, None, None]:
    input, begin, end, strides = call.inputs
    index_type = begin.dtype.base_dtype
    if index_type == int16:
        index_type = int32
        begin, end, strides = (_cast_op(part, DstT=int32) for part in (begin, end, strides))
    dims = sizes(input, index_type)
    extents = dims if isinstance(dims, Tensor) else constant(dims, index_type)
    return strided_slice_grad_op(extents, begin, end, strides, grad, **_mask_attrs(call)), None, None, None


def _mask_attrs(call: Any) -> dict[str, Any]:
    return {f"{name}_mask": call.attrs[f"{name}_mask"] for name in _Masks._fields}


@op(
    "StridedSliceGrad(shape: host Index, begin: host Index, end: host Index, strides: host Index, dy: T) -> output: T",
    Index=INDEX,
)
def strided_slice_grad_op(
    shape: list[int],
    begin: list[int],
    end: list[int],
    strides: list[int],
    dy: Value,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Value:
    check_allocation(shape, item_size(dy))
    masks = _Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    index, reversed_axes = _kernel_plan(shape, begin, end, strides, masks)
    result = dy.new_zeros(shape)
    target = result[index]
    if target.shape != dy.shape:
        raise InvalidArgumentError(None, None, f"shape of dy was {list(dy.shape)} instead of {list(target.shape)}")
    target.copy_(_flip(dy, reversed_axes))
    return result


@strided_slice_grad_op.shape
def strided_slice_grad_shape(shape: Any, begin: Any, end: Any, strides: Any, dy: Dims, **masks: int) -> Dims:
    return None if shape is None else tuple(shape)


@strided_slice_grad_op.gradient
def strided_slice_grad_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    _, begin, end, strides, _ = call.inputs
    return None, None, None, None, strided_slice_op(grad, begin, end, strides, **_mask_attrs(call))


@op(
    "TensorStridedSliceUpdate(input: T, begin: host Index, end: host Index, strides: host Index, value: T) "
    "-> output: T",
    Index=INDEX,
)
def tensor_strided_slice_update_op(
    input: Value,
    begin: list[int],
    end: list[int],
    strides: list[int],
    value: Value,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Value:
    masks = _Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    result = input.clone() if isinstance(input, torch.Tensor) else input.copy()
    assign_slice(result, begin, end, strides, value, masks)
    return result


def assign_slice(
    target: Value, begin: list[int], end: list[int], strides: list[int], value: Value, masks: tuple[int, ...]
) -> None:
    """Write `value` into a strided slice of a runtime value, in place.

    Args:
        target: the runtime value that is changed.
        begin, end, strides: the specification of the slice.
        value: the new elements, of the shape of the slice.
        masks: the begin, end, ellipsis, new axis and shrink axis masks.
    Raises:
        InvalidArgumentError: if the slice is out of bounds, or `value` has another shape.
    """
    index, reversed_axes = _kernel_plan(target.shape, begin, end, strides, _Masks(*masks))
    index = (*index, ...)
    if value.ndim and value.shape != target[index].shape:
        raise InvalidArgumentError(
            None,
            None,
            f"the value must have the shape of the slice {list(target[index].shape)}, got {list(value.shape)}",
        )
    target[index] = _flip(value, reversed_axes) if value.ndim else value


@tensor_strided_slice_update_op.shape
def tensor_strided_slice_update_shape(
    input: Dims, begin: Any, end: Any, strides: Any, value: Dims, **masks: int
) -> Dims:
    return input


@tensor_strided_slice_update_op.gradient
def tensor_strided_slice_update_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    _, begin, end, strides, value = call.inputs
    zeros = deferred("ZerosLike")(value)
    kept = tensor_strided_slice_update_op(grad, begin, end, strides, zeros, **_mask_attrs(call))
    return kept, None, None, None, strided_slice_op(grad, begin, end, strides, **_mask_attrs(call))


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return a slice of a tensor with a step along each axis, as Python's `input_[begin:end:strides]`.

    Args:
        input_: a tensor.
        begin, end, strides: vectors with an entry for each sliced axis; strides are 1 by default.
        begin_mask, end_mask: bits of entries whose begin or end is left open.
        ellipsis_mask: the bit of the entry that stands for `...`.
        new_axis_mask: bits of entries that stand for a new axis of size 1.
        shrink_axis_mask: bits of entries that take one element and remove the axis.
        var: the variable whose slice this is; the result then has a method `assign`.
        name: the name of the node.
    """
    if strides is None:
        begin = convert_to_tensor(begin)
        strides = deferred("OnesLike")(begin)
    masks: dict[str, Any] = {
        "begin_mask": begin_mask,
        "end_mask": end_mask,
        "ellipsis_mask": ellipsis_mask,
        "new_axis_mask": new_axis_mask,
        "shrink_axis_mask": shrink_axis_mask,
    }
    result = strided_slice_op(input_, begin, end, strides, name=name, **masks)
    if var is not None:

        def assign(value: Any, name: str | None = None) -> Any:
            return var._strided_slice_assign(begin=begin, end=end, strides=strides, value=value, name=name, **masks)

        result.assign = assign
    return result
