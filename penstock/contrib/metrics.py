"""`tf.contrib.metrics`: metrics over many batches, with the predictions before the labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.metrics import classes, counts, means
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal
from penstock.ops.math.reduce import reduce_mean, reduce_sum


def _predictions_first(metric: Callable[..., Any]) -> Callable[..., Any]:
    """Return `metric`, a function of labels and predictions, as one of predictions and labels."""

    def streaming(predictions: Any, labels: Any, *args: Any, **kwargs: Any) -> Any:
        return metric(labels, predictions, *args, **kwargs)

    streaming.__name__ = streaming.__qualname__ = f"streaming_{metric.__name__}"
    streaming.__doc__ = (
        f"Return the value and the update operation of `tf.metrics.{metric.__name__}`.\n\n    Args:\n"
        "        predictions, labels: those of a batch.\n        *args, **kwargs: its other arguments, in its order."
    )
    return streaming


streaming_accuracy = _predictions_first(means.accuracy)
streaming_auc = _predictions_first(counts.auc)
streaming_false_negatives = _predictions_first(counts.false_negatives)
streaming_false_positives = _predictions_first(counts.false_positives)
streaming_mean_absolute_error = _predictions_first(means.mean_absolute_error)
streaming_mean_cosine_distance = _predictions_first(means.mean_cosine_distance)
streaming_mean_iou = _predictions_first(classes.mean_iou)
streaming_mean_relative_error = _predictions_first(means.mean_relative_error)
streaming_mean_squared_error = _predictions_first(means.mean_squared_error)
streaming_precision = _predictions_first(counts.precision)
streaming_recall = _predictions_first(counts.recall)
streaming_root_mean_squared_error = _predictions_first(means.root_mean_squared_error)
streaming_true_negatives = _predictions_first(counts.true_negatives)
streaming_true_positives = _predictions_first(counts.true_positives)


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """Return the part of predictions that equal their labels.

    Args:
        predictions, labels: of one shape and dtype.
        weights: None, or how much each counts.
        name: the name scope.

    Raises:
        ValueError: if the dtypes differ.
    """
    with name_scope(name, "accuracy", [predictions, labels]):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        if predictions.dtype != labels.dtype:
            raise ValueError(
                f"Dtypes of predictions ({predictions.dtype.name}) and labels ({labels.dtype.name}) differ"
            )
        is_correct = cast(equal(predictions, labels), float32)
        if weights is None:
            return reduce_mean(is_correct)
        weights = cast(weights, float32)
        return reduce_sum(is_correct * weights) / reduce_sum(weights)


def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """Return the values and the update operations of several metrics.

    Args:
        *value_update_tuples: what each metric returned.

    Raises:
        ValueError: if there are none.
    """
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values and the update operations of several metrics by name.

    Args:
        names_to_tuples: from a name to what the metric returned.
    """
    values = {name: pair[0] for name, pair in names_to_tuples.items()}
    return values, {name: pair[1] for name, pair in names_to_tuples.items()}
