"""Sums of any number of tensors of one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype, variant
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import op
from penstock.core.shape import Dims, TensorShape
from penstock.core.shape_rules import merge
from penstock.core.tensor import Tensor
from penstock.ops.math.kernels import NUMBER_OR_QUANTIZED, STORED_ONLY, operation, through_numpy


def _sum(inputs: list[Array]) -> Array:
    first = inputs[0]
    for other in inputs[1:]:
        if other.shape != first.shape:
            raise ValueError(f"Inputs must have the same shape, got {list(first.shape)} and {list(other.shape)}")
    if len(inputs) == 1:
        return first
    if first.dtype in STORED_ONLY:
        return through_numpy(lambda *arrays: np.add.reduce(arrays, dtype=arrays[0].dtype), *inputs)
    total = torch.add(first, inputs[1])
    for other in inputs[2:]:
        total.add_(other)
    return total


def _same_shape(inputs: list[Dims], **attrs: Any) -> Dims:
    result: Dims = None
    for dims in inputs:
        result = merge(result, dims, "shapes of the inputs")
    return result


@op("AddN(inputs: N * T) -> sum: T", T=NUMBER_OR_QUANTIZED | {variant}, view=True, commutative=True, shape=_same_shape)
def add_n_op(inputs: list[Value]) -> Value:
    if isinstance(inputs[0], torch.Tensor):
        return _sum(inputs)
    total = inputs[0]
    for other in inputs[1:]:
        total = total + other
    return total


@op("AccumulateNV2(inputs: N * T) -> sum: T", T=NUMBER_OR_QUANTIZED, view=True, commutative=True)
def accumulate_nv2_op(inputs: list[Array], *, shape: Dims) -> Array:
    result = _sum(inputs)
    merge(tuple(result.shape), shape, "shapes of the inputs and of the attribute")
    return result


@accumulate_nv2_op.shape
def accumulate_nv2_shape(inputs: list[Dims], *, shape: Dims) -> Dims:
    return merge(_same_shape(inputs), shape, "shapes of the inputs and of the attribute")


@add_n_op.gradient
@accumulate_nv2_op.gradient
def add_n_gradient(call: Any, grad: Tensor) -> tuple[Tensor, ...]:
    return (grad,) * len(call.inputs)


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """Return the sum of tensors of one shape and type; IndexedSlices count as the tensors that they stand for.

    Args:
        inputs: a list of tensors or IndexedSlices, or one of them.
        name: the name of the node.
    Raises:
        ValueError: if the list is empty.
    """
    if isinstance(inputs, (Tensor, IndexedSlices)):
        inputs = [inputs]
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError(
            f"Inputs must be a list of at least one Tensor/IndexedSlices of one dtype and shape, got {inputs!r}"
        )
    tensors = [item if isinstance(item, Tensor) else convert_to_tensor(item) for item in inputs]
    if len(tensors) == 1:
        return operation("Identity")(tensors[0], name=name) if name else tensors[0]
    return add_n_op(tensors, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """Return the sum of tensors of one shape and type.

    Args:
        inputs: a list of tensors.
        shape: their shape, where it is not known otherwise.
        tensor_dtype: their type; if given, it must agree.
        name: the name of the node.
    Raises:
        ValueError: if the list is empty, or shapes or types differ.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    tensors = [convert_to_tensor(item) for item in inputs]
    if any(tensor.dtype.base_dtype is not tensors[0].dtype.base_dtype for tensor in tensors):
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    if tensor_dtype is not None and as_dtype(tensor_dtype) != tensors[0].dtype:
        raise TypeError(f"tensor_dtype is {tensor_dtype}, but the inputs are of type {tensors[0].dtype.name}")
    known = TensorShape(shape)
    for tensor in tensors:
        known = known.merge_with(tensor.shape)
    if len(tensors) == 1 and name is None:
        return tensors[0]
    if len(tensors) == 1:
        return operation("Identity")(tensors[0], name=name)
    return add_n_op(tensors, name=name)
