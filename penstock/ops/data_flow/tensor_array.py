"""TensorArrays as resources: what TensorFlow 1 wrote for loops, and graphs from it hold.

An array lives for one step. Operations on it are ordered by a flow, a number that each takes and gives. Elements are
written once; those of the array of cotangents that belongs to an array add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.backprop import Call
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import format_dims, scalar
from penstock.core.tensor import Tensor
from penstock.ops.data_flow.list_value import zeros
from penstock.ops.state.variables import no_outputs

_LARGEST = 2**31 - 1


def _fail(text: str) -> Any:
    raise InvalidArgumentError(None, None, text)


class TensorArray:
    """The elements of one array, in one step.

    Args:
        dtype: the type of the elements.
        element_dims: what their shapes have in common.
        size: their number.
        is_dynamic: whether a write beyond the end extends the array.
        clears: whether an element is forgotten once it was read.
        name: for messages.
        primal: the array whose cotangents this one holds.
    """

    def __init__(
        self,
        dtype: DType,
        element_dims: Dims,
        size: int,
        is_dynamic: bool,
        clears: bool,
        name: str,
        primal: TensorArray | None = None,
    ) -> None:
        self.dtype = dtype
        self.element_dims = element_dims
        self.items: list[Value | None] = [None] * size
        self.cleared: set[int] = set()
        self.is_dynamic = is_dynamic
        self.clears = clears
        self.name = name
        self.primal = primal
        self.shapes: dict[int, tuple[int, ...]] = {}  # of elements that were written, cleared ones included
        self.gradients: dict[str, TensorArray] = {}

    def detach(self) -> None:
        """Elements are never written to, so that there is nothing to let go of."""

    def write(self, index: int, value: Value) -> None:
        """Set an element."""
        if not 0 <= index < len(self.items):
            if index < 0 or not self.is_dynamic or index >= _LARGEST:
                _fail(
                    f"TensorArray {self.name}: Tried to write to index {index} but array is not resizeable and size "
                    "is: "
                    f"{len(self.items)}"
                )
            self.items.extend([None] * (index + 1 - len(self.items)))
        dims = array.dims_of(value)
        expected = self.element_dims
        if expected is not None and (
            len(expected) != len(dims) or any(e is not None and e != d for e, d in zip(expected, dims, strict=True))
        ):
            _fail(
                f"TensorArray {self.name}: Could not write to index {index} because the value shape is {list(dims)} "
                f"which is incompatible with the TensorArray's inferred element shape: {format_dims(expected)}."
            )
        present = self.items[index]
        if self.primal is not None and present is not None:
            self.items[index] = present + value
            return
        if present is not None or index in self.cleared:
            _fail(
                f"TensorArray {self.name}: Could not write to TensorArray index {index} because it has already been "
                f"{'read' if index in self.cleared else 'written to'}."
            )
        self.items[index] = value
        self.shapes[index] = dims

    def read(self, index: int) -> Value:
        """Return an element."""
        if not 0 <= index < len(self.items):
            _fail(f"TensorArray {self.name}: Tried to read from index {index} but array size is: {len(self.items)}")
        if index in self.cleared:
            _fail(
                f"TensorArray {self.name}: Could not read index {index} twice because it was cleared after a previous "
                "read (perhaps try setting clear_after_read = false?)."
            )
        value = self.items[index]
        if value is None:
            return zeros(list(self._blank_dims(index)), self.dtype)
        if self.clears:
            self.items[index] = None
            self.cleared.add(index)
        return value

    def _blank_dims(self, index: int) -> tuple[int, ...]:
        if self.primal is not None and index in self.primal.shapes:
            return self.primal.shapes[index]
        if self.element_dims is None or None in self.element_dims:
            return _fail(f"TensorArray {self.name}: Could not read from TensorArray index {index}: it was not written")
        return tuple(size or 0 for size in self.element_dims)

    def gradient(self, source: str) -> TensorArray:
        """Return the array of cotangents of one differentiation."""
        if source not in self.gradients:
            self.gradients[source] = TensorArray(
                self.dtype, self.element_dims, len(self.items), False, False, f"{self.name}@{source}", self
            )
        return self.gradients[source]


def _numbers(indices: Any) -> list[int]:
    found = array.to_python(indices)
    return found if isinstance(found, list) else [found]


@op("TensorArrayV3(size: host int32) -> (handle: resource, flow: float32)", stateful=True, differentiable=False)
def tensor_array_v3_op(
    size: int,
    *,
    dtype: DType,
    element_shape: Dims = None,
    dynamic_size: bool = False,
    clear_after_read: bool = True,
    identical_element_shapes: bool = False,
    tensor_array_name: str = "",
    node_name: str,
) -> tuple[TensorArray, Value]:
    if not 0 <= size <= _LARGEST:
        _fail(f"Size should be >= 0, got {size}")
    name = tensor_array_name or node_name
    return TensorArray(dtype, element_shape, size, dynamic_size, clear_after_read, name), _flow()


def _flow() -> Value:
    return torch.zeros(())


@tensor_array_v3_op.shape
def tensor_array_v3_shape(size: Any, **attrs: Any) -> tuple[Dims, Dims]:
    return (), ()


@op(
    "TensorArrayGradV3(handle: resource, flow_in: float32) -> (grad_handle: resource, flow_out: float32)",
    stateful=True,
    differentiable=False,
    shape=lambda handle, flow_in, *, source: ((), ()),
)
def tensor_array_grad_v3_op(handle: TensorArray, flow_in: Value, *, source: str) -> tuple[TensorArray, Value]:
    return handle.gradient(source), flow_in


@op(
    "TensorArrayWriteV3(handle: resource, index: host int32, value: T, flow_in: float32) -> flow_out: float32",
    stateful=True,
    shape=scalar,
)
def tensor_array_write_v3_op(handle: TensorArray, index: int, value: Value, flow_in: Value) -> Value:
    handle.write(index, value)
    return flow_in.clone()


@op(
    "TensorArrayReadV3(handle: resource, index: host int32, flow_in: float32) -> value: dtype",
    stateful=True,
    shape=lambda handle, index, flow_in, *, dtype: None,
)
def tensor_array_read_v3_op(handle: TensorArray, index: int, flow_in: Value, *, dtype: DType) -> Value:
    if dtype != handle.dtype:
        _fail(f"TensorArray dtype is {handle.dtype.name} but Op requested dtype {dtype.name}.")
    return handle.read(index)


@op(
    "TensorArrayGatherV3(handle: resource, indices: int32, flow_in: float32) -> value: dtype",
    stateful=True,
)
def tensor_array_gather_v3_op(
    handle: TensorArray, indices: Value, flow_in: Value, *, dtype: DType, element_shape: Dims = None
) -> Value:
    numbers = _numbers(indices)
    if not numbers:
        known = element_shape if handle.element_dims is None else handle.element_dims
        if known is None or None in known:
            _fail(
                f"TensorArray {handle.name} has zero elements, but element shape {format_dims(known)} is not fully "
                "defined. Currently only static shapes are supported when packing zero-size TensorArrays."
            )
        return zeros([0, *(size or 0 for size in known or ())], dtype)
    return _stack([handle.read(index) for index in numbers])


def _stack(items: Sequence[Value]) -> Value:
    first = array.dims_of(items[0])
    for item in items:
        if array.dims_of(item) != first:
            _fail(f"TensorArray has inconsistent shapes: {list(first)} and {list(array.dims_of(item))}")
    return torch.stack(list(items))


@tensor_array_gather_v3_op.shape
def tensor_array_gather_v3_shape(
    handle: Dims, indices: Dims, flow_in: Dims, *, dtype: DType, element_shape: Dims
) -> Dims:
    if element_shape is None:
        return None
    return (None if indices is None else indices[0], *element_shape)


@op(
    "TensorArrayScatterV3(handle: resource, indices: int32, value: T, flow_in: float32) -> flow_out: float32",
    stateful=True,
    shape=scalar,
)
def tensor_array_scatter_v3_op(handle: TensorArray, indices: Value, value: Value, flow_in: Value) -> Value:
    numbers = _numbers(indices)
    if len(numbers) != len(value):
        _fail(f"Expected len(indices) == values.shape[0], but saw: {len(numbers)} vs. {len(value)}")
    for index, item in zip(numbers, value.unbind(0), strict=True):
        handle.write(index, item)
    return flow_in.clone()


@op(
    "TensorArrayConcatV3(handle: resource, flow_in: float32) -> (value: dtype, lengths: int64)",
    stateful=True,
    shape=lambda handle, flow_in, *, dtype, element_shape_except0: (
        None if element_shape_except0 is None else (None, *element_shape_except0),
        (None,),
    ),
)
def tensor_array_concat_v3_op(
    handle: TensorArray, flow_in: Value, *, dtype: DType, element_shape_except0: Dims = None
) -> tuple[Value, Value]:
    items = [handle.read(index) for index in range(len(handle.items))]
    if any(not array.dims_of(item) for item in items):
        _fail("Concat saw a scalar shape, but requires at least vectors.")
    if not items:
        return zeros([0, *(size or 0 for size in element_shape_except0 or ())], dtype), torch.zeros(
            0, dtype=torch.int64
        )
    return torch.cat(items), torch.tensor([len(item) for item in items], dtype=torch.int64)


@op(
    "TensorArraySplitV3(handle: resource, value: T, lengths: host int64, flow_in: float32) -> flow_out: float32",
    stateful=True,
    shape=scalar,
)
def tensor_array_split_v3_op(handle: TensorArray, value: Value, lengths: list[int], flow_in: Value) -> Value:
    if sum(lengths) != len(value) or any(length < 0 for length in lengths):
        _fail(f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {sum(lengths)}")
    if len(lengths) > len(handle.items) and not handle.is_dynamic and handle.primal is None:
        _fail(f"TensorArray's size is not equal to the size of lengths ({len(handle.items)} vs. {len(lengths)})")
    for index, item in enumerate(value.split(lengths)):
        handle.write(index, item)
    return flow_in.clone()


@op(
    "TensorArraySizeV3(handle: resource, flow_in: float32) -> size: int32",
    stateful=True,
    differentiable=False,
    shape=scalar,
)
def tensor_array_size_v3_op(handle: TensorArray, flow_in: Value) -> Value:
    return torch.tensor(len(handle.items), dtype=torch.int32)


@op("TensorArrayCloseV3(handle: resource)", stateful=True, differentiable=False, shape=no_outputs)
def tensor_array_close_v3_op(handle: TensorArray) -> None:
    handle.items.clear()


# Gradients: each is the opposite operation on the array of cotangents


def _cotangents(call: Call, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Return the handle and flow of the array of cotangents."""
    graph = current_graph()
    scope = "" if graph is None else graph.get_name_scope()
    source = next((part for part in scope.split("/") if part.startswith("gradients")), "gradients")
    return tensor_array_grad_v3_op(call.inputs[0], flow, source=source)


