"""The time at which a step runs."""

from __future__ import annotations

import time

import torch

from penstock.core.array import Array
from penstock.core.op import op
from penstock.core.shape_rules import scalar
from penstock.core.tensor import Tensor


@op("Timestamp() -> ts: float64", stateful=True, differentiable=False, shape=scalar)
def timestamp_op() -> Array:
    return torch.tensor(time.time(), dtype=torch.float64)


def timestamp(name: str | None = None) -> Tensor:
    """Return the seconds since the epoch, a float64 scalar: the time at which the operation runs.

    Args:
        name: the name of the node.
    """
    return timestamp_op(name=name)
