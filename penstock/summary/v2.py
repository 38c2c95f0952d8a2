"""TensorFlow 2's summaries: values written at once, to the writer and for the step that are in scope.

    writer = create_file_writer("logs")
    with writer.as_default():
        scalar("loss", 0.5, step=1)

In a function that is traced they become operations that write whenever the function runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tensorboard.plugins.audio import metadata as audio_metadata
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata

from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import bool_, float32, float64, int64, resource, string, uint8
from penstock.core.errors import InvalidArgumentError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, get_current_name_scope, name_scope
from penstock.core.tensor import EagerTensor, Tensor
from penstock.formats import protos
from penstock.language.smart_cond import smart_cond
from penstock.ops.image.color import convert_image_dtype
from penstock.ops.math.cast import cast
from penstock.ops.summary.events import (
    SummaryWriterResource,
    close_summary_writer_op,
    encoded_images_op,
    encoded_sounds_op,
    flush_summary_writer_op,
    histogram_buckets_op,
    write_graph_summary_op,
    write_raw_proto_summary_op,
    write_summary_op,
)
from penstock.runtime.profiler import start as start_profile
from penstock.runtime.profiler import stop as stop_profile

_DEFAULT_MAX_QUEUE = 10
_DEFAULT_FLUSH_MILLIS = 120_000


class _State(threading.local):
    """What a thread has set: the writer, the step, the condition; and the graphs that a trace collects."""

    def __init__(self) -> None:
        self.writer: SummaryWriter | None = None
        self.step: Any = None
        self.recording: Any = True
        self.distribution_recording: Any = True


_state = _State()
_trace: list[Any] = []  # the functions traced while a trace is on
_profiles = False  # whether a profile is taken meanwhile


class SummaryWriter:
    """Writes to an event file; made by `create_file_writer`."""

    def __init__(self, resource_tensor: Tensor | None = None) -> None:
        self._resource = resource_tensor
        self._closed = False

    def _held(self) -> Tensor | None:
        if self._closed:
            raise RuntimeError(f"SummaryWriter({self._resource!r}) is already closed")
        return self._resource

    def set_as_default(self, step: Any = None) -> None:
        """Make this the writer of the thread, and `step` the step, for good."""
        self._held()
        _state.writer = self
        if step is not None:
            _state.step = step

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator[SummaryWriter]:
        """Make this the writer, and `step` the step, within a block; it is flushed at the end."""
        self._held()
        saved = _state.writer, _state.step
        _state.writer = self
        if step is not None:
            _state.step = step
        try:
            yield self
            self.flush()
        finally:
            if step is not None:
                _state.step = saved[1]
            _state.writer = saved[0]

    def init(self) -> None:
        """Do nothing: the file exists."""

    def flush(self) -> Any:
        """Write what waits to the disk."""
        held = None if self._closed else self._resource
        return None if held is None else flush_summary_writer_op(held)

    def close(self) -> Any:
        """Write what waits to the disk and close the file."""
        held = None if self._closed else self._resource
        result = None if held is None else close_summary_writer_op(held)
        self._closed = self._closed or executing_eagerly()
        return result


class _NoopWriter(SummaryWriter):
    """A writer that writes nothing."""

    def _held(self) -> None:
        return None


def create_noop_writer() -> SummaryWriter:
    """Return a writer that writes nothing, to leave another's scope."""
    return _NoopWriter()


