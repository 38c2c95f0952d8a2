"""The distribution function of the standard normal distribution, also where it is close to 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.tensor import Tensor
from penstock.ops.array.selecting import where
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.exponential import log
from penstock.ops.math.gamma import erf, erfc
from penstock.ops.math.unary import abs as absolute

_HALF_SQRT_2 = 0.5 * math.sqrt(2.0)
_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)
# Where the logarithm is computed from an asymptotic series, and where from the other tail.
_BOUNDS = {"float64": (-20.0, 8.0), "float32": (-10.0, 5.0)}


def ndtr(x: Tensor) -> Tensor:
    """Return the probability that a standard normal number is less than `x`."""
    w = x * _HALF_SQRT_2
    z = absolute(w)
    tail = where(w > 0.0, 2.0 - erfc(z), erfc(z))
    return 0.5 * where(z < _HALF_SQRT_2, 1.0 + erf(w), tail)


def log_ndtr(x: Tensor) -> Tensor:
    """Return the logarithm of `ndtr`, without cancellation in the tails."""
    lower, upper = (np.array(bound, x.dtype.as_numpy_dtype) for bound in _BOUNDS[x.dtype.base_dtype.name])
    middle = log(ndtr(maximum(x, lower)))
    return where(x > upper, -ndtr(-x), where(x > lower, middle, _series(minimum(x, lower))))


def _series(x: Tensor) -> Tensor:
    """Return the logarithm for very negative numbers; source: Abramowitz and Stegun, 26.2.12."""
    inverse: Any = 1.0 / (x * x)
    terms = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse))
    return -0.5 * x * x - log(-x) - _HALF_LOG_2_PI + log(terms)
