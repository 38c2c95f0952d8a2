"""Functions of `tf.linalg` that take operators as well as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import api_dispatch
from penstock.core.api_dispatch import Handler
from penstock.linear_operators.operator import LinearOperator
from penstock.ops.array.diagonal import diag_part, trace
from penstock.ops.linalg.common import adjoint
from penstock.ops.linalg.factorizations import cholesky, eigvalsh
from penstock.ops.linalg.solving import det, inv, logdet, solve
from penstock.ops.math.binary import add
from penstock.ops.math.matmul import matmul, matvec


def _is_operator(arguments: Any) -> bool:
    return isinstance(arguments[0], LinearOperator)


def _matmul(a: Any, b: Any, transpose_a: bool, transpose_b: bool, adjoint_a: bool, adjoint_b: bool, *rest: Any) -> Any:
    if transpose_a or transpose_b or any(flag for flag in rest[:-1] if flag is not None):
        raise ValueError(
            "transpose_a, transpose_b, sparse flags and types do not apply to operators. Use adjoint_a or adjoint_b."
        )
    if isinstance(a, LinearOperator):
        return a.matmul(b, adjoint=bool(adjoint_a), adjoint_arg=bool(adjoint_b))
    # X A = (A^H X^H)^H.
    return adjoint(b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a))


def _matvec(a: Any, b: Any, transpose_a: bool, adjoint_a: bool, *rest: Any) -> Any:
    if transpose_a:
        raise ValueError("transpose_a does not apply to operators. Use adjoint_a.")
    return a.matvec(b, adjoint=bool(adjoint_a))


def _register(api: Any, target: Callable[..., Any]) -> None:
    first = api_dispatch.parameters_of(api)[0].name
    api_dispatch.register(api, Handler(target, _is_operator), [first], until=LinearOperator)


_register(adjoint, lambda matrix, name: matrix.adjoint())
_register(cholesky, lambda input, name: input.cholesky())
_register(diag_part, lambda input, *rest: input.diag_part())
_register(trace, lambda x, name: x.trace())
_register(det, lambda input, name: input.determinant())
_register(inv, lambda input, adjoint, name: (input.adjoint() if adjoint else input).inverse())
_register(logdet, lambda matrix, name: matrix.log_abs_determinant())
_register(eigvalsh, lambda tensor, name: tensor.eigvals())
_register(solve, lambda matrix, rhs, adjoint, name: matrix.solve(rhs, adjoint=bool(adjoint)))
_register(matvec, _matvec)
api_dispatch.register(
    matmul,
    Handler(_matmul, lambda arguments: any(isinstance(operand, LinearOperator) for operand in arguments[:2])),
    ["a", "b"],
    until=LinearOperator,
)
api_dispatch.register(
    add,
    Handler(
        lambda x, y, name: x.add_to_tensor(y) if isinstance(x, LinearOperator) else y.add_to_tensor(x),
        lambda arguments: any(isinstance(operand, LinearOperator) for operand in arguments[:2]),
    ),
    ["x", "y"],
    until=LinearOperator,
)
