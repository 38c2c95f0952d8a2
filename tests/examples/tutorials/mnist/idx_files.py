"""Small MNIST-like files for the tests."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from penstock.examples.tutorials.mnist import input_data


def idx_bytes(array: np.ndarray, magic: int) -> bytes:
    """Return the idx form of a uint8 array."""
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_idx(path: Path, array: np.ndarray, magic: int) -> None:
    """Write a uint8 array as a gzipped idx file."""
    path.write_bytes(gzip.compress(idx_bytes(array, magic)))


def write_mnist(folder: Path, num_train: int = 30, num_test: int = 7, side: int = 4) -> None:
    """Write four files whose image number i has all pixels i and label i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    for count, images_name, labels_name in (
        (num_train, input_data.TRAIN_IMAGES, input_data.TRAIN_LABELS),
        (num_test, input_data.TEST_IMAGES, input_data.TEST_LABELS),
    ):
        numbers = np.arange(count, dtype=np.uint8)
        write_idx(folder / images_name, np.repeat(numbers, side * side).reshape(count, side, side), 2051)
        write_idx(folder / labels_name, numbers % 10, 2049)
