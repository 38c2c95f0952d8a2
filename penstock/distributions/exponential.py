"""The exponential distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import sample_dims
from penstock.distributions.gamma import Gamma
from penstock.ops.array.filling import ones
from penstock.ops.array.shaping import shape
from penstock.ops.math.exponential import exp, log
from penstock.ops.random.functions import random_uniform


class Exponential(Gamma):
    """Exponential distributions: gamma distributions of concentration 1.

    Args:
        rate: floating and positive, the inverses of the means.
        validate_args, allow_nan_stats, name: see `Distribution`.
    """

    _PARAMETERS = ("rate",)

    def __init__(
        self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Exponential"
    ) -> None:
        parameters = {key: value for key, value in locals().items() if not key.startswith("__")}
        with name_scope(name, values=[rate]) as scope:
            rate = convert_to_tensor(rate, name="rate")
            concentration = ones([], dtype=rate.dtype)
            super().__init__(concentration, rate, validate_args, allow_nan_stats, scope or name)
        self._parameters = {key: value for key, value in parameters.items() if key != "self"}

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        # The logarithm of 0 would be infinite.
        least = np.finfo(self.dtype.as_numpy_dtype).tiny
        dims = sample_dims(n, shape(self.rate))
        return -log(random_uniform(dims, least, 1.0, dtype=self.dtype, seed=seed)) / self.rate

    def _log_survival_function(self, value: Any) -> Tensor:
        return -self._positive(value) * self.rate

    def _survival_function(self, value: Any) -> Tensor:
        return exp(self._log_survival_function(value))
