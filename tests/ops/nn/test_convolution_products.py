"""Convolutions as products of matrices against ATen's."""

from __future__ import annotations

import pytest
import torch

from penstock.ops.nn import convolution_products
from penstock.ops.nn.convolution import conv2d_backprop_filter_op, conv2d_backprop_input_op, conv2d_op, convolve

SETTINGS = {
    "one-pixel": ((1, 1), {}),
    "one-pixel-strided": ((1, 1), {"strides": [1, 2, 2, 1]}),
    "same": ((3, 3), {}),
    "same-strided": ((3, 2), {"strides": [1, 2, 3, 1]}),
    "dilated": ((2, 3), {"dilations": [1, 2, 2, 1]}),
    "valid": ((2, 3), {"padding": "VALID", "strides": [1, 3, 1, 1]}),
    "explicit": ((2, 2), {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 2, 0, 0, 1, 0, 0]}),
}


def both_ways(monkeypatch, kernel, *arguments, **attrs):
    """Return what a kernel gives as products, and as convolutions."""
    found = []
    for chosen in (True, False):
        monkeypatch.setattr(convolution_products, "is_product", lambda *args, chosen=chosen, **kwargs: chosen)
        found.append(kernel(*arguments, **attrs))
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SETTINGS)
def test_products_agree_with_convolutions(name, dtype, monkeypatch):
    window, chosen = SETTINGS[name]
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME", **chosen}
    x, w = torch.randn(2, 7, 6, 4, dtype=dtype), torch.randn(*window, 4, 5, dtype=dtype)
    y = both_ways(monkeypatch, conv2d_op.kernel, x, w, **attrs)
    torch.testing.assert_close(*y)
    grad = torch.randn(y[0].shape, dtype=dtype)
    for kernel, arguments in (
        (conv2d_backprop_input_op.kernel, (list(x.shape), w, grad)),
        (conv2d_backprop_filter_op.kernel, (x, list(w.shape), grad)),
    ):
        product, convolution = both_ways(monkeypatch, kernel, *arguments, **attrs)
        assert product.is_contiguous()
        torch.testing.assert_close(product, convolution)


def test_images_in_any_layout_are_read_in_place(monkeypatch):
    x = torch.randn(3, 5, 5, 9)[1:, :, :, 2:6].transpose(1, 2)
    w = torch.randn(3, 3, 2, 4).permute(0, 1, 3, 2)
    torch.testing.assert_close(*both_ways(monkeypatch, conv2d_op.kernel, x, w, strides=[1, 1, 1, 1], padding="VALID"))


def test_a_bias_is_added_to_each_channel(monkeypatch):
    x, w, bias = torch.randn(1, 4, 4, 3), torch.randn(3, 3, 3, 2), torch.randn(2)
    attrs = {"data_format": "NHWC", "dilations": [1, 1, 1, 1], "explicit_paddings": [], "bias": bias}
    torch.testing.assert_close(*both_ways(monkeypatch, convolve, x, w, strides=[1, 1, 1, 1], padding="SAME", **attrs))


def test_products_are_chosen_for_small_images_and_many_channels():
    x = torch.empty(0)
    assert convolution_products.is_product(x, [1, 1, 64, 64], [100, 99, 99, 64], [1, 1])
    assert not convolution_products.is_product(x, [1, 1, 64, 64], [100, 50, 50, 64], [2, 2])
    assert convolution_products.is_product(x, [3, 3, 512, 512], [8, 4, 4, 512], [1, 1])
    assert not convolution_products.is_product(x, [3, 3, 64, 128], [8, 16, 16, 128], [1, 1])
    assert convolution_products.is_product(x, [3, 3, 64, 128], [8, 16, 16, 128], [1, 1], is_gradient=True)
    assert not convolution_products.is_product(x.half(), [3, 3, 512, 512], [8, 4, 4, 512], [1, 1])
    assert not convolution_products.is_product(x, [3, 3, 3, 512, 512], [8, 4, 4, 4, 512], [1, 1, 1])
