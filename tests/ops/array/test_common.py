"""What the array operations share."""

from __future__ import annotations

import pytest
import torch

from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.ops.array.common import check_allocation, moved


def test_data_of_unsigned_types_moves_through_signed_ones() -> None:
    x = torch.tensor([1, 2**63], dtype=torch.uint64)
    result = moved(lambda values: values.gather(0, torch.tensor([1, 0])), x)
    assert result.dtype == torch.uint64 and result.tolist() == [2**63, 1]


def test_allocations_beyond_the_machine_are_refused() -> None:
    check_allocation([2, 3], 4)
    with pytest.raises(ResourceExhaustedError):
        check_allocation([1 << 40, 1 << 20], 8)
    with pytest.raises(InvalidArgumentError):
        check_allocation([-1], 4)
