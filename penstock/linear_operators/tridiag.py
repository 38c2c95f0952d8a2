"""Tridiagonal matrices."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, common_batch, keep_variable, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.diagonal import diag, diag_part
from penstock.ops.array.filling import zeros
from penstock.ops.array.joining import concat, stack
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_to
from penstock.ops.linalg.norms import tridiagonal_matmul, tridiagonal_solve
from penstock.ops.math.complex import conj

FORMATS = ("compact", "matrix", "sequence")


class LinearOperatorTridiag(LinearOperator):
    """Tridiagonal matrices.

    Args:
        diagonals: the superdiagonal, the diagonal and the subdiagonal: as "compact", a tensor `[..., 3, N]`; as
            "sequence", three tensors `[..., N]`; as "matrix", matrices `[..., N, N]`. The last element of the
            superdiagonal and the
            first of the subdiagonal are not used.
        diagonals_format: "compact", "sequence" or "matrix".
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        ValueError: if the format is another one, or `is_square` is False.
    """

    _composite_tensor_fields = ("diagonals",)

    def __init__(
        self,
        diagonals: Any,
        diagonals_format: str = "compact",
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorTridiag",
    ) -> None:
        parameters = dict(locals())
        if diagonals_format not in FORMATS:
            raise ValueError(
                "Argument `diagonals_format` must be one of compact, matrix, or sequence. Received : "
                f"{diagonals_format}."
            )
        if is_square is False:
            raise ValueError("Only square tridiagonal operators are supported.")
        is_square = True
        self._diagonals: Any
        if diagonals_format == "sequence":
            self._diagonals = [keep_variable(part) for part in diagonals]
            dtype = self._diagonals[0].dtype
        else:
            self._diagonals = keep_variable(diagonals, name="diagonals")
            dtype = self._diagonals.dtype
        self._format = diagonals_format
        super().__init__(
            dtype=dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    @property
    def diagonals(self) -> Any:
        """The diagonals, as given."""
        return self._diagonals

    @property
    def diagonals_format(self) -> str:
        """How the diagonals are given."""
        return self._format

    def _event_rank(self, field: str) -> int:
        return 1 if self._format == "sequence" else 2

    def _compact(self) -> Tensor:
        """Return the three diagonals as a tensor `[..., 3, N]`, with zeros where nothing is used."""
        if self._format == "matrix":
            return diag_part(self._diagonals, k=(-1, 1), align="LEFT_RIGHT")
        if self._format == "sequence":
            parts = [convert_to_tensor(part) for part in self._diagonals]
            batch = batch_sizes(parts[0], 1)
            for part in parts[1:]:
                batch = broadcast_dynamic_shape(batch, batch_sizes(part, 1))
            size = vector([size_along(parts[1], -1)])
            return stack([broadcast_to(part, concat([batch, size], 0)) for part in parts], axis=-2)
        return convert_to_tensor(self._diagonals)

    def _shape(self) -> TensorShape:
        if self._format == "matrix":
            return self._diagonals.shape
        static = self._compact().shape
        return static[:-2].concatenate([static[-1], static[-1]]) if static.rank is not None else static

    def _shape_tensor(self) -> Tensor:
        compact = self._compact()
        size = size_along(compact, -1)
        return joined(batch_sizes(compact, 2), size, size)

    def _adjoint_diagonals(self) -> Tensor:
        """Return the diagonals of the conjugate transpose: the outer ones change places, and each moves by one."""
        compact = self._compact()
        upper, middle, lower = compact[..., 0, :], compact[..., 1, :], compact[..., 2, :]
        zero = zeros(joined(batch_sizes(upper, 1), 1), self.dtype)
        new_upper = concat([lower[..., 1:], zero], axis=-1)
        new_lower = concat([zero, upper[..., :-1]], axis=-1)
        result = stack([new_upper, middle, new_lower], axis=-2)
        return conj(result) if self.dtype.is_complex else result

    def _linop_adjoint(self) -> LinearOperator:
        return LinearOperatorTridiag(
            self._adjoint_diagonals(),
            diagonals_format="compact",
            is_non_singular=self.is_non_singular,
            is_self_adjoint=self.is_self_adjoint,
            is_positive_definite=self.is_positive_definite,
            is_square=True,
        )

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        diagonals, x = self._broadcast(adjoint_of(x, adjoint_arg), adjoint)
        return tridiagonal_matmul(diagonals, x)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        diagonals, x = self._broadcast(adjoint_of(rhs, adjoint_arg), adjoint)
        return tridiagonal_solve(diagonals, x)

    def _broadcast(self, x: Any, adjoint: bool) -> list[Tensor]:
        diagonals = self._adjoint_diagonals() if adjoint else self._compact()
        return common_batch([diagonals, x])

    def _diag_part(self) -> Tensor:
        return self._compact()[..., 1, :]

    def _to_dense(self) -> Tensor:
        return diag(self._compact(), k=(-1, 1), align="LEFT_RIGHT")
