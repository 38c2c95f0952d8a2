"""The compiler's own form of a graph: the nodes that a set of fetches needs, and the values that flow between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from penstock.core.dtypes import DType
from penstock.core.inference import output_dtypes
from penstock.core.op_def import Argument, OpDef
from penstock.core.operation import Operation
from penstock.core.shape import Dims
from penstock.core.shape_rules import format_dims
from penstock.core.tensor import SymbolicTensor


class Edge:
    """A value: an output of a node, or one that is fed or passed as an argument. It is known by its identity.

    Attributes:
        node: the node that makes it, None for what comes from outside.
        output: which of the node's outputs it is.
        dtype, dims: its type and static shape.
        name: for messages and generated source, `<operation>:<output>`.
    """

    __slots__ = ("dims", "dtype", "name", "node", "output")

    def __init__(self, node: Node | None, output: int, dtype: DType, dims: Dims, name: str) -> None:
        self.node = node
        self.output = output
        self.dtype = dtype
        self.dims = dims
        self.name = name

    @property
    def is_handle(self) -> bool:
        """Whether the value stands for a resource, rather than being one."""
        return self.dtype._is_ref_dtype or self.dtype.name == "resource"

    def __repr__(self) -> str:
        return f"<{self.name}: {self.dtype.name} {format_dims(self.dims)}>"


class Node:
    """A call of an operation.

    Attributes:
        op_def: the declared operation.
        name: for messages and generated source; nodes that passes make have names of their own.
        inputs: values, sequences flattened.
        controls: nodes that must have run before.
        attrs: all attributes.
        outputs: the values that it makes, sequences flattened.
        source: the operation of the graph that errors are reported for; its position in the order of creation orders
            side effects.
    """

    __slots__ = ("attrs", "controls", "inputs", "name", "op_def", "outputs", "source")

    def __init__(
        self,
        op_def: OpDef,
        inputs: Iterable[Edge],
        attrs: dict[str, Any],
        output_types: Iterable[tuple[DType, Dims]],
        source: Operation,
        name: str | None = None,
        controls: Iterable[Node] = (),
    ) -> None:
        self.op_def = op_def
        self.name = source.name if name is None else name
        self.inputs = list(inputs)
        self.controls = list(controls)
        self.attrs = attrs
        self.source = source
        self.outputs = [
            Edge(self, index, dtype, dims, f"{self.name}:{index}") for index, (dtype, dims) in enumerate(output_types)
        ]

    @property
    def output(self) -> Edge:
        """The only output."""
        (edge,) = self.outputs
        return edge

    def __repr__(self) -> str:
        return f"<{self.op_def.name} {self.name!r}>"


def make_node(
    op_def: OpDef, inputs: Sequence[Edge], dims: Sequence[Dims], like: Node, name: str | None = None, **attrs: Any
) -> Node:
    """Return a new node that stands where `like` did: it reports errors, and has effects, in its place.

    Args:
        op_def: the operation.
        inputs: its inputs, sequences flattened.
        dims: the static shapes of its outputs.
        like: the node that it replaces, the last of them if there are several.
        name: its name, by default that of `like`.
        attrs: attributes without a default; types and numbers that follow from the inputs are filled in.
    """
    values = {**op_def.defaults, **attrs}
    position = 0
    for argument in op_def.inputs:
        if argument.number_attr is not None:
            count = values[argument.number_attr]
        elif argument.list_attr is not None:
            count = len(values[argument.list_attr])
        else:
            count = 1
        if argument.type_attr is not None and count:
            values[argument.type_attr] = inputs[position].dtype.base_dtype
        position += count
    types = zip(output_dtypes(op_def, values), dims, strict=True)
    return Node(op_def, inputs, values, types, like.source, name or like.name)


class Dataflow:
    """Nodes in an order in which they can run, the values that come from outside, and those that go there.

    Attributes:
        nodes: what runs.
        feeds: values that are given, in the order of the program's arguments.
        fetches: values that are wanted.
        targets: nodes that must run, whoever uses their outputs.
    """

    def __init__(self, nodes: list[Node], feeds: list[Edge], fetches: list[Edge], targets: list[Node]) -> None:
        self.nodes = nodes
        self.feeds = feeds
        self.fetches = fetches
        self.targets = targets

    def check(self) -> None:
        """Check that inputs exist before they are used, and that arities and types are those of the operations.

        Raises:
            AssertionError: if not; a pass has made a mistake.
        """
        known: set[Edge] = set(self.feeds)
        done: set[Node] = set()
        for node in self.nodes:
            assert node not in done, f"{node} runs twice"
            for edge in node.inputs:
                assert edge in known, f"{node} uses {edge} before it exists"
            for control in node.controls:
                assert control in done, f"{node} waits for {control}, which does not run before it"
            for index, edge in enumerate(node.outputs):
                assert edge.node is node and edge.output == index, f"{node} does not own its output {edge}"
            _check_types(node)
            known.update(node.outputs)
            done.add(node)
        for edge in self.fetches:
            assert edge in known, f"the fetch {edge} is not computed"
        for node in self.targets:
            assert node in done, f"the target {node} does not run"

    def __str__(self) -> str:
        lines = [f"dataflow({', '.join(edge.name for edge in self.feeds)}):"]
        for node in self.nodes:
            inputs = ", ".join(edge.name for edge in node.inputs)
            controls = "".join(f" ^{control.name}" for control in node.controls)
            lines.append(f"  {node.name} = {node.op_def.name}({inputs}){controls}")
        lines.append(f"  return {', '.join(edge.name for edge in self.fetches)}")
        return "\n".join(lines)


def _check_types(node: Node) -> None:
    expected = output_dtypes(node.op_def, node.attrs)
    assert [edge.dtype for edge in node.outputs] == expected, f"{node} has outputs {node.outputs}, not {expected}"
    wanted: list[tuple[Argument, DType | None]] = []
    for argument in node.op_def.inputs:
        if argument.list_attr is not None:
            wanted.extend((argument, dtype) for dtype in node.attrs[argument.list_attr])
            continue
        dtype = argument.dtype if argument.dtype is not None else node.attrs.get(argument.type_attr or "")
        wanted.extend([(argument, dtype)] * (node.attrs[argument.number_attr] if argument.number_attr else 1))
    assert len(wanted) == len(node.inputs), f"{node} has {len(node.inputs)} inputs, not {len(wanted)}"
    for edge, (argument, dtype) in zip(node.inputs, wanted, strict=True):
        assert dtype is None or edge.dtype.base_dtype == dtype.base_dtype, f"{node} takes {dtype}, not {edge}"
        assert edge.dtype._is_ref_dtype or not argument.is_ref, f"{node} takes a reference, not {edge}"


def prune(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    done: Collection[Operation] = (),
) -> Dataflow:
    """Keep what the fetches and targets need, by data or control edges.

    Args:
        fetches: tensors whose values are wanted.
        targets: operations that must run.
        feeds: tensors whose values are given; what only they need is left out.
        done: operations that have run already, whose outputs are among the feeds.
    """
    fed = {id(t): Edge(None, t.value_index, t.dtype, t.dims, t.name) for t in feeds}
    # To wait for a placeholder that is fed is to wait for nothing.
    done_set = {*done, *(tensor.op for tensor in feeds if tensor.op.type in ("Placeholder", "PlaceholderV2"))}
    nodes: dict[Operation, Node] = {}
    stack = [tensor.op for tensor in fetches if id(tensor) not in fed]
    stack.extend(op for op in targets if op not in done_set)
    while stack:
        op = stack.pop()
        if op in nodes or op in done_set:
            continue
        nodes[op] = Node(op.op_def, (), op.attrs, ((t.dtype, t.dims) for t in op.outputs), op)
        stack.extend(tensor.op for tensor in op.inputs if id(tensor) not in fed)
        stack.extend(op.control_inputs)

    def edge(tensor: SymbolicTensor) -> Edge:
        return fed.get(id(tensor)) or nodes[tensor.op].outputs[tensor.value_index]

    for op, node in nodes.items():
        node.inputs = [edge(tensor) for tensor in op.inputs]
        node.controls = [nodes[control] for control in op.control_inputs if control in nodes]
    return Dataflow(
        list(nodes.values()),
        [fed[id(tensor)] for tensor in feeds],
        [edge(tensor) for tensor in fetches],
        [nodes[op] for op in targets if op in nodes],
    )


def rewire(dataflow: Dataflow, replaced: dict[Edge, Edge], nodes: Iterable[Node] | None = None) -> Dataflow:
    """Return the dataflow with values put in the place of others, less what nothing needs any more.

    What has an effect or reads a variable stays, and so does a node that others wait for by control edges, even where
    its outputs are no longer used. An error in a value that nothing needs any more is not raised.

    Args:
        dataflow: what a pass was given.
        replaced: value -> the value to use in its place, which may itself be replaced.
        nodes: the nodes in their new order, by default those of `dataflow`.
    """

    def final(edge: Edge) -> Edge:
        while edge in replaced:
            edge = replaced[edge]
        return edge

    ordered = list(dataflow.nodes if nodes is None else nodes)
    if replaced:
        for node in ordered:
            node.inputs = [final(edge) for edge in node.inputs]
    fetches = [final(edge) for edge in dataflow.fetches]
    needed: set[Node] = set(dataflow.targets)
    needed.update(edge.node for edge in fetches if edge.node is not None)
    kept: list[Node] = []
    for node in reversed(ordered):
        if node in needed or node.op_def.is_stateful or node.op_def.has_ref_input or _reads(node):
            kept.append(node)
            needed.update(edge.node for edge in node.inputs if edge.node is not None)
            needed.update(node.controls)
    return Dataflow(kept[::-1], dataflow.feeds, fetches, dataflow.targets)


def without_replaced(dataflow: Dataflow, nodes: list[Node], replaced: dict[Edge, Edge]) -> Dataflow:
    """Return the dataflow with nodes taken out, also where something waits for them.

    Args:
        dataflow: what a pass was given.
        nodes: the nodes in order, old and new.
        replaced: the only output of a node to take out -> the value of the node to wait for, and to use, in its place.
    """
    instead = {old.node: new.node for old, new in replaced.items()}
    for node in nodes:
        if node.controls and node not in instead:
            node.controls = [instead.get(control) or control for control in node.controls]
    targets = [instead.get(node) or node for node in dataflow.targets]
    kept = [node for node in nodes if node not in instead]
    return rewire(Dataflow(kept, dataflow.feeds, dataflow.fetches, targets), replaced)


def _reads(node: Node) -> bool:
    return any(edge.dtype._is_ref_dtype for edge in node.inputs)


def uses(dataflow: Dataflow) -> dict[Edge, list[Node]]:
    """Return the nodes that use each value, one entry for each input; fetched values are not among them."""
    result: dict[Edge, list[Node]] = {}
    for node in dataflow.nodes:
        for edge in node.inputs:
            result.setdefault(edge, []).append(node)
    return result
