"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, nan_of
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.ops.array.diagonal import set_diag
from penstock.ops.array.filling import ones_like
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.debugging.comparisons import assert_less, assert_near, assert_positive
from penstock.ops.debugging.shapes import assert_rank_at_least
from penstock.ops.math.binary import xlogy
from penstock.ops.math.cast import cast
from penstock.ops.math.gamma import digamma, lbeta
from penstock.ops.math.reduce import reduce_all, reduce_sum
from penstock.ops.random.functions import random_gamma


def checked_concentration(concentration: Any, validate_args: bool) -> Tensor:
    """Return concentrations that are checked to be positive, and more than one, if asked for."""
    tensor = convert_to_tensor(concentration, name="concentration")
    if not validate_args:
        return tensor
    return checked(
        tensor,
        [
            assert_positive(tensor, message="Concentration parameter must be positive."),
            assert_rank_at_least(tensor, 1, message="Concentration parameter must have >=1 dimensions."),
            assert_less(1, shape(tensor)[-1], message="Concentration parameter must have event_size >= 2."),
        ],
    )


class Dirichlet(Distribution):
    """Dirichlet distributions, over K positive numbers of sum 1.

    Args:
        concentration: floating and positive, of shape (..., K).
        validate_args, allow_nan_stats, name: see `Distribution`.
    """

    def __init__(
        self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Dirichlet"
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[concentration]) as scope:
            self._concentration = checked_concentration(concentration, validate_args)
            self._total = reduce_sum(self._concentration, -1)
        super().__init__(
            self._concentration.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            name=scope or name,
        )

    @property
    def concentration(self) -> Tensor:
        """The concentrations."""
        return self._concentration

    @property
    def total_concentration(self) -> Tensor:
        """Their sums."""
        return self._total

    def _batch_shape(self) -> TensorShape:
        return self._total.shape

    def _batch_shape_tensor(self) -> Tensor:
        return shape(self._total)

    def _event_shape(self) -> TensorShape:
        return self._concentration.shape.with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self) -> Tensor:
        return shape(self._concentration)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        drawn = random_gamma(reshape(n, [1]), self.concentration, dtype=self.dtype, seed=seed)
        return drawn / reduce_sum(drawn, -1, keepdims=True)

    def _inside(self, value: Tensor) -> Tensor:
        if not self.validate_args:
            return value
        total = reduce_sum(value, -1)
        return checked(
            value,
            [
                assert_positive(value, message="samples must be positive"),
                assert_near(total, ones_like(total), message="sample last-dimension must sum to `1`"),
            ],
        )

    def _log_prob(self, value: Any) -> Tensor:
        return reduce_sum(xlogy(self.concentration - 1.0, self._inside(value)), -1) - lbeta(self.concentration)

    def _entropy(self) -> Tensor:
        count = cast(self.event_shape_tensor()[0], self.dtype)
        return (
            lbeta(self.concentration)
            + (self._total - count) * digamma(self._total)
            - reduce_sum((self.concentration - 1.0) * digamma(self.concentration), -1)
        )

    def _mean(self) -> Tensor:
        return self.concentration / self._total[..., None]

    def _scaled_mean(self) -> Tensor:
        return self._mean() / (1.0 + self._total[..., None]) ** 0.5

    def _variance(self) -> Tensor:
        x = self._scaled_mean()
        return x * ((1.0 + self._total[..., None]) ** -0.5 - x)

    def _covariance(self) -> Tensor:
        x = self._scaled_mean()
        return set_diag(-(x[..., None] * x[..., None, :]), self._variance())

    def _mode(self) -> Tensor:
        count = cast(self.event_shape_tensor()[0], self.dtype)
        mode = (self.concentration - 1.0) / (self._total[..., None] - count)
        if self.allow_nan_stats:
            exists = reduce_all(self.concentration > 1.0, -1, keepdims=True)
            return where(exists, mode, nan_of(self.dtype))
        one = convert_to_tensor(1.0, self.dtype)
        message = "Mode undefined when any concentration <= 1"
        return checked(mode, [assert_less(one, self.concentration, message=message)])


@RegisterKL(Dirichlet, Dirichlet)
def kl_dirichlet_dirichlet(d1: Dirichlet, d2: Dirichlet, name: str | None = None) -> Tensor:
    """Return the divergence of one Dirichlet distribution from another."""
    with name_scope(name, "kl_dirichlet_dirichlet"):
        slopes = digamma(d1.concentration) - digamma(reduce_sum(d1.concentration, -1, keepdims=True))
        difference = d1.concentration - d2.concentration
        return reduce_sum(difference * slopes, -1) - lbeta(d1.concentration) + lbeta(d2.concentration)
