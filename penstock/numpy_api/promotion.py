"""How the types of two operands are brought together, by the mode of conversion that the program chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import is_tensor_like
from penstock.core.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int32,
)
from penstock.core.tensor import Tensor
from penstock.numpy_api.dtypes import has_tensors, python_array, result_type

MODES = ("off", "legacy", "safe", "all")

# The types that Python's numbers have where the other operand is a boolean.
_OF_PYTHON = {bool: bool_, int: int32, float: float32, complex: complex128}


def promoted_dtype(x: Any, y: Any, mode: str) -> DType:
    """Return the type to which two operands are cast.

    Args:
        x, y: tensors, arrays, lists or Python numbers, at least one of them a tensor.
        mode: "legacy", "all" or "safe".
    Raises:
        TypeError: if the types do not go together in this mode.
    """
    if mode == "legacy":
        return result_type(x, y)
    if type(x) in _OF_PYTHON:
        x, y = y, x
    dtype = _type_of(x)
    if type(y) in _OF_PYTHON:
        return _beside_number(dtype, type(y), mode)
    other = _type_of(y)
    return common_dtype(dtype, other) if mode == "all" else safe_dtype(dtype, other)


def _type_of(value: Any) -> DType:
    if isinstance(value, Tensor) or is_tensor_like(value):
        return as_dtype(value.dtype).base_dtype
    return result_type(value) if has_tensors(value) else as_dtype(python_array(value).dtype)


def common_dtype(x: DType, y: DType) -> DType:
    """Return the type of the mode "all": the complex or floating one of the two, widened where there are two of
    them."""
    if x is y:
        return x
    if x.is_complex or y.is_complex:
        wide = any(dtype in (float64, complex128) for dtype in (x, y))
        return complex128 if wide else complex64
    if x.is_floating and y.is_floating:
        return float32 if {x, y} == {float16, bfloat16} else max(x, y, key=lambda dtype: dtype.size)
    if x.is_floating or y.is_floating:
        return x if x.is_floating else y
    return as_dtype(np.promote_types(x.as_numpy_dtype, y.as_numpy_dtype))


def safe_dtype(x: DType, y: DType) -> DType:
    """Return the type of the mode "safe": the one of the two that holds all values of the other.

    Raises:
        TypeError: if neither does.
    """
    try:
        result = as_dtype(np.promote_types(x.as_numpy_dtype, y.as_numpy_dtype))
    except TypeError:
        result = None
    # float64 is no exact home for 64-bit integers, though NumPy takes it.
    inexact = (
        any(dtype.is_integer and dtype.size == 8 for dtype in (x, y)) and result is not None and not result.is_integer
    )
    if result not in (x, y) or inexact:
        raise TypeError(
            f"In promotion mode 'safe', {x.name} and {y.name} have no type that holds both: cast one of them with "
            "tf.cast, "
            "or choose the mode 'all'."
        )
    return result


def _beside_number(dtype: DType, kind: Any, mode: str) -> DType:
    """Return the type of a tensor's type and a Python number, which takes the tensor's where that holds its kind."""
    if dtype.is_bool:
        return _OF_PYTHON[kind]
    if kind in (bool, int) or dtype.is_complex or (kind is float and dtype.is_floating):
        return dtype
    if mode == "safe" and (kind is float or dtype in (float16, bfloat16, float32)):
        raise TypeError(
            f"In promotion mode 'safe', a Python {kind.__name__} beside a tensor of {dtype.name} may lose precision: "
            "cast "
            "the tensor with tf.cast, or choose the mode 'all'."
        )
    if mode == "safe":
        return safe_dtype(dtype, complex128)
    if kind is float:
        return float64
    return complex64 if dtype in (float16, bfloat16, float32) else complex128
