"""Ragged tensors as dense ones, as sparse ones, and as variants."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, deferred, item_size
from penstock.ops.hosted import on_host
from penstock.ops.ragged.gather_op import check_splits
from penstock.ops.ragged.range import SPLITS

_INDEX = frozenset({int32, int64})
_KINDS = ("FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS")


def _as_splits(part: torch.Tensor, kind: str, rows: int | None) -> tuple[torch.Tensor, int]:
    """Return one row partition as splits, and the number of its rows."""
    if kind == "ROW_SPLITS":
        check_splits(part, int(part[-1]) if part.ndim == 1 and part.numel() else 0)
        return part.to(torch.int64), len(part) - 1
    assert rows is not None
    ids = part.to(torch.int64)
    if ids.numel() and (int(ids.min()) < 0 or bool((ids[1:] < ids[:-1]).any())):
        raise InvalidArgumentError(None, None, "value_rowids must rise from 0")
    if ids.numel() and int(ids.max()) >= rows:
        raise InvalidArgumentError(None, None, f"value_rowids must be less than the number of rows, {rows}")
    lengths = torch.bincount(ids, minlength=rows)
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]), rows


def _nested_splits(parts: list[torch.Tensor], kinds: list[str]) -> tuple[list[torch.Tensor], int]:
    """Return row partitions as splits, outermost first, and the number of the outermost rows."""
    if not kinds or len(kinds) != len(parts) or any(kind not in _KINDS for kind in kinds):
        raise InvalidArgumentError(None, None, f"row_partition_types must name each partition, got {kinds}")
    if kinds[0] == "FIRST_DIM_SIZE":
        rows: int | None = int(parts[0].reshape(()))
        parts, kinds = parts[1:], kinds[1:]
    elif kinds[0] == "ROW_SPLITS":
        rows = None
    else:
        raise InvalidArgumentError(None, None, f"Cannot handle VALUE_ROWIDS in first dimension: {kinds}")
    nested: list[torch.Tensor] = []
    first = rows
    for part, kind in zip(parts, kinds, strict=True):
        splits, count = _as_splits(part, kind, rows)
        if rows is not None and count != rows:
            raise InvalidArgumentError(None, None, f"a row partition has {count} rows where {rows} were expected")
        first = count if first is None else first
        nested.append(splits)
        rows = int(splits[-1])
    assert first is not None
    return nested, first


def _layout(
    shape: Any, nested: list[torch.Tensor], first: int, values: Value
) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """Return the outer sizes of the dense tensor, and where its rows are taken from (`source`) and put (`target`)."""
    wanted = shape if isinstance(shape, list) else [-1] * (len(nested) + values.ndim)
    sizes = [first if wanted[0] < 0 else wanted[0]]
    ids = torch.arange(first)
    target = torch.where(ids < sizes[0], ids, -1)
    for axis, splits in enumerate(nested, 1):
        lengths = splits[1:] - splits[:-1]
        longest = int(lengths.max()) if lengths.numel() else 0
        size = longest if wanted[axis] < 0 else wanted[axis]
        owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        offsets = torch.arange(len(owner)) - splits[:-1][owner]
        base = target[owner]
        target = torch.where((base >= 0) & (offsets < size), base * size + offsets, -1)
        sizes.append(size)
    source = torch.nonzero(target >= 0).reshape(-1)
    return sizes, source, target[source]


@op(
    "RaggedTensorToTensor(shape: host Tshape, values: T, default_value: T, "
    "row_partition_tensors: num_row_partition_tensors * Tindex) -> result: T",
    Tindex=_INDEX,
    Tshape=_INDEX,
)
@on_host
def ragged_tensor_to_tensor_op(
    shape: Any,
    values: Value,
    default_value: Value,
    row_partition_tensors: list[torch.Tensor],
    *,
    row_partition_types: list[str],
) -> Value:
    nested, first = _nested_splits(row_partition_tensors, row_partition_types)
    if not values.ndim:
        raise InvalidArgumentError(None, None, "values must have at least one axis")
    rank = len(nested) + values.ndim
    if isinstance(shape, list) and len(shape) != rank:
        raise InvalidArgumentError(None, None, f"shape must have {rank} sizes, got {shape}")
    if not isinstance(shape, list) and shape != -1:
        raise InvalidArgumentError(None, None, f"a scalar shape must be -1, which leaves all sizes open; got {shape}")
    count = int(nested[-1][-1]) if nested else first
    if count != values.shape[0]:
        raise InvalidArgumentError(
            None, None, f"the row partitions have {count} values, but there are {values.shape[0]}"
        )
    inner = list(values.shape[1:])
    if isinstance(shape, list):
        for want, have in zip(shape[len(nested) + 1 :], inner, strict=True):
            if want >= 0 and want != have:
                raise InvalidArgumentError(None, None, f"the inner shape {inner} does not fit the shape {shape}")
    sizes, source, target = _layout(shape, nested, first, values)
    check_allocation((*sizes, *inner), item_size(values))
    if default_value.ndim > len(inner):
        raise InvalidArgumentError(
            None, None, f"default_value of shape {list(default_value.shape)} must fit the inner shape {inner}"
        )
    flat = int(np.prod(sizes, dtype=np.int64))
    if isinstance(values, np.ndarray):
        texts = np.empty((flat, *inner), dtype=object)
        texts[...] = default_value
        texts[target.numpy()] = values[source.numpy()]
        return texts.reshape((*sizes, *inner))
    result = default_value.expand(flat, *inner).clone()
    result[target] = values[source]
    return result.reshape(*sizes, *inner)


@ragged_tensor_to_tensor_op.shape
def ragged_tensor_to_tensor_shape(
    shape: Any, values: Dims, default_value: Dims, row_partition_tensors: list[Dims], *, row_partition_types: list[str]
) -> Dims:
    kinds = row_partition_types
    ragged = len(kinds) - (kinds[0] == "FIRST_DIM_SIZE")
    known: Dims = None
    if values is not None:
        first: int | None = None
        if kinds[0] == "ROW_SPLITS" and row_partition_tensors[0] and row_partition_tensors[0][0] is not None:
            first = row_partition_tensors[0][0] - 1
        known = (first, *((None,) * ragged), *values[1:])
    if isinstance(shape, list):
        wanted: Dims = tuple(None if size is None or size < 0 else size for size in shape)
        if known is None or wanted is None:
            return wanted
        merged = merge(wanted[ragged + 1 :], known[ragged + 1 :], "the inner shape of values and the shape")
        outer = tuple(w if w is not None else k for w, k in zip(wanted[: ragged + 1], known, strict=False))
        return (*outer, *(merged or ()))
    return known


@ragged_tensor_to_tensor_op.gradient
def ragged_tensor_to_tensor_gradient(call: Any, grad: Tensor) -> list[Any]:
    _, values, default = call.inputs[:3]
    parts = list(call.inputs[3:])
    kinds = call.attrs["row_partition_types"]
    # Where each value went: the positions 1, 2, 3 ... made dense the same way; 0 is where the default stands.
    shape_op, reshape, one = deferred("Shape"), deferred("Reshape"), deferred("Cast")(1, DstT=int64)
    values_shape = shape_op(values, out_type=int64)
    count = values_shape[0]
    numbers = deferred("Range")(one, count + one, one)
    grad_shape = shape_op(grad, out_type=int64)
    ragged = len(kinds) - (kinds[0] == "FIRST_DIM_SIZE")
    places = ragged_tensor_to_tensor_op(grad_shape[: ragged + 1], numbers, one - one, parts, row_partition_types=kinds)
    rows = reshape(grad, deferred("ConcatV2")([[-1], values_shape[1:]], 0))
    flat = reshape(places, [-1])
    summed = deferred("UnsortedSegmentSum")(rows, flat, count + one)
    default_grad = summed[0]
    extra = (default_grad.ndim or 0) - (default.ndim or 0)
    if extra > 0:
        default_grad = deferred("Sum")(default_grad, list(range(extra)))
    if default.dims is not None and default_grad.dims is not None and default.dims != default_grad.dims:
        axes = [i for i, size in enumerate(default.dims) if size == 1 and default_grad.dims[i] != 1]
        default_grad = deferred("Sum")(default_grad, axes, keep_dims=True)
    return [None, summed[1:], default_grad, *([None] * len(parts))]


@op(
    "RaggedTensorToSparse(rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: T)"
    " -> (sparse_indices: int64, sparse_values: T, sparse_dense_shape: int64)",
    Tsplits=SPLITS,
    view=True,
)
@on_host
def ragged_tensor_to_sparse_op(
    rt_nested_splits: list[torch.Tensor], rt_dense_values: Value
) -> tuple[torch.Tensor, Value, torch.Tensor]:
    if not rt_dense_values.ndim:
        raise InvalidArgumentError(None, None, "rt_dense_values must have at least one axis")
    sizes = [len(splits) - 1 for splits in rt_nested_splits[1:]] + [rt_dense_values.shape[0]]
    for splits, size in zip(rt_nested_splits, sizes, strict=True):
        check_splits(splits, size)
        if int(splits[-1]) != size:
            raise InvalidArgumentError(None, None, f"Last row split must be {size}, got {int(splits[-1])}")
    shape = [len(rt_nested_splits[0]) - 1]
    columns = [torch.arange(shape[0])]
    for splits in rt_nested_splits:
        wide = splits.to(torch.int64)
        lengths = wide[1:] - wide[:-1]
        owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        columns = [column[owner] for column in columns]
        columns.append(torch.arange(len(owner)) - wide[:-1][owner])
        shape.append(int(lengths.max()) if lengths.numel() else 0)
    inner = list(rt_dense_values.shape[1:])
    for extent in inner:
        rows = len(columns[0])
        columns = [torch.repeat_interleave(column, extent) for column in columns]
        columns.append(torch.arange(extent).repeat(rows))
    return torch.stack(columns, 1), rt_dense_values.reshape(-1), torch.tensor([*shape, *inner])


@ragged_tensor_to_sparse_op.shape
def ragged_tensor_to_sparse_shape(rt_nested_splits: list[Dims], rt_dense_values: Dims) -> tuple[Dims, Dims, Dims]:
    if rt_dense_values is None:
        return (None, None), (None,), (None,)
    rank = len(rt_nested_splits) + len(rt_dense_values)
    count = None if None in rt_dense_values else int(np.prod(rt_dense_values, dtype=np.int64))  # type: ignore[arg-type]
    return (count, rank), (count,), (rank,)


@ragged_tensor_to_sparse_op.gradient
def ragged_tensor_to_sparse_gradient(call: Any, *grads: Any) -> list[Any]:
    values = call.inputs[-1]
    grad = deferred("Reshape")(grads[1], deferred("Shape")(values))
    return [*([None] * (len(call.inputs) - 1)), grad]


class RaggedVariant:
    """What a variant of a ragged tensor holds.

    Attributes:
        nested_splits: the row splits, outermost first.
        values: the values.
    """

    __slots__ = ("nested_splits", "values")

    def __init__(self, nested_splits: list[torch.Tensor], values: Value) -> None:
        self.nested_splits = nested_splits
        self.values = values


def _variants(items: list[RaggedVariant], shape: tuple[int, ...]) -> Any:
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result.reshape(shape) if shape else items[0]


@op(
    "RaggedTensorToVariant(rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: Tvalues)"
    " -> encoded_ragged: variant",
    minimum={"RAGGED_RANK": 0},
    Tsplits=SPLITS,
)
def ragged_tensor_to_variant_op(
    rt_nested_splits: list[torch.Tensor], rt_dense_values: Value, *, RAGGED_RANK: int, batched_input: bool
) -> Value:
    if not batched_input:
        return RaggedVariant(list(rt_nested_splits), rt_dense_values)
    if not rt_nested_splits:
        items = [RaggedVariant([], rt_dense_values[i]) for i in range(rt_dense_values.shape[0])]
        return _variants(items, (len(items),))
    check_splits(rt_nested_splits[0], max(int(rt_nested_splits[0][-1]), 0))
    items = []
    outer = rt_nested_splits[0].tolist()
    for start, end in zip(outer, outer[1:], strict=False):
        inner = []
        for splits in rt_nested_splits[1:]:
            piece = splits[start : end + 1]
            start, end = int(piece[0]), int(piece[-1])
            inner.append(piece - piece[0])
        items.append(RaggedVariant(inner, rt_dense_values[start:end]))
    return _variants(items, (len(items),))


@ragged_tensor_to_variant_op.shape
def ragged_tensor_to_variant_shape(
    rt_nested_splits: list[Dims], rt_dense_values: Dims, *, RAGGED_RANK: int, batched_input: bool
) -> Dims:
    if not batched_input:
        return ()
    if rt_nested_splits:
        first = rt_nested_splits[0]
        return (None if first is None or first[0] is None else first[0] - 1,)
    return (None,) if rt_dense_values is None else rt_dense_values[:1]


@op(
    "RaggedTensorFromVariant(encoded_ragged: variant)"
    " -> (output_nested_splits: output_ragged_rank * Tsplits, output_dense_values: Tvalues)",
    minimum={"input_ragged_rank": -1, "output_ragged_rank": 0},
    Tsplits=SPLITS,
)
def ragged_tensor_from_variant_op(
    encoded_ragged: Value, *, input_ragged_rank: int, output_ragged_rank: int, Tvalues: DType, Tsplits: DType = int64
) -> tuple[list[torch.Tensor], Value]:
    kind = array.torch_dtype(Tsplits)
    if isinstance(encoded_ragged, RaggedVariant):
        encoded = np.empty((), dtype=object)
        encoded[()] = encoded_ragged
    else:
        encoded = encoded_ragged
    if input_ragged_rank == -1:
        input_ragged_rank = output_ragged_rank - encoded.ndim
    if input_ragged_rank + encoded.ndim != output_ragged_rank:
        raise InvalidArgumentError(
            None,
            None,
            f"output_ragged_rank must be input_ragged_rank ({input_ragged_rank}) + encoded_ragged.dims() "
            f"({encoded.ndim}), got {output_ragged_rank}",
        )
    items: list[Any] = list(encoded.reshape(-1)) if encoded.ndim else [encoded[()]]
    for item in items:
        if not isinstance(item, RaggedVariant) or len(item.nested_splits) != input_ragged_rank:
            raise InvalidArgumentError(
                None, None, f"a variant does not hold a tensor of ragged rank {input_ragged_rank}"
            )
    if not encoded.ndim:
        return [splits.to(kind) for splits in items[0].nested_splits], items[0].values
    outer: list[torch.Tensor] = []
    for axis in range(1, encoded.ndim):
        number = int(np.prod(encoded.shape[:axis], dtype=np.int64))
        outer.append(torch.arange(number + 1) * encoded.shape[axis])
    sizes = [len(item.nested_splits[0]) - 1 if item.nested_splits else item.values.shape[0] for item in items]
    outer.append(torch.tensor([0, *np.cumsum(sizes, dtype=np.int64)], dtype=torch.int64))
    inner = []
    for level in range(input_ragged_rank):
        pieces, total = [torch.zeros(1, dtype=torch.int64)], 0
        for item in items:
            splits = item.nested_splits[level].to(torch.int64)
            pieces.append(splits[1:] + total)
            total += int(splits[-1])
        inner.append(torch.cat(pieces))
    values = [item.values for item in items]
    if not values:
        joined: Value = (
            np.empty((0,), dtype=object)
            if Tvalues.name == "string"
            else torch.empty((0,), dtype=array.torch_dtype(Tvalues))
        )
    else:
        joined = np.concatenate(values) if isinstance(values[0], np.ndarray) else torch.cat(values)
    return [splits.to(kind) for splits in (*outer, *inner)], joined


@ragged_tensor_from_variant_op.shape
def ragged_tensor_from_variant_shape(
    encoded_ragged: Dims, *, input_ragged_rank: int, output_ragged_rank: int, Tvalues: DType, Tsplits: DType
) -> tuple[list[Dims], Dims]:
    splits: list[Dims] = [(None,)] * output_ragged_rank
    if encoded_ragged and output_ragged_rank and encoded_ragged[0] is not None and len(encoded_ragged) == 1:
        splits[0] = (encoded_ragged[0] + 1,)
    return splits, None


@op(
    "RaggedTensorToVariantGradient(encoded_ragged_grad: variant, row_splits: Tsplits, dense_values_shape: host int32)"
    " -> dense_values_grad: Tvalues",
    Tsplits=SPLITS,
)
def ragged_tensor_to_variant_gradient_op(
    encoded_ragged_grad: Value, row_splits: torch.Tensor, dense_values_shape: list[int], *, Tvalues: DType
) -> Value:
    items = [encoded_ragged_grad] if isinstance(encoded_ragged_grad, RaggedVariant) else list(encoded_ragged_grad)
    values = [item.values.reshape(-1, *dense_values_shape[1:]) for item in items if isinstance(item, RaggedVariant)]
    if not values:
        return torch.zeros(dense_values_shape, dtype=array.torch_dtype(Tvalues))
    return torch.cat(values).reshape(dense_values_shape)


@ragged_tensor_to_variant_gradient_op.shape
def ragged_tensor_to_variant_gradient_shape(
    encoded_ragged_grad: Dims, row_splits: Dims, dense_values_shape: Any, *, Tvalues: DType
) -> Dims:
    return tuple(dense_values_shape) if isinstance(dense_values_shape, list) else None


@ragged_tensor_to_variant_op.gradient
def ragged_tensor_to_variant_op_gradient(call: Any, grad: Tensor) -> list[Any]:
    values, splits = call.inputs[-1], call.inputs[:-1]
    zero = deferred("Cast")([0], DstT=int64)
    dense = ragged_tensor_to_variant_gradient_op(
        grad, splits[0] if splits else zero, deferred("Shape")(values), Tvalues=values.dtype
    )
    return [*([None] * len(splits)), dense]


@ragged_tensor_from_variant_op.gradient
def ragged_tensor_from_variant_gradient(call: Any, *grads: Tensor) -> Any:
    splits = call.outputs[:-1]
    batched = call.attrs["input_ragged_rank"] != call.attrs["output_ragged_rank"]
    return ragged_tensor_to_variant_op(list(splits), grads[-1], batched_input=batched)
