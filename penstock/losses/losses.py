"""Errors of predictions, weighted and reduced to a scalar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.losses.collection import add_loss
from penstock.losses.weights import assert_broadcastable, broadcast_weights
from penstock.ops.array.filling import ones_like, zeros_like
from penstock.ops.array.selecting import where_v1
from penstock.ops.array.shaping import rank, shape_v1, size, squeeze
from penstock.ops.constant import stop_gradient
from penstock.ops.math.binary import divide_no_nan, maximum, minimum, multiply, squared_difference, subtract
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import not_equal
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.sequence import range as range_op
from penstock.ops.math.unary import abs, square
from penstock.ops.nn.activation import relu
from penstock.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)


class Reduction:
    """How the losses of a batch become one number; the values are TensorFlow's.

    NONE leaves them. SUM adds them up, weighted. The others divide that sum: SUM_OVER_BATCH_SIZE by the number of
    losses, MEAN by the sum of weights, SUM_BY_NONZERO_WEIGHTS by the number of weights that are not zero.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Return all reductions."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: str) -> None:
        """Raise ValueError unless `key` is a reduction."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}; expected one of {', '.join(sorted(set(cls.all())))}")


@contextmanager
def _after(check: Any) -> Iterator[None]:
    """Make the operations within the block wait for a check, which has been made already when executing eagerly."""
    if executing_eagerly():
        yield
    else:
        with get_default_graph().control_dependencies([check]):
            yield


def _num_present(losses: Tensor, weights: Tensor) -> Tensor:
    """Return how many losses have a weight that is not zero."""
    with name_scope(None, "num_present", [losses, weights]) as scope:
        present = cast(not_equal(weights, zeros_like(weights)), float32)
        return reduce_sum(broadcast_weights(present, losses), name=scope)


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Weigh losses and reduce them.

    Args:
        losses: a tensor of any shape.
        weights: a scalar, or of the rank of `losses` with each size 1 or that of `losses`.
        scope: the name scope.
        loss_collection: the collection that the loss is added to; None for none.
        reduction: one of `Reduction`.
    Returns:
        The loss, of the type of `losses`; a scalar unless `reduction` is NONE.
    Raises:
        ValueError: if the weights do not broadcast to the losses, or the reduction is unknown.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", [losses, weights]):
        losses = convert_to_tensor(losses)
        dtype = losses.dtype.base_dtype
        is_one = isinstance(weights, (int, float)) and weights == 1
        precise = cast(losses, float32)
        if is_one:
            # The common case costs no operation for the weights, and counts the losses instead of the weights.
            loss = precise
            count = cast(size(losses), float32) if _divides(reduction) else None
        else:
            check = assert_broadcastable(weights, losses)
            with _after(check):
                weights = cast(convert_to_tensor(weights), float32)
                loss = multiply(precise, weights)
            count = _count(reduction, loss, weights)
        if reduction != Reduction.NONE:
            loss = reduce_sum(loss)
        if count is not None:
            loss = divide_no_nan(loss, count, name="value")
        loss = cast(loss, dtype)
        add_loss(loss, loss_collection)
        return loss


def _divides(reduction: str) -> bool:
    return reduction not in (Reduction.NONE, Reduction.SUM)


def _count(reduction: str, losses: Tensor, weights: Tensor) -> Tensor | None:
    """Return what the sum of weighted losses is to be divided by."""
    if reduction == Reduction.MEAN:
        return reduce_sum(ones_like(losses) * weights)
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return _num_present(losses, weights)
    return cast(size(losses), float32) if _divides(reduction) else None


def _pair(labels: Any, predictions: Any, scope_name: str) -> tuple[Tensor, Tensor]:
    """Return labels and predictions as float32 tensors of one shape."""
    for value, what in ((labels, "labels"), (predictions, "predictions")):
        if value is None:
            raise ValueError(f"Argument `{what}` of {scope_name} must not be None.")
    predictions = cast(convert_to_tensor(predictions), float32)
    labels = cast(convert_to_tensor(labels), float32)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return labels, predictions


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted loss |predictions - labels|.

    Args:
        labels, predictions: of one shape.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as inner:
        labels, predictions = _pair(labels, predictions, "absolute_difference")
        losses = abs(subtract(predictions, labels))
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """Return the weighted loss 1 - sum(predictions * labels) along an axis; both are taken to have length 1 there.

    Args:
        labels, predictions: of one shape.
        axis: the axis; `dim` is its older name.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`; the axis stays, with size 1.
    Raises:
        ValueError: if no axis is given, or two.
    """
    if dim is not None and axis is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'")
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify argument `axis`.")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as inner:
        labels, predictions = _pair(labels, predictions, "cosine_distance")
        losses = 1 - reduce_sum(multiply(predictions, labels), axis=axis, keepdims=True)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted loss max(0, 1 - s * logits), where s is 1 for a label of 1 and -1 for 0.

    Args:
        labels: 0 or 1, of the shape of `logits`.
        logits: scores, positive for 1.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    with name_scope(scope, "hinge_loss", [logits, labels, weights]) as inner:
        labels, logits = _pair(labels, logits, "hinge_loss")
        signs = subtract(2 * labels, ones_like(labels))
        losses = relu(subtract(ones_like(labels), multiply(signs, logits)))
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted loss that is square for errors up to `delta`, and linear beyond.

    Args:
        labels, predictions: of one shape.
        delta: where square becomes linear.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    Source: Huber 1964.
    """
    with name_scope(scope, "huber_loss", [predictions, labels, weights]) as inner:
        labels, predictions = _pair(labels, predictions, "huber_loss")
        error = abs(subtract(predictions, labels))
        quadratic = minimum(error, delta)
        losses = multiply(0.5, square(quadratic)) + multiply(delta, subtract(error, quadratic))
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted cross entropy of probabilities.

    Args:
        labels: 0 or 1, or probabilities, of the shape of `predictions`.
        predictions: probabilities of 1.
        epsilon: added to probabilities to keep their logarithms finite.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as inner:
        labels, predictions = _pair(labels, predictions, "log_loss")
        losses = -multiply(labels, log(predictions + epsilon)) - multiply(1 - labels, log(1 - predictions + epsilon))
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted loss (predictions - labels) squared.

    Args:
        labels, predictions: of one shape.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as inner:
        labels, predictions = _pair(labels, predictions, "mean_squared_error")
        losses = squared_difference(predictions, labels)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """Return the mean over pairs of an example's elements of ((p_i - p_j) - (l_i - l_j)) squared, weighted and summed.

    Args:
        labels, predictions: of one shape, the batch first.
        weights: a scalar, or one number an example: of shape (batch,) or (batch, 1, ...).
        scope, loss_collection: see `compute_weighted_loss`.
    """
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        labels, predictions = _pair(labels, predictions, "mean_pairwise_squared_error")
        weights = cast(convert_to_tensor(weights), float32)
        differences = subtract(predictions, labels)
        check = assert_broadcastable(weights, differences)
        with _after(check):
            known = differences.shape.rank
            axes = range_op(1, rank(differences)) if known is None else list(range(1, known))
            squares = reduce_sum(square(differences), axis=axes, keepdims=True)
            # Broadcast to the differences, so that a weight of 0 takes its example out of the count.
            present = broadcast_weights(cast(not_equal(weights, 0.0), float32), differences)
            # Eagerly, TensorFlow counts the elements of all examples where one weight other than 0 serves them all.
            at_once = executing_eagerly() and weights.shape.rank == 0 and bool(weights != 0.0)
            count = reduce_sum(present, axis=None if at_once else axes, keepdims=True)
            squares_part = 2.0 * divide_no_nan(squares, maximum(count - 1, 0.0), name="value")
            total = reduce_sum(differences, axis=axes, keepdims=True)
            product_part = 2.0 * divide_no_nan(square(total), maximum(multiply(count, count - 1), 0.0), name="value")
            weighted = multiply(squares_part - product_part, weights)
            loss = reduce_sum(weighted)
            mean_loss = where_v1(reduce_sum(count) > 0, loss, zeros_like(loss), name="value")
        add_loss(mean_loss, loss_collection)
        return mean_loss


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: Any = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted cross entropy of independent yes-or-no questions.

    Args:
        multi_class_labels: 0 or 1, of the shape of `logits`.
        logits: the logarithms of the odds.
        label_smoothing: from 0 to 1, how far labels are moved towards 1/2.
        weights, scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    for value, what in ((multi_class_labels, "multi_class_labels"), (logits, "logits")):
        if value is None:
            raise ValueError(f"Argument `{what}` must not be None.")
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as inner:
        logits = convert_to_tensor(logits)
        labels = cast(convert_to_tensor(multi_class_labels), logits.dtype.base_dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: Any = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted cross entropy of classes.

    Args:
        onehot_labels: probabilities of the classes, of shape (batch, classes).
        logits: unscaled logarithms of probabilities, of that shape.
        label_smoothing: from 0 to 1, how far labels are moved towards 1/classes.
        weights: a scalar, or of shape (batch,).
        scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    for value, what in ((onehot_labels, "onehot_labels"), (logits, "logits")):
        if value is None:
            raise ValueError(f"Argument `{what}` must not be None.")
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as inner:
        logits = convert_to_tensor(logits)
        labels = cast(convert_to_tensor(onehot_labels), logits.dtype.base_dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            classes = cast(shape_v1(labels)[-1], logits.dtype.base_dtype)
            labels = labels * (1 - label_smoothing) + label_smoothing / classes
        losses = softmax_cross_entropy_with_logits_v2(labels=stop_gradient(labels), logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Return the weighted cross entropy of classes given by number.

    Args:
        labels: int32 or int64 class numbers, of the shape of `logits` without its last axis, or with size 1 there.
        logits: unscaled logarithms of probabilities, of shape (..., classes).
        weights: a scalar, or of the shape of `labels`, or of what becomes it when an axis of size 1 is taken away.
        scope, loss_collection, reduction: see `compute_weighted_loss`.
    """
    for value, what in ((labels, "labels"), (logits, "logits")):
        if value is None:
            raise ValueError(f"Argument `{what}` must not be None.")
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as inner:
        logits, labels = convert_to_tensor(logits), convert_to_tensor(labels)
        if logits.shape.rank is not None and labels.shape.rank == logits.shape.rank and labels.dims[-1] in (1, None):
            labels = squeeze(labels, [-1])
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        if not isinstance(weights, (int, float)):
            weights = convert_to_tensor(weights)
            if (
                weights.shape.rank is not None
                and losses.shape.rank is not None
                and weights.shape.rank == losses.shape.rank + 1
            ):
                weights = squeeze(weights, [-1])
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)
