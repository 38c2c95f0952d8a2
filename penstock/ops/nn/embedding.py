"""Looking up rows of tables that may be split into parts."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import identity_op, shape_op

_add_n_op = deferred("AddN")
_cast_op = deferred("Cast")
_concat_op = deferred("ConcatV2")
_floor_div_op = deferred("FloorDiv")
_floor_mod_op = deferred("FloorMod")
_gather_op = deferred("GatherV2")
_maximum_op = deferred("Maximum")
_range_op = deferred("Range")
_reshape_op = deferred("Reshape")
_select_op = deferred("SelectV2")
_size_op = deferred("Size")
_sqrt_op = deferred("Sqrt")
_sum_op = deferred("Sum")


def _gather(params: Any, ids: Tensor, name: str | None = None) -> Tensor:
    """Return rows of a tensor or variable; variables read only the rows."""
    sparse_read = getattr(params, "sparse_read", None)
    return sparse_read(ids, name=name) if sparse_read is not None else _gather_op(params, ids, 0, name=name)


def _clip(rows: Tensor, ids: Tensor, max_norm: Any) -> Tensor:
    """Return rows scaled down to a 2-norm of at most `max_norm`."""
    if max_norm is None:
        return rows
    if rows.ndim is not None and ids.ndim is not None:
        axes: Any = list(range(ids.ndim, rows.ndim))
    else:
        axes = _range_op(deferred("Rank")(ids), deferred("Rank")(rows), 1)
    squares = _sum_op(rows * rows, axes, keep_dims=True)
    positive = squares > 0.0
    norm = _sqrt_op(_select_op(positive, squares, deferred("OnesLike")(squares)))
    norm = _select_op(positive, norm, squares)
    limit = convert_to_tensor(max_norm, rows.dtype.base_dtype)
    return rows * limit / _maximum_op(norm, limit)


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Tensor:
    """Return the rows of a table at the positions `ids`.

    Args:
        params: a tensor or variable of shape (rows, ...), or a list of them, among which the rows are dealt in blocks.
        ids: int32 or int64, any shape.
        max_norm: if not None, rows of a greater 2-norm are scaled down to it.
        name: the name of the scope.
    Returns:
        Rows of shape ids.shape + params.shape[1:].
    Raises:
        ValueError: if `params` is empty.
    """
    return _embedding_lookup(params, ids, "div", name, max_norm)


def embedding_lookup_v1(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:
    """Return the rows of a table at the positions `ids`.

    Args:
        params, ids, name, max_norm: see `embedding_lookup`.
        partition_strategy: how rows are spread over several parts: 'mod' deals them one by one, 'div' in blocks.
        validate_indices: no effect: positions are always checked.
    """
    return _embedding_lookup(params, ids, partition_strategy, name, max_norm)


def _embedding_lookup(params: Any, ids: Any, partition_strategy: str, name: str | None, max_norm: Any) -> Tensor:
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError(f"params must be specified: a table, or a list of its parts, got {params!r}")
    parts = (
        list(params)
        if isinstance(params, (list, tuple))
        else list(getattr(params, "_get_variable_list", lambda: [params])())
    )
    with op_scope(name, "embedding_lookup", [*parts, ids]) as scope:
        positions = convert_to_tensor(ids, name="ids")
        if len(parts) == 1:
            return identity_op(_clip(_gather(parts[0], positions), positions, max_norm), name=scope)
        flat = _reshape_op(positions, [-1])
        count = len(parts)
        if partition_strategy == "mod":
            owner, local = _floor_mod_op(flat, count), _floor_div_op(flat, count)
        elif partition_strategy == "div":
            owner, local = _in_blocks(flat, parts)
        else:
            raise ValueError(f"Unrecognized partition strategy {partition_strategy!r}: must be one of 'mod' or 'div'")
        owner = _cast_op(owner, DstT="int32")
        partition = deferred("DynamicPartition")
        local_ids = partition(local, owner, num_partitions=count)
        places = partition(_range_op(0, _size_op(flat), 1), owner, num_partitions=count)
        rows = [_gather(part, chosen) for part, chosen in zip(parts, local_ids, strict=True)]
        stitched = deferred("ParallelDynamicStitch")(places, rows)
        element = shape_op(rows[0])[1:]
        whole = _reshape_op(stitched, _concat_op([shape_op(positions), element], 0))
        if positions.dims is not None and rows[0].dims is not None:
            whole.set_shape([*positions.dims, *rows[0].dims[1:]])
        return identity_op(_clip(whole, positions, max_norm), name=scope)


def _in_blocks(flat: Tensor, parts: list[Any]) -> tuple[Tensor, Tensor]:
    """Return the part that holds each row and its place there; the first parts may have a row more than the others."""
    tables = [convert_to_tensor(part) for part in parts]
    sizes = [None if table.dims is None else table.dims[0] for table in tables]
    dtype = flat.dtype.base_dtype
    if None not in sizes:
        total: Any = convert_to_tensor(sum(sizes), dtype)
    else:
        total = _cast_op(_add_n_op([shape_op(table)[0] for table in tables]), DstT=dtype)
    count = len(parts)
    per_part, extras = _floor_div_op(total, count), _floor_mod_op(total, count)
    owner = _maximum_op(_floor_div_op(flat, per_part + 1), _floor_div_op(flat - extras, per_part))
    in_first = owner < extras
    local = _select_op(in_first, _floor_mod_op(flat, per_part + 1), _floor_mod_op(flat - extras, per_part))
    return owner, local
