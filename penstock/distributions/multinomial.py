"""The distribution of how often each class is chosen."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import log_combinations, logits_and_probs
from penstock.distributions.counts import checked_counts, checked_total
from penstock.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from penstock.language.functional import map_fn
from penstock.ops.array.diagonal import set_diag
from penstock.ops.array.filling import one_hot, ones_like
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import reshape, shape, transpose
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.softmax import log_softmax
from penstock.ops.random.functions import categorical


class Multinomial(Distribution):
    """Distributions over the counts of K classes in a number of trials.

    Args:
        total_count: floating, the numbers of trials.
        logits: unnormalized log-probabilities of shape (..., K).
        probs: probabilities of shape (..., K), in place of `logits`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if both or none of `logits` and `probs` are given.
    """

    def __init__(
        self,
        total_count: Any,
        logits: Any = None,
        probs: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Multinomial",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[total_count, logits, probs]) as scope:
            self._total_count = checked_total(total_count, validate_args)
            self._logits, self._probs = logits_and_probs(logits, probs, True)
            self._mean_value = self._total_count[..., None] * self._probs
        super().__init__(
            self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @property
    def total_count(self) -> Tensor:
        """The numbers of trials."""
        return self._total_count

    @property
    def logits(self) -> Tensor:
        """The unnormalized log-probabilities."""
        return self._logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._probs

    def _batch_shape(self) -> TensorShape:
        return self._mean_value.shape.with_rank_at_least(1)[:-1]

    def _batch_shape_tensor(self) -> Tensor:
        return shape(self._mean_value)[:-1]

    def _event_shape(self) -> TensorShape:
        return self._mean_value.shape.with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self) -> Tensor:
        return shape(self._mean_value)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        count = self.event_shape_tensor()[0]
        trials = cast(self.total_count, dtypes.int32)
        # Each batch member may have a number of trials of its own.
        wide_trials = reshape(trials * ones_like(self.logits[..., 0], dtype=dtypes.int32), [-1])
        wide_logits = reshape(
            ones_like(trials, dtype=self.logits.dtype)[..., None] * self.logits, concat([[-1], [count]], 0)
        )

        def draw(item: Any) -> Tensor:
            logits, trial_count = item
            chosen = categorical(logits[None, :], n * trial_count, seed=seed)
            return reduce_sum(one_hot(reshape(chosen, [n, -1]), count), -2)

        drawn = map_fn(draw, [wide_logits, wide_trials], dtype=dtypes.float32)
        result = reshape(transpose(drawn, [1, 0, 2]), concat([reshape(n, [1]), self.batch_shape_tensor(), [count]], 0))
        return cast(result, self.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        counts = checked_counts(value, self.total_count, self.validate_args)
        unnormalized = reduce_sum(counts * log_softmax(self.logits), -1)
        return unnormalized + log_combinations(self.total_count, counts)

    def _mean(self) -> Tensor:
        return self._mean_value * 1.0

    def _variance(self) -> Tensor:
        p = self.probs * ones_like(self.total_count)[..., None]
        return self._mean_value - self._mean_value * p

    def _covariance(self) -> Tensor:
        p = self.probs * ones_like(self.total_count)[..., None]
        return set_diag(-(self._mean_value[..., None] * p[..., None, :]), self._variance())
