"""The conjugate transpose of an operator."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.math.complex import conj


class LinearOperatorAdjoint(LinearOperator):
    """The conjugate transpose of another operator.

    Args:
        operator: the other operator; its hints hold here as well.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
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
        is_non_singular = merged_hint("is_non_singular", is_non_singular, operator.is_non_singular)
        is_self_adjoint = merged_hint("is_self_adjoint", is_self_adjoint, operator.is_self_adjoint)
        is_positive_definite = merged_hint("is_positive_definite", is_positive_definite, operator.is_positive_definite)
        is_square = merged_hint("is_square", is_square, operator.is_square)
        self._operator = operator
        name = name or f"{operator.name}_adjoint"
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
        """The operator whose adjoint this is."""
        return self._operator

    def _linop_adjoint(self) -> LinearOperator:
        return self._operator

    def _shape(self) -> TensorShape:
        static = self._operator.shape
        return static[:-2].concatenate([static[-1], static[-2]]) if static.rank is not None else static

    def _shape_tensor(self) -> Tensor:
        sizes = self._operator.shape_tensor()
        return joined(sizes[:-2], sizes[-1], sizes[-2])

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Tensor:
        return self._operator.matvec(x, adjoint=not adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Tensor:
        return self._operator.solvevec(rhs, adjoint=not adjoint)

    def _determinant(self) -> Tensor:
        value = self._operator.determinant()
        return conj(value) if self.dtype.is_complex else value

    def _log_abs_determinant(self) -> Tensor:
        return self._operator.log_abs_determinant()

    def _trace(self) -> Tensor:
        value = self._operator.trace()
        return conj(value) if self.dtype.is_complex else value

    def _diag_part(self) -> Tensor:
        value = self._operator.diag_part()
        return conj(value) if self.dtype.is_complex else value

    def _to_dense(self) -> Tensor:
        return adjoint_of(self._operator.to_dense())

    def _eigvals(self) -> Tensor:
        value = self._operator.eigvals()
        return conj(value) if self.dtype.is_complex else value

    def _cond(self) -> Tensor:
        return self._operator.cond()

    def _assert_non_singular(self) -> Any:
        return self._operator.assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        return self._operator.assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        return self._operator.assert_self_adjoint()


def merged_hint(what: str, given: bool | None, implied: bool | None) -> bool | None:
    """Return a hint that is given or implied.

    Raises:
        ValueError: if the two contradict each other.
    """
    if given is not None and implied is not None and given != implied:
        raise ValueError(
            f"The hint {what}={given} contradicts the operator's, {implied}. Leave it out, or correct one."
        )
    return implied if given is None else given
