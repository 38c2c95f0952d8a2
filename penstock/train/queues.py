"""`tf.queue`: queues that producers and consumers of a graph share, and `tf.TextLineReader` and its kin."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.ops.data_flow import queues, readers
from penstock.ops.random.seeds import get_seed
from penstock.platform.tf_record import TFRecordOptions

_numbers = itertools.count()


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _types(dtypes_: Any) -> list[Any]:
    return [as_dtype(dtype) for dtype in _as_list(dtypes_)]


def _shapes(shapes: Any, count: int) -> list[TensorShape]:
    if shapes is None:
        return []
    single = isinstance(shapes, TensorShape) or not any(
        isinstance(shape, (list, tuple, TensorShape)) for shape in shapes
    )
    # One component's shape need not be in a list; an empty list is the shape () of one.
    given = [shapes] if single and (count == 1 or len(shapes)) else list(shapes)
    if len(given) != count:
        raise ValueError(f"Queue shapes must have the same length as dtypes, received {given} for {count} dtypes")
    return [TensorShape(shape) for shape in given]


def _names(names: Any, count: int) -> list[str] | None:
    if names is None:
        return None
    given = _as_list(names)
    if len(given) != count:
        raise ValueError(f"Queue names must have the same length as dtypes, received {given} for {count} dtypes")
    return given


def _shared(shared_name: str | None) -> str:
    """Return the name under which a queue is found; eagerly, one of its own where none is given."""
    if shared_name:
        return shared_name
    return f"queue_{next(_numbers)}" if executing_eagerly() else ""


class QueueBase:
    """A queue of tuples of tensors.

    Args:
        dtypes: the types of an element's components.
        shapes: their shapes, None where they are not known.
        names: their names, if elements are dictionaries.
        queue_ref: the handle.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Any) -> None:
        self._dtypes = _types(dtypes)
        self._shapes = list(shapes) if shapes else [TensorShape(None)] * len(self._dtypes)
        self._names = _names(names, len(self._dtypes))
        self._queue_ref = queue_ref
        self._name = f"queue_{next(_numbers)}" if executing_eagerly() else queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """Return the queue at a place of a list of queues of the same types.

        Args:
            index: a Python number.
            queues: the queues.
        Raises:
            TypeError: if `queues` holds anything else, or their types differ.
        """
        if not queues or any(not isinstance(queue, QueueBase) for queue in queues):
            raise TypeError(f"A list of queues expected, received: {queues}")
        if any(queue.dtypes != queues[0].dtypes for queue in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        return queues[int(index)]

    @property
    def queue_ref(self) -> Any:
        """The handle by which operations find the queue."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the queue's node."""
        return self._name

    @property
    def dtypes(self) -> list[Any]:
        """The types of an element's components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The static shapes of an element's components."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """The names of an element's components, if it is a dictionary."""
        return self._names

    def _components(self, vals: Any) -> list[Any]:
        if isinstance(vals, dict):
            if self._names is None:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if set(vals) != set(self._names):
                raise ValueError(f"Keys in dictionary to enqueue do not match names of Queue: {sorted(vals)}")
            items = [vals[name] for name in self._names]
        else:
            if self._names is not None:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            items = list(vals) if isinstance(vals, (list, tuple)) else [vals]
        if len(items) != len(self._dtypes):
            raise ValueError(f"the queue takes {len(self._dtypes)} components, got {len(items)}")
        return items

    def _tensors(self, vals: Any) -> list[Tensor]:
        return [
            convert_to_tensor(item, dtype=dtype, name=f"component_{place}")
            for place, (item, dtype) in enumerate(zip(self._components(vals), self._dtypes, strict=True))
        ]

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """Add an element, waiting for room where there is none.

        Args:
            vals: a tensor, a tuple of them, or a dictionary if the components have names.
            name: the name of the operation.
        Raises:
            CancelledError: when it runs, if the queue is closed.
        """
        with name_scope(name, f"{self._name}_enqueue", _as_list(vals)) as scope:
            tensors = self._tensors(vals)
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.shape.assert_is_compatible_with(shape)
            return queues.queue_enqueue_v2_op(self._queue_ref, tensors, name=scope or None)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """Add several elements, which the first axis of the components counts.

        Args:
            vals, name: see `enqueue`.
        """
        with name_scope(name, f"{self._name}_EnqueueMany", _as_list(vals)) as scope:
            if len(self._dtypes) == 1 and isinstance(vals, list):
                vals = tuple(vals) if len(vals) == 1 else (vals,)
            tensors = self._tensors(vals)
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.shape.with_rank_at_least(1)[1:].assert_is_compatible_with(shape)
            return queues.queue_enqueue_many_v2_op(self._queue_ref, tensors, name=scope or None)

    def _element(self, tensors: list[Tensor]) -> Any:
        if self._names is not None:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors

    def dequeue(self, name: str | None = None) -> Any:
        """Remove an element, waiting for one where there is none.

        Args:
            name: the name of the operation.
        Returns:
            A tensor, a list of them, or a dictionary if the components have names.
        Raises:
            OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        found = queues.queue_dequeue_v2_op(
            self._queue_ref, component_types=self._dtypes, name=name or f"{self._name}_Dequeue"
        )
        for tensor, shape in zip(found, self._shapes, strict=True):
            tensor.set_shape(shape)
        return self._element(list(found))

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Remove `n` elements and return them as a batch.

        Args:
            n: how many, an int32.
            name: the name of the operation.
        Raises:
            OutOfRangeError: when it runs, if the queue is closed and holds fewer.
        """
        found = queues.queue_dequeue_many_v2_op(
            self._queue_ref, n, component_types=self._dtypes, name=name or f"{self._name}_DequeueMany"
        )
        return self._batch(found, n if isinstance(n, int) else None)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Remove `n` elements, or what is left once the queue is closed, and return them as a batch.

        Args:
            n: how many, an int32.
            name: the name of the operation.
        Raises:
            OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        found = queues.queue_dequeue_up_to_v2_op(
            self._queue_ref, n, component_types=self._dtypes, name=name or f"{self._name}_DequeueUpTo"
        )
        return self._batch(found, None)

    def _batch(self, found: Any, count: int | None) -> Any:
        for tensor, shape in zip(found, self._shapes, strict=True):
            tensor.set_shape(TensorShape([count]).concatenate(shape))
        return self._element(list(found))

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """Accept no more elements.

        Args:
            cancel_pending_enqueues: whether those that wait for room are cancelled.
            name: the name of the operation.
        """
        return queues.queue_close_v2_op(
            self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues, name=name or f"{self._name}_Close"
        )

    def is_closed(self, name: str | None = None) -> Tensor:
        """Return whether the queue is closed, a scalar bool."""
        return queues.queue_is_closed_v2_op(self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name: str | None = None) -> Tensor:
        """Return the number of elements, a scalar int32."""
        return queues.queue_size_v2_op(self._queue_ref, name=name or f"{self._name}_Size")


class FIFOQueue(QueueBase):
    """A queue whose elements leave in the order in which they came.

    Args:
        capacity: how many elements it holds; -1 for any number.
        dtypes: the types of an element's components.
        shapes: their shapes; needed for batches.
        names: their names, if elements are dictionaries.
        shared_name: the name under which other graphs find the queue.
        name: the name of the node.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types = _types(dtypes)
        sizes = _shapes(shapes, len(types))
        ref = queues.fifo_queue_v2_op(
            component_types=types, shapes=sizes, capacity=capacity, shared_name=_shared(shared_name), name=name
        )
        super().__init__(types, sizes, names, ref)


class PaddingFIFOQueue(QueueBase):
    """A queue that pads the components of a batch to the largest one.

    Args:
        capacity, dtypes, names, shared_name, name: see `FIFOQueue`.
        shapes: the shapes of the components, of known ranks; None for sizes that differ.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types = _types(dtypes)
        sizes = _shapes(shapes, len(types))
        if len(sizes) != len(types):
            raise ValueError("Shapes must be provided for all components of a PaddingFIFOQueue")
        ref = queues.padding_fifo_queue_v2_op(
            component_types=types, shapes=sizes, capacity=capacity, shared_name=_shared(shared_name), name=name
        )
        super().__init__(types, sizes, names, ref)


class RandomShuffleQueue(QueueBase):
    """A queue whose elements leave in random order.

    Args:
        capacity, dtypes, shapes, names, shared_name, name: see `FIFOQueue`.
        min_after_dequeue: how many elements must stay for the mixing, until the queue is closed.
        seed: makes the order reproducible, together with the seed set by `set_random_seed`.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        types = _types(dtypes)
        sizes = _shapes(shapes, len(types))
        seed1, seed2 = get_seed(seed)
        ref = queues.random_shuffle_queue_v2_op(
            component_types=types,
            shapes=sizes,
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=seed1 or 0,
            seed2=seed2 or 0,
            shared_name=_shared(shared_name),
            name=name,
        )
        super().__init__(types, sizes, names, ref)


class PriorityQueue(QueueBase):
    """A queue whose elements leave by their priority, the smallest first.

    An element's first component is its priority, a scalar int64.

    Args:
        capacity, shapes, names, shared_name, name: see `FIFOQueue`.
        types: the types of the components that follow the priority.
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        kinds = _types(types)
        sizes = _shapes(shapes, len(kinds))
        ref = queues.priority_queue_v2_op(
            component_types=kinds, shapes=sizes, capacity=capacity, shared_name=_shared(shared_name), name=name
        )
        super().__init__([dtypes.int64, *kinds], [TensorShape([]), *sizes] if sizes else None, names, ref)


# Readers


class ReaderBase:
    """What gives the records of files whose names a queue holds.

    Args:
        reader_ref: the handle.
        supports_serialize: whether the state can be saved.
    """

    def __init__(self, reader_ref: Any, supports_serialize: bool = False) -> None:
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Any:
        """The handle by which operations find the reader."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the state can be saved."""
        return self._supports_serialize

    def read(self, queue: Any, name: str | None = None) -> Any:
        """Return the next record, and take another file from the queue where one ends.

        Args:
            queue: a queue of file names, or its handle.
            name: the name of the operation.
        Returns:
            key, value: scalar strings.
        """
        handle = queue.queue_ref if isinstance(queue, QueueBase) else queue
        return readers.reader_read_v2_op(self._reader_ref, handle, name=name)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """Return up to `num_records` records of one file.

        Args:
            queue, name: see `read`.
            num_records: an int64.
        Returns:
            keys, values: vectors of strings.
        """
        handle = queue.queue_ref if isinstance(queue, QueueBase) else queue
        return readers.reader_read_up_to_v2_op(self._reader_ref, handle, num_records, name=name)

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """Return how many records were given, a scalar int64."""
        return readers.reader_num_records_produced_v2_op(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """Return how many files were read to their ends, a scalar int64."""
        return readers.reader_num_work_units_completed_v2_op(self._reader_ref, name=name)

    def reset(self, name: str | None = None) -> Any:
        """Start as if nothing had been read."""
        return readers.reader_reset_v2_op(self._reader_ref, name=name)


class WholeFileReader(ReaderBase):
    """Gives the name and the contents of each file.

    Args:
        name: the name of the node.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(readers.whole_file_reader_v2_op(name=name))


class IdentityReader(ReaderBase):
    """Gives the names themselves.

    Args:
        name: the name of the node.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(readers.identity_reader_v2_op(name=name))


class TextLineReader(ReaderBase):
    """Gives the lines of text files, with keys `file:number`.

    Args:
        skip_header_lines: how many lines at the beginning of each file to leave out.
        name: the name of the node.
    """

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__(readers.text_line_reader_v2_op(skip_header_lines=skip_header_lines or 0, name=name))


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files, with keys `file:offset`.

    Args:
        name: the name of the node.
        options: a TFRecordOptions that says how the files are compressed.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        compression = TFRecordOptions.get_compression_type_string(options)
        super().__init__(readers.tf_record_reader_v2_op(compression_type=compression, name=name))


class FixedLengthRecordReader(ReaderBase):
    """Gives the records of files in which all have one length, with keys `file:number`.

    Args:
        record_bytes: the length of a record.
        header_bytes, footer_bytes: what to leave out at the beginning and end of each file.
        hop_bytes: the distance of the beginnings of records; by default `record_bytes`.
        name: the name of the node.
        encoding: must be empty: files are read as they are.
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        super().__init__(
            readers.fixed_length_record_reader_v2_op(
                record_bytes=record_bytes,
                header_bytes=header_bytes or 0,
                footer_bytes=footer_bytes or 0,
                hop_bytes=hop_bytes or 0,
                encoding=encoding or "",
                name=name,
            )
        )
