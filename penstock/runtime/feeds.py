"""Values that users feed, checked against the tensors that they stand in for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.resources import VariableStorage
from penstock.core.shape_rules import format_dims
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor


def feed_converter(tensor: SymbolicTensor) -> Callable[[Any], Value]:
    """Return the function that turns a fed value into the runtime value of `tensor`.

    The function raises TypeError if the value is a symbolic tensor or not of the tensor's type, and ValueError if it
    has the wrong shape. NumPy arrays of the right type are used as they are, without a copy. A value fed for a
    reference to a variable stands in for the variable during the step.
    """
    to_value = _value_converter(tensor)
    if not tensor.dtype._is_ref_dtype:
        return to_value

    def convert(value: Any) -> VariableStorage:
        storage = VariableStorage(tensor.op.name, tensor.dtype.base_dtype, tensor.dims)
        storage.assign(to_value(value))
        return storage

    return convert


def _value_converter(tensor: SymbolicTensor) -> Callable[[Any], Value]:
    dtype, dims = tensor.dtype.base_dtype, tensor.dims
    if dtype.name in ("resource", "variant"):
        return _handle_converter(tensor)
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    name = tensor.name
    exact = None if dims is None or None in dims else dims
    rank = None if dims is None else len(dims)
    is_string = dtype.name == "string"
    number = float if dtype.is_floating else int if dtype.is_integer and not dtype.is_quantized else None

    def convert(value: Any) -> Value:
        if type(value) is number and not rank and dtype.size >= 4 and (number is float or -(2**31) <= value < 2**31):
            if number is int and value < 0 and dtype.is_unsigned:
                raise ValueError(f"Cannot feed {value} for Tensor {name!r} of type {dtype.name}")
            return array.from_scalar(value, dtype)
        if type(value) is not np.ndarray or value.dtype != numpy_dtype:
            value = _as_array(tensor, value, numpy_dtype)
        shape = value.shape
        if shape != exact and dims is not None and (len(shape) != rank or exact is not None or not _fits(shape, dims)):
            raise ValueError(
                f"Cannot feed value of shape {format_dims(shape)} for Tensor {name!r}, which has shape "
                f"{format_dims(dims)}. "
                "Reshape the value, or declare the placeholder with this shape."
            )
        if is_string or not value.flags.writeable:
            return array.from_numpy(value, copy=not is_string)
        return array.from_numpy(value)

    return convert


def _fits(shape: tuple[int, ...], dims: tuple[int | None, ...]) -> bool:
    return all(size == dim or dim is None for size, dim in zip(shape, dims, strict=True))


def _handle_converter(tensor: SymbolicTensor) -> Callable[[Any], Value]:
    def convert(value: Any) -> Value:
        if isinstance(value, Tensor) and not isinstance(value, EagerTensor):
            raise TypeError(f"The value of a feed cannot be a tf.Tensor object, got {value!r} for {tensor.name!r}")
        return value.value if isinstance(value, EagerTensor) else value

    return convert


def _as_array(tensor: SymbolicTensor, value: Any, numpy_dtype: np.dtype) -> np.ndarray:
    if isinstance(value, EagerTensor):
        value = value.numpy()
    elif isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        raise TypeError(
            f"The value of a feed cannot be a tf.Tensor object, got {value!r} for {tensor.name!r}. Acceptable feed "
            "values include Python scalars, "
            "strings, lists, numpy ndarrays, or TensorHandles; fetch the tensor's value with session.run first."
        )
    if value is None:
        raise TypeError(
            f"Cannot feed None for Tensor {tensor.name!r}: feed a value of type {tensor.dtype.name} and shape "
            f"{tensor.shape}"
        )
    if isinstance(value, int) and not isinstance(value, bool) and numpy_dtype.kind in "iu":
        info = np.iinfo(numpy_dtype)
        if not info.min <= value <= info.max:
            raise TypeError(
                f"Type of feed value {value} is not compatible with Tensor type {tensor.dtype.name} of "
                f"{tensor.name!r}: it does not fit."
            )
    try:
        if numpy_dtype.hasobject:
            return array._as_bytes(np.asarray(value, dtype=object))
        return np.asarray(value, dtype=numpy_dtype)
    except (ValueError, TypeError) as error:
        raise type(error)(
            f"Cannot feed a value of type {type(value).__name__} for Tensor {tensor.name!r}, which has type "
            f"{tensor.dtype.name} "
            f"and shape {format_dims(tensor.dims)}: {error}"
        ) from None
