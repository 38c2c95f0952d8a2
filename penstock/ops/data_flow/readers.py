"""Readers: they take the names of files from a queue, and give their records one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, Value
from penstock.core.cancellation import Interruption
from penstock.core.dtypes import resource
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import no_outputs, scalar
from penstock.formats.errors import CorruptDataError
from penstock.formats.records import frame, read_records
from penstock.ops.data_flow.queue_value import Queue

_STATEFUL: dict[str, Any] = {"stateful": True, "differentiable": False}
Records = Callable[[bytes], Iterator[tuple[bytes, bytes]]]


class Reader:
    """What gives the records of files.

    Args:
        records: yields the keys and values of the records of a file.
    """

    value_dtype = resource

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()  # guards all below
        self._current: Iterator[tuple[bytes, bytes]] | None = None
        self.produced = 0
        self.completed = 0

    def read(self, queue: Queue, count: int, interruption: Interruption) -> list[tuple[bytes, bytes]]:
        """Return up to `count` records, at least one.

        Raises:
            OutOfRangeError: if there is no record left, and the queue is closed.
        """
        found: list[tuple[bytes, bytes]] = []
        with self._lock:
            while len(found) < count:
                if self._current is None:
                    if found:
                        break
                    (name,) = queue.take(1, interruption)[0]
                    self._current = self._records(np.asarray(name).item())
                try:
                    record = next(self._current, None)
                except FileNotFoundError as error:
                    self._current = None
                    raise NotFoundError(None, None, f"{error.filename}; No such file or directory") from None
                except CorruptDataError as error:
                    self._current = None
                    raise DataLossError(None, None, str(error)) from None
                if record is None:
                    self._current = None
                    self.completed += 1
                else:
                    found.append(record)
                    self.produced += 1
        return found

    def reset(self) -> None:
        """Start as if nothing had been read."""
        with self._lock:
            self._current = None
            self.produced = self.completed = 0


def _make(resources: ResourceManager, node_name: str, container: str, shared_name: str, records: Records) -> Reader:
    return resources.lookup_or_create(container, "reader", shared_name or node_name, lambda: Reader(records))


def _whole(name: bytes) -> Iterator[tuple[bytes, bytes]]:
    with open(name, "rb") as file:
        yield name, file.read()


def _lines(skip: int) -> Records:
    def records(name: bytes) -> Iterator[tuple[bytes, bytes]]:
        with open(name, "rb") as file:
            for number, line in enumerate(file, 1):
                if number > skip:
                    yield b"%s:%d" % (name, number), line.rstrip(b"\n").rstrip(b"\r")

    return records


def _framed(compression: str) -> Records:
    def records(name: bytes) -> Iterator[tuple[bytes, bytes]]:
        offset = 0
        for record in read_records(name.decode(), compression):
            yield b"%s:%d" % (name, offset), record
            offset += len(record) + len(frame(b""))

    return records


def _fixed(header: int, size: int, footer: int, hop: int) -> Records:
    def records(name: bytes) -> Iterator[tuple[bytes, bytes]]:
        with open(name, "rb") as file:
            data = file.read()
        end = len(data) - footer
        step = hop or size
        for number, start in enumerate(range(header, end - size + 1, step)):
            yield b"%s:%d" % (name, number), data[start : start + size]

    return records


@op("WholeFileReaderV2() -> reader_handle: resource", shape=scalar, **_STATEFUL)
def whole_file_reader_v2_op(
    *, container: str = "", shared_name: str = "", resources: ResourceManager, node_name: str
) -> Reader:
    return _make(resources, node_name, container, shared_name, _whole)


@op("IdentityReaderV2() -> reader_handle: resource", shape=scalar, **_STATEFUL)
def identity_reader_v2_op(
    *, container: str = "", shared_name: str = "", resources: ResourceManager, node_name: str
) -> Reader:
    return _make(resources, node_name, container, shared_name, lambda name: iter([(name, name)]))


@op("TextLineReaderV2() -> reader_handle: resource", shape=scalar, **_STATEFUL)
def text_line_reader_v2_op(
    *,
    skip_header_lines: int = 0,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Reader:
    return _make(resources, node_name, container, shared_name, _lines(skip_header_lines))


@op("TFRecordReaderV2() -> reader_handle: resource", shape=scalar, **_STATEFUL)
def tf_record_reader_v2_op(
    *,
    container: str = "",
    shared_name: str = "",
    compression_type: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Reader:
    return _make(resources, node_name, container, shared_name, _framed(compression_type))


@op("FixedLengthRecordReaderV2() -> reader_handle: resource", shape=scalar, **_STATEFUL)
def fixed_length_record_reader_v2_op(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
    encoding: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Reader:
    for name, size, least in (
        ("header_bytes", header_bytes, 0),
        ("record_bytes", record_bytes, 1),
        ("footer_bytes", footer_bytes, 0),
        ("hop_bytes", hop_bytes, 0),
    ):
        if size < least:
            raise InvalidArgumentError(None, None, f"{name} must be >= {least}, got {size}")
    if encoding:
        raise InvalidArgumentError(None, None, f"encoding must be '', got {encoding!r}; decompress the files first")
    records = _fixed(header_bytes, record_bytes, footer_bytes, hop_bytes)
    return _make(resources, node_name, container, shared_name, records)


def _strings(items: list[bytes]) -> Value:
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


@op(
    "ReaderReadV2(reader_handle: resource, queue_handle: resource) -> (key: string, value: string)",
    shape=lambda reader, queue: ((), ()),
    **_STATEFUL,
)
def reader_read_v2_op(reader_handle: Reader, queue_handle: Queue, *, resources: ResourceManager) -> tuple[Value, Value]:
    (key, value), *_ = reader_handle.read(queue_handle, 1, resources.interruption)
    return _strings([key]).reshape(()), _strings([value]).reshape(())


def _pair_of_vectors(*inputs: Dims, **attrs: Any) -> tuple[Dims, Dims]:
    return (None,), (None,)


@op(
    "ReaderReadUpToV2(reader_handle: resource, queue_handle: resource, num_records: host int64)"
    " -> (keys: string, values: string)",
    shape=_pair_of_vectors,
    **_STATEFUL,
)
def reader_read_up_to_v2_op(
    reader_handle: Reader, queue_handle: Queue, num_records: Any, *, resources: ResourceManager
) -> tuple[Value, Value]:
    if not isinstance(num_records, int) or num_records < 1:
        raise InvalidArgumentError(None, None, f"num_records must be a positive number, got {num_records}")
    found = reader_handle.read(queue_handle, num_records, resources.interruption)
    return _strings([key for key, _ in found]), _strings([value for _, value in found])


@op("ReaderNumRecordsProducedV2(reader_handle: resource) -> records_produced: int64", shape=scalar, **_STATEFUL)
def reader_num_records_produced_v2_op(reader_handle: Reader) -> Array:
    return torch.tensor(reader_handle.produced)


@op("ReaderNumWorkUnitsCompletedV2(reader_handle: resource) -> units_completed: int64", shape=scalar, **_STATEFUL)
def reader_num_work_units_completed_v2_op(reader_handle: Reader) -> Array:
    return torch.tensor(reader_handle.completed)


@op("ReaderResetV2(reader_handle: resource)", shape=no_outputs, **_STATEFUL)
def reader_reset_v2_op(reader_handle: Reader) -> tuple[()]:
    reader_handle.reset()
    return ()
