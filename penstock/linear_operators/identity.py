"""The identity and its multiples."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.inference import static_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.diagonal import diag_part, eye, set_diag
from penstock.ops.array.filling import ones, zeros, zeros_like
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_to
from penstock.ops.constant import no_op
from penstock.ops.debugging.comparisons import assert_near, assert_positive
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj, imag, real
from penstock.ops.math.exponential import log
from penstock.ops.math.unary import abs as absolute


def checked_size(value: Any, what: str) -> Any:
    """Return a number of rows or columns: a Python number where it is known, else a scalar tensor.

    Raises:
        TypeError: if it is not an integer.
        ValueError: if it is no scalar, or negative.
    """
    tensor = convert_to_tensor(value, name=what)
    if not tensor.dtype.is_integer:
        raise TypeError(f"Argument {what} must be integer type.  Found: {tensor}")
    known = static_value(tensor)
    if tensor.shape.rank not in (0, None):
        raise ValueError(f"Argument {what} must be a 0-D Tensor.  Found: {value}")
    if known is None:
        return cast(tensor, dtypes.int32)
    if known < 0:
        raise ValueError(f"Argument {what} must be non-negative.  Found: {known}")
    return int(known)


def checked_batch(batch_shape: Any) -> Any:
    """Return a batch shape as a list of numbers where it is known, else as an int32 vector.

    Raises:
        TypeError: if it does not hold integers.
        ValueError: if it is no vector, or has negative sizes.
    """
    if batch_shape is None:
        return []
    if isinstance(batch_shape, TensorShape):
        return batch_shape.as_list()
    tensor = convert_to_tensor(batch_shape, dtype=None if np.size(batch_shape) else "int32", name="batch_shape_arg")
    if not tensor.dtype.is_integer:
        raise TypeError(f"Argument batch_shape must be integer type.  Found: {batch_shape}")
    if tensor.shape.rank not in (1, None):
        raise ValueError(f"Argument batch_shape must be a 1-D Tensor.  Found: {batch_shape}")
    known = static_value(tensor)
    if known is None:
        return cast(tensor, dtypes.int32)
    if (np.asarray(known) < 0).any():
        raise ValueError(f"Argument batch_shape must be non-negative.  Found: {batch_shape}")
    return [int(size) for size in known]


class LinearOperatorIdentity(LinearOperator):
    """The identity.

    Args:
        num_rows: N, an integer or a scalar tensor.
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
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = True,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = True,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorIdentity",
    ) -> None:
        parameters = dict(locals())
        if not (is_self_adjoint and is_non_singular and is_positive_definite):
            raise ValueError("An identity operator is always self-adjoint, non-singular and positive definite.")
        if not is_square:
            raise ValueError("An identity operator is always square.")
        dtype = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        self._num_rows = checked_size(num_rows, "num_rows")
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
        return LinearOperatorIdentity(self._num_rows, batch_shape=batch, dtype=self.dtype)

    def _shape(self) -> TensorShape:
        rows = self._num_rows if isinstance(self._num_rows, int) else None
        batch = TensorShape(self._batch if isinstance(self._batch, list) else [None] * (self._batch.shape[0] or 0))
        return batch.concatenate([rows, rows])

    def _shape_tensor(self) -> Tensor:
        return joined(self._batch_tensor(), self._num_rows, self._num_rows)

    def _batch_tensor(self) -> Tensor:
        return vector(self._batch) if isinstance(self._batch, list) else self._batch

    def _spread(self, x: Any) -> Tensor:
        """Return `x`, broadcast to the batch shape."""
        if isinstance(self._batch, list) and not self._batch:
            return x
        batch = broadcast_dynamic_shape(batch_sizes(x, 2), self._batch_tensor())
        return broadcast_to(x, joined(batch, *[size_along(x, axis) for axis in (-2, -1)]))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._spread(adjoint_of(x, adjoint_arg))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def _to_dense(self) -> Tensor:
        batch = None if isinstance(self._batch, list) and not self._batch else self._batch_tensor()
        return eye(self._num_rows, batch_shape=batch, dtype=self.dtype)

    def _diag_part(self) -> Tensor:
        return ones(joined(self._batch_tensor(), self._num_rows), self.dtype)

    def _trace(self) -> Tensor:
        return cast(self._num_rows, self.dtype) * ones(self._batch_tensor(), self.dtype)

    def _determinant(self) -> Tensor:
        return ones(self._batch_tensor(), self.dtype)

    def _log_abs_determinant(self) -> Tensor:
        return zeros(self._batch_tensor(), self.dtype)

    def _eigvals(self) -> Tensor:
        return self._diag_part()

    def _cond(self) -> Tensor:
        return ones(self._batch_tensor(), self.dtype)

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Tensor:
        """Return `I + mat`, for square matrices `mat`."""
        with self._scope(name):
            mat = self._spread(convert_to_tensor(mat, name="mat"))
            return set_diag(mat, diag_part(mat) + 1)

    def _assert_non_singular(self) -> Any:
        return no_op("assert_non_singular")

    def _assert_positive_definite(self) -> Any:
        return no_op("assert_positive_definite")

    def _assert_self_adjoint(self) -> Any:
        return no_op("assert_self_adjoint")


