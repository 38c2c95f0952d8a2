"""Weights of examples: the rule by which they broadcast to the values that they weigh.

Weights are a scalar, or have the values' rank, with each size 1 or the values' own. This is stricter than NumPy's rule:
weights of shape (batch,) for values of shape (batch, classes) are refused, for they would weigh the wrong axis where
both sizes agree.
"""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape_rules import format_dims
from penstock.core.tensor import Tensor
from penstock.language.control_flow import assert_true, cond, with_dependencies
from penstock.ops.array.filling import ones_like
from penstock.ops.array.shaping import rank, shape_v1
from penstock.ops.constant import constant, no_op
from penstock.ops.math.binary import multiply
from penstock.ops.math.compare import equal, logical_or
from penstock.ops.math.reduce import reduce_all

_RULE = (
    "weights can not be broadcast to values. weights must be a scalar, or have the rank of values, "
    "with each size 1 or that of values."
)


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """Check that weights broadcast to values, now where the shapes are known, else when the graph runs.

    Args:
        weights: a tensor of any shape.
        values: a tensor of any shape.
    Returns:
        The operation to wait for; one that does nothing where all is known.
    Raises:
        ValueError: if the shapes are known and do not fit.
    """
    weights, values = convert_to_tensor(weights), convert_to_tensor(values)
    a, b = weights.dims, values.dims
    if a == ():
        return no_op(name="static_scalar_check_success")
    shapes = f"weights has shape {format_dims(a)} and values {format_dims(b)}"
    if a is not None and b is not None:
        if len(a) != len(b):
            raise ValueError(f"{_RULE} {shapes}, of another rank.")
        for axis, (weight_size, size) in enumerate(zip(a, b, strict=True)):
            if weight_size is not None and size is not None and weight_size not in (1, size):
                raise ValueError(f"{_RULE} {shapes}, which differ in axis {axis}.")
        if all(x == 1 or (x is not None and x == y) for x, y in zip(a, b, strict=True)):
            return no_op(name="static_dims_check_success")
    with name_scope(None, "assert_broadcastable", [weights, values]) as scope:
        same_rank = equal(rank(values), rank(weights))

        def sizes_fit() -> Tensor:
            weights_shape = shape_v1(weights)
            return reduce_all(logical_or(equal(weights_shape, 1), equal(weights_shape, shape_v1(values))))

        fits = cond(
            equal(rank(weights), 0), lambda: constant(True), lambda: cond(same_rank, sizes_fit, lambda: constant(False))
        )
        data = [_RULE, "weights.shape=", shape_v1(weights), "values.shape=", shape_v1(values)]
        return assert_true(fits, data, name=scope)


def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """Return weights with the shape of values.

    Args:
        weights: a scalar, or of the rank of `values` with each size 1 or that of `values`.
        values: a tensor.
    Raises:
        ValueError: if the shapes are known and do not fit; else the run fails.
    """
    with name_scope(None, "broadcast_weights", [weights, values]) as scope:
        values = convert_to_tensor(values)
        weights = convert_to_tensor(weights, preferred_dtype=values.dtype.base_dtype)
        if values.shape.is_fully_defined() and weights.shape.is_fully_defined() and values.dims == weights.dims:
            return weights
        check = assert_broadcastable(weights, values)
        ones = ones_like(values, dtype=weights.dtype.base_dtype)
        if check is not None:
            ones = with_dependencies([check], ones)
        return multiply(weights, ones, name=scope)
