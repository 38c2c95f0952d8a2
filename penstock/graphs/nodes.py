"""Nodes of GraphDefs and bodies of functions in a form that is easy to rewrite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from penstock.core.dtypes import DType
from penstock.core.shape import Dims


class Ref(NamedTuple):
    """An output of a node, or an argument of a body."""

    node: str
    output: int = 0

    def __str__(self) -> str:
        return f"{self.node}:{self.output}" if self.output else self.node


@dataclass
class Node:
    """A node of a graph that is not built yet.

    Attributes:
        name: unique among the nodes beside it.
        op: the operation's name, or a function's.
        inputs: what it takes, sequences flattened.
        controls: names of the nodes that must run before.
        attrs: AttrValue messages; Body or lists of Body where they were made by raising control flow.
        device: the requested device.
    """

    name: str
    op: str
    inputs: list[Ref] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)
    device: str = ""

    def copy(self, **changes: Any) -> Node:
        """Return a node like this one, with lists of its own."""
        values = {
            "name": self.name,
            "op": self.op,
            "inputs": list(self.inputs),
            "controls": list(self.controls),
            "attrs": dict(self.attrs),
            "device": self.device,
        }
        return Node(**{**values, **changes})


class Argument(NamedTuple):
    """An argument of a body; its type and shape where the function's signature tells them."""

    name: str
    dtype: DType | None = None
    is_ref: bool = False
    dims: Dims = None
    has_dims: bool = False


@dataclass
class Body:
    """A function that is not built yet.

    Attributes:
        name: the function's name.
        arguments: what it is called with; nodes refer to them as output 0 of a node of that name.
        nodes: its nodes.
        outputs: what it returns; None stands for a value that nobody looks at, of the type that the other branch gives.
        output_names: what the outputs are called in its signature.
        controls: nodes that run for their effects.
        attrs: attributes of the function, as AttrValue messages.
    """

    name: str
    arguments: list[Argument]
    nodes: list[Node]
    outputs: list[Ref | None]
    output_names: list[str] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)


def parse_ref(text: str) -> Ref:
    """Return what an input such as `a` or `a:1` refers to."""
    name, colon, index = text.rpartition(":")
    if colon and index.isdigit():
        return Ref(name, int(index))
    return Ref(text, 0)


def from_node_def(message: Any) -> Node:
    """Return a NodeDef message as a Node."""
    inputs = [parse_ref(text) for text in message.input if not text.startswith("^")]
    controls = [text[1:] for text in message.input if text.startswith("^")]
    return Node(message.name, message.op, inputs, controls, dict(message.attr), message.device)


def write_node_def(node: Node, message: Any) -> None:
    """Fill in a NodeDef message."""
    message.name, message.op, message.device = node.name, node.op, node.device
    message.input.extend(str(ref) for ref in node.inputs)
    message.input.extend(f"^{name}" for name in dict.fromkeys(node.controls))
    for name, value in node.attrs.items():
        message.attr[name].CopyFrom(value)


class CycleError(ValueError):
    """Nodes that need each other.

    Attributes:
        names: the names of the nodes on, or behind, a cycle.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"the nodes {', '.join(names[:10])} need each other in a cycle")
        self.names = names


def in_order(nodes: Sequence[Node], needs: Callable[[Node], Iterable[str]] | None = None) -> list[Node]:
    """Return nodes such that each stands after those that it needs, otherwise as they stood.

    Args:
        nodes: the nodes; names that none of them has are ignored.
        needs: the names of the nodes that a node needs; by default those of its inputs and controls.
    Raises:
        CycleError: if nodes need each other.
    """
    needs = needs or needed_names
    by_name = {node.name: node for node in nodes}
    done: set[str] = set()
    ordered: list[Node] = []
    for first in nodes:
        if first.name in done:
            continue
        active: dict[str, Iterator[str]] = {first.name: iter(list(needs(first)))}
        while active:
            name = next(reversed(active))
            for other in active[name]:
                if other in active:
                    names = list(active)
                    raise CycleError(names[names.index(other) :])
                if other in by_name and other not in done:
                    active[other] = iter(list(needs(by_name[other])))
                    break
            else:
                del active[name]
                done.add(name)
                ordered.append(by_name[name])
    return ordered


def needed_names(node: Node) -> Iterator[str]:
    """Yield the names of the nodes that a node takes something of, or waits for."""
    for ref in node.inputs:
        yield ref.node
    yield from node.controls


def unique_name(name: str, taken: set[str]) -> str:
    """Return a name like `name` that is not taken, and take it."""
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate
