"""Sums, extremes and statistics along axes."""

from __future__ import annotations

import builtins
from typing import Any

from penstock.core.dtypes import DType, float64, int8, int64, uint64
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import (
    floating,
    is_inexact,
    known_rank,
    normalized_axes,
    promoted_floating,
    to_tensor,
)
from penstock.numpy_api.elementwise import real
from penstock.numpy_api.logic import isnan, not_equal
from penstock.ops.array import filling, selecting, shaping, sorting
from penstock.ops.math import compare, positions, reduce, scan, unary
from penstock.ops.math import complex as complex_ops
from penstock.ops.math.cast import cast


def _no_out(out: Any) -> None:
    if out is not None:
        raise ValueError("Setting out is not supported: arrays are never written. Use the result.")


def _wide(dtype: DType) -> DType:
    """Return the type in which sums are taken: int64 or uint64 for integers and booleans."""
    if is_inexact(dtype):
        return dtype
    return uint64 if dtype.is_unsigned else int64


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Tensor:
    """Return the sum of the elements along axes.

    Args:
        a: the array.
        axis: an axis or several, all by default.
        dtype: the type in which to sum; by default that of `a`, int64 for integers and booleans, uint64 for unsigned
            ones.
        keepdims: whether the axes stay, with size 1.
    """
    tensor = to_tensor(a)
    return reduce.reduce_sum(to_tensor(tensor, _wide(tensor.dtype) if dtype is None else dtype), axis, bool(keepdims))


def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Tensor:
    """Return the product of the elements along axes; arguments as in `sum`."""
    tensor = to_tensor(a)
    return reduce.reduce_prod(to_tensor(tensor, _wide(tensor.dtype) if dtype is None else dtype), axis, bool(keepdims))


