"""Values that replicas hold, and datasets and iterators that feed them."""

from __future__ import annotations

import enum
from typing import Any


class ReduceOp(enum.Enum):
    """How values of several replicas become one."""

    SUM = "SUM"
    MEAN = "MEAN"

    @staticmethod
    def of(value: Any) -> ReduceOp:
        """Return the member that `value`, or its name in any case, stands for."""
        return value if isinstance(value, ReduceOp) else ReduceOp(str(value).upper())


class DistributedValues:
    """A value for each replica.

    Args:
        values: one a replica.
    """

    def __init__(self, values: Any) -> None:
        self._values = tuple(values)

    @property
    def values(self) -> tuple[Any, ...]:
        """The value of each replica."""
        return self._values


class DistributedDataset:
    """A dataset whose batches are spread over replicas. With one replica, datasets are used as they are."""


class DistributedIterator:
    """An iterator over a `DistributedDataset`."""