class LinearOperatorScaledIdentity(LinearOperator):
    """Multiples of the identity.

    Args:
        num_rows: N, an integer or a scalar tensor.
        multiplier: a tensor `[B1, ..., Bb]`.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
        assert_proper_shapes: accepted; sizes are checked where they are known.
    Raises:
        ValueError: if a hint or a size is impossible.
    """

    _composite_tensor_fields = ("multiplier",)

    def __init__(
        self,
        num_rows: Any,
        multiplier: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorScaledIdentity",
    ) -> None:
        parameters = dict(locals())
        if not is_square:
            raise ValueError("A ScaledIdentity operator is always square.")
        self._multiplier = keep_variable(multiplier, name="multiplier")
        if not self._multiplier.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            is_self_adjoint = True
        self._num_rows = checked_size(num_rows, "num_rows")
        super().__init__(
            dtype=self._multiplier.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def multiplier(self) -> Any:
        """The factors, of shape `[B1, ..., Bb]`."""
        return self._multiplier

    def _shape(self) -> TensorShape:
        rows = self._num_rows if isinstance(self._num_rows, int) else None
        return self._multiplier.shape.concatenate([rows, rows])

    def _shape_tensor(self) -> Tensor:
        return joined(batch_sizes(self._multiplier, 0), self._num_rows, self._num_rows)

    def _factor(self, adjoint: bool = False) -> Tensor:
        factor = convert_to_tensor(self._multiplier)[..., None, None]
        return conj(factor) if adjoint and self.dtype.is_complex else factor

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._factor(adjoint) * adjoint_of(x, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return adjoint_of(rhs, adjoint_arg) / self._factor(adjoint)

    def _diag_part(self) -> Tensor:
        row = ones(vector([self._num_rows]), self.dtype)
        return self._factor()[..., 0] * row

    def _trace(self) -> Tensor:
        return self._factor()[..., 0, 0] * cast(self._num_rows, self.dtype)

    def _determinant(self) -> Tensor:
        return self._factor()[..., 0, 0] ** cast(self._num_rows, self.dtype)

    def _log_abs_determinant(self) -> Tensor:
        size = log(absolute(self._factor()[..., 0, 0]))
        return cast(size * cast(self._num_rows, size.dtype), self.dtype)

    def _eigvals(self) -> Tensor:
        return self._diag_part()

    def _cond(self) -> Tensor:
        return ones(self.batch_shape_tensor(), self.dtype)

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Tensor:
        """Return `multiplier I + mat`, for square matrices `mat`."""
        with self._scope(name):
            mat = convert_to_tensor(mat, name="mat") + zeros_like(self._factor())
            return set_diag(mat, diag_part(mat) + self._factor()[..., 0])

    def _assert_non_singular(self) -> Any:
        return assert_positive(absolute(self._multiplier), message="LinearOperator was singular")

    def _assert_positive_definite(self) -> Any:
        return assert_positive(real(self._multiplier), message="LinearOperator was not positive definite.")

    def _assert_self_adjoint(self) -> Any:
        parts = imag(self._multiplier)
        return assert_near(parts, zeros_like(parts), message="LinearOperator was not self-adjoint")
