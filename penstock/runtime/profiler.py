"""The profiler: what functions and their kernels took while it ran, for TensorBoard's profile plugin and for Perfetto.

While it runs, functions use programs of their own that note when each kernel ran. What is noted is written below
`LOGDIR/plugins/profile/TIME`: `HOST.xplane.pb`, which the profile plugin reads, and `HOST.trace.json.gz`, which
`ui.perfetto.dev` and `chrome://tracing` open.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from penstock.compiler.program import Program
from penstock.compiler.tracing import Record, recording
from penstock.core.errors import AlreadyExistsError, UnavailableError
from penstock.formats import protos

_HOST = "/host:CPU"


class ProfilerOptions(NamedTuple):
    """What is profiled; accepted as TensorFlow does, functions, their kernels and `Trace` blocks always are.

    Attributes:
        host_tracer_level, python_tracer_level, device_tracer_level: how much is noted.
        delay_ms: how long to wait before the profile begins.
    """

    host_tracer_level: int = 2
    python_tracer_level: int = 0
    device_tracer_level: int = 1
    delay_ms: int | None = None


class Event(NamedTuple):
    """Something that took time on a thread, in nanoseconds of the performance counter."""

    name: str
    started_ns: int
    ended_ns: int
    thread: int
    details: dict[str, Any]


class _Running:
    """A profile that is being taken."""

    def __init__(self, logdir: str) -> None:
        self.logdir = logdir
        self.events: list[Event] = []  # lists take items from several threads
        # Events are in the performance counter's time; files in that of the clock on the wall.
        self.offset_ns = time.time_ns() - time.perf_counter_ns()

    def run(self, program: Program, name: str, values: Sequence[Any]) -> list[Any]:
        """Run a traced program, and note what it and its kernels took."""
        records: list[Record] = []
        started_ns = time.perf_counter_ns()
        try:
            with recording(records):
                return program(*values)
        finally:
            self.events.append(Event(name, started_ns, time.perf_counter_ns(), threading.get_ident(), {}))
            for item in records:
                node, shapes = item.place.node, [list(o.dims) for o in item.outputs if o is not None]
                details = {"op": node.op_def.name, "name": item.place.name, "shapes": str(shapes)}
                self.events.append(Event(node.op_def.name, item.started_ns, item.ended_ns, item.thread, details))


running: _Running | None = None
_lock = threading.Lock()


def start(logdir: str, options: ProfilerOptions | None = None) -> None:
    """Begin a profile.

    Args:
        logdir: where `stop` writes it.
        options: see `ProfilerOptions`.
    Raises:
        AlreadyExistsError: if one is being taken.
    """
    global running
    with _lock:
        if running is not None:
            raise AlreadyExistsError(None, None, "Another profiler is running: stop it first.")
        running = _Running(os.fspath(logdir))


def stop(save: bool = True) -> None:
    """End the profile.

    Args:
        save: whether it is written.
    Raises:
        UnavailableError: if none is being taken.
    """
    global running
    with _lock:
        if running is None:
            raise UnavailableError(None, None, "Cannot export profiling results. No profiler is running.")
        finished, running = running, None
    if save:
        _write(finished)


@contextlib.contextmanager
def Profile(logdir: str, options: ProfilerOptions | None = None) -> Iterator[None]:
    """Profile a block; see `start`."""
    start(logdir, options)
    try:
        yield
    finally:
        stop()


class Trace:
    """A block that the profile shows by a name, such as a step of training.

    Args:
        name: what it is shown as.
        **kwargs: numbers and texts that are shown with it, such as `step_num=3`.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name = name
        self._details = kwargs
        self._started_ns = 0

    def set_metadata(self, **kwargs: Any) -> None:
        """Add numbers and texts that are shown with the block."""
        self._details.update(kwargs)

    def __enter__(self) -> Trace:
        self._started_ns = time.perf_counter_ns()
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        if running is not None:
            now = time.perf_counter_ns()
            running.events.append(Event(self._name, self._started_ns, now, threading.get_ident(), self._details))


def _write(finished: _Running) -> None:
    moment = time.strftime("%Y_%m_%d_%H_%M_%S")
    folder = os.path.join(finished.logdir, "plugins", "profile", moment)
    os.makedirs(folder, exist_ok=True)
    host = socket.gethostname()
    threads: dict[int, list[Event]] = {}
    # Of events that begin together, the one that holds the others comes first.
    for event in sorted(finished.events, key=lambda event: (event.started_ns, -event.ended_ns)):
        threads.setdefault(event.thread, []).append(event)
    with open(os.path.join(folder, f"{host}.xplane.pb"), "wb") as file:
        file.write(_planes(threads, finished.offset_ns, host).SerializeToString())
    with gzip.open(os.path.join(folder, f"{host}.trace.json.gz"), "wt", encoding="utf-8") as text:
        json.dump(_chrome_trace(threads, finished.offset_ns), text)


def _planes(threads: dict[int, list[Event]], offset_ns: int, host: str) -> Any:
    """Return the events as an XSpace message: one plane for the host, one line for each thread."""
    space = protos.XSpace(hostnames=[host])
    plane = space.planes.add(id=1, name=_HOST)
    names: dict[str, int] = {}
    labels: dict[str, int] = {}
    for number, (thread, events) in enumerate(threads.items(), 1):
        begin_ns = events[0].started_ns
        line = plane.lines.add(id=number, display_id=thread, name=f"python/{thread}", timestamp_ns=begin_ns + offset_ns)
        for event in events:
            added = line.events.add(
                metadata_id=names.setdefault(event.name, len(names) + 1),
                offset_ps=(event.started_ns - begin_ns) * 1000,
                duration_ps=(event.ended_ns - event.started_ns) * 1000,
            )
            for label, value in event.details.items():
                kind = {"int64_value": value} if isinstance(value, int) else {"str_value": str(value)}
                added.stats.add(metadata_id=labels.setdefault(label, len(labels) + 1), **kind)
    for name, number in names.items():
        plane.event_metadata[number].id = number
        plane.event_metadata[number].name = name
    for label, number in labels.items():
        plane.stat_metadata[number].id = number
        plane.stat_metadata[number].name = label
    return space


def _chrome_trace(threads: dict[int, list[Event]], offset_ns: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": _HOST}}]
    for number, (thread, events) in enumerate(threads.items(), 1):
        name = {"name": f"python/{thread}"}
        found.append({"ph": "M", "pid": 1, "tid": number, "name": "thread_name", "args": name})
        for event in events:
            times = {"ts": (event.started_ns + offset_ns) / 1000, "dur": (event.ended_ns - event.started_ns) / 1000}
            details = {label: str(value) for label, value in event.details.items()}
            found.append({"ph": "X", "pid": 1, "tid": number, "name": event.name, **times, "args": details})
    return {"displayTimeUnit": "ns", "traceEvents": found}
