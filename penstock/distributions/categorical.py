"""The distribution of one choice among classes."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, logits_and_probs
from penstock.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from penstock.distributions.kullback_leibler import RegisterKL
from penstock.ops.array.filling import ones_like
from penstock.ops.array.joining import concat
from penstock.ops.array.selecting import sequence_mask
from penstock.ops.array.shaping import reshape, shape, transpose
from penstock.ops.debugging.comparisons import assert_near
from penstock.ops.math.cast import cast
from penstock.ops.math.positions import argmax
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits
from penstock.ops.nn.softmax import log_softmax
from penstock.ops.random.functions import categorical


class Categorical(Distribution):
    """Distributions over the numbers 0 to K - 1.

    Args:
        logits: unnormalized log-probabilities of shape (..., K).
        probs: probabilities of shape (..., K), in place of `logits`.
        dtype: the type of an event.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if both or none of `logits` and `probs` are given.
    """

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = dtypes.int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Categorical",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[logits, probs]) as scope:
            self._logits, own = logits_and_probs(logits, probs, True)
            checks = []
            if validate_args and probs is not None:
                total = reduce_sum(own, -1)
                checks = [assert_near(total, ones_like(total), message="probs does not sum to 1.")]
            self._probs = checked(own, checks)
        super().__init__(dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name)

    @property
    def event_size(self) -> Tensor:
        """The number of classes, an int32 scalar."""
        return shape(self._logits)[-1]

    @property
    def logits(self) -> Tensor:
        """The unnormalized log-probabilities."""
        return self._logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._probs

    def _batch_shape(self) -> TensorShape:
        return self.logits.shape[:-1]

    def _batch_shape_tensor(self) -> Tensor:
        return shape(self.logits)[:-1]

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        rows = reshape(self.logits, concat([[-1], shape(self.logits)[-1:]], 0))
        kind = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
        drawn = transpose(categorical(rows, n, dtype=kind, seed=seed), [1, 0])
        return cast(reshape(drawn, concat([reshape(n, [1]), self.batch_shape_tensor()], 0)), self.dtype)

    def _with_classes(self, value: Any, table: Tensor) -> tuple[Tensor, Tensor]:
        """Return events and a table over classes, broadcast to each other."""
        event = cast(value, dtypes.int32) if self.dtype.is_floating else value
        wide = table * cast(ones_like(event), table.dtype)[..., None]
        return event * cast(ones_like(table[..., 0]), event.dtype), wide

    def _log_prob(self, value: Any) -> Tensor:
        event, logits = self._with_classes(value, self.logits)
        return -sparse_softmax_cross_entropy_with_logits(labels=event, logits=logits)

    def _cdf(self, value: Any) -> Tensor:
        event, probs = self._with_classes(value, self.probs)
        return reduce_sum(probs * cast(sequence_mask(event, self.event_size), probs.dtype), -1)

    def _entropy(self) -> Tensor:
        return -reduce_sum(log_softmax(self.logits) * self.probs, -1)

    def _mode(self) -> Tensor:
        return cast(argmax(self.logits, -1), self.dtype)


@RegisterKL(Categorical, Categorical)
def kl_categorical_categorical(a: Categorical, b: Categorical, name: str | None = None) -> Tensor:
    """Return the divergence of one categorical distribution from another."""
    with name_scope(name, "kl_categorical_categorical"):
        return reduce_sum(a.probs * (log_softmax(a.logits) - log_softmax(b.logits)), -1)
