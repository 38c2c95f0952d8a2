"""Values of resource variables after their updates, without a read of their memory."""

from __future__ import annotations

from penstock.compiler.aliasing import Aliases, may_run_anything, writes
from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire
from penstock.compiler.fuse_elementwise import is_elementwise
from penstock.core.op_def import lookup

# What an update adds to a variable becomes a sum of values of these operations.
_SUMS = {"AssignAddVariableOp": "AddV2", "AssignSubVariableOp": "Sub"}


class _Known:
    """The values of variables, as far as they are known at some point of a step.

    Attributes:
        values: variable -> its value.
    """

    def __init__(self, dataflow: Dataflow) -> None:
        self._aliases = Aliases(dataflow)
        self.values: dict[Edge, Edge] = {}

    def variable(self, handle: Edge) -> Edge | None:
        """Return the variable that a handle stands for, None if it may be one of several."""
        found = self._aliases.of(handle)
        return next(iter(found)) if len(found) == 1 else None

    def forget(self, node: Node) -> None:
        """Note that a node has run, which may have changed variables."""
        if writes(node):
            for handle in node.inputs:
                if handle.is_handle:
                    for variable in self._aliases.of(handle):
                        self.values.pop(variable, None)
        if may_run_anything(node):
            self.values.clear()


def forward_updates(dataflow: Dataflow) -> Dataflow:
    """Let reads of a variable after its update in the same step take the value that it was given, and updates by a sum
    or difference of elementwise results become that sum, and its assignment.

    What an optimizer does with a variable and its slots is then one chain of elementwise operations, with assignments
    at its side, instead of one chain from each read to the next update.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    if not any(node.op_def.name in (*_SUMS, "AssignVariableOp") for node in dataflow.nodes):
        return dataflow
    known = _Known(dataflow)
    awaited = {control for node in dataflow.nodes for control in node.controls}
    targets = set(dataflow.targets)
    replaced: dict[Edge, Edge] = {}
    instead: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        name = node.op_def.name
        variable = known.variable(node.inputs[0]) if node.inputs and node.inputs[0].is_handle else None
        if name == "ReadVariableOp" and variable is not None:
            value = known.values.get(variable)
            if value is None:
                known.values[variable] = node.output
            elif node not in awaited and node not in targets and _alike(value, node.output):
                replaced[node.output] = value
                continue
        elif name == "AssignVariableOp" and variable is not None:
            known.values[variable] = node.inputs[1]
        elif (
            name in _SUMS
            and variable is not None
            and node not in awaited
            and _is_worth_it(node, known.values.get(variable))
        ):
            total, assign = _as_assignment(node, known.values[variable])
            instead[node] = assign
            nodes += [total, assign]
            known.values[variable] = total.output
            continue
        else:
            known.forget(node)
        nodes.append(node)
    if not replaced and not instead:
        return dataflow
    kept = [instead.get(node, node) for node in dataflow.targets]
    return rewire(Dataflow(nodes, dataflow.feeds, dataflow.fetches, kept), replaced)


def _alike(value: Edge, other: Edge) -> bool:
    return value.dtype == other.dtype and value.dims is not None and value.dims == other.dims


def _is_worth_it(update: Node, value: Edge | None) -> bool:
    """Tell whether a sum, in place of an update, would be part of a chain."""
    change = update.inputs[1]
    if value is None or update.controls or change.node is None or not _alike(value, change):
        return False
    return not (None in value.dims or value.dims == ()) and is_elementwise(change.node)  # type: ignore[operator]


def _as_assignment(update: Node, value: Edge) -> tuple[Node, Node]:
    handle, change = update.inputs
    total = make_node(lookup(_SUMS[update.op_def.name]), [value, change], [value.dims], update, f"{update.name}/value")
    assign = make_node(lookup("AssignVariableOp"), [handle, total.output], [], update, dtype=update.attrs["dtype"])
    return total, assign
