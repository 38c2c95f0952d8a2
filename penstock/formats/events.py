"""Event files, which TensorBoard reads: records of `Event` messages."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from penstock.formats import protos, records
from penstock.formats.errors import CorruptDataError, unwritable

FILE_VERSION = "brain.Event:2"
_ADVICE = "Give a log directory that exists or can be created, and that this user may write."

# How often the flushing thread looks whether its writer still exists, in seconds.
_FORGOTTEN_CHECK_S = 60.0

_file_numbers = itertools.count()


class EventFileWriter:
    """Appends events to a new file in a directory. Threads may share a writer.

    Events reach the disk when `max_queue` of them wait, when the oldest has waited `flush_secs`, and at `flush`,
    `close` and the interpreter's exit.

    Args:
        logdir: the directory, created if need be.
        filename_suffix: what the file's name ends with.
        max_queue: the number of events that may wait.
        flush_secs: how long an event may wait, in seconds.
    Raises:
        UnwritablePathError: if the directory or the file cannot be created.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        filename_suffix: str | None = "",
        max_queue: int = 10,
        flush_secs: float = 120,
    ) -> None:
        self._logdir = os.fspath(logdir)
        self._filename_suffix = filename_suffix or ""
        self._max_queue = max_queue
        self._flush_secs = flush_secs
        self._changed = threading.Condition()  # guards all below
        self._num_waiting = 0
        self._oldest_waits_since = 0.0
        self._closed = True
        self._path = ""
        self._open()

    def _open(self) -> None:
        """Create a file, write its version, and start the thread that flushes it in time."""
        stem = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_file_numbers)}"
        self._path = os.path.join(self._logdir, stem + self._filename_suffix)
        try:
            os.makedirs(self._logdir, exist_ok=True)
            self._records = records.RecordWriter(self._path)
            version = protos.Event(wall_time=time.time(), file_version=FILE_VERSION)
            self._records.write(version.SerializeToString())
            self._records.flush()
        except OSError as error:
            raise unwritable(self._path, error, _ADVICE) from error
        self._closed = False
        self._finalizer = weakref.finalize(self, self._records.close)
        threading.Thread(
            target=_flush_in_time,
            args=(weakref.ref(self), self._changed, self._path),
            name="event-file-flush",
            daemon=True,
        ).start()

    @property
    def path(self) -> str:
        """The path of the file that is being written."""
        return self._path

    def get_logdir(self) -> str:
        """Return the directory that the files are in."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Append an `Event`; a closed writer ignores it.

        Raises:
            UnwritablePathError: if the disk refuses it.
        """
        record = event.SerializeToString()
        with self._changed:
            if self._closed:
                return
            try:
                self._records.write(record)
            except OSError as error:
                raise unwritable(self._path, error, _ADVICE) from error
            self._num_waiting += 1
            if self._num_waiting >= self._max_queue:
                self._flush()
            elif self._num_waiting == 1:
                self._oldest_waits_since = time.monotonic()
                self._changed.notify_all()

    def _flush(self) -> None:
        """Flush, with the lock held."""
        try:
            self._records.flush()
        except OSError as error:
            raise unwritable(self._path, error, _ADVICE) from error
        self._num_waiting = 0

    def _flush_if_due(self) -> float | None:
        """Flush if the oldest event has waited long enough, with the lock held.

        Returns:
            How many seconds remain until there is something to flush; None if nothing waits.
        """
        if not self._num_waiting:
            return None
        remaining = self._oldest_waits_since + self._flush_secs - time.monotonic()
        if remaining > 0:
            return remaining
        self._flush()
        return None

    def flush(self) -> None:
        """Hand all events to the operating system.

        Raises:
            UnwritablePathError: if the disk refuses them.
        """
        with self._changed:
            if not self._closed:
                self._flush()

    def close(self) -> None:
        """Flush and close the file. A second call does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            self._finalizer.detach()
            self._num_waiting = 0
            try:
                self._records.close()
            except OSError as error:
                raise unwritable(self._path, error, _ADVICE) from error

    def reopen(self) -> None:
        """After `close`, continue in a new file in the same directory; otherwise do nothing."""
        with self._changed:
            if self._closed:
                self._open()


def _flush_in_time(reference: weakref.ref[EventFileWriter], changed: threading.Condition, path: str) -> None:
    """Flush a writer's events when they have waited long enough, until it is forgotten or no longer writes to `path`.

    The writer is held by a weak reference while waiting, so that one that is forgotten is collected, and closed.
    """
    while True:
        with changed:
            writer = reference()
            if writer is None or writer._closed or writer._path != path:
                return
            try:
                remaining = writer._flush_if_due()
            except OSError:
                # The next add_event, flush or close meets the same error on the user's own line.
                remaining = None
            del writer
            changed.wait(_FORGOTTEN_CHECK_S if remaining is None else min(remaining, _FORGOTTEN_CHECK_S))


def read_events(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Yield the `Event` messages of a file.

    Raises:
        FileNotFoundError: if there is no such file.
        CorruptDataError: at the first record that is truncated or damaged, after all before it are yielded.
    """
    for record in records.read_records(path):
        try:
            event = protos.Event.FromString(record)
        except DecodeError as error:
            raise CorruptDataError(f"{os.fspath(path)!r} has a record that is no Event: {error}") from error
        yield event
