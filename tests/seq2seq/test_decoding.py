"""Decoders: what they give must be what loops over their cells give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core.dtypes import float32, int32
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.variables import global_variables, global_variables_initializer, trainable_variables
from penstock.ops.array.gather import gather_nd
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims
from penstock.ops.constant import constant
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, greater_equal
from penstock.ops.math.positions import argmax
from penstock.ops.math.reduce import reduce_sum
from penstock.rnn.cells import GRUCell, LSTMCell, RNNCell
from penstock.rnn.loops import dynamic_rnn
from penstock.runtime.session import Session
from penstock.seq2seq.attention import BahdanauAttention, LuongAttention
from penstock.seq2seq.attention_wrapper import AttentionWrapper
from penstock.seq2seq.basic_decoder import BasicDecoder, BasicDecoderOutput
from penstock.seq2seq.beam_search import BeamSearchDecoder, tile_batch
from penstock.seq2seq.decoder import dynamic_decode
from penstock.seq2seq.helpers import (
    CustomHelper,
    GreedyEmbeddingHelper,
    InferenceHelper,
    SampleEmbeddingHelper,
    ScheduledEmbeddingTrainingHelper,
    ScheduledOutputTrainingHelper,
    TrainingHelper,
)

RANDOM = np.random.RandomState(3)
INPUTS = RANDOM.randn(3, 5, 4).astype(np.float32)
MEMORY = RANDOM.randn(3, 6, 4).astype(np.float32)
LENGTHS = [5, 2, 3]
VOCABULARY, STEPS, END = 5, 4, 0


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session, repeat=1):
    """Give the variables values; with `repeat` copies of a network, each copy the same."""
    count = len(global_variables()) // repeat
    for seed, variable in enumerate(global_variables()):
        values = np.random.RandomState(seed % count).randn(*variable.shape.as_list()).astype(np.float32)
        session.run(variable.assign(values))


class Table(RNNCell):
    """A cell whose logits are a row of a table, found by the number of the step and the last token."""

    def __init__(self, logits):
        super().__init__()
        self._logits = constant(logits)

    @property
    def state_size(self):
        return 1

    @property
    def output_size(self):
        return VOCABULARY

    def call(self, inputs, state):
        return gather_nd(self._logits, concat([cast(state, int32), cast(inputs, int32)], 1)), state + 1


def as_input(tokens):
    return expand_dims(cast(tokens, float32), -1)


def table(seed):
    return np.random.RandomState(seed).randn(STEPS, VOCABULARY, VOCABULARY).astype(np.float32) * 2


def test_a_training_decoder_gives_what_dynamic_rnn_gives(session):
    expected, state = dynamic_rnn(GRUCell(4), constant(INPUTS), LENGTHS, dtype=float32)
    cell = GRUCell(4)
    decoder = BasicDecoder(cell, TrainingHelper(constant(INPUTS), LENGTHS), cell.zero_state(3, float32))
    outputs, final, lengths = dynamic_decode(decoder, impute_finished=True)
    assert isinstance(outputs, BasicDecoderOutput)
    assert outputs.rnn_output.shape.as_list() == [3, None, 4]
    assert outputs.sample_id.shape.as_list() == [3, None]
    slopes = gradients(reduce_sum(expected**2), trainable_variables()[:4])
    slopes += gradients(reduce_sum(outputs.rnn_output**2), trainable_variables()[4:])
    fill(session, repeat=2)
    a, b, c, d, counts, tokens = session.run([expected, outputs.rnn_output, state, final, lengths, outputs.sample_id])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(c, d, rtol=1e-5, atol=1e-6)
    assert counts.tolist() == LENGTHS
    np.testing.assert_array_equal(tokens[0], a[0].argmax(-1))
    values = session.run(slopes)
    for one, other in zip(values[:4], values[4:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_time_major_inputs_and_outputs_are_the_same_numbers(session):
    cell = GRUCell(4)
    state = cell.zero_state(3, float32)
    usual, _, _ = dynamic_decode(BasicDecoder(cell, TrainingHelper(constant(INPUTS), LENGTHS), state), scope="s")
    helper = TrainingHelper(constant(INPUTS.transpose(1, 0, 2)), LENGTHS, time_major=True)
    turned, _, _ = dynamic_decode(BasicDecoder(cell, helper, state), output_time_major=True, scope="s")
    fill(session)
    a, b = session.run([usual.rnn_output, turned.rnn_output])
    np.testing.assert_array_equal(a, b.transpose(1, 0, 2))


def test_the_number_of_steps_can_be_limited(session):
    cell = GRUCell(4)
    decoder = BasicDecoder(cell, TrainingHelper(constant(INPUTS), LENGTHS), cell.zero_state(3, float32))
    outputs, _, lengths = dynamic_decode(decoder, maximum_iterations=3)
    none, _, _ = dynamic_decode(decoder, maximum_iterations=0)
    session.run(global_variables_initializer())
    a, b, c = session.run([outputs.rnn_output, lengths, none.rnn_output])
    assert a.shape == (3, 3, 4) and c.shape == (3, 0, 4)
    assert b.tolist() == [3, 2, 3]


def greedy(logits, start):
    tokens, token = [], start
    for time in range(STEPS):
        token = int(logits[time, token].argmax())
        tokens.append(token)
        if token == END:
            break
    return tokens


@pytest.mark.parametrize("seed", range(4))
def test_greedy_decoding_takes_the_likeliest_token(session, seed):
    logits, starts = table(seed), [1, 2, 3]
    cell = Table(logits)
    decoder = BasicDecoder(cell, GreedyEmbeddingHelper(as_input, starts, END), cell.zero_state(3, float32))
    outputs, _, lengths = dynamic_decode(decoder, maximum_iterations=STEPS)
    tokens, counts = session.run([outputs.sample_id, lengths])
    assert [list(row[:count]) for row, count in zip(tokens, counts, strict=True)] == [greedy(logits, s) for s in starts]


def test_sampling_follows_the_probabilities(session):
    logits = np.zeros((STEPS, VOCABULARY, VOCABULARY), np.float32)
    logits[:, :, 3] = 2.0
    cell = Table(logits)
    helper = SampleEmbeddingHelper(as_input, [1] * 2000, END, softmax_temperature=2.0, seed=1)
    outputs, _, _ = dynamic_decode(BasicDecoder(cell, helper, cell.zero_state(2000, float32)), maximum_iterations=1)
    share = (session.run(outputs.sample_id) == 3).mean()
    assert abs(share - np.e / (np.e + 4)) < 0.03


def scores(logits, start, length_penalty):
    """Return all sequences of at most STEPS tokens, the best first."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    found = []
    for tokens in itertools.product(range(VOCABULARY), repeat=STEPS):
        if END in tokens and any(token != END for token in tokens[tokens.index(END) :]):
            continue
        total, before, length = 0.0, start, 0
        for time, token in enumerate(tokens):
            total += log_probs[time, before, token]
            before = token
            if token == END:
                break
            length += 1
        # A sequence that had ended before the last step is ranked with the end token counted.
        length += END in tokens[: STEPS - 1]
        found.append((total / ((5 + length) / 6) ** length_penalty, tokens))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_sequences_of_all(session, seed, penalty):
    logits, width = table(seed), VOCABULARY ** (STEPS - 1)
    cell = Table(logits)
    decoder = BeamSearchDecoder(
        cell, as_input, [1, 2], END, cell.zero_state(2 * width, float32), width, length_penalty_weight=penalty
    )
    outputs, state, lengths = dynamic_decode(decoder, maximum_iterations=STEPS)
    tokens, ranking, counts = session.run([outputs.predicted_ids, outputs.beam_search_decoder_output.scores, lengths])
    assert tokens.shape == (2, STEPS, width) and counts.shape == (2, width)
    for row, start in enumerate([1, 2]):
        best = scores(logits, start, penalty)[:20]
        np.testing.assert_allclose(ranking[row, -1, :20], [score for score, _ in best], rtol=1e-5)
        assert [tuple(tokens[row, :, beam]) for beam in range(20)] == [sequence for _, sequence in best]


