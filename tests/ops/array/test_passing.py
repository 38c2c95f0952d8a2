"""Values passed through."""

from __future__ import annotations

import pytest

from penstock.core.tape import GradientTape
from penstock.ops.array.passing import (
    deep_copy_op,
    guarantee_const_op,
    prevent_gradient,
    prevent_gradient_op,
    snapshot_op,
)
from penstock.ops.constant import constant
from penstock.testing.op_case import OpCase, normal

CASES = [
    OpCase(prevent_gradient_op, [normal(2)], lambda x: x, gradient=None),
    OpCase(snapshot_op, [normal(2)], lambda x: x, gradient=None),
    OpCase(deep_copy_op, [normal(2)], lambda x: x, gradient=None),
    OpCase(guarantee_const_op, [normal(2)], lambda x: x, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_a_gradient_through_prevent_gradient_is_an_error_that_says_why() -> None:
    x = constant(1.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = prevent_gradient(x, "it is not defined")
    with pytest.raises(LookupError, match="it is not defined"):
        tape.gradient(y, x)
