"""The choice of a method, and what happens to sizes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.image.resize_functions import (
    ResizeMethod,
    ResizeMethodV1,
    resize,
    resize_area,
    resize_bicubic,
    resize_bilinear,
    resize_nearest_neighbor,
    resize_v1,
    resize_with_pad,
    resize_with_pad_v1,
)
from penstock.testing.op_case import integers, normal

X = normal(4, 6, 3, dtype=np.float32)


@pytest.mark.parametrize("method", [v for k, v in vars(ResizeMethod).items() if k.isupper()])
@pytest.mark.parametrize("antialias", [False, True])
def test_constant_images_stay_constant(method, antialias):
    even = np.full((4, 6, 2), 3, np.float32)
    assert resize(even, [2, 9], method, antialias=antialias).numpy() == pytest.approx(np.full((2, 9, 2), 3), rel=1e-5)


def test_integers_become_float_except_for_nearest():
    pixels = integers(0, 255, 4, 6, 3, dtype=np.uint8)
    assert resize(pixels, [2, 3]).dtype.name == "float32"
    assert resize(pixels, [2, 3], "nearest").dtype.name == "uint8"


def test_the_first_face_skips_what_has_the_size():
    pixels = integers(0, 255, 4, 6, 3, dtype=np.uint8)
    assert resize_v1(pixels, [4, 6]).dtype.name == "uint8"
    assert resize(pixels, [4, 6]).dtype.name == "float32"


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (ResizeMethodV1.BILINEAR, resize_bilinear),
        (ResizeMethodV1.NEAREST_NEIGHBOR, resize_nearest_neighbor),
        (ResizeMethodV1.BICUBIC, resize_bicubic),
        (ResizeMethodV1.AREA, resize_area),
    ],
)
def test_numbered_methods_are_the_operations(method, function):
    np.testing.assert_array_equal(resize_v1(X, [3, 5], method).numpy(), function(X[None], [3, 5]).numpy()[0])


def test_aspect_ratio_is_kept():
    assert resize(X, [8, 8], preserve_aspect_ratio=True).shape.as_list() == [5, 8, 3]


def test_padding_fills_the_rest():
    fitted = resize_with_pad(np.ones((4, 6, 1), np.float32), 6, 6).numpy()
    assert fitted.shape == (6, 6, 1)
    assert fitted[0].sum() == 0 and fitted[5].sum() == 0 and fitted[1:5].min() == 1
    assert resize_with_pad_v1(X, 2, 9).shape.as_list() == [2, 9, 3]


def test_unknown_sizes_stay_unknown():
    with Graph().as_default():
        images = placeholder(np.float32, [None, None, None, 3])
        assert resize(images, [2, 3]).dims == (None, 2, 3, 3)
        assert resize(images, [2, 3], "lanczos3").dims == (None, 2, 3, 3)
        assert resize_with_pad(images, 4, 5).dims == (None, 4, 5, 3)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="dimensions"):
        resize(X[0, 0], [2, 2])
    with pytest.raises(ValueError, match="2 elements"):
        resize(X, [2])
    with pytest.raises(ValueError, match="not implemented"):
        resize(X, [2, 2], "sinc")


def test_sizes_that_keep_the_shape_are_known_in_graphs():
    with Graph().as_default():
        images = placeholder("float32", [1, 5, 4, 3])
        assert resize(images, [3, 7], preserve_aspect_ratio=True).shape.as_list() == [1, 3, 2, 3]
