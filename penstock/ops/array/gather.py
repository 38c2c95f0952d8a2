"""Elements picked by index, and elements put to their places by index."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int16, int32, int64, uint16
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import partial_value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge, normalize_axis
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, is_static, item_size, moved, sizes
from penstock.ops.array.joining import concat_v2_op, pack_op
from penstock.ops.array.shaping import reshape_op, squeeze_op, transpose_op
from penstock.ops.constant import constant, shape_op

_cast_op = deferred("Cast")
_equal_op = deferred("Equal")
_range_op = deferred("Range")
_unsorted_segment_sum_op = deferred("UnsortedSegmentSum")
_POSITION = frozenset({int16, int32, int64})


# Along one axis


def _wide(indices: torch.Tensor) -> torch.Tensor:
    return indices if indices.dtype in (torch.int32, torch.int64) else indices.to(torch.int64)


def _check_range(indices: torch.Tensor, bound: int) -> None:
    wrong = (indices < 0) | (indices >= bound)
    if wrong.any():
        position = torch.nonzero(wrong)[0]
        found = int(indices[tuple(position)])
        raise InvalidArgumentError(
            None, None, f"indices{_brackets(position.tolist())} = {found} is not in [0, {bound})"
        )


def _brackets(position: Sequence[int]) -> str:
    return f"[{','.join(map(str, position))}]" if position else ""


def take(params: Value, indices: torch.Tensor, axis: int) -> Value:
    """Return the elements of a runtime value at `indices` along an axis.

    Args:
        params: the runtime value.
        indices: integers of any shape. Those out of range raise on the host, and give zeros on an accelerator, which
            cannot report them without waiting for it.
        axis: the axis, counted from 0.
    Raises:
        InvalidArgumentError: if an index is out of range; it names the index and the bound.
    """
    if isinstance(params, np.ndarray):
        _check_range(indices, params.shape[axis])
        return np.asarray(np.take(params, indices.cpu().numpy(), axis), dtype=object)
    indices = _wide(indices)
    flat = indices if indices.ndim == 1 else indices.reshape(-1)
    if params.device.type != "cpu":
        result = _take_masked(params, flat, axis)
    else:
        try:
            result = moved(lambda values: values.index_select(axis, flat), params)
        except (IndexError, RuntimeError):
            _check_range(indices, params.shape[axis])
            raise
    return (
        result if indices.ndim == 1 else result.reshape(params.shape[:axis] + indices.shape + params.shape[axis + 1 :])
    )


def _take_masked(params: torch.Tensor, flat: torch.Tensor, axis: int) -> torch.Tensor:
    extent = params.shape[axis]
    flat = flat.to(params.device)
    if not extent:
        return params.new_zeros(params.shape[:axis] + flat.shape + params.shape[axis + 1 :])
    inside = (flat >= 0) & (flat < extent)
    result = moved(lambda values: values.index_select(axis, flat.clamp(0, extent - 1)), params)
    return torch.where(inside.reshape([-1] + [1] * (params.ndim - axis - 1)), result, result.new_zeros(()))


def _gather_batches(params: Value, indices: torch.Tensor, axis: int, batch_dims: int) -> Value:
    batch, before, after = params.shape[:batch_dims], params.shape[batch_dims:axis], params.shape[axis + 1 :]
    if tuple(indices.shape[:batch_dims]) != tuple(batch):
        raise InvalidArgumentError(
            None,
            None,
            f"batch dimensions of params {list(params.shape)} and indices {list(indices.shape)} must agree "
            f"in the first {batch_dims}",
        )
    shape = (*batch, *before, *indices.shape[batch_dims:], *after)
    if 0 in shape:
        return params.reshape(-1)[:0].reshape(shape)
    extent = params.shape[axis]
    _check_range(indices, extent)
    count, rows, columns = math.prod(batch), math.prod(before), math.prod(after)
    picked = indices.to(torch.int64).reshape(count, 1, -1, 1)
    if isinstance(params, np.ndarray):
        blocks = params.reshape(count, rows, extent, columns)
        return np.take_along_axis(blocks, picked.numpy(), 2).reshape(shape)
    picked = picked.expand(count, rows, picked.shape[2], columns)
    return moved(lambda blocks: blocks.gather(2, picked), params.reshape(count, rows, extent, columns)).reshape(shape)


@op(
    "GatherV2(params: Tparams, indices: Tindices, axis: host Taxis) -> output: Tparams", Tindices=_POSITION, Taxis=INDEX
)
def gather_v2_op(params: Value, indices: torch.Tensor, axis: int, *, batch_dims: int = 0) -> Value:
    rank = params.ndim
    if not -rank <= axis < rank:
        raise InvalidArgumentError(None, None, f"Expected axis in the range [{-rank}, {rank}), but got {axis}")
    axis = axis + rank if axis < 0 else axis
    if not batch_dims:
        return take(params, indices, axis)
    if not -indices.ndim <= batch_dims <= indices.ndim:
        raise InvalidArgumentError(
            None, None, f"Expected batch_dims in the range [{-indices.ndim}, {indices.ndim}], but got {batch_dims}"
        )
    batch_dims = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    if batch_dims > axis:
        raise InvalidArgumentError(
            None, None, f"batch_dims ({batch_dims}) must be less than or equal to axis ({axis})."
        )
    return _gather_batches(params, indices, axis, batch_dims)


@gather_v2_op.shape
def gather_v2_shape(params: Dims, indices: Dims, axis: Any, *, batch_dims: int) -> Dims:
    if params is None or indices is None:
        return None
    if batch_dims < 0:
        batch_dims += len(indices)
    if not 0 <= batch_dims <= len(indices):
        raise ShapeError(f"batch_dims {batch_dims} is out of range for indices of shape {format_dims(indices)}")
    if axis is None:
        return (None,) * (len(params) + len(indices) - 1 - batch_dims)
    axis = normalize_axis(axis, len(params), "axis")
    if batch_dims > axis:
        raise ShapeError(f"batch_dims ({batch_dims}) must be less than or equal to axis ({axis})")
    batch = merge(params[:batch_dims], indices[:batch_dims], "batch sizes of params and indices")
    assert batch is not None
    return (*batch, *params[batch_dims:axis], *indices[batch_dims:], *params[axis + 1 :])


def _gather_partial(call: Any) -> Any:
    values, indices = partial_value(call.inputs[0]), partial_value(call.inputs[1])
    if not isinstance(values, list) or call.inputs[0].ndim != 1 or indices is None:
        return None

    def pick(index: Any) -> Any:
        if isinstance(index, list):
            return [pick(item) for item in index]
        return values[index] if index is not None and 0 <= index < len(values) else None

    return pick(indices)


gather_v2_op.partial(_gather_partial)


@gather_v2_op.gradient
def gather_v2_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    params, indices, axis_input = call.inputs
    axis, batch_dims = partial_value(axis_input), call.attrs["batch_dims"]
    if axis == 0 and batch_dims == 0:
        return _rows_gradient(params, indices, grad), None, None
    if axis is None or params.ndim is None or indices.ndim is None:
        raise LookupError(
            f"The gradient of GatherV2 {call.name!r} needs a known axis and known ranks of params and indices"
        )
    grad = convert_to_tensor(grad)
    rank, axis = params.ndim, axis % params.ndim
    batch_dims = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    inner = indices.ndim - batch_dims
    # Bring the gathered axes of the gradient behind the batch axes, add up rows, and bring the axis back to its place.
    order = [
        *range(batch_dims),
        *range(axis, axis + inner),
        *range(batch_dims, axis),
        *range(axis + inner, rank - 1 + inner),
    ]
    rows = transpose_op(grad, order) if order != sorted(order) else grad
    params_shape, indices_shape = _extents(params), _extents(indices)
    extent = params_shape[axis]
    batch = params_shape[:batch_dims]
    rest = [*params_shape[batch_dims:axis], *params_shape[axis + 1 :]]
    count = _product(batch)
    positions = _cast_op(indices, DstT=int64) if indices.dtype != int64 else indices
    if batch_dims:
        starts = _range_op(0, count, 1) * extent
        positions = reshape_op(positions, _as_shape([count, -1])) + reshape_op(_cast_op(starts, DstT=int64), [-1, 1])
    flat = reshape_op(positions, [-1])
    rows = reshape_op(rows, _as_shape([_product(indices_shape), *rest]))
    summed = _unsorted_segment_sum_op(rows, flat, _product([*batch, extent]))
    summed = reshape_op(summed, _as_shape([*batch, extent, *rest]))
    back = [*range(batch_dims), *range(batch_dims + 1, axis + 1), batch_dims, *range(axis + 1, rank)]
    return transpose_op(summed, back) if back != sorted(back) else summed, None, None


def _extents(tensor: Tensor) -> list[Any]:
    """Return the sizes of a tensor of known rank: ints where they are static, scalar tensors elsewhere."""
    dims = tensor.dims
    assert dims is not None
    if None not in dims:
        return list(dims)
    dynamic = shape_op(tensor)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(dims)]


def _product(parts: Sequence[Any]) -> Any:
    result: Any = 1
    for part in parts:
        result = result * part
    return result


def _as_shape(parts: list[Any]) -> Any:
    return parts if all(isinstance(part, int) for part in parts) else pack_op(parts, axis=0)


def _rows_gradient(params: Any, indices: Any, grad: Any) -> IndexedSlices:
    extents = sizes(params)
    dense_shape: Any = constant(extents, int32) if isinstance(extents, list) else extents
    rows = _as_shape([-1, *params.dims[1:]]) if is_static(params) else concat_v2_op([[-1], dense_shape[1:]], 0)
    if is_static(params) and 0 in params.dims[1:]:
        rows = concat_v2_op([reshape_op(deferred("Size")(indices), [1]), dense_shape[1:]], 0)
    return IndexedSlices(reshape_op(grad, rows), reshape_op(indices, [-1]), dense_shape)


@op("Gather(params: Tparams, indices: Tindices) -> output: Tparams", Tindices=INDEX)
def gather_op(params: Value, indices: torch.Tensor, *, validate_indices: bool = True) -> Value:
    if not params.ndim:
        raise InvalidArgumentError(None, None, "params must be at least 1 dimensional")
    return take(params, indices, 0)


@gather_op.shape
def gather_shape(params: Dims, indices: Dims, *, validate_indices: bool) -> Dims:
    return gather_v2_shape(params, indices, 0, batch_dims=0)


gather_op.partial(_gather_partial)


@gather_op.gradient
def gather_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    return _rows_gradient(call.inputs[0], call.inputs[1], grad), None


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """Return the slices of `params` at `indices` along an axis.

    Args:
        params: a tensor of shape (..., n, ...), or a variable.
        indices: integers in [0, n), of any shape, which takes the place of the axis in the result.
        validate_indices: accepted as TensorFlow does; indices are always checked.
        axis: the axis; by default the first after the batch axes.
        batch_dims: the number of leading axes that `params` and `indices` share.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an index is out of range.
    """
    if axis is None:
        axis = batch_dims
    static_axis = axis if isinstance(axis, int) else partial_value(axis) if isinstance(axis, Tensor) else None
    if static_axis == 0 and batch_dims == 0 and hasattr(params, "sparse_read"):
        return params.sparse_read(indices, name=name)
    return gather_v2_op(params, indices, axis, batch_dims=batch_dims, name=name)


def gather_v1(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """Return the slices of `params` at `indices` along an axis; see `gather`."""
    return gather(params, indices, validate_indices, axis, batch_dims, name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """Return for each batch entry the slices of `params` at `indices`.

    Args:
        params: a tensor of shape (batch..., n, ...).
        indices: integers of shape (batch..., m).
        name: the name of the node.
    """
    with op_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        if indices.ndim is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return gather(
            convert_to_tensor(params, name="params"), indices, batch_dims=indices.ndim - 1, axis=indices.ndim - 1
        )


# By coordinates


def _flat_positions(
    indices: torch.Tensor, dims: Sequence[int], policy: str, what: str = "param"
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return coordinates as positions among the rows of a flattened value, and a mask of those that are inside.

    Args:
        indices: coordinates, of shape (..., k).
        dims: the shape of the value, of rank at least k.
        policy: "IGNORE" to leave out coordinates that are out of range; they raise otherwise.
        what: what the value is, for messages.
    """
    depth = indices.shape[-1]
    if depth > len(dims):
        raise InvalidArgumentError(
            None, None, f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(dims)}"
        )
    indices = indices.to(torch.int64)
    bounds, steps = _bounds_and_steps(tuple(dims[:depth]), indices.device)
    inside = ((indices >= 0) & (indices < bounds)).all(-1)
    positions = (indices * steps).sum(-1)
    if indices.device.type == "cpu" and policy != "IGNORE":
        if inside.all():
            return positions, None
        first = torch.nonzero(~inside)[0].tolist()
        raise InvalidArgumentError(
            None,
            None,
            f"indices{_brackets(first)} = {indices[tuple(first)].tolist()} does not index into {what} shape "
            f"{list(dims)}",
        )
    return torch.where(inside, positions, 0), inside


