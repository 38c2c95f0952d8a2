"""Quantized and floating again."""

from __future__ import annotations

import numpy as np
import pytest

import penstock
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
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


def test_the_range_of_the_input_does_not_clamp():
    x = np.array([[0.109375, 2.6875, 1.59375, -1.3125], [-1.671875, 1.125, -2.0, -0.640625]], np.float32)
    result = r.quantize_and_dequantize(x, 0.0, 0.0, signed_input=False, num_bits=2, round_mode="HALF_UP").numpy()
    assert result == pytest.approx(np.array([[0, 3, 2, -1], [-2, 1, -2, -1]]) * 2.6875 / 3)


def test_all_gradients_pass_in_the_first_version():
    x = constant(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = penstock.quantization.quantize_and_dequantize(x, LOW, HIGH, num_bits=4, range_given=True)
    assert tape.gradient(y, x).numpy().tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_negative_axis_needs_a_known_rank():
    with Graph().as_default(), pytest.raises(ValueError, match="known rank"):
        r.quantize_and_dequantize_v2(penstock.compat.v1.placeholder("float32"), [0.0], [0.0], axis=-1)
