from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.cli.demo import data
from penstock.examples.tutorials.mnist import input_data
from tests.examples.tutorials.mnist.idx_files import write_idx, write_mnist


def test_the_small_digits_are_split_without_overlap_and_scaled_to_1() -> None:
    digits = data.load_small_digits(seed=0)
    train, test = digits.sets.train, digits.sets.test
    assert (train.num_examples, test.num_examples, digits.side) == (1438, 359, 8)
    assert train.images.shape == (1438, 64) and train.images.dtype == np.float32
    assert train.images.min() == 0.0 and train.images.max() == 1.0
    assert test.labels.shape == (359, 10) and (test.labels.sum(axis=1) == 1).all()
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}


def test_the_seed_decides_the_split() -> None:
    first, same, other = (data.load_small_digits(seed).sets.test.images for seed in (1, 1, 2))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_mnist_trains_on_all_training_images(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    digits = data.load_mnist(tmp_path, seed=0)
    assert (digits.sets.train.num_examples, digits.sets.test.num_examples, digits.side) == (30, 7, 4)
    assert digits.sets.train.labels.shape == (30, 10)


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    write_idx(tmp_path / input_data.TEST_IMAGES, np.zeros((7, 2, 4), np.uint8), 2051)
    with pytest.raises(ValueError, match="square images of one size"):
        data.load_mnist(tmp_path, seed=0)


def test_an_empty_test_set_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, num_test=0)
    with pytest.raises(ValueError, match="the training or the test set is empty"):
        data.load_mnist(tmp_path, seed=0)
