"""The state that a thread carries: its stack of graphs, tapes, sessions and devices.

An operation call becomes a node of the graph on top of the stack, or a kernel call where the top is `None`. A thread
whose stack is empty executes eagerly or builds its default graph, as the process was told (`set_default_eager`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.core.graph import Graph


class ThreadState(threading.local):
    """What one thread has entered with `with` blocks and not yet left."""

    def __init__(self) -> None:
        self.graphs: list[Graph | None] = []
        self.default_graph: Graph | None = None
        self.tapes: list[Any] = []
        self.sessions: list[Any] = []
        self.eager_device: str = ""
        self.eager_scope: str = ""


state = ThreadState()
_default_eager = True


def set_default_eager(eager: bool) -> None:
    """Choose what threads with an empty graph stack do: execute eagerly, or build their default graph."""
    global _default_eager
    _default_eager = eager


def default_is_eager() -> bool:
    """Tell whether a thread outside every `with` block executes eagerly."""
    return _default_eager


def executing_eagerly() -> bool:
    """Tell whether an operation called now runs its kernel at once, rather than becoming a node of a graph."""
    graphs = state.graphs
    return graphs[-1] is None if graphs else _default_eager


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """Execute eagerly within the block, whatever surrounds it."""
    state.graphs.append(None)
    try:
        yield
    finally:
        state.graphs.pop()


@contextlib.contextmanager
def stop_recording() -> Iterator[None]:
    """Hide operations from all tapes within the block; what observes every call, as numeric checks do, stays."""
    tapes = state.tapes
    state.tapes = [tape for tape in tapes if getattr(tape, "stays", False)] if tapes else []
    try:
        yield
    finally:
        state.tapes = tapes
