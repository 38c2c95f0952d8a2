"""Positions in a flattened array as coordinates."""

from __future__ import annotations

import math
from typing import Any

import torch

from penstock.core.dtypes import int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX


@op("UnravelIndex(indices: Tidx, dims: host Tidx) -> output: Tidx", Tidx=Type(INDEX, default=int32))
def unravel_index_op(indices: torch.Tensor, dims: list[int]) -> torch.Tensor:
    if not isinstance(dims, list):
        raise InvalidArgumentError(None, None, f"The indices can only be a vector of sizes, got the scalar {dims}")
    total = math.prod(dims)
    outside = (indices < 0) | (indices >= total)
    if outside.any():
        raise InvalidArgumentError(
            None, None, f"index is out of bound as with dims: index {int(indices[outside][0])}, dims {dims}"
        )
    coordinates = []
    rest = indices
    for size in reversed(dims):
        coordinates.append(rest % size)
        rest = torch.div(rest, size, rounding_mode="floor")
    return torch.stack(coordinates[::-1]) if coordinates else indices.new_zeros((0, *indices.shape))


@unravel_index_op.shape
def unravel_index_shape(indices: Dims, dims: Any) -> Dims:
    if indices is None:
        return None
    count = None if dims is None else len(dims)
    return (count, *indices) if len(indices) == 0 else (count, math.prod(indices) if None not in indices else None)  # type: ignore[arg-type]


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Return the coordinates of positions in a flattened array.

    Args:
        indices: positions, a scalar or a vector.
        dims: the shape of the array.
        name: the name of the node.
    Returns:
        Coordinates of shape (rank of the array,) or (rank of the array, number of positions).
    """
    return unravel_index_op(indices, dims, name=name)
