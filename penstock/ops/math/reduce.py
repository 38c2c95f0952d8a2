"""Reductions: sums, products, extremes and logic over axes of a tensor."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import QUANTIZED, REAL_NUMBER, as_dtype, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, op_scope
from penstock.core.inference import is_known, partial_value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, num_elements, reduced
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.constant import constant, shape_op
from penstock.ops.fused.large import LARGE
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj, real
from penstock.ops.math.kernels import AXIS, NUMBER_OR_QUANTIZED, STORED_ONLY, operation, through_numpy

_ORDERED = REAL_NUMBER | QUANTIZED


def checked_axes(axes: int | list[int], rank: int) -> tuple[int, ...]:
    """Return the axes that a host input names, each from 0 to `rank` - 1.

    Raises:
        InvalidArgumentError: if one is out of range, or named twice.
    """
    if not isinstance(axes, int) and axes and isinstance(axes[0], list):
        axes = np.ravel(axes).tolist()
    return _checked_axes((axes,) if isinstance(axes, int) else tuple(axes), rank)


@functools.lru_cache(maxsize=1024)
def _checked_axes(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    result: list[int] = []
    for axis in axes:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None,
                None,
                f"Invalid reduction dimension {axis} for input with {rank} dimension(s), not in [{-rank}, {rank})",
            )
        axis = axis + rank if axis < 0 else axis
        if axis in result:
            raise InvalidArgumentError(
                None, None, f"Invalid reduction arguments: Axes contains duplicate dimension: {axis}"
            )
        result.append(axis)
    return tuple(result)


def reduction_shape(input: Dims, reduction_indices: Any, *, keep_dims: bool, **attrs: Any) -> Dims:
    """The shape rule of reductions."""
    axes = [reduction_indices] if isinstance(reduction_indices, int) else reduction_indices
    if axes is None:
        return reduced(input, None, keep_dims)
    if np.ndim(axes) > 1:
        raise ShapeError(f"the reduction axes must be a number or a vector, got {axes}")
    if not is_known(axes):
        if input is None:
            return None
        return (None,) * (len(input) if keep_dims else max(len(input) - len(axes), 0))
    return reduced(input, axes, keep_dims)


def _result_dims(x: Array, axes: Sequence[int], keep_dims: bool) -> list[int]:
    return [1 if axis in axes else size for axis, size in enumerate(x.shape) if keep_dims or axis not in axes]


def _sum(input: Array, axes: Any, keep_dims: bool) -> Array:
    if input.dtype in STORED_ONLY:
        # The sum of 64-bit integers wraps around alike.
        return torch.sum(input.to(torch.int64), axes, keepdim=keep_dims).to(input.dtype)
    return torch.sum(input, axes, keepdim=keep_dims, dtype=input.dtype)


@op(
    "Sum(input: T, reduction_indices: host Tidx) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tidx=AXIS,
    view=True,
    shape=reduction_shape,
)
def sum_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    return _sum(input, axes, keep_dims) if axes else input


@op(
    "Mean(input: T, reduction_indices: host Tidx) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tidx=AXIS,
    view=True,
    shape=reduction_shape,
)
def mean_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    if not axes:
        return input
    count = math.prod(input.shape[axis] for axis in axes)
    if input.is_floating_point() or input.is_complex() and count:
        return torch.mean(input, axes, keepdim=keep_dims)
    total = _sum(input, axes, keep_dims)
    if not count:
        return total
    if input.dtype in STORED_ONLY:
        return through_numpy(lambda array: array // array.dtype.type(count), total)
    return torch.div(total, count, rounding_mode="trunc")


@op(
    "Prod(input: T, reduction_indices: host Tidx) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tidx=AXIS,
    view=True,
    shape=reduction_shape,
)
def prod_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    result = input
    for axis in sorted(checked_axes(reduction_indices, input.ndim), reverse=True):
        if input.dtype in STORED_ONLY:
            # The product of 64-bit integers wraps around alike.
            result = torch.prod(result.to(torch.int64), axis, keepdim=keep_dims).to(input.dtype)
        else:
            result = torch.prod(result, axis, keepdim=keep_dims, dtype=input.dtype)
    return result


def _extreme(input: Array, reduction_indices: Any, keep_dims: bool, largest: bool) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    if not axes:
        return input
    if not input.numel():
        floating = input.is_floating_point()
        info = None if floating else torch.iinfo(input.dtype)
        neutral = (-math.inf if largest else math.inf) if info is None else (info.min if largest else info.max)
        return torch.full(_result_dims(input, axes, keep_dims), neutral, dtype=input.dtype, device=input.device)
    if input.dtype in STORED_ONLY:
        return through_numpy(lambda array: (np.max if largest else np.min)(array, axis=axes, keepdims=keep_dims), input)
    return (torch.amax if largest else torch.amin)(input, axes, keepdim=keep_dims)


@op("Max(input: T, reduction_indices: host Tidx) -> output: T", T=_ORDERED, Tidx=AXIS, view=True, shape=reduction_shape)
def max_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    return _extreme(input, reduction_indices, keep_dims, largest=True)


@op("Min(input: T, reduction_indices: host Tidx) -> output: T", T=_ORDERED, Tidx=AXIS, view=True, shape=reduction_shape)
def min_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    return _extreme(input, reduction_indices, keep_dims, largest=False)


def _bytes_reduced(
    of_bytes: Callable[..., Array], of_bits: Callable[..., Array], input: Array, axes: tuple[int, ...], keep_dims: bool
) -> Array:
    if not axes:
        return input
    if input.numel() < LARGE:
        return of_bits(input, axes, keepdim=keep_dims)
    # ATen reads many bytes at once, but one truth value after the other.
    return of_bytes(input.view(torch.uint8), axes, keepdim=keep_dims).view(torch.bool)


@op("All(input: bool, reduction_indices: host Tidx) -> output: bool", Tidx=AXIS, view=True, shape=reduction_shape)
def all_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    return _bytes_reduced(torch.amin, torch.all, input, axes, keep_dims)


@op("Any(input: bool, reduction_indices: host Tidx) -> output: bool", Tidx=AXIS, view=True, shape=reduction_shape)
def any_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    return _bytes_reduced(torch.amax, torch.any, input, axes, keep_dims)


@op(
    "EuclideanNorm(input: T, reduction_indices: host Tidx) -> output: T",
    T=NUMBER_OR_QUANTIZED,
    Tidx=AXIS,
    shape=reduction_shape,
)
def euclidean_norm_op(input: Array, reduction_indices: Any, *, keep_dims: bool = False) -> Array:
    axes = checked_axes(reduction_indices, input.ndim)
    if not input.is_floating_point() and not input.is_complex():
        squares = input.double().square()
        return (squares.sum(axes, keepdim=keep_dims) if axes else squares).sqrt().to(input.dtype)
    squares = (
        (input * input.conj()).real
        if input.is_complex()
        else input.float().square()
        if input.element_size() < 4
        else input.square()
    )
    return (squares.sum(axes, keepdim=keep_dims) if axes else squares).sqrt().to(input.dtype)


@prod_op.partial
def prod_partial(call: Any) -> Any:
    sizes, axes = partial_value(call.inputs[0]), partial_value(call.inputs[1])
    if not isinstance(sizes, list) or axes is None or not is_known(sizes) or not is_known(axes):
        return None
    product = math.prod(np.ravel(sizes).tolist()) if len(np.shape(sizes)) == 1 and axes in (0, [0], -1, [-1]) else None
    return [product] if product is not None and call.attrs["keep_dims"] else product


# Gradients


def _normalized(axes: Tensor, rank: Tensor) -> Tensor:
    result: Tensor = operation("FloorMod")(axes + rank, rank)
    return result


def _kept_shape(x: Tensor, axes: Tensor) -> Any:
    """Return the shape of `x` with the reduced axes set to 1: Python ints if known, else a tensor."""
    dims, known = x.dims, partial_value(axes)
    if dims is not None and known is not None and is_known(known):
        gone = set(checked_axes(known, len(dims)))
        kept = [1 if axis in gone else size for axis, size in enumerate(dims)]
        if kept.count(None) == 0:
            return kept
        if kept.count(None) == 1:
            return [-1 if size is None else size for size in kept]
    sizes = shape_op(x)
    rank = operation("Size")(sizes)
    positions = operation("Range")(0, rank, 1)
    flat = operation("Reshape")(cast(axes, int32), [1, -1])
    is_gone = any_op(operation("Equal")(operation("ExpandDims")(positions, 1), _normalized(flat, rank)), 1)
    gone_at = cast(is_gone, int32)
    return sizes * (1 - gone_at) + gone_at


def restore_axes(x: Tensor, axes: Tensor, reduced_value: Tensor) -> Tensor:
    """Return what a reduction of `x` gave with the axes it lost, of size 1, so that it broadcasts against `x`."""
    if isinstance(reduced_value, EagerTensor) and not reduced_value.ndim:
        return reduced_value
    if (
        x.dims is not None
        and reduced_value.dims is not None
        and len(reduced_value.dims) == len(x.dims)
        and partial_value(axes) != []
    ):
        known = partial_value(axes)
        if known is None or all(reduced_value.dims[axis] == 1 for axis in checked_axes(known, len(x.dims))):
            return reduced_value
    result: Tensor = operation("Reshape")(reduced_value, _kept_shape(x, axes))
    return result


def _broadcast_like(grad: Tensor, x: Tensor) -> Tensor:
    dims = x.dims
    result: Tensor = operation("BroadcastTo")(
        grad, list(dims) if dims is not None and None not in dims else shape_op(x)
    )
    return result


@sum_op.gradient
def sum_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    x, axes = call.inputs
    return _broadcast_like(restore_axes(x, axes, grad), x), None


@mean_op.gradient
def mean_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    x, axes = call.inputs
    size, kept = num_elements(x.dims), num_elements(call.outputs[0].dims)
    if isinstance(grad, EagerTensor) and size is not None and kept is not None and grad.dtype.is_floating:
        count: Any = float(size // max(kept, 1))
    elif size is not None and kept is not None:
        count = np.asarray(size // max(kept, 1)).astype(grad.dtype.as_numpy_dtype)
    else:
        sizes, kept_sizes = operation("Size")(x), operation("Size")(call.outputs[0])
        count = cast(operation("FloorDiv")(sizes, operation("Maximum")(kept_sizes, 1)), grad.dtype)
    return _broadcast_like(restore_axes(x, axes, grad / count), x), None


@prod_op.gradient
def prod_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    # The product of all other elements, from the left and from the right, which is right where elements are 0, too.
    x, axes = call.inputs
    reshape, transpose = operation("Reshape"), operation("Transpose")
    expanded = _broadcast_like(restore_axes(x, axes, grad), x)
    dims, known = x.dims, partial_value(axes)
    if dims is not None and known is not None and is_known(known):
        gone = list(checked_axes(known, len(dims)))
        order: Any = gone + [axis for axis in range(len(dims)) if axis not in gone]
        back: Any = [order.index(axis) for axis in range(len(dims))]
        gone_sizes = [dims[axis] for axis in gone]
        rows: Any = math.prod(gone_sizes) if None not in gone_sizes else None
        if rows is None:
            rows = prod_op(operation("GatherV2")(shape_op(x), gone, 0), [0])
    else:
        rank = operation("Size")(shape_op(x))
        gone_at = _normalized(reshape(cast(axes, int32), [-1]), rank)
        rest = operation("ListDiff")(operation("Range")(0, rank, 1), gone_at)[0]
        order = operation("ConcatV2")([gone_at, rest], 0)
        back = operation("InvertPermutation")(order)
        rows = prod_op(operation("GatherV2")(shape_op(x), gone_at, 0), [0])
    moved = transpose(x, order)
    table = reshape(
        moved,
        operation("Pack")([rows, -1])
        if isinstance(rows, Tensor)
        else [rows, -1]
        if rows
        else [0, num_elements(dims) or 0],
    )
    left = operation("Cumprod")(table, 0, exclusive=True)
    right = operation("Cumprod")(table, 0, exclusive=True, reverse=True)
    others = reshape(conj(left) * conj(right), shape_op(moved))
    return reshape(expanded * transpose(others, back), shape_op(x)), None


@max_op.gradient
@min_op.gradient
def extreme_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    # Elements that share the extreme share its cotangent.
    x, axes = call.inputs
    extreme, grad = restore_axes(x, axes, call.outputs[0]), restore_axes(x, axes, grad)
    chosen = cast(operation("Equal")(extreme, x), grad.dtype)
    count = restore_axes(x, axes, sum_op(chosen, axes))
    return chosen / count * grad, None


@euclidean_norm_op.gradient
def euclidean_norm_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
    x, axes = call.inputs
    return x * (restore_axes(x, axes, grad) / restore_axes(x, axes, call.outputs[0])), None


# Public reductions


def one_of(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """Return an argument that TensorFlow 1 knows by two names.

    Raises:
        ValueError: if both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{name}'; pass '{name}'.")
    return old_value


