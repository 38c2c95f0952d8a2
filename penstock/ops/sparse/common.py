"""What the kernels and functions on sparse tensors share: checks of components, and the order of positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import nest
from penstock.core.array import Array, Value
from penstock.core.dtypes import NUMBER, QUANTIZED
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_equal, expect_rank
from penstock.core.sparse_tensor import SparseTensor, SparseTensorValue
from penstock.ops.array.common import moved
from penstock.ops.state.scatter import occurrences

NUMERIC = NUMBER | QUANTIZED
_LARGEST = 2**63 - 1


def invalid(text: str) -> InvalidArgumentError:
    """Return the error for an input that a kernel refuses."""
    return InvalidArgumentError(None, None, text)


def check_parts(indices: Array, values: Value | None, shape: Any, name: str = "") -> None:
    """Refuse components that do not make up a sparse tensor.

    Args:
        indices: the positions.
        values: what stands there; None where an operation does not take them.
        shape: the dense shape.
        name: a prefix of the names in messages.
    Raises:
        InvalidArgumentError: if ranks or numbers do not fit.
    """
    if indices.ndim != 2:
        raise invalid(f"Input {name}indices should be a matrix but received shape {list(indices.shape)}")
    if not isinstance(shape, list):
        raise invalid(f"Input {name}shape should be a vector but received the scalar {shape}")
    if values is not None:
        if values.ndim != 1:
            raise invalid(f"Input {name}values should be a vector but received shape {list(values.shape)}")
        if len(values) != len(indices):
            raise invalid(
                f"The number of {name}values must match the number of {name}indices, got {len(values)} values and "
                f"{len(indices)} indices"
            )
    if len(shape) != indices.shape[1]:
        raise invalid(
            f"The rank of the {name}shape must match the columns of {name}indices, got shape {shape} and indices of "
            f"shape {list(indices.shape)}"
        )
    check_dims(shape)


def check_dims(dims: Sequence[int]) -> None:
    """Refuse dense shapes with negative sizes, and those with more elements than int64 can count.

    Raises:
        InvalidArgumentError: for such a shape.
    """
    if any(size < 0 for size in dims):
        raise invalid(f"Dimension {min(dims)} must be >= 0 in the dense shape {list(dims)}")
    if math.prod(dims) > _LARGEST:
        raise invalid(f"The dense shape {list(dims)} has more elements than int64 can count")


def first_outside(indices: Array, dims: Sequence[int]) -> int | None:
    """Return the first row of positions that lies outside of a shape; None where there is none."""
    if not indices.numel():
        return None
    outside = ((indices < 0) | (indices >= torch.tensor(dims, dtype=indices.dtype))).any(1)
    return int(outside.int().argmax()) if bool(outside.any()) else None


def check_bounds(indices: Array, dims: Sequence[int]) -> None:
    """Refuse positions outside of a shape.

    Raises:
        InvalidArgumentError: naming the first of them.
    """
    row = first_outside(indices, dims)
    if row is not None:
        raise invalid(
            f"indices[{row}] = [{_text(indices[row])}] is out of bounds: need 0 <= index < [{','.join(map(str, dims))}]"
        )


def check_order(indices: Array, dims: Sequence[int]) -> None:
    """Refuse positions outside of a shape, repeated ones, and those not in row-major order.

    Raises:
        InvalidArgumentError: naming the first of them.
    """
    check_bounds(indices, dims)
    keys = row_keys(indices)
    wrong = keys[1:] <= keys[:-1]
    if bool(wrong.any()):
        row = int(wrong.int().argmax()) + 1
        if bool(keys[row] == keys[row - 1]):
            raise invalid(f"indices[{row}] = [{_text(indices[row])}] is repeated")
        raise invalid(
            f"indices[{row}] = [{_text(indices[row])}] is out of order. Many sparse ops require sorted indices. Use "
            "`tf.sparse.reorder` to create a correctly ordered copy."
        )


def _text(row: Array) -> str:
    return ",".join(map(str, row.tolist()))


def strides(dims: Sequence[int]) -> list[int]:
    """Return how far apart neighbours along each axis are in row-major order."""
    return [math.prod(dims[axis + 1 :]) for axis in range(len(dims))]


def linear(indices: Array, dims: Sequence[int]) -> Array:
    """Return the row-major place of each position within a dense shape."""
    if not dims:
        return torch.zeros(len(indices), dtype=torch.int64)
    return (indices.long() * torch.tensor(strides(dims))).sum(1)


def row_keys(indices: Array) -> Array:
    """Return numbers that order rows as row-major order does, and are equal where the rows are."""
    if not indices.numel():
        return torch.zeros(len(indices), dtype=torch.int64)
    low = indices.min(0).values
    extents = (indices.max(0).values - low + 1).tolist()
    if math.prod(extents) <= _LARGEST and min(extents) > 0:
        return linear(indices - low, extents)
    keys: Array = torch.unique(indices, dim=0, return_inverse=True)[1]
    return keys


def union(*groups: Array) -> tuple[Array, list[Array]]:
    """Return the positions that occur in any of several matrices, in order, and where each row is among them.

    A position that a matrix repeats is kept as often; the k-th of one matrix is paired with the k-th of another.
    """
    together = torch.cat(groups)
    keys = row_keys(together)
    sizes = [len(group) for group in groups]
    rounds = [occurrences(part) for part in keys.split(sizes)]
    if any(part is not None for part in rounds):
        turns = [torch.zeros(n, dtype=torch.int64) if r is None else r for n, r in zip(sizes, rounds, strict=True)]
        keys = row_keys(torch.stack([keys, torch.cat(turns)], 1))
    unique, places = torch.unique(keys, return_inverse=True)
    rows = together.new_empty((len(unique), together.shape[1]))
    rows[places] = together
    return rows, list(places.split(sizes))


def group(indices: Array) -> tuple[Array, Array]:
    """Return the distinct rows in order, and which of them each row is."""
    unique, places = torch.unique(row_keys(indices), return_inverse=True)
    rows = indices.new_empty((len(unique), indices.shape[1]))
    rows[places] = indices
    return rows, places


def take(values: Value, places: Array) -> Value:
    """Return the elements at `places` (numbers, or a mask) of a vector."""
    if isinstance(values, np.ndarray):
        return values[places.numpy()]
    return moved(lambda v: v[places], values)


def joined(parts: Sequence[Value]) -> Value:
    """Return vectors one after the other."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return moved(lambda *tensors: torch.cat(tensors), *parts) if len(parts) > 1 else parts[0].clone()


