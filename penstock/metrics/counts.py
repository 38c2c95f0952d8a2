"""True and false positives and negatives, and what follows from them: precision, recall, areas under curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.dtypes import bool_, float32, int64
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import variable_scope
from penstock.losses.weights import broadcast_weights
from penstock.metrics.state import aligned, collected, metric_variable, quotient, refuse_eager
from penstock.ops.array.filling import ones_like
from penstock.ops.array.selecting import where_v1
from penstock.ops.array.shaping import reshape
from penstock.ops.constant import constant, identity
from penstock.ops.math.binary import div_v1, maximum, minimum, multiply
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, greater, logical_and, logical_not
from penstock.ops.math.exponential import log
from penstock.ops.math.positions import argmax, argmin
from penstock.ops.math.reduce import reduce_min, reduce_sum
from penstock.ops.math.scan import cumsum
from penstock.ops.math.unary import abs

_EPSILON = 1e-7
_KINDS = ("tp", "fn", "tn", "fp")
_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _hits(kind: str, positive_label: Any, positive_prediction: Any) -> Any:
    """Return where a kind of outcome happened."""
    label = positive_label if kind in ("tp", "fn") else logical_not(positive_label)
    prediction = positive_prediction if kind in ("tp", "fp") else logical_not(positive_prediction)
    return logical_and(label, prediction)


def _count(
    kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> tuple[Any, Any]:
    """Return the weighted number of outcomes of a kind so far, and its update."""
    refuse_eager(_NAMES[kind])
    with variable_scope(name, _NAMES[kind], (predictions, labels, weights)):
        predictions, labels, weights = aligned(cast(predictions, bool_), cast(labels, bool_), weights)
        values = cast(_hits(kind, labels, predictions), float32)
        count = metric_variable([], float32, name="count")
        if weights is not None:
            values = multiply(values, broadcast_weights(cast(weights, float32), values))
        value = identity(count)
        return collected(value, count.assign_add(reduce_sum(values)), metrics_collections, updates_collections)


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of positive predictions of positive labels so far.

    Args:
        labels, predictions: of one shape, cast to bool.
        weights: None, or broadcasts to the predictions.
        metrics_collections, updates_collections: collections to add the results to.
        name: the variable scope.
    Returns:
        The number so far, and the operation that takes in a batch and gives the number after it; float32 scalars.
    Raises:
        RuntimeError: when executing eagerly.
    """
    return _count("tp", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of positive predictions of negative labels so far.

    See `true_positives` for the arguments.
    """
    return _count("fp", labels, predictions, weights, metrics_collections, updates_collections, name)


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of negative predictions of negative labels so far.

    See `true_positives` for the arguments.
    """
    return _count("tn", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of negative predictions of positive labels so far.

    See `true_positives` for the arguments.
    """
    return _count("fn", labels, predictions, weights, metrics_collections, updates_collections, name)


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of positive predictions that are right, 0 if there are none.

    See `true_positives` for the arguments.
    """
    return _ratio("precision", "fp", labels, predictions, weights, metrics_collections, updates_collections, name)


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the fraction of positive labels that are found, 0 if there are none.

    See `true_positives` for the arguments.
    """
    return _ratio("recall", "fn", labels, predictions, weights, metrics_collections, updates_collections, name)


def _ratio(
    metric: str,
    wrong_kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> tuple[Any, Any]:
    refuse_eager(metric)
    with variable_scope(name, metric, (predictions, labels, weights)):
        predictions, labels, weights = aligned(cast(predictions, bool_), cast(labels, bool_), weights)
        right, right_update = _count("tp", labels, predictions, weights, None, None, None)
        wrong, wrong_update = _count(wrong_kind, labels, predictions, weights, None, None, None)
        value = quotient(right, right + wrong, "value")
        update = quotient(right_update, right_update + wrong_update, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def _counts_at(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any, kinds: Sequence[str] = _KINDS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outcomes so far by kind, one number a threshold, and their updates.

    Args:
        labels: of any shape, cast to bool.
        predictions: floating, of that shape; above the threshold is positive.
        thresholds: Python numbers.
        weights: None, or broadcasts to the predictions.
        kinds: some of 'tp', 'fn', 'tn', 'fp'.
    """
    predictions, labels, weights = aligned(cast(predictions, float32), cast(labels, bool_), weights)
    limits = constant(list(thresholds), float32, shape=[len(thresholds), 1])
    above = greater(reshape(predictions, [1, -1]), limits)
    positive = logical_and(reshape(labels, [1, -1]), ones_like(above))
    if weights is not None:
        weights = reshape(broadcast_weights(cast(weights, float32), predictions), [1, -1])
    values, updates = {}, {}
    for kind in kinds:
        count = metric_variable([len(thresholds)], float32, name=_NAMES[kind])
        hits = cast(_hits(kind, positive, above), float32)
        values[kind] = identity(count)
        updates[kind] = count.assign_add(reduce_sum(hits if weights is None else hits * weights, axis=1))
    return values, updates


def _at_thresholds(
    metric: str,
    combine: Callable[..., Any],
    kinds: Sequence[str],
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> tuple[Any, Any]:
    """Return a metric that combines outcomes at thresholds: `combine(values by kind, name)`."""
    refuse_eager(metric)
    with variable_scope(name, metric, (labels, predictions, weights)):
        values, updates = _counts_at(labels, predictions, thresholds, weights, kinds)
        value, update = combine(values, "value"), combine(updates, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def _single_at(
    kind: str,
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> tuple[Any, Any]:
    refuse_eager(f"{_NAMES[kind]}_at_thresholds")
    with variable_scope(name, _NAMES[kind], (predictions, labels, weights)):
        values, updates = _counts_at(labels, predictions, thresholds, weights, (kind,))
        return collected(values[kind], updates[kind], metrics_collections, updates_collections)


def true_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of positive predictions of positive labels at each threshold.

    Args:
        labels: of any shape, cast to bool.
        predictions: floating, of that shape; above the threshold is positive.
        thresholds: Python numbers.
        weights: None, or broadcasts to the predictions.
        metrics_collections, updates_collections: collections to add the results to.
        name: the variable scope.
    Returns:
        The numbers so far, of shape (thresholds,), and the operation that takes in a batch and gives those after it.
    """
    return _single_at("tp", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def false_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of positive predictions of negative labels at each threshold.

    See `true_positives_at_thresholds` for the arguments.
    """
    return _single_at("fp", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def true_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of negative predictions of negative labels at each threshold.

    See `true_positives_at_thresholds` for the arguments.
    """
    return _single_at("tn", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def false_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the weighted number of negative predictions of positive labels at each threshold.

    See `true_positives_at_thresholds` for the arguments.
    """
    return _single_at("fn", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the precision at each threshold.

    See `true_positives_at_thresholds` for the arguments.
    """

    def combine(counts: dict[str, Any], name: str) -> Tensor:
        return div_v1(counts["tp"], _EPSILON + counts["tp"] + counts["fp"], name=f"precision_{name}")

    return _at_thresholds(
        "precision_at_thresholds",
        combine,
        ("tp", "fp"),
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the recall at each threshold; see `true_positives_at_thresholds` for the arguments."""

    def combine(counts: dict[str, Any], name: str) -> Tensor:
        return div_v1(counts["tp"], _EPSILON + counts["tp"] + counts["fn"], name=f"recall_{name}")

    return _at_thresholds(
        "recall_at_thresholds",
        combine,
        ("tp", "fn"),
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def _even_thresholds(number: int) -> list[float]:
    """Return thresholds from just below 0 to just above 1, evenly spaced."""
    inner = [(i + 1) / (number - 1) for i in range(number - 2)]
    return [-_EPSILON, *inner, 1.0 + _EPSILON]


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return an approximate area under a curve, by outcomes at thresholds.

    Args:
        labels: of any shape, cast to bool.
        predictions: floating, from 0 to 1, of that shape.
        weights: None, or broadcasts to the predictions.
        num_thresholds: how many thresholds, evenly spaced, where `thresholds` is not given.
        metrics_collections, updates_collections: collections to add the results to.
        curve: 'ROC' (recall over the rate of false positives), or 'PR' (precision over recall).
        name: the variable scope.
        summation_method: 'trapezoidal', 'minoring', 'majoring', or 'careful_interpolation', which is right for 'PR'.
        thresholds: numbers from 0 to 1.
    Returns:
        The area so far, and the operation that takes in a batch and gives the area after it.
    Raises:
        ValueError: if `curve` or `summation_method` is unknown, or a threshold lies outside of [0, 1].
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    if summation_method not in ("trapezoidal", "minoring", "majoring", "careful_interpolation"):
        raise ValueError(f"Invalid summation_method: {summation_method}")
    if thresholds is None:
        if num_thresholds < 2:
            raise ValueError(f"num_thresholds must be at least 2, got {num_thresholds}")
        limits = _even_thresholds(num_thresholds)
    else:
        if any(not 0 <= threshold <= 1 for threshold in thresholds):
            raise ValueError(f"thresholds must lie in [0, 1], got {list(thresholds)}")
        limits = [-_EPSILON, *sorted(thresholds), 1.0 + _EPSILON]

    def area(counts: dict[str, Any], name: str) -> Tensor:
        if summation_method == "careful_interpolation" and curve == "PR":
            return _interpolated_area(counts)
        return _area(counts, curve, summation_method, name)

    return _at_thresholds(
        "auc", area, _KINDS, labels, predictions, limits, weights, metrics_collections, updates_collections, name
    )


def _area(counts: dict[str, Any], curve: str, method: str, name: str) -> Tensor:
    tp, fn, tn, fp = (counts[kind] for kind in _KINDS)
    small = 1e-6
    found = div_v1(tp + small, tp + fn + small)
    if curve == "ROC":
        x, y = div_v1(fp, fp + tn + small), found
    else:
        x, y = found, div_v1(tp + small, tp + fp + small)
    left, right = y[:-1], y[1:]
    if method == "minoring":
        height = minimum(left, right)
    elif method == "majoring":
        height = maximum(left, right)
    else:
        height = (left + right) / 2.0
    return reduce_sum(multiply(x[:-1] - x[1:], height), name=name)


def _interpolated_area(counts: dict[str, Any]) -> Tensor:
    """Return the area under precision over recall, with true positives linear in all positives between thresholds.

    Source: Davis and Goadrich 2006.
    """
    tp, fn, fp = counts["tp"], counts["fn"], counts["fp"]
    step = tp[:-1] - tp[1:]
    positives = tp + fp
    before, after = positives[:-1], positives[1:]
    slope = quotient(step, before - after, "slope")
    intercept = tp[1:] - slope * after
    both = logical_and(before > 0, after > 0)
    ratio = where_v1(both, quotient(before, after, "ratio"), ones_like(after))
    return reduce_sum(
        quotient(slope * (step + intercept * log(ratio)), tp[1:] + fn[1:], "increment"), name="interpolate_pr_auc"
    )


def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the recall at the threshold whose specificity is nearest to a given one.

    Args:
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name: see `auc`.
        specificity: from 0 to 1, the fraction of negatives that are to be found.
    Raises:
        ValueError: if `specificity` lies outside of [0, 1].
    """
    if not 0 <= specificity <= 1:
        raise ValueError(f"`specificity` must be in the range [0, 1], got {specificity}")

    def sensitivity(counts: dict[str, Any], name: str) -> Tensor:
        tp, fn, tn, fp = (counts[kind] for kind in _KINDS)
        distance = abs(div_v1(tn, tn + fp + _EPSILON) - specificity)
        index = cast(argmin(distance, 0), int64)
        return div_v1(tp[index], tp[index] + fn[index] + _EPSILON, name=name)

    limits = _even_thresholds(num_thresholds)
    return _at_thresholds(
        "sensitivity_at_specificity",
        sensitivity,
        _KINDS,
        labels,
        predictions,
        limits,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the specificity at the threshold whose recall is nearest to a given one, the last of equals.

    Args:
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name: see `auc`.
        sensitivity: from 0 to 1, the fraction of positives that are to be found.
    Raises:
        ValueError: if `sensitivity` lies outside of [0, 1].
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"`sensitivity` must be in the range [0, 1], got {sensitivity}")

    def specificity(counts: dict[str, Any], name: str) -> Tensor:
        tp, fn, tn, fp = (counts[kind] for kind in _KINDS)
        distance = abs(div_v1(tp, tp + fn + _EPSILON) - sensitivity)
        nearest = cast(equal(distance, reduce_min(distance)), int64)
        # The running count is largest first where the last of the nearest stands.
        index = argmax(cumsum(nearest), 0)
        return div_v1(tn[index], tn[index] + fp[index] + _EPSILON, name=name)

    limits = _even_thresholds(num_thresholds)
    return _at_thresholds(
        "specificity_at_sensitivity",
        specificity,
        _KINDS,
        labels,
        predictions,
        limits,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )
