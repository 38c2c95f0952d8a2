"""Sparse tensors made from other values: placeholders, identity matrices, merged ids and values, masked slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import current_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor, SparseTensorValue
from penstock.ops.array.common import deferred
from penstock.ops.constant import placeholder as dense_placeholder
from penstock.ops.constant import placeholder_with_default
from penstock.ops.sparse.arranging import reorder
from penstock.ops.sparse.common import as_sparse, is_sparse
from penstock.ops.sparse.densifying import with_last_axis


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """Return a sparse tensor whose value is fed when the graph runs.

    Args:
        dtype: the type of the values.
        shape: the static dense shape; None for any. A fully known shape need not be fed.
        name: a prefix of the names of its components.
    Raises:
        RuntimeError: in eager execution.
    """
    if current_graph() is None:
        raise RuntimeError("`sparse_placeholder` is not compatible with eager execution.")

    def named(suffix: str) -> str | None:
        return None if name is None else f"{name}/{suffix}"

    static = TensorShape(shape)
    rank = static.rank
    if rank is None:
        dense_shape = dense_placeholder(dtypes.int64, [None], named("shape"))
    else:
        sizes = np.array([-1 if size is None else size for size in static.as_list()], np.int64)
        default = convert_to_tensor(sizes, name=named("shape_default"))
        dense_shape = placeholder_with_default(default, default.dims, named("shape"))
    values = dense_placeholder(dtype, [None], named("values"))
    indices = dense_placeholder(dtypes.int64, [None, rank], named("indices"))
    result = SparseTensor(indices, values, dense_shape)
    if rank is not None:
        result.set_shape(static)
    return result


def eye(num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None) -> SparseTensor:
    """Return a sparse matrix with ones on the diagonal.

    Args:
        num_rows: the number of rows.
        num_columns: the number of columns; by default as many.
        dtype: the type of the values.
        name: the name of the scope.
    """
    with name_scope(name, "eye", [num_rows, num_columns]):
        cast = deferred("Cast")
        rows = cast(convert_to_tensor(num_rows, name="num_rows"), DstT=dtypes.int64)
        columns = rows if num_columns is None else cast(convert_to_tensor(num_columns), DstT=dtypes.int64)
        numbers = deferred("Range")(np.int64(0), deferred("Minimum")(rows, columns), np.int64(1))
        ones = cast(deferred("OnesLike")(numbers), DstT=as_dtype(dtype))
        indices, shape = deferred("Pack")([numbers, numbers], axis=1), deferred("Pack")([rows, columns])
        return SparseTensor(indices, ones, shape)


def merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> SparseTensor:
    """Return values placed along the last axes by ids, as parsed examples give ids and values apart.

    Args:
        sp_ids: a SparseTensor of integer ids, or a list of them, one for each new axis.
        sp_values: a SparseTensor of values at the same positions.
        vocab_size: the number of ids, or a list of numbers.
        name: the name of the scope.
        already_sorted: whether the ids of each row increase, so that there is nothing to order.
    Returns:
        A SparseTensor of shape (rows, vocab_size, ...).
    Raises:
        TypeError: if something else than SparseTensors is given.
        ValueError: if there are not as many sizes as ids.
    """
    ids = [sp_ids] if is_sparse(sp_ids) else sp_ids
    sizes = [vocab_size] if is_sparse(sp_ids) else vocab_size
    if not isinstance(ids, (list, tuple)):
        raise TypeError(f"sp_ids has to be a SparseTensor or list thereof. Got {type(sp_ids)}")
    if not isinstance(sizes, (list, tuple)):
        raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Got {type(vocab_size)}")
    if len(ids) != len(sizes):
        raise ValueError(f"sp_ids and vocab_size have to have equal lengths, got {len(ids)} and {len(sizes)}.")
    with name_scope(name, "SparseMerge"):
        first, values = as_sparse(ids[0], "sp_ids"), as_sparse(sp_values, "sp_values")
        result = with_last_axis(values.with_values(values.values), first.values, sizes[0])
        cast, concat = deferred("Cast"), deferred("ConcatV2")
        for item, size in zip(ids[1:], sizes[1:], strict=True):
            column = deferred("ExpandDims")(cast(as_sparse(item, "sp_ids").values, DstT=dtypes.int64), 1)
            last = deferred("Reshape")(cast(convert_to_tensor(size), DstT=dtypes.int64), [1])
            result = SparseTensor(
                concat([result.indices, column], 1), result.values, concat([result.dense_shape, last], 0)
            )
        return result if already_sorted else reorder(result)


def mask(a: Any, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """Return sparse slices without those at some positions.

    Args:
        a: IndexedSlices.
        mask_indices: the positions of the slices to leave out.
        name: the name of the scope.
    """
    with name_scope(name, "sparse_mask", [a.values, a.indices]):
        kept, places = deferred("ListDiff")(a.indices, mask_indices)
        return IndexedSlices(deferred("GatherV2")(a.values, places, 0), kept, a.dense_shape)


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return a SparseTensor as it is, the value of one as a SparseTensor, and anything else as a tensor.

    Args:
        value: a SparseTensor, a SparseTensorValue, or what becomes a tensor.
        dtype: the type required.
        name: the name of the constant that may have to be made.
    Raises:
        RuntimeError: if a SparseTensor has another type.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise RuntimeError(f"Sparse dtype mismatch. Requested: {wanted.name},  Actual: {value.dtype.name}")
        return value
    return convert_to_tensor(value, wanted, name)
