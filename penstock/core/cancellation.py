"""Stopping runs: because the session closes, because another part of the step failed, or because time is up.

A session's resources have one `Interruption`. Loops and operations that wait ask it whether they are to stop; programs
without either never do. A run with a deadline, or in several parts, has a `Cancellation` of its own, which the
interruption knows by the thread that works on it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from penstock.core.errors import CancelledError, DeadlineExceededError

_CLOSED = "Session has been closed."


class Cancellation:
    """Whether one run has to stop. Any thread may cancel it.

    Args:
        timeout_s: seconds from now until the run's deadline, None for no deadline.
        outer: the run that this one is part of: its deadline holds, and what cancels it cancels this one.
        on_wait: called before an operation of the run waits, on its thread.
    """

    def __init__(
        self,
        timeout_s: float | None = None,
        outer: Cancellation | None = None,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self._outer = outer
        self.on_wait = on_wait
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        if outer is not None and outer._deadline is not None:
            self._deadline = min(outer._deadline, self._deadline or outer._deadline)
        self._lock = threading.Lock()
        self._reason: str | None = None  # guarded by self._lock for writing
        self._callbacks: list[Callable[[], None]] = []  # guarded by self._lock

    @property
    def is_cancelled(self) -> bool:
        """Whether the run was cancelled; a deadline that has passed does not count."""
        return self._reason is not None

    def cancel(self, reason: str) -> None:
        """Make the run stop where it next asks, and wake it where it waits; the first reason stays."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    @contextlib.contextmanager
    def notifying(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` called if the run is cancelled within the block."""
        outer = contextlib.nullcontext() if self._outer is None else self._outer.notifying(callback)
        with self._lock:
            self._callbacks.append(callback)
        try:
            with outer:
                yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def remaining_s(self) -> float | None:
        """Return the seconds until the deadline, at least 0; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def check(self) -> None:
        """Return if the run may go on.

        Raises:
            CancelledError: if it was cancelled.
            DeadlineExceededError: if its deadline has passed.
        """
        if self._reason is not None:
            raise CancelledError(None, None, self._reason)
        if self._outer is not None:
            self._outer.check()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise DeadlineExceededError(
                None,
                None,
                "Timed out waiting for the step to end. Give it more time in operation_timeout_in_ms of the session's "
                "ConfigProto, or in timeout_in_ms of RunOptions.",
            )


class Interruption:
    """What the loops and waiting operations of a session ask whether they are to stop.

    Attributes:
        requested: whether `check` may raise; a loop that finds it False need not call.
    """

    def __init__(self) -> None:
        self.requested = False
        self._lock = threading.Lock()
        self._closed = False
        self._runs: dict[int, Cancellation] = {}  # thread -> what it works on; guarded by self._lock for writing
        self._waiting: list[threading.Condition] = []  # guarded by self._lock

    def check(self) -> None:
        """Return if the calling thread may go on.

        Raises:
            CancelledError: if the session was closed, or the thread's run cancelled.
            DeadlineExceededError: if the deadline of the thread's run has passed.
        """
        if self._closed:
            raise CancelledError(None, None, _CLOSED)
        run = self._runs.get(threading.get_ident())
        if run is not None:
            run.check()

    def run_of_thread(self) -> Cancellation | None:
        """Return what the calling thread works on, None if nothing but the session's end can stop it."""
        return self._runs.get(threading.get_ident())

    @contextlib.contextmanager
    def running(self, run: Cancellation) -> Iterator[None]:
        """Let the calling thread work on `run` within the block."""
        thread = threading.get_ident()
        with self._lock:
            outer = self._runs.get(thread)
            self._runs[thread] = run
            self.requested = True
        try:
            yield
        finally:
            with self._lock:
                if outer is None:
                    del self._runs[thread]
                else:
                    self._runs[thread] = outer
                self.requested = self._closed or bool(self._runs)

    def close(self) -> None:
        """Cancel all runs, present and future."""
        with self._lock:
            self._closed = self.requested = True
            runs, waiting = list(self._runs.values()), list(self._waiting)
        for run in runs:
            run.cancel(_CLOSED)
        for condition in waiting:
            _notify(condition)

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool]) -> None:
        """Wait on a condition until a predicate holds; operations that wait, such as those of queues, do it here.

        Args:
            condition: what is notified when the predicate may have changed; the caller holds its lock.
            predicate: called with the lock held.
        Raises:
            CancelledError: if the session is closed, or the thread's run cancelled.
            DeadlineExceededError: if the deadline of the thread's run passes.
        """
        if predicate():
            return
        run = self._runs.get(threading.get_ident())
        with self._lock:
            self._waiting.append(condition)
        try:
            if run is None:
                self._wait(condition, predicate, None)
            else:
                if run.on_wait is not None:
                    run.on_wait()
                with run.notifying(lambda: _notify(condition)):
                    self._wait(condition, predicate, run)
        finally:
            with self._lock:
                self._waiting.remove(condition)

    def _wait(self, condition: threading.Condition, predicate: Callable[[], bool], run: Cancellation | None) -> None:
        while not predicate():
            self.check()
            condition.wait(None if run is None else run.remaining_s())


def _notify(condition: threading.Condition) -> None:
    with condition:
        condition.notify_all()
