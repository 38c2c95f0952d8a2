"""XlaDynamicSlice and XlaDynamicUpdateSlice: slices whose starts are tensors, kept within bounds."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.shaping import shape


def _window(whole: Array, starts: list[int], sizes: Any) -> tuple[slice, ...]:
    """Return where a block of `sizes` lies in `whole` if it begins at `starts`, moved so that it fits."""
    places = []
    for start, size, limit in zip(starts, sizes, whole.shape, strict=True):
        if size > limit:
            raise InvalidArgumentError(
                None, None, f"the block {list(sizes)} is larger than the whole, of shape {list(whole.shape)}"
            )
        first = min(max(start, 0), limit - size)
        places.append(slice(first, first + size))
    return tuple(places)


@op(
    "XlaDynamicSlice(input: T, start_indices: host Tindices, size_indices: host Tindices) -> output: T",
    Tindices=(int32, int64),
    view=True,
)
def xla_dynamic_slice_op(input: Array, start_indices: list[int], size_indices: list[int]) -> Array:
    return input[_window(input, start_indices, size_indices)]


@xla_dynamic_slice_op.shape
def xla_dynamic_slice_shape(input: Dims, start_indices: Any, size_indices: Any) -> Dims:
    if size_indices is not None:
        return tuple(size_indices)
    return None if input is None else (None,) * len(input)


@xla_dynamic_slice_op.gradient
def xla_dynamic_slice_gradient(call: Any, grad: Tensor) -> list[Tensor | None]:
    return [xla_dynamic_update_slice_op(zeros_like(call.inputs[0]), grad, call.inputs[1]), None, None]


@op("XlaDynamicUpdateSlice(input: T, update: T, indices: host Tindices) -> output: T", Tindices=(int32, int64))
def xla_dynamic_update_slice_op(input: Array, update: Array, indices: list[int]) -> Array:
    result = torch.clone(input)
    result[_window(input, indices, update.shape)] = update
    return result


@xla_dynamic_update_slice_op.shape
def xla_dynamic_update_slice_shape(input: Dims, update: Dims, indices: Any) -> Dims:
    return input


@xla_dynamic_update_slice_op.gradient
def xla_dynamic_update_slice_gradient(call: Any, grad: Tensor) -> list[Tensor | None]:
    update, indices = call.inputs[1], call.inputs[2]
    sizes = shape(update, out_type=indices.dtype)
    return [
        xla_dynamic_update_slice_op(grad, zeros_like(update), indices),
        xla_dynamic_slice_op(grad, indices, sizes),
        None,
    ]


def dynamic_slice(x: Any, starts: Any, sizes: Any) -> Tensor:
    """Return the block of `x` with the given sizes that begins at `starts`, moved so that it lies within `x`."""
    return xla_dynamic_slice_op(x, convert_to_tensor(starts), convert_to_tensor(sizes))


def dynamic_update_slice(x: Any, updates: Any, starts: Any) -> Tensor:
    """Return `x` with a block replaced by `updates`, which begins at `starts`, moved so that it lies within `x`."""
    return xla_dynamic_update_slice_op(x, updates, convert_to_tensor(starts))