def is_zero_dim(value: Value) -> bool:
    """Tell whether a runtime value is a scalar."""
    return value.ndim == 0


# Shape rules


def parts_dims(indices: Dims, values: Dims, shape: Any) -> tuple[int | None, int | None]:
    """Return the number of values and the rank of a sparse tensor, as far as its components tell.

    Raises:
        ShapeError: if they contradict each other.
    """
    rows, columns = expect_rank(indices, 2, "indices")
    (count,) = expect_rank(values, 1, "values")
    rank = len(shape) if isinstance(shape, list) else None
    return (
        expect_equal("the number of entries", indices=rows, values=count),
        expect_equal("the rank", indices=columns, shape=rank),
    )


def known_dims(shape: Any) -> Dims:
    """Return a partly known vector of sizes as a static shape."""
    return tuple(size if size is None or size >= 0 else None for size in shape) if isinstance(shape, list) else None


# Functions


def as_sparse(value: Any, name: str = "sp_input") -> SparseTensor:
    """Return a SparseTensor, made from a `SparseTensorValue` where that was given.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError(f"Input must be a SparseTensor. Got {name} = {value!r}; tf.sparse.from_dense makes one.")
    return value


def is_sparse(value: Any) -> bool:
    """Tell whether a value is a SparseTensor, or the value of one."""
    return isinstance(value, (SparseTensor, SparseTensorValue))


def components(sparse: SparseTensor) -> tuple[Any, Any, Any]:
    """Return positions, values and dense shape, as operations take them."""
    return sparse.indices, sparse.values, sparse.dense_shape


def sparse_like(indices: Any, values: Any, dense_shape: Any, static: Any = None) -> SparseTensor:
    """Return a SparseTensor of the outputs of an operation, with what else is known of its shape."""
    result = SparseTensor(indices, values, dense_shape)
    if static is not None:
        result.set_shape(static)
    return result


def flat_components(values: Sequence[Any]) -> list[Any]:
    """Return what names a scope's inputs: the components of sparse tensors, and other values as they are."""
    return nest.flatten(list(values), expand_composites=True)
