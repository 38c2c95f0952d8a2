"""Sums that a loop adds to in every iteration."""

from __future__ import annotations

import pytest
import torch

from penstock.ops.fused.running_sum import RunningSum


@pytest.mark.parametrize("rows", [0, 1, 7, 63, 64, 300])
def test_products_add_up_however_many_rows_they_are_over(rows):
    terms = [(torch.randn(rows, 3).double(), torch.randn(rows, 2).double()) for _ in range(9)]
    total = RunningSum(torch.ones(3, 2, dtype=torch.float64))
    for left, right in terms:
        total.add_product(left, right)
    torch.testing.assert_close(total.result(), sum((a.t() @ b for a, b in terms), torch.ones(3, 2).double()))


@pytest.mark.parametrize("rows", [0, 1, 64])
def test_rows_and_whole_terms_add_up(rows):
    terms = [torch.randn(rows, 4).double() for _ in range(5)]
    total = RunningSum(torch.zeros(4, dtype=torch.float64))
    for term in terms:
        total.add_rows(term)
    total.add(torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(total.result(), torch.cat(terms).sum(0) + 1)


def test_what_waits_to_be_added_stays_small():
    total = RunningSum(torch.zeros(1, 1))
    for _ in range(2000):
        total.add_product(torch.ones(1, 1), torch.ones(1, 1))
        assert len(total._left) < 256
    assert total.result().item() == 2000
