"""Machine code for products that loops repeat."""

from __future__ import annotations

import math

import pytest
import torch

from penstock.ops.fused.native.product import matrix_product


def multiply(a, b, bias=None, start=None, sums=None):
    """Return the product, written into, or added to, the middle of a matrix whose border must stay as it is."""
    rows, columns = a.shape[0], b.shape[1]
    guarded = torch.full((rows + 1, columns + 40), 7.0)
    result = guarded[:rows, :columns]
    if start is not None:
        result.copy_(start)
    is_turned = a.stride(1) != 1
    matrix_product(is_turned)(
        rows,
        a.shape[1],
        columns,
        a.data_ptr(),
        a.stride(1) if is_turned else a.stride(0),
        b.data_ptr(),
        b.stride(0),
        0 if bias is None else bias.data_ptr(),
        start is not None,
        result.data_ptr(),
        guarded.stride(0),
        0 if sums is None else sums.data_ptr(),
        0,
    )
    assert (guarded[rows] == 7.0).all() and (guarded[:, columns:] == 7.0).all()
    return result.clone()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("columns", [1, 31, 32, 33, 100])
@pytest.mark.parametrize(("rows", "inner"), [(1, 1), (3, 5), (14, 512), (31, 513), (70, 1100)])
def test_it_agrees_with_the_product_in_double_precision(rows, inner, columns, threads):
    torch.manual_seed(0)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        b, bias, start = torch.randn(inner, columns), torch.randn(columns), torch.randn(rows, columns)
        wide = torch.randn(rows, inner + 3)
        for a in (torch.randn(rows, inner), torch.randn(inner, rows).t(), wide[:, 2 : 2 + inner]):
            expected = a.double() @ b.double()
            torch.testing.assert_close(multiply(a, b).double(), expected, rtol=1e-5, atol=2e-4)
            torch.testing.assert_close(multiply(a, b, bias).double(), expected + bias.double(), rtol=1e-5, atol=2e-4)
            total = expected + start.double()
            torch.testing.assert_close(multiply(a, b, start=start).double(), total, rtol=1e-5, atol=2e-4)
    finally:
        torch.set_num_threads(before)


def test_the_right_operand_may_have_gaps_between_its_rows():
    a, b = torch.randn(5, 6), torch.randn(6, 90)
    torch.testing.assert_close(multiply(a, b[:, 10:50]), a @ b[:, 10:50])


def test_what_is_not_finite_stays_in_its_rows_and_columns():
    a, b = torch.ones(40, 20), torch.ones(20, 33)
    a[7, 3], b[5, 32] = math.nan, math.inf
    result = multiply(a, b)
    torch.testing.assert_close(result, a @ b, equal_nan=True)
    assert result[7].isnan().all() and result[6, 32] == math.inf and result[6, 0] == 20


def test_rounding_does_not_grow_with_the_length_of_the_sums():
    a, b = torch.rand(8, 1 << 16), torch.rand(1 << 16, 4)
    torch.testing.assert_close(multiply(a, b).double(), a.double() @ b.double(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("inner", "columns"), [(1, 1), (5, 33), (600, 100)])
def test_the_columns_of_the_right_operand_are_summed_up_once(inner, columns, threads):
    a, b, sums = torch.randn(200, inner), torch.randn(inner, columns), torch.randn(columns + 1)
    expected = sums.double()
    expected[:columns] += b.double().sum(0)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        torch.testing.assert_close(multiply(a, b, sums=sums), a @ b, rtol=1e-4, atol=2e-4)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(sums.double(), expected, rtol=1e-5, atol=2e-5)