def test_a_beam_of_one_is_greedy(session):
    logits = table(7)
    cell = Table(logits)
    decoder = BeamSearchDecoder(cell, as_input, [3], END, cell.zero_state(1, float32), 1)
    outputs, _, _ = dynamic_decode(decoder, maximum_iterations=STEPS)
    expected = greedy(logits, 3)
    assert session.run(outputs.predicted_ids)[0, : len(expected), 0].tolist() == expected


@pytest.mark.parametrize("kind", [BahdanauAttention, LuongAttention])
def test_beam_search_with_attention_gives_the_greedy_sequence_for_a_beam_of_one_and_reorders_histories(session, kind):
    table_of = constant(np.random.RandomState(0).randn(VOCABULARY, 3).astype(np.float32))

    def parts(width):
        mechanism = kind(4, tile_batch(constant(MEMORY), width), tile_batch(constant([6, 2, 4]), width))
        cell = AttentionWrapper(LSTMCell(4), mechanism, VOCABULARY, alignment_history=True)
        return cell, cell.zero_state(3 * width, float32)

    cell, state = parts(1)
    starts = [1, 2, 3]
    plain, _, _ = dynamic_decode(
        BasicDecoder(cell, GreedyEmbeddingHelper(table_of, starts, END), state), maximum_iterations=6
    )
    cell, state = parts(1)
    single, _, _ = dynamic_decode(BeamSearchDecoder(cell, table_of, starts, END, state, 1), maximum_iterations=6)
    cell, state = parts(4)
    wide, final, lengths = dynamic_decode(
        BeamSearchDecoder(cell, table_of, starts, END, state, 4, coverage_penalty_weight=0.1), maximum_iterations=6
    )
    fill(session, repeat=3)
    a, b, c, d, history = session.run(
        [plain.sample_id, single.predicted_ids, wide.predicted_ids, lengths, final.cell_state.alignment_history.stack()]
    )
    ended = np.cumsum(a == END, 1) - (a == END) > 0
    np.testing.assert_array_equal(np.where(ended, END, a), b[:, :, 0])
    assert c.shape[::2] == (3, 4) and d.shape == (3, 4)
    assert history.shape == (c.shape[1], 12, 6)
    np.testing.assert_allclose(history.sum(-1), 1.0, rtol=1e-5)
    assert (history.reshape(-1, 3, 4, 6)[:, 1, :, 2:] == 0).all()  # the second memory has two steps


