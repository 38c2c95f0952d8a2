"""Averages over all batches so far: of values, of right answers, of errors."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.graph import get_default_graph
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import variable_scope
from penstock.losses.weights import broadcast_weights
from penstock.metrics.state import aligned, collected, metric_variable, quotient, refuse_eager
from penstock.ops.array.filling import ones_like, zeros_like
from penstock.ops.array.selecting import where_v1
from penstock.ops.array.shaping import size
from penstock.ops.math.binary import multiply, squared_difference, subtract
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, less
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import abs, sqrt


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted mean of all values so far.

    Args:
        values: a tensor of any shape.
        weights: None, a scalar, or of the rank of `values` with each size 1 or that of `values`.
        metrics_collections, updates_collections: collections to add the results to.
        name: the variable scope.
    Returns:
        The mean so far, and the operation that takes in a batch and gives the mean after it; float32 scalars.
    Raises:
        RuntimeError: when executing eagerly.
    """
    refuse_eager("mean")
    with variable_scope(name, "mean", (values, weights)):
        values = cast(convert_to_tensor(values), float32)
        total = metric_variable([], float32, name="total")
        count = metric_variable([], float32, name="count")
        if weights is None:
            number = cast(size(values), float32)
        else:
            values, _, weights = aligned(values, None, weights)
            weights = broadcast_weights(cast(weights, float32), values)
            values = multiply(values, weights)
            number = reduce_sum(weights)
        update_total = total.assign_add(reduce_sum(values))
        with get_default_graph().control_dependencies([values]):
            update_count = count.assign_add(number)
        value = quotient(total, count, "value")
        return collected(
            value, quotient(update_total, update_count, "update_op"), metrics_collections, updates_collections
        )


def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted mean over batches of each element.

    Args:
        values: a tensor of a fully known shape.
        weights: None, or broadcasts to `values`.
        metrics_collections, updates_collections, name: see `mean`.
    Returns:
        The means so far, and the operation that takes in a batch and gives those after it; float32, shaped as `values`.
    """
    refuse_eager("mean_tensor")
    with variable_scope(name, "mean", (values, weights)):
        values = cast(convert_to_tensor(values), float32)
        total = metric_variable(values.shape, float32, name="total_tensor")
        count = metric_variable(values.shape, float32, name="count_tensor")
        number = ones_like(values)
        if weights is not None:
            values, _, weights = aligned(values, None, weights)
            weights = broadcast_weights(cast(weights, float32), values)
            values = multiply(values, weights)
            number = multiply(number, weights)
        update_total = total.assign_add(values)
        with get_default_graph().control_dependencies([values]):
            update_count = count.assign_add(number)
        value = quotient(total, count, "value")
        return collected(
            value, quotient(update_total, update_count, "update_op"), metrics_collections, updates_collections
        )


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of predictions that equal their labels.

    Args:
        labels, predictions: of one shape; predictions are cast to the type of the labels.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("accuracy")
    predictions, labels, weights = aligned(predictions, labels, weights)
    if labels.dtype.base_dtype != predictions.dtype.base_dtype:
        predictions = cast(predictions, labels.dtype.base_dtype)
    correct = cast(equal(predictions, labels), float32)
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean of |predictions - labels|.

    Args:
        labels, predictions: of one shape.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("mean_absolute_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    errors = abs(subtract(predictions, labels))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean of |labels - predictions| / normalizer, 0 where the normalizer is 0.

    Args:
        labels, predictions, normalizer: of one shape.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("mean_relative_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    normalizer = convert_to_tensor(normalizer, predictions.dtype.base_dtype)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    errors = where_v1(
        equal(normalizer, zeros_like(normalizer)), zeros_like(labels), abs(labels - predictions) / normalizer
    )
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean of (predictions - labels) squared.

    Args:
        labels, predictions: of one shape.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("mean_squared_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    errors = squared_difference(labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the square root of the mean of (predictions - labels) squared.

    Args:
        labels, predictions: of one shape.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("root_mean_squared_error")
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return collected(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return 1 minus the mean of the sums of labels * predictions along an axis; both are taken to have length 1 there.

    Args:
        labels, predictions: of one shape.
        dim: the axis.
        weights: None, or broadcasts to `labels` with size 1 in the axis.
        metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("mean_cosine_distance")
    predictions, labels, weights = aligned(predictions, labels, weights)
    similarity = reduce_sum(multiply(predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(similarity, weights, None, None, name or "mean_cosine_distance")
    return collected(subtract(1.0, value), subtract(1.0, update), metrics_collections, updates_collections)


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of values that are less than a threshold.

    Args:
        values: a tensor of any shape.
        threshold: a scalar.
        weights, metrics_collections, updates_collections, name: see `mean`.
    """
    refuse_eager("percentage_below")
    below = cast(less(values, threshold), float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")
