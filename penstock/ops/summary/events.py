"""Operations that write to the event files of TensorFlow 2's summaries."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import resource
from penstock.core.op import op
from penstock.formats import protos, summary_values
from penstock.formats.events import EventFileWriter
from penstock.formats.tensor_proto import to_tensor_proto


class SummaryWriterResource:
    """An event file, created at the first event.

    Args:
        logdir: its directory.
        max_queue: the number of events that may wait.
        flush_secs: how long an event may wait, in seconds.
        filename_suffix: what the file's name ends with.
    """

    value_dtype = resource

    def __init__(self, logdir: str, max_queue: int, flush_secs: float, filename_suffix: str) -> None:
        self.logdir = logdir
        self.writer = EventFileWriter(logdir, filename_suffix, max_queue, flush_secs)
        self._described: set[str] = set()

    def write(self, event: Any) -> None:
        """Append an event; what describes a tag is written with its first value."""
        for value in event.summary.value:
            if value.tag in self._described:
                value.ClearField("metadata")
            self._described.add(value.tag)
        self.writer.add_event(event)

    def detach(self) -> None:
        """Do nothing: a file has no memory that others may read. Programs ask this of all resources."""


def _text(value: Value) -> bytes:
    return np.asarray(value, dtype=object).reshape(-1)[0]


@op(
    "WriteSummary(writer: resource, step: host int64, tensor: T, tag: string, summary_metadata: string)",
    stateful=True,
    differentiable=False,
)
def write_summary_op(writer: Value, step: int, tensor: Value, tag: Value, summary_metadata: Value) -> None:
    event = protos.Event(wall_time=time.time(), step=int(step))
    value = event.summary.value.add(tag=_text(tag).decode())
    value.metadata.ParseFromString(_text(summary_metadata))
    value.tensor.CopyFrom(to_tensor_proto(np.asarray(array.to_numpy(tensor))))
    writer.write(event)


@op("WriteRawProtoSummary(writer: resource, step: host int64, tensor: string)", stateful=True, differentiable=False)
def write_raw_proto_summary_op(writer: Value, step: int, tensor: Value) -> None:
    for serialized in np.asarray(tensor, dtype=object).reshape(-1):
        event = protos.Event(wall_time=time.time(), step=int(step))
        event.summary.ParseFromString(serialized)
        writer.write(event)


@op("WriteGraphSummary(writer: resource, step: host int64, tensor: string)", stateful=True, differentiable=False)
def write_graph_summary_op(writer: Value, step: int, tensor: Value) -> None:
    writer.write(protos.Event(wall_time=time.time(), step=int(step), graph_def=_text(tensor)))


@op("FlushSummaryWriter(writer: resource)", stateful=True, differentiable=False)
def flush_summary_writer_op(writer: Value) -> None:
    writer.writer.flush()


@op("CloseSummaryWriter(writer: resource)", stateful=True, differentiable=False)
def close_summary_writer_op(writer: Value) -> None:
    writer.writer.close()


@op("HistogramBuckets(data: T) -> buckets: double", differentiable=False, shape=lambda data, *, count: (count, 3))
def histogram_buckets_op(data: Value, *, count: int) -> Value:
    return array.from_numpy(_buckets(np.asarray(array.to_numpy(data), dtype=np.float64).reshape(-1), count))


def _buckets(data: np.ndarray, count: int) -> np.ndarray:
    """Return rows of left edge, right edge and number of elements."""
    if not data.size or not count:
        return np.zeros((count, 3))
    low, high = data.min(), data.max()
    if low == high:
        rows = np.tile([low - 0.5, low + 0.5, 0.0], (count, 1))
        rows[-1, 2] = data.size
        return rows
    positions = np.minimum(np.floor((data - low) / ((high - low) / count)).astype(np.int64), count - 1)
    edges = np.linspace(low, high, count + 1)
    return np.stack([edges[:-1], edges[1:], np.bincount(positions, minlength=count)], axis=1)


@op("EncodedImages(data: uint8) -> images: string", differentiable=False, shape=lambda data: (None,))
def encoded_images_op(data: Value) -> Value:
    images = np.asarray(array.to_numpy(data))
    result = [str(images.shape[2]).encode(), str(images.shape[1]).encode()]
    result += [summary_values.encode_png(image) for image in images]
    return array.from_numpy(np.array(result, dtype=object))


@op(
    "EncodedSounds(data: float, sample_rate: host int64) -> sounds: string",
    differentiable=False,
    shape=lambda data, sample_rate: (None, 2),
)
def encoded_sounds_op(data: Value, sample_rate: int) -> Value:
    rows = []
    for sound in np.asarray(array.to_numpy(data)):
        rows.append([summary_values.encode_wav(sound, sample_rate), b""])
    result = np.empty((len(rows), 2), dtype=object)
    result[:] = rows
    return array.from_numpy(result)
