"""Permutation matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.inference import static_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along, vector
from penstock.linear_operators.operator import LinearOperator, joined
from penstock.ops.array.filling import one_hot, ones, zeros
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import broadcast_dynamic_shape, broadcast_to
from penstock.ops.array.sorting import argsort
from penstock.ops.constant import no_op


class LinearOperatorPermutation(LinearOperator):
    """Permutation matrices: the i-th row of the product is row `perm[i]` of what is multiplied.

    Args:
        perm: permutations of the integers below N, a tensor `[B1, ..., Bb, N]` of integers.
        dtype: the type of the elements.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if `perm` does not hold integers.
        ValueError: if it is a scalar or no permutation, or a hint contradicts what a permutation is.
    """

    _composite_tensor_fields = ("perm",)

    def __init__(
        self,
        perm: Any,
        dtype: Any = dtypes.float32,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorPermutation",
    ) -> None:
        parameters = dict(locals())
        self._perm = keep_variable(perm, name="perm")
        if not self._perm.dtype.is_integer:
            raise TypeError(f"Argument `perm` must be integer dtype. Received: {self._perm.dtype!r}.")
        if self._perm.shape.rank == 0:
            raise ValueError(f"Argument `perm` must have at least 1 dimension. Received: {perm}.")
        known = static_value(self._perm) if isinstance(self._perm, Tensor) else None
        if known is not None:
            size = np.shape(known)[-1]
            if not np.array_equal(np.sort(known, axis=-1), np.broadcast_to(np.arange(size), np.shape(known))):
                raise ValueError(f"Argument `perm` must be a vector of unique integers from 0 to {size - 1}.")
        if is_non_singular is False or is_square is False:
            raise ValueError("A Permutation operator is always non-singular and square.")
        is_square = True
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
    def perm(self) -> Any:
        """The permutations."""
        return self._perm

    def _event_rank(self, field: str) -> int:
        return 1

    def _shape(self) -> TensorShape:
        return self._perm.shape.concatenate(self._perm.shape[-1:])

    def _shape_tensor(self) -> Tensor:
        size = size_along(self._perm, -1)
        return joined(batch_sizes(self._perm, 1), size, size)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        x = adjoint_of(x, adjoint_arg)
        perm = argsort(self._perm, axis=-1) if adjoint else convert_to_tensor(self._perm)
        if perm.shape.rank == 1:
            return gather(x, perm, axis=-2)
        batch = broadcast_dynamic_shape(batch_sizes(x, 2), batch_sizes(perm, 1))
        x = broadcast_to(x, joined(batch, size_along(x, -2), size_along(x, -1)))
        perm = broadcast_to(perm, concat([batch, vector([size_along(perm, -1)])], 0))
        return gather(x, perm, axis=-2, batch_dims=-1)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._matmul(rhs, not adjoint, adjoint_arg)

    def _to_dense(self) -> Tensor:
        return one_hot(self._perm, size_along(self._perm, -1), dtype=self.dtype)

    def _log_abs_determinant(self) -> Tensor:
        return zeros(self.batch_shape_tensor(), self.dtype)

    def _cond(self) -> Tensor:
        return ones(self.batch_shape_tensor(), self.dtype)

    def _assert_non_singular(self) -> Any:
        return no_op("assert_non_singular")
