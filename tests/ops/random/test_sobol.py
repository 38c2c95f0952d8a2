"""Sobol points."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.random import sobol
from penstock.testing.op_case import OpCase

FIRST = np.array([[0.5, 0.5, 0.5, 0.5, 0.5], [0.75, 0.25, 0.25, 0.25, 0.75], [0.25, 0.75, 0.75, 0.75, 0.25]])
CASES = [
    OpCase(sobol.sobol_sample_op, [5, 3, 0], reference=FIRST.astype(np.float32)),
    OpCase(sobol.sobol_sample_op, [5, 1, 2], reference=FIRST[2:], attrs={"dtype": dtypes.float64}, name="skip"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(("arguments", "message"), [((0, 4), "dim must be"), ((3, 0), "num_results must be")])
def test_sizes_below_one_are_refused(arguments, message):
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match=message):
        sobol.sobol_sample(*arguments)
