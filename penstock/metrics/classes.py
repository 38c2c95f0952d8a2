"""Metrics over classes: the mean of intersection over union, and the mean accuracy of each class."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32, float64, int64
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import variable_scope
from penstock.metrics.state import aligned, collected, metric_variable, quotient, refuse_eager
from penstock.ops.array.diagonal import diag_part
from penstock.ops.array.filling import ones, ones_like
from penstock.ops.array.selecting import where_v1
from penstock.ops.array.shaping import reshape, size
from penstock.ops.math.binary import div_v1
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, greater, not_equal
from penstock.ops.math.histogram import confusion_matrix_v1
from penstock.ops.math.reduce import reduce_mean, reduce_sum


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean over classes of intersection over union of labels and predictions.

    Args:
        labels, predictions: class numbers, flattened; of one number of elements.
        num_classes: the number of classes; classes that neither occur nor are predicted do not count.
        weights: None, or one number an element.
        metrics_collections, updates_collections: collections to add the results to.
        name: the variable scope.
    Returns:
        The mean so far, and the operation that takes in a batch and gives the confusion matrix after it.
    Raises:
        RuntimeError: when executing eagerly.
    """
    refuse_eager("mean_iou")
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        predictions, labels, weights = aligned(predictions, labels, weights)
        total = metric_variable([num_classes, num_classes], float64, name="total_confusion_matrix")
        update = total.assign_add(
            confusion_matrix_v1(
                _flat(cast(labels, int64)),
                _flat(cast(predictions, int64)),
                num_classes,
                dtype=float64,
                weights=None if weights is None else _flat(weights),
            )
        )
        counts = convert_to_tensor(total)
        predicted = cast(reduce_sum(counts, 0), float32)
        actual = cast(reduce_sum(counts, 1), float32)
        both = cast(diag_part(counts), float32)
        union = predicted + actual - both
        present = reduce_sum(cast(not_equal(union, 0.0), float32))
        ratios = div_v1(both, where_v1(greater(union, 0.0), union, ones_like(union)))
        value = where_v1(greater(present, 0.0), div_v1(reduce_sum(ratios, name="mean_iou"), present), 0.0)
        return collected(value, update, metrics_collections, updates_collections)


def _flat(tensor: Any) -> Any:
    return tensor if tensor.shape.rank == 1 else reshape(tensor, [-1])


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean over classes of the fraction of the class's examples that are predicted as such.

    Args:
        labels, predictions, num_classes, weights, metrics_collections, updates_collections, name: see `mean_iou`.
    Returns:
        The mean so far, and the operation that takes in a batch and gives the accuracy of each class after it.
    Raises:
        RuntimeError: when executing eagerly.
    """
    refuse_eager("mean_per_class_accuracy")
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        predictions, labels, weights = aligned(predictions, labels, weights)
        labels, predictions = _flat(cast(labels, int64)), _flat(cast(predictions, int64))
        total = metric_variable([num_classes], float32, name="total")
        count = metric_variable([num_classes], float32, name="count")
        number = ones([size(labels)], float32) if weights is None else _flat(cast(weights, float32))
        right = cast(equal(predictions, labels), float32) * number
        update_total = total.scatter_add(IndexedSlices(right, labels))
        update_count = count.scatter_add(IndexedSlices(number, labels))
        value = reduce_mean(quotient(total, count, "per_class_accuracy"), name="mean_accuracy")
        update = quotient(update_total, update_count, "update_op")
        return collected(value, update, metrics_collections, updates_collections)
