"""Variables as operations see them: references (TensorFlow 1) and resource handles, at run time a `VariableStorage`.

Reading and updating in place are kept apart as follows. `ReadVariableOp` run eagerly returns a value that its reader
may keep: the kernel marks the storage as shared, and the next update in place starts from a copy. In a compiled
program the kernel is not called: the generated source reads the storage itself (`w.read()`), and the compiler, which
sees all readers and updates of the step, lets go of the memory only where a value read earlier is still to be used.
Every other kernel returns fresh memory.

An update checks types, shapes and indices before it writes the first element, and holds the storage's lock while it
writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import NUMBER, DType
from penstock.core.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import Type, op
from penstock.core.resources import ResourceManager, VariableStorage
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge, scalar, unknown
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.ops.array.common import moved
from penstock.ops.array.gather import gather_nd_op, gather_v2_op, scatter_nd_op
from penstock.ops.array.joining import concat_v2_op
from penstock.ops.array.shaping import reshape_op, size_op
from penstock.ops.array.slicing import assign_slice, strided_slice_op

INDEX = frozenset({dtypes.int32, dtypes.int64})
COUNTER = frozenset({dtypes.int32, dtypes.int64})

# The shared name under which TensorFlow makes a variable that nothing else can find.
ANONYMOUS_NAME = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


def no_outputs(*inputs: Any, **attrs: Any) -> tuple[()]:
    """The shape rule of operations without outputs."""
    return ()


def shape_text(dims: Any) -> str:
    """Return a shape as TensorFlow's messages about variables show it: `[2,3]`."""
    return f"[{','.join(map(str, dims))}]"


def check_type(storage: VariableStorage, dtype: DType, verb: str) -> None:
    """Check that a variable holds elements of `dtype`.

    Raises:
        InvalidArgumentError: if it does not.
    """
    if storage.dtype != dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"Trying to {verb} variable {storage.name} with wrong dtype. Expected {storage.dtype.name} got "
            f"{dtype.name}",
        )


# Making and finding


@op("VariableV2() -> ref: ref dtype", stateful=True, shape=lambda *, shape, container, shared_name, **_: shape)
def variable_v2_op(
    *, shape: Dims, dtype: DType, container: str = "", shared_name: str = "", resources: ResourceManager, node_name: str
) -> VariableStorage:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "variable", name, lambda: VariableStorage(name, dtype, shape))


variable_op = op(
    "Variable() -> ref: ref dtype", stateful=True, shape=lambda *, shape, container, shared_name, **_: shape or None
)(variable_v2_op)


@op("VarHandleOp() -> resource: resource", stateful=True, shape=scalar)
def var_handle_op(
    *,
    container: str = "",
    shared_name: str = "",
    debug_name: str = "",
    dtype: DType,
    shape: Dims,
    allowed_devices: list[str] = [],
    resources: ResourceManager,
    node_name: str,
) -> VariableStorage:
    if shared_name == ANONYMOUS_NAME:
        return VariableStorage(debug_name or node_name, dtype, shape)
    name = shared_name or node_name
    return resources.lookup_or_create(container, "variable", name, lambda: VariableStorage(name, dtype, shape))


def anonymous_handle(name: str, dtype: DType, dims: Dims) -> EagerTensor:
    """Return a handle to a new variable that lives as long as the handle and is found under no name.

    Args:
        name: the name for messages.
        dtype, dims: the type and static shape of its value.
    """
    return EagerTensor(VariableStorage(name, dtype, dims), dtypes.resource)


@op("TemporaryVariable() -> ref: ref dtype", stateful=True, shape=lambda *, shape, dtype, var_name: shape)
def temporary_variable_op(*, shape: Dims, dtype: DType, var_name: str = "") -> VariableStorage:
    storage = VariableStorage(var_name or "TemporaryVariable", dtype, shape)
    storage.value = torch.zeros(shape, dtype=array.torch_dtype(dtype))  # type: ignore[arg-type]
    return storage


@op("DestroyTemporaryVariable(ref: ref T) -> value: T", stateful=True, shape=lambda ref, *, var_name: ref)
def destroy_temporary_variable_op(ref: VariableStorage, *, var_name: str) -> Value:
    value = ref.read()
    ref.value = None
    return value


