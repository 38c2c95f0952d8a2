"""Sizes of either version's shapes, and questions about how old the consumers of a graph may be."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from penstock.core.shape import dimension_at_index as dimension_at_index
from penstock.core.shape import dimension_value as dimension_value

_horizon = [datetime.date.today()]


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Tell whether graphs may use what was added on a date: whether the date lies before the horizon, by default
    today.

    Args:
        year, month, day: the date.
    """
    return _horizon[-1] > datetime.date(year, month, day)


@contextlib.contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Within the `with` block, let the horizon of `forward_compatible` be a date.

    Args:
        year, month, day: the date.
    """
    _horizon.append(datetime.date(year, month, day))
    try:
        yield
    finally:
        _horizon.pop()
