"""Computing equal expressions once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from penstock.compiler.aliasing import Aliases, runs_bodies, writes
from penstock.compiler.dataflow import Dataflow, Edge, Node, rewire

# Larger constants are compared by identity: looking for equal ones would cost more than they do.
_LARGEST_COMPARED_BYTES = 4096


def merge_common(dataflow: Dataflow) -> Dataflow:
    """Let nodes that compute the same from the same share one result: operation, inputs, attributes and control edges.

    Two reads of a variable are the same where nothing in between may update it. Operations with effects and random
    operations stay as they are.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    first: dict[Hashable, Node] = {}
    reads: dict[Node, Node] = {}  # a read that is taken out -> the one that stands for it
    versions = _Versions(dataflow)
    for node in dataflow.nodes:
        if replaced:
            node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        if reads and node.controls:
            node.controls = list(dict.fromkeys(reads.get(control, control) for control in node.controls))
        op_def = node.op_def
        if op_def.name == "ReadVariableOp":
            same = first.setdefault((_key(node), versions.of(node.inputs[0])), node)
            if same is not node:
                reads[node] = same
                replaced[node.output] = same.output
            continue
        versions.note(node)
        if op_def.is_stateful or op_def.injected or any(edge.is_handle for edge in node.inputs) or runs_bodies(op_def):
            continue
        same = first.setdefault(_key(node), node)
        if same is not node:
            replaced.update(zip(node.outputs, same.outputs, strict=True))
    if not replaced:
        return dataflow
    targets = list(dict.fromkeys(reads.get(node, node) for node in dataflow.targets))
    nodes = [node for node in dataflow.nodes if node not in reads]
    return rewire(Dataflow(nodes, dataflow.feeds, dataflow.fetches, targets), replaced)


class _Versions:
    """How often each variable may have been updated so far."""

    def __init__(self, dataflow: Dataflow) -> None:
        self._aliases = Aliases(dataflow) if any(n.op_def.name == "ReadVariableOp" for n in dataflow.nodes) else None
        self._counts: dict[Edge, int] = {}

    def of(self, handle: Edge) -> Hashable:
        """Return what changes whenever a variable that `handle` may stand for is updated."""
        assert self._aliases is not None
        return frozenset((variable, self._counts.get(variable, 0)) for variable in self._aliases.of(handle))

    def note(self, node: Node) -> None:
        """Count an update."""
        if self._aliases is not None and writes(node):
            for edge in node.inputs:
                if edge.is_handle:
                    for variable in self._aliases.of(edge):
                        self._counts[variable] = self._counts.get(variable, 0) + 1


def _key(node: Node) -> Hashable:
    inputs = [id(edge) for edge in node.inputs]
    if node.op_def.is_commutative:
        inputs.sort()
    attrs = node.attrs
    return (
        node.op_def.name,
        tuple(inputs),
        tuple(_frozen(attrs[name]) for name in node.op_def.attributes if name in attrs),
        frozenset(map(id, node.controls)) if node.controls else None,
    )


def _frozen(value: Any) -> Hashable:
    """Return something hashable that is equal for equal attributes only; 0.0 and -0.0, or 1 and True, differ."""
    if isinstance(value, (bool, int, str, bytes)):
        return type(value), value
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_frozen, value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, np.ndarray):
        if value.dtype == object or value.nbytes > _LARGEST_COMPARED_BYTES:
            return id(value)
        return value.dtype, value.shape, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