def create_file_writer(
    logdir: Any,
    max_queue: int | None = None,
    flush_millis: int | None = None,
    filename_suffix: str | None = None,
    name: str | None = None,
    experimental_trackable: bool = False,
    experimental_mesh: Any = None,
) -> SummaryWriter:
    """Return a writer to a new event file.

    Args:
        logdir: its directory, created if need be; None for a writer that writes nothing.
        max_queue: how many events may wait, 10 by default.
        flush_millis: how long an event may wait, in milliseconds; two minutes by default.
        filename_suffix: what the file's name ends with, ".v2" by default.
        name, experimental_trackable, experimental_mesh: accepted.
    Raises:
        ValueError: if `logdir` is no path, or a symbolic tensor.
    """
    if logdir is None:
        return create_noop_writer()
    if isinstance(logdir, Tensor):
        if not isinstance(logdir, EagerTensor):
            raise ValueError("Argument `logdir` must not be a symbolic tensor: a file is made at once")
        logdir = logdir.numpy().decode()
    held = SummaryWriterResource(
        os.fspath(logdir),
        int(_DEFAULT_MAX_QUEUE if max_queue is None else max_queue),
        (_DEFAULT_FLUSH_MILLIS if flush_millis is None else int(flush_millis)) / 1000,
        ".v2" if filename_suffix is None else str(filename_suffix),
    )
    return SummaryWriter(EagerTensor(held, resource))


def flush(writer: Any = None, name: str | None = None) -> Any:
    """Write what waits to the disk, for a writer or the one in scope."""
    writer = _state.writer if writer is None else writer
    return None if writer is None else writer.flush()


# The step and the condition


def get_step() -> Any:
    """Return the step in scope, None where none was set."""
    return _state.step


def set_step(step: Any) -> None:
    """Make `step`, a number, tensor or variable, the step of this thread."""
    _state.step = step


@contextlib.contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Write summaries within the block only where a condition holds.

    Args:
        condition: a boolean, a boolean tensor, or a function that returns one.
    """
    saved = _state.recording
    _state.recording = condition
    try:
        yield
    finally:
        _state.recording = saved


def should_record_summaries() -> Any:
    """Tell whether summaries are written here: False without a writer, else what the condition says."""
    writer = _state.writer
    if writer is None or writer._held() is None:
        return False
    condition = _state.recording
    return condition() if callable(condition) else condition


_INVALID_SCOPE_CHARACTERS = re.compile(r"[^-_/.A-Za-z0-9]")


@contextlib.contextmanager
def summary_scope(name: str, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
    """Open the name scope of a summary.

    Args:
        name: the summary's name.
        default_name: the scope's name where `name` has no character that scopes may have.
        values: accepted.
    Yields:
        The tag: the name behind the scopes around it; and the scope.
    """
    around = get_current_name_scope()
    tag = f"{around}/{name}" if around else name
    cleaned = _INVALID_SCOPE_CHARACTERS.sub("", name).lstrip("/") or None
    with name_scope(cleaned or default_name) as scope:
        yield tag, scope


# Writing


def _step(step: Any) -> Any:
    step = _state.step if step is None else step
    if step is None:
        raise ValueError(
            "No step set. Please specify one either through the `step` argument or through "
            "tf.summary.experimental.set_step()"
        )
    return step if isinstance(step, int) and executing_eagerly() else cast(step, int64)


def _recorded(write_now: Callable[[], Any]) -> Any:
    """Call a function where summaries are to be written, and return whether they were, as a boolean tensor."""
    writer = _state.writer
    if writer is None or writer._held() is None:
        return convert_to_tensor(False)
    condition = should_record_summaries()

    def record() -> Tensor:
        write_now()
        return convert_to_tensor(True)

    if isinstance(condition, bool):
        return record() if condition else convert_to_tensor(False)
    return smart_cond(convert_to_tensor(condition, bool_), record, lambda: convert_to_tensor(False))


def write(tag: str, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> Any:
    """Write a tensor.

    Args:
        tag: its tag.
        tensor: the tensor; or a function that returns it, called only where it is written.
        step: the step, that in scope by default.
        metadata: a `SummaryMetadata`, or one serialized, that names the plugin which shows it.
        name: the name of the operation.
    Returns:
        A boolean tensor: whether it was written.
    Raises:
        ValueError: if there is a writer and no step.
    """
    if metadata is None:
        serialized: bytes = b""
    else:
        serialized = metadata if isinstance(metadata, bytes) else metadata.SerializeToString()

    def write_now() -> None:
        value = tensor() if callable(tensor) else tensor
        writer = _state.writer
        assert writer is not None
        write_summary_op(
            writer._held(),
            _step(step),
            convert_to_tensor(value),
            convert_to_tensor(tag, string),
            convert_to_tensor(serialized, string),
            name=name or "write_summary",
        )

    with name_scope(name, "write_summary"):
        return _recorded(write_now)


def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Write serialized `Summary` messages.

    Args:
        tensor: a string tensor of them.
        step: the step, that in scope by default.
        name: the name of the operation.
    """

    def write_now() -> None:
        writer = _state.writer
        assert writer is not None
        write_raw_proto_summary_op(writer._held(), _step(step), convert_to_tensor(tensor, string))

    with name_scope(name, "write_raw_pb"):
        return _recorded(write_now)


def _plugin(tag: str, name: str, tensor: Callable[[], Any], step: Any, metadata: Any) -> Any:
    with summary_scope(name, tag) as (full_tag, _):
        return write(full_tag, tensor, step, metadata)


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Write one number.

    Args:
        name: the tag, behind the name scopes around it.
        data: a real number, of shape (); a function that returns one is called only where it is written.
        step: the step, that in scope by default.
        description: a text for TensorBoard, in Markdown.
    Returns:
        A boolean tensor: whether it was written.
    Raises:
        ValueError: if there is a writer and no step.
        InvalidArgumentError: if `data` is not a scalar.
    """

    def number() -> Any:
        value = cast(_value(data), float32)
        if value.shape.rank not in (0, None):
            raise InvalidArgumentError(None, None, f"tf.summary.scalar takes data of shape (), got {value.shape}")
        return value

    metadata = scalar_metadata.create_summary_metadata(display_name=None, description=description)
    return _plugin("scalar_summary", name, number, step, metadata)


def _value(data: Any) -> Any:
    return convert_to_tensor(data() if callable(data) else data)


def histogram(
    name: str, data: Any, step: Any = None, buckets: int | None = None, description: str | None = None
) -> Any:
    """Write how numbers are distributed.

    Args:
        name, step, description: see `scalar`.
        data: real numbers of any shape.
        buckets: the number of buckets, 30 by default.
    """
    count = 30 if buckets is None else int(buckets)
    metadata = histogram_metadata.create_summary_metadata(display_name=None, description=description)

    def rows() -> Any:
        return histogram_buckets_op(cast(_value(data), float64), count=count)

    return _plugin("histogram_summary", name, rows, step, metadata)


def image(name: str, data: Any, step: Any = None, max_outputs: int = 3, description: str | None = None) -> Any:
    """Write images.

    Args:
        name, step, description: see `scalar`.
        data: of shape (batch, height, width, channels), 1 to 4 channels; uint8, or floats from 0 to 1.
        max_outputs: the number of images to take from the batch.
    """

    def encoded() -> Any:
        images = _value(data)
        if images.shape.rank not in (4, None):
            raise InvalidArgumentError(None, None, f"tf.summary.image takes data of rank 4, got shape {images.shape}")
        return encoded_images_op(convert_image_dtype(images, uint8, saturate=True)[:max_outputs])

    metadata = image_metadata.create_summary_metadata(display_name=None, description=description)
    return _plugin("image_summary", name, encoded, step, metadata)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Write text, which TensorBoard shows as Markdown; an array of strings becomes a table.

    Args:
        name, step, description: see `scalar`.
        data: strings of any shape.
    Raises:
        InvalidArgumentError: if `data` holds no strings.
    """

    def strings() -> Any:
        value = _value(data)
        if value.dtype != string:
            raise InvalidArgumentError(None, None, f"tf.summary.text takes strings, got {value.dtype.name}")
        return value

    metadata = text_metadata.create_summary_metadata(display_name=None, description=description)
    return _plugin("text_summary", name, strings, step, metadata)


