"""The loss of sequences against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.runtime.session import Session
from penstock.seq2seq.loss import sequence_loss

RANDOM = np.random.RandomState(0)
LOGITS = RANDOM.randn(2, 4, 3).astype(np.float32)
TARGETS = RANDOM.randint(0, 3, (2, 4))
WEIGHTS = np.asarray([[1, 1, 0, 0], [1, 2, 0.5, 0]], np.float32)
SHIFTED = np.log(np.exp(LOGITS).sum(-1)) - np.take_along_axis(LOGITS, TARGETS[:, :, None], 2)[:, :, 0]
LOSSES = SHIFTED * WEIGHTS
COUNTS = WEIGHTS != 0


def flags(time, batch, sum_time=False, sum_batch=False):
    return {
        "average_across_timesteps": time,
        "average_across_batch": batch,
        "sum_over_timesteps": sum_time,
        "sum_over_batch": sum_batch,
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (flags(True, True), LOSSES.sum() / WEIGHTS.sum()),
        (flags(True, False), LOSSES.sum(1) / WEIGHTS.sum(1)),
        (flags(False, True), LOSSES.sum(0) / (WEIGHTS.sum(0) + 1e-12)),
        (flags(False, False), LOSSES),
        (flags(False, False, True, True), LOSSES.sum() / COUNTS.sum()),
        (flags(False, False, True), LOSSES.sum(1) / COUNTS.sum(1)),
        (flags(False, False, False, True), LOSSES.sum(0) / np.maximum(COUNTS.sum(0), 1)),
    ],
)
def test_losses_are_averaged_and_summed_as_asked(how, expected):
    with Graph().as_default(), Session() as session:
        np.testing.assert_allclose(session.run(sequence_loss(LOGITS, TARGETS, WEIGHTS, **how)), expected, rtol=1e-5)


def test_another_loss_can_be_used():
    with Graph().as_default(), Session() as session:
        loss = sequence_loss(LOGITS, TARGETS, WEIGHTS, softmax_loss_function=lambda labels, logits: logits[:, 0])
        np.testing.assert_allclose(session.run(loss), (LOGITS[..., 0] * WEIGHTS).sum() / WEIGHTS.sum(), rtol=1e-5)


def test_wrong_ranks_and_flags_are_errors():
    with Graph().as_default():
        with pytest.raises(ValueError, match="Logits must be a"):
            sequence_loss(LOGITS[0], TARGETS, WEIGHTS)
        with pytest.raises(ValueError, match="cannot be set to True at same time"):
            sequence_loss(LOGITS, TARGETS, WEIGHTS, sum_over_batch=True)
