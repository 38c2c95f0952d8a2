"""Linear operators: what each computes is what its dense matrix gives; the algebra; hints; graphs and functions."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

L = tf.linalg
rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape)


def positive(n, *batch):
    a = normal(*batch, n, n)
    return a @ np.swapaxes(a, -1, -2) + n * np.eye(n)


def circulant(spectrum):
    """Return the dense matrix of a spectrum of any depth."""
    axes = tuple(range(spectrum.ndim))
    basis = np.eye(spectrum.size).reshape(spectrum.size, *spectrum.shape)
    columns = [np.fft.ifftn(np.fft.fftn(e, axes=axes) * spectrum, axes=axes).ravel() for e in basis]
    return np.stack(columns, -1)


DIAG, MATRIX, TRIL = normal(2, 4) + 3, normal(2, 4, 4) + 4 * np.eye(4), np.tril(normal(2, 4, 4)) + 3 * np.eye(4)
AXIS, PERM = normal(2, 4), np.array([[1, 2, 0, 3], [3, 0, 1, 2]])
UNIT = AXIS / np.linalg.norm(AXIS, axis=-1, keepdims=True)
COL, ROW = normal(2, 4) + [4, 0, 0, 0], normal(2, 4)
BANDS = normal(2, 3, 4) + [[0], [5], [0]]
SPECTRUM, COMPLEX = np.array([3.0, 1.0, 2.0, 1.0]), normal(2, 2) + 1j * normal(2, 2) + 3
A, B = positive(2), positive(3)
U, V, D = normal(2, 4, 2), normal(2, 4, 2), normal(2, 2) + 2


def bands(compact):
    n = compact.shape[-1]
    dense = np.zeros((*compact.shape[:-2], n, n))
    for i in range(n):
        dense[..., i, i] = compact[..., 1, i]
        if i + 1 < n:
            dense[..., i, i + 1] = compact[..., 0, i]
            dense[..., i + 1, i] = compact[..., 2, i + 1]
    return dense


def toeplitz(col, row):
    n = col.shape[-1]
    dense = [[col[..., i - j] if i >= j else row[..., j - i] for j in range(n)] for i in range(n)]
    return np.moveaxis(np.array(dense), (0, 1), (-2, -1))


def block(parts):
    rows, columns = sum(p.shape[0] for p in parts), sum(p.shape[1] for p in parts)
    dense, i, j = np.zeros((rows, columns)), 0, 0
    for p in parts:
        dense[i : i + p.shape[0], j : j + p.shape[1]] = p
        i, j = i + p.shape[0], j + p.shape[1]
    return dense


def full(m, **hints):
    return L.LinearOperatorFullMatrix(m, **hints)


S = normal(3, 2)
SQUARES = {
    "diag": (lambda: L.LinearOperatorDiag(DIAG), DIAG[..., None] * np.eye(4)),
    "complex diag": (lambda: L.LinearOperatorDiag(DIAG + 1j), (DIAG + 1j)[..., None] * np.eye(4)),
    "full": (lambda: full(MATRIX), MATRIX),
    "positive": (lambda: full(positive_4, is_self_adjoint=True, is_positive_definite=True), None),
    "lower": (lambda: L.LinearOperatorLowerTriangular(TRIL), TRIL),
    "identity": (lambda: L.LinearOperatorIdentity(4, [2], tf.float64), np.broadcast_to(np.eye(4), (2, 4, 4))),
    "scaled": (
        lambda: L.LinearOperatorScaledIdentity(4, np.array([2.0, -3.0])),
        np.array([2, -3])[:, None, None] * np.eye(4),
    ),
    "householder": (
        lambda: L.LinearOperatorHouseholder(AXIS),
        np.eye(4) - 2 * UNIT[..., :, None] * UNIT[..., None, :],
    ),
    "permutation": (lambda: L.LinearOperatorPermutation(PERM, tf.float64), np.eye(4)[PERM]),
    "toeplitz": (lambda: L.LinearOperatorToeplitz(COL, ROW), toeplitz(COL, ROW)),
    "tridiag": (lambda: L.LinearOperatorTridiag(BANDS), bands(BANDS)),
    "tridiag matrix": (lambda: L.LinearOperatorTridiag(bands(BANDS), diagonals_format="matrix"), bands(BANDS)),
    "tridiag sequence": (
        lambda: L.LinearOperatorTridiag([BANDS[:, 0], BANDS[:, 1], BANDS[:, 2]], diagonals_format="sequence"),
        bands(BANDS),
    ),
    "circulant": (lambda: L.LinearOperatorCirculant(SPECTRUM, tf.float64), circulant(SPECTRUM).real),
    "circulant 2d": (lambda: L.LinearOperatorCirculant2D(COMPLEX, tf.complex128), circulant(COMPLEX)),
    "circulant 3d": (
        lambda: L.LinearOperatorCirculant3D(COMPLEX[None], tf.complex128),
        circulant(COMPLEX[None]),
    ),
    "composition": (
        lambda: L.LinearOperatorComposition([full(MATRIX), L.LinearOperatorDiag(DIAG)]),
        MATRIX * DIAG[:, None],
    ),
    "kronecker": (lambda: L.LinearOperatorKronecker([full(A), full(B)]), np.kron(A, B)),
    "three factors": (
        lambda: L.LinearOperatorKronecker([full(A), full(B), full(A.T @ A)]),
        np.kron(np.kron(A, B), A.T @ A),
    ),
    "block diag": (lambda: L.LinearOperatorBlockDiag([full(A), full(B)]), block([A, B])),
    "block lower": (
        lambda: L.LinearOperatorBlockLowerTriangular([[full(A)], [full(S), full(B)]]),
        block([A, B]) + np.pad(S, ((2, 0), (0, 3))),
    ),
    "adjoint": (lambda: L.LinearOperatorAdjoint(full(MATRIX)), np.swapaxes(MATRIX, -1, -2)),
    "inversion": (lambda: L.LinearOperatorInversion(full(MATRIX)), np.linalg.inv(MATRIX)),
    "low rank": (
        lambda: L.LinearOperatorLowRankUpdate(full(MATRIX), U, D, V),
        MATRIX + (U * D[:, None, :]) @ np.swapaxes(V, -1, -2),
    ),
    "low rank positive": (
        lambda: L.LinearOperatorLowRankUpdate(
            L.LinearOperatorDiag(np.abs(DIAG), is_positive_definite=True), U, np.abs(D), is_diag_update_positive=True
        ),
        np.abs(DIAG)[..., None] * np.eye(4) + (U * np.abs(D)[:, None, :]) @ np.swapaxes(U, -1, -2),
    ),
}
positive_4 = positive(4, 2)
SQUARES["positive"] = (SQUARES["positive"][0], positive_4)
OBLONG = {
    "full": (lambda: full(S), S),
    "zeros": (
        lambda: L.LinearOperatorZeros(3, 2, dtype=tf.float64, is_square=False, is_self_adjoint=False),
        np.zeros((3, 2)),
    ),
    "composition": (lambda: L.LinearOperatorComposition([full(B), full(S)]), B @ S),
    "kronecker": (lambda: L.LinearOperatorKronecker([full(S), full(A)]), np.kron(S, A)),
    "block diag": (lambda: L.LinearOperatorBlockDiag([full(S), full(A)], is_square=None), block([S, A])),
}


def close(actual, expected):
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("case", [*SQUARES, *(f"oblong {name}" for name in OBLONG)])
def test_products_are_those_of_the_dense_matrix(case):
    make, dense = OBLONG[case.removeprefix("oblong ")] if case.startswith("oblong ") else SQUARES[case]
    operator = make()
    adjoint = np.conj(np.swapaxes(dense, -1, -2))
    x, y = normal(dense.shape[-1], 2).astype(dense.dtype), normal(dense.shape[-2], 2).astype(dense.dtype)
    assert operator.shape == dense.shape
    assert operator.shape_tensor().numpy().tolist() == list(dense.shape)
    assert operator.batch_shape_tensor().numpy().tolist() == list(dense.shape[:-2])
    close(operator.to_dense(), dense)
    close(operator.matmul(x), dense @ x)
    close(operator.matmul(np.conj(x.T), adjoint_arg=True), dense @ x)
    close(operator.matmul(y, adjoint=True), adjoint @ y)
    close(operator.matvec(x[:, 0]), dense @ x[:, 0])
    close(operator.adjoint().to_dense(), adjoint)
    close(operator.diag_part(), np.diagonal(dense, axis1=-2, axis2=-1))
    close(operator.trace(), np.trace(dense, axis1=-2, axis2=-1))
    close(operator.add_to_tensor(np.ones(dense.shape[-2:], dense.dtype)), dense + 1)


@pytest.mark.parametrize("case", SQUARES)
def test_solutions_and_determinants_are_those_of_the_dense_matrix(case):
    make, dense = SQUARES[case]
    operator = make()
    rhs = normal(dense.shape[-1], 2).astype(dense.dtype)
    adjoint = np.conj(np.swapaxes(dense, -1, -2))
    solved = np.linalg.inv(dense) @ rhs
    close(operator.solve(rhs), solved)
    close(operator.solve(np.conj(rhs.T), adjoint_arg=True), solved)
    close(operator.solve(rhs, adjoint=True), np.linalg.inv(adjoint) @ rhs)
    close(operator.solvevec(rhs[:, 0]), solved[..., 0])
    close(operator.inverse().to_dense(), np.linalg.inv(dense))
    close(operator.determinant(), np.linalg.det(dense))
    close(operator.log_abs_determinant(), np.log(np.abs(np.linalg.det(dense))))
    close(operator.cond(), np.linalg.cond(dense))
    if operator.is_self_adjoint:
        values = np.sort(operator.eigvals().numpy().real, axis=-1)
        np.testing.assert_allclose(values, np.linalg.eigvalsh(dense), atol=1e-7)
    close(tf.linalg.solve(operator, rhs), solved)


@pytest.mark.parametrize("case", SQUARES)
def test_an_operator_travels_through_functions_as_a_value(case):
    make, dense = SQUARES[case]
    flat = tf.nest.flatten(make(), expand_composites=True)
    again = tf.nest.pack_sequence_as(make(), flat, expand_composites=True)
    close(again.to_dense(), dense)
    close(tf.function(lambda operator: operator.to_dense())(make()), dense)
    assert make()._type_spec == make()._type_spec


@pytest.mark.parametrize("left", SQUARES)
def test_products_of_operators_are_operators(left):
    for right in ("diag", "full", "identity", "lower", "scaled", left):
        (a, x), (b, y) = SQUARES[left], SQUARES[right]
        if x.shape[-1] != y.shape[-2] or a().dtype != b().dtype:
            continue
        assert isinstance(a() @ b(), L.LinearOperator)
        # A product with the identity is the other operator, without the identity's batch.
        dense = x if right == "identity" else y if left == "identity" else x @ y
        close((a() @ b()).to_dense(), dense)
        solved = y if left == "identity" else np.linalg.inv(x) @ y
        np.testing.assert_allclose(*np.broadcast_arrays(a().solve(b()).to_dense().numpy(), solved), atol=1e-7)


def test_families_are_kept():
    diag, lower = L.LinearOperatorDiag([1.0, 2.0]), L.LinearOperatorLowerTriangular([[1.0, 0.0], [2.0, 3.0]])
    assert type(diag @ diag) is type(diag.inverse()) is L.LinearOperatorDiag
    assert type(diag @ lower) is L.LinearOperatorLowerTriangular
    assert lower @ L.LinearOperatorIdentity(2) is lower
    assert type(lower @ lower) is L.LinearOperatorComposition
    assert (diag @ full(np.eye(2, dtype=np.float32))).name == "LinearOperatorDiag_o_LinearOperatorFullMatrix"
    inverse = lower.inverse()
    assert inverse.name == "LinearOperatorLowerTriangular_inv"
    assert inverse.inverse() is lower


def test_cholesky_factors_multiply_to_the_matrix():
    hints = {"is_self_adjoint": True, "is_positive_definite": True}
    cases = [
        full(A, **hints),
        L.LinearOperatorDiag([1.0, 2.0], is_positive_definite=True),
        L.LinearOperatorBlockDiag([full(A, **hints), full(B, **hints)]),
        L.LinearOperatorKronecker([full(A, **hints), full(B, **hints)], is_positive_definite=True),
        L.LinearOperatorScaledIdentity(3, 4.0, is_positive_definite=True),
    ]
    for operator in cases:
        factor = operator.cholesky().to_dense().numpy()
        np.testing.assert_allclose(factor @ factor.T, operator.to_dense().numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match="Not a positive definite self adjoint"):
        full(A).cholesky()


def test_block_operators_take_and_give_blocks():
    operator = L.LinearOperatorBlockDiag([full(A), full(B)])
    x, y = tf.constant(normal(2, 1)), tf.constant(normal(3, 1))
    first, second = operator.matmul([x, y])
    close(first, A @ x.numpy())
    close(second, B @ y.numpy())
    first, second = operator.solvevec([x[:, 0], y[:, 0]])
    close(second, np.linalg.solve(B, y.numpy()[:, 0]))


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: full(A, is_self_adjoint=True, is_square=False), "A self-adjoint matrix is always square"),
        (lambda: full(A, is_positive_definite=True, is_non_singular=False), "always non-singular"),
        (lambda: full(A, is_square=False).is_square, "User set is_square hint to False"),
        (lambda: L.LinearOperatorDiag([1.0], is_self_adjoint=False), "always self adjoint"),
        (lambda: L.LinearOperatorDiag(1.0), "at least 1 dimension"),
        (lambda: L.LinearOperatorComposition([]), "non-empty list"),
        (lambda: L.LinearOperatorComposition([full(A), full(B)]), "incompatible"),
        (lambda: L.LinearOperatorIdentity(-2), "must be non-negative"),
        (lambda: L.LinearOperatorZeros(2, 3), r"got num_rows\(2\) != num_columns\(3\)"),
        (lambda: L.LinearOperatorPermutation([1, 1, 0]), "unique integers from 0 to 2"),
        (lambda: L.LinearOperatorBlockLowerTriangular([[full(A)], [full(A)]]), "must contain `2` blocks"),
        (lambda: full(S).matmul(normal(3, 1)), "Dimensions 2 and 3 are not compatible"),
        (lambda: full(S).matmul(full(B)), "Expected `x` to have dimension 2 but got 3"),
        (lambda: full(S).inverse(), "non square matrix"),
    ],
)
def test_impossible_arguments_are_refused(make, error):
    with pytest.raises(ValueError, match=error):
        make()


def test_what_is_not_defined_says_so():
    with pytest.raises(NotImplementedError, match="Only self-adjoint"):
        full(A).eigvals()
    with pytest.raises(NotImplementedError, match="expected to not be square"):
        full(S).solve(normal(3, 1))
    with pytest.raises(TypeError, match="must have dtype in"):
        full(np.array([[1, 2]]))
    with pytest.raises(TypeError, match="Expected argument to have dtype"):
        full(A).matmul(tf.constant([[1], [2]]))


def test_asserts_look_at_the_values():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Diagonal contained zero"):
        L.LinearOperatorDiag([1.0, 0.0]).assert_non_singular()
    with pytest.raises(tf.errors.InvalidArgumentError, match="not positive definite"):
        L.LinearOperatorDiag([1.0, -2.0]).assert_positive_definite()
    with pytest.raises(tf.errors.InvalidArgumentError, match="not equal to its adjoint"):
        full([[1.0, 2.0], [3.0, 4.0]]).assert_self_adjoint()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Singular matrix"):
        full([[1.0, 2.0], [2.0, 4.0]]).assert_non_singular()


def test_gradients_reach_variables():
    diag = tf.Variable([1.0, 2.0])
    operator = L.LinearOperatorDiag(diag)
    assert [v is diag for v in operator.trainable_variables] == [True]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(operator.solvevec([1.0, 1.0]))
    np.testing.assert_allclose(tape.gradient(loss, diag), [-1.0, -0.25])
    diag.assign([4.0, 5.0])
    np.testing.assert_allclose(operator.diag_part(), [4.0, 5.0])


def test_indexing_takes_part_of_the_batch():
    close(L.LinearOperatorDiag(DIAG)[1].to_dense(), np.diag(DIAG[1]))
    close(full(MATRIX)[1:].to_dense(), MATRIX[1:])


def test_functions_of_linalg_take_operators():
    operator = L.LinearOperatorDiag([1.0, 2.0])
    close(tf.matmul(operator, [[1.0], [2.0]]), [[1.0], [4.0]])
    close(tf.matmul([[1.0, 2.0]], operator), [[1.0, 4.0]])
    close(tf.linalg.det(operator), 2.0)
    close(tf.linalg.trace(operator), 3.0)
    assert isinstance(tf.linalg.inv(operator), L.LinearOperator)


def test_sizes_may_be_unknown_until_the_step():
    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None])])
    def step(diag, rhs):
        operator = L.LinearOperatorBlockDiag([L.LinearOperatorDiag(diag), L.LinearOperatorDiag(2.0 * diag)])
        return operator.to_dense(), operator.matmul(rhs), operator.shape_tensor()

    dense, product, sizes = step([[1.0, 2.0]], np.ones((4, 1), np.float32))
    close(dense, [np.diag([1.0, 2.0, 2.0, 4.0])])
    close(product, [[[1.0], [2.0], [2.0], [4.0]]])
    assert sizes.numpy().tolist() == [1, 4, 4]
