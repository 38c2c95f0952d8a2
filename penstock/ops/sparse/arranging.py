"""Sparse tensors with their positions changed: ordered, transposed, reshaped, restricted to a part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph, name_scope
from penstock.core.inference import static_shape, static_value
from penstock.core.op import op
from penstock.core.shape import Dims, TensorShape
from penstock.core.shape_rules import expect_rank
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host
from penstock.ops.sparse.arithmetic import picked
from penstock.ops.sparse.common import (
    NUMERIC,
    as_sparse,
    check_dims,
    check_parts,
    invalid,
    linear,
    parts_dims,
    row_keys,
    sparse_like,
    strides,
    take,
    union,
)

_cast_op = deferred("Cast")
_concat_op = deferred("ConcatV2")
_gather_op = deferred("GatherV2")
_range_op = deferred("Range")
_reshape_op = deferred("Reshape")


@op(
    "SparseReorder(input_indices: int64, input_values: T, input_shape: host int64)"
    " -> (output_indices: int64, output_values: T)",
    view=True,
)
@on_host
def sparse_reorder_op(input_indices: Array, input_values: Value, input_shape: list[int]) -> tuple[Array, Value]:
    check_parts(input_indices, input_values, input_shape, "input_")
    keys = row_keys(input_indices)
    if not bool((keys[1:] < keys[:-1]).any()):
        return input_indices, input_values
    order = torch.argsort(keys, stable=True)
    return input_indices[order], take(input_values, order)


@sparse_reorder_op.shape
def sparse_reorder_shape(input_indices: Dims, input_values: Dims, input_shape: Any) -> Any:
    count, rank = parts_dims(input_indices, input_values, input_shape)
    return (count, rank), (count,)


@sparse_reorder_op.gradient
def sparse_reorder_gradient(call: Any, _: Any, grad: Tensor) -> Any:
    indices, _, shape = call.inputs
    numbers = _range_op(np.int64(0), deferred("Shape")(indices, out_type=dtypes.int64)[0], np.int64(1))
    order = sparse_reorder_op(indices, numbers, shape).output_values
    return None, _gather_op(grad, deferred("InvertPermutation")(order), 0), None


@op(
    "SparseReshape(input_indices: int64, input_shape: host int64, new_shape: host int64)"
    " -> (output_indices: int64, output_shape: int64)"
)
@on_host
def sparse_reshape_op(input_indices: Array, input_shape: list[int], new_shape: list[int]) -> tuple[Array, Array]:
    check_parts(input_indices, None, input_shape, "input_")
    if not isinstance(new_shape, list) or any(isinstance(size, list) for size in new_shape):
        raise invalid(f"Target shape should be a vector but received {new_shape}")
    count = math.prod(input_shape)
    sizes = _completed(input_shape, new_shape, count)
    check_dims(sizes)
    if math.prod(sizes) != count:
        raise invalid(
            f"Input to reshape is a tensor with {count} dense values, but the requested shape has {math.prod(sizes)}. "
            f"input_shape={input_shape} output_shape={sizes}"
        )
    rest = linear(input_indices, input_shape)
    columns = []
    for step in strides(sizes):
        columns.append(torch.div(rest, max(step, 1), rounding_mode="trunc"))
        rest = torch.fmod(rest, max(step, 1))
    indices = torch.stack(columns, 1) if columns else torch.zeros((len(input_indices), 0), dtype=torch.int64)
    return indices, torch.tensor(sizes, dtype=torch.int64)


def _completed(input_shape: list[int], new_shape: list[int], count: int) -> list[int]:
    """Return a new shape with the size that is -1 computed."""
    unknown = [axis for axis, size in enumerate(new_shape) if size == -1]
    for axis, size in enumerate(new_shape):
        if size < -1:
            raise invalid(f"size {axis} must be non-negative, not {size}")
    if len(unknown) > 1:
        raise invalid(f"only one output dimension may be -1, not both {unknown[0]} and {unknown[1]}")
    if not unknown:
        return list(new_shape)
    known = math.prod(size for size in new_shape if size != -1)
    if not known:
        raise invalid(
            "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are "
            "non-zero"
        )
    if count % known:
        raise invalid(
            f"Input to reshape is a SparseTensor with {count} dense values, but the requested shape requires a "
            f"multiple of {known}. input_shape={input_shape} output_shape={new_shape}"
        )
    return [count // known if size == -1 else size for size in new_shape]


@sparse_reshape_op.shape
def sparse_reshape_shape(input_indices: Dims, input_shape: Any, new_shape: Any) -> Any:
    rows, _ = expect_rank(input_indices, 2, "input_indices")
    rank = len(new_shape) if isinstance(new_shape, list) else None
    return (rows, rank), (rank,)


def _vector(value: Any, rank: int, name: str) -> list[int]:
    if not isinstance(value, list):
        raise invalid(f"Input {name} should be a vector but received the scalar {value}")
    if len(value) != rank:
        raise invalid(f"Expected {name} to be a vector of length {rank} but got length {len(value)}")
    return value


@op(
    "SparseSlice(indices: int64, values: T, shape: host int64, start: host int64, size: host int64)"
    " -> (output_indices: int64, output_values: T, output_shape: int64)"
)
@on_host
def sparse_slice_op(
    indices: Array, values: Value, shape: list[int], start: list[int], size: list[int]
) -> tuple[Array, Value, Array]:
    check_parts(indices, values, shape)
    start, size = _vector(start, len(shape), "start"), _vector(size, len(shape), "size")
    if any(item < 0 for item in size):
        raise invalid(f"Expected a non-negative size, got {min(size)}")
    sizes = torch.tensor(
        [max(0, min(n, whole - first)) for first, n, whole in zip(start, size, shape, strict=True)], dtype=torch.int64
    )
    moved = indices - torch.tensor(start, dtype=torch.int64)
    inside = ((moved >= 0) & (moved < sizes)).all(1)
    return moved[inside], take(values, inside), sizes


@sparse_slice_op.shape
def sparse_slice_shape(indices: Dims, values: Dims, shape: Any, start: Any, size: Any) -> Any:
    _, rank = parts_dims(indices, values, shape)
    return (None, rank), (None,), (rank,)


@sparse_slice_op.gradient
def sparse_slice_gradient(call: Any, _: Any, grad: Tensor, __: Any) -> Any:
    indices, _, _, start, _ = call.inputs
    values_grad = sparse_slice_grad_op(grad, indices, start, call.outputs[0])
    return None, values_grad, None, None, None


@op(
    "SparseSliceGrad(backprop_val_grad: T, input_indices: int64, input_start: host int64, output_indices: int64)"
    " -> val_grad: T",
    T=NUMERIC,
)
@on_host
def sparse_slice_grad_op(
    backprop_val_grad: Array, input_indices: Array, input_start: list[int], output_indices: Array
) -> Array:
    for name, indices in (("input_indices", input_indices), ("output_indices", output_indices)):
        if indices.ndim != 2:
            raise invalid(f"{name} should be a matrix but received shape {list(indices.shape)}")
    if backprop_val_grad.ndim != 1 or len(backprop_val_grad) != len(output_indices):
        raise invalid(
            "backprop_val_grad should be a vector with as many elements as output_indices has rows, got shapes "
            f"{list(backprop_val_grad.shape)} and {list(output_indices.shape)}"
        )
    start = _vector(input_start, input_indices.shape[1], "input_start")
    if output_indices.shape[1] != input_indices.shape[1]:
        raise invalid(
            f"The input and output should have the same ndims: got {input_indices.shape[1]} and "
            f"{output_indices.shape[1]}"
        )
    rows, (places, sources) = union(input_indices, output_indices + torch.tensor(start, dtype=torch.int64))
    spread = backprop_val_grad.new_zeros(len(rows)).index_copy_(0, sources, backprop_val_grad)
    return take(spread, places)


@sparse_slice_grad_op.shape
def sparse_slice_grad_shape(
    backprop_val_grad: Dims, input_indices: Dims, input_start: Any, output_indices: Dims
) -> Dims:
    return (expect_rank(input_indices, 2, "input_indices")[0],)


@op(
    "SparseSplit(split_dim: host int64, indices: int64, values: T, shape: host int64)"
    " -> (output_indices: num_split * int64, output_values: num_split * T, output_shape: num_split * int64)",
    minimum={"num_split": 1},
)
@on_host
def sparse_split_op(
    split_dim: int, indices: Array, values: Value, shape: list[int], *, num_split: int
) -> tuple[list[Array], list[Value], list[Array]]:
    check_parts(indices, values, shape)
    while isinstance(split_dim, list) and len(split_dim) == 1:
        split_dim = split_dim[0]
    if isinstance(split_dim, list):
        raise invalid(f"split_dim must be a single number, got {split_dim}")
    rank = len(shape)
    if not -rank <= split_dim < rank:
        raise invalid(f"Input axis should be in range [{-rank}, {rank}), got {split_dim}")
    axis = split_dim % rank
    if not 1 <= num_split <= shape[axis]:
        raise invalid(
            f"Input num_split should be between 1 and the splitting dimension size ({shape[axis]}), got {num_split}"
        )
    outside = ((indices < 0) | (indices >= torch.tensor(shape))).any(1)
    if bool(outside.any()):
        row = int(outside.int().argmax())
        raise invalid(f"Sparse index tuple indices[{row}, :] = {indices[row].tolist()} is out of bounds")
    small, larger = divmod(shape[axis], num_split)
    sizes = [small + (part < larger) for part in range(num_split)]
    all_indices, all_values, all_shapes = [], [], []
    begin = 0
    for size in sizes:
        inside = (indices[:, axis] >= begin) & (indices[:, axis] < begin + size)
        part = indices[inside]
        part[:, axis] -= begin
        all_indices.append(part)
        all_values.append(take(values, inside))
        all_shapes.append(torch.tensor([*shape[:axis], size, *shape[axis + 1 :]], dtype=torch.int64))
        begin += size
    return all_indices, all_values, all_shapes


@sparse_split_op.shape
def sparse_split_shape(split_dim: Any, indices: Dims, values: Dims, shape: Any, *, num_split: int) -> Any:
    _, rank = parts_dims(indices, values, shape)
    return [(None, rank)] * num_split, [(None,)] * num_split, [(rank,)] * num_split


@sparse_slice_grad_op.gradient
def sparse_slice_grad_gradient(call: Any, grad: Tensor) -> Any:
    _, indices, start, output_indices = call.inputs
    return picked(grad, indices, output_indices + start), None, None, None


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Return a sparse tensor with its positions in row-major order, which many operations expect.

    Args:
        sp_input: a SparseTensor.
        name: the name of the node.
    """
    sparse = as_sparse(sp_input)
    indices, values = sparse_reorder_op(sparse.indices, sparse.values, sparse.dense_shape, name=name)
    return sparse_like(indices, values, sparse.dense_shape, sparse.shape)


def reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """Return a sparse tensor with its elements, in row-major order, in another shape.

    Args:
        sp_input: a SparseTensor.
        shape: a vector of sizes; one may be -1 and is then computed.
        name: the name of the scope.
    Raises:
        ValueError: if the sizes are known and do not fit.
        InvalidArgumentError: if they do not fit at run time.
    """
    sparse = as_sparse(sp_input)
    wanted = _cast_op(convert_to_tensor(shape), DstT=dtypes.int64)
    with name_scope(name, "SparseReshape", [sparse.indices]) as scope:
        indices, new_shape = sparse_reshape_op(sparse.indices, sparse.dense_shape, wanted, name=scope or name)
        static = static_shape(wanted)
        count = sparse.shape.num_elements()
        if static.rank is not None and count is not None:
            sizes = static.as_list()
            known = math.prod(size for size in sizes if size is not None)
            value = static_value(wanted, partial=True)
            open_axes = [axis for axis, size in enumerate(sizes) if size is None]
            if not open_axes and known != count and current_graph() is not None:
                raise ValueError(f"Cannot reshape a tensor with {count} elements to shape {sizes} ({known} elements)")
            is_inferred = value is not None and open_axes and value[open_axes[0]] == -1
            if len(open_axes) == 1 and is_inferred and known and count % known == 0:
                static = TensorShape([count // known if size is None else size for size in sizes])
        return sparse_like(indices, _values_of(sparse), new_shape, static)


def _values_of(sparse: SparseTensor) -> Tensor:
    result: Tensor = deferred("Identity")(sparse.values)
    return result


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """Return a sparse tensor with its axes permuted, in row-major order.

    Args:
        sp_input: a SparseTensor.
        perm: which axis comes first, second, ...; by default the axes are reversed.
        name: the name of the scope.
    """
    sparse = as_sparse(sp_input)
    with name_scope(name, "SparseTranspose"):
        rank = sparse.shape.rank
        if perm is None:
            if rank is not None:
                perm = np.arange(rank - 1, -1, -1)
            else:
                perm = _range_op(deferred("Size")(sparse.dense_shape) - 1, -1, -1)
        axes = convert_to_tensor(perm)
        indices = _gather_op(sparse.indices, axes, 1)
        shape = _gather_op(sparse.dense_shape, axes, 0)
        if rank is not None and axes.dims is not None:
            TensorShape(axes.dims).with_rank(1).merge_with([rank])
        known = static_value(axes)
        static = None
        if known is not None and rank is not None and all(0 <= axis < rank for axis in known.tolist()):
            sizes = sparse.shape.as_list()
            static = [sizes[axis] for axis in known.tolist()]
        return reorder(sparse_like(indices, sparse.values, shape, static))


def slice_(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """Return the part of a sparse tensor between `start` and `start + size`.

    Args:
        sp_input: a SparseTensor.
        start, size: int64 vectors, as long as there are axes. The part ends where the tensor ends.
        name: the name of the node.
    """
    sparse = as_sparse(sp_input)
    start, size = convert_to_tensor(start, dtypes.int64), convert_to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice") as scope:
        indices, values, shape = sparse_slice_op(
            sparse.indices, sparse.values, sparse.dense_shape, start, size, name=scope or name
        )
        return sparse_like(indices, values, shape, _sliced(sparse, start, size))


def _sliced(sparse: SparseTensor, start: Tensor, size: Tensor) -> Any:
    """Return the static shape of a part."""
    first, count = static_value(start), static_value(size)
    rank = sparse.shape.rank
    if first is None or count is None or rank is None or not len(first) == len(count) == rank:
        return None
    sizes = zip(first.tolist(), count.tolist(), sparse.shape.as_list(), strict=True)
    return [None if whole is None else max(0, min(n, whole - begin)) for begin, n, whole in sizes]


def split(sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None) -> list[SparseTensor]:
    """Return a sparse tensor in parts along an axis; the first ones are larger by one where it does not divide.

    Args:
        sp_input: a SparseTensor.
        num_split: the number of parts, a Python integer.
        axis: the axis.
        name: the name of the node.
    Raises:
        ValueError: if an argument is missing.
    """
    if sp_input is None:
        raise ValueError("sp_input is required")
    if num_split is None:
        raise ValueError("num_split is required")
    if axis is None:
        raise ValueError("axis is required")
    sparse = as_sparse(sp_input)
    axis = convert_to_tensor(axis, dtypes.int64, name="split_dim")
    parts = sparse_split_op(axis, sparse.indices, sparse.values, sparse.dense_shape, num_split=num_split, name=name)
    return [SparseTensor(*part) for part in zip(*parts, strict=True)]


class _KeywordRequired:
    """Stands in front of parameters that TensorFlow 1 takes by keyword alone."""

    def __repr__(self) -> str:
        return "KeywordRequired()"


def split_v1(
    keyword_required: Any = _KeywordRequired(),  # noqa: B008  a marker without state
    sp_input: Any = None,
    num_split: Any = None,
    axis: Any = None,
    name: str | None = None,
    split_dim: Any = None,
) -> list[SparseTensor]:
    """Return a sparse tensor in parts along an axis; see `split`.

    Args:
        keyword_required: not to be given: the others are keywords.
        sp_input, num_split, axis, name: see `split`.
        split_dim: the former name of `axis`.
    """
    if not isinstance(keyword_required, _KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    if axis is not None and split_dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'split_dim'")
    return split(sp_input, num_split, split_dim if axis is None else axis, name)


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """Return a sparse tensor with some of its values.

    Args:
        sp_input: a SparseTensor with n values.
        to_retain: n booleans: which to keep.
    """
    sparse = as_sparse(sp_input)
    mask = convert_to_tensor(to_retain)
    TensorShape(mask.dims).with_rank(1).merge_with(sparse.values.shape)
    places = _reshape_op(deferred("Where")(mask), [-1])
    result = SparseTensor(
        _gather_op(sparse.indices, places, 0),
        _gather_op(sparse.values, places, 0),
        deferred("Identity")(sparse.dense_shape),
    )
    result.set_shape(sparse.shape)
    return result


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """Return a sparse tensor with an axis of size 1 inserted.

    Args:
        sp_input: a SparseTensor.
        axis: where the axis comes, in [-rank - 1, rank]; by default last.
        name: the name of the scope.
    Raises:
        InvalidArgumentError: if `axis` is out of range.
    """
    sparse = as_sparse(sp_input)
    with name_scope(name, "expand_dims", [sparse.indices]):
        rank = sparse.shape.rank
        place = -1 if axis is None else axis
        known = static_value(place) if isinstance(place, Tensor) else np.asarray(place)
        zeros = deferred("ZerosLike")(sparse.indices[:, :1])
        one = np.ones(1, np.int64)
        if known is not None and rank is not None:
            at: Any = int(known) if int(known) >= 0 else int(known) + rank + 1
            if not 0 <= at <= rank:
                raise invalid(f"Expected axis in [{-rank - 1}, {rank}], but got {int(known)}")
            sizes = sparse.shape.as_list()
            static = [*sizes[:at], 1, *sizes[at:]]
        else:
            static = None
            given = _cast_op(convert_to_tensor(place), DstT=dtypes.int32)
            count = deferred("Size")(sparse.dense_shape)
            at = deferred("SelectV2")(given >= 0, given, given + count + 1)
        indices = _concat_op([sparse.indices[:, :at], zeros, sparse.indices[:, at:]], 1)
        shape = _concat_op([sparse.dense_shape[:at], one, sparse.dense_shape[at:]], 0)
        return sparse_like(indices, sparse.values, shape, static)


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """Return a sparse tensor with its values at the same positions of another shape.

    Args:
        sp_input: a SparseTensor.
        new_shape: the shape, at least as large along each axis; by default the smallest that holds all values.
    Raises:
        ValueError: if the new shape is known and has another rank, or is smaller.
        InvalidArgumentError: if it turns out so at run time.
    """
    sparse = as_sparse(sp_input)
    identity = deferred("Identity")
    indices, values, shape = identity(sparse.indices), identity(sparse.values), identity(sparse.dense_shape)
    if new_shape is None:
        highest = deferred("Max")(indices, [0])
        return SparseTensor(indices, values, deferred("Maximum")(highest + 1, deferred("OnesLike")(shape) - 1))
    wanted = convert_to_tensor(new_shape, dtypes.int64)
    TensorShape(wanted.dims).with_rank(1).merge_with(shape.shape)
    before, after = sparse.shape, static_shape(wanted)
    if before.is_fully_defined() and after.is_fully_defined():
        if before.rank != after.rank:
            raise ValueError(f"sp_input has rank {before.rank}, new_shape {after} has rank {after.rank}")
        sizes: Any = zip(before.as_list(), after.as_list(), strict=True)
        if any(old > new for old, new in sizes):
            raise ValueError(
                f"Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape "
                f"({after.as_list()}), sp_input.shape ({before.as_list()})."
            )
    elif current_graph() is not None:
        fits = deferred("All")(deferred("LessEqual")(shape, wanted), [0])
        check = deferred("Assert")(fits, [convert_to_tensor("new_shape is smaller than the sparse tensor"), shape])
        with current_graph().control_dependencies([check]):  # type: ignore[union-attr]
            wanted = identity(wanted)
    return sparse_like(indices, values, wanted, after)
