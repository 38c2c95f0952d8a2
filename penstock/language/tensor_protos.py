"""Tensors as messages: `tf.make_tensor_proto` and `tf.make_ndarray`; whether a program is tracing."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import as_array
from penstock.core.dtypes import as_dtype
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import current_graph
from penstock.core.tensor import SymbolicTensor
from penstock.formats import tensor_proto
from penstock.formats.protos import TensorProto


def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False
) -> Any:
    """Return a TensorProto of values.

    Args:
        values: numbers, strings, nested lists of them, or an array.
        dtype: the type; by default the values' own.
        shape: the shape; by default the values' own.
        verify_shape: whether the values must have exactly this shape.
        allow_broadcast: whether a single value may stand for a whole tensor.
    Raises:
        TypeError: if the values have not the given type, or `verify_shape` and another shape.
        ValueError: if there are more or fewer values than the shape needs.
    """
    if isinstance(values, TensorProto):
        return values
    array, found = as_array(values, None if dtype is None else as_dtype(dtype))
    array = np.asarray(array)
    if shape is None:
        return tensor_proto.to_tensor_proto(array, found.as_datatype_enum)
    dims = [int(size) for size in shape]
    count = int(np.prod(dims, dtype=np.int64))
    if verify_shape and list(array.shape) != dims:
        raise TypeError(f"Expected Tensor's shape: {tuple(dims)}, but got {array.shape}.")
    if array.size > count or (array.size != count and not (allow_broadcast and array.size == 1)):
        raise ValueError(f"Too many or too few elements provided: shape {dims} needs {count}, got {array.size}.")
    return tensor_proto.to_tensor_proto(array, found.as_datatype_enum, dims)


def make_ndarray(tensor: Any) -> np.ndarray:
    """Return the elements of a TensorProto as an array.

    Args:
        tensor: the message.
    """
    return tensor_proto.from_tensor_proto(tensor)


def inside_function() -> bool:
    """Tell whether the program is tracing a function."""
    return isinstance(current_graph(), FuncGraph)


def is_symbolic_tensor(tensor: Any) -> bool:
    """Tell whether a value is a tensor of a graph, which has no value yet.

    Args:
        tensor: any value.
    """
    return isinstance(tensor, SymbolicTensor)
