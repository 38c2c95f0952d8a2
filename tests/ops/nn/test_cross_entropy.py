"""Cross entropies, their derivatives and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_op,
    softmax_cross_entropy_with_logits_v1,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits_op,
    weighted_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits_v1,
)
from penstock.testing.op_case import OpCase, normal, uniform


def log_softmax(x):
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


def dense(x, labels):
    return [-(labels * log_softmax(x)).sum(-1), np.exp(log_softmax(x)) - labels]


def sparse(x, labels):
    return dense(x, np.eye(x.shape[-1])[labels])


X, P = normal(3, 4), uniform(0.1, 1, 3, 4)
P /= P.sum(-1, keepdims=True)
LABELS = np.array([0, 3, 1])
CASES = [
    OpCase(softmax_cross_entropy_with_logits_op, [X, P], dense, gradient=None),
    OpCase(softmax_cross_entropy_with_logits_op, [X, P[:1]], dense, name="broadcast", gradient=None),
    OpCase(sparse_softmax_cross_entropy_with_logits_op, [X, LABELS], sparse),
    OpCase(sparse_softmax_cross_entropy_with_logits_op, [X, LABELS.astype(np.int32)], sparse, name="int32"),
    OpCase(
        sparse_softmax_cross_entropy_with_logits_op,
        [X[:0], LABELS[:0]],
        [np.zeros(0), np.zeros((0, 4))],
        name="no-rows",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_any_rank_and_axis_give_the_same_losses():
    x, p = normal(2, 4, 3), np.moveaxis(np.stack([P, P]), -1, 1)
    expected = -(np.moveaxis(p, 1, -1) * log_softmax(np.moveaxis(x, 1, -1))).sum(-1)
    np.testing.assert_allclose(softmax_cross_entropy_with_logits(p, x, axis=1).numpy(), expected)
    np.testing.assert_allclose(softmax_cross_entropy_with_logits_v2(p, x, dim=1).numpy(), expected)
    np.testing.assert_allclose(softmax_cross_entropy_with_logits_v1(labels=p, logits=x, dim=1).numpy(), expected)
    last = np.moveaxis(x, 1, -1)
    labels = np.zeros((2, 3), np.int64)
    np.testing.assert_allclose(
        sparse_softmax_cross_entropy_with_logits(labels, last).numpy(), -log_softmax(last)[..., 0]
    )


def test_only_the_first_version_stops_the_gradient_into_labels():
    x, p = convert_to_tensor(X), convert_to_tensor(P)
    for function, connected in (
        (softmax_cross_entropy_with_logits_v1, False),
        (softmax_cross_entropy_with_logits, True),
    ):
        with GradientTape() as tape:
            tape.watch([x, p])
            loss = function(labels=p, logits=x)
        grad_x, grad_p = tape.gradient(loss, [x, p])
        np.testing.assert_allclose(grad_x.numpy(), dense(X, P)[1], atol=1e-12)
        assert (grad_p is not None) == connected


def test_the_loss_has_second_derivatives_in_the_logits_and_none_in_the_labels():
    def slope(x):
        return ((np.exp(log_softmax(x)) - P) ** 2).sum()

    x, p = convert_to_tensor(X), convert_to_tensor(P)
    with GradientTape() as outer:
        outer.watch([x, p])
        with GradientTape() as tape:
            tape.watch(x)
            loss = softmax_cross_entropy_with_logits_op(x, p).loss
        grad = tape.gradient(loss, x)
        squares = grad * grad
    second, into_labels = outer.gradient(squares, [x, p])
    for place in np.ndindex(*X.shape):
        step = np.zeros(X.shape)
        step[place] = 1e-6
        assert second.numpy()[place] == pytest.approx((slope(X + step) - slope(X - step)) / 2e-6, abs=1e-7)
    np.testing.assert_array_equal(into_labels.numpy(), np.zeros(P.shape))


def test_half_precision_is_computed_in_float32():
    loss = softmax_cross_entropy_with_logits(P.astype(np.float16), X.astype(np.float16))
    assert loss.dtype == "float16"
    np.testing.assert_allclose(loss.numpy(), dense(X, P)[0], rtol=1e-2)


def test_sigmoid_cross_entropies_agree_with_their_formulas_and_stay_finite():
    q = 1 / (1 + np.exp(-X))
    expected = -P * np.log(q) - (1 - P) * np.log(1 - q)
    np.testing.assert_allclose(sigmoid_cross_entropy_with_logits(P, X).numpy(), expected)
    weighted = -3 * P * np.log(q) - (1 - P) * np.log(1 - q)
    np.testing.assert_allclose(weighted_cross_entropy_with_logits(P, X, 3.0).numpy(), weighted)
    np.testing.assert_allclose(
        weighted_cross_entropy_with_logits_v1(targets=P, logits=X, pos_weight=3.0).numpy(), weighted
    )
    large = np.array([-1e4, 1e4])
    np.testing.assert_allclose(sigmoid_cross_entropy_with_logits(np.array([0.0, 0.0]), large).numpy(), [0, 1e4])


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_out_of_range_are_refused_by_name(label):
    with pytest.raises(InvalidArgumentError, match=rf"label value of {label} .* \[0, 4\)"):
        sparse_softmax_cross_entropy_with_logits(np.array([0, label, 1]), X)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="rank"):
        sparse_softmax_cross_entropy_with_logits(P, X)
    with pytest.raises(ValueError, match="except for the last dimension"):
        sparse_softmax_cross_entropy_with_logits(np.array([1, 2]), X)
    with pytest.raises(ValueError, match="scalar"):
        sparse_softmax_cross_entropy_with_logits(1, 1.0)
    with pytest.raises(ValueError, match="same shape"):
        sigmoid_cross_entropy_with_logits(P[:2], X)
    with pytest.raises(ValueError, match="must be provided"):
        sigmoid_cross_entropy_with_logits(P, None)
    with pytest.raises(InvalidArgumentError, match="broadcast"):
        softmax_cross_entropy_with_logits(P[:2], X)


def test_static_shapes_leave_out_the_classes():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, 7, 5])
        labels = lookup("Placeholder")(dtype=np.int64, shape=[None, 7])
        assert softmax_cross_entropy_with_logits(x, x).dims == (None, 7)
        assert sparse_softmax_cross_entropy_with_logits(labels, x).dims == (None, 7)


def test_the_other_axes_keep_their_order():
    logits = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    loss = softmax_cross_entropy_with_logits(np.full_like(logits, 0.5), logits, axis=0)
    assert loss.shape.as_list() == [2, 3]
    np.testing.assert_allclose(loss.numpy(), np.full((2, 3), 3.0024757), rtol=1e-5)
    with pytest.raises(InvalidArgumentError):
        softmax_cross_entropy_with_logits(logits, logits, axis=3)
