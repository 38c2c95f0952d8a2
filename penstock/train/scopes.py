"""Colocation with variables, which may be eager or of another graph than the one being built."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from penstock.core.graph import current_graph
from penstock.core.operation import Operation


def colocate_with(target: Any) -> AbstractContextManager[Any]:
    """Place operations within the block with `target`: an operation, tensor or variable of the current graph.

    Eagerly, and for what lies outside the graph that is being built, the block changes nothing.
    """
    graph = current_graph()
    if graph is None:
        return contextlib.nullcontext()
    op = target if isinstance(target, Operation) else getattr(target, "op", None)
    if not isinstance(op, Operation) or op.graph is not graph:
        return contextlib.nullcontext()
    return graph.colocate_with(op)
