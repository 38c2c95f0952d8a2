"""NumPy arrays to TensorProto messages and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.formats import dtypes, protos, varint
from penstock.formats.errors import CorruptDataError

MAX_TENSOR_BYTES = 1 << 31
"""Neither a message nor the array expanded from a message's repeated last value may be larger."""

MAX_RANK = 64
"""NumPy has no arrays of higher rank."""

_INT_VAL = {
    dtypes.DT_INT32,
    dtypes.DT_INT16,
    dtypes.DT_UINT16,
    dtypes.DT_INT8,
    dtypes.DT_UINT8,
    dtypes.DT_QINT8,
    dtypes.DT_QUINT8,
    dtypes.DT_QINT16,
    dtypes.DT_QUINT16,
    dtypes.DT_QINT32,
    dtypes.DT_INT4,
    dtypes.DT_UINT4,
    dtypes.DT_INT2,
    dtypes.DT_UINT2,
}
_FLOAT8_VAL = {
    dtypes.DT_FLOAT8_E5M2,
    dtypes.DT_FLOAT8_E4M3FN,
    dtypes.DT_FLOAT8_E4M3FNUZ,
    dtypes.DT_FLOAT8_E4M3B11FNUZ,
    dtypes.DT_FLOAT8_E5M2FNUZ,
    dtypes.DT_FLOAT4_E2M1FN,
}
# Data type -> the repeated field that lists its elements.
_FIELDS: dict[int, str] = {
    **dict.fromkeys(_INT_VAL, "int_val"),
    **dict.fromkeys(_FLOAT8_VAL, "float8_val"),
    dtypes.DT_FLOAT: "float_val",
    dtypes.DT_DOUBLE: "double_val",
    dtypes.DT_INT64: "int64_val",
    dtypes.DT_BOOL: "bool_val",
    dtypes.DT_UINT32: "uint32_val",
    dtypes.DT_UINT64: "uint64_val",
    dtypes.DT_HALF: "half_val",
    dtypes.DT_BFLOAT16: "half_val",
    dtypes.DT_COMPLEX64: "scomplex_val",
    dtypes.DT_COMPLEX128: "dcomplex_val",
    dtypes.DT_STRING: "string_val",
}
# TensorFlow lists the elements of these whatever their number.
_NEVER_CONTENT = {
    dtypes.DT_BOOL,
    dtypes.DT_COMPLEX64,
    dtypes.DT_COMPLEX128,
    dtypes.DT_INT4,
    dtypes.DT_UINT4,
    dtypes.DT_INT2,
    dtypes.DT_UINT2,
    dtypes.DT_UINT16,
    dtypes.DT_STRING,
}


def to_tensor_proto(array: Any, enum: int | None = None, shape: Sequence[int] | None = None) -> Any:
    """Make the TensorProto that TensorFlow makes of the same array.

    Args:
        array: a NumPy array or what becomes one. String elements are `bytes` or `str`.
        enum: the DataType number; by default that of the array. Give it for quantized types, which arrays do not tell.
        shape: the tensor's shape, by default the array's. With fewer elements than it needs, the last one is repeated.
    Returns:
        The message. Elements are raw bytes in `tensor_content` where TensorFlow does so, else listed.
    Raises:
        TypeError: if TensorFlow has no type for the array.
        ValueError: if the array has more elements than `shape`, or 2 GiB and more.
    """
    array = np.asarray(array)
    enum = dtypes.enum_of(array) if enum is None else enum
    if enum != dtypes.DT_STRING:
        array = array.astype(dtypes.numpy_type(enum), copy=False)
    shape = array.shape if shape is None else tuple(shape)
    size = math.prod(shape)
    if array.size > size:
        raise ValueError(f"an array of {array.size} elements is too large for shape {tuple(shape)}, which has {size}")
    proto = protos.TensorProto(dtype=enum)
    proto.tensor_shape.SetInParent()
    for dimension in shape:
        proto.tensor_shape.dim.add(size=dimension)
    if array.nbytes >= MAX_TENSOR_BYTES:
        raise ValueError(f"a tensor of {array.nbytes} bytes does not fit a message of 2 GiB; use a variable for it")
    if array.size == size and size > 1 and enum not in _NEVER_CONTENT:
        proto.tensor_content = array.tobytes()
    else:
        _list_elements(proto, array.reshape(-1), enum)
    return proto


def _list_elements(proto: Any, flat: np.ndarray, enum: int) -> None:
    """Append the elements of a flat array to the field for their type."""
    if enum == dtypes.DT_STRING:
        proto.string_val.extend(dtypes.as_bytes(element) for element in flat.tolist())
    elif enum in _FLOAT8_VAL:
        proto.float8_val = flat.tobytes()
    else:
        elements: Any = flat
        if enum in (dtypes.DT_HALF, dtypes.DT_BFLOAT16):
            elements = flat.view(np.uint16)
        elif enum == dtypes.DT_COMPLEX64:
            elements = flat.view(np.float32)
        elif enum == dtypes.DT_COMPLEX128:
            elements = flat.view(np.float64)
        elif enum in _INT_VAL:
            elements = flat.astype(np.int32)
        getattr(proto, _FIELDS[enum]).extend(elements.tolist())


