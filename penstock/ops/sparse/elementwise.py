"""Sparse tensors combined with dense ones element by element, and Python's operators on sparse tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import api_dispatch, dtypes, nest
from penstock.core.api_dispatch import Handler
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor, is_tensor_like
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import shape_op
from penstock.ops.hosted import on_host
from penstock.ops.math.bessel import bessel_i0e, bessel_i1e
from penstock.ops.math.exponential import tanh
from penstock.ops.math.gamma import erf
from penstock.ops.math.trigonometric import asin, asinh, atan, atanh, sin, tan
from penstock.ops.math.unary import abs as absolute
from penstock.ops.math.unary import negative, sign, sqrt, square
from penstock.ops.sparse.common import NUMERIC, check_parts, first_outside, invalid, is_sparse, parts_dims

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def _dense_parts(
    sp_indices: Array, sp_values: Array, sp_shape: list[int], dense: Array, functions: Sequence[Callable[..., Any]]
) -> Array:
    """Return the function of the values and of what the dense side, broadcast, has at their positions.

    Args:
        sp_indices, sp_values, sp_shape: the sparse side.
        dense: the other side.
        functions: the function on tensors, and NumPy's for unsigned integers.
    """
    check_parts(sp_indices, sp_values, sp_shape, "sp_")
    sizes = [1] * (len(sp_shape) - dense.ndim) + list(dense.shape)
    if len(sizes) != len(sp_shape) or any(d not in (1, s) for d, s in zip(sizes, sp_shape, strict=True)):
        raise invalid(
            "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
            f"{sp_shape} vs. {list(dense.shape)}"
        )
    if first_outside(sp_indices, sp_shape) is not None:
        raise invalid(
            f"Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape: they must lie in {sp_shape}"
        )
    rows = sp_indices * torch.tensor([int(size != 1) for size in sizes], dtype=torch.int64)
    picked = dense.reshape(sizes)[tuple(rows.unbind(1))] if sizes else dense.expand(len(sp_values))
    if sp_values.dtype in _UNSIGNED:
        return torch.from_numpy(np.asarray(functions[1](sp_values.numpy(), picked.numpy()), sp_values.numpy().dtype))
    result: Array = functions[0](sp_values, picked)
    return result


def _shape(sp_indices: Dims, sp_values: Dims, sp_shape: Any, dense: Dims) -> Dims:
    return (parts_dims(sp_indices, sp_values, sp_shape)[0],)


@op(
    "SparseDenseCwiseAdd(sp_indices: int64, sp_values: T, sp_shape: host int64, dense: T) -> output: T",
    T=NUMERIC,
    shape=_shape,
)
@on_host
def sparse_dense_cwise_add_op(sp_indices: Array, sp_values: Array, sp_shape: list[int], dense: Array) -> Array:
    return _dense_parts(sp_indices, sp_values, sp_shape, dense, (torch.add, np.add))


@op(
    "SparseDenseCwiseMul(sp_indices: int64, sp_values: T, sp_shape: host int64, dense: T) -> output: T",
    T=NUMERIC,
    shape=_shape,
)
@on_host
def sparse_dense_cwise_mul_op(sp_indices: Array, sp_values: Array, sp_shape: list[int], dense: Array) -> Array:
    return _dense_parts(sp_indices, sp_values, sp_shape, dense, (torch.mul, np.multiply))


@op(
    "SparseDenseCwiseDiv(sp_indices: int64, sp_values: T, sp_shape: host int64, dense: T) -> output: T",
    T=NUMERIC,
    shape=_shape,
)
@on_host
def sparse_dense_cwise_div_op(sp_indices: Array, sp_values: Array, sp_shape: list[int], dense: Array) -> Array:
    zeros = (dense.numpy() == 0).any() if dense.dtype in _UNSIGNED else (dense == 0).any()
    if bool(zeros):
        raise invalid("SparseDenseCwiseDiv cannot divide by zero, but input dense tensor contains zero")
    return _dense_parts(sp_indices, sp_values, sp_shape, dense, (_divide, np.floor_divide))


def _divide(x: Array, y: Array) -> Array:
    return x / y if x.is_floating_point() or x.is_complex() else torch.div(x, y, rounding_mode="trunc")


def _dense_places(call: Any) -> tuple[Tensor, Any]:
    """Return which element of the dense side each value met, as positions, and the shape these positions are in."""
    indices, _, shape, dense = call.inputs
    ones_like, concat = deferred("OnesLike"), deferred("ConcatV2")
    sizes = shape_op(dense, out_type=dtypes.int64)
    rank, dense_rank = indices.shape[1], dense.ndim
    if rank is not None and dense_rank is not None:
        padded = concat([np.ones(rank - dense_rank, np.int64), sizes], 0) if rank > dense_rank else sizes
    else:
        missing = deferred("Size")(shape) - deferred("Rank")(dense)
        padded = concat([ones_like(shape)[:missing], sizes], 0)
    scaling = deferred("FloorDiv")(shape, deferred("Maximum")(padded, np.int64(1)))
    return deferred("FloorDiv")(indices, deferred("Maximum")(scaling, np.int64(1))), padded


def _dense_gradient(call: Any, grad: Tensor, places: Tensor, padded: Any) -> Tensor:
    dense = call.inputs[3]
    result: Tensor = deferred("Reshape")(deferred("ScatterNd")(places, grad, padded), shape_op(dense))
    return result


def _met(call: Any, places: Tensor, padded: Any) -> Tensor:
    result: Tensor = deferred("GatherNd")(deferred("Reshape")(call.inputs[3], padded), places)
    return result


def _conj(x: Tensor) -> Tensor:
    return deferred("Conj")(x) if x.dtype.is_complex else x


@sparse_dense_cwise_add_op.gradient
def sparse_dense_cwise_add_gradient(call: Any, grad: Tensor) -> Any:
    places, padded = _dense_places(call)
    return None, grad, None, _dense_gradient(call, grad, places, padded)


@sparse_dense_cwise_mul_op.gradient
def sparse_dense_cwise_mul_gradient(call: Any, grad: Tensor) -> Any:
    places, padded = _dense_places(call)
    dense_grad = _dense_gradient(call, grad * _conj(call.inputs[1]), places, padded)
    return None, grad * _conj(_met(call, places, padded)), None, dense_grad


@sparse_dense_cwise_div_op.gradient
def sparse_dense_cwise_div_gradient(call: Any, grad: Tensor) -> Any:
    places, padded = _dense_places(call)
    met = _met(call, places, padded)
    values_grad = grad / _conj(met)
    dense_grad = _dense_gradient(call, -grad * _conj(call.inputs[1] / (met * met)), places, padded)
    return None, values_grad, None, dense_grad


def _times(sparse: SparseTensor, other: Any) -> SparseTensor:
    with name_scope(None, "mul") as scope:
        dense = convert_to_tensor(other, sparse.dtype.base_dtype, name="y")
        values = sparse_dense_cwise_mul_op(sparse.indices, sparse.values, sparse.dense_shape, dense, name=scope or None)
        return _with_shape(sparse, values)


def _divided(sparse: SparseTensor, other: Any) -> SparseTensor:
    with name_scope(None, "truediv") as scope:
        values, dense = sparse.values, convert_to_tensor(other, sparse.dtype.base_dtype, name="y")
        kind = values.dtype.base_dtype
        if kind.is_integer:
            wide = dtypes.float32 if kind.size <= 2 else dtypes.float64
            values, dense = (deferred("Cast")(item, DstT=wide) for item in (values, dense))
        result = sparse_dense_cwise_div_op(sparse.indices, values, sparse.dense_shape, dense, name=scope or None)
        return _with_shape(sparse, result)


def _with_shape(sparse: SparseTensor, values: Any) -> SparseTensor:
    result = sparse.with_values(values)
    result.set_shape(sparse.shape)
    return result


def _times_reflected(sparse: SparseTensor, other: Any) -> Any:
    # Arrays and numbers on the left are refused, as TensorFlow does.
    return _times(sparse, other) if is_tensor_like(other) else NotImplemented


for _name, _function in (("__mul__", _times), ("__truediv__", _divided), ("__div__", _divided)):
    setattr(SparseTensor, _name, _function)
setattr(SparseTensor, "__rmul__", _times_reflected)  # noqa: B010  a method defined where the operations are


def _on_values(api: Any) -> None:
    """Let a function of one tensor, element by element, take sparse tensors, and change their values."""
    first = api_dispatch.parameters_of(api)[0].name

    def matches(arguments: Sequence[Any]) -> bool:
        return isinstance(arguments[0], SparseTensor)

    def call(x: Any, name: str | None = None) -> SparseTensor:
        return _with_shape(x, api(x.values, name=name))

    api_dispatch.register(api, Handler(call, matches), [first], until=SparseTensor)


for _api in (
    *(absolute, negative, sign, square, sqrt, erf, tanh, bessel_i0e, bessel_i1e),
    *(sin, tan, asin, asinh, atan, atanh),
):
    _on_values(_api)


def map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> SparseTensor:
    """Apply a function to the values of sparse tensors.

    Args:
        op: a function of vectors that returns a vector of the same size.
        *args, **kwargs: its arguments. In place of each SparseTensor, also within nests, it gets the values; all of
            these must be at the same positions.
    Returns:
        A SparseTensor with the function's result at those positions.
    Raises:
        ValueError: if there is no SparseTensor among the arguments, or the result has another size.
        InvalidArgumentError: if the positions differ.

    >>> import penstock as tf
    >>> tf.sparse.map_values(tf.add, tf.SparseTensor([[0, 2]], [1], [1, 3]), 5).values.numpy().tolist()
    [6]
    """
    found = [item for item in nest.flatten([list(args), kwargs]) if is_sparse(item)]
    if not found:
        raise ValueError("No SparseTensor in argument list of map_values")
    found = [SparseTensor.from_value(item) for item in found]
    first = found[0]
    checks = [_same_positions(first, other) for other in found[1:] if other.indices is not first.indices]

    def values_of(item: Any) -> Any:
        return item.values if is_sparse(item) else item

    waits = [check for check in checks if check is not None]
    result = convert_to_tensor(op(*nest.map_structure(values_of, list(args)), **nest.map_structure(values_of, kwargs)))
    if waits:
        result = _after(waits, result)
    return first.with_values(result)


def _same_positions(first: SparseTensor, other: SparseTensor) -> Any:
    same_shape = deferred("All")(deferred("Equal")(first.dense_shape, other.dense_shape), [0])
    same_rows = deferred("All")(deferred("Reshape")(deferred("Equal")(first.indices, other.indices), [-1]), [0])
    together = deferred("LogicalAnd")(same_shape, same_rows)
    return deferred("Assert")(together, [convert_to_tensor("SparseTensors in map_values must have the same positions")])


def _after(waits: Sequence[Any], result: Tensor) -> Tensor:
    graph = result.graph  # type: ignore[attr-defined]
    with graph.control_dependencies(waits):
        checked: Tensor = deferred("Identity")(result)
        return checked
