"""Operations that change or ask for a shape and leave the elements as they are."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype, int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import is_known, partial_value
from penstock.core.op import Type, op
from penstock.core.shape import Dims, TensorShape, as_dims
from penstock.core.shape_rules import ShapeError, broadcast, format_dims, merge, normalize_axis, num_elements, scalar
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, is_static, numbers, sizes
from penstock.ops.constant import constant, shape_op

_broadcast_gradient_args_op = deferred("BroadcastGradientArgs")
_cast_op = deferred("Cast")
_prod_op = deferred("Prod")
_range_op = deferred("Range")
_sum_op = deferred("Sum")


# Reshape


@op("Reshape(tensor: T, shape: host Tshape) -> output: T", Tshape=Type(INDEX, default=int32), view=True)
def reshape_op(tensor: Value, shape: Any) -> Value:
    if type(shape) is not list:
        shape = [shape]
    if isinstance(tensor, np.ndarray) and any(size < -1 for size in shape):
        raise InvalidArgumentError(None, None, f"Size {min(shape)} must be non-negative, not {shape}")
    if -1 in shape and 0 in shape and 0 in tensor.shape:
        shape = _with_open_size(shape, tensor.shape)
    return tensor.reshape(shape)


def _with_open_size(shape: list[int], sizes: Sequence[int]) -> list[int]:
    """Return the shape of an empty tensor with a size for -1, for which any would do: TensorFlow leaves zeros out."""
    elements, known = (math.prod(size for size in each if size not in (0, -1)) for each in (sizes, shape))
    if elements % known:
        raise ShapeError(f"cannot reshape an empty tensor of shape {tuple(sizes)} to {tuple(shape)}")
    return [elements // known if size == -1 else size for size in shape]


@reshape_op.shape
def reshape_shape(tensor: Dims, shape: Any) -> Dims:
    if shape is None:
        return None
    if not isinstance(shape, list):
        if shape != -1:
            raise ShapeError(f"shape must be a vector, got the scalar {shape}; of scalars, only -1 is taken")
        shape = [shape]
    if any(size is not None and size < -1 for size in shape) or shape.count(-1) > 1:
        raise ShapeError(f"shape {shape} must have sizes of at least 0, and -1 at most once")
    count = num_elements(tensor)
    open_axes = [axis for axis, size in enumerate(shape) if size is None or size == -1]
    known = math.prod(size for size in shape if size is not None and size != -1)
    result = [None if size == -1 else size for size in shape]
    if count is None:
        return tuple(result)
    if not open_axes:
        if known != count:
            raise ShapeError(
                f"cannot reshape a tensor with {count} elements to shape {format_dims(tuple(shape))} with "
                f"{known} elements"
            )
    elif known and count % known:
        if -1 in shape or len(open_axes) == 1:
            raise ShapeError(
                f"cannot reshape a tensor with {count} elements to shape {shape}: {count} is not divisible by {known}"
            )
    elif len(open_axes) == 1 and known:
        result[open_axes[0]] = count // known
    return tuple(result)


@reshape_op.partial
def reshape_partial(call: Any) -> Any:
    dims = call.outputs[0].dims
    values = partial_value(call.inputs[0])
    if values is None or dims is None or None in dims:
        return None
    flat = _flatten(values)
    for size in reversed(dims[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)] if size else flat
    return flat if dims else flat[0]


def _flatten(values: Any) -> list[Any]:
    return [leaf for item in values for leaf in _flatten(item)] if isinstance(values, list) else [values]


@reshape_op.gradient
def reshape_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return reshape_op(grad, sizes(call.inputs[0])), None


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return `tensor` with its elements, in order, in another shape.

    Args:
        tensor: a tensor.
        shape: the new sizes; one may be -1 and is then computed.
        name: the name of the node.
    Raises:
        ValueError, InvalidArgumentError: if the number of elements differs.
    """
    result = reshape_op(tensor, shape, name=name)
    return result


# ExpandDims and Squeeze


def _single(value: Any) -> Any:
    while isinstance(value, list):
        if len(value) != 1:
            raise InvalidArgumentError(None, None, f"'dim' input must be a tensor with a single value, got {value}")
        value = value[0]
    return value


