"""Block lower triangular matrices."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.block_diag import BlockwiseOperator
from penstock.linear_operators.composition import batch_of, checked_operators
from penstock.linear_operators.matrices import adjoint_of, combined_hint, common_batch, vector
from penstock.linear_operators.operator import joined
from penstock.ops.array.joining import concat, split
from penstock.ops.array.shaping import broadcast_static_shape
from penstock.ops.math.reduce import reduce_sum


class LinearOperatorBlockLowerTriangular(BlockwiseOperator):
    """Block lower triangular matrices, with an operator for each block on and below the diagonal.

    Args:
        operators: a list of lists: the i-th has i + 1 operators, the blocks of the i-th row up to the diagonal.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the types differ.
        ValueError: if the lists are not so, sizes do not fit, or a block on the diagonal is not square.
    """

    _composite_tensor_fields = ("operators",)

    def __init__(
        self,
        operators: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorBlockLowerTriangular",
    ) -> None:
        parameters = dict(locals())
        self._operators = [list(row) for row in operators]
        if not self._operators:
            raise ValueError("Argument `operators` must be a list of >=1 operators. Received: [].")
        for index, row in enumerate(self._operators):
            if len(row) != index + 1:
                raise ValueError(
                    f"Argument `operators[{index}]` must contain `{index + 1}` blocks. Received: {len(row)} blocks."
                )
        checked_operators([operator for row in self._operators for operator in row], chained=False)
        self._check_sizes()
        diagonal = self._diagonal()
        if is_non_singular is None:
            is_non_singular = combined_hint([operator.is_non_singular for operator in diagonal])
        if is_square is False:
            raise ValueError("A block lower triangular operator is always square.")
        is_square = True
        super().__init__(
            dtype=self._operators[0][0].dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    def _check_sizes(self) -> None:
        widths = [row[-1]._static_columns() for row in self._operators]
        for index, row in enumerate(self._operators):
            if row[-1].is_square is False:
                raise ValueError(
                    f"Matrices on the diagonal of a block lower triangular operator must be square. The block at "
                    f"[{index}, {index}] has shape {row[-1].shape}."
                )
            for column, block in enumerate(row):
                for size, wanted in ((block._static_rows(), widths[index]), (block._static_columns(), widths[column])):
                    if size is not None and wanted is not None and size != wanted:
                        raise ValueError(
                            f"Block [{index}, {column}] has shape {block.shape}, which does not fit: it must have "
                            f"{widths[index]} rows and {widths[column]} columns."
                        )

    def _diagonal(self) -> list[Any]:
        return [row[-1] for row in self._operators]

    def _row_operators(self) -> list[Any]:
        return self._diagonal()

    @property
    def operators(self) -> list[list[Any]]:
        """The blocks, row by row."""
        return self._operators

    def _shape(self) -> TensorShape:
        batch = TensorShape([])
        for row in self._operators:
            for operator in row:
                batch = broadcast_static_shape(batch, operator.batch_shape)
        sizes = [operator._static_rows() for operator in self._diagonal()]
        total = None if None in sizes else sum(sizes)
        return batch.concatenate([total, total])

    def _shape_tensor(self) -> Tensor:
        total = reduce_sum(vector(self._sizes()))
        return joined(batch_of([operator for row in self._operators for operator in row]), total, total)

    def _sizes(self) -> list[Any]:
        return [operator.domain_dimension_tensor() for operator in self._diagonal()]

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        parts = split(adjoint_of(x, adjoint_arg), vector(self._sizes()), axis=-2)
        count = len(self._operators)
        results = []
        for index in range(count):
            if adjoint:
                terms = [self._operators[row][index].matmul(parts[row], adjoint=True) for row in range(index, count)]
            else:
                terms = [block.matmul(part) for block, part in zip(self._operators[index], parts)]
            results.append(_sum(terms))
        return concat(common_batch(results), axis=-2)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        parts = split(adjoint_of(rhs, adjoint_arg), vector(self._sizes()), axis=-2)
        count = len(self._operators)
        solved: list[Any] = [None] * count
        for index in reversed(range(count)) if adjoint else range(count):
            rest = parts[index]
            for other in range(index + 1, count) if adjoint else range(index):
                block = self._operators[other][index] if adjoint else self._operators[index][other]
                rest = rest - block.matmul(solved[other], adjoint=adjoint)
            solved[index] = self._operators[index][-1].solve(rest, adjoint=adjoint)
        return concat(common_batch(solved), axis=-2)

    def _diag_part(self) -> Tensor:
        parts = common_batch([operator.diag_part()[..., None] for operator in self._diagonal()])
        return concat(parts, axis=-2)[..., 0]

    def _determinant(self) -> Tensor:
        result = self._operators[0][0].determinant()
        for operator in self._diagonal()[1:]:
            result = result * operator.determinant()
        return result

    def _log_abs_determinant(self) -> Tensor:
        return _sum([operator.log_abs_determinant() for operator in self._diagonal()])

    def _trace(self) -> Tensor:
        return _sum([operator.trace() for operator in self._diagonal()])

    def _eigvals(self) -> Tensor:
        parts = common_batch([operator.eigvals()[..., None] for operator in self._diagonal()])
        return concat(parts, axis=-2)[..., 0]

    def _assert_non_singular(self) -> Any:
        return [operator.assert_non_singular() for operator in self._diagonal()]


def _sum(terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
