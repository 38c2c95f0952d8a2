"""An operator plus a product of thin matrices."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.diag import LinearOperatorDiag
from penstock.linear_operators.identity import LinearOperatorIdentity
from penstock.linear_operators.matrices import (
    adjoint_of,
    batch_sizes,
    keep_variable,
    size_along,
    solve_cholesky,
    solve_dense,
)
from penstock.linear_operators.operator import LinearOperator, joined, product
from penstock.ops.array.diagonal import diag_part
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_static_shape
from penstock.ops.linalg.factorizations import cholesky
from penstock.ops.linalg.solving import det, slogdet
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_sum


class LinearOperatorLowRankUpdate(LinearOperator):
    """`L + U D V^H` for an operator L, thin matrices U and V, and a diagonal D.

    Solutions use the matrix inversion lemma, and determinants the matrix determinant lemma: L is solved with, and
    `C = D^-1 + V^H L^-1 U`, of size K, is written out.

    Args:
        base_operator: L, of shape `[B1, ..., Bb, M, N]`.
        u: U, a tensor `[..., M, K]`.
        diag_update: the diagonal of D, a tensor `[..., K]`; by default ones.
        v: V, a tensor `[..., N, K]`; by default U.
        is_diag_update_positive: whether the diagonal of D is positive.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if L is not real.
        ValueError: if hints contradict each other, or the shapes do not fit.
    """

    _composite_tensor_fields = ("base_operator", "u", "diag_update", "v")

    def __init__(
        self,
        base_operator: Any,
        u: Any,
        diag_update: Any = None,
        v: Any = None,
        is_diag_update_positive: bool | None = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowRankUpdate",
    ) -> None:
        parameters = dict(locals())
        dtype = base_operator.dtype
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError(
                    "Default diagonal is the identity, which is positive.  However, user set "
                    "'is_diag_update_positive' to False."
                )
            is_diag_update_positive = True
        is_update_symmetric = v is None
        if base_operator.is_self_adjoint and is_update_symmetric and is_self_adjoint is None and not dtype.is_complex:
            is_self_adjoint = True
        if base_operator.is_positive_definite and is_update_symmetric and is_diag_update_positive:
            if is_positive_definite is False or is_non_singular is False:
                raise ValueError(
                    "A positive definite operator plus a symmetric update with a positive diagonal is positive "
                    "definite: the hints say otherwise."
                )
            is_positive_definite = is_non_singular = True
        is_square = True if is_square is None and base_operator.is_square and is_update_symmetric else is_square
        self._base_operator = base_operator
        self._u = keep_variable(u, dtype=dtype, name="u")
        self._v = None if v is None else keep_variable(v, dtype=dtype, name="v")
        self._diag_update = None if diag_update is None else keep_variable(diag_update, dtype=dtype, name="diag_update")
        self._is_diag_update_positive = is_diag_update_positive
        if self._u.dtype.base_dtype != dtype:
            raise TypeError(f"u must have the type of base_operator, {dtype.name}, got {self._u.dtype.name}.")
        rank = self._u.shape[-1] if self._u.shape.rank is not None else None
        if self._diag_update is not None and None not in (rank, self._diag_update.shape[-1]):
            if rank != self._diag_update.shape[-1]:
                raise ValueError(
                    f"diag_update has {self._diag_update.shape[-1]} elements, and u {rank} columns: they must agree."
                )
        rows = base_operator._static_rows()
        if self._u.shape.rank is not None and None not in (rows, self._u.shape[-2]) and rows != self._u.shape[-2]:
            raise ValueError(f"u has {self._u.shape[-2]} rows, and base_operator {rows}: they must agree.")
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
    def base_operator(self) -> Any:
        """The operator L."""
        return self._base_operator

    @property
    def u(self) -> Any:
        """The matrix U."""
        return self._u

    @property
    def v(self) -> Any:
        """The matrix V."""
        return self._u if self._v is None else self._v

    @property
    def diag_update(self) -> Any:
        """The diagonal of D, or None."""
        return self._diag_update

    @property
    def is_diag_update_positive(self) -> bool | None:
        """Whether the diagonal of D is positive."""
        return self._is_diag_update_positive

    @property
    def diag_operator(self) -> Any:
        """The operator D."""
        if self._diag_update is None:
            return LinearOperatorIdentity(size_along(self._u, -1), dtype=self.dtype)
        return LinearOperatorDiag(self._diag_update, is_positive_definite=self._is_diag_update_positive)

    def _components(self) -> dict[str, Any]:
        given = {"base_operator": self._base_operator, "u": self._u, "diag_update": self._diag_update, "v": self._v}
        return {key: value for key, value in given.items() if value is not None}

    def _event_rank(self, field: str) -> int:
        return 1 if field == "diag_update" else 2

    def _shape(self) -> TensorShape:
        batch = broadcast_static_shape(self._base_operator.batch_shape, self._u.shape[:-2])
        batch = broadcast_static_shape(batch, self.v.shape[:-2])
        return batch.concatenate(self._base_operator.shape[-2:])

    def _shape_tensor(self) -> Tensor:
        sizes = self._base_operator.shape_tensor()
        batch = broadcast_dynamic_shape(sizes[:-2], batch_sizes(self._u, 2))
        return joined(broadcast_dynamic_shape(batch, batch_sizes(self.v, 2)), sizes[-2], sizes[-1])

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        left, right = (self.v, self._u) if adjoint else (self._u, self.v)
        x = adjoint_of(x, adjoint_arg)
        update = self.diag_operator.matmul(product(right, x, adjoint_a=True), adjoint=adjoint)
        return self._base_operator.matmul(x, adjoint=adjoint) + product(left, update)

    def _capacitance(self, adjoint: bool = False) -> Tensor:
        left, right = (self.v, self._u) if adjoint else (self._u, self.v)
        inner = product(right, self._base_operator.solve(convert_to_tensor(left), adjoint=adjoint), adjoint_a=True)
        return self.diag_operator.inverse().add_to_tensor(inner)

    def _has_cholesky(self) -> bool:
        return bool(
            self._v is None
            and self._is_diag_update_positive
            and self._base_operator.is_positive_definite
            and self._base_operator.is_self_adjoint
        )

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        if self._base_operator.is_non_singular is False:
            return super()._solve(rhs, adjoint, adjoint_arg)
        left, right = (self.v, self._u) if adjoint else (self._u, self.v)
        base = self._base_operator.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        inner = product(right, base, adjoint_a=True)
        matrix = self._capacitance(adjoint)
        solved = solve_cholesky(cholesky(matrix), inner) if self._has_cholesky() else solve_dense(matrix, inner)
        return base - self._base_operator.solve(product(left, solved), adjoint=adjoint)

    def _determinant(self) -> Tensor:
        return det(self._capacitance()) * self.diag_operator.determinant() * self._base_operator.determinant()

    def _log_abs_determinant(self) -> Tensor:
        matrix = self._capacitance()
        if self._has_cholesky():
            own = 2 * reduce_sum(log(diag_part(cholesky(matrix))), axis=-1)
        else:
            own = slogdet(matrix)[1]
        return own + self.diag_operator.log_abs_determinant() + self._base_operator.log_abs_determinant()

    def _to_dense(self) -> Tensor:
        scaled = (
            adjoint_of(self.diag_operator.matmul(adjoint_of(self._u), adjoint=False))
            if self._diag_update is not None
            else self._u
        )
        return self._base_operator.to_dense() + product(scaled, self.v, adjoint_b=True)
