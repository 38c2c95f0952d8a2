"""Tensors made of one value, and one-hot encodings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Value, torch_dtype
from penstock.core.convert import convert_to_tensor, eager_scalar, eager_vector
from penstock.core.dispatch import runs_at_once
from penstock.core.dtypes import COMPLEX, FLOATING, INTEGER, DType, as_dtype, int8, int32, int64, uint8
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.inference import is_known, partial_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims, TensorShape, as_dims, num_elements
from penstock.core.shape_rules import ShapeError, expect_rank, normalize_axis, unchanged
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, is_static, item_size
from penstock.ops.array.shaping import _shape, reshape
from penstock.ops.constant import constant

_sum_op = deferred("Sum")
# A constant of fewer elements than this is stored in the graph; larger ones are filled at run time.
_SMALL = 1000


@op("Fill(dims: host index_type, value: T) -> output: T", index_type=Type(INDEX, default=int32))
def fill_op(dims: list[int], value: Value) -> Value:
    dims = dims if isinstance(dims, list) else [dims]
    if any(isinstance(size, list) for size in dims):
        raise InvalidArgumentError(None, None, f"dims must be a vector of int32 or int64, got {dims}")
    if tuple(value.shape) not in ((), (1,)):
        raise InvalidArgumentError(None, None, f"value must be a scalar. Got shape {list(value.shape)}")
    check_allocation(dims, item_size(value))
    if isinstance(value, np.ndarray):
        return np.full(dims, value.item(), dtype=object)
    return value.new_empty(dims).copy_(value)


@fill_op.shape
def fill_shape(dims: Any, value: Dims) -> Dims:
    expect_rank(value, 0, "value")
    if dims is None:
        return None
    if not isinstance(dims, list):
        raise ShapeError(f"dims must be a vector, got the scalar {dims}")
    if any(size is not None and size < 0 for size in dims):
        raise ShapeError(f"dims must be at least 0, got {dims}")
    return tuple(dims)


@fill_op.partial
def fill_partial(call: Any) -> Any:
    dims, value = (partial_value(tensor) for tensor in call.inputs)
    return (
        [value] * dims[0] if isinstance(dims, list) and len(dims) == 1 and is_known(dims) and dims[0] <= 1024 else None
    )


@fill_op.gradient
def fill_gradient(call: Any, grad: Any) -> tuple[None, Any]:
    rank = call.outputs[0].ndim
    axes = list(range(rank)) if rank is not None else deferred("Range")(0, deferred("Rank")(call.outputs[0]), 1)
    return None, _sum_op(grad, axes, keep_dims=False)


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Tensor:
    """Return a tensor of shape `dims` whose elements are all `value`.

    Args:
        dims: a vector of sizes.
        value: a scalar.
        name: the name of the node.
        layout: accepted as TensorFlow does; there are no distributed layouts here.
    """
    return fill_op(dims, value, name=name)


@op("Empty(shape: host int32) -> output: dtype", differentiable=False)
def empty_op(shape: list[int], *, dtype: DType, init: bool = False) -> Value:
    """Return a tensor whose elements are of no interest; here they are zeros even where `init` does not ask for it."""
    check_allocation(shape, max(dtype.size, 1))
    if dtype == dtypes.string:
        return np.full(shape, b"", dtype=object)
    return torch.zeros(shape, dtype=torch_dtype(dtype))


@empty_op.shape
def empty_shape(shape: Any, *, dtype: DType, init: bool) -> Dims:
    if shape is None:
        return None
    if not isinstance(shape, list) or any(size is not None and size < 0 for size in shape):
        raise ShapeError(f"the shape must be a vector of sizes of at least 0, got {shape}")
    return tuple(shape)


@op("ZerosLike(x: T) -> y: T", differentiable=False, shape=unchanged)
def zeros_like_op(x: Value) -> Value:
    if isinstance(x, torch.Tensor):
        return torch.zeros_like(x)
    if isinstance(x, np.ndarray):
        return np.full(x.shape, b"", dtype=object)
    return x.zeros_like()


@op("OnesLike(x: T) -> y: T", differentiable=False, shape=unchanged, T=FLOATING | INTEGER | COMPLEX | {dtypes.bool_})
def ones_like_op(x: Value) -> Value:
    return torch.ones_like(x)


def _zero_of(dtype: DType) -> Any:
    return False if dtype.is_bool else b"" if dtype == dtypes.string else 0


def _size_type(dims: Sequence[int | None]) -> DType:
    return int64 if any(size is not None and size > 2**31 - 1 for size in dims) else int32


# Types that a shape of Python integers is filled with at once.
_FILLED_AT_ONCE = FLOATING | INTEGER | {dtypes.bool_}


def _filled(shape: Any, value: Any, dtype: Any, name: str | None, default_name: str) -> Tensor:
    dtype = as_dtype(dtype).base_dtype
    if type(shape) in (list, tuple) and dtype in _FILLED_AT_ONCE and runs_at_once() and set(map(type, shape)) <= {int}:
        check_allocation(shape, dtype.size)
        return EagerTensor(torch.full(shape, value, dtype=torch_dtype(dtype)), dtype)
    with op_scope(name, default_name, [shape]) as scope:
        if not isinstance(shape, Tensor):
            try:
                dims = as_dims(shape)
                if dims is None or None in dims:
                    raise ValueError(
                        f"Cannot make a tensor of the partly unknown shape {shape}; use tf.shape for sizes at run time."
                    )
                if current_graph() is None:
                    return fill_op(
                        eager_vector(dims, _size_type(dims)),  # type: ignore[arg-type]
                        eager_scalar(value, dtype),
                        name=name,
                    )
                if (num_elements(dims) or 0) < _SMALL:
                    return constant(value, dtype, shape=dims, name=scope)
                shape = constant(list(dims), _size_type(dims), shape=(len(dims),), name="shape_as_tensor")
            except (TypeError, ValueError):
                if isinstance(shape, TensorShape):
                    raise
                shape = convert_to_tensor(shape, int32)
        if shape.dims == ():
            shape = reshape(shape, [-1])
        return fill_op(shape, constant(value, dtype), name=scope or None)


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """Return a tensor of zeros (of False, or of empty strings).

    Args:
        shape: a list of sizes, a TensorShape, or a vector tensor.
        dtype: the type of the elements.
        name: the name of the node.
        layout: accepted as TensorFlow does; there are no distributed layouts here.
    """
    dtype = as_dtype(dtype)
    return _filled(shape, _zero_of(dtype), dtype, name, "zeros")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """Return a tensor of ones (or of True).

    Args:
        shape: a list of sizes, a TensorShape, or a vector tensor.
        dtype: the type of the elements.
        name: the name of the node.
        layout: accepted as TensorFlow does; there are no distributed layouts here.
    """
    dtype = as_dtype(dtype)
    return _filled(shape, True if dtype.is_bool else 1, dtype, name, "ones")


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Return zeros of the shape of `input`, and of its type unless `dtype` is given.

    Args:
        input: a tensor.
        dtype: the type of the elements.
        name: the name of the node.
        layout: accepted as TensorFlow does; there are no distributed layouts here.
    """
    return zeros_like_v1(input, dtype, name)


