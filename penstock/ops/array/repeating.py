"""Elements repeated one by one."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, is_static
from penstock.ops.array.gather import gather_v2_op
from penstock.ops.array.joining import concat, stack, tile
from penstock.ops.array.selecting import boolean_mask, sequence_mask
from penstock.ops.array.shaping import expand_dims, reshape, shape

_cast_op = deferred("Cast")
_max_op = deferred("Max")
_maximum_op = deferred("Maximum")
_range_op = deferred("Range")


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Return `input` with its elements repeated.

    Args:
        input: a tensor.
        repeats: how often, a scalar or a number for each element along the axis.
        axis: the axis along which elements are repeated; by default the input is flattened first.
        name: the name of the nodes.
    """
    with op_scope(name, "Repeat", [input, repeats]):
        data = convert_to_tensor(input, name="input")
        if axis is None:
            data, axis = reshape(data, [-1]), 0
        if data.ndim is None:
            raise ValueError("repeat needs an input of known rank")
        if not isinstance(axis, Integral):
            raise TypeError(f"`axis` must be an integer, got {axis!r}")
        if not -data.ndim <= axis < max(data.ndim, 1):
            raise ValueError(f"Argument `axis` = {axis} is out of range for an input of shape {data.shape}")
        if data.ndim == 0:
            data = reshape(data, [1])
        rank = data.ndim
        assert rank is not None
        axis %= rank
        counts = convert_to_tensor(repeats, name="repeats")
        if not counts.dtype.is_integer:
            raise TypeError(f"`repeats` must be integers, got {counts.dtype.name}")
        counts = _cast_op(counts, DstT=int32)
        if counts.ndim == 1 and counts.dims[0] == 1:
            counts = reshape(counts, [])
        if counts.ndim == 0:
            tiled = tile(expand_dims(data, axis + 1), stack([counts if i == axis + 1 else 1 for i in range(rank + 1)]))
            if is_static(data):
                assert data.dims is not None
                dims: Any = [-1 if i == axis else extent for i, extent in enumerate(data.dims)]
                if 0 in dims:
                    dims[axis] = data.dims[axis] * counts
                    dims = stack(dims)
            else:
                extents = shape(data)
                dims = concat([extents[:axis], [extents[axis] * counts], extents[axis + 1 :]], 0)
            return reshape(tiled, dims)
        if counts.ndim != 1:
            raise ValueError(f"repeats must be a scalar or a vector, got shape {counts.shape}")
        extent = shape(data)[axis]
        positions = _range_op(0, extent, 1)
        longest = _maximum_op(_max_op(counts, [0], keep_dims=False), 0)  # the largest of none is the smallest number
        rows = tile(expand_dims(positions, 1), stack([1, longest]))
        return gather_v2_op(data, boolean_mask(rows, sequence_mask(counts, longest)), axis)
