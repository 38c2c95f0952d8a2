"""Losses over the target classes and a few drawn ones."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.tape import GradientTape
from penstock.language.resource_variable import ResourceVariable
from penstock.ops.nn import sampled
from penstock.testing.op_case import normal

WEIGHTS, BIASES = normal(6, 3), normal(6, seed=1)
INPUTS, LABELS = normal(2, 3, seed=2), np.array([[1], [4]])
SAMPLED = (np.array([0, 4, 5]), np.full((2, 1), 0.5, np.float32), np.array([0.5, 0.25, 0.5], np.float32))


def logits(remove_hits):
    ids = np.concatenate([LABELS.reshape(-1), SAMPLED[0]])
    weights, biases = WEIGHTS[ids], BIASES[ids]
    true = (INPUTS * weights[:2]).sum(1, keepdims=True) + biases[:2, None] - np.log(0.5)
    drawn = INPUTS @ weights[2:].T + biases[2:] - np.log(SAMPLED[2])
    if remove_hits:
        drawn[1, 1] = -np.inf
    return np.concatenate([true, drawn], axis=1)


@pytest.mark.parametrize("remove_hits", [False, True])
def test_sampled_softmax_is_the_cross_entropy_over_corrected_logits(remove_hits):
    scores = logits(remove_hits)
    expected = -scores[:, 0] + np.log(np.exp(scores).sum(1))
    with context.eager_mode():
        loss = sampled.sampled_softmax_loss(
            WEIGHTS, BIASES, LABELS, INPUTS, 3, 6, sampled_values=SAMPLED, remove_accidental_hits=remove_hits
        )
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5)


def test_nce_sums_the_logistic_losses():
    scores = logits(False)
    expected = np.log1p(np.exp(-scores[:, 0])) + np.log1p(np.exp(scores[:, 1:])).sum(1)
    with context.eager_mode():
        loss = sampled.nce_loss(WEIGHTS, BIASES, LABELS, INPUTS, 3, 6, sampled_values=SAMPLED)
        parts = [WEIGHTS[:3], WEIGHTS[3:]], [BIASES[:3], BIASES[3:]]
        split = sampled.nce_loss(*parts, LABELS, INPUTS, 3, 6, sampled_values=SAMPLED)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(split.numpy(), expected, rtol=1e-5)


def test_gradients_reach_the_rows_that_were_used_only():
    with context.eager_mode(), GradientTape() as tape:
        weights = ResourceVariable(WEIGHTS)
        loss = sampled.sampled_softmax_loss_v1(weights, BIASES, LABELS, INPUTS, 3, 6, sampled_values=SAMPLED)
    with context.eager_mode():
        grad = tape.gradient(loss, weights)
    assert set(grad.indices.numpy().tolist()) == {0, 1, 4, 5}