def max(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Return the largest element along axes, all by default; with `keepdims` the axes stay, with size 1."""
    tensor = to_tensor(a)
    if tensor.dtype.is_bool:
        return reduce.reduce_any(tensor, axis, bool(keepdims))
    return reduce.reduce_max(tensor, axis, bool(keepdims))


def min(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Return the smallest element along axes, all by default; with `keepdims` the axes stay, with size 1."""
    tensor = to_tensor(a)
    if tensor.dtype.is_bool:
        return reduce.reduce_all(tensor, axis, bool(keepdims))
    return reduce.reduce_min(tensor, axis, bool(keepdims))


def amax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Tensor:
    """Return the largest element along axes, as `max`.

    Raises:
        ValueError: if `out` is given.
    """
    _no_out(out)
    return max(a, axis, keepdims)


def amin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Tensor:
    """Return the smallest element along axes, as `min`.

    Raises:
        ValueError: if `out` is given.
    """
    _no_out(out)
    return min(a, axis, keepdims)


def ptp(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Return the largest element along axes less the smallest."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None) -> Tensor:
    """Return the mean of the elements along axes.

    Args:
        a: the array.
        axis: an axis or several, all by default.
        dtype: the type in which to compute; by default that of `a`, float64 for integers and booleans.
        out: must be None.
        keepdims: whether the axes stay, with size 1.
    """
    _no_out(out)
    tensor = floating(a) if dtype is None else to_tensor(a, dtype)
    return reduce.reduce_mean(tensor, axis, bool(keepdims))


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = None) -> Tensor:
    """Return the variance of the elements along axes.

    Args:
        a, axis, dtype, out, keepdims: as in `mean`.
        ddof: what to take off the number of elements by which the squares are divided.
    Returns:
        The variances, real also for complex elements.
    """
    _no_out(out)
    tensor = floating(a)
    if dtype is not None:
        wanted = to_tensor(0, dtype).dtype
        tensor = to_tensor(tensor, wanted if is_inexact(wanted) else float64)
    distance = tensor - reduce.reduce_mean(tensor, axis, True)
    squares = distance * complex_ops.conj(distance) if tensor.dtype.is_complex else unary.square(distance)
    squares = real(squares)
    if not ddof:
        result = reduce.reduce_mean(squares, axis, bool(keepdims))
    else:
        count = reduce.reduce_sum(filling.ones_like(squares), axis, bool(keepdims))
        result = reduce.reduce_sum(squares, axis, bool(keepdims)) / (count - to_tensor(ddof, squares.dtype))
    return result if dtype is None else to_tensor(result, dtype)


def std(a: Any, axis: Any = None, keepdims: Any = None) -> Tensor:
    """Return the standard deviation of the elements along axes; arguments as in `var`."""
    return unary.sqrt(var(a, axis, keepdims=keepdims))


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    """Return the weighted mean of the elements.

    Args:
        a: the array.
        axis: an axis; all by default.
        weights: of the shape of `a`, or a vector along `axis`; all 1 by default.
        returned: whether to return the sum of the weights too.
    Returns:
        The mean; with `returned`, a tuple of it and the sum of the weights.
    Raises:
        ValueError: if the weights have another rank than `a` and are not a vector along an axis.
    """
    if weights is None:
        values = floating(a)
        result = reduce.reduce_mean(values, axis)
        total = reduce.reduce_sum(filling.ones_like(values), axis)
        return (result, total) if returned else result
    values, scale = promoted_floating(a, weights)
    rank = known_rank(values, "average")
    if scale.ndim != rank:
        if axis is None:
            raise ValueError("average needs an axis when the shapes of a and weights differ: pass axis=0, say")
        if scale.ndim != 1:
            raise ValueError(f"weights must be a vector or of the shape of a, {values.shape}; got {scale.shape}")
        place = normalized_axes(axis, rank)[0]
        scale = shaping.reshape(scale, [1] * place + [-1] + [1] * (rank - place - 1))
    scale = scale + filling.zeros_like(values)
    total = reduce.reduce_sum(scale, axis)
    result = reduce.reduce_sum(values * scale, axis) / total
    return (result, total) if returned else result


def _without_nan(a: Any, neutral: float) -> Tensor:
    tensor = to_tensor(a)
    if not is_inexact(tensor.dtype):
        return tensor
    return selecting.where(isnan(tensor), filling.ones_like(tensor) * to_tensor(neutral, tensor.dtype), tensor)


def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Tensor:
    """Return the sum of the elements that are not NaN; arguments as in `sum`."""
    return sum(_without_nan(a, 0.0), axis, dtype, keepdims)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Tensor:
    """Return the product of the elements that are not NaN; arguments as in `sum`."""
    return prod(_without_nan(a, 1.0), axis, dtype, keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Tensor:
    """Return the mean of the elements that are not NaN; arguments as in `mean`."""
    tensor = floating(a) if dtype is None else to_tensor(a, dtype)
    tensor = floating(tensor)
    count = reduce.reduce_sum(cast(compare.logical_not(isnan(tensor)), tensor.dtype), axis, bool(keepdims))
    return nansum(tensor, axis, keepdims=keepdims) / count


def count_nonzero(a: Any, axis: Any = None) -> Tensor:
    """Return the number of elements along axes that are not 0, as int64."""
    return reduce.reduce_sum(cast(not_equal(to_tensor(a), 0), int64), axis)


# Positions and order.


def _position(operation: Any, a: Any, axis: Any) -> Tensor:
    if isinstance(axis, (list, tuple)):
        raise TypeError(f"the position of an extreme is along one axis, got axis={axis!r}; reshape the array first")
    tensor = to_tensor(a)
    if tensor.dtype.is_bool:
        tensor = cast(tensor, int8)
    if axis is None or tensor.ndim == 0:
        return operation(shaping.reshape(tensor, [-1]), axis=0)
    return operation(tensor, axis=axis)


def argmax(a: Any, axis: Any = None) -> Tensor:
    """Return the position of the largest element along an axis, or in the flattened array, as int64."""
    return _position(positions.argmax, a, axis)


def argmin(a: Any, axis: Any = None) -> Tensor:
    """Return the position of the smallest element along an axis, or in the flattened array, as int64."""
    return _position(positions.argmin, a, axis)


def _order(a: Any, axis: Any, kind: Any, order: Any, kinds: tuple[str, ...]) -> tuple[Tensor, Any]:
    if kind not in kinds:
        raise ValueError(f"Invalid value for argument `kind`, only {' and '.join(kinds)}: got {kind!r}")
    if order is not None:
        raise ValueError(f"'order' argument to sort is not supported, got {order!r}: arrays have no fields")
    tensor = to_tensor(a)
    return (shaping.reshape(tensor, [-1]), 0) if axis is None else (tensor, axis)


def sort(a: Any, axis: Any = -1, kind: Any = "quicksort", order: Any = None) -> Tensor:
    """Return the elements sorted along an axis; with `axis=None` the flattened array.

    Raises:
        ValueError: if `kind` is not "quicksort", or `order` is given.
    """
    tensor, axis = _order(a, axis, kind, order, ("quicksort",))
    if tensor.dtype.is_bool:
        return cast(sorting.sort(cast(tensor, int8), axis), tensor.dtype)
    return sorting.sort(tensor, axis)


def argsort(a: Any, axis: Any = -1, kind: Any = "quicksort", order: Any = None) -> Tensor:
    """Return the positions that sort the elements along an axis, as int64; equal elements keep their order.

    Raises:
        ValueError: if `kind` is neither "quicksort" nor "stable", or `order` is given.
    """
    tensor, axis = _order(a, axis, kind, order, ("quicksort", "stable"))
    if tensor.dtype.is_bool:
        tensor = cast(tensor, int8)
    return cast(sorting.argsort(tensor, axis, stable=True), int64)


# Running sums and differences.


def _running(operation: Any, a: Any, axis: Any, dtype: Any) -> Tensor:
    tensor = to_tensor(a)
    if dtype is None:
        dtype = int64 if tensor.dtype.is_bool or tensor.dtype.is_integer and tensor.dtype.size < 8 else tensor.dtype
    tensor = to_tensor(tensor, dtype)
    if axis is None:
        return operation(shaping.reshape(tensor, [-1]), 0)
    return operation(tensor, normalized_axes(axis, known_rank(tensor, "cumsum"))[0])


def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """Return the running sums along an axis, or of the flattened array; in int64 for smaller integers."""
    return _running(scan.cumsum, a, axis, dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """Return the running products along an axis, or of the flattened array; in int64 for smaller integers."""
    return _running(scan.cumprod, a, axis, dtype)


def diff(a: Any, n: int = 1, axis: Any = -1) -> Tensor:
    """Return the differences of neighbours along an axis, taken `n` times; of booleans whether they differ.

    Raises:
        ValueError: if `n` is negative, or `a` has no dimensions.
    """
    tensor = to_tensor(a)
    rank = known_rank(tensor, "diff")
    if n < 0:
        raise ValueError(f"Argument `order` must be a non-negative integer. Received: {n}")
    if rank == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    place = normalized_axes(axis, rank)[0]
    before: list[Any] = [builtins.slice(None)] * rank
    after = list(before)
    before[place], after[place] = builtins.slice(None, -1), builtins.slice(1, None)
    for _ in range(n):
        later, earlier = tensor[tuple(after)], tensor[tuple(before)]
        tensor = compare.not_equal(later, earlier) if tensor.dtype.is_bool else later - earlier
    return tensor
