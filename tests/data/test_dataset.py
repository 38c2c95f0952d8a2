from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock.v2 as tf
from penstock.core import context
from penstock.data import buffering, mapping
from penstock.data.dataset import Dataset
from penstock.data.readers import (
    CsvDataset,
    FixedLengthRecordDataset,
    TextLineDataset,
    TFRecordDataset,
    make_csv_dataset,
)
from penstock.formats.records import RecordWriter


@pytest.fixture(autouse=True)
def eager() -> Any:
    with context.eager_mode():
        yield


def listed(dataset: Any) -> list[Any]:
    return [np.asarray(item).tolist() for item in dataset]


def test_slices_pair_the_rows_of_nested_tensors() -> None:
    dataset = Dataset.from_tensor_slices({"a": [1, 2], "b": (np.zeros((2, 3)), ["x", "y"])})
    first = next(iter(dataset))
    assert int(first["a"]) == 1 and first["b"][0].shape == (3,) and first["b"][1].numpy() == b"x"
    assert dataset.element_spec["b"][0] == tf.TensorSpec([3], tf.float64)
    assert len(dataset) == 2


def test_a_list_in_an_element_is_a_tensor() -> None:
    assert Dataset.from_tensors([1, 2, 3]).element_spec == tf.TensorSpec([3], tf.int32)


def test_values_given_later_do_not_change_a_dataset() -> None:
    rows = np.arange(4)
    dataset = Dataset.from_tensor_slices(rows)
    rows[:] = 9
    assert listed(dataset) == [0, 1, 2, 3]


# The orders are those of TensorFlow 2.21 with the same seeds.
def test_shuffle_gives_tensorflows_order() -> None:
    assert listed(Dataset.range(10).shuffle(10, seed=3)) == [4, 7, 2, 6, 8, 0, 3, 1, 5, 9]


def test_shuffle_changes_from_pass_to_pass_unless_told_otherwise() -> None:
    dataset = Dataset.range(10).shuffle(10, seed=3)
    assert [listed(dataset) for _ in range(2)][1] == [8, 6, 4, 1, 7, 9, 3, 0, 5, 2]
    fixed = Dataset.range(10).shuffle(4, seed=3, reshuffle_each_iteration=False)
    assert listed(fixed) == listed(fixed) == [3, 4, 2, 0, 7, 5, 6, 8, 9, 1]


def test_batches_of_shuffled_slices_are_those_made_one_by_one() -> None:
    rows = np.random.default_rng(0).normal(size=(17, 3))
    quick = Dataset.from_tensor_slices(rows).shuffle(5, seed=1).repeat(2).batch(4)
    slow = Dataset.from_tensor_slices(rows).map(lambda x: x).shuffle(5, seed=1).repeat(2).batch(4)
    for a, b in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("drop", [True, False])
def test_batch_knows_its_size_only_if_the_remainder_is_dropped(drop: bool) -> None:
    dataset = Dataset.range(5).batch(2, drop_remainder=drop)
    assert dataset.element_spec.shape.as_list() == [2 if drop else None]
    assert len(list(dataset)) == len(dataset) == (2 if drop else 3)