@tensor_array_read_v3_op.gradient
def tensor_array_read_v3_gradient(call: Call, grad: Tensor) -> list[Tensor | None]:
    handle, flow = _cotangents(call, call.inputs[2])
    return [None, None, tensor_array_write_v3_op(handle, call.inputs[1], grad, flow)]


@tensor_array_write_v3_op.gradient
def tensor_array_write_v3_gradient(call: Call, flow: Tensor) -> list[Tensor | None]:
    handle, flow_out = _cotangents(call, flow)
    value = tensor_array_read_v3_op(handle, call.inputs[1], flow_out, dtype=call.attrs["T"])
    return [None, None, value, flow]


@tensor_array_gather_v3_op.gradient
def tensor_array_gather_v3_gradient(call: Call, grad: Tensor) -> list[Tensor | None]:
    handle, flow = _cotangents(call, call.inputs[2])
    return [None, None, tensor_array_scatter_v3_op(handle, call.inputs[1], grad, flow)]


@tensor_array_scatter_v3_op.gradient
def tensor_array_scatter_v3_gradient(call: Call, flow: Tensor) -> list[Tensor | None]:
    handle, flow_out = _cotangents(call, flow)
    value = tensor_array_gather_v3_op(handle, call.inputs[1], flow_out, dtype=call.attrs["T"])
    return [None, None, value, flow]


@tensor_array_concat_v3_op.gradient
def tensor_array_concat_v3_gradient(call: Call, grad: Tensor, _: Tensor | None) -> list[Tensor | None]:
    handle, flow = _cotangents(call, call.inputs[1])
    return [None, tensor_array_split_v3_op(handle, grad, call.outputs[1], flow)]


@tensor_array_split_v3_op.gradient
def tensor_array_split_v3_gradient(call: Call, flow: Tensor) -> list[Tensor | None]:
    handle, flow_out = _cotangents(call, flow)
    value, _ = tensor_array_concat_v3_op(handle, flow_out, dtype=call.attrs["T"])
    return [None, value, None, flow]
