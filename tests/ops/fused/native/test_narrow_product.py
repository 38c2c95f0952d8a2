"""Machine code for products with results of a few columns."""

from __future__ import annotations

import math

import pytest
import torch

from penstock.ops.fused.native.narrow_product import narrow_product


def multiply(a, b, bias=None):
    rows, columns = a.shape[0], b.shape[1]
    guarded = torch.full((rows * columns + 16,), 7.0)
    narrow_product(columns)(
        rows,
        a.shape[1],
        a.data_ptr(),
        *a.stride(),
        b.data_ptr(),
        b.stride(0),
        0 if bias is None else bias.data_ptr(),
        guarded.data_ptr(),
    )
    assert (guarded[rows * columns :] == 7.0).all()
    return guarded[: rows * columns].view(rows, columns)


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 10, 16])
@pytest.mark.parametrize(("rows", "inner"), [(1, 1), (3, 5), (29, 512), (70, 513), (4, 1100)])
def test_it_agrees_with_the_product_in_double_precision(rows, inner, columns):
    torch.manual_seed(0)
    b, bias = torch.randn(inner, columns), torch.randn(columns)
    wide = torch.randn(rows, inner + 3)
    for a in (torch.randn(rows, inner), torch.randn(inner, rows).t(), wide[:, :inner], wide[:, 2 : 2 + inner]):
        expected = a.double() @ b.double()
        torch.testing.assert_close(multiply(a, b).double(), expected, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(multiply(a, b, bias).double(), expected + bias.double(), rtol=1e-5, atol=1e-4)


def test_the_right_operand_may_have_gaps_between_its_rows():
    b = torch.randn(6, 9)
    a = torch.randn(5, 6)
    torch.testing.assert_close(multiply(a, b[:, 1:5]), a @ b[:, 1:5])


def test_what_is_not_finite_stays_in_its_rows_and_columns():
    a, b = torch.ones(40, 20), torch.ones(20, 3)
    a[7, 3], b[5, 1] = math.nan, math.inf
    result = multiply(a, b)
    torch.testing.assert_close(result, a @ b, equal_nan=True)
    assert result[7].isnan().all() and result[6, 1] == math.inf and result[6, 0] == 20


def test_rounding_does_not_grow_with_the_length_of_the_sums():
    a, b = torch.rand(2, 1 << 18), torch.rand(1 << 18, 4)
    torch.testing.assert_close(multiply(a, b).double(), a.double() @ b.double(), rtol=1e-5, atol=0)
