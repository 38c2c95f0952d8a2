"""Convolutions with filters in oneDNN's layout against ATen's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from penstock.ops.nn import packed_filters
from penstock.ops.nn.convolution import conv2d_backprop_input_op, conv2d_op, convolve
from penstock.ops.nn.packed_filters import Geometry, panel_width

pytestmark = pytest.mark.skipif(
    panel_width(Geometry((8, 64, 8, 8), (3, 3, 64, 64), (1, 1), (1, 1), (1, 1), 1)) is None,
    reason="oneDNN is absent, or lays out filters otherwise",
)

SETTINGS = {
    "one-pixel": ((1, 1, 64, 80), {}),
    "one-pixel-strided": ((1, 1, 64, 256), {"strides": [1, 2, 2, 1]}),
    "same": ((3, 3, 32, 48), {}),
    "large": ((3, 3, 144, 112), {}),
    "same-strided": ((3, 3, 32, 64), {"strides": [1, 2, 2, 1]}),
    "even": ((2, 4, 32, 32), {}),
    "dilated": ((3, 3, 16, 64), {"dilations": [1, 2, 2, 1]}),
    "valid": ((5, 3, 48, 528), {"padding": "VALID"}),
    "explicit": ((3, 3, 64, 32), {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 2, 2, 1, 1, 0, 0]}),
    "few-inputs": ((7, 7, 3, 64), {"strides": [1, 2, 2, 1]}),
}


@pytest.fixture
def packed(monkeypatch):
    """Counts convolutions with packed filters; `packed.off()` switches them off."""

    class Counter:
        count = 0

        def off(self):
            monkeypatch.setattr(packed_filters, "convolve", lambda *_, **__: None)

    counter, original = Counter(), packed_filters.convolve

    def counted(*arguments, **options):
        result = original(*arguments, **options)
        counter.count += result is not None
        return result

    monkeypatch.setattr(packed_filters, "convolve", counted)
    return counter


@pytest.mark.parametrize("name", SETTINGS)
def test_they_agree_with_other_convolutions(name, packed):
    sizes, chosen = SETTINGS[name]
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME", **chosen}
    torch.manual_seed(0)
    x, w = torch.randn(4, 13, 12, sizes[2]), torch.randn(sizes)
    before = x.clone(), w.clone()
    y = conv2d_op.kernel(x, w, **attrs)
    assert packed.count == 1
    grad = torch.randn(y.shape)
    dx = conv2d_backprop_input_op.kernel(list(x.shape), w, grad, **attrs)
    is_turned = name not in ("one-pixel-strided", "same-strided", "even", "few-inputs")
    assert packed.count == 1 + is_turned
    packed.off()
    assert y.is_contiguous() and dx.is_contiguous()
    torch.testing.assert_close(y, conv2d_op.kernel(x, w, **attrs), rtol=1e-5, atol=1e-4)
    expected = conv2d_backprop_input_op.kernel(list(x.shape), w, grad, **attrs)
    torch.testing.assert_close(dx, expected, rtol=1e-5, atol=1e-4)
    assert torch.equal(x, before[0]) and torch.equal(w, before[1])


def test_a_bias_is_added_to_each_channel(packed):
    x, w, bias = torch.randn(2, 9, 9, 32), torch.randn(3, 3, 32, 48), torch.randn(48)
    attrs = {"data_format": "NHWC", "dilations": [1, 1, 1, 1], "explicit_paddings": [], "bias": bias}
    y = convolve(x, w, strides=[1, 1, 1, 1], padding="SAME", **attrs)
    assert packed.count == 1
    packed.off()
    expected = convolve(x, w, strides=[1, 1, 1, 1], padding="SAME", **attrs)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        (torch.ones(1, 4, 4, 64), torch.ones(3, 3, 64, 64)),
        (torch.ones(4, 8, 8, 8), torch.ones(3, 3, 8, 8)),
        (torch.ones(4, 8, 8, 64, dtype=torch.float64), torch.ones(3, 3, 64, 64, dtype=torch.float64)),
        (torch.ones(4, 8, 8, 64, dtype=torch.bfloat16), torch.ones(3, 3, 64, 64, dtype=torch.bfloat16)),
        (torch.ones(4, 64, 8, 8).permute(0, 2, 3, 1), torch.ones(3, 3, 64, 64)),
        (torch.ones(4, 8, 8, 64), torch.ones(3, 3, 64, 128)[..., ::2]),
        (torch.ones(4, 8, 8, 64), torch.ones(3, 3, 32, 64)),
    ],
    ids=["few-pixels", "small-filter", "float64", "bfloat16", "images-otherwise", "filter-otherwise", "groups"],
)
def test_others_stay_as_they_are(x, w, packed):
    conv2d_op.kernel(x, w, strides=[1, 1, 1, 1], padding="SAME")
    assert packed.count == 0


def test_memory_for_idle_filters_is_bounded(monkeypatch):
    pool = packed_filters._Pool()
    monkeypatch.setattr(packed_filters, "_pool", pool)
    monkeypatch.setattr(packed_filters, "_KEPT_BYTES", 500_000)
    panel_width.cache_clear()
    for channels in (32, 48, 64, 80, 96):
        conv2d_op.kernel(
            torch.ones(2, 8, 8, channels), torch.ones(3, 3, channels, 128), strides=[1, 1, 1, 1], padding="SAME"
        )
        held = sum(packed.bytes for found in pool._free.values() for packed in found)
        assert 0 < held == pool._bytes <= 500_000


def test_threads_do_not_share_a_packed_filter():
    x = torch.randn(2, 8, 8, 32)

    def convolution(number):
        return [
            conv2d_op.kernel(x, torch.full((3, 3, 32, 64), float(number)), strides=[1, 1, 1, 1], padding="SAME")
            for _ in range(20)
        ]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(convolution, range(1, 9)))
    for number, results in enumerate(found, 1):
        for result in results:
            torch.testing.assert_close(result, number * found[0][0], rtol=1e-4, atol=1e-3)
