"""Leaving the bodies of functions, branches and loops, as the making of variables must."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from penstock.core import context
from penstock.core.graph import Graph, bottom_graph, current_graph, name_scope


def outermost_graph() -> Graph | None:
    """Return the graph around all functions being built; None where that is eager execution."""
    for graph in reversed(context.state.graphs):
        if graph is None or not graph.building_function:
            return graph
    return None if context.default_is_eager() else bottom_graph()


def executing_eagerly_outside_functions() -> bool:
    """Tell whether what surrounds all functions being built is eager execution."""
    return outermost_graph() is None


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Leave all functions, branches and loops being built, and all control dependencies; tapes do not record.

    Operations within the block go to the outermost graph, or are executed where that is eager execution. The name
    scope stays.
    """
    graph = current_graph()
    outer = outermost_graph()
    if graph is None:
        with context.stop_recording():
            yield
        return
    scope = graph.get_name_scope()
    with contextlib.ExitStack() as stack:
        context.state.graphs.append(outer)
        stack.callback(context.state.graphs.pop)
        stack.enter_context(context.stop_recording())
        if outer is not None:
            stack.enter_context(outer.control_dependencies(None))
        if outer is not graph:
            stack.enter_context(name_scope(f"{scope}/" if scope else None))
        yield
