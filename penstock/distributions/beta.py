"""The beta distribution."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, nan_of, new_seed
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.ops.array.filling import ones_like
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.debugging.comparisons import assert_less, assert_positive
from penstock.ops.debugging.shapes import assert_same_float_dtype
from penstock.ops.math.binary import xlog1py, xlogy
from penstock.ops.math.compare import logical_and
from penstock.ops.math.gamma import betainc, digamma, lgamma
from penstock.ops.random.functions import random_gamma


class Beta(Distribution):
    """Beta distributions, over (0, 1).

    Args:
        concentration1, concentration0: floating and positive; how much weight lies near 1, and near 0.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    _PARAMETERS = ("concentration1", "concentration0")

    def __init__(
        self,
        concentration1: Any = None,
        concentration0: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Beta",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[concentration1, concentration0]) as scope:
            self._concentration1 = self._checked(concentration1, "concentration1", validate_args)
            self._concentration0 = self._checked(concentration0, "concentration0", validate_args)
            assert_same_float_dtype([self._concentration1, self._concentration0])
            self._total = self._concentration1 + self._concentration0
        super().__init__(
            self._total.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @staticmethod
    def _checked(concentration: Any, name: str, validate_args: bool) -> Tensor:
        tensor = convert_to_tensor(concentration, name=name)
        message = "Concentration parameter must be positive."
        return checked(tensor, [assert_positive(tensor, message=message)] if validate_args else [], name=name)

    @property
    def concentration1(self) -> Tensor:
        """How much weight lies near 1."""
        return self._concentration1

    @property
    def concentration0(self) -> Tensor:
        """How much weight lies near 0."""
        return self._concentration0

    @property
    def total_concentration(self) -> Tensor:
        """The sum of both."""
        return self._total

    def _batch_shape(self) -> TensorShape:
        return self._total.shape

    def _batch_shape_tensor(self) -> Tensor:
        return shape(self._total)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        wide = ones_like(self._total)
        first = random_gamma(reshape(n, [1]), wide * self.concentration1, dtype=self.dtype, seed=seed)
        second = random_gamma(
            reshape(n, [1]), wide * self.concentration0, dtype=self.dtype, seed=new_seed(seed, "beta")
        )
        return first / (first + second)

    def _inside(self, value: Tensor) -> Tensor:
        if not self.validate_args:
            return value
        one = ones_like(value)
        return checked(
            value,
            [
                assert_positive(value, message="sample must be positive"),
                assert_less(value, one, message="sample must be less than `1`."),
            ],
        )

    def _log_beta(self) -> Tensor:
        return lgamma(self.concentration1) + lgamma(self.concentration0) - lgamma(self._total)

    def _log_prob(self, value: Any) -> Tensor:
        value = self._inside(value)
        unnormalized = xlogy(self.concentration1 - 1.0, value) + xlog1py(self.concentration0 - 1.0, -value)
        return unnormalized - self._log_beta()

    def _cdf(self, value: Any) -> Tensor:
        return betainc(self.concentration1, self.concentration0, self._inside(value))

    def _entropy(self) -> Tensor:
        return (
            self._log_beta()
            - (self.concentration1 - 1.0) * digamma(self.concentration1)
            - (self.concentration0 - 1.0) * digamma(self.concentration0)
            + (self._total - 2.0) * digamma(self._total)
        )

    def _mean(self) -> Tensor:
        return self.concentration1 / self._total

    def _variance(self) -> Tensor:
        return self._mean() * (1.0 - self._mean()) / (1.0 + self._total)

    def _mode(self) -> Tensor:
        mode = (self.concentration1 - 1.0) / (self._total - 2.0)
        if self.allow_nan_stats:
            exists = logical_and(self.concentration1 > 1.0, self.concentration0 > 1.0)
            return where(exists, mode, nan_of(self.dtype))
        one = ones_like(self.concentration1)
        return checked(
            mode,
            [
                assert_less(one, self.concentration1, message="Mode undefined for concentration1 <= 1."),
                assert_less(one, self.concentration0, message="Mode undefined for concentration0 <= 1."),
            ],
        )


@RegisterKL(Beta, Beta)
def kl_beta_beta(d1: Beta, d2: Beta, name: str | None = None) -> Tensor:
    """Return the divergence of one beta distribution from another."""

    def difference(attribute: str, function: Any) -> Tensor:
        return function(getattr(d2, attribute)) - function(getattr(d1, attribute))

    with name_scope(name, "kl_beta_beta"):
        log_beta = (
            difference("concentration1", lgamma)
            + difference("concentration0", lgamma)
            - difference("total_concentration", lgamma)
        )
        return (
            log_beta
            - digamma(d1.concentration1) * difference("concentration1", _itself)
            - digamma(d1.concentration0) * difference("concentration0", _itself)
            + digamma(d1.total_concentration) * difference("total_concentration", _itself)
        )


def _itself(value: Tensor) -> Tensor:
    return value
