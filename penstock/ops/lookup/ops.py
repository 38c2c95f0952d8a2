"""The operations on tables: making, filling, finding, listing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import no_outputs, scalar
from penstock.ops.lookup.tables import DenseTable, MutableTable, Table

WHOLE_LINE = -2
LINE_NUMBER = -1
_STATEFUL: dict[str, Any] = {"stateful": True, "differentiable": False}


# Making. TensorFlow 1's handles are references to strings, the others are resources.


def _declare(name: str, kernel: Callable[..., Any]) -> Any:
    """Declare an operation that makes a table, for both kinds of handles; return the one for resources."""
    op(f"{name}() -> table_handle: ref string", shape=scalar, **_STATEFUL)(kernel)
    return op(f"{name}V2() -> table_handle: resource", shape=scalar, **_STATEFUL)(kernel)


def _find_or_make(
    resources: ResourceManager, node_name: str, container: str, shared_name: str, make: Callable[[str], Table]
) -> Table:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "table", name, lambda: make(name))


def _hash_table(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
    resources: ResourceManager,
    node_name: str,
) -> Table:
    return _find_or_make(resources, node_name, container, shared_name, lambda name: Table(name, key_dtype, value_dtype))


hash_table_v2_op = _declare("HashTable", _hash_table)


def _mutable_hash_table(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
    resources: ResourceManager,
    node_name: str,
) -> Table:
    return _find_or_make(
        resources, node_name, container, shared_name, lambda name: MutableTable(name, key_dtype, value_dtype)
    )


mutable_hash_table_v2_op = _declare("MutableHashTable", _mutable_hash_table)


def _mutable_hash_table_of_tensors(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: DType,
    value_dtype: DType,
    value_shape: Dims = (),
    resources: ResourceManager,
    node_name: str,
) -> Table:
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: MutableTable(name, key_dtype, value_dtype, value_shape),
    )


mutable_hash_table_of_tensors_v2_op = _declare("MutableHashTableOfTensors", _mutable_hash_table_of_tensors)


def _check_buckets(initial_num_buckets: int, max_load_factor: float) -> None:
    if initial_num_buckets < 1 or initial_num_buckets & (initial_num_buckets - 1):
        raise InvalidArgumentError(
            None, None, f"Number of buckets must be a power of 2, got initial_num_buckets: {initial_num_buckets}"
        )
    if not 0 < max_load_factor < 1:
        raise InvalidArgumentError(
            None, None, f"max_load_factor must be between 0 and 1, exclusively, got: {max_load_factor}"
        )


@op("MutableDenseHashTable(empty_key: key_dtype) -> table_handle: ref string", shape=scalar, **_STATEFUL)
def mutable_dense_hash_table_op(
    empty_key: Value,
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: DType,
    value_shape: Dims = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.800000012,
    resources: ResourceManager,
    node_name: str,
) -> Table:
    _check_buckets(initial_num_buckets, max_load_factor)
    key_dtype = array.dtype_of(empty_key)
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: DenseTable(name, key_dtype, value_dtype, value_shape, empty_key, None),
    )


@op(
    "MutableDenseHashTableV2(empty_key: key_dtype, deleted_key: key_dtype) -> table_handle: resource",
    shape=scalar,
    **_STATEFUL,
)
def mutable_dense_hash_table_v2_op(
    empty_key: Value,
    deleted_key: Value,
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: DType,
    value_shape: Dims = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.800000012,
    resources: ResourceManager,
    node_name: str,
) -> Table:
    _check_buckets(initial_num_buckets, max_load_factor)
    key_dtype = array.dtype_of(empty_key)
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: DenseTable(name, key_dtype, value_dtype, value_shape, empty_key, deleted_key),
    )


@op("AnonymousHashTable() -> table_handle: resource", shape=scalar, **_STATEFUL)
def anonymous_hash_table_op(*, key_dtype: DType, value_dtype: DType, node_name: str) -> Table:
    return Table(node_name, key_dtype, value_dtype)


@op("AnonymousMutableHashTable() -> table_handle: resource", shape=scalar, **_STATEFUL)
def anonymous_mutable_hash_table_op(*, key_dtype: DType, value_dtype: DType, node_name: str) -> Table:
    return MutableTable(node_name, key_dtype, value_dtype)


@op("AnonymousMutableHashTableOfTensors() -> table_handle: resource", shape=scalar, **_STATEFUL)
def anonymous_mutable_hash_table_of_tensors_op(
    *, key_dtype: DType, value_dtype: DType, value_shape: Dims = (), node_name: str
) -> Table:
    return MutableTable(node_name, key_dtype, value_dtype, value_shape)


@op(
    "AnonymousMutableDenseHashTable(empty_key: key_dtype, deleted_key: key_dtype) -> table_handle: resource",
    shape=scalar,
    **_STATEFUL,
)
def anonymous_mutable_dense_hash_table_op(
    empty_key: Value,
    deleted_key: Value,
    *,
    value_dtype: DType,
    value_shape: Dims = (),
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.800000012,
    node_name: str,
) -> Table:
    _check_buckets(initial_num_buckets, max_load_factor)
    return DenseTable(node_name, array.dtype_of(empty_key), value_dtype, value_shape, empty_key, deleted_key)


# Filling


def _both(name: str, inputs: str, outputs: str, kernel: Callable[..., Any], **options: Any) -> Any:
    """Declare an operation for both kinds of handles; return the one for resources."""
    handle = "table_handle"
    op(f"{name}({handle}: ref string{inputs}){outputs}", differentiable=False, **options)(kernel)
    return op(f"{name}V2({handle}: resource{inputs}){outputs}", **_STATEFUL, **options)(kernel)


def _initialize(table_handle: Table, keys: Value, values: Value) -> tuple[()]:
    table_handle.check_types(array.dtype_of(keys), array.dtype_of(values))
    if len(array.dims_of(keys)) != 1:
        raise InvalidArgumentError(None, None, f"Keys must be a vector, but received {list(array.dims_of(keys))}")
    table_handle.initialize(keys, values)
    return ()


initialize_table_v2_op = _both("InitializeTable", ", keys: Tkey, values: Tval", "", _initialize, shape=no_outputs)


def _initialize_from_text_file(
    table_handle: Table,
    filename: Value,
    *,
    key_index: int,
    value_index: int,
    vocab_size: int = -1,
    delimiter: str = "\t",
    offset: int = 0,
) -> tuple[()]:
    if np.ndim(filename):
        raise InvalidArgumentError(None, None, f"filename should be a single string, but got {np.shape(filename)}")
    if len(delimiter) != 1:
        raise InvalidArgumentError(None, None, f"delimiter should be only 1 char, got {delimiter!r}")
    path = np.asarray(filename).item().decode()
    columns = (key_index, value_index)
    types = (table_handle.key_dtype, table_handle.element_dtype)
    for name, column, dtype in zip(("key", "value"), columns, types, strict=True):
        if column == LINE_NUMBER and not dtype.is_integer:
            raise InvalidArgumentError(
                None, None, f"{name} index for line number requires an integer type, got {dtype.name}"
            )
    keys, values = [], []
    for number, line in enumerate(_lines(path)):
        if vocab_size >= 0 and number == vocab_size:
            break
        fields = line.split(delimiter.encode()) if max(columns) >= 0 else [line]
        key, value = (
            _field(fields, line, number + offset, number, column, dtype, path)
            for column, dtype in zip(columns, types, strict=True)
        )
        keys.append(key)
        values.append(value)
    if vocab_size > len(keys):
        raise InvalidArgumentError(
            None, None, f"Invalid vocab_size in {path}: expected {vocab_size} but got {len(keys)}"
        )
    table_handle.initialize(_column(keys, types[0]), _column(values, types[1]))
    return ()


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return [line.rstrip(b"\n").rstrip(b"\r") for line in file]
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None


def _field(fields: list[bytes], line: bytes, position: int, number: int, column: int, dtype: DType, path: str) -> Any:
    if column == LINE_NUMBER:
        return position
    if column == WHOLE_LINE and dtype.name == "string":
        return line
    if column == WHOLE_LINE:
        fields, column = [line], 0
    shown = line.decode(errors="replace")
    if column >= len(fields):
        raise InvalidArgumentError(
            None,
            None,
            f"Invalid number of columns in {path} line {number} ({shown}) : expected at least {column + 1} got "
            f"{len(fields)}",
        )
    if dtype.name == "string":
        return fields[column]
    try:
        return int(fields[column]) if dtype.is_integer else float(fields[column])
    except ValueError:
        raise InvalidArgumentError(
            None, None, f"Field {fields[column]!r} in line {number} of {path} is not a valid {dtype.name}."
        ) from None


def _column(items: list[Any], dtype: DType) -> Value:
    if dtype.name == "string":
        result = np.empty(len(items), dtype=object)
        result[:] = items
        return result
    return array.from_numpy(np.array(items, dtype=dtype.as_numpy_dtype))


initialize_table_from_text_file_v2_op = _both(
    "InitializeTableFromTextFile",
    ", filename: string",
    "",
    _initialize_from_text_file,
    shape=no_outputs,
    minimum={"key_index": -2, "value_index": -2, "vocab_size": -1},
)


def _insert(table_handle: Table, keys: Value, values: Value) -> tuple[()]:
    table_handle.check_types(array.dtype_of(keys), array.dtype_of(values))
    table_handle.insert(keys, values)
    return ()


lookup_table_insert_v2_op = _both("LookupTableInsert", ", keys: Tin, values: Tout", "", _insert, shape=no_outputs)


def _import(table_handle: Table, keys: Value, values: Value) -> tuple[()]:
    table_handle.check_types(array.dtype_of(keys), array.dtype_of(values))
    table_handle.replace(keys, values)
    return ()


lookup_table_import_v2_op = _both("LookupTableImport", ", keys: Tin, values: Tout", "", _import, shape=no_outputs)


@op("LookupTableRemoveV2(table_handle: resource, keys: Tin)", shape=no_outputs, **_STATEFUL)
def lookup_table_remove_v2_op(table_handle: Table, keys: Value) -> tuple[()]:
    table_handle.check_types(array.dtype_of(keys), None)
    table_handle.remove(keys)
    return ()


# Finding


def _find(table_handle: Table, keys: Value, default_value: Value) -> Value:
    table_handle.check_types(array.dtype_of(keys), array.dtype_of(default_value))
    return table_handle.find(keys, default_value)


def _found_shape(table_handle: Dims, keys: Dims, default_value: Dims) -> Dims:
    # Keys that are vectors, and values that are, are known to the table alone.
    return None


lookup_table_find_v2_op = _both(
    "LookupTableFind", ", keys: Tin, default_value: Tout", " -> values: Tout", _find, shape=_found_shape
)


def _size(table_handle: Table) -> Array:
    return torch.tensor(len(table_handle), dtype=torch.int64)


lookup_table_size_v2_op = _both("LookupTableSize", "", " -> size: int64", _size, shape=scalar)


def _export(table_handle: Table, *, Tkeys: DType, Tvalues: DType) -> tuple[Value, Value]:
    table_handle.check_types(Tkeys, Tvalues)
    return table_handle.export()


def _exported_shapes(table_handle: Dims, *, Tkeys: DType, Tvalues: DType) -> tuple[Dims, Dims]:
    return None, None


lookup_table_export_v2_op = _both(
    "LookupTableExport", "", " -> (keys: Tkeys, values: Tvalues)", _export, shape=_exported_shapes
)
