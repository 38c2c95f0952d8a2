"""What uses up large values runs as soon as it can, so that their memory serves what comes after.

The order of creation has all gradients computed before the first variable is updated, and lets an operation that asks
a large value for its shape, or sums it, keep it for long.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock.compiler.aliasing import Aliases, runs_bodies, writes
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.compiler.work import bytes_of

# Nodes that free less keep their places.
_WORTH_MOVING = 1 << 16  # bytes
# Inputs up to this size may move with a node that waits for them.
_SMALL = 1 << 12  # bytes

# Where a node runs: after the nodes whose places begin or come before its own. A node in its own place has that as its
# only number; one that moved has the place of what it waited for, and its own number.
_Place = tuple[int, ...]
_START: _Place = (-1,)


def shorten_lifetimes(dataflow: Dataflow) -> Dataflow:
    """Move nodes that free more memory than they take to where their inputs are made.

    These are nodes that compute values from values, and updates of variables, which stay behind the uses of what the
    variables held and behind effects of other kinds.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    movable = _movable(dataflow)
    if not movable:
        return dataflow
    places = _places(dataflow, movable)
    nodes = sorted(dataflow.nodes, key=places.__getitem__)
    return Dataflow(nodes, dataflow.feeds, dataflow.fetches, dataflow.targets)


def _movable(dataflow: Dataflow) -> set[Node]:
    """Return the nodes that free much, and the small ones that they wait for."""
    last_use = {edge: node for node in dataflow.nodes for edge in node.inputs}
    kept = {*dataflow.fetches, *dataflow.feeds}
    result: set[Node] = set()
    for node in reversed(dataflow.nodes):
        if node in result or not (_is_pure(node) or _is_update(node)):
            continue
        freed = sum(
            bytes_of(edge)
            for edge in set(node.inputs)
            if edge not in kept and edge.node is not None and edge.node.inputs and last_use[edge] is node
        )
        if freed - sum(map(bytes_of, node.outputs)) >= _WORTH_MOVING:
            result.add(node)
            result.update(_small_inputs(node))
    return result


def _small_inputs(node: Node) -> Iterable[Node]:
    """Yield what a node takes, directly or not, as far as it is small enough to move with it."""
    stack, seen = [node], {node}
    while stack:
        for edge in stack.pop().inputs:
            made_by = edge.node
            if made_by is None or made_by in seen:
                continue
            seen.add(made_by)
            if not made_by.inputs or (
                sum(map(bytes_of, made_by.outputs)) <= _SMALL and (_is_pure(made_by) or _is_read(made_by))
            ):
                yield made_by
                stack.append(made_by)


def _is_pure(node: Node) -> bool:
    op_def = node.op_def
    return not (op_def.is_stateful or op_def.injected or runs_bodies(op_def)) and not any(
        edge.is_handle for edge in node.inputs
    )


def _is_read(node: Node) -> bool:
    """Tell whether a node gives the value of a variable and does nothing else."""
    return node.op_def.name in ("Identity", "ReadVariableOp") and not node.outputs[0].is_handle


def _is_update(node: Node) -> bool:
    """Tell whether a node updates variables by a gradient."""
    return node.op_def.name.startswith(("Apply", "ResourceApply", "_FusedApply", "_FusedResourceApply"))


def _is_effect(node: Node) -> bool:
    """Tell whether updates must not run before a node that they stand behind."""
    if _is_update(node) or _is_read(node) or node.op_def.name.startswith("Random"):
        return False
    return writes(node) or (node.op_def.is_stateful and bool(node.inputs))


def _places(dataflow: Dataflow, movable: set[Node]) -> dict[Node, _Place]:
    """Return where each node runs."""
    aliases = Aliases(dataflow)
    places: dict[Node, _Place] = {}
    last_touch: dict[Edge, _Place] = {}  # variable -> where it, or a value that may share its memory, was used last
    last_update: dict[Edge, _Place] = {}
    last_effect = _START
    for index, node in enumerate(dataflow.nodes):
        variables = {variable for edge in node.inputs for variable in aliases.of(edge)}
        written = {variable for edge in node.inputs if edge.is_handle for variable in aliases.of(edge)}
        place: _Place = (index,)
        if node in movable:
            waits = [places[edge.node] for edge in node.inputs if edge.node is not None]
            waits.extend(places[control] for control in node.controls)
            if _is_update(node):
                waits.append(last_effect)
                waits.extend(last_touch.get(variable, _START) for variable in written)
            else:
                waits.extend(last_update.get(variable, _START) for variable in written)
            place = (*max(waits, default=_START), index)
        places[node] = place
        if writes(node):
            last_update.update((v, max(place, last_update.get(v, _START))) for v in written)
        last_touch.update((v, max(place, last_touch.get(v, _START))) for v in variables)
        if _is_effect(node):
            last_effect = max(last_effect, place)
    return places
