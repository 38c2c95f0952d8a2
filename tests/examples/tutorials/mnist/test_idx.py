from __future__ import annotations

import gzip
import io
import struct

import numpy as np
import pytest

from penstock.examples.tutorials.mnist.idx import IMAGES_MAGIC, LABELS_MAGIC, read_idx
from tests.examples.tutorials.mnist.idx_files import idx_bytes

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def read(data: bytes) -> np.ndarray:
    return read_idx(io.BytesIO(data), IMAGES_MAGIC, 3)


def test_the_array_comes_back_as_it_was_written() -> None:
    images = read(gzip.compress(idx_bytes(IMAGES, IMAGES_MAGIC)))
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES)


def test_every_truncation_of_the_file_is_a_value_error() -> None:
    data = gzip.compress(idx_bytes(IMAGES, IMAGES_MAGIC))
    for length in range(len(data)):
        with pytest.raises(ValueError):
            read(data[:length])


def test_a_truncated_gzip_file_is_called_incomplete_and_named(tmp_path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES, IMAGES_MAGIC))[:-9])
    with open(path, "rb") as file, pytest.raises(ValueError, match=r"images\.gz: not a complete gzip file"):
        read_idx(file, IMAGES_MAGIC, 3)


def test_a_file_that_is_not_gzip_is_refused() -> None:
    with pytest.raises(ValueError, match="not a complete gzip file"):
        read(b"<html>404</html>")


def test_flipped_bytes_never_escape_as_another_error() -> None:
    data = gzip.compress(idx_bytes(IMAGES, IMAGES_MAGIC))
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        try:
            assert read(bytes(damaged)).shape == IMAGES.shape
        except ValueError:
            pass


def test_labels_in_the_place_of_images_are_found_by_the_magic_number() -> None:
    labels = gzip.compress(idx_bytes(np.zeros(5, np.uint8), LABELS_MAGIC))
    with pytest.raises(ValueError, match="magic number is 2049, and MNIST images have 2051"):
        read(labels)


@pytest.mark.parametrize("change", [-1, 1], ids=["too few bytes", "too many bytes"])
def test_data_of_another_size_than_the_header_says_is_refused(change: int) -> None:
    data = idx_bytes(IMAGES, IMAGES_MAGIC) + b"\0"
    with pytest.raises(ValueError, match=r"2 x 3 x 4 = 24 bytes of data, but the file holds (23|more)"):
        read(gzip.compress(data[: len(data) - 1 + change]))


def test_a_header_that_promises_terabytes_is_refused_before_memory_is_asked_for() -> None:
    header = struct.pack(">4I", IMAGES_MAGIC, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    with pytest.raises(ValueError, match="more than a file of .* compressed bytes can hold"):
        read(gzip.compress(header))


def test_a_short_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header has 6 bytes instead of 16"):
        read(gzip.compress(struct.pack(">I", IMAGES_MAGIC) + b"\0\0"))


def test_a_stream_that_can_not_seek_is_read_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    np.testing.assert_array_equal(
        read_idx(Pipe(gzip.compress(idx_bytes(IMAGES, IMAGES_MAGIC))), IMAGES_MAGIC, 3), IMAGES
    )
