"""Fractional pooling: TensorFlow's regions, and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.ops.nn import fractional_pooling as pooling
from penstock.testing.op_case import OpCase, normal

X = normal(1, 5, 4, 2)
RATIO = [1.0, 1.6, 1.3, 1.0]
SEEDED = {"pooling_ratio": RATIO, "deterministic": True, "seed": 5, "seed2": 7}
ENDS = [np.array([0, 2, 5]), np.array([0, 1, 4])]
GRAD = normal(1, 2, 2, 2, seed=1)
OVERLAP = {**SEEDED, "overlapping": True}
CASES = [
    OpCase(pooling.fractional_max_pool_op, [X], attrs=SEEDED, gradient="first"),
    OpCase(pooling.fractional_max_pool_op, [X], attrs=OVERLAP, gradient="first", name="overlap"),
    OpCase(pooling.fractional_avg_pool_op, [X], attrs={**SEEDED, "pseudo_random": True}, gradient="first"),
    OpCase(pooling.fractional_avg_pool_op, [X], attrs=OVERLAP, gradient="first", name="overlap"),
    OpCase(
        pooling.fractional_max_pool_op,
        [np.arange(16.0).reshape(1, 4, 4, 1)],
        reference=[np.array([[[[5.0], [7.0]], [[13.0], [15.0]]]]), np.array([0, 2, 4]), np.array([0, 2, 4])],
        attrs={"pooling_ratio": [1.0, 2.0, 2.0, 1.0]},
        gradient=None,
        name="even",
    ),
    OpCase(pooling.fractional_max_pool_grad_op, [X, GRAD, GRAD, *ENDS], gradient=None),
    OpCase(pooling.fractional_avg_pool_grad_op, [[1, 5, 4, 2], GRAD, *ENDS], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(
    ("pseudo_random", "rows", "columns"),
    [
        (False, [0, 1, 3, 5, 7, 8, 9, 11], [0, 2, 4, 6, 8, 9, 11, 13]),
        (True, [0, 2, 3, 5, 7, 8, 10, 11], [0, 2, 4, 6, 8, 10, 11, 13]),
    ],
)
def test_seeded_regions_are_tensorflows(pseudo_random, rows, columns):
    with context.eager_mode():
        found = pooling.fractional_max_pool_op(
            normal(2, 11, 13, 3),
            pooling_ratio=[1, 1.44, 1.73, 1],
            pseudo_random=pseudo_random,
            deterministic=True,
            seed=5,
            seed2=7,
        )
    assert (found[1].numpy().tolist(), found[2].numpy().tolist()) == (rows, columns)


def test_functions_seed_the_regions():
    with context.eager_mode():
        found = pooling.fractional_max_pool(normal(2, 11, 13, 3), 1.5, True, True, seed=3)
        assert found[1].numpy().tolist() == [0, 1, 3, 4, 6, 7, 9, 11]
        assert pooling.fractional_avg_pool_v1(X, RATIO)[0].shape.as_list() == [1, 3, 3, 2]


def test_unfit_ratios_are_refused():
    with context.eager_mode():
        with pytest.raises(ValueError, match=">= 1.0"):
            pooling.fractional_max_pool(X, 0.5)
        with pytest.raises(ValueError, match="first and last"):
            pooling.fractional_avg_pool(X, [1.0, 1.2, 1.3, 2.0])
        with pytest.raises(InvalidArgumentError, match="deterministic is false"):
            pooling.fractional_max_pool_v1(X, RATIO, seed=3)
