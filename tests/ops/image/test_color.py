"""Colors."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.image import color
from penstock.testing.op_case import OpCase, uniform

X = uniform(0, 1, 2, 3, 4, 3)
NARROW = X.astype(np.float32)


def _each(function):
    return lambda x: np.array([function(*pixel) for pixel in x.reshape(-1, 3)]).reshape(x.shape)


def _with_hue(x, delta):
    return _each(
        lambda r, g, b: colorsys.hsv_to_rgb(
            (colorsys.rgb_to_hsv(r, g, b)[0] + delta) % 1, *colorsys.rgb_to_hsv(r, g, b)[1:]
        )
    )(x)


def _with_saturation(x, scale):
    def one(r, g, b):
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb(h, min(s * scale, 1), v)

    return _each(one)(x)


def _with_contrast(x, factor):
    mean = x.mean((-3, -2), keepdims=True)
    return (x - mean) * factor + mean


CASES = [
    OpCase(color.rgb_to_hsv_op, [X], _each(colorsys.rgb_to_hsv)),
    OpCase(color.hsv_to_rgb_op, [X], _each(colorsys.hsv_to_rgb), gradient=None),
    OpCase(color.adjust_hue_op, [NARROW, np.array(0.3, np.float32)], lambda x, d: _with_hue(x, 0.3), gradient=None),
    OpCase(color.adjust_saturation_op, [NARROW, np.array(1.5, np.float32)], _with_saturation, gradient=None),
    OpCase(color.adjust_contrast_v2_op, [NARROW, np.array(0.4, np.float32)], _with_contrast, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(
    ("there", "back"), [(color.rgb_to_yiq, color.yiq_to_rgb), (color.rgb_to_yuv, color.yuv_to_rgb)]
)
def test_color_spaces_undo_each_other(there, back):
    np.testing.assert_allclose(back(there(X)).numpy(), X, atol=2e-4)


def test_integers_are_scaled_to_floats_and_back():
    pixels = np.array([0, 128, 255], np.uint8)
    floating = color.convert_image_dtype(pixels, np.float32)
    np.testing.assert_allclose(floating.numpy(), pixels / 255, rtol=1e-6)
    np.testing.assert_array_equal(color.convert_image_dtype(floating, np.uint8).numpy(), pixels)
    np.testing.assert_array_equal(color.convert_image_dtype(pixels, np.int16).numpy(), pixels.astype(np.int16) * 128)
    assert color.convert_image_dtype(np.float32(2), np.uint8, saturate=True).numpy() == 255


def test_gray_has_one_channel_and_three():
    gray = color.rgb_to_grayscale(NARROW)
    np.testing.assert_allclose(gray.numpy()[..., 0], NARROW @ [0.2989, 0.587, 0.114], rtol=1e-5)
    assert color.grayscale_to_rgb(gray).shape.as_list() == [2, 3, 4, 3]
    with pytest.raises(ValueError, match="size 1"):
        color.grayscale_to_rgb(NARROW)


def test_adjustments_are_as_defined():
    np.testing.assert_allclose(color.adjust_brightness(NARROW, 0.25).numpy(), NARROW + 0.25, rtol=1e-6)
    np.testing.assert_allclose(color.adjust_gamma(NARROW, 2, 3).numpy(), 3 * NARROW**2, rtol=1e-5)
    np.testing.assert_allclose(color.adjust_contrast(NARROW, 0.4).numpy(), _with_contrast(NARROW, 0.4), rtol=1e-4)
    np.testing.assert_allclose(color.adjust_hue(NARROW, 0.3).numpy(), _with_hue(NARROW, 0.3), atol=1e-5)
    np.testing.assert_allclose(color.adjust_saturation(NARROW, 0.5).numpy(), _with_saturation(NARROW, 0.5), atol=1e-5)
    bright = color.adjust_brightness(np.array([[[250]]], np.uint8), 0.5)
    assert bright.numpy().item() == 255
    normalized = color.per_image_standardization(NARROW).numpy()
    np.testing.assert_allclose(normalized.mean((1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(normalized.std((1, 2, 3)), 1, atol=1e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(FailedPreconditionError, match="3 channels"):
        color.rgb_to_hsv(X[..., :2])
    with pytest.raises(InvalidArgumentError, match="3 channels"):
        color.adjust_saturation(NARROW[..., :2], 1.0)
    with pytest.raises(InvalidArgumentError, match="channels"):
        color.rgb_to_yiq(X[..., :2])
    with pytest.raises(ValueError, match="non-negative"):
        color.adjust_gamma(X, -1)
    with pytest.raises(ValueError, match="interval"):
        color.adjust_hue(X, 2.0)


def test_saturation_is_taken_to_be_constant_in_a_channel_that_is_0() -> None:
    """The numbers are TensorFlow's."""
    colors = constant(np.array([[1, 0, 0], [1, 1, 0], [0, 0.3, 0.4]], np.float32))
    with GradientTape() as tape:
        tape.watch(colors)
        found = color.rgb_to_hsv(colors)
    grad = tape.gradient(found, colors, output_gradients=constant(np.float32([[0.3, 0.7, -0.2]] * 3))).numpy()
    expected = [[-0.2, 0.05, -0.05], [-0.25, 0.05, 0], [0.03125, -0.125, -0.10625]]
    np.testing.assert_allclose(grad, expected, atol=1e-6)


def test_standardized_images_are_float32_of_three_axes_at_least() -> None:
    assert color.per_image_standardization(NARROW.astype(np.float16)).numpy().dtype == np.float32
    with pytest.raises(ValueError, match="three-dimensional"):
        color.per_image_standardization(NARROW[0, 0])


def test_hues_and_saturations_are_adjusted_to_the_last_bit():
    # What TensorFlow gives for these colors.
    colors = np.float32([[[0.2, 0.5, 0.9], [0.9, 0.1, 0.5], [1, 1, 0]]])
    turned = [
        [
            [0.7400000095367432, 0.20000000298023224, 0.8999999761581421],
            [0.8999999761581421, 0.6599998474121094, 0.10000000149011612],
            [0.0, 1.0, 0.20000004768371582],
        ]
    ]
    assert color.adjust_hue(colors, 0.2).numpy().tolist() == turned
    weakened = [
        [
            [0.7599999904632568, 0.8199999928474426, 0.8999999761581421],
            [0.8999999761581421, 0.7400000095367432, 0.8199999928474426],
            [1.0, 1.0, 0.800000011920929],
        ]
    ]
    assert color.adjust_saturation(colors, 0.2).numpy().tolist() == weakened
