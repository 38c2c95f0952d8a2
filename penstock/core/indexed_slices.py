"""Sparse slices of a tensor: what a gather's gradient is, and what sparse updates take."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.inference import static_shape
from penstock.core.shape import Dims, TensorShape
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec


class IndexedSlices(CompositeTensor):
    """Rows `values[i]` at the positions `indices[i]` of a larger tensor that is zero elsewhere; repeated positions add
    up.

    Args:
        values: tensor of shape (n, ...).
        indices: integer tensor of shape (n,).
        dense_shape: integer tensor with the shape of the larger tensor, where it is known.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The rows."""
        return self._values

    @property
    def indices(self) -> Any:
        """The positions of the rows."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the larger tensor, or None."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the larger tensor."""
        if self._dense_shape is None:
            return TensorShape(None)
        return static_shape(self._dense_shape)

    def get_shape(self) -> TensorShape:
        """Return the static shape of the larger tensor."""
        return self.shape

    @property
    def dims(self) -> Dims:
        """The static shape of the larger tensor, as gradients ask for it; None if it is unknown."""
        shape = self.shape
        return None if shape.rank is None else tuple(shape.as_list())

    @property
    def dtype(self) -> DType:
        """The type of the rows."""
        return self._values.dtype

    @property
    def name(self) -> str:
        """The name of the rows."""
        return self._values.name

    @property
    def device(self) -> str:
        """The device of the rows."""
        return self._values.device

    @property
    def op(self) -> Any:
        """The operation that makes the rows."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph of the rows."""
        return self._values.graph

    @property
    def _type_spec(self) -> IndexedSlicesSpec:
        dense = self._dense_shape
        return IndexedSlicesSpec(
            self.shape,
            self.dtype,
            self._indices.dtype,
            None if dense is None else dense.dtype,
            self._indices.shape,
        )

    def _shape_invariant_to_type_spec(self, shape: TensorShape) -> IndexedSlicesSpec:
        spec = self._type_spec
        return IndexedSlicesSpec(
            shape, spec._dtype, spec._indices_dtype, spec._dense_shape_dtype, TensorShape(shape)[:1]
        )

    def consumers(self) -> list[Any]:
        """Return the operations that take the rows."""
        return self._values.consumers()

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    __repr__ = __str__


class IndexedSlicesSpec(TypeSpec):
    """The type of an `IndexedSlices`.

    Args:
        shape: the static shape of the larger tensor.
        dtype: the type of the rows.
        indices_dtype: the type of the positions.
        dense_shape_dtype: the type of the dense shape; None where values have none.
        indices_shape: the static shape of the positions, (n,).
    """

    __slots__ = ("_dense_shape_dtype", "_dtype", "_indices_dtype", "_indices_shape", "_shape")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._indices_dtype = as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else as_dtype(dense_shape_dtype)
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    @property
    def value_type(self) -> type:
        """`IndexedSlices`."""
        return IndexedSlices

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    @property
    def _component_specs(self) -> Any:
        rows = self._indices_shape.concatenate(self._shape[1:])
        specs = (TensorSpec(rows, self._dtype), TensorSpec(self._indices_shape, self._indices_dtype))
        if self._dense_shape_dtype is None:
            return specs
        return (*specs, TensorSpec([self._shape.rank], self._dense_shape_dtype))

    def _to_components(self, value: Any) -> Any:
        parts = (value.values, value.indices)
        return parts if value.dense_shape is None else (*parts, value.dense_shape)

    def _from_components(self, components: Any) -> Any:
        return IndexedSlices(*components)
