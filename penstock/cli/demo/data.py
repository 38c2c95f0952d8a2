"""The digits that the demo trains on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from penstock.examples.tutorials.mnist.input_data import DataSet, Datasets, read_data_sets

TEST_FRACTION = 0.2
SMALL_DIGIT_MAXIMUM = 16


@dataclass(frozen=True)
class Digits:
    """Images of digits with one-hot labels.

    Attributes:
        name: what to call them in the report.
        sets: train, validation and test; images are float32 of shape (n, side * side), from 0 to 1.
        side: rows and columns of an image.
    """

    name: str
    sets: Datasets
    side: int


def load_small_digits(seed: int) -> Digits:
    """Return the 1797 digits of 8 x 8 pixels that come with scikit-learn, split at random into training and test."""
    bundled = load_digits()
    order = np.random.RandomState(seed).permutation(len(bundled.images))
    images = np.rint(bundled.images * (255 / SMALL_DIGIT_MAXIMUM)).astype(np.uint8)[order, :, :, np.newaxis]
    labels = np.eye(10, dtype=np.float32)[bundled.target[order]]
    num_test = round(len(images) * TEST_FRACTION)
    sets = Datasets(
        train=DataSet(images[num_test:], labels[num_test:], one_hot=True, seed=seed),
        validation=DataSet(images[:0], labels[:0], one_hot=True),
        test=DataSet(images[:num_test], labels[:num_test], one_hot=True),
    )
    return Digits("scikit-learn's digits, 8 x 8", sets, side=images.shape[1])


def load_mnist(folder: Path, seed: int) -> Digits:
    """Return MNIST from its four files in `folder`; all 60,000 training images are for training, as none is held out.

    Raises:
        OSError: if a file is missing or can not be read.
        ValueError: if a file is damaged.
    """
    sets = read_data_sets(folder, one_hot=True, validation_size=0, seed=seed)
    side = round(sets.train.images.shape[1] ** 0.5)
    if sets.train.images.shape[1] != sets.test.images.shape[1] or side * side != sets.train.images.shape[1]:
        raise ValueError(
            f"{folder}: images of {sets.train.images.shape[1]} and {sets.test.images.shape[1]} pixels; "
            "the demo needs square images of one size"
        )
    if not sets.train.num_examples or not sets.test.num_examples:
        raise ValueError(f"{folder}: the training or the test set is empty")
    return Digits(f"MNIST, {side} x {side}", sets, side)
