"""Python source for a dataflow: one line for each kernel, names taken from the graph."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from penstock.compiler import control_flow, host_scalars
from penstock.compiler.aliasing import hazards
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.compiler.effects import effects_of
from penstock.compiler.loops import LoopBody
from penstock.compiler.optimize import dataflow_of
from penstock.compiler.options import Options
from penstock.compiler.reuse import reused_inputs
from penstock.core import array
from penstock.core.errors import InvalidArgumentError
from penstock.core.func_graph import FuncGraph
from penstock.core.inference import group_inputs
from penstock.core.op_def import Argument
from penstock.core.resources import ResourceManager, detach_variable
from penstock.core.shape_rules import format_dims

_LARGEST_LITERAL = 64


class Generated:
    """Source, and what it needs to run.

    Attributes:
        source: the text of one function.
        name: the function's name.
        namespace: kernels, constants and variables by the names that the source has for them.
        nodes: line number -> (node, the names of its input values).
        bodies: the functions that branches and loops call.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = ""
        self.namespace: dict[str, Any] = {}
        self.nodes: dict[int, tuple[Node, list[str]]] = {}
        self.bodies: list[Generated] = []


class Writer:
    """Writes the function of one dataflow.

    Attributes:
        extra_parameters: names of parameters that stand before the feeds.
        writes_loops_inline: whether the bodies of loops are written where the loops are, rather than as functions.
    """

    extra_parameters: tuple[str, ...] = ()
    writes_loops_inline = True

    def __init__(self, dataflow: Dataflow, resources: ResourceManager, name: str, options: Options) -> None:
        self.dataflow = dataflow
        self.resources = resources
        self.options = options
        self.result = Generated(name)
        self.lines: list[str] = []
        self._names: dict[Any, str] = {}  # an edge, the id of a kernel or body -> name
        self._taken: set[str] = {name}
        self._counts: dict[str, int] = {}  # how often a name was asked for, so that none is tried twice
        self._indent = "    "
        self._reused: dict[Node, int] = {}
        self._numbers: set[Edge] = set()  # values that are Python numbers, or lists of them, and may be used as such
        self._scalars: set[Edge] = set()  # those that are numbers where kernels may want tensors

    def write(self) -> Generated:
        """Return the function's source and namespace."""
        parameters = [*self.extra_parameters, *(self.bind(edge) for edge in self.dataflow.feeds)]
        self.lines.append(f"def {self.result.name}({', '.join(parameters)}):")
        self.write_nodes(self.dataflow)
        returned = ", ".join(self._returned(edge) for edge in self.dataflow.fetches)
        self.lines.append(f"{self._indent}return [{returned}]")
        self.result.source = "\n".join(self.lines) + "\n"
        return self.result

    def write_nodes(self, dataflow: Dataflow, frees_feeds: bool = True) -> None:
        """Write the lines for the nodes of a dataflow, whose feeds have names.

        Args:
            dataflow: that of this writer, or the body of a loop.
            frees_feeds: whether the feeds' names are deleted after their last use.
        """
        self._numbers |= _host_values(dataflow)
        last_use = self._last_uses(dataflow, frees_feeds)
        detach = hazards(dataflow)
        if self.options.reuse_memory:
            self._reused.update(reused_inputs(dataflow))
        for position, node in enumerate(dataflow.nodes):
            for edge in detach.get(node, ()):
                self.emit(f"{self.shared('detach', detach_variable)}({self.value(edge)})", node, [])
            self._write_node(node)
            finished = [self._names[edge] for edge in last_use.get(position, ()) if edge in self._names]
            if finished:
                self.lines.append(f"{self._indent}del {', '.join(finished)}")

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Write lines one level deeper."""
        before = self._indent
        self._indent += "    "
        yield
        self._indent = before

    def _returned(self, edge: Edge) -> str:
        if edge.dtype._is_ref_dtype:
            return f"{self.value(edge)}.read()"
        return self.tensor(edge)

    def _last_uses(self, dataflow: Dataflow, frees_feeds: bool) -> dict[int, list[Edge]]:
        """Return position -> values that are used there for the last time and can be freed."""
        kept = set(dataflow.fetches)
        if not frees_feeds:
            kept.update(dataflow.feeds)
        last: dict[Edge, int] = {}
        if dataflow.nodes:
            last.update((edge, 0) for edge in dataflow.feeds)
        for position, node in enumerate(dataflow.nodes):
            if self._is_bound_once(node):
                continue
            last.update((edge, position) for edge in node.outputs)
            for edge in node.inputs:
                if edge.node is None or not self._is_bound_once(edge.node):
                    last[edge] = position
        result: dict[int, list[Edge]] = {}
        for edge, position in last.items():
            if edge not in kept:
                result.setdefault(position, []).append(edge)
        return result

    def _is_bound_once(self, node: Node) -> bool:
        return node.op_def.name == "Const" or self._is_hoisted(node)

    # Names

    def bind(self, edge: Edge) -> str:
        """Give a value a name of its own in the source."""
        node_name = edge.name.rpartition(":")[0]
        suffix = f"_{edge.output}" if edge.output else ""
        name = self._names[edge] = self.unique(node_name + suffix)
        return name

    def unique(self, name: str) -> str:
        """Return a Python name like `name` that nothing in the function has yet."""
        base = name if name.isidentifier() else re.sub(r"\W", "_", name)
        if not base or base[0].isdigit() or keyword.iskeyword(base):
            base = f"_{base}"
        candidate, count = base, self._counts.get(base, 0)
        while candidate in self._taken:
            count += 1
            candidate = f"{base}_{count}"
        self._counts[base] = count
        self._taken.add(candidate)
        return candidate

    def constant(self, name: str, value: Any) -> str:
        """Return the name under which the function finds an object."""
        chosen = self.unique(name)
        self.result.namespace[chosen] = value
        return chosen

    def shared(self, name: str, value: Any) -> str:
        """Return the name under which the function finds a kernel, the same for each use."""
        if id(value) not in self._names:
            self._names[id(value)] = self.constant(name, value)
        return self._names[id(value)]

    def value(self, edge: Edge) -> str:
        """Return the name of an edge's value, or of the variable that it refers to."""
        return self._names[edge]

    def tensor(self, edge: Edge) -> str:
        """Return the expression for an edge's value as a tensor."""
        if edge not in self._scalars:
            return self._names[edge]
        kind = self.shared(edge.dtype.name, array.torch_dtype(edge.dtype))
        return f"{self.shared('scalar_tensor', array.scalar_tensor)}({self._names[edge]}, dtype={kind})"

    def number(self, edge: Edge) -> str:
        """Return the expression for a 0-d value as a Python number."""
        if edge in self._scalars:
            return self._names[edge]
        text = host_scalars.literal(edge)
        if text is not None:
            return text
        value = f"{self.value(edge)}.read()" if edge.dtype._is_ref_dtype else self.value(edge)
        return f"{'bool' if edge.dtype.name == 'bool' else 'int'}({value})"

    def use_as_number(self, edges: Iterable[Edge]) -> None:
        """Declare values to be Python numbers where they are bound."""
        self._scalars.update(edges)

    def name(self, edge: Edge, name: str) -> None:
        """Let a value be known by a name that something else has given it."""
        self._names[edge] = name

    def body(self, function: FuncGraph | LoopBody) -> str:
        """Return the name of the function generated for the body of a branch, loop or function."""
        if id(function) not in self._names:
            name = self.unique(function.name)
            self._names[id(function)] = name
            self.result.bodies.append(self.for_body(body_dataflow(function, self.options), name).write())
        return self._names[id(function)]

    def body_nodes(self, function: FuncGraph | LoopBody) -> Dataflow:
        """Return what runs in the body of a branch, loop or function."""
        return body_dataflow(function, self.options)

    def is_made_in_step(self, edge: Edge) -> bool:
        """Tell whether a value is made by a line of the function, rather than given to it or found once."""
        return edge.node is not None and not self._is_bound_once(edge.node)

    def for_body(self, dataflow: Dataflow, name: str) -> Writer:
        """Return what writes the function of a body."""
        return Writer(dataflow, self.resources, name, self.options)

    # Lines

    def emit(self, line: str, node: Node, names: list[str]) -> None:
        """Append a line that belongs to `node` and uses the values named."""
        self.lines.append(self._indent + line)
        self.result.nodes[len(self.lines)] = (node, names)

    def _is_hoisted(self, node: Node) -> bool:
        """Tell whether a node only finds a resource, which is done once, when the program is made."""
        outputs = node.outputs
        return (
            not node.inputs
            and "resources" in node.op_def.injected
            and len(outputs) == 1
            and (outputs[0].dtype._is_ref_dtype or outputs[0].dtype.name == "resource")
        )

    def _write_node(self, node: Node) -> None:
        op_def = node.op_def
        outputs = node.outputs
        if outputs and outputs[0] in self._scalars:
            self._write_scalar(node)
            return
        if op_def.name == "Const":
            self._names[node.output] = self.constant(node.name, array.from_numpy(node.attrs["value"], copy=True))
            return
        if self._is_hoisted(node):
            attributes = {name: node.attrs[name] for name in op_def.kernel_attributes}
            found = op_def.kernel(**self._injected(node), **attributes)
            self._names[node.output] = self.constant(node.name, found)
            return
        if op_def.name == "Shape" and node.output in self._numbers:
            edge = node.inputs[0]
            value = f"{self.value(edge)}.read()" if edge.dtype._is_ref_dtype else self.value(edge)
            self.emit(f"{self.bind(node.output)} = list({value}.shape)", node, [self.value(edge)])
            return
        if op_def.name == "Placeholder":
            self._write_missing_feed(node)
            return
        if op_def.name == "ReadVariableOp":
            # What `hazards` knows of the step makes it safe to hand out the variable's own memory.
            handle = self.value(node.inputs[0])
            self.emit(f"{self.bind(node.output)} = {handle}.read()", node, [handle])
            return
        if op_def.name == "Identity" and node.inputs[0].dtype._is_ref_dtype:
            variable = self.value(node.inputs[0])
            self.emit(f"{self.bind(node.output)} = {variable}.read()", node, [variable])
            return
        writer = control_flow.writer_of(op_def)
        if writer is not None:
            writer(self, node)
            return
        arguments, used = self._arguments(node)
        kernel, name = self._specialized(node), _kernel_name(op_def.name)
        if node in self._reused:
            kernel, name = None, f"{name.removesuffix('_kernel')}_in_place_kernel"
        if kernel is None:
            kernel = op_def.in_place_kernels[self._reused[node]] if node in self._reused else op_def.kernel
            arguments.extend(self._keywords(node))
        call = f"{self.shared(name, kernel)}({', '.join(arguments)})"
        comment = f"  # {node.attrs['chain']}" if "chain" in node.attrs else ""
        if not outputs:
            self.emit(call + comment, node, used)
            return
        names = [self.bind(edge) for edge in node.outputs]
        self.emit(f"{self._targets(node, names)} = {call}{comment}", node, used)

    def _write_scalar(self, node: Node) -> None:
        operands = [self.number(edge) for edge in node.inputs]
        operands = [text if text.isidentifier() or text.isdigit() else f"({text})" for text in operands]
        used = [self.value(edge) for edge in node.inputs]
        name = self.bind(node.output)
        self.emit(f"{name} = {host_scalars.EXPRESSIONS[node.op_def.name](node, *operands)}", node, used)
        limits = host_scalars.LIMITS[node.output.dtype.name]
        if limits is not None and node.op_def.name not in host_scalars.WITHIN_LIMITS:
            wrap = self.shared("wrap", host_scalars.wrap)
            low, high = limits
            self.emit(f"if not {low} <= {name} <= {high}:", node, used)
            self.emit(f"    {name} = {wrap}({name}, {node.output.dtype.name!r})", node, used)

    def _specialized(self, node: Node) -> Callable[..., Any] | None:
        """Return the kernel bound to the node's attributes, if the operation has a way to do so."""
        rule = node.op_def.specialize_rule
        return None if rule is None or not self.options.specialize else rule(node.attrs)

    def _targets(self, node: Node, names: list[str]) -> str:
        op_def = node.op_def
        if op_def.single_output:
            return names[0]
        grouped = _group_outputs(node, names)
        if len(grouped) == 1:
            return grouped[0]
        return ", ".join(grouped)

    def _write_missing_feed(self, node: Node) -> None:
        dims = node.attrs.get("shape")
        text = (
            f"You must feed a value for placeholder tensor {node.name!r} with dtype {node.attrs['dtype'].name} and "
            f"shape {format_dims(dims)}. "
            f"Pass it in feed_dict of session.run."
        )
        error = self.shared("missing_feed", _raise_missing_feed)
        self.emit(f"{self.bind(node.output)} = {error}({text!r})", node, [])

    def _arguments(self, node: Node) -> tuple[list[str], list[str]]:
        """Return the kernel's positional arguments, and the names of the values in them."""
        arguments: list[str] = []
        used: list[str] = []
        for argument, given in zip(node.op_def.inputs, group_inputs(node.op_def, node.inputs, node.attrs), strict=True):
            if argument.is_sequence:
                items = [self.argument(argument, edge) for edge in given]
                used.extend(self.value(edge) for edge in given)
                arguments.append(f"[{', '.join(items)}]")
            else:
                used.append(self.value(given))
                arguments.append(self.argument(argument, given))
        return arguments, used

    def argument(self, argument: Argument, edge: Edge) -> str:
        """Return the expression for one input of a kernel: a value, a variable, or Python numbers."""
        name = self.value(edge)
        if argument.is_host:
            if edge.node is not None and edge.node.op_def.name == "Const":
                number = edge.node.attrs["value"]
                return _literal(number.tolist()) if number.size <= _LARGEST_LITERAL else f"{name}.tolist()"
            if edge in self._numbers or edge in self._scalars:
                return name
            return f"{name}.read().tolist()" if edge.dtype._is_ref_dtype else f"{name}.tolist()"
        if edge.dtype._is_ref_dtype and not argument.is_ref:
            return f"{name}.read()"
        return self.tensor(edge)

    def _injected(self, node: Node) -> dict[str, Any]:
        available = {"resources": self.resources, "node_name": node.name}
        return {key: available[key] for key in node.op_def.injected}

    def _keywords(self, node: Node) -> Iterator[str]:
        for name, value in self._injected(node).items():
            yield f"{name}={self.shared(name, value) if name == 'resources' else repr(value)}"
        for name in node.op_def.kernel_attributes:
            value = node.attrs[name]
            text = _literal(value)
            yield f"{name}={self.constant(f'{node.name}_{name}', value) if text is None else text}"


def _host_values(dataflow: Dataflow) -> set[Edge]:
    """Return the values that are Python numbers in the source: what kernels give as such, and shapes that only host
    inputs take."""
    given: set[Edge] = set()
    shapes: set[Edge] = set()
    for node in dataflow.nodes:
        outputs = node.op_def.outputs
        if node.op_def.name == "Shape" and node.inputs[0].dtype.name not in ("variant", "resource"):
            shapes.add(node.outputs[0])
        elif len(outputs) == len(node.outputs):
            given.update(edge for argument, edge in zip(outputs, node.outputs, strict=True) if argument.is_host)
    shapes.difference_update(dataflow.fetches)
    if shapes:
        for node in dataflow.nodes:
            if not shapes.isdisjoint(node.inputs):
                arguments = zip(node.op_def.inputs, group_inputs(node.op_def, node.inputs, node.attrs), strict=True)
                for argument, value in arguments:
                    if not argument.is_host:
                        shapes.difference_update(value if argument.is_sequence else [value])
    return given | shapes


def body_dataflow(function: FuncGraph | LoopBody, options: Options) -> Dataflow:
    """Return what runs in the body of a branch, loop or function."""
    if isinstance(function, LoopBody):
        return function.dataflow
    return dataflow_of(function.outputs, effects_of(function), function.inputs, options)


@lru_cache(maxsize=4096)
def _kernel_name(op_name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", op_name).lower() + "_kernel"


def _group_outputs(node: Node, names: list[str]) -> list[str]:
    grouped: list[str] = []
    position = 0
    for output in node.op_def.outputs:
        if not output.is_sequence:
            grouped.append(names[position])
            position += 1
            continue
        size = node.attrs[output.number_attr] if output.number_attr else len(node.attrs[output.list_attr])  # type: ignore[index]
        grouped.append(f"[{', '.join(names[position : position + size])}]")
        position += size
    return grouped


def _literal(value: Any) -> Any:
    """Return a value as Python source, or None where it has no short exact form."""
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if isinstance(value, complex):
        return f"complex({_literal(value.real)}, {_literal(value.imag)})"
    if isinstance(value, (list, tuple)) and len(value) <= _LARGEST_LITERAL:
        items = [_literal(item) for item in value]
        if all(isinstance(item, str) for item in items):
            if isinstance(value, list):
                return f"[{', '.join(items)}]"
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    return None


def _raise_missing_feed(text: str) -> Any:
    raise InvalidArgumentError(None, None, text)
