"""The order in which nodes run: that of creation, as far as the edges allow."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from penstock.compiler.dataflow import Dataflow, Node
from penstock.core.errors import InvalidArgumentError


def schedule(dataflow: Dataflow) -> Dataflow:
    """Order the nodes so that each runs after what it needs; the earlier created of two ready nodes runs first.

    In this order side effects on one resource happen as the graph created them. A node without side effects that an
    earlier node needs, such as the empty list that a gradient gives to a loop of long ago, counts as created with it:
    the loop, and what follows from it, stay in their places.

    Raises:
        InvalidArgumentError: if nodes need each other in a cycle.
    """
    nodes = sorted(dataflow.nodes, key=_creation)
    position = {node: index for index, node in enumerate(nodes)}
    if any(position[needed] > index for index, node in enumerate(nodes) for needed in _needs(node)):
        nodes = _topological(_moved_to_users(_topological(nodes)))
    return Dataflow(nodes, dataflow.feeds, dataflow.fetches, dataflow.targets)


def _creation(node: Node) -> int:
    return node.source.index


def _needs(node: Node) -> Iterator[Node]:
    for edge in node.inputs:
        if edge.node is not None:
            yield edge.node
    yield from node.controls


def _moved_to_users(nodes: list[Node]) -> list[Node]:
    """Return nodes in the order of creation, with those that earlier ones need next to them.

    Args:
        nodes: in an order in which they can run.
    """
    created = {node: _creation(node) for node in nodes}
    for node in reversed(nodes):
        for needed in _needs(node):
            if not needed.op_def.is_stateful:
                created[needed] = min(created[needed], created[node])
    return sorted(nodes, key=created.__getitem__)


def _topological(nodes: list[Node]) -> list[Node]:
    position = {node: index for index, node in enumerate(nodes)}
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    waiting: dict[Node, int] = {}
    for node in nodes:
        needed = set(_needs(node))
        waiting[node] = len(needed)
        for item in needed:
            users[item].append(node)
    ready = [index for index, node in enumerate(nodes) if not waiting[node]]
    ordered: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        ordered.append(node)
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, position[user])
    if len(ordered) < len(nodes):
        stuck = _cycle([node for node in nodes if waiting[node]])
        path = " -> ".join(repr(node.name) for node in [*stuck, stuck[0]])
        raise InvalidArgumentError(
            stuck[0].source.node_def,
            stuck[0].source,
            f"Graph is invalid, contains a cycle with {len(stuck)} nodes: {path}. Remove one of these data or "
            "control edges.",
        )
    return ordered


def _cycle(nodes: list[Node]) -> list[Node]:
    remaining = set(nodes)
    path: list[Node] = []
    seen: dict[Node, int] = {}
    node = nodes[0]
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = next(needed for needed in _needs(node) if needed in remaining)
    return path[seen[node] :][::-1]
