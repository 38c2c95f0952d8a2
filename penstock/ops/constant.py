"""Constants, placeholders and operations that pass values through."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import array, dtypes, nest
from penstock.core.array import Value
from penstock.core.convert import as_array, constant_node, convert_to_tensor, eager_constant
from penstock.core.dispatch import on_requested_device
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import current_graph
from penstock.core.inference import partial_value
from penstock.core.op import op
from penstock.core.shape import Dims, as_dims
from penstock.core.shape_rules import merge, unchanged
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import CompositeTensor

Constant = np.ndarray


@op("Const() -> output: dtype", shape=lambda *, value, dtype: value.shape)
def const_op(*, value: Constant, dtype: DType) -> Value:
    return array.from_numpy(value, copy=True)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """Return a tensor with fixed elements.

    Args:
        value: a Python number or string, a nested list of them, or a NumPy array.
        dtype: the element type; by default the value's own (float32 and int32 for Python numbers).
        shape: the shape; a single value fills it, otherwise the number of elements must agree.
        name: the name of the node in a graph.
    Raises:
        TypeError: if the value is not of the type, or more elements are given than the shape holds.
        ValueError: if the value is a symbolic tensor, or a nested list is ragged.
    """
    return _constant(value, dtype, shape, name, fills=False)


def constant_v1(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """Return a tensor with fixed elements, as TensorFlow 1 does: too few elements are filled up with the last one.

    Args:
        value, dtype, shape, name: see `constant`.
        verify_shape: whether the number of elements must agree with `shape`.
    """
    return _constant(value, dtype, shape, name, fills=not verify_shape)


def _constant(value: Any, dtype: Any, shape: Any, name: str, fills: bool) -> Tensor:
    graph = current_graph()
    wanted = None if dtype is None else as_dtype(dtype).base_dtype
    if graph is None and shape is None and type(value) in (float, int, list):
        return on_requested_device(eager_constant(value, wanted))
    if isinstance(value, Tensor):
        if isinstance(value, EagerTensor) and graph is None:
            if wanted is not None and wanted != value.dtype:
                value = EagerTensor(array.from_numpy(as_array(value.numpy(), wanted)[0]), wanted)
            if shape is None:
                return value
        elif not isinstance(value, EagerTensor):
            raise TypeError(
                f"tf.constant takes values known now, got the symbolic tensor {value!r}; use tf.identity or "
                "tf.convert_to_tensor"
            )
        value = value.numpy()
    numbers, dtype = as_array(value, wanted)
    if shape is not None:
        numbers = _fit(numbers, shape, fills)
    if graph is None:
        return on_requested_device(EagerTensor(array.from_numpy(numbers, copy=True), dtype))
    return constant_node(graph, numbers, dtype, name or "Const")


def _fit(numbers: np.ndarray, shape: Any, fills: bool) -> np.ndarray:
    dims: Any = as_dims(shape)
    if dims is None or None in dims:
        raise ValueError(f"the shape of a constant must be fully known, got {shape}")
    size = int(np.prod(dims, dtype=np.int64))
    if numbers.size == size:
        return numbers.reshape(dims)
    if numbers.size == 1:
        return np.full(dims, numbers.reshape(-1)[0], dtype=numbers.dtype)
    if fills and 0 < numbers.size < size:
        flat = np.full(size, numbers.reshape(-1)[-1], dtype=numbers.dtype)
        flat[: numbers.size] = numbers.reshape(-1)
        return flat.reshape(dims)
    if fills:
        raise ValueError(f"Too many elements provided. Needed at most {size}, but received {numbers.size}")
    raise TypeError(
        f"Eager execution of tf.constant with unsupported shape. Tensor has {numbers.size} elements, but got `shape` "
        f"{tuple(dims)} with {size} elements)."
    )


@op("Placeholder() -> output: dtype", stateful=True, shape=lambda *, dtype, shape: shape)
def placeholder_op(*, dtype: DType, shape: Dims = None) -> Value:
    raise AssertionError("the compiler reports placeholders that are not fed")


@op(
    "PlaceholderWithDefault(input: dtype) -> output: dtype",
    view=True,
    shape=lambda input, *, dtype, shape: merge(input, shape) and shape,
)
def placeholder_with_default_op(input: Value, *, dtype: DType, shape: Dims) -> Value:
    return input


@placeholder_with_default_op.partial
def placeholder_with_default_partial(call: Any) -> None:
    return None  # a feed may replace the default


@placeholder_with_default_op.gradient
def placeholder_with_default_gradient(call: Any, grad: Tensor) -> Tensor:
    return grad


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """Return a tensor whose value is fed with `session.run(feed_dict={...})`.

    Args:
        dtype: the type of the elements.
        shape: the shape, None where a size or all is unknown.
        name: the name of the node.
    Raises:
        RuntimeError: when executing eagerly.
    """
    if current_graph() is None:
        raise RuntimeError(
            "tf.placeholder() is not compatible with eager execution. Build inside `with tf.Graph().as_default():`."
        )
    return placeholder_op(dtype=as_dtype(dtype), shape=as_dims(shape), name=name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return a tensor that has the value of `input` where none is fed.

    Args:
        input: the default value.
        shape: the shape, which the default's shape must fit.
        name: the name of the node.
    """
    value = convert_to_tensor(input)
    return placeholder_with_default_op(value, shape=as_dims(shape), dtype=value.dtype.base_dtype, name=name)


