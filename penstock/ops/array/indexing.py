"""Python's own notation for slices: `tensor[...]`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import is_tensor_like
from penstock.core.dispatch import only_runs_kernels
from penstock.core.dtypes import DType, int32, int64
from penstock.core.graph import current_graph, op_scope
from penstock.core.shape import Dimension
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.joining import pack_op
from penstock.ops.array.selecting import boolean_mask
from penstock.ops.array.slicing import plain_view, strided_slice, strided_slice_op
from penstock.ops.constant import constant

_cast_op = deferred("Cast")

_INDEX_HELP = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors "
    "are valid indices, got "
)


_INDEX_TYPES = (int32, int64, dtypes.int16)


def _check_index(index: Any) -> Any:
    """Return an index or a slice bound as an int or a scalar tensor."""
    if type(index) is int:
        return index
    if isinstance(index, (Tensor, np.ndarray)) or is_tensor_like(index):
        dtype, dims = index.dtype, index.shape
        integer = dtype.base_dtype in _INDEX_TYPES if isinstance(dtype, dtypes.DType) else dtype.kind in "iu"
        rank = dims.rank if hasattr(dims, "rank") else len(dims)
        if integer and rank in (0, None):
            return int(index) if isinstance(index, np.ndarray) else index
        raise TypeError(f"{_INDEX_HELP}{index!r}")
    if isinstance(index, (np.integer, Dimension)) and not isinstance(index, bool):
        value = int(index)
        return value
    raise TypeError(f"{_INDEX_HELP}{index!r}")


def _is_open(bound: Any) -> bool:
    return bound is None or (isinstance(bound, Dimension) and bound.value is None)


def _is_mask(index: Any) -> bool:
    if isinstance(index, (bool, np.bool_)):
        return True
    if isinstance(index, np.ndarray):
        return index.dtype == np.bool_
    return isinstance(index, Tensor) and index.dtype == dtypes.bool_


def getitem(tensor: Any, slice_spec: Any, var: Any = None) -> Tensor:
    """Return `tensor[slice_spec]`.

    Args:
        tensor: a tensor.
        slice_spec: an int, a scalar integer tensor, a slice, `...`, None for a new axis, a tuple of those, or a
            boolean mask.
        var: the variable whose slice this is; the result then has a method `assign`.
    Raises:
        TypeError: if the index is of another kind.
        ValueError, InvalidArgumentError: if it is out of bounds.
    """
    if var is None and type(tensor) is EagerTensor and only_runs_kernels():
        view = plain_view(tensor.value, slice_spec)
        if view is not None:
            return EagerTensor(view, tensor.dtype)
    if _is_mask(slice_spec):
        return boolean_mask(tensor, slice_spec)
    if not isinstance(slice_spec, (list, tuple)):
        slice_spec = [slice_spec]
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks: dict[str, Any] = dict.fromkeys(
        ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
    )
    for position, item in enumerate(slice_spec):
        bit = 1 << position
        if isinstance(item, slice):
            begin.append(0 if _is_open(item.start) else _check_index(item.start))
            end.append(0 if _is_open(item.stop) else _check_index(item.stop))
            strides.append(1 if _is_open(item.step) else _check_index(item.step))
            masks["begin_mask"] |= bit if _is_open(item.start) else 0
            masks["end_mask"] |= bit if _is_open(item.stop) else 0
            continue
        if item is Ellipsis or item is None:
            begin.append(0)
            end.append(0)
            masks["ellipsis_mask" if item is Ellipsis else "new_axis_mask"] |= bit
        else:
            index = _check_index(item)
            begin.append(index)
            end.append(index + 1)
            masks["shrink_axis_mask"] |= bit
        strides.append(1)
    if current_graph() is None and var is None and all(type(part) is int for part in (*begin, *end, *strides)):
        starts, stops, steps = _known_bounds(tuple(begin), tuple(end), tuple(strides))
        return strided_slice_op(tensor, starts, stops, steps, **masks)
    with op_scope(None, "strided_slice", [tensor]) as scope:
        starts, stops, steps = _same_type(begin, end, strides)
        return strided_slice(tensor, starts, stops, steps, **masks, var=var, name=scope or None)


@functools.lru_cache(maxsize=1024)
def _known_bounds(*specs: tuple[int, ...]) -> list[Tensor]:
    """Return bounds as eager vectors, which calls with the same bounds share; they are never returned to the caller."""
    return _same_type(*(list(spec) for spec in specs))


def _same_type(*specs: list[Any]) -> list[Tensor]:
    """Return the bounds as vectors of one type: int32, or the type of the tensors among them, the widest found."""
    found = {part.dtype.base_dtype for spec in specs for part in spec if not isinstance(part, int)}
    wide = any(isinstance(part, int) and not -(2**31) <= part < 2**31 for spec in specs for part in spec)
    if wide or int64 in found:
        index_type = int64
    elif len(found) == 1:
        (index_type,) = found
    else:
        index_type = int32
    return [_stack(spec, index_type) for spec in specs]


def _stack(spec: list[Any], index_type: DType) -> Tensor:
    if all(isinstance(part, int) for part in spec):
        return constant(spec, index_type, shape=(len(spec),), name="stack")
    parts = [
        constant(part, index_type)
        if isinstance(part, int)
        else part
        if part.dtype.base_dtype == index_type
        else _cast_op(part, DstT=index_type)
        for part in spec
    ]
    return pack_op(parts, axis=0, name="stack")


Tensor.overload("__getitem__", getitem)