@op("DestroyResourceOp(resource: resource)", stateful=True, shape=no_outputs)
def destroy_resource_op(resource: Any, *, ignore_lookup_error: bool = True) -> tuple[()]:
    if isinstance(resource, VariableStorage):
        if resource.value is None and not ignore_lookup_error:
            raise NotFoundError(None, None, f"variable {resource.name!r} holds no value that could be destroyed")
        resource.value = None
    return ()


@op("DisableCopyOnRead(resource: resource)", stateful=True, shape=no_outputs)
def disable_copy_on_read_op(resource: VariableStorage) -> tuple[()]:
    return ()


# Reading


@op("ReadVariableOp(resource: resource) -> value: dtype", shape=unknown, stateful=True, view=True)
def read_variable_op(resource: VariableStorage, *, dtype: DType) -> Value:
    check_type(resource, dtype, "read")
    return resource.read_shared()


@read_variable_op.gradient
def read_variable_gradient(call: Any, grad: Any) -> Any:
    return grad


@op("VarIsInitializedOp(resource: resource) -> is_initialized: bool", stateful=True, differentiable=False, shape=scalar)
def var_is_initialized_op(resource: VariableStorage) -> Value:
    return torch.tensor(resource.value is not None)


@op("IsVariableInitialized(ref: ref dtype) -> is_initialized: bool", stateful=True, differentiable=False, shape=scalar)
def is_variable_initialized_op(ref: VariableStorage) -> Value:
    return torch.tensor(ref.value is not None)


@op(
    "VariableShape(input: resource) -> output: out_type",
    out_type=Type(INDEX, dtypes.int32),
    stateful=True,
    differentiable=False,
)
def variable_shape_op(input: VariableStorage, *, out_type: DType = dtypes.int32) -> Value:
    return array.from_numpy(np.asarray(array.dims_of(input.read()), dtype=out_type.as_numpy_dtype))


@variable_shape_op.shape
def variable_shape_shape(input: Dims, *, out_type: DType) -> Dims:
    return (None,)


@variable_shape_op.partial
def variable_shape_partial(call: Any) -> Any:
    handle = call.inputs[0]
    if not isinstance(handle, SymbolicTensor) or handle.op.type != "VarHandleOp":
        return None
    dims = handle.op.attrs["shape"]
    return None if dims is None else list(dims)


@op(
    "ResourceGather(resource: resource, indices: Tindices) -> output: dtype",
    shape=unknown,
    Tindices=INDEX,
    stateful=True,
)
def resource_gather_op(
    resource: VariableStorage,
    indices: torch.Tensor,
    *,
    batch_dims: int = 0,
    validate_indices: bool = True,
    dtype: DType,
) -> Value:
    check_type(resource, dtype, "read")
    return gather_v2_op.kernel(resource.read(), indices, batch_dims, batch_dims=batch_dims)


@resource_gather_op.gradient
def resource_gather_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    handle, indices = call.inputs
    if call.attrs["batch_dims"]:
        raise LookupError(
            f"No gradient defined for ResourceGather with batch_dims={call.attrs['batch_dims']}: gather from "
            "variable.read_value()"
        )
    grad = convert_to_tensor(grad)  # rows that were gathered again have a gradient of sparse slices
    sizes, inner = _sizes_of(handle, indices, grad)
    return IndexedSlices(reshape_op(grad, inner), reshape_op(indices, [-1]), sizes), None


def _sizes_of(handle: Tensor, indices: Tensor, grad: Tensor) -> tuple[Tensor, Any]:
    """Return the shape of a variable as a tensor, and the shape of the gradient as rows of the variable."""
    sizes = variable_shape_op(handle)
    dims = grad.dims
    if dims is not None and indices.ndim is not None and None not in dims[indices.ndim :] and 0 not in dims:
        return sizes, [-1, *dims[indices.ndim :]]
    rest = strided_slice_op(sizes, [1], [0], [1], end_mask=1)
    from_indices = reshape_op(size_op(indices), [1])
    return sizes, concat_v2_op([from_indices, rest], 0)


@op(
    "ResourceGatherNd(resource: resource, indices: Tindices) -> output: dtype",
    shape=unknown,
    Tindices=INDEX,
    stateful=True,
)
def resource_gather_nd_op(resource: VariableStorage, indices: torch.Tensor, *, dtype: DType) -> Value:
    check_type(resource, dtype, "read")
    return gather_nd_op.kernel(resource.read(), indices)


