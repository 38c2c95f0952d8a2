"""Sparse tensors joined along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array, Value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_equal
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host
from penstock.ops.math.reduce import one_of
from penstock.ops.sparse.common import as_sparse, check_parts, invalid, joined, parts_dims, row_keys, sparse_like, take


@op(
    "SparseConcat(indices: N * int64, values: N * T, shapes: host N * int64)"
    " -> (output_indices: int64, output_values: T, output_shape: int64)",
    minimum={"N": 2},
    differentiable=False,
)
@on_host
def sparse_concat_op(
    indices: list[Array], values: list[Value], shapes: list[list[int]], *, concat_dim: int
) -> tuple[Array, Value, Array]:
    for part in zip(indices, values, shapes, strict=True):
        check_parts(*part)
    rank = len(shapes[0])
    if not -rank <= concat_dim < rank:
        raise invalid(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    axis = concat_dim % rank
    for position, shape in enumerate(shapes):
        if len(shape) != rank:
            raise invalid(
                f"Ranks of all input tensors must match: expected {rank} but got {len(shape)} at position {position}"
            )
        for other, (wanted, size) in enumerate(zip(shapes[0], shape, strict=True)):
            if other != axis and wanted != size:
                raise invalid(
                    f"Input shapes must match: expected {wanted} for dimension {other} but got {size} at position "
                    f"{position}"
                )
    parts, begin = [], 0
    for rows, shape in zip(indices, shapes, strict=True):
        moved = rows.clone()
        moved[:, axis] += begin
        parts.append(moved)
        begin += shape[axis]
    together = torch.cat(parts)
    order = torch.argsort(row_keys(together), stable=True)
    total = [*shapes[0][:axis], begin, *shapes[0][axis + 1 :]]
    return together[order], take(joined(values), order), torch.tensor(total, dtype=torch.int64)


@sparse_concat_op.shape
def sparse_concat_shape(indices: Any, values: Any, shapes: Any, *, concat_dim: int) -> Any:
    ranks: list[int | None] = []
    counts: list[int | None] = []
    for part in zip(indices, values, shapes, strict=True):
        count, rank = parts_dims(*part)
        ranks.append(rank)
        counts.append(count)
    rank = expect_equal("ranks", **{f"input_{i}": item for i, item in enumerate(ranks)})
    if rank is not None and not -rank <= concat_dim < rank:
        raise ShapeError(f"concat_dim must be in [{-rank}, {rank}), got {concat_dim}")
    known = [count for count in counts if count is not None]
    total = sum(known) if len(known) == len(counts) else None
    return (total, rank), (total,), (rank,)


def concat(axis: int, sp_inputs: Any, expand_nonconcat_dims: bool = False, name: str | None = None) -> SparseTensor:
    """Return sparse tensors joined along an axis, in row-major order.

    Args:
        axis: the axis.
        sp_inputs: SparseTensors of one type, with equal sizes along the other axes.
        expand_nonconcat_dims: whether other axes may differ, and take the largest size.
        name: the name of the node.
    Raises:
        TypeError: if something else than SparseTensors is given.
        InvalidArgumentError: if sizes differ, or `axis` is out of range.

    >>> import penstock as tf
    >>> one = tf.SparseTensor([[0]], [7], [2])
    >>> tf.sparse.concat(0, [one, one]).indices.numpy().tolist()
    [[0], [2]]
    """
    if not isinstance(sp_inputs, (list, tuple)):
        raise TypeError(f"concat takes a list of SparseTensors, got {sp_inputs!r}")
    inputs = [as_sparse(item, "sp_inputs") for item in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    if not inputs:
        raise invalid("SparseConcat needs at least 2 SparseTensors, got none")
    shapes: Any = [sparse.dense_shape for sparse in inputs]
    if expand_nonconcat_dims:
        shapes = _expanded(shapes, axis)
    indices, values, shape = sparse_concat_op(
        [sparse.indices for sparse in inputs], [sparse.values for sparse in inputs], shapes, concat_dim=axis, name=name
    )
    return sparse_like(indices, values, shape, _static(inputs, axis, expand_nonconcat_dims))


def _expanded(shapes: Sequence[Any], axis: int) -> list[Any]:
    """Return shapes with the largest sizes along all axes but one."""
    largest = deferred("Max")(deferred("Pack")(shapes), [0])
    pieces = deferred("ConcatV2")
    at = slice(axis, axis + 1 or None)
    rest = largest[axis + 1 :] if axis != -1 else largest[:0]
    return [pieces([largest[:axis], shape[at], rest], 0) for shape in shapes]


def _static(inputs: Sequence[SparseTensor], axis: int, expands: bool) -> Dims | list[int | None]:
    shapes = [sparse.shape.as_list() if sparse.shape.rank is not None else None for sparse in inputs]
    first = shapes[0]
    if first is None or any(shape is None or len(shape) != len(first) for shape in shapes):
        return None
    if not -len(first) <= axis < len(first):
        return None
    columns = list(zip(*(shape for shape in shapes if shape is not None), strict=True))
    at = axis % len(first)
    result: list[int | None] = []
    for place, sizes in enumerate(columns):
        known = [size for size in sizes if size is not None]
        if place == at:
            result.append(sum(known) if len(known) == len(sizes) else None)
        elif expands:
            result.append(max(known) if len(known) == len(sizes) else None)
        else:
            result.append(known[0] if known else None)
    return result


def concat_v1(
    axis: Any,
    sp_inputs: Any,
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: Any = None,
    expand_nonconcat_dims: Any = None,
) -> SparseTensor:
    """Return sparse tensors joined along an axis; see `concat`.

    Args:
        axis, sp_inputs, name: see `concat`.
        expand_nonconcat_dim: see `expand_nonconcat_dims` there.
        concat_dim: the former name of `axis`.
        expand_nonconcat_dims: the later name of `expand_nonconcat_dim`.
    """
    if concat_dim is not None:
        axis = one_of("axis", axis, "concat_dim", concat_dim)
    expands = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
    return concat(axis, sp_inputs, bool(expands), name)
