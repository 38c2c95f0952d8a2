"""Which values may share memory with a variable, a constant or a feed.

Updates of variables run in place. That is safe unless a value read from the variable earlier is still to be used;
`hazards` finds those updates, so that the generated program detaches the variable's memory first. And a value returned
to the user must be a copy wherever anything else may write to, or was given, the same memory.
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

# Those that read all that they need before they write, element by element.
_WRITE_WHAT_THEY_READ = frozenset({"_ElementwiseUpdate"})

# Stateful operations that are worth nothing unless their results are used.
MERELY_GIVE = frozenset(
    {
        "IsVariableInitialized",
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "Placeholder",
        "RandomGamma",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "ResourceGather",
        "ResourceGatherNd",
        "TruncatedNormal",
        "VarHandleOp",
        "VarIsInitializedOp",
        "VariableShape",
        "VariableV2",
    }
)


def runs_bodies(op_def: OpDef) -> bool:
    """Tell whether an operation calls functions: a branch, a loop or a call."""
    return any(attribute.kind in ("func", "list(func)") for attribute in op_def.attributes.values())


def is_view(node: Node) -> bool:
    """Tell whether the outputs of a node may share memory with its inputs."""
    op_def: OpDef = node.op_def
    return op_def.is_view and (op_def.view_rule is None or op_def.view_rule(node.attrs))


def writes(node: Node) -> bool:
    """Tell whether a node may write to the resources that it takes."""
    op_def: OpDef = node.op_def
    if not op_def.is_stateful or op_def.name in _READERS or not any(edge.is_handle for edge in node.inputs):
        return False
    return runs_bodies(op_def) or not op_def.is_view


def may_run_anything(node: Node) -> bool:
    """Tell whether a node may read or update variables other than those that it takes."""
    op_def = node.op_def
    if not op_def.is_stateful or op_def.name in MERELY_GIVE:
        return False
    return runs_bodies(op_def) or not any(edge.is_handle for edge in node.inputs)


class Aliases:
    """For each value, the variables whose memory it may be; for each handle, the variables that it may stand for.

    Args:
        dataflow: nodes in an order in which they can run.
        arguments_apart: whether the values fed are known not to share memory with variables.
    """

    def __init__(self, dataflow: Dataflow, arguments_apart: bool = False) -> None:
        self._sources: dict[Edge, frozenset[Edge]] = {}
        handles = frozenset() if arguments_apart else frozenset(edge for edge in dataflow.feeds if edge.is_handle)
        for edge in dataflow.feeds:
            # The arguments of a body may share memory with the variables that it is given.
            self._sources[edge] = frozenset([edge]) if edge.is_handle else handles
        for node in dataflow.nodes:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        handles = [self.of(edge) for edge in node.inputs if edge.is_handle]
        for output in node.outputs:
            if output.is_handle:
                found = frozenset().union(*handles) if handles else frozenset([output])
            elif is_view(node):
                found = frozenset().union(*(self.of(edge) for edge in node.inputs))
            else:
                found = frozenset()
            self._sources[output] = found

    def of(self, edge: Edge) -> frozenset[Edge]:
        """Return the variables that a value or handle may refer to."""
        return self._sources[edge]


def hazards(dataflow: Dataflow) -> dict[Node, list[Edge]]:
    """Return the nodes that update variables whose earlier value is still in use, with the handles to detach."""
    if not any(writes(node) for node in dataflow.nodes):
        return {}
    aliases = Aliases(dataflow)
    last_use: dict[Edge, int] = {}
    for position, node in enumerate(dataflow.nodes):
        for edge in node.inputs:
            last_use[edge] = position
    for edge in dataflow.fetches:
        last_use[edge] = len(dataflow.nodes)
    live: dict[Edge, int] = {}  # variable -> last use of a value that shares its memory, among values made so far

    def note(edge: Edge) -> None:
        if not edge.is_handle and edge in last_use:
            for source in aliases.of(edge):
                live[source] = max(live.get(source, -1), last_use[edge])

    for edge in dataflow.feeds:
        note(edge)
    found: dict[Node, list[Edge]] = {}
    for position, node in enumerate(dataflow.nodes):
        if writes(node):
            needed_from = position + (node.op_def.name in _WRITE_WHAT_THEY_READ)
            for edge in node.inputs:
                if edge.is_handle and any(live.get(source, -1) >= needed_from for source in aliases.of(edge)):
                    found.setdefault(node, []).append(edge)
        for output in node.outputs:
            note(output)
    return found


def needs_copy(dataflow: Dataflow) -> list[bool]:
    """Tell for each fetch whether the user must be given a copy of the value."""
    kept = {edge for node in dataflow.nodes if node.op_def.is_stateful for edge in node.inputs}
    result: list[bool] = []
    for edge in dataflow.fetches:
        node = edge.node
        fresh = node is not None and not is_view(node) and node.op_def.name != "Const" and not edge.is_handle
        result.append(not fresh or edge in kept)
        kept.add(edge)  # of a value that is fetched twice, each fetch gets its own
    return result


def shares_variable(dataflow: Dataflow) -> list[bool]:
    """Tell for each fetch whether its memory may be a variable's, where what is fed is known not to be."""
    aliases = Aliases(dataflow, arguments_apart=True)
    return [not edge.is_handle and bool(aliases.of(edge)) for edge in dataflow.fetches]
