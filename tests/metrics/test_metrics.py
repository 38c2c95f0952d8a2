"""Metrics over two batches against numbers of TensorFlow 2.21, and what all metrics share."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penstock.core import context
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variables import global_variables, local_variables, local_variables_initializer
from penstock.metrics import classes, counts, means, ranking
from penstock.ops.constant import placeholder
from penstock.runtime.session import Session

METRICS = SimpleNamespace(
    **{
        name: value
        for module in (means, counts, classes, ranking)
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }
)

SCORES = np.array([[[0.1], [0.8], [0.4], [0.6]], [[0.9], [0.2], [0.7], [0.3]]], np.float32)
TRUTHS = np.array([[[0.0], [1.0], [1.0], [0.0]], [[1.0], [0.0], [0.0], [1.0]]], np.float32)
WEIGHTS = np.array([[[1.0], [0.5], [0.0], [2.0]], [[0.3], [1.0], [1.5], [0.7]]], np.float32)
CLASSES = np.array([[0, 1, 2, 1], [2, 2, 0, 1]])
GUESSES = np.array([[0, 2, 2, 1], [2, 1, 0, 0]])
RANKED = np.array(
    [
        [[0.1, 0.4, 0.3, 0.2], [0.7, 0.1, 0.05, 0.15], [0.2, 0.1, 0.4, 0.3], [0.4, 0.3, 0.2, 0.1]],
        [[0.3, 0.2, 0.1, 0.4], [0.1, 0.2, 0.3, 0.4], [0.25, 0.35, 0.3, 0.1], [0.6, 0.2, 0.15, 0.05]],
    ],
    np.float32,
)
LABEL_SETS = np.array([[[1, 2], [3, 3], [0, 1], [2, 0]], [[3, 0], [1, 0], [2, 2], [3, 1]]])

BINARY = (TRUTHS, SCORES, WEIGHTS)
HARD = (TRUTHS, (SCORES > 0.5).astype(np.float32), WEIGHTS)
MULTI = (CLASSES, GUESSES, WEIGHTS[..., 0])
TOP = (LABEL_SETS, RANKED, WEIGHTS[..., 0])

# Of each: the batches, and the call with labels, predictions and weights (None for unweighted).
CASES: dict[str, tuple[Any, Callable[..., Any]]] = {
    "mean": (BINARY, lambda m, t, p, w: m.mean(p, w)),
    "mean_tensor": (BINARY, lambda m, t, p, w: m.mean_tensor(p, w)),
    "percentage_below": (BINARY, lambda m, t, p, w: m.percentage_below(p, 0.5, w)),
    "accuracy": (MULTI, lambda m, t, p, w: m.accuracy(t, p, w)),
    "mean_absolute_error": (BINARY, lambda m, t, p, w: m.mean_absolute_error(t, p, w)),
    "mean_relative_error": (BINARY, lambda m, t, p, w: m.mean_relative_error(t, p, t, w)),
    "mean_squared_error": (BINARY, lambda m, t, p, w: m.mean_squared_error(t, p, w)),
    "root_mean_squared_error": (BINARY, lambda m, t, p, w: m.root_mean_squared_error(t, p, w)),
    "mean_cosine_distance": (BINARY, lambda m, t, p, w: m.mean_cosine_distance(t, p, 1, w)),
    "true_positives": (HARD, lambda m, t, p, w: m.true_positives(t, p, w)),
    "true_negatives": (HARD, lambda m, t, p, w: m.true_negatives(t, p, w)),
    "false_positives": (HARD, lambda m, t, p, w: m.false_positives(t, p, w)),
    "false_negatives": (HARD, lambda m, t, p, w: m.false_negatives(t, p, w)),
    "precision": (HARD, lambda m, t, p, w: m.precision(t, p, w)),
    "recall": (HARD, lambda m, t, p, w: m.recall(t, p, w)),
    "true_positives_at": (BINARY, lambda m, t, p, w: m.true_positives_at_thresholds(t, p, [0.15, 0.5], w)),
    "true_negatives_at": (BINARY, lambda m, t, p, w: m.true_negatives_at_thresholds(t, p, [0.15, 0.5], w)),
    "false_positives_at": (BINARY, lambda m, t, p, w: m.false_positives_at_thresholds(t, p, [0.15, 0.5], w)),
    "false_negatives_at": (BINARY, lambda m, t, p, w: m.false_negatives_at_thresholds(t, p, [0.15, 0.5], w)),
    "precision_at": (BINARY, lambda m, t, p, w: m.precision_at_thresholds(t, p, [0.15, 0.5], w)),
    "recall_at": (BINARY, lambda m, t, p, w: m.recall_at_thresholds(t, p, [0.15, 0.5], w)),
    "auc": (BINARY, lambda m, t, p, w: m.auc(t, p, w)),
    "auc_minoring": (BINARY, lambda m, t, p, w: m.auc(t, p, w, num_thresholds=9, summation_method="minoring")),
    "auc_majoring": (BINARY, lambda m, t, p, w: m.auc(t, p, w, num_thresholds=9, summation_method="majoring")),
    "auc_thresholds": (BINARY, lambda m, t, p, w: m.auc(t, p, w, thresholds=[0.35, 0.65])),
    "auc_pr": (BINARY, lambda m, t, p, w: m.auc(t, p, w, curve="PR")),
    "auc_pr_careful": (BINARY, lambda m, t, p, w: m.auc(t, p, w, curve="PR", summation_method="careful_interpolation")),
    "sensitivity": (BINARY, lambda m, t, p, w: m.sensitivity_at_specificity(t, p, 0.6, w)),
    "specificity": (BINARY, lambda m, t, p, w: m.specificity_at_sensitivity(t, p, 0.6, w)),
    "mean_iou": (MULTI, lambda m, t, p, w: m.mean_iou(t, p, 4, w)),
    "mean_per_class_accuracy": (MULTI, lambda m, t, p, w: m.mean_per_class_accuracy(t, p, 4, w)),
    "recall_at_k": (TOP, lambda m, t, p, w: m.recall_at_k(t, p, 2, weights=w)),
    "recall_at_k_class": (TOP, lambda m, t, p, w: m.recall_at_k(t, p, 2, class_id=3, weights=w)),
    "precision_at_k": (TOP, lambda m, t, p, w: m.precision_at_k(t, p, 2, weights=w)),
    "precision_at_k_class": (TOP, lambda m, t, p, w: m.precision_at_k(t, p, 2, class_id=0, weights=w)),
    "recall_at_k_single": (TOP, lambda m, t, p, w: m.recall_at_k(t[:, 0], p, 2, weights=w)),
    "average_precision_at_k": (TOP, lambda m, t, p, w: m.average_precision_at_k(t, p, 3, weights=w)),
}


def streamed(
    name: str, weighted: bool, m: Any, graph_class: Any, make_placeholder: Any, session_class: Any, initializer: Any
) -> tuple[list[float], list[float]]:
    """Return the metric's value after two batches, and what the second update gave."""
    batches, call = CASES[name]
    with graph_class().as_default() as graph:
        inputs = [make_placeholder(array.dtype, array.shape[1:]) for array in batches]
        value, update = call(m, inputs[0], inputs[1], inputs[2] if weighted else None)
        with session_class(graph=graph) as session:
            session.run(initializer())
            for batch in zip(*batches, strict=True):
                updated = session.run(update, dict(zip(inputs, batch, strict=True)))
            return np.ravel(session.run(value)).tolist(), np.ravel(updated).tolist()


