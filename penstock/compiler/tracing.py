"""What a traced program notes while it runs: for each node, when it ran and what it gave."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from penstock.compiler.dataflow import Node
from penstock.core import array
from penstock.core.resources import VariableStorage


class OutputRecord(NamedTuple):
    """What is noted of an output: its shape, its size, and where its elements are in memory."""

    dims: tuple[int, ...]
    size_bytes: int
    address: int


class Place(NamedTuple):
    """A node, and the name of the function before its own where it is in the body of a branch, loop or function."""

    node: Node
    scope: str

    @property
    def name(self) -> str:
        """The name under which the node is listed."""
        return self.scope + self.node.name


class Record(NamedTuple):
    """One run of one node, in nanoseconds of the performance counter; `outputs` has None for what is no array."""

    place: Place
    started_ns: int
    ended_ns: int
    outputs: list[OutputRecord | None]
    thread: int


class _Recording(threading.local):
    """The records of the thread's partition, None where none is traced."""

    records: list[Record] | None = None


_recording = _Recording()


@contextlib.contextmanager
def recording(records: list[Record]) -> Iterator[None]:
    """Let the traced programs that the thread runs within the block append to `records`."""
    saved = _recording.records
    _recording.records = records
    try:
        yield
    finally:
        _recording.records = saved


def record(place: Place, started_ns: int, ended_ns: int, outputs: Sequence[Any]) -> None:
    """Note that a node ran; traced programs call this after each."""
    if _recording.records is not None:
        found = [_output_record(value) for value in outputs]
        _recording.records.append(Record(place, started_ns, ended_ns, found, threading.get_ident()))


def _output_record(value: Any) -> OutputRecord | None:
    if isinstance(value, VariableStorage):
        value = value.value
    if value is None or isinstance(value, list):
        return None
    return OutputRecord(array.dims_of(value), array.size_bytes(value), array.address_of(value))
