"""Elementwise arithmetic on two arguments, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array, Value, lies_densely
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import (
    COMPLEX,
    FLOATING,
    NUMBER,
    REAL_NUMBER,
    SIGNED,
    float32,
    float64,
    int32,
    int64,
    string,
    uint8,
)
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.op import Op, Type, op
from penstock.core.shape_rules import broadcasting
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.fused.large import LARGE, large_kernel
from penstock.ops.math.broadcasting import reduce_gradients
from penstock.ops.math.complex import conj
from penstock.ops.math.exponential import log1p_op, log_op
from penstock.ops.math.kernels import (
    FLOATING_OR_COMPLEX,
    SIGNED_NUMBER,
    STORED_ONLY,
    native,
    no_kernel,
    operation,
    require_no_zero,
    through_numpy,
)
from penstock.ops.math.unary import square_op


def _declare_in_place(declared: Op, function: Callable[..., Array]) -> None:
    """Declare that an operation can write its result into either of its inputs, where that has the result's shape."""

    def fits(target: Array, other: Array) -> bool:
        same = target.shape == other.shape or (other.numel() == 1 and other.ndim <= target.ndim)
        return same and target.is_floating_point() and target.dtype not in STORED_ONLY and lies_densely(target)

    @declared.in_place("x")
    def into_x(x: Array, y: Array) -> Array:
        return function(x, y, out=x) if fits(x, y) else declared.kernel(x, y)

    @declared.in_place("y")
    def into_y(x: Array, y: Array) -> Array:
        return function(x, y, out=y) if fits(y, x) else declared.kernel(x, y)


@op("AddV2(x: T, y: T) -> z: T", T=NUMBER, commutative=True, shape=broadcasting)
def add_v2_op(x: Array, y: Array) -> Array:
    return through_numpy(np.add, x, y) if x.dtype in STORED_ONLY else torch.add(x, y)


@op("Add(x: T, y: T) -> z: T", T=FLOATING | SIGNED | COMPLEX | {uint8, string}, shape=broadcasting)
def add_op(x: Value, y: Value) -> Value:
    if isinstance(x, np.ndarray):
        return np.asarray(x + y, dtype=object)
    return torch.add(x, y)


add_v2_op.specialize(native(torch.add))
_declare_in_place(add_v2_op, torch.add)


@add_v2_op.gradient
@add_op.gradient
def add_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return reduce_gradients(call.inputs[0], call.inputs[1], grad, grad)


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x + y`, element by element; strings are joined.

    Args:
        x, y: tensors of one type, numbers or strings; their shapes are broadcast.
        name: the name of the node.
    """
    with op_scope(name, "Add") as scope:
        x, y = convert_operands(x, y)
        sum_op = add_op if x.dtype.base_dtype is string else add_v2_op
        return sum_op(x, y, name=scope or name)


def convert_operands(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the operands as tensors: the type of the first decides about a Python value that is the second."""
    x = convert_to_tensor(x, name="x")
    return x, _like(y, x, "y")


def _like(value: Any, other: Tensor, name: str) -> Any:
    """Return a Python value as a tensor of another's type, if it can be; anything else as it is."""
    if isinstance(value, Tensor):
        return value
    return convert_to_tensor(value, name=name, preferred_dtype=other.dtype.base_dtype)


@op("Sub(x: T, y: T) -> z: T", T=NUMBER, shape=broadcasting)
def sub_op(x: Array, y: Array) -> Array:
    return through_numpy(np.subtract, x, y) if x.dtype in STORED_ONLY else torch.sub(x, y)


sub_op.specialize(native(torch.sub))
_declare_in_place(sub_op, torch.sub)


@sub_op.gradient
def sub_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return reduce_gradients(call.inputs[0], call.inputs[1], grad, -grad)


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x - y`, element by element."""
    return sub_op(x, y, name=name)


@op("Mul(x: T, y: T) -> z: T", T=NUMBER, commutative=True, shape=broadcasting)
def mul_op(x: Array, y: Array) -> Array:
    return torch.mul(x, y)


mul_op.specialize(native(torch.mul))
_declare_in_place(mul_op, torch.mul)


@mul_op.gradient
def mul_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    return reduce_gradients(x, y, mul_op(grad, conj(y)), mul_op(conj(x), grad))


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x * y`, element by element."""
    return mul_op(x, y, name=name)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """Return `scalar * x`; for IndexedSlices only the slices are multiplied.

    Args:
        scalar: a tensor of shape () or a number.
        x: a tensor or IndexedSlices.
        name: the name of the node.
    Raises:
        ValueError: if `scalar` is not of shape ().
    """
    base = x.dtype.base_dtype if hasattr(x, "dtype") and not isinstance(x, (np.ndarray, np.generic)) else None
    scalar = convert_to_tensor(scalar, dtype=base, name="scalar")
    if scalar.shape.ndims != 0:
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.shape}.")
    if hasattr(x, "dense_shape") and hasattr(x, "indices"):
        return type(x)(mul_op(scalar, x.values, name=name), x.indices, x.dense_shape)
    return mul_op(scalar, x, name=name)


