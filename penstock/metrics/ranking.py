"""Metrics of the best k predictions: precision, recall and average precision, over all classes or for one."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float64, int64
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.losses.weights import broadcast_weights
from penstock.metrics.state import collected, metric_variable, quotient, refuse_eager
from penstock.ops.array.shaping import expand_dims, shape_v1, size
from penstock.ops.constant import constant
from penstock.ops.math.binary import div_v1, minimum
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, logical_and, logical_not
from penstock.ops.math.reduce import reduce_any, reduce_sum
from penstock.ops.math.scan import cumsum
from penstock.ops.math.sequence import range
from penstock.ops.math.topk import top_k


def _at_k(name: str, k: int | None, class_id: int | None = None) -> str:
    """Return a metric's name with what it is limited to."""
    if k is not None:
        name = f"{name}_at_{k}"
    else:
        name = f"{name}_at_k"
    return name if class_id is None else f"{name}_class{class_id}"


def _sets(labels: Any, predictions_idx: Any) -> tuple[Any, Any]:
    """Return labels and predictions as class numbers with one axis for those of an example."""
    labels = cast(convert_to_tensor(labels), int64)
    predictions_idx = cast(convert_to_tensor(predictions_idx), int64)
    if labels.shape.rank is not None and labels.shape.rank + 1 == predictions_idx.shape.rank:
        labels = expand_dims(labels, -1)
    return labels, predictions_idx


def _first_of_equals(labels: Any) -> Any:
    """Return which labels of an example are not a repetition of an earlier one."""
    same = equal(expand_dims(labels, -1), expand_dims(labels, -2))
    positions = range(shape_v1(labels)[-1])
    earlier = expand_dims(positions, 0) < expand_dims(positions, 1)
    return logical_not(reduce_any(logical_and(same, earlier), axis=-1))


def _outcomes(kind: str, labels: Any, predictions_idx: Any, class_id: int | None, weights: Any) -> Any:
    """Return the weighted number of outcomes in a batch: 'tp', 'fp' or 'fn'.

    Args:
        labels: class numbers, of shape (..., labels of an example).
        predictions_idx: class numbers without repetitions, of shape (..., k).
        class_id: the one class to count; None for all.
        weights: None, a scalar, or of the shape of the labels without their last axis.
    """
    match = equal(expand_dims(predictions_idx, -1), expand_dims(labels, -2))
    if kind == "fn":
        hits, classes = logical_and(_first_of_equals(labels), logical_not(reduce_any(match, axis=-2))), labels
    else:
        found, classes = reduce_any(match, axis=-1), predictions_idx
        hits = found if kind == "tp" else logical_not(found)
    if class_id is not None:
        hits = logical_and(hits, equal(classes, constant(class_id, int64)))
    counts = reduce_sum(cast(hits, float64), axis=-1)
    if weights is not None:
        counts = counts * broadcast_weights(cast(weights, float64), counts)
    return reduce_sum(counts)


