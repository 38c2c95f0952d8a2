"""Images changed at random: the choice is drawn from the stream, the change is that of the plain function."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.image import color
from penstock.ops.image import randomized as r
from penstock.ops.random.seeds import set_seed
from penstock.ops.random.stateless_functions import stateless_uniform
from penstock.testing.op_case import uniform

X = uniform(0, 1, 8, 8, 3, dtype=np.float32)
SEED = [3, 4]


@pytest.mark.parametrize(
    ("changed", "plain", "low", "high", "arguments"),
    [
        (r.stateless_random_brightness, color.adjust_brightness, -0.3, 0.3, (0.3,)),
        (r.stateless_random_contrast, color.adjust_contrast, 0.5, 1.5, (0.5, 1.5)),
        (r.stateless_random_saturation, color.adjust_saturation, 0.5, 1.5, (0.5, 1.5)),
        (r.stateless_random_hue, color.adjust_hue, -0.2, 0.2, (0.2,)),
    ],
)
def test_the_seed_decides_the_change(changed, plain, low, high, arguments):
    drawn = stateless_uniform([], SEED, low, high)
    np.testing.assert_array_equal(changed(X, *arguments, SEED).numpy(), plain(X, drawn).numpy())


def test_flips_happen_about_half_of_the_time():
    flips = [np.array_equal(r.stateless_random_flip_left_right(X, [i, 0]).numpy(), X) for i in range(40)]
    assert 8 < sum(flips) < 32
    batch = np.stack([X] * 16)
    up = r.stateless_random_flip_up_down(batch, SEED).numpy()
    kept = [np.array_equal(image, X) for image in up]
    assert 0 < sum(kept) < 16
    assert all(np.array_equal(image, X[::-1]) for image, same in zip(up, kept, strict=True) if not same)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: r.random_brightness(X, 0.3, s),
        lambda s: r.random_contrast(X, 0.5, 1.5, s),
        lambda s: r.random_saturation(X, 0.5, 1.5, s),
        lambda s: r.random_hue(X, 0.2, s),
        lambda s: r.random_flip_left_right(X, s),
        lambda s: r.random_flip_up_down(X, s),
        lambda s: r.random_jpeg_quality(X, 50, 90, s),
    ],
)
def test_both_seeds_make_a_change_reproducible(change):
    results = []
    for _ in range(2):
        set_seed(5)
        results.append(change(2).numpy())
    np.testing.assert_array_equal(*results)


def test_crops_lie_in_the_image():
    part = r.stateless_random_crop(X, [3, 2, 3], SEED).numpy()
    assert any(np.array_equal(part, X[i : i + 3, j : j + 2]) for i in range(6) for j in range(7))
    assert r.stateless_random_jpeg_quality(X, 50, 90, SEED).shape.as_list() == [8, 8, 3]


def test_empty_ranges_are_refused():
    with pytest.raises(ValueError, match="max_delta"):
        r.random_brightness(X, -1)
    with pytest.raises(ValueError, match="upper"):
        r.random_contrast(X, 1, 1)
    with pytest.raises(ValueError, match="max_delta"):
        r.random_hue(X, 0.6)
    with pytest.raises(ValueError, match="jpeg"):
        r.random_jpeg_quality(X, 5, 101)
