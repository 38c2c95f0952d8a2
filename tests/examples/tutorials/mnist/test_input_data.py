from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from penstock.examples.tutorials.mnist import input_data
from tests.examples.tutorials.mnist.idx_files import write_idx, write_mnist

MNIST = Path(__file__).parents[5] / "shared" / "data" / "mnist"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mnist(tmp_path)
    return tmp_path


def numbered(count: int, **options) -> input_data.DataSet:
    """Return a data set whose image i has the single pixel i and label i."""
    images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return input_data.DataSet(images, np.arange(count), dtype=np.uint8, **options)


def test_the_training_examples_are_split_from_the_front(folder: Path) -> None:
    mnist = input_data.read_data_sets(folder, validation_size=8, dtype=np.uint8)
    assert (mnist.train.num_examples, mnist.validation.num_examples, mnist.test.num_examples) == (22, 8, 7)
    np.testing.assert_array_equal(mnist.validation.images[:, 0], np.arange(8))
    np.testing.assert_array_equal(mnist.train.images[:, 0], np.arange(8, 30))
    np.testing.assert_array_equal(mnist.train.labels, np.arange(8, 30) % 10)


def test_images_are_flat_floats_from_0_to_1_unless_asked_otherwise(folder: Path) -> None:
    train = input_data.read_data_sets(str(folder), validation_size=0).train
    assert train.images.dtype == np.float32 and train.images.shape == (30, 16)
    np.testing.assert_allclose(train.images[:, 3], np.arange(30) / 255, rtol=1e-6)
    raw = input_data.read_data_sets(folder, validation_size=0, dtype=np.uint8, reshape=False).train
    assert raw.images.dtype == np.uint8 and raw.images.shape == (30, 4, 4, 1)


def test_one_hot_labels_have_a_single_one_in_the_place_of_the_class(folder: Path) -> None:
    labels = input_data.read_data_sets(folder, one_hot=True, validation_size=0).train.labels
    assert labels.shape == (30, 10) and labels.dtype == np.float64
    np.testing.assert_array_equal(labels.argmax(axis=1), np.arange(30) % 10)
    np.testing.assert_array_equal(labels.sum(axis=1), np.ones(30))


def test_a_dtype_with_a_numpy_equivalent_is_accepted(folder: Path) -> None:
    class Uint8:
        as_numpy_dtype = np.uint8

    assert input_data.read_data_sets(folder, dtype=Uint8(), validation_size=0).train.images.dtype == np.uint8


def test_another_dtype_is_a_type_error(folder: Path) -> None:
    with pytest.raises(TypeError, match="dtype is float64; pass uint8"):
        input_data.read_data_sets(folder, dtype=np.float64, validation_size=0)


@pytest.mark.parametrize("validation_size", [-1, 31])
def test_a_validation_size_out_of_range_is_a_value_error(folder: Path, validation_size: int) -> None:
    with pytest.raises(ValueError, match="pass a number from 0 to 30"):
        input_data.read_data_sets(folder, validation_size=validation_size)


def test_each_epoch_serves_every_example_once() -> None:
    data = numbered(10, seed=1)
    orders = []
    for epoch in range(3):
        assert data.epochs_completed == epoch - (epoch > 0)
        orders.append(np.concatenate([data.next_batch(5)[1] for _ in range(2)]))
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0].tolist() != orders[1].tolist() != orders[2].tolist()


def test_an_epoch_is_completed_when_a_batch_goes_past_its_end() -> None:
    data = numbered(10, seed=1)
    data.next_batch(10)
    assert data.epochs_completed == 0
    data.next_batch(1)
    assert data.epochs_completed == 1


def test_a_batch_over_the_boundary_takes_the_rest_and_then_the_next_epoch() -> None:
    data = numbered(10, seed=3)
    first = data.next_batch(7)[1]
    images, labels = data.next_batch(7)
    assert len(labels) == 7 and data.epochs_completed == 1
    assert sorted([*first, *labels[:3]]) == list(range(10))
    np.testing.assert_array_equal(images[:, 0], labels)
    assert sorted([*labels[3:], *data.next_batch(6)[1]]) == list(range(10))


def test_without_shuffling_examples_come_in_the_order_of_the_file() -> None:
    data = numbered(5)
    batches = [data.next_batch(3, shuffle=False)[1].tolist() for _ in range(4)]
    assert batches == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_a_batch_larger_than_the_data_set_goes_through_several_epochs() -> None:
    data = numbered(4)
    assert data.next_batch(11, shuffle=False)[1].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    assert data.epochs_completed == 2


