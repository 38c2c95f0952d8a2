"""A sum one of whose terms is multiplied by a number."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.declare import fused_op


@fused_op("_ScaledSum(x: T, y: T) -> z: T", T=frozenset({float32, float64}))
def scaled_sum_op(x: Array, y: Array, *, factor: float) -> Array:
    return torch.add(x, y, alpha=factor)


@scaled_sum_op.specialize
def scaled_sum_specialized(attrs: dict[str, Any]) -> Callable[..., Array]:
    return _scaled_sum_by(attrs["factor"])


@lru_cache(maxsize=1024)
def _scaled_sum_by(factor: float) -> Callable[..., Array]:
    return partial(torch.add, alpha=factor)
