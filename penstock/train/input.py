"""Input pipelines made of queues: producers of file names and slices, and batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.language.control_flow import cond
from penstock.language.variable_base import VariableV1
from penstock.ops.constant import identity, no_op
from penstock.ops.io.files import matching_files
from penstock.ops.random.functions import random_shuffle
from penstock.ops.sparse.serialization import (
    deserialize_many_sparse,
    serialize_many_sparse_v1,
    serialize_sparse_v1,
)
from penstock.summary import v1 as summary
from penstock.train.queue_runner import QueueRunner, add_queue_runner
from penstock.train.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue


def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """Return a local variable that holds the names of the files that match, as they are when it is initialized.

    Args:
        pattern: a string such as `*.txt`, or a vector of them.
        name: the name of the variable, "matching_filenames" by default.
    Returns:
        A string variable of shape (None,), in the collection of local variables.
    """
    with name_scope(name, "matching_filenames", [pattern]) as scope:
        return VariableV1(
            matching_files(pattern),
            name=scope or name or "matching_filenames",
            trainable=False,
            validate_shape=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Tensor:
    """Return a tensor that can be had `num_epochs` times; then it raises OutOfRangeError.

    The counter is a local variable, which `tf.local_variables_initializer()` initializes.

    Args:
        tensor: the tensor.
        num_epochs: how often; None for any number.
        name: the name of the scope.
    Raises:
        ValueError: if `num_epochs` is 0 or less.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        epochs: Any = VariableV1(
            convert_to_tensor(0, dtypes.int64),
            name="epochs",
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            use_resource=False,
        )
        counter = epochs.count_up_to(num_epochs)
        with get_default_graph().control_dependencies([counter]):
            return identity(tensor, name=scope or None)


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> FIFOQueue:
    """Return a queue that is filled with the rows of a tensor, again and again.

    A QueueRunner for it enters the collection QUEUE_RUNNERS.

    Args:
        input_tensor: the rows, counted by the first axis.
        element_shape: the shape of a row, where it is not known.
        num_epochs: how often; None for any number. See `limit_epochs`.
        shuffle: whether the rows are shuffled, anew each time.
        seed: makes the order reproducible.
        capacity: of the queue.
        shared_name: of the queue.
        summary_name: the name of a summary of how full the queue is, or None.
        name: the name of the scope.
        cancel_op: the operation that cancels what waits.
    Raises:
        ValueError: if the rows' shape is not known.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        input_tensor = convert_to_tensor(input_tensor, name="input_tensor")
        shape = TensorShape(input_tensor.shape[1:]).merge_with(element_shape)
        if not shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be specified"
            )
        if shuffle:
            input_tensor = random_shuffle(input_tensor, seed=seed)
        input_tensor = limit_epochs(input_tensor, num_epochs)
        queue = FIFOQueue(
            capacity, [input_tensor.dtype.base_dtype], shapes=[shape], names=None, shared_name=shared_name
        )
        enqueue = queue.enqueue_many((input_tensor,))
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            _summarize(summary_name, queue, capacity)
        return queue


def _summarize(name: str, queue: QueueBase, capacity: int) -> None:
    filled = lookup("Cast")(queue.size(), DstT=dtypes.float32) * (1.0 / capacity)  # type: ignore[operator]
    summary.scalar(name, filled)


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> FIFOQueue:
    """Return a queue of strings, for example of file names for a reader.

    Args:
        string_tensor: a vector of strings, at least one.
        num_epochs, shuffle, seed, capacity, shared_name, name, cancel_op: see `input_producer`.
    Raises:
        ValueError: if the vector is known to be empty.
    """
    empty = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not string_tensor:
        raise ValueError(empty)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        string_tensor = convert_to_tensor(string_tensor, dtypes.string)
        return input_producer(
            string_tensor,
            element_shape=[],
            num_epochs=num_epochs,
            shuffle=shuffle,
            seed=seed,
            capacity=capacity,
            shared_name=shared_name,
            name=scope,
            summary_name=f"fraction_of_{capacity}_full",
            cancel_op=cancel_op,
        )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> FIFOQueue:
    """Return a queue of the numbers from 0 to `limit` - 1.

    Args:
        limit: an int32 scalar.
        num_epochs, shuffle, seed, capacity, shared_name, name: see `input_producer`.
    """
    with name_scope(name, "input_producer", [limit]) as scope:
        numbers = lookup("Range")(0, limit, 1)  # type: ignore[operator]
        return input_producer(
            numbers, [], num_epochs, shuffle, seed, capacity, shared_name, f"fraction_of_{capacity}_full", scope
        )


def slice_input_producer(
    tensor_list: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """Return one row of each of several tensors, the same row of all.

    Args:
        tensor_list: tensors with one number of rows.
        num_epochs, shuffle, seed, capacity, shared_name, name: see `input_producer`.
    Raises:
        ValueError: if the list is empty.
    """
    with name_scope(name, "input_producer", list(tensor_list)):
        if not tensor_list:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
        rows = lookup("Shape")(tensors[0])[0]  # type: ignore[operator]
        queue = range_input_producer(rows, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [lookup("GatherV2")(tensor, index, 0) for tensor in tensors]  # type: ignore[operator]


# Batches


class _SparseComponent(NamedTuple):
    """What is known of a component that is a SparseTensor, which travels through a queue serialized."""

    dtype: dtypes.DType
    rank: int | None


def _flat(tensors: Any, enqueue_many: bool) -> tuple[list[Tensor], list[_SparseComponent | None], list[Any] | None]:
    """Return tensors as a list, what of them was sparse, and the keys if they are in a dictionary."""
    keys = sorted(tensors) if isinstance(tensors, dict) else None
    if keys is not None:
        items = [tensors[key] for key in keys]
    else:
        items = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    flat: list[Tensor] = []
    sparse: list[_SparseComponent | None] = []
    for item in items:
        if not isinstance(item, SparseTensor):
            flat.append(convert_to_tensor(item))
            sparse.append(None)
            continue
        rank = item.shape.rank
        flat.append(serialize_many_sparse_v1(item) if enqueue_many else serialize_sparse_v1(item))
        sparse.append(_SparseComponent(item.dtype, None if rank is None else rank - int(enqueue_many)))
    return flat, sparse, keys


def _shapes(tensor_lists: list[list[Tensor]], shapes: Any, enqueue_many: bool) -> list[TensorShape]:
    if shapes is not None:
        return [TensorShape(shape) for shape in shapes]
    result = []
    for places in zip(*tensor_lists, strict=True):
        merged = places[0].shape
        for tensor in places[1:]:
            merged = merged.most_specific_compatible_shape(tensor.shape)
        result.append(TensorShape(merged[1:]) if enqueue_many and merged.rank is not None else merged)
    return result


def _enqueue(queue: QueueBase, tensors: list[Tensor], keep_input: Any, enqueue_many: bool) -> Any:
    """Return the operation that adds tensors, or those of their rows that `keep_input` tells."""
    add = queue.enqueue_many if enqueue_many else queue.enqueue
    if keep_input is True:
        return add(tuple(tensors))
    keep_input = convert_to_tensor(keep_input, dtypes.bool_)
    if keep_input.shape.rank == 1:
        rows = lookup("Reshape")(lookup("Where")(keep_input), [-1])  # type: ignore[operator]
        return add(tuple(lookup("GatherV2")(tensor, rows, 0) for tensor in tensors))  # type: ignore[operator]
    return cond(keep_input, lambda: add(tuple(tensors)), no_op)


def _batches(
    tensors_list: Sequence[Any],
    batch_size: Any,
    keep_input: Any,
    num_threads: int,
    enqueue_many: bool,
    shapes: Any,
    allow_smaller_final_batch: bool,
    make_queue: Any,
    capacity: int,
    name: str | None,
) -> Any:
    with name_scope(name, "batch"):
        flat = [_flat(tensors, enqueue_many) for tensors in tensors_list]
        _, sparse, keys = flat[0]
        lists = [tensors for tensors, _, _ in flat]
        sizes = _shapes(lists, shapes, enqueue_many)
        sizes = [size if info is None else TensorShape([3]) for size, info in zip(sizes, sparse, strict=True)]
        queue = make_queue([tensor.dtype.base_dtype for tensor in lists[0]], sizes)
        if len(lists) == 1:
            enqueues = [_enqueue(queue, lists[0], keep_input, enqueue_many)] * num_threads
        else:
            enqueues = [_enqueue(queue, tensors, keep_input, enqueue_many) for tensors in lists]
        add_queue_runner(QueueRunner(queue, enqueues))
        _summarize(f"fraction_of_{capacity}_full", queue, capacity)
        take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
        found = take(batch_size)
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        found = [
            tensor if info is None else deserialize_many_sparse(tensor, info.dtype, info.rank)
            for tensor, info in zip(found, sparse, strict=True)
        ]
        if keys is not None:
            return dict(zip(keys, found, strict=True))
        return found if len(found) > 1 else found[0]


def _plain_queue(capacity: int, dynamic_pad: bool, shared_name: str | None) -> Any:
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    return lambda types, sizes: kind(capacity, types, shapes=sizes, shared_name=shared_name)


def _shuffling_queue(capacity: int, min_after_dequeue: int, seed: int | None, shared_name: str | None) -> Any:
    return lambda types, sizes: RandomShuffleQueue(
        capacity, min_after_dequeue, types, shapes=sizes, seed=seed, shared_name=shared_name
    )


def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches of tensors, collected in a queue.

    Args:
        tensors: a list or dictionary of tensors.
        batch_size: how many make a batch.
        num_threads: how many threads fill the queue.
        capacity: of the queue.
        enqueue_many: whether the tensors are themselves several elements, counted by their first axis.
        shapes: the shapes of an element, where they are not known.
        dynamic_pad: whether elements of different sizes are padded.
        allow_smaller_final_batch: whether the last batch may be smaller.
        shared_name: of the queue.
        name: the name of the scope.
    Returns:
        A list or dictionary like `tensors`, with an axis of batches in front; of a list with one item, the item.
    """
    return maybe_batch(
        tensors,
        True,
        batch_size,
        num_threads,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_batch(
    tensors: Any,
    keep_input: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches of those tensors that a condition lets through.

    Args:
        tensors, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
            shared_name, name: see `batch`.
        keep_input: a bool, or one for each row with `enqueue_many`.
    """
    make = _plain_queue(capacity, dynamic_pad, shared_name)
    return _batches(
        [tensors],
        batch_size,
        keep_input,
        num_threads,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        make,
        capacity,
        name,
    )


def batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches of tensors from several sources, each with a thread of its own.

    Args:
        tensors_list: a list of lists or dictionaries of tensors, one a source.
        batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch, shared_name, name: see
            `batch`.
    """
    return maybe_batch_join(
        tensors_list,
        True,
        batch_size,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_batch_join(
    tensors_list: Any,
    keep_input: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches of those tensors from several sources that a condition lets through.

    Args:
        tensors_list, batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch, shared_name,
            name: see `batch_join`.
        keep_input: see `maybe_batch`.
    """
    make = _plain_queue(capacity, dynamic_pad, shared_name)
    return _batches(
        tensors_list, batch_size, keep_input, 1, enqueue_many, shapes, allow_smaller_final_batch, make, capacity, name
    )


def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches of tensors in random order.

    Args:
        tensors, batch_size, num_threads, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name:
            see `batch`.
        min_after_dequeue: how many elements stay in the queue for the mixing.
        seed: makes the order reproducible.
    """
    return maybe_shuffle_batch(
        tensors,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        num_threads,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches, in random order, of those tensors that a condition lets through.

    Args:
        tensors, batch_size, capacity, min_after_dequeue, num_threads, seed, enqueue_many, shapes,
            allow_smaller_final_batch, shared_name, name: see `shuffle_batch`.
        keep_input: see `maybe_batch`.
    """
    make = _shuffling_queue(capacity, min_after_dequeue, seed, shared_name)
    return _batches(
        [tensors],
        batch_size,
        keep_input,
        num_threads,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        make,
        capacity,
        name,
    )


def shuffle_batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches, in random order, of tensors from several sources.

    Args:
        tensors_list: see `batch_join`.
        batch_size, capacity, min_after_dequeue, seed, enqueue_many, shapes, allow_smaller_final_batch, shared_name,
            name: see `shuffle_batch`.
    """
    return maybe_shuffle_batch_join(
        tensors_list,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_shuffle_batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Return batches, in random order, of those tensors from several sources that a condition lets through.

    Args:
        tensors_list, batch_size, capacity, min_after_dequeue, seed, enqueue_many, shapes, allow_smaller_final_batch,
            shared_name, name: see `shuffle_batch_join`.
        keep_input: see `maybe_batch`.
    """
    make = _shuffling_queue(capacity, min_after_dequeue, seed, shared_name)
    return _batches(
        tensors_list, batch_size, keep_input, 1, enqueue_many, shapes, allow_smaller_final_batch, make, capacity, name
    )
