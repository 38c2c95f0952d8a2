"""`tf.train.Coordinator`: threads that start, fail and stop together."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core.errors import OutOfRangeError


class Coordinator:
    """Tells threads when to stop, and passes on what one of them raised.

    Args:
        clean_stop_exception_types: exceptions that stop all threads without being raised again; by default
            OutOfRangeError, with which queues end.
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        self._clean = (OutOfRangeError,) if clean_stop_exception_types is None else tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._raised: BaseException | None = None  # guarded by self._lock
        self._threads: set[threading.Thread] = set()  # guarded by self._lock
        self._joined = False

    @property
    def joined(self) -> bool:
        """Whether `join` has been through."""
        return self._joined

    def request_stop(self, ex: Any = None) -> None:
        """Ask all threads to stop.

        Args:
            ex: an exception, or what `sys.exc_info()` returned, for `join` to raise.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        with self._lock:
            if self._joined:
                if error is not None and not isinstance(error, self._clean):
                    raise error
                return
            if not self._stop.is_set():
                if error is not None and not isinstance(error, self._clean):
                    self._raised = error
                self._stop.set()

    def clear_stop(self) -> None:
        """Forget that a stop was asked for, and why."""
        with self._lock:
            self._joined = False
            self._raised = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Return whether a stop was asked for."""
        return self._stop.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Ask all threads to stop if the block raises; the exception goes to `join`."""
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until a stop is asked for.

        Args:
            timeout: seconds to wait at most.
        Returns:
            Whether a stop was asked for.
        """
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Have `join` wait for a thread, too."""
        with self._lock:
            self._threads.add(thread)

    def join(
        self,
        threads: Sequence[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Wait for threads to end, and raise what was given to `request_stop`.

        Args:
            threads: those to wait for, besides the registered ones.
            stop_grace_period_secs: how long to wait once a stop was asked for.
            ignore_live_threads: whether to return although threads are left then.
        Raises:
            RuntimeError: if threads are left after the grace period.
        """
        with self._lock:
            waited = list(self._threads | set(threads or ()))
        while any(thread.is_alive() for thread in waited) and not self.wait_for_stop(1.0):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waited:
            thread.join(max(0.0, deadline - time.monotonic()))
        left = [thread.name for thread in waited if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._threads = set()
            raised = self._raised
        if raised is not None:
            raise raised
        if left and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(left)}")

    def raise_requested_exception(self) -> None:
        """Raise what was given to `request_stop`, if anything was."""
        with self._lock:
            raised = self._raised
        if raised is not None:
            raise raised


class LooperThread(threading.Thread):
    """A thread that calls a function again and again until its coordinator stops.

    Args:
        coord: the coordinator.
        timer_interval_secs: the seconds from call to call; None calls without a pause.
        target: the function; without one, `run_loop` is to be overridden.
        args, kwargs: its arguments.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord = coord
        self._interval = timer_interval_secs
        self._target_function = target
        self._arguments = tuple(args or ())
        self._keywords = dict(kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator, timer_interval_secs: float | None, target: Any, args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Start a thread that calls `target`; see the class for the arguments."""
        thread = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        thread.start()
        return thread

    def run(self) -> None:
        """Call the function until the coordinator stops."""
        with self._coord.stop_on_exception():
            self.start_loop()
            next_time = time.monotonic()
            while not self._coord.should_stop():
                self.run_loop()
                if self._interval is None:
                    continue
                next_time += self._interval
                if self._coord.wait_for_stop(max(0.0, next_time - time.monotonic())):
                    break
            self.stop_loop()

    def start_loop(self) -> None:
        """Called before the first call."""

    def stop_loop(self) -> None:
        """Called after the last call."""

    def run_loop(self) -> None:
        """Call the function once."""
        if self._target_function is not None:
            self._target_function(*self._arguments, **self._keywords)
