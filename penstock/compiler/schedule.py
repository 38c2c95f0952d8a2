"""The order in which nodes run: that of creation, as far as the edges allow."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from penstock.compiler.dataflow import Dataflow, Node
from penstock.core.errors import InvalidArgumentError


def schedule(dataflow: Dataflow) -> Dataflow:
    """Order the nodes so that each runs after what it needs; the earlier created of two ready nodes runs first.

    In this order side effects on one resource happen as the graph created them.

    Raises:
        InvalidArgumentError: if nodes need each other in a cycle.
    """
    nodes = sorted(dataflow.nodes, key=_creation)
    position = {id(node): index for index, node in enumerate(nodes)}
    if any(position[id(needed)] > index for index, node in enumerate(nodes) for needed in _needs(node)):
        nodes = _topological(nodes)
    return Dataflow(nodes, dataflow.feeds, dataflow.fetches)


def _creation(node: Node) -> int:
    return node.source.index


def _needs(node: Node) -> Iterator[Node]:
    for edge in node.inputs:
        if edge.node is not None:
            yield edge.node
    yield from node.controls


def _topological(nodes: list[Node]) -> list[Node]:
    users: dict[int, list[Node]] = {id(node): [] for node in nodes}
    waiting: dict[int, int] = {}
    for node in nodes:
        needed = {id(item): item for item in _needs(node)}
        waiting[id(node)] = len(needed)
        for key in needed:
            users[key].append(node)
    ready = [(node.source.index, id(node), node) for node in nodes if not waiting[id(node)]]
    heapq.heapify(ready)
    ordered: list[Node] = []
    while ready:
        node = heapq.heappop(ready)[2]
        ordered.append(node)
        for user in users[id(node)]:
            waiting[id(user)] -= 1
            if not waiting[id(user)]:
                heapq.heappush(ready, (user.source.index, id(user), user))
    if len(ordered) < len(nodes):
        stuck = _cycle([node for node in nodes if waiting[id(node)]])
        path = " -> ".join(repr(node.name) for node in [*stuck, stuck[0]])
        raise InvalidArgumentError(
            stuck[0].source.node_def,
            stuck[0].source,
            f"Graph is invalid, contains a cycle with {len(stuck)} nodes: {path}. Remove one of these data or "
            "control edges.",
        )
    return ordered


def _cycle(nodes: list[Node]) -> list[Node]:
    remaining = {id(node) for node in nodes}
    path: list[Node] = []
    seen: dict[int, int] = {}
    node = nodes[0]
    while id(node) not in seen:
        seen[id(node)] = len(path)
        path.append(node)
        node = next(needed for needed in _needs(node) if id(needed) in remaining)
    return path[seen[id(node)] :][::-1]
