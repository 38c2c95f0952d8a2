"""Lower triangular matrices."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along, solve_lower
from penstock.linear_operators.operator import FLOATING_OR_COMPLEX, LinearOperator, check_dtype, joined, product
from penstock.ops.array.diagonal import band_part, diag_part
from penstock.ops.array.filling import zeros_like
from penstock.ops.debugging.comparisons import assert_none_equal
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_prod, reduce_sum
from penstock.ops.math.unary import abs as absolute


class LinearOperatorLowerTriangular(LinearOperator):
    """Lower triangular matrices: what stands above the diagonal of the given ones counts as 0.

    Args:
        tril: a tensor `[B1, ..., Bb, N, N]` of a floating or complex type.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the type is another one.
        ValueError: if `is_square` is False.
    """

    _composite_tensor_fields = ("tril",)

    def __init__(
        self,
        tril: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ) -> None:
        parameters = dict(locals())
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.  Found: is_square=False.")
        is_square = True
        self._tril = keep_variable(tril, name="tril")
        check_dtype(self._tril, FLOATING_OR_COMPLEX, "tril")
        if self._tril.shape.rank is not None and self._tril.shape.rank < 2:
            raise ValueError(f"Argument `tril` must have at least 2 dimensions. Received: {tril}.")
        super().__init__(
            dtype=self._tril.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def tril(self) -> Any:
        """The matrices, as given."""
        return self._tril

    def _lower(self) -> Tensor:
        return band_part(self._tril, -1, 0)

    def _shape(self) -> TensorShape:
        return self._tril.shape

    def _shape_tensor(self) -> Tensor:
        return joined(batch_sizes(self._tril, 2), size_along(self._tril, -2), size_along(self._tril, -1))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return product(self._lower(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return solve_lower(self._lower(), adjoint_of(rhs, adjoint_arg), adjoint=adjoint)

    def _to_dense(self) -> Tensor:
        return self._lower()

    def _diag_part(self) -> Tensor:
        return diag_part(self._tril)

    def _determinant(self) -> Tensor:
        return reduce_prod(self._diag_part(), axis=-1)

    def _log_abs_determinant(self) -> Tensor:
        return reduce_sum(log(absolute(self._diag_part())), axis=-1)

    def _eigvals(self) -> Tensor:
        return self._diag_part()

    def _assert_non_singular(self) -> Any:
        diagonal = self._diag_part()
        return assert_none_equal(
            diagonal, zeros_like(diagonal), message="Singular operator:  Diagonal contained zero values."
        )
