"""Read MNIST from its four files and serve it in batches, as TensorFlow 1's tutorial module of this name did.

>>> from penstock.examples.tutorials.mnist import input_data
>>> mnist = input_data.read_data_sets("MNIST_data", one_hot=True)  # doctest: +SKIP
>>> images, labels = mnist.train.next_batch(100)  # doctest: +SKIP
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from penstock.examples.tutorials.mnist.idx import IMAGES_MAGIC, LABELS_MAGIC, read_idx

DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"

_FAKE_EXAMPLES = 10000
_FAKE_PIXELS = 784


class DataSet:
    """Images with their labels, served in batches.

    Args:
        images: uint8 of shape (n, rows, columns, 1).
        labels: of shape (n,), or (n, classes) if one-hot.
        fake_data: hold nothing and serve constant batches (images of 784 ones, label 0).
        one_hot: whether fake labels are one-hot.
        dtype: float32 scales the pixels from 0..255 to 0..1, uint8 keeps them.
        reshape: flatten each image to rows * columns pixels.
        seed: of the shuffling; None shuffles differently each time.
    Raises:
        TypeError: if `dtype` is neither uint8 nor float32.
        ValueError: if there are not as many labels as images, or `reshape` meets images of more than one channel.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = np.float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        numpy_dtype = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
        if numpy_dtype not in (np.dtype(np.uint8), np.dtype(np.float32)):
            raise TypeError(f"DataSet: dtype is {numpy_dtype}; pass uint8 (0 to 255) or float32 (0 to 1)")
        images, labels = np.asarray(images), np.asarray(labels)
        self.one_hot = one_hot
        self._fake_data = fake_data
        if fake_data:
            self._num_examples = _FAKE_EXAMPLES
        else:
            if len(images) != len(labels):
                raise ValueError(
                    f"DataSet: {len(images)} images (shape {images.shape}) do not fit "
                    f"{len(labels)} labels (shape {labels.shape}); pass one label for each image"
                )
            if reshape:
                if images.ndim != 4 or images.shape[3] != 1:
                    raise ValueError(
                        f"DataSet: images of shape {images.shape} can not be flattened; "
                        "pass (n, rows, columns, 1), or reshape=False"
                    )
                images = images.reshape(len(images), images.shape[1] * images.shape[2])
            if numpy_dtype == np.float32:
                images = np.multiply(images, np.float32(1.0 / 255.0), dtype=np.float32)
            self._num_examples = len(images)
        self._images = images
        self._labels = labels
        self._random = np.random.RandomState(seed)
        self._order = np.arange(self._num_examples)
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self) -> np.ndarray:
        """All images, in the order of the file."""
        return self._images

    @property
    def labels(self) -> np.ndarray:
        """All labels, in the order of the file."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """The number of images."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How often `next_batch` has gone past the last example."""
        return self._epochs_completed

    def next_batch(
        self, batch_size: int, fake_data: bool = False, shuffle: bool = True
    ) -> tuple[np.ndarray | list[Any], np.ndarray | list[Any]]:
        """Return the next images and labels, reshuffling at the start of every epoch.

        A batch that reaches past the end of an epoch takes the rest of it and continues with the next one, so that all
        batches have the same size and no example is left out.

        Args:
            batch_size: how many examples.
            fake_data: return constant lists instead of data.
            shuffle: draw in random order; without it, in the order left by the last shuffle.
        Returns:
            The images, of shape (batch_size, ...), and their labels, both copies.
        Raises:
            ValueError: if `batch_size` is negative, or the data set is empty.
        """
        if batch_size < 0:
            raise ValueError(f"next_batch: batch_size is {batch_size}; pass a number of examples, 0 or more")
        if fake_data or self._fake_data:
            label: Any = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * _FAKE_PIXELS for _ in range(batch_size)], [label for _ in range(batch_size)]
        if not self._num_examples:
            raise ValueError("next_batch: the data set is empty, so there is no next batch")

        if self._epochs_completed == 0 and self._index_in_epoch == 0 and shuffle:
            self._shuffle()
        parts = []
        missing = batch_size
        while self._index_in_epoch + missing > self._num_examples:
            parts.append(self._order[self._index_in_epoch :])
            missing -= len(parts[-1])
            self._epochs_completed += 1
            self._index_in_epoch = 0
            if shuffle:
                self._shuffle()
        parts.append(self._order[self._index_in_epoch : self._index_in_epoch + missing])
        self._index_in_epoch += missing
        chosen = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self._images[chosen], self._labels[chosen]

    def _shuffle(self) -> None:
        """Permute the order; the same seed gives the batches that TensorFlow 1 gave."""
        permutation = np.arange(self._num_examples)
        self._random.shuffle(permutation)
        self._order = self._order[permutation]


class Datasets(NamedTuple):
    """The three parts of MNIST."""

    train: DataSet
    validation: DataSet
    test: DataSet


