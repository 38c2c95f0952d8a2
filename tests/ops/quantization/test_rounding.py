"""Quantized and floating again."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.quantization import rounding as r
from penstock.testing.op_case import OpCase

X = np.array([[-3, -0.3, 0.26], [0.24, 1.4, 3.6]])
LOW, HIGH = np.array(-2.0), np.array(1.75)
# 4 bits, signed: 8 levels below 0 for -2, so steps of 1/4.
ROUNDED = np.array([[-2, -0.25, 0.25], [0.25, 1.5, 1.75]])
GIVEN = {"num_bits": 4, "range_given": True}

CASES = [
    OpCase(r.quantize_and_dequantize_v2_op, [X, LOW, HIGH], ROUNDED, GIVEN, gradient=None),
    OpCase(r.quantize_and_dequantize_v3_op, [X, LOW, HIGH, 4], ROUNDED, gradient=None),
    OpCase(r.quantize_and_dequantize_v4_op, [X, LOW, HIGH], ROUNDED, GIVEN, gradient=None),
    OpCase(
        r.quantize_and_dequantize_v4_grad_op,
        [np.ones((2, 3)), X, LOW, HIGH],
        [np.array([[0, 1, 1], [1, 1, 0.0]]), 0.0, 0.0],
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_the_range_of_the_input_keeps_its_ends():
    result = r.quantize_and_dequantize(X, 0.0, 0.0).numpy()
    assert result[1, 2] == pytest.approx(3.6) and np.abs(result - X).max() < 3.6 / 127
    rows = r.quantize_and_dequantize_v2(X, [0.0, 0.0], [0.0, 0.0], axis=0).numpy()
    assert np.abs(rows[0] - X[0]).max() < 3 / 127
    assert r.quantize_and_dequantize_v3(X, LOW, HIGH, 4).numpy() == pytest.approx(ROUNDED)


def test_gradients_pass_within_the_range():
    x = constant(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = r.quantize_and_dequantize_v2(x, LOW, HIGH, num_bits=4, range_given=True)
    assert tape.gradient(y, x).numpy().tolist() == [[0, 1, 1], [1, 1, 0]]


def test_bad_ranges_are_refused():
    with pytest.raises(InvalidArgumentError, match="range"):
        r.quantize_and_dequantize(X, 2.0, 1.0, range_given=True)
    with pytest.raises(InvalidArgumentError, match="num_bits"):
        r.quantize_and_dequantize(X, 0.0, 1.0, num_bits=70)