def test_batch_of_different_shapes_names_the_component() -> None:
    dataset = Dataset.from_generator(lambda: iter([[1], [1, 2]]), output_signature=tf.TensorSpec([None], tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes in component 0"):
        list(dataset.batch(2))


def test_padded_batch_pads_to_the_largest() -> None:
    dataset = Dataset.range(1, 4).map(lambda n: tf.fill([n], n)).padded_batch(3, padding_values=np.int64(-1))
    assert listed(dataset) == [[[1, -1, -1], [2, 2, -1], [3, 3, 3]]]


def test_map_traces_once() -> None:
    calls = []
    dataset = Dataset.range(3).map(lambda x: calls.append(1) or x + 1)
    assert listed(dataset) == [1, 2, 3] and len(calls) == 1


def test_map_reads_variables_when_it_runs() -> None:
    variable = tf.Variable(np.int64(1))
    dataset = Dataset.range(2).map(lambda x: x * variable)
    variable.assign(10)
    assert listed(dataset) == [0, 10]


def test_parallel_calls_keep_the_order() -> None:
    assert listed(Dataset.range(20).map(lambda x: x * 2, num_parallel_calls=4)) == list(range(0, 40, 2))


def test_filter_and_take_while_and_unique() -> None:
    assert listed(Dataset.range(10).filter(lambda x: x % 3 == 0)) == [0, 3, 6, 9]
    assert listed(Dataset.range(10).take_while(lambda x: x < 3)) == [0, 1, 2]
    assert listed(Dataset.from_tensor_slices([1, 2, 1, 3, 2]).unique()) == [1, 2, 3]


def test_windows_are_datasets() -> None:
    windows = Dataset.range(7).window(3, shift=2).flat_map(lambda window: window.batch(3))
    assert listed(windows) == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6]]


# The order is that of TensorFlow's documentation of interleave.
def test_interleave_takes_turns() -> None:
    dataset = Dataset.range(1, 6).interleave(
        lambda x: Dataset.from_tensors(x).repeat(6), cycle_length=2, block_length=4
    )
    expected = [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]
    assert listed(dataset) == expected


def test_zip_concatenate_enumerate_shard_skip() -> None:
    a, b = Dataset.range(3), Dataset.range(10, 14)
    assert [(int(x), int(y)) for x, y in Dataset.zip((a, b))] == [(0, 10), (1, 11), (2, 12)]
    assert listed(a.concatenate(b)) == [0, 1, 2, 10, 11, 12, 13]
    assert [int(i) for i, _ in b.enumerate(5)] == [5, 6, 7, 8]
    assert listed(b.shard(2, 1)) == [11, 13] and listed(b.skip(3)) == [13]


def test_concatenate_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="Incompatible"):
        Dataset.range(3).concatenate(Dataset.from_tensors("x"))


def test_reduce_and_scan_hand_a_state_on() -> None:
    assert int(Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x)) == 10
    assert listed(Dataset.range(4).scan(np.int64(0), lambda s, x: (s + x, s * x))) == [0, 0, 2, 9]


def test_group_by_window_and_buckets() -> None:
    grouped = Dataset.range(7).group_by_window(lambda x: x % 2, lambda key, part: part.batch(2), window_size=2)
    assert listed(grouped) == [[0, 2], [1, 3], [4, 6], [5]]
    lengths = Dataset.from_generator(
        lambda: iter([[1], [1, 2, 3], [4]]), output_signature=tf.TensorSpec([None], tf.int32)
    )
    bucketed = lengths.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [2], [2, 2])
    assert listed(bucketed) == [[[1], [4]], [[1, 2, 3]]]


def test_choose_and_sample() -> None:
    sources = [Dataset.from_tensors(name).repeat() for name in ("a", "b")]
    chosen = Dataset.choose_from_datasets(sources, Dataset.from_tensor_slices(np.array([1, 0, 1])))
    assert [item.numpy() for item in chosen] == [b"b", b"a", b"b"]
    sampled = Dataset.sample_from_datasets([Dataset.range(3), Dataset.range(10, 13)], [0.5, 0.5], seed=1)
    assert sorted(listed(sampled)) == [0, 1, 2, 10, 11, 12]


def test_random_gives_tensorflows_numbers() -> None:
    tf.random.set_seed(7)
    assert listed(Dataset.random(seed=4).take(2)) == [3004760025, 2982476881]
    tf.random.set_seed(None)


def test_cache_runs_what_is_below_once(tmp_path: Path) -> None:
    for where in ("", str(tmp_path / "cache")):
        passes: list[int] = []

        def generate(passes: list[int] = passes) -> Any:
            passes.append(1)
            yield from range(3)

        dataset = Dataset.from_generator(generate, output_signature=tf.TensorSpec([], tf.int32)).cache(where)
        assert listed(dataset) == listed(dataset) == [0, 1, 2] and len(passes) == 1


