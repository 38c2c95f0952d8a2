"""Adding a bias to each channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import NUMBER, QUANTIZED
from penstock.core.graph import current_graph, op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, expect_rank_at_least, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.constant import shape_op

_reshape_op = deferred("Reshape")
_broadcast_to_op = deferred("BroadcastTo")
_concat_op = deferred("ConcatV2")
_sum_op = deferred("Sum")
_range_op = deferred("Range")
_rank_op = deferred("Rank")

_LAYOUTS: dict[str, Iterable[Any]] = {"data_format": ("NHWC", "NCHW")}
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def _biased(value: Dims, bias: Dims, *, data_format: str = "NHWC") -> Dims:
    expect_rank_at_least(value, 2, "value")
    channels = expect_rank(bias, 1, "bias")[0]
    if value is None:
        return None
    axis = len(value) - 1 if data_format == "NHWC" else 1
    size = merge_dim(value[axis], channels, "the channels of value and the size of bias")
    return (*value[:axis], size, *value[axis + 1 :])


def _add_bias(value: Array, bias: Array, data_format: str) -> Array:
    _biased(tuple(value.shape), tuple(bias.shape), data_format=data_format)
    if data_format == "NCHW":
        bias = bias.view(-1, *(1,) * (value.ndim - 2))
    if value.dtype in _UNSIGNED:
        return (value.to(torch.int64) + bias.to(torch.int64)).to(value.dtype)
    return value + bias


@op("BiasAdd(value: T, bias: T) -> output: T", T=NUMBER | QUANTIZED, allowed=_LAYOUTS, shape=_biased)
def bias_add_op(value: Array, bias: Array, *, data_format: str = "NHWC") -> Array:
    return _add_bias(value, bias, data_format)


@bias_add_op.gradient
def bias_add_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    return grad, bias_add_grad_op(grad, data_format=call.attrs["data_format"])


@op("BiasAddGrad(out_backprop: T) -> output: T", T=NUMBER | QUANTIZED, allowed=_LAYOUTS)
def bias_add_grad_op(out_backprop: Array, *, data_format: str = "NHWC") -> Array:
    if out_backprop.ndim < 2:
        raise ShapeError(f"out_backprop must have rank at least 2, got shape {tuple(out_backprop.shape)}")
    kept = out_backprop.ndim - 1 if data_format == "NHWC" else 1
    others = tuple(axis for axis in range(out_backprop.ndim) if axis != kept)
    if out_backprop.dtype in _UNSIGNED:
        return out_backprop.to(torch.int64).sum(others).to(out_backprop.dtype)
    return out_backprop.sum(others, dtype=out_backprop.dtype)


@bias_add_grad_op.shape
def bias_add_grad_shape(out_backprop: Dims, *, data_format: str) -> Dims:
    expect_rank_at_least(out_backprop, 2, "out_backprop")
    if out_backprop is None:
        return (None,)
    return (out_backprop[-1 if data_format == "NHWC" else 1],)


@bias_add_grad_op.gradient
def bias_add_grad_gradient(call: Any, grad: Tensor) -> Tensor:
    value = call.inputs[0]
    target = sizes(value)
    if call.attrs["data_format"] == "NCHW":
        if value.dims is not None:
            grad = _reshape_op(grad, [-1, *(1,) * (len(value.dims) - 2)])
        else:
            shape = shape_op(value)
            grad = _reshape_op(grad, _concat_op([shape_op(grad), shape[2:] * 0 + 1], 0))
    return _broadcast_to_op(grad, target)


@op("BiasAddV1(value: T, bias: T) -> output: T", T=NUMBER | QUANTIZED, shape=_biased)
def bias_add_v1_op(value: Array, bias: Array) -> Array:
    return _add_bias(value, bias, "NHWC")


@bias_add_v1_op.gradient
def bias_add_v1_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    rank = grad.ndim
    axes = list(range(rank - 1)) if rank is not None else _range_op(0, _rank_op(grad) - 1, 1)
    return grad, _sum_op(grad, axes)


def _as_bias(bias: Any, value: Tensor) -> Tensor:
    return bias if isinstance(bias, Tensor) else convert_to_tensor(bias, value.dtype.base_dtype, "bias")


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Return `value` with `bias` added along the channels.

    Args:
        value: numbers of shape (batch, ..., channels), or (batch, channels, ...) for 'NC...'.
        bias: the number to add to each channel, of shape (channels,) and the type of `value`.
        data_format: None or a layout of the form 'N...C' or 'NC...'.
        name: the name of the node.
    Raises:
        ValueError: if `data_format` is not of these forms.
    """
    if data_format is None or (data_format.startswith("N") and data_format.endswith("C")):
        layout = "NHWC"
    elif data_format.startswith("NC"):
        layout = "NCHW"
    else:
        raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`, got {data_format!r}")
    with op_scope(name, "BiasAdd", [value, bias]) as scope:
        if current_graph() is not None:
            value = convert_to_tensor(value, name="input")
            bias = convert_to_tensor(bias, value.dtype.base_dtype, "bias")
        return bias_add_op(value, bias, data_format=layout, name=scope)


def bias_add_without_layout(value: Any, bias: Any, name: str | None = None) -> Tensor:
    """Return `value` with `bias` added along the last axis, by the operation of TensorFlow's first release.

    Args:
        value: numbers of shape (batch, ..., channels).
        bias: numbers of shape (channels,).
        name: the name of the node.
    """
    with op_scope(name, "BiasAddV1", [value, bias]) as scope:
        tensor = convert_to_tensor(value, name="input")
        return bias_add_v1_op(tensor, convert_to_tensor(bias, tensor.dtype.base_dtype, "bias"), name=scope)
