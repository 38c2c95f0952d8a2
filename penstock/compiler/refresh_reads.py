"""Reads of a reference variable by operations that wait for one of its updates."""

from __future__ import annotations

from penstock.compiler.aliasing import Aliases, writes
from penstock.compiler.dataflow import Dataflow, Edge, Node


def refresh_reads(dataflow: Dataflow) -> Dataflow:
    """Let operations that an edge orders after an update of a variable see the updated value.

    In TensorFlow 1 all uses of a reference variable share one node, `w/read`, made with the variable. An operation that
    was told to wait for an update, `with tf.control_dependencies([update]): tf.identity(w)`, means the value after it;
    so it is given a read of its own, which waits for the same updates. Operations that no edge orders keep the value
    from before.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    writers = [node for node in dataflow.nodes if writes(node)]
    reads = [node for node in dataflow.nodes if _is_snapshot(node)]
    if not writers or not reads:
        return dataflow
    aliases = Aliases(dataflow)
    updates: dict[Edge, int] = {}  # variable -> its writers, as bits
    bit = {node: 1 << number for number, node in enumerate(writers)}
    for node in writers:
        for edge in node.inputs:
            if edge.is_handle:
                for variable in aliases.of(edge):
                    updates[variable] = updates.get(variable, 0) | bit[node]
    concerned: dict[Node, int] = {}
    for node in reads:
        found = 0
        for variable in aliases.of(node.inputs[0]):
            found |= updates.get(variable, 0)
        if found:
            concerned[node] = found
    if not concerned:
        return dataflow
    before = _updates_before(dataflow, bit)
    fresh: dict[tuple[Node, int], Node] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        for position, edge in enumerate(node.inputs):
            source = edge.node
            if source is None or source not in concerned:
                continue
            awaited = before[node] & concerned[source] & ~before[source]
            if awaited:
                key = source, awaited
                if key not in fresh:
                    fresh[key] = _read_after(source, [w for w in writers if bit[w] & awaited])
                    nodes.append(fresh[key])
                node.inputs[position] = fresh[key].outputs[edge.output]
        nodes.append(node)
    return Dataflow(nodes, dataflow.feeds, dataflow.fetches, dataflow.targets)


def _is_snapshot(node: Node) -> bool:
    if node.op_def.name != "Identity" or not node.inputs[0].dtype._is_ref_dtype:
        return False
    return node.name == f"{node.inputs[0].name.rpartition(':')[0]}/read"


def _updates_before(dataflow: Dataflow, bit: dict[Node, int]) -> dict[Node, int]:
    """Return, for each node, the updates that edges order before it, as bits."""
    before: dict[Node, int] = {}
    for node in dataflow.nodes:
        found = 0
        for needed in (*(edge.node for edge in node.inputs), *node.controls):
            if needed is not None:
                found |= before[needed] | bit.get(needed, 0)
        before[node] = found
    return before


def _read_after(read: Node, updates: list[Node]) -> Node:
    types = ((edge.dtype, edge.dims) for edge in read.outputs)
    return Node(read.op_def, read.inputs, read.attrs, types, read.source, read.name, updates)
