"""Constants in a dataflow: their values, and new ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.compiler.dataflow import Edge, Node
from penstock.core.dtypes import DType
from penstock.core.op_def import lookup


def constant_value(edge: Edge) -> np.ndarray | None:
    """Return the value of a constant, or None for what is none or has to wait for something."""
    node = edge.node
    if node is None or node.op_def.name != "Const" or node.controls:
        return None
    value: np.ndarray = node.attrs["value"]
    return value


def constant_node(value: Any, dtype: DType, like: Node, output: int = 0, name: str | None = None) -> Node:
    """Return a constant that stands for an output of `like`.

    Args:
        value: a NumPy array.
        dtype: its type as operations know it.
        like: the node whose output is known.
        output: which one.
        name: its name, by default that of `like`.
    """
    if name is None:
        name = f"{like.name}_{output}" if output else like.name
    attrs = {"value": value, "dtype": dtype}
    return Node(lookup("Const"), (), attrs, [(dtype, tuple(value.shape))], like.source, name)


def size_bytes(value: np.ndarray) -> int:
    """Return the memory that a constant takes; strings count with their references only."""
    return int(value.nbytes)
