"""Which kernels may write their results into the memory of an input that nothing needs any more."""

from __future__ import annotations

from penstock.compiler.aliasing import runs_bodies
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.compiler.work import bytes_of

# Smaller values are not worth a kernel of another name.
_WORTH_REUSING = 1 << 14  # bytes

# Views of whole values, through which the memory of a value can be written.
_WHOLE_VIEWS = frozenset({"ExpandDims", "Identity", "Reshape", "Squeeze"})

# Operations with state whose results are arrays of their own.
_DRAWS = frozenset({"RandomStandardNormal", "RandomUniform", "TruncatedNormal"})


def reused_inputs(dataflow: Dataflow) -> dict[Node, int]:
    """Return node -> the position of the input whose memory its result may take.

    An operation declares by `OpDef.in_place` which inputs it can do without. The value must have been made by a kernel
    that gives memory of its own, so that it is no variable's, constant's or feed's, and no other name for that memory
    may be used, kept or given out afterwards.

    Args:
        dataflow: nodes in the order in which they run.
    """
    if not any(node.op_def.in_place_kernels for node in dataflow.nodes):
        return {}
    memory = _memory_of(dataflow)
    last_use: dict[Edge, int] = {}
    for index, node in enumerate(dataflow.nodes):
        for edge in node.inputs:
            last_use.update(dict.fromkeys(memory[edge], index))
    kept = {part for edge in dataflow.fetches for part in memory[edge]}
    result: dict[Node, int] = {}
    for index, node in enumerate(dataflow.nodes):
        for position in node.op_def.in_place_kernels:
            edge = node.inputs[position]
            parts = memory[edge]
            if (
                len(parts) == 1
                and bytes_of(edge) >= _WORTH_REUSING
                and _fits(node, edge)
                and all(_is_own(part) and part not in kept and last_use[part] == index for part in parts)
                and sum(not parts.isdisjoint(memory[other]) for other in node.inputs) == 1
                and _is_whole(edge)
            ):
                result[node] = position
                break
        if node.op_def.is_stateful and not node.op_def.in_place_kernels:  # an assignment without a reuse copies
            kept.update(part for edge in node.inputs for part in memory[edge])
    return result


def _memory_of(dataflow: Dataflow) -> dict[Edge, frozenset[Edge]]:
    """Return for each value those whose memory it may share, itself if that is its own."""
    result = {edge: frozenset([edge]) for edge in dataflow.feeds}
    for node in dataflow.nodes:
        shared: frozenset[Edge] = frozenset()
        if node.op_def.is_view or runs_bodies(node.op_def):
            viewed = node.inputs[:1] if node.op_def.name in _WHOLE_VIEWS else node.inputs
            shared = frozenset().union(*(result[edge] for edge in viewed))
        for edge in node.outputs:
            result[edge] = shared or frozenset([edge])
    return result


def _is_own(edge: Edge) -> bool:
    """Tell whether a value was made by a kernel that gives memory that nothing else knows of."""
    node = edge.node
    if node is None or edge.is_handle or edge.output or not node.inputs:
        return False
    op_def = node.op_def
    if op_def.name in _DRAWS:
        return True
    return not (op_def.is_stateful or op_def.is_view or op_def.injected or runs_bodies(op_def))


def _fits(node: Node, edge: Edge) -> bool:
    """Tell whether the first result, if there is any, has the type of an input and may have its shape."""
    outputs = [output for output in node.outputs if not output.is_handle]
    return all(output.dtype is edge.dtype and output.dims == edge.dims for output in outputs[:1])


def _is_whole(edge: Edge) -> bool:
    """Tell whether a value is all of the memory that it shares, each element once."""
    while edge.node is not None and edge.node.op_def.is_view:
        if edge.node.op_def.name not in _WHOLE_VIEWS:
            return False
        edge = edge.node.inputs[0]
    return True
