"""Losses against numbers of TensorFlow 2.21 and against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core import context
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.losses import losses
from penstock.losses.losses import Reduction
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session

PREDICTIONS = np.array([[0.1, 0.9, 0.4], [0.8, 0.3, 0.6]], np.float32)
LABELS = np.array([[0.0, 1.0, 0.5], [0.2, 0.7, 0.9]], np.float32)
BINARY = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]], np.float32)
LOGITS = np.array([[-2.0, 0.5, 3.0], [0.3, -0.7, 1.1]], np.float32)
ROWS = np.array([[2.0], [0.0]], np.float32)
CLASSES = np.array([2, 0])


def run(build: Any) -> Any:
    with Graph().as_default() as graph:
        tensor = build()
        with Session(graph=graph) as session:
            return session.run(tensor)


# Values of TensorFlow 2.21, `tf.compat.v1.losses`, for the arrays above.
# Unweighted, and with weights ROWS.
RECORDED: dict[str, tuple[float, float]] = {
    "absolute_difference": (0.2666666507720947, 0.20000000298023224),
    "cosine_distance": (-0.005000025033950806, -0.20000004768371582),
    "hinge_loss": (0.25, 0.3333333432674408),
    "huber_loss": (0.044999998062849045, 0.010000001639127731),
    "log_loss": (0.6262686848640442, 0.6161858439445496),
    "mean_squared_error": (0.10666666179895401, 0.020000003278255463),
    "mean_pairwise_squared_error": (0.6333333253860474, 0.0533333420753479),
    "sigmoid_cross_entropy": (0.3790781795978546, 0.6163949370384216),
    "softmax_cross_entropy": (0.8104342222213745, 0.6701945662498474),
    "sparse_softmax_cross_entropy": (0.6821008920669556, 0.17019452154636383),
}


CALLS: dict[str, Any] = {
    "absolute_difference": lambda **k: losses.absolute_difference(LABELS, PREDICTIONS, **k),
    "cosine_distance": lambda **k: losses.cosine_distance(LABELS, PREDICTIONS, axis=1, **k),
    "hinge_loss": lambda **k: losses.hinge_loss(BINARY, LOGITS, **k),
    "huber_loss": lambda **k: losses.huber_loss(LABELS, PREDICTIONS, delta=0.3, **k),
    "log_loss": lambda **k: losses.log_loss(LABELS, PREDICTIONS, **k),
    "mean_squared_error": lambda **k: losses.mean_squared_error(LABELS, PREDICTIONS, **k),
    "mean_pairwise_squared_error": lambda **k: losses.mean_pairwise_squared_error(LABELS, PREDICTIONS, **k),
    "sigmoid_cross_entropy": lambda **k: losses.sigmoid_cross_entropy(BINARY, LOGITS, label_smoothing=0.1, **k),
    "softmax_cross_entropy": lambda **k: losses.softmax_cross_entropy(
        np.eye(3)[CLASSES], LOGITS, label_smoothing=0.1, **k
    ),
    "sparse_softmax_cross_entropy": lambda **k: losses.sparse_softmax_cross_entropy(CLASSES, LOGITS, **k),
}


def weights_for(name: str) -> np.ndarray:
    return ROWS[:, 0] if "softmax" in name else ROWS


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_equals_the_recorded_one(name: str, weighted: bool) -> None:
    value = run(lambda: CALLS[name](**({"weights": weights_for(name)} if weighted else {})))
    assert value == pytest.approx(RECORDED[name][weighted], rel=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_eager_loss_equals_the_graph_s(name: str) -> None:
    graph_value = run(lambda: CALLS[name](weights=weights_for(name)))
    with context.eager_mode():
        assert CALLS[name](weights=weights_for(name)).numpy() == pytest.approx(graph_value, rel=1e-6)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        (Reduction.SUM, lambda e, w: (e * w).sum()),
        (Reduction.SUM_OVER_BATCH_SIZE, lambda e, w: (e * w).sum() / e.size),
        (Reduction.MEAN, lambda e, w: (e * w).sum() / (w * np.ones_like(e)).sum()),
        (Reduction.SUM_BY_NONZERO_WEIGHTS, lambda e, w: (e * w).sum() / ((w != 0) * np.ones_like(e)).sum()),
        (Reduction.NONE, lambda e, w: e * w),
    ],
)
@pytest.mark.parametrize("weights", [np.float32(1.0), np.float32(0.5), ROWS], ids=["one", "half", "rows"])
def test_reduction_divides_by_what_it_names(reduction: str, expected: Any, weights: Any) -> None:
    error = np.abs(LABELS - PREDICTIONS)
    value = run(lambda: losses.absolute_difference(LABELS, PREDICTIONS, weights=weights, reduction=reduction))
    np.testing.assert_allclose(value, expected(error, weights), rtol=1e-6)


def test_weights_of_zero_give_zero_not_nan() -> None:
    assert run(lambda: losses.mean_squared_error(LABELS, PREDICTIONS, weights=0.0)) == 0.0


def test_unknown_reduction_is_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="Invalid Reduction Key average"):
        losses.mean_squared_error(LABELS, PREDICTIONS, reduction="average")


@pytest.mark.parametrize("weights", [np.ones(3, np.float32), np.ones((2, 2), np.float32)], ids=["rank", "size"])
def test_weights_that_broadcast_only_by_numpy_s_rule_are_refused(weights: np.ndarray) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="weights can not be broadcast to values"):
        losses.mean_squared_error(LABELS, PREDICTIONS, weights=weights)


def test_weights_of_unknown_shape_are_checked_when_the_graph_runs() -> None:
    with Graph().as_default() as graph:
        weights = placeholder(np.float32)
        loss = losses.mean_squared_error(LABELS, PREDICTIONS, weights=weights)
        with Session(graph=graph) as session:
            expected = (np.square(LABELS - PREDICTIONS) * ROWS).sum() / 3
            assert session.run(loss, {weights: ROWS}) == pytest.approx(expected, rel=1e-5)
            with pytest.raises(Exception, match="weights can not be broadcast"):
                session.run(loss, {weights: np.ones(3, np.float32)})


def test_labels_of_another_shape_are_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="incompatible"):
        losses.mean_squared_error(LABELS[:, :2], PREDICTIONS)


def test_none_is_refused_by_name() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="labels"):
        losses.mean_squared_error(None, PREDICTIONS)


def test_loss_enters_its_collection_under_its_name() -> None:
    with Graph().as_default() as graph:
        loss = losses.mean_squared_error(LABELS, PREDICTIONS)
        other = losses.mean_squared_error(LABELS, PREDICTIONS, loss_collection=None)
        assert loss.name == "mean_squared_error/value:0"
        assert other.name == "mean_squared_error_1/value:0"
        assert graph.get_collection(GraphKeys.LOSSES) == [loss]


def test_loss_keeps_the_type_of_half_precision_logits() -> None:
    with Graph().as_default():
        loss = losses.sigmoid_cross_entropy(BINARY, LOGITS.astype(np.float16))
        assert loss.dtype.name == "float16"


def test_sparse_labels_with_a_last_axis_of_one_equal_those_without() -> None:
    flat = run(lambda: losses.sparse_softmax_cross_entropy(CLASSES, LOGITS, weights=ROWS[:, 0]))
    assert run(lambda: losses.sparse_softmax_cross_entropy(CLASSES[:, None], LOGITS, weights=ROWS)) == flat


def test_gradient_flows_to_predictions_and_not_through_one_hot_labels() -> None:
    with Graph().as_default() as graph:
        labels, logits = constant(np.eye(3, dtype=np.float32)[CLASSES]), constant(LOGITS)
        loss = losses.softmax_cross_entropy(labels, logits)
        to_logits, to_labels = gradients_of(graph, [loss], [logits, labels])
        assert to_labels is None
        probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
        with Session(graph=graph) as session:
            np.testing.assert_allclose(
                session.run(to_logits), (probabilities - np.eye(3)[CLASSES]) / 2, rtol=1e-4, atol=1e-6
            )
