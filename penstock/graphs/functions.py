"""The function library of a GraphDef."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import penstock.ops  # noqa: F401  (declares the operations)
from penstock.core.dtypes import as_dtype
from penstock.core.graph_def import dims_from_proto
from penstock.core.op_def import registered
from penstock.graphs.nodes import Argument, Body, Node, Ref, from_node_def

# Operations that import resolves itself: name -> the names of the outputs.
CONTROL_FLOW = {
    "Enter": ("output",),
    "Exit": ("output",),
    "LoopCond": ("output",),
    "Merge": ("output", "value_index"),
    "NextIteration": ("output",),
    "RefEnter": ("output",),
    "RefExit": ("output",),
    "RefMerge": ("output", "value_index"),
    "RefNextIteration": ("output",),
    "RefSwitch": ("output_false", "output_true"),
    "Switch": ("output_false", "output_true"),
}
# Names that older graphs have for operations.
RENAMED = {"ControlTrigger": "NoOp", "PlaceholderV2": "Placeholder"}


class Functions:
    """The functions of a FunctionDefLibrary message, by name.

    Args:
        library: the message; None for no functions.
    """

    def __init__(self, library: Any = None) -> None:
        functions = () if library is None else library.function
        self.definitions: dict[str, Any] = {function.signature.name: function for function in functions}
        gradients = () if library is None else library.gradient
        self.gradients: dict[str, str] = {gradient.function_name: gradient.gradient_func for gradient in gradients}

    def __contains__(self, name: str) -> bool:
        return name in self.definitions

    def body(self, name: str, attrs: dict[str, Any] | None = None) -> Body:
        """Return a function as a Body.

        Args:
            name: the function's name.
            attrs: AttrValue messages to put in the place of the placeholders that its nodes have for attributes.
        Raises:
            ValueError: if there is no such function, or its nodes do not fit together.
        """
        if name not in self.definitions:
            raise ValueError(f"Function {name!r} is not in the library of the graph")
        definition = self.definitions[name]
        given = {key: value.default_value for key, value in _declared(definition.signature).items()}
        given.update(attrs or {})
        arguments, references = _arguments(definition, given)
        nodes = []
        for message in definition.node_def:
            node = from_node_def(message)
            node.inputs = []
            node.attrs = {key: _substituted(value, given) for key, value in node.attrs.items()}
            nodes.append(node)
        by_name = {node.name: node for node in nodes}

        def resolve(text: str) -> Ref:
            head, *rest = text.split(":")
            if head in references:
                return Ref(references[head][int(rest[0]) if rest else 0])
            if head not in by_name:
                raise ValueError(f"Function {name!r}: input {text!r} is neither an argument nor an output of a node")
            if not rest:
                return Ref(head)
            if len(rest) == 1 and rest[0].isdigit():
                return Ref(head, int(rest[0]))
            return Ref(head, self._offset(by_name[head], rest[0]) + (int(rest[1]) if len(rest) > 1 else 0))

        for node, message in zip(nodes, definition.node_def, strict=True):
            node.inputs = [resolve(text) for text in message.input if not text.startswith("^")]
            node.controls = [control for control in node.controls if control in by_name]
        outputs: list[Ref | None] = []
        names = []
        for output in definition.signature.output_arg:
            count = _size(output, given)
            first = resolve(definition.ret[output.name])
            outputs.extend(Ref(first.node, first.output + i) for i in range(count))
            names.extend([output.name] if count == 1 else [f"{output.name}_{i}" for i in range(count)])
        controls = [definition.control_ret[output] for output in definition.signature.control_output]
        return Body(name, arguments, nodes, outputs, names, controls, dict(definition.attr))

    def _offset(self, node: Node, output: str) -> int:
        """Return the position of the first tensor of a named output."""
        position = 0
        for name, size in self.output_sizes(node):
            if name == output:
                return position
            position += size
        raise ValueError(f"Node {node.name!r}: operation {node.op!r} has no output {output!r}")

    def output_sizes(self, node: Node) -> list[tuple[str, int]]:
        """Return the names of the outputs of a node, and how many tensors each is."""
        if node.op in CONTROL_FLOW:
            return [(name, 1) for name in CONTROL_FLOW[node.op]]
        if node.op in self.definitions:
            return [(output.name, _size(output, node.attrs)) for output in _outputs(self.definitions[node.op])]
        op_def = registered().get(RENAMED.get(node.op, node.op))
        if op_def is None:
            raise ValueError(f"Node {node.name!r}: operation {node.op!r} is not declared")
        sizes = []
        for argument in op_def.outputs:
            if argument.list_attr is not None:
                size = len(node.attrs[argument.list_attr].list.type) if argument.list_attr in node.attrs else 0
            elif argument.number_attr is not None:
                size = int(node.attrs[argument.number_attr].i) if argument.number_attr in node.attrs else 0
            else:
                size = 1
            sizes.append((argument.name, size))
        return sizes

    def unknown_operations(self, nodes: Iterable[Node]) -> list[str]:
        """Return the names of all operations that nodes, and the functions that they call, use and nobody declares."""
        known = registered()
        unknown: set[str] = set()
        visited: set[str] = set()
        pending: list[Any] = list(nodes)
        while pending:
            node = pending.pop()
            called = [node.op] if node.op in self.definitions else []
            for value in node.attrs.values():
                field = value.WhichOneof("value") if hasattr(value, "WhichOneof") else None
                if field == "func":
                    called.append(value.func.name)
                elif field == "list":
                    called.extend(item.name for item in value.list.func)
            if (
                node.op not in known
                and node.op not in CONTROL_FLOW
                and node.op not in RENAMED
                and node.op not in self.definitions
            ):
                unknown.add(node.op)
            for name in called:
                if name in self.definitions and name not in visited:
                    visited.add(name)
                    pending.extend(map(from_node_def, self.definitions[name].node_def))
        return sorted(unknown)


def _declared(signature: Any) -> dict[str, Any]:
    return {attribute.name: attribute for attribute in signature.attr if attribute.HasField("default_value")}


def _outputs(definition: Any) -> Sequence[Any]:
    return definition.signature.output_arg


def _size(argument: Any, attrs: dict[str, Any]) -> int:
    """Return how many tensors an argument of a signature is."""
    if argument.number_attr:
        return int(attrs[argument.number_attr].i)
    if argument.type_list_attr:
        return len(attrs[argument.type_list_attr].list.type)
    return 1


def _arguments(definition: Any, attrs: dict[str, Any]) -> tuple[list[Argument], dict[str, list[str]]]:
    """Return the arguments of a function, and for each that its signature names, the names of those it stands for."""
    arguments: list[Argument] = []
    references: dict[str, list[str]] = {}
    for index, declared in enumerate(definition.signature.input_arg):
        count = _size(declared, attrs)
        shapes = []
        if index in definition.arg_attr:
            shapes = list(definition.arg_attr[index].attr["_output_shapes"].list.shape)
        names = [declared.name] if count == 1 else [f"{declared.name}_{i}" for i in range(count)]
        references[declared.name] = names
        for i, name in enumerate(names):
            if declared.type_list_attr:
                number = attrs[declared.type_list_attr].list.type[i]
            else:
                number = attrs[declared.type_attr].type if declared.type_attr else declared.type
            has_dims = i < len(shapes)
            dims = dims_from_proto(shapes[i]) if has_dims else None
            arguments.append(Argument(name, as_dtype(number), declared.is_ref, dims, has_dims))
    return arguments, references


def _substituted(value: Any, attrs: dict[str, Any]) -> Any:
    """Return an attribute with the function's own attributes in the place of placeholders."""
    field = value.WhichOneof("value")
    if field == "placeholder":
        if value.placeholder not in attrs:
            raise ValueError(f"attribute {value.placeholder!r} of the function was not given")
        return attrs[value.placeholder]
    if field == "func" and any(item.WhichOneof("value") == "placeholder" for item in value.func.attr.values()):
        result = type(value)()
        result.CopyFrom(value)
        for key, item in list(value.func.attr.items()):
            result.func.attr[key].CopyFrom(_substituted(item, attrs))
        return result
    return value
