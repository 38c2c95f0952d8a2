"""Crops of images at boxes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import OutOfRangeError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.image.cropping import (
    crop_and_resize,
    crop_and_resize_grad_boxes_op,
    crop_and_resize_grad_image_op,
    crop_and_resize_op,
    crop_and_resize_v1,
)
from penstock.testing.op_case import OpCase, normal

X = normal(2, 4, 5, 3, dtype=np.float32)
WHOLE = np.array([[0, 0, 1, 1]], np.float32)
BOXES = np.array([[0.1, 0.2, 0.7, 0.9], [0.8, 0.3, 0.2, 0.6]], np.float32)
INDEX = np.array([1, 0], np.int32)
G = normal(2, 3, 2, 3, dtype=np.float32, seed=2)

CASES = [
    OpCase(crop_and_resize_op, [X, WHOLE, np.array([1], np.int32), [4, 5]], X[1:], gradient=None),
    OpCase(
        crop_and_resize_op,
        [X, WHOLE, np.array([0], np.int32), [2, 3]],
        X[:1, ::3, ::2],
        {"method": "nearest"},
        "nearest",
        None,
    ),
    OpCase(
        crop_and_resize_op,
        [X, np.array([[2, 2, 3, 3]], np.float32), np.array([0], np.int32), [2, 2]],
        np.full((1, 2, 2, 3), 7),
        {"extrapolation_value": 7.0},
        "outside",
        None,
    ),
    OpCase(crop_and_resize_grad_image_op, [G, BOXES, INDEX, [2, 4, 5, 3]], attrs={"T": np.float32}, gradient=None),
    OpCase(crop_and_resize_grad_boxes_op, [G, X, BOXES, INDEX], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_the_gradient_of_images_is_the_transpose(method):
    crops = crop_and_resize(X, BOXES, INDEX, [3, 2], method).numpy()
    back = crop_and_resize_grad_image_op(G, BOXES, INDEX, [2, 4, 5, 3], T=np.float32, method=method).numpy()
    assert np.vdot(back, X) == pytest.approx(np.vdot(G, crops), rel=1e-4)


def test_the_gradient_of_boxes_is_the_slope():
    boxes = constant(BOXES)
    with GradientTape() as tape:
        tape.watch(boxes)
        crops = crop_and_resize(X, boxes, INDEX, [3, 2])
    back = tape.gradient(crops, boxes, output_gradients=constant(G)).numpy()
    for place in np.ndindex(*BOXES.shape):
        sides = []
        for sign in (1, -1):
            moved = BOXES.copy()
            moved[place] += sign * 1e-3
            sides.append(float(np.vdot(G, crop_and_resize(X, moved, INDEX, [3, 2]).numpy())))
        assert back[place] == pytest.approx((sides[0] - sides[1]) / 2e-3, rel=2e-2, abs=2e-2)


def test_one_pixel_shows_the_middle():
    crop = crop_and_resize_v1(X, WHOLE, [0], [1, 1]).numpy()
    np.testing.assert_allclose(crop[0, 0, 0], X[0, 1:3, 2].mean(0), rtol=1e-5)


def test_an_image_that_does_not_exist_is_refused():
    with pytest.raises(OutOfRangeError, match="batch_size"):
        crop_and_resize(X, WHOLE, [2], [2, 2])
