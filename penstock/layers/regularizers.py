"""Penalties on weights, as `tf.contrib.layers` makes them: functions from a tensor to a scalar to add to the loss."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant
from penstock.ops.math.binary import multiply
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.sum_n import add_n
from penstock.ops.math.unary import abs
from penstock.ops.nn.losses import l2_loss

Regularizer = Callable[[Any], "Tensor | None"]


def _check_scale(scale: Any, upper: float | None = None) -> None:
    """Check the strength of a penalty.

    Raises:
        ValueError: if it is an integer (which TensorFlow refuses), negative, or not below `upper`.
    """
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}; write {float(scale)}")
    if not isinstance(scale, numbers.Real):
        return
    value = float(scale)
    if value < 0.0 or math.isnan(value):
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}")
    if upper is not None and value >= upper:
        raise ValueError(f"Setting a scale greater than or equal to {upper} on a regularizer: {scale}")


def _no_penalty(_: Any, name: str | None = None) -> None:
    """Return None: a strength of 0 adds nothing to the graph."""


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Return a function that gives `scale` times the sum of magnitudes.

    Args:
        scale: the strength, at least 0; for 0 the function returns None.
        scope: the name scope of the penalty.
    Raises:
        ValueError: if the strength is an integer, negative, or at least 1.
    """
    _check_scale(scale, upper=1.0)
    if scale == 0.0:
        return _no_penalty

    def l1(weights: Any, name: str | None = None) -> Tensor:
        with name_scope(scope if name is None else name, "l1_regularizer", [weights]) as inner:
            tensor = convert_to_tensor(weights)
            strength = convert_to_tensor(scale, tensor.dtype.base_dtype, name="scale")
            return multiply(strength, reduce_sum(abs(tensor)), name=inner)

    return l1


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Return a function that gives `scale` times half the sum of squares.

    Args:
        scale: the strength, at least 0; for 0 the function returns None.
        scope: the name scope of the penalty.
    Raises:
        ValueError: if the strength is an integer or negative.
    """
    _check_scale(scale)
    if scale == 0.0:
        return _no_penalty

    def l2(weights: Any, name: str | None = None) -> Tensor:
        with name_scope(scope if name is None else name, "l2_regularizer", [weights]) as inner:
            tensor = convert_to_tensor(weights)
            strength = convert_to_tensor(scale, tensor.dtype.base_dtype, name="scale")
            return multiply(strength, l2_loss(tensor), name=inner)

    return l2


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """Return a function that gives the sum of an `l1_regularizer` and an `l2_regularizer`.

    Args:
        scale_l1, scale_l2: the strengths, at least 0.
        scope: the name scope of the penalty.
    Raises:
        ValueError: if a strength is an integer or negative.
    """
    for scale in (scale_l1, scale_l2):
        _check_scale(scale)
    if not scale_l1:
        return l2_regularizer(scale_l2, scope)
    if not scale_l2 and scale_l1 < 1.0:
        return l1_regularizer(scale_l1, scope)

    def l1_l2(weights: Any, name: str | None = None) -> Tensor:
        with name_scope(scope if name is None else name, "l1_l2_regularizer", [weights]) as inner:
            tensor = convert_to_tensor(weights)
            dtype = tensor.dtype.base_dtype
            first = multiply(convert_to_tensor(scale_l1, dtype), reduce_sum(abs(tensor)))
            if not scale_l2:
                return first
            return add_n([first, multiply(convert_to_tensor(scale_l2, dtype), l2_loss(tensor))], name=inner)

    return l1_l2


def sum_regularizer(regularizer_list: Iterable[Regularizer | None], scope: str | None = None) -> Regularizer | None:
    """Return a function that gives the sum of several penalties; None if all of them are None.

    Args:
        regularizer_list: regularizers; None is left out.
        scope: the name scope of the sum.
    """
    regularizers = [regularizer for regularizer in regularizer_list if regularizer is not None]
    if not regularizers:
        return None

    def sum_of_penalties(weights: Any) -> Tensor | None:
        with name_scope(scope, "sum_regularizer", [weights]) as inner:
            penalties = [
                penalty for penalty in (regularizer(weights) for regularizer in regularizers) if penalty is not None
            ]
            return add_n(penalties, name=inner) if penalties else None

    return sum_of_penalties


def apply_regularization(regularizer: Regularizer, weights_list: Iterable[Any] | None = None) -> Tensor:
    """Apply a penalty to each of several weights, and return the sum, a scalar.

    Args:
        regularizer: from a tensor to a scalar.
        weights_list: the weights; by default those of `GraphKeys.WEIGHTS`. The penalties enter
            `GraphKeys.REGULARIZATION_LOSSES`, one each.
    Raises:
        ValueError: if there are no weights, or the regularizer returns something else than a scalar.
    """
    graph = get_default_graph()
    weights = list(graph.get_collection(GraphKeys.WEIGHTS) if weights_list is None else weights_list)
    if not weights:
        raise ValueError("No weights to regularize.")
    with name_scope("get_regularization_penalty", values=weights) as scope:
        penalties = [constant(0.0) if penalty is None else penalty for penalty in map(regularizer, weights)]
        for weight, penalty in zip(weights, penalties, strict=True):
            if penalty.shape.rank != 0:
                raise ValueError(
                    f"regularizer must return a scalar Tensor instead of a Tensor with rank {penalty.shape.rank} "
                    f"for {weight!r}"
                )
        total = add_n(penalties, name=scope)
        for penalty in penalties:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty)
        return total
