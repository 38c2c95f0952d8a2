"""Bessel functions agree with their integral representations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf
from penstock.ops.math import bessel
from penstock.testing.op_case import OpCase, uniform

_X = uniform(0.5, 6, 5)
_ANGLE = (np.arange(400) + 0.5) * np.pi / 400
_REACH = np.linspace(0, 12, 6001)


def _j(n: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.cos(n * _ANGLE - x[:, None] * np.sin(_ANGLE)).mean(1)


def _i(n: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: (np.exp(x[:, None] * np.cos(_ANGLE)) * np.cos(n * _ANGLE)).mean(1)


def _k(n: int) -> Callable[[np.ndarray], np.ndarray]:
    weights = np.where((_REACH == 0) | (_REACH == 12), 0.5, 1.0) * (_REACH[1] - _REACH[0])
    return lambda x: (np.exp(-x[:, None] * np.cosh(_REACH)) * np.cosh(n * _REACH) * weights).sum(1)


CASES = [
    OpCase(bessel.bessel_j0_op, [_X], _j(0), gradient="first"),
    OpCase(bessel.bessel_j1_op, [_X], _j(1), gradient="first"),
    OpCase(bessel.bessel_i0_op, [_X], _i(0), gradient="first"),
    OpCase(bessel.bessel_i1_op, [_X], _i(1), gradient="first"),
    OpCase(bessel.bessel_i0e_op, [_X], lambda x: np.exp(-np.abs(x)) * _i(0)(x), gradient="first"),
    OpCase(bessel.bessel_i1e_op, [_X], lambda x: np.exp(-np.abs(x)) * _i(1)(x), gradient="first"),
    OpCase(bessel.bessel_k0_op, [_X], _k(0), gradient="first"),
    OpCase(bessel.bessel_k1_op, [_X], _k(1), gradient="first"),
    OpCase(bessel.bessel_k0e_op, [_X], lambda x: np.exp(x) * _k(0)(x), gradient="first"),
    OpCase(bessel.bessel_k1e_op, [_X], lambda x: np.exp(x) * _k(1)(x), gradient="first"),
    OpCase(bessel.bessel_y0_op, [np.array([1.0, 4.0])], [0.08825696421567698, -0.01694073932506499], gradient="first"),
    OpCase(bessel.bessel_y1_op, [np.array([1.0, 4.0])], [-0.7812128213002887, 0.3979257105571000], gradient="first"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_double_precision_is_double():
    x = tf.constant([0.5, 3.7, 7.0, 25.5, 100.0], tf.float64)
    expected = {
        "bessel_j0": [0.938469807240813, -0.399230203371191, 0.300079270519556, 0.144062157546848, 0.019985850304223],
        "bessel_j1": [0.242268457674874, 0.053833987745462, -0.004682823482346, -0.062048536491484, -0.077145352014112],
        "bessel_y0": [
            -0.444518733506707,
            0.106074315320354,
            -0.025949743967209,
            -0.064859765498784,
            -0.077244313365083,
        ],
        "bessel_y1": [
            -1.471472392670243,
            0.416674372683808,
            -0.302667237024185,
            -0.145361058723049,
            -0.020372312002759,
        ],
    }
    for name, values in expected.items():
        assert getattr(tf.math.special, name)(x).numpy() == pytest.approx(np.array(values), abs=2e-14), name


def test_derivatives_at_zero_and_limits():
    x = tf.constant([0.0, 1.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.math.bessel_i1(x)
        slope = inner.gradient(y, x)
    assert slope.numpy()[0] == 1.0 and np.isnan(outer.gradient(slope, x).numpy()[0])
    assert np.isnan(tf.math.special.bessel_y1([0.0]).numpy()[0]) and np.isnan(
        tf.math.special.bessel_j0([np.inf]).numpy()[0]
    )
