"""Counts of classes whose probabilities have a Dirichlet distribution."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import log_combinations, new_seed
from penstock.distributions.counts import checked_counts, checked_total
from penstock.distributions.dirichlet import checked_concentration
from penstock.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from penstock.ops.array.diagonal import set_diag
from penstock.ops.array.filling import one_hot
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.debugging.shapes import assert_same_float_dtype
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import log
from penstock.ops.math.gamma import lbeta
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import sqrt
from penstock.ops.random.functions import categorical, random_gamma


class DirichletMultinomial(Distribution):
    """Distributions over the counts of K classes, whose probabilities are drawn from a Dirichlet distribution first.

    Args:
        total_count: floating, the numbers of trials.
        concentration: floating and positive, of shape (..., K).
        validate_args, allow_nan_stats, name: see `Distribution`.
    """

    def __init__(
        self,
        total_count: Any,
        concentration: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DirichletMultinomial",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[total_count, concentration]) as scope:
            self._total_count = checked_total(total_count, validate_args)
            self._concentration = checked_concentration(concentration, validate_args)
            assert_same_float_dtype([self._total_count, self._concentration])
            self._total = reduce_sum(self._concentration, -1)
        super().__init__(
            self._concentration.dtype,
            NOT_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            name=scope or name,
        )

    @property
    def total_count(self) -> Tensor:
        """The numbers of trials."""
        return self._total_count

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
        trials = cast(self.total_count, dtypes.int32)
        if self.total_count.shape.rank not in (None, 0):
            raise NotImplementedError("Sample only supported for scalar number of draws.")
        count = self.event_shape_tensor()[0]
        drawn = random_gamma(reshape(n, [1]), self.concentration, dtype=self.dtype, seed=seed)
        logits = reshape(log(drawn), concat([[-1], [count]], 0))
        chosen = categorical(logits, trials, seed=new_seed(seed, "dirichlet_multinomial"))
        counts = reduce_sum(one_hot(chosen, count), -2)
        dims = concat([reshape(n, [1]), self.batch_shape_tensor(), self.event_shape_tensor()], 0)
        return cast(reshape(counts, dims), self.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        counts = checked_counts(value, self.total_count, self.validate_args)
        ordered = lbeta(self.concentration + counts) - lbeta(self.concentration)
        return ordered + log_combinations(self.total_count, counts)

    def _mean(self) -> Tensor:
        return self.total_count[..., None] * (self.concentration / self._total[..., None])

    def _scale(self) -> Tensor:
        total = self._total[..., None]
        return sqrt((1.0 + total / self.total_count[..., None]) / (1.0 + total))

    def _variance(self) -> Tensor:
        x = self._scale() * self._mean()
        return x * (self.total_count[..., None] * self._scale() - x)

    def _covariance(self) -> Tensor:
        x = self._scale() * self._mean()
        return set_diag(-(x[..., None] * x[..., None, :]), self._variance())
