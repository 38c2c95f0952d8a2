"""Sparse tensors as strings or variants, and kept between steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from google.protobuf.message import DecodeError

from penstock.core import array, dtypes
from penstock.core.array import Array, Value, torch_dtype
from penstock.core.dtypes import DType
from penstock.core.op import Type, op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.formats import varint
from penstock.formats.errors import CorruptDataError
from penstock.formats.protos import TensorProto
from penstock.formats.tensor_proto import from_tensor_proto
from penstock.ops.sparse.common import as_sparse, check_order, check_parts, invalid, joined, parts_dims

_FORMS = frozenset({dtypes.string, dtypes.variant})
_Parts = tuple[Array, Value, list[int]]


def _encoded(parts: _Parts, dtype: DType) -> list[bytes]:
    indices, values, shape = parts
    return [
        _tensor_bytes(np.asarray(array.to_numpy(indices)), dtypes.int64),
        _tensor_bytes(np.asarray(array.to_numpy(values)), dtype),
        _tensor_bytes(np.array(shape, np.int64), dtypes.int64),
    ]


def _tensor_bytes(numbers: np.ndarray, dtype: DType) -> bytes:
    """Return a TensorProto whose elements are raw bytes, whatever their number and type."""
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in numbers.shape:
        proto.tensor_shape.dim.add(size=size)
    if numbers.dtype == object:
        items = numbers.reshape(-1).tolist()
        proto.tensor_content = b"".join([*(varint.encode(len(item)) for item in items), *items])
    else:
        proto.tensor_content = numbers.tobytes()
    return proto.SerializeToString(deterministic=True)


def _decoded(strings: Sequence[Any], dtype: DType, number: int) -> _Parts:
    found = []
    for text in strings:
        try:
            proto = TensorProto.FromString(text)
            found.append((from_tensor_proto(proto), proto.dtype))
        except (DecodeError, CorruptDataError, TypeError, ValueError) as error:
            raise invalid(f"Could not parse serialized proto: {error}") from None
    (indices, _), (values, kind), (shape, _) = found
    if kind != dtype.as_datatype_enum:
        raise invalid(
            f"Requested SparseTensor of type {dtype.name} but SparseTensor[{number}].values.dtype() == "
            f"{dtypes.as_dtype(kind).name}"
        )
    if indices.ndim != 2 or indices.dtype != np.int64 or shape.ndim != 1 or shape.dtype != np.int64:
        raise invalid(
            f"Expected a matrix of int64 and a vector of int64 for SparseTensor[{number}], got shapes "
            f"{list(indices.shape)} and {list(shape.shape)}"
        )
    parts = array.from_numpy(indices), array.from_numpy(values), shape.tolist()
    check_parts(*parts)
    return parts


@op(
    "SerializeSparse(sparse_indices: int64, sparse_values: T, sparse_shape: host int64) -> serialized_sparse: out_type",
    T=dtypes.ALL,
    out_type=Type(_FORMS, default=dtypes.string),
)
def serialize_sparse_op(
    sparse_indices: Array, sparse_values: Value, sparse_shape: list[int], *, T: DType, out_type: DType = dtypes.string
) -> Value:
    check_parts(sparse_indices, sparse_values, sparse_shape, "sparse_")
    _refuse_variants(out_type)
    return _strings(_encoded((sparse_indices, sparse_values, sparse_shape), T), (3,))


def _refuse_variants(out_type: DType) -> None:
    if out_type != dtypes.string:
        raise invalid("Sparse tensors are serialized to strings; pass out_type=tf.string")


def _strings(items: Sequence[bytes], dims: tuple[int, ...]) -> np.ndarray:
    result = np.empty(len(items), dtype=object)
    result[:] = list(items)
    return result.reshape(dims)


@serialize_sparse_op.shape
def serialize_sparse_shape(
    sparse_indices: Dims, sparse_values: Dims, sparse_shape: Any, *, T: DType, out_type: DType
) -> Dims:
    parts_dims(sparse_indices, sparse_values, sparse_shape)
    return (3,)


def _rows(indices: Array, values: Value, shape: list[int]) -> list[_Parts]:
    """Return each row of a sparse tensor of rank 2 or more as one of a rank less."""
    check_parts(indices, values, shape, "sparse_")
    if len(shape) < 2:
        raise invalid(f"Rank of input SparseTensor should be > 1, but saw rank: {len(shape)}")
    check_order(indices, shape)
    bounds = torch.searchsorted(indices[:, 0].contiguous(), torch.arange(shape[0] + 1)).tolist()
    return [
        (indices[begin:end, 1:], values[begin:end], shape[1:])
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]


@op(
    "SerializeManySparse(sparse_indices: int64, sparse_values: T, sparse_shape: host int64)"
    " -> serialized_sparse: out_type",
    T=dtypes.ALL,
    out_type=Type(_FORMS, default=dtypes.string),
)
def serialize_many_sparse_op(
    sparse_indices: Array, sparse_values: Value, sparse_shape: list[int], *, T: DType, out_type: DType = dtypes.string
) -> Value:
    rows = _rows(sparse_indices, sparse_values, sparse_shape)
    _refuse_variants(out_type)
    return _strings([text for row in rows for text in _encoded(row, T)], (len(rows), 3))


@serialize_many_sparse_op.shape
def serialize_many_sparse_shape(
    sparse_indices: Dims, sparse_values: Dims, sparse_shape: Any, *, T: DType, out_type: DType
) -> Dims:
    parts_dims(sparse_indices, sparse_values, sparse_shape)
    return (sparse_shape[0] if isinstance(sparse_shape, list) and sparse_shape else None, 3)


def stacked(parts: Sequence[_Parts], batch: Sequence[int], dtype: DType) -> tuple[Array, Value, Array]:
    """Return sparse tensors stacked along new first axes, with the largest of their sizes along the others.

    Args:
        parts: the components of the sparse tensors, all of one rank.
        batch: the sizes of the new axes.
        dtype: the type of the values.
    Raises:
        InvalidArgumentError: if ranks differ.
    """
    if not parts:
        values = np.empty(0, dtype=object) if dtype == dtypes.string else torch.zeros(0, dtype=torch_dtype(dtype))
        empty = torch.zeros((0, len(batch)), dtype=torch.int64)
        return empty, values, torch.tensor(list(batch), dtype=torch.int64)
    rank = len(parts[0][2])
    for number, part in enumerate(parts):
        if len(part[2]) != rank:
            raise invalid(
                f"Inconsistent rank across SparseTensors: rank prior to SparseTensor[{number}] was: {rank} but rank "
                f"of SparseTensor[{number}] is: {len(part[2])}"
            )
    counts = torch.tensor([len(part[0]) for part in parts])
    numbers = torch.repeat_interleave(torch.arange(len(parts)), counts).numpy()
    front = np.stack(np.unravel_index(numbers, batch), 1) if batch else np.zeros((len(numbers), 0), np.int64)
    indices = torch.cat([torch.from_numpy(front.astype(np.int64)), torch.cat([part[0] for part in parts])], 1)
    largest = [max(sizes) for sizes in zip(*(part[2] for part in parts), strict=True)]
    return indices, joined([part[1] for part in parts]), torch.tensor([*batch, *largest], dtype=torch.int64)


@op(
    "DeserializeSparse(serialized_sparse: Tserialized)"
    " -> (sparse_indices: int64, sparse_values: dtype, sparse_shape: int64)",
    Tserialized=Type(_FORMS, default=dtypes.string),
)
def deserialize_sparse_op(serialized_sparse: Value, *, dtype: DType) -> tuple[Array, Value, Array]:
    if not serialized_sparse.ndim or serialized_sparse.shape[-1] != 3:
        raise invalid(f"Serialized sparse should have 3 as the last dimension, got {list(serialized_sparse.shape)}")
    batch = serialized_sparse.shape[:-1]
    rows = serialized_sparse.reshape(-1, 3)
    return stacked([_decoded(row, dtype, number) for number, row in enumerate(rows)], batch, dtype)


@deserialize_sparse_op.shape
def deserialize_sparse_shape(serialized_sparse: Dims, *, dtype: DType) -> Any:
    return (None, None), (None,), (None,)


@op(
    "DeserializeManySparse(serialized_sparse: string)"
    " -> (sparse_indices: int64, sparse_values: dtype, sparse_shape: int64)"
)
def deserialize_many_sparse_op(serialized_sparse: Value, *, dtype: DType) -> tuple[Array, Value, Array]:
    if serialized_sparse.ndim != 2 or serialized_sparse.shape[1] != 3:
        raise invalid(f"Serialized sparse should be a matrix with 3 columns, got shape {list(serialized_sparse.shape)}")
    parts = [_decoded(row, dtype, number) for number, row in enumerate(serialized_sparse)]
    return stacked(parts, serialized_sparse.shape[:1], dtype)


@deserialize_many_sparse_op.shape
def deserialize_many_sparse_shape(serialized_sparse: Dims, *, dtype: DType) -> Any:
    return (None, None), (None,), (None,)


class _SparseTensorsMap:
    """Sparse tensors kept between steps, by number."""

    def __init__(self) -> None:
        self._kept: dict[int, _Parts] = {}
        self._next = 0

    def add(self, parts: _Parts) -> int:
        self._next += 1
        self._kept[self._next - 1] = parts
        return self._next - 1

    def take(self, number: int) -> _Parts:
        if number not in self._kept:
            raise invalid(f"Unable to find SparseTensor: {number} in map")
        return self._kept.pop(number)


def _map_of(resources: ResourceManager, container: str, name: str) -> _SparseTensorsMap:
    return resources.lookup_or_create(container, "SparseTensorsMap", name, _SparseTensorsMap)


@op(
    "AddSparseToTensorsMap(sparse_indices: int64, sparse_values: T, sparse_shape: host int64) -> sparse_handle: int64",
    stateful=True,
    shape=lambda *_, **__: (),
)
def add_sparse_to_tensors_map_op(
    sparse_indices: Array,
    sparse_values: Value,
    sparse_shape: list[int],
    *,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Array:
    check_parts(sparse_indices, sparse_values, sparse_shape, "sparse_")
    kept = _map_of(resources, container, shared_name or node_name)
    return torch.tensor(kept.add((sparse_indices, sparse_values, sparse_shape)), dtype=torch.int64)


@op(
    "AddManySparseToTensorsMap(sparse_indices: int64, sparse_values: T, sparse_shape: host int64)"
    " -> sparse_handles: int64",
    stateful=True,
    shape=lambda *_, **__: (None,),
)
def add_many_sparse_to_tensors_map_op(
    sparse_indices: Array,
    sparse_values: Value,
    sparse_shape: list[int],
    *,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Array:
    kept = _map_of(resources, container, shared_name or node_name)
    rows = _rows(sparse_indices, sparse_values, sparse_shape)
    return torch.tensor([kept.add(row) for row in rows], dtype=torch.int64)


@op(
    "TakeManySparseFromTensorsMap(sparse_handles: host int64)"
    " -> (sparse_indices: int64, sparse_values: dtype, sparse_shape: int64)",
    stateful=True,
    shape=lambda *_, **__: ((None, None), (None,), (None,)),
)
def take_many_sparse_from_tensors_map_op(
    sparse_handles: list[int],
    *,
    dtype: DType,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> tuple[Array, Value, Array]:
    if not isinstance(sparse_handles, list):
        raise invalid(f"sparse_handles should be a vector, got the scalar {sparse_handles}")
    kept = _map_of(resources, container, shared_name or node_name)
    return stacked([kept.take(number) for number in sparse_handles], (len(sparse_handles),), dtype)


def serialize_sparse(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Tensor:
    """Return a sparse tensor as three strings: its positions, values and dense shape, as TensorProtos.

    Args:
        sp_input: a SparseTensor.
        out_type: `tf.string`.
        name: the name of the node.
    """
    sparse = as_sparse(sp_input)
    return serialize_sparse_op(sparse.indices, sparse.values, sparse.dense_shape, out_type=out_type, name=name)


def serialize_sparse_v1(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Tensor:
    """Return a sparse tensor as three strings; see `serialize_sparse`."""
    return serialize_sparse(sp_input, out_type, name)


def serialize_many_sparse(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Tensor:
    """Return each row of a sparse tensor as three strings: a matrix (rows, 3).

    Args:
        sp_input: a SparseTensor of rank 2 or more, in row-major order.
        out_type: `tf.string`.
        name: the name of the node.
    """
    sparse = as_sparse(sp_input)
    return serialize_many_sparse_op(sparse.indices, sparse.values, sparse.dense_shape, out_type=out_type, name=name)


def serialize_many_sparse_v1(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Tensor:
    """Return each row of a sparse tensor as three strings; see `serialize_many_sparse`."""
    return serialize_many_sparse(sp_input, out_type, name)


def deserialize_many_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> SparseTensor:
    """Return sparse tensors that were serialized, stacked along a new first axis.

    Args:
        serialized_sparse: strings (n, 3).
        dtype: the type of their values.
        rank: the rank of each, where it is known.
        name: the name of the node.
    Returns:
        A SparseTensor whose sizes are the largest of all.
    Raises:
        InvalidArgumentError: if a string holds something else, or values of another type.
    """
    indices, values, shape = deserialize_many_sparse_op(serialized_sparse, dtype=dtype, name=name)
    if rank is not None:
        indices.set_shape([None, rank + 1])
        shape.set_shape([rank + 1])
    return SparseTensor(indices, values, shape)
