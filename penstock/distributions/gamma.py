"""The gamma distribution."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, joint_shape, joint_shape_tensor, nan_of
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import reshape
from penstock.ops.debugging.comparisons import assert_less, assert_positive
from penstock.ops.debugging.shapes import assert_same_float_dtype
from penstock.ops.math.binary import xlogy
from penstock.ops.math.exponential import log
from penstock.ops.math.gamma import digamma, igamma, lgamma
from penstock.ops.math.unary import sqrt, square
from penstock.ops.random.functions import random_gamma


class Gamma(Distribution):
    """Gamma distributions.

    Args:
        concentration: floating and positive, the shapes.
        rate: positive, the inverse scales; its shape broadcasts with that of `concentration`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    _PARAMETERS: tuple[str, ...] | None = ("concentration", "rate")

    def __init__(
        self,
        concentration: Any,
        rate: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Gamma",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[concentration, rate]) as scope:
            checks = [assert_positive(concentration), assert_positive(rate)] if validate_args else []
            self._concentration = checked(concentration, checks[:1], name="concentration")
            self._rate = checked(rate, checks[1:], name="rate")
            assert_same_float_dtype([self._concentration, self._rate])
        super().__init__(
            self._rate.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @property
    def concentration(self) -> Tensor:
        """The shapes."""
        return self._concentration

    @property
    def rate(self) -> Tensor:
        """The inverse scales."""
        return self._rate

    def _batch_shape(self) -> TensorShape:
        return joint_shape(self.concentration, self.rate)

    def _batch_shape_tensor(self) -> Tensor:
        return joint_shape_tensor(self.concentration, self.rate)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        return random_gamma(reshape(n, [1]), self.concentration, self.rate, dtype=self.dtype, seed=seed)

    def _positive(self, value: Tensor) -> Tensor:
        return checked(value, [assert_positive(value)]) if self.validate_args else value

    def _log_prob(self, value: Any) -> Tensor:
        value = self._positive(value)
        normalization = lgamma(self.concentration) - self.concentration * log(self.rate)
        return xlogy(self.concentration - 1.0, value) - self.rate * value - normalization

    def _cdf(self, value: Any) -> Tensor:
        return igamma(self.concentration, self.rate * self._positive(value))

    def _entropy(self) -> Tensor:
        c = self.concentration
        return c - log(self.rate) + lgamma(c) + (1.0 - c) * digamma(c)

    def _mean(self) -> Tensor:
        return self.concentration / self.rate

    def _variance(self) -> Tensor:
        return self.concentration / square(self.rate)

    def _stddev(self) -> Tensor:
        return sqrt(self.concentration) / self.rate

    def _mode(self) -> Tensor:
        mode = (self.concentration - 1.0) / self.rate
        if self.allow_nan_stats:
            return where(self.concentration > 1.0, mode, nan_of(self.dtype))
        one = convert_to_tensor(1.0, self.dtype)
        message = "mode not defined when any concentration <= 1"
        return checked(mode, [assert_less(one, self.concentration, message=message)])


@RegisterKL(Gamma, Gamma)
def kl_gamma_gamma(g0: Gamma, g1: Gamma, name: str | None = None) -> Tensor:
    """Return the divergence of one gamma distribution from another."""
    with name_scope(name, "kl_gamma_gamma"):
        return (
            (g0.concentration - g1.concentration) * digamma(g0.concentration)
            + lgamma(g1.concentration)
            - lgamma(g0.concentration)
            + g1.concentration * log(g0.rate)
            - g1.concentration * log(g1.rate)
            + g0.concentration * (g1.rate / g0.rate - 1.0)
        )
