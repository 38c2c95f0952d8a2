"""Numbers that are not finite are found, and named."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.ops.math import numerics
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, normal

CASES = [
    OpCase(numerics.check_numerics_op, [normal(3)], lambda x: x, {"message": "loss"}),
    OpCase(numerics.check_numerics_v2_op, [normal(3)], lambda x: x, {"message": "loss"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_message_says_what_was_found() -> None:
    with pytest.raises(InvalidArgumentError, match="loss : Tensor had Inf and NaN values"):
        numerics.check_numerics(constant([np.inf, np.nan]), "loss")
    with pytest.raises(InvalidArgumentError, match=r"loss : Tensor had -Inf values"):
        numerics.check_numerics_v2_op(constant([-np.inf, 1.0]), message="loss")


def test_a_finite_tensor_passes() -> None:
    assert numerics.assert_all_finite(constant([1.0]), "weights").numpy().tolist() == [1.0]
    assert numerics.verify_tensor_all_finite(constant([1.0]), "weights").numpy().tolist() == [1.0]


def test_every_floating_tensor_of_a_graph_is_checked() -> None:
    with Graph().as_default() as graph:
        x = placeholder("float32", [])
        y = 1 / x
        check = numerics.add_check_numerics_ops()
    with Session(graph=graph) as session:
        session.run([y, check], {x: 2.0})
        with pytest.raises(InvalidArgumentError, match="Tensor had Inf values"):
            session.run([y, check], {x: 0.0})
