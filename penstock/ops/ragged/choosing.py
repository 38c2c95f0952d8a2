"""`tf.where` of ragged tensors."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.graph import name_scope
from penstock.ops.array.selecting import boolean_mask as dense_boolean_mask
from penstock.ops.array.selecting import where as dense_where
from penstock.ops.math import compare
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.ragged.arranging import concat
from penstock.ops.ragged.elementwise import apply_elementwise
from penstock.ops.ragged.gathering import match_row_splits, take_rows
from penstock.ops.ragged.ragged_tensor import RaggedTensor, convert_to_tensor_or_ragged


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Return the positions of true values, or values of `x` and `y` chosen by a condition; see `tf.where`."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be None or both be non-None")
    with name_scope(name, "RaggedWhere", [condition, x, y]):
        condition = convert_to_tensor_or_ragged(condition, name="condition")
        if x is None:
            if not isinstance(condition, RaggedTensor):
                return dense_where(condition)
            if condition.dtype != dtypes.bool_:
                condition = condition.with_flat_values(compare.not_equal(condition.flat_values, 0))
            return _positions(condition)
        x = convert_to_tensor_or_ragged(x, name="x")
        y = convert_to_tensor_or_ragged(y, name="y", dtype=x.dtype)
        return apply_elementwise(dense_where, condition, x, y)


def _positions(condition: Any) -> Any:
    if not isinstance(condition, RaggedTensor):
        return dense_where(condition)
    sparse = condition.to_sparse()
    return dense_boolean_mask(sparse.indices, sparse.values)


def where_v1(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Return the positions of true values, or rows of `x` and `y` chosen by a condition; see `tf.compat.v1.where`."""
    if x is None and y is None:
        return where(condition, name=name)
    condition = convert_to_tensor_or_ragged(condition)
    x, y = convert_to_tensor_or_ragged(x), convert_to_tensor_or_ragged(y)
    if isinstance(condition, RaggedTensor) or condition.shape.rank != 1:
        return where(condition, x, y, name)
    # A vector chooses whole rows.
    x, y = (value if isinstance(value, RaggedTensor) else RaggedTensor.from_tensor(value) for value in (x, y))
    x, y = match_row_splits(x, y)
    both = concat([x, y], 0)
    count = x.nrows()
    rows = tensor_range(count, dtype=count.dtype)
    return take_rows(both, dense_where(condition, rows, rows + count))
