"""All variable updates of one optimizer's step in one multi-tensor kernel."""

from __future__ import annotations

from collections.abc import Hashable

from penstock.compiler.aliasing import Aliases
from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire
from penstock.compiler.work import bytes_of
from penstock.core.dtypes import FLOATING
from penstock.ops.fused.updates import FUSED_UPDATES

# From this size on, the memory of a gradient is worth more than what it costs to call a kernel for it alone.
_LARGE_GRADIENT = 1 << 20  # bytes


class _Group:
    """Updates by one rule that may run as one, where the last of them stands.

    Attributes:
        members: the updates in order.
        variables: what they read and write.
    """

    def __init__(self) -> None:
        self.members: list[Node] = []
        self.variables: set[Edge] = set()


def fuse_updates(dataflow: Dataflow) -> Dataflow:
    """Replace updates by the same rule with the same hyperparameters by one update of all their variables.

    The earlier of them move to where the last one stands. So nothing in between may use what they update, wait for
    them, or take their outputs; and no two of them may update the same variable. A large gradient does not wait for
    others: its variable is updated alone, by the same kernel.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    if not any(node.op_def.name in FUSED_UPDATES for node in dataflow.nodes):
        return dataflow
    aliases = Aliases(dataflow)
    open_groups: dict[Hashable, _Group] = {}
    groups: list[_Group] = []
    for node in dataflow.nodes:
        touched: set[Edge] = set()
        for edge in node.inputs:
            if edge.is_handle:
                touched |= aliases.of(edge)
        needed = {edge.node for edge in node.inputs}.union(node.controls)
        # A group ends where something uses what it updates.
        for key in [key for key, group in open_groups.items() if _meet(group, touched, needed)]:
            del open_groups[key]
        key = _key(node)
        if key is None:
            continue
        group = None if _is_large(node) else open_groups.get(key)
        if group is None:
            group = _Group()
            groups.append(group)
            if not _is_large(node):
                open_groups[key] = group
        group.members.append(node)
        group.variables |= touched
    last = {group.members[-1]: group for group in groups if len(group.members) > 1 or _is_large(group.members[0])}
    if not last:
        return dataflow
    fused: dict[Node, Node] = {}
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        nodes.append(node)
        if node in last:
            members = last[node].members
            whole = _fuse(members)
            nodes.append(whole)
            for member, output in zip(members, whole.outputs, strict=bool(whole.outputs)):
                replaced[member.output] = output
            fused.update(dict.fromkeys(members, whole))
    nodes = [node for node in nodes if node not in fused]
    for node in nodes:
        if node.controls:
            node.controls = list(dict.fromkeys(fused.get(control, control) for control in node.controls))
    targets = list(dict.fromkeys(fused.get(node, node) for node in dataflow.targets))
    return rewire(Dataflow(nodes, dataflow.feeds, dataflow.fetches, targets), replaced)


def _meet(group: _Group, touched: set[Edge], needed: set[Node | None]) -> bool:
    return not group.variables.isdisjoint(touched) or any(member in needed for member in group.members)


def _key(node: Node) -> Hashable:
    """Return what the updates of a group have in common, None for a node that cannot be in one."""
    if node.op_def.name not in FUSED_UPDATES or node.attrs["T"] not in FLOATING:
        return None
    shared = tuple(edge for argument, edge in zip(node.op_def.inputs, node.inputs, strict=True) if argument.is_host)
    if any(edge.is_handle for edge in shared):
        return None  # read when the update runs
    return node.op_def.name, node.attrs["T"], node.attrs.get("use_nesterov"), shared


def _is_large(node: Node) -> bool:
    return any(bytes_of(edge) >= _LARGE_GRADIENT for edge in node.inputs)


def _fuse(members: list[Node]) -> Node:
    first, last = members[0], members[-1]
    inputs: list[Edge] = []
    for position, argument in enumerate(first.op_def.inputs):
        if argument.is_host:
            inputs.append(first.inputs[position])
        else:
            inputs.extend(member.inputs[position] for member in members)
    op_def = FUSED_UPDATES[first.op_def.name]
    dims = [member.output.dims for member in members] if op_def.outputs else []
    attrs = {name: first.attrs[name] for name in op_def.kernel_attributes}
    name = f"{first.name}_and_others" if len(members) > 1 else first.name
    node = make_node(op_def, inputs, dims, last, name, N=len(members), **attrs)
    node.controls = list(dict.fromkeys(control for member in members for control in member.controls))
    return node
