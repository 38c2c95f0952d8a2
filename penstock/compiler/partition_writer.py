"""Source for one partition of a step, and for one that is traced.

Such a function takes the step's rendezvous before the feeds. Tracing makes a function of its own, so that others pay
nothing for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

from penstock.compiler.codegen import Writer
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.compiler.options import Options
from penstock.compiler.tracing import Place, record
from penstock.core import array
from penstock.core.inference import group_inputs
from penstock.core.resources import ResourceManager
from penstock.ops.rendezvous import receive_op, rendezvous_key, send_op

# Values of these types are objects of the host.
_HOST_TYPES = frozenset({"string", "variant", "resource"})
# What is known of an array without its elements is known on the host.
_ON_HOST = frozenset({"Rank", "Shape", "ShapeN", "Size"})


class Rendezvous(Protocol):
    """Where the values of one step wait for the partition that needs them."""

    def send(self, key: str, value: Any) -> None:
        """Leave a value for whoever receives the key."""

    def receive(self, key: str) -> Any:
        """Wait for the value of a key, and take it."""


class PartitionWriter(Writer):
    """Writes the function of one device's part of a step.

    Args:
        location: the device of the kernel library where values are to be.
        is_body: whether the function is the body of a branch or loop, which sends and receives nothing.
    """

    extra_parameters: tuple[str, ...] = ("rendezvous",)

    writes_loops_inline = False

    def __init__(
        self,
        dataflow: Dataflow,
        resources: ResourceManager,
        name: str,
        options: Options,
        location: str = "cpu",
        is_body: bool = False,
    ) -> None:
        super().__init__(dataflow, resources, name, options)
        self.location = location
        self.is_body = is_body
        if is_body:
            self.extra_parameters = ()
        for parameter in self.extra_parameters:
            self.unique(parameter)

    def for_body(self, dataflow: Dataflow, name: str) -> Writer:
        """Return what writes the function of a body: on the same device."""
        return type(self)(dataflow, self.resources, name, self.options, self.location, is_body=True)

    def _write_node(self, node: Node) -> None:
        if node.op_def is send_op:
            (edge,) = node.inputs
            value = f"{self.value(edge)}.read()" if edge.dtype._is_ref_dtype else self.value(edge)
            self.emit(f"rendezvous.send({self._key(node)}, {value})", node, [self.value(edge)])
        elif node.op_def is receive_op:
            received = f"rendezvous.receive({self._key(node)})"
            if not (self.location == "cpu" and "/device:CPU:" in node.attrs["send_device"]):
                received = self._to_device(received)
            self.emit(f"{self.bind(node.output)} = {received}", node, [])
        else:
            super()._write_node(node)
            if self.location != "cpu":
                self._move_outputs(node)

    def _key(self, node: Node) -> str:
        return self.constant(f"{node.attrs['tensor_name']}_key", rendezvous_key(node.attrs))

    def _to_device(self, value: str) -> str:
        return f"{self.shared('to_device', array.to_device)}({value}, {self.location!r})"

    def _move_outputs(self, node: Node) -> None:
        """Bring what kernels make without an input on the device, such as constants and random numbers, there."""
        if node.op_def.name == "Const":
            name = self.value(node.output)
            self.result.namespace[name] = array.to_device(self.result.namespace[name], self.location)
            return
        if node.op_def.name not in _ON_HOST and any(map(self._is_on_device, _arrays_of(node))):
            return
        for edge in node.outputs:
            if not edge.is_handle and edge.dtype.name not in _HOST_TYPES and edge not in self._numbers:
                name = self.value(edge)
                self.emit(f"{name} = {self._to_device(name)}", node, [name])

    def _is_on_device(self, edge: Edge) -> bool:
        return edge.dtype.base_dtype.name not in _HOST_TYPES and edge not in self._numbers


def _arrays_of(node: Node) -> Iterator[Edge]:
    """Give the inputs that a kernel takes as values, rather than as Python numbers."""
    arguments = group_inputs(node.op_def, node.inputs, node.attrs)
    for argument, given in zip(node.op_def.inputs, arguments, strict=True):
        if not argument.is_host:
            yield from given if argument.is_sequence else (given,)


class TracedWriter(Writer):
    """Writes a function that records when each node ran and what it gave; see `penstock.compiler.tracing`."""

    writes_loops_inline = False
    is_body = False

    def for_body(self, dataflow: Dataflow, name: str) -> Writer:
        """Return what writes the function of a body, which is traced, too."""
        body = TracedWriter(dataflow, self.resources, name, self.options)
        body.is_body = True
        return body

    def _write_node(self, node: Node) -> None:
        before = len(self.lines)
        super()._write_node(node)
        if len(self.lines) == before:
            return  # found once, when the program was made
        written = self.lines[before:]
        moved = {line: self.result.nodes.pop(line) for line in range(before + 1, len(self.lines) + 1)}
        del self.lines[before:]
        scope = f"{self.result.name}/" if self.is_body else ""
        number = self.constant(f"{node.name}_node", Place(node, scope))
        trace = self.shared("record", record)
        now = self.shared("now", time.perf_counter_ns)
        self.lines.append(f"{self._indent}started = {now}()")
        for line, text in enumerate(written, before + 1):
            self.lines.append(text)
            self.result.nodes[len(self.lines)] = moved[line]
        outputs = ", ".join(self._names[edge] for edge in node.outputs if edge in self._names)
        self.lines.append(f"{self._indent}{trace}({number}, started, {now}(), [{outputs}])")


class TracedPartitionWriter(TracedWriter, PartitionWriter):
    """Writes the traced function of one device's part of a step."""

    def for_body(self, dataflow: Dataflow, name: str) -> Writer:
        """Return what writes the function of a body: on the same device."""
        return PartitionWriter.for_body(self, dataflow, name)