def test_scheduled_helpers_read_given_inputs_or_their_own(session):
    cell = Table(table(1))
    given = np.asarray([[1, 2, 3, 4]] * 2, np.float32)[:, :, None]
    lengths = [4, 4]
    start = cell.zero_state(2, float32)
    never = ScheduledEmbeddingTrainingHelper(constant(given), lengths, as_input, 0.0)
    always = ScheduledEmbeddingTrainingHelper(constant(given), lengths, as_input, 1.0, seed=1)
    training = TrainingHelper(constant(given), lengths)
    runs = [dynamic_decode(BasicDecoder(cell, helper, start))[0] for helper in (never, always, training)]
    (logits, tokens), (own, sampled), (expected, _) = session.run(runs)
    np.testing.assert_array_equal(logits, expected)
    assert (tokens == -1).all() and (sampled >= 0).all()
    for row in range(2):
        for time in range(1, 4):
            np.testing.assert_array_equal(own[row, time], table(1)[time, sampled[row, time - 1]])


def test_scheduled_outputs_are_read_where_chosen(session):
    cell = GRUCell(4)
    start = cell.zero_state(3, float32)
    plain = TrainingHelper(constant(INPUTS), [5] * 3)
    never = ScheduledOutputTrainingHelper(constant(INPUTS), [5] * 3, 0.0)
    always = ScheduledOutputTrainingHelper(constant(INPUTS), [5] * 3, 1.0)
    a, b, c = (dynamic_decode(BasicDecoder(cell, helper, start), scope="s")[0] for helper in (plain, never, always))
    fill(session)
    first, second, third = session.run([a.rnn_output, b.rnn_output, c.rnn_output])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[:, 0], third[:, 0])
    assert abs(first - third).max() > 1e-3
    again, _ = cell(constant(third[:, 3]), constant(third[:, 3]))
    np.testing.assert_allclose(session.run(again), third[:, 4], rtol=1e-5)


def test_custom_and_inference_helpers_decide_themselves(session):
    logits = table(2)
    cell = Table(logits)
    custom = CustomHelper(
        lambda: (constant([False, False]), constant([[1.0], [2.0]])),
        lambda time, outputs, state: cast(argmax(outputs, -1), int32),
        lambda time, outputs, state, sample_ids: (greater_equal(time, [1, 3]), as_input(sample_ids), state),
    )
    outputs, _, lengths = dynamic_decode(BasicDecoder(cell, custom, cell.zero_state(2, float32)))
    inference = InferenceHelper(
        lambda outputs: cast(argmax(outputs, -1), int32),
        [],
        int32,
        constant([[1.0], [2.0]]),
        lambda tokens: equal(tokens, END),
        as_input,
    )
    other, _, _ = dynamic_decode(BasicDecoder(cell, inference, cell.zero_state(2, float32)), maximum_iterations=STEPS)
    tokens, counts, inferred = session.run([outputs.sample_id, lengths, other.sample_id])
    assert counts.tolist() == [2, 4]
    for row, start in enumerate([1, 2]):
        expected = greedy(logits, start)
        assert inferred[row, : len(expected)].tolist() == expected


def test_wrong_arguments_are_named():
    with Graph().as_default():
        cell = GRUCell(4)
        with pytest.raises(TypeError, match="Expected decoder to be type Decoder"):
            dynamic_decode(object())
        with pytest.raises(TypeError, match="helper must be a Helper"):
            BasicDecoder(cell, object(), cell.zero_state(1, float32))
        with pytest.raises(ValueError, match="start_tokens must be a vector"):
            GreedyEmbeddingHelper(as_input, 1, END)
        with pytest.raises(ValueError, match="Expected sequence_length to be a vector"):
            TrainingHelper(constant(INPUTS), 3)
        with pytest.raises(ValueError, match="maximum_iterations must be a scalar"):
            decoder = BasicDecoder(cell, TrainingHelper(constant(INPUTS), LENGTHS), cell.zero_state(3, float32))
            dynamic_decode(decoder, maximum_iterations=[1, 2])
        mechanism = LuongAttention(4, constant(MEMORY))
        with pytest.raises(ValueError, match="Non-matching batch sizes"):
            AttentionWrapper(cell, mechanism).zero_state(12, float32)
        with pytest.raises(ValueError, match=r"Query .* has units: 3\. Keys .* have units: 4"):
            mechanism(constant(np.ones((3, 3), np.float32)), None)
