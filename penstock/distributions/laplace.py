"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.tensor import Tensor
from penstock.distributions.arguments import sample_dims
from penstock.distributions.location_scale import LocationScale
from penstock.ops.array.filling import ones_like
from penstock.ops.array.selecting import where
from penstock.ops.math.exponential import exp, log, log1p
from penstock.ops.math.unary import abs as absolute
from penstock.ops.math.unary import sign
from penstock.ops.random.functions import random_uniform


class Laplace(LocationScale):
    """Laplace distributions: two exponential ones, back to back.

    Args:
        loc: floating, the means.
        scale: positive; its shape broadcasts with that of `loc`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace"
    ) -> None:
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        kind = self.dtype.as_numpy_dtype
        # The logarithm of 0 would be infinite.
        lowest = np.nextafter(kind(-1.0), kind(0.0))
        dims = sample_dims(n, self.batch_shape_tensor())
        drawn = random_uniform(dims, lowest, 1.0, dtype=self.dtype, seed=seed)
        return self.loc - self.scale * sign(drawn) * log1p(-absolute(drawn))

    def _z(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def _log_prob(self, value: Any) -> Tensor:
        return -absolute(self._z(value)) - (math.log(2.0) + log(self.scale))

    def _log_cdf(self, value: Any) -> Tensor:
        return _log_cdf(self._z(value))

    def _cdf(self, value: Any) -> Tensor:
        z = self._z(value)
        return 0.5 + 0.5 * sign(z) * (1.0 - exp(-absolute(z)))

    def _log_survival_function(self, value: Any) -> Tensor:
        return _log_cdf(-self._z(value))

    def _entropy(self) -> Tensor:
        return math.log(2.0) + 1.0 + log(self.scale * ones_like(self.loc))

    def _mean(self) -> Tensor:
        return self.loc * ones_like(self.scale)

    def _stddev(self) -> Tensor:
        return math.sqrt(2.0) * self.scale * ones_like(self.loc)

    def _mode(self) -> Tensor:
        return self._mean()


def _log_cdf(x: Tensor) -> Tensor:
    return where(x < 0.0, -math.log(2.0) + x, log1p(-0.5 * exp(-absolute(x))))
