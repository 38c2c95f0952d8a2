"""The CTC loss against a sum over all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.nn.ctc import ctc_greedy_decoder_op, ctc_loss, ctc_loss_op, ctc_loss_v2_op
from penstock.testing.op_case import OpCase, normal

LOGITS = normal(4, 2, 3)
LENGTHS = np.array([4, 3], np.int32)
# One-hot paths 0 0 - 0 1 and 1 1, with - for the blank.
PATHS = np.eye(3)[np.array([[0, 1], [0, 1], [2, 0], [0, 0], [1, 0]])]
INDICES = np.array([[0, 0], [0, 1], [1, 0]], np.int64)


def _loss(logits, labels, blank, merges=True):
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        kept = [k for k, _ in itertools.groupby(path)] if merges else path
        if [k for k in kept if k != blank] == labels:
            total += np.prod([probabilities[step, k] for step, k in enumerate(path)])
    return -np.log(total)


def _expected(labels, blank, merges=True):
    return np.array([_loss(LOGITS[: LENGTHS[i], i], labels[i], blank, merges) for i in range(2)])


def _first_output(op, blank, values, merges=True):
    result = op(LOGITS.astype(np.float32), INDICES, np.array(values, np.int32), LENGTHS, ctc_merge_repeated=merges)
    return result[0].numpy(), _expected([values[:2], values[2:]], blank, merges)


CASES = [
    OpCase(ctc_loss_op, [LOGITS, INDICES, np.array([0, 1, 1], np.int32), LENGTHS], gradient=None),
    OpCase(
        ctc_loss_v2_op,
        [LOGITS.astype(np.float32), INDICES, np.array([1, 1, 2], np.int32), LENGTHS],
        gradient=None,
    ),
    OpCase(
        ctc_greedy_decoder_op,
        [PATHS, np.array([5, 2], np.int32)],
        [
            np.array([[0, 0], [0, 1], [0, 2], [1, 0]], np.int64),
            np.array([0, 0, 1, 1], np.int64),
            np.array([2, 3], np.int64),
            np.array([[-5], [-2.0]]),
        ],
        {"merge_repeated": True},
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("merges", [True, False])
@pytest.mark.parametrize(
    ("op", "blank", "values"),
    [(ctc_loss_op, 2, [0, 0, 1]), (ctc_loss_op, 2, [0, 1, 1]), (ctc_loss_v2_op, 0, [2, 1, 1])],
)
def test_the_loss_sums_over_all_paths(op, blank, values, merges):
    got, expected = _first_output(op, blank, values, merges)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("blank", [0, 1, 2, -1])
def test_dense_labels(blank):
    labels = [k for k in range(3) if k != blank % 3]
    dense = np.array([labels, [labels[1], 0]])
    got = ctc_loss(dense, LOGITS, [2, 1], LENGTHS, blank_index=blank).numpy()
    np.testing.assert_allclose(got, _expected([labels, labels[1:]], blank % 3), rtol=1e-9)
    by_batch = ctc_loss(dense, LOGITS.transpose(1, 0, 2), [2, 1], LENGTHS, False, blank_index=blank).numpy()
    np.testing.assert_allclose(by_batch, got)


def test_the_gradient_is_the_slope():
    values = np.array([0, 1, 1], np.int32)
    gradient = ctc_loss_op(LOGITS, INDICES, values, LENGTHS)[1].numpy()
    for place in np.ndindex(*LOGITS.shape):
        sides = []
        for sign in (1, -1):
            moved = LOGITS.copy()
            moved[place] += sign * 1e-5
            sides.append(ctc_loss_op(moved, INDICES, values, LENGTHS)[0].numpy()[place[1]])
        assert gradient[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-6)


def test_labels_outside_of_the_classes_are_refused():
    with pytest.raises(InvalidArgumentError, match="label"):
        ctc_loss_op(LOGITS, INDICES, np.array([0, 1, 2], np.int32), LENGTHS)
    with pytest.raises(InvalidArgumentError, match="Not enough time"):
        ctc_loss_op(LOGITS, INDICES, np.array([0, 1, 1], np.int32), np.array([1, 3], np.int32))


def test_a_dense_label_that_is_the_blank_counts_as_a_label() -> None:
    logits = (np.arange(24).reshape((2, 4, 3)).astype(np.float32) - 12) / 100
    got = ctc_loss(np.array([[1, 2, 1, 0], [1, 2, 0, 2]]), logits, [3, 3], [4, 4], False, blank_index=0).numpy()
    np.testing.assert_allclose(got, [2.4429312, 2.4543595], rtol=1e-6)  # measured with TensorFlow 2.21
