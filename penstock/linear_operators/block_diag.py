"""Block diagonal matrices, and how operators with blocks take blocks of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.composition import batch_of, checked_operators
from penstock.linear_operators.matrices import adjoint_of, combined_hint, common_batch, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.joining import concat, split
from penstock.ops.array.padding import pad
from penstock.ops.array.shaping import broadcast_static_shape, broadcast_to
from penstock.ops.math.reduce import reduce_sum


class BlockwiseOperator(LinearOperator):
    """An operator whose products and solutions take and give lists of blocks as well as one tensor."""

    _operators: list[Any]

    def _row_operators(self) -> list[Any]:
        """Return an operator for each block of rows, which has that many rows."""
        raise NotImplementedError("_row_operators is not implemented.")

    def _blockwise(self, x: Any, axis: int, method: Callable[..., Any], name: str) -> Any:
        """Call a method on blocks as one tensor, and return the result as blocks."""
        sizes = [operator.range_dimension_tensor() for operator in self._row_operators()]
        parts = [convert_to_tensor(part, dtype=self.dtype if not hasattr(part, "dtype") else None) for part in x]
        if axis == -2:
            parts = common_batch(parts)
        with self._scope(name):
            return split(method(concat(parts, axis=axis)), vector(sizes), axis=axis)

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """Return the product `A X`; blocks where `x` is a list of blocks (see `LinearOperator.matmul`)."""
        if not isinstance(x, (list, tuple)) or not _are_blocks(x):
            return super().matmul(x, adjoint, adjoint_arg, name)
        blocks = [adjoint_of(convert_to_tensor(part), adjoint_arg) for part in x]
        return self._blockwise(blocks, -2, lambda whole: super(BlockwiseOperator, self).matmul(whole, adjoint), name)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """Return the product `A x`; blocks where `x` is a list of blocks (see `LinearOperator.matvec`)."""
        if not isinstance(x, (list, tuple)) or not _are_blocks(x):
            return super().matvec(x, adjoint, name)
        return self._blockwise(x, -1, lambda whole: super(BlockwiseOperator, self).matvec(whole, adjoint), name)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """Return X with `A X = rhs`; blocks where `rhs` is a list of blocks (see `LinearOperator.solve`)."""
        if not isinstance(rhs, (list, tuple)) or not _are_blocks(rhs):
            return super().solve(rhs, adjoint, adjoint_arg, name)
        blocks = [adjoint_of(convert_to_tensor(part), adjoint_arg) for part in rhs]
        return self._blockwise(blocks, -2, lambda whole: super(BlockwiseOperator, self).solve(whole, adjoint), name)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """Return x with `A x = rhs`; blocks where `rhs` is a list of blocks (see `LinearOperator.solvevec`)."""
        if not isinstance(rhs, (list, tuple)) or not _are_blocks(rhs):
            return super().solvevec(rhs, adjoint, name)
        return self._blockwise(rhs, -1, lambda whole: super(BlockwiseOperator, self).solvevec(whole, adjoint), name)


def _are_blocks(x: Any) -> bool:
    return all(hasattr(part, "dtype") for part in x)


class LinearOperatorBlockDiag(BlockwiseOperator):
    """Block diagonal matrices, with an operator for each block.

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
        is_square: bool | None = True,
        name: str | None = None,
    ) -> None:
        parameters = dict(locals())
        self._operators = checked_operators(operators, chained=False)
        if is_non_singular is None:
            is_non_singular = combined_hint([o.is_non_singular for o in self._operators])
        if is_self_adjoint is None:
            is_self_adjoint = combined_hint([o.is_self_adjoint for o in self._operators])
        if is_positive_definite is None:
            is_positive_definite = combined_hint([o.is_positive_definite for o in self._operators])
        if any(operator.is_square is False for operator in self._operators) and is_square:
            is_square = None
        name = name or "_ds_".join(o.name for o in self._operators)
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
        """The operators on the diagonal."""
        return self._operators

    def _row_operators(self) -> list[Any]:
        return self._operators

    def _shape(self) -> TensorShape:
        batch = TensorShape([])
        for operator in self._operators:
            batch = broadcast_static_shape(batch, operator.batch_shape)
        rows = [operator._static_rows() for operator in self._operators]
        columns = [operator._static_columns() for operator in self._operators]
        return batch.concatenate([None if None in sizes else sum(sizes) for sizes in (rows, columns)])

    def _shape_tensor(self) -> Tensor:
        rows = reduce_sum(vector([operator.range_dimension_tensor() for operator in self._operators]))
        columns = reduce_sum(vector([operator.domain_dimension_tensor() for operator in self._operators]))
        return joined(batch_of(self._operators), rows, columns)

    def _apply(self, x: Any, method: str, adjoint: bool) -> Tensor:
        takes_rows = adjoint == (method == "matmul")
        sizes = [o.range_dimension_tensor() if takes_rows else o.domain_dimension_tensor() for o in self._operators]
        parts = split(x, vector(sizes), axis=-2)
        results = [getattr(o, method)(part, adjoint=adjoint) for o, part in zip(self._operators, parts, strict=True)]
        return concat(common_batch(results), axis=-2)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._apply(adjoint_of(x, adjoint_arg), "matmul", adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._apply(adjoint_of(rhs, adjoint_arg), "solve", adjoint)

    def _to_dense(self) -> Tensor:
        blocks = common_batch([operator.to_dense() for operator in self._operators])
        widths = [operator.domain_dimension_tensor() for operator in self._operators]
        rows = []
        for index, block in enumerate(blocks):
            before = reduce_sum(vector(widths[:index]))
            after = reduce_sum(vector(widths[index + 1 :]))
            axes = len(block.shape) - 1
            rows.append(pad(block, [[0, 0]] * axes + [[before, after]]))
        return concat(rows, axis=-2)

    def _joined_parts(self, parts: list[Any]) -> Tensor:
        batch = batch_of(self._operators)
        spread = [broadcast_to(part, concat([batch, _last(part)], 0)) for part in parts]
        return concat(spread, axis=-1)

    def _diag_part(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._diag_part()
        return self._joined_parts([operator.diag_part() for operator in self._operators])

    def _eigvals(self) -> Tensor:
        return self._joined_parts([operator.eigvals() for operator in self._operators])

    def _combined(self, method: str, combine: Callable[[Any, Any], Any]) -> Tensor:
        result = getattr(self._operators[0], method)()
        for operator in self._operators[1:]:
            result = combine(result, getattr(operator, method)())
        return result

    def _determinant(self) -> Tensor:
        return self._combined("determinant", lambda a, b: a * b)

    def _log_abs_determinant(self) -> Tensor:
        return self._combined("log_abs_determinant", lambda a, b: a + b)

    def _trace(self) -> Tensor:
        if not all(operator.is_square for operator in self._operators):
            return super()._trace()
        return self._combined("trace", lambda a, b: a + b)

    def _assert_non_singular(self) -> Any:
        return [operator.assert_non_singular() for operator in self._operators]

    def _assert_positive_definite(self) -> Any:
        return [operator.assert_positive_definite() for operator in self._operators]

    def _assert_self_adjoint(self) -> Any:
        return [operator.assert_self_adjoint() for operator in self._operators]


def _last(x: Tensor) -> Tensor:
    return vector([size_along(x, -1)])
