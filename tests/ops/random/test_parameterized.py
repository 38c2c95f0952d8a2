"""Truncated normal distributions with parameters that go on from call to call."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.ops.random.parameterized import parameterized_truncated_normal_op
from penstock.testing.op_case import OpCase

MEANS = np.array([0.0, 10.0])
CASES = [OpCase(parameterized_truncated_normal_op, [np.array([2, 3]), MEANS, MEANS + 1, MEANS - 1, MEANS + 1])]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.gradient = None
    case.check()


def test_draws_lie_between_their_bounds():
    with context.eager_mode():
        drawn = parameterized_truncated_normal_op(np.array([2, 200]), MEANS, MEANS + 1, MEANS - 1, MEANS + 1).numpy()
    assert np.all(np.abs(drawn - MEANS[:, None]) <= 1)


def test_parameters_must_fit_the_first_axis():
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="means"):
        parameterized_truncated_normal_op(np.array([3, 2]), MEANS, 1.0, -1.0, 1.0)
