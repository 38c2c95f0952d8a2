"""Patches and glimpses."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.image.patches import (
    extract_glimpse,
    extract_glimpse_op,
    extract_glimpse_v1,
    extract_glimpse_v2_op,
    extract_image_patches,
    extract_image_patches_op,
    extract_patches,
    extract_volume_patches,
    extract_volume_patches_op,
)
from penstock.testing.op_case import OpCase, normal

X = normal(2, 4, 5, 2)
V = normal(1, 3, 3, 4, 2)


def _valid(x, rows, columns, step, rate):
    down = range(0, x.shape[1] - (rows - 1) * rate, step)
    across = range(0, x.shape[2] - (columns - 1) * rate, step)
    return np.stack(
        [
            np.stack(
                [
                    x[:, i : i + (rows - 1) * rate + 1 : rate, j : j + (columns - 1) * rate + 1 : rate].reshape(
                        len(x), -1
                    )
                    for j in across
                ],
                1,
            )
            for i in down
        ],
        1,
    )


CASES = [
    OpCase(
        extract_image_patches_op,
        [X],
        lambda x: _valid(x, 2, 3, 1, 1),
        {"ksizes": [1, 2, 3, 1], "strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "VALID"},
    ),
    OpCase(
        extract_image_patches_op,
        [X],
        lambda x: _valid(x, 2, 2, 1, 2),
        {"ksizes": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "rates": [1, 2, 2, 1], "padding": "VALID"},
        "dilated",
    ),
    OpCase(
        extract_image_patches_op,
        [X],
        lambda x: _valid(np.pad(x, [(0, 0), (0, 1), (0, 0), (0, 0)]), 3, 1, 2, 1),
        {"ksizes": [1, 3, 1, 1], "strides": [1, 2, 2, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
        "same",
    ),
    OpCase(
        extract_volume_patches_op,
        [V],
        lambda v: v.reshape(1, 1, 1, 1, -1),
        {"ksizes": [1, 3, 3, 4, 1], "strides": [1, 1, 1, 1, 1], "padding": "VALID"},
    ),
    OpCase(
        extract_glimpse_v2_op,
        [np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1), [2, 2], np.zeros((1, 2), np.float32)],
        np.array([[5, 6], [9, 10]], np.float32).reshape(1, 2, 2, 1),
        gradient=None,
    ),
    OpCase(
        extract_glimpse_op,
        [np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1), [2, 2], np.zeros((1, 2), np.float32)],
        np.array([[5, 6], [9, 10]], np.float32).reshape(1, 2, 2, 1),
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_functions_are_the_operations():
    expected = _valid(X, 2, 3, 1, 1)
    ones = [1, 1, 1, 1]
    np.testing.assert_array_equal(extract_patches(X, [1, 2, 3, 1], ones, ones, "VALID").numpy(), expected)
    np.testing.assert_array_equal(extract_image_patches(X, [1, 2, 3, 1], ones, ones, "VALID").numpy(), expected)
    assert extract_volume_patches(V, [1, 2, 2, 2, 1], [1] * 5, "VALID").shape.as_list() == [1, 2, 2, 3, 16]


def test_what_lies_outside_is_noise_or_zero():
    x = np.full((1, 4, 4, 1), 5, np.float32)
    far = np.array([[9.0, 9.0]], np.float32)
    assert extract_glimpse(x, [2, 2], far, noise="zero").numpy().sum() == 0
    assert extract_glimpse(x, [2, 2], far).numpy() == pytest.approx(np.full((1, 2, 2, 1), 5))
    assert extract_glimpse_v1(x, [2, 2], far, uniform_noise=False).numpy() == pytest.approx(np.full((1, 2, 2, 1), 5))


def test_patches_across_channels_are_refused():
    with pytest.raises(InvalidArgumentError, match="ksizes"):
        extract_patches(X, [1, 2, 2, 2], [1] * 4, [1] * 4, "VALID")


@pytest.mark.parametrize(
    ("operation", "centered", "normalized", "expected"),
    [
        (extract_glimpse_op, True, True, [[10, 11, 12], [15, 16, 17]]),
        (extract_glimpse_op, True, False, [[5, 6, 7], [10, 11, 12]]),
        (extract_glimpse_op, False, True, [[0, 0, 5], [0, 0, 10]]),
        (extract_glimpse_op, False, False, [[0, 0, 1], [0, 5, 6]]),
        (extract_glimpse_v2_op, True, True, [[10, 11, 12], [15, 16, 17]]),
        (extract_glimpse_v2_op, True, False, [[12, 13, 14], [17, 18, 19]]),
        (extract_glimpse_v2_op, False, True, [[0, 10, 11], [0, 15, 16]]),
        (extract_glimpse_v2_op, False, False, [[0, 1, 2], [5, 6, 7]]),
    ],
)
def test_windows_lie_where_tensorflow_lays_them(operation, centered, normalized, expected):
    x = np.arange(20, dtype=np.float32).reshape(1, 4, 5, 1)
    window = operation(
        x, [2, 3], [[0.5, -0.25]], centered=centered, normalized=normalized, noise="zero", uniform_noise=False
    )
    assert window.numpy()[0, :, :, 0].tolist() == expected


def test_glimpses_check_their_arguments():
    x, offsets = np.zeros((1, 4, 4, 1), np.float32), np.zeros((1, 2), np.float32)
    for bad in ([3, 3, 3], [0, -3]):
        with pytest.raises(InvalidArgumentError, match="size"):
            extract_glimpse_op(x, bad, offsets)
    with pytest.raises(InvalidArgumentError, match="offsets of shape"):
        extract_glimpse_op(x, [3, 3], np.zeros((2, 2), np.float32))
    with pytest.raises(InvalidArgumentError, match="at the same time"):
        extract_glimpse_v2_op(x, [3, 3], offsets, noise="zero")
    with pytest.raises(InvalidArgumentError, match="uniform, gaussian, or zero"):
        extract_glimpse_v2_op(x, [3, 3], offsets, noise="x", uniform_noise=False)
