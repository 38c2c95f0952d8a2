"""NumPy's types and constants, and the rules by which types are promoted."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor, is_tensor_like
from penstock.core.dtypes import DType, as_dtype
from penstock.core.tensor import Tensor

bool_ = np.bool_
int8 = np.int8
int16 = np.int16
int32 = np.int32
int64 = np.int64
uint8 = np.uint8
uint16 = np.uint16
uint32 = np.uint32
uint64 = np.uint64
float16 = np.float16
float32 = np.float32
float64 = np.float64
complex64 = np.complex64
complex128 = np.complex128
int_ = np.int64
float_ = np.float64
complex_ = np.complex128
object_ = np.object_
string_ = np.bytes_
unicode_ = np.str_
inexact = np.inexact
iinfo = np.iinfo
issubdtype = np.issubdtype

pi = np.pi
e = np.e
inf = np.inf
newaxis = None

_NARROW = {np.dtype(np.float64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.complex64)}

# Python numbers that stand for lists of them.
_WEAK: dict[str, Any] = {"i": 0, "f": 0.0, "c": 0j}

# Whether Python's own floating and complex numbers become float32 and complex64.
_prefers_float32 = False


def set_prefer_float32(value: bool) -> None:
    """Say whether Python's floats become float32 (and complex numbers complex64) where no array says otherwise."""
    global _prefers_float32
    _prefers_float32 = bool(value)


def prefers_float32() -> bool:
    """Tell whether Python's floats become float32."""
    return _prefers_float32


def numpy_dtype(dtype: Any) -> np.dtype:
    """Return NumPy's form of a type: of a DType, a NumPy type, a Python type or a name."""
    if isinstance(dtype, DType):
        return np.dtype(dtype.as_numpy_dtype)
    return np.dtype(dtype)


def tensor_dtype(dtype: Any) -> DType:
    """Return the DType of a type as NumPy understands it: Python's `float` is float64, `int` is int64."""
    return dtype if isinstance(dtype, DType) else as_dtype(np.dtype(dtype))


def python_array(value: Any) -> np.ndarray:
    """Return Python numbers, arrays or nested lists of them as an array, of the type that NumPy gives them."""
    numbers = np.asarray(value)
    if _prefers_float32 and numbers.dtype in _NARROW and not _has_numpy(value):
        return numbers.astype(_NARROW[numbers.dtype])
    return numbers


def _has_numpy(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_has_numpy(item) for item in value)
    return isinstance(value, (np.ndarray, np.generic))


def has_tensors(value: Any) -> bool:
    """Tell whether a nested list holds something that has a tensor's type."""
    if isinstance(value, (list, tuple)):
        return any(has_tensors(item) for item in value)
    return not isinstance(value, (bool, int, float, complex, np.ndarray, np.generic)) and is_tensor_like(value)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _operand(value: Any) -> Any:
    """Return what NumPy's own promotion takes: a type, or a Python number, whose type is weak."""
    if type(value) is bool:
        return np.dtype(np.bool_)
    if type(value) in (int, float, complex):
        return value
    if isinstance(value, Tensor):
        return numpy_dtype(value.dtype.base_dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype
    if isinstance(value, (DType, np.dtype, type, str)):
        return numpy_dtype(value)
    if isinstance(value, (list, tuple)):
        return _list_operand(value)
    if is_tensor_like(value):
        return numpy_dtype(getattr(value, "dtype", None) or convert_to_tensor(value).dtype).base
    return python_array(value).dtype


def _list_operand(value: Any) -> Any:
    if has_tensors(value):
        return numpy_dtype(result_type(*_leaves(value)))
    numbers = np.asarray(value)
    # A list of Python's numbers is as weak as they are.
    return numbers.dtype if _has_numpy(value) else _WEAK.get(numbers.dtype.kind, numbers.dtype)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """Return the type to which NumPy promotes its arguments.

    Args:
        *arrays_and_dtypes: arrays, Python numbers and types. Python numbers take the type of an array beside them where
            it can hold their kind.
    Returns:
        A DType.
    Raises:
        TypeError: if the types have none in common.

    >>> import numpy as np
    >>> result_type(np.int32, np.float32).name
    'float64'
    """
    operands = [_operand(value) for value in arrays_and_dtypes]
    result = np.result_type(*operands)
    if _prefers_float32 and result in _NARROW and not any(isinstance(item, np.dtype) for item in operands):
        result = _NARROW[result]
    return as_dtype(result)


def promote_types(type1: Any, type2: Any) -> np.dtype:
    """Return the smallest type to which both types can be cast safely.

    Raises:
        TypeError: if there is none.
    """
    return np.promote_types(numpy_dtype(type1), numpy_dtype(type2))


def finfo(dtype: Any) -> np.finfo:
    """Return the limits of a floating type, as NumPy's `finfo`."""
    return np.finfo(numpy_dtype(dtype).type)
