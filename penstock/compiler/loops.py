"""Loops as the compiler's passes see them: condition, body and variables of one While, which a pass may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.compiler.dataflow import Dataflow, Edge, Node, rewire
from penstock.core.dtypes import DType
from penstock.core.shape import Dims

LOOPS = ("While", "StatelessWhile")


class LoopBody:
    """The condition or body of a loop that a pass has changed. It stands for a function in the attributes of the loop.

    Attributes:
        name: for the generated source.
        dataflow: what runs; its feeds are the loop's variables.
    """

    def __init__(self, name: str, dataflow: Dataflow) -> None:
        self.name = name
        self.dataflow = dataflow

    @property
    def inputs(self) -> list[Edge]:
        """The loop's variables."""
        return self.dataflow.feeds


class Loop:
    """A loop while passes change it.

    Attributes:
        node: the loop as it was.
        condition, body: what runs; the feeds of both, and the fetches of the body, are the loop's variables.
        initial: the first value of each variable.
        before: new nodes that run before the loop.
        unused: the variables whose last value nothing outside uses.
        is_changed: whether the loop is to be written anew.
    """

    def __init__(self, node: Node, condition: Dataflow, body: Dataflow, unused: set[int]) -> None:
        self.node = node
        self.condition = condition
        self.body = body
        self.initial = list(node.inputs)
        self.before: list[Node] = []
        self.unused = unused
        self._last: dict[int, Callable[[Edge], Node]] = {}  # variable -> what makes the last value from the variable
        self.is_changed = False

    def is_invariant(self, edge: Edge) -> bool:
        """Tell whether a value of the body is a variable that no iteration changes."""
        return edge.node is None and edge in self.body.feeds and self.body.fetches[self.body.feeds.index(edge)] is edge

    def first_value(self, edge: Edge) -> Edge:
        """Return the value, outside the loop, that a variable has in the first iteration."""
        return self.initial[self.body.feeds.index(edge)]

    def decides(self, index: int) -> bool:
        """Tell whether the condition uses a variable."""
        edge = self.condition.feeds[index]
        return edge in self.condition.fetches or any(edge in node.inputs for node in self.condition.nodes)

    def add_invariant(self, value: Edge, name: str) -> Edge:
        """Give the loop a variable that no iteration changes.

        Args:
            value: a value outside the loop.
            name: what the variable is called.
        Returns:
            The variable in the body.
        """
        inside = Edge(None, 0, value.dtype.base_dtype, value.dims, f"{name}:0")
        self.initial.append(value)
        self.condition.feeds.append(Edge(None, 0, inside.dtype, inside.dims, inside.name))
        self.body.feeds.append(inside)
        self.body.fetches.append(inside)
        self.unused.add(len(self.initial) - 1)
        self.is_changed = True
        return inside

    def change_variable(
        self,
        index: int,
        first: Edge,
        following: Callable[[Edge], Edge],
        last: Callable[[Edge], Node],
    ) -> None:
        """Let a variable, which the condition does not use, hold something else.

        Args:
            index: which variable.
            first: its first value.
            following: from the variable to its value after an iteration, both of the body.
            last: from the variable after the last iteration to the node that makes what it was of it.
        """
        name = self.body.feeds[index].name
        edges = [Edge(None, 0, first.dtype.base_dtype, first.dims, name) for _ in range(2)]
        self.initial[index] = first
        self.condition.feeds[index], self.body.feeds[index] = edges
        self.body.fetches[index] = following(edges[1])
        if index not in self.unused:
            self._last[index] = last
        self.is_changed = True

    def nodes(self, finish: Callable[[Dataflow], Dataflow], replaced: dict[Edge, Edge]) -> list[Node]:
        """Return the nodes that do what the loop did.

        Args:
            finish: the passes that condition and body go through after those that change loops.
            replaced: gets the values to use in place of the old loop's.
        """
        node = self.node
        attrs: dict[str, Any] = {
            **node.attrs,
            "T": [edge.dtype.base_dtype for edge in self.body.feeds],
            "output_shapes": [],
            "cond": LoopBody(node.attrs["cond"].name, finish(self.condition)),
            "body": LoopBody(node.attrs["body"].name, finish(self.body)),
        }
        types = [_type_after(edge, old) for edge, old in zip(self.body.feeds, _padded(node, self.body), strict=True)]
        loop = Node(node.op_def, self.initial, attrs, types, node.source, node.name, node.controls)
        after: list[Node] = []
        for index, (old, new) in enumerate(zip(node.outputs, loop.outputs, strict=False)):
            if index in self._last:
                made = self._last[index](new)
                after.append(made)
                new = made.output
            replaced[old] = new
        return [*self.before, loop, *after]


# Operations that passes over loops look for.
_CHANGED = frozenset({"MatMul", "TensorListPopBack", "TensorListPushBack"})


def _may_change(function: Any) -> bool:
    """Tell whether it may be worthwhile to look into a body."""
    return not isinstance(function, LoopBody) and any(op.type in _CHANGED for op in function.get_operations())


def _padded(node: Node, body: Dataflow) -> Sequence[Edge | None]:
    return [*node.outputs, *[None] * (len(body.feeds) - len(node.outputs))]


def _type_after(inside: Edge, old: Edge | None) -> tuple[DType, Dims]:
    return inside.dtype, old.dims if old is not None and old.dtype is inside.dtype else inside.dims


def rewrite_loops(
    dataflow: Dataflow,
    passes: Sequence[Callable[[Loop], None]],
    prepare: Callable[[Any], Dataflow],
    finish: Callable[[Dataflow], Dataflow],
) -> Dataflow:
    """Run passes on each loop of a dataflow; a loop that none of them changes stays as it is.

    Args:
        dataflow: nodes in an order in which they can run.
        passes: what may change a loop.
        prepare: from the function of a condition or body to its dataflow, after the passes that come before these.
        finish: the passes that come after these.
    """
    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    used: set[Edge] | None = None
    for node in dataflow.nodes:
        made = [node]
        if node.op_def.name in LOOPS and _may_change(node.attrs["body"]):
            if used is None:
                used = {edge for other in dataflow.nodes for edge in other.inputs}.union(dataflow.fetches)
            unused = {index for index, edge in enumerate(node.outputs) if edge not in used}
            loop = Loop(node, prepare(node.attrs["cond"]), prepare(node.attrs["body"]), unused)
            loop.initial = [replaced.get(edge, edge) for edge in loop.initial]
            for change in passes:
                change(loop)
            if loop.is_changed:
                made = loop.nodes(finish, replaced)
                last = made[-1]
                for other in dataflow.nodes:
                    other.controls = [last if control is node else control for control in other.controls]
                dataflow.targets = [last if target is node else target for target in dataflow.targets]
        nodes.extend(made)
    return rewire(dataflow, replaced, nodes) if replaced else dataflow
