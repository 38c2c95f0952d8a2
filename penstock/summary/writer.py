"""TensorFlow 1's `FileWriter`, which appends summaries, graphs and run metadata to an event file."""

from __future__ import annotations

import errno
import os
import threading
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar

from google.protobuf.message import DecodeError

from penstock.core import context, errors
from penstock.core.graph import get_default_graph
from penstock.formats import protos
from penstock.formats.errors import UnwritablePathError
from penstock.formats.events import EventFileWriter

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def _translated(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that writes, raising TensorFlow's errors in place of the operating system's."""
    try:
        return call(*args, **kwargs)
    except UnwritablePathError as error:
        error_class = errors.PermissionDeniedError if error.errno in _DENIED else errors.FailedPreconditionError
        raise error_class(None, None, str(error.strerror)) from error


class SummaryToEventTransformer:
    """Wraps summaries, graphs and metadata in events.

    Args:
        event_writer: has `add_event(event)`.
        graph: a `Graph` to add at once.
        graph_def: deprecated: a `GraphDef` to add at once, in place of `graph`.
    """

    def __init__(self, event_writer: Any, graph: Any = None, graph_def: Any = None) -> None:
        self.event_writer = event_writer
        self._session_run_tags: set[str] = set()
        # Tags whose metadata the file has: it is written with the first value of a tag only.
        self._seen_summary_tags: set[str] = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            self.add_meta_graph(protos.MetaGraphDef(graph_def=_as_graph_def(graph, graph_def)))

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Add a summary.

        Args:
            summary: a `Summary`, or one serialized to bytes, as a run of a summary operation returns.
            global_step: the step it belongs to.
        Raises:
            ValueError: if bytes are no `Summary`.
            TypeError: if it is neither.
        """
        event = protos.Event()
        if isinstance(summary, bytes):
            try:
                event.summary.ParseFromString(summary)
            except DecodeError as error:
                raise ValueError(f"these {len(summary)} bytes are no Summary: {error}") from error
        elif isinstance(summary, protos.Summary):
            event.summary.CopyFrom(summary)
        else:
            raise TypeError(
                f"add_summary expects a Summary or its bytes, got {type(summary).__name__}; "
                "run a summary operation in a session and pass what it returns"
            )
        for value in event.summary.value:
            if not value.HasField("metadata"):
                continue
            if value.tag in self._seen_summary_tags:
                value.ClearField("metadata")
            else:
                self._seen_summary_tags.add(value.tag)
        self._add_event(event, global_step)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Add a `SessionLog`, which tells that a session started, stopped or wrote a checkpoint."""
        self._add_event(protos.Event(session_log=session_log), global_step)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Add a graph, which TensorBoard draws.

        Args:
            graph: a `Graph`.
            global_step: the step it belongs to.
            graph_def: deprecated: a `GraphDef`, in place of `graph`.
        Raises:
            ValueError: if both or neither of `graph` and `graph_def` are given.
            TypeError: if `graph` is no graph.
        """
        event = protos.Event(graph_def=_as_graph_def(graph, graph_def).SerializeToString())
        self._add_event(event, global_step)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Add a `MetaGraphDef`.

        Raises:
            TypeError: if it is something else.
        """
        if not isinstance(meta_graph_def, protos.MetaGraphDef):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add_event(protos.Event(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Add the `RunMetadata` of one step.

        Args:
            run_metadata: what a run with options filled.
            tag: its name, not used before in this writer.
            global_step: the step it belongs to.
        Raises:
            ValueError: if the tag has been used.
        """
        if tag in self._session_run_tags:
            raise ValueError(f"The provided tag was already used for this event type: {tag!r}; give each run its own")
        self._session_run_tags.add(tag)
        tagged = protos.TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add_event(protos.Event(tagged_run_metadata=tagged), global_step)

    def _add_event(self, event: Any, step: Any) -> None:
        """Stamp an event with time and step, and write it."""
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        _translated(self.event_writer.add_event, event)


def _as_graph_def(graph: Any, graph_def: Any) -> Any:
    """Return the `GraphDef` of whichever of the two is given."""
    if graph is not None and graph_def is not None:
        raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
    if isinstance(graph, protos.GraphDef):
        graph, graph_def = None, graph
    if graph_def is not None:
        warnings.warn("a GraphDef for a summary writer is deprecated; pass the Graph", DeprecationWarning, stacklevel=4)
        return graph_def
    if graph is None:
        raise ValueError("no graph to add; pass a Graph")
    if not hasattr(graph, "as_graph_def"):
        raise TypeError(f"The passed graph must be an instance of Graph or the deprecated GraphDef, got {type(graph)}")
    return graph.as_graph_def(add_shapes=True)


class FileWriter(SummaryToEventTransformer):
    """Writes summaries to a new event file in a directory. A `with` block closes it.

    Args:
        logdir: the directory, created if need be.
        graph: a `Graph` to add at once.
        max_queue: how many events may wait for the disk.
        flush_secs: how long an event may wait for the disk, in seconds.
        graph_def: deprecated: a `GraphDef`, in place of `graph`.
        filename_suffix: what the file's name ends with.
        session: accepted; events are written at once, without operations that a session would run.
    Raises:
        RuntimeError: if operations execute eagerly.
        PermissionDeniedError: if the directory may not be written.
        FailedPreconditionError: if the directory cannot be created.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError(
                "v1.summary.FileWriter is not compatible with eager execution. Use `tf.summary.create_file_writer`, "
                "or a `with v1.Graph().as_default():` context"
            )
        event_writer = _translated(EventFileWriter, logdir, filename_suffix, max_queue, flush_secs)
        self._closed = False
        super().__init__(event_writer, graph, graph_def)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get_logdir(self) -> str:
        """Return the directory that the event file is in."""
        logdir: str = self.event_writer.get_logdir()
        return logdir

    def _add_event(self, event: Any, step: Any) -> None:
        self._warn_if_closed()
        super()._add_event(event, step)

    def _warn_if_closed(self) -> None:
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. "
                "The operation will be a noop unless the FileWriter is explicitly reopened.",
                stacklevel=4,
            )

    def add_event(self, event: Any) -> None:
        """Add an `Event` as it is."""
        self._warn_if_closed()
        _translated(self.event_writer.add_event, event)

    def flush(self) -> None:
        """Write all waiting events to the disk."""
        self._warn_if_closed()
        _translated(self.event_writer.flush)

    def close(self) -> None:
        """Write all waiting events and close the file; a later `reopen` continues in a new file."""
        self._closed = True
        _translated(self.event_writer.close)

    def reopen(self) -> None:
        """After `close`, continue in a new file in the same directory; otherwise do nothing."""
        _translated(self.event_writer.reopen)
        self._closed = False


class FileWriterCache:
    """The process's writers, one per directory."""

    _cache: ClassVar[dict[str, FileWriter]] = {}
    _lock = threading.RLock()  # guards _cache

    @staticmethod
    def get(logdir: str | os.PathLike[str]) -> FileWriter:
        """Return the writer for a directory; a new one begins with the default graph."""
        with FileWriterCache._lock:
            key = os.fspath(logdir)
            if key not in FileWriterCache._cache:
                FileWriterCache._cache[key] = FileWriter(key, graph=get_default_graph())
            return FileWriterCache._cache[key]

    @staticmethod
    def clear() -> None:
        """Close all writers and forget them."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache.clear()
