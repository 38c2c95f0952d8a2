"""Rows of tables looked up for sparse ids, and combined within each row of ids."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import shape_op
from penstock.ops.nn.embedding import _embedding_lookup
from penstock.ops.sparse.arranging import reshape as sparse_reshape
from penstock.ops.sparse.arranging import retain
from penstock.ops.sparse.rows import fill_empty_rows

_cast_op = deferred("Cast")
_concat_op = deferred("ConcatV2")
_divide_op = deferred("DivNoNan")
_gather_op = deferred("GatherV2")
_reshape_op = deferred("Reshape")
_segment_sum_op = deferred("SegmentSum")
_SEGMENT_OPS = {"sum": "SparseSegmentSum", "mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN"}


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: str | None = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """Return the rows of a table at sparse ids, combined within each row of ids.

    Args:
        params: a table (n, ...), or a list of its parts in blocks.
        sp_ids: a SparseTensor of ids, of shape (rows, k).
        sp_weights: a SparseTensor of weights at the same positions, or None for 1.
        combiner: "sum", "mean" (the sum over the sum of weights; the default), or "sqrtn" (the sum over the root of
            the sum of squared weights).
        max_norm: if not None, rows of a greater 2-norm are scaled down to it first.
        name: the name of the scope.
        allow_fast_lookup: accepted; lookups are of one kind here.
    Returns:
        A tensor with one combined row for each row of ids, up to the last that has any.
    Raises:
        TypeError: if `sp_ids` or `sp_weights` is no SparseTensor.
        ValueError: for another combiner.
    """
    return _lookup(params, sp_ids, sp_weights, "div", name, combiner, max_norm)


def embedding_lookup_sparse_v1(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: Any = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """Return the rows of a table at sparse ids, combined within each row of ids; see `embedding_lookup_sparse`.

    Args:
        params, sp_ids, sp_weights, name, combiner, max_norm, allow_fast_lookup: see `embedding_lookup_sparse`.
        partition_strategy: how rows are spread over several parts: 'mod' deals them one by one, 'div' in blocks.
    """
    return _lookup(params, sp_ids, sp_weights, partition_strategy, name, combiner, max_norm)


def _lookup(
    params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str, name: str | None, combiner: Any, max_norm: Any
) -> Tensor:
    combiner = "mean" if combiner is None else combiner
    if combiner not in _SEGMENT_OPS:
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError(f"params must be specified: a table, or a list of its parts, got {params!r}")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError(f"sp_ids must be SparseTensor, got {type(sp_ids)}")
    if sp_weights is not None:
        if not isinstance(sp_weights, SparseTensor):
            raise TypeError(f"sp_weights must be either None or SparseTensor, got {type(sp_weights)}")
        sp_ids.values.shape.assert_is_compatible_with(sp_weights.values.shape)
        sp_ids.indices.shape.assert_is_compatible_with(sp_weights.indices.shape)
    with op_scope(name, "embedding_lookup_sparse", [sp_ids.values]) as scope:
        segments = sp_ids.indices[:, 0]
        ids, places = deferred("Unique")(sp_ids.values)
        rows = _embedding_lookup(params, ids, partition_strategy, None, max_norm)
        if rows.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16):
            rows = _cast_op(rows, DstT=dtypes.float32)
        if sp_weights is None:
            result: Tensor = deferred(_SEGMENT_OPS[combiner])(rows, places, segments, name=scope or None)
            return result
        weights = sp_weights.values
        if weights.dtype.base_dtype != rows.dtype.base_dtype:
            weights = _cast_op(weights, DstT=rows.dtype.base_dtype)
        return _weighted(_gather_op(rows, places, 0), weights, segments, combiner, scope or None)


def _weighted(rows: Tensor, weights: Tensor, segments: Tensor, combiner: str, name: str | None) -> Tensor:
    """Return the weighted combination of the rows of each segment."""
    if rows.ndim is not None:
        extra: Any = [1] * (rows.ndim - 1)
    else:
        missing = _reshape_op(deferred("Rank")(rows) - 1, [1])
        extra = deferred("Fill")(missing, 1)
    column = _reshape_op(weights, _concat_op([shape_op(weights), extra], 0))
    total: Tensor = _segment_sum_op(rows * column, segments)
    if combiner == "sum":
        renamed: Tensor = deferred("Identity")(total, name=name)
        return renamed
    if combiner == "mean":
        divisor = _segment_sum_op(column, segments)
    else:
        divisor = deferred("Sqrt")(_segment_sum_op(column * column, segments))
    quotient: Tensor = _divide_op(total, divisor, name=name)
    return quotient


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = "mean",
    default_id: Any = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """Return the rows of a table at sparse ids, combined; invalid ids are left out and empty rows filled.

    Args:
        embedding_weights: a table (n, ...), or a list of its parts in blocks.
        sparse_ids: a SparseTensor of ids, of shape (..., k). Negative ids are left out.
        sparse_weights: a SparseTensor of weights at the same positions, or None for 1. Unless the combiner is "sum",
            ids with weights that are not positive are left out.
        combiner: see `embedding_lookup_sparse`.
        default_id: the id for rows without ids; None for zeros.
        max_norm, name, allow_fast_lookup: see `embedding_lookup_sparse`.
    Returns:
        A tensor of shape (..., row): the last axis of `sparse_ids` is replaced by that of a row.
    Raises:
        ValueError: if there is no table.
    """
    return _safe_lookup(embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, "div", max_norm)


def safe_embedding_lookup_sparse_v1(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = "mean",
    default_id: Any = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """Return the rows of a table at sparse ids, combined; see `safe_embedding_lookup_sparse`.

    Args:
        embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, max_norm, allow_fast_lookup: see
            `safe_embedding_lookup_sparse`.
        partition_strategy: how rows are spread over several parts: 'mod' deals them one by one, 'div' in blocks.
    """
    return _safe_lookup(
        embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm
    )


def _safe_lookup(
    params: Any,
    sparse_ids: SparseTensor,
    sparse_weights: SparseTensor | None,
    combiner: str | None,
    default_id: Any,
    name: str | None,
    partition_strategy: str,
    max_norm: Any,
) -> Tensor:
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError(f"Missing embedding_weights {params}.")
    parts = list(params) if isinstance(params, (list, tuple)) else [params]
    if sparse_weights is not None:
        kind = getattr(parts[0], "dtype", None)
        if kind is not None and sparse_weights.dtype.base_dtype != dtypes.as_dtype(kind).base_dtype:
            raise ValueError(
                f"sparse_weights must have the type of the table, {dtypes.as_dtype(kind).base_dtype.name}; got "
                f"{sparse_weights.dtype.name}"
            )
    with op_scope(name, "embedding_lookup", [sparse_ids.values]) as scope:
        original = sparse_ids.dense_shape
        leading = sparse_ids.shape[:-1] if sparse_ids.shape.rank else None
        ids = _as_matrix(sparse_ids)
        weights = None if sparse_weights is None else sparse_weights.with_values(sparse_weights.values)
        if weights is not None:
            weights = SparseTensor(ids.indices, weights.values, ids.dense_shape)
        ids, weights = _pruned(ids, weights, combiner)
        ids, is_empty = fill_empty_rows(ids, convert_to_tensor(default_id or 0, ids.dtype.base_dtype))
        if weights is not None:
            weights, _ = fill_empty_rows(weights, convert_to_tensor(1.0, weights.dtype.base_dtype))
        result = _lookup(params, ids, weights, partition_strategy, None, combiner, max_norm)
        if default_id is None:
            wide = _reshape_op(is_empty, _concat_op([[-1], deferred("OnesLike")(shape_op(result)[1:])], 0))
            result = deferred("SelectV2")(wide, deferred("ZerosLike")(result), result)
        sizes = _concat_op([_cast_op(original[:-1], DstT=dtypes.int32), shape_op(result)[1:]], 0)
        final: Tensor = _reshape_op(result, sizes, name=scope or None)
        if leading is not None and result.dims is not None and final.dims is None:
            final.set_shape(leading.concatenate(result.dims[1:]))  # type: ignore[attr-defined]
        return final


def _as_matrix(sparse: SparseTensor) -> SparseTensor:
    """Return a sparse tensor with all axes but the last in one."""
    if sparse.shape.rank == 2:
        return sparse
    rows = deferred("Prod")(sparse.dense_shape[:-1], [0])
    return sparse_reshape(sparse, deferred("Pack")([rows, sparse.dense_shape[-1]]))


def _pruned(
    ids: SparseTensor, weights: SparseTensor | None, combiner: str | None
) -> tuple[SparseTensor, SparseTensor | None]:
    """Return ids of at least 0, with positive weights unless these are summed."""
    valid = ids.values >= 0
    if weights is None:
        return retain(ids, valid), None
    if combiner != "sum":
        valid = deferred("LogicalAnd")(valid, weights.values > 0)
    return retain(ids, valid), retain(weights, valid)
