"""Which values may share memory with a variable, a constant or a feed.

Updates of variables run in place. That is safe unless a value read from the variable earlier is still to be used;
`hazards` finds those updates, so that the generated program detaches the variable's memory first. And a value returned
to the user must be a
copy wherever anything else may write to, or was given, the same memory.
"""

from __future__ import annotations

from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.core.op_def import OpDef
from penstock.core.tensor import SymbolicTensor


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


def _is_handle(tensor: SymbolicTensor) -> bool:
    return tensor.dtype._is_ref_dtype or tensor.dtype.name == "resource"


def _takes_handle(node: Node) -> bool:
    return any(_is_handle(edge.tensor) for edge in node.inputs)


def writes(node: Node) -> bool:
    """Tell whether a node may write to the resources that it takes."""
    op_def: OpDef = node.op_def
    if op_def.name in _READERS:
        return False
    runs_bodies = any(attribute.kind in ("func", "list(func)") for attribute in op_def.attributes.values())
    return op_def.is_stateful and (runs_bodies or not op_def.is_view) and _takes_handle(node)


class Aliases:
    """For each value, the variables whose memory it may be; for each handle, the variables that it may stand for."""

    def __init__(self, dataflow: Dataflow) -> None:
        self._sources: dict[int, frozenset[object]] = {}
        # The arguments of a body may share memory with the variables that it is given.
        self._handles = frozenset(id(tensor) for tensor in dataflow.feeds if _is_handle(tensor))
        for node in dataflow.nodes:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        for tensor in node.source.outputs:
            handles = [self.of(edge) for edge in node.inputs if _is_handle(edge.tensor)]
            if _is_handle(tensor):
                found = frozenset().union(*handles) if handles else frozenset([id(node)])
            elif node.op_def.is_view:
                found = frozenset().union(*(self.of(edge) for edge in node.inputs))
            else:
                found = frozenset()
            self._sources[id(tensor)] = found

    def of(self, edge: Edge) -> frozenset[object]:
        """Return the variables that a value or handle may refer to."""
        if edge.node is None:
            return frozenset([id(edge.tensor)]) if _is_handle(edge.tensor) else self._handles
        return self._sources[id(edge.tensor)]


def hazards(dataflow: Dataflow) -> dict[Node, list[Edge]]:
    """Return the nodes that update variables whose earlier value is still in use, with the handles to detach."""
    if not any(writes(node) for node in dataflow.nodes):
        return {}
    aliases = Aliases(dataflow)
    last_use: dict[int, int] = {}
    edges: dict[int, Edge] = {}
    end = len(dataflow.nodes)
    for position, node in enumerate(dataflow.nodes):
        for edge in node.inputs:
            last_use[id(edge.tensor)] = position
            edges[id(edge.tensor)] = edge
    for edge in dataflow.fetches:
        last_use[id(edge.tensor)] = end
        edges[id(edge.tensor)] = edge
    live: dict[object, int] = {}  # variable -> last use of a value that shares its memory, among values made so far
    for tensor in dataflow.feeds:
        if not _is_handle(tensor) and id(tensor) in last_use:
            for source in aliases.of(Edge(None, tensor.value_index, tensor)):
                live[source] = max(live.get(source, -1), last_use[id(tensor)])
    found: dict[Node, list[Edge]] = {}
    for position, node in enumerate(dataflow.nodes):
        if writes(node):
            for edge in node.inputs:
                if _is_handle(edge.tensor) and any(live.get(source, -1) >= position for source in aliases.of(edge)):
                    found.setdefault(node, []).append(edge)
        for tensor in node.source.outputs:
            use = last_use.get(id(tensor))
            if use is not None and not _is_handle(tensor):
                for source in aliases.of(Edge(node, tensor.value_index, tensor)):
                    live[source] = max(live.get(source, -1), use)
    return found


def needs_copy(dataflow: Dataflow) -> list[bool]:
    """Tell for each fetch whether the user must be given a copy of the value."""
    kept = {id(edge.tensor) for node in dataflow.nodes if node.op_def.is_stateful for edge in node.inputs}
    result: list[bool] = []
    for edge in dataflow.fetches:
        node = edge.node
        fresh = (
            node is not None and not node.op_def.is_view and node.op_def.name != "Const" and not _is_handle(edge.tensor)
        )
        result.append(not fresh or id(edge.tensor) in kept)
    return result
