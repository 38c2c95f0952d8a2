"""Kronecker products."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.composition import batch_of, checked_operators
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, combined_hint, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import broadcast_static_shape, expand_dims, matrix_transpose, reshape
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_prod


class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product `A1 x A2 x ... x AJ` of operators.

    It is applied factor by factor: the vector is seen as a tensor with an axis for each factor, which multiplies it
    along that axis.

    Args:
        operators: a non-empty list of operators of one type.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the types differ.
        ValueError: if there is no operator, or hints contradict the operators'.
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
        self._operators = checked_operators(operators, chained=False)
        for hint, given, text in (
            ("is_non_singular", is_non_singular, "non-singular"),
            ("is_self_adjoint", is_self_adjoint, "self-adjoint"),
        ):
            if given is False and combined_hint([getattr(o, hint) for o in self._operators]):
                raise ValueError(f"The Kronecker product of {text} operators is always {text}.")
        if is_non_singular is None:
            is_non_singular = combined_hint([o.is_non_singular for o in self._operators])
        if is_self_adjoint is None:
            is_self_adjoint = combined_hint([o.is_self_adjoint for o in self._operators])
        if is_square is None:
            is_square = combined_hint([o.is_square for o in self._operators])
        name = name or "_x_".join(o.name for o in self._operators)
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
        """The factors."""
        return self._operators

    def _shape(self) -> TensorShape:
        batch = TensorShape([])
        rows: int | None = 1
        columns: int | None = 1
        for operator in self._operators:
            batch = broadcast_static_shape(batch, operator.batch_shape)
            height, width = operator._static_rows(), operator._static_columns()
            rows = None if rows is None or height is None else rows * height
            columns = None if columns is None or width is None else columns * width
        return batch.concatenate([rows, columns])

    def _shape_tensor(self) -> Tensor:
        rows = reduce_prod(vector([operator.range_dimension_tensor() for operator in self._operators]))
        columns = reduce_prod(vector([operator.domain_dimension_tensor() for operator in self._operators]))
        return joined(batch_of(self._operators), rows, columns)

    def _apply(self, x: Any, method: str, adjoint: bool) -> Tensor:
        """Apply each factor along its axis."""
        batch, columns = batch_sizes(x, 2), size_along(x, -1)
        result = x
        for operator in self._operators:
            takes_rows = adjoint == (method == "matmul")
            size = operator.range_dimension_tensor() if takes_rows else operator.domain_dimension_tensor()
            # The factor's axis is the first; what it gives goes last, so that the next factor's axis comes first.
            result = getattr(operator, method)(reshape(result, joined(batch, size, -1)), adjoint=adjoint)
            batch = batch_sizes(result, 2)
            result = matrix_transpose(result)
        # Now the columns of `x` come first.
        return matrix_transpose(reshape(result, joined(batch, columns, -1)))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._apply(adjoint_of(x, adjoint_arg), "matmul", adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._solve(rhs, adjoint, adjoint_arg)
        return self._apply(adjoint_of(rhs, adjoint_arg), "solve", adjoint)

    def _outer(self, parts: list[Any]) -> Tensor:
        result = parts[0]
        for part in parts[1:]:
            grid = expand_dims(result, -1) * expand_dims(part, -2)
            result = reshape(grid, concat([batch_sizes(grid, 2), vector([-1])], 0))
        return result

    def _diag_part(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._diag_part()
        return self._outer([operator.diag_part() for operator in self._operators])

    def _eigvals(self) -> Tensor:
        return self._outer([operator.eigvals() for operator in self._operators])

    def _trace(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._trace()
        result = self._operators[0].trace()
        for operator in self._operators[1:]:
            result = result * operator.trace()
        return result

    def _determinant(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._determinant()
        total = self.domain_dimension_tensor()
        result = None
        for operator in self._operators:
            power = operator.determinant() ** cast(total // operator.domain_dimension_tensor(), self.dtype)
            result = power if result is None else result * power
        return result  # type: ignore[return-value]

    def _log_abs_determinant(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._log_abs_determinant()
        total = self.domain_dimension_tensor()
        result = None
        for operator in self._operators:
            share = operator.log_abs_determinant() * cast(total // operator.domain_dimension_tensor(), self.dtype)
            result = share if result is None else result + share
        return result  # type: ignore[return-value]

    def _assert_non_singular(self) -> Any:
        return [operator.assert_non_singular() for operator in self._operators]

    def _assert_self_adjoint(self) -> Any:
        return [operator.assert_self_adjoint() for operator in self._operators]
