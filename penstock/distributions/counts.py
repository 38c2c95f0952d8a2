"""What distributions of counts share."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked
from penstock.ops.debugging.comparisons import assert_equal, assert_non_negative
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import floor


def _whole_checks(tensor: Tensor, what: str) -> list[Any]:
    return [
        assert_non_negative(tensor, message=f"{what} must be non-negative."),
        assert_equal(tensor, floor(tensor), message=f"{what} cannot contain fractional components."),
    ]


def checked_total(total_count: Any, validate_args: bool) -> Tensor:
    """Return how many trials there are, checked to be whole numbers if asked for."""
    tensor = convert_to_tensor(total_count, name="total_count")
    return checked(tensor, _whole_checks(tensor, "total_count") if validate_args else [])


def checked_counts(counts: Tensor, total_count: Tensor, validate_args: bool) -> Tensor:
    """Return counts, checked to be whole numbers of the right sum if asked for."""
    if not validate_args:
        return counts
    message = "counts must sum to `self.total_count`"
    checks = _whole_checks(counts, "counts")
    return checked(counts, [*checks, assert_equal(total_count, reduce_sum(counts, -1), message=message)])
