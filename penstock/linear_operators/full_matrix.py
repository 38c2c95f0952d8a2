"""Matrices that are written out."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import batch_sizes, keep_variable, size_along
from penstock.linear_operators.operator import FLOATING_OR_COMPLEX, LinearOperator, check_dtype, joined, product
from penstock.ops.constant import identity


class LinearOperatorFullMatrix(LinearOperator):
    """Matrices given as a tensor.

    Args:
        matrix: a tensor `[B1, ..., Bb, M, N]` of a floating or complex type.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the type is another one.
        ValueError: if `matrix` has fewer than two axes.
    """

    _composite_tensor_fields = ("matrix",)

    def __init__(
        self,
        matrix: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorFullMatrix",
    ) -> None:
        parameters = dict(locals())
        self._matrix = keep_variable(matrix, name="matrix")
        check_dtype(self._matrix, FLOATING_OR_COMPLEX, "matrix")
        if self._matrix.shape.rank is not None and self._matrix.shape.rank < 2:
            raise ValueError(f"Argument `matrix` must have at least 2 dimensions. Received: {matrix}.")
        super().__init__(
            dtype=self._matrix.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def matrix(self) -> Any:
        """The matrices."""
        return self._matrix

    def _shape(self) -> TensorShape:
        return self._matrix.shape

    def _shape_tensor(self) -> Tensor:
        return joined(batch_sizes(self._matrix, 2), size_along(self._matrix, -2), size_along(self._matrix, -1))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return product(convert_to_tensor(self._matrix), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self) -> Tensor:
        return identity(self._matrix)
