"""Scopes that do their work in a graph and nothing in eager execution, so that training code need not ask in which it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from penstock.core import context
from penstock.core.graph import Graph, current_graph
from penstock.core.operation import Operation


def control_dependencies(control_inputs: Any) -> AbstractContextManager[Any]:
    """Make operations within the block wait for `control_inputs`; eagerly they have run already."""
    graph = current_graph()
    return contextlib.nullcontext() if graph is None else graph.control_dependencies(control_inputs)


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


def device(name: Any) -> AbstractContextManager[Any]:
    """Request a device for the operations made within the block; eager execution keeps its own."""
    graph = current_graph()
    return contextlib.nullcontext() if graph is None else graph.device(name)


def outermost_graph() -> Graph | None:
    """Return the graph that surrounds all functions being traced; None where that is eager execution."""
    graph = current_graph()
    while graph is not None and graph.building_function:
        graph = getattr(graph, "outer_graph", None)
    return graph


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Lift what is made within the block out of functions, control dependencies and gradient tapes.

    Variables of an optimizer are made in such a block: they live on after the function whose tracing asked for them.
    """
    graph = outermost_graph()
    with contextlib.ExitStack() as stack:
        if graph is not current_graph():
            stack.enter_context(context.eager_mode() if graph is None else graph.as_default())
        if graph is not None:
            stack.enter_context(graph.control_dependencies(None))
        stack.enter_context(context.stop_recording())
        yield