@op("RealDiv(x: T, y: T) -> z: T", shape=broadcasting, T=NUMBER)
def real_div_op(x: Array, y: Array) -> Array:
    if not x.is_floating_point() and not x.is_complex():
        raise no_kernel("RealDiv", x.dtype)
    return torch.div(x, y)


_declare_in_place(real_div_op, torch.div)


def _truncated_quotient(x: Array, y: Array) -> Array:
    """Divide integers towards zero; the one quotient that does not fit wraps around."""
    require_no_zero(y)
    if x.dtype in STORED_ONLY:
        return through_numpy(np.floor_divide, x, y)
    if x.dtype.is_signed and bool((y == -1).any()):  # the smallest integer by -1 traps the processor
        minus_one = y == -1
        return torch.where(minus_one, -x, torch.div(x, torch.where(minus_one, 1, y), rounding_mode="trunc"))
    return torch.div(x, y, rounding_mode="trunc")


@op("Div(x: T, y: T) -> z: T", T=NUMBER, shape=broadcasting)
def div_op(x: Array, y: Array) -> Array:
    return torch.div(x, y) if x.is_floating_point() or x.is_complex() else _truncated_quotient(x, y)


@real_div_op.gradient
@div_op.gradient
def real_div_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    x, y_conj = conj(x), conj(y)
    grad_x = real_div_op(grad, y_conj)
    grad_y = mul_op(grad, real_div_op(real_div_op(-x, y_conj), y_conj))
    return reduce_gradients(call.inputs[0], call.inputs[1], grad_x, grad_y)


@op("TruncateDiv(x: T, y: T) -> z: T", T=NUMBER, shape=broadcasting)
def truncate_div_op(x: Array, y: Array) -> Array:
    if x.is_complex():
        raise no_kernel("TruncateDiv", x.dtype)
    return torch.div(x, y).trunc() if x.is_floating_point() else _truncated_quotient(x, y)


@truncate_div_op.gradient
def truncate_div_gradient(call: Any, grad: Tensor) -> tuple[None, None]:
    return None, None


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y` rounded towards zero, element by element."""
    return truncate_div_op(x, y, name=name)


@op("FloorDiv(x: T, y: T) -> z: T", T=NUMBER, shape=broadcasting)
def floor_div_op(x: Array, y: Array) -> Array:
    if x.is_floating_point():
        return torch.floor(torch.div(x, y))
    if x.is_complex():
        raise no_kernel("FloorDiv", x.dtype)
    if x.dtype in STORED_ONLY or x.dtype == torch.uint8:
        return _truncated_quotient(x, y)
    require_no_zero(y)
    minus_one = y == -1
    if bool(minus_one.any()):
        return torch.where(minus_one, -x, torch.floor_divide(x, torch.where(minus_one, 1, y)))
    return torch.floor_divide(x, y)


@floor_div_op.gradient
def floor_div_gradient(call: Any, grad: Tensor) -> tuple[None, None]:
    return None, None


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y` rounded towards minus infinity, element by element.

    Args:
        x, y: real tensors of one type; their shapes are broadcast.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an integer is divided by zero.
    """
    with op_scope(name, "floordiv") as scope:
        return floor_div_op(x, y, name=scope or name)


@op("FloorMod(x: T, y: T) -> z: T", T=REAL_NUMBER, shape=broadcasting)
def floor_mod_op(x: Array, y: Array) -> Array:
    if x.is_floating_point():
        return torch.remainder(x, y)
    require_no_zero(y)
    if x.dtype in STORED_ONLY:
        return through_numpy(np.remainder, x, y)
    if not x.dtype.is_signed or y.numel() == 1 and y.item() != -1:
        return torch.remainder(x, y)
    # The processor cannot divide the smallest integer by -1.
    return torch.remainder(x, torch.where(y == -1, 1, y))


@floor_mod_op.gradient
def floor_mod_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    return reduce_gradients(x, y, grad, grad * -floor_div_op(x, y))


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the remainder that goes with `floordiv`; it has the sign of `y`.

    Args:
        x, y: real tensors of one type; their shapes are broadcast.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an integer is divided by zero.
    """
    with op_scope(name, "FloorMod") as scope:
        return floor_mod_op(x, y, name=scope or name)