def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Any:
    """Write sounds.

    Args:
        name, step, description: see `scalar`.
        data: floats from -1 to 1, of shape (batch, frames, channels).
        sample_rate: frames per second.
        max_outputs: the number of sounds to take from the batch.
        encoding: "wav" or None.
    Raises:
        ValueError: for another encoding.
    """
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}: sounds are written as 'wav'")

    def sounds() -> Any:
        waves = _value(data)[:max_outputs]
        return encoded_sounds_op(cast(waves, float32), cast(_value(sample_rate), int64))

    metadata = audio_metadata.create_summary_metadata(
        display_name=None, description=description, encoding=audio_metadata.Encoding.Value("WAV")
    )
    return _plugin("audio_summary", name, sounds, step, metadata)


def graph(graph_data: Any) -> Any:
    """Write a graph.

    Args:
        graph_data: a Graph or a GraphDef.
    Raises:
        TypeError: if it is neither.
        RuntimeError: outside eager execution.
    """
    if not executing_eagerly():
        raise RuntimeError("tf.summary.graph writes in eager execution only")
    writer = _state.writer
    if writer is None or writer._held() is None:
        return convert_to_tensor(False)
    if isinstance(graph_data, Graph):
        message = graph_data.as_graph_def(add_shapes=True)
    elif isinstance(graph_data, protos.GraphDef):
        message = graph_data
    else:
        raise TypeError(f"'graph_data' is not tf.Graph or tf.compat.v1.GraphDef, but a {type(graph_data).__name__}")
    write_graph_summary_op(writer._held(), 0, convert_to_tensor(message.SerializeToString(), string))
    return convert_to_tensor(True)


# Traces


def _collect(function: FuncGraph) -> None:
    _trace.append(function)


def _ignore(function: FuncGraph) -> None:
    """Collect nothing, while a trace without graphs is on."""


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: str | None = None) -> None:
    """Begin to collect the graphs of functions that are traced, for `trace_export`.

    Args:
        graph: whether graphs are collected.
        profiler: whether a profile is taken, too; see `penstock.runtime.profiler`.
        profiler_outdir: where it is written; without it, none is taken.
    """
    global _profiles
    _trace.clear()
    if profiler and profiler_outdir is not None:
        start_profile(profiler_outdir)
        _profiles = True
    elif profiler:
        logging.warning("No `profiler_outdir` passed to trace_on(): no profile is taken.")
    FuncGraph.observer = _collect if graph else _ignore


def trace_off() -> None:
    """Stop collecting, and forget what was collected; a profile that was asked for ends."""
    global _profiles
    FuncGraph.observer = None
    _trace.clear()
    if _profiles:
        _profiles = False
        stop_profile()


def trace_export(name: str, step: Any = None, profiler_outdir: str | None = None) -> None:
    """Write the graphs collected since `trace_on`, and stop collecting.

    Args:
        name: the tag under which TensorBoard shows them.
        step: the step, that in scope by default.
        profiler_outdir: accepted.
    Raises:
        ValueError: if no trace is on.
    """
    if FuncGraph.observer is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    metadata = protos.RunMetadata()
    for function in _trace:
        if isinstance(function.outer_graph, FuncGraph):
            continue
        message = function.as_graph_def(add_shapes=True)
        entry = metadata.function_graphs.add()
        entry.pre_optimization_graph.CopyFrom(message)
        entry.post_optimization_graph.CopyFrom(message)
        metadata.partition_graphs.add().CopyFrom(message)
    description = protos.SummaryMetadata()
    description.plugin_data.plugin_name = "graph_run_metadata_graph"
    description.plugin_data.content = b"1"
    trace_off()
    write(name, convert_to_tensor(metadata.SerializeToString(), string), step, description)
