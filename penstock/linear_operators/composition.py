"""Products of operators, applied one after the other."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, combined_hint
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_static_shape


class LinearOperatorComposition(LinearOperator):
    """The product `A1 A2 ... AJ` of operators whose inner dimensions agree.

    Args:
        operators: a non-empty list of operators of one type.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the types differ.
        ValueError: if there is no operator, or inner dimensions differ.
    """

    _composite_tensor_fields = ("operators",)

    def __init__(
        self,
        operators: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        parameters = dict(locals())
        self._operators = checked_operators(operators)
        if is_non_singular is False and combined_hint([o.is_non_singular for o in self._operators]):
            raise ValueError("The composition of non-singular operators is always non-singular.")
        if is_non_singular is None:
            is_non_singular = combined_hint([o.is_non_singular for o in self._operators])
        if is_square is None:
            is_square = combined_hint([o.is_square for o in self._operators])
        name = name or "_o_".join(o.name for o in self._operators)
        super().__init__(
            dtype=self._operators[0].dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def operators(self) -> list[Any]:
        """The operators, the one applied last first."""
        return self._operators

    def _shape(self) -> TensorShape:
        batch = TensorShape([])
        for operator in self._operators:
            batch = broadcast_static_shape(batch, operator.batch_shape)
        ends = [self._operators[0]._static_rows(), self._operators[-1]._static_columns()]
        return batch.concatenate(ends)

    def _shape_tensor(self) -> Tensor:
        batch = batch_of(self._operators)
        return joined(batch, self._operators[0].range_dimension_tensor(), self._operators[-1].domain_dimension_tensor())

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        result = adjoint_of(x, adjoint_arg)
        for operator in self._operators if adjoint else reversed(self._operators):
            result = operator.matmul(result, adjoint=adjoint)
        return result

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        result = adjoint_of(rhs, adjoint_arg)
        for operator in reversed(self._operators) if adjoint else self._operators:
            result = operator.solve(result, adjoint=adjoint)
        return result

    def _determinant(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._determinant()
        result = self._operators[0].determinant()
        for operator in self._operators[1:]:
            result = result * operator.determinant()
        return result

    def _log_abs_determinant(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._log_abs_determinant()
        result = self._operators[0].log_abs_determinant()
        for operator in self._operators[1:]:
            result = result + operator.log_abs_determinant()
        return result

    def _assert_non_singular(self) -> Any:
        if all(operator.is_square for operator in self._operators):
            return [operator.assert_non_singular() for operator in self._operators]
        return super()._assert_non_singular()


def checked_operators(operators: Any, chained: bool = True) -> list[Any]:
    """Return operators as a list.

    Args:
        operators: the operators.
        chained: whether each one's columns must be as many as the next one's rows.
    Raises:
        TypeError: if the types differ.
        ValueError: if there is none, or inner dimensions differ.
    """
    given = list(operators)
    if not given:
        raise ValueError(f"Expected a non-empty list of operators. Found: {operators}")
    if any(operator.dtype != given[0].dtype for operator in given):
        names = "   ".join(f"({operator.name!r}, {operator.dtype!r})" for operator in given)
        raise TypeError(f"Expected all operators to have the same dtype.  Found {names}")
    if chained:
        for left, right in zip(given, given[1:]):
            inner, rows = left._static_columns(), right._static_rows()
            if inner is not None and rows is not None and inner != rows:
                raise ValueError(
                    f"Operators are incompatible: {left.name} has {inner} columns, and {right.name}, which comes after "
                    f"it, {rows} rows. Order them so that these agree."
                )
    return given


def batch_of(operators: Any) -> Tensor:
    """Return the batch shape, int32, to which those of operators broadcast."""
    batch = operators[0].batch_shape_tensor()
    for operator in operators[1:]:
        batch = broadcast_dynamic_shape(batch, operator.batch_shape_tensor())
    return batch