@op("TruncateMod(x: T, y: T) -> z: T", T=FLOATING | {int32, int64}, shape=broadcasting)
def truncate_mod_op(x: Array, y: Array) -> Array:
    if x.is_floating_point():
        return torch.fmod(x, y)
    require_no_zero(y)
    return torch.fmod(x, torch.where(y == -1, 1, y))


mod_op = op("Mod(x: T, y: T) -> z: T", T=FLOATING | {int32, int64}, shape=broadcasting)(truncate_mod_op)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the remainder that goes with `truncatediv`; it has the sign of `x`."""
    return truncate_mod_op(x, y, name=name)


@op("Pow(x: T, y: T) -> z: T", T=SIGNED_NUMBER, shape=broadcasting)
def pow_op(x: Array, y: Array) -> Array:
    if not x.is_floating_point() and not x.is_complex() and bool((y < 0).any()):
        raise InvalidArgumentError(
            None, None, "Integers to negative integer powers are not allowed; cast them to a floating type"
        )
    return torch.pow(x, y)


@pow_op.gradient
def pow_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    x_conj, y_conj, z = conj(x), conj(y), conj(call.outputs[0])
    grad_x = grad * y_conj * pow_op(x_conj, y_conj - 1)
    # The logarithm of what is not positive would make 0 * log(0) a NaN.
    zeros = operation("ZerosLike")(x_conj)
    mask = operation("NotEqual")(x_conj, zeros) if x.dtype.is_complex else operation("Greater")(x_conj, zeros)
    safe = operation("SelectV2")(mask, x_conj, operation("OnesLike")(x_conj))
    log_x = operation("SelectV2")(mask, log_op(safe), zeros)
    return reduce_gradients(x, y, grad_x, grad * z * log_x)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x` to the power of `y`, element by element.

    Args:
        x, y: tensors of one signed, floating or complex type; their shapes are broadcast.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if an integer is raised to a negative power.
    """
    with op_scope(name, "Pow") as scope:
        return pow_op(x, y, name=scope or name)


@op("Maximum(x: T, y: T) -> z: T", T=REAL_NUMBER, shape=broadcasting)
def maximum_op(x: Array, y: Array) -> Array:
    return through_numpy(np.maximum, x, y) if x.dtype in STORED_ONLY else torch.maximum(x, y)


@op("Minimum(x: T, y: T) -> z: T", T=REAL_NUMBER, shape=broadcasting)
def minimum_op(x: Array, y: Array) -> Array:
    return through_numpy(np.minimum, x, y) if x.dtype in STORED_ONLY else torch.minimum(x, y)


def _selected_gradient(call: Any, grad: Tensor, chosen: str) -> tuple[Any, Any]:
    """Give the cotangent to the operand that was chosen; to the first of two equal ones."""
    x, y = call.inputs
    mask, zero = operation(chosen)(x, y), operation("ZerosLike")(grad)
    select = operation("SelectV2")
    return reduce_gradients(x, y, select(mask, grad, zero), select(mask, zero, grad))


@maximum_op.gradient
def maximum_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return _selected_gradient(call, grad, "GreaterEqual")


@minimum_op.gradient
def minimum_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    return _selected_gradient(call, grad, "LessEqual")


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the larger of two elements; NaN if either is NaN."""
    return maximum_op(x, y, name=name)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the smaller of two elements; NaN if either is NaN."""
    return minimum_op(x, y, name=name)


