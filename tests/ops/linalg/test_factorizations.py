"""Factorizations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.dtypes import complex128
from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.linalg.factorizations import (
    cholesky,
    cholesky_grad_op,
    cholesky_op,
    eig_op,
    eigh,
    eigvals,
    eigvalsh,
    lu_op,
    qr_op,
    self_adjoint_eig_v2_op,
    svd,
    svd_op,
)
from penstock.ops.math.reduce import reduce_sum
from penstock.testing.op_case import OpCase, normal

A = normal(2, 3, 3)
POSITIVE = A @ A.mT + np.eye(3)
SYMMETRIC = A + A.mT

# The battery hides static shapes, which some gradients need, and moves single elements of symmetric matrices:
# these derivatives are compared with differences below.
CASES = [
    OpCase(cholesky_op, [POSITIVE], np.linalg.cholesky, gradient=None),
    OpCase(cholesky_grad_op, [np.linalg.cholesky(POSITIVE), A], gradient=None),
    OpCase(qr_op, [normal(4, 3)], lambda a: tuple(np.linalg.qr(a)), gradient=None),
    OpCase(qr_op, [normal(3, 4)], lambda a: tuple(np.linalg.qr(a)), name="wide", gradient=None),
    OpCase(qr_op, [normal(4, 3)], lambda a: tuple(np.linalg.qr(a, "complete")), {"full_matrices": True}, "full", None),
    OpCase(lu_op, [A], gradient=None),
    OpCase(svd_op, [normal(4, 3)], gradient=None),
    OpCase(svd_op, [normal(4, 3)], name="values", attrs={"compute_uv": False}, gradient=None),
    OpCase(self_adjoint_eig_v2_op, [SYMMETRIC], gradient=None),
    OpCase(eig_op, [A], attrs={"Tout": complex128}, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def _difference(function: Any, x: np.ndarray, direction: np.ndarray, step: float = 1e-6) -> float:
    return float(
        function(constant(x + step * direction)).numpy() - function(constant(x - step * direction)).numpy()
    ) / (2 * step)


def _weighted(tensor: Any, seed: int) -> Any:
    weights = constant(normal(*tensor.shape.as_list(), seed=seed))
    return reduce_sum(tensor * weights)


FUNCTIONS = {
    "qr": lambda x: (lambda f: _weighted(f.q, 1) + _weighted(f.r, 2))(qr_op(x)),
    "svd": lambda x: (lambda s, u, v: _weighted(s, 1) + _weighted(u, 2) + _weighted(v, 3))(*svd(x)),
    "svd values": lambda x: _weighted(svd(x, compute_uv=False), 1),
}
SQUARE = {
    "eigh": lambda x: (lambda e, v: _weighted(e, 1) + _weighted(v, 2))(*eigh(x)),
    "eigvalsh": lambda x: _weighted(eigvalsh(x), 1),
}


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_differences(name: str, shape: tuple[int, int]) -> None:
    _check_gradient(FUNCTIONS[name], normal(*shape), normal(*shape, seed=9))


@pytest.mark.parametrize("name", SQUARE)
def test_gradients_of_eigenvalues_are_those_of_differences(name: str) -> None:
    _check_gradient(SQUARE[name], SYMMETRIC[0], np.tril(normal(3, 3, seed=9)))


def test_the_gradient_of_cholesky_is_that_of_differences() -> None:
    direction = normal(3, 3, seed=9)
    _check_gradient(lambda x: _weighted(cholesky(x), 1), POSITIVE[0], direction + direction.T)


def _check_gradient(function: Any, start: np.ndarray, direction: np.ndarray) -> None:
    x = constant(start)
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    slope = float((tape.gradient(y, x).numpy() * direction).sum())
    assert slope == pytest.approx(_difference(function, start, direction), rel=1e-5, abs=1e-7)


def test_factors_multiply_to_the_matrix() -> None:
    factors, order = (part.numpy() for part in lu_op(A))
    for matrix, both, rows in zip(A, factors, order, strict=True):
        np.testing.assert_allclose((np.tril(both, -1) + np.eye(3)) @ np.triu(both), matrix[rows], atol=1e-12)
    s, u, v = (part.numpy() for part in svd(normal(4, 3)))
    np.testing.assert_allclose(u * s @ v.T, normal(4, 3), atol=1e-12)
    e, v = (part.numpy() for part in eig_op(A, Tout=complex128))
    np.testing.assert_allclose(A @ v, v * e[:, None, :], atol=1e-10)
    np.testing.assert_allclose(np.sort(eigvals(A).numpy()), np.sort(np.linalg.eigvals(A)), atol=1e-10)


def test_a_matrix_that_is_not_positive_definite_has_no_factor_while_others_of_its_batch_have() -> None:
    found = cholesky(np.stack([-np.eye(2), 4 * np.eye(2)])).numpy()
    assert np.isnan(found[0][np.tril_indices(2)]).all()
    assert found[1].tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="square"):
        cholesky(np.ones((2, 3)))
    with pytest.raises(InvalidArgumentError, match="not invertible"):
        lu_op(np.zeros((2, 2)))


def test_the_gradient_of_a_full_factorization_is_that_of_the_reduced_one_where_they_agree() -> None:
    grads = []
    for full in (False, True):
        a = constant(normal(2, 3))
        with GradientTape() as tape:
            tape.watch(a)
            q, r = qr_op(a, full_matrices=full)
            loss = reduce_sum(r * r * r) + reduce_sum(q)
        grads.append(tape.gradient(loss, a).numpy())
    np.testing.assert_allclose(*grads)
    with GradientTape() as tape, pytest.raises(NotImplementedError):
        a = constant(normal(3, 2))
        tape.watch(a)
        tape.gradient(qr_op(a, full_matrices=True).r, a)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_general_eigenvalues_of_numbers_that_are_not_finite_are_refused(value):
    matrix = np.full([4, 4], value, np.float32)
    for function in (eigvals, lambda m: eig_op(m, Tout=complex128)):
        with pytest.raises(InvalidArgumentError, match="not finite"):
            function(matrix)
