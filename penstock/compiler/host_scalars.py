"""Numbers that stay Python numbers in generated source: counters, limits and conditions of loops."""

from __future__ import annotations

from collections.abc import Callable

from penstock.compiler.constants import constant_value
from penstock.compiler.dataflow import Dataflow, Edge, Node

# The types of such numbers, and the limits beyond which integers wrap around.
LIMITS: dict[str, tuple[int, int] | None] = {
    "bool": None,
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def wrap(value: int, dtype: str) -> int:
    """Return an integer as a type of limited size holds it.

    >>> wrap(2**31, "int32")
    -2147483648
    """
    low, high = LIMITS[dtype]  # type: ignore[misc]
    return (value - low) % (high - low + 1) + low


def _cast(node: Node, x: str) -> str:
    return f"{'bool' if node.output.dtype.name == 'bool' else 'int'}({x})"


# What an operation is in Python, given its operands' names. Results that may be too large are wrapped afterwards.
EXPRESSIONS: dict[str, Callable[..., str]] = {
    "Add": lambda node, x, y: f"{x} + {y}",
    "AddV2": lambda node, x, y: f"{x} + {y}",
    "Cast": _cast,
    "Equal": lambda node, x, y: f"{x} == {y}",
    "Greater": lambda node, x, y: f"{x} > {y}",
    "GreaterEqual": lambda node, x, y: f"{x} >= {y}",
    "Identity": lambda node, x: x,
    "Less": lambda node, x, y: f"{x} < {y}",
    "LessEqual": lambda node, x, y: f"{x} <= {y}",
    "LogicalAnd": lambda node, x, y: f"{x} and {y}",
    "LogicalNot": lambda node, x: f"not {x}",
    "LogicalOr": lambda node, x, y: f"{x} or {y}",
    "Maximum": lambda node, x, y: f"max({x}, {y})",
    "Minimum": lambda node, x, y: f"min({x}, {y})",
    "Mul": lambda node, x, y: f"{x} * {y}",
    "Neg": lambda node, x: f"-{x}",
    "NotEqual": lambda node, x, y: f"{x} != {y}",
    "Select": lambda node, c, x, y: f"{x} if {c} else {y}",
    "SelectV2": lambda node, c, x, y: f"{x} if {c} else {y}",
    "Square": lambda node, x: f"{x} * {x}",
    "StopGradient": lambda node, x: x,
    "Sub": lambda node, x, y: f"{x} - {y}",
    "FloorDiv": lambda node, x, y: f"{x} // {y}",
    "FloorMod": lambda node, x, y: f"{x} % {y}",
}
_DIVISIONS = ("FloorDiv", "FloorMod")
# Results of these are no larger than their operands; so are all comparisons.
WITHIN_LIMITS = frozenset({"Identity", "Maximum", "Minimum", "Select", "SelectV2", "StopGradient", "FloorMod"})


def is_scalar(edge: Edge) -> bool:
    """Tell whether a value has a type and shape that a Python number can stand for."""
    return edge.dims == () and edge.dtype.name in LIMITS


def literal(edge: Edge) -> str | None:
    """Return a constant that could be a Python number, as source."""
    value = constant_value(edge)
    return repr(value.item()) if value is not None and is_scalar(edge) else None


def host_scalars(dataflow: Dataflow, given: set[Edge]) -> set[Edge]:
    """Return the values that Python can compute from numbers.

    Args:
        dataflow: nodes in an order in which they can run.
        given: those of its values that are Python numbers already.
    """
    found = set(given)
    for node in dataflow.nodes:
        if node.op_def.name not in EXPRESSIONS or not all(map(is_scalar, node.outputs)):
            continue
        if not any(edge in found for edge in node.inputs):
            continue
        if all(edge in found or literal(edge) is not None for edge in node.inputs) and not _may_divide_by_zero(node):
            found.add(node.output)
    return found


def _may_divide_by_zero(node: Node) -> bool:
    return node.op_def.name in _DIVISIONS and literal(node.inputs[1]) in (None, "0", "False")


def loop_scalars(condition: Dataflow, body: Dataflow) -> tuple[set[int], set[Edge]]:
    """Find the variables of a loop that can be Python numbers.

    Args:
        condition: what decides whether to go on, from the loop variables.
        body: what computes the next values of the loop variables.
    Returns:
        The positions of those variables, and all values of both dataflows that are Python numbers then.
    """
    chosen = {k for k, edge in enumerate(body.feeds) if is_scalar(edge) and is_scalar(condition.feeds[k])}
    while True:
        given = {body.feeds[k] for k in chosen}
        inside = host_scalars(body, given)
        stays = {k for k in chosen if body.fetches[k] in inside or literal(body.fetches[k]) is not None}
        if stays == chosen:
            break
        chosen = stays
    decided = host_scalars(condition, {condition.feeds[k] for k in chosen})
    numbers = inside | decided
    useful = {k for k in chosen if _is_used_as_number(body, body.feeds[k], numbers)}
    useful |= {k for k in chosen if _is_used_as_number(condition, condition.feeds[k], numbers)}
    if useful != chosen:
        inside = host_scalars(body, {body.feeds[k] for k in useful})
        if any(body.fetches[k] not in inside and literal(body.fetches[k]) is None for k in useful):
            return set(), set()
        numbers = inside | host_scalars(condition, {condition.feeds[k] for k in useful})
    return useful, numbers


def _is_used_as_number(dataflow: Dataflow, edge: Edge, numbers: set[Edge]) -> bool:
    for node in dataflow.nodes:
        if edge in node.inputs:
            if node.outputs and node.outputs[0] in numbers:
                return True
            arguments = node.op_def.inputs
            if len(arguments) == len(node.inputs) and any(
                argument.is_host and given is edge for argument, given in zip(arguments, node.inputs, strict=True)
            ):
                return True
    return False
