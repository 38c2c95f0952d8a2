"""Toeplitz matrices."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along, vector
from penstock.linear_operators.operator import FLOATING_OR_COMPLEX, LinearOperator, check_dtype, joined
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.padding import pad
from penstock.ops.array.reversing import reverse
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_static_shape, broadcast_to, matrix_transpose
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj, real
from penstock.ops.math.sequence import range as numbers
from penstock.ops.signal.fourier import fft, ifft


class LinearOperatorToeplitz(LinearOperator):
    """Toeplitz matrices: each diagonal has one value.

    A product is one with a circulant matrix of twice the size, by Fourier transforms.

    Args:
        col: the first columns, a tensor `[B1, ..., Bb, N]`.
        row: the first rows, of the same size; their first elements are not used.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the types differ or are not floating or complex.
        ValueError: if the sizes differ.
    """

    _composite_tensor_fields = ("col", "row")

    def __init__(
        self,
        col: Any,
        row: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorToeplitz",
    ) -> None:
        parameters = dict(locals())
        self._col = keep_variable(col, name="col")
        self._row = keep_variable(row, name="row")
        for value, what in ((self._col, "col"), (self._row, "row")):
            check_dtype(value, FLOATING_OR_COMPLEX, what)
            if value.shape.rank == 0:
                raise ValueError(f"Argument `{what}` must have at least 1 dimension. Received: {value}.")
        if self._col.shape.rank and self._row.shape.rank and None not in (self._col.shape[-1], self._row.shape[-1]):
            if self._col.shape[-1] != self._row.shape[-1]:
                raise ValueError(
                    f"Expected square matrix, got `col` with {self._col.shape[-1]} and `row` with "
                    f"{self._row.shape[-1]} elements."
                )
        if is_square is False:
            raise ValueError("Only square Toeplitz operators currently supported.")
        is_square = True
        super().__init__(
            dtype=self._col.dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def col(self) -> Any:
        """The first columns."""
        return self._col

    @property
    def row(self) -> Any:
        """The first rows."""
        return self._row

    def _event_rank(self, field: str) -> int:
        return 1

    def _shape(self) -> TensorShape:
        static = broadcast_static_shape(self._col.shape, self._row.shape)
        return static.concatenate(static[-1:])

    def _batch(self) -> Tensor:
        return broadcast_dynamic_shape(batch_sizes(self._col, 1), batch_sizes(self._row, 1))

    def _shape_tensor(self) -> Tensor:
        size = size_along(self._col, -1)
        return joined(self._batch(), size, size)

    def _circle(self, adjoint: bool) -> Tensor:
        """Return the first column of the circulant matrix, of size 2 N - 1, that holds this one in its corner."""
        size = vector([size_along(self._col, -1)])
        col = broadcast_to(self._col, concat([self._batch(), size], 0))
        row = broadcast_to(self._row, concat([self._batch(), size], 0))
        if adjoint:
            col, row = concat([col[..., :1], row[..., 1:]], axis=-1), col
            col, row = (conj(col), conj(row)) if self.dtype.is_complex else (col, row)
        return concat([col, reverse(row[..., 1:], [-1])], axis=-1)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        x = adjoint_of(x, adjoint_arg)
        size = size_along(self._col, -1)
        wide = dtypes.complex128 if self.dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64
        spectrum = fft(cast(self._circle(adjoint), wide))[..., None, :]
        columns = cast(matrix_transpose(x), wide)
        padded = pad(columns, [[0, 0]] * (len(columns.shape) - 1) + [[0, size - 1]])
        result = ifft(fft(padded) * spectrum)[..., :size]
        return matrix_transpose(cast(result if self.dtype.is_complex else real(result), self.dtype))

    def _to_dense(self) -> Tensor:
        size = size_along(self._col, -1)
        steps = numbers(size)
        places = (steps[:, None] - steps[None, :]) % (2 * size - 1)
        return gather(convert_to_tensor(self._circle(False)), places, axis=-1)

    def _diag_part(self) -> Tensor:
        return broadcast_to(self._col[..., :1], joined(self._batch(), size_along(self._col, -1)))

    def _trace(self) -> Tensor:
        return self._col[..., 0] * cast(size_along(self._col, -1), self.dtype)
