"""The distribution of one decision."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, logits_and_probs, sample_dims
from penstock.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.ops.array.filling import ones_like
from penstock.ops.array.shaping import shape
from penstock.ops.debugging.comparisons import assert_less_equal, assert_non_negative
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import less
from penstock.ops.nn.activation import softplus
from penstock.ops.nn.cross_entropy import sigmoid_cross_entropy_with_logits
from penstock.ops.random.functions import random_uniform


class Bernoulli(Distribution):
    """Distributions over 0 and 1.

    Args:
        logits: the log-odds of 1.
        probs: the probabilities of 1, in place of `logits`.
        dtype: the type of an event.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if both or none of `logits` and `probs` are given.
    """

    _PARAMETERS = ("logits",)

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = dtypes.int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Bernoulli",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name) as scope:
            self._logits, own = logits_and_probs(logits, probs, False)
            checks = []
            if validate_args and probs is not None:
                message = "probs has components greater than 1."
                checks = [
                    assert_non_negative(own, message="probs has components less than 0."),
                    assert_less_equal(own, ones_like(own), message=message),
                ]
            self._probs = checked(own, checks)
        super().__init__(dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name)

    @property
    def logits(self) -> Tensor:
        """The log-odds of 1."""
        return self._logits

    @property
    def probs(self) -> Tensor:
        """The probabilities of 1."""
        return self._probs

    def _batch_shape(self) -> TensorShape:
        return self._logits.shape

    def _batch_shape_tensor(self) -> Tensor:
        return shape(self._logits)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        dims = sample_dims(n, self.batch_shape_tensor())
        return cast(less(random_uniform(dims, seed=seed, dtype=self.probs.dtype), self.probs), self.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        event = cast(value, self.logits.dtype)
        # The function wants equal shapes.
        event, logits = event * ones_like(self.logits), self.logits * ones_like(event)
        return -sigmoid_cross_entropy_with_logits(labels=event, logits=logits)

    def _entropy(self) -> Tensor:
        return -self.logits * (_sigmoid_minus_one(self.probs)) + softplus(-self.logits)

    def _mean(self) -> Tensor:
        return self.probs * 1.0

    def _variance(self) -> Tensor:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Tensor:
        return cast(self.probs > 0.5, self.dtype)


def _sigmoid_minus_one(probs: Tensor) -> Tensor:
    return probs - 1.0


@RegisterKL(Bernoulli, Bernoulli)
def kl_bernoulli_bernoulli(a: Bernoulli, b: Bernoulli, name: str | None = None) -> Tensor:
    """Return the divergence of one Bernoulli distribution from another."""
    with name_scope(name, "kl_bernoulli_bernoulli"):
        zero = softplus(b.logits) - softplus(a.logits)
        one = softplus(-b.logits) - softplus(-a.logits)
        return a.probs * one + (1.0 - a.probs) * zero
