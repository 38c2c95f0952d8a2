"""Sparse slices of a tensor: what a gather's gradient is, and what sparse updates take."""

from __future__ import annotations

from typing import Any

from penstock.core.dtypes import DType
from penstock.core.inference import static_shape
from penstock.core.shape import TensorShape


class IndexedSlices:
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

    def consumers(self) -> list[Any]:
        """Return the operations that take the rows."""
        return self._values.consumers()

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    __repr__ = __str__
