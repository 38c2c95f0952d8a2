"""Elementwise comparisons and logic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import NUMBER, QUANTIZED, REAL_NUMBER
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, broadcast, broadcasting, merge, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math.kernels import STORED_ONLY, operation, through_numpy


def _fit(x: Value, y: Value) -> bool:
    try:
        broadcast(tuple(x.shape), tuple(y.shape))
    except ShapeError:
        return False
    return True


_large_equal = large_kernel("Equal", torch.eq, result=torch.bool)
_large_not_equal = large_kernel("NotEqual", torch.ne, result=torch.bool)
_large_less = large_kernel("Less", torch.lt, result=torch.bool)
_large_less_equal = large_kernel("LessEqual", torch.le, result=torch.bool)
_large_greater = large_kernel("Greater", torch.gt, result=torch.bool)
_large_greater_equal = large_kernel("GreaterEqual", torch.ge, result=torch.bool)


def _compare_elements(
    x: Value, y: Value, numeric: Callable[..., Any], large: Callable[..., Any], general: Callable[..., Any]
) -> Array:
    if isinstance(x, torch.Tensor):
        result: Array = numeric(x, y) if x.numel() < LARGE else large(x, y)
        return result
    if isinstance(x, np.ndarray):
        return torch.from_numpy(np.array(general(x, y), dtype=bool))
    return torch.tensor(bool(general(id(x), id(y))))


def _equality_shape(x: Dims, y: Dims, *, incompatible_shape_error: bool = True) -> Dims:
    if incompatible_shape_error:
        return broadcast(x, y)
    if x is None or y is None or None in x or None in y:
        return None
    try:
        return broadcast(x, y)
    except ShapeError:
        return ()


@op("Equal(x: T, y: T) -> z: bool", commutative=True, differentiable=False, shape=_equality_shape)
def equal_op(x: Value, y: Value, *, incompatible_shape_error: bool = True) -> Array:
    if not incompatible_shape_error and not _fit(x, y):
        return torch.tensor(False, device=getattr(x, "device", None))
    return _compare_elements(x, y, torch.eq, _large_equal, np.equal)


@op("NotEqual(x: T, y: T) -> z: bool", commutative=True, differentiable=False, shape=_equality_shape)
def not_equal_op(x: Value, y: Value, *, incompatible_shape_error: bool = True) -> Array:
    if not incompatible_shape_error and not _fit(x, y):
        return torch.tensor(True, device=getattr(x, "device", None))
    return _compare_elements(x, y, torch.ne, _large_not_equal, np.not_equal)


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether they are equal.

    Args:
        x, y: tensors of one type; their shapes are broadcast.
        name: the name of the node.
    """
    return equal_op(x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether they differ.

    Args:
        x, y: tensors of one type; their shapes are broadcast.
        name: the name of the node.
    """
    return not_equal_op(x, y, name=name)


@op("Less(x: T, y: T) -> z: bool", T=REAL_NUMBER, differentiable=False, shape=broadcasting)
def less_op(x: Array, y: Array) -> Array:
    if x.dtype in STORED_ONLY:
        return through_numpy(np.less, x, y)
    return torch.lt(x, y) if x.numel() < LARGE else _large_less(x, y)


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether `x < y`."""
    return less_op(x, y, name=name)


@op("LessEqual(x: T, y: T) -> z: bool", T=REAL_NUMBER, differentiable=False, shape=broadcasting)
def less_equal_op(x: Array, y: Array) -> Array:
    if x.dtype in STORED_ONLY:
        return through_numpy(np.less_equal, x, y)
    return torch.le(x, y) if x.numel() < LARGE else _large_less_equal(x, y)


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether `x <= y`."""
    return less_equal_op(x, y, name=name)


@op("Greater(x: T, y: T) -> z: bool", T=REAL_NUMBER, differentiable=False, shape=broadcasting)
def greater_op(x: Array, y: Array) -> Array:
    if x.dtype in STORED_ONLY:
        return through_numpy(np.greater, x, y)
    return torch.gt(x, y) if x.numel() < LARGE else _large_greater(x, y)


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether `x > y`."""
    return greater_op(x, y, name=name)


@op("GreaterEqual(x: T, y: T) -> z: bool", T=REAL_NUMBER, differentiable=False, shape=broadcasting)
def greater_equal_op(x: Array, y: Array) -> Array:
    if x.dtype in STORED_ONLY:
        return through_numpy(np.greater_equal, x, y)
    return torch.ge(x, y) if x.numel() < LARGE else _large_greater_equal(x, y)


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether `x >= y`."""
    return greater_equal_op(x, y, name=name)


@op("LogicalNot(x: bool) -> y: bool", differentiable=False, shape=unchanged)
def logical_not_op(x: Array) -> Array:
    return torch.logical_not(x)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Return True where `x` is False, and False elsewhere."""
    return logical_not_op(x, name=name)


@op("LogicalAnd(x: bool, y: bool) -> z: bool", commutative=True, differentiable=False, shape=broadcasting)
def logical_and_op(x: Array, y: Array) -> Array:
    return torch.logical_and(x, y)


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of booleans whether both are True."""
    return logical_and_op(x, y, name=name)


@op("LogicalOr(x: bool, y: bool) -> z: bool", commutative=True, differentiable=False, shape=broadcasting)
def logical_or_op(x: Array, y: Array) -> Array:
    return torch.logical_or(x, y)


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Tell for each pair of booleans whether at least one is True."""
    return logical_or_op(x, y, name=name)


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """Tell for each pair of booleans whether exactly one is True.

    Args:
        x, y: boolean tensors; their shapes are broadcast.
        name: the name of the node.
    """
    either = logical_or_op(x, y)
    return logical_and_op(either, logical_not_op(logical_and_op(x, y)), name=name)


@op(
    "ApproximateEqual(x: T, y: T) -> z: bool",
    T=NUMBER | QUANTIZED,
    commutative=True,
    differentiable=False,
    shape=lambda x, y, *, tolerance: merge(x, y),
)
def approximate_equal_op(x: Array, y: Array, *, tolerance: float = 9.99999975e-06) -> Array:
    if x.shape != y.shape:
        raise ValueError("x and y must have the same shape")
    difference = x.double() - y.double() if not x.is_complex() else x - y
    return torch.abs(difference) < tolerance


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """Tell for each pair of elements whether they differ by less than `tolerance`.

    Args:
        x, y: tensors of one type and shape.
        tolerance: the difference at which elements count as different.
        name: the name of the node.
    """
    return approximate_equal_op(x, y, tolerance=tolerance, name=name)


def _consecutive(x: Any, compare: Callable[..., Any], name: str | None, default_name: str) -> Tensor:
    with op_scope(name, default_name):
        flat = _flatten(x)
        if not flat.dtype.is_floating and not flat.dtype.is_integer and not flat.dtype.is_bool:
            raise TypeError(f"{default_name} compares numbers, got a tensor of type {flat.dtype.name}")
        if flat.dims is not None and flat.dims[0] is not None and flat.dims[0] < 2:
            return convert_to_tensor(True)
        from_second, to_last = flat[1:], flat[:-1]
        return _all(compare(to_last, from_second))


def _flatten(x: Any) -> Tensor:
    return operation("Reshape")(convert_to_tensor(x, name="x"), [-1])


def _all(x: Tensor) -> Tensor:
    return operation("All")(x, [0])


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Tell whether no element, in row-major order, is less than the one before.

    Args:
        x: a numeric tensor of any shape.
        name: the scope of the nodes.
    """
    return _consecutive(x, less_equal_op, name, "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Tell whether every element, in row-major order, is greater than the one before.

    Args:
        x: a numeric tensor of any shape.
        name: the scope of the nodes.
    """
    return _consecutive(x, less_op, name, "is_strictly_increasing")