@op(
    "SquaredDifference(x: T, y: T) -> z: T",
    T=FLOATING_OR_COMPLEX | {int32, int64},
    commutative=True,
    shape=broadcasting,
)
def squared_difference_op(x: Array, y: Array) -> Array:
    difference = torch.sub(x, y)
    return difference * difference.conj() if difference.is_complex() else torch.square(difference)


@squared_difference_op.gradient
def squared_difference_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    grad_x = grad * (2 * (x - y))
    return reduce_gradients(x, y, grad_x, -grad_x)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `(x - y) * conj(x - y)`, element by element."""
    return squared_difference_op(x, y, name=name)


_large_atan2 = large_kernel("Atan2", torch.atan2, is_exact=False)


@op("Atan2(y: T, x: T) -> z: T", T=FLOATING, shape=broadcasting)
def atan2_op(y: Array, x: Array) -> Array:
    return torch.atan2(y, x) if y.numel() < LARGE else _large_atan2(y, x)


@atan2_op.gradient
def atan2_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    y, x = call.inputs
    scaled = grad / (square_op(x) + square_op(y))
    return reduce_gradients(y, x, x * scaled, -y * scaled)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the angle of the point (x, y), in radians from -pi to pi, element by element."""
    return atan2_op(y, x, name=name)


def _div_no_nan(x: Array, y: Array) -> Array:
    return torch.where(y == 0, 0, torch.div(x, y))


_large_div_no_nan = large_kernel("DivNoNan", _div_no_nan)


