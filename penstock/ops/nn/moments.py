"""Means and variances, and normalization composed of elementwise operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float16, float32
from penstock.core.graph import op_scope
from penstock.core.inference import static_value
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import constant, shape_op, stop_gradient_op

_cast_op = deferred("Cast")
_mean_op = deferred("Mean")
_sum_op = deferred("Sum")
_prod_op = deferred("Prod")
_gather_op = deferred("GatherV2")
_squeeze_op = deferred("Squeeze")
_squared_difference_op = deferred("SquaredDifference")
_rsqrt_op = deferred("Rsqrt")
_square_op = deferred("Square")
_maximum_op = deferred("Maximum")
_mul_op = deferred("Mul")
_add_op = deferred("AddV2")
_sub_op = deferred("Sub")


def _axes(axes: Any) -> list[int]:
    if isinstance(axes, Tensor):
        axes = static_value(axes)
        if axes is None:
            raise ValueError("the axes of moments must be known while the graph is built; pass integers")
    return [int(axis) for axis in np.ravel(axes)]


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of `x` over some axes.

    Args:
        x: floating numbers.
        axes: the axes over which to compute them.
        shift: not used.
        keepdims: whether the axes stay, with size 1.
        name: the name of the scope.
    Returns:
        The mean and the variance, of the type of `x`. float16 is computed in float32.
    """
    with op_scope(name, "moments", [x, axes]):
        given = convert_to_tensor(x, name="x")
        y = _cast_op(given, DstT=float32) if given.dtype.base_dtype == float16 else given
        axes = _axes(axes)
        mean = _mean_op(y, axes, keep_dims=True, name="mean")
        variance = _mean_op(_squared_difference_op(y, stop_gradient_op(mean)), axes, keep_dims=True, name="variance")
        if not keepdims:
            mean, variance = _drop(mean, axes), _drop(variance, axes)
        if y is not given:
            mean, variance = _cast_op(mean, DstT=float16), _cast_op(variance, DstT=float16)
        return mean, variance


def _drop(tensor: Tensor, axes: list[int]) -> Tensor:
    return _squeeze_op(tensor, squeeze_dims=axes) if axes else tensor