@op("ExpandDims(input: T, dim: host Tdim) -> output: T", Tdim=Type(INDEX, default=int32), view=True)
def expand_dims_op(input: Value, dim: int) -> Value:
    dim = _single(dim)
    rank = input.ndim
    if not -rank - 1 <= dim <= rank:
        raise InvalidArgumentError(None, None, f"Tried to expand dim index {dim} for tensor with {rank} dimensions.")
    return input.unsqueeze(dim) if isinstance(input, torch.Tensor) else np.expand_dims(input, dim)


@expand_dims_op.shape
def expand_dims_shape(input: Dims, dim: Any) -> Dims:
    dim = _single(dim)
    if input is None:
        return None
    if dim is None:
        return (None,) * (len(input) + 1)
    axis = normalize_axis(dim, len(input) + 1, "axis")
    return (*input[:axis], 1, *input[axis:])


@expand_dims_op.partial
def expand_dims_partial(call: Any) -> Any:
    value, rank, axis = partial_value(call.inputs[0]), call.inputs[0].ndim, partial_value(call.inputs[1])
    return [value] if rank == 0 or (rank is not None and axis == 0) else None


@expand_dims_op.gradient
def expand_dims_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return reshape_op(grad, sizes(call.inputs[0])), None


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """Return `input` with an axis of size 1 inserted.

    Args:
        input: a tensor of rank r.
        axis: where the new axis stands, in [-r - 1, r].
        name: the name of the node.
    """
    return expand_dims_op(input, axis, name=name)