def zeros_like_v1(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Return zeros of the shape of `tensor`.

    Args:
        tensor: a tensor.
        dtype: the type of the elements; by default that of `tensor`.
        name: the name of the node.
        optimize: whether a static shape makes the result a constant.
    """
    with op_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        own = tensor.dtype.base_dtype
        wanted = own if dtype is None else as_dtype(dtype).base_dtype
        if current_graph() is not None and optimize and is_static(tensor) and own != dtypes.variant:
            return zeros(tensor.dims, wanted, name=scope)
        if wanted != own and wanted != dtypes.variant:
            return zeros(_shape(tensor, None, None, optimize), wanted, name=scope or None)
        return zeros_like_op(tensor, name=scope or None)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Return ones of the shape of `input`, and of its type unless `dtype` is given.

    Args:
        input: a tensor.
        dtype: the type of the elements.
        name: the name of the node.
        layout: accepted as TensorFlow does; there are no distributed layouts here.
    """
    return ones_like_v1(input, dtype, name)


def ones_like_v1(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Return ones of the shape of `tensor`.

    Args:
        tensor: a tensor.
        dtype: the type of the elements; by default that of `tensor`.
        name: the name of the node.
        optimize: whether a static shape is taken as a constant.
    """
    with op_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = tensor.dtype.base_dtype if dtype is None else as_dtype(dtype).base_dtype
        if current_graph() is None and wanted == tensor.dtype:
            return ones_like_op(tensor)
        result = ones(_shape(tensor, None, None, optimize), wanted, name=scope or None)
        if current_graph() is not None:
            result.set_shape(tensor.dims)  # type: ignore[attr-defined]
        return result


# OneHot

_SCATTERED = frozenset(
    {torch.float16, torch.bfloat16, torch.float32, torch.float64}
    | {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
)


@op(
    "OneHot(indices: TI, depth: host int32, on_value: T, off_value: T) -> output: T",
    differentiable=False,
    TI=Type(frozenset({uint8, int8, int32, int64}), default=int64),
)
def one_hot_op(indices: Value, depth: int, on_value: Value, off_value: Value, *, axis: int = -1) -> Value:
    if isinstance(depth, list):
        raise InvalidArgumentError(None, None, f"depth must be a scalar, got {depth}")
    if depth < 0:
        raise InvalidArgumentError(None, None, f"depth must be non-negative, got: {depth}")
    for name, value in (("on_value", on_value), ("off_value", off_value)):
        if value.ndim:
            raise InvalidArgumentError(None, None, f"{name} must be a scalar, but got shape {list(value.shape)}")
    if not -1 <= axis <= indices.ndim:
        raise InvalidArgumentError(
            None, None, f"Expected axis to be -1 or between [0, {indices.ndim}).  But received: {axis}"
        )
    position = indices.ndim if axis == -1 else axis
    check_allocation([depth, *indices.shape], item_size(on_value))
    if depth and isinstance(on_value, torch.Tensor) and on_value.dtype in _SCATTERED:
        result = off_value.expand([*indices.shape[:position], depth, *indices.shape[position:]]).clone(
            memory_format=torch.contiguous_format
        )
        # Indices beyond the classes write what is there already.
        places = indices.long()
        inside = places.clamp(0, depth - 1)
        written = torch.where(places == inside, on_value, off_value)
        return result.scatter_(position, inside.unsqueeze(position), written.unsqueeze(position))
    classes = torch.arange(depth, device=indices.device).reshape([-1] + [1] * (indices.ndim - position))
    hot = indices.unsqueeze(position) == classes
    if isinstance(on_value, np.ndarray):
        return np.where(hot.cpu().numpy(), on_value, off_value)
    return torch.where(hot, on_value, off_value)


@one_hot_op.shape
def one_hot_shape(indices: Dims, depth: Any, on_value: Dims, off_value: Dims, *, axis: int) -> Dims:
    expect_rank(on_value, 0, "on_value")
    expect_rank(off_value, 0, "off_value")
    if depth is not None and depth < 0:
        raise ShapeError(f"depth must be at least 0, got {depth}")
    if indices is None:
        return None
    if axis < -1:
        raise ShapeError(f"axis must be at least -1, got {axis}")
    position = normalize_axis(axis, len(indices) + 1, "axis")
    return (*indices[:position], depth, *indices[position:])


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """Return for each index a vector that is `on_value` at the index and `off_value` elsewhere.

    Args:
        indices: integers of rank r; those outside of [0, depth) give vectors of `off_value`.
        depth: the size of the new axis, a scalar.
        on_value, off_value: scalars, 1 and 0 by default.
        axis: where the new axis stands, -1 (the default) for the end.
        dtype: the type of the elements; by default that of the values, or float32.
        name: the name of the node.
    Raises:
        TypeError: if the types of `on_value`, `off_value` and `dtype` differ.
    """
    if on_value is None and off_value is None and axis is None and dtype is None and current_graph() is None:
        return one_hot_op(indices, depth, eager_scalar(1, dtypes.float32), eager_scalar(0, dtypes.float32))
    with op_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        on_type = (
            None
            if on_value is None
            else convert_to_tensor(on_value).dtype.base_dtype
            if dtype is None or isinstance(on_value, Tensor)
            else None
        )
        off_type = (
            None
            if off_value is None
            else convert_to_tensor(off_value).dtype.base_dtype
            if dtype is None or isinstance(off_value, Tensor)
            else None
        )
        wanted = None if dtype is None else as_dtype(dtype).base_dtype
        for what, found in (("on_value", on_type), ("off_value", off_type)):
            if wanted is not None and found is not None and found != wanted:
                raise TypeError(f"dtype {found.name} of {what} does not match dtype parameter {wanted.name}")
        if wanted is None and on_type is not None and off_type is not None and on_type != off_type:
            raise TypeError(f"dtype {on_type.name} of on_value does not match dtype {off_type.name} of off_value")
        wanted = wanted or on_type or off_type or dtypes.float32
        on = convert_to_tensor(_one_of(wanted) if on_value is None else on_value, wanted, name="on_value")
        off = convert_to_tensor(_zero_of(wanted) if off_value is None else off_value, wanted, name="off_value")
        return one_hot_op(indices, depth, on, off, axis=-1 if axis is None else axis, name=scope or None)


def _one_of(dtype: DType) -> Any:
    return True if dtype.is_bool else 1
