"""Conjugate gradients; the expected numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

MATRIX = [[4.0, 1, 0], [1, 3, 1], [0, 1, 2]]
RHS = [1.0, 2.0, 3.0]
SOLUTION = [0.22222215, 0.11111115, 1.4444444]


def operator(**hints):
    return tf.linalg.LinearOperatorFullMatrix(MATRIX, **hints)


def definite():
    return operator(is_self_adjoint=True, is_positive_definite=True)


def test_the_solution_takes_as_many_steps_as_there_are_unknowns():
    state = tf.linalg.experimental.conjugate_gradient(definite(), RHS)
    assert int(state.i) == 3
    np.testing.assert_allclose(state.x.numpy(), SOLUTION, rtol=1e-5)
    assert np.abs(state.r.numpy()).max() < 1e-5


def test_a_step_can_be_all_there_is():
    state = tf.linalg.experimental.conjugate_gradient(definite(), RHS, max_iter=1)
    assert int(state.i) == 1
    np.testing.assert_allclose(state.x.numpy(), [0.28, 0.56, 0.84], rtol=1e-5)
    np.testing.assert_allclose(state.r.numpy(), [-0.68, -0.8, 0.76], rtol=1e-5)
    np.testing.assert_allclose(state.p.numpy(), [-0.56, -0.56, 1.12], rtol=1e-5)
    np.testing.assert_allclose(state.gamma.numpy(), 1.68, rtol=1e-5)


def test_preconditioners_starts_and_batches():
    solve = tf.linalg.experimental.conjugate_gradient
    scaled = tf.linalg.LinearOperatorDiag([0.25, 1 / 3, 0.5])
    np.testing.assert_allclose(solve(definite(), RHS, preconditioner=scaled).x.numpy(), SOLUTION, rtol=1e-5)
    np.testing.assert_allclose(solve(definite(), RHS, x=[1.0, 0.0, 0.0]).x.numpy(), SOLUTION, rtol=1e-5)
    both = solve(definite(), [RHS, [2.0, 4.0, 6.0]]).x.numpy()
    np.testing.assert_allclose(both, [SOLUTION, 2 * np.array(SOLUTION)], rtol=1e-5)


def test_functions_can_solve():
    @tf.function
    def solve(rhs):
        return tf.linalg.experimental.conjugate_gradient(definite(), rhs).x

    np.testing.assert_allclose(solve(tf.constant(RHS)).numpy(), SOLUTION, rtol=1e-5)


def test_what_cannot_be_solved_is_refused():
    with pytest.raises(ValueError, match="self-adjoint, positive definite"):
        tf.linalg.experimental.conjugate_gradient(operator(), RHS)
    with pytest.raises(ValueError, match="not compatible"):
        tf.linalg.experimental.conjugate_gradient(definite(), [1.0, 2.0])
