"""Branches, loops and function calls in generated source: Python `if`, `while` and calls of the bodies' functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.compiler.dataflow import Node
from penstock.compiler.host_scalars import loop_scalars
from penstock.core.op_def import OpDef
from penstock.ops.function_call import gradient_body


def _inputs(writer: Any, node: Node, edges: Any, function: Any) -> list[str]:
    arguments = []
    for edge, parameter in zip(edges, function.inputs, strict=True):
        reads = edge.dtype._is_ref_dtype and not parameter.dtype._is_ref_dtype
        arguments.append(f"{writer.value(edge)}.read()" if reads else writer.tensor(edge))
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
    """Write a loop: its condition and body stand inside, and counters are Python numbers; or, where the writer wants
    functions, the variables are rebound by each call of the body."""
    if writer.writes_loops_inline:
        _write_inline(writer, node)
        return
    condition, body = node.attrs["cond"], node.attrs["body"]
    condition_name, body_name = writer.body(condition), writer.body(body)
    used = [writer.value(edge) for edge in node.inputs]
    names = [writer.bind(edge) for edge in node.outputs]
    targets = f"[{', '.join(names)}]"
    writer.emit(f"{targets} = [{', '.join(_inputs(writer, node, node.inputs, body))}]", node, used)
    arguments = ", ".join(names)
    writer.emit(f"while {condition_name}({arguments})[0]:", node, used)
    with writer.indented():
        _write_interruption(writer, node, used)
        writer.emit(f"{targets} = {body_name}({arguments})", node, used)


def _write_inline(writer: Any, node: Node) -> None:
    condition = writer.body_nodes(node.attrs["cond"])
    body = writer.body_nodes(node.attrs["body"])
    positions, numbers = loop_scalars(condition, body)
    used = [writer.value(edge) for edge in node.inputs]
    initial = _inputs(writer, node, node.inputs, node.attrs["body"])
    for k in positions:
        initial[k] = writer.number(node.inputs[k])
    writer.use_as_number(numbers)
    writer.use_as_number(node.outputs[k] for k in positions)
    names = [writer.bind(edge) for edge in node.outputs]
    for name, value in zip(names, initial, strict=True):
        writer.emit(f"{name} = {value}", node, used)
    for dataflow in (condition, body):
        for edge, name in zip(dataflow.feeds, names, strict=True):
            writer.name(edge, name)
    writer.emit("while True:", node, used)
    with writer.indented():
        _write_interruption(writer, node, used)
        writer.write_nodes(condition, frees_feeds=False)
        (decision,) = condition.fetches
        writer.emit(f"if not {writer.value(decision)}:", node, used)
        writer.emit("    break", node, used)
        writer.write_nodes(body)
        changed = [
            (name, writer.number(edge) if k in positions else writer.tensor(edge))
            for k, (name, edge) in enumerate(zip(names, body.fetches, strict=True))
        ]
        changed = [(name, value) for name, value in changed if name != value]
        if changed:
            targets, values = zip(*changed, strict=True)
            writer.emit(f"{', '.join(targets)} = {', '.join(values)}", node, used)
            # The loop variables alone hold the values, so that they are freed with them.
            results = [edge for k, edge in enumerate(body.fetches) if k not in positions]
            temporary = {writer.value(edge) for edge in results if writer.is_made_in_step(edge)}.difference(names)
            if temporary:
                writer.emit(f"del {', '.join(sorted(temporary))}", node, used)


def _write_interruption(writer: Any, node: Node, used: list[str]) -> None:
    interruption = writer.shared("interruption", writer.resources.interruption)
    writer.emit(f"if {interruption}.requested:", node, used)
    writer.emit(f"    {interruption}.check()", node, used)


def write_call(writer: Any, node: Node) -> None:
    """Write a call of a function."""
    function = node.attrs["f"]
    name = writer.body(function)
    used = [writer.value(edge) for edge in node.inputs]
    writer.emit(
        f"{_targets(writer, node)}{name}({', '.join(_inputs(writer, node, node.inputs, function))})", node, used
    )


def write_symbolic_gradient(writer: Any, node: Node) -> None:
    """Write a call of the gradient of a function."""
    function = gradient_body(node.attrs["f"])
    name = writer.body(function)
    used = [writer.value(edge) for edge in node.inputs]
    arguments = ", ".join(_inputs(writer, node, node.inputs, function))
    writer.emit(f"{_targets(writer, node)}{name}({arguments})", node, used)


def writer_of(op_def: OpDef) -> Callable[[Any, Node], None] | None:
    """Return what writes an operation whose attributes are functions; None for all other operations."""
    return WRITERS.get(op_def.name) if op_def.body is None else write_call


WRITERS: dict[str, Callable[[Any, Node], None]] = {
    "If": write_if,
    "StatelessIf": write_if,
    "Case": write_case,
    "StatelessCase": write_case,
    "While": write_while,
    "StatelessWhile": write_while,
    "PartitionedCall": write_call,
    "StatefulPartitionedCall": write_call,
    "SymbolicGradient": write_symbolic_gradient,
}
