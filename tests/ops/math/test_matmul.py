"""Matrix products agree with NumPy for every transposition, and check their shapes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.ops.math import matmul
from penstock.testing.op_case import OpCase, integers, normal

_A, _B = normal(2, 3), normal(3, 4, seed=1)

CASES = [
    OpCase(matmul.mat_mul_op, [_A, _B], np.matmul),
    OpCase(matmul.mat_mul_op, [_A.T.copy(), _B], lambda a, b: a.T @ b, {"transpose_a": True}, name="transpose_a"),
    OpCase(matmul.mat_mul_op, [_A, _B.T.copy()], lambda a, b: a @ b.T, {"transpose_b": True}, name="transpose_b"),
    OpCase(
        matmul.mat_mul_op,
        [_A.T.copy(), _B.T.copy()],
        lambda a, b: a.T @ b.T,
        {"transpose_a": True, "transpose_b": True},
        name="both",
    ),
    OpCase(matmul.mat_mul_op, [normal(0, 3), _B], np.matmul, name="empty"),
    OpCase(matmul.mat_mul_op, [integers(0, 9, 2, 3), integers(0, 9, 3, 2)], np.matmul, name="int32"),
    OpCase(
        matmul.mat_mul_op,
        [integers(0, 9, 2, 3, dtype=np.uint16), integers(0, 9, 3, 2, dtype=np.uint16)],
        np.matmul,
        name="uint16",
    ),
    OpCase(matmul.sparse_mat_mul_op, [_A.astype(np.float32), _B.astype(np.float32)], np.matmul, gradient=None),
    OpCase(matmul.batch_mat_mul_op, [normal(5, 2, 3), normal(5, 3, 4, seed=1)], np.matmul),
    OpCase(matmul.batch_mat_mul_v2_op, [normal(5, 1, 2, 3), normal(4, 3, 2, seed=1)], np.matmul),
    OpCase(
        matmul.batch_mat_mul_v2_op,
        [normal(5, 3, 2), normal(2, 3, seed=1)],
        lambda x, y: x.swapaxes(1, 2) @ y.T,
        {"adj_x": True, "adj_y": True},
        name="adjoint",
    ),
    OpCase(
        matmul.batch_mat_mul_v3_op,
        [integers(0, 9, 2, 2, 3, dtype=np.int8), integers(0, 9, 2, 3, 2, dtype=np.int8)],
        lambda x, y: x.astype(int) @ y,
        {"Tout": np.int32},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_inner_dimensions_that_differ_are_refused_in_both_modes() -> None:
    with pytest.raises(InvalidArgumentError, match="inner dimension must agree, a has 3 and b has 2"):
        matmul.matmul(constant(_A), constant(_A))
    with Graph().as_default(), pytest.raises(ValueError, match="inner dimension must agree, a has 3 and b has 2"):
        matmul.matmul(placeholder("float64", [None, 3]), constant(_A))


def test_a_factor_is_not_both_transposed_and_adjoint() -> None:
    with pytest.raises(ValueError, match="transpose_a"):
        matmul.matmul(constant(_A), constant(_B), transpose_a=True, adjoint_a=True)


def test_the_adjoint_conjugates() -> None:
    a = np.array([[1 + 2j, 3j]], np.complex64)
    np.testing.assert_allclose(matmul.matmul(constant(a), constant(a), adjoint_b=True).numpy(), a @ a.conj().T)


def test_matvec_multiplies_batches_of_vectors() -> None:
    a, b = normal(4, 2, 3), normal(4, 3, seed=1)
    np.testing.assert_allclose(matmul.matvec(constant(a), constant(b)).numpy(), np.einsum("bij,bj->bi", a, b))


def test_tensordot_agrees_with_numpy() -> None:
    a, b = normal(2, 3, 4), normal(4, 3, 5, seed=1)
    for axes in (1, 0, [[1, 2], [1, 0]], [[2], [0]], [2, 0]):
        pair = (a, b) if axes != 1 else (a, b)
        np.testing.assert_allclose(matmul.tensordot(*map(constant, pair), axes).numpy(), np.tensordot(*pair, axes))


def test_tensordot_of_lists_of_different_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="Different number of contraction axes"):
        matmul.tensordot(constant(_A), constant(_B), [[0, 1], [0]])
