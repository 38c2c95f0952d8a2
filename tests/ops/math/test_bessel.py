"""Bessel functions agree with their integral representations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

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
