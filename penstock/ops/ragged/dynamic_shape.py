"""The shape of a ragged tensor as a value: `tf.shape` of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype, int32
from penstock.core.inference import static_shape, static_value
from penstock.core.shape import TensorShape
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.ragged.ragged_tensor import RaggedTensor, positive_axis
from penstock.ops.ragged.row_partition import RowPartition


class DynamicRaggedShape:
    """The shape of a ragged tensor: partitions of the outer axes, and the sizes of the others.

    Args:
        row_partitions: the partitions, outermost first; none for a dense tensor.
        inner_shape: a vector: the shape of the innermost values.
        dtype: int32 or int64.
        validate: whether the arguments are checked against each other.
        static_inner_shape: what is known of `inner_shape`.
    Raises:
        TypeError: if a partition is none.
    """

    def __init__(
        self,
        row_partitions: Sequence[RowPartition],
        inner_shape: Any,
        dtype: Any = None,
        validate: bool = False,
        static_inner_shape: Any = None,
    ) -> None:
        if any(not isinstance(partition, RowPartition) for partition in row_partitions):
            raise TypeError(f"row_partitions should contain RowPartitions. Received: {row_partitions}")
        kind = as_dtype(dtype) if dtype is not None else None
        if kind is None:
            kind = row_partitions[0].dtype if row_partitions else convert_to_tensor(inner_shape).dtype
        self._partitions = tuple(partition.with_dtype(kind) for partition in row_partitions)
        self._inner_shape = convert_to_tensor(inner_shape, preferred_dtype=kind)
        self._dtype: DType = kind
        known = static_shape(self._inner_shape)
        self._static_inner_shape = known if static_inner_shape is None else known.merge_with(static_inner_shape)

    @classmethod
    def from_tensor(cls, t: Any, dtype: Any = None) -> DynamicRaggedShape:
        """Return the shape of a tensor or RaggedTensor."""
        if isinstance(t, RaggedTensor):
            kind = t.row_splits.dtype if dtype is None else as_dtype(dtype)
            return cls(t._nested_row_partitions, shape(t.flat_values, out_type=kind), kind)
        tensor = convert_to_tensor(t)
        return cls([], shape(tensor, out_type=dtype), dtype)

    @property
    def dtype(self) -> DType:
        """The type of the sizes."""
        return self._dtype

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """The partitions, outermost first."""
        return self._partitions

    @property
    def num_row_partitions(self) -> int:
        """The number of partitions."""
        return len(self._partitions)

    @property
    def inner_shape(self) -> Any:
        """The shape of the innermost values, a vector."""
        return self._inner_shape

    @property
    def inner_rank(self) -> int | None:
        """The number of axes of the innermost values."""
        return self._static_inner_shape.rank

    @property
    def rank(self) -> int | None:
        """The number of axes."""
        inner = self.inner_rank
        return None if inner is None else len(self._partitions) + inner

    def is_uniform(self, axis: int) -> bool:
        """Tell whether all slices along an axis are known to have one size."""
        axis = positive_axis(axis, self.rank, "axis")
        return not 1 <= axis <= len(self._partitions) or self._partitions[axis - 1].is_uniform()

    def static_lengths(self, ragged_lengths: bool = True) -> Sequence[Any]:
        """Return the size of each axis as far as it is known: for a ragged one, the lengths of its rows."""
        if not self._partitions:
            return self._static_inner_shape.as_list()
        sizes: list[Any] = [self._partitions[0].static_nrows]
        for partition in self._partitions:
            if partition.is_uniform():
                sizes.append(partition.static_uniform_row_length)
            else:
                known = static_value(partition.row_lengths()) if ragged_lengths else None
                sizes.append(None if known is None else tuple(known.tolist()))
        inner = self._static_inner_shape
        return [*sizes, *(inner[1:].as_list() if inner.rank is not None else [])]

    def _to_tensor_shape(self) -> TensorShape:
        return TensorShape([size if not isinstance(size, tuple) else None for size in self.static_lengths()])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            if index.step not in (None, 1):
                raise IndexError("Cannot stride through a shape")
            start, stop, _ = index.indices(self.rank or len(self._partitions) + 1)
            if start == 0 and stop == self.rank:
                return self
            if start <= len(self._partitions) and not all(self.is_uniform(axis) for axis in range(start, stop)):
                raise ValueError("a part of a ragged shape must be of uniform axes")
            parts = [reshape(self[axis], [1]) for axis in range(start, stop)]
            empty = convert_to_tensor([], self._dtype)
            return DynamicRaggedShape([], concat(parts, 0) if parts else empty, self._dtype)
        axis = positive_axis(index, self.rank, "index")
        if not self._partitions:
            return self._inner_shape[axis]
        if axis == 0:
            return self._partitions[0].nrows()
        if axis <= len(self._partitions):
            length = self._partitions[axis - 1].uniform_row_length()
            if length is None:
                raise ValueError(f"Index {axis} is not uniform")
            return length
        return self._inner_shape[axis - len(self._partitions)]

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, DynamicRaggedShape):
            return NotImplemented
        mine, theirs = self.static_lengths(), other.static_lengths()
        return list(mine) == list(theirs)

    def __hash__(self) -> int:
        raise TypeError("DynamicRaggedShape is unhashable: its sizes are tensors.")

    def __repr__(self) -> str:
        lengths = ", ".join(str(size) for size in self.static_lengths())
        return f"<DynamicRaggedShape lengths=[{lengths}] num_row_partitions={self.num_row_partitions}>"


def ragged_shape(input: Any, out_type: Any = None, name: str | None = None) -> DynamicRaggedShape:
    """Return the shape of a RaggedTensor; see `tf.shape`."""
    return DynamicRaggedShape.from_tensor(input, out_type or int32)