def reduction_axes(x: Any, axis: Any) -> Any:
    """Return the axes of a reduction as an input of its operation; all of `x` for None.

    Raises:
        TypeError: if the axis is a number that is no integer.
    """
    if type(axis) is int:
        return axis
    if axis is not None:
        if isinstance(axis, float):
            raise TypeError(f"a reduction axis must be an integer, got {axis!r}")
        return int(axis) if isinstance(axis, bool) else axis
    rank = x.ndim
    if rank is not None:
        return range(rank) if current_graph() is None else constant(np.arange(rank, dtype=np.int32))
    return operation("Range")(0, operation("Rank")(x), 1, name="range")


def _reduce(reduction: Any, input_tensor: Any, axis: Any, keepdims: Any, name: str | None) -> Tensor:
    x = input_tensor if isinstance(input_tensor, Tensor) else convert_to_tensor(input_tensor, name="input")
    result: Tensor = reduction(x, reduction_axes(x, axis), keep_dims=bool(keepdims), name=name)
    if axis is None and not keepdims and x.ndim is None:
        result.set_shape(())  # type: ignore[attr-defined]
    return result


def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the sum of the elements over the given axes.

    Args:
        input_tensor: a numeric tensor.
        axis: an axis, several, or None for all.
        keepdims: whether the axes stay, with size 1.
        name: the name of the node.
    """
    return _reduce(sum_op, input_tensor, axis, keepdims, name)


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the mean of the elements over the given axes; integers are divided as integers.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(mean_op, input_tensor, axis, keepdims, name)


def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the product of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(prod_op, input_tensor, axis, keepdims, name)


def reduce_max(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the largest element over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(max_op, input_tensor, axis, keepdims, name)


def reduce_min(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the smallest element over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(min_op, input_tensor, axis, keepdims, name)


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Tell whether all elements over the given axes are True.

    Args:
        input_tensor: a boolean tensor.
        axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(all_op, input_tensor, axis, keepdims, name)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Tell whether any element over the given axes is True.

    Args:
        input_tensor: a boolean tensor.
        axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(any_op, input_tensor, axis, keepdims, name)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Return the root of the sum of the squares of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
    """
    return _reduce(euclidean_norm_op, input_tensor, axis, bool(keepdims), name)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return `log(sum(exp(x)))` over the given axes, without overflow.

    Args:
        input_tensor: a floating tensor.
        axis, keepdims, name: see `reduce_sum`.
    """
    with op_scope(name, "ReduceLogSumExp") as scope:
        x = convert_to_tensor(input_tensor, name="input")
        largest = reduce_max(x, axis, keepdims=True)
        zeros = operation("ZerosLike")(largest)
        shift = operation("StopGradient")(operation("SelectV2")(operation("IsFinite")(largest), largest, zeros))
        result = operation("Log")(reduce_sum(operation("Exp")(x - shift), axis, keepdims=bool(keepdims)))
        if not keepdims:
            shift = operation("Reshape")(shift, shape_op(result))
        return operation("AddV2")(result, shift, name=scope or name)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the variance of the elements over the given axes: the mean of the squared distances from their mean.

    Args:
        input_tensor: a floating or complex tensor; the variance of complex numbers is real.
        axis, keepdims: see `reduce_sum`.
        name: the scope of the nodes.
    Raises:
        TypeError: for integers.
    """
    with op_scope(name or "reduce_variance"):
        x = convert_to_tensor(input_tensor)
        means = reduce_mean(x, axis, keepdims=True)
        if means.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex. Received integer type {means.dtype}.")
        difference = x - means
        if difference.dtype.is_complex:
            squares = real(difference * conj(difference))
        else:
            squares = operation("Square")(difference)
        return reduce_mean(squares, axis, keepdims=keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Return the standard deviation of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_variance`.
    """
    with op_scope(name or "reduce_std"):
        return operation("Sqrt")(reduce_variance(input_tensor, axis, keepdims))


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool | None = None, dtype: Any = int64, name: str | None = None
) -> Tensor:
    """Return the number of elements that are not zero (not empty, for strings) over the given axes.

    Args:
        input: a tensor of numbers, booleans or strings.
        axis, keepdims: see `reduce_sum`.
        dtype: the type of the counts.
        name: the scope of the nodes.
    """
    with op_scope(name, "count_nonzero"):
        x = convert_to_tensor(input, name="input")
        zero = constant(b"") if x.dtype.name == "string" else constant(np.zeros((), dtype=x.dtype.as_numpy_dtype))
        return cast(
            reduce_sum(cast(operation("NotEqual")(x, zero), int64), axis, keepdims=bool(keepdims)), as_dtype(dtype)
        )


def count_nonzero_v1(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
    input: Any = None,
) -> Tensor:
    """Return the number of elements that are not zero; see `count_nonzero`, and `reduce_sum_v1` for the old names."""
    x = one_of("input", input, "input_tensor", input_tensor)
    axis, keepdims = (
        one_of("axis", axis, "reduction_indices", reduction_indices),
        one_of("keepdims", keepdims, "keep_dims", keep_dims),
    )
    return count_nonzero(x, axis, keepdims, dtype, name)


def reduce_sum_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the sum of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name: see `reduce_sum`.
        reduction_indices: the old name of `axis`.
        keep_dims: the old name of `keepdims`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_sum(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_mean_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the mean of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_mean(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_prod_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the product of the elements over the given axes.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_prod(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_max_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the largest element over the given axes.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_max(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_min_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return the smallest element over the given axes.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_min(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_all_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Tell whether all elements over the given axes are True.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_all(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_any_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Tell whether any element over the given axes is True.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_any(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)


def reduce_logsumexp_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Return `log(sum(exp(x)))` over the given axes.

    Args:
        input_tensor, axis, keepdims, name, reduction_indices, keep_dims: see `reduce_sum_v1`.
    """
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return reduce_logsumexp(input_tensor, axis, bool(one_of("keepdims", keepdims, "keep_dims", keep_dims)), name)
