"""Error, gamma and beta functions agree with their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penstock.ops.constant import constant
from penstock.ops.math import gamma
from penstock.testing.op_case import OpCase, normal, uniform

_erf, _erfc, _lgamma = np.vectorize(math.erf), np.vectorize(math.erfc), np.vectorize(math.lgamma)
_A, _X = uniform(0.5, 5, 6), uniform(0.2, 8, 6, seed=1)


def _digamma(x: np.ndarray) -> np.ndarray:
    step = 1e-5
    return (_lgamma(x + step) - _lgamma(x - step)) / (2 * step)


def _lower(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    terms = [np.exp((a + n) * np.log(x) - x - _lgamma(a + n + 1)) for n in range(200)]
    return np.sum(terms, axis=0)


def _zeta(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    n = 10000
    head = sum((q + k) ** -x for k in range(n))
    return head + (q + n) ** (1 - x) / (x - 1) + 0.5 * (q + n) ** -x


def _beta(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t = x[:, None] * (nodes + 1) / 2
    area = (t ** (a[:, None] - 1) * (1 - t) ** (b[:, None] - 1) * weights).sum(1) * x / 2
    return area * np.exp(_lgamma(a + b) - _lgamma(a) - _lgamma(b))


CASES = [
    OpCase(gamma.erf_op, [normal(5)], _erf),
    OpCase(gamma.erfc_op, [normal(5)], _erfc),
    OpCase(gamma.erfinv_op, [_erf(np.array([-1.0, 0.3, 1.5]))], [-1.0, 0.3, 1.5]),
    OpCase(gamma.ndtri_op, [np.array([0.5, 0.8413447460685429])], [0.0, 1.0]),
    OpCase(gamma.lgamma_op, [_A], _lgamma),
    OpCase(gamma.digamma_op, [_A], _digamma, gradient="first"),
    OpCase(gamma.zeta_op, [_A + 1.5, _X], _zeta, gradient=None),
    OpCase(
        gamma.polygamma_op, [np.array([0.0, 1.0]), np.array([1.0, 1.0])], [-np.euler_gamma, np.pi**2 / 6], gradient=None
    ),
    OpCase(gamma.igamma_op, [_A, _X], _lower, gradient="first"),
    OpCase(gamma.igammac_op, [_A, _X], lambda a, x: 1 - _lower(a, x), gradient="first"),
    OpCase(
        gamma.igamma_grad_a_op,
        [_A, _X],
        lambda a, x: (_lower(a + 1e-5, x) - _lower(a - 1e-5, x)) / 2e-5,
        gradient=None,
    ),
    OpCase(gamma.betainc_op, [_A + 1, _X + 1, uniform(0.1, 0.9, 6, seed=2)], _beta, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_digamma_is_nan_at_its_poles() -> None:
    assert np.isnan(gamma.digamma(constant([0.0, -1.0])).numpy()).all()


def test_erfcinv_undoes_erfc() -> None:
    x = np.array([0.2, 1.0, 1.7])
    np.testing.assert_allclose(_erfc(gamma.erfcinv(constant(x)).numpy()), x, rtol=1e-6)


def test_the_logarithm_of_the_beta_function() -> None:
    assert float(gamma.lbeta(constant([2.0, 3.0]))) == pytest.approx(math.log(1 / 12))


def test_polynomials_take_the_highest_power_first() -> None:
    assert gamma.polyval([2.0, 0.0, 1.0], constant([3.0])).numpy().tolist() == [19.0]
    with pytest.raises(ValueError, match="list"):
        gamma.polyval((1.0,), constant(1.0))


def test_incomplete_gamma_functions_are_nan_outside_of_their_domain() -> None:
    for function in (gamma.igamma, gamma.igammac):
        assert np.isnan(function(constant([0.0, 1.0]), constant([1.0, -1.0])).numpy()).all()


def test_zeta_at_the_poles_is_infinite_for_even_exponents_only():
    assert gamma.zeta([2.0, 3.0, 1.5], [-1.0, -1.0, 0.0]).numpy().tolist()[0] == np.inf
    assert np.isnan(gamma.zeta([3.0, 1.5], [-1.0, 0.0]).numpy()).all()


def test_the_error_function_of_large_arrays_is_exact_to_three_units_in_the_last_place() -> None:
    x = np.concatenate([np.linspace(-5, 5, 60_001), np.logspace(-30, 0, 10_000), [np.inf, -np.inf]]).astype(np.float32)
    found, exact = gamma.erf(constant(x)).numpy().astype(np.float64), _erf(x.astype(np.float64))
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    assert (np.abs(found - exact) <= 3 * unit).all()
    assert np.isnan(gamma.erf(constant(np.full(70_000, np.nan, np.float32))).numpy()).all()
