"""Nested values (specs, Python values, lists, dictionaries) as StructuredValue messages, and back."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph_def import dims_from_proto, shape_proto
from penstock.core.indexed_slices import IndexedSlicesSpec
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensorSpec
from penstock.core.tensor import EagerTensor
from penstock.core.type_spec import BoundedTensorSpec, TensorSpec, TypeSpec
from penstock.formats import protos
from penstock.formats.errors import CorruptDataError
from penstock.formats.tensor_proto import from_tensor_proto, to_tensor_proto
from penstock.ops.ragged.ragged_tensor import RaggedTensorSpec
from penstock.ops.ragged.row_partition import RowPartitionSpec

# The specs that the format knows by number.
_SPECS: dict[str, type[TypeSpec]] = {
    "SPARSE_TENSOR_SPEC": SparseTensorSpec,
    "INDEXED_SLICES_SPEC": IndexedSlicesSpec,
    "RAGGED_TENSOR_SPEC": RaggedTensorSpec,
    "ROW_PARTITION_SPEC": RowPartitionSpec,
}


class NotWritableError(TypeError):
    """A value that has no form in a SavedModel."""


def to_message(value: Any) -> Any:
    """Return a nested value as a StructuredValue message.

    Raises:
        NotWritableError: if some part of it has no such form.
    """
    message = protos.StructuredValue()
    _fill(message, value)
    return message


def _fill(message: Any, value: Any) -> None:
    if value is None:
        message.none_value.SetInParent()
    elif isinstance(value, (bool, np.bool_)):
        message.bool_value = bool(value)
    elif isinstance(value, (int, float, str)) and type(value) in (int, float, str):
        setattr(message, {int: "int64_value", float: "float64_value", str: "string_value"}[type(value)], value)
    elif isinstance(value, DType):
        message.tensor_dtype_value = value.as_datatype_enum
    elif isinstance(value, TensorShape):
        message.tensor_shape_value.CopyFrom(shape_proto(value.as_tuple()))
    elif isinstance(value, TypeSpec):
        _fill_spec(message, value)
    elif isinstance(value, (np.ndarray, np.generic)):
        message.numpy_value.CopyFrom(to_tensor_proto(np.asarray(value)))
    elif isinstance(value, EagerTensor):
        message.tensor_value.CopyFrom(
            to_tensor_proto(np.asarray(value.numpy()), enum=value.dtype.base_dtype.as_datatype_enum)
        )
    elif nest.is_namedtuple(value):
        message.named_tuple_value.name = type(value).__name__
        message.named_tuple_value.SetInParent()
        for name in value._fields:
            _fill(message.named_tuple_value.values.add(key=name).value, getattr(value, name))
    elif isinstance(value, (list, tuple)):
        target = message.list_value if isinstance(value, list) else message.tuple_value
        target.SetInParent()
        for item in value:
            _fill(target.values.add(), item)
    elif isinstance(value, Mapping):
        message.dict_value.SetInParent()
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotWritableError(f"a dictionary in a saved function has the key {key!r}, which is no string")
            _fill(message.dict_value.fields[key], item)
    else:
        raise NotWritableError(f"{value!r} of {type(value).__name__} cannot be written in a SavedModel")


def _fill_spec(message: Any, spec: TypeSpec) -> None:
    if isinstance(spec, TensorSpec):
        bounded = isinstance(spec, BoundedTensorSpec)
        target = message.bounded_tensor_spec_value if bounded else message.tensor_spec_value
        target.name = spec.name or ""
        target.shape.CopyFrom(shape_proto(spec.shape.as_tuple()))
        target.dtype = spec.dtype.as_datatype_enum
        if isinstance(spec, BoundedTensorSpec):
            target.minimum.CopyFrom(to_tensor_proto(np.asarray(spec.minimum)))
            target.maximum.CopyFrom(to_tensor_proto(np.asarray(spec.maximum)))
        return
    for name, known in _SPECS.items():
        if type(spec) is known:
            target = message.type_spec_value
            target.type_spec_class = protos.TypeSpecProto.TypeSpecClass.Value(name)
            target.type_spec_class_name = known.__name__
            target.num_flat_components = len(nest.flatten(spec._component_specs, expand_composites=True))
            _fill(target.type_state, spec._serialize())
            return
    raise NotWritableError(f"{spec!r} cannot be written in a SavedModel: the format knows no {type(spec).__name__}")


def from_message(message: Any) -> Any:
    """Return the nested value that a StructuredValue message describes.

    Raises:
        CorruptDataError: if the message holds something that does not exist here.
    """
    kind = message.WhichOneof("kind")
    if kind is None or kind == "none_value":
        return None
    value = getattr(message, kind)
    if kind in ("bool_value", "float64_value", "string_value"):
        return value
    if kind == "int64_value":
        return int(value)
    if kind == "tensor_dtype_value":
        return _dtype(value)
    if kind == "tensor_shape_value":
        return TensorShape(dims_from_proto(value))
    if kind == "tensor_spec_value":
        return TensorSpec(dims_from_proto(value.shape), _dtype(value.dtype), value.name or None)
    if kind == "bounded_tensor_spec_value":
        return BoundedTensorSpec(
            dims_from_proto(value.shape),
            _dtype(value.dtype),
            from_tensor_proto(value.minimum),
            from_tensor_proto(value.maximum),
            value.name or None,
        )
    if kind in ("numpy_value", "tensor_value"):
        return from_tensor_proto(value)
    if kind == "type_spec_value":
        return _spec_of(value)
    if kind in ("list_value", "tuple_value"):
        items = [from_message(item) for item in value.values]
        return items if kind == "list_value" else tuple(items)
    if kind == "dict_value":
        return {key: from_message(value.fields[key]) for key in sorted(value.fields)}
    if kind == "named_tuple_value":
        pairs = [(pair.key, from_message(pair.value)) for pair in value.values]
        return _named_tuple(value.name, tuple(key for key, _ in pairs))(*(item for _, item in pairs))
    raise CorruptDataError(f"a saved function has an argument of the kind {kind!r}, which is not known here")


def _dtype(number: int) -> DType:
    try:
        return as_dtype(number)
    except TypeError as error:
        raise CorruptDataError(str(error)) from None


@functools.lru_cache(maxsize=256)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    return collections.namedtuple(name, fields, rename=True)


def _spec_of(message: Any) -> TypeSpec:
    try:
        name = protos.TypeSpecProto.TypeSpecClass.Name(message.type_spec_class)
    except ValueError:
        name = str(message.type_spec_class)
    if name not in _SPECS:
        raise CorruptDataError(
            f"a saved function takes or returns {message.type_spec_class_name or name}, which cannot be read here"
        )
    return _SPECS[name]._deserialize(from_message(message.type_state))
