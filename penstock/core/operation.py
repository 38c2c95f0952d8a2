"""Operations: the nodes of a graph."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any

from penstock.core.dtypes import DType
from penstock.core.graph_def import node_def, public_attr
from penstock.core.op_def import OpDef
from penstock.core.shape import Dims, TensorShape
from penstock.core.tensor import SymbolicTensor, default_session

if TYPE_CHECKING:
    from penstock.core.graph import Graph


class Operation:
    """A node of a graph: a call of a declared operation with fixed attributes.

    Attributes:
        graph: the graph that holds it.
        name: unique in the graph.
        op_def: the declaration of the operation.
        inputs: the tensors it takes, sequences flattened.
        outputs: the tensors it gives.
        attrs: attribute name -> value; types are DType, shapes raw tuples, constants NumPy arrays.
        control_inputs: operations that must have run before.
        device: the requested device, "" if any will do.
        index: its position in the order of creation.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_code",
        "_line",
        "attrs",
        "control_inputs",
        "device",
        "graph",
        "index",
        "inputs",
        "name",
        "op_def",
        "outputs",
    )

    def __init__(
        self,
        graph: Graph,
        op_def: OpDef,
        name: str,
        inputs: Sequence[SymbolicTensor],
        attrs: dict[str, Any],
        output_types: Iterable[tuple[DType, Dims]],
        control_inputs: list[Operation],
        device: str,
        index: int,
        created_at: tuple[CodeType, int] | None,
    ) -> None:
        self.graph = graph
        self.op_def = op_def
        self.name = name
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.control_inputs = control_inputs
        self.device = device
        self.index = index
        self._code: CodeType | None = None if created_at is None else created_at[0]
        self._line = 0 if created_at is None else created_at[1]
        self.outputs = [SymbolicTensor(self, i, dtype, dims) for i, (dtype, dims) in enumerate(output_types)]
        for tensor in inputs:
            tensor._consumers.append(self)

    @property
    def type(self) -> str:
        """The operation's name in the registry, such as "MatMul"."""
        return self.op_def.name

    @property
    def created_at(self) -> tuple[str, int] | None:
        """The file and line of the user's code that made this node."""
        return None if self._code is None else (self._code.co_filename, self._line)

    @property
    def traceback(self) -> traceback.StackSummary:
        """The user's line that made this node, as a stack summary."""
        if self._code is None:
            return traceback.StackSummary.from_list([])
        frame = traceback.FrameSummary(self._code.co_filename, self._line, self._code.co_name)
        return traceback.StackSummary.from_list([frame])

    def colocation_groups(self) -> list[bytes]:
        """Return the names of the groups whose members share a device."""
        return list(self.attrs.get("_class") or [b"loc:@" + self.name.encode()])

    def get_attr(self, name: str) -> Any:
        """Return the value of an attribute as TensorFlow gives it: bytes for strings, protos for shapes and tensors.

        Raises:
            ValueError: if the operation has no such attribute.
        """
        if name not in self.attrs:
            raise ValueError(f"Operation {self.name!r} of type {self.type} has no attr named {name!r}")
        value = self.attrs[name]
        attribute = self.op_def.attributes.get(name)
        kind = attribute.kind if attribute is not None else None
        if kind in ("shape", "tensor", "list(shape)", "func"):
            return public_attr(kind, value, self.attrs.get("dtype"))
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, (list, tuple)):
            return [item.encode() if isinstance(item, str) else item for item in value]
        return value

    def _set_attr(self, name: str, value: Any) -> None:
        self.attrs[name] = value

    @property
    def node_def(self) -> Any:
        """The node as a NodeDef message."""
        return node_def(self)

    def _set_device(self, device: Any) -> None:
        self.device = device if isinstance(device, str) else device.to_string()

    def _add_control_input(self, op: Operation) -> None:
        self._add_control_inputs([op])

    def _add_control_inputs(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            if op.graph is not self.graph:
                raise ValueError(f"control input {op.name!r} of {self.name!r} is in another graph")
            if op not in self.control_inputs:
                self.control_inputs.append(op)
        self.graph._note_rewiring()

    def _update_input(self, index: int, tensor: SymbolicTensor) -> None:
        if tensor.graph is not self.graph:
            raise ValueError(f"input {tensor.name!r} of {self.name!r} is in another graph")
        self.inputs[index]._consumers.remove(self)
        tensor._consumers.append(self)
        self.inputs = (*self.inputs[:index], tensor, *self.inputs[index + 1 :])
        self.graph._note_rewiring()

    def values(self) -> tuple[SymbolicTensor, ...]:
        """Return the outputs."""
        return tuple(self.outputs)

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run this operation in `session`, or in the default session.

        Raises:
            ValueError: if there is no session, or it runs another graph.
        """
        default_session(session, self.graph, "execute", f"operation {self.name!r}").run(self, feed_dict)

    def experimental_set_type(self, type_proto: Any) -> None:
        """Accept a full-type annotation; Penstock keeps none."""

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: Any) -> Operation:
        return self

    def __str__(self) -> str:
        return str(self.node_def)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"


def describe(op: Operation) -> str:
    """Return one line of a graph listing: name, type, inputs, output types, device and control inputs."""
    inputs = ", ".join(t.op.name if t.value_index == 0 else t.name for t in op.inputs)
    controls = "".join(f" ^{c.name}" for c in op.control_inputs)
    outputs = ", ".join(f"{t.dtype.name}{_format_shape(t.shape)}" for t in op.outputs) or "()"
    device = f"  {op.device}" if op.device else ""
    return f"{op.name} = {op.type}({inputs}){controls}  {outputs}{device}"


def _format_shape(shape: TensorShape) -> str:
    dims = shape.as_tuple()
    return "<unknown>" if dims is None else "[" + ", ".join("?" if d is None else str(d) for d in dims) + "]"
