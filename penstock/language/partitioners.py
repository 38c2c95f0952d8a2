"""How large variables are cut into slices along one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core.dtypes import DType, string
from penstock.core.shape import TensorShape

Partitioner = Callable[..., list[int]]


class PartitionInfo:
    """Which slice of a partitioned variable an initializer is asked for.

    Args:
        full_shape: the shape of the whole.
        var_offset: where the slice begins.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        if len(full_shape) != len(var_offset):
            raise ValueError(f"full_shape {full_shape} and var_offset {var_offset} must have equally many entries")
        if any(offset < 0 or offset >= size for offset, size in zip(var_offset, full_shape, strict=True)):
            raise ValueError(f"var_offset {var_offset} must lie within full_shape {full_shape}")
        self.full_shape = list(full_shape)
        self.var_offset = list(var_offset)

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """Return the axis along which a slice of this shape is smaller than the whole; None if it is the whole."""
        axes = [axis for axis, (size, full) in enumerate(zip(shape, self.full_shape, strict=True)) if size < full]
        if len(axes) > 1:
            raise ValueError(
                f"a slice of shape {list(shape)} of a whole of shape {self.full_shape} is cut along several axes"
            )
        return axes[0] if axes else None

    def single_offset(self, shape: Sequence[int]) -> int:
        """Return where a slice of this shape begins along the axis that is cut."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]


def _check(shape: Any, dtype: Any, axis: int) -> list[int]:
    if not isinstance(shape, TensorShape):
        raise ValueError(f"shape is not a TensorShape: {shape}")
    if not shape.is_fully_defined():
        raise ValueError(f"shape is not fully defined: {shape}")
    if not isinstance(dtype, DType):
        raise ValueError(f"dtype is not a DType: {dtype}")
    if not 0 <= axis < len(shape):
        raise ValueError(f"Cannot partition along axis {axis} when shape is only {shape}")
    return [int(size or 0) for size in shape.as_list()]


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """Return a partitioner whose slices have at most a number of bytes.

    Args:
        max_shard_bytes: the most that a slice may take.
        axis: the axis along which to cut.
        bytes_per_string_element: what a string is taken to need.
        max_shards: the most slices; None for any number.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards is not None and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        sizes = _check(shape, dtype, axis)
        element = bytes_per_string_element if dtype.base_dtype == string else dtype.size
        partitions = [1] * len(sizes)
        bytes_per_slice = math.prod(sizes) // max(1, sizes[axis]) * element
        slices_per_shard = max(1, max_shard_bytes // max(1, bytes_per_slice))
        shards = max(1, math.ceil(sizes[axis] / slices_per_shard))
        partitions[axis] = shards if max_shards is None else min(max_shards, shards)
        return partitions

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Partitioner:
    """Return a partitioner whose slices have at least a number of bytes.

    Args:
        max_partitions: the most slices.
        axis: the axis along which to cut.
        min_slice_size: the least that a slice should take, in bytes.
        bytes_per_string_element: what a string is taken to need.
    """

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        if max_partitions < 1 or min_slice_size < 1:
            raise ValueError("max_partitions and min_slice_size must be positive.")
        sizes = _check(shape, dtype, axis)
        element = bytes_per_string_element if dtype.base_dtype == string else dtype.size
        partitions = [1] * len(sizes)
        most = max(1, math.ceil(math.prod(sizes) * element / min_slice_size))
        partitions[axis] = max(1, min(sizes[axis], max_partitions, most))
        return partitions

    return partitioner


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Return a partitioner that makes a fixed number of slices.

    Args:
        num_shards: the number; an axis that is shorter gives as many as it has elements.
        axis: the axis along which to cut.
    """

    def partitioner(shape: TensorShape, **_: Any) -> list[int]:
        partitions = [1] * len(shape)
        partitions[axis] = min(num_shards, int(shape.as_list()[axis] or 0))
        return partitions

    return partitioner


def call_partitioner(partitioner: Partitioner, shape: TensorShape, dtype: DType) -> list[int]:
    """Return what a partitioner says, checked.

    Raises:
        ValueError: if the shape is not known, or the answer does not fit it, or cuts more than one axis.
    """
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    partitions = partitioner(shape=shape, dtype=dtype)
    if not isinstance(partitions, (list, tuple)):
        raise ValueError(f"Partitioner must return a list of partition counts, but returned: {partitions}")
    if len(partitions) != len(shape):
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {partitions} vs. {shape}"
        )
    if any(count < 1 for count in partitions):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {partitions}")
    if sum(count > 1 for count in partitions) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {partitions}")
    return list(partitions)


def slices(sizes: Sequence[int], partitions: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield offset and shape of each slice; where the axis does not divide evenly, the first slices are one larger.

    Args:
        sizes: the shape of the whole.
        partitions: the number of slices along each axis.
    """
    axis = next((axis for axis, count in enumerate(partitions) if count > 1), 0)
    count = partitions[axis]
    if count > sizes[axis]:
        raise ValueError(f"Cannot cut axis {axis} of shape {list(sizes)} into {count} slices")
    size, extra = divmod(sizes[axis], count)
    offset, shape = [0] * len(sizes), list(sizes)
    for index in range(count):
        shape[axis] = size + (index < extra)
        yield offset.copy(), shape.copy()
        offset[axis] += shape[axis]
