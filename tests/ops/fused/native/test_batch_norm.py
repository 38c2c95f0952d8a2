"""Machine code for batch normalization: exact sums, and the same results however the work is shared."""

from __future__ import annotations

import pytest
import torch

from penstock.ops.fused.native.batch_norm import batch_norm, batch_norm_gradients

EPSILON = 1e-3
SIZES = [(1, 20), (5, 3), (33, 17), (300, 64), (1000, 130), (65, 2048)]


def case(rows, columns, mean=0.0):
    torch.manual_seed(0)
    x, residual = torch.randn(rows, columns) * 3 + mean, torch.randn(rows, columns)
    return x, torch.rand(columns) + 0.5, torch.randn(columns), residual


def in_double(x, scale, offset, residual=None, is_rectified=False, statistics=None):
    """Return the leaves and the result in double precision, with torch's own derivatives."""
    leaves = [value.double().requires_grad_() for value in (x, scale, offset)]
    mean, variance = statistics or (leaves[0].mean(0), leaves[0].var(0, unbiased=False))
    y = (leaves[0] - mean) / (variance + EPSILON).sqrt() * leaves[1] + leaves[2]
    if residual is not None:
        leaves.append(residual.double().requires_grad_())
        y = y + leaves[3]
    return leaves, torch.relu(y) if is_rectified else y


def close(found, expected, tolerance=2e-6):
    expected = expected.detach()
    assert (found - expected).abs().max() <= tolerance * max(1.0, expected.abs().max())


@pytest.mark.parametrize(("rows", "columns"), SIZES)
@pytest.mark.parametrize("is_rectified", [False, True])
@pytest.mark.parametrize("adds", [False, True])
def test_it_agrees_with_double_precision(rows, columns, is_rectified, adds):
    x, scale, offset, residual = case(rows, columns)
    residual = residual if adds else None
    y, mean, variance = batch_norm(x, scale, offset, None, EPSILON, residual=residual, is_rectified=is_rectified)
    close(y, in_double(x, scale, offset, residual, is_rectified)[1], 1e-5)
    close(mean, x.double().mean(0))
    close(variance, x.double().var(0, unbiased=False))


def test_the_variance_is_exact_where_the_mean_is_large_and_one_row_far_from_it():
    x = torch.randn(4096, 32) + 1000
    x[0] = 0
    variance = batch_norm(x, torch.ones(32), torch.zeros(32), None, EPSILON)[2]
    torch.testing.assert_close(variance.double(), x.double().var(0, unbiased=False), rtol=1e-5, atol=0)


def test_given_statistics_are_used():
    x, scale, offset, _ = case(40, 33)
    given = torch.randn(33), torch.rand(33) + 0.1
    y, mean, variance = batch_norm(x, scale, offset, given, EPSILON)
    assert mean is given[0] and variance is given[1]
    close(y, in_double(x, scale, offset, statistics=[value.double() for value in given])[1], 1e-5)


def test_the_result_may_overwrite_the_matrix():
    x, scale, offset, residual = case(300, 70)
    expected = batch_norm(x, scale, offset, None, EPSILON, residual=residual)[0]
    y = batch_norm(x, scale, offset, None, EPSILON, residual=residual, result=x)[0]
    assert y is x and torch.equal(y, expected)


@pytest.mark.parametrize(("rows", "columns"), SIZES[1:])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("is_training", [False, True])
def test_derivatives_agree_with_double_precision(rows, columns, count, is_training):
    x, scale, offset, residual = case(rows, columns)
    given = None if is_training else (torch.randn(columns), torch.rand(columns) + 0.1)
    y, mean, variance = batch_norm(x, scale, offset, given, EPSILON, residual=residual, is_rectified=True)
    statistics = None if given is None else [value.double() for value in given]
    leaves, expected = in_double(x, scale, offset, residual, statistics=statistics)
    gradients = [torch.randn(rows, columns) for _ in range(count)]
    # The mask is that of the result in single precision, which rounding may put on the other side of 0.
    masked = torch.where(y > 0, sum(gradient.double() for gradient in gradients), 0.0)
    expected.backward(masked)
    found = batch_norm_gradients(
        gradients, x, scale, mean, variance, EPSILON, is_training=is_training, rectified=y, keeps_masked=True
    )
    for value, leaf in zip(found, leaves, strict=True):
        close(value, leaf.grad, 1e-4)
    again = batch_norm_gradients(gradients, x, scale, mean, variance, EPSILON, is_training=is_training, rectified=y)
    assert again[3] is None and all(torch.equal(*pair) for pair in zip(found[:3], again[:3], strict=True))


@pytest.mark.parametrize("is_training", [False, True])
def test_a_mask_that_is_computed_again_is_the_same(is_training):
    x, scale, offset, _ = case(3000, 70)
    offset[:] = 0
    x[::3] = x.mean(0)  # near 0 after normalization
    given = None if is_training else (x[0] + 0.0, torch.rand(70))
    y, mean, variance = batch_norm(x, scale, offset, given, EPSILON, is_rectified=True)
    arguments = [torch.randn_like(x)], x, scale, mean, variance, EPSILON
    found = batch_norm_gradients(*arguments, is_training=is_training, rectified=y)
    again = batch_norm_gradients(*arguments, is_training=is_training, offset=offset)
    assert all(torch.equal(*pair) for pair in zip(found[:3], again[:3], strict=True))


def test_the_derivative_may_overwrite_the_matrix():
    x, scale, _, gradient = case(300, 70)
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    arguments = [gradient], x, scale, mean, variance, EPSILON
    expected = batch_norm_gradients(*arguments, is_training=True)[0]
    dx = batch_norm_gradients(*arguments, is_training=True, result=x)[0]
    assert dx is x and torch.equal(dx, expected)


def test_the_number_of_threads_does_not_change_the_results():
    x, scale, offset, residual = case(4099, 64)

    def results():
        y, mean, variance = batch_norm(x, scale, offset, None, EPSILON, residual=residual, is_rectified=True)
        return (
            y,
            mean,
            variance,
            *batch_norm_gradients([residual], x, scale, mean, variance, EPSILON, is_training=True, rectified=y)[:3],
        )

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = results()
        torch.set_num_threads(3)
        shared = results()
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(*pair) for pair in zip(alone, shared, strict=True))


def test_what_is_not_a_number_stays_in_its_column_and_passes_the_relu():
    x, scale, offset, _ = case(100, 20)
    x[3, 5] = float("nan")
    y = batch_norm(x, scale, offset, None, EPSILON, is_rectified=True)[0]
    assert y[:, 5].isnan().all() and not y[:, :5].isnan().any() and not y[:, 6:].isnan().any()
