"""Linear systems solved by the method of conjugate gradients."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.language.control_flow import while_loop
from penstock.linear_operators.operator import LinearOperator
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.shaping import expand_dims
from penstock.ops.constant import constant
from penstock.ops.linalg.norms import norm
from penstock.ops.math.compare import logical_and
from penstock.ops.math.complex import conj
from penstock.ops.math.reduce import reduce_any, reduce_sum

CGState = namedtuple("CGState", ["i", "x", "r", "p", "gamma"])


def conjugate_gradient(
    operator: LinearOperator,
    rhs: Any,
    preconditioner: LinearOperator | None = None,
    x: Any = None,
    tol: float = 1e-5,
    max_iter: int = 20,
    name: str = "conjugate_gradient",
) -> Any:
    """Return a solution of `A x = rhs` that is found by conjugate gradients, without A being written out.

    Source: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952).

    Args:
        operator: A, a self-adjoint and positive definite operator of shape (..., N, N).
        rhs: the right sides, of shape (..., N).
        preconditioner: an operator that approximates the inverse of A; none by default.
        x: where to start, of the shape of `rhs`; 0 by default.
        tol: when to stop: all residuals are at most `tol` times the norm of their right side.
        max_iter: how many steps there are at most.
        name: the name of the scope.
    Returns:
        A named tuple: `i`, the number of steps; `x`, the solutions; `r`, their residuals; `p`, the last directions;
        `gamma`, the products of `r` with the preconditioned `r`.
    Raises:
        ValueError: if the operator is not said to be self-adjoint and positive definite, or sizes do not fit.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("Expected a self-adjoint, positive definite operator.")
    with name_scope(name):
        rhs = convert_to_tensor(rhs, name="rhs")
        limit = tol * norm(rhs, axis=-1)
        if x is None:
            solution = zeros_like(rhs)
            residual = rhs
        else:
            solution = convert_to_tensor(x, dtype=rhs.dtype, name="x")
            residual = rhs - operator.matvec(solution)

        def preconditioned(vectors: Tensor) -> Tensor:
            return vectors if preconditioner is None else preconditioner.matvec(vectors)

        def is_unsolved(i: Tensor, state: Any) -> Tensor:
            return logical_and(i < max_iter, reduce_any(norm(state.r, axis=-1) > limit))

        def step(i: Tensor, state: Any) -> Any:
            image = operator.matvec(state.p)
            length = state.gamma / _product(state.p, image)
            solution = state.x + expand_dims(length, -1) * state.p
            residual = state.r - expand_dims(length, -1) * image
            direction = preconditioned(residual)
            gamma = _product(residual, direction)
            p = direction + expand_dims(gamma / state.gamma, -1) * state.p
            return i + 1, CGState(i + 1, solution, residual, p, gamma)

        direction = preconditioned(residual)
        start = CGState(constant(0), solution, residual, direction, _product(residual, direction))
        return while_loop(is_unsolved, step, (constant(0), start))[1]


def _product(a: Tensor, b: Tensor) -> Tensor:
    return reduce_sum(conj(a) * b, -1)