def dense_to_one_hot(labels_dense: np.ndarray, num_classes: int) -> np.ndarray:
    """Turn class numbers of shape (n,) into one-hot rows of shape (n, num_classes), float64.

    Raises:
        ValueError: if a label is not in 0 .. num_classes - 1.
    """
    labels = np.asarray(labels_dense).reshape(-1)
    _check_labels(labels, num_classes, "dense_to_one_hot")
    one_hot = np.zeros((len(labels), num_classes))
    one_hot[np.arange(len(labels)), labels] = 1
    return one_hot


def extract_images(f: BinaryIO) -> np.ndarray:
    """Read a gzipped idx file of images, given open in binary mode.

    Returns:
        uint8 of shape (n, rows, columns, 1).
    Raises:
        ValueError: if the file is damaged, truncated, or not a file of images. The message names it.
    """
    return read_idx(f, IMAGES_MAGIC, 3)[..., np.newaxis]


def extract_labels(f: BinaryIO, one_hot: bool = False, num_classes: int = 10) -> np.ndarray:
    """Read a gzipped idx file of labels, given open in binary mode.

    Returns:
        uint8 of shape (n,), or float64 of shape (n, num_classes) if `one_hot`.
    Raises:
        ValueError: if the file is damaged, truncated, not a file of labels, or has labels beyond `num_classes`.
    """
    labels = read_idx(f, LABELS_MAGIC, 1)
    _check_labels(labels, num_classes, str(getattr(f, "name", f)))
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def read_data_sets(
    train_dir: str | os.PathLike[str],
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = np.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Read the four MNIST files of a folder. Nothing is ever downloaded.

    Args:
        train_dir: the folder with the four `.gz` files of the original distribution.
        fake_data: read nothing and serve constant batches.
        one_hot: give labels as rows of 10 with a single 1.
        dtype: float32 (0 to 1) or uint8 (0 to 255).
        reshape: flatten the images to 784 pixels; otherwise they are (28, 28, 1).
        validation_size: how many of the training examples, from the front, become the validation set.
        seed: of the shuffling.
        source_url: named in the error for a missing file, as the place to fetch it from.
    Returns:
        The train, validation and test sets.
    Raises:
        FileNotFoundError: if the folder or one of the files is missing. The message says which, and where it belongs.
        ValueError: if a file is damaged, images and labels differ in number, or `validation_size` is out of range.
    """
    options: dict[str, Any] = {"one_hot": one_hot, "dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        nothing = np.zeros((0,), np.uint8)
        return Datasets(*(DataSet(nothing, nothing, fake_data=True, **options) for _ in range(3)))

    folder = os.fspath(train_dir)
    _check_present(folder, source_url)
    train_images, train_labels = _read_pair(folder, TRAIN_IMAGES, TRAIN_LABELS, one_hot)
    test_images, test_labels = _read_pair(folder, TEST_IMAGES, TEST_LABELS, one_hot)
    if not 0 <= validation_size <= len(train_images):
        raise ValueError(
            f"read_data_sets: validation_size is {validation_size}; pass a number from 0 to {len(train_images)}, "
            "the number of training examples"
        )
    return Datasets(
        train=DataSet(train_images[validation_size:], train_labels[validation_size:], **options),
        validation=DataSet(train_images[:validation_size], train_labels[:validation_size], **options),
        test=DataSet(test_images, test_labels, **options),
    )


def load_mnist(train_dir: str | os.PathLike[str] = "MNIST-data") -> Datasets:
    """Read MNIST from a folder with the default options of `read_data_sets`."""
    return read_data_sets(train_dir)


def _read_pair(folder: str, images_name: str, labels_name: str, one_hot: bool) -> tuple[np.ndarray, np.ndarray]:
    """Read images and their labels, and check that they belong together."""
    with open(os.path.join(folder, images_name), "rb") as file:
        images = extract_images(file)
    with open(os.path.join(folder, labels_name), "rb") as file:
        labels = extract_labels(file, one_hot)
    if len(images) != len(labels):
        raise ValueError(
            f"{folder}: {images_name} has {len(images)} images and {labels_name} has {len(labels)} labels; "
            "they are not from the same data set"
        )
    return images, labels


def _check_present(folder: str, source_url: str) -> None:
    """Raise an error that says what is missing and where it belongs."""
    if not os.path.isdir(folder):
        reason = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise FileNotFoundError(f"the MNIST folder '{folder}' {reason}; put the four files of {source_url} there")
    names = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    missing = [name for name in names if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise FileNotFoundError(
            f"'{folder}' lacks {', '.join(missing)}; nothing is downloaded, so fetch it from {source_url} "
            f"and put it in '{folder}'"
        )


def _check_labels(labels: np.ndarray, num_classes: int, name: str) -> None:
    """Raise ValueError if a label lies outside 0 .. num_classes - 1."""
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(outside):
        raise ValueError(
            f"{name}: label number {outside[0]} is {labels[outside[0]]}; expected 0 to {num_classes - 1}, "
            f"for {num_classes} classes"
        )
