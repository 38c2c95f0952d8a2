"""Reading a GraphDef into a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import NotFoundError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, get_default_graph, name_scope
from penstock.core.graph_def import PRODUCER_VERSION, dims_from_proto
from penstock.core.op_def import OpDef, lookup, registered
from penstock.core.operation import Operation
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, merge
from penstock.core.tensor import SymbolicTensor
from penstock.formats import protos
from penstock.formats.errors import CorruptDataError
from penstock.graphs.attributes import read_attribute
from penstock.graphs.functions import RENAMED, Functions
from penstock.graphs.nodes import Body, CycleError, Node, Ref, from_node_def, in_order, parse_ref
from penstock.graphs.raise_branches import raise_branches
from penstock.graphs.raise_loops import raise_loops
from penstock.ops.control_flow import fake_param_op
from penstock.ops.function_call import FunctionOp

_LOOPS = ("While", "StatelessWhile")
_BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def import_graph_def(
    graph_def: Any,
    input_map: Any = None,
    return_elements: Any = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> Any:
    """Add the nodes of a GraphDef to the default graph.

    Branches and loops of TensorFlow 1 (Switch, Merge, Enter, Exit ...) become If and While; their Merges and Exits keep
    their names. Names that are taken get a number at their end.

    Args:
        graph_def: a GraphDef message, the library of its functions included.
        input_map: name in `graph_def`, such as "x:0", or "^x" for waiting for x -> tensor or operation of the default
            graph to use in its place.
        return_elements: names of tensors ("y:0") and operations ("y") to return.
        name: the name scope to put the nodes in; "import" by default, "" for none.
        op_dict: accepted and unused.
        producer_op_list: the OpList of whoever wrote the graph; attributes that only it knows are left out where they
            have their default values.
    Returns:
        A list of what `return_elements` names; None without it.
    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if the graph is malformed, a name is not in it, or types or shapes do not fit.
        NotFoundError: if nobody declares some operations; the message has the names of all.

    >>> import penstock.v1 as tf
    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     doubled = tf.multiply(tf.placeholder(tf.float32, name="x"), 2.0, name="y")
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     y, = tf.import_graph_def(graph.as_graph_def(), {"x:0": tf.constant(21.0)}, ["y:0"])
    ...     print(y.name, session.run(y))
    import/y:0 42.0
    """
    del op_dict
    graph_def = _as_graph_def(graph_def)
    mapped = _as_input_map(input_map)
    wanted = _as_return_elements(return_elements)
    if graph_def.versions.min_consumer > PRODUCER_VERSION:
        raise ValueError(
            f"GraphDef min consumer version {graph_def.versions.min_consumer} above current version "
            f"{PRODUCER_VERSION}. Please upgrade the program that reads the graph."
        )
    graph = get_default_graph()
    functions = Functions(graph_def.library)
    nodes = [from_node_def(message) for message in graph_def.node]
    _check_names(nodes)
    unknown = functions.unknown_operations(nodes)
    if unknown:
        raise NotFoundError(
            None,
            None,
            f"Op type not registered: {', '.join(unknown)}. The graph cannot be imported before these operations are "
            "declared: import the modules that do, or write them with @penstock.op (docs/adding-an-op.md).",
        )
    defaults = {} if producer_op_list is None else {op.name: op for op in producer_op_list.op}
    with graph.as_default(), name_scope(name, "import") as scope:
        mapping = {key: _as_mapped(key, value) for key, value in mapped.items()}
        builder = Builder(graph, functions, scope, mapping, defaults)
        builder.check_references(nodes)
        with graph.name_scope(None):
            builder.add(nodes)
    missing = builder.unused_mappings(nodes)
    if missing:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(missing)}]")
    if wanted is None:
        return None
    return [builder.element(item) for item in wanted]


def _as_graph_def(graph_def: Any) -> Any:
    if isinstance(graph_def, protos.GraphDef):
        return graph_def
    # Another package's compiled message of the same kind has the same bytes.
    if getattr(getattr(graph_def, "DESCRIPTOR", None), "full_name", "") == "tensorflow.GraphDef":
        return protos.GraphDef.FromString(graph_def.SerializeToString())
    raise TypeError(f"Argument `graph_def` must be a GraphDef proto. Received type: {type(graph_def).__name__}.")


def _as_input_map(input_map: Any) -> dict[str, Any]:
    if input_map is None:
        return {}
    if not isinstance(input_map, dict) or not all(isinstance(key, (str, bytes)) for key in input_map):
        raise TypeError(f"Argument `input_map` must be a dictionary from names to tensors, got {input_map!r}")
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in input_map.items()}


def _as_return_elements(names: Any) -> list[str] | None:
    if names is None:
        return None
    if not isinstance(names, (list, tuple)) or not all(isinstance(item, (str, bytes)) for item in names):
        raise TypeError(f"Argument `return_elements` must be a list of strings, got {names!r}")
    return [item.decode() if isinstance(item, bytes) else item for item in names]


def _as_mapped(key: str, value: Any) -> Any:
    if key.startswith("^"):
        return value if isinstance(value, Operation) else getattr(value, "op", value)
    return convert_to_tensor(value)


def _check_names(nodes: Sequence[Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        if not node.name:
            raise ValueError(f"A node of operation {node.op!r} has no name")
        if node.name in seen:
            raise ValueError(f"Node {node.name!r} is not unique: two nodes of the graph have this name")
        seen.add(node.name)


class Builder:
    """Adds nodes to one graph, or to the FuncGraph of a body.

    Args:
        graph: what the nodes are added to.
        functions: the functions that they may call.
        scope: what stands before their names, with a slash at its end, or "".
        mapping: what to use in the place of inputs; keys as `import_graph_def` has them.
        producer: OpDef messages of whoever wrote the graph.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Functions,
        scope: str = "",
        mapping: dict[str, Any] | None = None,
        producer: dict[str, Any] | None = None,
    ) -> None:
        self.graph = graph
        self.functions = functions
        self.scope = scope
        self.mapping = {
            (key if key.startswith("^") else parse_ref(key)): value for key, value in (mapping or {}).items()
        }
        self.used: set[Any] = set()
        self.producer = producer or {}
        self.ops: dict[str, Operation] = {}
        self.names: set[str] = set()
        self.arguments: dict[str, SymbolicTensor] = {}
        self.called: dict[Any, FunctionOp] = {}
        self.bodies: dict[Any, FuncGraph] = {}

    # Names

    def check_references(self, nodes: Sequence[Node]) -> None:
        """Check that every input is an output of a node, or mapped.

        Raises:
            ValueError: if not.
        """
        names = {node.name for node in nodes}
        for node in nodes:
            for ref in node.inputs:
                if ref.node not in names and ref not in self.mapping:
                    raise ValueError(f"Node {node.name!r}: Unknown input node {str(ref)!r}")
            for control in node.controls:
                if control not in names and f"^{control}" not in self.mapping:
                    raise ValueError(f"Node {node.name!r}: Unknown input node '^{control}'")

    def unused_mappings(self, nodes: Sequence[Node]) -> list[str]:
        """Return the keys of the mapping that name nothing in the graph."""
        missing = []
        for key in self.mapping:
            name = key[1:] if isinstance(key, str) else key.node
            if key in self.used:
                continue
            op = self.ops.get(name)
            exists = any(node.name == name for node in nodes)
            if not exists or op is not None and isinstance(key, Ref) and key.output >= len(op.outputs):
                missing.append(key if isinstance(key, str) else f"{key.node}:{key.output}")
        return missing

    def element(self, name: str) -> Any:
        """Return an operation or tensor that was added, by its name in the GraphDef.

        Raises:
            ValueError: if there is none.
        """
        ref = parse_ref(name)
        op = self.ops.get(ref.node)
        if op is None or ":" in name and ref.output >= len(op.outputs):
            raise ValueError(f"Requested return_element {name!r} not found in graph_def.")
        return op.outputs[ref.output] if ":" in name else op

    def tensor(self, ref: Ref, node: Node) -> SymbolicTensor:
        """Return the tensor that an input refers to."""
        if ref in self.mapping:
            self.used.add(ref)
            return self.graph.capture(self.mapping[ref])
        if ref.node in self.arguments:
            return self.arguments[ref.node]
        op = self.ops.get(ref.node)
        if op is None:
            raise ValueError(f"Node {node.name!r}: Unknown input node {str(ref)!r}")
        if ref.output >= len(op.outputs):
            raise ValueError(
                f"Node {node.name!r}: Connecting to invalid output {ref.output} of source node {ref.node} which has "
                f"{len(op.outputs)} outputs."
            )
        return op.outputs[ref.output]

    # Nodes

    def add(self, nodes: Sequence[Node]) -> None:
        """Add nodes, branches and loops raised."""
        try:
            ordered = in_order(raise_branches(raise_loops(list(nodes))), self._needs)
        except CycleError as error:
            raise ValueError(f"Node {error.names[0]!r} is in a graph cycle: {' -> '.join(error.names)}") from None
        self.names = {node.name for node in ordered}
        for node in ordered:
            self._add(node)

    def _needs(self, node: Node) -> list[str]:
        names = [ref.node for ref in node.inputs if ref not in self.mapping]
        return names + [name for name in node.controls if f"^{name}" not in self.mapping]

    def _control(self, name: str) -> Operation | None:
        key = f"^{name}"
        if key in self.mapping:
            self.used.add(key)
            return self.mapping[key]
        return self.ops.get(name)

    def _add(self, node: Node) -> None:
        inputs = [self.tensor(ref, node) for ref in node.inputs]
        found = [self._control(name) for name in dict.fromkeys(node.controls)]
        controls = list(dict.fromkeys(op for op in found if op is not None))
        attrs: dict[str, Any]
        if node.op in self.functions:
            given = {key: value for key, value in node.attrs.items() if not key.startswith("_")}
            op_def: OpDef = self._function_op(node.op, given, inputs)
            attrs = {"f": op_def.body, **self._extra_attributes(node, op_def)}
        else:
            op_def = registered()[RENAMED.get(node.op, node.op)]
            try:
                attrs = self._attributes(node, op_def, inputs)
            except (ValueError, CorruptDataError) as error:
                raise ValueError(f"Node {node.name!r}: {error}") from None
        known = self._static_shapes(node)
        _check_inputs(node, op_def, inputs, attrs)
        name = self.graph.unique_name(f"{self.scope}{node.name}")
        with self.graph.device(node.device or ""):
            try:
                op = self.graph.add_operation(op_def, inputs, attrs, name, controls)
            except ValueError as error:
                if node.name in str(error):
                    raise
                raise ValueError(f"Node {node.name!r}: {error}") from None
        for tensor, dims in zip(op.outputs, known, strict=False):
            try:
                tensor.set_shape(merge(tensor.dims, dims))
            except (ShapeError, ValueError):
                continue  # what the shape rule found counts
        self.ops[node.name] = op

    def _static_shapes(self, node: Node) -> list[Dims]:
        shapes = node.attrs.get("_output_shapes")
        return [] if shapes is None else [dims_from_proto(shape) for shape in shapes.list.shape]

    # Attributes

    def _attributes(self, node: Node, op_def: OpDef, inputs: Sequence[SymbolicTensor]) -> dict[str, Any]:
        attrs: dict[str, Any] = dict(op_def.defaults)
        functions: dict[str, Any] = {}
        for name, value in node.attrs.items():
            attribute = op_def.attributes.get(name)
            if attribute is None:
                continue
            if attribute.kind in ("func", "list(func)"):
                functions[name] = value
                continue
            try:
                attrs[name] = read_attribute(value, attribute.kind)
            except (ValueError, TypeError, CorruptDataError) as error:
                raise ValueError(f"attribute {name!r} of {op_def.name}: {error}") from None
            _check_attribute(name, attribute, attrs[name])
        attrs.update(self._extra_attributes(node, op_def))
        if functions:
            self._infer_types(op_def, inputs, attrs)
            attrs.update(self._bodies(node, functions, inputs, attrs))
        missing = [name for name in op_def.attributes if name not in attrs]
        if missing:
            raise ValueError(f"NodeDef missing attr {missing[0]!r} from Op<name={op_def.name}>")
        return attrs

    def _extra_attributes(self, node: Node, op_def: OpDef) -> dict[str, Any]:
        """Return the attributes that the operation does not declare."""
        extra: dict[str, Any] = {}
        for name, value in node.attrs.items():
            if name in op_def.attributes or name == "_output_shapes":
                continue
            if name.startswith("_") or op_def.body is not None:
                # What is not understood is kept as it came, so that it goes out again.
                extra[name] = bytes(value.s) if name == "_gradient_op_type" else value
                if name == "_class":
                    extra[name] = self._colocation(value)
                    if not extra[name]:
                        del extra[name]
            elif not self._is_producers_default(node, name, value):
                raise ValueError(
                    f"NodeDef mentions attr {name!r} not in Op<name={op_def.name}>. The graph may have been written "
                    "by a "
                    "newer version; pass its producer_op_list."
                )
        return extra

    def _colocation(self, value: Any) -> list[bytes]:
        """Return colocation groups under the names of this graph; those of nodes that were raised are no more."""
        groups = [bytes(group).decode() for group in value.list.s]
        kept = [group for group in groups if not group.startswith("loc:@") or group[5:] in self.names]
        return [group.replace("loc:@", f"loc:@{self.scope}", 1).encode() for group in kept]

    def _is_producers_default(self, node: Node, name: str, value: Any) -> bool:
        declared = self.producer.get(node.op)
        return declared is not None and any(a.name == name and a.default_value == value for a in declared.attr)

    def _infer_types(self, op_def: OpDef, inputs: Sequence[SymbolicTensor], attrs: dict[str, Any]) -> None:
        """Fill in the types of inputs where raising left them out."""
        position = 0
        for argument in op_def.inputs:
            if argument.list_attr is not None:
                count = len(attrs[argument.list_attr]) if argument.list_attr in attrs else len(inputs) - position
                types = [tensor.dtype.base_dtype for tensor in inputs[position : position + count]]
                attrs.setdefault(argument.list_attr, types)
                position += count
                continue
            if argument.type_attr is not None and position < len(inputs):
                attrs.setdefault(argument.type_attr, inputs[position].dtype.base_dtype)
            position += 1

    # Functions

    def _bodies(
        self, node: Node, values: dict[str, Any], inputs: Sequence[SymbolicTensor], attrs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the function attributes of a node as FuncGraphs."""
        if node.op in _LOOPS:
            condition, body, dims = self._loop_bodies(node, values, inputs, attrs)
            return {"cond": condition, "body": body, "output_shapes": dims}
        if node.op == "SymbolicGradient":
            call = values["f"].func
            return {"f": self._function_op(call.name, dict(call.attr)).body}
        given: list[SymbolicTensor] | None = None
        if node.op in _BRANCHES:
            given = list(inputs[1:])
        elif node.op in _CALLS:
            given = list(inputs)
        result: dict[str, Any] = {}
        for name, value in values.items():
            items = value if isinstance(value, list) else [value]
            if not isinstance(value, list) and not isinstance(value, Body) and value.WhichOneof("value") == "list":
                items = list(value.list.func)
            elif not isinstance(value, list) and not isinstance(value, Body):
                items = [value.func]
            shared = node.op not in _BRANCHES
            built = [self._build(item, given, shared) for item in items]
            result[name] = built if isinstance(value, list) or op_attribute_is_list(node.op, name) else built[0]
        if node.op in _BRANCHES:
            every = [item for value in result.values() for item in (value if isinstance(value, list) else [value])]
            _fill_missing(every)
            attrs.setdefault("Tout", [tensor.dtype.base_dtype for tensor in every[0].outputs])
        elif node.op in _CALLS:
            attrs.setdefault("Tout", [tensor.dtype.base_dtype for tensor in result["f"].outputs])
        return result

    def _body_of(self, item: Any) -> Body:
        return item if isinstance(item, Body) else self.functions.body(item.name, dict(item.attr))

    def _build(self, item: Any, given: Sequence[SymbolicTensor] | None, shared: bool) -> FuncGraph:
        """Return the FuncGraph of a function; the same for all calls with the same shapes, where they may share it."""
        like = None if given is None else [(t.dtype, t.dims) for t in given]
        key = None
        if shared and not isinstance(item, Body):
            key = (item.SerializeToString(deterministic=True), None if like is None else tuple(like))
            if key in self.bodies:
                return self.bodies[key]
        built = self.function(self._body_of(item), like)
        if key is not None:
            self.bodies[key] = built
        return built

    def _loop_bodies(
        self, node: Node, values: dict[str, Any], inputs: Sequence[SymbolicTensor], attrs: dict[str, Any]
    ) -> tuple[FuncGraph, FuncGraph, list[Dims]]:
        """Return the condition and body of a loop, and the shapes that its variables keep."""
        condition, body = (
            self._body_of(value if isinstance(value, Body) else value.func)
            for value in (values["cond"], values["body"])
        )
        types = [t.dtype for t in inputs]
        dims: list[Dims] = list(attrs.get("output_shapes") or [])
        if not dims and all(argument.has_dims for argument in body.arguments):
            dims = [argument.dims for argument in body.arguments]
        if dims:
            like = list(zip(types, dims, strict=True))
            return self.function(condition, like), self.function(body, like), dims
        # The shapes that the loop keeps are not written down: start from those before the first iteration, and give up
        # what an iteration changes.
        dims = [tensor.dims for tensor in inputs]
        while True:
            like = list(zip(types, dims, strict=True))
            try:
                built = self.function(body, like)
                kept = [_common(before, after.dims) for before, after in zip(dims, built.outputs, strict=True)]
            except ValueError:
                if all(size is None for size in dims):
                    raise
                kept = [None if t.name not in ("resource", "variant") else d for t, d in zip(types, dims, strict=True)]
                if kept == dims:
                    raise
            else:
                if kept == dims:
                    return self.function(condition, like), built, dims
            dims = kept

    def function(
        self, body: Body, like: Sequence[tuple[DType, Dims]] | None = None, graph: FuncGraph | None = None
    ) -> FuncGraph:
        """Return a FuncGraph of a body.

        Args:
            body: the function.
            like: the types and shapes of what it is called with, where its signature does not say.
            graph: an empty FuncGraph to build it in, by default a new one.
        """
        if like is not None and len(like) != len(body.arguments):
            raise ValueError(f"Function {body.name!r} takes {len(body.arguments)} arguments, got {len(like)}")
        if graph is None:
            graph = FuncGraph(body.name, self.graph)
        graph.output_names = list(body.output_names)
        graph.function_attributes = dict(body.attrs)
        inner = Builder(graph, self.functions, producer=self.producer)
        inner.called, inner.bodies = self.called, self.bodies
        for i, argument in enumerate(body.arguments):
            given_type, given_dims = like[i] if like is not None else (None, None)
            dtype = argument.dtype if argument.dtype is not None else given_type
            assert dtype is not None
            is_ref = argument.is_ref and (given_type is None or given_type._is_ref_dtype)
            dtype = dtype._as_ref if is_ref else dtype.base_dtype
            dims = given_dims if like is not None else argument.dims
            if argument.has_dims and like is not None:
                dims = _specific(argument.dims, given_dims)
            inner.arguments[argument.name] = graph.add_input(dtype, dims, argument.name)
        inner.add(body.nodes)
        asked = Node(body.name, "return")
        graph.outputs = [None if ref is None else inner.tensor(ref, asked) for ref in body.outputs]  # type: ignore[misc]
        graph.control_outputs = [inner.ops[name] for name in body.controls if name in inner.ops]
        return graph

    def _function_op(
        self, name: str, attrs: dict[str, Any], inputs: Sequence[SymbolicTensor] | None = None
    ) -> FunctionOp:
        """Return the operation named after a function of the library."""
        key = name, tuple(sorted((k, v.SerializeToString(deterministic=True)) for k, v in attrs.items()))
        if key not in self.called:
            body = self.functions.body(name, attrs)
            like: list[tuple[DType, Dims]] | None = None
            if inputs is not None and len(inputs) == len(body.arguments):
                like = [(tensor.dtype, None) for tensor in inputs]
            built = self.function(body, like)
            gradient = self.functions.gradients.get(name)
            if gradient is not None:
                built.gradient = self.function(self.functions.body(gradient, attrs))
                built.has_own_gradient = True
            self.graph._functions[name] = built
            self.called[key] = FunctionOp(built)
        return self.called[key]


def op_attribute_is_list(op: str, name: str) -> bool:
    """Tell whether an attribute of an operation is a list of functions."""
    return lookup(op).attributes[name].kind == "list(func)"


def _fill_missing(branches: Sequence[FuncGraph]) -> None:
    """Give each branch a stand-in for the values that only another branch has."""
    for position in range(len(branches[0].outputs)):
        present = next(b.outputs[position] for b in branches if b.outputs[position] is not None)
        for branch in branches:
            if branch.outputs[position] is None:
                with branch.as_default():
                    branch.outputs[position] = fake_param_op(dtype=present.dtype.base_dtype, shape=present.dims)


def _common(before: Dims, after: Dims) -> Dims:
    """Return what holds of a shape before and after an iteration."""
    if before is None or after is None or len(before) != len(after):
        return None
    return tuple(a if a == b else None for a, b in zip(before, after, strict=True))


def _specific(a: Dims, b: Dims) -> Dims:
    try:
        return merge(a, b)
    except ShapeError:
        return a


def _check_attribute(name: str, attribute: Any, value: Any) -> None:
    """Check a value against what the operation allows."""
    if attribute.allowed is not None:
        allowed = {item.decode() if isinstance(item, bytes) else item for item in attribute.allowed}
        for item in value if attribute.kind.startswith("list(") else [value]:
            if item not in allowed:
                shown = item.name if isinstance(item, DType) else repr(item)
                names = ", ".join(sorted(i.name if isinstance(i, DType) else repr(i) for i in allowed))
                raise ValueError(f"Value for attr {name!r} of {shown} is not in the list of allowed values: {names}")
    if attribute.minimum is not None and attribute.kind == "int" and value < attribute.minimum:
        raise ValueError(f"Value for attr {name!r} of {value} must be at least minimum {attribute.minimum}")


def _check_inputs(node: Node, op_def: OpDef, inputs: Sequence[SymbolicTensor], attrs: dict[str, Any]) -> None:
    """Check the number and the types of a node's inputs."""
    expected: list[tuple[DType, bool]] = []
    for argument in op_def.inputs:
        if argument.list_attr is not None:
            expected.extend((dtype, argument.is_ref) for dtype in attrs[argument.list_attr])
            continue
        dtype = argument.dtype if argument.dtype is not None else attrs[argument.type_attr]  # type: ignore[index]
        count = attrs[argument.number_attr] if argument.number_attr is not None else 1
        expected.extend([(as_dtype(dtype), argument.is_ref)] * count)
    if len(expected) != len(inputs):
        names = ", ".join(dtype.name for dtype, _ in expected)
        raise ValueError(
            f"Node {node.name!r}: NodeDef expected inputs '{names}' do not match {len(inputs)} inputs specified"
        )
    for i, (tensor, (dtype, is_ref)) in enumerate(zip(inputs, expected, strict=True)):
        if tensor.dtype.base_dtype != dtype.base_dtype or is_ref and not tensor.dtype._is_ref_dtype:
            wanted = f"{dtype.name}_ref" if is_ref else dtype.name
            raise ValueError(
                f"Input {i} of node {node.name} was passed {tensor.dtype.name} from {node.inputs[i].node}:"
                f"{node.inputs[i].output} incompatible with expected {wanted}."
            )