def _ratio(
    metric: str,
    wrong_kind: str,
    labels: Any,
    predictions_idx: Any,
    k: int | None,
    class_id: int | None,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> tuple[Any, Any]:
    with name_scope(name, _at_k(metric, k, class_id), [predictions_idx, labels, weights]) as scope:
        labels, predictions_idx = _sets(labels, predictions_idx)
        values, updates = [], []
        for kind, kind_name in (
            ("tp", "true_positive"),
            (wrong_kind, "false_positive" if wrong_kind == "fp" else "false_negative"),
        ):
            with name_scope(None, _at_k(kind_name, k, class_id)) as kind_scope:
                count = metric_variable([], float64, name=kind_scope)
                values.append(convert_to_tensor(count))
                updates.append(
                    count.assign_add(_outcomes(kind, labels, predictions_idx, class_id, weights), name="update")
                )
        value = div_v1(values[0], values[0] + values[1], name=scope)
        update = div_v1(updates[0], updates[0] + updates[1], name="update")
        return collected(value, update, metrics_collections, updates_collections)


def recall_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of labels that are among the best k predictions, given by class number.

    Args:
        labels: class numbers, of shape (..., labels of an example), or (...) for one label an example.
        predictions_idx: the predicted class numbers, of shape (..., k).
        k: for the names of the operations.
        class_id: the one class to count; None for all.
        weights: None, a scalar, or one number an example.
        metrics_collections, updates_collections: collections to add the results to.
        name: the name scope.
    Returns:
        The fraction so far, NaN if there are no labels, and the operation that takes in a batch and gives the fraction
        after it; float64 scalars.
    Raises:
        RuntimeError: when executing eagerly.
    """
    refuse_eager("recall_at_top_k")
    return _ratio(
        "recall", "fn", labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name
    )


def precision_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of the best k predictions, given by class number, that are labels; see `recall_at_top_k`."""
    refuse_eager("precision_at_top_k")
    return _ratio(
        "precision", "fp", labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name
    )


def recall_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of labels that are among the k classes of the highest scores.

    Args:
        predictions: scores, of shape (..., classes).
        k: how many classes count as predicted.
        labels and the others: see `recall_at_top_k`.
    """
    refuse_eager("recall_at_k")
    with name_scope(name, _at_k("recall", k, class_id), [predictions, labels, weights]) as scope:
        best = top_k(predictions, k)[1]
        return recall_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


def precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of the k classes of the highest scores that are labels; see `recall_at_k`."""
    refuse_eager("precision_at_k")
    with name_scope(name, _at_k("precision", k, class_id), [predictions, labels, weights]) as scope:
        best = top_k(predictions, k)[1]
        return precision_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


def sparse_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return `precision_at_k`, by its older name."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)


def average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean over examples of average precision: of the precisions at each rank up to k that holds a label.

    Args:
        labels: class numbers, of shape (..., labels of an example), or (...) for one label an example.
        predictions: scores, of shape (..., classes).
        k: how many ranks count, at least 1.
        weights: None, a scalar, or one number an example.
        metrics_collections, updates_collections: collections to add the results to.
        name: the name scope.
    Returns:
        The mean so far, and the operation that takes in a batch and gives the mean after it; float64 scalars.
    Raises:
        RuntimeError: when executing eagerly.
        ValueError: if `k` is less than 1.
    """
    refuse_eager("average_precision_at_k")
    if k < 1:
        raise ValueError(f"Invalid k={k}: expected at least 1")
    with name_scope(name, _at_k("average_precision", k), [predictions, labels, weights]) as scope:
        labels, best = _sets(labels, top_k(predictions, k)[1])
        relevant = cast(reduce_any(equal(expand_dims(best, -1), expand_dims(labels, -2)), axis=-1), float64)
        precisions = cumsum(relevant, axis=-1) / constant(np.arange(1, k + 1, dtype=np.float64))
        # Repeated labels count, as they do in TensorFlow.
        relevant_count = minimum(cast(shape_v1(labels)[-1], float64), constant(float(k), float64))
        averages = quotient(reduce_sum(relevant * precisions, axis=-1), relevant_count, "average_precision")
        if weights is None:
            number = cast(size(averages), float64)
        else:
            weights = broadcast_weights(cast(weights, float64), averages)
            averages, number = averages * weights, reduce_sum(weights)
        with name_scope(None, "max") as max_scope:
            most = metric_variable([], float64, name=max_scope)
            most_update = most.assign_add(number, name="update")
        with name_scope(None, "total") as total_scope:
            total = metric_variable([], float64, name=total_scope)
            total_update = total.assign_add(reduce_sum(averages), name="update")
        value = quotient(total, most, "mean")
        return collected(value, quotient(total_update, most_update, scope), metrics_collections, updates_collections)


def sparse_average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return `average_precision_at_k`, by its older name."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)
