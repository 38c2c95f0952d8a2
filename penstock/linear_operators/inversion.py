"""The inverse of an operator."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.adjoint_operator import merged_hint
from penstock.linear_operators.operator import LinearOperator


class LinearOperatorInversion(LinearOperator):
    """The inverse of another operator, which is applied by solving with it.

    Args:
        operator: the other operator; its hints hold here as well.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        ValueError: if the operator is said to be singular or not square.
    """

    _composite_tensor_fields = ("operator",)

    def __init__(
        self,
        operator: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        parameters = dict(locals())
        if operator.is_square is False or is_square is False:
            raise ValueError(f"operator must be square.  Found: {operator.shape}")
        if operator.is_non_singular is False or is_non_singular is False:
            raise ValueError("operator and supplied hints must have `is_non_singular=True` or `None`. Found False.")
        is_self_adjoint = merged_hint("is_self_adjoint", is_self_adjoint, operator.is_self_adjoint)
        is_positive_definite = merged_hint("is_positive_definite", is_positive_definite, operator.is_positive_definite)
        is_square = is_non_singular = True
        self._operator = operator
        name = name or f"{operator.name}_inv"
        super().__init__(
            dtype=operator.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def operator(self) -> Any:
        """The operator whose inverse this is."""
        return self._operator

    def _linop_inverse(self) -> LinearOperator:
        return self._operator

    def _linop_solve(self, left: LinearOperator, right: LinearOperator) -> LinearOperator:
        return left.operator.matmul(right)  # type: ignore[attr-defined]

    def _shape(self) -> TensorShape:
        return self._operator.shape

    def _shape_tensor(self) -> Tensor:
        return self._operator.shape_tensor()

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Tensor:
        return self._operator.solvevec(x, adjoint=adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Tensor:
        return self._operator.matvec(rhs, adjoint=adjoint)

    def _determinant(self) -> Tensor:
        return 1.0 / self._operator.determinant()

    def _log_abs_determinant(self) -> Tensor:
        return -self._operator.log_abs_determinant()

    def _eigvals(self) -> Tensor:
        return 1.0 / self._operator.eigvals()

    def _cond(self) -> Tensor:
        return self._operator.cond()
