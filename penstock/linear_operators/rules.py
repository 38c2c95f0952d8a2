"""The rules of the algebra: which products, inverses and factors stay in a family of operators."""

from __future__ import annotations

from typing import Any

from penstock.linear_operators.adjoint_operator import LinearOperatorAdjoint
from penstock.linear_operators.algebra import register
from penstock.linear_operators.block_diag import LinearOperatorBlockDiag
from penstock.linear_operators.block_lower_triangular import LinearOperatorBlockLowerTriangular
from penstock.linear_operators.circulant import _BlockCirculant
from penstock.linear_operators.composition import LinearOperatorComposition
from penstock.linear_operators.diag import LinearOperatorDiag
from penstock.linear_operators.full_matrix import LinearOperatorFullMatrix
from penstock.linear_operators.householder import LinearOperatorHouseholder
from penstock.linear_operators.identity import LinearOperatorIdentity, LinearOperatorScaledIdentity
from penstock.linear_operators.inversion import LinearOperatorInversion
from penstock.linear_operators.kronecker import LinearOperatorKronecker
from penstock.linear_operators.lower_triangular import LinearOperatorLowerTriangular
from penstock.linear_operators.operator import LinearOperator
from penstock.linear_operators.permutation import LinearOperatorPermutation
from penstock.linear_operators.zeros import LinearOperatorZeros
from penstock.ops.array.sorting import argsort
from penstock.ops.linalg.factorizations import cholesky
from penstock.ops.math.complex import conj
from penstock.ops.math.unary import sqrt

Operator = Any


def _hints(operator: Operator) -> dict[str, Any]:
    return {
        "is_non_singular": operator.is_non_singular,
        "is_self_adjoint": operator.is_self_adjoint,
        "is_positive_definite": operator.is_positive_definite,
        "is_square": True,
    }


def _both(left: bool | None, right: bool | None) -> bool | None:
    return True if left and right else None


def _of_product(left: Operator, right: Operator) -> dict[str, Any]:
    """Return the hints of a product of two operators that commute."""
    return {
        "is_non_singular": _both(left.is_non_singular, right.is_non_singular),
        "is_self_adjoint": _both(left.is_self_adjoint, right.is_self_adjoint),
        "is_positive_definite": None,
        "is_square": _both(left.is_square, right.is_square),
    }


# Adjoints.


@register("adjoint", LinearOperator)
def _adjoint(operator: Operator) -> Operator:
    return LinearOperatorAdjoint(operator)


@register("adjoint", LinearOperatorIdentity)
def _adjoint_identity(operator: Operator) -> Operator:
    return operator


@register("adjoint", LinearOperatorScaledIdentity)
def _adjoint_scaled_identity(operator: Operator) -> Operator:
    return LinearOperatorScaledIdentity(operator._num_rows, conj(operator.multiplier), **_hints(operator))


@register("adjoint", LinearOperatorDiag)
def _adjoint_diag(operator: Operator) -> Operator:
    return LinearOperatorDiag(conj(operator.diag), **_hints(operator))


@register("adjoint", LinearOperatorBlockDiag)
def _adjoint_block_diag(operator: Operator) -> Operator:
    return LinearOperatorBlockDiag([part.adjoint() for part in operator.operators], **_hints(operator))


@register("adjoint", LinearOperatorKronecker)
def _adjoint_kronecker(operator: Operator) -> Operator:
    hints = {**_hints(operator), "is_square": operator.is_square}
    return LinearOperatorKronecker([part.adjoint() for part in operator.operators], **hints)


@register("adjoint", _BlockCirculant)
def _adjoint_circulant(operator: Operator) -> Operator:
    return type(operator)(conj(operator.spectrum), operator.dtype, **_hints(operator))


@register("adjoint", LinearOperatorHouseholder)
def _adjoint_householder(operator: Operator) -> Operator:
    return operator


@register("adjoint", LinearOperatorPermutation)
def _adjoint_permutation(operator: Operator) -> Operator:
    return LinearOperatorPermutation(argsort(operator.perm, axis=-1), operator.dtype, **_hints(operator))


# Inverses.


@register("inverse", LinearOperator)
def _inverse(operator: Operator) -> Operator:
    return LinearOperatorInversion(operator)


@register("inverse", LinearOperatorIdentity)
def _inverse_identity(operator: Operator) -> Operator:
    return operator


@register("inverse", LinearOperatorScaledIdentity)
def _inverse_scaled_identity(operator: Operator) -> Operator:
    hints = {**_hints(operator), "is_non_singular": True}
    return LinearOperatorScaledIdentity(operator._num_rows, 1.0 / operator.multiplier, **hints)


