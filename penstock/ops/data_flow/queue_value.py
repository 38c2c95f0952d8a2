"""Queues as operations see them: elements are tuples of runtime values, and taking or putting them may wait."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.cancellation import Interruption
from penstock.core.dtypes import DType, resource
from penstock.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from penstock.core.shape import Dims
from penstock.ops.random.philox import Philox

Element = tuple[Value, ...]


class Queue:
    """A queue whose elements leave in the order in which they came.

    Waiting calls are served in the order of their arrival.

    Args:
        name: for messages.
        types: the types of an element's components.
        shapes: their shapes; none where shapes are not checked.
        capacity: how many elements it holds; -1 for any number.
    """

    value_dtype = resource
    kind = "FIFOQueue"

    def __init__(self, name: str, types: Sequence[DType], shapes: Sequence[Dims], capacity: int) -> None:
        self.name = name
        self.types = list(types)
        self.shapes = list(shapes)
        self.capacity = capacity
        self.is_closed = False
        self._condition = threading.Condition()
        # All guarded by self._condition.
        self._takers: deque[object] = deque()
        self._putters: deque[object] = deque()
        self._refuses_putters = False
        self._clear()

    def __len__(self) -> int:
        return self._count()

    # What the kinds of queues differ in. All are called with the condition held.

    def _clear(self) -> None:
        self._elements: deque[Element] = deque()

    def _count(self) -> int:
        return len(self._elements)

    def _add(self, element: Element) -> None:
        self._elements.append(element)

    def _pop(self) -> Element:
        return self._elements.popleft()

    def _give_back(self, elements: Sequence[Element]) -> None:
        """Put elements back that were taken last."""
        self._elements.extendleft(reversed(elements))

    def _available(self) -> int:
        """Return how many elements may be taken now."""
        return self._count()

    # Calls

    def check(self, components: Sequence[Value], has_batch: bool) -> None:
        """Check the components of an element, or of several in a batch.

        Raises:
            InvalidArgumentError: if types or shapes do not fit.
        """
        if [array.dtype_of(value) for value in components] != self.types:
            raise InvalidArgumentError(
                None,
                None,
                f"{self.kind} '{self.name}' takes components of types {[dtype.name for dtype in self.types]}, got "
                f"{[array.dtype_of(value).name for value in components]}",
            )
        sizes = [array.dims_of(value) for value in components]
        if has_batch and (any(not size for size in sizes) or len({size[0] for size in sizes}) > 1):
            raise InvalidArgumentError(None, None, f"All components must have one number of rows, got shapes {sizes}")
        for place, (size, wanted) in enumerate(zip(sizes, self.shapes, strict=False)):
            given = size[1:] if has_batch else size
            if wanted is not None and (
                len(given) != len(wanted) or any(w is not None and w != g for g, w in zip(given, wanted, strict=True))
            ):
                raise InvalidArgumentError(
                    None, None, f"Shape mismatch in tuple component {place}. Expected {list(wanted)}, got {list(given)}"
                )

    def put(self, elements: Sequence[Element], interruption: Interruption) -> None:
        """Add elements, waiting for room where it is missing.

        Raises:
            CancelledError: if the queue is closed, or closes for those that wait.
        """
        with self._condition:
            if self.is_closed:
                raise CancelledError(None, None, f"{self.kind} '{self.name}' is closed.")
            ticket = object()
            self._putters.append(ticket)
            try:
                for element in elements:
                    interruption.wait_for(
                        self._condition,
                        lambda: self._refuses_putters or (self._putters[0] is ticket and self._has_room()),
                    )
                    if self._refuses_putters:
                        raise CancelledError(None, None, f"{self.kind} '{self.name}' is closed.")
                    self._add(element)
                    self._condition.notify_all()
            finally:
                self._putters.remove(ticket)
                self._condition.notify_all()

    def _has_room(self) -> bool:
        return self.capacity < 0 or self._count() < self.capacity

    def take(self, count: int, interruption: Interruption, may_be_fewer: bool = False) -> list[Element]:
        """Remove elements, waiting for those that are missing.

        Args:
            count: how many.
            interruption: ends the wait.
            may_be_fewer: whether to return what is left once the queue is closed.
        Raises:
            OutOfRangeError: if the queue is closed and holds too few; they stay there.
        """
        taken: list[Element] = []
        with self._condition:
            ticket = object()
            self._takers.append(ticket)
            try:
                while len(taken) < count:
                    interruption.wait_for(
                        self._condition,
                        lambda: self._takers[0] is ticket and (self._available() > 0 or self._is_at_end()),
                    )
                    while len(taken) < count and self._available() > 0:
                        taken.append(self._pop())
                        if self._putters:
                            break
                    self._condition.notify_all()
                    if len(taken) < count and self._is_at_end() and not self._available():
                        break
                if len(taken) < count and not (may_be_fewer and taken):
                    raise OutOfRangeError(
                        None,
                        None,
                        f"{self.kind} '{self.name}' is closed and has insufficient elements (requested {count}, "
                        f"current size {len(taken)})",
                    )
            except (OutOfRangeError, CancelledError):
                self._give_back(taken)
                raise
            finally:
                self._takers.remove(ticket)
                self._condition.notify_all()
        return taken

    def _is_at_end(self) -> bool:
        return self.is_closed and not self._putters

    def close(self, cancel_pending_enqueues: bool) -> None:
        """Accept no more elements; with `cancel_pending_enqueues` not even those that wait for room."""
        with self._condition:
            self.is_closed = True
            self._refuses_putters = self._refuses_putters or cancel_pending_enqueues
            self._condition.notify_all()

    def stack(self, elements: Sequence[Element]) -> list[Value]:
        """Return elements as one batch, a value for each component."""
        return [self._stacked([element[place] for element in elements], place) for place in range(len(self.types))]

    def _stacked(self, values: list[Value], place: int) -> Value:
        if not values:
            shape = self.shapes[place] if self.shapes else ()
            return array.from_numpy(
                np.empty((0, *(size or 0 for size in shape or ())), dtype=self.types[place].as_numpy_dtype)
            )
        sizes = {array.dims_of(value) for value in values}
        if len(sizes) > 1:
            raise InvalidArgumentError(
                None,
                None,
                f"{self.kind} '{self.name}' cannot batch elements of different shapes {sorted(sizes)} in component "
                f"{place}; use a PaddingFIFOQueue",
            )
        return _stack(values)


def _stack(values: list[Value]) -> Value:
    arrays = [np.asarray(array.to_numpy(value)) for value in values]
    if isinstance(values[0], np.ndarray):
        result = np.empty((len(arrays), *arrays[0].shape), dtype=object)
        for place, item in enumerate(values):
            result[place] = item if item.ndim else item.item()
        return result
    return array.from_numpy(np.stack(arrays))


class PaddingQueue(Queue):
    """A queue that pads the components of a batch to the largest one, with 0 or the empty string."""

    kind = "PaddingFIFOQueue"

    def _stacked(self, values: list[Value], place: int) -> Value:
        arrays = [np.asarray(array.to_numpy(value)) for value in values]
        if len({item.shape for item in arrays}) <= 1:
            return super()._stacked(values, place)
        sizes = tuple(max(item.shape[axis] for item in arrays) for axis in range(arrays[0].ndim))
        is_text = isinstance(values[0], np.ndarray)
        result: np.ndarray = np.full((len(arrays), *sizes), b"" if is_text else 0, dtype=arrays[0].dtype)
        for row, item in enumerate(arrays):
            region: Any = (row, *(slice(size) for size in item.shape))
            result[region] = item
        return array.from_numpy(result)


class ShuffleQueue(Queue):
    """A queue whose elements leave in random order.

    Args:
        name, types, shapes, capacity: see `Queue`.
        min_after_dequeue: how many elements must stay for the mixing, until the queue is closed.
        seed, seed2: make the order reproducible; both 0 mean an unpredictable one.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        name: str,
        types: Sequence[DType],
        shapes: Sequence[Dims],
        capacity: int,
        min_after_dequeue: int,
        seed: int,
        seed2: int,
    ) -> None:
        super().__init__(name, types, shapes, capacity)
        if 0 <= capacity < min_after_dequeue:
            raise InvalidArgumentError(
                None, None, f"min_after_dequeue {min_after_dequeue} must be less than the capacity {capacity}"
            )
        self._min_after_dequeue = min_after_dequeue
        self._generator = Philox.from_seeds(seed, seed2)
        self._words: list[int] = []

    def _clear(self) -> None:
        self._list: list[Element] = []

    def _count(self) -> int:
        return len(self._list)

    def _add(self, element: Element) -> None:
        self._list.append(element)

    def _pop(self) -> Element:
        if not self._words:
            self._words = self._generator.reserve(1).words(0, 1).reshape(-1)[::-1].tolist()
        place = self._words.pop() % len(self._list)
        self._list[place], self._list[-1] = self._list[-1], self._list[place]
        return self._list.pop()

    def _give_back(self, elements: Sequence[Element]) -> None:
        self._list.extend(elements)

    def _available(self) -> int:
        return self._count() - (0 if self.is_closed else self._min_after_dequeue)


class OrderedQueue(Queue):
    """A queue whose elements leave by their first component, the smallest first."""

    kind = "PriorityQueue"

    def _clear(self) -> None:
        self._heap: list[tuple[int, int, Element]] = []
        self._numbers = itertools.count()

    def _count(self) -> int:
        return len(self._heap)

    def _add(self, element: Element) -> None:
        heapq.heappush(self._heap, (int(element[0]), next(self._numbers), element))

    def _pop(self) -> Element:
        return heapq.heappop(self._heap)[2]

    def _give_back(self, elements: Sequence[Element]) -> None:
        for element in elements:
            self._add(element)
