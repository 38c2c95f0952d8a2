"""Grids of coordinates, and paddings that make spaces divisible into blocks."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.graph import op_scope
from penstock.core.inference import static_value
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.filling import zeros
from penstock.ops.array.joining import pack_op, stack
from penstock.ops.array.shaping import broadcast_to, reshape, size
from penstock.ops.constant import constant


def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    """Return for each vector of coordinates a tensor that repeats it along the axes of all others.

    Args:
        args: n vectors.
        indexing: "xy" (the default, the first two axes exchanged) or "ij".
        name: the name of the nodes.
    Returns:
        n tensors of rank n.
    Raises:
        TypeError: for another keyword.
        ValueError: for another indexing.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` must be 'xy' or 'ij', got '{indexing}'")
    with op_scope(name, "meshgrid", args):
        if not args:
            return []
        tensors = [convert_to_tensor(arg) for arg in args]
        rank = len(tensors)
        axes = list(range(rank))
        if indexing == "xy" and rank > 1:
            axes[0], axes[1] = 1, 0
        extents: list[Any] = [None] * rank
        for tensor, axis in zip(tensors, axes, strict=True):
            extents[axis] = _length(tensor)
        shape: Any = extents if all(isinstance(extent, int) for extent in extents) else pack_op(extents, axis=0)
        grids = []
        for tensor, axis in zip(tensors, axes, strict=True):
            own = [1] * rank
            own[axis] = -1
            grids.append(broadcast_to(reshape(tensor, own), shape))
        return grids


def _length(tensor: Tensor) -> Any:
    dims = tensor.dims
    if dims is None or None in dims:
        return size(tensor)
    count = 1
    for extent in dims:
        assert extent is not None
        count *= extent
    return count


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the padding that makes a space divisible by blocks, and the crops that undo it.

    Args:
        input_shape: a vector of n sizes.
        block_shape: a vector of n block sizes.
        base_paddings: integers of shape (n, 2), the least padding; zero by default.
        name: the name of the nodes.
    Returns:
        `paddings` and `crops`, both of shape (n, 2).
    """
    with op_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        input_shape = convert_to_tensor(input_shape, int32, name="input_shape")
        block_shape = convert_to_tensor(block_shape, int32, name="block_shape")
        if block_shape.dims is None or None in block_shape.dims or block_shape.ndim != 1:
            raise ValueError(f"block_shape must be a vector of known length, got shape {block_shape.shape}")
        count = block_shape.dims[0]
        if count == 0:
            return zeros([0, 2], int32), zeros([0, 2], int32)
        base = (
            zeros([count, 2], int32)
            if base_paddings is None
            else convert_to_tensor(base_paddings, int32, name="base_paddings")
        )
        known = [static_value(tensor) for tensor in (input_shape, block_shape, base)]
        if all(value is not None for value in known):
            extents, blocks, least = known
            before = least[:, 0]
            full = extents + before + least[:, 1]
            extra = -full % blocks
            return (
                constant(
                    [[b, e] for b, e in zip(before.tolist(), (least[:, 1] + extra).tolist(), strict=True)],
                    int32,
                    name="paddings",
                ),
                constant([[0, e] for e in extra.tolist()], int32, name="crops"),
            )
        before, after = base[:, 0], base[:, 1]
        full = input_shape + before + after
        extra = deferred("FloorMod")(block_shape - deferred("FloorMod")(full, block_shape), block_shape)
        end = after + extra
        paddings = stack([stack([before[i], end[i]]) for i in range(count)], name="paddings")
        crops = stack([stack([constant(0), extra[i]]) for i in range(count)], name="crops")
        return paddings, crops