def test_saved_datasets_are_loaded(tmp_path: Path) -> None:
    dataset = Dataset.from_tensor_slices((["a", "b"], [1.5, 2.5]))
    dataset.save(str(tmp_path / "saved"))
    loaded = Dataset.load(str(tmp_path / "saved"))
    assert loaded.element_spec == dataset.element_spec
    assert [(a.numpy(), float(b)) for a, b in loaded] == [(b"a", 1.5), (b"b", 2.5)]
    with pytest.raises(tf.errors.NotFoundError):
        Dataset.load(str(tmp_path / "absent"))


def test_a_slow_reader_does_not_make_a_quick_map_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(mapping.time, "perf_counter", lambda: now)
    monkeypatch.setattr(mapping, "_in_parallel", lambda *_: pytest.fail("took threads"))
    for _ in Dataset.range(10).map(lambda x: x * 2, num_parallel_calls=4):
        now += 10.0


def test_a_slow_map_is_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(mapping.time, "perf_counter", lambda: next(ticks))
    calls = []
    plain = mapping._in_parallel
    monkeypatch.setattr(mapping, "_in_parallel", lambda *args: calls.append(args[2]) or plain(*args))
    assert listed(Dataset.range(9).map(lambda x: x * 2, num_parallel_calls=3)) == list(range(0, 18, 2))
    assert calls == [3]


def test_prefetching_thread_ends_with_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffering, "_WORTH_A_THREAD_S", -1.0)
    iterator = iter(Dataset.range(10**6).prefetch(2))
    assert int(next(iterator)) == 0
    for _ in range(5):
        next(iterator)
    running = [thread for thread in threading.enumerate() if thread.name == "tf-data-prefetch"]
    assert running
    del iterator
    for thread in running:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_errors_of_a_prefetched_step_reach_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffering, "_WORTH_A_THREAD_S", -1.0)
    dataset = Dataset.from_tensor_slices([1.0, 1.0, 1.0, 1.0, np.nan]).map(
        lambda x: tf.debugging.check_numerics(x, "bad")
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="bad"):
        list(dataset.prefetch(1))