def from_tensor_proto(proto: Any) -> np.ndarray:
    """Make the array that a TensorProto describes.

    Args:
        proto: the message. Fewer listed elements than its shape needs mean that the last is repeated; none, zeros.
    Returns:
        A writable array of its own; strings as an object array of `bytes`, quantized types as their integers.
    Raises:
        CorruptDataError: if the message contradicts itself, has a type no array can hold, or asks for 2 GiB and more
            that it does not contain.
    """
    enum = proto.dtype - 100 if proto.dtype > 100 else proto.dtype
    numpy_type = dtypes.numpy_type(enum)
    shape = shape_of(proto.tensor_shape)
    size = math.prod(shape)
    flat = _contained(proto, enum, numpy_type, size)
    if flat.size > size:
        raise CorruptDataError(f"a TensorProto of shape {shape} needs {size} elements and lists {flat.size}")
    if flat.size < size:
        if size * numpy_type.itemsize >= MAX_TENSOR_BYTES:
            raise CorruptDataError(
                f"a TensorProto of shape {shape} lists {flat.size} elements of {size}: too many to add"
            )
        default: Any = b"" if enum == dtypes.DT_STRING else 0
        padding = np.full(size - flat.size, flat[-1] if flat.size else default, dtype=numpy_type)
        flat = np.concatenate([flat, padding])
    return reshape(flat, shape)


def shape_of(shape_proto: Any) -> tuple[int, ...]:
    """Return the fully known shape that a TensorShapeProto describes.

    Raises:
        CorruptDataError: if rank or a dimension is unknown, negative, or too large for any array.
    """
    if shape_proto.unknown_rank:
        raise CorruptDataError("the tensor's shape has unknown rank; a stored tensor needs a known one")
    if len(shape_proto.dim) > MAX_RANK:
        raise CorruptDataError(f"the tensor's shape has {len(shape_proto.dim)} dimensions, more than {MAX_RANK}")
    shape = tuple(dim.size for dim in shape_proto.dim)
    if any(dimension < 0 for dimension in shape) or math.prod(shape) >= 1 << 60:
        raise CorruptDataError(f"no tensor has shape {shape}")
    return shape


def reshape(flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Reshape an array of the right size; sizes that NumPy refuses (0 beside a huge dimension) are corrupt data."""
    try:
        return flat.reshape(shape)
    except ValueError as error:
        raise CorruptDataError(f"no array has shape {shape}: {error}") from error


def _contained(proto: Any, enum: int, numpy_type: np.dtype, size: int) -> np.ndarray:
    """Return the elements that the message contains, as a flat array of at most about the message's size."""
    content = proto.tensor_content
    if content:
        if enum == dtypes.DT_STRING:
            return _split_strings(content, size)
        if len(content) != size * numpy_type.itemsize:
            raise CorruptDataError(
                f"a TensorProto of {size} elements of {numpy_type} has {len(content)} bytes of content, "
                f"expected {size * numpy_type.itemsize}"
            )
        if enum == dtypes.DT_BOOL:
            return np.frombuffer(content, np.uint8) != 0
        return np.frombuffer(content, numpy_type).copy()
    listed = getattr(proto, _FIELDS[enum])
    if enum == dtypes.DT_STRING:
        return object_array(list(listed))
    if enum in _FLOAT8_VAL:
        return np.frombuffer(listed, numpy_type).copy()
    if enum in (dtypes.DT_HALF, dtypes.DT_BFLOAT16):
        bits: np.ndarray = np.array(listed, np.int64).astype(np.uint16)
        return bits.view(numpy_type)
    if enum in (dtypes.DT_COMPLEX64, dtypes.DT_COMPLEX128):
        if len(listed) % 2:
            raise CorruptDataError(
                f"a TensorProto of {numpy_type} lists {len(listed)} parts: an imaginary part is missing"
            )
        return np.array(listed, numpy_type.type(0).real.dtype).view(numpy_type)
    if enum in _INT_VAL:
        return np.array(listed, np.int64).astype(np.int32).astype(numpy_type)
    return np.array(listed, numpy_type)


def object_array(elements: list[bytes]) -> np.ndarray:
    """Make a flat object array; NumPy alone would make fixed-width strings and drop trailing zero bytes."""
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array


def _split_strings(content: bytes, size: int) -> np.ndarray:
    """Split `tensor_content` of a string tensor: all lengths as varints, then all bytes."""
    if size > len(content):
        raise CorruptDataError(f"a TensorProto of {size} strings has only {len(content)} bytes of content")
    lengths = []
    position = 0
    for _ in range(size):
        length, position = varint.decode(content, position)
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise CorruptDataError(
            f"the {size} strings of a TensorProto do not add up to its {len(content)} bytes of content"
        )
    elements = []
    for length in lengths:
        elements.append(content[position : position + length])
        position += length
    return object_array(elements)
