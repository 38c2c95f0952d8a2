"""Loops in the form that TensorFlow's gradient of `While` expects: the first variable counts, the second is the limit.

Loops here have no such variables. TensorFlow runs them as they are, but takes the second variable for the largest
number of iterations where it differentiates a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.formats import protos

_LOOPS = ("While", "StatelessWhile")
_INT32 = 3
_NO_LIMIT = -1
_COUNTER, _LIMIT = "loop_counter", "maximum_iterations"


def count_loops(graph_def: Any) -> None:
    """Give the loops of a GraphDef and of its functions a counter and a limit, in place.

    Args:
        graph_def: a GraphDef message.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    counted: dict[str, bool] = {}  # name of a function -> whether it is the body of a loop
    already: set[str] = {name for name, function in functions.items() if _counts(function)}
    _count_in(graph_def.node, lambda name: name, _in_graph, counted, already)
    for function in graph_def.library.function:
        renamed = _count_in(function.node_def, lambda name: f"{name}:output:0", _in_function, counted, already)
        for key, reference in list(function.ret.items()):
            function.ret[key] = _in_function(reference, renamed)
    for name, is_body in counted.items():
        _count_function(functions[name], is_body)


def _count_in(
    nodes: Any,
    reference: Callable[[str], str],
    shifted: Callable[[str, set[str]], str],
    counted: dict[str, bool],
    already: set[str],
) -> set[str]:
    """Change the loops among some nodes, and what refers to their outputs; return their names."""
    loops = [node for node in nodes if node.op in _LOOPS and node.attr["body"].func.name not in already]
    names = {node.name for node in loops}
    if not loops:
        return names
    for node in nodes:
        inputs = [shifted(text, names) for text in node.input]
        del node.input[:]
        node.input.extend(inputs)
    added = []
    for node in loops:
        counter, limit = f"{node.name}/{_COUNTER}", f"{node.name}/{_LIMIT}"
        added += [_constant(counter, 0), _constant(limit, _NO_LIMIT)]
        inputs = [reference(counter), reference(limit), *node.input]
        del node.input[:]
        node.input.extend(inputs)
        types = [_INT32, _INT32, *node.attr["T"].list.type]
        del node.attr["T"].list.type[:]
        node.attr["T"].list.type.extend(types)
        for key in ("output_shapes", "_output_shapes"):
            if key in node.attr and node.attr[key].list.shape:
                shapes = [protos.TensorShapeProto(), protos.TensorShapeProto(), *node.attr[key].list.shape]
                kept = [protos.TensorShapeProto.FromString(shape.SerializeToString()) for shape in shapes]
                del node.attr[key].list.shape[:]
                node.attr[key].list.shape.extend(kept)
        counted[node.attr["cond"].func.name] = False
        counted[node.attr["body"].func.name] = True
    nodes.extend(added)
    return names


def _in_graph(text: str, loops: set[str]) -> str:
    """Return an input of a node of a graph, moved on by the two new outputs where it is a loop's."""
    name, _, position = text.partition(":")
    return f"{name}:{int(position or 0) + 2}" if name in loops else text


def _in_function(text: str, loops: set[str]) -> str:
    """Return an input of a node of a function, moved on by the two new outputs where it is a loop's."""
    name, _, rest = text.partition(":")
    if name not in loops:
        return text
    output, _, position = rest.partition(":")
    return f"{name}:{output or 'output'}:{int(position or 0) + 2}"


def _constant(name: str, value: int) -> Any:
    node = protos.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = _INT32
    node.attr["value"].tensor.dtype = _INT32
    node.attr["value"].tensor.tensor_shape.SetInParent()
    node.attr["value"].tensor.int_val.append(value)
    node.attr["_output_shapes"].list.shape.add()
    return node


def _count_function(function: Any, is_body: bool) -> None:
    """Let a condition or body take the counter and the limit; a body also returns them."""
    taken = {argument.name for argument in function.signature.input_arg} | {node.name for node in function.node_def}
    counter, limit, one, following = (
        _free(name, taken) for name in (_COUNTER, _LIMIT, "loop_counter_step", "loop_counter_next")
    )
    _insert(function.signature.input_arg, [counter, limit])
    attributes = {index: bytes(value.SerializeToString()) for index, value in function.arg_attr.items()}
    function.arg_attr.clear()
    for index, data in attributes.items():
        function.arg_attr[index + 2].ParseFromString(data)
    if not is_body:
        return
    results = [_free(name, set(function.ret)) for name in ("next_loop_counter", "next_maximum_iterations")]
    _insert(function.signature.output_arg, results)
    function.node_def.append(_constant(one, 1))
    node = function.node_def.add(name=following, op="AddV2", input=[counter, f"{one}:output:0"])
    node.attr["T"].type = _INT32
    node.attr["_output_shapes"].list.shape.add()
    function.ret[results[0]], function.ret[results[1]] = f"{following}:z:0", limit


def _insert(arguments: Any, names: list[str]) -> None:
    """Put two numbers before the arguments of a signature."""
    kept = [type(argument).FromString(argument.SerializeToString()) for argument in arguments]
    del arguments[:]
    for name in names:
        arguments.add(name=name, type=_INT32)
    arguments.extend(kept)


def _free(name: str, taken: set[str]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate


def _counts(function: Any) -> bool:
    """Tell whether the body of a loop counts in its first variable, and hands on its second."""
    signature = function.signature
    if len(signature.input_arg) < 2 or len(signature.output_arg) != len(signature.input_arg):
        return False
    if any(argument.type != _INT32 for argument in signature.input_arg[:2]):
        return False
    nodes = {node.name: node for node in function.node_def}

    def source(text: str) -> str:
        node = nodes.get(text.partition(":")[0])
        while node is not None and node.op == "Identity":
            text = node.input[0]
            node = nodes.get(text.partition(":")[0])
        return text

    counter, limit = (argument.name for argument in signature.input_arg[:2])
    first = nodes.get(source(function.ret[signature.output_arg[0].name]).partition(":")[0])
    if first is None or first.op not in ("Add", "AddV2") or source(first.input[0]) != counter:
        return False
    return source(function.ret[signature.output_arg[1].name]) == limit
