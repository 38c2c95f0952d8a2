"""Machine code for large arrays gives what ATen's kernels give."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from penstock.ops.array import selecting
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math import binary, compare, exponential, unary

SIZE = LARGE * torch.get_num_threads() + 3
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, -1e-40, 1.0, -1.0, 3e38, 1e-30]
CALLS = 10

COMPARISONS = [getattr(compare, f"_large_{name}") for name in ("equal", "not_equal", "less", "less_equal")]
COMPARISONS += [compare._large_greater, compare._large_greater_equal]
TESTS = [unary._large_is_nan, unary._large_is_inf, unary._large_is_finite, unary._large_sign]


def numbers(seed, dtype=torch.float32):
    """Return all pairs of special values, one of each pair by the seed's parity, and random ones."""
    pairs = np.meshgrid(SPECIAL, SPECIAL)[seed % 2].ravel()
    random = np.random.default_rng(seed).normal(size=SIZE - pairs.size) * 10
    return torch.from_numpy(np.concatenate([pairs, random])).to(dtype)


def first_and_last(kernel, *values):
    results = [kernel(*values) for _ in range(CALLS)]
    return results[0], results[-1]


def assert_same(one, other):
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    np.testing.assert_array_equal(one.numpy(), other.numpy())
    if one.is_floating_point():
        known = ~one.isnan()
        assert torch.equal(one.signbit()[known], other.signbit()[known])


def distance(found, exact):
    """Return how many units in the last place numbers are off; infinities, NaN and signs must be exact."""
    found, exact = found.numpy(), exact.numpy()
    finite = np.isfinite(exact) & (np.abs(exact) > np.finfo(np.float32).tiny)
    np.testing.assert_array_equal(found[~np.isfinite(exact)], exact[~np.isfinite(exact)].astype(np.float32))
    known = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(found[known]), np.signbit(exact[known]))
    unit = np.spacing(np.abs(exact[finite]).astype(np.float32))
    return (np.abs(found[finite] - exact[finite]) / unit).max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int32])
@pytest.mark.parametrize("kernel", COMPARISONS)
def test_comparisons_are_those_of_aten(kernel, dtype):
    x, y = (
        numbers(seed).nan_to_num(7, 8, 9).to(dtype) if dtype == torch.int32 else numbers(seed, dtype) for seed in (0, 1)
    )
    assert_same(*first_and_last(kernel, x, y))
    assert_same(*first_and_last(kernel, x, torch.tensor(1, dtype=dtype)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kernel", TESTS)
def test_signs_and_tests_for_special_values_are_those_of_aten(kernel, dtype):
    assert_same(*first_and_last(kernel, numbers(0, dtype)))


def test_quotients_by_zero_are_zero():
    assert_same(*first_and_last(binary._large_div_no_nan, numbers(0), numbers(1)))


@pytest.mark.parametrize("other", [numbers(1), torch.tensor(2.0)])
def test_elements_are_chosen(other):
    assert_same(*first_and_last(selecting._large_where, numbers(0) > 0, numbers(0), other))


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float32,
        torch.float64,
        torch.float16,
        torch.int8,
        torch.int64,
        torch.bool,
        torch.complex64,
        torch.complex128,
    ],
)
def test_choices_without_branches_are_those_of_aten(dtype):
    condition, x, y = numbers(1) > 0, numbers(0).nan_to_num(7, 8, 9).clip(-99, 99).to(dtype), numbers(1) > 1
    for other in (y.to(dtype), torch.zeros((), dtype=dtype), torch.ones((), dtype=dtype)):
        assert_same(
            selecting._where_without_branches(condition, x, other).resolve_conj(), torch.where(condition, x, other)
        )
        assert_same(selecting._where_without_branches(condition, other, x), torch.where(condition, other, x))


def test_choices_without_branches_keep_bits_and_shapes():
    x = numbers(0)
    for zero in (0.0, -0.0):
        other = torch.tensor(zero)
        assert_same(selecting._where_without_branches(x > 0, x, other), torch.where(x > 0, x, other))
    rows = x[: SIZE - SIZE % 4].reshape(-1, 4)
    for t, e in ((rows[:, :1], rows), (rows, rows[0]), (rows, torch.zeros(1, 1, 1)), (torch.ones(()), rows[0])):
        assert_same(selecting._where_without_branches(rows > 0, t, e), torch.where(rows > 0, t, e))


def test_the_compiler_is_loaded_for_larger_arrays_only_where_results_are_the_same_without_it(monkeypatch):
    monkeypatch.setattr("penstock.ops.fused.large._COMPILER", "a module that is not loaded")
    calls = []
    kernel = large_kernel("Sqrt", lambda x: calls.append(x) or torch.sqrt(x))
    first_and_last(kernel, numbers(0))
    assert len(calls) == CALLS
    first_and_last(kernel, torch.ones(4 * SIZE))
    assert len(calls) < 2 * CALLS


def test_angles_are_exact_to_two_units_in_the_last_place():
    y, x = numbers(0), numbers(1)
    assert distance(binary._large_atan2(y, x), torch.atan2(y.double(), x.double())) <= 2


def test_hyperbolic_tangents_are_exact_to_two_units_in_the_last_place():
    x = torch.cat([numbers(0), torch.linspace(-10, 10, SIZE)])
    assert distance(exponential._large_tanh(x), torch.tanh(x.double())) <= 2


def test_square_roots_are_rounded_correctly():
    x = numbers(0)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(unary._large_sqrt(x).numpy(), np.sqrt(x.numpy()))


def test_many_elements_are_shared_among_threads():
    x = torch.linspace(-3, 3, SIZE * 8)
    assert distance(exponential._large_tanh(x), torch.tanh(x.double())) <= 2


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(2, SIZE)[:, ::2],
        torch.zeros(SIZE, 2).t(),
        torch.zeros(SIZE, dtype=torch.float16),
        torch.zeros(LARGE - 1),
    ],
    ids=["gaps", "transposed", "float16", "small"],
)
def test_what_machine_code_does_not_fit_goes_to_aten(value):
    calls = []

    def plain(x):
        calls.append(x)
        return torch.sqrt(x)

    kernel = large_kernel("Sqrt", plain, is_exact=False)
    assert kernel(value).shape == value.shape
    assert len(calls) == 1


def test_shapes_that_broadcast_go_to_aten():
    rows = numbers(0)[: SIZE - SIZE % 4].reshape(-1, 4)
    assert_same(compare._large_less(rows, rows[0]), torch.lt(rows, rows[0]))
