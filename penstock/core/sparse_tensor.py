"""Sparse tensors: the positions and values of what is not zero."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from penstock.core import dtypes
from penstock.core.api_dispatch import activate
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.inference import partial_value, static_shape
from penstock.core.shape import TensorShape
from penstock.core.tensor import EagerTensor
from penstock.core.type_spec import BatchableTypeSpec, CompositeTensor, TensorSpec

SparseTensorValue = namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])


class SparseTensor(CompositeTensor):
    """A tensor that is zero but at `indices`, where it is `values`.

    Args:
        indices: int64 tensor (n, rank): the positions, in row-major order for most operations.
        values: tensor (n,): what stands there.
        dense_shape: int64 tensor (rank,).
    Raises:
        ValueError: if the static shapes of the three do not fit together.
    """

    _is_first = True

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        if SparseTensor._is_first:
            SparseTensor._is_first = False
            activate(SparseTensor)
        self._indices: Any = convert_to_tensor(indices, dtypes.int64, name="indices")
        self._values: Any = convert_to_tensor(values, name="values")
        self._dense_shape: Any = convert_to_tensor(dense_shape, dtypes.int64, name="dense_shape")
        positions = self._indices.shape.with_rank(2)
        count, rank = self._values.shape.with_rank(1), self._dense_shape.shape.with_rank(1)
        positions.merge_with(count.concatenate(rank))
        self._static_shape = static_shape(self._dense_shape)
        if self._static_shape.rank is not None:
            sizes = partial_value(self._dense_shape)
            if any(size is not None and size < -1 for size in sizes):
                raise ValueError(f"Dimension {min(size for size in sizes if size is not None)} must be >= 0")

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Return a SparseTensor of a `SparseTensorValue`, or the SparseTensor given.

        Raises:
            TypeError: if it is neither.
        """
        if not isinstance(sparse_tensor_value, (SparseTensorValue, SparseTensor)):
            raise TypeError(f"Argument sparse_tensor_value={sparse_tensor_value} is neither SparseTensor nor its value")
        return cls(*sparse_tensor_value) if isinstance(sparse_tensor_value, tuple) else sparse_tensor_value

    @property
    def indices(self) -> Any:
        """The positions, int64 (n, rank)."""
        return self._indices

    @property
    def values(self) -> Any:
        """What stands at the positions, (n,)."""
        return self._values

    @property
    def dense_shape(self) -> Any:
        """The shape, an int64 tensor (rank,)."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._static_shape

    def get_shape(self) -> TensorShape:
        """Return the static shape."""
        return self._static_shape

    def set_shape(self, shape: Any) -> None:
        """Add what is known to the static shape.

        Raises:
            ValueError: if it contradicts what was known.
        """
        self._static_shape = self._static_shape.merge_with(shape)

    @property
    def dtype(self) -> DType:
        """The type of the values."""
        return self._values.dtype

    @property
    def op(self) -> Any:
        """The operation that makes the values."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph of the components."""
        return self._indices.graph

    def with_values(self, new_values: Any) -> SparseTensor:
        """Return a SparseTensor with other values at the same positions."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def consumers(self) -> list[Any]:
        """Return the operations that take the components; eagerly there are none."""
        if isinstance(self._values, EagerTensor):
            return []
        return [op for part in (self._indices, self._values, self._dense_shape) for op in part.consumers()]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Return the value in a session, as a `SparseTensorValue`."""
        parts = [part.eval(feed_dict, session) for part in (self._indices, self._values, self._dense_shape)]
        return SparseTensorValue(*parts)

    @property
    def _type_spec(self) -> SparseTensorSpec:
        return SparseTensorSpec(self.shape, self.dtype)

    def _shape_invariant_to_type_spec(self, shape: TensorShape) -> SparseTensorSpec:
        """Return the spec that a loop holds this value to.

        Args:
            shape: the static shape of the vector `dense_shape`: (rank,).
        Raises:
            ValueError: if it is not the shape of a vector.
        """
        vector = TensorShape(shape)
        if vector.rank is not None and vector.rank != 1:
            raise ValueError(
                f"Expected a shape with 1 dimension. Obtained: {vector} which has {vector.rank} dimensions."
            )
        rank = None if vector.rank is None else vector.as_list()[0]
        return SparseTensorSpec(None if rank is None else [None] * rank, self.dtype)

    def __str__(self) -> str:
        return f"SparseTensor(indices={self._indices}, values={self._values}, dense_shape={self._dense_shape})"

    __repr__ = __str__


class SparseTensorSpec(BatchableTypeSpec):
    """The type of a `SparseTensor`.

    Args:
        shape: its static dense shape.
        dtype: the type of its values.
    """

    __slots__ = ("_dtype", "_shape")

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)

    @property
    def shape(self) -> TensorShape:
        """The static dense shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the values."""
        return self._dtype

    @property
    def value_type(self) -> type:
        """`SparseTensor`."""
        return SparseTensor

    @classmethod
    def from_value(cls, value: Any) -> SparseTensorSpec:
        """Return the spec of a SparseTensor or a SparseTensorValue.

        Raises:
            TypeError: if it is neither.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if isinstance(value, SparseTensorValue):
            return cls(list(value.dense_shape), as_dtype(value.values.dtype))
        raise TypeError("Expected SparseTensor or SparseTensorValue")

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        rank, count = self._shape.rank, None
        return (
            TensorSpec([count, rank], dtypes.int64),
            TensorSpec([count], self._dtype),
            TensorSpec([rank], dtypes.int64),
        )

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return value.indices, value.values, value.dense_shape

    def _from_components(self, components: Any) -> Any:
        result = SparseTensor(*components)
        result._static_shape = result._static_shape.merge_with(self._shape)
        return result

    def _batch(self, batch_size: int | None) -> SparseTensorSpec:
        return SparseTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> SparseTensorSpec:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:], self._dtype)