def moments_v1(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """Return `moments(x, axes, shift, keepdims, name)`; `keep_dims` is the old name of `keepdims`."""
    return moments(x, axes, shift, _keepdims(keepdims, keep_dims), name)


def _keepdims(keepdims: Any, keep_dims: Any) -> bool:
    if keepdims is not None and keep_dims is not None:
        raise ValueError("Cannot specify both 'keepdims' and 'keep_dims'; 'keep_dims' is the old name of 'keepdims'")
    return bool(keep_dims if keepdims is None else keepdims)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of `x` over some axes, each element counted `frequency_weights` times.

    Args:
        x: floating numbers.
        axes: the axes over which to compute them.
        frequency_weights: nonnegative weights that broadcast with `x`.
        keepdims: whether the axes stay, with size 1.
        name: the name of the scope.
    """
    with op_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        given = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        y = _cast_op(given, DstT=float32) if given.dtype.base_dtype == float16 else given
        if weights.dtype.base_dtype != y.dtype.base_dtype:
            weights = _cast_op(weights, DstT=y.dtype.base_dtype)
        axes = _axes(axes)
        # Broadcast, so that the sum counts every element.
        weights = weights + deferred("ZerosLike")(y)
        total = _sum_op(weights, axes, keep_dims=True, name="sum_of_weights")
        mean = _sum_op(weights * y, axes, keep_dims=True) / total
        variance = _sum_op(weights * _squared_difference_op(y, mean), axes, keep_dims=True) / total
        if not keepdims:
            mean, variance = _drop(mean, axes), _drop(variance, axes)
        if y is not given:
            mean, variance = _cast_op(mean, DstT=float16), _cast_op(variance, DstT=float16)
        return mean, variance


def weighted_moments_v1(
    x: Any, axes: Any, frequency_weights: Any, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """Return `weighted_moments`; `keep_dims` is the old name of `keepdims`."""
    return weighted_moments(x, axes, frequency_weights, _keepdims(keepdims, keep_dims), name)


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Return what the mean and the variance over some axes can be computed from.

    Args:
        x: floating numbers.
        axes: the axes.
        shift: a number to subtract first, close to the mean; None for 0.
        keepdims: whether the axes stay, with size 1.
        name: the name of the scope.
    Returns:
        The number of elements, their sum, the sum of their squares, and the shift.
    """
    axes = _axes(axes)
    with op_scope(name, "sufficient_statistics", [x, shift]):
        tensor = convert_to_tensor(x, name="x")
        dims = tensor.dims
        if dims is not None and all(dims[axis] is not None for axis in axes):
            count = 1
            for axis in axes:
                count *= dims[axis]
            counts = constant(count, dtype=tensor.dtype.base_dtype, name="count")
        else:
            sizes = shape_op(tensor)
            places = [axis if axis >= 0 else axis + shape_op(sizes)[0] for axis in axes]
            counts = _cast_op(_prod_op(_gather_op(sizes, places, 0), [0]), DstT=tensor.dtype.base_dtype, name="count")
        if shift is not None:
            shift = convert_to_tensor(shift, tensor.dtype.base_dtype, "shift")
            sums, squares = tensor - shift, _squared_difference_op(tensor, shift)
        else:
            sums, squares = tensor, _square_op(tensor)
        return (
            counts,
            _sum_op(sums, axes, keep_dims=keepdims, name="mean_ss"),
            _sum_op(squares, axes, keep_dims=keepdims, name="var_ss"),
            shift,
        )


def sufficient_statistics_v1(
    x: Any, axes: Any, shift: Any = None, keep_dims: Any = None, name: str | None = None, keepdims: Any = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Return `sufficient_statistics`; `keep_dims` is the old name of `keepdims`."""
    return sufficient_statistics(x, axes, shift, _keepdims(keepdims, keep_dims), name)


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance from sufficient statistics.

    Args:
        counts: the number of elements.
        mean_ss: their sum, after subtraction of `shift`.
        variance_ss: the sum of their squares, after subtraction of `shift`.
        shift: the shift, or None.
        name: the name of the scope.
    """
    with op_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = deferred("Reciprocal")(counts, name="divisor")
        if shift is not None:
            shifted = _mul_op(mean_ss, divisor, name="shifted_mean")
            mean = _add_op(shifted, shift, name="mean")
        else:
            shifted = mean = _mul_op(mean_ss, divisor, name="mean")
        return mean, _sub_op(_mul_op(variance_ss, divisor), _square_op(shifted), name="variance")


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Tensor:
    """Return (x - mean) / sqrt(variance + variance_epsilon) * scale + offset.

    Args:
        x: floating numbers.
        mean, variance: statistics that broadcast with `x`.
        offset: what is added at the end, or None.
        scale: the factor, or None.
        variance_epsilon: a small number that keeps the root from 0.
        name: the name of the scope.
    Source: Ioffe and Szegedy 2015, "Batch Normalization".
    """
    with op_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        tensor = convert_to_tensor(x, name="x")
        dtype = tensor.dtype.base_dtype
        inverse = _rsqrt_op(convert_to_tensor(variance) + variance_epsilon)
        if scale is not None:
            inverse = inverse * scale
        shift = offset - mean * inverse if offset is not None else -mean * inverse
        return tensor * _as(inverse, dtype) + _as(shift, dtype)


def _as(tensor: Tensor, dtype: Any) -> Tensor:
    return tensor if tensor.dtype.base_dtype == dtype else _cast_op(tensor, DstT=dtype)


def batch_norm_with_global_normalization(
    input: Any,
    mean: Any,
    variance: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Tensor:
    """Return `batch_normalization` with offset `beta`, and scale `gamma` if `scale_after_normalization`.

    Args:
        input: images of shape (batch, height, width, channels).
        mean, variance, beta, gamma: a number for each channel.
        variance_epsilon: a small number that keeps the root from 0.
        scale_after_normalization: whether `gamma` is used.
        name: the name of the scope.
    """
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon, name)


def batch_norm_with_global_normalization_v1(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: Any = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """Return `batch_norm_with_global_normalization`; `t`, `m`, `v` are the old names of `input`, `mean`, `variance`."""
    x, mean, variance = (old if new is None else new for new, old in ((input, t), (mean, m), (variance, v)))
    return batch_norm_with_global_normalization(
        x, mean, variance, beta, gamma, variance_epsilon, scale_after_normalization, name
    )


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """Return `x` divided by its 2-norm along some axes.

    Args:
        x: floating or complex numbers.
        axis: an axis, a list of axes, or None for all.
        epsilon: the least sum of squares to divide by.
        name: the name of the scope.
    """
    with op_scope(name, "l2_normalize", [x]) as scope:
        tensor = convert_to_tensor(x, name="x")
        axes = list(range(tensor.ndim or 0)) if axis is None else axis
        if axis is None and tensor.ndim is None:
            axes = deferred("Range")(0, deferred("Rank")(tensor), 1)
        if tensor.dtype.is_complex:
            magnitude = _square_op(deferred("ComplexAbs")(tensor, Tout=tensor.dtype.real_dtype))
            norm = _rsqrt_op(_maximum_op(_sum_op(magnitude, axes, keep_dims=True), epsilon))
            return _mul_op(tensor, _cast_op(norm, DstT=tensor.dtype.base_dtype), name=scope)
        norm = _rsqrt_op(_maximum_op(_sum_op(_square_op(tensor), axes, keep_dims=True), epsilon))
        return _mul_op(tensor, norm, name=scope)


def l2_normalize_v1(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """Return `l2_normalize(x, axis, epsilon, name)`; `dim` is the old name of `axis`."""
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'; 'dim' is the old name of 'axis'")
    return l2_normalize(x, dim if axis is None else axis, epsilon, name)
