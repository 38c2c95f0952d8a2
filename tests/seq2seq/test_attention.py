"""Attention mechanisms against formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.dtypes import float32
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.variables import global_variables, trainable_variables
from penstock.ops.constant import constant
from penstock.ops.math.reduce import reduce_sum
from penstock.rnn.cells import BasicRNNCell
from penstock.runtime.session import Session
from penstock.seq2seq.attention import (
    BahdanauAttention,
    BahdanauMonotonicAttention,
    LuongAttention,
    LuongMonotonicAttention,
    hardmax,
    monotonic_attention,
    safe_cumprod,
)
from penstock.seq2seq.attention_wrapper import AttentionWrapper
from penstock.seq2seq.beam_search import tile_batch

RANDOM = np.random.RandomState(0)
MEMORY = RANDOM.randn(2, 5, 3).astype(np.float32)
QUERY = RANDOM.randn(2, 4).astype(np.float32)
LENGTHS = np.asarray([5, 3])


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session):
    values = {}
    for seed, variable in enumerate(global_variables()):
        value = np.asarray(np.random.RandomState(seed).randn(*variable.shape.as_list()), np.float32)
        session.run(variable.assign(value))
        values[variable.op.name.rsplit("/", 2)[-1 if "attention_" in variable.op.name else -2]] = value
    return values


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def masked_memory():
    mask = np.arange(5)[None] < LENGTHS[:, None]
    return MEMORY * mask[:, :, None], mask


def expected_bahdanau(v, normalize):
    memory, mask = masked_memory()
    together = (QUERY @ v["query_layer"])[:, None] + memory @ v["memory_layer"]
    direction = v["attention_v"]
    if normalize:
        together = together + v["attention_b"]
        direction = v["attention_g"] * direction / np.sqrt((direction**2).sum())
    return (direction * np.tanh(together)).sum(-1), mask


@pytest.mark.parametrize("normalize", [False, True])
def test_bahdanau_is_additive(session, normalize):
    mechanism = BahdanauAttention(4, constant(MEMORY), LENGTHS, normalize=normalize)
    weights, state = mechanism(constant(QUERY), mechanism.initial_state(2, float32))
    v = fill(session)
    scores, mask = expected_bahdanau(v, normalize)
    np.testing.assert_allclose(session.run(weights), softmax(np.where(mask, scores, -np.inf)), rtol=1e-5)
    assert mechanism.alignments_size == mechanism.state_size == 5
    names = {variable.op.name for variable in trainable_variables()}
    assert "bahdanau_attention/query_layer/kernel" in names and "memory_layer/kernel" in names


@pytest.mark.parametrize("scale", [False, True])
def test_luong_is_multiplicative(session, scale):
    mechanism = LuongAttention(4, constant(MEMORY), LENGTHS, scale=scale, score_mask_value=-1e9)
    weights, _ = mechanism(constant(QUERY), mechanism.initial_state(2, float32))
    v = fill(session)
    memory, mask = masked_memory()
    scores = np.einsum("bd,btd->bt", QUERY, memory @ v["memory_layer"]) * (v["attention_g"] if scale else 1)
    np.testing.assert_allclose(session.run(weights), softmax(np.where(mask, scores, -1e9)), rtol=1e-5)


def test_another_function_can_make_the_weights(session):
    mechanism = LuongAttention(4, constant(MEMORY), probability_fn=hardmax)
    weights, _ = mechanism(constant(QUERY), mechanism.initial_state(2, float32))
    v = fill(session)
    scores = np.einsum("bd,btd->bt", QUERY, MEMORY @ v["memory_layer"])
    np.testing.assert_array_equal(session.run(weights), np.eye(5)[scores.argmax(-1)])


def moved_forward(p, previous):
    """Return the probability that each step is chosen: the head stands at a step of `previous` and goes on from
    there."""
    result = np.zeros_like(p)
    for row in range(p.shape[0]):
        for start in range(p.shape[1]):
            still = previous[row, start]
            for at in range(start, p.shape[1]):
                result[row, at] += still * p[row, at]
                still *= 1 - p[row, at]
    return result


@pytest.mark.parametrize("mode", ["recursive", "parallel"])
def test_monotonic_weights_only_move_forward(session, mode):
    p = RANDOM.uniform(0.1, 0.9, (3, 6)).astype(np.float32)
    previous = softmax(RANDOM.randn(3, 6).astype(np.float32))
    weights = monotonic_attention(constant(p), constant(previous), mode)
    np.testing.assert_allclose(session.run(weights), moved_forward(p, previous), rtol=1e-4, atol=1e-6)


def test_hard_monotonic_weights_choose_the_next_step(session):
    p = np.asarray([[1, 0, 1, 0, 1]], np.float32)
    previous = np.asarray([[0, 1, 0, 0, 0]], np.float32)
    assert session.run(monotonic_attention(p, previous, "hard")).tolist() == [[0, 0, 1, 0, 0]]
    with pytest.raises(ValueError, match="mode must be"):
        monotonic_attention(p, previous, "soft")


@pytest.mark.parametrize("kind", [BahdanauMonotonicAttention, LuongMonotonicAttention])
def test_monotonic_mechanisms_start_at_the_first_step_and_use_their_last_weights(session, kind):
    mechanism = kind(4, constant(MEMORY), LENGTHS, score_bias_init=-1.0, mode="recursive")
    first = mechanism.initial_state(2, float32)
    weights, _ = mechanism(constant(QUERY), constant(np.eye(5, dtype=np.float32)[[1, 2]]))
    v = fill(session)
    if kind is BahdanauMonotonicAttention:
        scores, mask = expected_bahdanau(v, False)
    else:
        memory, mask = masked_memory()
        scores = np.einsum("bd,btd->bt", QUERY, memory @ v["memory_layer"])
    p = 1 / (1 + np.exp(-np.where(mask, scores + v["attention_score_bias"], -np.inf)))
    np.testing.assert_allclose(session.run(weights), moved_forward(p, np.eye(5)[[1, 2]]), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(session.run(first), np.eye(5)[[0, 0]])


def test_safe_cumprod_has_finite_gradients_at_zero(session):
    x = constant([0.5, 0.0, 0.25])
    values, slopes = session.run([safe_cumprod(x), gradients(reduce_sum(safe_cumprod(x)), [x])[0]])
    np.testing.assert_allclose(values, [0.5, 0.0, 0.0], atol=1e-6)
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("output_attention", [True, False])
def test_the_wrapper_joins_reads_and_maps(session, output_attention):
    mechanism = LuongAttention(4, constant(MEMORY), LENGTHS)
    cell = AttentionWrapper(BasicRNNCell(4), mechanism, 2, output_attention=output_attention, alignment_history=True)
    state = cell.zero_state(2, float32)
    assert cell.output_size == (2 if output_attention else 4)
    x = RANDOM.randn(2, 3).astype(np.float32)
    output, state = cell(constant(x), state)
    output, state = cell(constant(x), state)
    v = fill_named(session)
    memory, mask = masked_memory()
    attention, h = np.zeros((2, 2)), np.zeros((2, 4))
    for _ in range(2):
        joined = np.concatenate([x, attention, h], 1)
        h = np.tanh(joined @ v["attention_wrapper/basic_rnn_cell/kernel"] + v["attention_wrapper/basic_rnn_cell/bias"])
        scores = np.einsum("bd,btd->bt", h, memory @ v["memory_layer/kernel"])
        weights = softmax(np.where(mask, scores, -np.inf))
        found = np.einsum("bt,btd->bd", weights, memory)
        attention = np.concatenate([h, found], 1) @ v["attention_wrapper/attention_layer/kernel"]
    got, alignments, time, history = session.run(
        [output, state.alignments, state.time, state.alignment_history.stack()]
    )
    np.testing.assert_allclose(got, attention if output_attention else h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alignments, weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(history[1], alignments)
    assert time == 2


def fill_named(session):
    values = {}
    for seed, variable in enumerate(global_variables()):
        values[variable.op.name] = np.random.RandomState(seed).randn(*variable.shape.as_list()).astype(np.float32)
        session.run(variable.assign(values[variable.op.name]))
    return values


def test_several_mechanisms_are_joined_and_states_can_be_cloned(session):
    mechanisms = [LuongAttention(4, constant(MEMORY)), BahdanauAttention(3, constant(MEMORY))]
    cell = AttentionWrapper(BasicRNNCell(4), mechanisms, [2, 5])
    first = cell.zero_state(2, float32).clone(cell_state=constant(QUERY))
    output, state = cell(constant(np.ones((2, 3), np.float32)), first)
    assert output.shape.as_list() == [2, 7]
    assert isinstance(state.alignments, tuple) and len(state.alignments) == 2
    with pytest.raises(ValueError, match="shape"):
        first.clone(cell_state=constant(QUERY[:, :2]))
    with pytest.raises(ValueError, match="exactly one entry per attention_mechanism"):
        AttentionWrapper(BasicRNNCell(4), mechanisms, 2)


def test_tile_batch_repeats_next_to_each_other(session):
    tiled = tile_batch((constant([[1, 2], [3, 4]]), constant([5, 6])), 2)
    matrix, vector = session.run(tiled)
    assert matrix.tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert vector.tolist() == [5, 5, 6, 6]
    assert tiled[0].shape.as_list() == [4, 2]
