"""Reflections at a hyperplane."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along
from penstock.linear_operators.operator import FLOATING_OR_COMPLEX, LinearOperator, check_dtype, joined, product
from penstock.ops.array.diagonal import diag_part, set_diag
from penstock.ops.array.filling import ones, zeros
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims
from penstock.ops.constant import no_op
from penstock.ops.linalg.norms import normalize
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj
from penstock.ops.math.unary import square


class LinearOperatorHouseholder(LinearOperator):
    """Householder reflections `I - 2 v v^H`, for unit vectors v.

    Args:
        reflection_axis: a tensor `[B1, ..., Bb, N]`; v is this vector divided by its norm.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the type is not floating or complex.
        ValueError: if a hint contradicts what a reflection is, or the axis is a scalar.
    """

    _composite_tensor_fields = ("reflection_axis",)

    def __init__(
        self,
        reflection_axis: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorHouseholder",
    ) -> None:
        parameters = dict(locals())
        self._reflection_axis = keep_variable(reflection_axis, name="reflection_axis")
        check_dtype(self._reflection_axis, FLOATING_OR_COMPLEX, "reflection_axis")
        if self._reflection_axis.shape.rank == 0:
            raise ValueError(f"Argument `reflection_axis` must have at least 1 dimension. Received: {reflection_axis}.")
        if is_self_adjoint is False:
            raise ValueError("A Householder operator is always self adjoint.")
        if is_positive_definite is True:
            raise ValueError("A Householder operator is always non-positive definite.")
        if is_square is False:
            raise ValueError("A Householder operator is always square.")
        is_self_adjoint = is_square = True
        is_positive_definite = False
        super().__init__(
            dtype=self._reflection_axis.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def reflection_axis(self) -> Any:
        """The axis of the reflection, as given."""
        return self._reflection_axis

    def _event_rank(self, field: str) -> int:
        return 1

    def _shape(self) -> TensorShape:
        return self._reflection_axis.shape.concatenate(self._reflection_axis.shape[-1:])

    def _shape_tensor(self) -> Tensor:
        size = size_along(self._reflection_axis, -1)
        return joined(batch_sizes(self._reflection_axis, 1), size, size)

    def _column(self) -> Tensor:
        return expand_dims(normalize(convert_to_tensor(self._reflection_axis), axis=-1)[0], -1)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        x, v = adjoint_of(x, adjoint_arg), self._column()
        return x - 2 * (v * product(v, x, adjoint_a=True))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _to_dense(self) -> Tensor:
        v = self._column()
        dense = -2 * product(v, v, adjoint_b=True)
        return set_diag(dense, 1.0 + diag_part(dense))

    def _diag_part(self) -> Tensor:
        v = self._column()[..., 0]
        return 1.0 - 2 * (v * conj(v) if self.dtype.is_complex else square(v))

    def _trace(self) -> Tensor:
        return self._batch_ones() * cast(size_along(self._reflection_axis, -1), self.dtype) - 2

    def _batch_ones(self) -> Tensor:
        return ones(self.batch_shape_tensor(), self.dtype)

    def _determinant(self) -> Tensor:
        return -self._batch_ones()

    def _log_abs_determinant(self) -> Tensor:
        return zeros(self.batch_shape_tensor(), self.dtype)

    def _eigvals(self) -> Tensor:
        like = self._reflection_axis
        rest = ones(joined(self.batch_shape_tensor(), size_along(like, -1) - 1), self.dtype)
        return concat([-ones(joined(self.batch_shape_tensor(), 1), self.dtype), rest], axis=-1)

    def _cond(self) -> Tensor:
        return self._batch_ones()

    def _assert_non_singular(self) -> Any:
        return no_op()
