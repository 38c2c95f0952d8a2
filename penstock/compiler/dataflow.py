"""The compiler's own form of a graph: the nodes that a set of fetches needs, and the edges between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from penstock.core.op_def import OpDef
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor


class Node:
    """A call of an operation. Passes may change everything but the operation of the graph that it stems from.

    Attributes:
        op_def: the declared operation.
        name: the name in the graph, for messages and generated source.
        inputs: edges, sequences flattened.
        controls: nodes that must have run before.
        attrs: all attributes.
        source: the operation of the graph; its position in the order of creation orders side effects.
    """

    __slots__ = ("attrs", "controls", "inputs", "name", "op_def", "source")

    def __init__(self, source: Operation) -> None:
        self.op_def: OpDef = source.op_def
        self.name = source.name
        self.inputs: list[Edge] = []
        self.controls: list[Node] = []
        self.attrs: dict[str, Any] = source.attrs
        self.source = source

    def edges(self) -> list[Edge]:
        """Return the node's outputs."""
        return [Edge(self, tensor.value_index, tensor) for tensor in self.source.outputs]

    def __repr__(self) -> str:
        return f"<{self.op_def.name} {self.name!r}>"


class Edge(NamedTuple):
    """An output of a node, or a value that is fed or passed as an argument."""

    node: Node | None
    output: int
    tensor: SymbolicTensor

    @property
    def key(self) -> tuple[int, int]:
        """What tells this value from all others of the dataflow."""
        return (id(self.tensor), -1) if self.node is None else (id(self.node), self.output)


class Dataflow:
    """Nodes in an order in which they can run, the values that come from outside, and those that go there.

    Attributes:
        nodes: what must run.
        feeds: tensors whose values are given.
        fetches: edges whose values are wanted.
    """

    def __init__(self, nodes: list[Node], feeds: list[SymbolicTensor], fetches: list[Edge]) -> None:
        self.nodes = nodes
        self.feeds = feeds
        self.fetches = fetches

    def __str__(self) -> str:
        lines = [f"dataflow({', '.join(t.name for t in self.feeds)}):"]
        for node in self.nodes:
            inputs = ", ".join(edge.tensor.name for edge in node.inputs)
            controls = "".join(f" ^{control.name}" for control in node.controls)
            lines.append(f"  {node.name} = {node.op_def.name}({inputs}){controls}")
        lines.append(f"  return {', '.join(edge.tensor.name for edge in self.fetches)}")
        return "\n".join(lines)


def prune(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    done: Collection[Operation] = (),
) -> Dataflow:
    """Keep what the fetches and targets need, by data or control edges.

    Args:
        fetches: tensors whose values are wanted.
        targets: operations that must run.
        feeds: tensors whose values are given; what only they need is left out.
        done: operations that have run already, whose outputs are among the feeds.
    """
    fed = set(map(id, feeds))
    # To wait for a placeholder that is fed is to wait for nothing.
    done_set = {*done, *(tensor.op for tensor in feeds if tensor.op.type in ("Placeholder", "PlaceholderV2"))}
    nodes: dict[Operation, Node] = {}
    stack = [tensor.op for tensor in fetches if id(tensor) not in fed]
    stack.extend(op for op in targets if op not in done_set)
    while stack:
        op = stack.pop()
        if op in nodes or op in done_set:
            continue
        nodes[op] = Node(op)
        stack.extend(tensor.op for tensor in op.inputs if id(tensor) not in fed)
        stack.extend(op.control_inputs)

    def edge(tensor: SymbolicTensor) -> Edge:
        return Edge(None if id(tensor) in fed else nodes[tensor.op], tensor.value_index, tensor)

    for op, node in nodes.items():
        node.inputs = [edge(tensor) for tensor in op.inputs]
        node.controls = [nodes[control] for control in op.control_inputs if control in nodes]
    return Dataflow(list(nodes.values()), list(feeds), [edge(tensor) for tensor in fetches])