@resource_gather_nd_op.gradient
def resource_gather_nd_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    handle, indices = call.inputs
    sizes = variable_shape_op(handle, out_type=indices.dtype)
    if indices.ndim == 2 and indices.dims[-1] == 1:
        return IndexedSlices(grad, reshape_op(indices, [-1]), sizes), None
    return scatter_nd_op(indices, grad, sizes), None


# Assigning


@op("Assign(ref: ref T, value: T) -> output_ref: ref T", stateful=True, differentiable=False)
def assign_op(
    ref: VariableStorage, value: Value, *, validate_shape: bool = True, use_locking: bool = True
) -> VariableStorage:
    return _assign(ref, value, VariableStorage.assign, validate_shape)


@assign_op.in_place("value")
def assign_taking(
    ref: VariableStorage, value: Value, *, validate_shape: bool = True, use_locking: bool = True
) -> VariableStorage:
    return _assign(ref, value, VariableStorage.take, validate_shape)


def _assign(
    ref: VariableStorage, value: Value, put: Callable[[VariableStorage, Value], None], validate_shape: bool
) -> VariableStorage:
    if validate_shape:
        old = _expected_dims(ref)
        if old is not None and tuple(old) != array.dims_of(value):
            raise InvalidArgumentError(
                None,
                None,
                f"Assign requires shapes of both tensors to match. lhs shape= {shape_text(old)} rhs shape= "
                f"{shape_text(array.dims_of(value))}",
            )
    with ref.lock:
        put(ref, value)
    return ref


def _expected_dims(ref: VariableStorage) -> Any:
    if ref.value is not None:
        return array.dims_of(ref.value)
    return None if ref.dims is None or None in ref.dims else ref.dims


@assign_op.shape
def assign_shape(ref: Dims, value: Dims, *, validate_shape: bool, use_locking: bool) -> Dims:
    return merge(ref, value, "shapes of a variable and its new value") if validate_shape else value


@op("AssignVariableOp(resource: resource, value: dtype)", stateful=True, shape=no_outputs)
def assign_variable_op(
    resource: VariableStorage, value: Value, *, dtype: DType, validate_shape: bool = False
) -> tuple[()]:
    return _assign_resource(resource, value, VariableStorage.assign, dtype, validate_shape)


@assign_variable_op.in_place("value")
def assign_variable_taking(
    resource: VariableStorage, value: Value, *, dtype: DType, validate_shape: bool = False
) -> tuple[()]:
    return _assign_resource(resource, value, VariableStorage.take, dtype, validate_shape)


def _assign_resource(
    resource: VariableStorage,
    value: Value,
    put: Callable[[VariableStorage, Value], None],
    dtype: DType,
    validate_shape: bool,
) -> tuple[()]:
    check_type(resource, dtype, "assign to")
    if validate_shape and resource.dims is not None:
        _check_fits(resource, array.dims_of(value))
    with resource.lock:
        put(resource, value)
    return ()


def _check_fits(storage: VariableStorage, dims: tuple[int, ...]) -> None:
    expected = storage.dims
    assert expected is not None
    if len(expected) != len(dims) or any(a is not None and a != b for a, b in zip(expected, dims, strict=True)):
        raise InvalidArgumentError(
            None,
            None,
            f"Trying to assign to variable {storage.name} with wrong shape. Expected {format_dims(expected)} got "
            f"{shape_text(dims)}",
        )


def _add(storage: VariableStorage, value: Value, sign: int) -> None:
    old = storage.read()
    if array.dims_of(old) != array.dims_of(value):
        raise InvalidArgumentError(
            None,
            None,
            f"Cannot update variable {storage.name} with shape {shape_text(array.dims_of(old))} using a Tensor "
            "with shape "
            f"{shape_text(array.dims_of(value))}, shapes must be equal.",
        )
    if not isinstance(old, torch.Tensor) or old.dtype != value.dtype:
        raise InvalidArgumentError(
            None, None, f"variable {storage.name} of type {storage.dtype.name} holds no numbers to add to"
        )
    with storage.lock:
        target = storage.writable()
        if target.dtype in (torch.uint16, torch.uint32, torch.uint64):
            storage.value = moved(lambda a, b: torch.add(a, b, alpha=sign), target, value)
        elif sign > 0:
            target.add_(value)
        else:
            target.sub_(value)


