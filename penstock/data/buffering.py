"""Steps that keep elements: prefetch ahead of their use, cache behind it."""

from __future__ import annotations

import os
import queue
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from penstock.core.errors import AlreadyExistsError
from penstock.data.node import Element, Node, Run
from penstock.data.storage import read_elements, write_elements

# Elements made quicker than this are made when they are asked for: handing them from thread to thread takes longer.
_WORTH_A_THREAD_S = 0.002
_TRIALS = 3
_AUTOTUNED_SIZE = 4
_END: Any = object()


class Prefetch(Node):
    """The elements, made by another thread before they are asked for.

    Args:
        buffer_size: how many elements may wait; -1 leaves it to the step.
    """

    def __init__(self, input: Node, buffer_size: Any) -> None:
        super().__init__(input.structure, [input], [buffer_size])

    def iterate(self, run: Run) -> Iterator[Element]:
        size = run.number(self.arguments[0])
        elements = self.inputs[0].iterate(run)
        if size == 0:
            return elements
        return _prefetched(elements, size if size > 0 else _AUTOTUNED_SIZE)

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)


def _prefetched(elements: Iterator[Element], size: int) -> Iterator[Element]:
    taken = 0
    spent = 0.0
    while taken < _TRIALS or spent / (taken - 1) < _WORTH_A_THREAD_S:
        started = time.perf_counter()
        element = next(elements, _END)
        if element is _END:
            return
        if taken:  # the first element also pays for what is made once
            spent += time.perf_counter() - started
        taken += 1
        yield element
    yield from _Prefetcher(elements, size)


class _Prefetcher:
    """A thread that fills a queue, and ends when nobody holds the other side any more."""

    def __init__(self, elements: Iterator[Element], size: int) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(size)
        stop = threading.Event()
        weakref.finalize(self, stop.set)
        threading.Thread(target=_fill, args=(self._queue, elements, stop), name="tf-data-prefetch", daemon=True).start()

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        item = self._queue.get()
        if item is _END:
            self._queue.put(_END)
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item


def _fill(waiting: queue.Queue[Any], elements: Iterator[Element], stop: threading.Event) -> None:
    try:
        for element in elements:
            if not _put(waiting, element, stop):
                return
        _put(waiting, _END, stop)
    except Exception as error:
        # It is raised where the elements are used.
        _put(waiting, error, stop)
        _put(waiting, _END, stop)


def _put(waiting: queue.Queue[Any], item: Any, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            waiting.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False


class CacheInMemory(Node):
    """The elements, kept in memory from the first whole pass on."""

    def __init__(self, input: Node) -> None:
        super().__init__(input.structure, [input])
        self._kept: list[Element] | None = None

    def iterate(self, run: Run) -> Iterator[Element]:
        if self._kept is not None:
            return iter(self._kept)
        return self._first_pass(run)

    def _first_pass(self, run: Run) -> Iterator[Element]:
        kept: list[Element] = []
        for element in self.inputs[0].iterate(run):
            kept.append(element)
            yield element
        self._kept = kept

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)


class CacheInFile(Node):
    """The elements, kept in a file from the first whole pass on."""

    def __init__(self, input: Node, filename: Any) -> None:
        super().__init__(input.structure, [input], [filename])

    def iterate(self, run: Run) -> Iterator[Element]:
        filename = run.number(self.arguments[0])
        path = os.fsdecode(filename)
        if os.path.exists(path + ".index"):
            return read_elements(path + ".data", self.structure)
        return self._first_pass(run, path)

    def _first_pass(self, run: Run, path: str) -> Iterator[Element]:
        lock = path + ".lockfile"
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise AlreadyExistsError(
                None,
                None,
                "There appears to be a concurrent caching iterator running - cache lockfile already exists "
                f"({lock!r}). "
                "If no other pass is under way, delete it.",
            ) from None
        try:
            yield from write_elements(path + ".data", self.inputs[0].iterate(run), self.structure)
            with open(path + ".index", "w") as index:
                index.write("complete\n")
        finally:
            os.remove(lock)

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)
