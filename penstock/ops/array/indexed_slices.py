"""Sparse slices made into dense tensors wherever a tensor is asked for."""

from __future__ import annotations

import math
import warnings
from typing import Any

from penstock.core.convert import register_conversion
from penstock.core.dtypes import DType
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import static_shape
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred

# From this many elements on, a dense gradient is more likely a mistake than wanted.
_HUGE = 100_000_000
_unsorted_segment_sum_op = deferred("UnsortedSegmentSum")


def dense(value: IndexedSlices, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    """Return sparse slices as a dense tensor.

    Args:
        value: the slices, with a dense shape.
        dtype: the type required, which must be that of the slices.
        name: the name of the node.
        as_ref: accepted as conversions do.
    Raises:
        ValueError: if the dense shape is not given, or the type differs.
    """
    if dtype is not None and dtype != value.dtype:
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {value}")
    dims: Any = (
        static_shape(value.dense_shape).as_tuple()
        if isinstance(value.dense_shape, Tensor)
        else tuple(value.dense_shape)
    )
    if dims is None or None in dims:
        warnings.warn(
            "Converting sparse IndexedSlices to a dense Tensor of unknown shape. This may consume a large "
            "amount of memory.",
            stacklevel=4,
        )
    elif math.prod(dims) >= _HUGE:
        warnings.warn(
            f"Converting sparse IndexedSlices to a dense Tensor with {math.prod(dims)} elements. This may "
            "consume a large amount of memory.",
            stacklevel=4,
        )
    rows: Any = dims[0] if dims is not None and dims[0] is not None else value.dense_shape[0]
    return _unsorted_segment_sum_op(value.values, value.indices, rows, name=name.rstrip("/") if name else name)


register_conversion(IndexedSlices, dense)
