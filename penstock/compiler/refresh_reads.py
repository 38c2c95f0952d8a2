"""Reads of a reference variable by operations that wait for one of its updates."""

from __future__ import annotations

from penstock.compiler.aliasing import Aliases, is_handle, writes
from penstock.compiler.dataflow import Dataflow, Edge, Node


def refresh_reads(dataflow: Dataflow) -> Dataflow:
    """Let operations that an edge orders after an update of a variable see the updated value.

    In TensorFlow 1 all uses of a reference variable share one node, `w/read`, made with the variable. An operation that was told to
    wait for an update, `with tf.control_dependencies([update]): tf.identity(w)`, means the value after it; so it is given
    a read of its own, which waits for the same updates. Operations that no edge orders keep the value from before.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    writers = [node for node in dataflow.nodes if writes(node)]
    reads = [node for node in dataflow.nodes if _is_snapshot(node)]
    if not writers or not reads:
        return dataflow
    aliases = Aliases(dataflow)
    updates: dict[object, int] = {}  # variable -> its writers, as bits
    bit = {id(node): 1 << number for number, node in enumerate(writers)}
    for node in writers:
        for edge in node.inputs:
            if is_handle(edge):
                for variable in aliases.of(edge):
                    updates[variable] = updates.get(variable, 0) | bit[id(node)]
    concerned: dict[int, int] = {}
    for node in reads:
        found = 0
        for variable in aliases.of(node.inputs[0]):
            found |= updates.get(variable, 0)
        if found:
            concerned[id(node)] = found
    if not concerned:
        return dataflow
    before = _updates_before(dataflow, bit)
    fresh: dict[tuple[int, int], Node] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        for position, edge in enumerate(node.inputs):
            source = edge.node
            if source is None or id(source) not in concerned:
                continue
            awaited = before[id(node)] & concerned[id(source)] & ~before[id(source)]
            if awaited:
                key = id(source), awaited
                if key not in fresh:
                    fresh[key] = _read_after(source, [w for w in writers if bit[id(w)] & awaited])
                    nodes.append(fresh[key])
                node.inputs[position] = Edge(fresh[key], edge.output, edge.tensor)
        nodes.append(node)
    return Dataflow(nodes, dataflow.feeds, dataflow.fetches)


def _is_snapshot(node: Node) -> bool:
    if node.op_def.name != "Identity" or not node.inputs[0].tensor.dtype._is_ref_dtype:
        return False
    return node.name == f"{node.inputs[0].tensor.op.name}/read"


def _updates_before(dataflow: Dataflow, bit: dict[int, int]) -> dict[int, int]:
    """Return, for each node, the updates that edges order before it, as bits."""
    before: dict[int, int] = {}
    for node in dataflow.nodes:
        found = 0
        for needed in (*(edge.node for edge in node.inputs), *node.controls):
            if needed is not None:
                found |= before[id(needed)] | bit.get(id(needed), 0)
        before[id(node)] = found
    return before


def _read_after(read: Node, updates: list[Node]) -> Node:
    node = Node(read.source)
    node.inputs = list(read.inputs)
    node.controls = updates
    return node