def test_a_seed_gives_the_order_that_numpy_gives_for_it() -> None:
    random = np.random.RandomState(42)
    first, second = np.arange(10), np.arange(10)
    random.shuffle(first)
    random.shuffle(second)
    data = numbered(10, seed=42)
    np.testing.assert_array_equal(data.next_batch(10)[1], first)
    np.testing.assert_array_equal(data.next_batch(10)[1], first[second])


def test_writing_into_a_batch_leaves_the_data_set_as_it_was() -> None:
    data = numbered(4)
    data.next_batch(4, shuffle=False)[0][:] = 99
    np.testing.assert_array_equal(data.images[:, 0], np.arange(4))


def test_reading_leaves_numpys_global_random_state_alone(folder: Path) -> None:
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    input_data.read_data_sets(folder, validation_size=0, seed=1).train.next_batch(10)
    assert np.random.rand() == expected


@pytest.mark.parametrize("arguments", [(0, 3), (4, -1)], ids=["empty data set", "negative size"])
def test_a_batch_that_can_not_be_served_is_a_value_error(arguments: tuple[int, int]) -> None:
    count, batch_size = arguments
    with pytest.raises(ValueError, match="next_batch"):
        numbered(count).next_batch(batch_size)


def test_fake_data_needs_no_files_and_is_constant() -> None:
    fake = input_data.read_data_sets("/nowhere", fake_data=True, one_hot=True)
    images, labels = fake.train.next_batch(2)
    assert images == [[1] * 784] * 2 and labels == [[1] + [0] * 9] * 2
    assert fake.test.num_examples == 10000
    assert numbered(3).next_batch(2, fake_data=True)[1] == [0, 0]


def test_images_and_labels_of_different_number_are_refused(folder: Path) -> None:
    write_idx(folder / input_data.TEST_LABELS, np.zeros(3, np.uint8), 2049)
    with pytest.raises(ValueError, match="7 images and t10k-labels-idx1-ubyte.gz has 3 labels"):
        input_data.read_data_sets(folder, validation_size=0)
    with pytest.raises(ValueError, match="3 images .* do not fit 2 labels"):
        input_data.DataSet(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(2))


def test_images_that_can_not_be_flattened_are_refused() -> None:
    with pytest.raises(ValueError, match="can not be flattened"):
        input_data.DataSet(np.zeros((3, 2, 2, 3), np.uint8), np.zeros(3))


def test_a_missing_file_is_named_with_the_folder_it_belongs_in(folder: Path) -> None:
    (folder / input_data.TEST_IMAGES).unlink()
    with pytest.raises(FileNotFoundError, match="lacks t10k-images-idx3-ubyte.gz; nothing is downloaded") as raised:
        input_data.read_data_sets(folder, source_url="https://example.org/mnist/")
    assert str(folder) in str(raised.value) and "https://example.org/mnist/" in str(raised.value)


def test_a_missing_folder_and_a_file_in_its_place_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        input_data.read_data_sets(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        input_data.read_data_sets(tmp_path / "file")


def test_a_truncated_file_is_a_value_error_that_names_it(folder: Path) -> None:
    path = folder / input_data.TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz: not a complete gzip file"):
        input_data.read_data_sets(folder)


def test_labels_beyond_the_classes_are_refused(folder: Path) -> None:
    write_idx(folder / input_data.TEST_LABELS, np.array([0, 1, 2, 10, 4, 5, 6], np.uint8), 2049)
    with pytest.raises(ValueError, match="label number 3 is 10; expected 0 to 9"):
        input_data.read_data_sets(folder)
    with pytest.raises(ValueError, match="label number 1 is -1"):
        input_data.dense_to_one_hot(np.array([1, -1]), 3)


def test_images_and_labels_are_read_from_open_files(folder: Path) -> None:
    images = input_data.extract_images(io.BytesIO((folder / input_data.TEST_IMAGES).read_bytes()))
    assert images.shape == (7, 4, 4, 1)
    with open(folder / input_data.TEST_LABELS, "rb") as file:
        assert input_data.extract_labels(file, one_hot=True, num_classes=12).shape == (7, 12)


@pytest.mark.needs_data
@pytest.mark.skipif(not MNIST.is_dir(), reason="the MNIST files are not beside the repository")
def test_mnist_itself_has_its_known_sizes_and_first_labels() -> None:
    mnist = input_data.read_data_sets(MNIST)
    assert [part.num_examples for part in mnist] == [55000, 5000, 10000]
    assert mnist.validation.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.shape == (55000, 784) and mnist.train.images.max() == 1.0
    np.testing.assert_allclose(mnist.test.images.mean(), 0.13251, atol=1e-5)