@op("NoOp()", stateful=True)
def no_op_op() -> tuple[()]:
    return ()


def no_op(name: str | None = None) -> Any:
    """Return an operation that does nothing, to which control dependencies can be tied."""
    return no_op_op(name=name)


@op("Identity(input: T) -> output: T", view=True, shape=unchanged)
def identity_op(input: Value) -> Value:
    return input


@identity_op.gradient
def identity_gradient(call: Any, grad: Tensor) -> Tensor:
    return grad


@identity_op.partial
def identity_partial(call: Any) -> Any:
    return partial_value(call.inputs[0])


@op("IdentityN(input: list(T)) -> output: list(T)", minimum={"T": 1}, view=True, shape=lambda input: input)
def identity_n_op(input: list[Value]) -> list[Value]:
    return input


@identity_n_op.gradient
def identity_n_gradient(call: Any, *grads: Tensor) -> tuple[Tensor, ...]:
    return grads


@op("StopGradient(input: T) -> output: T", view=True, shape=unchanged, differentiable=False)
def stop_gradient_op(input: Value) -> Value:
    return input


@op("Shape(input: T) -> output: out_type", out_type=dtypes.INTEGER, differentiable=False)
def shape_op(input: Value, *, out_type: DType = dtypes.int32) -> Value:
    return array.from_numpy(np.asarray(array.dims_of(input), dtype=out_type.as_numpy_dtype))


@shape_op.shape
def shape_shape(input: Dims, *, out_type: DType) -> Dims:
    return (None if input is None else len(input),)


@shape_op.partial
def shape_partial(call: Any) -> Any:
    dims = call.inputs[0].dims
    return None if dims is None else list(dims)


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Return a list of tensors with the values of those given.

    Args:
        input: a list of tensors, perhaps of different types.
        name: the name of the node.
    """
    return identity_n_op(input, name=name)


def identity(input: Any, name: str | None = None) -> Any:
    """Return a tensor with the value of `input`: a node of its own in a graph, a new tensor eagerly.

    Args:
        input: a tensor, or a composite of tensors that knows how to copy itself.
        name: the name of the node.
    """
    if isinstance(input, CompositeTensor):
        return nest.map_structure(identity, input, expand_composites=True)
    return identity_op(input, name=name)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """Return `input` as a constant in the eyes of differentiation.

    Args:
        input: a tensor, or a composite of tensors.
        name: the name of the node.
    """
    if isinstance(input, CompositeTensor):
        return nest.map_structure(stop_gradient, input, expand_composites=True)
    return stop_gradient_op(input, name=name)
