"""`tf.data.experimental`: mostly the methods of datasets, as functions for `Dataset.apply`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.core.dtypes import int64
from penstock.core.errors import FailedPreconditionError, OutOfRangeError
from penstock.core.type_spec import TensorSpec
from penstock.data import grouping
from penstock.data import structure as nested
from penstock.data.batching import Held
from penstock.data.dataset import Dataset
from penstock.data.node import Element, Node, Run
from penstock.data.structure import Structure
from penstock.data.traced import TracedFunction
from penstock.ops.parsing.features import parse_example

Transformation = Callable[[Any], Any]


def _method(name: str, *args: Any, **keywords: Any) -> Transformation:
    return lambda dataset: getattr(dataset, name)(*args, **keywords)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Return what maps a dataset and batches the results."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(batch_size, drop_remainder)


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """Return what shuffles a dataset and repeats it."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def unbatch() -> Transformation:
    """Return what takes the rows of a dataset's elements apart."""
    return _method("unbatch")


def unique() -> Transformation:
    """Return what leaves out repetitions."""
    return _method("unique")


def ignore_errors(log_warning: bool = False) -> Transformation:
    """Return what leaves out elements whose making fails."""
    return _method("ignore_errors", log_warning)


def enumerate_dataset(start: Any = 0) -> Transformation:
    """Return what numbers elements."""
    return _method("enumerate", start)


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """Return what hands a state from element to element; see `Dataset.scan`."""
    return _method("scan", initial_state, scan_func)


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """Return what ends a dataset at the first element of which `predicate` is false."""
    return _method("take_while", predicate)


def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Return what groups elements by a key; see `Dataset.group_by_window`."""
    return _method("group_by_window", key_func, reduce_func, window_size, window_size_func)


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: Any,
    bucket_batch_sizes: Any,
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Transformation:
    """Return what batches elements of similar length; see `Dataset.bucket_by_sequence_length`."""
    return _method(
        "bucket_by_sequence_length",
        element_length_func,
        bucket_boundaries,
        bucket_batch_sizes,
        padded_shapes,
        padding_values,
        pad_to_bucket_boundary,
        no_padding,
        drop_remainder,
    )


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: bool | None = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """Return what takes turns among datasets; see `Dataset.interleave`."""
    return _method("interleave", map_func, cycle_length, block_length)


def rejection_resample(
    class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None
) -> Transformation:
    """Return what makes classes come as often as asked for; see `Dataset.rejection_resample`."""
    return _method("rejection_resample", class_func, target_dist, initial_dist, seed)


def dense_to_ragged_batch(
    batch_size: Any, drop_remainder: bool = False, row_splits_dtype: Any = int64
) -> Transformation:
    """Return what batches elements into ragged tensors."""
    return _method("ragged_batch", batch_size, drop_remainder, row_splits_dtype)


def parse_example_dataset(
    features: Any, num_parallel_calls: int | None = 1, deterministic: bool | None = None
) -> Transformation:
    """Return what parses batches of serialized `Example` messages; see `tf.io.parse_example`.

    Args:
        features: key -> feature, as `tf.io.parse_example` takes them.
        num_parallel_calls: how many batches may be parsed at once.
        deterministic: whether the order of the batches is kept.
    Raises:
        ValueError: if `features` is None.
    """
    if features is None:
        raise ValueError("parse_example_dataset needs `features`, got None")
    return _method("map", lambda serialized: parse_example(serialized, features), num_parallel_calls, deterministic)


def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Return what batches elements into sparse tensors."""
    return _method("sparse_batch", batch_size, row_shape)


