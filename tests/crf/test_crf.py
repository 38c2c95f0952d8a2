"""Conditional random fields against sums over all sequences of tags."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.crf.decoding import crf_decode, viterbi_decode
from penstock.crf.scores import (
    crf_binary_score,
    crf_log_likelihood,
    crf_log_norm,
    crf_multitag_sequence_score,
    crf_sequence_score,
    crf_unary_score,
)
from penstock.language.variables import global_variables_initializer, trainable_variables
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session

RANDOM = np.random.RandomState(0)
UNARY = RANDOM.randn(4, 5, 3).astype(np.float32)
TRANSITIONS = RANDOM.randn(3, 3).astype(np.float32)
TAGS = RANDOM.randint(0, 3, (4, 5)).astype(np.int32)
LENGTHS = [5, 3, 1, 0]


def score(unary, tags):
    total = sum(unary[time, tag] for time, tag in enumerate(tags))
    return total + sum(TRANSITIONS[a, b] for a, b in zip(tags, tags[1:], strict=False))


def all_scores(row):
    """Return (score, tags) of all sequences of a row's length."""
    return [(score(UNARY[row], tags), tags) for tags in itertools.product(range(3), repeat=LENGTHS[row])]


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def test_scores_add_unary_and_transition_scores(session):
    total = crf_sequence_score(UNARY, TAGS, LENGTHS, TRANSITIONS)
    parts = crf_unary_score(TAGS, LENGTHS, UNARY) + crf_binary_score(TAGS, LENGTHS, TRANSITIONS)
    expected = [score(UNARY[row], TAGS[row, :length]) for row, length in enumerate(LENGTHS)]
    for result in session.run([total, parts]):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_the_norm_sums_over_all_sequences(session):
    expected = [np.log(sum(np.exp(value) for value, _ in all_scores(row))) if LENGTHS[row] else 0 for row in range(4)]
    np.testing.assert_allclose(session.run(crf_log_norm(UNARY, LENGTHS, TRANSITIONS)), expected, rtol=1e-5)


def test_likelihoods_sum_to_one_and_make_a_variable(session):
    likelihood, transitions = crf_log_likelihood(UNARY, TAGS, LENGTHS)
    assert [variable.op.name for variable in trainable_variables()] == ["transitions"]
    session.run(global_variables_initializer())
    total = 0.0
    tags = placeholder("int32", [1, 3])
    one, _ = crf_log_likelihood(UNARY[1:2], np.zeros((1, 5), np.int32), [3], TRANSITIONS)
    likely, _ = crf_log_likelihood(UNARY[1:2, :3], tags, [3], TRANSITIONS)
    for sequence in itertools.product(range(3), repeat=3):
        total += np.exp(session.run(likely, {tags: [sequence]}))[0]
    assert total == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(session.run(one), session.run(likely, {tags: [[0, 0, 0]]}), rtol=1e-5)
    assert session.run(gradients(likelihood, [transitions])[0]).shape == (3, 3)


def test_gradients_are_expected_minus_observed(session):
    unary = constant(UNARY[:1])
    likelihood, _ = crf_log_likelihood(unary, TAGS[:1], [5], TRANSITIONS)
    slope = session.run(gradients(likelihood, [unary])[0])[0]
    values = np.asarray([value for value, _ in all_scores(0)])
    weights = np.exp(values - np.log(np.exp(values).sum()))
    expected = np.eye(3)[TAGS[0]]
    for weight, (_, tags) in zip(weights, all_scores(0), strict=True):
        expected = expected - weight * np.eye(3)[list(tags)]
    np.testing.assert_allclose(slope, expected, atol=1e-5)


def test_several_tags_may_be_allowed(session):
    allowed = RANDOM.rand(4, 5, 3) < 0.7
    allowed[:, :, 0] = True
    result = session.run(crf_multitag_sequence_score(UNARY, allowed, LENGTHS, TRANSITIONS))
    for row in range(3):
        sums = [np.exp(v) for v, tags in all_scores(row) if all(allowed[row, t, tag] for t, tag in enumerate(tags))]
        assert result[row] == pytest.approx(np.log(sum(sums)), rel=1e-5)


def test_decoding_finds_the_best_of_all(session):
    tags, best = session.run(crf_decode(UNARY, TRANSITIONS, LENGTHS))
    assert tags.dtype == np.int32 and tags.shape == (4, 5)
    for row in range(3):
        value, sequence = max(all_scores(row))
        assert tuple(tags[row, : LENGTHS[row]]) == sequence
        assert best[row] == pytest.approx(value, rel=1e-5)
        assert (tags[row, LENGTHS[row] :] == 0).all()
        decoded, total = viterbi_decode(UNARY[row, : LENGTHS[row]], TRANSITIONS)
        assert tuple(decoded) == sequence and total == pytest.approx(value, rel=1e-5)
    assert best[3] == 0
