"""Values kept within bounds, and tensors scaled to a norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import broadcast_all
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant, identity
from penstock.ops.math.binary import maximum_op, minimum_op
from penstock.ops.math.broadcasting import reduce_to
from penstock.ops.math.cast import cast
from penstock.ops.math.kernels import NUMBER_OR_QUANTIZED, STORED_ONLY, no_kernel, operation, through_numpy
from penstock.ops.math.reduce import reduce_sum


@op("ClipByValue(t: T, clip_value_min: T, clip_value_max: T) -> output: T", T=NUMBER_OR_QUANTIZED)
def clip_by_value_op(t: Array, clip_value_min: Array, clip_value_max: Array) -> Array:
    if t.is_complex():
        raise no_kernel("ClipByValue", t.dtype)
    if t.dtype in STORED_ONLY:
        return through_numpy(lambda value, low, high: value.clip(low, high), t, clip_value_min, clip_value_max)
    return torch.maximum(torch.minimum(t, clip_value_max), clip_value_min)


@clip_by_value_op.shape
def clip_by_value_shape(t: Dims, clip_value_min: Dims, clip_value_max: Dims) -> Dims:
    return broadcast_all(t, clip_value_min, clip_value_max)


@clip_by_value_op.gradient
def clip_by_value_gradient(call: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    t, low, high = call.inputs
    zero, select = operation("ZerosLike")(grad), operation("SelectV2")
    below, above = operation("Less")(t, low), operation("Greater")(t, high)
    inside = operation("LogicalNot")(operation("LogicalOr")(below, above))
    return (
        reduce_to(t, select(inside, grad, zero)),
        reduce_to(low, select(below, grad, zero)),
        reduce_to(high, select(above, grad, zero)),
    )


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Return `t` with elements outside of the bounds replaced by the nearer bound.

    Args:
        t: a real tensor or IndexedSlices.
        clip_value_min, clip_value_max: the bounds; their shapes must broadcast to that of `t`.
        name: the name of the node.
    Raises:
        ValueError: if broadcasting the bounds would give another shape than that of `t`.
    """
    with op_scope(name, "clip_by_value") as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        at_most = minimum_op(values, clip_value_max)
        _check_shape(values, at_most)
        clipped = maximum_op(at_most, clip_value_min, name=scope or name)
        _check_shape(values, clipped)
        return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def _check_shape(values: Tensor, clipped: Tensor) -> None:
    if not values.shape.is_compatible_with(clipped.shape):
        raise ValueError(
            f"the bounds would broadcast shape {values.shape} to {clipped.shape}; give them smaller shapes"
        )


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """Return `t`, scaled down to a 2-norm of `clip_norm` if its norm is larger.

    Args:
        t: a floating tensor or IndexedSlices.
        clip_norm: the largest norm, greater than 0.
        axes: the axes over which norms are taken; all by default.
        name: the scope of the nodes.
    """
    with op_scope(name, "clip_by_norm") as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        squares = reduce_sum(values * values, axes, keepdims=True)
        positive = operation("Greater")(squares, operation("ZerosLike")(squares))
        select = operation("SelectV2")
        # The root has no derivative at 0.
        safe = select(positive, squares, operation("OnesLike")(squares))
        norm = select(positive, operation("Sqrt")(safe), squares)
        # A bound below 0 leaves nothing, as 0 does.
        bound = maximum_op(convert_to_tensor(clip_norm, values.dtype.base_dtype, name="clip_norm"), 0)
        scaled = values * bound
        _check_shape(values, scaled)
        clipped = identity(scaled / maximum_op(norm, bound), name=scope or name)
        return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """Return `t`, scaled down to an average 2-norm per element of `clip_norm` if it is larger.

    Args:
        t: a floating tensor.
        clip_norm: the largest average norm, greater than 0.
        name: the scope of the nodes.
    """
    with op_scope(name, "clip_by_average_norm") as scope:
        t = convert_to_tensor(t, name="t")
        dtype = t.dtype.base_dtype
        size = operation("Cast")(operation("Size")(t), DstT=dtype)
        inverse_norm = operation("Rsqrt")(reduce_sum(t * t))
        limit = constant(1.0, dtype=dtype) / clip_norm
        return identity(t * clip_norm * minimum_op(inverse_norm * size, limit), name=scope or name)


def _check_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors, got {t_list!r}")
    return [
        item if item is None or isinstance(item, IndexedSlices) else convert_to_tensor(item, name=f"t_{index}")
        for index, item in enumerate(t_list)
    ]


def global_norm(t_list: Any, name: str | None = None) -> Tensor | None:
    """Return the joint 2-norm of all tensors, of shape ().

    Args:
        t_list: a list of floating tensors, IndexedSlices and None, which is left out.
        name: the scope of the nodes.
    Returns:
        The norm, None if there are no tensors.
    Raises:
        TypeError: if `t_list` is no list.
    """
    items = _check_list(t_list)
    with op_scope(name, "global_norm"):
        halves = []
        for item in items:
            if item is not None:
                halves.append(operation("L2Loss")(item.values if isinstance(item, IndexedSlices) else item))
        if not halves:
            return None
        half_square = reduce_sum(operation("Pack")(halves, name="stack"))
        two = constant(2.0, dtype=half_square.dtype)
        return operation("Sqrt")(half_square * two, name="global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Scale all tensors by one factor so that their joint 2-norm is at most `clip_norm`.

    Args:
        t_list: a list of floating tensors, IndexedSlices and None, which passes through.
        clip_norm: the largest norm, greater than 0.
        use_norm: the norm, where it is known already.
        name: the scope of the nodes.
    Returns:
        The scaled tensors, and the norm before scaling. A norm that is not finite makes every element NaN.
    Raises:
        TypeError: if `t_list` is no list.
    """
    items = _check_list(t_list)
    if use_norm is None:
        use_norm = global_norm(items, name)
    if use_norm is None:
        return list(items), constant(0.0)
    with op_scope(name, "clip_by_global_norm") as scope:
        use_norm = convert_to_tensor(use_norm)
        one = constant(1.0, dtype=use_norm.dtype)
        scale = clip_norm * minimum_op(one / use_norm, one / clip_norm)
        # Infinity minus infinity is NaN, as is NaN minus NaN; everything else adds 0.
        scale = scale + (use_norm - use_norm)
        clipped: list[Any] = []
        for index, item in enumerate(items):
            if item is None:
                clipped.append(None)
                continue
            values = item.values if isinstance(item, IndexedSlices) else item
            scaled = identity(
                values * cast(scale, values.dtype.base_dtype),
                name=f"{scope}_{index}" if scope else None,
            )
            clipped.append(
                IndexedSlices(scaled, item.indices, item.dense_shape) if isinstance(item, IndexedSlices) else scaled
            )
        return clipped, use_norm
