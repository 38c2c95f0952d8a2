"""Freezing: a graph whose variables are constants, for use without a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from penstock.core.dtypes import as_dtype
from penstock.core.graph_def import attr_value
from penstock.formats import protos
from penstock.graphs.nodes import parse_ref
from penstock.graphs.subgraph import extract_sub_graph, node_name

_LOG = logging.getLogger("tensorflow")
_REFERENCES = ("Variable", "VariableV2", "TemporaryVariable")
_HANDLE = "VarHandleOp"
# Operations that pass a handle on, within a loop or branch for example.
_CARRIERS = ("Enter", "Identity", "IdentityN", "Switch", "RefSwitch", "RefEnter")
_FUNCTIONAL = ("If", "StatelessIf", "While", "StatelessWhile", "PartitionedCall", "StatefulPartitionedCall", "Case")
_RESOURCE = 20


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Sequence[str] | None = None,
    variable_names_blacklist: Sequence[str] | None = None,
) -> Any:
    """Return the part of a graph that some nodes need, with the present values of variables as constants.

    Args:
        sess: the session that holds the variables.
        input_graph_def: a GraphDef message.
        output_node_names: names of nodes to keep.
        variable_names_whitelist: the variables to convert, by default all.
        variable_names_blacklist: variables to leave as they are.
    Raises:
        AssertionError: if a name is not in the graph.
        FailedPreconditionError: if a variable has no value.
    """
    graph = extract_sub_graph(input_graph_def, output_node_names)
    names = [
        node.name
        for node in graph.node
        if (node.op in _REFERENCES or node.op == _HANDLE)
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and node.name not in (variable_names_blacklist or ())
    ]
    by_name = {node.name: node for node in graph.node}
    values = dict(zip(names, _values(sess, [by_name[name] for name in names]), strict=True))
    frozen = with_constants(graph, values, {name for name in names if by_name[name].op == _HANDLE})
    _LOG.info("Converted %d variables to const ops.", len(names))
    return frozen


def with_constants(graph: Any, values: Mapping[str, Any], handles: Collection[str]) -> Any:
    """Return a graph in which some nodes are constants.

    Args:
        graph: a GraphDef message.
        values: name of a node -> the elements of the constant in its place.
        handles: those of the names that stand for handles of variables; what reads from them gets the value itself,
            also in functions, branches and loops.
    """
    by_name = {node.name: node for node in graph.node}
    result = protos.GraphDef()
    result.versions.CopyFrom(graph.versions)
    result.library.CopyFrom(graph.library)
    changed = _Functions(result.library)
    types = {name: as_dtype(np.asarray(values[name]).dtype).as_datatype_enum for name in handles}

    def source(text: str) -> str | None:
        """Return the handle that an input is, whatever carries it."""
        ref = parse_ref(text.removeprefix("^"))
        while ref.node in by_name and by_name[ref.node].op in _CARRIERS:
            inputs = by_name[ref.node].input
            ref = parse_ref(inputs[ref.output if by_name[ref.node].op == "IdentityN" else 0])
        return ref.node if ref.node in handles else None

    for node in graph.node:
        made = result.node.add()
        if node.name in values:
            _fill_constant(made, node, values[node.name])
        elif node.op == "ReadVariableOp" and source(node.input[0]):
            made.CopyFrom(protos.NodeDef(name=node.name, op="Identity", device=node.device, input=node.input))
            made.attr["T"].CopyFrom(node.attr["dtype"])
            _copy_class(node, made)
        elif node.op == "ResourceGather" and source(node.input[0]):
            _fill_gather(made, node, f"{node.name}/axis")
            axis = result.node.add(name=f"{node.name}/axis", op="Const", device=node.device)
            axis.attr["dtype"].type = 3
            batch_dims = int(node.attr["batch_dims"].i)
            axis.attr["value"].CopyFrom(attr_value("tensor", np.int32(batch_dims)))
        elif node.op == "IdentityN":
            made.CopyFrom(node)
            for i in range(len(node.attr["T"].list.type)):
                name = source(node.input[i])
                if name is not None:
                    made.attr["T"].list.type[i] = types[name]
        elif node.op in _CARRIERS and source(node.input[0]):
            made.CopyFrom(node)
            made.op = node.op.removeprefix("Ref") if node.op.startswith("Ref") else node.op
            made.attr["T"].type = types[str(source(node.input[0]))]
        elif node.op in _FUNCTIONAL:
            made.CopyFrom(node)
            given = [source(text) for text in node.input if not text.startswith("^")]
            changed.convert(made, [None if name is None else types[name] for name in given])
        else:
            made.CopyFrom(node)
            if node.op in ("RefSwitch", "RefEnter") and node_name(node.input[0]) in values:
                made.op = node.op.removeprefix("Ref")
    return result


def _values(sess: Any, nodes: Sequence[Any]) -> list[Any]:
    if not nodes:
        return []
    graph = sess.graph
    fetches = []
    for node in nodes:
        if node.op in _REFERENCES:
            fetches.append(f"{node.name}:0")
            continue
        handle = graph.get_tensor_by_name(f"{node.name}:0")
        reads = [op for op in handle.consumers() if op.type == "ReadVariableOp"]
        if not reads:
            raise ValueError(f"Variable {node.name!r} cannot be converted: nothing in the graph reads its value")
        fetches.append(reads[0].outputs[0].name)
    return sess.run(fetches)


def _fill_constant(made: Any, node: Any, value: Any) -> None:
    made.name, made.op, made.device = node.name, "Const", node.device
    tensor = attr_value("tensor", np.asarray(value))
    made.attr["dtype"].type = tensor.tensor.dtype
    made.attr["value"].CopyFrom(tensor)
    _copy_class(node, made)


def _copy_class(node: Any, made: Any) -> None:
    if "_class" in node.attr:
        made.attr["_class"].CopyFrom(node.attr["_class"])


def _fill_gather(made: Any, node: Any, axis: str) -> None:
    inputs = [*node.input[:2], axis, *node.input[2:]]
    made.CopyFrom(protos.NodeDef(name=node.name, op="GatherV2", device=node.device, input=inputs))
    made.attr["Tparams"].CopyFrom(node.attr["dtype"])
    made.attr["Tindices"].CopyFrom(node.attr["Tindices"])
    made.attr["Taxis"].type = 3
    made.attr["batch_dims"].i = node.attr["batch_dims"].i


class _Functions:
    """Functions of the library, changed to take values in the place of handles."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.by_name = {function.signature.name: function for function in library.function}
        self.made: dict[tuple[str, tuple[int | None, ...]], str] = {}

    def convert(self, node: Any, types: list[int | None]) -> None:
        """Change a node that calls functions, some of whose inputs are values now and were handles.

        Args:
            node: a NodeDef message.
            types: for each input, the type of the value that was a handle, None for other inputs.
        """
        first = 1 if node.op in ("If", "StatelessIf", "Case") else 0
        arguments = types[first:]
        if not any(number is not None for number in arguments):
            return
        for key in ("T", "Tin"):
            if key in node.attr:
                for i, number in enumerate(arguments):
                    if number is not None:
                        node.attr[key].list.type[i] = number
        is_loop = node.op in ("While", "StatelessWhile")
        if is_loop and "output_shapes" in node.attr:
            for i, number in enumerate(arguments):
                if number is not None and i < len(node.attr["output_shapes"].list.shape):
                    node.attr["output_shapes"].list.shape[i].CopyFrom(protos.TensorShapeProto(unknown_rank=True))
        for key, value in node.attr.items():
            field = value.WhichOneof("value")
            calls = [value.func] if field == "func" else list(value.list.func) if field == "list" else []
            for call in calls:
                call.name = self._converted(call.name, arguments, is_loop and key == "body")

    def _converted(self, name: str, types: list[int | None], returns_arguments: bool) -> str:
        key = name, tuple(types)
        if key not in self.made:
            function = self.library.function.add()
            function.CopyFrom(self.by_name[name])
            function.signature.name = self.made[key] = f"{name}_frozen_{len(self.made)}"
            self._change(function, types, returns_arguments)
        return self.made[key]

    def _change(self, function: Any, types: list[int | None], returns_arguments: bool) -> None:
        known: dict[str, int] = {}
        for i, (argument, number) in enumerate(zip(function.signature.input_arg, types, strict=True)):
            if number is not None:
                argument.type = number
                argument.ClearField("handle_data")
                known[argument.name] = number
                function.arg_attr.pop(i, None)
        for node in function.node_def:
            data = [text for text in node.input if not text.startswith("^")]
            given = [known.get(text) or known.get(text.split(":")[0]) for text in data]
            if node.op == "ReadVariableOp" and given[0] is not None:
                dtype = node.attr["dtype"].type
                node.op = "Identity"
                node.attr.clear()
                node.attr["T"].type = dtype
                for ref in _consumers(function):
                    _rename(ref, f"{node.name}:value:", f"{node.name}:output:")
                for name, text in list(function.ret.items()):
                    if text.startswith(f"{node.name}:value:"):
                        function.ret[name] = text.replace(":value:", ":output:", 1)
            elif node.op == "Identity" and given[0] is not None:
                node.attr["T"].type = given[0]
                known[node.name] = given[0]
            elif node.op in _FUNCTIONAL:
                self.convert(node, given)
        if returns_arguments:
            for output, number in zip(function.signature.output_arg, types, strict=True):
                if number is not None:
                    output.type = number


def _consumers(function: Any) -> list[Any]:
    return list(function.node_def)


def _rename(node: Any, old: str, new: str) -> None:
    for i, text in enumerate(node.input):
        if text.startswith(old):
            node.input[i] = new + text[len(old) :]