@register("inverse", LinearOperatorDiag)
def _inverse_diag(operator: Operator) -> Operator:
    return LinearOperatorDiag(1.0 / operator.diag, **{**_hints(operator), "is_non_singular": True})


@register("inverse", LinearOperatorBlockDiag)
def _inverse_block_diag(operator: Operator) -> Operator:
    hints = {**_hints(operator), "is_non_singular": True}
    return LinearOperatorBlockDiag([part.inverse() for part in operator.operators], **hints)


@register("inverse", LinearOperatorKronecker)
def _inverse_kronecker(operator: Operator) -> Operator:
    if not all(part.is_square for part in operator.operators):
        return LinearOperatorInversion(operator)
    hints = {**_hints(operator), "is_non_singular": True}
    return LinearOperatorKronecker([part.inverse() for part in operator.operators], **hints)


@register("inverse", _BlockCirculant)
def _inverse_circulant(operator: Operator) -> Operator:
    hints = {**_hints(operator), "is_non_singular": True}
    return type(operator)(1.0 / operator.spectrum, operator.dtype, **hints)


@register("inverse", LinearOperatorHouseholder)
def _inverse_householder(operator: Operator) -> Operator:
    return operator


@register("inverse", LinearOperatorPermutation)
def _inverse_permutation(operator: Operator) -> Operator:
    return operator.adjoint()


@register("inverse", LinearOperatorBlockLowerTriangular)
def _inverse_block_lower_triangular(operator: Operator) -> Operator:
    """Invert row by row: the blocks of a row follow from those above by forward substitution."""
    rows: list[list[Operator]] = []
    for index, row in enumerate(operator.operators):
        last = row[-1].inverse()
        blocks = []
        for column in range(index):
            total = row[column].matmul(rows[column][column]).to_dense()
            for between in range(column + 1, index):
                total = total + row[between].matmul(rows[between][column]).to_dense()
            blocks.append(LinearOperatorFullMatrix(-last.matmul(total)))
        rows.append([*blocks, last])
    return LinearOperatorBlockLowerTriangular(rows, is_non_singular=True)


# Cholesky factors.


@register("cholesky", LinearOperator)
def _cholesky(operator: Operator) -> Operator:
    return LinearOperatorLowerTriangular(
        cholesky(operator.to_dense()), is_non_singular=True, is_self_adjoint=False, is_square=True
    )


@register("cholesky", LinearOperatorIdentity)
def _cholesky_identity(operator: Operator) -> Operator:
    return operator


@register("cholesky", LinearOperatorScaledIdentity)
def _cholesky_scaled_identity(operator: Operator) -> Operator:
    return LinearOperatorScaledIdentity(
        operator._num_rows,
        sqrt(operator.multiplier),
        is_non_singular=True,
        is_self_adjoint=True,
        is_positive_definite=True,
        is_square=True,
    )


@register("cholesky", LinearOperatorDiag)
def _cholesky_diag(operator: Operator) -> Operator:
    return LinearOperatorDiag(
        sqrt(operator.diag), is_non_singular=True, is_self_adjoint=True, is_positive_definite=True, is_square=True
    )


@register("cholesky", LinearOperatorBlockDiag)
def _cholesky_block_diag(operator: Operator) -> Operator:
    # The whole being positive definite, so is each block, said or not.
    if not all(part._can_use_cholesky() for part in operator.operators):
        return _cholesky(operator)
    return LinearOperatorBlockDiag([part.cholesky() for part in operator.operators], is_non_singular=True)


@register("cholesky", LinearOperatorKronecker)
def _cholesky_kronecker(operator: Operator) -> Operator:
    if not all(part._can_use_cholesky() for part in operator.operators):
        return _cholesky(operator)
    return LinearOperatorKronecker([part.cholesky() for part in operator.operators], is_non_singular=True)


# Products.


@register("matmul", LinearOperator, LinearOperator)
def _matmul(left: Operator, right: Operator) -> Operator:
    square = _both(left.is_square, right.is_square)
    if left.is_square is False or right.is_square is False:
        square = None
    return LinearOperatorComposition(
        [left, right], is_non_singular=_both(left.is_non_singular, right.is_non_singular), is_square=square
    )


@register("matmul", LinearOperatorIdentity, LinearOperator)
def _matmul_identity_left(left: Operator, right: Operator) -> Operator:
    return right


