"""Batch normalization with what stands next to it: machine code and ATen's kernels agree."""

from __future__ import annotations

import pytest
import torch

from penstock.core.shape_rules import ShapeError
from penstock.ops.nn import batch_norm
from penstock.ops.nn.batch_norm import gradients_of_normalization, normalize

SHAPES = {"NHWC": (3, 5, 4, 18), "NCHW": (3, 18, 5, 4), "NDHWC": (2, 3, 2, 4, 18), "NCDHW": (2, 18, 3, 2, 4)}


def vectors(channels=18):
    return torch.rand(channels) + 0.5, torch.randn(channels), torch.randn(channels), torch.rand(channels) + 0.5


def ways(monkeypatch, function):
    """Return what a function gives by ATen's kernels, and by machine code where there is one."""
    found = []
    for smallest in (1 << 60, 1):
        monkeypatch.setattr(batch_norm, "LARGE", smallest)
        found.append(function())
    return found


@pytest.mark.parametrize("data_format", SHAPES)
@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize("factor", [1.0, 0.25])
def test_both_ways_agree(data_format, is_training, factor, monkeypatch):
    torch.manual_seed(1)
    x, residual, g = (torch.randn(SHAPES[data_format]) for _ in range(3))
    scale, offset, mean, variance = vectors()

    def run():
        y, *statistics = normalize(
            x, scale, offset, mean, variance, 1e-3, factor, data_format, is_training, residual, is_rectified=True
        )
        grads = gradients_of_normalization(
            [g, g * 2], x, scale, *statistics[2:], 1e-3, data_format, is_training, y, keeps_masked=True
        )
        alone = normalize(x, scale, offset, mean, variance, 1e-3, factor, data_format, is_training, is_rectified=True)
        again = [
            gradients_of_normalization([g], x, scale, *alone[3:], 1e-3, data_format, is_training, *mask)
            for mask in ((alone[0],), (None, offset))
        ]
        for pair in zip(*again, strict=True):
            assert torch.equal(*pair)
        return [y, *statistics, *grads, *alone, *again[0]]

    for by_kernels, by_code in zip(*ways(monkeypatch, run), strict=True):
        torch.testing.assert_close(by_kernels, by_code, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_runs_by_kernels(dtype, monkeypatch):
    monkeypatch.setattr(batch_norm, "LARGE", 1)
    x = torch.randn(2, 4, 4, 18).to(dtype)
    y, *_, mean, variance = normalize(x, *vectors(), 1e-3, 1.0, "NHWC", True, is_rectified=True)
    assert y.dtype == dtype and mean.dtype == torch.float32 and (y >= 0).all()
    dx, *_ = gradients_of_normalization([x], x, vectors()[0], mean, variance, 1e-3, "NHWC", True, y)
    assert dx.dtype == dtype


@pytest.mark.parametrize("is_training", [False, True])
def test_images_may_lie_otherwise(is_training, monkeypatch):
    x, g = (torch.randn(3, 5, 18, 4).transpose(2, 3) for _ in range(2))
    scale, offset, mean, variance = vectors()

    def run():
        y, *_, used_mean, used_variance = normalize(
            x, scale, offset, mean, variance, 1e-3, 1.0, "NHWC", is_training, g, is_rectified=True, result=x
        )
        return y, *gradients_of_normalization(
            [g], x, scale, used_mean, used_variance, 1e-3, "NHWC", is_training, y, keeps_masked=True, result=x
        )

    before = x.clone()
    for by_kernels, by_code in zip(*ways(monkeypatch, run), strict=True):
        torch.testing.assert_close(by_kernels, by_code, rtol=1e-4, atol=1e-5)
    assert torch.equal(x, before)


def test_a_residual_of_another_shape_is_broadcast(monkeypatch):
    x, residual = torch.randn(3, 5, 4, 18), torch.randn(1, 5, 4, 18)

    def run():
        return normalize(x, *vectors()[:2], *vectors()[:2], 1e-3, 1.0, "NHWC", True, residual)[0].shape

    assert ways(monkeypatch, run) == [x.shape, x.shape]


def test_nothing_gives_nothing(monkeypatch):
    monkeypatch.setattr(batch_norm, "LARGE", 1)
    x = torch.zeros(0, 5, 4, 18)
    scale, *rest = vectors()
    y, mean, *_ = normalize(x, scale, *rest, 1e-3, 1.0, "NHWC", True, x, is_rectified=True)
    assert y.shape == x.shape and mean.isnan().all()
    dx, dscale, _, masked = gradients_of_normalization([x], x, scale, *rest[1:], 1e-3, "NHWC", True, y, None, True)
    assert dx.shape == masked.shape == x.shape and not dscale.any()


def test_gradients_of_another_shape_are_refused(monkeypatch):
    x, (scale, *rest) = torch.ones(3, 5, 4, 18), vectors()
    for smallest in (1, 1 << 60):
        monkeypatch.setattr(batch_norm, "LARGE", smallest)
        with pytest.raises(ShapeError):
            gradients_of_normalization([x[:2]], x, scale, *rest[1:], 1e-3, "NHWC", True)
        with pytest.raises(ShapeError):
            gradients_of_normalization([x], x, scale, *rest[1:], 1e-3, "NHWC", True, x[:2])
