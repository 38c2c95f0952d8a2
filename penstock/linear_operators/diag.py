"""Diagonal matrices, by their diagonals."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.diagonal import diag, diag_part, set_diag
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.shaping import expand_dims
from penstock.ops.constant import identity
from penstock.ops.debugging.comparisons import assert_less, assert_near, assert_positive
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj, imag, real
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_max, reduce_min, reduce_prod, reduce_sum
from penstock.ops.math.unary import abs as absolute


class LinearOperatorDiag(LinearOperator):
    """Diagonal matrices.

    Args:
        diag: the diagonals, a tensor `[B1, ..., Bb, N]`.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        ValueError: if `diag` is a scalar, or a hint contradicts what a diagonal matrix is.

    >>> import penstock as tf
    >>> operator = tf.linalg.LinearOperatorDiag([1.0, 2.0])
    >>> operator.solvevec([3.0, 4.0]).numpy().tolist()
    [3.0, 2.0]
    """

    _composite_tensor_fields = ("diag",)

    def __init__(
        self,
        diag: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorDiag",
    ) -> None:
        parameters = dict(locals())
        self._diag = keep_variable(diag, name="diag")
        if self._diag.shape.rank == 0:
            raise ValueError(f"Argument diag must have at least 1 dimension.  Found: {self._diag}")
        if not self._diag.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            is_self_adjoint = True
        if is_square is False:
            raise ValueError("Only square diagonal operators currently supported.")
        is_square = True
        super().__init__(
            dtype=self._diag.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def diag(self) -> Any:
        """The diagonals."""
        return self._diag

    def _event_rank(self, field: str) -> int:
        return 1

    def _shape(self) -> TensorShape:
        return self._diag.shape.concatenate(self._diag.shape[-1:])

    def _shape_tensor(self) -> Tensor:
        size = size_along(self._diag, -1)
        return joined(batch_sizes(self._diag, 1), size, size)

    def _factors(self, adjoint: bool) -> Any:
        return conj(self._diag) if adjoint else convert_to_tensor(self._diag)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return expand_dims(self._factors(adjoint), -1) * adjoint_of(x, adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Tensor:
        return self._factors(adjoint) * x

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return adjoint_of(rhs, adjoint_arg) / expand_dims(self._factors(adjoint), -1)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Tensor:
        return rhs / self._factors(adjoint)

    def _determinant(self) -> Tensor:
        return reduce_prod(self._diag, axis=-1)

    def _log_abs_determinant(self) -> Tensor:
        total = reduce_sum(log(absolute(self._diag)), axis=-1)
        return cast(total, self.dtype)

    def _to_dense(self) -> Tensor:
        return diag(self._diag)

    def _diag_part(self) -> Tensor:
        return identity(self._diag)

    def _add_to_tensor(self, x: Any) -> Tensor:
        return set_diag(x + zeros_like(self.to_dense()), diag_part(x) + self._diag)

    def _eigvals(self) -> Tensor:
        return convert_to_tensor(self._diag)

    def _cond(self) -> Tensor:
        sizes = absolute(self._diag)
        condition = reduce_max(sizes, axis=-1) / reduce_min(sizes, axis=-1)
        return cast(condition, self.dtype)

    def _assert_non_singular(self) -> Any:
        sizes = absolute(self._diag)
        return assert_less(zeros_like(sizes), sizes, message="Singular operator:  Diagonal contained zero values.")

    def _assert_positive_definite(self) -> Any:
        what = "Complex" if self.dtype.is_complex else "Real"
        return assert_positive(
            real(self._diag),
            message=f"{what} diagonal operator had non-positive diagonal entries, thus was not positive definite.",
        )

    def _assert_self_adjoint(self) -> Any:
        parts = imag(self._diag)
        return assert_near(
            parts,
            zeros_like(parts),
            message="This diagonal operator contained non-zero imaginary values.  Thus it was not self-adjoint.",
        )