def expand_dims_v1(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """Return `input` with an axis of size 1 inserted; `dim` is an old name of `axis`."""
    axis = _either("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return expand_dims_op(input, axis, name=name)


def _either(name: str, value: Any, old_name: str, old: Any) -> Any:
    if old is not None:
        if value is not None:
            raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
        return old
    return value


@op("Squeeze(input: T) -> output: T", minimum={"squeeze_dims": 0}, view=True)
def squeeze_op(input: Value, *, squeeze_dims: list[int] = []) -> Value:
    if not squeeze_dims:
        return input.squeeze()
    rank = input.ndim
    for axis in squeeze_dims:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None, None, f"Tried to squeeze dim index {axis} for tensor with {rank} dimensions."
            )
        if input.shape[axis] != 1:
            raise InvalidArgumentError(
                None, None, f"Can not squeeze dim[{axis}], expected a dimension of 1, got {input.shape[axis]}"
            )
    return input.squeeze(tuple({axis % rank for axis in squeeze_dims}))


@squeeze_op.shape
def squeeze_shape(input: Dims, *, squeeze_dims: list[int]) -> Dims:
    if input is None:
        return None
    if not squeeze_dims:
        return None if None in input else tuple(size for size in input if size != 1)
    gone = {normalize_axis(axis, len(input), "squeezed axis") for axis in squeeze_dims}
    for axis in gone:
        if input[axis] not in (1, None):
            raise ShapeError(f"can not squeeze axis {axis}: expected a size of 1, got {input[axis]}")
    return tuple(size for axis, size in enumerate(input) if axis not in gone)


@squeeze_op.partial
def squeeze_partial(call: Any) -> Any:
    value, dims = partial_value(call.inputs[0]), call.inputs[0].dims
    return value[0] if dims == (1,) and value is not None else value if dims is not None and 1 not in dims else None


@squeeze_op.gradient
def squeeze_gradient(call: Any, grad: Any) -> Any:
    return reshape_op(grad, sizes(call.inputs[0]))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Return `input` without axes of size 1.

    Args:
        input: a tensor.
        axis: an axis or a list of axes to remove; all of size 1 by default.
        name: the name of the node.
    Raises:
        ValueError, InvalidArgumentError: if an axis to remove has another size.
    """
    axes = [] if axis is None else [axis] if np.isscalar(axis) else list(axis)
    return squeeze_op(input, squeeze_dims=axes, name=name)


def squeeze_v1(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """Return `input` without axes of size 1; `squeeze_dims` is an old name of `axis`."""
    return squeeze(input, _either("axis", axis, "squeeze_dims", squeeze_dims), name)


# Transpose


def _from_front(perm: Sequence[int]) -> list[int]:
    """Return a permutation with axes that are counted from the end counted from the front."""
    return [axis + len(perm) if -len(perm) <= axis < 0 else axis for axis in perm]


def _check_perm(rank: int, perm: list[int]) -> None:
    if not _is_permutation(rank, tuple(perm)):
        raise InvalidArgumentError(
            None, None, f"perm {perm} must be a permutation of the axes 0 to {rank - 1} of the input"
        )


@functools.lru_cache(maxsize=1024)
def _is_permutation(rank: int, perm: tuple[int, ...]) -> bool:
    return sorted(_from_front(perm)) == list(range(rank))


@op("Transpose(x: T, perm: host Tperm) -> y: T", Tperm=Type(INDEX, default=int32), view=True)
def transpose_op(x: Value, perm: list[int]) -> Value:
    _check_perm(x.ndim, perm)
    return x.permute(perm) if isinstance(x, torch.Tensor) else x.transpose(perm)


@transpose_op.shape
def transpose_shape(x: Dims, perm: Any) -> Dims:
    if perm is None:
        return None if x is None else (None,) * len(x)
    if not isinstance(perm, list):
        raise ShapeError(f"perm must be a vector, got the scalar {perm}")
    if x is not None and len(x) != len(perm):
        raise ShapeError(
            f"perm {perm} must have one entry for each of the {len(x)} axes of x, which has shape {format_dims(x)}"
        )
    if not is_known(perm):
        return (None,) * len(perm)
    if sorted(_from_front(perm)) != list(range(len(perm))):
        raise ShapeError(f"perm {perm} must be a permutation of the axes 0 to {len(perm) - 1}")
    return (None,) * len(perm) if x is None else tuple(x[axis] for axis in perm)


@transpose_op.gradient
def transpose_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return transpose_op(grad, _inverse(call.inputs[1])), None


def _inverse(perm: Tensor) -> Any:
    known = partial_value(perm)
    if known is not None and is_known(known):
        known = _from_front(known)
        return [known.index(axis) for axis in range(len(known))]
    return deferred("InvertPermutation")(perm)


@op(
    "ConjugateTranspose(x: T, perm: host Tperm) -> y: T",
    Tperm=Type(INDEX, default=int32),
    view=True,
    shape=transpose_shape,
)
def conjugate_transpose_op(x: Value, perm: list[int]) -> Value:
    _check_perm(x.ndim, perm)
    return x.permute(perm).conj_physical() if isinstance(x, torch.Tensor) else x.transpose(perm)


@conjugate_transpose_op.gradient
def conjugate_transpose_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return conjugate_transpose_op(grad, _inverse(call.inputs[1])), None


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = "transpose") -> Tensor:
    """Return `a` with its axes in another order.

    Args:
        a: a tensor of rank n.
        perm: for each axis of the result, the axis of `a`; the reverse order by default.
        conjugate: whether complex elements are conjugated as well.
        name: the name of the node.
    """
    with op_scope(name, "transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        if perm is None:
            if a.ndim is not None:
                perm = list(range(a.ndim))[::-1]
            else:
                rank = rank_op(a)
                perm = (rank - 1) - _range_op(0, rank, 1)
        function = conjugate_transpose_op if conjugate and a.dtype.is_complex else transpose_op
        return function(a, perm, name=scope or None)


def transpose_v1(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Tensor:
    """Return `a` with its axes in another order; see `transpose`."""
    return transpose(a, perm, conjugate, name)


def matrix_transpose(a: Any, name: str | None = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """Return `a` with its last two axes exchanged.

    Args:
        a: a tensor of shape (..., m, n).
        name: the name of the node.
        conjugate: whether complex elements are conjugated as well.
    Raises:
        ValueError: if `a` is known to have fewer than two axes.
    """
    with op_scope(name, "matrix_transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        if a.ndim is None:
            rank = rank_op(a)
            perm: Any = deferred("ConcatV2")(
                [_range_op(0, rank - 2, 1), deferred("Pack")([rank - 1, rank - 2], axis=0)], 0
            )
        elif a.ndim < 2:
            raise ValueError(f"Argument `a` should be a (batch) matrix with rank >= 2. Received `a` of shape {a.shape}")
        else:
            perm = [*range(a.ndim - 2), a.ndim - 1, a.ndim - 2]
        return transpose(a, perm, conjugate, scope or None)


# BroadcastTo


@op("BroadcastTo(input: T, shape: host Tidx) -> output: T", Tidx=Type(INDEX, default=int32), view=True)
def broadcast_to_op(input: Value, shape: list[int]) -> Value:
    check_allocation(shape, 0)
    if isinstance(input, torch.Tensor):
        return input.expand(shape)
    return np.broadcast_to(input, shape)


@broadcast_to_op.shape
def broadcast_to_shape(input: Dims, shape: Any) -> Dims:
    if shape is None:
        return None
    result = tuple(shape)
    if any(size is not None and size < 0 for size in result):
        raise ShapeError(f"cannot broadcast to the negative size in {result}")
    if input is not None:
        if len(input) > len(result):
            raise ShapeError(
                f"cannot broadcast shape {format_dims(input)} to {format_dims(result)}, which has fewer axes"
            )
        for own, wanted in zip(input[::-1], result[::-1], strict=False):
            if own not in (None, 1) and wanted is not None and own != wanted:
                raise ShapeError(f"cannot broadcast shape {format_dims(input)} to {format_dims(result)}")
    return result


@broadcast_to_op.gradient
def broadcast_to_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return sum_to_shape_of(convert_to_tensor(grad), call.inputs[0], call.outputs[0]), None


def sum_to_shape_of(grad: Tensor, input: Tensor, output: Tensor) -> Tensor:
    """Return `grad` summed over the axes along which `input` was broadcast to the shape of `output`.

    Args:
        grad: a tensor of the shape of `output`.
        input: the tensor that was broadcast.
        output: a tensor of the broadcast shape.
    """
    if is_static(input, output):
        own, wide = input.dims, output.dims
        assert own is not None and wide is not None
        if own == wide:
            return grad
        offset = len(wide) - len(own)
        axes = [axis for axis in range(len(wide)) if axis < offset or (own[axis - offset] == 1 and wide[axis] != 1)]
        return reshape_op(_sum_op(grad, axes, keep_dims=False), list(own))
    own_shape = shape_op(input)
    axes = _broadcast_gradient_args_op(own_shape, shape_op(output))[0]
    return reshape_op(_sum_op(grad, axes, keep_dims=False), own_shape)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return `input` repeated along axes of size 1, and along new axes in front, so that it gets `shape`.

    Args:
        input: a tensor.
        shape: a vector of sizes.
        name: the name of the node.
    """
    return broadcast_to_op(input, shape, name=name)


@op("BroadcastArgs(s0: host T, s1: host T) -> r0: T", T=Type(INDEX, default=int32))
def broadcast_args_op(s0: list[int], s1: list[int], *, T: DType) -> Value:
    try:
        return numbers(broadcast(tuple(s0), tuple(s1)), T)
    except ShapeError as error:
        raise InvalidArgumentError(None, None, f"Incompatible shapes for broadcasting: {error}") from None


@broadcast_args_op.shape
def broadcast_args_shape(s0: Any, s1: Any, *, T: DType) -> Dims:
    return (None if s0 is None or s1 is None else max(len(s0), len(s1)),)


@broadcast_args_op.partial
def broadcast_args_partial(call: Any) -> Any:
    s0, s1 = (partial_value(tensor) for tensor in call.inputs)
    if s0 is None or s1 is None:
        return None
    try:
        return list(broadcast(tuple(s0), tuple(s1)) or ())
    except ShapeError:
        return None


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """Return the shape to which two shapes are broadcast, computed at run time.

    Args:
        shape_x, shape_y: vectors of sizes.
    """
    return broadcast_args_op(shape_x, shape_y)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Return the shape to which two static shapes are broadcast.

    Args:
        shape_x, shape_y: shapes, unknown in parts or whole.
    Raises:
        ValueError: if they cannot be broadcast together.
    """
    return TensorShape(broadcast(as_dims(shape_x), as_dims(shape_y)))


# EnsureShape


@op("EnsureShape(input: T) -> output: T", view=True)
def ensure_shape_op(input: Value, *, shape: Dims) -> Value:
    dims = array.dims_of(input)
    if shape is not None and (
        len(shape) != len(dims) or any(want is not None and want != got for want, got in zip(shape, dims, strict=True))
    ):
        raise InvalidArgumentError(
            None,
            None,
            f"Shape of tensor input {format_dims(dims)} is not compatible with expected shape {format_dims(shape)}.",
        )
    return input


@ensure_shape_op.shape
def ensure_shape_shape(input: Dims, *, shape: Dims) -> Dims:
    return merge(input, shape, "shapes of x and shape")


@ensure_shape_op.gradient
def ensure_shape_gradient(call: Any, grad: Any) -> Any:
    return grad


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return `x`, with its shape checked at run time and known while the graph is built.

    Args:
        x: a tensor.
        shape: what is known of its shape.
        name: the name of the node.
    Raises:
        InvalidArgumentError: at run time, if the shape is another.
    """
    return ensure_shape_op(x, shape=as_dims(shape), name=name)


# Shape, Size and Rank


@op("Size(input: T) -> output: out_type", differentiable=False, shape=scalar, out_type=INDEX)
def size_op(input: Value, *, out_type: DType = int32) -> Value:
    return numbers(math.prod(array.dims_of(input)), out_type)


@size_op.partial
def size_partial(call: Any) -> Any:
    return num_elements(call.inputs[0].dims)


@op("Rank(input: T) -> output: int32", differentiable=False, shape=scalar)
def rank_op(input: Value) -> Value:
    return numbers(len(array.dims_of(input)), int32)


@rank_op.partial
def rank_partial(call: Any) -> Any:
    return call.inputs[0].ndim


@op("ShapeN(input: N * T) -> output: N * out_type", differentiable=False, out_type=INDEX)
def shape_n_op(input: list[Value], *, out_type: DType = int32) -> list[Value]:
    return [numbers(array.dims_of(item), out_type) for item in input]


@shape_n_op.shape
def shape_n_shape(input: list[Dims], *, out_type: DType) -> list[Dims]:
    return [(None if dims is None else len(dims),) for dims in input]


def _sparse_shape(input: Any) -> Any:
    if isinstance(input, (Tensor, IndexedSlices)):
        return None
    return getattr(input, "dense_shape", None)


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Tensor:
    """Return the shape of a tensor as a vector: a constant where it is known while the graph is built.

    Args:
        input: a tensor or sparse tensor.
        out_type: int32 (the default) or int64.
        name: the name of the node.
    """
    return _shape(input, name, out_type)


def shape_v1(input: Any, name: str | None = None, out_type: Any = None) -> Tensor:
    """Return the shape of a tensor as a vector; see `shape`."""
    return _shape(input, name, out_type)


def _shape(input: Any, name: str | None, out_type: Any, optimize: bool = True) -> Tensor:
    dtype = int32 if out_type is None else as_dtype(out_type)
    with op_scope(name, "Shape", [input]) as scope:
        sparse_shape = _sparse_shape(input)
        if sparse_shape is not None:
            return _cast_op(sparse_shape, DstT=dtype, name=scope or None)
        input = convert_to_tensor(input)
        if optimize and current_graph() is not None and is_static(input):
            return constant(list(input.dims), dtype, name=scope)
        return shape_op(input, out_type=dtype, name=scope or None)


def shape_n(input: Any, out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """Return the shapes of several tensors of one type.

    Args:
        input: a list of tensors.
        out_type: int32 or int64.
        name: the name of the node.
    """
    return shape_n_op(input, out_type=int32 if out_type is None else as_dtype(out_type), name=name)


def size(input: Any, out_type: Any = None, name: str | None = None) -> Tensor:
    """Return the number of elements of a tensor: a constant where it is known while the graph is built.

    Args:
        input: a tensor or sparse tensor.
        out_type: int32 (the default) or int64.
        name: the name of the node.
    """
    dtype = int32 if out_type is None else as_dtype(out_type)
    with op_scope(name, "Size", [input]) as scope:
        sparse_shape = _sparse_shape(input)
        if sparse_shape is not None:
            return _prod_op(_cast_op(sparse_shape, DstT=dtype), [0], keep_dims=False, name=scope or None)
        input = convert_to_tensor(input)
        if current_graph() is not None and is_static(input):
            return constant(num_elements(input.dims), dtype, name=scope)
        return size_op(input, out_type=dtype, name=scope or None)


def size_v1(input: Any, name: str | None = None, out_type: Any = None) -> Tensor:
    """Return the number of elements of a tensor; see `size`."""
    return size(input, out_type, name)


def rank(input: Any, name: str | None = None) -> Tensor:
    """Return the number of axes of a tensor: a constant where it is known while the graph is built.

    Args:
        input: a tensor or sparse tensor.
        name: the name of the node.
    """
    with op_scope(name, "Rank", [input]) as scope:
        sparse_shape = _sparse_shape(input)
        if sparse_shape is not None:
            return _cast_op(size_op(sparse_shape), DstT=int32, name=scope or None)
        input = convert_to_tensor(input)
        if current_graph() is not None and input.ndim is not None:
            return constant(input.ndim, int32, name=scope)
        return rank_op(input, name=scope or None)
