"""Cells run over time: outputs, states, gradients and names against numbers recorded from TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import nest
from penstock.core.dtypes import float32
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.control_flow import cond
from penstock.language.tensor_array import TensorArray
from penstock.language.variables import global_variables, global_variables_initializer, trainable_variables
from penstock.ops.array.filling import zeros
from penstock.ops.constant import constant, identity, placeholder
from penstock.ops.math.reduce import reduce_all, reduce_sum
from penstock.rnn.cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell
from penstock.rnn.loops import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    raw_rnn,
    static_bidirectional_rnn,
    static_rnn,
    static_state_saving_rnn,
)
from penstock.rnn.wrappers import ResidualWrapper
from penstock.runtime.session import Session

INPUTS = np.random.RandomState(0).randn(2, 4, 3).astype(np.float32)
LENGTHS = [4, 2]


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session):
    """Give the variables the values that they had in the recording."""
    for seed, variable in enumerate(global_variables()):
        values = np.random.RandomState(seed).randn(*variable.shape.as_list()).astype(np.float32) * 0.5
        session.run(variable.assign(values))


def steps():
    return [constant(INPUTS[:, time]) for time in range(4)]


def over_time(cell, **options):
    return dynamic_rnn(cell, constant(INPUTS), sequence_length=LENGTHS, dtype=float32, **options)[0]


def raw():
    cell = LSTMCell(2)
    rows = TensorArray(float32, 4).unstack(INPUTS.transpose(1, 0, 2))

    def decide(time, output, state, loop_state):
        finished = constant(LENGTHS) <= time
        following = cond(reduce_all(finished), lambda: zeros([2, 3]), lambda: rows.read(time))
        return finished, following, cell.zero_state(2, float32) if output is None else state, output, None

    return raw_rnn(cell, decide)[0].stack()


RUNS = {
    "basic": lambda: over_time(BasicRNNCell(2)),
    "basic_lstm": lambda: over_time(BasicLSTMCell(2)),
    "basic_lstm_one_tensor": lambda: over_time(BasicLSTMCell(2, state_is_tuple=False)),
    "gru": lambda: over_time(GRUCell(2)),
    "lstm": lambda: over_time(LSTMCell(2, use_peepholes=True, cell_clip=0.5, num_proj=3, proj_clip=0.3)),
    "lstm_one_tensor": lambda: over_time(LSTMCell(2, num_proj=3, state_is_tuple=False)),
    "multi": lambda: over_time(MultiRNNCell([GRUCell(3), ResidualWrapper(LSTMCell(3))])),
    "time_major": lambda: dynamic_rnn(GRUCell(2), constant(INPUTS), dtype=float32, time_major=True)[0],
    "static": lambda: static_rnn(BasicLSTMCell(2), steps(), dtype=float32, sequence_length=LENGTHS)[0],
    "bidirectional": lambda: bidirectional_dynamic_rnn(
        GRUCell(2), GRUCell(2), constant(INPUTS), LENGTHS, dtype=float32
    )[0],
    "static_bidirectional": lambda: static_bidirectional_rnn(GRUCell(2), GRUCell(2), steps(), dtype=float32)[0],
    "raw": raw,
}
# Names of the variables, the sum of the squares of all outputs, and for each variable that of its gradient.
RECORDED = {
    "basic": (
        ["rnn/basic_rnn_cell/kernel", "rnn/basic_rnn_cell/bias"],
        8.0871,
        [3.0533, 1.1872],
    ),
    "basic_lstm": (
        ["rnn/basic_lstm_cell/kernel", "rnn/basic_lstm_cell/bias"],
        1.8799,
        [17.9705, 7.7817],
    ),
    "basic_lstm_one_tensor": (
        ["rnn/basic_lstm_cell/kernel", "rnn/basic_lstm_cell/bias"],
        1.8799,
        [17.9705, 7.7817],
    ),
    "gru": (
        [
            "rnn/gru_cell/gates/kernel",
            "rnn/gru_cell/gates/bias",
            "rnn/gru_cell/candidate/kernel",
            "rnn/gru_cell/candidate/bias",
        ],
        0.6236,
        [0.7356, 0.2146, 0.7404, 0.5678],
    ),
    "lstm": (
        [
            "rnn/lstm_cell/kernel",
            "rnn/lstm_cell/bias",
            "rnn/lstm_cell/w_f_diag",
            "rnn/lstm_cell/w_i_diag",
            "rnn/lstm_cell/w_o_diag",
            "rnn/lstm_cell/projection/kernel",
        ],
        0.3805,
        [0.8834, 1.1272, 0.0002, 0.0, 0.0002, 0.0613],
    ),
    "lstm_one_tensor": (
        ["rnn/lstm_cell/kernel", "rnn/lstm_cell/bias", "rnn/lstm_cell/projection/kernel"],
        3.2894,
        [11.5279, 5.2927, 34.2157],
    ),
    "multi": (
        [
            "rnn/multi_rnn_cell/cell_0/gru_cell/gates/kernel",
            "rnn/multi_rnn_cell/cell_0/gru_cell/gates/bias",
            "rnn/multi_rnn_cell/cell_0/gru_cell/candidate/kernel",
            "rnn/multi_rnn_cell/cell_0/gru_cell/candidate/bias",
            "rnn/multi_rnn_cell/cell_1/lstm_cell/kernel",
            "rnn/multi_rnn_cell/cell_1/lstm_cell/bias",
        ],
        3.7289,
        [2.9406, 1.5957, 3.5732, 3.8114, 6.3645, 8.3212],
    ),
    "time_major": (
        [
            "rnn/gru_cell/gates/kernel",
            "rnn/gru_cell/gates/bias",
            "rnn/gru_cell/candidate/kernel",
            "rnn/gru_cell/candidate/bias",
        ],
        1.8025,
        [1.9007, 0.8681, 2.3282, 1.0386],
    ),
    "static": (
        ["rnn/basic_lstm_cell/kernel", "rnn/basic_lstm_cell/bias"],
        1.8799,
        [17.9705, 7.7817],
    ),
    "bidirectional": (
        [
            "bidirectional_rnn/fw/gru_cell/gates/kernel",
            "bidirectional_rnn/fw/gru_cell/gates/bias",
            "bidirectional_rnn/fw/gru_cell/candidate/kernel",
            "bidirectional_rnn/fw/gru_cell/candidate/bias",
            "bidirectional_rnn/bw/gru_cell/gates/kernel",
            "bidirectional_rnn/bw/gru_cell/gates/bias",
            "bidirectional_rnn/bw/gru_cell/candidate/kernel",
            "bidirectional_rnn/bw/gru_cell/candidate/bias",
        ],
        1.5566,
        [0.7356, 0.2146, 0.7404, 0.5678, 1.3857, 0.2688, 1.1897, 0.6714],
    ),
    "static_bidirectional": (
        [
            "bidirectional_rnn/fw/gru_cell/gates/kernel",
            "bidirectional_rnn/fw/gru_cell/gates/bias",
            "bidirectional_rnn/fw/gru_cell/candidate/kernel",
            "bidirectional_rnn/fw/gru_cell/candidate/bias",
            "bidirectional_rnn/bw/gru_cell/gates/kernel",
            "bidirectional_rnn/bw/gru_cell/gates/bias",
            "bidirectional_rnn/bw/gru_cell/candidate/kernel",
            "bidirectional_rnn/bw/gru_cell/candidate/bias",
        ],
        4.9715,
        [1.9401, 0.6432, 8.1907, 3.8936, 6.7323, 2.1062, 5.4424, 2.1745],
    ),
    "raw": (
        ["rnn/lstm_cell/kernel", "rnn/lstm_cell/bias"],
        1.8799,
        [17.9705, 7.7817],
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_numbers_gradients_and_names_are_tensorflows(session, name):
    outputs = nest.flatten(RUNS[name]())
    variables = trainable_variables()
    loss = sum(reduce_sum(output * output) for output in outputs)
    slopes = gradients(loss, variables)
    fill(session)
    names, expected_loss, expected_slopes = RECORDED[name]
    assert [variable.name for variable in variables] == [f"{item}:0" for item in names]
    found, values = session.run([loss, slopes])
    np.testing.assert_allclose(found, expected_loss, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose([np.square(value).sum() for value in values], expected_slopes, rtol=1e-3, atol=2e-3)


def test_the_numbers_of_steps_and_sequences_may_be_known_late(session):
    x, lengths = placeholder("float32", [None, None, 3]), placeholder("int64", [None])
    outputs, state = dynamic_rnn(GRUCell(2), x, lengths, dtype=float32)
    assert outputs.shape.as_list() == [None, None, 2]
    fill(session)
    long = session.run([outputs, state], {x: INPUTS, lengths: LENGTHS})
    short = session.run([outputs, state], {x: INPUTS[:1, :3], lengths: [3]})
    np.testing.assert_allclose(long[0][0, :3], short[0][0], rtol=1e-6)
    assert not long[0][1, 2:].any()
    np.testing.assert_allclose(long[1][1], long[0][1, 1])


def test_a_static_and_a_dynamic_run_agree(session):
    cell = BasicLSTMCell(2)
    outputs, state = dynamic_rnn(cell, constant(INPUTS), LENGTHS, dtype=float32)
    same, same_state = static_rnn(cell, steps(), dtype=float32, sequence_length=LENGTHS)
    fill(session)
    a, b, c, d = session.run([outputs, same, state, same_state])
    np.testing.assert_allclose(a, np.stack(b, 1), rtol=1e-6)
    np.testing.assert_allclose(c, d, rtol=1e-6)
    assert len(global_variables()) == 2


def test_an_initial_state_is_where_a_run_starts(session):
    cell = BasicRNNCell(2)
    whole, last = dynamic_rnn(cell, constant(INPUTS), dtype=float32)
    _, middle = dynamic_rnn(cell, constant(INPUTS[:, :2]), dtype=float32)
    rest, same = dynamic_rnn(cell, constant(INPUTS[:, 2:]), initial_state=middle)
    fill(session)
    a, b, c, d = session.run([whole, last, rest, same])
    np.testing.assert_allclose(a[:, 2:], c, rtol=1e-6)
    np.testing.assert_allclose(b, d, rtol=1e-6)


def test_a_saved_state_is_read_and_written(session):
    class Saver:
        def __init__(self):
            self.saved = {}

        def state(self, name):
            return zeros([2, 2])

        def save_state(self, name, value):
            self.saved[name] = identity(value)
            return self.saved[name].op

    saver = Saver()
    outputs, state = static_state_saving_rnn(BasicRNNCell(2), steps(), saver, "h")
    fill(session)
    np.testing.assert_array_equal(*session.run([state, saver.saved["h"]]))
    assert saver.saved["h"].op in outputs[-1].op.control_inputs


def test_a_network_learns_through_time(session):
    outputs, _ = dynamic_rnn(GRUCell(4), constant(INPUTS), dtype=float32)
    loss = reduce_sum((outputs[:, :, 0] - INPUTS[:, :, 0]) ** 2.0)
    updates = [v.assign_sub(0.1 * g) for v, g in zip(trainable_variables(), gradients(loss, trainable_variables()))]
    session.run(global_variables_initializer())
    before = session.run(loss)
    for _ in range(30):
        session.run(updates)
    assert session.run(loss) < 0.5 * before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dynamic_rnn(GRUCell(2), constant(INPUTS)), ValueError, "must give a dtype"),
        (lambda: dynamic_rnn(1, constant(INPUTS)), TypeError, "not an RNNCell"),
        (lambda: dynamic_rnn(GRUCell(2), constant(INPUTS), [1, 2, 3], dtype=float32), ValueError, "length batch_size"),
        (lambda: dynamic_rnn(GRUCell(2), constant(INPUTS), [5, 2], dtype=float32), ValueError, "4 steps"),
        (lambda: dynamic_rnn(GRUCell(2), placeholder("float32", [2, 3, None]), dtype=float32), ValueError, "depth"),
        (lambda: static_rnn(GRUCell(2), [], dtype=float32), ValueError, "must not be empty"),
        (lambda: static_rnn(GRUCell(2), constant(INPUTS), dtype=float32), TypeError, "sequence"),
        (lambda: raw_rnn(GRUCell(2), 1), TypeError, "callable"),
    ],
)
def test_mistakes_are_refused(session, call, error, message):
    with pytest.raises(error, match=message):
        call()
