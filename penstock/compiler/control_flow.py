"""Branches, loops and function calls in generated source: Python `if`, `while` and calls of the bodies' functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.compiler.dataflow import Node


def _inputs(writer: Any, node: Node, edges: Any, function: Any) -> list[str]:
    arguments = []
    for edge, parameter in zip(edges, function.inputs, strict=True):
        name = writer.value(edge)
        reads = edge.dtype._is_ref_dtype and not parameter.dtype._is_ref_dtype
        arguments.append(f"{name}.read()" if reads else name)
    return arguments


def _targets(writer: Any, node: Node) -> str:
    names = [writer.bind(edge) for edge in node.outputs]
    return f"[{', '.join(names)}] = " if names else ""


def write_if(writer: Any, node: Node) -> None:
    """Write a conditional: only the branch taken runs."""
    condition, *rest = node.inputs
    then_function, else_function = node.attrs["then_branch"], node.attrs["else_branch"]
    then_name, else_name = writer.body(then_function), writer.body(else_function)
    test = f"{writer.value(condition)}{'.read()' if condition.dtype._is_ref_dtype else ''}"
    then_call = f"{then_name}({', '.join(_inputs(writer, node, rest, then_function))})"
    else_call = f"{else_name}({', '.join(_inputs(writer, node, rest, else_function))})"
    used = [writer.value(edge) for edge in node.inputs]
    writer.emit(f"{_targets(writer, node)}{then_call} if {test} else {else_call}", node, used)


def write_case(writer: Any, node: Node) -> None:
    """Write a choice among several branches; an index out of range takes the last."""
    index, *rest = node.inputs
    calls = []
    for branch in node.attrs["branches"]:
        name = writer.body(branch)
        calls.append((name, _inputs(writer, node, rest, branch)))
    used = [writer.value(edge) for edge in node.inputs]
    chosen = writer.unique(f"{node.name}_index")
    last = len(calls) - 1
    writer.emit(f"{chosen} = int({writer.value(index)})", node, used)
    writer.emit(f"{chosen} = {chosen} if 0 <= {chosen} < {last} else {last}", node, used)
    branches = ", ".join(f"lambda: {name}({', '.join(arguments)})" for name, arguments in calls)
    writer.emit(f"{_targets(writer, node)}({branches},)[{chosen}]()", node, used)


def write_while(writer: Any, node: Node) -> None:
    """Write a loop: the variables are rebound by each call of the body."""
    condition, body = node.attrs["cond"], node.attrs["body"]
    condition_name, body_name = writer.body(condition), writer.body(body)
    used = [writer.value(edge) for edge in node.inputs]
    names = [writer.bind(edge) for edge in node.outputs]
    targets = f"[{', '.join(names)}]"
    writer.emit(f"{targets} = [{', '.join(_inputs(writer, node, node.inputs, body))}]", node, used)
    arguments = ", ".join(names)
    writer.emit(f"while {condition_name}({arguments})[0]:", node, used)
    writer.emit(f"    {targets} = {body_name}({arguments})", node, used)


def write_call(writer: Any, node: Node) -> None:
    """Write a call of a function."""
    function = node.attrs["f"]
    name = writer.body(function)
    used = [writer.value(edge) for edge in node.inputs]
    writer.emit(
        f"{_targets(writer, node)}{name}({', '.join(_inputs(writer, node, node.inputs, function))})", node, used
    )


WRITERS: dict[str, Callable[[Any, Node], None]] = {
    "If": write_if,
    "StatelessIf": write_if,
    "Case": write_case,
    "StatelessCase": write_case,
    "While": write_while,
    "StatelessWhile": write_while,
    "PartitionedCall": write_call,
    "StatefulPartitionedCall": write_call,
}
