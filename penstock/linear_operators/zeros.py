"""Matrices of zeros."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.identity import checked_batch, checked_size
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.filling import zeros
from penstock.ops.array.shaping import broadcast_dynamic_shape
from penstock.ops.math.binary import minimum


class LinearOperatorZeros(LinearOperator):
    """Matrices of zeros.

    Args:
        num_rows: M, an integer or a scalar tensor.
        num_columns: N, by default `num_rows`.
        batch_shape: the sizes of the batch; none by default.
        dtype: the type of the elements, float32 by default.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
        assert_proper_shapes: accepted; sizes are checked where they are known.
    Raises:
        ValueError: if a hint or a size is impossible.
    """

    def __init__(
        self,
        num_rows: Any,
        num_columns: Any = None,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = False,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = False,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorZeros",
    ) -> None:
        parameters = dict(locals())
        if is_non_singular:
            raise ValueError("A zeros operator is always singular.")
        if is_positive_definite:
            raise ValueError("A zeros operator is never positive definite.")
        dtype = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        self._num_rows = checked_size(num_rows, "num_rows")
        self._num_columns = self._num_rows if num_columns is None else checked_size(num_columns, "num_columns")
        if is_square and isinstance(self._num_rows, int) and isinstance(self._num_columns, int):
            if self._num_rows != self._num_columns:
                raise ValueError(
                    f"LinearOperatorZeros initialized as is_square=True, but got num_rows({self._num_rows}) != "
                    f"num_columns({self._num_columns})"
                )
        self._batch = checked_batch(batch_shape)
        super().__init__(
            dtype=dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    def _sliced(self, slices: tuple[Any, ...]) -> LinearOperator:
        batch = zeros(self.batch_shape_tensor())[slices].shape
        return self._with_components({"batch_shape": batch})

    def _shape(self) -> TensorShape:
        known = [size if isinstance(size, int) else None for size in (self._num_rows, self._num_columns)]
        batch = TensorShape(self._batch if isinstance(self._batch, list) else [None] * (self._batch.shape[0] or 0))
        return batch.concatenate(known)

    def _shape_tensor(self) -> Tensor:
        return joined(self._batch_tensor(), self._num_rows, self._num_columns)

    def _batch_tensor(self) -> Tensor:
        return vector(self._batch) if isinstance(self._batch, list) else self._batch

    def _linop_adjoint(self) -> LinearOperator:
        return self._with_components({"num_rows": self._num_columns, "num_columns": self._num_rows})

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        x = adjoint_of(x, adjoint_arg)
        batch = broadcast_dynamic_shape(batch_sizes(x, 2), self._batch_tensor())
        return zeros(joined(batch, self._num_columns if adjoint else self._num_rows, size_along(x, -1)), self.dtype)

    def _to_dense(self) -> Tensor:
        return zeros(self.shape_tensor(), self.dtype)

    def _diag_part(self) -> Tensor:
        return zeros(joined(self._batch_tensor(), minimum(self._num_rows, self._num_columns)), self.dtype)

    def _trace(self) -> Tensor:
        return zeros(self._batch_tensor(), self.dtype)

    def _determinant(self) -> Tensor:
        return zeros(self._batch_tensor(), self.dtype)

    def _eigvals(self) -> Tensor:
        return self._diag_part()

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Tensor:
        """Return `mat`."""
        with self._scope(name):
            return convert_to_tensor(mat, name="mat")

    def _assert_non_singular(self) -> Any:
        raise ValueError("Singular operator: a zeros operator is not invertible.")

    def _assert_positive_definite(self) -> Any:
        raise ValueError("A zeros operator is not positive definite.")
