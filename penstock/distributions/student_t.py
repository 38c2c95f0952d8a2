"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, joint_shape, joint_shape_tensor, nan_of, new_seed, sample_dims
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.ops.array.filling import ones, ones_like
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import reshape
from penstock.ops.constant import identity
from penstock.ops.debugging.comparisons import assert_less, assert_positive
from penstock.ops.debugging.shapes import assert_same_float_dtype
from penstock.ops.math.exponential import log, log1p
from penstock.ops.math.gamma import betainc, digamma, lgamma
from penstock.ops.math.unary import abs as absolute
from penstock.ops.math.unary import rsqrt, square
from penstock.ops.random.functions import random_gamma, random_normal


class StudentT(Distribution):
    """Student's t-distributions.

    Args:
        df: floating and positive, the degrees of freedom.
        loc: the centers.
        scale: positive; not the standard deviation. The shapes of all three broadcast.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    _PARAMETERS = ("df", "loc", "scale")

    def __init__(
        self,
        df: Any,
        loc: Any,
        scale: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "StudentT",
    ) -> None:
        parameters = dict(locals())
        with name_scope(name, values=[df, loc, scale]) as scope:
            self._df = checked(df, [assert_positive(df)] if validate_args else [], name="df")
            self._loc = identity(loc, name="loc")
            self._scale = identity(scale, name="scale")
            assert_same_float_dtype([self._df, self._loc, self._scale])
        super().__init__(
            self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self._df

    @property
    def loc(self) -> Tensor:
        """The centers."""
        return self._loc

    @property
    def scale(self) -> Tensor:
        """The scales."""
        return self._scale

    def _batch_shape(self) -> TensorShape:
        return joint_shape(self.df, self.loc, self.scale)

    def _batch_shape_tensor(self) -> Tensor:
        return joint_shape_tensor(self.df, self.loc, self.scale)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        dims = sample_dims(n, self.batch_shape_tensor())
        normal = random_normal(dims, dtype=self.dtype, seed=seed)
        df = self.df * ones(self.batch_shape_tensor(), dtype=self.dtype)
        gamma = random_gamma(reshape(n, [1]), 0.5 * df, beta=0.5, dtype=self.dtype, seed=new_seed(seed, "student_t"))
        return normal * rsqrt(gamma / df) * self.scale + self.loc

    def _y(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def _log_prob(self, value: Any) -> Tensor:
        unnormalized = -0.5 * (self.df + 1.0) * log1p(square(self._y(value)) / self.df)
        return unnormalized - self._log_normalization()

    def _log_normalization(self) -> Tensor:
        return (
            log(absolute(self.scale))
            + 0.5 * log(self.df)
            + 0.5 * math.log(math.pi)
            + lgamma(0.5 * self.df)
            - lgamma(0.5 * (self.df + 1.0))
        )

    def _cdf(self, value: Any) -> Tensor:
        y = self._y(value) / absolute(ones_like(self.scale))
        share = self.df / (square(y) + self.df)
        half = convert_to_tensor(0.5, self.dtype)
        tail = 0.5 * betainc(0.5 * self.df * ones_like(share), half * ones_like(share), share)
        return where(y < 0.0, tail, 1.0 - tail)

    def _entropy(self) -> Tensor:
        v = ones(self.batch_shape_tensor(), dtype=self.dtype)
        u = v * self.df
        log_beta = lgamma(0.5 * u) + lgamma(0.5 * v) - lgamma(0.5 * (u + v))
        return (
            log(absolute(self.scale))
            + 0.5 * log(self.df)
            + log_beta
            + 0.5 * (self.df + 1.0) * (digamma(0.5 * (self.df + 1.0)) - digamma(0.5 * self.df))
        )

    def _mean(self) -> Tensor:
        mean = self.loc * ones(self.batch_shape_tensor(), dtype=self.dtype)
        if self.allow_nan_stats:
            return where(self.df > 1.0, mean, nan_of(self.dtype))
        one = convert_to_tensor(1.0, self.dtype)
        return checked(mean, [assert_less(one, self.df, message="mean not defined for components of df <= 1")])

    def _variance(self) -> Tensor:
        # The division is by 1 where it does not count.
        denominator = where(self.df > 2.0, self.df - 2.0, ones_like(self.df))
        variance = ones(self.batch_shape_tensor(), dtype=self.dtype) * square(self.scale) * self.df / denominator
        infinite = np.array(np.inf, dtype=self.dtype.as_numpy_dtype)
        variance = where(self.df > 2.0, variance, infinite)
        if self.allow_nan_stats:
            return where(self.df > 1.0, variance, nan_of(self.dtype))
        one = convert_to_tensor(1.0, self.dtype)
        message = "variance not defined for components of df <= 1"
        return checked(variance, [assert_less(one, self.df, message=message)])

    def _mode(self) -> Tensor:
        return self.loc * ones(self.batch_shape_tensor(), dtype=self.dtype)
