"""Images of other sizes: values that follow from the definitions, and gradients that are the transposes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.image.resizing import (
    resize_area_op,
    resize_bicubic_grad_op,
    resize_bicubic_op,
    resize_bilinear_grad_op,
    resize_bilinear_op,
    resize_nearest_neighbor_grad_op,
    resize_nearest_neighbor_op,
    scale_and_translate_grad_op,
    scale_and_translate_op,
)
from penstock.ops.image.taps import bilinear_taps
from penstock.testing.op_case import OpCase, integers, normal

F32 = np.float32
RAMP = np.arange(4, dtype=F32).reshape(1, 1, 4, 1)
X = normal(2, 5, 4, 3, dtype=F32)
G = normal(2, 3, 7, 3, dtype=F32, seed=1)


def _row(*values):
    return np.array(values, F32).reshape(1, 1, -1, 1)


def _nearest(x, size):
    rows = np.arange(size[0]) * x.shape[1] // size[0]
    columns = np.arange(size[1]) * x.shape[2] // size[1]
    return x[:, rows][:, :, columns]


CASES = [
    OpCase(resize_bilinear_op, [RAMP, [1, 8]], _row(0, 0.5, 1, 1.5, 2, 2.5, 3, 3), gradient=None),
    OpCase(
        resize_bilinear_op, [RAMP, [1, 7]], _row(0, 0.5, 1, 1.5, 2, 2.5, 3), {"align_corners": True}, "corners", None
    ),
    OpCase(
        resize_bilinear_op,
        [RAMP, [1, 8]],
        _row(0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3),
        {"half_pixel_centers": True},
        "centers",
        None,
    ),
    OpCase(resize_bilinear_op, [integers(0, 255, 1, 3, 3, 2, dtype=np.uint8), [5, 4]], name="uint8", gradient=None),
    OpCase(resize_nearest_neighbor_op, [X, [3, 7]], _nearest, gradient=None),
    OpCase(resize_nearest_neighbor_op, [integers(0, 9, 1, 3, 3, 2), [5, 4]], _nearest, name="int32", gradient=None),
    OpCase(resize_bicubic_op, [np.ones((1, 3, 4, 2), F32), [5, 6]], np.ones((1, 5, 6, 2)), gradient=None),
    OpCase(
        resize_bicubic_op,
        [np.ones((1, 3, 4, 2), F32), [5, 6]],
        np.ones((1, 5, 6, 2)),
        {"half_pixel_centers": True},
        "centers",
        None,
    ),
    OpCase(resize_area_op, [RAMP, [1, 2]], _row(0.5, 2.5), gradient=None),
    OpCase(
        resize_area_op,
        [np.arange(3, dtype=F32).reshape(1, 1, 3, 1), [1, 2]],
        _row((0 + 0.5) / 1.5, (0.5 + 2) / 1.5),
        name="parts",
        gradient=None,
    ),
    OpCase(
        scale_and_translate_op,
        [RAMP, [1, 4], [1.0, 1.0], [0.0, 1.0]],
        _row(0, 0, 1, 2),
        {"kernel_type": "triangle"},
        gradient=None,
    ),
    OpCase(resize_bilinear_grad_op, [np.ones((1, 1, 8, 1), F32), RAMP], _row(1.5, 2, 2, 2.5), gradient=None),
    OpCase(resize_nearest_neighbor_grad_op, [np.ones((1, 1, 8, 1), F32), [1, 4]], _row(2, 2, 2, 2), gradient=None),
    OpCase(resize_bicubic_grad_op, [G, X], gradient=None),
    OpCase(scale_and_translate_grad_op, [G, X, [0.6, 1.75], [0.5, 0.0]], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


SETTINGS = [
    {},
    {"align_corners": True},
    {"half_pixel_centers": True},
]


@pytest.mark.parametrize("op", [resize_bilinear_op, resize_bicubic_op, resize_nearest_neighbor_op], ids=str)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_gradient_is_the_transpose(op, settings):
    _check_transpose(lambda x: op(x, [3, 7], **settings))


@pytest.mark.parametrize("kernel", ["lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic"])
def test_the_gradient_of_a_kernel_is_the_transpose(kernel):
    _check_transpose(lambda x: scale_and_translate_op(x, [3, 7], [0.6, 1.75], [0.2, -0.5], kernel_type=kernel))


def _check_transpose(function):
    x = constant(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    back = tape.gradient(y, x, output_gradients=constant(G)).numpy()
    assert np.vdot(back, X) == pytest.approx(np.vdot(G, y.numpy()), rel=1e-4)


def test_what_cannot_be_resized_is_refused():
    with pytest.raises(InvalidArgumentError, match="positive"):
        resize_bilinear_op(X, [0, 3])
    with pytest.raises(InvalidArgumentError, match="4-dimensional"):
        resize_bilinear_op(X[0], [2, 3])
    with pytest.raises(InvalidArgumentError, match="align_corners must be False"):
        resize_bicubic_op(X, [2, 3], align_corners=True, half_pixel_centers=True)
    with pytest.raises(InvalidArgumentError, match="kernel type"):
        scale_and_translate_op(X, [2, 2], [1.0, 1.0], [0.0, 0.0], kernel_type="sinc")


@pytest.mark.parametrize("size", [[5, 29], [26, 34], [1, 1], [40, 1]])
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("align_corners", [True, False])
def test_pixels_are_mixed_by_nearness(align_corners, channels, size):
    images = np.random.default_rng(0).uniform(size=(2, 13, 17, channels)).astype(F32)
    found = resize_bilinear_op(images, size, align_corners=align_corners, half_pixel_centers=not align_corners).numpy()
    expected = images
    for axis in (1, 2):
        taps = bilinear_taps(images.shape[axis], size[axis - 1], align_corners, not align_corners)
        weights = np.zeros((size[axis - 1], images.shape[axis]))
        for place, (positions, parts) in enumerate(zip(taps.positions, taps.weights, strict=True)):
            np.add.at(weights[place], positions, parts)
        expected = np.moveaxis(np.tensordot(weights, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_single_pixel_covers_every_area() -> None:
    found = resize_area_op(np.ones((1, 1, 2, 1)), [3, 2], align_corners=True).numpy()
    np.testing.assert_allclose(found, np.ones((1, 3, 2, 1)), rtol=1e-6)
