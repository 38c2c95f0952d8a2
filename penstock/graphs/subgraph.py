"""Parts of GraphDefs, and questions about their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.shape import TensorShape
from penstock.core.tensor import SymbolicTensor
from penstock.formats import protos

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "ReadVariableOp")
# Operations that move a value and nothing else.
_PASS_THROUGH = ("Identity", "CheckNumerics")


def node_name(text: str) -> str:
    """Return the name of the node that an input or tensor name refers to."""
    return text.removeprefix("^").split(":")[0]


def extract_sub_graph(graph_def: Any, dest_nodes: Any) -> Any:
    """Return the nodes that some nodes need, and those themselves, with the library.

    Args:
        graph_def: a GraphDef message.
        dest_nodes: names of nodes.
    Raises:
        TypeError: if `graph_def` is no GraphDef, or `dest_nodes` a string.
        AssertionError: if a name is not in the graph.
    """
    if not isinstance(graph_def, protos.GraphDef):
        raise TypeError(f"graph_def must be a graph_pb2.GraphDef proto, but got type {type(graph_def)}.")
    if isinstance(dest_nodes, (str, bytes)):
        raise TypeError(f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}.")
    by_name = {node.name: node for node in graph_def.node}
    needed: set[str] = set()
    stack = list(dest_nodes)
    for name in stack:
        if name not in by_name:
            raise AssertionError(f"{name} is not in graph")
    while stack:
        name = node_name(stack.pop())
        if name not in needed and name in by_name:
            needed.add(name)
            stack.extend(by_name[name].input)
    result = protos.GraphDef()
    result.node.extend(node for node in graph_def.node if node.name in needed)
    result.library.CopyFrom(graph_def.library)
    result.versions.CopyFrom(graph_def.versions)
    return result


def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """Return a graph without nodes that only training needs: CheckNumerics, and Identities that nothing waits for.

    Args:
        input_graph: a GraphDef message.
        protected_nodes: names of nodes to keep.
    """
    protected = set(protected_nodes or ())
    waited_for = {name[1:] for node in input_graph.node for name in node.input if name.startswith("^")}
    by_name = {node.name: node for node in input_graph.node}
    instead: dict[str, str] = {}
    for node in input_graph.node:
        has_controls = any(name.startswith("^") for name in node.input)
        if node.op not in _PASS_THROUGH or node.name in protected or has_controls:
            continue
        # A node that somebody waits for stays, and so does the read of a reference.
        source = by_name.get(node_name(node.input[0]))
        is_read = source is not None and source.op in ("Variable", "VariableV2", "Switch", "RefSwitch", "Merge")
        if node.op == "CheckNumerics" and node.name not in waited_for or not (node.name in waited_for or is_read):
            instead[node.name] = node.input[0]

    def final(name: str) -> str:
        while node_name(name) in instead and not name.startswith("^"):
            name = instead[node_name(name)]
        return name

    result = protos.GraphDef()
    for node in input_graph.node:
        if node.name in instead:
            continue
        kept = result.node.add()
        kept.CopyFrom(node)
        del kept.input[:]
        kept.input.extend(final(name) for name in node.input)
    result.library.CopyFrom(input_graph.library)
    result.versions.CopyFrom(input_graph.versions)
    return result


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Tell whether a node has to be on a CPU: it deals with text, or is a variable that is to be kept there.

    Args:
        node: an Operation or NodeDef.
        pin_variables_on_cpu: whether variables are kept on CPUs.
    """
    message = node if isinstance(node, protos.NodeDef) else node.node_def
    if pin_variables_on_cpu and message.op in _VARIABLES:
        return True
    strings = 7
    if message.op == "Const":
        return message.attr["dtype"].type == strings
    if message.op in ("DynamicStitch", "ParallelDynamicStitch"):
        return message.attr["T"].type == 3
    if message.op == "Cast":
        return False
    return any(value.type == strings for key, value in message.attr.items() if key in ("T", "dtype", "SrcT", "DstT"))


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> TensorShape:
    """Return the static shape of a tensor of a graph.

    Args:
        graph: the Graph.
        input_name: the name of a tensor or of its node.
    """
    name = input_name if ":" in input_name else f"{input_name}:0"
    tensor = graph.get_tensor_by_name(name)
    assert isinstance(tensor, SymbolicTensor)
    return tensor.shape
