"""Which values may share memory with a variable, a constant or a feed.

Updates of variables run in place. That is safe unless a value read from the variable earlier is still to be used;
`hazards` finds those updates, so that the generated program detaches the variable's memory first. And a value returned
to the user must be a
copy wherever anything else may write to, or was given, the same memory.
"""

from __future__ import annotations

from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.core.op_def import OpDef


# Operations that take a variable, only read it, and return memory of their own.
_READERS = frozenset(
    {
        "IsVariableInitialized",
        "ResourceGather",
        "ResourceGatherNd",
        "VarIsInitializedOp",
        "VariableShape",
    }
)


def is_handle(edge: Edge) -> bool:
    """Tell whether a value stands for a resource, rather than being one."""
    return edge.tensor.dtype._is_ref_dtype or edge.tensor.dtype.name == "resource"


def writes(node: Node) -> bool:
    """Tell whether a node may write to the resources that it takes."""
    op_def: OpDef = node.op_def
    if not op_def.is_stateful or op_def.name in _READERS or not any(is_handle(edge) for edge in node.inputs):
        return False
    runs_bodies = any(attribute.kind in ("func", "list(func)") for attribute in op_def.attributes.values())
    return runs_bodies or not op_def.is_view


class Aliases:
    """For each value, the variables whose memory it may be; for each handle, the variables that it may stand for."""

    def __init__(self, dataflow: Dataflow) -> None:
        self._sources: dict[tuple[int, int], frozenset[object]] = {}
        given = [Edge(None, 0, tensor) for tensor in dataflow.feeds]
        handles = frozenset(edge.key for edge in given if is_handle(edge))
        for edge in given:
            # The arguments of a body may share memory with the variables that it is given.
            self._sources[edge.key] = frozenset([edge.key]) if is_handle(edge) else handles
        for node in dataflow.nodes:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        handles = [self.of(edge) for edge in node.inputs if is_handle(edge)]
        for output in node.edges():
            if is_handle(output):
                found = frozenset().union(*handles) if handles else frozenset([output.key])
            elif node.op_def.is_view:
                found = frozenset().union(*(self.of(edge) for edge in node.inputs))
            else:
                found = frozenset()
            self._sources[output.key] = found

    def of(self, edge: Edge) -> frozenset[object]:
        """Return the variables that a value or handle may refer to."""
        return self._sources[edge.key]


def hazards(dataflow: Dataflow) -> dict[Node, list[Edge]]:
    """Return the nodes that update variables whose earlier value is still in use, with the handles to detach."""
    if not any(writes(node) for node in dataflow.nodes):
        return {}
    aliases = Aliases(dataflow)
    last_use: dict[tuple[int, int], int] = {}
    for position, node in enumerate(dataflow.nodes):
        for edge in node.inputs:
            last_use[edge.key] = position
    for edge in dataflow.fetches:
        last_use[edge.key] = len(dataflow.nodes)
    live: dict[object, int] = {}  # variable -> last use of a value that shares its memory, among values made so far

    def note(edge: Edge) -> None:
        if not is_handle(edge) and edge.key in last_use:
            for source in aliases.of(edge):
                live[source] = max(live.get(source, -1), last_use[edge.key])

    for tensor in dataflow.feeds:
        note(Edge(None, 0, tensor))
    found: dict[Node, list[Edge]] = {}
    for position, node in enumerate(dataflow.nodes):
        if writes(node):
            for edge in node.inputs:
                if is_handle(edge) and any(live.get(source, -1) >= position for source in aliases.of(edge)):
                    found.setdefault(node, []).append(edge)
        for output in node.edges():
            note(output)
    return found


def needs_copy(dataflow: Dataflow) -> list[bool]:
    """Tell for each fetch whether the user must be given a copy of the value."""
    kept = {edge.key for node in dataflow.nodes if node.op_def.is_stateful for edge in node.inputs}
    result: list[bool] = []
    for edge in dataflow.fetches:
        node = edge.node
        fresh = node is not None and not node.op_def.is_view and node.op_def.name != "Const" and not is_handle(edge)
        result.append(not fresh or edge.key in kept)
    return result
