"""The uniform distribution."""

from __future__ import annotations

from typing import Any

from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, joint_shape, joint_shape_tensor, sample_dims
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.ops.array.filling import ones_like, zeros_like
from penstock.ops.array.selecting import where
from penstock.ops.constant import identity
from penstock.ops.debugging.comparisons import assert_less
from penstock.ops.debugging.shapes import assert_same_float_dtype
from penstock.ops.math.compare import logical_or
from penstock.ops.math.exponential import log
from penstock.ops.math.unary import is_nan, sqrt, square
from penstock.ops.random.functions import random_uniform


class Uniform(Distribution):
    """Distributions that are uniform over `[low, high)`.

    Args:
        low: floating, the lower ends.
        high: the upper ends; its shape broadcasts with that of `low`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    _PARAMETERS = ("low", "high")

    def __init__(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Uniform",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[low, high]) as scope:
            message = "uniform not defined when low >= high."
            self._low = identity(low, name="low")
            self._high = checked(high, [assert_less(low, high, message=message)] if validate_args else [], name="high")
            assert_same_float_dtype([self._low, self._high])
        super().__init__(
            self._low.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @property
    def low(self) -> Tensor:
        """The lower ends."""
        return self._low

    @property
    def high(self) -> Tensor:
        """The upper ends."""
        return self._high

    def range(self, name: str = "range") -> Tensor:
        """Return `high - low`."""
        with self._scope(name):
            return self.high - self.low

    def _batch_shape(self) -> TensorShape:
        return joint_shape(self.low, self.high)

    def _batch_shape_tensor(self) -> Tensor:
        return joint_shape_tensor(self.low, self.high)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        dims = sample_dims(n, self.batch_shape_tensor())
        return self.low + self.range() * random_uniform(dims, dtype=self.dtype, seed=seed)

    def _prob(self, value: Any) -> Tensor:
        event = value * ones_like(self.range())
        density = ones_like(event) / self.range()
        outside = logical_or(event < self.low, event >= self.high)
        return where(is_nan(event), event, where(outside, zeros_like(event), density))

    def _cdf(self, value: Any) -> Tensor:
        event = value * ones_like(self.range())
        share = (event - self.low) / self.range()
        share = where(event < self.low, zeros_like(event), share)
        return where(event >= self.high, ones_like(event), share)

    def _entropy(self) -> Tensor:
        return log(self.range())

    def _mean(self) -> Tensor:
        return (self.low + self.high) / 2.0

    def _variance(self) -> Tensor:
        return square(self.range()) / 12.0

    def _stddev(self) -> Tensor:
        return self.range() / sqrt(12.0)
