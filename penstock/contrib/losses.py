"""`tf.contrib.losses`: the losses with the predictions before the labels."""

from __future__ import annotations

from typing import Any

from penstock.core.tensor import Tensor
from penstock.losses import losses


def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """Return the mean of absolute differences; see `tf.losses.absolute_difference`."""
    return losses.absolute_difference(labels, predictions, weights, scope)


def cosine_distance(
    predictions: Any,
    labels: Any = None,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """Return one minus the cosine similarity; see `tf.losses.cosine_distance`."""
    return losses.cosine_distance(labels, predictions, dim if axis is None else axis, weights, scope)


def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """Return the hinge loss of each element, with labels of 0 and 1.

    Args:
        logits: of any shape.
        labels: of the same shape.
        scope: the name scope.
    """
    return losses.hinge_loss(labels, logits, scope=scope, reduction=losses.Reduction.NONE)


def log_loss(
    predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None
) -> Tensor:
    """Return the mean cross entropy of probabilities; see `tf.losses.log_loss`."""
    return losses.log_loss(labels, predictions, weights, epsilon, scope)


def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """Return the mean of squared differences; see `tf.losses.mean_squared_error`."""
    return losses.mean_squared_error(labels, predictions, weights, scope)


def mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None
) -> Tensor:
    """Return the error of differences between pairs; see `tf.losses.mean_pairwise_squared_error`."""
    return losses.mean_pairwise_squared_error(labels, predictions, weights, scope)


def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """Return the mean cross entropy of independent classes; see `tf.losses.sigmoid_cross_entropy`."""
    return losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """Return the mean cross entropy of exclusive classes; see `tf.losses.softmax_cross_entropy`."""
    return losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """Return the mean cross entropy of classes given as numbers; see `tf.losses.sparse_softmax_cross_entropy`."""
    return losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)