def test_generator_that_breaks_its_promise() -> None:
    dataset = Dataset.from_generator(lambda: iter(["x"]), output_signature=tf.TensorSpec([], tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected type"):
        list(dataset)


def test_iterator_ends_with_out_of_range() -> None:
    iterator = iter(Dataset.range(1))
    assert iterator.get_next_as_optional().has_value()
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        iterator.get_next()
    assert not iterator.get_next_as_optional().has_value()
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_function_takes_elements_of_an_iterator() -> None:
    iterator = iter(Dataset.range(4).batch(2))

    @tf.function
    def total(source: Any) -> Any:
        return tf.reduce_sum(source.get_next())

    assert [int(total(iterator)), int(total(iterator))] == [1, 5]
    with pytest.raises(tf.errors.OutOfRangeError):
        total(iterator)


def test_cardinality_follows_the_steps() -> None:
    assert int(Dataset.range(10).batch(3).repeat(2).skip(1).cardinality()) == 7
    assert int(Dataset.range(3).repeat().cardinality()) == -1
    assert int(Dataset.range(3).filter(lambda x: x > 0).cardinality()) == -2
    with pytest.raises(TypeError, match="infinite"):
        len(Dataset.range(3).repeat())


def test_sparse_elements_are_batched_and_taken_apart() -> None:
    rows = tf.SparseTensor([[0, 1], [2, 0]], [5, 6], [3, 2])
    dataset = Dataset.from_tensor_slices(rows)
    assert [row.values.numpy().tolist() for row in dataset] == [[5], [], [6]]
    (batch,) = dataset.batch(3)
    assert batch.indices.numpy().tolist() == [[0, 1], [2, 0]] and batch.dense_shape.numpy().tolist() == [3, 2]


def test_readers(tmp_path: Path) -> None:
    text = tmp_path / "lines.txt"
    text.write_bytes(b"one\r\ntwo\n")
    assert [line.numpy() for line in TextLineDataset(str(text))] == [b"one", b"two"]
    with RecordWriter(str(tmp_path / "records")) as writer:
        writer.write(b"first")
        writer.write(b"second")
    assert [record.numpy() for record in TFRecordDataset([str(tmp_path / "records")])] == [b"first", b"second"]
    (tmp_path / "blocks").write_bytes(b"HaabbccFF")
    blocks = FixedLengthRecordDataset(str(tmp_path / "blocks"), 2, 1, 2)
    assert [block.numpy() for block in blocks] == [b"aa", b"bb", b"cc"]
    with pytest.raises(tf.errors.NotFoundError):
        list(TextLineDataset(str(tmp_path / "absent")))


def test_csv_files(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('name,size,price\n"a,b",1,2.5\nc,,3.5\n')
    rows = list(CsvDataset(str(path), [tf.string, 7, tf.float32], header=True))
    assert [tuple(np.asarray(field).tolist() for field in row) for row in rows] == [(b"a,b", 1, 2.5), (b"c", 7, 3.5)]
    dataset = make_csv_dataset(str(path), 2, label_name="price", num_epochs=1, shuffle=False)
    features, labels = next(iter(dataset))
    assert list(features) == ["name", "size"] and labels.numpy().tolist() == [2.5, 3.5]


def test_list_files_finds_patterns(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.csv"):
        (tmp_path / name).write_text("")
    found = Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    assert [os.path.basename(item.numpy()) for item in found] == [b"a.txt", b"b.txt"]


def test_options_merge() -> None:
    options = tf.data.Options()
    options.deterministic = False
    options.threading.private_threadpool_size = 3
    dataset = Dataset.range(1).with_options(options).map(lambda x: x)
    assert dataset.options().deterministic is False and dataset.options().threading.private_threadpool_size == 3
    with pytest.raises(AttributeError):
        options.absent = 1


def test_rebatching_takes_sizes_in_turn():
    batches = tf.data.Dataset.range(7).batch(4)
    assert [row.tolist() for row in batches.rebatch([2, 1]).as_numpy_iterator()] == [[0, 1], [2], [3, 4], [5], [6]]
    kept = batches.rebatch([2, 1], drop_remainder=True)
    assert [row.tolist() for row in kept.as_numpy_iterator()] == [[0, 1], [2], [3, 4], [5]]


def test_random_functions_of_elements_begin_anew_with_each_iterator() -> None:
    tf.random.set_seed(5)

    def draw(_: Any) -> Any:
        return tf.random.uniform([], seed=1)

    dataset, other = Dataset.range(3).map(draw), Dataset.range(3).map(draw)
    first = list(dataset.as_numpy_iterator())
    assert list(dataset.as_numpy_iterator()) == list(other.as_numpy_iterator()) == first
    assert list(dataset.repeat(2).as_numpy_iterator())[:3] == first
    assert len(set(dataset.repeat(2).as_numpy_iterator())) == 6
    tf.random.set_seed(None)


def test_the_numpy_iterator_gives_arrays_of_composite_elements_too() -> None:
    sparse = tf.SparseTensor([[0, 1]], [5], [2, 2])
    assert [found.tolist() for found in Dataset.from_tensors(sparse).as_numpy_iterator()] == [[[0, 5], [0, 0]]]
    (ragged,) = Dataset.from_tensors(tf.RaggedTensor.from_row_lengths([1, 2, 3], [1, 2])).as_numpy_iterator()
    assert [row.tolist() for row in ragged] == [[1], [2, 3]]


def test_batches_of_examples_are_parsed() -> None:
    message = tf.train.Example()
    message.features.feature["a"].int64_list.value.append(7)
    parse = tf.data.experimental.parse_example_dataset({"a": tf.io.FixedLenFeature([], tf.int64)})
    (found,) = Dataset.from_tensors([message.SerializeToString()] * 2).apply(parse)
    assert found["a"].numpy().tolist() == [7, 7]