@op(
    "AssignAdd(ref: ref T, value: T) -> output_ref: ref T",
    T=NUMBER | dtypes.QUANTIZED,
    stateful=True,
    differentiable=False,
)
def assign_add_op(ref: VariableStorage, value: Value, *, use_locking: bool = False) -> VariableStorage:
    _add(ref, value, 1)
    return ref


@assign_add_op.shape
def assign_add_shape(ref: Dims, value: Dims, *, use_locking: bool) -> Dims:
    return merge(ref, value, "shapes of a variable and what is added to it")


@op(
    "AssignSub(ref: ref T, value: T) -> output_ref: ref T",
    T=NUMBER | dtypes.QUANTIZED,
    stateful=True,
    differentiable=False,
)
def assign_sub_op(ref: VariableStorage, value: Value, *, use_locking: bool = False) -> VariableStorage:
    _add(ref, value, -1)
    return ref


@assign_sub_op.shape
def assign_sub_shape(ref: Dims, value: Dims, *, use_locking: bool) -> Dims:
    return merge(ref, value, "shapes of a variable and what is subtracted from it")


@op("AssignAddVariableOp(resource: resource, value: dtype)", stateful=True, shape=no_outputs)
def assign_add_variable_op(resource: VariableStorage, value: Value, *, dtype: DType) -> tuple[()]:
    check_type(resource, dtype, "update")
    _add(resource, value, 1)
    return ()


@op("AssignSubVariableOp(resource: resource, value: dtype)", stateful=True, shape=no_outputs)
def assign_sub_variable_op(resource: VariableStorage, value: Value, *, dtype: DType) -> tuple[()]:
    check_type(resource, dtype, "update")
    _add(resource, value, -1)
    return ()


# Counting


def _count(storage: VariableStorage, limit: int) -> Value:
    with storage.lock:
        old = storage.read()
        if array.dims_of(old):
            raise InvalidArgumentError(
                None, None, f"CountUpTo: input {storage.name} is not a scalar, it has shape {shape_text(old.shape)}"
            )
        if int(old) >= limit:
            raise OutOfRangeError(None, None, f"Reached limit of {limit}")
        storage.assign(old + 1)
    return old


@op("CountUpTo(ref: ref T) -> output: T", T=COUNTER, stateful=True)
def count_up_to_op(ref: VariableStorage, *, limit: int) -> Value:
    return _count(ref, limit)


@op("ResourceCountUpTo(resource: resource) -> output: T", T=COUNTER, stateful=True, shape=scalar)
def resource_count_up_to_op(resource: VariableStorage, *, limit: int, T: DType) -> Value:
    check_type(resource, T, "read")
    return _count(resource, limit)


@count_up_to_op.shape
def count_up_to_shape(ref: Dims, *, limit: int) -> Dims:
    if ref is not None and len(ref):
        raise ShapeError(f"the variable that counts must be a scalar, got shape {format_dims(ref)}")
    return ()


# Slices


def _assign_slice(
    storage: VariableStorage, begin: Any, end: Any, strides: Any, value: Value, masks: tuple[int, ...]
) -> None:
    target = storage.read()
    index = strided_slice_op.kernel(target, begin, end, strides, **dict(zip(_MASKS, masks, strict=True)))
    if value.ndim and tuple(value.shape) != tuple(index.shape):
        raise InvalidArgumentError(
            None,
            None,
            f"the value assigned to a slice of {storage.name} must have shape {shape_text(index.shape)}, got "
            f"{shape_text(value.shape)}",
        )
    with storage.lock:
        assign_slice(storage.writable(), begin, end, strides, value, masks)


_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
_SLICE = "begin: host Index, end: host Index, strides: host Index, value: T"


@op(f"StridedSliceAssign(ref: ref T, {_SLICE}) -> output_ref: ref T", Index=INDEX, stateful=True)
def strided_slice_assign_op(
    ref: VariableStorage,
    begin: list[int],
    end: list[int],
    strides: list[int],
    value: Value,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> VariableStorage:
    _assign_slice(
        ref, begin, end, strides, value, (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    )
    return ref


@strided_slice_assign_op.shape
def strided_slice_assign_shape(ref: Dims, begin: Any, end: Any, strides: Any, value: Dims, **masks: int) -> Dims:
    return ref


resource_strided_slice_assign_op = op(
    f"ResourceStridedSliceAssign(ref: resource, {_SLICE})", Index=INDEX, stateful=True, shape=no_outputs
)(strided_slice_assign_op)
