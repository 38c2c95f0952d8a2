"""Computing equal expressions once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from penstock.compiler.aliasing import runs_bodies
from penstock.compiler.dataflow import Dataflow, Edge, Node, rewire

# Larger constants are compared by identity: looking for equal ones would cost more than they do.
_LARGEST_COMPARED_BYTES = 4096


def merge_common(dataflow: Dataflow) -> Dataflow:
    """Let nodes that compute the same from the same share one result: same operation, inputs, attributes, control edges.

    Operations with effects, random operations, and whatever reads a variable or is told apart by its name stay as
    they are.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    replaced: dict[Edge, Edge] = {}
    first: dict[Hashable, Node] = {}
    for node in dataflow.nodes:
        if replaced:
            node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        op_def = node.op_def
        if op_def.is_stateful or op_def.injected or any(edge.is_handle for edge in node.inputs) or runs_bodies(op_def):
            continue
        key = _key(node)
        same = first.setdefault(key, node)
        if same is not node:
            replaced.update(zip(node.outputs, same.outputs, strict=True))
    return rewire(dataflow, replaced) if replaced else dataflow


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