def snapshot(
    path: str,
    compression: str | None = "AUTO",
    reader_func: Callable[..., Any] | None = None,
    shard_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Return what keeps elements in a directory; see `Dataset.snapshot`."""
    return _method("snapshot", path, compression, reader_func, shard_func)


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """Return what makes elements before they are asked for; they are placed where they are used."""
    return _method("prefetch", -1 if buffer_size is None else buffer_size)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """Return what leaves a dataset as it is: elements are copied where they are used."""
    return _method("with_options", _no_options())


def _no_options() -> Any:
    return Dataset.range(0).options()


def choose_from_datasets(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = False) -> Any:
    """Return a dataset that takes each element from the dataset that `choice_dataset` names."""
    return Dataset.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)


def sample_from_datasets(
    datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False
) -> Any:
    """Return a dataset that takes each element from a dataset drawn at random."""
    return Dataset.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


def counter(start: Any = 0, step: Any = 1, dtype: Any = int64) -> Any:
    """Return a dataset of numbers without end."""
    return Dataset.counter(start, step, dtype)


def cardinality(dataset: Any) -> Any:
    """Return the number of a dataset's elements; see `Dataset.cardinality`."""
    return dataset.cardinality()


def get_single_element(dataset: Any) -> Any:
    """Return the only element of a dataset."""
    return dataset.get_single_element()


def save(
    dataset: Any,
    path: str,
    compression: str | None = None,
    shard_func: Callable[..., Any] | None = None,
    checkpoint_args: Any = None,
) -> None:
    """Write a dataset to a directory; see `Dataset.save`."""
    dataset.save(path, compression, shard_func, checkpoint_args)


def load(
    path: str, element_spec: Any = None, compression: str | None = None, reader_func: Callable[..., Any] | None = None
) -> Any:
    """Return the dataset that `save` wrote."""
    return Dataset.load(path, element_spec, compression, reader_func)


def from_list(elements: Any, name: str | None = None) -> Any:
    """Return a dataset of the elements of a list, which may be nested.

    Raises:
        ValueError: if the list is empty.
    """
    if not isinstance(elements, list):
        raise ValueError("`elements` must be a list.")
    if not elements:
        raise ValueError("Empty `elements` is not supported: there is no structure to take from it.")
    normalized = [nested.normalize(element) for element in elements]
    structure = Structure(nested.spec_of(normalized[0]))
    for element in normalized[1:]:
        merged = [
            a.most_specific_common_supertype([nested.spec_of_leaf(leaf)])
            for a, leaf in zip(structure.leaves, nested.match(structure.spec, element, "Elements"), strict=True)
        ]
        if any(spec is None for spec in merged):
            raise ValueError(f"The elements have no spec in common: {structure.spec} and {nested.spec_of(element)}")
        structure = Structure(nested.pack(structure.spec, merged))
    return Dataset._made(Held(structure, [structure.from_user(element) for element in normalized]))


def at(dataset: Any, index: Any) -> Any:
    """Return the element at a position.

    Raises:
        OutOfRangeError: if there is none.
    """
    number = int(index)
    structure = dataset._node.structure
    for position, element in enumerate(dataset._node.iterate(Run())):
        if position == number:
            return structure.to_user(element)
    raise OutOfRangeError(None, None, f"Out of range: index {number} of a dataset with fewer elements")


class _Counted(Node):
    """The elements, of which there must be a given number."""

    def __init__(self, input: Node, expected: int) -> None:
        super().__init__(input.structure, [input])
        self.expected = expected

    def iterate(self, run: Run) -> Iterator[Element]:
        count = 0
        for element in self.inputs[0].iterate(run):
            count += 1
            if 0 <= self.expected < count:
                raise FailedPreconditionError(
                    None, None, f"Input dataset was expected to contain {self.expected} elements but contained more."
                )
            yield element
        if count != self.expected:
            expected = "an infinite number of" if self.expected == -1 else self.expected
            raise FailedPreconditionError(
                None,
                None,
                f"Input dataset was expected to contain {expected} elements but contained only {count} "
                f"element{'' if count == 1 else 's'}.",
            )

    def cardinality(self, run: Run) -> int:
        return self.expected


def assert_cardinality(expected_cardinality: int) -> Transformation:
    """Return what states, and checks, how many elements a dataset has."""
    return lambda dataset: dataset._then(_Counted(dataset._node, int(expected_cardinality)))


class Reducer:
    """How `group_by_reducer` makes one element of many.

    Args:
        init_func: from a key to a state.
        reduce_func: from a state and an element to the next state.
        finalize_func: from a state to an element.
    """

    def __init__(
        self, init_func: Callable[..., Any], reduce_func: Callable[..., Any], finalize_func: Callable[..., Any]
    ) -> None:
        self._functions = init_func, reduce_func, finalize_func

    @property
    def init_func(self) -> Callable[..., Any]:
        """From a key to a state."""
        return self._functions[0]

    @property
    def reduce_func(self) -> Callable[..., Any]:
        """From a state and an element to the next state."""
        return self._functions[1]

    @property
    def finalize_func(self) -> Callable[..., Any]:
        """From a state to an element."""
        return self._functions[2]


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """Return what makes one element of all that have a key.

    Args:
        key_func: from an element to an int64 scalar.
        reducer: what joins them.
    """

    def apply(dataset: Any) -> Any:
        elements = dataset._node.structure
        scalar = Structure(TensorSpec([], int64))
        key = TracedFunction(key_func, [elements])
        init = TracedFunction(reducer.init_func, [scalar])
        reduce = TracedFunction(reducer.reduce_func, [init.output, elements], spread=False)
        finalize = TracedFunction(reducer.finalize_func, [reduce.output])
        return dataset._then(grouping.GroupByReducer(dataset._node, key, init, reduce, finalize))

    return apply


class RandomDataset(Dataset):
    """Random int64 from 0 to 2**32 - 1, without end.

    Args:
        seed: of the numbers.
        rerandomize_each_iteration: whether each pass gives other numbers.
        name: accepted.
    """

    def __init__(
        self, seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None
    ) -> None:
        dataset = Dataset.random(seed, rerandomize_each_iteration)
        self._node = dataset._node
        self._options = dataset._options