@functools.lru_cache(maxsize=1024)
def _bounds_and_steps(dims: tuple[int, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sizes of the axes, and by how many positions an index along each moves on."""
    steps = [math.prod(dims[i + 1 :]) for i in range(len(dims))]
    return tuple(torch.tensor(numbers, dtype=torch.int64, device=device) for numbers in (dims, steps))  # type: ignore[return-value]


def _check_policy(policy: str) -> None:
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise InvalidArgumentError(
            None, None, f"bad_indices_policy must be '', 'DEFAULT', 'ERROR' or 'IGNORE', got {policy!r}"
        )


@op("GatherNd(params: Tparams, indices: Tindices) -> output: Tparams", Tindices=_POSITION)
def gather_nd_op(params: Value, indices: torch.Tensor, *, bad_indices_policy: str = "") -> Value:
    _check_policy(bad_indices_policy)
    if not indices.ndim:
        raise InvalidArgumentError(None, None, "indices must be at least a vector")
    dims, depth = tuple(params.shape), indices.shape[-1]
    positions, inside = _flat_positions(indices, dims, bad_indices_policy)
    shape = (*indices.shape[:-1], *dims[depth:])
    if 0 in dims[:depth] and 0 not in shape and inside is None:
        raise InvalidArgumentError(
            None, None, f"Requested more than 0 entries, but params is empty. Params shape: {list(dims)}"
        )
    rows = params.reshape(math.prod(dims[:depth]), math.prod(dims[depth:]))
    picked: Value
    if isinstance(rows, np.ndarray):
        picked = np.take(rows, positions.reshape(-1).numpy(), 0)
        if inside is not None:
            picked[~inside.reshape(-1).numpy()] = b""
        return picked.reshape(shape)
    if 0 in shape or not rows.shape[0]:
        return params.new_zeros(shape)
    at = positions.reshape(-1).to(rows.device)
    picked = moved(lambda values: values.index_select(0, at), rows)
    if inside is not None:
        picked = torch.where(inside.reshape(-1, 1), picked, picked.new_zeros(()))
    return picked.reshape(shape)


@gather_nd_op.shape
def gather_nd_shape(params: Dims, indices: Dims, *, bad_indices_policy: str) -> Dims:
    if params is None or indices is None:
        return None
    if not indices:
        raise ShapeError("indices must be at least a vector")
    depth = indices[-1]
    if depth is None:
        return None
    if depth > len(params):
        raise ShapeError(
            f"the last axis of indices {format_dims(indices)} must be at most the rank of params {format_dims(params)}"
        )
    return (*indices[:-1], *params[depth:])


@gather_nd_op.gradient
def gather_nd_gradient(call: Any, grad: Any) -> tuple[Any, None]:
    params, indices = call.inputs
    if indices.ndim == 2 and indices.dims[-1] == 1:
        extents = sizes(params, indices.dtype)
        dense_shape = extents if isinstance(extents, Tensor) else constant(extents, indices.dtype)
        return IndexedSlices(grad, squeeze_op(indices, squeeze_dims=[-1]), dense_shape), None
    index_type = indices.dtype.base_dtype
    if index_type == int16:
        indices, index_type = _cast_op(indices, DstT=int32), int32
    return scatter_nd_op(indices, grad, sizes(params, index_type)), None


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Tensor:
    """Return the slices of `params` at coordinates.

    Args:
        params: a tensor, or a variable.
        indices: integers of shape (batch..., ..., k); each vector of k is a coordinate of the first k axes after the
            batch axes.
        batch_dims: the number of leading axes that `params` and `indices` share.
        name: the name of the node.
        bad_indices_policy: "IGNORE" gives zeros for coordinates out of range, which otherwise are errors.
    Raises:
        InvalidArgumentError: if a coordinate is out of range.
    """
    if batch_dims:
        return _batch_gather_nd(params, indices, batch_dims, name, bad_indices_policy)
    if hasattr(params, "gather_nd") and not bad_indices_policy:
        return params.gather_nd(indices, name=name)
    return gather_nd_op(params, indices, name=name, bad_indices_policy=bad_indices_policy)


def gather_nd_v1(
    params: Any, indices: Any, name: str | None = None, batch_dims: int = 0, bad_indices_policy: str = ""
) -> Tensor:
    """Return the slices of `params` at coordinates; see `gather_nd`."""
    return gather_nd(params, indices, batch_dims, name, bad_indices_policy)


def _batch_gather_nd(params: Any, indices: Any, batch_dims: int, name: str | None, policy: str) -> Tensor:
    with op_scope(name, "BatchGatherND", [params, indices]):
        params, indices = convert_to_tensor(params, name="params"), convert_to_tensor(indices, name="indices")
        if indices.ndim is None or params.ndim is None:
            raise ValueError("batch_dims needs known ranks of params and indices")
        if not 0 <= batch_dims < indices.ndim:
            raise ValueError(f"batch_dims = {batch_dims} must be less than rank(indices) = {indices.ndim}")
        if batch_dims >= params.ndim:
            raise ValueError(f"batch_dims = {batch_dims} must be less than rank(params) = {params.ndim}")
        extents = _extents(indices)
        coordinates = []
        for axis in range(batch_dims):
            own = [1] * indices.ndim
            own[axis] = -1
            counts = _cast_op(_range_op(0, extents[axis], 1), DstT=indices.dtype)
            coordinates.append(deferred("BroadcastTo")(reshape_op(counts, own), _as_shape([*extents[:-1], 1])))
        return gather_nd_op(params, concat_v2_op([*coordinates, indices], -1), bad_indices_policy=policy)


# Scattering


def _scatter_rows(
    target: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, policy: str, what: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a value as rows, the rows' positions and the updates as rows, having checked that shapes fit."""
    dims = tuple(target.shape)
    if not indices.ndim:
        raise InvalidArgumentError(None, None, "Indices shape must have rank at least one. Found: []")
    depth = indices.shape[-1]
    expected = (*indices.shape[:-1], *dims[depth:])
    if tuple(updates.shape) != expected:
        raise InvalidArgumentError(
            None,
            None,
            f"updates must have shape {list(expected)}, got {list(updates.shape)}, for indices of shape "
            f"{list(indices.shape)} into {what} shape {list(dims)}",
        )
    positions, inside = _flat_positions(indices, dims, policy, what)
    rows = target.reshape(math.prod(dims[:depth]), math.prod(dims[depth:]))
    positions, new = positions.reshape(-1), updates.reshape(positions.numel(), rows.shape[1])
    if inside is not None:
        inside = inside.reshape(-1)
        positions, new = positions[inside], new[inside]
    return rows, positions, new


def _carried_add(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    if rows.dtype == torch.bool:
        return rows.to(torch.int8).index_add_(0, positions, new.to(torch.int8)).ne(0) if positions.numel() else rows
    # Addition of unsigned numbers is that of signed numbers of the same bits.
    return moved(lambda total, part: total.index_add(0, positions, part), rows, new)


def _carried_extreme(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor, kind: str) -> torch.Tensor:
    dtype = rows.dtype
    at = positions.unsqueeze(-1).expand(new.shape)
    if dtype in (torch.uint16, torch.uint32):
        return rows.to(torch.int64).scatter_reduce_(0, at, new.to(torch.int64), kind).to(dtype)
    if dtype == torch.uint64:  # shifted by half the range, the order of unsigned numbers is that of signed ones
        low = torch.iinfo(torch.int64).min
        shifted = (rows.view(torch.int64) ^ low).scatter_reduce_(0, at, new.view(torch.int64) ^ low, kind)
        return (shifted ^ low).view(dtype)
    return rows.scatter_reduce(0, at, new, kind)


@op("ScatterNd(indices: Tindices, updates: T, shape: host Tindices) -> output: T", Tindices=_POSITION)
def scatter_nd_op(indices: torch.Tensor, updates: Value, shape: list[int], *, bad_indices_policy: str = "") -> Value:
    _check_policy(bad_indices_policy)
    check_allocation(shape, item_size(updates))
    if isinstance(updates, np.ndarray):
        return _scatter_strings(np.full(shape, b"", dtype=object), indices, updates, bad_indices_policy, adds=True)
    zeros = updates.new_zeros(shape)
    if not zeros.numel() and updates.numel():
        raise InvalidArgumentError(None, None, f"Indices and updates specified for empty output shape {shape}")
    rows, positions, new = _scatter_rows(zeros, indices, updates, bad_indices_policy, "shape")
    if not new.numel():
        return zeros
    return _carried_add(rows, positions, new).reshape(zeros.shape)


def _scatter_strings(
    target: np.ndarray, indices: torch.Tensor, updates: np.ndarray, policy: str, adds: bool
) -> np.ndarray:
    positions, inside = _flat_positions(indices, target.shape, policy, "shape")
    depth = indices.shape[-1]
    rows = target.reshape(math.prod(target.shape[:depth]), -1)
    new = updates.reshape(positions.numel(), -1)
    for index, position in enumerate(positions.reshape(-1).tolist()):
        if inside is None or inside.reshape(-1)[index]:
            rows[position] = rows[position] + new[index] if adds else new[index]
    return target


@scatter_nd_op.shape
def scatter_nd_shape(indices: Dims, updates: Dims, shape: Any, *, bad_indices_policy: str) -> Dims:
    target = None if shape is None else tuple(shape)
    _check_scatter(indices, updates, target)
    return target


def _check_scatter(indices: Dims, updates: Dims, target: Dims) -> None:
    if indices is None:
        return
    if not indices:
        raise ShapeError("indices must be at least a vector")
    depth = indices[-1]
    if depth is None or target is None:
        return
    if depth > len(target):
        raise ShapeError(
            f"the last axis of indices {format_dims(indices)} must be at most the rank of the target "
            f"{format_dims(target)}"
        )
    merge(updates, (*indices[:-1], *target[depth:]), "shape of updates and what indices and target ask for")


@scatter_nd_op.gradient
def scatter_nd_gradient(call: Any, grad: Any) -> tuple[None, Any, None]:
    return None, gather_nd_op(grad, call.inputs[0]), None


def scatter_nd(indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None) -> Tensor:
    """Return zeros with `updates` added at coordinates.

    Args:
        indices: integers of shape (..., k), coordinates of the first k axes.
        updates: a tensor of shape indices.shape[:-1] + shape[k:].
        shape: the shape of the result.
        bad_indices_policy: "IGNORE" leaves out coordinates out of range, which otherwise are errors.
        name: the name of the node.
    """
    return scatter_nd_op(indices, updates, shape, bad_indices_policy=bad_indices_policy, name=name)


def _tensor_scatter_shape(tensor: Dims, indices: Dims, updates: Dims, *, bad_indices_policy: str) -> Dims:
    _check_scatter(indices, updates, tensor)
    return tensor


@op(
    "TensorScatterUpdate(tensor: T, indices: Tindices, updates: T) -> output: T",
    Tindices=_POSITION | {uint16},
    shape=_tensor_scatter_shape,
)
def tensor_scatter_update_op(
    tensor: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    _check_policy(bad_indices_policy)
    if isinstance(tensor, np.ndarray):
        return _scatter_strings(tensor.copy(), indices, updates, bad_indices_policy, adds=False)
    rows, positions, new = _scatter_rows(tensor, indices, updates, bad_indices_policy, "tensor")
    if not new.numel():
        return tensor.clone()
    return moved(lambda old, part: old.index_copy(0, positions, part), rows, new).reshape(tensor.shape)


@tensor_scatter_update_op.gradient
def tensor_scatter_update_gradient(call: Any, grad: Any) -> tuple[Any, None, Any]:
    _, indices, updates = call.inputs
    return tensor_scatter_update_op(grad, indices, deferred("ZerosLike")(updates)), None, gather_nd_op(grad, indices)


@op(
    "TensorScatterAdd(tensor: T, indices: Tindices, updates: T) -> output: T",
    Tindices=INDEX,
    shape=_tensor_scatter_shape,
)
def tensor_scatter_add_op(
    tensor: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    _check_policy(bad_indices_policy)
    if isinstance(tensor, np.ndarray):
        return _scatter_strings(tensor.copy(), indices, updates, bad_indices_policy, adds=True)
    rows, positions, new = _scatter_rows(tensor, indices, updates, bad_indices_policy, "tensor")
    if not new.numel():
        return tensor.clone()
    return _carried_add(rows, positions, new).reshape(tensor.shape)


@tensor_scatter_add_op.gradient
def tensor_scatter_add_gradient(call: Any, grad: Any) -> tuple[Any, None, Any]:
    return grad, None, gather_nd_op(grad, call.inputs[1])


@op(
    "ScatterNdNonAliasingAdd(input: T, indices: Tindices, updates: T) -> output: T",
    T=dtypes.NUMBER | dtypes.QUANTIZED | {dtypes.bool_},
    Tindices=INDEX,
)
def scatter_nd_non_aliasing_add_op(
    input: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    return tensor_scatter_add_op.kernel(input, indices, updates, bad_indices_policy=bad_indices_policy)


@scatter_nd_non_aliasing_add_op.shape
def scatter_nd_non_aliasing_add_shape(input: Dims, indices: Dims, updates: Dims, *, bad_indices_policy: str) -> Dims:
    return _tensor_scatter_shape(input, indices, updates, bad_indices_policy=bad_indices_policy)


scatter_nd_non_aliasing_add_op.gradient(tensor_scatter_add_gradient)


@op(
    "TensorScatterSub(tensor: T, indices: Tindices, updates: T) -> output: T",
    Tindices=INDEX,
    shape=_tensor_scatter_shape,
)
def tensor_scatter_sub_op(
    tensor: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    _check_policy(bad_indices_policy)
    rows, positions, new = _scatter_rows(tensor, indices, updates, bad_indices_policy, "tensor")
    if not new.numel():
        return tensor.clone()
    return moved(lambda total, part: total.index_add(0, positions, part, alpha=-1), rows, new).reshape(tensor.shape)


@tensor_scatter_sub_op.gradient
def tensor_scatter_sub_gradient(call: Any, grad: Any) -> tuple[Any, None, Any]:
    return grad, None, deferred("Neg")(gather_nd_op(grad, call.inputs[1]))


@op(
    "TensorScatterMin(tensor: T, indices: Tindices, updates: T) -> output: T",
    Tindices=INDEX,
    shape=_tensor_scatter_shape,
)
def tensor_scatter_min_op(
    tensor: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    return _scatter_extreme(tensor, indices, updates, bad_indices_policy, "amin")


@op(
    "TensorScatterMax(tensor: T, indices: Tindices, updates: T) -> output: T",
    Tindices=INDEX,
    shape=_tensor_scatter_shape,
)
def tensor_scatter_max_op(
    tensor: Value, indices: torch.Tensor, updates: Value, *, bad_indices_policy: str = ""
) -> Value:
    return _scatter_extreme(tensor, indices, updates, bad_indices_policy, "amax")


def _scatter_extreme(tensor: Value, indices: torch.Tensor, updates: Value, policy: str, kind: str) -> Value:
    _check_policy(policy)
    rows, positions, new = _scatter_rows(tensor, indices, updates, policy, "tensor")
    if not new.numel():
        return tensor.clone()
    return _carried_extreme(rows, positions, new, kind).reshape(tensor.shape)


@tensor_scatter_min_op.gradient
@tensor_scatter_max_op.gradient
def tensor_scatter_extreme_gradient(call: Any, grad: Any) -> tuple[Any, None, Any]:
    """Share the gradient equally among the elements that attain the result."""
    tensor, indices, updates = call.inputs
    output = call.outputs[0]
    grad = convert_to_tensor(grad)
    own = _cast_op(_equal_op(tensor, output), DstT=grad.dtype)
    new = _cast_op(_equal_op(updates, gather_nd_op(output, indices)), DstT=grad.dtype)
    attained = own + scatter_nd_op(indices, new, sizes(tensor, indices.dtype))
    return grad * own / attained, None, gather_nd_op(grad / attained, indices) * new


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """Return `tensor` with the slices at coordinates replaced by `updates`.

    Args:
        tensor: a tensor.
        indices: integers of shape (..., k), coordinates of the first k axes.
        updates: a tensor of shape indices.shape[:-1] + tensor.shape[k:].
        name: the name of the node.
    """
    return tensor_scatter_update_op(tensor, indices, updates, name=name)


def tensor_scatter_nd_add(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Tensor:
    """Return `tensor` with `updates` added to the slices at coordinates; see `tensor_scatter_nd_update`."""
    return tensor_scatter_add_op(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)


def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Tensor:
    """Return `tensor` with `updates` subtracted from the slices at coordinates; see `tensor_scatter_nd_update`."""
    return tensor_scatter_sub_op(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)


def tensor_scatter_nd_min(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Tensor:
    """Return the minimum of `tensor` and `updates` at coordinates; see `tensor_scatter_nd_update`."""
    return tensor_scatter_min_op(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)


def tensor_scatter_nd_max(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Tensor:
    """Return the maximum of `tensor` and `updates` at coordinates; see `tensor_scatter_nd_update`."""
    return tensor_scatter_max_op(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)
