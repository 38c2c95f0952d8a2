"""Numbers of the DataType enumeration, and the NumPy types that hold them."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from penstock.formats.errors import CorruptDataError

DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_INT16, DT_INT8, DT_STRING, DT_COMPLEX64, DT_INT64, DT_BOOL = range(1, 11)
DT_QINT8, DT_QUINT8, DT_QINT32, DT_BFLOAT16, DT_QINT16, DT_QUINT16, DT_UINT16, DT_COMPLEX128, DT_HALF = range(11, 20)
DT_RESOURCE, DT_VARIANT, DT_UINT32, DT_UINT64 = range(20, 24)
DT_FLOAT8_E5M2, DT_FLOAT8_E4M3FN, DT_FLOAT8_E4M3FNUZ, DT_FLOAT8_E4M3B11FNUZ, DT_FLOAT8_E5M2FNUZ = range(24, 29)
DT_INT4, DT_UINT4, DT_INT2, DT_UINT2, DT_FLOAT4_E2M1FN = range(29, 34)
_REF_OFFSET = 100

# Quantized types are held as their integers, strings as `bytes` objects.
NUMPY_TYPES: dict[int, np.dtype] = {
    DT_FLOAT: np.dtype(np.float32),
    DT_DOUBLE: np.dtype(np.float64),
    DT_INT32: np.dtype(np.int32),
    DT_UINT8: np.dtype(np.uint8),
    DT_INT16: np.dtype(np.int16),
    DT_INT8: np.dtype(np.int8),
    DT_STRING: np.dtype(object),
    DT_COMPLEX64: np.dtype(np.complex64),
    DT_INT64: np.dtype(np.int64),
    DT_BOOL: np.dtype(np.bool_),
    DT_QINT8: np.dtype(np.int8),
    DT_QUINT8: np.dtype(np.uint8),
    DT_QINT32: np.dtype(np.int32),
    DT_BFLOAT16: np.dtype(ml_dtypes.bfloat16),
    DT_QINT16: np.dtype(np.int16),
    DT_QUINT16: np.dtype(np.uint16),
    DT_UINT16: np.dtype(np.uint16),
    DT_COMPLEX128: np.dtype(np.complex128),
    DT_HALF: np.dtype(np.float16),
    DT_UINT32: np.dtype(np.uint32),
    DT_UINT64: np.dtype(np.uint64),
    DT_FLOAT8_E5M2: np.dtype(ml_dtypes.float8_e5m2),
    DT_FLOAT8_E4M3FN: np.dtype(ml_dtypes.float8_e4m3fn),
    DT_FLOAT8_E4M3FNUZ: np.dtype(ml_dtypes.float8_e4m3fnuz),
    DT_FLOAT8_E4M3B11FNUZ: np.dtype(ml_dtypes.float8_e4m3b11fnuz),
    DT_FLOAT8_E5M2FNUZ: np.dtype(ml_dtypes.float8_e5m2fnuz),
    DT_INT4: np.dtype(ml_dtypes.int4),
    DT_UINT4: np.dtype(ml_dtypes.uint4),
    DT_INT2: np.dtype(ml_dtypes.int2),
    DT_UINT2: np.dtype(ml_dtypes.uint2),
    DT_FLOAT4_E2M1FN: np.dtype(ml_dtypes.float4_e2m1fn),
}
_QUANTIZED = {DT_QINT8, DT_QUINT8, DT_QINT32, DT_QINT16, DT_QUINT16}
_ENUMS = {numpy_type: enum for enum, numpy_type in NUMPY_TYPES.items() if enum not in _QUANTIZED}


def numpy_type(enum: int) -> np.dtype:
    """Return the NumPy type that holds elements of type `enum`; a ref type is held as what it refers to.

    Raises:
        CorruptDataError: if no array holds such elements: resources, variants, unknown numbers.
    """
    base = enum - _REF_OFFSET if enum > _REF_OFFSET else enum
    if base not in NUMPY_TYPES:
        kind = {DT_RESOURCE: "a resource", DT_VARIANT: "a variant"}.get(base, "unknown")
        raise CorruptDataError(f"data type {enum} is {kind}: an array cannot hold it")
    return NUMPY_TYPES[base]


def enum_of(array: np.ndarray) -> int:
    """Return the data type number of an array; arrays of objects, `bytes` and `str` are strings.

    Raises:
        TypeError: if TensorFlow has no such type.
    """
    if array.dtype.kind in "OSU":
        return DT_STRING
    native = array.dtype.newbyteorder("=")
    if native not in _ENUMS:
        raise TypeError(f"an array of {array.dtype} is no tensor; convert it to one of {[str(t) for t in _ENUMS]}")
    return _ENUMS[native]


def as_bytes(value: object) -> bytes:
    """Return a string element as bytes; text is encoded in UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    raise TypeError(f"an element of a string tensor must be bytes or str, got {value!r} of {type(value).__name__}")