@register("matmul", LinearOperator, LinearOperatorIdentity)
def _matmul_identity_right(left: Operator, right: Operator) -> Operator:
    return left


@register("matmul", LinearOperatorScaledIdentity, LinearOperatorScaledIdentity)
def _matmul_scaled_identities(left: Operator, right: Operator) -> Operator:
    return LinearOperatorScaledIdentity(
        left._num_rows, left.multiplier * right.multiplier, **{**_of_product(left, right), "is_square": True}
    )


@register("matmul", LinearOperatorDiag, LinearOperatorDiag)
def _matmul_diags(left: Operator, right: Operator) -> Operator:
    return LinearOperatorDiag(left.diag * right.diag, **_of_product(left, right))


@register("matmul", LinearOperatorDiag, LinearOperatorScaledIdentity)
def _matmul_diag_scaled(left: Operator, right: Operator) -> Operator:
    return LinearOperatorDiag(left.diag * right.multiplier[..., None], **_of_product(left, right))


@register("matmul", LinearOperatorScaledIdentity, LinearOperatorDiag)
def _matmul_scaled_diag(left: Operator, right: Operator) -> Operator:
    return LinearOperatorDiag(left.multiplier[..., None] * right.diag, **_of_product(left, right))


@register("matmul", LinearOperatorDiag, LinearOperatorLowerTriangular)
def _matmul_diag_lower(left: Operator, right: Operator) -> Operator:
    return _lower_product(left, right)


@register("matmul", LinearOperatorLowerTriangular, LinearOperatorDiag)
def _matmul_lower_diag(left: Operator, right: Operator) -> Operator:
    return _lower_product(left, right)


def _lower_product(left: Operator, right: Operator) -> Operator:
    return LinearOperatorLowerTriangular(
        left.matmul(right.to_dense()), is_non_singular=_both(left.is_non_singular, right.is_non_singular)
    )


@register("matmul", _BlockCirculant, _BlockCirculant)
def _matmul_circulants(left: Operator, right: Operator) -> Operator:
    if type(left) is not type(right):
        return _matmul(left, right)
    return type(left)(left.spectrum * right.spectrum, left.dtype, **_of_product(left, right))


@register("matmul", LinearOperatorBlockDiag, LinearOperatorBlockDiag)
def _matmul_block_diags(left: Operator, right: Operator) -> Operator:
    pairs = list(zip(left.operators, right.operators))
    fits = len(left.operators) == len(right.operators) and all(
        a._static_columns() is not None and a._static_columns() == b._static_rows() for a, b in pairs
    )
    if not fits:
        return _matmul(left, right)
    return LinearOperatorBlockDiag(
        [a.matmul(b) for a, b in pairs],
        is_non_singular=_both(left.is_non_singular, right.is_non_singular),
        is_square=_both(left.is_square, right.is_square),
    )


@register("matmul", LinearOperatorZeros, LinearOperator)
def _matmul_zeros_left(left: Operator, right: Operator) -> Operator:
    if not right.is_square:
        return _matmul(left, right)
    return left


@register("matmul", LinearOperator, LinearOperatorZeros)
def _matmul_zeros_right(left: Operator, right: Operator) -> Operator:
    if not left.is_square:
        return _matmul(left, right)
    return right


# Solutions.


@register("solve", LinearOperator, LinearOperator)
def _solve(left: Operator, right: Operator) -> Operator:
    return LinearOperatorComposition(
        [LinearOperatorInversion(left), right], is_square=_both(left.is_square, right.is_square)
    )


@register("solve", LinearOperatorIdentity, LinearOperator)
def _solve_identity(left: Operator, right: Operator) -> Operator:
    return right


@register("solve", LinearOperatorScaledIdentity, LinearOperatorScaledIdentity)
def _solve_scaled_identities(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)


@register("solve", LinearOperatorDiag, LinearOperatorDiag)
def _solve_diags(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)


@register("solve", LinearOperatorDiag, LinearOperatorScaledIdentity)
def _solve_diag_scaled(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)


@register("solve", LinearOperatorScaledIdentity, LinearOperatorDiag)
def _solve_scaled_diag(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)


@register("solve", LinearOperatorDiag, LinearOperatorLowerTriangular)
def _solve_diag_lower(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)


@register("solve", _BlockCirculant, _BlockCirculant)
def _solve_circulants(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right) if type(left) is type(right) else _solve(left, right)


@register("solve", LinearOperatorBlockDiag, LinearOperatorBlockDiag)
def _solve_block_diags(left: Operator, right: Operator) -> Operator:
    return left.inverse().matmul(right)
