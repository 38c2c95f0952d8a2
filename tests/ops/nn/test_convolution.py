"""Convolutions and their derivatives against loops in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn.convolution import (
    conv2d_backprop_filter_op,
    conv2d_backprop_input_op,
    conv2d_op,
    conv3d_backprop_filter_op,
    conv3d_backprop_filter_v1_op,
    conv3d_backprop_input_op,
    conv3d_backprop_input_v1_op,
    conv3d_op,
    depthwise_conv2d_native_backprop_filter_op,
    depthwise_conv2d_native_backprop_input_op,
    depthwise_conv2d_native_op,
)
from penstock.testing.op_case import OpCase, integers, normal


def convolve(x, w, strides=None, padding="VALID", dilations=None, explicit=(), depthwise=False):
    """Slide a filter over images or volumes with channels last."""
    count = x.ndim - 2
    strides = [1] * count if strides is None else strides[1:-1]
    dilations = [1] * count if dilations is None else dilations[1:-1]
    pads, sizes = [(0, 0)], []
    for axis in range(count):
        window = (w.shape[axis] - 1) * dilations[axis] + 1
        size = x.shape[axis + 1]
        if padding == "SAME":
            out = -(-size // strides[axis])
            total = max((out - 1) * strides[axis] + window - size, 0)
            pads.append((total // 2, total - total // 2))
        else:
            pads.append(tuple(explicit[2 * axis + 2 : 2 * axis + 4]) if padding == "EXPLICIT" else (0, 0))
            out = (size + sum(pads[-1]) - window) // strides[axis] + 1
        sizes.append(out)
    padded = np.pad(x, [*pads, (0, 0)])
    channels = w.shape[-2] * w.shape[-1] if depthwise else w.shape[-1]
    groups = 1 if depthwise else x.shape[-1] // w.shape[-2]
    y = np.zeros((x.shape[0], *sizes, channels), dtype=x.dtype)
    for place in itertools.product(*map(range, sizes)):
        for element in itertools.product(*map(range, w.shape[:count])):
            at = tuple(p * s + e * d for p, s, e, d in zip(place, strides, element, dilations, strict=True))
            pixel = padded[(slice(None), *at)]
            if depthwise:
                y[(slice(None), *place)] += (pixel[:, :, None] * w[element]).reshape(len(x), -1)
                continue
            for group in range(groups):
                ins, outs = w.shape[-2], channels // groups
                part = slice(group * outs, (group + 1) * outs)
                y[(slice(None), *place, part)] += pixel[:, group * ins : (group + 1) * ins] @ w[element][:, part]
    return y


def adjoint(function, shape, grad):
    """Return the gradient of sum(function(x) * grad) for a linear function of x."""
    result = np.zeros(shape)
    for place in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[place] = 1
        result[place] = (function(unit) * grad).sum()
    return result


def first(x):
    return np.ascontiguousarray(np.transpose(x, (0, 3, 1, 2)))


def attrs(strides=(1, 1), padding="SAME", dilations=(1, 1), explicit=None):
    given = {"strides": [1, *strides, 1], "padding": padding, "dilations": [1, *dilations, 1]}
    if explicit is not None:
        given["explicit_paddings"] = explicit
    return given


def numpy_attrs(given):
    renamed = dict(given)
    renamed["explicit"] = renamed.pop("explicit_paddings", ())
    return renamed


SETTINGS = {
    "same": attrs(),
    "valid": attrs(padding="VALID"),
    "strided-same": attrs((2, 2)),
    "strided-valid": attrs((2, 1), "VALID"),
    "dilated": attrs(dilations=(2, 1)),
    "explicit": attrs((1, 2), "EXPLICIT", explicit=[0, 0, 2, 1, 0, 1, 0, 0]),
}

X, W = normal(2, 4, 5, 2), normal(3, 2, 2, 3, seed=1)
CASES = [
    OpCase(conv2d_op, [X, W], lambda x, w, a=a: convolve(x, w, **numpy_attrs(a)), a, name)
    for name, a in SETTINGS.items()
]
for name, a in SETTINGS.items():
    shape = convolve(X, W, **numpy_attrs(a)).shape
    grad = normal(*shape, seed=2)
    CASES += [
        OpCase(
            conv2d_backprop_input_op,
            [list(X.shape), W, grad],
            lambda sizes, w, g, a=a: adjoint(lambda x: convolve(x, w, **numpy_attrs(a)), sizes, g),
            a,
            name,
        ),
        OpCase(
            conv2d_backprop_filter_op,
            [X, list(W.shape), grad],
            lambda x, sizes, g, a=a: adjoint(lambda w: convolve(x, w, **numpy_attrs(a)), sizes, g),
            a,
            name,
        ),
    ]
CASES += [
    OpCase(conv2d_op, [normal(1, 3, 3, 4), normal(2, 2, 2, 4)], convolve, attrs(padding="VALID"), "groups"),
    OpCase(
        conv2d_op,
        [first(X), W],
        lambda x, w: first(convolve(np.transpose(x, (0, 2, 3, 1)), w, padding="SAME", strides=[1, 2, 2, 1])),
        {"strides": [1, 1, 2, 2], "padding": "SAME", "data_format": "NCHW"},
        "channels-first",
    ),
    OpCase(
        conv2d_op, [integers(-9, 9, 1, 3, 3, 2), integers(-9, 9, 2, 2, 2, 2)], convolve, attrs(padding="VALID"), "int32"
    ),
    OpCase(
        conv2d_backprop_input_op,
        [[1, 3, 3, 2], integers(-9, 9, 2, 2, 2, 2), integers(-9, 9, 1, 2, 2, 2)],
        lambda s, w, g: adjoint(lambda x: convolve(x, w), s, g).astype(np.int32),
        attrs(padding="VALID"),
        "int32",
    ),
    OpCase(conv2d_op, [normal(0, 3, 3, 2), normal(2, 2, 2, 2)], convolve, attrs(padding="VALID"), "no-images"),
]

D = normal(2, 2, 2, 2, seed=3)
for name, a in SETTINGS.items():
    if name == "explicit":
        continue
    grad = normal(*convolve(X, D, depthwise=True, **numpy_attrs(a)).shape, seed=2)
    CASES += [
        OpCase(
            depthwise_conv2d_native_op,
            [X, D],
            lambda x, w, a=a: convolve(x, w, depthwise=True, **numpy_attrs(a)),
            a,
            name,
        ),
        OpCase(
            depthwise_conv2d_native_backprop_input_op,
            [list(X.shape), D, grad],
            lambda s, w, g, a=a: adjoint(lambda x: convolve(x, w, depthwise=True, **numpy_attrs(a)), s, g),
            a,
            name,
        ),
        OpCase(
            depthwise_conv2d_native_backprop_filter_op,
            [X, list(D.shape), grad],
            lambda x, s, g, a=a: adjoint(lambda w: convolve(x, w, depthwise=True, **numpy_attrs(a)), s, g),
            a,
            name,
        ),
    ]

V, K = normal(1, 3, 2, 3, 2), normal(2, 2, 1, 2, 2, seed=1)
VOLUME = {
    "same": {"strides": [1, 1, 1, 1, 1], "padding": "SAME"},
    "strided": {"strides": [1, 2, 1, 2, 1], "padding": "SAME"},
    "valid": {"strides": [1, 1, 1, 1, 1], "padding": "VALID", "dilations": [1, 2, 1, 1, 1]},
}
for name, a in VOLUME.items():
    grad = normal(*convolve(V, K, **a).shape, seed=2)
    CASES += [
        OpCase(conv3d_op, [V, K], lambda x, w, a=a: convolve(x, w, **a), a, name),
        OpCase(
            conv3d_backprop_input_op,
            [list(V.shape), K, grad],
            lambda s, w, g, a=a: adjoint(lambda x: convolve(x, w, **a), s, g),
            a,
            name,
        ),
        OpCase(
            conv3d_backprop_filter_op,
            [V, list(K.shape), grad],
            lambda x, s, g, a=a: adjoint(lambda w: convolve(x, w, **a), s, g),
            a,
            name,
        ),
        OpCase(
            conv3d_backprop_input_v1_op,
            [V, K, grad],
            lambda x, w, g, a=a: adjoint(lambda v: convolve(v, w, **a), x.shape, g),
            a,
            name,
            gradient=None,
        ),
        OpCase(
            conv3d_backprop_filter_v1_op,
            [V, K, grad],
            lambda x, w, g, a=a: adjoint(lambda v: convolve(x, v, **a), w.shape, g),
            a,
            name,
            gradient=None,
        ),
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_close_to_float32(dtype):
    x, w = normal(1, 5, 5, 3, dtype=np.float32), normal(3, 3, 3, 2, dtype=np.float32, seed=1)
    low = conv2d_op.kernel(
        torch.from_numpy(x).to(getattr(torch, dtype)), torch.from_numpy(w).to(getattr(torch, dtype)), **attrs()
    )
    np.testing.assert_allclose(low.float().numpy(), convolve(x, w, padding="SAME"), atol=0.15)


def test_the_kernel_keeps_images_in_place_in_their_layout():
    x, w = torch.randn(2, 8, 8, 3), torch.randn(3, 3, 3, 4)
    assert conv2d_op.kernel(x, w, **attrs()).is_contiguous()
    grad = torch.randn(2, 8, 8, 4)
    assert conv2d_backprop_input_op.kernel([2, 8, 8, 3], w, grad, **attrs()).is_contiguous()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_filters_of_one_pixel_agree_with_the_loop_and_with_channels_first(dtype):
    x, w, grad = (normal(*shape, dtype=dtype) for shape in ((2, 3, 5, 4), (1, 1, 4, 6), (2, 3, 5, 6)))
    tensors = [torch.from_numpy(value) for value in (x, w, grad)]
    images, weights, change = tensors
    first_attrs = {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NCHW"}
    flipped = conv2d_op.kernel(images.permute(0, 3, 1, 2), weights, **first_attrs)
    np.testing.assert_allclose(conv2d_op.kernel(images, weights, **attrs()), convolve(x, w), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(flipped.permute(0, 2, 3, 1), convolve(x, w), rtol=1e-5, atol=1e-5)
    input_grad = conv2d_backprop_input_op.kernel(list(x.shape), weights, change, **attrs())
    np.testing.assert_allclose(input_grad, grad @ w[0, 0].T, rtol=1e-5, atol=1e-5)
    filter_grad = conv2d_backprop_filter_op.kernel(images, list(w.shape), change, **attrs())
    np.testing.assert_allclose(filter_grad[0, 0], np.einsum("nhwc,nhwf->cf", x, grad), rtol=1e-5, atol=1e-5)
    # Other layouts of the same images, and a filter that is moved by more than one pixel or has padding.
    turned = images.permute(1, 0, 2, 3).contiguous().permute(1, 0, 2, 3)
    np.testing.assert_allclose(conv2d_op.kernel(turned, weights, **attrs()), convolve(x, w), rtol=1e-5, atol=1e-5)
    strided = conv2d_op.kernel(images, weights, **attrs((2, 2)))
    np.testing.assert_allclose(strided, convolve(x, w)[:, ::2, ::2], rtol=1e-5, atol=1e-5)
    padded = conv2d_op.kernel(images, weights, **attrs(padding="EXPLICIT", explicit=[0, 0, 1, 1, 0, 0, 0, 0]))
    assert tuple(padded.shape) == (2, 5, 5, 6) and not padded[:, 0].any()


def test_input_sizes_may_be_the_spatial_sizes_alone():
    grad = normal(1, 3, 3, 2)
    whole = conv2d_backprop_input_op(
        [1, 4, 4, 2], W[:2], grad[..., :2].repeat(2, -1)[..., :3], **attrs(padding="VALID")
    )
    short = conv2d_backprop_input_op([4, 4], W[:2], grad[..., :2].repeat(2, -1)[..., :3], **attrs(padding="VALID"))
    np.testing.assert_array_equal(whole.numpy(), short.numpy())


def static(x, w, op=conv2d_op, **given):
    with Graph().as_default():
        images = lookup("Placeholder")(dtype=np.float32, shape=x)
        filters = lookup("Placeholder")(dtype=np.float32, shape=w)
        return op(images, filters, **given).dims


def test_unknown_sizes_stay_unknown_and_known_ones_are_computed():
    assert static([None, 28, None, 3], [5, 5, 3, 8], **attrs((2, 2))) == (None, 14, None, 8)
    assert static([None, 28, 28, 3], [5, None, 3, 8], **attrs(padding="VALID")) == (None, 24, None, 8)
    assert static(None, [5, 5, 3, 8], **attrs()) == (None, None, None, 8)
    assert static([None, 9, 9, 3], [3, 3, None, 2], depthwise_conv2d_native_op, **attrs()) == (None, 9, 9, 6)


@pytest.mark.parametrize(
    ("x", "w", "given", "message"),
    [
        ((1, 4, 4), (3, 3, 2, 2), attrs(), "rank 4"),
        ((1, 4, 4, 3), (3, 3, 2, 2), attrs(), "evenly divisible by filter depth: 3 vs 2"),
        ((1, 4, 4, 4), (3, 3, 2, 3), attrs(), "number of groups: 3 vs 2"),
        ((1, 4, 4, 2), (6, 3, 2, 2), attrs(padding="VALID"), "would be negative"),
        ((1, 4, 4, 2), (3, 3, 2, 2), {"strides": [2, 1, 1, 1], "padding": "SAME"}, "batch and depth"),
        ((1, 4, 4, 2), (3, 3, 2, 2), {"strides": [1, 1, 1], "padding": "SAME"}, "must have 4 numbers"),
        ((1, 4, 4, 2), (3, 3, 2, 2), {"strides": [1, 0, 1, 1], "padding": "SAME"}, "at least 1"),
        ((1, 4, 4, 2), (3, 3, 2, 2), attrs(padding="EXPLICIT"), "explicit_paddings"),
        ((1, 4, 4, 2), (3, 3, 2, 2), attrs(explicit=[0] * 8), "must be empty"),
        ((1, 4, 4, 2), (3, 3, 2, 2), attrs(padding="EXPLICIT", explicit=[1, 0] + [0] * 6), "batch and depth"),
    ],
)
def test_what_does_not_fit_is_refused_in_graphs_and_eagerly(x, w, given, message):
    with pytest.raises(ValueError, match=message):
        static(x, w, **given)
    kind = UnimplementedError if given["strides"][0] > 1 else InvalidArgumentError
    with pytest.raises(kind, match=message):
        conv2d_op(np.zeros(x, np.float32), np.zeros(w, np.float32), **given)


@pytest.mark.parametrize("given", [{"padding": "WRONG"}, {"padding": "SAME", "data_format": "NWHC"}])
def test_unknown_paddings_and_layouts_are_refused(given):
    x, w = np.zeros((1, 4, 4, 2), np.float32), np.zeros((3, 3, 2, 2), np.float32)
    with pytest.raises(InvalidArgumentError, match="not in the list of allowed values"):
        conv2d_op(x, w, strides=[1, 1, 1, 1], **given)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(InvalidArgumentError, match="out_backprop"):
        conv2d_backprop_input_op([1, 4, 4, 2], W, normal(1, 3, 3, 3), **attrs())
    with pytest.raises(InvalidArgumentError, match="out_backprop"):
        conv2d_backprop_filter_op(X, list(W.shape), normal(2, 3, 3, 3), **attrs())
    with pytest.raises(InvalidArgumentError, match="nonnegative"):
        conv2d_backprop_input_op([1, -4, 4, 2], W, normal(1, 4, 4, 3), **attrs())
