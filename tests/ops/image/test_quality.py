"""Measures on images."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.image import quality as q
from penstock.testing.op_case import uniform

X = uniform(0, 1, 2, 24, 24, 3, dtype=np.float32)
Y = np.clip(X + uniform(-0.1, 0.1, 2, 24, 24, 3, dtype=np.float32, seed=1), 0, 1)


def test_differences_of_neighbours():
    down, across = q.image_gradients(X)
    np.testing.assert_allclose(down.numpy()[:, :-1], np.diff(X, axis=1), atol=1e-7)
    np.testing.assert_allclose(across.numpy()[:, :, :-1], np.diff(X, axis=2), atol=1e-7)
    assert down.numpy()[:, -1].max() == 0
    expected = np.abs(np.diff(X, axis=1)).sum((1, 2, 3)) + np.abs(np.diff(X, axis=2)).sum((1, 2, 3))
    np.testing.assert_allclose(q.total_variation(X).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(q.total_variation(X[0]).numpy(), expected[0], rtol=1e-5)


def test_sobel_measures_slopes():
    ramp = np.tile(np.arange(6, dtype=np.float32)[:, None, None], [1, 5, 2])[None]
    edges = q.sobel_edges(ramp).numpy()
    assert edges.shape == (1, 6, 5, 2, 2)
    np.testing.assert_allclose(edges[0, 1:-1, :, :, 0], 8)
    np.testing.assert_allclose(edges[..., 1], 0, atol=1e-6)


def test_noise_ratio():
    expected = -10 * np.log10(((X - Y) ** 2).mean((1, 2, 3)))
    np.testing.assert_allclose(q.psnr(X, Y, 1.0).numpy(), expected, rtol=1e-4)


def test_similarity_is_1_for_the_same_and_less_for_others():
    np.testing.assert_allclose(q.ssim(X, X, 1.0).numpy(), 1, rtol=1e-5)
    value = q.ssim(X, Y, 1.0, filter_size=5).numpy()
    maps = q.ssim(X, Y, 1.0, filter_size=5, return_index_map=True).numpy()
    assert (value < 1).all() and maps.shape == (2, 20, 20)
    np.testing.assert_allclose(maps.mean((1, 2)), value, rtol=1e-5)
    scales = q.ssim_multiscale(X, Y, 1.0, power_factors=(0.5, 0.5), filter_size=5).numpy()
    assert scales.shape == (2,) and (scales < 1).all() and (scales > value - 0.2).all()
    np.testing.assert_allclose(q.ssim_multiscale(X, X, 1.0, (0.5, 0.5), 5).numpy(), 1, rtol=1e-5)


def test_images_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="same height"):
        q.ssim(X, Y[:, 1:], 1.0)
    with pytest.raises(ValueError, match="4D"):
        q.image_gradients(X[0])
    with pytest.raises(ValueError, match="dimensional"):
        q.total_variation(X[0, 0])
