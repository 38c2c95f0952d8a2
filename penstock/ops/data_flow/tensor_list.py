"""Lists of tensors as values of a graph: what TensorArrays and the gradients of loops are made of.

A list has the type `variant`. It holds tensors of one type, whose shapes agree with its element shape, in which -1 (or
-1 alone, for an unknown rank) stands for what is unknown. The cotangent of a list is a list of cotangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.op_def import lookup
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge
from penstock.core.tensor import Tensor
from penstock.ops.data_flow.list_value import TensorList, joined, rows, stacked, zeros

_INDEX = frozenset({int32, int64})
_LARGEST = 2**31 - 1


def as_dims(sizes: Any) -> Dims:
    """Return an element shape, given as numbers, as dims."""
    if sizes is None or isinstance(sizes, (int, float)):
        return None
    return tuple(None if size is None or size < 0 else int(size) for size in sizes)


def _numbers(dims: Dims) -> Any:
    return -1 if dims is None else [-1 if size is None else size for size in dims]


def _fail(text: str) -> Any:
    raise InvalidArgumentError(None, None, text)


def expect_list(value: Value, element_dtype: DType, task: str = "read") -> TensorList:
    """Return a list, checked to hold elements of a type."""
    if not isinstance(value, TensorList):
        _fail(f"Input handle is not a list. Saw: {type(value).__name__!r}")
    if value.element_dtype != element_dtype:
        _fail(
            f"Invalid data types; op elements {element_dtype.name} but list elements {value.element_dtype.name}: "
            f"{task} elements of the list's type"
        )
    return value


def _merged(a: Dims, b: Dims) -> Dims:
    try:
        return merge(a, b)
    except ShapeError:
        return _fail(f"Incompatible shapes during merge: {format_dims(a)} vs. {format_dims(b)}")


def _check_item(held: TensorList, item: Value) -> None:
    given = held.element_dims
    if given is None:
        return
    dims = array.dims_of(item)
    if dims == given:
        return
    if len(given) != len(dims) or any(size is not None and size != d for size, d in zip(given, dims, strict=True)):
        _fail(
            f"Tried to set or append a tensor with incompatible shape to a list. Op element shape: {list(dims)} list "
            f"shape: {format_dims(given)}"
        )


def _size(number: int, what: str) -> int:
    if not 0 <= number <= _LARGEST:
        _fail(f"{what} must be at least 0 and at most {_LARGEST}, got {number}")
    return number


def _indices(indices: Value) -> list[int]:
    numbers = array.to_python(indices)
    return numbers if isinstance(numbers, list) else [numbers]


def blank(held: TensorList, dims: Dims, task: str) -> Value:
    """Return what an element to which nothing was written reads as."""
    known = _merged(held.known_dims(), dims)
    if held.element_dtype.name == "variant":
        known = ()
    if known is None or None in known:
        return _fail(f"{task} an uninitialized element, but its shape {format_dims(known)} is not fully defined.")
    return zeros([size or 0 for size in known], held.element_dtype)


# Making lists


@op(
    "EmptyTensorList(element_shape: host shape_type, max_num_elements: host int32) -> handle: variant",
    shape_type=_INDEX,
)
def empty_tensor_list_op(element_shape: Any, max_num_elements: int, *, element_dtype: DType) -> Value:
    return TensorList(element_dtype, as_dims(element_shape), [], max_num_elements)


@empty_tensor_list_op.shape
def empty_tensor_list_shape(element_shape: Any, max_num_elements: Any, *, element_dtype: DType) -> Dims:
    return ()


@op("TensorListReserve(element_shape: host shape_type, num_elements: host int32) -> handle: variant", shape_type=_INDEX)
def tensor_list_reserve_op(element_shape: Any, num_elements: int, *, element_dtype: DType) -> Value:
    count = _size(num_elements, "The num_elements to reserve")
    return TensorList(element_dtype, as_dims(element_shape), [None] * count, is_blank=True)


@tensor_list_reserve_op.shape
def tensor_list_reserve_shape(element_shape: Any, num_elements: Any, *, element_dtype: DType) -> Dims:
    return ()


@op(
    "TensorListFromTensor(tensor: element_dtype, element_shape: host shape_type) -> output_handle: variant",
    view=True,
    shape_type=_INDEX,
)
def tensor_list_from_tensor_op(tensor: Value, element_shape: Any, *, element_dtype: DType) -> Value:
    dims = array.dims_of(tensor)
    if not dims:
        _fail("Tensor must be at least a vector, but saw shape: []")
    return TensorList(element_dtype, _merged(as_dims(element_shape), dims[1:]), rows(tensor))


@tensor_list_from_tensor_op.shape
def tensor_list_from_tensor_shape(tensor: Dims, element_shape: Any, *, element_dtype: DType) -> Dims:
    if tensor is not None:
        if not tensor:
            raise ShapeError("tensor must have rank at least 1, got a scalar")
        merge(tensor[1:], as_dims(element_shape), "the shapes of a row and of an element")
    return ()


@tensor_list_from_tensor_op.gradient
def tensor_list_from_tensor_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None]
    tensor = call.inputs[0]
    dims = tensor.dims
    known = None if dims is None else dims[0]
    # The list may have been made longer since.
    grad = tensor_list_resize_op(grad, lookup("Shape")(tensor)[0] if known is None else np.int32(known))  # type: ignore[operator]
    count = -1 if known is None else known
    stack = tensor_list_stack_op(grad, _row_shape(tensor), element_dtype=tensor.dtype.base_dtype, num_elements=count)
    return [stack, None]


def _row_shape(tensor: Tensor) -> Any:
    """Return the shape of the rows of a tensor, as element shapes are given."""
    dims = tensor.dims
    if dims is not None and None not in dims[1:]:
        return np.asarray(dims[1:], np.int32)
    return lookup("Shape")(tensor)[1:]  # type: ignore[operator]


def _element_shape(tensor: Tensor) -> Any:
    dims = tensor.dims
    if dims is not None and None not in dims:
        return np.asarray(dims, np.int32)
    return lookup("Shape")(tensor)  # type: ignore[operator]


@op(
    "TensorListSplit(tensor: element_dtype, element_shape: host shape_type, lengths: host int64) "
    "-> output_handle: variant",
    view=True,
    shape_type=_INDEX,
)
def tensor_list_split_op(tensor: Value, element_shape: Any, lengths: list[int], *, element_dtype: DType) -> Value:
    dims = array.dims_of(tensor)
    if not dims:
        _fail("Tensor must be at least a vector, but saw shape: []")
    if any(length < 0 for length in lengths):
        _fail(f"Invalid value in lengths: {min(lengths)}")
    if sum(lengths) != dims[0]:
        _fail(
            f"Attempting to slice [0, {sum(lengths)}] from tensor with length {dims[0]}: the lengths must add up to it"
        )
    parts, start = [], 0
    for length in lengths:
        parts.append(tensor[start : start + length])
        start += length
    given = as_dims(element_shape)
    return TensorList(element_dtype, None if given is None else (None, *_merged(given[1:], dims[1:])), parts)  # type: ignore[misc]


@tensor_list_split_op.shape
def tensor_list_split_shape(tensor: Dims, element_shape: Any, lengths: Any, *, element_dtype: DType) -> Dims:
    return ()


@tensor_list_split_op.gradient
def tensor_list_split_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None, None]
    dtype = call.inputs[0].dtype.base_dtype
    return [tensor_list_concat_v2_op(grad, -1, call.inputs[2], element_dtype=dtype)[0], None, None]


# One element


@op("TensorListPushBack(input_handle: variant, tensor: element_dtype) -> output_handle: variant", view=True)
def tensor_list_push_back_op(input_handle: Value, tensor: Value, *, element_dtype: DType) -> Value:
    held = expect_list(input_handle, element_dtype, "push")
    _check_item(held, tensor)
    return held.push(tensor)


@tensor_list_push_back_op.shape
def tensor_list_push_back_shape(input_handle: Dims, tensor: Dims, *, element_dtype: DType) -> Dims:
    return ()


@tensor_list_push_back_op.gradient
def tensor_list_push_back_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None]
    tensor = call.inputs[1]
    return list(tensor_list_pop_back_op(grad, _element_shape(tensor), element_dtype=tensor.dtype.base_dtype))


@op(
    "TensorListPopBack(input_handle: variant, element_shape: host int32) "
    "-> (output_handle: variant, tensor: element_dtype)",
    view=True,
)
def tensor_list_pop_back_op(input_handle: Value, element_shape: Any, *, element_dtype: DType) -> tuple[Value, Value]:
    held = expect_list(input_handle, element_dtype)
    rest, item = held.pop()
    return rest, blank(held, as_dims(element_shape), "Trying to pop") if item is None else item


@tensor_list_pop_back_op.shape
def tensor_list_pop_back_shape(input_handle: Dims, element_shape: Any, *, element_dtype: DType) -> tuple[Dims, Dims]:
    return (), as_dims(element_shape)


@tensor_list_pop_back_op.gradient
def tensor_list_pop_back_gradient(call: Any, grad: Tensor | None, tensor_grad: Tensor | None) -> list[Tensor | None]:
    if grad is None and tensor_grad is None:
        return [None, None]
    element = call.outputs[1]
    if grad is None:
        grad = lookup("ZerosLike")(call.outputs[0])  # type: ignore[operator]
    if tensor_grad is None:
        tensor_grad = lookup("ZerosLike")(element)  # type: ignore[operator]
    return [tensor_list_push_back_op(grad, tensor_grad), None]


@op(
    "TensorListGetItem(input_handle: variant, index: host int32, element_shape: host Tshape) -> item: element_dtype",
    view=True,
    Tshape=Type(_INDEX, default=int32),
)
def tensor_list_get_item_op(input_handle: Value, index: int, element_shape: Any, *, element_dtype: DType) -> Value:
    held = expect_list(input_handle, element_dtype)
    item = held.get(index)
    return blank(held, as_dims(element_shape), "Trying to read") if item is None else item


@tensor_list_get_item_op.shape
def tensor_list_get_item_shape(input_handle: Dims, index: Any, element_shape: Any, *, element_dtype: DType) -> Dims:
    return as_dims(element_shape)


@tensor_list_get_item_op.gradient
def tensor_list_get_item_gradient(call: Any, grad: Tensor) -> list[Tensor | None]:
    handle, index, _ = call.inputs
    blank = tensor_list_reserve_op(
        tensor_list_element_shape_op(handle, shape_type=int32),
        tensor_list_length_op(handle),
        element_dtype=grad.dtype.base_dtype,
    )
    return [tensor_list_set_item_op(blank, index, grad), None, None]


@op(
    "TensorListSetItem(input_handle: variant, index: host int32, item: element_dtype) -> output_handle: variant",
    view=True,
)
def tensor_list_set_item_op(
    input_handle: Value, index: int, item: Value, *, element_dtype: DType, resize_if_index_out_of_bounds: bool = False
) -> Value:
    held = expect_list(input_handle, element_dtype, "write")
    _check_item(held, item)
    if resize_if_index_out_of_bounds and index >= held.size:
        held = held.resized(_size(index + 1, "The size of the list"))
    return held.set(index, item)


@tensor_list_set_item_op.shape
def tensor_list_set_item_shape(
    input_handle: Dims, index: Any, item: Dims, *, element_dtype: DType, resize_if_index_out_of_bounds: bool
) -> Dims:
    return ()


@tensor_list_set_item_op.gradient
def tensor_list_set_item_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None, None]
    _, index, item = call.inputs
    rest = tensor_list_set_item_op(grad, index, lookup("ZerosLike")(item))  # type: ignore[operator]
    element = tensor_list_get_item_op(grad, index, _element_shape(item), element_dtype=item.dtype.base_dtype)
    return [rest, None, element]


# All elements


@op("TensorListStack(input_handle: variant, element_shape: host int32) -> tensor: element_dtype")
def tensor_list_stack_op(
    input_handle: Value, element_shape: Any, *, element_dtype: DType, num_elements: int = -1
) -> Value:
    held = expect_list(input_handle, element_dtype)
    if num_elements not in (-1, held.size):
        _fail(f"Operation expected a list with {num_elements} elements but got a list with {held.size} elements.")
    return _stack(held, held.items(), as_dims(element_shape), "Tried to stack")


def _stack(held: TensorList, items: Sequence[Value], dims: Dims, task: str) -> Value:
    known = _merged(held.element_dims, dims)
    shapes = {array.dims_of(item) for item in items if item is not None}
    if len(shapes) > 1:
        _fail(f"{task} elements of different shapes: {', '.join(format_dims(s) for s in sorted(shapes))}")
    if shapes:
        known = _merged(known, shapes.pop())
    if known is None or None in known:
        kind = "a list which only contains uninitialized tensors" if items else "0 elements of a list"
        _fail(f"{task} {kind} and has a non-fully-defined element_shape: {format_dims(known)}")
    sizes = [size or 0 for size in known or ()]
    if not items:
        return zeros([0, *sizes], held.element_dtype)
    if any(item is None for item in items):
        blank = zeros(sizes, held.element_dtype, items)
        items = [blank if item is None else item for item in items]
    return stacked(items)


@tensor_list_stack_op.shape
def tensor_list_stack_shape(input_handle: Dims, element_shape: Any, *, element_dtype: DType, num_elements: int) -> Dims:
    dims = as_dims(element_shape)
    return None if dims is None else (num_elements if num_elements >= 0 else None, *dims)


@tensor_list_stack_op.gradient
def tensor_list_stack_gradient(call: Any, grad: Tensor) -> list[Tensor | None]:
    return [tensor_list_from_tensor_op(grad, _row_shape(grad)), None]


@op("TensorListGather(input_handle: variant, indices: int32, element_shape: host int32) -> values: element_dtype")
def tensor_list_gather_op(input_handle: Value, indices: Value, element_shape: Any, *, element_dtype: DType) -> Value:
    held = expect_list(input_handle, element_dtype)
    items = held.items()
    chosen = _indices(indices)
    for index in chosen:
        if not 0 <= index < len(items):
            _fail(f"Trying to gather element {index} in a list with {len(items)} elements.")
    return _stack(held, [items[index] for index in chosen], as_dims(element_shape), "Tried to gather")


@tensor_list_gather_op.shape
def tensor_list_gather_shape(input_handle: Dims, indices: Dims, element_shape: Any, *, element_dtype: DType) -> Dims:
    dims = as_dims(element_shape)
    return None if dims is None else (indices[0] if indices else None, *dims)


@tensor_list_gather_op.gradient
def tensor_list_gather_gradient(call: Any, grad: Tensor) -> list[Tensor | None]:
    handle, indices, _ = call.inputs
    shape = tensor_list_element_shape_op(handle, shape_type=int32)
    count = tensor_list_length_op(handle)
    blank = tensor_list_reserve_op(shape, count, element_dtype=grad.dtype.base_dtype)
    # An element may be gathered several times: one list for each, added up.
    total = tensor_list_scatter_add(blank, grad, indices)
    return [total, None, None]


def tensor_list_scatter_add(handle: Tensor, tensor: Tensor, indices: Tensor) -> Tensor:
    """Return a list with rows of a tensor added to some of its elements.

    Args:
        handle: the list.
        tensor: the rows.
        indices: for each row the position of the element that it is added to; repeated ones add up.
    """
    positions, inverse = lookup("Unique")(indices, out_idx=int32)  # type: ignore[operator]
    count = lookup("Size")(positions)  # type: ignore[operator]
    summed = lookup("UnsortedSegmentSum")(tensor, inverse, count)  # type: ignore[operator]
    return tensor_list_scatter_into_existing_list_op(handle, summed, positions)


@op(
    "TensorListScatter(tensor: element_dtype, indices: int32, element_shape: host shape_type) "
    "-> output_handle: variant",
    view=True,
    shape_type=_INDEX,
)
def tensor_list_scatter_op(tensor: Value, indices: Value, element_shape: Any, *, element_dtype: DType) -> Value:
    return _scatter(TensorList(element_dtype, as_dims(element_shape), []), tensor, indices, -1)


@tensor_list_scatter_op.shape
def tensor_list_scatter_shape(tensor: Dims, indices: Dims, element_shape: Any, *, element_dtype: DType) -> Dims:
    return ()


def _scatter(held: TensorList, tensor: Value, indices: Value, count: int) -> TensorList:
    positions = _indices(indices)
    dims = array.dims_of(tensor)
    if not dims or dims[0] != len(positions):
        _fail(f"Invalid number of rows in input tensor. Expected: {len(positions)} Actual: {dims[0] if dims else 0}")
    if any(index < 0 for index in positions):
        _fail(f"Indices in TensorListScatter must all be non-negative, got {min(positions)}.")
    highest = max(positions, default=-1)
    if 0 <= count <= highest:
        _fail(f"TensorListScatter: Trying to scatter at index {highest} in list with size {count}")
    items = held.items()
    items += [None] * (_size(max(count, highest + 1), "The size of the list") - len(items))
    for index, row in zip(positions, rows(tensor), strict=True):
        _check_item(held, row)
        items[index] = row
    return held.replaced(items)


@op(
    "TensorListScatterV2(tensor: element_dtype, indices: int32, element_shape: host shape_type, "
    "num_elements: host int32) -> output_handle: variant",
    view=True,
    shape_type=_INDEX,
)
def tensor_list_scatter_v2_op(
    tensor: Value, indices: Value, element_shape: Any, num_elements: int, *, element_dtype: DType
) -> Value:
    if num_elements < -1:
        _fail(f"TensorListScatter expects num_elements >= -1, found: {num_elements}")
    return _scatter(TensorList(element_dtype, as_dims(element_shape), []), tensor, indices, num_elements)


@tensor_list_scatter_v2_op.shape
def tensor_list_scatter_v2_shape(
    tensor: Dims, indices: Dims, element_shape: Any, num_elements: Any, *, element_dtype: DType
) -> Dims:
    return ()


@tensor_list_scatter_op.gradient
@tensor_list_scatter_v2_op.gradient
def tensor_list_scatter_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    nothing: list[Tensor | None] = [None] * (len(call.inputs) - 1)
    if grad is None:
        return [None, *nothing]
    tensor, indices = call.inputs[:2]
    return [tensor_list_gather_op(grad, indices, _row_shape(tensor), element_dtype=tensor.dtype.base_dtype), *nothing]


@op(
    "TensorListScatterIntoExistingList(input_handle: variant, tensor: element_dtype, indices: int32) "
    "-> output_handle: variant",
    view=True,
)
def tensor_list_scatter_into_existing_list_op(
    input_handle: Value, tensor: Value, indices: Value, *, element_dtype: DType
) -> Value:
    return _scatter(expect_list(input_handle, element_dtype, "write"), tensor, indices, -1)


@tensor_list_scatter_into_existing_list_op.shape
def tensor_list_scatter_into_existing_list_shape(
    input_handle: Dims, tensor: Dims, indices: Dims, *, element_dtype: DType
) -> Dims:
    return ()


@tensor_list_scatter_into_existing_list_op.gradient
def tensor_list_scatter_into_existing_list_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None, None]
    _, tensor, indices = call.inputs
    rest = tensor_list_scatter_into_existing_list_op(grad, lookup("ZerosLike")(tensor), indices)  # type: ignore[operator]
    rows_grad = tensor_list_gather_op(grad, indices, _row_shape(tensor), element_dtype=tensor.dtype.base_dtype)
    return [rest, rows_grad, None]


def _concatenate(held: TensorList, dims: Dims, leading: list[int]) -> tuple[Value, Value]:
    items: list[Any] = []
    for position, item in enumerate(held.items()):
        if item is None:
            known = _merged(held.element_dims, dims)
            first = leading[position] if position < len(leading) else None
            if known is not None and known and first is not None:
                known = (first, *known[1:])
            if known is None or None in known:
                _fail(
                    "Trying to concat list with uninitialized element at position "
                    f"{position} whose shape {format_dims(known)} is not fully defined"
                )
            item = zeros([size or 0 for size in known or ()], held.element_dtype)
        if not array.dims_of(item):
            _fail(f"Concat saw a scalar shape at index {position} but requires at least vectors.")
        items.append(item)
    shapes = {array.dims_of(item)[1:] for item in items}
    if len(shapes) > 1:
        _fail(
            "Tried to concat tensors with unequal shapes: "
            + " vs ".join(format_dims(shape) for shape in sorted(shapes))
        )
    lengths = array.from_numpy(np.asarray([array.dims_of(item)[0] for item in items], np.int64))
    if items:
        return joined(items), lengths
    known = _merged(held.element_dims, dims)
    if known is None or None in known[1:]:
        _fail(
            "All except the first dimension must be fully defined when concating an empty tensor list. element_shape: "
            f"{format_dims(known)}"
        )
    return zeros([0, *(size or 0 for size in (known or ())[1:])], held.element_dtype), lengths


@op("TensorListConcat(input_handle: variant) -> (tensor: element_dtype, lengths: int64)")
def tensor_list_concat_op(
    input_handle: Value, *, element_dtype: DType, element_shape: Dims = None
) -> tuple[Value, Value]:
    return _concatenate(expect_list(input_handle, element_dtype), element_shape, [])


@tensor_list_concat_op.shape
def tensor_list_concat_shape(input_handle: Dims, *, element_dtype: DType, element_shape: Dims) -> tuple[Dims, Dims]:
    return None if element_shape is None else (None, *element_shape[1:]), (None,)


@op(
    "TensorListConcatV2(input_handle: variant, element_shape: host shape_type, leading_dims: host int64) "
    "-> (tensor: element_dtype, lengths: int64)",
    shape_type=_INDEX,
)
def tensor_list_concat_v2_op(
    input_handle: Value, element_shape: Any, leading_dims: list[int], *, element_dtype: DType
) -> tuple[Value, Value]:
    return _concatenate(expect_list(input_handle, element_dtype), as_dims(element_shape), leading_dims)


@tensor_list_concat_v2_op.shape
def tensor_list_concat_v2_shape(
    input_handle: Dims, element_shape: Any, leading_dims: Any, *, element_dtype: DType
) -> tuple[Dims, Dims]:
    dims = as_dims(element_shape)
    return None if dims is None else (None, *dims[1:]), (None,)


@tensor_list_concat_op.gradient
@tensor_list_concat_v2_op.gradient
def tensor_list_concat_gradient(call: Any, grad: Tensor, _: Any) -> list[Tensor | None]:
    shape = tensor_list_element_shape_op(call.inputs[0], shape_type=int32)
    split = tensor_list_split_op(grad, shape, call.outputs[1])
    return [split, *[None] * (len(call.inputs) - 1)]


@op("TensorListConcatLists(input_a: variant, input_b: variant) -> output: variant", view=True, differentiable=False)
def tensor_list_concat_lists_op(input_a: Value, input_b: Value, *, element_dtype: DType) -> Value:
    a, b = expect_list(input_a, element_dtype), expect_list(input_b, element_dtype)
    _merged(a.element_dims, b.element_dims)
    return a.replaced(a.items() + b.items())


@tensor_list_concat_lists_op.shape
def tensor_list_concat_lists_shape(input_a: Dims, input_b: Dims, *, element_dtype: DType) -> Dims:
    return ()


# What lists are


@op("TensorListLength(input_handle: variant) -> length: int32", differentiable=False)
def tensor_list_length_op(input_handle: Value) -> Value:
    return array.from_scalar(input_handle.size, int32)


@tensor_list_length_op.shape
def tensor_list_length_shape(input_handle: Dims) -> Dims:
    return ()


@op(
    "TensorListElementShape(input_handle: variant) -> element_shape: shape_type",
    shape_type=_INDEX,
    differentiable=False,
)
def tensor_list_element_shape_op(input_handle: Value, *, shape_type: DType) -> Value:
    numbers = np.asarray(_numbers(input_handle.known_dims()), shape_type.as_numpy_dtype)
    return array.from_numpy(numbers)


@tensor_list_element_shape_op.shape
def tensor_list_element_shape_shape(input_handle: Dims, *, shape_type: DType) -> Dims:
    return None


@op("TensorListResize(input_handle: variant, size: host int32) -> output_handle: variant", view=True)
def tensor_list_resize_op(input_handle: Value, size: int) -> Value:
    if size < 0:
        _fail(f"TensorListSlice expects size to be non-negative. Got: {size}")
    return input_handle.resized(size)


@tensor_list_resize_op.shape
def tensor_list_resize_shape(input_handle: Dims, size: Any) -> Dims:
    return ()


@tensor_list_resize_op.gradient
def tensor_list_resize_gradient(call: Any, grad: Tensor | None) -> list[Tensor | None]:
    if grad is None:
        return [None, None]
    return [tensor_list_resize_op(grad, tensor_list_length_op(call.inputs[0])), None]
