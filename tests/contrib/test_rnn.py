"""Further cells against NumPy, and layers of bidirectional networks against their parts."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.contrib.convolutional_cells import Conv2DLSTMCell
from penstock.contrib.lstm_cells import LSTMBlockCell
from penstock.contrib.rnn_cells import (
    CFNCell,
    GRUBlockCell,
    GRUBlockCellV2,
    IndRNNCell,
    IndyGRUCell,
    IntersectionRNNCell,
    MinimalRNNCell,
    NASCell,
    SRUCell,
    UGRNNCell,
)
from penstock.contrib.rnn_loops import (
    FusedRNNCellAdaptor,
    LSTMBlockFusedCell,
    TimeReversedFusedRNN,
    stack_bidirectional_dynamic_rnn,
    stack_bidirectional_rnn,
    transpose_batch_time,
)
from penstock.contrib.rnn_wrappers import (
    AttentionCellWrapper,
    CompiledWrapper,
    EmbeddingWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
)
from penstock.core.dtypes import float32
from penstock.core.graph import Graph
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.language.variables import global_variables
from penstock.ops.constant import constant
from penstock.rnn.cells import BasicLSTMCell, GRUCell, LSTMStateTuple, MultiRNNCell, RNNCell
from penstock.rnn.loops import bidirectional_dynamic_rnn, dynamic_rnn
from penstock.runtime.session import Session

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(2, 3).astype(np.float32)
C = RANDOM.randn(2, 4).astype(np.float32)
H = RANDOM.randn(2, 4).astype(np.float32)
SERIES = RANDOM.randn(2, 5, 3).astype(np.float32)


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session):
    values = {}
    for seed, variable in enumerate(global_variables()):
        value = np.asarray(np.random.RandomState(seed).randn(*variable.shape.as_list()), np.float32)
        session.run(variable.assign(value))
        values[variable.op.name.partition("/")[2]] = value
    return values


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def close(session, got, expected):
    for a, b in zip(session.run(got), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_block_cells_have_the_numbers_of_plain_ones(session):
    state = LSTMStateTuple(constant(C), constant(H))
    pairs = [LSTMBlockCell(4)(constant(X), state)[0], BasicLSTMCell(4)(constant(X), state)[0]]
    grus = [GRUBlockCellV2(4, name="a")(constant(X), constant(H))[0], GRUCell(4, name="b")(constant(X), constant(H))[0]]
    assert global_variables()[0].op.name == "lstm_cell/kernel"
    older = GRUBlockCell(cell_size=4, name="c")
    older.build(constant(X).shape)
    assert [weight.op.name for weight in older.variables] == ["c/w_ru", "c/b_ru", "c/w_c", "c/b_c"]
    for index, variable in enumerate(global_variables()):
        index = index % 2 if index < 4 else index % 4  # the same values for both cells of a pair
        session.run(variable.assign(np.random.RandomState(index).randn(*variable.shape.as_list())))
    for one, other in (pairs, grus):
        np.testing.assert_array_equal(*session.run([one, other]))


def test_update_gate_network(session):
    output, state = UGRNNCell(4)(constant(X), constant(H))
    v = fill(session)
    g, c = np.split(np.concatenate([X, H], 1) @ v["kernel"] + v["bias"], 2, 1)
    g = sigmoid(g + 1)
    expected = g * H + (1 - g) * np.tanh(c)
    close(session, [output, state], [expected, expected])


def test_independent_and_simple_units(session):
    independent, _ = IndRNNCell(4, name="a")(constant(X), constant(H))
    simple, memory = SRUCell(4, name="b")(constant(X), constant(C))
    v = {}
    for seed, variable in enumerate(global_variables()):
        v[variable.op.name] = np.random.RandomState(seed).randn(*variable.shape.as_list()).astype(np.float32)
        session.run(variable.assign(v[variable.op.name]))
    x, f, r, highway = np.split(X @ v["b/kernel"], 4, 1)
    f, r = np.split(sigmoid(np.concatenate([f, r], 1) + v["b/bias"]), 2, 1)
    c = f * C + (1 - f) * x
    close(
        session,
        [independent, simple, memory],
        [np.tanh(X @ v["a/kernel_w"] + H * v["a/kernel_u"] + v["a/bias"]), r * np.tanh(c) + (1 - r) * highway, c],
    )


def test_diagonal_gates(session):
    output, state = IndyGRUCell(4)(constant(X), constant(H))
    v = fill(session)
    r, u = np.split(sigmoid(X @ v["gates/kernel_w"] + np.tile(H, [1, 2]) * v["gates/kernel_u"] + v["gates/bias"]), 2, 1)
    new = np.tanh(X @ v["candidate/kernel_w"] + r * H * v["candidate/kernel_u"] + v["candidate/bias"])
    expected = u * H + (1 - u) * new
    close(session, [output, state], [expected, expected])


def test_gates_through_time_and_depth(session):
    cell = IntersectionRNNCell(4, num_in_proj=4)
    output, state = cell(constant(X), constant(H))
    v = fill(session)
    x = X @ v["in_projection/kernel"] + v["in_projection/bias"]
    gh, h, gy, y = np.split(np.concatenate([x, H], 1) @ v["kernel"] + v["bias"], 4, 1)
    gh, gy = sigmoid(gh + 1), sigmoid(gy + 1)
    close(session, [output, state], [gy * x + (1 - gy) * np.maximum(y, 0), gh * H + (1 - gh) * np.tanh(h)])
    assert len(cell.trainable_variables) == 4
    with pytest.raises(ValueError, match="4 units, but inputs of shape .*num_in_proj"):
        IntersectionRNNCell(4)(constant(X), constant(H))


def test_minimal_and_chaos_free_networks(session):
    minimal, _ = MinimalRNNCell(4, name="a")(constant(X), constant(H))
    free, after = CFNCell(4, name="b")(constant(X), constant(H))
    assert [v.op.name for v in global_variables()] == ["a/kernel", "a/bias", "b/kernel", "b/recurrent_kernel", "b/bias"]
    v = {}
    for seed, variable in enumerate(global_variables()):
        v[variable.op.name] = np.random.RandomState(seed).randn(*variable.shape.as_list()).astype(np.float32)
        session.run(variable.assign(v[variable.op.name]))
    z = np.tanh(X @ v["a/kernel"][:3])
    u = sigmoid(np.concatenate([z, H], 1) @ v["a/kernel"][3:] + v["a/bias"])
    theta, eta, new = np.split(X @ v["b/kernel"], 3, 1)
    theta, eta = np.split(sigmoid(np.concatenate([theta, eta], 1) + H @ v["b/recurrent_kernel"] + v["b/bias"]), 2, 1)
    expected = theta * np.tanh(H) + eta * np.tanh(new)
    close(session, [minimal, free, after], [u * H + (1 - u) * z, expected, expected])


def test_the_searched_cell(session):
    cell = NASCell(4, num_proj=3, use_bias=True)
    h = H[:, :3]
    output, (c, m) = cell(constant(X), LSTMStateTuple(constant(C), constant(h)))
    v = fill(session)
    x = np.split(X @ v["kernel"], 8, 1)
    r = np.split(h @ v["recurrent_kernel"] + v["bias"], 8, 1)
    relu = np.vectorize(lambda z: max(z, 0.0))
    first = np.tanh(sigmoid(x[0] + r[0]) * relu(x[1] + r[1]))
    second = np.tanh(sigmoid(x[2] + r[2]) + relu(x[3] * r[3]))
    third = np.tanh(np.tanh(x[4] + r[4]) * sigmoid(x[5] + r[5]))
    fourth = sigmoid(np.tanh(x[6] + r[6]) + sigmoid(x[7] + r[7]))
    memory = np.tanh(first + C) * second
    shown = np.tanh(memory * np.tanh(third + fourth)) @ v["projection_weights"]
    close(session, [output, c, m], [shown, memory, shown])


def test_convolutional_lstm_with_filters_of_one_is_an_lstm_of_pixels(session):
    cell = Conv2DLSTMCell(input_shape=[3, 3, 3], output_channels=4, kernel_shape=[1, 1], skip_connection=True)
    images = RANDOM.randn(2, 3, 3, 3).astype(np.float32)
    state = cell.zero_state(2, float32)
    assert cell.output_size.as_list() == [3, 3, 7]
    output, _ = cell(constant(images), state)
    v = fill(session)
    gates = np.concatenate([images, np.zeros((2, 3, 3, 4))], -1) @ v["kernel"][0, 0] + v["biases"]
    i, j, f, o = np.split(gates, 4, -1)
    shown = np.tanh(sigmoid(i) * np.tanh(j)) * sigmoid(o)
    close(session, [output], [np.concatenate([shown, images], -1)])


def test_wrappers(session):
    with variable_scope("scope"):
        wrapped = HighwayWrapper(GRUCell(4))
        highway, _ = wrapped(constant(H), constant(C))
        plain, _ = GRUCell(4, name="gru_cell", reuse=True)(constant(H), constant(C))
    v = fill(session)
    gate = sigmoid(H @ v["carry_w"] + v["carry_b"])
    close(session, [highway], [H * gate + session.run(plain) * (1 - gate)])
    assert [w.op.name for w in wrapped.variables][-2:] == ["scope/carry_w", "scope/carry_b"]
    embedded, _ = EmbeddingWrapper(GRUCell(4), 7, 3)(constant([[1], [2]]), constant(H))
    projected, _ = InputProjectionWrapper(GRUCell(4), 5)(constant(X), constant(H))
    mapped, _ = OutputProjectionWrapper(GRUCell(4), 6)(constant(X), constant(H))
    assert [t.shape.as_list() for t in (embedded, projected, mapped)] == [[2, 4], [2, 4], [2, 6]]
    compiled = CompiledWrapper(GRUCell(4))
    assert compiled(constant(X), constant(H))[0].shape.as_list() == [2, 4] and len(compiled.variables) == 4
    assert "embedding_wrapper/gru_cell/gates/kernel" in [variable.op.name for variable in global_variables()]


def test_a_cell_of_a_program_has_the_variables_that_its_call_makes(session):
    class Cell(RNNCell):
        state_size = output_size = 4

        def call(self, inputs, state):
            scale = get_variable("scale", [], trainable=False)
            return inputs @ get_variable("w", [3, 4]) * scale + state, state

    cell = Cell()
    outer = MultiRNNCell([cell, GRUCell(4)])
    dynamic_rnn(outer, constant(SERIES), dtype=float32)
    assert [v.op.name.rpartition("/")[2] for v in cell.trainable_variables] == ["w"]
    assert [v.op.name.rpartition("/")[2] for v in cell.variables] == ["w", "scale"]
    assert len(outer.trainable_variables) == 5
    wrapped = InputProjectionWrapper(GRUCell(4), 5)
    wrapped(constant(X), constant(H))
    InputProjectionWrapper(GRUCell(4), 5)(constant(X), constant(H))  # a second one has variables of its own
    assert sorted(v.op.name.partition("/")[0] for v in wrapped.variables) == ["input_projection_wrapper"] * 6


def test_attention_to_the_last_outputs(session):
    cell = AttentionCellWrapper(GRUCell(4), 3, attn_vec_size=2)
    kept = RANDOM.randn(2, 12).astype(np.float32)
    output, (state, found, after) = cell(constant(X), (constant(C), constant(H), constant(kept)))
    v = fill(session)
    joined = np.concatenate([X, H], 1) @ v["input_projection/kernel"] + v["input_projection/bias"]
    gates = sigmoid(np.concatenate([joined, C], 1) @ v["gru_cell/gates/kernel"] + v["gru_cell/gates/bias"])
    r, u = np.split(gates, 2, 1)
    new = np.tanh(np.concatenate([joined, r * C], 1) @ v["gru_cell/candidate/kernel"] + v["gru_cell/candidate/bias"])
    hidden = u * C + (1 - u) * new
    window = kept.reshape(2, 3, 4)
    asked = (hidden @ v["attention/kernel"] + v["attention/bias"])[:, None]
    scores = (v["attention/attn_v"] * np.tanh(window @ v["attention/attn_w"][0, 0] + asked)).sum(2)
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    attended = np.einsum("bt,btd->bd", weights, window)
    shown = (
        np.concatenate([hidden, attended], 1) @ v["attn_output_projection/kernel"] + v["attn_output_projection/bias"]
    )
    expected = np.concatenate([window[:, 1:], shown[:, None]], 1).reshape(2, 12)
    close(session, [output, state, found, after], [shown, hidden, attended, expected])


def test_layers_of_bidirectional_networks_are_those_layers_one_by_one(session):
    outputs, forward, backward = stack_bidirectional_dynamic_rnn(
        [GRUCell(4), GRUCell(2)], [GRUCell(4), GRUCell(2)], constant(SERIES), dtype=float32, sequence_length=[5, 3]
    )
    assert outputs.shape.as_list() == [2, 5, 4]
    assert global_variables()[0].op.name == "stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/gru_cell/gates/kernel"
    both, _ = bidirectional_dynamic_rnn(GRUCell(4), GRUCell(4), constant(SERIES), [5, 3], dtype=float32, scope="one")
    from penstock.ops.array.joining import concat

    again, last = bidirectional_dynamic_rnn(GRUCell(2), GRUCell(2), concat(both, 2), [5, 3], dtype=float32, scope="two")
    variables = global_variables()
    for index, variable in enumerate(variables):
        session.run(
            variable.assign(np.random.RandomState(index % (len(variables) // 2)).randn(*variable.shape.as_list()))
        )
    close(session, [outputs, forward[1], backward[1]], session.run([concat(again, 2), *last]))


def test_lists_of_steps_work_alike(session):
    steps = [constant(SERIES[:, time]) for time in range(5)]
    outputs, forward, backward = stack_bidirectional_rnn([GRUCell(4)], [GRUCell(4)], steps, dtype=float32)
    assert len(outputs) == 5 and len(forward) == len(backward) == 1
    with pytest.raises(ValueError, match="same depth"):
        stack_bidirectional_rnn([GRUCell(4)], [GRUCell(4), GRUCell(4)], steps, dtype=float32)


def test_fused_cells_run_over_time(session):
    turned = transpose_batch_time(constant(SERIES))
    fused, state = LSTMBlockFusedCell(4)(turned, dtype=float32, sequence_length=[5, 3])
    assert global_variables()[0].op.name == "lstm_fused_cell/kernel"
    plain, last = dynamic_rnn(BasicLSTMCell(4), constant(SERIES), [5, 3], dtype=float32)
    for index, variable in enumerate(global_variables()):
        session.run(variable.assign(np.random.RandomState(index % 2).randn(*variable.shape.as_list())))
    close(session, [transpose_batch_time(fused), *state], session.run([plain, *last]))


def test_fused_networks_can_run_backward(session):
    turned = transpose_batch_time(constant(SERIES))
    cell = GRUCell(4)
    backward, _ = TimeReversedFusedRNN(FusedRNNCellAdaptor(cell, use_dynamic_rnn=True))(
        turned, dtype=float32, sequence_length=[5, 3], scope="s"
    )
    again, _ = FusedRNNCellAdaptor(cell)(constant(SERIES[:, ::-1].transpose(1, 0, 2).copy()), dtype=float32, scope="s")
    fill(session)
    a, b = session.run([backward, again])
    np.testing.assert_allclose(a[:, 0], b[::-1, 0], rtol=1e-5, atol=1e-6)
    assert (a[3:, 1] == 0).all()
