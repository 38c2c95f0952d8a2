"""TensorFlow 1's datasets: those of TensorFlow 2 with iterators of graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.graph import get_default_graph
from penstock.core.sparse_tensor import SparseTensor
from penstock.data import structure as nested
from penstock.data.dataset import Dataset
from penstock.data.iterator import OwnedIterator, initializable_iterator, one_shot_iterator
from penstock.data.readers import CsvDataset, FixedLengthRecordDataset, TextLineDataset, TFRecordDataset


class DatasetV1(Dataset):
    """A dataset with the methods of TensorFlow 1; see `Dataset`."""

    @classmethod
    def _class(cls) -> type[Dataset]:
        return DatasetV1

    @property
    def output_types(self) -> Any:
        """The nested types of the elements."""
        return get_output_types(self)

    @property
    def output_shapes(self) -> Any:
        """The nested shapes of the elements."""
        return get_output_shapes(self)

    @property
    def output_classes(self) -> Any:
        """The nested classes of the elements."""
        return get_output_classes(self)

    def make_one_shot_iterator(self) -> Any:
        """Return an iterator that starts by itself."""
        return make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """Return an iterator with an operation `initializer` that starts it."""
        return make_initializable_iterator(self, shared_name)

    def map_with_legacy_function(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        use_unbounded_threadpool: bool = False,
    ) -> Any:
        """Return `map_func` of each element; see `map`."""
        return self.map(map_func, num_parallel_calls, deterministic)

    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> Any:
        """Return the elements of which `predicate` is true; see `filter`."""
        return self.filter(predicate)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Any:
        """Return a dataset of the rows of a sparse tensor, each (indices, values, dense shape).

        Raises:
            TypeError: if it is none.
        """
        if not isinstance(sparse_tensor, SparseTensor):
            raise TypeError(
                f"Invalid `sparse_tensor`. `sparse_tensor` must be a `tf.sparse.SparseTensor`, got {sparse_tensor!r}"
            )
        return DatasetV1.from_tensor_slices(sparse_tensor).map(lambda row: (row.indices, row.values, row.dense_shape))


class _Reader(DatasetV1):
    """A dataset from files, made by its class's constructor."""

    _set = TextLineDataset._set


class TextLineDatasetV1(_Reader):
    """The lines of text files; see `TextLineDataset`."""

    __init__ = TextLineDataset.__init__


class TFRecordDatasetV1(_Reader):
    """The records of TFRecord files; see `TFRecordDataset`."""

    __init__ = TFRecordDataset.__init__


class FixedLengthRecordDatasetV1(_Reader):
    """Blocks of equal size from binary files; see `FixedLengthRecordDataset`."""

    __init__ = FixedLengthRecordDataset.__init__


class CsvDatasetV1(_Reader):
    """The rows of comma-separated files; see `CsvDataset`."""

    __init__ = CsvDataset.__init__


def make_one_shot_iterator(dataset: Any) -> Any:
    """Return an iterator over a dataset that starts by itself; eagerly, a Python iterator.

    Raises:
        ValueError: in a graph, if the dataset needs values that are fed.
    """
    if executing_eagerly():
        return OwnedIterator(dataset)
    for tensor in dataset._node.captures():
        if any(op.type.startswith("Placeholder") for op in _ancestors(tensor)):
            raise ValueError(
                f"Cannot capture a placeholder (name:{tensor.op.name}, type:Placeholder) by value: a one-shot iterator "
                "takes no feeds. Use make_initializable_iterator, and feed its initializer."
            )
    return one_shot_iterator(dataset)


def _ancestors(tensor: Any) -> Any:
    stack, seen = [tensor.op], set()
    while stack:
        op = stack.pop()
        if id(op) not in seen:
            seen.add(id(op))
            yield op
            stack.extend(source.op for source in op.inputs)


def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Any:
    """Return an iterator over a dataset with an operation `initializer` that starts it.

    Raises:
        RuntimeError: in eager execution.
    """
    if executing_eagerly():
        raise RuntimeError(
            "`tf.data.Dataset.make_initializable_iterator()` is not supported when eager execution is enabled. Use "
            "`for element in dataset` instead."
        )
    get_default_graph()
    return initializable_iterator(dataset, shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """Return the nested types of the elements of a dataset or iterator."""
    return nested.map_leaves(lambda spec: getattr(spec, "dtype", None), dataset_or_iterator.element_spec)


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """Return the nested shapes of the elements of a dataset or iterator."""
    return nested.map_leaves(lambda spec: getattr(spec, "shape", None), dataset_or_iterator.element_spec)


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """Return the nested classes of the elements of a dataset or iterator."""
    return nested.map_leaves(lambda spec: spec.value_type, dataset_or_iterator.element_spec)
