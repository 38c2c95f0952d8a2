"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import sample_dims
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.distributions.location_scale import LocationScale
from penstock.distributions.normal_functions import log_ndtr, ndtr
from penstock.ops.array.filling import ones_like
from penstock.ops.math.exponential import log
from penstock.ops.math.gamma import ndtri
from penstock.ops.math.unary import square
from penstock.ops.random.functions import random_normal


class Normal(LocationScale):
    """Normal distributions.

    Args:
        loc: floating, the means.
        scale: the standard deviations, positive; its shape broadcasts with that of `loc`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal"
    ) -> None:
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        dims = sample_dims(n, self.batch_shape_tensor())
        return random_normal(dims, dtype=self.loc.dtype, seed=seed) * self.scale + self.loc

    def _z(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def _log_prob(self, value: Any) -> Tensor:
        return -0.5 * square(self._z(value)) - (0.5 * math.log(2.0 * math.pi) + log(self.scale))

    def _log_cdf(self, value: Any) -> Tensor:
        return log_ndtr(self._z(value))

    def _cdf(self, value: Any) -> Tensor:
        return ndtr(self._z(value))

    def _log_survival_function(self, value: Any) -> Tensor:
        return log_ndtr(-self._z(value))

    def _survival_function(self, value: Any) -> Tensor:
        return ndtr(-self._z(value))

    def _entropy(self) -> Tensor:
        return 0.5 * math.log(2.0 * math.pi * math.e) + log(self._wide_scale())

    def _wide_scale(self) -> Tensor:
        return self.scale * ones_like(self.loc)

    def _mean(self) -> Tensor:
        return self.loc * ones_like(self.scale)

    def _quantile(self, value: Any) -> Tensor:
        return ndtri(value) * self.scale + self.loc

    def _stddev(self) -> Tensor:
        return self._wide_scale()

    def _mode(self) -> Tensor:
        return self._mean()


@RegisterKL(Normal, Normal)
def kl_normal_normal(a: Normal, b: Normal, name: str | None = None) -> Tensor:
    """Return the divergence of one normal distribution from another."""
    with name_scope(name, "kl_normal_normal"):
        variance_a, variance_b = square(a.scale), square(b.scale)
        ratio = variance_a / variance_b
        return square(a.loc - b.loc) / (2.0 * variance_b) + 0.5 * (ratio - 1.0 - log(ratio))
