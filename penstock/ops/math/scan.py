"""Running sums and products along an axis."""

from __future__ import annotations

import math
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import normalize_axis
from penstock.core.tensor import Tensor
from penstock.ops.math.kernels import AXIS, NUMBER_OR_QUANTIZED, STORED_ONLY, operation


def _scan_shape(x: Dims, axis: Any, *, exclusive: bool, reverse: bool) -> Dims:
    if x is not None and isinstance(axis, int):
        normalize_axis(axis, len(x), "scan axis")
    return x


def _scan(x: Array, axis: int, exclusive: bool, reverse: bool, scan: Any, neutral: float) -> Array:
    if not -x.ndim <= axis < x.ndim:
        raise InvalidArgumentError(
            None, None, f"scan: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {axis}"
        )
    if not x.numel():
        return x.clone()
    if x.dtype in STORED_ONLY:  # 64-bit integers wrap around alike
        return _scan(x.to(torch.int64), axis, exclusive, reverse, scan, neutral).to(x.dtype)
    if reverse:
        x = x.flip(axis)
    if exclusive:
        first = torch.full_like(x.narrow(axis, 0, 1), neutral)
        x = torch.cat([first, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    result: Array = scan(x)
    return result.flip(axis) if reverse else result


@op("Cumsum(x: T, axis: host Tidx) -> out: T", T=NUMBER_OR_QUANTIZED, Tidx=AXIS, shape=_scan_shape)
def cumsum_op(x: Array, axis: int, *, exclusive: bool = False, reverse: bool = False) -> Array:
    return _scan(x, axis, exclusive, reverse, lambda values: torch.cumsum(values, axis, dtype=values.dtype), 0)


@cumsum_op.gradient
def cumsum_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    return cumsum_op(grad, call.inputs[1], exclusive=call.attrs["exclusive"], reverse=not call.attrs["reverse"]), None


@op("Cumprod(x: T, axis: host Tidx) -> out: T", T=NUMBER_OR_QUANTIZED, Tidx=AXIS, shape=_scan_shape)
def cumprod_op(x: Array, axis: int, *, exclusive: bool = False, reverse: bool = False) -> Array:
    return _scan(x, axis, exclusive, reverse, lambda values: torch.cumprod(values, axis, dtype=values.dtype), 1)


@cumprod_op.gradient
def cumprod_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    x, axis = call.inputs
    exclusive, reverse = call.attrs["exclusive"], call.attrs["reverse"]
    total = cumsum_op(call.outputs[0] * grad, axis, exclusive=exclusive, reverse=not reverse)
    return operation("DivNoNan")(total, x), None


@op("CumulativeLogsumexp(x: T, axis: host Tidx) -> out: T", T=FLOATING, Tidx=AXIS, shape=_scan_shape)
def cumulative_logsumexp_op(x: Array, axis: int, *, exclusive: bool = False, reverse: bool = False) -> Array:
    return _scan(x, axis, exclusive, reverse, lambda values: torch.logcumsumexp(values, axis), -math.inf)


@cumulative_logsumexp_op.gradient
def cumulative_logsumexp_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    x, axis = call.inputs
    out = call.outputs[0]
    reverse = not call.attrs["reverse"]
    lowest, grad = x.dtype.base_dtype.min, convert_to_tensor(grad)
    where, exp, log = operation("SelectV2"), operation("Exp"), operation("Log")
    floor = convert_to_tensor(lowest, dtype=x.dtype.base_dtype)

    def part(positive: Tensor, magnitude: Tensor) -> Tensor:
        # In logarithms, for the signs apart, as the cotangents may be far smaller than the sums of exponentials.
        safe = where(positive, magnitude, operation("OnesLike")(magnitude))
        logarithm = where(positive, log(safe), floor)
        scanned = cumulative_logsumexp_op(logarithm - out, axis, exclusive=call.attrs["exclusive"], reverse=reverse)
        return exp(scanned + x)

    return part(grad > 0, grad) - part(grad < 0, -grad), None


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Return the running sums along an axis.

    Args:
        x: a numeric tensor.
        axis: the axis.
        exclusive: whether each sum leaves out its own element.
        reverse: whether sums run from the end.
        name: the name of the node.
    """
    with op_scope(name, "Cumsum") as scope:
        return cumsum_op(convert_to_tensor(x, name="x"), axis, exclusive=exclusive, reverse=reverse, name=scope or name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Return the running products along an axis; see `cumsum`."""
    with op_scope(name, "Cumprod") as scope:
        return cumprod_op(
            convert_to_tensor(x, name="x"), axis, exclusive=exclusive, reverse=reverse, name=scope or name
        )


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Return the logarithms of the running sums of exponentials along an axis; see `cumsum`.

    An exclusive scan starts with minus infinity.
    """
    with op_scope(name, "CumulativeLogsumexp") as scope:
        x = convert_to_tensor(x, name="x")
        return cumulative_logsumexp_op(x, axis, exclusive=exclusive, reverse=reverse, name=scope or name)
