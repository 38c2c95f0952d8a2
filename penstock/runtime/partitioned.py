"""Steps that run on several devices at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from penstock.compiler.compile import CompiledPartition
from penstock.compiler.program import Program
from penstock.compiler.tracing import Record, recording
from penstock.core import array
from penstock.core.cancellation import Cancellation, Interruption
from penstock.runtime.rendezvous import LocalRendezvous

_MOST_THREADS = 1 << 16


class Workers:
    """The threads that run partitions.

    At most `count` of them work at a time. Those that wait for another partition do not count, and take a thread each,
    so that a small number never makes partitions wait for each other in vain.

    Args:
        count: how many partitions run at a time; 0 for one for each processor.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count if count > 0 else os.cpu_count() or 1
        self._permits = threading.BoundedSemaphore(self.count)
        self._pool: ThreadPoolExecutor | None = None  # guarded by self._lock
        self._lock = threading.Lock()

    def submit(self, function: Any, *args: Any) -> Future[Any]:
        """Run a function on a thread of the pool."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_MOST_THREADS, "penstock-partition")
            return self._pool.submit(function, *args)

    def enter(self) -> None:
        """Wait until one more partition may work."""
        self._permits.acquire()

    def leave(self) -> None:
        """Let another partition work."""
        self._permits.release()

    def close(self) -> None:
        """Let the threads end when they are done."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False)
                self._pool = None


class PartitionedProgram:
    """The programs of all devices of a step, called as if they were one.

    Attributes:
        partitions: one for each device; the first runs on the calling thread.
        copies: for each fetch, whether the user must be given a copy.
    """

    def __init__(
        self,
        partitions: Sequence[CompiledPartition],
        fetch_count: int,
        interruption: Interruption,
        workers: Workers,
    ) -> None:
        self.partitions = list(partitions)
        self._fetch_count = fetch_count
        self._interruption = interruption
        self._workers = workers
        self.copies = [True] * fetch_count
        for part in self.partitions:
            for position, copy in zip(part.fetches, part.program.copies, strict=False):
                self.copies[position] = copy

    @property
    def source(self) -> str:
        """The generated source of all partitions, each under the name of its device."""
        return "\n".join(f"# {part.device.name}\n{part.program.source}" for part in self.partitions)

    @property
    def is_on_one_cpu(self) -> bool:
        """Whether no value crosses devices or has to be brought to one, so that an undivided program does as well."""
        return len(self.partitions) <= 1 and all(part.device.location == "cpu" for part in self.partitions)

    def __call__(self, *values: Any) -> list[Any]:
        """Run on the feeds' runtime values; see `Program`."""
        return self.run(values)

    def run(self, values: Sequence[Any], records: list[list[Record]] | None = None) -> list[Any]:
        """Run a step.

        Args:
            values: the feeds' runtime values, in order.
            records: for traced programs, one list a partition, which their records are appended to.
        Raises:
            OpError: what the first partition that failed raised; the others are stopped.
        """
        step = _Step(self, values, records)
        with self._interruption.running(step.cancellation):
            return step.run()


class _Step:
    """One run of a partitioned program."""

    def __init__(self, program: PartitionedProgram, values: Sequence[Any], records: list[list[Record]] | None) -> None:
        self._program = program
        self._values = values
        self._records = records
        self._workers = program._workers
        self.cancellation = Cancellation(outer=program._interruption.run_of_thread(), on_wait=self._leave)
        self._rendezvous = LocalRendezvous(self.cancellation, self._leave, self._enter)
        self._working: set[int] = set()  # the threads that hold a permit; each adds and removes itself only
        self._results: list[Any] = [None] * program._fetch_count
        self._lock = threading.Lock()
        self._error: BaseException | None = None  # guarded by self._lock

    def run(self) -> list[Any]:
        others = [self._workers.submit(self._run_on_worker, index) for index in range(1, len(self._program.partitions))]
        try:
            if self._program.partitions:
                self._run_partition(0)
            for other in others:
                other.result()
        except BaseException as error:  # an interrupt from the keyboard also stops the other partitions
            self._fail(error)
            for other in others:
                other.result()
        failure, self._error = self._error, None
        if failure is not None:
            raise failure
        return self._results

    def _run_on_worker(self, index: int) -> None:
        with self._program._interruption.running(self.cancellation):
            self._run_partition(index)

    def _run_partition(self, index: int) -> None:
        part = self._program.partitions[index]
        location = part.device.location
        self._enter()
        try:
            given = [self._values[position] for position in part.feeds]
            if location != "cpu":
                given = [array.to_device(value, location) for value in given]
            if self._records is None:
                found = part.program(self._rendezvous, *given)
            else:
                with recording(self._records[index]):
                    found = part.program(self._rendezvous, *given)
            for position, value in zip(part.fetches, found, strict=False):
                self._results[position] = value
        except Exception as error:
            self._fail(error)
        finally:
            self._leave()

    def _enter(self) -> None:
        self._workers.enter()
        self._working.add(threading.get_ident())

    def _leave(self) -> None:
        thread = threading.get_ident()
        if thread in self._working:
            self._working.remove(thread)
            self._workers.leave()

    def _fail(self, error: BaseException) -> None:
        """Keep the first error, or an interrupt, and stop the other partitions; what that makes them raise is none."""
        with self._lock:
            if self._error is None or not isinstance(error, Exception):
                self._error = error
        self.cancellation.cancel(f"The step was stopped because another part of it failed: {error}")


class TimedProgram:
    """A program whose every run has a deadline.

    Args:
        program: what runs.
        interruption: what its loops and waiting operations ask.
        timeout_s: the time that each run has.
    """

    def __init__(self, program: Program | PartitionedProgram, interruption: Interruption, timeout_s: float) -> None:
        self._program = program
        self._interruption = interruption
        self._timeout_s = timeout_s
        self.copies = program.copies

    @property
    def source(self) -> str:
        """The generated source."""
        return self._program.source

    def __call__(self, *values: Any) -> list[Any]:
        """Run on the feeds' runtime values; see `Program`."""
        with self._interruption.running(Cancellation(self._timeout_s)):
            return self._program(*values)