# Unweighted and weighted, of `tf.compat.v1.metrics`: the value after two batches, then the last update.
RECORDED: dict[str, list[tuple[list[float], list[float]]]] = {
    "mean": [([0.5], [0.5]), ([0.49], [0.49])],
    "mean_tensor": [
        ([0.5, 0.5, 0.55, 0.45], [0.5, 0.5, 0.55, 0.45]),
        ([0.2846154, 0.4, 0.7, 0.5222222], [0.2846154, 0.4, 0.7, 0.5222222]),
    ],
    "percentage_below": [([0.5], [0.5]), ([0.3857143], [0.3857143])],
    "accuracy": [([0.625], [0.625]), ([0.6857143], [0.6857143])],
    "mean_absolute_error": [([0.4], [0.4]), ([0.4528572], [0.4528572])],
    "mean_relative_error": [([0.2], [0.2]), ([0.08857143], [0.08857143])],
    "mean_squared_error": [([0.225], [0.225]), ([0.2672857], [0.2672857])],
    "root_mean_squared_error": [([0.4743416], [0.4743416]), ([0.5169968], [0.5169968])],
    "mean_cosine_distance": [([0.7], [0.7]), ([0.8742857], [0.8742857])],
    "true_positives": [([2.0], [2.0]), ([0.8], [0.8])],
    "true_negatives": [([2.0], [2.0]), ([2.0], [2.0])],
    "false_positives": [([2.0], [2.0]), ([3.5], [3.5])],
    "false_negatives": [([2.0], [2.0]), ([0.7], [0.7])],
    "precision": [([0.5], [0.5]), ([0.1860465], [0.1860465])],
    "recall": [([0.5], [0.5]), ([0.5333334], [0.5333334])],
    "true_positives_at": [([4.0, 2.0], [4.0, 2.0]), ([1.5, 0.8], [1.5, 0.8])],
    "true_negatives_at": [([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 2.0])],
    "false_positives_at": [([3.0, 2.0], [3.0, 2.0]), ([4.5, 3.5], [4.5, 3.5])],
    "false_negatives_at": [([0.0, 2.0], [0.0, 2.0]), ([0.0, 0.7], [0.0, 0.7])],
    "precision_at": [([0.5714286, 0.5], [0.5714286, 0.5]), ([0.25, 0.1860465], [0.25, 0.1860465])],
    "recall_at": [([1.0, 0.5], [1.0, 0.5]), ([0.9999999, 0.5333333], [0.9999999, 0.5333333])],
    "auc": [([0.7499999], [0.7499999]), ([0.7030303], [0.7030303])],
    "auc_minoring": [([0.7499999], [0.7499999]), ([0.7030303], [0.7030303])],
    "auc_majoring": [([0.7499999], [0.7499999]), ([0.7030303], [0.7030303])],
    "auc_thresholds": [([0.6562499], [0.6562499]), ([0.5454548], [0.5454548])],
    "auc_pr": [([0.7958332], [0.7958332]), ([0.6467438], [0.6467438])],
    "auc_pr_careful": [([0.7972674], [0.7972674]), ([0.64808], [0.64808])],
    "sensitivity": [([1.0], [1.0]), ([0.5333333], [0.5333333])],
    "specificity": [([1.0], [1.0]), ([1.0], [1.0])],
    "mean_iou": [
        ([0.4722222], [2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ([0.4747024], [2.5, 0.0, 0.0, 0.0, 0.7, 2.0, 0.5, 0.0, 0.0, 1.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ],
    "mean_per_class_accuracy": [([0.5], [1.0, 0.3333333, 0.6666667, 0.0]), ([0.4639423], [1.0, 0.625, 0.2307692, 0.0])],
    "recall_at_k": [([0.5714286], [0.5714286]), ([0.6083333], [0.6083333])],
    "recall_at_k_class": [([0.6666667], [0.6666667]), ([0.5333333], [0.5333333])],
    "precision_at_k": [([0.5], [0.5]), ([0.5214286], [0.5214286])],
    "precision_at_k_class": [([0.5], [0.5]), ([0.6571429], [0.6571429])],
    "recall_at_k_single": [([0.5], [0.5]), ([0.4714286], [0.4714286])],
    "average_precision_at_k": [([0.4895833], [0.4895833]), ([0.5440476], [0.5440476])],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_metric_equals_the_recorded_one(name: str, weighted: bool) -> None:
    got = streamed(name, weighted, METRICS, Graph, placeholder, Session, local_variables_initializer)
    for part, expected in zip(got, RECORDED[name][weighted], strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6)


def test_variables_are_local_and_named_after_the_metric() -> None:
    with Graph().as_default() as graph:
        value, update = means.mean(np.ones(3, np.float32))
        means.mean(np.ones(3, np.float32), name="mine")
        assert [v.name for v in local_variables()] == ["mean/total:0", "mean/count:0", "mine/total:0", "mine/count:0"]
        assert graph.get_collection(GraphKeys.METRIC_VARIABLES) == local_variables()
        assert global_variables() == []
        assert (value.name, update.name) == ("mean/value:0", "mean/update_op:0")


def test_results_enter_the_collections_asked_for() -> None:
    with Graph().as_default() as graph:
        value, update = means.accuracy([1, 2], [1, 3], metrics_collections=["m"], updates_collections=["u", "v"])
        assert graph.get_collection("m") == [value]
        assert graph.get_collection("u") == graph.get_collection("v") == [update]


def test_value_before_any_batch_is_zero() -> None:
    with Graph().as_default() as graph:
        value, _ = means.mean(np.ones(3, np.float32))
        with Session(graph=graph) as session:
            session.run(local_variables_initializer())
            assert session.run(value) == 0.0


def test_ranks_that_differ_by_an_axis_of_one_are_aligned() -> None:
    with Graph().as_default() as graph:
        _, update = means.accuracy(
            np.array([1, 2, 3]), np.array([[1], [2], [0]]), weights=np.array([[1.0], [0.0], [1.0]], np.float32)
        )
        with Session(graph=graph) as session:
            session.run(local_variables_initializer())
            assert session.run(update) == 0.5


def test_shapes_that_do_not_fit_are_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="incompatible"):
        means.accuracy(np.zeros(3, np.int32), np.zeros(4, np.int32))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: counts.auc(TRUTHS[0], SCORES[0], curve="LIFT"), "curve must be either ROC or PR"),
        (lambda: counts.auc(TRUTHS[0], SCORES[0], summation_method="exact"), "Invalid summation_method"),
        (lambda: counts.auc(TRUTHS[0], SCORES[0], thresholds=[1.5]), r"thresholds must lie in \[0, 1\]"),
        (lambda: counts.sensitivity_at_specificity(TRUTHS[0], SCORES[0], 1.5), "`specificity` must be in the range"),
        (lambda: ranking.average_precision_at_k(LABEL_SETS[0], RANKED[0], 0), "Invalid k=0"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, message: str) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", CASES)
def test_metrics_are_refused_when_executing_eagerly(name: str) -> None:
    batches, call = CASES[name]
    with context.eager_mode(), pytest.raises(RuntimeError, match="not supported when eager execution is enabled"):
        call(METRICS, *(array[0] for array in batches))
