"""Means, variances and composed normalization."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn.moments import (
    batch_norm_with_global_normalization_v1,
    l2_normalize,
    l2_normalize_v1,
    moments,
    moments_v1,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
)
from penstock.testing.op_case import normal, uniform

X = normal(3, 4, 2)


@pytest.mark.parametrize("axes", [[0], [0, 1], [-1]])
@pytest.mark.parametrize("keepdims", [True, False])
def test_moments_are_mean_and_population_variance(axes, keepdims):
    mean, variance = moments(X, axes, keepdims=keepdims)
    np.testing.assert_allclose(mean.numpy(), X.mean(tuple(axes), keepdims=keepdims))
    np.testing.assert_allclose(variance.numpy(), X.var(tuple(axes), keepdims=keepdims))


def test_moments_of_the_first_version_take_keep_dims():
    assert moments_v1(X, [0], keep_dims=True)[0].dims == (1, 4, 2)
    with pytest.raises(ValueError, match="both"):
        moments_v1(X, [0], keep_dims=True, keepdims=True)


def test_moments_of_half_precision_are_computed_in_float32():
    mean, variance = moments(np.full((70000,), 2.0, np.float16), [0])
    assert (mean.dtype, mean.numpy(), variance.numpy()) == ("float16", 2.0, 0.0)


def test_weights_count_elements_several_times():
    weights = np.array([1.0, 2.0, 0.0]).reshape(3, 1, 1)
    mean, variance = weighted_moments(X, [0], weights)
    repeated = X[[0, 1, 1]]
    np.testing.assert_allclose(mean.numpy(), repeated.mean(0))
    np.testing.assert_allclose(variance.numpy(), repeated.var(0))


@pytest.mark.parametrize("shift", [None, 0.5])
def test_sufficient_statistics_normalize_to_moments(shift):
    statistics = sufficient_statistics(X, [0, 1], shift)
    assert statistics[0].numpy() == 12
    mean, variance = normalize_moments(*statistics)
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 1)))
    np.testing.assert_allclose(variance.numpy(), X.var((0, 1)))


def test_counts_of_unknown_sizes_are_computed():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, 4])
        assert sufficient_statistics(x, [0])[0].dims == ()


def test_the_old_normalization_takes_its_old_names():
    mean, variance = X.mean((0, 1)), X.var((0, 1))
    beta, gamma = normal(2), uniform(1, 2, 2)
    got = batch_norm_with_global_normalization_v1(X, mean, variance, beta, gamma, 0.01, True)
    np.testing.assert_allclose(got.numpy(), (X - mean) / np.sqrt(variance + 0.01) * gamma + beta)
    got = batch_norm_with_global_normalization_v1(X, mean, variance, beta, gamma, 0.01, False)
    np.testing.assert_allclose(got.numpy(), (X - mean) / np.sqrt(variance + 0.01) + beta)


def test_l2_normalize_gives_length_one():
    np.testing.assert_allclose(l2_normalize(X, 1).numpy(), X / np.linalg.norm(X, axis=1, keepdims=True))
    np.testing.assert_allclose(l2_normalize(X).numpy(), X / np.sqrt((X**2).sum()))
    np.testing.assert_allclose(l2_normalize_v1(X, dim=[0, 1]).numpy(), X / np.sqrt((X**2).sum((0, 1))))
    z = np.array([3 + 4j, 0])
    np.testing.assert_allclose(l2_normalize(z, 0).numpy(), z / 5)
    np.testing.assert_array_equal(l2_normalize(np.zeros(3), 0).numpy(), np.zeros(3))


def test_a_graph_takes_a_single_axis():
    with Graph().as_default():
        mean, variance = moments(lookup("Const")(value=np.ones((2, 3), np.float32), dtype="float32"), 1)
        assert mean.shape.as_list() == variance.shape.as_list() == [2]
