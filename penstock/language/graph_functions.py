"""The methods of a graph as functions on the default graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.core import context
from penstock.core.convert import convert_to_tensor as convert
from penstock.core.convert import is_tensor_like, register_conversion
from penstock.core.device import merge_device
from penstock.core.graph import current_graph, get_default_graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import constant_value
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.ragged.ragged_tensor import RaggedTensor


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """Return `value` as a tensor.

    Args:
        value: a tensor, variable, Python number, string, nested list, or NumPy array.
        dtype: the type required; None takes the value's own.
        dtype_hint: the type to try where `dtype` is None.
        name: the name of the node that may be made.
    Raises:
        TypeError: if the value has no tensor form, or not of this type.
        ValueError: if a tensor has another type.
    """
    return convert(value, dtype, name, dtype_hint)


def convert_to_tensor_v1(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None
) -> Tensor:
    """Return `value` as a tensor; see `convert_to_tensor`. `preferred_dtype` is the former name of `dtype_hint`."""
    return convert(value, dtype, name, preferred_dtype if dtype_hint is None else dtype_hint)


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return IndexedSlices as they are, and anything else as a tensor."""
    return value if isinstance(value, IndexedSlices) else convert(value, dtype, name)


def register_tensor_conversion_function(base_type: Any, conversion_func: Any, priority: int = 100) -> None:
    """Register how objects of a class become tensors.

    Args:
        base_type: a class or a tuple of classes.
        conversion_func: `(value, dtype=None, name=None, as_ref=False) -> Tensor`, or NotImplemented to decline.
        priority: lower is asked first.
    """
    register_conversion(base_type, conversion_func, priority)


def is_tensor(x: Any) -> bool:
    """Tell whether `x` is a tensor, or of a class that stands for one, such as a variable."""
    return isinstance(x, (SparseTensor, RaggedTensor, IndexedSlices)) or is_tensor_like(x)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """Return a tensor's value as a NumPy array if it is known while the graph is built, else None.

    Args:
        tensor: a tensor; anything else is returned as it is.
        partial: whether a stack of scalars that is known in part is returned, with None for the unknown ones.
    """
    return constant_value(tensor, partial) if isinstance(tensor, Tensor) else tensor


def add_to_collection(name: Any, value: Any) -> None:
    """Append `value` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Append `value` to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """Return a copy of a collection of the default graph; see `Graph.get_collection`."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """Return a collection of the default graph itself."""
    return get_default_graph().get_collection_ref(key)


def control_dependencies(control_inputs: Any) -> contextlib.AbstractContextManager[None]:
    """Make operations within the block wait for `control_inputs`; eagerly, everything has run already.

    Args:
        control_inputs: operations and tensors, or functions that make them (called eagerly); None leaves surrounding
            blocks.
    Raises:
        TypeError: if something is neither an operation nor a tensor.
    """
    graph = current_graph()
    if graph is None:
        for item in control_inputs or ():
            if callable(item):
                item()
        return contextlib.nullcontext()
    return graph.control_dependencies(control_inputs)


@contextlib.contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Request a device for the operations made within the block.

    Args:
        device_name: a device name, a DeviceSpec, or None; in graphs also a function from operation to name.
    Raises:
        RuntimeError: for a function in eager execution.
        ValueError: eagerly, for a malformed name.
    """
    graph = current_graph()
    if graph is not None:
        with graph.device(device_name):
            yield
        return
    if callable(device_name) and not hasattr(device_name, "to_string"):
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    if device_name is not None and not isinstance(device_name, str) and not hasattr(device_name, "to_string"):
        raise ValueError(f"Expecting a string device name. Got {type(device_name)}({device_name!r})")
    state = context.state
    saved = state.eager_device
    state.eager_device = "" if device_name is None else merge_device(saved)(device_name)
    try:
        yield
    finally:
        state.eager_device = saved


def device_v1(device_name_or_function: Any) -> contextlib.AbstractContextManager[None]:
    """Request a device for the operations made within the block; see `device`."""
    return device(device_name_or_function)


@contextlib.contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Place the operations made within the block on the device of `op`."""
    graph = current_graph()
    if graph is None:
        yield
        return
    with graph.colocate_with(op, ignore_existing):
        yield