@op("DivNoNan(x: T, y: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=broadcasting)
def div_no_nan_op(x: Array, y: Array) -> Array:
    return _div_no_nan(x, y) if x.numel() < LARGE else _large_div_no_nan(x, y)


@div_no_nan_op.gradient
def div_no_nan_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = conj(call.inputs[0]), conj(call.inputs[1])
    grad_y = grad * div_no_nan_op(div_no_nan_op(-x, y), y)
    return reduce_gradients(call.inputs[0], call.inputs[1], div_no_nan_op(grad, y), grad_y)


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y`, element by element, with 0 where `y` is 0.

    Args:
        x, y: tensors of one type; integers are divided as floating numbers.
        name: the name of the node.
    """
    with op_scope(name, "div_no_nan") as scope:
        if not isinstance(x, Tensor) and isinstance(y, Tensor):
            y = convert_to_tensor(y, name="y")
            x = convert_to_tensor(x, name="x", dtype=y.dtype.base_dtype)
        else:
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
        x, y = _as_quotient(x, y)
        return div_no_nan_op(x, y, name=scope or name)


@op("MulNoNan(x: T, y: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=broadcasting)
def mul_no_nan_op(x: Array, y: Array) -> Array:
    return torch.where(y == 0, 0, torch.mul(x, y))


@mul_no_nan_op.gradient
def mul_no_nan_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    return reduce_gradients(x, y, mul_no_nan_op(grad, y), mul_no_nan_op(x, grad))


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x * y`, element by element, with 0 where `y` is 0, even if `x` is infinite or NaN.

    Args:
        x, y: floating or complex tensors of one type; their shapes are broadcast.
        name: the name of the node.
    Raises:
        TypeError: if the types differ.
    """
    with op_scope(name, "multiply_no_nan") as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        return mul_no_nan_op(x, y, name=scope or name)


@op("Xdivy(x: T, y: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=broadcasting)
def xdivy_op(x: Array, y: Array) -> Array:
    return torch.where(x == 0, 0, torch.div(x, y))


# TensorFlow does not conjugate in the gradients of xdivy, xlogy and xlog1py, and neither do we.


@xdivy_op.gradient
def xdivy_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    partial_x = xdivy_op(_nonzero(x), y)
    partial_y = xdivy_op(-x, square_op(y))
    return reduce_gradients(x, y, partial_x * grad, partial_y * grad)


def _nonzero(x: Tensor) -> Tensor:
    """Return 1 where `x` is not 0, and 0 elsewhere, in its own type."""
    mask: Tensor = operation("Cast")(operation("NotEqual")(x, operation("ZerosLike")(x)), DstT=x.dtype.base_dtype)
    return mask


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y`, element by element, with 0 where `x` is 0."""
    with op_scope(name, "xdivy"):
        return xdivy_op(x, y)


@op("Xlogy(x: T, y: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=broadcasting)
def xlogy_op(x: Array, y: Array) -> Array:
    return torch.where(x == 0, 0, torch.mul(x, torch.log(y)))


@xlogy_op.gradient
def xlogy_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    partial_x = xlogy_op(_nonzero(x), y)
    return reduce_gradients(x, y, partial_x * grad, xdivy_op(x, y) * grad)


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x * log(y)`, element by element, with 0 where `x` is 0."""
    with op_scope(name, "xlogy"):
        return xlogy_op(x, y)


@op("Xlog1py(x: T, y: T) -> z: T", T=FLOATING_OR_COMPLEX, shape=broadcasting)
def xlog1py_op(x: Array, y: Array) -> Array:
    return torch.where(x == 0, 0, torch.mul(x, torch.log1p(y)))


@xlog1py_op.gradient
def xlog1py_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x, y = call.inputs
    partial_x = _nonzero(x) * log1p_op(y)
    return reduce_gradients(x, y, partial_x * grad, xdivy_op(x, y + 1) * grad)


def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x * log(1 + y)`, element by element, with 0 where `x` is 0."""
    with op_scope(name, "xlog1py"):
        return xlog1py_op(x, y)


@op("NextAfter(x1: T, x2: T) -> output: T", T=Type(frozenset({float32, float64}), default=float32), shape=broadcasting)
def next_after_op(x1: Array, x2: Array) -> Array:
    return torch.nextafter(x1, x2)


@next_after_op.gradient
def next_after_gradient(call: Any, grad: Tensor) -> tuple[Any, Any]:
    x1, x2 = call.inputs
    return reduce_gradients(x1, x2, grad, operation("ZerosLike")(grad))


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Return the next number of the type after `x1` towards `x2`, element by element."""
    return next_after_op(x1, x2, name=name)


_TRUE_QUOTIENT_TYPE = {
    "uint8": float32,
    "int8": float32,
    "uint16": float32,
    "int16": float32,
    "int32": float64,
    "uint32": float64,
    "int64": float64,
    "uint64": float64,
}


def _as_quotient(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return integer operands in the floating type in which they are divided.

    Raises:
        TypeError: if the types differ, or are neither numbers.
    """
    dtype, other = x.dtype.base_dtype, y.dtype.base_dtype
    if dtype is not other:
        raise TypeError(
            f"`x` and `y` must have the same dtype, got {dtype!r} != {other!r}. Use tf.cast to make the types agree."
        )
    if dtype.is_floating or dtype.is_complex:
        return x, y
    wanted = _TRUE_QUOTIENT_TYPE.get(dtype.name)
    if wanted is None:
        raise TypeError(f"Invalid dtype {dtype!r} in __truediv__. Expected a numeric type.")
    cast = operation("Cast")
    return cast(x, DstT=wanted), cast(y, DstT=wanted)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y`, element by element; integers are divided as floating numbers.

    Args:
        x, y: tensors of one type. Integers of up to 16 bits become float32, larger ones float64.
        name: the name of the node.
    Raises:
        TypeError: if the types differ, or are neither numbers.
    """
    if type(x) is EagerTensor and x.dtype.is_floating and current_graph() is None:
        if type(y) in (int, float) or type(y) is EagerTensor and y.dtype is x.dtype:
            return real_div_op(x, y, name=name)
    with op_scope(name, "truediv") as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
        x, y = _as_quotient(x, y)
        return real_div_op(x, y, name=scope or name)


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y` element by element, for floating and complex numbers.

    Args:
        x, y: tensors whose shapes broadcast.
        name: the name of the node.
    """
    return real_div_op(x, y, name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y` by Python's rules, element by element; see `truediv`."""
    if name is not None:
        return truediv(x, y, name)
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        x = convert_to_tensor(x)
    return x / y


def div_v1(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y`, element by element; integers are rounded towards minus infinity.

    Args:
        x, y: real tensors of one type.
        name: the name of the node.
    """
    with op_scope(name, "div") as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        dtype = x.dtype.base_dtype
        quotient = real_div_op if dtype.is_floating or dtype.is_complex else floor_div_op
        return quotient(x, y, name=scope or name)


def floor_div_v1(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y` rounded towards minus infinity, element by element."""
    return floor_div_op(x, y, name=name)


def div_no_nan_v1(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x / y`, element by element, with 0 where `y` is 0; see `divide_no_nan`."""
    return divide_no_nan(x, y, name)
