"""Fake quantization."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.quantization import fake as f
from penstock.testing.op_case import OpCase

F32 = np.float32
X = np.array([[-9, -0.3, 0.26], [0.24, 1.9, 3.6]], F32)
G = np.array([[1, 2, 4], [8, 16, 32]], F32)
LOW, HIGH = np.array(-1.0, F32), np.array(2.75, F32)
LOWS, HIGHS = np.full(3, -1, F32), np.full(3, 2.75, F32)
# 4 bits over [-1, 2.75]: steps of 1/4, and 0 is a level.
ROUNDED = np.array([[-1, -0.25, 0.25], [0.25, 2, 2.75]], F32)
INSIDE = np.array([[0, 2, 4], [8, 16, 0]], F32)
FOUR = {"num_bits": 4}

CASES = [
    OpCase(f.fake_quant_with_min_max_args_op, [X], ROUNDED, {"min": -1.0, "max": 2.75, **FOUR}, gradient=None),
    OpCase(
        f.fake_quant_with_min_max_args_gradient_op,
        [G, X],
        INSIDE,
        {"min": -1.0, "max": 2.75, **FOUR},
        gradient=None,
    ),
    OpCase(f.fake_quant_with_min_max_vars_op, [X, LOW, HIGH], ROUNDED, FOUR, gradient=None),
    OpCase(
        f.fake_quant_with_min_max_vars_gradient_op,
        [G, X, LOW, HIGH],
        [INSIDE, F32(1), F32(32)],
        FOUR,
        gradient=None,
    ),
    OpCase(f.fake_quant_with_min_max_vars_per_channel_op, [X, LOWS, HIGHS], ROUNDED, FOUR, gradient=None),
    OpCase(
        f.fake_quant_with_min_max_vars_per_channel_gradient_op,
        [G, X, LOWS, HIGHS],
        [INSIDE, np.array([1, 0, 0], F32), np.array([0, 0, 32], F32)],
        FOUR,
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_the_range_is_moved_so_that_0_is_a_level():
    levels = f.fake_quant_with_min_max_vars(np.linspace(-1, 3, 200, dtype=F32), -0.1, 2.0, num_bits=3).numpy()
    assert 0 in levels and len(set(levels.tolist())) == 8


def test_functions_are_the_operations():
    arguments = (-1.0, 2.75, 4)
    np.testing.assert_allclose(f.fake_quant_with_min_max_args(X, *arguments).numpy(), ROUNDED)
    np.testing.assert_allclose(f.fake_quant_with_min_max_args_gradient(G, X, *arguments).numpy(), INSIDE)
    np.testing.assert_allclose(f.fake_quant_with_min_max_vars_gradient(G, X, *arguments)[0].numpy(), INSIDE)
    np.testing.assert_allclose(f.fake_quant_with_min_max_vars_per_channel(X, LOWS, HIGHS, 4).numpy(), ROUNDED)
    result = f.fake_quant_with_min_max_vars_per_channel_gradient(G, X, LOWS, HIGHS, 4)
    np.testing.assert_allclose(result[0].numpy(), INSIDE)


def test_bad_ranges_are_refused():
    with pytest.raises(InvalidArgumentError, match="smaller"):
        f.fake_quant_with_min_max_args(X, 1, 0)
    with pytest.raises(InvalidArgumentError, match="num_bits"):
        f.fake_quant_with_min_max_args(X, num_bits=1)
    with pytest.raises(InvalidArgumentError, match="channels"):
        f.fake_quant_with_min_max_vars_per_channel(X, LOWS[:2], HIGHS[:2])
